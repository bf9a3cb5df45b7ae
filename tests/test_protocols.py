"""What the lab does: steps in order, preparation, refusals."""

from __future__ import annotations

import dataclasses
import pickle

import pytest

import sscell
from sscell.errors import ParameterError
from sscell.protocols import (
    at,
    charge,
    cv,
    cycle,
    discharge,
    hold,
    impedance,
    potential_step,
    preparation,
    prepared,
    rate_test,
    rest,
    then,
)


@pytest.mark.parametrize("first", ["discharge", "charge"])
def test_cycle_starts_with_the_cells_own_first_step(first):
    steps = sscell.cycle("C/20", cycles=2, rest="1 h").steps(first)
    other = "charge" if first == "discharge" else "discharge"
    assert [s.direction for s in steps] == [first, "rest", other, "rest"] * 2
    assert [s.cycle for s in steps] == [1] * 4 + [2] * 4
    assert {s.duration for s in steps if s.direction == "rest"} == {3600.0}


@pytest.mark.parametrize(
    ("protocol", "state", "first", "expected"),
    [
        (sscell.discharge(), "pristine", "discharge", []),
        (sscell.charge(), "pristine", "discharge", ["discharge"]),
        (sscell.discharge(), "pristine", "charge", ["charge"]),
        (sscell.charge(), "pristine", "charge", []),
        (sscell.charge(), "charged", "discharge", ["discharge"]),
        (sscell.discharge(), "charged", "discharge", []),
        (sscell.discharge(), "discharged", "discharge", ["charge"]),
        (sscell.charge(), "between", "discharge", []),
        (sscell.cycle(), "pristine", "charge", []),
        (sscell.rest("1 h"), "discharged", "discharge", []),
    ],
)
def test_preparation_brings_the_cell_to_where_the_protocol_starts(
    protocol, state, first, expected
):
    steps = preparation(protocol, state, first)
    assert [s.direction for s in steps] == expected
    assert all(s.preparatory for s in steps)


@pytest.mark.parametrize(
    "bad",
    [
        lambda: sscell.cycle("C/20", cycles=0),
        lambda: sscell.cycle("C/20", cycles=1.5),
        lambda: sscell.cycle("C/20", cycles=True),
        lambda: sscell.cycle("C/20", rest="-1 h"),
        lambda: sscell.cycle("potato"),
        lambda: sscell.discharge("C/0"),
        lambda: sscell.discharge("C/20", until="1 kg"),
        lambda: sscell.charge(until="high"),
        lambda: sscell.rest(0),
        lambda: sscell.rest("-3 h"),
        lambda: sscell.rest("long"),
    ],
)
def test_a_bad_option_is_one_sentence(bad):
    with pytest.raises(ParameterError) as caught:
        bad()
    assert "\n" not in str(caught.value)


def test_a_protocol_is_frozen_and_describes_itself():
    protocol = sscell.cycle("25mA/g", cycles=3, rest="30 min")
    with pytest.raises(dataclasses.FrozenInstanceError):
        protocol.name = "other"
    expected = {"name": "cycle", "rate": "25mA/g", "cycles": 3, "rest_s": 1800.0}
    assert protocol.describe().items() >= expected.items()


EVERY = [
    discharge("C/20"),
    charge("C/20", until="2 V"),
    cycle("C/20", 2, "1 h", hold_until="C/50"),
    rate_test(["C/20", "C/10"]),
    sscell.gitt("C/20", direction="both"),
    rest("1 h"),
    hold("2 V", "1 h"),
    cv("0.1 mV/s"),
    potential_step("2 V", "1 h"),
    impedance(along="both"),
    at(60, discharge("C/20")),
    then(at(60, discharge("C/20")), rest("1 h"), cycle("C/10")),
]


@pytest.mark.parametrize("protocol", EVERY, ids=lambda p: p.name)
@pytest.mark.parametrize("first", ["discharge", "charge"])
def test_every_protocol_travels_to_another_process(protocol, first):
    copy = pickle.loads(pickle.dumps(protocol))
    assert copy.steps(first) == protocol.steps(first)
    assert copy.describe() == protocol.describe()


def test_the_inner_temperature_holds_and_ends_with_its_protocol():
    inner = at(90, rest("1 h"))
    assert [s.temperature for s in at(60, then(inner, rest("2 h"))).steps("charge")] == [
        90.0,
        60.0,
    ]
    assert at(60, inner).describe()["temperature_C"] == 90.0
    after = then(at(60, discharge("C/20")), charge("C/20")).steps("discharge")
    assert [s.temperature for s in after] == [60.0, None]


def test_what_prepares_a_protocol_runs_at_its_temperature():
    (step, _) = prepared(at(60, charge("C/20")), "pristine", "discharge")
    assert (step.direction, step.temperature, step.preparatory) == ("discharge", 60.0, True)


@pytest.mark.parametrize(
    ("protocol", "state", "expected"),
    [
        (then(discharge(), discharge()), "pristine", "discharge (charge) discharge"),
        (then(rest(1), charge()), "pristine", "rest (discharge) charge"),
        (then(rest(1), charge()), "between", "rest charge"),
        (then(discharge(), cycle()), "pristine", "discharge charge discharge"),
        (then(discharge(until=1.5), discharge()), "pristine", "discharge discharge"),
        (then(charge(), cycle()), "charged", "(discharge) charge discharge charge"),
        (then(charge(), then(rest(1), charge())), "discharged", "charge rest (discharge) charge"),
        (then(discharge(), impedance(along="charge", points=2, rest=0)), "pristine",
         "discharge impedance charge impedance"),
        (cycle(), "discharged", "charge discharge"),
    ],
)  # fmt: skip
def test_every_part_starts_from_what_it_needs(protocol, state, expected):
    steps = prepared(protocol, state, "discharge")
    told = [f"({s.direction})" if s.preparatory else s.direction for s in steps]
    assert " ".join(told) == expected


def test_a_preparation_has_the_rate_and_the_cycle_of_its_own_part():
    _, before, _ = prepared(then(charge("C/3"), charge("C/7")), "discharged", "charge")
    assert (str(before.rate), before.cycle) == ("C/7", 2)


@pytest.mark.parametrize("bad", ["discharge", [rest("1 h")], discharge, None, 20])
@pytest.mark.parametrize(
    "use",
    [
        lambda bad: sscell.simulate("Ji2024", bad),
        lambda bad: sscell.sweep("Ji2024", {"temperature": [60]}, bad),
        lambda bad: then(rest("1 h"), bad),
        lambda bad: at(60, bad),
    ],
)
def test_what_is_no_protocol_is_a_sentence(use, bad):
    with pytest.raises(ParameterError, match="made by a function"):
        use(bad)
