"""Bands of predictions: they cover drawn cells as often as they say."""

from __future__ import annotations

import importlib
import json

import numpy as np
import pybamm
import pytest
from typer.testing import CliRunner

import sscell
from sscell.cells.library import available
from sscell.cli import app
from sscell.dataset import metadata
from sscell.errors import ParameterError
from sscell.simulation.bands import DRAWS, banded, quantile_band
from sscell.simulation.draws import drawn

COARSE = sscell.Resolution(10)
CURVE = ("Voltage lower [V]", "Voltage upper [V]")


def _json(*options):
    done = CliRunner().invoke(app, [*options, "--json", "--bands", "--shells", "10"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def _mAh_g(run, cell):
    return np.ptp(run["Discharge capacity [A.h]"].values) / cell.basis("capacity")[1]


@pytest.mark.parametrize(
    ("name", "rate", "celsius", "truths"),
    [("Liang2023", "0.4C", 25, 60), ("Ji2024", "C/20", 90, 12)],
)
def test_drawn_cells_lie_in_the_band_as_often_as_it_says(name, rate, celsius, truths):
    """A sample; the benchmark has 200 of each kind."""
    cell, protocol = sscell.load(name), sscell.discharge(rate)
    options = {"temperature": celsius, "resolution": COARSE}
    found = banded(cell, protocol, seed=1, **options)
    low, high = (found.data[name].values for name in CURVE)
    ends = found.of(lambda run: {"capacity": _mass_capacity(run)})["capacity"]
    inside, covered = [], []
    for other in drawn(cell, truths, seed=2).cells:
        run = sscell.simulate(other, protocol, outputs=(), **options)
        inside.append(ends[0] <= _mAh_g(run, other) <= ends[1])
        t = found.data["Time [s]"].values
        v = np.interp(t, run["Time [s]"].values, run["Voltage [V]"].values)
        covered.append(np.mean((low <= v) & (v <= high)))
    least = 0.9 - 3 * np.sqrt(0.09 / truths)
    assert np.mean(inside) > least
    assert np.mean(covered) > least
    width = ends[1] - ends[0]
    assert width < 0.6 * _mass_capacity(found.data)


def _mass_capacity(run):
    return (
        np.ptp(run["Discharge capacity [A.h]"].values)
        / run.attrs["capacity_basis_mass_g"]
        * 1e3
    )


def test_a_band_of_normal_draws_is_3_29_standard_deviations_wide():
    rng = np.random.default_rng(3)
    widths = []
    for seed in range(30):
        x = rng.standard_normal((DRAWS, 5))
        low, high = quantile_band((x @ [3.0, 1.0, 0.2, 0.0, 0.0])[:, None], x, seed)
        widths.append(high[0] - low[0])
    assert np.mean(widths) == pytest.approx(3.29 * np.sqrt(10.04), rel=0.08)


def test_what_does_not_move_has_no_width():
    low, high = quantile_band(np.full((DRAWS, 1), 2.0), np.eye(DRAWS))
    assert low[0] == high[0] == 2.0


def test_told_values_are_known_and_fractions_of_one_whole_move_together():
    cell = sscell.load("Liang2023")
    told = drawn(cell, 4, fixed=["Electrode area [m2]"])
    assert "Electrode area [m2]" not in told.names
    assert {c.values["Electrode area [m2]"] for c in told.cells} == {cell.area}
    mine = cell.replace({"Positive electrode mass [kg]": 3e-6})
    assert "Positive electrode mass [kg]" not in drawn(mine, 4).names
    for other in drawn(cell, 8).cells:
        parts = [other.values[f"{w} step fraction"] for w in ("Upper", "Lower")]
        assert sum(parts) == pytest.approx(1.0, abs=0.2)


@pytest.mark.parametrize("name", list(available()))
def test_every_published_cell_can_be_drawn(name):
    """Two domains have two wholes: fractions of one do not lend to the other."""
    found = drawn(sscell.load(name), 4)
    assert len(found.cells) == 4
    assert found.failed == 0


def test_draws_of_the_covariance_have_it():
    cell = sscell.load("Liang2023")
    name = "Lower step potential [V]"
    values = [c.values[name] for c in drawn(cell, 400, assumed=False).cells]
    assert np.std(values) == pytest.approx(0.0099, rel=0.1)


def test_steps_have_their_bands_and_the_curve_its_own():
    found = _json("simulate", "Liang2023", "-C", "0.4C", "--mode", "discharge")
    (step,) = found["steps"]
    for value, band in (
        ("capacity_mAh_g", "capacity_band_mAh_g"),
        ("mean_voltage_V", "mean_voltage_band_V"),
    ):
        assert step[band][0] <= step[value] <= step[band][1]
    curve = {k: np.array(v) for k, v in found["curve"].items()}
    assert set(curve) == {"time_s", "voltage_V", "voltage_low_V", "voltage_high_V"}
    assert np.all(curve["voltage_low_V"] <= curve["voltage_V"])
    assert np.all(curve["voltage_V"] <= curve["voltage_high_V"])
    assert found["bands"]["level"] == 0.9
    assert found["bands"]["draws"] < 30


def test_rate_titration_and_spectra_have_theirs():
    rates = _json("rate", "Liang2023", "--currents", "1,3C")
    for value, (low, high) in zip(
        rates["capacities_mAh_g"], rates["capacity_bands_mAh_g"], strict=True
    ):
        assert low <= value <= high
    pulses = _json("gitt", "Liang2023", "-C", "1C", "--pulse", "15min", "--rest", "10min")
    for pulse in pulses["pulses"][:3]:
        low, high = pulse["ocv_band_V"]
        assert low <= pulse["ocv_V"] <= high
    (one,) = _json("eis", "Liang2023", "--frequencies", "100kHz,1Hz,2")["spectra"]
    for part in ("real", "imaginary"):
        low, high = np.array(one[f"{part}_band_ohm_cm2"])
        values = np.array(one[f"{part}_ohm_cm2"])
        assert np.all(low <= values) and np.all(values <= high)


def test_python_has_them_too():
    run = sscell.simulate(
        "Liang2023", sscell.discharge("3C"), resolution=COARSE, bands=True
    )
    assert set(CURVE) <= set(run.data_vars)


def test_a_set_without_ranges_has_no_band(monkeypatch):
    draws = importlib.import_module("sscell.simulation.draws")
    monkeypatch.setattr(draws, "spreads", lambda cell: ({}, None))
    with pytest.raises(ParameterError, match="no band"):
        banded("Liang2023", sscell.discharge("3C"))


def test_far_from_its_data_a_set_gives_a_band_or_nothing():
    half, options = sscell.discharge("C/20"), {"temperature": -30, "resolution": COARSE}
    with pytest.raises(ParameterError, match="-30 degC.*allowed: 0 to 115 degC"):
        sscell.simulate("Ji2024", half, **options)
    cold = pybamm.Experiment([pybamm.step.rest("1 hour", temperature="-30oC")])
    with pytest.raises(ParameterError, match="-30 degC"):
        sscell.simulate("Ji2024", cold)
    found = banded("Ji2024", half, draws=10, **options)
    low, high = found.of(lambda run: {"capacity": _mass_capacity(run)})["capacity"]
    assert low < _mass_capacity(found.data) < high
    assert high - low > 0.5 * _mass_capacity(found.data)


def test_a_set_without_that_limit_still_gives_its_single_value():
    run = sscell.simulate(
        "Liang2023", sscell.discharge("0.4C"), temperature=-40, resolution=COARSE
    )
    assert any("-40 degC is outside" in text for text in metadata(run, "warnings"))
