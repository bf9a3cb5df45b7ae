"""A built model under one control, with the derivatives of what is compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import casadi
import numpy as np
import pybamm

from sscell.cells.cell import Cell
from sscell.simulation.engine import Engine, Resolution, engine
from sscell.solver.integrator import StepSolution

__all__ = ["Path", "State", "Track"]

_CURRENT = "Current variable [A]"


@dataclass(frozen=True, eq=False)
class State:
    """Where a cell is, and how that depends on parameters.

    Parameters
    ----------
    y : numpy.ndarray, shape (states,)
        Unknowns of a model [-].
    slopes : numpy.ndarray, shape (states, parameters)
        Their derivatives.
    slices : mapping of str to tuple of int
        First row and row past the last of every unknown.
    current : float
        That flowed last [A].
    """

    y: np.ndarray
    slopes: np.ndarray
    slices: Mapping[str, tuple[int, int]]
    current: float = 0.0

    def moved(self, slices: Mapping[str, tuple[int, int]]) -> State:
        """The same state among the unknowns of another control.

        Parameters
        ----------
        slices : mapping of str to tuple of int
            Of that model.
        """
        if dict(slices) == dict(self.slices):
            return self
        size = max(stop for _, stop in slices.values())
        y, slopes = np.zeros(size), np.zeros((size, self.slopes.shape[1]))
        for name, (a, b) in slices.items():
            if name in self.slices:
                own = slice(*self.slices[name])
                y[a:b], slopes[a:b] = self.y[own], self.slopes[own]
            elif name == _CURRENT:
                y[a:b] = self.current
        return State(y, slopes, slices, self.current)


@dataclass(frozen=True, eq=False)
class Path:
    """What a step passed through.

    Parameters
    ----------
    t : numpy.ndarray, shape (n,)
        Times since its start [s].
    values : numpy.ndarray, shape (n,)
        What is compared: voltages [V] or currents [A].
    slopes : numpy.ndarray, shape (n, parameters)
        Their derivatives.
    rows : numpy.ndarray, shape (states,)
        Derivatives of the last value by the state.
    end : State
        Where it ended.
    reason : str
        Which limit ended it; empty if its time did.
    """

    t: np.ndarray
    values: np.ndarray
    slopes: np.ndarray
    rows: np.ndarray
    end: State
    reason: str


class Track:
    """An engine of one control, and how its state is handed on.

    Parameters
    ----------
    cell : Cell
        Whose structure is built.
    resolution : Resolution
        Meshes and tolerances.
    controlled : str
        As for `Engine`.
    names : sequence of str
        Inputs whose sensitivities are integrated along.
    """

    def __init__(
        self, cell: Cell, resolution: Resolution, controlled: str, names: Sequence[str]
    ):
        self.engine = Engine(cell, resolution, controlled, names)
        # Without sensitivities, functions come from the cache that a run shares.
        self._plain = None if names else engine(cell, resolution, controlled)
        self._observed = "Current [A]" if controlled == "voltage" else "Voltage [V]"

    @property
    def names(self) -> tuple[str, ...]:
        """Inputs in the order of the columns of the slopes."""
        return self.engine.sensitive

    @cached_property
    def slices(self) -> dict[str, tuple[int, int]]:
        """Rows of the unknowns."""
        if self._plain is not None:
            return dict(self._plain.functions.slices)
        model: Any = self.engine.model
        own = model.y_slices.items()
        return {x.name: (int(s[0].start), int(s[0].stop)) for x, s in own}

    def advance(
        self,
        state: State | None,
        duration: float,
        inputs: Mapping[str, float],
        times: np.ndarray,
    ) -> Path:
        """Integrate for a time, or until a limit.

        Parameters
        ----------
        state : State or None
            Where the cell is; None: as assembled.
        duration : float
            [s].
        inputs : mapping of str to float
            From `Engine.inputs`.
        times : numpy.ndarray
            Where values are wanted, since the start of the step [s].

        Returns
        -------
        Path

        Raises
        ------
        pybamm.SolverError
            If the solver fails, or a limit lies behind the start.
        """
        built = self.engine if self._plain is None else self._plain
        begun = None if state is None else self._solution(state.moved(self.slices), inputs)
        solution = built.step(begun, duration, inputs, times)
        t, y = np.asarray(solution.t), np.asarray(solution.y)
        values, slopes, rows, inner = self._differentiate(t, y, solution, inputs)
        current = inputs["Current function [A]"]
        if self._observed == "Current [A]":
            current = float(values[-1])
        end = State(y[:, -1], inner, self.slices, current)
        return Path(t, values, slopes, rows, end, built.stop_reason(solution))

    def _solution(self, state: State, inputs: Mapping[str, float]) -> Any:
        """A state as the solver takes it; every step has its own clock."""
        column = state.y[:, None]
        if self._plain is not None:
            functions = self._plain.functions
            return StepSolution(
                functions, np.zeros(1), column, "final time", 0.0, state.current
            )
        found = pybamm.Solution(
            np.zeros(1), column, self.engine.model, dict(inputs), termination="final time"
        )
        found._all_sensitivities = {"all": [state.slopes]}
        return found

    def _differentiate(
        self, t: np.ndarray, y: np.ndarray, solution: Any, inputs: Mapping[str, float]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Values, their slopes, and their derivatives by the state and S at the end."""
        p = np.array([inputs[name] for name in self.engine.input_names])
        count, number = t.size, len(self.names)
        columns = np.repeat(p[:, None], count, axis=1)
        values, by_state, by_input = self._value(t[None, :], y, columns)
        by_state = np.asarray(by_state).reshape(y.shape[0], count, order="F")
        slopes = np.asarray(by_input).reshape(number, count, order="F").T.copy()
        inner = np.zeros((y.shape[0], number))
        if number:
            table = np.asarray(solution._all_sensitivities["all"][0])
            table = table.reshape(count, y.shape[0], number)
            slopes += np.einsum("st,tsp->tp", by_state, table)
            inner = table[-1]
        return np.asarray(values).ravel(), slopes, by_state[:, -1], inner

    def speed(self, t: float, y: np.ndarray, inputs: Mapping[str, float]) -> np.ndarray:
        """Time derivative of the state [s-1].

        Parameters
        ----------
        t : float
            Since the start of the step [s].
        y : numpy.ndarray, shape (states,)
            State [-].
        inputs : mapping of str to float
            From `Engine.inputs`.
        """
        p = np.array([inputs[name] for name in self.engine.input_names])
        rhs, algebraic = self._rates(t, y, p)
        speed = np.asarray(rhs).ravel()
        if not algebraic.shape[0]:
            return speed
        matrix = np.asarray(algebraic)
        by_rest, by_own = matrix[:, : speed.size], matrix[:, speed.size :]
        return np.concatenate([speed, -np.linalg.solve(by_own, by_rest @ speed)])

    def _symbols(self) -> tuple[Any, Any, dict[str, Any], Any]:
        inputs = {name: casadi.MX.sym(name) for name in self.engine.input_names}
        model: Any = self.engine.model
        state = casadi.MX.sym("y", model.len_rhs_and_alg)
        return casadi.MX.sym("t"), state, inputs, casadi.vertcat(*inputs.values())

    @cached_property
    def _value(self) -> casadi.Function:
        t, y, inputs, p = self._symbols()
        observed = self.engine.model.get_processed_variable(self._observed)
        v = observed.to_casadi(t, y, inputs=inputs)
        own = casadi.vertcat(*(inputs[name] for name in self.names))
        by_state = casadi.densify(casadi.jacobian(v, y)).T
        by_input = casadi.MX(0, 1)
        if self.names:
            by_input = casadi.densify(casadi.jacobian(v, own)).T
        return casadi.Function("value", [t, y, p], [v, by_state, by_input])

    @cached_property
    def _rates(self) -> casadi.Function:
        t, y, inputs, p = self._symbols()
        model: Any = self.engine.model
        rhs = model.concatenated_rhs.to_casadi(t, y, inputs=inputs)
        matrix = casadi.MX(0, y.shape[0])
        if model.len_alg:
            equations = model.concatenated_algebraic.to_casadi(t, y, inputs=inputs)
            matrix = casadi.jacobian(equations, y)
        return casadi.Function("rates", [t, y, p], [rhs, matrix])
