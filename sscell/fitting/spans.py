"""A measured course cut into spans of one control: a current, or a voltage."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from sscell.analysis.charge import charge_integral
from sscell.errors import DataError
from sscell.fitting.controls import Line, bends_of, scale_of, spread_of

__all__ = ["Segment", "Span", "noise_of", "with_common"]


_LEVEL = 0.04  # of the current of a step: further away, another one begins


QUIET = 2e-3  # of the largest current: below, the cell rests


_SCATTER = 6.0  # standard deviations of a current: what differs by more is another level


_ANSWER = 0.5  # correlation of a voltage with a current that really moves


_FEW = 3  # samples of a level, at least, between which a single one is a switch


_FIRST = 9  # samples that tell the level of a noisy current


_AT_CUTOFF = 0.010  # V


_TAIL = 0.03  # V: the end of a step over which its slope is taken


_FLOOR = 1e-4  # V


_CHARGE = 1e-4  # of the charge passed: a good cycler's error


_INTEGRATOR = 1e-5  # of the charge of the half cycle


_ASIDE = 5.0  # errors of the charge over which a slope is taken


_CLEAR = 4.2  # standard deviations: three of a difference


_CURRENT = 5e-4  # of the largest current of a hold: few cyclers do better


_SURE = 4.0  # standard errors of a moment


_STRAIGHT = 3e-3  # of the largest current: so far a moving one may lie off its lines


@dataclass(frozen=True, eq=False)
class Segment:
    """One step of a set current or a set voltage, and its points.

    Parameters
    ----------
    current : float
        Mean [A], positive on discharge.
    duration : float
        In the data [s].
    times : numpy.ndarray, shape (n,)
        Since the start of the step [s], increasing.
    measured : numpy.ndarray, shape (n,)
        Voltages there [V]; currents [A] where the voltage is set.
    limit : float or None
        Cut-off that ended it [V]; None where its time did.
    start : float
        In the data [s].
    tail : float
        Slope of the measured voltage at its end [V.s-1]; 0 where it does not matter.
    slips : numpy.ndarray, shape (n,)
        What the error of the charge makes of the voltage at the points [V]; none: nothing.
    ramp : float
        Slope of a current that moves linearly [A.s-1].
    line : tuple of float, optional
        Voltage that is set, at the start of the step [V], and its slope [V.s-1].
    spread : numpy.ndarray, shape (n,), optional
        Standard deviations of the currents at the points [A].
    error : float
        Standard error of the voltage that is set [V].
    unsure : float
        Standard error of when it ended [s].
    cycle : int
        As the file counts it, else from 1.
    """

    current: float
    duration: float
    times: np.ndarray
    measured: np.ndarray
    limit: float | None = None
    start: float = 0.0
    tail: float = 0.0
    slips: np.ndarray | None = None
    ramp: float = 0.0
    line: tuple[float, float] | None = None
    spread: np.ndarray | None = None
    error: float = 0.0
    unsure: float = 0.0
    cycle: int = 1

    @property
    def sign(self) -> int:
        """1 on discharge, -1 on charge, 0 at rest."""
        return int(np.sign(self.current))


def levels_of(t: np.ndarray, i: np.ndarray, v: np.ndarray) -> list[tuple[int, int]]:
    """First row and the one after the last of every level of the current."""
    quiet = QUIET * float(np.abs(i).max())
    scatter = _SCATTER * _noise_of_current(i, v, quiet)

    def level_from(row: int) -> float:
        noisy = scatter > _LEVEL * abs(i[row])
        return float(np.median(i[row : row + _FIRST])) if noisy else float(i[row])

    edges, level = [0], level_from(0)
    for row in range(1, i.size):
        if abs(i[row] - level) > max(_LEVEL * abs(level), quiet, scatter):
            edges.append(row)
            level = level_from(row)
    return _without_switches(i, list(zip(edges, [*edges[1:], i.size], strict=True)))


def refuse_gaps(
    t: np.ndarray, i: np.ndarray, v: np.ndarray, label: str, longest: float
) -> None:
    """Refuse a record that pauses while current flows, for more than a share of its time."""
    quiet = QUIET * float(np.abs(i).max())
    for a, b in levels_of(t, i, v):
        whole = longest * (t[-1] - t[0]), np.ptp(v)
        _refuse_gap(t[a:b], v[a:b], i[a], quiet, whole, label)


def _without_switches(
    i: np.ndarray, bounds: list[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Levels without single samples between two of them: means over a switch.

    They go to the level before, of whose last interval they have the charge.
    """
    found: list[tuple[int, int]] = []
    for number, (a, b) in enumerate(bounds):
        after = bounds[number + 1] if number + 1 < len(bounds) else None
        if b - a == 1 and found and after is not None and after[1] - after[0] >= _FEW:
            first, last = found[-1]
            low, high = sorted((float(i[last - 1]), float(i[after[0]])))
            if last - first >= _FEW and low < i[a] < high:
                found[-1] = first, b
                continue
        found.append((a, b))
    return found


