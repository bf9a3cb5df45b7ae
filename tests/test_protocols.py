"""What the lab does: steps in order, preparation, refusals."""

from __future__ import annotations

import dataclasses

import pytest

import sscell
from sscell.errors import ParameterError
from sscell.protocols import preparation


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
