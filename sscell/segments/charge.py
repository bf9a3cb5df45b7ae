"""Charge that passes in each interval, by step and over no gap."""

from __future__ import annotations

import numpy as np
import xarray as xr

from sscell.dataset import metadata

__all__ = ["charge_increments", "gaps", "step_begins"]

_GAP = 10.0  # usual intervals


def gaps(data: xr.Dataset) -> list[tuple[float, float]]:
    """Intervals of a dataset from which rows were left out.

    Parameters
    ----------
    data : xarray.Dataset
        A time series.

    Returns
    -------
    list of tuple of float
        Begin and end of each [s].

    Examples
    --------
    >>> gaps(xr.Dataset())
    []
    """
    return [(float(a), float(b)) for a, b in metadata(data, "gaps_s") or []]


def step_begins(
    current: np.ndarray, kind: np.ndarray, step: np.ndarray | None = None
) -> np.ndarray:
    """Rows at which a step begins: its number changes, or the kind does in one jump.

    Parameters
    ----------
    current : numpy.ndarray, shape (n,)
        [A].
    kind : numpy.ndarray of int, shape (n,)
        From `kinds`.
    step : numpy.ndarray, optional
        Numbers of the steps.

    Returns
    -------
    numpy.ndarray of bool, shape (n,)
        The first row is none.

    Examples
    --------
    >>> step_begins(np.array([1.0, 1.0, 0.0]), np.array([1, 1, 0])).tolist()
    [False, False, True]
    """
    begins = np.zeros(len(kind), dtype=bool)
    if len(kind) < 2:
        return begins
    change = np.abs(np.diff(current))
    beside = np.maximum(np.append(0.0, change[:-1]), np.append(change[1:], 0.0))
    # A sweep passes through zero as smoothly as through any other current.
    begins[1:] = (kind[1:] != kind[:-1]) & (change > 3 * beside)
    if step is not None:
        begins[1:] |= step[1:] != step[:-1]
    return begins


def charge_increments(
    time: np.ndarray,
    current: np.ndarray,
    begins: np.ndarray | None = None,
    missing: list[tuple[float, float]] | None = None,
) -> np.ndarray:
    """Charge that passes in the interval before each row.

    Parameters
    ----------
    time, current : numpy.ndarray, shape (n,)
        [s] and [A].
    begins : numpy.ndarray of bool, optional
        Rows at which a step begins; from `step_begins`.
    missing : list of tuple of float, optional
        Intervals from which rows were left out [s]; from `gaps`.

    Returns
    -------
    numpy.ndarray, shape (n,)
        [A.s], positive on discharge; the first is zero.

    Examples
    --------
    >>> charge_increments(np.array([0.0, 10.0, 20.0]), np.array([0.0, 2.0, 2.0]),
    ...                   np.array([False, True, False])).tolist()
    [0.0, 20.0, 20.0]
    """
    passed = np.zeros(len(time))
    if len(time) < 2:
        return passed
    width = np.diff(time)
    passed[1:] = width * (current[1:] + current[:-1]) / 2
    if begins is not None and begins.any():
        rows = np.flatnonzero(begins)
        passed[rows] = _first_intervals(time, current, rows)
    for row in _gap_rows(time, current, begins, missing or []):
        passed[row] = 0.0
    return passed


def _first_intervals(time: np.ndarray, current: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Charge of the first interval of each step: its current, if the interval is usual."""
    width = time[rows] - time[rows - 1]
    ends = np.append(rows[1:], len(time))
    usual = np.array(
        [
            np.median(np.diff(time[a:b][:20])) if b - a > 1 else w
            for a, b, w in zip(rows, ends, width, strict=True)
        ]
    )
    counts = width <= 2 * np.maximum(usual, 1e-9) + 1e-9
    return np.where(counts, width * current[rows], 0.0)


def _gap_rows(
    time: np.ndarray,
    current: np.ndarray,
    begins: np.ndarray | None,
    missing: list[tuple[float, float]],
) -> list[int]:
    """Rows before which nothing is integrated."""
    width = np.diff(time)
    found = set()
    edges = [0, *(np.flatnonzero(begins).tolist() if begins is not None else []), len(time)]
    for a, b in zip(edges[:-1], edges[1:], strict=True):
        inside = width[a : b - 1]
        positive = inside[inside > 0]
        if positive.size < 8:
            continue
        usual = np.median(positive)
        # A cycler that logs by voltage has uneven intervals, and long ones that are right.
        if np.quantile(positive, 0.9) <= 2 * usual and positive.max() > _GAP * usual:
            found |= set((a + 1 + np.flatnonzero(inside > _GAP * usual)).tolist())
    for begin, end in missing:
        row = int(np.searchsorted(time, end - 1e-9 * max(abs(end), 1), side="left"))
        if not 0 < row < len(time):
            continue
        last, first = current[row - 1], current[row]
        same = abs(first - last) <= 0.05 * max(abs(first), abs(last))
        near = width[max(row - 6, 0) : row + 5]
        usual = np.median(near[near > 0]) if np.any(near > 0) else 0.0
        # One lost sample of a steady current changes nothing.
        if not (same and end - begin <= 3 * usual):
            found.add(row)
    return sorted(found)