def _noise_of_current(i: np.ndarray, v: np.ndarray, quiet: float) -> float:
    """Standard deviation of a current that flows; a trend leaves none [A].

    Where the voltage answers to it from sample to sample, it was no noise.
    """
    flows = np.abs(i) > quiet
    rows = flows[2:] & flows[1:-1] & flows[:-2]
    bends, answers = np.diff(i, 2)[rows], np.diff(v, 2)[rows]
    if bends.size < _FIRST:
        return 0.0
    size = float(np.sqrt((bends @ bends) * (answers @ answers)))
    if size > 0 and float(bends @ answers) < -_ANSWER * size:
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
    long = pause > 20 * np.median(steps) and pause > whole[0]
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
    before its first sample. Likewise where the record begins soon after zero.
    """
    found = []
    for a, b in bounds:
        own = float(np.median(np.diff(t[a:b]))) if b - a > 1 else 0.0
        if not a:
            found.append(0.0 if 0 < t[0] <= 3 * own else float(t[0]))
        elif abs(i[a]) > quiet >= abs(i[a - 1]) and own > 0:
            found.append(float(max(t[a - 1], t[a] - own)))
        else:
            found.append(float(t[a - 1]))
    return found


@dataclass(frozen=True, eq=False)
class Span:
    """Rows of one control.

    Parameters
    ----------
    t, i, v : numpy.ndarray, shape (n,)
        Time [s], current [A] and voltage [V] of all data.
    first, stop : int
        First row, and the one after the last.
    begin, end : float
        When it began and ended [s].
    line : Line, optional
        Of the voltage, where that was set.
    moves : bool, optional
        Whether a current was set that moves from sample to sample.
    chosen : numpy.ndarray of bool, optional
        Which rows of all data are compared; default: all.
    """

    t: np.ndarray
    i: np.ndarray
    v: np.ndarray
    first: int
    stop: int
    begin: float
    end: float
    line: Line | None = None
    moves: bool = False
    chosen: np.ndarray | None = None

    @property
    def duration(self) -> float:
        """How long it lasts [s]."""
        return self.end - self.begin

    @property
    def current(self) -> float:
        """Mean, so that the step passes the charge of the data [A]."""
        t, i = self.t[self.first : self.stop], self.i[self.first : self.stop]
        if t[-1] == self.begin:
            return float(i.mean())
        lead = 0.5 * (self._lead() + float(i[0]))
        charge = 3600 * charge_integral(t, i, self.begin, lead)[-1]
        return float(charge / (t[-1] - self.begin))

    def _travel(self, width: float) -> tuple[np.ndarray, np.ndarray]:
        """Times and the measure along which points are equally far apart."""
        t, v = self.t[self.first : self.stop], self.v[self.first : self.stop]
        if self.line is not None:  # the current is what is compared
            v = self.i[self.first : self.stop]
            width = float(np.ptp(v))
        rows = np.unique(np.linspace(0, t.size - 1, 400).astype(int))
        t, v = t[rows], v[rows]
        if v.size > 20:
            box = np.ones(9) / 9
            v = np.convolve(np.pad(v, 4, mode="edge"), box, mode="valid")
        passed = np.diff(t, prepend=self.begin) / max(self.duration, 1e-9)
        passed += np.abs(np.diff(v, prepend=v[0])) / max(width, 1e-12)
        if self.chosen is not None:
            passed *= self.chosen[self.first : self.stop][rows]
        return t, np.cumsum(passed)

    def length(self, width: float) -> float:
        """Length of the step in that measure, its time per all of the data's steps [-].

        Parameters
        ----------
        width : float
            Of the voltages of the data [V].
        """
        own = 1.0
        if self.chosen is not None:
            own = float(np.mean(self.chosen[self.first : self.stop]))
            if not own:
                return 0.0
        share = own * self.duration / (self.t[-1] - self.t[0])
        _, way = self._travel(width)
        return float(share + max(way[-1] - own, 0.0))

    def segments(
        self,
        count: int,
        cutoffs: tuple[float, float],
        window: tuple[float, float],
        zero: float,
        charges: tuple[float, float],
        noise: float,
        *,
        after: Span | None = None,
        turns: bool = False,
        unsure: tuple[float, float] = (0.0, 0.0),
    ) -> list[Segment]:
        """Steps that repeat it: one, or many where a set current moves.

        Parameters
        ----------
        count : int
            Points that are compared.
        cutoffs : tuple of float
            Lower and upper voltage at which the test turned round [V].
        window : tuple of float
            Lowest and highest voltage of the data [V].
        zero : float
            When the data begin [s].
        charges : tuple of float
            Charge of the half cycle before, and all of it [A.s].
        noise : float
            Of the voltage [V].
        after : Span, optional
            The next one.
        turns : bool, optional
            Whether the next current that flows goes the other way.
        unsure : tuple of float, optional
            Standard errors of the moments at which it began and ended [s].

        Returns
        -------
        list of Segment
        """
        rows = self._rows(count, window[1] - window[0])
        if self.moves:
            return self._ramps(rows, zero)
        current = self.current
        if self.line is not None:
            rows = self._within(rows, unsure)
        at = self.t[rows] - self.begin
        if self.line is not None:
            line = float(self.line.at(self.begin)), self.line.slope
            return [
                Segment(
                    current,
                    self.duration,
                    at,
                    self.i[rows],
                    start=self.begin - zero,
                    line=line,
                    spread=self._spread(rows, unsure[0]),
                    error=self.line.error,
                )
            ]
        if abs(current) < QUIET * np.abs(self.i).max():
            current = 0.0
        limit = self._limit(current, cutoffs, after, turns)
        return [
            Segment(
                current,
                self.duration,
                at,
                self.v[rows],
                limit,
                self.begin - zero,
                self._tail(),
                self._slips(rows, current, charges, noise) if current else None,
                unsure=self._unsure(limit),
            )
        ]

    def _unsure(self, limit: float | None) -> float:
        """Error of the end [s]: a cut-off between two samples was met at neither."""
        if limit is None or abs(self.v[self.stop - 1] - limit) <= _AT_CUTOFF:
            return 0.0
        return float(self.t[self.stop - 1] - self.t[self.stop - 2]) / math.sqrt(12)

    def _rows(self, count: int, width: float) -> np.ndarray:
        """Rows that are compared, evenly far apart along the way of the curve."""
        if not count:
            return np.empty(0, dtype=int)
        t, way = self._travel(width)
        marks = np.interp(np.linspace(way[0], way[-1], count + 1)[1:], way, t)
        own = self.t[self.first : self.stop]
        rows = np.unique(np.clip(np.searchsorted(own, marks - 1e-9), 0, own.size - 1))
        rows = rows[own[rows] > self.begin]
        if self.chosen is not None:
            rows = rows[self.chosen[self.first : self.stop][rows]]
        _, single = np.unique(own[rows], return_index=True)
        return rows[single] + self.first

    def _within(self, rows: np.ndarray, unsure: tuple[float, float]) -> np.ndarray:
        """Rows that certainly lie between two turns of a sweep, at least three of them."""
        t = self.t[rows]
        sure = (t > self.begin + _SURE * unsure[0]) & (t < self.end - _SURE * unsure[1])
        return rows[sure] if sure.sum() >= 3 else rows

    def _ramps(self, rows: np.ndarray, zero: float) -> list[Segment]:
        """Currents that move linearly between samples, as far as these do."""
        t, i = self.t[self.first : self.stop], self.i[self.first : self.stop]
        if t[0] > self.begin:
            t = np.concatenate([[self.begin], t])
            i = np.concatenate([[self._lead()], i])
        knots = _knots(t, i, _STRAIGHT * float(np.abs(self.i).max()))
        found = []
        for a, b in itertools.pairwise(knots):
            if t[b] <= t[a]:
                continue
            own = rows[(self.t[rows] > t[a]) & (self.t[rows] <= t[b])]
            seconds = float(t[b] - t[a])
            found.append(
                Segment(
                    float(np.trapezoid(i[a : b + 1], t[a : b + 1])) / seconds,
                    seconds,
                    self.t[own] - t[a],
                    self.v[own],
                    start=float(t[a]) - zero,
                    ramp=float(i[b] - i[a]) / seconds,
                )
            )
        return found

    def _lead(self) -> float:
        """Current from the begin to the first sample [A].

        One that moves goes on from the step before; one that jumps is there at once.
        """
        first = float(self.i[self.first])
        before = float(self.i[self.first - 1]) if self.first else first
        moves = abs(before - first) < 0.5 * max(abs(before), abs(first))
        return before if moves else first

    def _spread(self, rows: np.ndarray, unsure: float) -> np.ndarray:
        """Standard deviations of currents under a set voltage [A].

        They scatter, and between two samples nobody knows when the voltage began to act.
        """
        t, i = self.t[self.first : self.stop], self.i[self.first : self.stop]
        size = max(spread_of(t, i), _CURRENT * float(np.abs(i).max()))
        late = math.hypot(max(float(t[0]) - self.begin, 0.0) / math.sqrt(12), unsure)
        single = np.concatenate([[True], np.diff(t) > 0])
        slope = np.zeros(rows.size)
        if single.sum() > 2:
            rates = np.gradient(i[single], t[single])
            slope = np.interp(self.t[rows], t[single], np.abs(rates))
        return with_common(np.full(rows.size, size), slope * late)

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

    def _limit(
        self,
        current: float,
        cutoffs: tuple[float, float],
        after: Span | None,
        turns: bool,
    ) -> float | None:
        """Voltage at which the step ended: a cut-off, or the one that was held from there."""
        if current == 0 or self.stop - self.first < 3:
            return None
        ends = self.v[max(self.first, self.stop - 3) : self.stop]
        end = float(np.median(ends))
        # A mean over the switch lies behind the last voltage under current.
        last = float(ends.min() if current > 0 else ends.max())
        if after is not None and after.line is not None:
            held = float(after.line.at(after.begin))
            goes_on = after.current * current > 0 and self._near(held, end, last)
            return held if goes_on else None
        cut = cutoffs[0] if current > 0 else cutoffs[1]
        # A current that moves on at the voltage was perhaps set by it.
        goes_on = after is not None and after.moves and after.current * current > 0
        near = self._near(cut, end, last) or (turns and self._between(cut))
        return float(cut) if near and not goes_on else None

    def _between(self, cut: float) -> bool:
        """Whether a voltage was reached after the last sample, before the next step's."""
        if self.stop >= self.t.size or self.stop - self.first < 3:
            return False
        t, v = self.t[self.stop - 3 : self.stop], self.v[self.stop - 3 : self.stop]
        if np.diff(t).min() <= 0:
            return False
        before, steep = np.diff(v) / np.diff(t)
        if steep * (cut - v[-1]) <= 0:
            return False
        # A cliff gets steeper by as much again, at least.
        steeper = max(steep / before if before * steep > 0 else 1.0, 1.0)
        reach = abs(steep) * steeper**2 * (self.t[self.stop] - t[-1])
        return bool(abs(cut - v[-1]) < reach)

    @staticmethod
    def _near(cut: float, end: float, last: float) -> bool:
        return min(abs(end - cut), abs(last - cut)) <= _AT_CUTOFF


