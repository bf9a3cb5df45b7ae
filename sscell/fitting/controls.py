"""What a cycler controlled in a stretch of data: the current, or the voltage.

Where a current keeps its level, the current was set. Where it moves while the voltage lies on
a straight line in time, the voltage was set: a hold, a step or a sweep. Where both move, as in
a drive cycle, the current counts as set, from sample to sample.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

__all__ = ["Line", "Piece", "begins_of", "pieces_of", "spread_of"]

_FEWEST = 6  # samples that tell a line
_LINE = 1.4  # standard deviations that samples of a line are off, rms
_CALMEST = 2e-4  # V: no control is better in the data of an instrument
_NOISIEST = 3e-3  # V: further off a line, the voltage was not controlled
_DRIFT = 0.01  # of the level: a current that is set moves less
_SURE = 4.0  # standard errors
_SMOOTH = 0.1  # of the way of a current: what scatters more did not follow from a voltage
_TURN = 5  # samples about which two lines may meet
_TAIL = 4  # samples that tell where a charge goes before a hold
_JUMP, _SMALL = 0.2, 0.02  # of a current, and of the largest, from one sample to the next


@dataclass(frozen=True)
class Line:
    """A voltage that moves linearly in time.

    Parameters
    ----------
    begin : float
        When [s].
    voltage : float
        Then [V].
    slope : float
        [V.s-1]; 0 for a hold.
    error : float
        Standard error of its voltage [V].
    """

    begin: float
    voltage: float
    slope: float
    error: float

    def at(self, t: np.ndarray | float) -> np.ndarray | float:
        """Voltage at a time [V].

        Parameters
        ----------
        t : numpy.ndarray or float
            In the data [s].
        """
        return self.voltage + self.slope * (t - self.begin)


@dataclass(frozen=True)
class Piece:
    """Rows of one control.

    Parameters
    ----------
    first, stop : int
        First row, and the one after the last.
    line : Line, optional
        Of the voltage, where that was set.
    moves : bool, optional
        Whether a current was set that moves from sample to sample.
    """

    first: int
    stop: int
    line: Line | None = None
    moves: bool = False


def spread_of(t: np.ndarray, x: np.ndarray) -> float:
    """Standard deviation of samples about a smooth course, from their second differences.

    Parameters
    ----------
    t, x : numpy.ndarray, shape (n,)
        Times [s] and samples.

    Returns
    -------
    float
        In the unit of the samples; 0 for fewer than five.

    Examples
    --------
    >>> t = np.arange(1000.0)
    >>> noise = 0.002 * np.random.default_rng(0).normal(size=1000)
    >>> round(spread_of(t, 2 - t / 1000 + noise), 4)
    0.002
    """
    return scale_of(bends_of(t, x))


def bends_of(t: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Distance of samples from the straight line between their neighbours, per its scale.

    Parameters
    ----------
    t, x : numpy.ndarray, shape (n,)
        Times [s] and samples.

    Returns
    -------
    numpy.ndarray
        As scattered as the samples themselves; empty for fewer than five. Between very
        unequal intervals there is none.
    """
    if t.size < 5:
        return np.empty(0)
    left, right = np.diff(t)[:-1], np.diff(t)[1:]
    good = (left > 0) & (right > 0) & (left < 3 * right) & (right < 3 * left)
    share = left[good] / (left + right)[good]
    middle = (1 - share) * x[:-2][good] + share * x[2:][good]
    return (x[1:-1][good] - middle) / np.sqrt(1 + share**2 + (1 - share) ** 2)


def scale_of(values: np.ndarray) -> float:
    """Standard deviation of values about zero, whatever a few of them do."""
    return 1.4826 * float(np.median(np.abs(values))) if values.size else 0.0


