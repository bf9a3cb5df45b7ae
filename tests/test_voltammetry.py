"""Voltammograms: sweeps, peaks, exponents, and what is no peak."""

import warnings

import numpy as np
import pytest
from measured import measured

from sscell.analysis import b_value, cv, sweeps
from sscell.dataset import time_series
from sscell.errors import DataError, ParameterError
from sscell.readers import read

NAMES = ("cellE_CB_LSV_3mVpermin_CB1", "cellF_CB_LSV_10mVpermin_CB2",
         "cellG_CB_LSV_30mVpermin_CB3", "cellH_CB_LSV_100mVpermin_CB4",
         "cellI_CB_LSV_300mVpermin_CB5")  # fmt: skip


def carbon_black():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [read(measured("carbon_black_cv", f"{n}.txt")) for n in NAMES]


def voltammogram(rate, exponent=0.5, noise=0.0, rest=False):
    """Triangle 2 - 3 - 2 V, anodic peak at 2.6 V, cathodic current that grows to 2 V."""
    t = np.linspace(0, 2 / rate, 801)
    up = t <= 1 / rate
    v = np.where(up, 2 + t * rate, 4 - t * rate)
    size = 1e-3 * (rate / 1e-4) ** exponent
    charge = size * np.exp(-(((v - 2.6) / 0.1) ** 2))
    i = np.where(up, -charge, size * np.exp((2 - v) / 0.2))
    i = i + np.random.default_rng(5).normal(0, noise, len(i))
    if rest:
        pause = np.linspace(0, 5 / rate, 200)
        t = np.concatenate([pause, pause[-1] + 1 + t])
        v, i = np.concatenate([0 * pause + 2.05, v]), np.concatenate([0 * pause, i])
    return time_series({"Time [s]": t, "Voltage [V]": v, "Current [A]": i})


def test_measured_scan_rates_are_those_on_the_labels():
    for data, label in zip(carbon_black(), (3, 10, 30, 100, 300), strict=True):
        found = [s.scan_rate * 6e4 for s in sweeps(data) if s.direction == "charge"]
        assert found == pytest.approx([label] * len(found), rel=0.01)


def test_anodic_exponent_of_carbon_black_is_the_published_one():
    result = cv(carbon_black())
    anodic = next(b for b in result.b_values if b.branch == "anodic")
    assert anodic.b == pytest.approx(0.81, abs=0.05)
    assert anodic.points == 5
    assert 0 < anodic.std_error < 0.1


def test_cathodic_maximum_at_the_vertex_is_called_no_peak():
    result = cv(carbon_black())
    cathodic = [e for e in result.at_vertex if e["branch"] == "cathodic"]
    assert len(cathodic) == 9
    assert all(e["voltage_V"] < 0.02 for e in cathodic)
    assert any("vertex (0.01 V) in 9 of 10 sweeps" in w for w in result.warnings)
    assert not any(p["voltage_V"] < 0.02 for p in result.peaks)


@pytest.mark.parametrize("exponent", [0.5, 0.8, 1.0])
def test_exponent_that_was_put_in_comes_back(exponent):
    result = cv([voltammogram(r, exponent) for r in (1e-4, 3e-4, 1e-3, 3e-3)])
    (only,) = result.b_values
    assert only.branch == "anodic" and only.direction == "charge"
    assert only.b == pytest.approx(exponent, abs=1e-3)


def test_peak_stands_where_it_is_with_the_sign_of_the_dataset():
    result = cv(voltammogram(1e-4, noise=2e-6))
    (peak,) = result.peaks
    assert peak["voltage_V"] == pytest.approx(2.6, abs=0.02)
    assert peak["current_A"] == pytest.approx(-1e-3, rel=0.02)
    assert peak["scan_rate_mV_s"] == pytest.approx(0.1, rel=1e-3)
    assert result.at_vertex[0]["branch"] == "cathodic"


def test_rest_before_the_sweep_does_not_change_the_scan_rate():
    found = sweeps(voltammogram(1e-3, rest=True))
    assert [s.scan_rate for s in found] == pytest.approx([1e-3, 1e-3], rel=0.01)


def test_error_of_the_exponent_covers_scatter():
    v = np.geomspace(1, 100, 8)
    noise = np.random.default_rng(1).normal(0, 0.05, 8)
    fit = b_value(v, v**0.7 * np.exp(noise))
    assert abs(fit.b - 0.7) < 3 * fit.std_error
    assert b_value([1, 10], [1, 10]).std_error is None