def with_common(spread: np.ndarray, off: np.ndarray) -> np.ndarray:
    """Standard deviations of points that one further error moves together.

    They count as independent, so each gets as many times its variance as there are points
    that see it.

    Parameters
    ----------
    spread : numpy.ndarray, shape (n,)
        Of each point by itself.
    off : numpy.ndarray, shape (n,)
        What one standard deviation of the common error moves them by.

    Returns
    -------
    numpy.ndarray, shape (n,)

    Examples
    --------
    >>> with_common(np.ones(4), np.array([0.0, 0.0, 0.0, 1.0])).round(2)
    array([1.  , 1.  , 1.  , 1.41])
    """
    squares = (off / spread) ** 2
    seen = max(float(np.sum(squares / (squares + 1))), 1.0)
    return spread * np.sqrt(1 + seen * squares)


def _knots(t: np.ndarray, x: np.ndarray, apart: float) -> list[int]:
    """Rows between which samples lie on straight lines."""
    found, row = [0], 0
    while row < t.size - 1:
        stop = row + 1
        while stop + 1 < t.size and t[stop + 1] > t[row]:
            share = (t[row + 1 : stop + 1] - t[row]) / (t[stop + 1] - t[row])
            off = x[row] + share * (x[stop + 1] - x[row]) - x[row + 1 : stop + 1]
            if np.abs(off).max() > apart:
                break
            stop += 1
        found.append(stop)
        row = stop
    return found


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
    second = [bends_of(t[a:b], v[a:b]) for a, b in bounds]
    moves = np.abs(np.diff(v))
    resolution = float(moves[moves > 1e-9].min(initial=1.0)) / np.sqrt(12)
    values = np.concatenate(second) if second else np.empty(0)
    spread = scale_of(values) if values.size > 10 else 0.0
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
