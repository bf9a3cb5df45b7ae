"""Shape of half cycles: widths, slopes, drops, shares and gaps, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from sscell.analysis.capacity import dqdv_peaks, half_cycles
from sscell.analysis.shapes import (
    against_current,
    constant_current_share,
    first_drop,
    half_charge_voltage,
    peak_width,
    plateau_slope,
)
from sscell.dataset import time_series
from sscell.errors import ParameterError
from sscell.papers.measures import MEASURES, Reading, measure
from sscell.papers.observables import ObservableTable

THERMAL = 0.0257  # V


def _data(voltage, current=1.0, mass=1.0):
    """One half cycle of 1 A.h a gram in samples of even charge."""
    count = np.size(voltage)
    time = np.linspace(0, 3600, count)
    columns = {"Time [s]": time, "Current [A]": np.broadcast_to(current, count)}
    return time_series(columns | {"Voltage [V]": voltage}, {"capacity_basis_mass_g": mass})


def _half(voltage, current=1.0):
    return half_cycles(_data(voltage, current))[0]


def test_width_of_a_site_is_3_53_thermal_voltages():
    """dQ/dV of x = 1/(1 + exp(u)) is half of its height at cosh(u/2)^2 = 2."""
    x = np.linspace(1e-4, 1 - 1e-4, 4001)
    half = _half(2.0 + THERMAL * np.log((1 - x) / x))
    (peak,) = dqdv_peaks(half, 1.0, smoothing=1e-3)
    width = peak_width(half, peak["voltage_V"], smoothing=1e-3)
    assert width == pytest.approx(4 * np.arccosh(np.sqrt(2)) * THERMAL, rel=5e-3)


def test_peak_that_does_not_fall_to_half_has_no_width():
    v = np.linspace(3.2, 2.4, 4001)
    curve = np.exp(-(((v - 2.87) / 0.05) ** 2)) + np.exp(-(((v - 2.77) / 0.05) ** 2))
    charge = np.cumsum(curve) / curve.sum()
    half = _half(np.interp(np.linspace(0, 1, 4001), charge, v))
    tops = [p["voltage_V"] for p in dqdv_peaks(half, 1.0)]
    assert len(tops) == 2
    assert all(peak_width(half, top) is None for top in tops)


@pytest.mark.parametrize(("current", "sign"), [(1.0, -1), (-1.0, 1)])
def test_slope_of_a_straight_line_has_the_sign_of_the_voltage(current, sign):
    half = _half(2.0 + sign * np.linspace(0, 0.5, 101), current)
    assert plateau_slope(half, (0.2, 0.8)) == pytest.approx(sign * 0.5)
    with pytest.raises(ParameterError, match="two shares"):
        plateau_slope(half, (0.8, 0.2))


def test_samples_that_crowd_do_not_weigh_more():
    charge = np.concatenate([np.linspace(0, 0.2, 200), np.linspace(0.21, 1, 80)])
    data = time_series(
        {
            "Time [s]": 3600 * charge,
            "Current [A]": np.ones(charge.size),
            "Voltage [V]": 2 - charge**2,
        }
    )
    slope = plateau_slope(half_cycles(data)[0], (0.0, 1.0))
    assert slope == pytest.approx(-1.0, rel=0.02)


def test_rise_is_against_the_current_in_both_directions():
    v, q = np.array([2.0, 1.5, 1.7, 1.0]), np.arange(4.0)
    assert against_current(v, q, "discharge") == pytest.approx(0.2)
    assert against_current(-v, q, "charge") == pytest.approx(0.2)
    assert against_current(np.sort(v), q, "charge") == 0.0


def test_drop_begins_at_the_sample_before_and_ends_when_told():
    time = np.array([0.0, 10.0, 11.0, 20.0, 30.0])
    data = time_series(
        {
            "Time [s]": time,
            "Current [A]": [0, 0, 1.0, 1.0, 1.0],
            "Voltage [V]": [3.0, 3.0, 2.8, 2.7, 2.5],
        }
    )
    (half,) = half_cycles(data)
    assert first_drop(data, half) == pytest.approx(0.2)
    assert first_drop(data, half, within=10.0) == pytest.approx(0.3)
    assert first_drop(_data(np.linspace(3, 2, 9)), _half(np.linspace(3, 2, 9))) is None


def test_share_at_constant_current_of_a_charge_with_an_exponential_hold():
    """1 A for 1 h, then exp(-t/1800 s) to nothing: 1 of 1.5 A.h."""
    t = np.concatenate([np.linspace(0, 3600, 200), 3600 + np.linspace(1, 18000, 4000)])
    current = -np.where(t <= 3600, 1.0, np.exp(-(t - 3600) / 1800))
    data = time_series({"Time [s]": t, "Current [A]": current, "Voltage [V]": 4.0 + 0 * t})
    share = constant_current_share(half_cycles(data)[0])
    assert share == pytest.approx(1 / 1.5, rel=0.012)


def test_two_half_cycles_have_a_hysteresis_at_half_of_their_own_charge():
    t = np.linspace(0, 7200, 401)
    current = np.where(t <= 3600, 1.0, -1.0)
    v = np.where(t <= 3600, 3 - t / 3600, 2.4 + (t - 3600) / 3600)
    columns = {"Time [s]": t, "Current [A]": current, "Voltage [V]": v}
    reading = Reading(time_series(columns, {"capacity_basis_mass_g": 1.0}))
    down = reading.half({"direction": "discharge"})
    assert half_charge_voltage(down) == pytest.approx(2.5, abs=0.01)
    found = measure(reading, {"of": "hysteresis at half charge", "cycle": 1})
    assert found == pytest.approx(0.4, abs=0.01)


def test_every_shape_is_a_measure_that_names_what_it_lacks():
    reading = Reading(_data(np.linspace(3, 2, 200), mass=2.0))
    where = {"direction": "discharge", "cycle": 1}
    slope = measure(reading, {"of": "plateau slope", "shares": [0.2, 0.8], **where})
    assert slope == pytest.approx(-2.0)  # twice the mass: half the charge of a gram
    assert measure(reading, {"of": "rise against the current", **where}) == 0.0
    assert measure(reading, {"of": "constant-current share", **where}) == 1.0
    assert measure(reading, {"of": "peak width", "index": 1, "out_of": 1, **where}) is None
    with pytest.raises(ParameterError, match="shares"):
        measure(reading, {"of": "plateau slope", **where})
    assert {"initial drop", "mean voltage gap"} <= set(MEASURES)


def _table(than="warm", word="predicted"):
    row = {
        "id": "gap",
        "run": "cold",
        "measure": {"of": "mean voltage gap", "direction": "discharge", "than": than},
        "published": -0.5,
        "unit": "V",
        "tolerance": 0.1,
        "word": word,
        "source": "our reading",
    }
    step = {"do": "discharge", "rate": "0.1C"}
    runs = {n: {"temperature": t, "steps": [step]} for n, t in (("cold", 0), ("warm", 30))}
    return ObservableTable.from_table({"runs": runs, "observables": [row]}, "table")


def test_a_gap_is_read_from_two_runs():
    warm = Reading(_data(np.full(50, 3.0)))
    cold = Reading(_data(np.full(50, 2.5)), {"warm": warm})
    (row,) = _table().observables
    assert row.runs == ("cold", "warm")
    assert measure(cold, row.measure) == pytest.approx(-0.5)
    assert measure(Reading(cold.data), row.measure) is None


@pytest.mark.parametrize(
    ("options", "says"),
    [({"than": "warn"}, "Did you mean 'warm'"), ({"word": "fitted"}, "a fit cannot")],
)
def test_a_gap_to_no_run_and_a_fitted_gap_are_refused(options, says):
    with pytest.raises(ParameterError, match=says):
        _table(**options)
