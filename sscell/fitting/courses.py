"""Measured curves as steps that a model can repeat, and the points where they are compared.

**Steps.** What a cycler set is repeated as it was set. A new step begins where the current
leaves the level of the step by more than 4 % (a rest: by more than 0.2 % of the largest
current). Where the current moves while the voltage lies on a straight line in time, the
voltage was set (a hold, a step, a sweep): the model is given that voltage, and its current is
compared. Where both move, as in a drive cycle, the model is given the current from sample to
sample. A step that ends within 10 mV of a cut-off, or in a hold, is ended by that voltage in
the model as well, so that every half cycle starts where the cell really turned; all others
last as long as in the data.

**Points.** Along each step the points are equally far apart in the sum of time (per
length of the step) and voltage travelled (per window of the data): a plateau counts by its
length and a step by its height.

**Noise.** Of the voltage: from the second differences of neighbouring samples, which take out
the curve itself; never less than 0.1 mV or the resolution of the instrument. Of a current under
a set voltage: likewise, never less than 0.05 % of the largest, with what the errors of the set
voltage and of the moment at which it was set make of it. The charge is not exact either, in the
data (a cycler's current) or in the model (its integrator). One such error per half cycle moves
all its points by their slope in charge: next to nothing on a plateau, much where the voltage
falls steeply at its end.

**Capacity.** What a half cycle passes until it ends is compared too, with an error of a
thousandth of it and of what the error of the voltage makes of its end.

**Discrepancy.** No model is exact. What it is expected to be off by, as a voltage and as a
share of the charge, widens the errors: a steep end then counts by its charge, not by its
volts.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import xarray as xr

from sscell.dataset import metadata, require
from sscell.errors import DataError
from sscell.fitting.controls import begins_of, pieces_of
from sscell.fitting.spans import (
    QUIET,
    Segment,
    Span,
    charges_of,
    levels_of,
    noise_of,
    refuse_gaps,
    starts_of,
    with_common,
)
from sscell.readers import Choice
from sscell.segments import cycle_numbers, half_runs

__all__ = ["Course", "Half", "course"]

_MARGIN = 0.3  # V that the model may leave the window in steps that time ends
_MOST_STEPS = 800
_CLOSEST = 2e-3  # V
_CHARGE = 1e-3  # of the capacity: few cyclers and no mass are known better
_NEAR = 0.01  # of the capacity to either side, over which a slope is taken
_FLATTEST = 0.05  # windows per capacity: the least slope at an end
_LOST = 0.02  # share of missing samples from which the data have gaps


@dataclass(frozen=True, eq=False)
class Half:
    """What passes between two reversals of the current.

    Parameters
    ----------
    sign : int
        1 on discharge, -1 on charge.
    cycle : int
        As the file counts it, else from 1.
    steps : tuple of int
        Numbers of its segments.
    charge : float
        Measured [A.s], positive.
    error : float
        Standard deviation of that, by the measurement and by where the model ends [A.s].
    compared : bool
        Whether any of its points are.
    """

    sign: int
    cycle: int
    steps: tuple[int, ...]
    charge: float
    error: float
    compared: bool

    @property
    def direction(self) -> str:
        """``"discharge"`` or ``"charge"``."""
        return "discharge" if self.sign > 0 else "charge"


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
    ahead : bool
        Whether a half cycle that is not in the data comes before them.
    begins : float
        First voltage of the data [V].
    discrepancy : tuple of float
        What the model is expected to be off by: voltage [V], and share of the charge of a
        half cycle [-].
    """

    label: str
    segments: tuple[Segment, ...]
    celsius: float | None
    noise: float
    window: tuple[float, float]
    weight: float = 1.0
    state: str = "pristine"
    pressure: float | None = None
    ahead: bool = False
    begins: float = 0.0
    discrepancy: tuple[float, float] = (0.0, 0.0)

    @property
    def count(self) -> int:
        """Number of residuals: points and capacities."""
        return self.measured.size + len(self.capacities)

    @cached_property
    def halves(self) -> tuple[Half, ...]:
        """Half cycles, rests and holds inside them included."""
        groups: list[list[int]] = []
        way = 0
        for number, segment in enumerate(self.segments):
            if segment.sign and (segment.sign != way or not groups):
                groups.append([])
                way = segment.sign
            if groups:
                groups[-1].append(number)
        return tuple(self._half(tuple(group)) for group in groups)

    def _half(self, steps: tuple[int, ...]) -> Half:
        own = [self.segments[k] for k in steps]
        flows = [s for s in own if s.sign]
        charge = sum(abs(s.current) * s.duration for s in flows)
        last = flows[-1]
        volts, share = self.discrepancy
        error = math.hypot(_CHARGE, share) * charge + 1e-300
        if last.limit is not None:
            steep = abs(last.tail / last.current)  # V per A.s
            least = _FLATTEST * (self.window[1] - self.window[0]) / charge
            off = math.hypot(max(self.noise, _CLOSEST), volts) / max(steep, least)
            error = math.hypot(error, off)
        error = math.hypot(error, last.unsure * abs(last.current))
        compared = any(s.times.size for s in own)
        return Half(last.sign, last.cycle, steps, charge, error, compared)

    @cached_property
    def capacities(self) -> tuple[Half, ...]:
        """Half cycles whose charge is compared: as far as the current was set.

        What flows into a hold is compared point by point.
        """
        found = []
        for half in self.halves:
            own = tuple(
                itertools.takewhile(lambda k: self.segments[k].line is None, half.steps)
            )
            if half.compared and any(self.segments[k].sign for k in own):
                found.append(self._half(own))
        return tuple(found)

    @property
    def measured(self) -> np.ndarray:
        """What is compared at all points: voltages [V], or currents where one was set [A]."""
        return np.concatenate([s.measured for s in self.segments])

    @property
    def held(self) -> np.ndarray:
        """Points at which the voltage was set, so that the current is compared."""
        return np.concatenate(
            [np.full(s.times.size, s.line is not None) for s in self.segments]
        )

    @property
    def deviations(self) -> np.ndarray:
        """What counts as one deviation at all points: errors and discrepancy [V or A]."""
        volts, share = self.discrepancy
        own = np.where(self.held, 0.0, volts**2 + (share * self.steepness) ** 2)
        return np.sqrt(self.errors**2 + own)

    @cached_property
    def steepness(self) -> np.ndarray:
        """Slope of the voltage at all points [V per charge of the half cycle]."""
        found = [np.zeros(s.times.size) for s in self.segments]
        for half in self.halves:
            passed, way, curve = 0.0, [], []
            for k in half.steps:
                segment = self.segments[k]
                if segment.line is None:
                    way.append(passed + abs(segment.current) * segment.times)
                    curve.append(segment.measured)
                passed += abs(segment.current) * segment.duration
            if not way or sum(q.size for q in way) < 3 or half.charge <= 0:
                continue
            q, v = np.concatenate(way) / half.charge, np.concatenate(curve)
            right, left = np.minimum(q + _NEAR, q[-1]), np.maximum(q - _NEAR, q[0])
            rise = np.abs(np.interp(right, q, v) - np.interp(left, q, v))
            slopes = rise / np.maximum(right - left, _NEAR / 10)
            own = [k for k in half.steps if self.segments[k].line is None]
            ends = np.cumsum([x.size for x in way])[:-1]
            for k, part in zip(own, np.split(slopes, ends), strict=True):
                found[k] = part
        return np.concatenate(found)

    @property
    def errors(self) -> np.ndarray:
        """Standard deviations of all points [V or A], with the error of the charge.

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
        all_of = np.concatenate(found)
        for segment, rows in zip(self.segments, self.rows, strict=True):
            if segment.spread is not None:
                all_of[rows] = segment.spread
        return all_of

    @property
    def rows(self) -> list[slice]:
        """Points of each step."""
        ends = np.cumsum([0, *(s.times.size for s in self.segments)]).tolist()
        return [slice(a, b) for a, b in itertools.pairwise(ends)]

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
        steps = [(s.current, s.duration, s.limit, s.line, s.ramp) for s in self.segments]
        said = (self.label, self.celsius, self.noise, self.weight, self.state, steps)
        said += () if self.pressure is None else (self.pressure,)
        said += ("ahead",) if self.ahead else ()
        said += ("capacities",)
        columns = (self.time, self.measured, self.deviations)
        return repr(said).encode() + b"".join(c.tobytes() for c in columns)

    @property
    def first_sign(self) -> int:
        """Direction of the first current."""
        return next((s.sign for s in self.segments if s.sign), 0)

    def shifted(self) -> Course:
        """The same data under set voltages that are off by their standard errors."""
        found = list(self.segments)
        for k, segment in enumerate(found):
            if segment.line is None:
                continue
            voltage, slope = segment.line
            found[k] = replace(segment, line=(voltage + segment.error, slope))
            if k and found[k - 1].limit == voltage:
                found[k - 1] = replace(found[k - 1], limit=voltage + segment.error)
        return replace(self, segments=tuple(found))

    def widened(self, off: np.ndarray) -> Course:
        """The same data with a further error, common to the points of a step.

        Parameters
        ----------
        off : numpy.ndarray, shape (n,)
            At all points [V; A where a voltage is set].
        """
        found = []
        for segment, rows in zip(self.segments, self.rows, strict=True):
            own = off[rows]
            if segment.spread is not None:
                found.append(replace(segment, spread=with_common(segment.spread, own)))
            else:  # what passed under a set voltage is not exact
                slips = own if segment.slips is None else np.hypot(segment.slips, own)
                found.append(replace(segment, slips=np.abs(slips)))
        return replace(self, segments=tuple(found))

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
    choice: Choice | None = None,
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
    choice : Choice, optional
        What is compared; all before it is repeated.

    Returns
    -------
    Course

    Raises
    ------
    DataError
        If the data are no time series of current and voltage, have gaps, or change their
        current too often.
    ParameterError
        If the choice leaves nothing.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0, 50, 100, 100, 200], "Current [A]": [1, 1, 1, 0, 0],
    ...                     "Voltage [V]": [2.0, 1.8, 1.5, 1.6, 1.7]})
    >>> found = course(data, (1.5, 3.0))
    >>> [(s.current, s.duration, s.limit) for s in found.segments]
    [(1.0, 100.0, 1.5), (0.0, 100.0, None)]
    """
    t, i, v, good = _series(data, label)
    window = float(v.min()), float(v.max())
    # A solver takes long steps where little happens.
    refuse_gaps(t, i, v, label, 0.01 if metadata(data, "steps") is None else 0.2)
    spans, sigma = _spans(t, i, v, label, noise, cutoffs)
    cycles = _cycles(data, t.size, good)
    if choice is not None and not choice.empty:
        spans = [replace(s, chosen=choice.rows(data)[good]) for s in spans]
    lengths = np.array([s.length(window[1] - window[0]) for s in spans])
    if not lengths.any():
        raise DataError(f"{label}: no current or rest of more than a sample was chosen.")
    counts = np.rint(points * lengths / max(lengths.sum(), 1e-12))
    counts[lengths > 0] = np.maximum(3, counts[lengths > 0])
    segments: list[Segment] = []
    each = zip(spans, counts, charges_of(spans), [*spans[1:], None], strict=True)
    for number, (span, count, charges, after) in enumerate(each):
        own = span.segments(
            int(count),
            cutoffs,
            window,
            spans[0].begin,
            charges,
            sigma,
            after=after,
            turns=_turns(spans, number),
            unsure=_unsure(spans, number),
        )
        segments += [replace(s, cycle=int(cycles[span.stop - 1])) for s in own]
    while not segments[-1].times.size:  # nothing after what is compared matters
        segments.pop()
    _refuse_too_many(segments, label)
    if celsius is None:
        celsius = _celsius(data)
    begins = float(np.median(v[:3]))
    return Course(
        label, tuple(segments), celsius, sigma, window, weight, state, begins=begins
    )


