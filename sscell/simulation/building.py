"""What only PyBaMM can do for an engine: discretise its model, and step with its own solver.

A run whose functions are kept from an earlier one does without, and so without importing
PyBaMM, which takes longer than most runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pybamm

from sscell.cells.cell import Cell
from sscell.cells.cell_model import solver
from sscell.cells.model import model_of
from sscell.simulation.limits import (
    CAPACITY,
    CURRENT,
    LIMITS,
    LOWER,
    SLOPE,
    UPPER,
    WARMING,
    Resolution,
)
from sscell.solver.stepping import OwnClock

__all__ = ["clocked", "discretised", "options", "stepped"]

_TAG = "[experiment]"  # lets the solver go on after an event
# Parameters that move linearly in a step's own time, and the inputs that say how.
_MOVING = {"Ambient temperature [K]": WARMING, "Current function [A]": SLOPE}


def discretised(
    cell: Cell,
    resolution: Resolution,
    controlled: str,
    parameters: Sequence[str],
    inputs: Sequence[str],
) -> pybamm.BaseModel:
    """Discretised model of a cell, whose parameters are inputs.

    Parameters
    ----------
    cell : Cell
        Whose structure is built.
    resolution : Resolution
        Its meshes.
    controlled : str
        As of an engine.
    parameters : sequence of str
        Names of the cell's parameters.
    inputs : sequence of str
        Names of all inputs of the engine.

    Returns
    -------
    pybamm.BaseModel
    """
    model = model_of(
        cell,
        shells=resolution.shells,
        thickness_points=resolution.thickness_points,
        double_layer=resolution.double_layer,
        controlled=controlled if controlled in ("voltage", "power") else "current",
    )
    model.events = _events(model)
    moving: dict[str, Any] = {
        name: pybamm.InputParameter(name) + pybamm.InputParameter(slope) * pybamm.t
        for name, slope in _MOVING.items()
        if slope in inputs
    }
    values = pybamm.ParameterValues(dict.fromkeys(parameters, "[input]") | moving)
    simulation = pybamm.Simulation(model, parameter_values=values, solver=solver())
    simulation.build()
    built = simulation.built_model
    assert built is not None
    return built


def _events(model: Any) -> list[Any]:
    voltage, current = model.variables["Voltage [V]"], model.variables["Current [A]"]
    charge = model.variables["Discharge capacity [A.h]"]
    limit = {name: pybamm.InputParameter(name) for name in LIMITS}
    margins = {
        LOWER: voltage - limit["Lower limit [V]"],
        UPPER: limit["Upper limit [V]"] - voltage,
        CURRENT: pybamm.AbsoluteValue(current) - limit["Current limit [A]"],
        CAPACITY: pybamm.minimum(
            limit["Discharge capacity limit [A.h]"] - charge,
            charge - limit["Charge capacity limit [A.h]"],
        ),
    }
    return [pybamm.Event(f"{name} {_TAG}", margin) for name, margin in margins.items()]


def options() -> dict[str, Any]:
    """Options of IDA, as PyBaMM sets them.

    Returns
    -------
    dict of str to object
    """
    return dict(solver().options)


def clocked(resolution: Resolution, atol: Any = None) -> OwnClock:
    """PyBaMM's solver with the tolerances of a resolution.

    Parameters
    ----------
    resolution : Resolution
        Its tolerances.
    atol : numpy.ndarray, optional
        Absolute tolerance of each state [-].

    Returns
    -------
    OwnClock
    """
    found = OwnClock.like(solver(resolution.rtol, resolution.atol))
    if atol is not None:
        found.atol = atol
    return found


def stepped(
    own: OwnClock,
    model: pybamm.BaseModel,
    y: np.ndarray,
    duration: float,
    inputs: Mapping[str, float],
    times: np.ndarray | None,
) -> pybamm.Solution:
    """Step from a state through PyBaMM.

    Parameters
    ----------
    own : OwnClock
        The solver.
    model : pybamm.BaseModel
        Discretised.
    y : numpy.ndarray, shape (states,)
        State at the start.
    duration : float
        [s].
    inputs : mapping of str to float
        All of them.
    times : numpy.ndarray or None
        Where the solution is wanted, since the start [s].

    Returns
    -------
    pybamm.Solution
    """
    told = dict(inputs)
    before = pybamm.Solution(np.zeros(1), y[:, None], model, told)
    found: Any = own.step(before, model, duration, inputs=told, save=False, t_interp=times)
    return found
