r"""The model along measured steps, with the derivatives of its voltages.

With the solution come its derivatives :math:`S = \partial y/\partial p`. A step that a voltage
ends carries a further term, because the moment of its end moves with the parameters:

.. math:: \frac{dt_e}{dp} = -\frac{dV/dp}{dV/dt}, \quad
          \frac{dy_e}{dp} = S + \dot y \frac{dt_e}{dp}

It enters the start of the next step. Where the model reaches the cut-off before the data
do, it stays there: no voltage leaves the window. What the capacity is off by, early or
late, is compared by itself, half cycle by half cycle, with the derivative
:math:`I \, dt_e/dp`.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field

import numpy as np

from sscell.cells.cell import Cell
from sscell.errors import SimulationError
from sscell.fitting.courses import Course
from sscell.fitting.spans import Segment
from sscell.fitting.spectra import Spectrum
from sscell.fitting.tracks import Path, State, Track
from sscell.simulation.engine import Resolution, engine
from sscell.solver.watch import failures
from sscell.units import ZERO_CELSIUS

__all__ = ["Forward", "Traced", "conditioned"]

_LONGEST = 1.5  # of the data: a step that a voltage ends takes no longer in the model
_FAR = 3.0  # V beyond the data: a voltage that no current drives there


@dataclass(frozen=True, eq=False)
class Traced:
    """The model at the points of the data.

    Parameters
    ----------
    values : numpy.ndarray, shape (n,)
        Voltages [V], currents where the voltage was set [A], or parts of the impedance per
        modulus [-].
    slopes : numpy.ndarray, shape (n, parameters)
        Derivatives by the inputs of `Forward.names`, or by the parameters of `along`.
    missing : numpy.ndarray of bool, shape (n,)
        Where the model had already reached its cut-off.
    charges : numpy.ndarray, shape (steps,), optional
        That passed in each step [A.s], positive on discharge.
    charge_slopes : numpy.ndarray, shape (steps, parameters), optional
        Their derivatives [A.s per unit of the name].
    paths : tuple of (numpy.ndarray, numpy.ndarray), optional
        By step: times since its start [s], and voltages or currents there, to its end.
    """

    values: np.ndarray
    slopes: np.ndarray
    missing: np.ndarray
    charges: np.ndarray = field(default_factory=lambda: np.empty(0))
    charge_slopes: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    paths: tuple[tuple[np.ndarray, np.ndarray], ...] = ()


@dataclass(frozen=True, eq=False)
class _Step:
    """What one step gave: at its points, and in all."""

    values: np.ndarray
    slopes: np.ndarray
    missing: np.ndarray
    charge: float
    charge_slopes: np.ndarray
    path: tuple[np.ndarray, np.ndarray]


class Forward:
    """A built model that repeats measured steps.

    Parameters
    ----------
    cell : Cell
        Whose structure is built.
    names : sequence of str
        Inputs by which voltages are differentiated, as far as the model has them; none:
        voltages only.
    resolution : Resolution
        Meshes and tolerances.

    Examples
    --------
    >>> forward = Forward(Cell.load("Ji2024"), ["Separator thickness [m]"], Resolution(10))
    >>> forward.names
    ('Separator thickness [m]',)
    """

    def __init__(self, cell: Cell, names: Sequence[str], resolution: Resolution):
        known = engine(cell, resolution).input_names
        self._cell, self._resolution = cell, resolution
        self._names = tuple(sorted(set(known).intersection(names)))
        self._tracks: dict[str, Track] = {}
        self._along = np.eye(len(self._names))

    def along(self, directions: np.ndarray) -> Forward:
        """The same with other parameters, by which the inputs move.

        Parameters
        ----------
        directions : numpy.ndarray, shape (names, parameters)
            Derivatives of the inputs by the parameters.

        Returns
        -------
        Forward
            Whose slopes are by the parameters.
        """
        found = copy(self)
        found._along = directions
        return found

    @property
    def names(self) -> tuple[str, ...]:
        """Inputs in the order of the columns of the slopes."""
        return self._names

    @property
    def failures(self) -> list[str]:
        """Why steps failed that were then solved at tighter tolerances."""
        return [text for track in self._tracks.values() for text in track.failures]

    def _track(self, segment: Segment) -> Track:
        controlled = "voltage" if segment.line else "ramp" if segment.ramp else "current"
        if controlled not in self._tracks:
            self._tracks[controlled] = Track(self._cell, self._resolution, controlled)
        return self._tracks[controlled]

    def _advance(
        self,
        track: Track,
        state: State | None,
        duration: float,
        inputs: dict[str, float],
        times: np.ndarray,
    ) -> Path:
        every = track.engine.input_names
        directions = np.zeros((len(every), self._along.shape[1]))
        if self._names:
            directions[[every.index(name) for name in self._names]] = self._along
        return track.advance(state, duration, inputs, times, directions)

    def trace(
        self,
        cell: Cell,
        course: Course,
        start: State | None = None,
    ) -> Traced:
        """Repeat the steps of a course.

        Parameters
        ----------
        cell : Cell
            Its values.
        course : Course
            From `sscell.fitting.courses.course`.
        start : State, optional
            Where it begins, with its derivatives; default: as assembled.

        Returns
        -------
        Traced

        Raises
        ------
        SimulationError
            If the solver fails, or a voltage is not finite or not possible.
        """
        cell = conditioned(cell, course)
        state, parts = start, []
        for segment in course.segments:
            try:
                with np.errstate(over="ignore", invalid="ignore"):
                    state, part = self._step(cell, state, segment, course)
            except failures() as error:
                raise SimulationError(_sentence(segment, error)) from error
            parts.append(part)
        return Traced(
            np.concatenate([p.values for p in parts]),
            np.concatenate([p.slopes for p in parts]),
            np.concatenate([p.missing for p in parts]),
            np.array([p.charge for p in parts]),
            np.array([p.charge_slopes for p in parts]).reshape(len(parts), -1),
            tuple(p.path for p in parts),
        )

    def _step(
        self, cell: Cell, state: State | None, segment: Segment, course: Course
    ) -> tuple[State | None, _Step]:
        """End of one step, and what it gave."""
        if segment.line or segment.ramp:
            return self._timed(cell, state, segment, course)
        track = self._track(segment)
        low, high = course.margins(segment)
        limits = {}
        if segment.sign > 0:
            limits = {"Lower limit [V]": low}
        elif segment.sign < 0:
            limits = {"Upper limit [V]": high}
        inputs = track.engine.inputs(cell, segment.current, **limits)
        duration = segment.duration * (1.0 if segment.limit is None else _LONGEST)
        limit = low if segment.sign > 0 else high
        wanted = segment.times[segment.times <= duration]
        try:
            path = self._advance(track, state, duration, inputs, wanted)
        except failures() as error:
            if state is None or "non-positive at initial conditions" not in str(error):
                raise
            return state, self._past(segment.times, limit)
        _check(path, course, segment)
        return self._read(path, segment, limit)

    def _timed(
        self, cell: Cell, state: State | None, segment: Segment, course: Course
    ) -> tuple[State, _Step]:
        """A step that only its time ends: a set voltage, or a current that moves."""
        track = self._track(segment)
        if segment.line:
            voltage, slope = segment.line
            own = {"Voltage start [V]": voltage, "Voltage slope [V.s-1]": slope}
            inputs = track.engine.inputs(cell, **own)
            if state is not None and segment.measured.size:
                # The solver looks for the current from where the data have it.
                guess = float(segment.measured[0])
                state = State(state.y, state.slopes, state.slices, guess)
        else:
            first = segment.current - 0.5 * segment.ramp * segment.duration
            own = {"Current slope [A.s-1]": segment.ramp}
            inputs = track.engine.inputs(cell, first, **own)
        path = self._advance(track, state, segment.duration, inputs, segment.times)
        _check(path, course, segment)
        found, rates = self._points(path, segment)
        charge, moved = segment.current * segment.duration, np.zeros(self._along.shape[1])
        if segment.line:
            charge = float(np.trapezoid(path.values, path.t))
            moved = np.trapezoid(path.slopes, path.t, axis=0)
        whole = np.zeros(segment.times.size, dtype=bool)
        gave = _Step(found, rates, whole, charge, moved, (path.t, path.values))
        return path.end, gave

    def _past(self, times: np.ndarray, limit: float) -> _Step:
        """A step that was over as soon as its current flowed."""
        count = self._along.shape[1]
        none = np.zeros(count)
        slopes = np.zeros((times.size, count))
        values, missing = np.full(times.size, limit), np.ones(times.size, dtype=bool)
        return _Step(values, slopes, missing, 0.0, none, (np.zeros(1), np.full(1, limit)))

    def _points(self, path: Path, segment: Segment) -> tuple[np.ndarray, np.ndarray]:
        """Values and slopes at the points of a step."""
        found = np.interp(segment.times, path.t, path.values)
        rates = np.empty((segment.times.size, path.slopes.shape[1]))
        for k in range(path.slopes.shape[1]):
            rates[:, k] = np.interp(segment.times, path.t, path.slopes[:, k])
        return found, rates

    def _read(self, path: Path, segment: Segment, limit: float) -> tuple[State, _Step]:
        found, rates = self._points(path, segment)
        missing = np.zeros(segment.times.size, dtype=bool)
        last, moved = path.end, np.zeros(path.slopes.shape[1])
        if path.reason:
            if moved.size:
                shift = -path.slopes[-1] / float(path.rows @ path.speed)
                slopes = last.slopes + path.speed[:, None] * shift[None, :]
                last = State(last.y, slopes, last.slices, last.current)
                moved = segment.current * shift
            missing = segment.times > path.t[-1]
            found[missing], rates[missing] = limit, 0.0
        charge = segment.current * float(path.t[-1])
        gave = _Step(found, rates, missing, charge, moved, (path.t, path.values))
        return last, gave


def conditioned(cell: Cell, course: Course | Spectrum) -> Cell:
    """A cell at the temperature and pressure of a dataset.

    Parameters
    ----------
    cell : Cell
        Its values.
    course : Course or Spectrum
        With its conditions.

    Returns
    -------
    Cell
    """
    if course.celsius is not None:
        cell = cell.replace({"Ambient temperature [K]": course.celsius + ZERO_CELSIUS})
    return cell if course.pressure is None else cell.under(course.pressure)


def _check(path: Path, course: Course, segment: Segment) -> None:
    """Refuse what no cell can do: limits end a set current, nothing else drives further."""
    finite = np.isfinite(path.values).all() and np.isfinite(path.slopes).all()
    if finite and not segment.line:
        low, high = course.window[0] - _FAR, course.window[1] + _FAR
        ramp = bool(segment.ramp)  # no limit ends it, so its losses may lead anywhere
        finite = (ramp and segment.sign > 0) or path.values.min() > low
        finite &= (ramp and segment.sign < 0) or path.values.max() < high
    if not finite:
        raise SimulationError(_sentence(segment, ValueError("no possible voltage")))


def _sentence(segment: Segment, error: Exception) -> str:
    reason = str(error).splitlines()[0].split(" with inputs ")[0]
    return (
        f"The step at {segment.current:.3g} A, {segment.start / 3600:.3g} h into the data, "
        f"failed ({reason})."
    )
