r"""The model along measured steps, with the derivatives of its voltages.

The solver integrates :math:`S = \partial y/\partial p` along with the state. A step that a
voltage ends carries a further term, because the moment of its end moves with the
parameters:

.. math:: \frac{dt_e}{dp} = -\frac{dV/dp}{dV/dt}, \quad
          \frac{dy_e}{dp} = S + \dot y \frac{dt_e}{dp}

It enters the start of the next step. Where the model reaches the cut-off before the data
do, its voltage goes on with the slope that the data have at the end, so that a missing
capacity costs more the larger it is, and the cost has a derivative that hardly jumps there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pybamm

from sscell.cells.cell import Cell
from sscell.errors import SimulationError
from sscell.fitting.courses import Course
from sscell.fitting.spans import Segment
from sscell.fitting.tracks import Path, State, Track
from sscell.simulation.engine import Resolution, engine
from sscell.units import ZERO_CELSIUS

__all__ = ["Forward", "Traced", "conditioned"]

# Slope past an early cut-off: that of the data, within these windows per length of the step.
_FLATTEST, _STEEPEST = 0.5, 50.0
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
        Derivatives by the inputs of `Forward.names` [V, A or 1 per unit of the name].
    missing : numpy.ndarray of bool, shape (n,)
        Where the model had already reached its cut-off.
    """

    values: np.ndarray
    slopes: np.ndarray
    missing: np.ndarray


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
        used = {p.name for p in engine(cell, resolution).model.input_parameters}
        self._cell, self._resolution = cell, resolution
        self._names = tuple(sorted(used.intersection(names)))
        self._tracks: dict[str, Track] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Inputs in the order of the columns of the slopes."""
        return self._names

    def _track(self, segment: Segment) -> Track:
        controlled = "voltage" if segment.line else "ramp" if segment.ramp else "current"
        if controlled not in self._tracks:
            built = Track(self._cell, self._resolution, controlled, self._names)
            self._tracks[controlled] = built
        return self._tracks[controlled]

    def trace(self, cell: Cell, course: Course, start: State | None = None) -> Traced:
        """Repeat the steps of a course.

        Parameters
        ----------
        cell : Cell
            Its values.
        course : Course
            From `sscell.fitting.courses.course`.
        start : State, optional
            Where it begins; default: as assembled.

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
                    state, *part = self._step(cell, state, segment, course)
            except (pybamm.SolverError, FloatingPointError) as error:
                raise SimulationError(_sentence(segment, error)) from error
            if segment.times.size:
                parts.append(part)
        return Traced(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    def _step(
        self, cell: Cell, state: State | None, segment: Segment, course: Course
    ) -> tuple[State | None, np.ndarray, np.ndarray, np.ndarray]:
        """End of one step; values, slopes and early cut-offs at its points."""
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
        pace = -segment.sign * (high - low) / segment.duration
        if pace:
            pace *= float(np.clip(segment.tail / pace, _FLATTEST, _STEEPEST))
        wanted = segment.times[segment.times <= duration]
        try:
            path = track.advance(state, duration, inputs, wanted)
        except pybamm.SolverError as error:
            if state is None or "non-positive at initial conditions" not in str(error):
                raise
            return state, *self._past(segment.times, limit, pace)
        _check(path, course, segment)
        return self._read(track, path, segment, inputs, (limit, pace))

    def _timed(
        self, cell: Cell, state: State | None, segment: Segment, course: Course
    ) -> tuple[State, np.ndarray, np.ndarray, np.ndarray]:
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
        path = track.advance(state, segment.duration, inputs, segment.times)
        _check(path, course, segment)
        found, rates = self._points(path, segment)
        return path.end, found, rates, np.zeros(segment.times.size, dtype=bool)

    def _past(
        self, times: np.ndarray, limit: float, slope: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Points of a step that was over as soon as its current flowed."""
        slopes = np.zeros((times.size, len(self.names)))
        return limit + slope * times, slopes, np.ones(times.size, dtype=bool)

    def _points(self, path: Path, segment: Segment) -> tuple[np.ndarray, np.ndarray]:
        """Values and slopes at the points of a step."""
        found = np.interp(segment.times, path.t, path.values)
        rates = np.empty((segment.times.size, len(self.names)))
        for k in range(len(self.names)):
            rates[:, k] = np.interp(segment.times, path.t, path.slopes[:, k])
        return found, rates

    def _read(
        self,
        track: Track,
        path: Path,
        segment: Segment,
        inputs: dict[str, float],
        end: tuple[float, float],
    ) -> tuple[State, np.ndarray, np.ndarray, np.ndarray]:
        found, rates = self._points(path, segment)
        missing = np.zeros(segment.times.size, dtype=bool)
        last = path.end
        if path.reason:
            speed = track.speed(path.t[-1], last.y, inputs)
            shift = -path.slopes[-1] / float(path.rows @ speed)
            moved = last.slopes + speed[:, None] * shift[None, :]
            last = State(last.y, moved, last.slices, last.current)
            missing = segment.times > path.t[-1]
            late = segment.times[missing] - path.t[-1]
            found[missing] = end[0] + end[1] * late
            rates[missing] = -end[1] * shift
        return last, found, rates, missing


def conditioned(cell: Cell, course: Course) -> Cell:
    """A cell at the temperature and pressure of a dataset.

    Parameters
    ----------
    cell : Cell
        Its values.
    course : Course
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
