"""What a run says of itself, and how far it lies from what its set was judged by."""

from __future__ import annotations

import numpy as np
import pytest

import sscell
from sscell.cells.judged import formation_cycles, judged_points
from sscell.dataset import metadata
from sscell.simulation.distance import Use, far
from sscell.simulation.doubts import doubts

CELL = sscell.load("Liang2023")
FULL = CELL.theoretical_capacity


def _run(*parts):
    """Half cycles by direction, voltages and the share of the theoretical capacity."""
    columns = {"Voltage [V]": [], "Discharge capacity [A.h]": [], "Step": []}
    steps, charge = [], 0.0
    for k, (way, voltages, share, stop) in enumerate(parts, start=1):
        end = charge + (1 if way == "discharge" else -1) * share * FULL
        columns["Voltage [V]"] += list(voltages)
        columns["Discharge capacity [A.h]"] += list(np.linspace(charge, end, len(voltages)))
        columns["Step"] += [k] * len(voltages)
        steps.append({"step": k, "direction": way, "stop_reason": stop})
        charge = end
    columns["Time [s]"] = np.arange(len(columns["Step"]))
    return doubts({name: np.asarray(x) for name, x in columns.items()}, CELL, steps)


DOWN, UP = np.linspace(3.1, 2.45, 60), np.linspace(2.5, 3.25, 60)


def test_a_run_itself_says_what_its_current_costs_at_once():
    """20 kOhm take 0.62 V of the first discharge of a cell at rest, 50 Ohm none to speak of."""
    said = {}
    for ohm in (50, 20000):
        run = sscell.simulate(
            CELL,
            sscell.discharge("0.1C", duration="60 s"),
            changes={"Contact resistance [Ohm]": ohm},
            resolution=sscell.Resolution(8),
        )
        said[ohm] = [w for w in metadata(run, "warnings") if "at once" in w]
    assert not said[50]
    assert "A discharge begins with a step of 0.6" in said[20000][0]


def test_an_orderly_cycle_raises_no_doubt():
    cut = "lower voltage cut-off"
    assert not _run(("discharge", DOWN, 0.9, cut), ("charge", UP, 0.9, "upper " + cut))


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        (
            [("discharge", DOWN, 0.03, "lower voltage cut-off")],
            "passed 3.0% of the theoretical",
        ),
        (
            [("charge", UP, 0.4, ""), ("hold", [3.25] * 9, 0.5, "")],
            "56% of a charge passed while its voltage was held",
        ),
        (
            [("rest", [3.5] * 3, 0, ""), ("discharge", DOWN, 0.9, "")],
            "step of 0.40 V at once",
        ),
        (
            [("discharge", [*DOWN[:30], *(DOWN[30:] + 0.05)], 0.9, "")],
            "rises by 39 mV along a discharge",
        ),
        (
            [("charge", [*UP[:30], *(UP[30:] - 0.05)], 0.9, "")],
            "falls by 37 mV along a charge",
        ),
    ],
)
def test_what_went_wrong_is_said(parts, says):
    (sentence,) = _run(*parts)
    assert says in sentence


def test_distance_counts_temperature_and_rate_together():
    def said(rate, celsius):
        run = sscell.simulate(
            CELL,
            sscell.discharge(rate, duration="60 s"),
            temperature=celsius,
            resolution=sscell.Resolution(8),
        )
        return [w for w in metadata(run, "warnings") if "judged by" in w]

    assert (25, "0.4C") in [(p.celsius, p.rate) for p in judged_points(CELL)]
    assert not said("0.4C", 25)
    assert not said("0.3C", 33)
    (far,) = said("0.4C", 42)
    assert "the nearest is 0.4C at" in far
    assert said("3C", -25)


def _far(cell, celsius, use, formed_at=None):
    return far(cell, [celsius], [use], formed_at)


def test_distance_counts_state_pressure_and_formation():
    song = sscell.load("Song2024")
    formed, assembled = (Use("0.5C", state) for state in ("formed", "as assembled"))
    assert not _far(song, 30, formed, 30)
    assert not _far(song, 30, Use("0.5C"))  # a state that is not known is near to all
    (text,) = _far(song, 30, assembled)
    assert "as assembled" in text
    assert "nearest is" in text
    (text,) = _far(song, 30, formed, 60)
    assert "formed at 60 degC" in text
    squeezed = song.under(20e6)
    assert not _far(squeezed, 60, Use("0.05C", "as assembled"))
    (text,) = _far(squeezed, 30, formed, 30)
    assert "under 20 MPa" in text


def test_a_cell_is_formed_after_the_cycles_of_its_formation():
    point = next(p for p in judged_points(sscell.load("Song2024")) if p.cycles == 10)
    assert point.states == {"as assembled", "formed"}
    assert formation_cycles(sscell.load("Ji2024"), 60) >= 1


def test_far_more_cycles_than_were_judged_are_said():
    def said(cycles):
        return _far(CELL, 25, Use("0.4C", "as assembled", cycles))

    assert not said(10)
    assert "200 cycles are more than twice the 2" in said(200)[0]
    assert not _far(sscell.load("Liang2023-fade"), 25, Use("3C", "formed", 300))
