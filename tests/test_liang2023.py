"""The Li-VCl3 cell against its paper: one parameter set, no branches."""

from __future__ import annotations

from functools import cache, partial

import numpy as np
import pytest

import sscell
from sscell.analysis import drt
from sscell.papers.validation import validate
from sscell.protocols import impedance
from sscell.protocols.steps import Protocol, fixed
from sscell.simulation.engine import Resolution

RIVALS = ("Liang2023-diffusion", "Liang2023-charge-transfer")
READINGS = ("Liang2023", *RIVALS)
PUBLISHED = [  # degC, rate, direction, mAh/g; second cycles
    (25, "0.1C", "charge", 162.5),
    (25, "0.4C", "discharge", 162),
    (60, "0.4C", "discharge", 167),
    (-30, "0.1C", "discharge", 79),
]
DEGREES = range(-30, 61, 10)
MORE = (6.0, 9.0)  # mAh/g after the rest: at most if it transforms, at least if it diffuses


@cache
def run_of(name, celsius, rate):
    run = sscell.simulate(name, sscell.cycle(rate, cycles=2), temperature=celsius)
    assert max(sscell.summary(run)["balances"].values()) < 1e-6
    return run


@cache
def steps(name, celsius, rate):
    return tuple(sscell.summary(run_of(name, celsius, rate))["steps"])


def half(name, celsius, rate, direction, cycle=2):
    found = steps(name, celsius, rate)
    return next(s for s in found if (s["cycle"], s["direction"]) == (cycle, direction))


def peaks(step):
    return [p["voltage_V"] for p in step["dqdv_peaks"]]


@pytest.mark.parametrize("name", READINGS)
@pytest.mark.parametrize(("celsius", "rate", "direction", "published"), PUBLISHED)
def test_capacity_is_that_of_the_paper(name, celsius, rate, direction, published):
    got = half(name, celsius, rate, direction)["capacity_mAh_g"]
    assert got == pytest.approx(published, rel=0.05 if name in RIVALS else 0.04)


def test_lower_plateau_is_all_but_lost_at_minus_thirty():
    """Less than a fifth of the discharge, our reading; half of it at 25 degC."""

    def share(celsius):
        run = run_of("Liang2023", celsius, "0.1C")
        second = run["Lower step filling"].values[run["Step"].values == 3]
        host = 170.4 * (1 - sscell.load("Liang2023").values["Inactive host fraction"])
        passed = np.ptp(second) * host / 2
        return passed / half("Liang2023", celsius, "0.1C", "discharge")["capacity_mAh_g"]

    assert share(-30) < 0.2
    assert share(25) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("rate", ["0.1C", "0.4C"])
def test_capacity_rises_with_temperature_without_a_knife_edge(rate):
    got = [half("Liang2023", t, rate, "discharge")["capacity_mAh_g"] for t in DEGREES]
    assert np.all(np.diff(got) > -0.5)
    assert np.diff(got).max() < 35


def test_six_c_holds_a_hundred():
    """Our reading of 200 cycles at 6C; the rivals hold 20 in the window of one plot."""
    rates = ("0.4C", "1C", "2C", "3C", "4C", "6C")
    got = [half("Liang2023", 25, r, "discharge")["capacity_mAh_g"] for r in rates]
    assert np.all(np.diff(got) < 0)
    assert got[-1] > 100


def test_what_was_assumed_and_fitted_stays_within_what_is_credible():
    """Energies of 0.25 to 0.6 eV, the stated diffusivity, six fitted values and the fade."""
    cell = sscell.load("Liang2023-fade")
    fitted = [p for p in cell.parameters.parameters.values() if p.kind == "fitted"]
    assert len(fitted) == 7
    for p in fitted:
        if "activation energy" in p.name:
            assert 0.25 < p.value / 96485 < 0.6
    per_cm2 = cell.values["Positive particle diffusivity [m2.s-1]"] * 1e4
    assert 3e-11 <= per_cm2 <= 3e-10


@pytest.mark.parametrize("name", READINGS)
def test_reduction_peaks_are_within_30_mv_of_the_paper(name):
    got = peaks(half(name, 25, "0.1C", "discharge"))
    assert got == pytest.approx([2.96, 2.78], abs=0.03)


