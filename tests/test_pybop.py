"""PyBOP fits a cell of ours. It pins NumPy: `pip install ".[pybop]"` in its own environment."""

from __future__ import annotations

import numpy as np
import pytest

import sscell
from sscell.cells.model import SolidStateCell

pybop = pytest.importorskip("pybop", reason="PyBOP: pip install sscell[pybop]")

NAME = "Cathode-side layer conductivity [S.m-1]"


def test_pybop_finds_a_value_that_our_own_run_was_made_with():
    """A discharge at 3C; the start is a factor two off."""
    import pybamm

    cell = sscell.load("Liang2023")
    true = cell.values[NAME]
    coarse = sscell.Resolution(12)
    run = sscell.simulate(cell, sscell.discharge("3C"), temperature=25, resolution=coarse)
    time = run["Time [s]"].values
    measured = pybop.Dataset({"Time [s]": time, "Voltage [V]": run["Voltage [V]"].values})
    model = SolidStateCell(cell, shells=12)
    model.events = []
    values = model.default_parameter_values
    values["Current function [A]"] = float(run["Current [A]"].values[-1])
    values["Ambient temperature [K]"] = 298.15
    values[NAME] = pybop.Parameter(
        bounds=(true / 10, true * 10),
        initial_value=2 * true,
        transformation=pybop.LogTransformation(),
    )
    simulator = pybop.pybamm.Simulator(
        model,
        parameter_values=values,
        protocol=time,
        solver=pybamm.IDAKLUSolver(rtol=1e-6, atol=1e-8),
    )
    problem = pybop.Problem(simulator, pybop.SumSquaredError(measured))
    found = pybop.SciPyMinimize(
        problem, pybop.SciPyMinimizeOptions(method="Nelder-Mead", maxiter=60)
    ).run()
    assert np.asarray(found.x).item() == pytest.approx(true, rel=0.01)
