"""Going on from where a saved run ended."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from sscell.cells.cell import Cell
from sscell.dataset import load_dataset, metadata
from sscell.errors import DataError, ParameterError
from sscell.simulation.engine import Resolution

__all__ = ["Saved", "packed", "saved"]

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
