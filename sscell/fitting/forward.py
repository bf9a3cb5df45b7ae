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
from functools import cached_property
from typing import Any

import casadi
import numpy as np
import pybamm

from sscell.cells.cell import Cell
from sscell.errors import ParameterError, SimulationError
from sscell.fitting.courses import Course
from sscell.fitting.spans import Segment
from sscell.simulation.engine import Engine, Resolution, engine
from sscell.simulation.states import formation_steps
from sscell.units import ZERO_CELSIUS, Rate

__all__ = ["Forward", "Traced", "preparation_of"]

# Slope past an early cut-off: that of the data, within these windows per length of the step.
_FLATTEST, _STEEPEST = 0.5, 50.0
_SIGN = {"discharge": 1, "charge": -1}
_LONGEST = 1.5  # of the data: a step that a voltage ends takes no longer in the model


@dataclass(frozen=True, eq=False)
class Traced:
    """The model at the points of the data.

    Parameters
    ----------
    values : numpy.ndarray, shape (n,)
        Voltages [V], or parts of the impedance per modulus [-].
    slopes : numpy.ndarray, shape (n, parameters)
        Derivatives by the inputs of `Forward.names` [V or 1 per unit of the name].
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
        self._engine = Engine(cell, resolution, "current", tuple(used.intersection(names)))

    @property
    def names(self) -> tuple[str, ...]:
        """Inputs in the order of the columns of the slopes."""
        return self._engine.sensitive

    def trace(self, cell: Cell, course: Course) -> Traced:
        """Repeat the steps of a course.

        Parameters
        ----------
        cell : Cell
            Its values.
        course : Course
            From `sscell.fitting.courses.course`.

        Returns
        -------
        Traced

        Raises
        ------
        SimulationError
            If the solver fails.
        ParameterError
            If the cell cannot start as the data do.
        """
        if course.celsius is not None:
            kelvin = course.celsius + ZERO_CELSIUS
            cell = cell.replace({"Ambient temperature [K]": kelvin})
        if course.pressure is not None:
            cell = cell.under(course.pressure)
        state: Any = None
        for segment in preparation_of(cell, course):
            state, *_ = self._step(cell, state, segment, cell.window)
        parts = []
        for segment in course.segments:
            state, *part = self._step(cell, state, segment, course.margins(segment))
            if segment.times.size:
                parts.append(part)
        return Traced(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    def _step(
        self, cell: Cell, state: Any, segment: Segment, margins: tuple[float, float]
    ) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray]:
        """End of one step; voltages, slopes and early cut-offs at its points."""
        low, high = margins
        limits = {}
        if segment.sign > 0:
            limits = {"Lower limit [V]": low}
        elif segment.sign < 0:
            limits = {"Upper limit [V]": high}
        inputs = self._engine.inputs(cell, segment.current, **limits)
        duration = segment.duration * (1.0 if segment.limit is None else _LONGEST)
        wanted = segment.times[segment.times <= duration]
        limit = low if segment.sign > 0 else high
        pace = -segment.sign * (high - low) / segment.duration
        if pace:
            pace *= float(np.clip(segment.tail / pace, _FLATTEST, _STEEPEST))
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                solution = self._engine.step(state, duration, inputs, wanted)
        except (pybamm.SolverError, FloatingPointError) as error:
            if state is None or "non-positive at initial conditions" not in str(error):
                raise SimulationError(_sentence(segment, error)) from error
            return state, *self._past(segment.times, limit, pace)
        return self._read(solution, state, segment, inputs, (limit, pace))

    def _past(
        self, times: np.ndarray, limit: float, slope: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Points of a step that was over as soon as its current flowed."""
        slopes = np.zeros((times.size, len(self.names)))
        return limit + slope * times, slopes, np.ones(times.size, dtype=bool)

    def _read(
        self,
        solution: Any,
        before: Any,
        segment: Segment,
        inputs: dict[str, float],
        end: tuple[float, float],
    ) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray]:
        begin = 0.0 if before is None else float(before.t[-1])
        t, y = np.asarray(solution.t), np.asarray(solution.y)
        voltage, slopes, rows, inner = self._differentiate(t, y, solution, inputs)
        since = t - begin
        found = np.interp(segment.times, since, voltage)
        rates = np.empty((segment.times.size, len(self.names)))
        for k in range(len(self.names)):
            rates[:, k] = np.interp(segment.times, since, slopes[:, k])
        missing = np.zeros(segment.times.size, dtype=bool)
        last = solution.last_state
        if self._engine.stop_reason(solution):
            speed = self._speed(t[-1], y[:, -1], inputs)
            shift = -slopes[-1] / float(rows @ speed)
            if self.names:
                moved = inner + speed[:, None] * shift[None, :]
                last._all_sensitivities = {"all": [moved]}
            missing = segment.times > since[-1]
            late = segment.times[missing] - since[-1]
            found[missing] = end[0] + end[1] * late
            rates[missing] = -end[1] * shift
        return last, found, rates, missing

    def _differentiate(
        self, t: np.ndarray, y: np.ndarray, solution: Any, inputs: dict[str, float]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Voltages, their slopes, and dV/dy and S at the end."""
        p = np.array([inputs[name] for name in self._engine.input_names])
        count, number = t.size, len(self.names)
        columns = np.repeat(p[:, None], count, axis=1)
        voltage, by_state, by_input = self._voltage(t[None, :], y, columns)
        by_state = np.asarray(by_state).reshape(y.shape[0], count, order="F")
        slopes = np.asarray(by_input).reshape(number, count, order="F").T.copy()
        inner = np.zeros((y.shape[0], number))
        if number:
            table = np.asarray(solution._all_sensitivities["all"][0])
            table = table.reshape(count, y.shape[0], number)
            slopes += np.einsum("st,tsp->tp", by_state, table)
            inner = table[-1]
        return np.asarray(voltage).ravel(), slopes, by_state[:, -1], inner

    def _speed(self, t: float, y: np.ndarray, inputs: dict[str, float]) -> np.ndarray:
        """Time derivative of the state [s-1]."""
        p = np.array([inputs[name] for name in self._engine.input_names])
        rhs, algebraic = self._rates(t, y, p)
        speed = np.asarray(rhs).ravel()
        if not algebraic.shape[0]:
            return speed
        matrix = np.asarray(algebraic)
        by_rest, by_own = matrix[:, : speed.size], matrix[:, speed.size :]
        return np.concatenate([speed, -np.linalg.solve(by_own, by_rest @ speed)])

    def _symbols(self) -> tuple[Any, Any, dict[str, Any], Any]:
        inputs = {name: casadi.MX.sym(name) for name in self._engine.input_names}
        model: Any = self._engine.model
        state = casadi.MX.sym("y", model.len_rhs_and_alg)
        return casadi.MX.sym("t"), state, inputs, casadi.vertcat(*inputs.values())

    @cached_property
    def _voltage(self) -> casadi.Function:
        t, y, inputs, p = self._symbols()
        voltage = self._engine.model.get_processed_variable("Voltage [V]")
        v = voltage.to_casadi(t, y, inputs=inputs)
        own = casadi.vertcat(*(inputs[name] for name in self.names))
        by_state = casadi.densify(casadi.jacobian(v, y)).T
        by_input = casadi.MX(0, 1)
        if self.names:
            by_input = casadi.densify(casadi.jacobian(v, own)).T
        return casadi.Function("voltage", [t, y, p], [v, by_state, by_input])

    @cached_property
    def _rates(self) -> casadi.Function:
        t, y, inputs, p = self._symbols()
        model: Any = self._engine.model
        rhs = model.concatenated_rhs.to_casadi(t, y, inputs=inputs)
        matrix = casadi.MX(0, y.shape[0])
        if model.len_alg:
            equations = model.concatenated_algebraic.to_casadi(t, y, inputs=inputs)
            matrix = casadi.jacobian(equations, y)
        return casadi.Function("rates", [t, y, p], [rhs, matrix])


def preparation_of(cell: Cell, course: Course) -> tuple[Segment, ...]:
    """Steps that bring a cell to where the data begin.

    Parameters
    ----------
    cell : Cell
        With its first step and its formation.
    course : Course
        With the state the cell started from.

    Returns
    -------
    tuple of Segment
        Each ends at a cut-off and has no points.

    Raises
    ------
    ParameterError
        If the state is none that can be repeated.
    """
    first = _SIGN[cell.first_step]
    done: list[int] = []
    rate: str | Rate = cell.slow_rate
    if course.state == "formed":
        steps = formation_steps(cell)
        rate = steps[0].rate or rate
        done = [_SIGN[step.direction] for step in steps]
    elif course.state != "pristine":
        raise ParameterError(
            f"State '{course.state}' cannot be repeated in a fit; use 'pristine' or 'formed'."
        )
    ahead = done[-1] if done else -first
    if course.first_sign == ahead:
        done.append(-ahead)
    current = cell.current(rate)
    full = cell.theoretical_capacity / current * 3600
    nothing = np.empty(0)
    ends = {1: cell.window[0], -1: cell.window[1]}
    return tuple(Segment(s * current, full, nothing, nothing, ends[s]) for s in done)


def _sentence(segment: Segment, error: Exception) -> str:
    reason = str(error).splitlines()[0].split(" with inputs ")[0]
    return (
        f"The step at {segment.current:.3g} A, {segment.start / 3600:.3g} h into the data, "
        f"failed ({reason})."
    )
