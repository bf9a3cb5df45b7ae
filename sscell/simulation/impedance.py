"""Impedance of the full model about a state, through PyBaMM's EIS simulation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pybamm

from sscell.cells.cell import Cell
from sscell.cells.model import model_of
from sscell.simulation.engine import Resolution
from sscell.solver.watch import alone

__all__ = ["spectrum_at"]

_SIMULATIONS: dict[tuple[Any, ...], pybamm.EISSimulation] = {}


@alone
def spectrum_at(
    cell: Cell,
    resolution: Resolution,
    state: Mapping[str, np.ndarray],
    inputs: Mapping[str, float],
    frequencies: Sequence[float],
) -> np.ndarray:
    r"""Small-signal impedance of a cell at rest in a given state.

    .. math:: (i\omega M - J)\,x = b, \quad Z = -V(x)/I(x)

    Parameters
    ----------
    cell : Cell
        Any cell of the structure.
    resolution : Resolution
        Meshes, with the double layers charged.
    state : mapping of str to numpy.ndarray
        States by the names of the model's variables.
    inputs : mapping of str to float
        All parameters by name.
    frequencies : sequence of float
        [Hz].

    Returns
    -------
    numpy.ndarray of complex, shape (n,)
        Impedance of the whole cell [Ohm].
    """
    simulation = _simulation(cell, resolution)
    simulation.build()
    model: Any = simulation.built_model
    known = dict(state) | {"Current variable [A]": np.zeros((1, 1))}
    wanted = {name: inputs[name] for name in cell.parameter_dict()}
    model.set_initial_conditions_from(known, inputs=wanted)
    return np.asarray(simulation.solve(list(frequencies), inputs=wanted)["Impedance [Ohm]"])


def _simulation(cell: Cell, resolution: Resolution) -> pybamm.EISSimulation:
    key = (cell.structure, resolution)
    if key not in _SIMULATIONS:
        model = model_of(
            cell,
            shells=resolution.shells,
            thickness_points=resolution.thickness_points,
            double_layer=True,
        )
        values = dict.fromkeys(cell.parameter_dict(), "[input]")
        _SIMULATIONS[key] = pybamm.EISSimulation(
            model,
            parameter_values=pybamm.ParameterValues(values),
            skip_surface_form_check=True,
        )
    return _SIMULATIONS[key]