def pieces_of(
    t: np.ndarray,
    i: np.ndarray,
    v: np.ndarray,
    levels: list[tuple[int, int]],
    noise: float,
    quiet: float,
    known: tuple[float, ...] = (),
) -> list[Piece]:
    """What was controlled, row by row.

    Parameters
    ----------
    t, i, v : numpy.ndarray, shape (n,)
        Time [s], current [A] and voltage [V].
    levels : list of tuple of int
        First row and the one after the last of every level of the current.
    noise : float
        Of the voltage [V].
    quiet : float
        Current below which the cell rests [A].
    known : tuple of float, optional
        Voltages that a test turns round at [V]: a hold that cannot be told from one of them
        is at it.

    Returns
    -------
    list of Piece
        In order, without gaps.

    Examples
    --------
    A charge, and a hold of its last voltage:

    >>> t = np.arange(200.0)
    >>> i = np.where(t < 100, -1.0, -np.exp(-(t - 99) / 50))
    >>> v = np.minimum(3 + t / 100, 4.0)
    >>> levels = [(0, 101), *((k, k + 1) for k in range(101, 200))]
    >>> [(p.first, p.stop, p.line and p.line.voltage)
    ...  for p in pieces_of(t, i, v, levels, 1e-3, 1e-3)]
    [(0, 100, None), (100, 200, 4.0)]
    """
    flowing = [(a, b) for a, b in levels if np.abs(i[a:b]).max() > quiet]
    scatter = scale_of(np.concatenate([bends_of(t[a:b], i[a:b]) for a, b in flowing]))
    parts: list[Piece] = []
    for moves, (a, b) in _stretches(i, levels, scatter, quiet):
        found = [Piece(a, b)] if not moves else _lines(t, i, v, a, b, noise)
        parts += found
    parts = [_short(t, v, p, noise, known) for p in _grown(t, i, v, parts, noise)]
    parts = [_set(t, v, p, noise, known) for p in parts]
    return _met(t, parts)


def _stretches(
    i: np.ndarray, levels: list[tuple[int, int]], scatter: float, quiet: float
) -> Iterator[tuple[bool, tuple[int, int]]]:
    """Levels that were kept, and runs of levels through which a current moves."""
    moving = [_moves(i[a:b], scatter, quiet) for a, b in levels]
    begun = None
    for (a, b), moves in zip(levels, moving, strict=True):
        if moves and begun is None:
            begun = a
        if not moves:
            if begun is not None:
                yield True, (begun, a)
            begun = None
            yield False, (a, b)
    if begun is not None:
        yield True, (begun, levels[-1][1])


