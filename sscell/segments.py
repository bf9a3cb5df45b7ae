"""Steps of a time series: which rows charge, discharge or rest, and the charge they pass.

Decided once for all readers and analyses, by length and charge instead of by one sign:

* **Rest.** A block of rows of small current (under 3 % of the currents beside it) is a
  rest where its current only scatters, or is a constant offset under 0.3 %. A small
  current that is steady and lies between true rests is a step of its own, however large
  another step of the file is.
* **Strays.** One or two rows that differ from both sides and pass next to no charge take
  the kind of what is around them.
* **Charge.** An interval belongs to the step of its later row. Inside a step the current
  is taken to be straight between two rows; the first interval of a step has the current
  of its first row. Nothing is integrated over a gap: rows that were left out, or no rows
  for ten times the usual interval of a step that is sampled evenly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from sscell.dataset import metadata

__all__ = [
    "Segment",
    "charge_increments",
    "passed_by_current",
    "cycle_numbers",
    "gaps",
    "half_runs",
    "kinds",
    "row_kinds",
    "runs",
    "segments",
    "step_begins",
]

_QUIET = 1e-4  # of the largest current: below it nothing flows
_LOW = 0.03  # of the currents beside a block: below it the block may be a rest
_OFFSET = 0.003  # of the currents beside a block: a constant below it is an offset
_STRAY = 2  # rows
_GAP = 10.0  # usual intervals


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


def runs(values: np.ndarray) -> list[tuple[int, int]]:
    """Stretches of equal values.

    Parameters
    ----------
    values : numpy.ndarray, shape (n,)
        Any.

    Returns
    -------
    list of tuple of int
        First row of each, and the one after its last.

    Examples
    --------
    >>> runs(np.array([1, 1, 0]))
    [(0, 2), (2, 3)]
    """
    if not len(values):
        return []
    cuts = np.flatnonzero(values[1:] != values[:-1]) + 1
    edges = [0, *cuts.tolist(), len(values)]
    return list(zip(edges[:-1], edges[1:], strict=True))


def kinds(
    time: np.ndarray,
    current: np.ndarray,
    step: np.ndarray | None = None,
    exact: bool = False,
) -> np.ndarray:
    """Whether each row discharges, charges or rests.

    Parameters
    ----------
    time, current : numpy.ndarray, shape (n,)
        [s] and [A], positive on discharge.
    step : numpy.ndarray, optional
        Numbers of the steps: a row with a step of its own is no stray.
    exact : bool, optional
        Whether the currents are free of noise, as those of a simulation.

    Returns
    -------
    numpy.ndarray of int, shape (n,)
        +1, -1 or 0.

    Examples
    --------
    >>> kinds(np.arange(6.0), np.array([1, 1, 1, 1e-3, -2e-3, 1e-3])).tolist()
    [1, 1, 1, 0, 0, 0]
    """
    size = np.abs(current)
    largest = size.max(initial=0.0)
    kind = np.where(size > _QUIET * largest, np.sign(current), 0).astype(int)
    if exact or largest == 0:
        return kind
    _quieten(current, kind, 0, len(current), largest)
    _absorb(time, current, kind, step)
    return kind


def _quieten(
    current: np.ndarray, kind: np.ndarray, start: int, stop: int, level: float
) -> None:
    """Set the rests of rows `start` to `stop`, whose largest current is `level`."""
    low = np.abs(current[start:stop]) <= _LOW * level
    for a, b in runs(low):
        if not low[a]:
            continue
        block = slice(start + a, start + b)
        beside = [current[k] for k in (block.start - 1, block.stop) if start <= k < stop]
        _judge(current, kind, block, beside)


def _judge(
    current: np.ndarray, kind: np.ndarray, block: slice, beside: list[float]
) -> None:
    """Rest, or steps of a smaller current: a block far below what is beside it."""
    inside = current[block]
    size = np.abs(inside)
    if not size.any():
        kind[block] = 0
        return
    # By its own measure, which one or two odd samples do not set.
    high = float(np.partition(size, -3)[-3]) if len(size) > 3 else float(size.max())
    quiet = size <= _LOW * high
    held = np.zeros(len(inside), dtype=bool)
    for a, b in runs(np.where(quiet, 0, np.sign(inside)).astype(int)):
        held[a:b] = not quiet[a] and b - a > _STRAY and _is_steady(inside[a:b])
    others = size[~held]
    noisy = (
        others.size > 0
        and held.any()
        and bool(np.quantile(others, 0.9) > 0.3 * np.median(size[held]))
    )
    if noisy or not held.any():
        if _scatters(inside):
            kind[block] = 0
    elif others.size:
        if _scatters(inside[~held]) or not others.any():
            kind[block][~held] = 0
        _quieten(current, kind, block.start, block.stop, high)
    elif high < _OFFSET * max((abs(value) for value in beside), default=0.0):
        kind[block] = 0


def _is_steady(current: np.ndarray) -> bool:
    """Whether a current is held, or moves smoothly: no noise."""
    level = np.median(np.abs(current))
    return bool(np.median(np.abs(np.diff(current))) <= 0.05 * level)


def _scatters(current: np.ndarray) -> bool:
    """Whether a current is noise: its sign flips often, or its rows turn at random."""
    flowing = current[current != 0]
    if len(flowing) <= _STRAY:
        return True
    if _is_steady(flowing):
        return False
    if len(flowing) <= 4:
        return True
    flips = int(np.sum(np.sign(flowing[1:]) != np.sign(flowing[:-1])))
    change = np.diff(current)
    turns = int(np.sum(change[1:] * change[:-1] < 0))
    return flips > max(1, 0.1 * len(flowing)) or turns > max(2, 0.3 * len(change))


def _absorb(
    time: np.ndarray, current: np.ndarray, kind: np.ndarray, step: np.ndarray | None
) -> None:
    """Give one or two rows of next to no charge the kind of what is around them."""
    usual = float(np.median(np.diff(time)[np.diff(time) > 0])) if len(time) > 2 else 0.0
    stretches = runs(kind)
    for k, (a, b) in enumerate(stretches):
        if b - a > _STRAY or len(stretches) < 3 or _has_own_step(step, a, b):
            continue
        left = stretches[k - 1] if k else None
        right = stretches[k + 1] if k + 1 < len(stretches) else None
        around = [s for s in (left, right) if s is not None and s[1] - s[0] > _STRAY]
        if not around:
            continue
        sides = {int(kind[s[0]]) for s in around}
        lasts = time[min(b, len(time) - 1)] - time[max(a - 1, 0)]
        near = max(_usual(time, s) for s in around) or usual
        if kind[a] == 0:
            if len(sides) == 1 and len(around) == 2 and lasts <= 3 * near * (b - a + 1):
                kind[a:b] = sides.pop()
        elif len(sides) == 1 or 0 in sides:
            size = np.abs(current[a:b]).max()
            charge, level = _smallest_step(time, current, kind, stretches, k)
            little = size * lasts < 0.02 * charge or (b - a == 1 and size < 0.5 * level)
            if little and lasts <= 3 * near * (b - a + 1):
                same = kind[a] in sides
                kind[a:b] = kind[a] if same else 0 if 0 in sides else sides.pop()


def _has_own_step(step: np.ndarray | None, a: int, b: int) -> bool:
    if step is None:
        return False
    before = a == 0 or step[a] != step[a - 1]
    after = b == len(step) or step[b - 1] != step[b]
    return before and after


def _usual(time: np.ndarray, rows: tuple[int, int]) -> float:
    gaps = np.diff(time[rows[0] : rows[1]])
    return float(np.median(gaps)) if gaps.size else 0.0


def _smallest_step(
    time: np.ndarray,
    current: np.ndarray,
    kind: np.ndarray,
    stretches: list[tuple[int, int]],
    k: int,
) -> tuple[float, float]:
    """Least charge and current of a true step among the five stretches to either side."""
    found = [
        (abs(float(np.trapezoid(current[a:b], time[a:b]))), np.median(np.abs(current[a:b])))
        for a, b in stretches[max(k - 5, 0) : k + 6]
        if kind[a] and b - a > _STRAY
    ]
    if not found:
        return 0.0, 0.0
    return min(charge for charge, _ in found), float(min(level for _, level in found))


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
        if last is not None and same and beside and min(sizes) <= _STRAY < max(sizes) - 3:
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
