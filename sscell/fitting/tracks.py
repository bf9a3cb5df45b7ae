"""A built model under one control, with the derivatives of what is compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.interpolate import CubicSpline, PchipInterpolator

from sscell.cells.cell import Cell
from sscell.errors import SimulationError
from sscell.simulation.engine import Engine, Resolution, engine
from sscell.simulation.limits import TIGHTER
from sscell.solver.integrator import StepSolution
from sscell.solver.watch import NoProgress, failures

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
    speed : numpy.ndarray, shape (states,)
        Derivative of the state by time at the end [s-1].
    """

    t: np.ndarray
    values: np.ndarray
    slopes: np.ndarray
    rows: np.ndarray
    end: State
    reason: str
    speed: np.ndarray


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
    """

    def __init__(self, cell: Cell, resolution: Resolution, controlled: str):
        self._cell, self.engine = cell, engine(cell, resolution, controlled)
        self._observed = "Current [A]" if controlled == "voltage" else "Voltage [V]"
        self.failures: list[str] = []  # of steps that were then solved more tightly

    @property
    def slices(self) -> Mapping[str, tuple[int, int]]:
        """Rows of the unknowns."""
        return self.engine.functions.slices

    def advance(
        self,
        state: State | None,
        duration: float,
        inputs: Mapping[str, float],
        times: np.ndarray,
        directions: np.ndarray,
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
        directions : numpy.ndarray, shape (inputs, parameters)
            Derivatives of the engine's inputs by the parameters.

        Returns
        -------
        Path

        Raises
        ------
        pybamm.SolverError
            If the solver fails, or a limit lies behind the start.
        """
        if state is not None:
            state = state.moved(self.slices)
        sloped = directions.shape[1] > 0
        # Derivatives follow the solver's own steps, values between them a spline.
        built, solution = self._stepped(state, duration, inputs, None if sloped else times)
        t, y = np.asarray(solution.t), np.asarray(solution.y)
        names = (self._observed,)
        values = built.evaluate(t, y, inputs, names)[self._observed]
        reason = built.stop_reason(solution)
        current = inputs["Current function [A]"]
        if self._observed == "Current [A]":
            current = float(values[-1])
        if not sloped:
            slopes, rows = np.zeros((t.size, 0)), np.zeros(len(y))
            end = State(y[:, -1], np.zeros((len(y), 0)), self.slices, current)
            return Path(t, values, slopes, rows, end, reason, rows)
        own = built.variations(self._observed)
        p = built.values(inputs)
        first = own.start(p, directions) if state is None else state.slopes
        found = own.along(t, y, p, directions, first)
        if not np.isfinite(found.end).all():
            raise SimulationError("The derivatives are not finite.")
        wanted = np.unique(np.concatenate([t[:1], times[times < t[-1]], t[-1:]]))
        end = State(y[:, -1], found.end, self.slices, current)
        return Path(
            wanted,
            _between(CubicSpline, t, values, wanted),
            _between(PchipInterpolator, found.t, found.slopes, wanted),
            found.rows,
            end,
            reason,
            found.speed,
        )

    def _stepped(
        self,
        state: State | None,
        duration: float,
        inputs: Mapping[str, float],
        times: np.ndarray | None,
    ) -> tuple[Engine, StepSolution]:
        """Solution of a step: where that fails, of this step alone at tighter tolerances."""
        first: Exception | None = None
        for built in self._engines():
            begun = None
            if state is not None:
                began = np.zeros(1), state.y[:, None]
                begun = StepSolution(
                    built.functions, *began, "final time", 0.0, state.current
                )
            try:
                found = built.step(begun, duration, inputs, times)
            except NoProgress:
                raise
            except failures() as error:
                if "non-positive at initial conditions" in str(error):
                    raise
                first = first or error
                continue
            if first is not None:
                self.failures.append(str(first))
            return built, found
        assert first is not None
        raise first

    def _engines(self) -> Iterator[Engine]:
        yield self.engine
        for share in TIGHTER:
            finer = self.engine.resolution.tighter(share)
            yield engine(self._cell, finer, self.engine.controlled)


def _between(
    kind: Any, t: np.ndarray, values: np.ndarray, wanted: np.ndarray
) -> np.ndarray:
    """Values between those at the solver's own times."""
    return kind(t, values, axis=0)(wanted) if t.size > 1 else values[[0] * wanted.size]
