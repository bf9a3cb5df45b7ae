"""Measured curves as steps that a model can repeat, and the points where they are compared.

**Steps.** A new step begins where the current leaves the level of the step by more than
4 % (a rest: by more than 0.2 % of the largest current). A current that moves on, as in a
hold or a sweep, becomes a staircase of such steps. Every step carries the charge that the
data passed in it. A step that ends within 10 mV of a cut-off is ended by that voltage in
the model as well, so that every half cycle starts where the cell really turned; all
others last as long as in the data.

**Points.** Along each step the points are equally far apart in the sum of time (per
length of the step) and voltage travelled (per window of the data): a plateau counts by its
length and a step by its height.

**Noise.** From the second differences of neighbouring samples, which take out the curve
itself; never less than 0.1 mV or the resolution of the instrument. The charge is not exact
either, in the data (a cycler's current) or in the model (its integrator). One such error per
half cycle moves all its points by their slope in charge: next to nothing on a plateau, much
where the voltage falls steeply at its end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import xarray as xr

from sscell.dataset import metadata, require
from sscell.errors import DataError, ParameterError, did_you_mean

__all__ = ["Course", "Segment", "course", "noise_of"]

_LEVEL = 0.04  # of the current of a step: further away, another one begins
_QUIET = 2e-3  # of the largest current: below, the cell rests
_SCATTER = 6.0  # standard deviations of a current: what differs by more is another level
_FIRST = 9  # samples that tell the level of a noisy current
_AT_CUTOFF = 0.010  # V
_MARGIN = 0.3  # V that the model may leave the window in steps that time ends
_MOST_STEPS = 800
_TAIL = 0.03  # V: the end of a step over which its slope is taken
_FLOOR = 1e-4  # V
_CHARGE = 1e-4  # of the charge passed: a good cycler's error
_INTEGRATOR = 1e-5  # of the charge of the half cycle
_CLOSEST = 2e-3  # V
_ASIDE = 5.0  # errors of the charge over which a slope is taken
_CLEAR = 4.2  # standard deviations: three of a difference
_LOST = 0.02  # share of missing samples from which the data have gaps


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


@dataclass(frozen=True, eq=False)
class Course:
    """A dataset as the model repeats it.

    Parameters
    ----------
    label : str
        Which data.
    segments : tuple of Segment
        In order.
    celsius : float or None
        Temperature of the cell [degC]; None: the set's own.
    noise : float
        Standard deviation of a voltage where it is flat [V].
    window : tuple of float
        Lowest and highest voltage of the data [V].
    weight : float
        Factor on its residuals [-].
    state : str
        Where the cell started from.
    pressure : float or None
        On the stack [Pa]; None: the set's own.
    """

    label: str
    segments: tuple[Segment, ...]
    celsius: float | None
    noise: float
    window: tuple[float, float]
    weight: float = 1.0
    state: str = "pristine"
    pressure: float | None = None

    @property
    def measured(self) -> np.ndarray:
        """Voltages of all points [V]."""
        return np.concatenate([s.voltage for s in self.segments])

    @property
    def deviations(self) -> np.ndarray:
        """Standard deviations of all points, with the error of the charge [V].

        One error moves all points of a half cycle. They count as independent, so each gets
        as many times its variance as there are points that see it. (The full covariance
        would take the shape of a steep end for a straight line.) Below 2 mV no model is
        expected to be right, so quieter data are weighed as if they had that noise.
        """
        found = []
        for slips in self._slips:
            squares = (slips / max(self.noise, _CLOSEST)) ** 2
            seen = max(np.sum(squares / (squares + 1)), 1.0)
            found.append(self.noise * np.sqrt(1 + seen * squares))
        return np.concatenate(found)

    @property
    def _slips(self) -> list[np.ndarray]:
        """By half cycle: what the error of its charge makes of the voltages [V]."""
        found, way = [[]], 0
        for segment in self.segments:
            if segment.sign * way < 0:
                found.append([])
            way = segment.sign or way
            none = np.zeros(segment.times.size)
            found[-1].append(none if segment.slips is None else segment.slips)
        return [np.concatenate(parts) for parts in found]

    @property
    def time(self) -> np.ndarray:
        """Times of all points in the data [s]."""
        return np.concatenate([s.start + s.times for s in self.segments])

    @property
    def scale(self) -> float:
        """What makes the residuals readable: from V to mV [-]."""
        return 1e3

    @property
    def fingerprint(self) -> bytes:
        """Changes with anything that a fit depends on."""
        steps = [(s.current, s.duration, s.limit) for s in self.segments]
        said = (self.label, self.celsius, self.noise, self.weight, self.state, steps)
        said += () if self.pressure is None else (self.pressure,)
        columns = (self.time, self.measured, self.deviations)
        return repr(said).encode() + b"".join(c.tobytes() for c in columns)

    @property
    def first_sign(self) -> int:
        """Direction of the first current."""
        return next((s.sign for s in self.segments if s.sign), 0)

    def margins(self, segment: Segment) -> tuple[float, float]:
        """Lower and upper voltage at which the model stops in a step [V]."""
        low, high = self.window[0] - _MARGIN, self.window[1] + _MARGIN
        if segment.limit is None or not segment.sign:
            return low, high
        return (segment.limit, high) if segment.sign > 0 else (low, segment.limit)


def course(
    data: xr.Dataset,
    cutoffs: tuple[float, float],
    *,
    label: str = "data",
    celsius: float | None = None,
    points: int = 200,
    noise: float | None = None,
    weight: float = 1.0,
    state: str = "pristine",
    only: str = "both",
) -> Course:
    """Steps and points of a time series.

    Parameters
    ----------
    data : xarray.Dataset
        Time [s], current [A] and voltage [V] on ``time``, measured or simulated.
    cutoffs : tuple of float
        Lower and upper voltage at which the test turned round [V].
    label : str, optional
        Name in messages.
    celsius : float, optional
        Temperature [degC]; default: the data's own, if they say it.
    points : int, optional
        How many are compared, about; every step has at least three.
    noise : float, optional
        Standard deviation of the voltage [V]; default: estimated.
    weight : float, optional
        Factor on the residuals [-].
    state : str, optional
        Where the cell started from.
    only : str, optional
        ``"discharge"`` or ``"charge"``: steps the other way are repeated, not compared.

    Returns
    -------
    Course

    Raises
    ------
    DataError
        If the data are no time series of current and voltage, have gaps, or change their
        current too often.
    ParameterError
        If `only` is no direction.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0, 50, 100, 100, 200], "Current [A]": [1, 1, 1, 0, 0],
    ...                     "Voltage [V]": [2.0, 1.8, 1.5, 1.6, 1.7]})
    >>> found = course(data, (1.5, 3.0))
    >>> [(s.current, s.duration, s.limit) for s in found.segments]
    [(1.0, 100.0, 1.5), (0.0, 100.0, None)]
    """
    t, i, v = _series(data, label)
    bounds = _levels(t, i, v, label)
    window = float(v.min()), float(v.max())
    sigma = noise_of(t, v, bounds) if noise is None else float(noise)
    begins = _begins(t, i, bounds, _QUIET * float(np.abs(i).max()))
    spans = [
        _Span(t, i, v, a, b, begin, max(end, float(t[b - 1])))
        for (a, b), begin, end in zip(bounds, begins, [*begins[1:], 0.0], strict=True)
    ]
    spans = [s for s in spans if s.duration > 0]
    if len(spans) > _MOST_STEPS:
        raise DataError(
            f"{label}: the current changes {len(spans)} times; at most {_MOST_STEPS} steps "
            "can be repeated. Fit a part of the data."
        )
    lengths = np.array([s.length(window[1] - window[0]) for s in spans])
    ways = {"both": (1, -1, 0), "discharge": (1, 0), "charge": (-1, 0)}
    if only not in ways:
        hint = did_you_mean(only, ways, "directions")
        raise ParameterError(f"Direction '{only}' is not one. {hint}")
    lengths *= [np.sign(s.current) in ways[only] for s in spans]
    if not lengths.any():
        raise DataError(f"{label} has no {only}.")
    counts = np.rint(points * lengths / max(lengths.sum(), 1e-12))
    counts[lengths > 0] = np.maximum(3, counts[lengths > 0])
    segments = tuple(
        s.segment(int(n), cutoffs, window, begins[0], charges, sigma)
        for s, n, charges in zip(spans, counts, _charges(spans), strict=True)
    )
    if celsius is None:
        celsius = _celsius(data)
    return Course(label, segments, celsius, sigma, window, weight, state)


def _series(data: xr.Dataset, label: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    try:
        require(data, "Time [s]", "Current [A]", "Voltage [V]")
    except DataError as error:
        raise DataError(f"{label} cannot be fitted: {error}") from None
    columns = [
        data[name].values.astype(float)
        for name in ("Time [s]", "Current [A]", "Voltage [V]")
    ]
    good = np.all(np.isfinite(columns), axis=0)
    if good.sum() < 4:
        raise DataError(f"{label} has only {int(good.sum())} complete samples.")
    if np.mean(~good) > _LOST:
        raise DataError(
            f"{label} has gaps: {int((~good).sum())} of {good.size} samples lack time, "
            "current or voltage. Cut the data to a part that is complete."
        )
    t, i, v = (c[good] for c in columns)
    if np.any(np.diff(t) < 0):
        raise DataError(f"{label}: the time runs backwards.")
    if not np.any(i):
        raise DataError(f"{label}: no current flows in these data.")
    return t, i, v


def _levels(
    t: np.ndarray, i: np.ndarray, v: np.ndarray, label: str
) -> list[tuple[int, int]]:
    """First row and the one after the last of every level of the current."""
    quiet = _QUIET * float(np.abs(i).max())
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


def _begins(
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
class _Span:
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
        lead = (t[0] - self.begin) * (0.5 * (before + i[0]) if moves else i[0])
        return float((np.trapezoid(i, t) + lead) / (t[-1] - self.begin))

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
        if abs(current) < _QUIET * np.abs(self.i).max():
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


def _charges(spans: list[_Span]) -> list[tuple[float, float]]:
    """Charge of the half cycle before each step, and all of it [A.s]."""
    turns: list[list[float]] = [[0.0]]
    way = 0.0
    for span in spans:
        if span.current * way < 0:
            turns.append([0.0])
        way = span.current or way
        turns[-1].append(turns[-1][-1] + abs(span.current) * span.duration)
    return [(before, turn[-1]) for turn in turns for before in turn[:-1]]


def _celsius(data: xr.Dataset) -> float | None:
    if "Temperature [degC]" in data:
        value = float(np.nanmean(data["Temperature [degC]"].values))
        return value if np.isfinite(value) else None
    value = metadata(data, "temperature_C")
    return None if value is None else float(value)
