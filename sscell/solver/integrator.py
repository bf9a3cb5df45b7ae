"""Integration of a built model: IDA and KLU through PyBaMM's compiled solver, called directly.

PyBaMM's `BaseSolver.step` sorts and checks a hundred inputs before every step, which costs more
than many a step itself. Here the functions of the model are handed to the same solver once. That
interface is not a public one: where a version of it differs, steps go through PyBaMM after all.
"""

from __future__ import annotations

import importlib
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import casadi
import numpy as np

from sscell.solver.functions import Functions
from sscell.solver.watch import Look, NoProgress, SolverFailure

try:
    idaklu: Any = importlib.import_module("pybammsolvers.idaklu")
except ImportError:  # it has moved: PyBaMM knows where to
    idaklu = None

from sscell.solver.consistent import consistent

__all__ = ["CANCELLED", "NO_PROGRESS", "Integrator", "Piece", "StepSolution", "joined"]

NO_PROGRESS = "no progress"  # what ended a solution that got nowhere
CANCELLED = "cancelled"  # what ended one that was no longer wanted

_ROOT_FOUND = 2  # IDA_ROOT_RETURN
_CURRENT = "Current variable [A]"
_DIFFERENT = (AttributeError, TypeError)  # what an interface that has changed raises


@dataclass(frozen=True)
class Piece:
    """Part of a step: its clock is that of the step.

    Parameters
    ----------
    look : Look
        Looks on during the whole step.
    since : float, optional
        Time since the start of the step at which the part begins [s].
    """

    look: Look
    since: float = 0.0


class StepSolution:
    """One step of a model's solution.

    Parameters
    ----------
    functions : Functions
        Of the model.
    t : numpy.ndarray, shape (n,)
        Times [s].
    y : numpy.ndarray, shape (states, n)
        States at these times [-].
    termination : str
        ``"final time"``, or the event that ended it.
    solve_time : float
        That the solver took [s].
    current : float, optional
        That was imposed [A]; NaN where the current is an unknown of the model.
    """

    def __init__(
        self,
        functions: Functions,
        t: np.ndarray,
        y: np.ndarray,
        termination: str,
        solve_time: float,
        current: float = np.nan,
    ):
        self.functions, self.t, self.y = functions, t, y
        self.termination, self.current = termination, current
        self.solve_time = solve_time

    @property
    def last_state(self) -> StepSolution:
        """Where it ended; the rest is let go."""
        end = self.y[:, -1:].copy()
        ended = self.t[-1:].copy()
        return StepSolution(self.functions, ended, end, self.termination, 0.0, self.current)


def joined(parts: Sequence[StepSolution], termination: str | None = None) -> StepSolution:
    """One solution of parts that follow one another.

    Parameters
    ----------
    parts : sequence of StepSolution
        Of one model, in order.
    termination : str, optional
        What ended it; default: what ended the last part.

    Returns
    -------
    StepSolution
    """
    last = parts[-1]
    if len(parts) == 1 and termination is None:
        return last
    # Each part begins where the one before it ends.
    t = np.concatenate([part.t[k > 0 :] for k, part in enumerate(parts)])
    y = np.concatenate([part.y[:, k > 0 :] for k, part in enumerate(parts)], axis=1)
    seconds = sum(part.solve_time for part in parts)
    ended = last.termination if termination is None else termination
    return StepSolution(last.functions, t, y, ended, seconds, last.current)