def _spans(
    t: np.ndarray,
    i: np.ndarray,
    v: np.ndarray,
    label: str,
    noise: float | None,
    cutoffs: tuple[float, float],
) -> tuple[list[Span], float]:
    """Stretches of one control, and the noise of the voltage [V]."""
    levels = levels_of(t, i, v)
    sigma = noise_of(t, v, levels) if noise is None else float(noise)
    quiet = QUIET * float(np.abs(i).max())
    pieces = pieces_of(t, i, v, levels, sigma, quiet, cutoffs)
    bounds = [(p.first, p.stop) for p in pieces]
    if noise is None:
        still = [b for b, p in zip(bounds, pieces, strict=True) if not p.moves]
        sigma = noise_of(t, v, still)
    begins = begins_of(t, v, pieces, starts_of(t, i, bounds, quiet), sigma)
    spans = [
        Span(t, i, v, a, b, begin, max(end, float(t[b - 1])), p.line, p.moves)
        for p, (a, b), begin, end in zip(
            pieces, bounds, begins, [*begins[1:], 0.0], strict=True
        )
    ]
    return [s for s in spans if s.duration > 0], sigma


def _cycles(data: xr.Dataset, size: int, good: np.ndarray) -> np.ndarray:
    """Cycle of every complete sample: as the file counts it, else by its half cycles."""
    if "Cycle" in data:
        return data["Cycle"].values[good]
    starts = [(direction, int(rows[0])) for direction, rows in half_runs(data)]
    if not starts:
        return np.ones(size, dtype=int)
    return cycle_numbers(data, starts)[good]