@pytest.mark.parametrize("name", READINGS)
@pytest.mark.parametrize(
    ("celsius", "rate"), [(60, "0.4C"), (25, "0.4C"), (0, "0.1C"), (-10, "0.1C")]
)
def test_both_plateaus_are_there_in_both_directions_above_minus_ten(name, celsius, rate):
    for direction in ("discharge", "charge"):
        assert len(peaks(half(name, celsius, rate, direction))) == 2


@pytest.mark.parametrize("name", READINGS)
def test_fast_discharge_still_has_two_plateaus(name):
    assert len(peaks(half(name, 25, "3C", "discharge"))) == 2


@pytest.mark.parametrize("name", READINGS)
def test_polarisation_is_strong_at_minus_thirty(name):
    """Half the distance of the mean voltages of charge and discharge."""

    def polarisation(celsius):
        means = [
            half(name, celsius, "0.1C", d)["mean_voltage_V"]
            for d in ("charge", "discharge")
        ]
        return (means[0] - means[1]) / 2

    assert polarisation(25) < 0.02
    assert polarisation(-30) > 10 * polarisation(25)
    assert polarisation(-30) > 0.15


def test_first_cold_discharge_tells_charge_transfer_apart():
    """A fresh cell at -30 degC: only slow charge transfer lets it take up nearly all."""
    first = {n: half(n, -30, "0.1C", "discharge", 1)["capacity_mAh_g"] for n in READINGS}
    assert max(first["Liang2023"], first["Liang2023-diffusion"]) < 100
    assert first["Liang2023-charge-transfer"] > 140


def test_rest_after_a_cold_discharge_tells_diffusion_apart():
    """10 h at -30 degC from the cut-off, then on: what has diffused gives more, a step that
    does not transform gives next to nothing.
    """
    parts = sscell.discharge("0.1C"), sscell.rest("10 h"), sscell.discharge("0.1C")
    rows = tuple(step for part in parts for step in part.steps("discharge"))
    on = Protocol("going on", {}, partial(fixed, rows))
    more = {}
    for name in ("Liang2023", "Liang2023-diffusion"):
        run = sscell.simulate(name, on, temperature=-30)
        last = run["Discharge capacity [A.h]"].values[run["Step"].values == 3]
        more[name] = np.ptp(last) * 1e3 / run.attrs["capacity_basis_mass_g"]
    assert more["Liang2023-diffusion"] > MORE[1]
    assert more["Liang2023"] < MORE[0]


@cache
def distributions():
    """Peaks of the relaxation times by state, from 1 MHz to 0.1 mHz, at 0.1C.

    Cut at 1 mHz, every state shows a slow peak that moves with the cut.
    """
    tones = list(10 ** np.arange(6, -4.01, -0.1))
    run = sscell.simulate(
        "Liang2023",
        impedance(tones, along="both", points=7, rate="0.1C", rest="10 min"),
        resolution=Resolution(double_layer=True),
    )
    inner = [s for s in run.state.values if s not in ("discharge 0%", "charge 100%")]
    return {str(s): drt(run.sel(state=s)).peaks for s in inner}


def test_contact_peak_above_100_khz_stays():
    found = [p[0] for p in distributions().values()]
    assert min(p["frequency_Hz"] for p in found) > 1e5
    areas = [p["area_ohm"] for p in found]
    assert np.ptp(areas) < 0.02 * np.mean(areas)


def test_slow_peak_grows_at_the_end_of_discharge_and_drops_when_charging_starts():
    """Where diffusion has no peak of its own it is in that of the charge transfer."""
    found = distributions()
    slow = {
        s: sum(p["area_ohm"] for p in peaks if p["frequency_Hz"] < 100)
        for s, peaks in found.items()
    }
    last = max(slow, key=lambda s: float(s.split()[1][:-1]) * s.startswith("discharge"))
    for state in (last, "charge 0%"):
        assert 1e-4 < found[state][-1]["frequency_Hz"] < 1e-2
        assert found[state][-1]["closed"]
    assert slow["discharge 33%"] < slow["discharge 83%"] < slow[last] / 2.5
    assert slow["charge 0%"] > 2.5 * slow["charge 17%"]
    # At the end of the charge it grows again. A rise in the middle, as published, it has not.
    assert slow["charge 97%"] > 2.5 * slow["charge 83%"]
    assert slow["charge 17%"] - 10 < slow["charge 50%"] < slow["charge 33%"]


