"""PyBaMM's own experiments on a cell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pybamm
import xarray as xr

from sscell.cells.cell import Cell
from sscell.cells.model import SolidStateCell, solver
from sscell.dataset import set_metadata
from sscell.errors import SimulationError
from sscell.simulation.engine import Resolution
from sscell.simulation.results import labelled, remarks
from sscell.simulation.series import series
from sscell.solver.stepping import OwnClock
from sscell.solver.watch import alone

__all__ = ["run_experiment"]


@alone
def run_experiment(
    cell: Cell,
    experiment: pybamm.Experiment,
    resolution: Resolution,
    applied: float | None,
) -> xr.Dataset:
    """Run any PyBaMM experiment through PyBaMM itself.

    Parameters
    ----------
    cell : Cell
        As assembled.
    experiment : pybamm.Experiment
        Its steps.
    resolution : Resolution
        Meshes and tolerances.
    applied : float or None
        Stack pressure that was asked for [Pa].

    Returns
    -------
    xarray.Dataset
        As from `simulate`.

    Raises
    ------
    SimulationError
        If the solver fails, or a step leaves the window.
    """
    model = SolidStateCell(
        cell,
        shells=resolution.shells,
        thickness_points=resolution.thickness_points,
        double_layer=resolution.double_layer,
    )
    simulation = pybamm.Simulation(
        model,
        parameter_values=pybamm.ParameterValues(cell.parameter_dict()),
        experiment=experiment,
        solver=OwnClock.like(solver(resolution.rtol, resolution.atol)),
    )
    try:
        solution = simulation.solve()
    except pybamm.SolverError as error:
        raise SimulationError(
            f"The experiment failed: {str(error).splitlines()[0]}"
        ) from error
    parts, steps = [], []
    for number, part in enumerate(solution.cycles, start=1):
        for step in part.steps:
            parts.append((number, step))
    names = series(cell, model.budget)
    columns: dict[str, Any] = {
        name: np.concatenate([step[name].entries for _, step in parts]) for name in names
    }
    columns["Time [s]"] = np.concatenate([step.t for _, step in parts])
    columns["Temperature [degC]"] = np.concatenate(
        [
            np.broadcast_to(step["Ambient temperature [C]"].entries, step.t.shape)
            for _, step in parts
        ]
    )
    sizes = [step.t.size for _, step in parts]
    columns["Cycle"] = np.repeat([number for number, _ in parts], sizes)
    columns["Step"] = np.repeat(np.arange(len(parts)) + 1, sizes)
    for index, (number, step) in enumerate(parts, start=1):
        mean = float(np.mean(step["Current [A]"].entries))
        direction = "discharge" if mean > 0 else "charge" if mean < 0 else "rest"
        steps.append(
            {
                "step": index,
                "cycle": number,
                "direction": direction,
                "preparatory": False,
                "stop_reason": step.termination.removeprefix("event: ").replace(
                    " [experiment]", ""
                ),
            }
        )
    data = labelled(cell, columns, model.budget, {"name": "experiment"}, steps)
    celsius = float(columns["Temperature [degC]"][0])
    set_metadata(data, state="pristine", warnings=remarks(cell, [celsius], [], applied))
    if len(parts) < len(experiment.steps):
        # PyBaMM stops a volt beyond the window with no more than a warning.
        raise SimulationError(
            f"Step {len(parts)} of {len(experiment.steps)} of the experiment left the "
            f"voltage window ({steps[-1]['stop_reason']}). Give it a voltage at which it "
            "ends, or a shorter time.",
            data,
        )
    return data