def _unsure(spans: Sequence[Span], number: int) -> tuple[float, float]:
    """Standard errors of the moments at which a sweep began and ended at another line [s]."""

    def error(a: int, b: int) -> float:
        if a < 0 or b >= len(spans):
            return 0.0
        before, after = spans[a].line, spans[b].line
        if before is None or after is None or before.slope == after.slope:
            return 0.0
        return math.hypot(before.error, after.error) / abs(after.slope - before.slope)

    return error(number - 1, number), error(number, number + 1)


def _turns(spans: Sequence[Span], number: int) -> bool:
    """Whether the next current that flows goes the other way."""
    quiet = QUIET * float(np.abs(spans[0].i).max())
    own = spans[number].current
    later = (s.current for s in spans[number + 1 :] if abs(s.current) > quiet)
    return next(later, 0.0) * own < 0


def _refuse_too_many(segments: Sequence[Segment], label: str) -> None:
    if len(segments) > _MOST_STEPS:
        raise DataError(
            f"{label}: the current changes {len(segments)} times; at most {_MOST_STEPS} "
            "steps can be repeated. Fit a part of the data."
        )


def _series(
    data: xr.Dataset, label: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Time, current and voltage of the complete samples, and which these are."""
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
    return t, i, v, good


def _celsius(data: xr.Dataset) -> float | None:
    if "Temperature [degC]" in data:
        value = float(np.nanmean(data["Temperature [degC]"].values))
        return value if np.isfinite(value) else None
    value = metadata(data, "temperature_C")
    return None if value is None else float(value)
