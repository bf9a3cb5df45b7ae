"""Drive cycles: a current or a power, and perhaps a temperature, that move with time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from sscell.errors import ParameterError, did_you_mean
from sscell.protocols.steps import Protocol, Step, fixed

__all__ = ["drive"]

_TIME, _TEMPERATURE = "Time [s]", "Temperature [degC]"
_DRIVEN = ("Current [A]", "Power [W]")


def drive(table: Any) -> Protocol:
    """Follow a table of current or power over time, and perhaps of temperature.

    Parameters
    ----------
    table : mapping, pandas.DataFrame, xarray.Dataset, str or pathlib.Path
        Columns ``"Time [s]"``, ``"Current [A]"`` or ``"Power [W]"``, both positive on
        discharge, and perhaps ``"Temperature [degC]"``; or a CSV file of them. Linear
        between the rows; two rows at one time are a jump.

    Returns
    -------
    Protocol
        It begins where the cell is, at the first row, and ends with the last row or at a
        cut-off. What follows runs at the temperature of the run again.

    Raises
    ------
    ParameterError
        If a column is missing or there are both, a number is not finite, time runs
        backwards or there are fewer than two times.

    Examples
    --------
    >>> up = drive({"Time [s]": [0, 10, 20], "Current [A]": [0, 1e-5, -1e-5]})
    >>> up.options["duration_s"]
    20.0
    """
    columns = _columns(table)
    there = [name for name in _DRIVEN if name in columns]
    if _TIME not in columns or not there:
        missing = _TIME if _TIME not in columns else "Current [A]' or 'Power [W]"
        hint = did_you_mean(missing.split("'")[0], columns, "columns")
        raise ParameterError(f"A drive cycle needs a column '{missing}'. {hint}".strip())
    if len(there) > 1:
        raise ParameterError("A drive cycle has a current or a power, not both.")
    names = [_TIME, there[0], *([_TEMPERATURE] if _TEMPERATURE in columns else [])]
    rows = _rows(columns, names)
    step = Step(
        "drive",
        driven="current" if there == ["Current [A]"] else "power",
        course=tuple(tuple(row) for row in rows.tolist()),
        duration=float(rows[-1, 0]),
    )
    options = {
        "column": there[0],
        "rows": len(rows),
        "duration_s": float(rows[-1, 0]),
        "largest": float(np.abs(rows[:, 1]).max()),
    }
    return Protocol("drive", options, partial(fixed, (step,)))


def _columns(table: Any) -> Mapping[str, Any]:
    if isinstance(table, str | Path):
        import pandas as pd

        path = Path(table)
        if not path.is_file():
            raise ParameterError(f"There is no file '{path}' of a drive cycle.")
        try:
            frame = pd.read_csv(path, comment="#", skipinitialspace=True)
        except (OSError, ValueError, pd.errors.ParserError) as error:
            reason = (str(error).splitlines() or ["no table"])[0]
            raise ParameterError(f"'{path.name}' is no table of CSV: {reason}.") from error
        return {str(name).strip(): frame[name].to_numpy() for name in frame.columns}
    try:
        names = list(getattr(table, "variables", table))
        return {str(name): np.asarray(table[name]) for name in names}
    except (TypeError, KeyError, IndexError, ValueError) as error:
        raise ParameterError(
            "A drive cycle is a table of columns, such as {'Time [s]': [0, 10], "
            "'Current [A]': [0, 1e-5]}, or a CSV file of them."
        ) from error


def _rows(columns: Mapping[str, Any], names: list[str]) -> np.ndarray:
    """Rows of time since the first one, what is driven and the temperature, if any."""
    try:
        rows = np.column_stack([np.asarray(columns[name], dtype=float) for name in names])
    except ValueError as error:
        raise ParameterError(
            f"The columns of a drive cycle are numbers, as many in each: {error}."
        ) from error
    bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if bad.size:
        raise ParameterError(f"Row {bad[0] + 1} of the drive cycle is no finite number.")
    back = np.flatnonzero(np.diff(rows[:, 0]) < 0)
    if back.size:
        raise ParameterError(
            f"Time runs backwards at row {back[0] + 2} of the drive cycle."
        )
    if len(rows) < 2 or not rows[-1, 0] > rows[0, 0]:
        raise ParameterError("A drive cycle needs at least two times.")
    rows[:, 0] -= rows[0, 0]
    return rows[_corners(rows)]


def _corners(rows: np.ndarray) -> np.ndarray:
    """Rows that no straight line between their neighbours goes through."""
    kept = [0]
    for k in range(1, len(rows) - 1):
        start, here, after = rows[kept[-1]], rows[k], rows[k + 1]
        length = after[0] - start[0]
        if length > 0 and here[0] > start[0] and after[0] > here[0]:
            line = start + (after - start) * (here[0] - start[0]) / length
            scale = np.abs([start, here, after]).max(axis=0)
            if np.all(np.abs(here - line)[1:] <= 1e-12 * scale[1:]) and _same_line(
                rows, kept[-1], k
            ):
                continue
        kept.append(k)
    return np.array([*kept, len(rows) - 1])


def _same_line(rows: np.ndarray, first: int, last: int) -> bool:
    """Whether all rows between two lie on the line of these: small bends may add up."""
    if last - first < 2:
        return True
    start, end = rows[first], rows[last]
    share = (rows[first:last, :1] - start[0]) / (end[0] - start[0])
    line = start + (end - start) * share
    scale = np.abs(rows[first : last + 1]).max(axis=0) + math.ulp(0.0)
    return bool(np.all(np.abs(rows[first:last] - line)[:, 1:] <= 1e-12 * scale[1:]))
