"""Steps, half cycles and cycles of a dataset."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from sscell.segments.charge import charge_increments, gaps, step_begins
from sscell.segments.kinds import kinds, runs

__all__ = [
    "Segment",
    "cycle_numbers",
    "half_runs",
    "passed_by_current",
    "row_kinds",
    "segments",
]

_FEW = 2  # rows of a cycle that is counted early or late


@dataclass(frozen=True)
class Segment:
    """Rows of one kind that follow one another.

    Parameters
    ----------
    kind : int
        +1 discharge, -1 charge, 0 rest.
    start, stop : int
        First row, and the one after the last.
    """

    kind: int
    start: int
    stop: int

    @property
    def rows(self) -> slice:
        """Its rows."""
        return slice(self.start, self.stop)


def row_kinds(data: xr.Dataset) -> np.ndarray:
    """Whether each row of a dataset discharges, charges or rests.

    Parameters
    ----------
    data : xarray.Dataset
        With time and current on ``time``; a simulation has no noise.

    Returns
    -------
    numpy.ndarray of int, shape (n,)
        +1, -1 or 0.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> row_kinds(time_series({"Time [s]": [0, 1], "Current [A]": [1, 0]})).tolist()
    [1, 0]
    """
    time, current = (data[n].values.astype(float) for n in ("Time [s]", "Current [A]"))
    step = data["Step"].values if "Step" in data else None
    return kinds(time, current, step, "steps" in data.attrs)


def passed_by_current(data: xr.Dataset, kind: np.ndarray | None = None) -> np.ndarray:
    """Charge that passes in the interval before each row of a dataset.

    Parameters
    ----------
    data : xarray.Dataset
        With time and current on ``time``.
    kind : numpy.ndarray of int, optional
        From `row_kinds`.

    Returns
    -------
    numpy.ndarray, shape (n,)
        [A.s], positive on discharge; what an instrument shows at rest is no charge.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0, 10], "Current [A]": [2.0, 2.0]})
    >>> passed_by_current(data).tolist()
    [0.0, 20.0]
    """
    time, current = (data[n].values.astype(float) for n in ("Time [s]", "Current [A]"))
    step = data["Step"].values if "Step" in data else None
    kind = row_kinds(data) if kind is None else kind
    passed = charge_increments(time, current, step_begins(current, kind, step), gaps(data))
    if "steps" not in data.attrs:
        passed[kind == 0] = 0.0
    return passed


def segments(data: xr.Dataset) -> list[Segment]:
    """Cut a time series into discharges, charges and rests.

    Parameters
    ----------
    data : xarray.Dataset
        With time and current on ``time``.

    Returns
    -------
    list of Segment
        In order, without gaps between them.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0, 1, 2, 3], "Current [A]": [1, 1, 0, 0]})
    >>> [(s.kind, s.start, s.stop) for s in segments(data)]
    [(1, 0, 2), (0, 2, 4)]
    """
    kind = row_kinds(data)
    return [Segment(int(kind[a]), a, b) for a, b in runs(kind)]


def half_runs(
    data: xr.Dataset, kind: np.ndarray | None = None
) -> list[tuple[int, np.ndarray]]:
    """Direction and rows of each half cycle, rests inside it included.

    Parameters
    ----------
    data : xarray.Dataset
        With time and current on ``time``; its cycles divide half cycles too.
    kind : numpy.ndarray of int, optional
        From `row_kinds`.

    Returns
    -------
    list of tuple of (int, numpy.ndarray)
        +1 for a discharge, -1 for a charge.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0, 1, 2, 3], "Current [A]": [1, 0, 1, -1]})
    >>> [(sign, rows.tolist()) for sign, rows in half_runs(data)]
    [(1, [0, 1, 2]), (-1, [3])]
    """
    kind = row_kinds(data) if kind is None else kind
    moving = np.flatnonzero(kind)
    cycles = data["Cycle"].values.astype(int) if "Cycle" in data else np.ones_like(kind)
    merged: list[list[int]] = []
    # Cycle and direction in one number; kind is -1 or 1.
    for a, b in runs(4 * cycles[moving] + kind[moving]):
        last = merged[-1] if merged else None
        same = last is not None and kind[moving[last[1] - 1]] == kind[moving[a]]
        sizes = (b - a, last[1] - last[0]) if last is not None else (0, 0)
        beside = a > 0 and moving[a] == moving[a - 1] + 1
        # A cycle that is counted a row early or late is no half cycle of its own.
        if last is not None and same and beside and min(sizes) <= _FEW < max(sizes) - 3:
            last[1] = b
        else:
            merged.append([a, b])
    return [
        (int(kind[moving[a]]), np.arange(moving[a], moving[b - 1] + 1)) for a, b in merged
    ]


def cycle_numbers(data: xr.Dataset, starts: list[tuple[int, int]]) -> np.ndarray:
    """Cycle of every row: as the file counts them, else by pairs of half cycles from 1.

    Parameters
    ----------
    data : xarray.Dataset
        A time series.
    starts : list of tuple of int
        Direction and first row of each half cycle.

    Returns
    -------
    numpy.ndarray of int, shape (n,)
        A cycle begins with each half cycle of the first one's direction.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0.0, 1.0, 2.0]})
    >>> cycle_numbers(data, [(1, 0), (-1, 1), (1, 2)]).tolist()
    [1, 1, 2]
    """
    if "Cycle" in data:
        return data["Cycle"].values.astype(int)
    begins = np.zeros(data.sizes["time"], dtype=int)
    for direction, row in starts:
        if direction == starts[0][0] and row > starts[0][1]:
            begins[row] = 1
    return 1 + np.cumsum(begins)
