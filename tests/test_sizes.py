"""Particles of different sizes: the surface, the balances, and the plain model at no spread."""

from __future__ import annotations

import tomllib
from functools import cache

import numpy as np
import pytest

import sscell
from sscell.cells.cell import Cell
from sscell.cells.library import find
from sscell.cells.parameters import ParameterSet
from sscell.errors import ParameterError
from sscell.simulation.engine import Resolution, engine

SPREAD = "Positive particle radius spread"
FINE = Resolution(shells=15, double_layer=True, rtol=1e-7, atol=1e-9)


def sized(name, count, spread=0.0):
    path, variant = find(name)
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    table["physics"]["particle_sizes"] = count
    cell = Cell(ParameterSet.from_table(table, path, variant))
    return cell.replace({SPREAD: spread}) if count else cell


@cache
def discharge(name, count, spread, rate="0.4C"):
    celsius = 60 if name == "Ji2024" else 25
    return sscell.simulate(
        sized(name, count, spread),
        sscell.discharge(rate),
        temperature=celsius,
        resolution=FINE,
    )


def value(count, spread, name):
    cell = sized("Liang2023", count, spread)
    built = engine(cell, FINE)
    variable = built.model.get_processed_variable(name)
    inputs = built.inputs(cell, cell.current("0.1C"))
    return np.ravel(variable.evaluate(0.0, np.zeros((1, 1)), inputs=inputs))


@pytest.mark.parametrize("count", [3, 8])
def test_surface_is_that_of_the_lognormal_distribution(count):
    """Mean of 1/R by volume: exp(s2/2)/R, whatever the number of classes."""
    per_volume = value(count, 0.6, "Positive particle surface per volume [m-1]")
    assert per_volume == pytest.approx(3 / 2e-6 * np.exp(0.6**2 / 2), rel=1e-12)
    radii = value(count, 0.6, "Positive particle radius [m]")
    assert np.mean(3 / radii) == pytest.approx(per_volume[0], rel=1e-12)
    assert np.all(np.diff(radii) > 0)


def test_no_spread_gives_every_class_the_radius():
    assert value(5, 0.0, "Positive particle radius [m]") == pytest.approx(2e-6, rel=1e-12)


@pytest.mark.parametrize(("name", "rate"), [("Liang2023", "0.4C"), ("Ji2024", "C/20")])
def test_no_spread_gives_the_plain_model(name, rate):
    plain, same = (discharge(name, n, 0.0, rate) for n in (0, 3))
    ends = [run["Discharge capacity [A.h]"].values[-1] for run in (plain, same)]
    assert ends[1] == pytest.approx(ends[0], rel=1e-4)
    charge = np.linspace(0.02, 0.98, 200) * min(ends)
    curves = [
        np.interp(charge, r["Discharge capacity [A.h]"], r["Voltage [V]"])
        for r in (plain, same)
    ]
    assert np.max(np.abs(curves[1] - curves[0])) < 1e-3


@pytest.mark.parametrize(("name", "rate"), [("Liang2023", "0.4C"), ("Ji2024", "C/20")])
def test_guest_and_voltage_balances_close_with_a_spread(name, rate):
    run = discharge(name, 3, 0.6, rate)
    assert max(sscell.summary(run)["balances"].values()) < 1e-6


def test_spread_takes_capacity_and_more_classes_agree():
    """Large particles stay behind; 6 and 12 classes differ by less than the spread does."""
    ends = [
        discharge("Liang2023-diffusion", n, s)["Discharge capacity [A.h]"].values[-1]
        for n, s in ((0, 0.0), (6, 0.6), (12, 0.6))
    ]
    assert ends[1] < 0.99 * ends[0]
    assert abs(ends[2] - ends[1]) < 0.3 * (ends[0] - ends[2])


def test_spread_without_classes_and_bad_classes_are_refused():
    with pytest.raises(ParameterError, match="no parameter"):
        Cell.load("Liang2023").replace({SPREAD: 0.3})
    with pytest.raises(ParameterError, match="whole number from 3 to 100, not 2"):
        sized("Liang2023", 2)


def test_sizes_and_thickness_together_are_refused():
    with pytest.raises(ParameterError, match="thickness points must be 0, not 4"):
        engine(sized("Liang2023", 3), Resolution(shells=5, thickness_points=4))