def test_bad_input_is_refused():
    with pytest.raises(DataError, match="two or more positive scan rates"):
        b_value([1, 1], [1, 2])
    with pytest.raises(ParameterError, match="2 scan rates are given for 1 dataset"):
        cv(voltammogram(1e-3), scan_rates=[1, 2])
    t = np.arange(100.0)
    flat = time_series(
        {"Time [s]": t, "Voltage [V]": 0 * t + 2, "Current [A]": 0 * t + 1e-3}
    )
    with pytest.raises(DataError, match="not swept"):
        cv(flat)


def peaks_at(rate, peaks, noise=0.0, seed=0, samples=800):
    """Sweep upwards from 1 to 3 V with Gaussian anodic peaks (voltage, current, width)."""
    t = np.linspace(0, 2 / rate, samples)
    v = 1 + t * rate
    i = -sum(h * np.exp(-(((v - at) / w) ** 2)) for at, h, w in peaks)
    i = i + np.random.default_rng(seed).normal(0, noise, samples)
    return time_series({"Time [s]": t, "Voltage [V]": v, "Current [A]": i})


@pytest.mark.parametrize("noise", [0.0, 5e-6, 2e-5, 5e-5])
@pytest.mark.parametrize("samples", [300, 3000])
def test_noise_moves_no_peak_and_makes_none(noise, samples):
    for seed in range(5):
        data = peaks_at(1e-3, [(1.6, 1e-3, 0.1), (2.4, 7e-4, 0.12)], noise, seed, samples)
        found = cv(data).peaks
        assert [p["voltage_V"] for p in found] == pytest.approx([1.6, 2.4], abs=0.02)
        assert [p["current_A"] for p in found] == pytest.approx([-1e-3, -7e-4], rel=0.06)


def test_peaks_that_change_places_in_height_keep_their_exponents():
    rates = (1e-4, 3e-4, 1e-3, 3e-3)
    sets = [
        # Both move with the scan rate, as resistance does.
        peaks_at(
            r,
            [
                (1.5 + 0.05 * k, 1e-3 * (r / 1e-4) ** 0.5, 0.08),
                (2.2 + 0.08 * k, 4e-4 * (r / 1e-4), 0.08),
            ],
        )
        for k, r in enumerate(rates)
    ]
    found = cv(sets).b_values
    assert [b.b for b in found] == pytest.approx([0.5, 1.0], abs=0.01)
    assert [b.voltage_V for b in found] == pytest.approx([1.5, 2.2], abs=0.01)
    assert all(b.points == 4 for b in found)


def test_peak_that_is_seen_at_some_scan_rates_is_mixed_with_no_other():
    sets = [
        peaks_at(1e-4, [(1.5, 1e-3, 0.08), (2.4, 5e-4, 0.08)]),
        peaks_at(4e-4, [(2.4, 2e-3, 0.08)]),
        peaks_at(1.6e-3, [(1.5, 4e-3, 0.08), (2.4, 8e-3, 0.08)]),
    ]
    found = {round(b.voltage_V, 1): b for b in cv(sets).b_values}
    assert found[2.4].b == pytest.approx(1.0, abs=0.01) and found[2.4].points == 3
    assert found[1.5].b == pytest.approx(0.5, abs=0.01) and found[1.5].points == 2


@pytest.mark.parametrize("noise", [0.0, 2e-7])
def test_onset_is_where_an_exponential_passes_the_current(noise):
    """i = 1 uA exp((V - 2.5)/0.05): 5 uA at 2.5 + 0.05 ln 5 V."""
    t = np.linspace(0, 2e4, 2001)
    v = 1.5 + t * 1e-4
    i = -1e-6 * np.exp((v - 2.5) / 0.05) + np.random.default_rng(1).normal(0, noise, 2001)
    data = time_series(
        {"Time [s]": t, "Voltage [V]": v, "Current [A]": np.maximum(i, -1e-3)},
        {"area_cm2": 2.0},
    )
    expected = 2.5 + 0.05 * np.log(5)
    for given in ("5uA", "2.5uA/cm2", 5e-6):
        (onset,) = cv(data, onset_current=given).onsets
        assert onset["voltage_V"] == pytest.approx(expected, abs=0.005)
        assert onset["current_A"] == pytest.approx(-5e-6)
        assert onset["branch"] == "anodic"
    never = cv(data, onset_current="1 A")
    assert never.onsets[0]["voltage_V"] is None
    assert any("passes the current" in w for w in never.warnings)
    with pytest.raises(ParameterError, match="needs --mass"):
        cv(data, onset_current="1mA/g")
