"""A measured course cut into spans of one current."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sscell.analysis.charge import charge_integral
from sscell.errors import DataError

__all__ = ["Segment", "noise_of"]


_LEVEL = 0.04  # of the current of a step: further away, another one begins


QUIET = 2e-3  # of the largest current: below, the cell rests


_SCATTER = 6.0  # standard deviations of a current: what differs by more is another level


_FIRST = 9  # samples that tell the level of a noisy current


_AT_CUTOFF = 0.010  # V


_TAIL = 0.03  # V: the end of a step over which its slope is taken


_FLOOR = 1e-4  # V


_CHARGE = 1e-4  # of the charge passed: a good cycler's error


_INTEGRATOR = 1e-5  # of the charge of the half cycle


_ASIDE = 5.0  # errors of the charge over which a slope is taken


_CLEAR = 4.2  # standard deviations: three of a difference


@dataclass(frozen=True, eq=False)
class Segment:
    """One step of constant current and its points.

    Parameters
    ----------
    current : float
        [A], positive on discharge.
    duration : float
        In the data [s].
    times : numpy.ndarray, shape (n,)
        Since the start of the step [s], increasing.
    voltage : numpy.ndarray, shape (n,)
        Measured there [V].
    limit : float or None
        Cut-off that ended it [V]; None where its time did.
    start : float
        In the data [s].
    tail : float
        Slope of the measured voltage at its end [V.s-1]; 0 where it does not matter.
    slips : numpy.ndarray, shape (n,)
        What the error of the charge makes of the voltage at the points [V]; none: nothing.
    """

    current: float
    duration: float
    times: np.ndarray
    voltage: np.ndarray
    limit: float | None = None
    start: float = 0.0
    tail: float = 0.0
    slips: np.ndarray | None = None

    @property
    def sign(self) -> int:
        """1 on discharge, -1 on charge, 0 at rest."""
        return int(np.sign(self.current))


def levels_of(
    t: np.ndarray, i: np.ndarray, v: np.ndarray, label: str
) -> list[tuple[int, int]]:
    """First row and the one after the last of every level of the current."""
    quiet = QUIET * float(np.abs(i).max())
    scatter = _SCATTER * _noise_of_current(i, quiet)

    def level_from(row: int) -> float:
        noisy = scatter > _LEVEL * abs(i[row])
        return float(np.median(i[row : row + _FIRST])) if noisy else float(i[row])

    edges, level = [0], level_from(0)
    for row in range(1, i.size):
        if abs(i[row] - level) > max(_LEVEL * abs(level), quiet, scatter):
            edges.append(row)
            level = level_from(row)
    bounds = list(zip(edges, [*edges[1:], i.size], strict=True))
    for a, b in bounds:
        _refuse_gap(t[a:b], v[a:b], i[a], quiet, (t[-1] - t[0], np.ptp(v)), label)
    return bounds


def _noise_of_current(i: np.ndarray, quiet: float) -> float:
    """Standard deviation of a current that flows; a trend leaves none [A]."""
    flows = np.abs(i) > quiet
    bends = np.diff(i, 2)[flows[2:] & flows[1:-1] & flows[:-2]]
    if bends.size < _FIRST:
        return 0.0
    return 1.4826 * float(np.median(np.abs(bends))) / math.sqrt(6)


def _refuse_gap(
    t: np.ndarray,
    v: np.ndarray,
    level: float,
    quiet: float,
    whole: tuple[float, float],
    label: str,
) -> None:
    """Refuse a pause in the record across which nobody knows the charge."""
    if t.size < 8 or abs(level) <= quiet:
        return
    steps = np.diff(t)
    worst = int(np.argmax(steps))
    pause, jump = steps[worst], abs(v[worst + 1] - v[worst])
    long = pause > 20 * np.median(steps) and pause > 0.01 * whole[0]
    if long and jump > 0.05 * whole[1]:
        raise DataError(
            f"{label} has a gap of {pause / 3600:.2g} h at {t[worst] / 3600:.4g} h while "
            f"current flows (the voltage jumps by {jump:.2g} V). Cut the data there."
        )


def starts_of(
    t: np.ndarray, i: np.ndarray, bounds: list[tuple[int, int]], quiet: float
) -> list[float]:
    """When each step begins: with the last sample of the one before.

    A rest may be recorded rarely: the current then began at most one of its own intervals
    before its first sample. Likewise where the record begins with a current that flows.
    """
    found = []
    for a, b in bounds:
        own = float(np.median(np.diff(t[a:b]))) if b - a > 1 else 0.0
        if not a:
            counts = abs(i[0]) > quiet and 0 < t[0] <= 3 * own
            found.append(0.0 if counts else float(t[0]))
        elif abs(i[a]) > quiet >= abs(i[a - 1]) and own > 0:
            found.append(float(max(t[a - 1], t[a] - own)))
        else:
            found.append(float(t[a - 1]))
    return found


@dataclass(frozen=True, eq=False)
class Span:
    """Rows of one step."""

    t: np.ndarray
    i: np.ndarray
    v: np.ndarray
    first: int
    stop: int
    begin: float
    end: float

    @property
    def duration(self) -> float:
        return self.end - self.begin

    @property
    def current(self) -> float:
        """Mean, so that the step passes the charge of the data [A]."""
        t, i = self.t[self.first : self.stop], self.i[self.first : self.stop]
        if t[-1] == self.begin:
            return float(i.mean())
        before = self.i[self.first - 1] if self.first else i[0]
        # Until its first sample, a current that moves goes on from the step before; one
        # that jumps is there at once.
        moves = abs(before - i[0]) < 0.5 * max(abs(before), abs(i[0]))
        lead = float(0.5 * (before + i[0]) if moves else i[0])
        charge = 3600 * charge_integral(t, i, self.begin, lead)[-1]
        return float(charge / (t[-1] - self.begin))

    def _travel(self, width: float) -> tuple[np.ndarray, np.ndarray]:
        """Times and the measure along which points are equally far apart."""
        t, v = self.t[self.first : self.stop], self.v[self.first : self.stop]
        rows = np.unique(np.linspace(0, t.size - 1, 400).astype(int))
        t, v = t[rows], v[rows]
        if v.size > 20:
            box = np.ones(9) / 9
            v = np.convolve(np.pad(v, 4, mode="edge"), box, mode="valid")
        climbed = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(v)))])
        return t, (t - self.begin) / max(self.duration, 1e-9) + climbed / max(width, 1e-9)

    def length(self, width: float) -> float:
        """Length of the step in that measure, its time per all of the data's steps."""
        share = self.duration / (self.t[-1] - self.t[0])
        _, way = self._travel(width)
        return float(share + max(way[-1] - 1.0, 0.0))

    def segment(
        self,
        count: int,
        cutoffs: tuple[float, float],
        window: tuple[float, float],
        zero: float,
        charges: tuple[float, float],
        noise: float,
    ) -> Segment:
        t, way = self._travel(window[1] - window[0])
        marks = np.interp(np.linspace(way[0], way[-1], count + 1)[1:], way, t)
        own = self.t[self.first : self.stop]
        rows = np.unique(np.clip(np.searchsorted(own, marks - 1e-9), 0, own.size - 1))
        rows = rows[own[rows] > self.begin]
        _, single = np.unique(own[rows], return_index=True)
        rows = rows[single] + self.first
        current = self.current
        if abs(current) < QUIET * np.abs(self.i).max():
            current = 0.0
        return Segment(
            current,
            self.duration,
            self.t[rows] - self.begin,
            self.v[rows],
            self._limit(current, cutoffs),
            self.begin - zero,
            self._tail(),
            self._slips(rows, current, charges, noise) if current else None,
        )

    def _slips(
        self, rows: np.ndarray, current: float, charges: tuple[float, float], noise: float
    ) -> np.ndarray:
        """Slope times the error of the charge [V].

        Over a few such errors the slope stands out of the noise; over one it counts where
        it does as well.
        """
        t, v = self.t[self.first : self.stop], self.v[self.first : self.stop]
        before, whole = (q / abs(current) for q in charges)
        late = _CHARGE * (before + self.t[rows] - self.begin) + _INTEGRATOR * whole
        found = np.zeros(rows.size)
        for reach in (_ASIDE, 1.0):
            right = np.minimum(self.t[rows] + reach * late, t[-1])
            left = np.maximum(self.t[rows] - reach * late, t[0])
            rise = np.abs(np.interp(right, t, v) - np.interp(left, t, v))
            share = late / np.maximum(right - left, 1e-9)
            found = np.maximum(found, np.where(rise > _CLEAR * noise, rise * share, 0.0))
        return found

    def _tail(self) -> float:
        """Slope over the last stretch that is steep enough to stand out of the noise."""
        t, v = self.t[self.first : self.stop], self.v[self.first : self.stop]
        far = np.flatnonzero(np.abs(v - v[-1]) > _TAIL)
        row = int(far[-1]) if far.size else 0
        return float((v[-1] - v[row]) / (t[-1] - t[row])) if t[-1] > t[row] else 0.0

    def _limit(self, current: float, cutoffs: tuple[float, float]) -> float | None:
        """Cut-off at which the test turned round, if the step ended there."""
        if current == 0 or self.stop - self.first < 3:
            return None
        follows = self.i[self.stop] if self.stop < self.i.size else 0.0
        end = float(np.median(self.v[max(self.first, self.stop - 3) : self.stop]))
        last = float(self.v[self.stop - 1])
        cut = cutoffs[0] if current > 0 else cutoffs[1]
        # A hold or a sweep goes on at the voltage, with a current that moves.
        goes_on = follows * current > 0 and abs(follows) < abs(current)
        own = self.i[self.first : self.stop]
        third = max(own.size // 3, 1)
        moves = abs(own[:third].mean() - own[-third:].mean()) > 0.01 * abs(current)
        near = min(abs(end - cut), abs(last - cut)) <= _AT_CUTOFF
        return float(cut) if near and not goes_on and not moves else None


def noise_of(t: np.ndarray, v: np.ndarray, bounds: list[tuple[int, int]]) -> float:
    """Standard deviation of the voltage from sample to sample.

    Parameters
    ----------
    t, v : numpy.ndarray, shape (n,)
        Time [s] and voltage [V].
    bounds : list of tuple of int
        First row and the one after the last of every step.

    Returns
    -------
    float
        [V]; at least 0.1 mV and the resolution of the instrument over the root of 12.

    Examples
    --------
    >>> t = np.arange(1000.0)
    >>> v = 2 - t / 1000 + 0.002 * np.random.default_rng(0).normal(size=1000)
    >>> round(noise_of(t, v, [(0, 1000)]), 4)
    0.002
    """
    second = []
    for a, b in bounds:
        if b - a < 5:
            continue
        # Between unequal intervals the straight line between the neighbours counts.
        left, right = t[a + 1 : b - 1] - t[a : b - 2], t[a + 2 : b] - t[a + 1 : b - 1]
        good = (left > 0) & (right > 0) & (left < 3 * right) & (right < 3 * left)
        share = left[good] / (left + right)[good]
        middle = (1 - share) * v[a : b - 2][good] + share * v[a + 2 : b][good]
        scale = np.sqrt(1 + share**2 + (1 - share) ** 2)
        second.append((v[a + 1 : b - 1][good] - middle) / scale)
    moves = np.abs(np.diff(v))
    resolution = float(moves[moves > 1e-9].min(initial=1.0)) / np.sqrt(12)
    values = np.concatenate(second) if second else np.empty(0)
    spread = 1.4826 * float(np.median(np.abs(values))) if values.size > 10 else 0.0
    return max(spread, _FLOOR, min(resolution, 2e-3))


def charges_of(spans: list[Span]) -> list[tuple[float, float]]:
    """Charge of the half cycle before each step, and all of it [A.s]."""
    turns: list[list[float]] = [[0.0]]
    way = 0.0
    for span in spans:
        if span.current * way < 0:
            turns.append([0.0])
        way = span.current or way
        turns[-1].append(turns[-1][-1] + abs(span.current) * span.duration)
    return [(before, turn[-1]) for turn in turns for before in turn[:-1]]
