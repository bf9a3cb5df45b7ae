"""Going on from where a saved run ended."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from sscell.cells.cell import Cell
from sscell.dataset import load_dataset, metadata
from sscell.errors import DataError, ParameterError
from sscell.simulation.engine import Engine, Resolution

__all__ = ["Saved", "packed", "saved", "with_layers_at_rest"]

_ACROSS = "Positive electrode local potential difference [V]"
_NEAR = "Positive particle surface potential [V]"  # at rest, the same but for losses
_BEGUN, _RESIDUAL = "Guest at the start", "Guest balance residual"
_PRESSURE = "Applied stack pressure [Pa]"


@dataclass(frozen=True)
class Saved:
    """How a run ended.

    Parameters
    ----------
    source : str
        The file, or the run itself.
    cell : str
        Name of its set.
    values : mapping of str to float
        Its parameters, in the units of their names.
    resolution : Resolution
        Meshes, tolerances and double layers.
    states : mapping of str to numpy.ndarray
        By the names of the model's variables [-].
    current : float
        That flowed last [A].
    is_now : str
        ``"charged"``, ``"discharged"`` or ``"between"``.
    """

    source: str
    cell: str
    values: Mapping[str, float]
    resolution: Resolution
    states: Mapping[str, np.ndarray]
    current: float
    is_now: str

    def of(self, cell: Cell) -> Cell:
        """The cell as it was in the saved run.

        Parameters
        ----------
        cell : Cell
            That is asked to go on.

        Returns
        -------
        Cell

        Raises
        ------
        ParameterError
            If it is another cell.
        """
        if _PRESSURE in self.values and not cell.has_contact:
            cell = cell.under(self.values[_PRESSURE], self.values)
        if cell.name != self.cell or set(cell.values) != set(self.values):
            raise ParameterError(
                f"{self.source} was made with {self.cell}, in other physics or another set "
                f"than {cell.name}: it goes on with its own cell only."
            )
        own = cell.values
        changed = {name: v for name, v in self.values.items() if v != own[name]}
        return cell.replace(changed, f"as in {self.source}") if changed else cell


def packed(
    states: Mapping[str, np.ndarray], current: float, is_now: str, resolution: Resolution
) -> dict[str, Any]:
    """Last state of a run as metadata.

    Parameters
    ----------
    states : mapping of str to numpy.ndarray
        By the names of the model's variables [-].
    current : float
        That flowed last [A].
    is_now : str
        ``"charged"``, ``"discharged"`` or ``"between"``.
    resolution : Resolution
        Of the run.

    Returns
    -------
    dict
        Plain values; the numbers as base64 of their bytes, so that none is rounded.
    """
    numbers = np.concatenate([np.asarray(s, "<f8").ravel() for s in states.values()])
    return {
        "sizes": {name: int(np.size(s)) for name, s in states.items()},
        "numbers": base64.b64encode(numbers.tobytes()).decode(),
        "current_A": current,
        "is_now": is_now,
        "resolution": {
            "shells": resolution.shells,
            "thickness_points": resolution.thickness_points,
            "double_layer": resolution.double_layer,
            "rtol": resolution.rtol,
            "atol": resolution.atol,
        },
    }


def saved(start: xr.Dataset | str | Path) -> Saved:
    """Read how a run ended.

    Parameters
    ----------
    start : xarray.Dataset, str or pathlib.Path
        From `simulate`, or a .nc file of it.

    Returns
    -------
    Saved

    Raises
    ------
    ParameterError
        If there is no last state in it.
    """
    source = "The run" if isinstance(start, xr.Dataset) else f"'{Path(start).name}'"
    try:
        data = start if isinstance(start, xr.Dataset) else load_dataset(start)
    except DataError as error:
        raise ParameterError(str(error)) from error
    told = metadata(data, "final_state")
    if told is None:
        raise ParameterError(
            f"{source} has no last state to go on from: give a run of sscell, saved as .nc."
        )
    numbers = np.frombuffer(base64.b64decode(told["numbers"]), "<f8")
    ends = np.cumsum(list(told["sizes"].values()))[:-1]
    states = dict(zip(told["sizes"], np.split(numbers, ends), strict=True))
    return Saved(
        source,
        str(metadata(data, "cell")),
        metadata(data, "parameters"),
        Resolution(**told["resolution"]),
        states,
        told["current_A"],
        told["is_now"],
    )


def with_layers_at_rest(
    built: Engine, y: np.ndarray, missing: Sequence[str], inputs: Mapping[str, float]
) -> np.ndarray:
    """A state in which the double layers are charged as without a current.

    Parameters
    ----------
    built : Engine
        With double layers.
    y : numpy.ndarray, shape (states, 1)
        What is known, and the cell as assembled for the rest [-].
    missing : sequence of str
        Names of the rest.
    inputs : mapping
        From the engine, without a current.

    Returns
    -------
    numpy.ndarray, shape (states, 1)

    Raises
    ------
    ParameterError
        If there is none.
    """
    from scipy.optimize import root

    functions, values = built.functions, [inputs[name] for name in built.input_names]
    settled = functions.settled(np.array(values, dtype=float))
    state, slices = y[:, 0].copy(), functions.slices
    if _ACROSS in missing and _NEAR in slices:
        low, high = slices[_ACROSS]
        state[low:high] = state[slice(*slices[_NEAR])][: high - low]
    rows = sorted(
        {row for name in missing for row in range(*slices[name])}
        | set(range(functions.differential, functions.states))
    )

    def moves(unknowns: np.ndarray) -> np.ndarray:
        trial = state.copy()
        trial[rows] = unknowns
        return functions.rates(0.0, trial, settled)[rows].copy()

    before = moves(state[rows])
    found = root(moves, state[rows], method="hybr", tol=1e-12)
    left = np.abs(moves(found.x)).max()
    if not left <= 1e-6 * max(1.0, np.abs(before).max()):
        raise ParameterError(
            "The saved run had no double layers, and no state of theirs is at rest with it: "
            "go on from a run that has them, such as one with a rest and a hold."
        )
    state[rows] = found.x
    return _balanced(built, state[:, None], inputs)


def _balanced(built: Engine, y: np.ndarray, inputs: Mapping[str, float]) -> np.ndarray:
    """The same, with what the layers now hold counted among what was there at the start."""
    if _BEGUN not in built.functions.slices:
        return y

    def off(state: np.ndarray) -> float:
        return float(built.evaluate(np.zeros(1), state, inputs, (_RESIDUAL,))[_RESIDUAL][0])

    row, here = slice(*built.functions.slices[_BEGUN]), off(y)
    moved = y.copy()
    moved[row] *= 1 + 1e-3
    slope = (off(moved) - here) / 1e-3
    if slope:
        y = y.copy()
        y[row] *= 1 - here / slope
    return y
