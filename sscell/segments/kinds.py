"""Whether the rows of a series discharge, charge or rest."""

from __future__ import annotations

import numpy as np

__all__ = ["kinds", "runs"]

_QUIET = 1e-4  # of the largest current: below it nothing flows
_LOW = 0.03  # of the currents beside a block: below it the block may be a rest
_OFFSET = 0.003  # of the currents beside a block: a constant below it is an offset
_STRAY = 2  # rows


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
