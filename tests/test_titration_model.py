"""Titration of the published Na-S cell: C/20, 30 min pulses, 4 h rests."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import sscell
from sscell.analysis import gitt as titration
from sscell.dataset import metadata
from sscell.protocols import gitt
from sscell.simulation.engine import Resolution
from sscell.simulation.simulation import simulate

# Against Na15Sn4, from the paper's titration at 90 degC.
PUBLISHED = {"discharge": [2.00, 1.71, 1.42], "charge": [2.06, 1.82, 1.62]}


@pytest.fixture(scope="module")
def run():
    """Titration over a whole discharge and charge, computed once per temperature."""

    @cache
    def once(celsius):
        protocol = gitt("C/20", "30 min", "4 h", "both")
        return simulate("Ji2024", protocol, temperature=celsius)

    return once


@pytest.fixture(scope="module")
def analysed(run):
    return cache(lambda celsius: titration(run(celsius)).directions)


@pytest.mark.parametrize("direction", ["discharge", "charge"])
def test_two_plateaus_under_current(direction):
    """dQ/dV of the cell at C/20 and 60 degC has two peaks either way."""
    cycle = simulate("Ji2024", sscell.cycle("C/20"), temperature=60)
    step = next(s for s in sscell.summary(cycle)["steps"] if s["direction"] == direction)
    assert len(step["dqdv_peaks"]) == 2


@pytest.mark.parametrize("celsius", [60, 90])
@pytest.mark.parametrize("direction", ["discharge", "charge"])
def test_three_plateaus_at_rest(analysed, direction, celsius):
    """The OCV after each rest shows the step that the current skips."""
    plateaus = analysed(celsius)[direction]["ocv_plateaus_V"]
    assert len(plateaus) == 3, plateaus


@pytest.mark.parametrize("direction", ["discharge", "charge"])
def test_plateaus_at_90_degC_are_the_published_ones(analysed, direction):
    """Within 0.06 V of the paper, in order."""
    found = sorted(analysed(90)[direction]["ocv_plateaus_V"], reverse=True)
    assert found == pytest.approx(PUBLISHED[direction], abs=0.06)


@pytest.mark.parametrize("direction", ["discharge", "charge"])
def test_ohmic_part_is_small(analysed, direction):
    """Under a fifth of the overpotential in the middle of the lower plateau."""
    pulses = analysed(60)[direction]["pulses"]
    full = pulses[-1]["cumulative_capacity_mAh_g"]
    low, high = (0.55, 0.9) if direction == "discharge" else (0.1, 0.45)
    middle = [p for p in pulses if low < p["cumulative_capacity_mAh_g"] / full < high]
    assert len(middle) > 8
    for pulse in middle:
        assert pulse["ohmic_V"] < 0.2 * pulse["overpotential_V"]


def test_each_pulse_passes_its_charge(ji, analysed):
    """1672 mA/g / 20 x 0.5 h = 41.8 mAh/g of sulfur, but for the pulse that is cut off."""
    for part in analysed(60).values():
        passed = np.diff([p["cumulative_capacity_mAh_g"] for p in part["pulses"]])
        assert passed[:-1] == pytest.approx(41.8, rel=1e-3)
        assert passed[-1] <= 41.9


def test_titration_ends_with_the_rest_after_the_pulse_that_is_cut_off(run):
    """Only the last pulse of each direction meets the cut-off; a rest follows it."""
    steps = metadata(run(60), "steps")
    cut = [k for k, s in enumerate(steps) if "cut-off" in s["stop_reason"]]
    assert [steps[k]["direction"] for k in cut] == ["discharge", "charge"]
    assert [steps[k + 1]["direction"] for k in cut] == ["rest", "rest"]
    assert cut[-1] + 2 == len(steps)


@pytest.mark.parametrize("rate", ["C/10", "C/5"])
def test_titration_on_charge_starts_from_a_full_discharge_at_its_own_rate(ji, rate):
    """The preparatory discharge runs to the lower cut-off at the rate of the pulses."""
    protocol = gitt(rate, "2 h", "1 h", "charge")
    run = simulate(ji, protocol, temperature=60, resolution=Resolution(shells=15))
    first = metadata(run, "steps")[0]
    assert first["preparatory"] and first["direction"] == "discharge"
    assert first["stop_reason"] == "lower voltage cut-off"
    current = run["Current [A]"].values[run["Step"].values == 1]
    assert current == pytest.approx(ji.current(rate), rel=1e-9)
    assert set(titration(run, direction="charge").directions) == {"charge"}


def test_sodium_balance_closes_over_the_whole_titration(run):
    assert max(metadata(run(60), "balances").values()) < 1e-6