class Integrator:
    """Solver of one built model.

    Parameters
    ----------
    functions : Functions
        Of the model.
    rtol : float
        Relative tolerance [-].
    atol : float or numpy.ndarray, shape (states,)
        Absolute tolerance [-].
    names : sequence of str
        Of the inputs, in the order of their values.
    pybamm_step : callable
        Takes a step through PyBaMM, where it has to: state, duration, inputs and the times
        that are wanted to PyBaMM's solution.
    """

    def __init__(
        self,
        functions: Functions,
        rtol: float,
        atol: Any,
        names: Sequence[str],
        pybamm_step: Callable[..., Any],
    ):
        self.functions = functions
        self._rtol, self._names, self._step = rtol, tuple(names), pybamm_step
        self._group: Any = None
        try:
            self._group = _grouped(functions, rtol, atol)
        except (*_DIFFERENT, RuntimeError) as error:
            _complain(error)

    def start(self, values: np.ndarray) -> np.ndarray:
        """State of the model before anything was done with it.

        Parameters
        ----------
        values : numpy.ndarray, shape (inputs,)
            In the order of the names.

        Returns
        -------
        numpy.ndarray, shape (states,)
        """
        return self.functions.start(values)

    def run(
        self,
        begun: float,
        y: np.ndarray,
        duration: float,
        values: np.ndarray,
        times: np.ndarray | None = None,
        piece: Piece | None = None,
    ) -> StepSolution:
        """Integrate for a time, or until an event.

        Parameters
        ----------
        begun : float
            Time at the start [s].
        y : numpy.ndarray, shape (states,)
            State at the start.
        duration : float
            [s].
        values : numpy.ndarray, shape (inputs,)
            Inputs in the order of the names.
        times : numpy.ndarray, optional
            Where the solution is wanted, since the start [s]; default: where the solver
            stops.
        piece : Piece, optional
            If this is a part of a step: since when, and who looks on.

        Returns
        -------
        StepSolution

        Raises
        ------
        SolverFailure
            If the solver fails, or an event lies behind the start.
        """
        if self._group is None:
            if piece is not None and piece.since > 0:
                raise SolverFailure("a step goes through PyBaMM as a whole only")
            return self._through_pybamm(begun, y, duration, values, times)
        wanted = np.empty(0) if times is None else np.array(times, dtype=float)
        wanted[wanted < 0] = 0.0
        state = np.array(y, dtype=float)
        settled = self.functions.settled(values)
        clock = time.perf_counter()
        try:
            own = piece or Piece(Look(duration, self._rtol))
            flag, t, states = self._solved(state, duration, settled, wanted, own)
        except NoProgress as error:
            if piece is None:
                error.partial = self._up_to(error.reached, begun, state, settled, wanted)
            raise
        except _DIFFERENT as error:
            _complain(error)
            self._group: Any = None
            return self._through_pybamm(begun, y, duration, values, times)
        seconds = time.perf_counter() - clock
        if flag < 0:
            raise SolverFailure(idaklu.sundials_error_message(flag))
        termination = "final time"
        if flag == _ROOT_FOUND:
            since = 0.0 if piece is None else piece.since
            termination = self._ended(t + since, states, settled)
        t, states = _after(begun, t, states)
        return StepSolution(self.functions, t, states, termination, seconds)

    def _solved(
        self,
        state: np.ndarray,
        duration: float,
        settled: np.ndarray,
        wanted: np.ndarray,
        piece: Piece,
    ) -> tuple[int, np.ndarray, np.ndarray]:
        """Flag of the solver, times since the start of this solution and states."""
        since = piece.since
        try:
            (found,) = piece.look.solve(
                self._group.solve,
                np.array([since, since + duration]),
                wanted,
                state[None, :],
                self._rates(since, state, settled)[None, :],
                settled[None, :],
                pbar=_NOTHING,
            )
        except ValueError as error:
            nearer = consistent(self.functions, since, state, settled)
            if nearer is None or np.allclose(nearer, state, rtol=1e-9, atol=0):
                raise SolverFailure(str(error)) from None
            return self._solved(nearer, duration, settled, wanted, piece)
        t = np.array(found.t) - since
        return int(found.flag), t, np.array(found.y).reshape(t.size, -1).T

    def _up_to(
        self,
        reached: float,
        begun: float,
        state: np.ndarray,
        settled: np.ndarray,
        wanted: np.ndarray,
    ) -> StepSolution | None:
        """Solution as far as the solver got on quickly."""
        if reached <= 0:
            return None
        try:
            flag, t, states = self._solved(
                state, reached, settled, wanted[wanted <= reached], Piece(Look(reached))
            )
        except SolverFailure:
            return None
        t, states = _after(begun, t, states)
        return (
            StepSolution(self.functions, t, states, NO_PROGRESS, 0.0) if flag >= 0 else None
        )

    def _through_pybamm(
        self,
        begun: float,
        y: np.ndarray,
        duration: float,
        values: np.ndarray,
        times: np.ndarray | None,
    ) -> StepSolution:
        inputs = dict(zip(self._names, values.tolist(), strict=True))
        found = self._step(np.array(y, dtype=float), duration, inputs, times)
        t, states = _after(begun, np.asarray(found.t), np.asarray(found.y))
        seconds = float(found.solve_time.value)
        return StepSolution(self.functions, t, states, found.termination, seconds)

    def _rates(self, t: float, y: np.ndarray, values: np.ndarray) -> np.ndarray:
        rates = self.functions.rates(t, y, values)
        rates[self.functions.differential :] = 0
        return rates

    def _ended(self, t: np.ndarray, states: np.ndarray, values: np.ndarray) -> str:
        margins = self.functions.margins(t[-1], states[:, -1].copy(), values)
        names = self.functions.events
        if t.size == 1:
            past = [name for name, m in zip(names, margins, strict=True) if m <= 0]
            if past:
                raise SolverFailure(f"Events {past} are non-positive at initial conditions")
        # Four numbers: an array's own search would take longer than some steps.
        away = [abs(m) if m == m else np.inf for m in margins.tolist()]
        return f"event: {names[away.index(min(away))]}"

    def adopted(self, before: StepSolution, values: np.ndarray) -> np.ndarray:
        """State where a solution ended, of this model or of one with other unknowns.

        Parameters
        ----------
        before : StepSolution
            Its end is taken.
        values : numpy.ndarray, shape (inputs,)
            Of this model.

        Returns
        -------
        numpy.ndarray, shape (states,)
        """
        y = before.y[:, -1]
        if before.functions.shares_states(self.functions):
            return y
        state, other = self.start(values), before.functions.slices
        for name, (low, high) in self.functions.slices.items():
            if name in other:
                state[low:high] = y[slice(*other[name])]
            elif name == _CURRENT and np.isfinite(before.current):
                state[low:high] = before.current  # it was imposed there
        return state