def _moves(i: np.ndarray, scatter: float, quiet: float) -> bool:
    """Whether a current drifts, or goes on to another value at once."""
    if np.abs(i).max() <= quiet:
        return False
    if i.size < 3:
        return True
    third = max(i.size // 3, 1)
    drift = abs(float(np.median(i[:third]) - np.median(i[-third:])))
    error = 1.25 * scatter * math.sqrt(2 / third)  # of a difference of medians
    return drift > max(_DRIFT * abs(float(np.median(i))), _SURE * error)


def _lines(
    t: np.ndarray, i: np.ndarray, v: np.ndarray, a: int, b: int, noise: float
) -> list[Piece]:
    """Lines of the voltage within a stretch of a moving current, and what lies between."""
    own = min(max(noise, spread_of(t[a:b], v[a:b]), _CALMEST / _LINE), _NOISIEST)
    parts: list[Piece] = []
    row = begun = a
    while row < b:
        stop = _reach(t, v, row, b, own)
        if stop - row >= _FEWEST and _follows(t[row:stop], i[row:stop]):
            if begun < row:
                parts.append(Piece(begun, row, moves=True))
            parts.append(Piece(row, stop, _line(t, v, row, stop, own)))
            row = begun = stop
        else:
            row += 1
    if begun < b:
        parts.append(Piece(begun, b, moves=True))
    return parts


def _follows(t: np.ndarray, i: np.ndarray) -> bool:
    """Whether a current is as smooth as one that follows from a voltage."""
    way = float(np.ptp(i))
    return way > 0 and spread_of(t, i) < _SMOOTH * way


def _reach(t: np.ndarray, v: np.ndarray, row: int, end: int, noise: float) -> int:
    """Row after the last to which a line from a row reaches."""

    def lies(stop: int) -> bool:
        return _lies(t, v, row, stop, noise)

    good = min(row + _FEWEST, end)
    if end - row < _FEWEST or not lies(good):
        return row
    bad = end + 1
    while good < end:
        further = min(row + 2 * (good - row), end)
        if not lies(further):
            bad = further
            break
        good = further
    while bad - good > 1 and good < end:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if lies(middle) else (good, middle)
    return _trimmed(t, v, row, good, noise)


def _trimmed(t: np.ndarray, v: np.ndarray, row: int, stop: int, noise: float) -> int:
    """Without samples at the end that only a long line could carry."""
    core = row + max(_FEWEST, int(0.9 * (stop - row)))
    if core >= stop:
        return stop
    slope, middle = _fit(t[row:core], v[row:core])
    off = np.abs(v[core:stop] - middle - slope * (t[core:stop] - t[row:core].mean()))
    far = np.flatnonzero(off > _SURE * noise)
    # One sample may be far by chance; from where most are, the line has ended.
    ends = [k for k in far if np.mean(off[k:] > _SURE * noise) > 0.5]
    return core + int(ends[0]) if ends else stop


def _fit(t: np.ndarray, v: np.ndarray) -> tuple[float, float]:
    """Slope of a line, and its value at the mean time."""
    since = t - t.mean()
    squares = float(since @ since)
    return (float(since @ v) / squares if squares else 0.0), float(v.mean())


def _off(t: np.ndarray, v: np.ndarray) -> np.ndarray:
    slope, middle = _fit(t, v)
    return v - middle - slope * (t - t.mean())


def _line(t: np.ndarray, v: np.ndarray, first: int, stop: int, noise: float) -> Line:
    """Line through the samples; level where the slope cannot be told from none."""
    own = slice(first, stop)
    slope, middle = _fit(t[own], v[own])
    since = t[own] - t[own].mean()
    squares, count = float(since @ since), stop - first
    # Further down, a drift is not told from the noise of a held voltage.
    sure = _SURE * noise / math.sqrt(max(squares, 1e-300))
    flat = abs(slope) <= sure or abs(slope) * float(np.ptp(t[own])) < 2 * _CALMEST
    begin = float(t[first])
    if flat:
        return Line(begin, middle, 0.0, noise / math.sqrt(count))
    start = middle + slope * (begin - float(t[own].mean()))
    return Line(begin, start, slope, 2 * noise / math.sqrt(count))


def _grown(
    t: np.ndarray, i: np.ndarray, v: np.ndarray, parts: list[Piece], noise: float
) -> list[Piece]:
    """Lines with the samples before and after that lie on them.

    The first samples of a hold still have nearly the current before it, the last ones keep a
    level, or nearly none; that of a sweep may be small anywhere.
    """
    found: list[Piece] = []
    for part in parts:
        found.append(part)
        while _joined(t, i, v, found, noise):
            pass
    return [p for p in found if p.stop > p.first]


def _joined(
    t: np.ndarray, i: np.ndarray, v: np.ndarray, parts: list[Piece], noise: float
) -> bool:
    """Let a line grow over the samples beside it, or into the line before; whether it did."""
    if len(parts) < 2:
        return False
    last = parts[-1]
    if last.line is None:
        return _grown_into(t, i, v, parts, noise, forward=True)
    noise = max(noise, _rms(t, v, last.first, last.stop))
    back = next((k for k in (2, 3) if len(parts) >= k and parts[-k].line is not None), 0)
    if back and not any(p.moves for p in parts[1 - back :]):
        first = parts[-back].first
        borders = range(parts[-back].stop, last.first + 1)
        if not any(_jumps(i, row) for row in borders) and _lies(
            t, v, first, last.stop, noise
        ):
            line = _line(t, v, first, last.stop, noise)
            parts[-back:] = [Piece(first, last.stop, line)]
            return True
    return _grown_into(t, i, v, parts, noise, forward=False)


def _grown_into(
    t: np.ndarray,
    i: np.ndarray,
    v: np.ndarray,
    parts: list[Piece],
    noise: float,
    forward: bool,
) -> bool:
    """Move the border between the last two parts, one of them a line; whether it moved."""
    before, after = parts[-2:]
    grows, other = (before, after) if forward else (after, before)
    line = grows.line
    if line is None or other.line is not None:
        return False
    noise = max(noise, _rms(t, v, grows.first, grows.stop), _CALMEST)
    own = slice(other.first, other.stop)
    level, scatter = float(np.median(i[own])), spread_of(t[own], i[own])
    # A set current that a hold goes on with is not the hold's own; nor is a rest after it.
    apart = max(_SURE * scatter, 5e-4 * abs(level))
    rows = range(other.first, other.stop)
    border = after.first
    for row in rows if forward else reversed(rows):
        kept = abs(i[row] - level) <= apart and not forward
        if not line.slope and (kept or i[row] == 0):
            break
        if abs(v[row] - line.at(t[row])) >= _SURE * noise:
            break
        if _jumps(i, border) and not (forward and _led(t, v, line, row, noise)):
            break
        border = row + 1 if forward else row
    if border == after.first:
        return False
    parts[-2:] = [replace(before, stop=border), replace(after, first=border)]
    k = -2 if forward else -1
    line = _line(t, v, parts[k].first, parts[k].stop, noise)
    parts[k] = replace(parts[k], line=line)
    parts[:] = [p for p in parts if p.stop > p.first]
    return True


def _led(t: np.ndarray, v: np.ndarray, line: Line, row: int, noise: float) -> bool:
    """Whether a sweep goes on from a row, whatever its current does there."""
    own = slice(row, row + _FEWEST)
    far = abs(line.slope) * float(np.ptp(t[own])) > 2 * _SURE * noise
    return far and bool(np.abs(v[own] - line.at(t[own])).max() < _SURE * noise)


def _rms(t: np.ndarray, v: np.ndarray, first: int, stop: int) -> float:
    """How far samples are off a line [V]."""
    return float(np.sqrt(np.mean(_off(t[first:stop], v[first:stop]) ** 2)))


def _lies(t: np.ndarray, v: np.ndarray, first: int, stop: int, noise: float) -> bool:
    """Whether samples lie on one line."""
    noise = max(noise, _CALMEST / _LINE)
    return _rms(t, v, first, stop) <= _LINE * noise * (1 + 2 / math.sqrt(stop - first))


def _jumps(i: np.ndarray, row: int) -> bool:
    """Whether a current changes abruptly before a row."""
    change = abs(i[row] - i[row - 1])
    largest = max(_JUMP * max(abs(i[row]), abs(i[row - 1])), _SMALL * np.abs(i).max())
    return bool(change > largest)


def _short(
    t: np.ndarray, v: np.ndarray, piece: Piece, noise: float, known: tuple[float, ...]
) -> Piece:
    """A piece that is too short for a line, where it holds a voltage that is known."""
    own = slice(piece.first, piece.stop)
    if not piece.moves or piece.stop - piece.first >= _FEWEST:
        return piece
    for voltage in known:
        if np.abs(v[own] - voltage).max() < _SURE * max(noise, _CALMEST):
            error = noise / math.sqrt(piece.stop - piece.first)
            return Piece(own.start, own.stop, Line(float(t[own][0]), voltage, 0.0, error))
    return piece


def _set(
    t: np.ndarray, v: np.ndarray, piece: Piece, noise: float, known: tuple[float, ...]
) -> Piece:
    """A piece with the line through all of its samples."""
    if piece.line is None or piece.stop - piece.first < _FEWEST:
        return piece
    line = _line(t, v, piece.first, piece.stop, noise)
    if not line.slope:
        near = [x for x in known if abs(x - line.voltage) < max(3 * line.error, _CALMEST)]
        if near:
            line = replace(line, voltage=min(near, key=lambda x: abs(x - line.voltage)))
    return replace(piece, line=line)


def _meeting(before: Line, after: Line) -> float:
    """When two lines have the same voltage [s]."""
    if before.slope == after.slope:
        return math.inf
    gap = float(before.at(after.begin)) - after.voltage
    return after.begin + gap / (after.slope - before.slope)


def _met(t: np.ndarray, parts: list[Piece]) -> list[Piece]:
    """Pieces whose samples divide where their lines meet, as where a sweep turns round."""
    found = list(parts)
    for k in range(1, len(found)):
        before, after = found[k - 1], found[k]
        if before.line is None or after.line is None:
            continue
        meet = _meeting(before.line, after.line)
        row = int(np.searchsorted(t, meet))
        shorter = min(t[p.stop - 1] - t[p.first] for p in (before, after))
        near = (
            abs(row - after.first) <= _TURN or abs(meet - t[after.first]) < 0.02 * shorter
        )
        if near and before.first < row < after.stop:
            found[k - 1] = replace(before, stop=row)
            found[k] = replace(after, first=row)
    return found


def begins_of(
    t: np.ndarray, v: np.ndarray, parts: list[Piece], starts: list[float], noise: float
) -> list[float]:
    """When each piece began, where lines tell it closer than the samples [s].

    Parameters
    ----------
    t, v : numpy.ndarray, shape (n,)
        Time [s] and voltage [V].
    parts : list of Piece
        In order.
    starts : list of float
        As the samples say it [s].
    noise : float
        Of the voltage [V].

    Returns
    -------
    list of float
        Between the last sample before and the first within.
    """
    found = list(starts)
    for k in range(1, len(parts)):
        before, after = parts[k - 1], parts[k]
        if after.line is None:
            continue
        last, own = float(t[after.first - 1]), float(t[after.first])
        if before.line is not None:
            meet = _meeting(before.line, after.line)
        elif abs(v[after.first - 1] - after.line.at(last)) < 3 * noise:
            meet = last
        else:
            rows = slice(max(before.first, after.first - _TAIL), after.first)
            if before.moves or after.first - rows.start < 3 or np.ptp(t[rows]) == 0:
                continue
            slope, middle = _fit(t[rows], v[rows])
            tail = Line(float(t[rows].mean()), middle, slope, 0.0)
            meet = _meeting(tail, after.line)
        if last - (own - last) < meet < own + (own - last):
            found[k] = min(max(meet, last), own)
    return found
