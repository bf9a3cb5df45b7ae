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