def test_titration_sees_a_diffusivity_of_the_published_order():
    """Weppner-Huggins on the model, in the middle of the steps; 1e-10 cm2/s in the paper.

    The radius is assumed, so the order is all that can be said.
    """
    run = sscell.simulate("Liang2023", sscell.gitt("0.1C", pulse="10 min", rest="2 h"))
    third = sscell.load("Liang2023").values["Positive particle radius [m]"] * 100 / 3
    found = sscell.analysis.gitt(run, diffusion_length=third, direction="discharge")
    pulses = found.directions["discharge"]["pulses"]
    values = [p["diffusion_coefficient_cm2_s"] for p in pulses]
    assert 1e-12 < np.median([v for v in values if v]) < 1e-8


def test_aged_sulfide_catholyte_fades_as_published():
    """105 mAh/g, and 40 after 100 cycles; the rate is not in the text."""
    cell = sscell.load("Liang2023-Li6PS5Cl")
    rows = validate(cell, resolution=Resolution(20)).rows
    assert [r["met"] for r in rows] == [True, True]
    fresh, aged = (r["model"] for r in rows)
    assert fresh / aged == pytest.approx(105 / 40, rel=0.1)


@pytest.mark.parametrize("rate", ["3C", pytest.param("4C", marks=pytest.mark.slow), "6C"])
def test_lost_host_fades_in_200_cycles_as_published(rate):
    """84 to 85.7 % at 3, 4 and 6C by one loss per charge passed, which leaves 85.8 % at 6C;
    the balance closes with what the lost host keeps.
    """
    run = sscell.simulate(
        "Liang2023-fade", sscell.cycle(rate, cycles=200), resolution=Resolution(10)
    )
    summary = sscell.summary(run)
    found = {
        s["cycle"]: s["capacity_mAh_g"]
        for s in summary["steps"]
        if s["direction"] == "discharge"
    }
    assert 0.84 < found[200] / found[2] < (0.865 if rate == "6C" else 0.857)
    assert max(summary["balances"].values()) < 1e-9


def test_slow_current_at_high_loading_leaves_the_host_its_capacity():
    """The paper's 3 mAh/cm2 after 30 cycles is a loss at the anode, which does not age here:
    the cathode alone holds 25.48 mg/cm2 x 170 mAh/g = 4.3.
    """
    cell = sscell.load("Liang2023-high-loading")
    assert cell.active_mass / cell.area == pytest.approx(0.2548, rel=1e-3)
    run = sscell.simulate(cell, sscell.discharge("0.2mA/cm2"))
    charge = run["Discharge capacity [A.h]"].values[-1] / (cell.area * 10)
    assert 3.0 < charge < 4.34


@pytest.mark.parametrize("name", [*READINGS, "Liang2023-Li3HoCl6"])
def test_no_capacity_beyond_one_lithium_per_vanadium(name):
    for direction in ("discharge", "charge"):
        assert half(name, 60, "0.4C", direction)["capacity_mAh_g"] < 170.4


def test_bromide_holds_one_lithium_and_not_what_is_printed():
    """F/(3.6 x 290.65) = 92.2 mAh/g; 127.6 as printed would need 210 g/mol."""
    cell = sscell.load("Liang2023-VBr3")
    held = cell.theoretical_capacity / cell.basis("capacity")[1]
    assert held == pytest.approx(92.2, abs=0.1)
    assert "127.6" in cell.data["notes"]
    got = half("Liang2023-VBr3", 25, "0.1C", "discharge")
    assert 0.9 * held < got["capacity_mAh_g"] < held
    assert max(peaks(got)) < 2.9
    assert not [p.name for p in cell.parameters.parameters.values() if p.kind == "fitted"]
