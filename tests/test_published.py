"""The paper's own protocol: the default of the command line where there is one."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

import sscell
from sscell.cli import app
from sscell.errors import ParameterError
from sscell.simulation.customary import customary


def _json(*options):
    done = CliRunner().invoke(app, [*options, "--json", "--shells", "8"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def _refused(*options):
    done = CliRunner().invoke(app, list(options))
    text = str(done.exception) if done.exception else done.output
    assert done.exit_code != 0
    return text


@pytest.fixture(scope="module")
def song():
    return _json("simulate", "Song2024", "-T", "30", "-C", "0.5C")


def test_a_cycle_begins_and_holds_as_the_paper_did(song):
    assert song["protocol"] == "published"
    assert [s["stop_reason"] for s in song["steps"]] == [
        "current limit",
        "lower voltage cut-off",
    ]


def test_python_runs_the_same(song):
    protocol = sscell.published("Song2024", "cycle", "0.5C")
    run = sscell.simulate(
        "Song2024", protocol, temperature=30, resolution=sscell.Resolution(8)
    )
    assert run.attrs["state"] == "formed" or "formed" in str(run.attrs)
    steps = sscell.summary(run)["steps"]
    told = [s["capacity_mAh_g"] for s in song["steps"]]
    assert [s["capacity_mAh_g"] for s in steps] == pytest.approx(told)


def test_what_is_typed_takes_its_part_alone():
    told = ["simulate", "Song2024", "-T", "30", "-C", "0.5C"]
    plain = _json(*told, "--protocol", "plain")
    assert plain["protocol"] == "plain"
    mixed = _json(*told, "--state", "pristine")
    assert mixed["protocol"] == "mixed"
    assert mixed["steps"][0]["stop_reason"] == "current limit"
    assert mixed["steps"][0]["capacity_mAh_g"] > plain["steps"][0]["capacity_mAh_g"]
    half = _json(*told, "--state", "pristine", "--mode", "charge")
    assert half["protocol"] == "mixed"
    assert len(half["steps"]) == 1


def test_a_rate_without_one_is_plain():
    other = _json("simulate", "Liang2023", "-C", "2C", "--mode", "discharge")
    assert other["protocol"] == "plain"


def test_a_rate_test_needs_no_currents_where_the_paper_has_one():
    tried = sscell.published("Chang2024", "rate")
    assert tried.options["cycles"] == [3] * 5
    assert sscell.published("Pan2023", "rate").options["currents"][0] == "25mA/g"
    some = _json("rate", "Chang2024", "--currents", "1,2A/g", "--cycles", "1")
    assert some["protocol"] == "mixed"
    assert some["cycles"] == [1, 1]
    assert "no rate test" in _refused("rate", "Ji2024")


def test_a_titration_has_the_papers_pulses():
    pulses = sscell.published("Chang2024", "gitt").options
    assert (pulses["rate"], pulses["pulse_s"], pulses["rest_s"]) == ("1A/g", 60.0, 7200.0)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("Song2024", "cycle", "0.3C"), "has no protocol for 'cycle' at 0.3C; it has 0.5C"),
        (("Song2024", "cycl"), "Did you mean 'cycle'"),
        (("Ji2024", "rate"), "has no protocol for 'rate'"),
    ],
)
def test_what_there_is_not_is_said(arguments, says):
    with pytest.raises(ParameterError, match=says):
        sscell.published(*arguments)


def test_a_wrong_choice_is_refused():
    assert "published" in _refused("simulate", "Ji2024", "--protocol", "publishd")
    assert "simulate, rate and gitt" in _refused("cv", "Ji2024", "--protocol", "published")


def test_currents_of_any_unit_are_the_same():
    cell = sscell.load("Pan2023")
    assert customary(cell, "rate", ["0.05A/g", "0.1A/g"]) is not None
    assert customary(cell, "rate", ["60mA/g"]) is None
