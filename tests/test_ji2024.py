"""The Na-S cell against its paper: one parameter set, no branches."""

from __future__ import annotations

import pytest

PUBLISHED = [
    (25, 1, "discharge", 1475),
    (25, 1, "charge", 871),
    (25, 2, "discharge", 870),
    (60, 1, "discharge", 1595),
    (90, 1, "discharge", 1607),
    (90, 1, "charge", 1599),
]


def _half(steps, cycle, direction):
    return next(s for s in steps if (s["cycle"], s["direction"]) == (cycle, direction))


def _main_peak(step):
    return max(step["dqdv_peaks"], key=lambda p: p["height_mAh_g_V"])["voltage_V"]


@pytest.mark.parametrize(("celsius", "cycle", "direction", "published"), PUBLISHED)
def test_capacity_at_c20_is_within_three_percent_of_the_paper(
    ji_steps, celsius, cycle, direction, published
):
    steps = ji_steps(celsius, cycles=2) if celsius == 25 else ji_steps(celsius)
    got = _half(steps, cycle, direction)["capacity_mAh_g"]
    assert got == pytest.approx(published, rel=0.03)


@pytest.mark.parametrize(
    ("direction", "published"), [("discharge", 1.01), ("charge", 1.91)]
)
def test_main_peak_at_25_degc_is_within_40_mv_of_the_paper(ji_steps, direction, published):
    got = _main_peak(_half(ji_steps(25), 1, direction))
    assert got == pytest.approx(published, abs=0.04)


def test_discharge_at_25_degc_skips_na2s2(ji_steps):
    assert _half(ji_steps(25), 1, "discharge")["max_phase_fraction"]["Na2S2"] < 0.05


def test_slow_discharge_at_90_degc_passes_through_na2s2(ji_steps):
    slow = _half(ji_steps(90, "C/100"), 1, "discharge")
    assert slow["max_phase_fraction"]["Na2S2"] > 0.7


@pytest.mark.parametrize("celsius", [60, 90])
def test_slow_charge_has_three_oxidation_peaks(ji_steps, celsius):
    assert len(_half(ji_steps(celsius, "C/100"), 1, "charge")["dqdv_peaks"]) == 3


def test_cycle_at_60_degc_has_two_pairs_of_peaks(ji_steps):
    for direction in ("discharge", "charge"):
        assert len(_half(ji_steps(60), 1, direction)["dqdv_peaks"]) == 2


def test_charge_at_25_degc_ends_with_little_sulfur(ji_steps):
    assert _half(ji_steps(25), 1, "charge")["final_phase_fraction"]["S"] < 0.2


def test_discharge_at_25_degc_at_c12_makes_no_na2s2(ji_steps):
    """Seen in situ by Raman at C/12."""
    steps = ji_steps(25, "C/12")
    assert _half(steps, 1, "discharge")["max_phase_fraction"]["Na2S2"] < 0.05


def test_warmer_cell_delivers_more(ji_steps):
    got = [_half(ji_steps(t), 1, "discharge")["capacity_mAh_g"] for t in (25, 60, 90)]
    assert got == sorted(got)


@pytest.mark.parametrize("celsius", [25, 60, 90])
def test_slower_current_delivers_more_at_a_higher_voltage(ji_steps, celsius):
    fast = _half(ji_steps(celsius), 1, "discharge")
    slow = _half(ji_steps(celsius, "C/100"), 1, "discharge")
    assert slow["capacity_mAh_g"] > fast["capacity_mAh_g"]
    assert slow["mean_voltage_V"] > fast["mean_voltage_V"]


@pytest.mark.parametrize("celsius", [25, 60, 90])
def test_no_discharge_beyond_the_capacity_of_sulfur(ji, ji_steps, celsius):
    """2 F / 32.06 g/mol = 1672 mAh/g for all of it; what takes part also holds mobile
    sodium, at most Cm times the window of potentials.
    """
    v = ji.values
    part = 1 - v["Inactive host fraction"]
    mobile = v["Mobile guest capacity [V-1]"] * (ji.window[1] - ji.window[0]) / 2
    for rate in ("C/20", "C/100"):
        discharge = _half(ji_steps(celsius, rate), 1, "discharge")
        assert discharge["capacity_mAh_g"] <= 1672 * part * (1 + mobile)


def test_energy_is_per_cathode_and_against_sodium(ji, ji_steps):
    """E = Q (mean V + 0.1 V) m_S/m_cathode, in Wh per kg of the cathode layer."""
    step = _half(ji_steps(60), 1, "discharge")
    expected = step["capacity_mAh_g"] * 0.35 * (step["mean_voltage_V"] + 0.1)
    assert step["energy_Wh_kg"] == pytest.approx(expected, rel=1e-6)
    assert ji.values["Negative electrode OCP [V]"] == 0.1