_NOTHING = np.empty((0, 0))


def _after(
    begun: float, t: np.ndarray, states: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Times since the run began, each of them once, and the states at them."""
    if not begun:
        return t, states
    t = begun + t
    # A step begins a rounding error after the last one, so that no time occurs twice.
    t[0] = np.nextafter(begun, np.inf)
    later = np.diff(t) > 0
    if not later.all():
        t[-1] = max(t[-1], np.nextafter(t[0], np.inf))
        kept = np.append(np.diff(t) > 0, True)
        kept[0] = True
        kept[1:-1] &= t[1:-1] > t[0]
        t, states = t[kept], states[:, kept]
    return t, states


@cache  # once is enough
def _warned(reason: str) -> None:
    warnings.warn(
        f"pybammsolvers differs from what sscell calls directly ({reason}): steps go through "
        "PyBaMM, results are the same but come more slowly.",
        stacklevel=2,
    )


def _complain(error: Exception) -> None:
    _warned(str(error).splitlines()[0] if str(error) else type(error).__name__)


def _grouped(functions: Functions, rtol: float, atol: Any) -> Any:
    """PyBaMM's compiled solver with these functions."""
    v = casadi.MX.sym("v", functions.states)
    held = casadi.vertcat(v[: functions.differential], casadi.DM.zeros(functions.algebraic))
    nothing = casadi.Function("nothing", [], []).serialize()
    texts = functions.texts
    handed = {
        "rhs_alg": texts["rhs"],
        "jac_times_cjmass": texts["newton"],
        "jac_action": texts["moved"],
        "mass_action": casadi.Function("held", [v], [held]).serialize(),
        "sens": nothing,
        "events": texts["events"],
        "alg_res": texts.get("algebraic", nothing),
        "alg_jac": texts.get("algebraic_slopes", nothing),
    }
    rows = np.array(functions.rows, dtype=np.int64)
    columns = np.array(functions.columns, dtype=np.int64)
    apart = rows - np.repeat(np.arange(functions.states), np.diff(columns))
    kinds = np.zeros(functions.states)
    kinds[: functions.differential] = 1
    return idaklu.create_casadi_solver_group(
        number_of_states=functions.states,
        number_of_parameters=0,
        jac_times_cjmass_colptrs=columns,
        jac_times_cjmass_rowvals=rows,
        jac_times_cjmass_nnz=rows.size,
        jac_bandwidth_lower=int(apart.max(initial=0)),
        jac_bandwidth_upper=int(-apart.min(initial=0)),
        number_of_events=len(functions.events),
        rhs_alg_id=kinds,
        atol=np.full(functions.states, atol),
        rtol=rtol,
        inputs=functions.inputs,
        var_fcns=[],
        dvar_dy_fcns=[],
        dvar_dp_fcns=[],
        options={
            **functions.options,
            "hermite_interpolation": False,
        },  # nobody reads slopes
        **{name: idaklu.generate_function(text) for name, text in handed.items()},
    )
