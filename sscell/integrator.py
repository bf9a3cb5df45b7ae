"""Integration of a built model: IDA and KLU through PyBaMM's compiled solver, called directly.

PyBaMM's `BaseSolver.step` sorts and checks a hundred inputs before every step, which costs more
than many a step itself. Here the functions of the model are made once, each in the form that
evaluates fastest, and handed to the same solver.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import casadi
import numpy as np
import pybamm
from pybammsolvers import idaklu

__all__ = ["Integrator", "Stretch", "leaner"]

_ROOT_FOUND = 2  # IDA_ROOT_RETURN
_CURRENT = "Current variable [A]"
_CALLS_PER_SCALAR = 12  # an operation on arrays costs as much as so many on scalars


class Stretch:
    """One step of a model's solution.

    Parameters
    ----------
    model : pybamm.BaseModel
        Built.
    t : numpy.ndarray, shape (n,)
        Times [s].
    y : numpy.ndarray, shape (states, n)
        States at these times [-].
    termination : str
        ``"final time"``, or the event that ended it.
    seconds : float
        That the solver took [s].
    current : float, optional
        That was imposed [A]; NaN where the current is an unknown of the model.
    """

    def __init__(
        self,
        model: Any,
        t: np.ndarray,
        y: np.ndarray,
        termination: str,
        seconds: float,
        current: float = np.nan,
    ):
        self.model, self.t, self.y = model, t, y
        self.termination, self.current = termination, current
        self.solve_time = pybamm.TimerTime(seconds)

    @property
    def last_state(self) -> Stretch:
        """Where it ended; the rest is let go."""
        end = self.y[:, -1:].copy()
        ended = self.t[-1:].copy()
        return Stretch(self.model, ended, end, self.termination, 0.0, self.current)


def leaner(function: casadi.Function) -> casadi.Function:
    """The same function as operations on scalars, where that evaluates faster.

    Parameters
    ----------
    function : casadi.Function
        Of operations on arrays.

    Returns
    -------
    casadi.Function
        The same numbers.
    """
    try:
        scalar = function.expand()
    except RuntimeError:  # such as an interpolation, which has no scalar form
        return function
    if scalar.n_instructions() > _CALLS_PER_SCALAR * function.n_instructions():
        return function
    return scalar


class Integrator:
    """Solver of one built model.

    Parameters
    ----------
    model : pybamm.BaseModel
        Discretised, in standard form.
    solver : pybamm.IDAKLUSolver
        Its tolerances and options.
    names : sequence of str
        Of all inputs, in the order of their values.
    """

    def __init__(self, model: Any, solver: Any, names: Sequence[str]):
        self.model, self._solver, self._names = model, solver, tuple(names)
        self._events = [e for e in model.events if e.event_type.name == "TERMINATION"]
        self.functions = self._make()
        self._group = self._grouped(self.functions)

    # Functions -----------------------------------------------------------------------

    def symbols(self) -> tuple[Any, Any, Any, dict[str, Any]]:
        """Time, state, inputs in one column, and inputs by name."""
        t, y = casadi.MX.sym("t"), casadi.MX.sym("y", self.model.len_rhs_and_alg)
        p = casadi.MX.sym("p", len(self._names))
        return t, y, p, {name: p[k] for k, name in enumerate(self._names)}

    def _make(self) -> dict[str, casadi.Function]:
        model = self.model
        t, y, p, inputs = self.symbols()
        rhs = model.concatenated_rhs.to_casadi(t, y, inputs=inputs)
        algebraic = casadi.MX(0, 1)
        if model.len_alg:
            algebraic = model.concatenated_algebraic.to_casadi(t, y, inputs=inputs)
        every = casadi.vertcat(rhs, algebraic)
        events = [e.expression.to_casadi(t, y, inputs=inputs) for e in self._events]
        initial = model.concatenated_initial_conditions.to_casadi(t, y, inputs=inputs)
        own, cse = [t, y, p], {"cse": True}
        functions = {
            "rhs": casadi.Function("rhs", own, [casadi.densify(every)], cse),
            "events": casadi.Function("events", own, [casadi.vertcat(*events)], cse),
            "start": casadi.Function("start", [p], [initial]),
        }
        functions = {k: leaner(f) for k, f in functions.items()}
        functions["newton"] = self._newton(own, every)
        if model.len_alg:
            parts = {
                "algebraic": algebraic,
                "algebraic_slopes": casadi.jacobian(algebraic, y),
            }
            for k, part in parts.items():
                functions[k] = leaner(casadi.Function(k, own, [part], cse))
        return functions

    def _newton(self, own: list[Any], every: Any) -> casadi.Function:
        """Jacobian less the mass matrix times a factor, in scalar operations."""
        slopes = casadi.Function("slopes", own, [casadi.jacobian(every, own[1])])
        factor, mass = casadi.MX.sym("factor"), casadi.DM(self.model.mass_matrix.entries)
        newton = casadi.Function(
            "newton",
            [*own, factor],
            [slopes(*own) - factor * mass],
            {"never_inline": False},
        )
        try:
            return newton.expand()
        except RuntimeError:
            return newton

    def _grouped(self, functions: Mapping[str, casadi.Function]) -> Any:
        """PyBaMM's solver with these functions."""
        model, states = self.model, self.model.len_rhs_and_alg
        newton = functions["newton"]
        pattern = newton.sparsity_out(0)
        v = casadi.MX.sym("v", states)
        t, y, p, _ = self.symbols()
        moved = casadi.densify(newton(t, y, p, 0.0) @ v)
        held = casadi.vertcat(v[: model.len_rhs], casadi.DM.zeros(model.len_alg))
        nothing = casadi.Function("nothing", [], [])
        handed = {
            "rhs_alg": functions["rhs"],
            "jac_times_cjmass": newton,
            "jac_action": casadi.Function("moved", [t, y, p, v], [moved]),
            "mass_action": casadi.Function("held", [v], [held]),
            "sens": nothing,
            "events": functions["events"],
            "alg_res": functions.get("algebraic", nothing),
            "alg_jac": functions.get("algebraic_slopes", nothing),
        }
        ids = np.concatenate([np.ones(model.len_rhs), np.zeros(model.len_alg)])
        return idaklu.create_casadi_solver_group(
            number_of_states=states,
            number_of_parameters=0,
            jac_times_cjmass_colptrs=np.array(pattern.colind(), dtype=np.int64),
            jac_times_cjmass_rowvals=np.array(pattern.row(), dtype=np.int64),
            jac_times_cjmass_nnz=pattern.nnz(),
            jac_bandwidth_lower=pattern.bw_lower(),
            jac_bandwidth_upper=pattern.bw_upper(),
            number_of_events=len(self._events),
            rhs_alg_id=ids,
            atol=np.full(states, float(self._solver.atol)),
            rtol=self._solver.rtol,
            inputs=len(self._names),
            var_fcns=[],
            dvar_dy_fcns=[],
            dvar_dp_fcns=[],
            options=self._solver.options,
            **{k: idaklu.generate_function(f.serialize()) for k, f in handed.items()},
        )

    # Integration ---------------------------------------------------------------------

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
        return np.array(self.functions["start"](values)).ravel()

    def run(
        self,
        begun: float,
        y: np.ndarray,
        duration: float,
        values: np.ndarray,
        times: np.ndarray | None,
    ) -> Stretch:
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
        times : numpy.ndarray or None
            Where the solution is wanted, since the start [s]; None: where the solver stops.

        Returns
        -------
        Stretch

        Raises
        ------
        pybamm.SolverError
            If the solver fails, or an event lies behind the start.
        """
        # A step begins a rounding error after the last one, so that no time occurs twice.
        first = float(np.nextafter(begun, np.inf)) if begun else begun
        ends = np.array([first, begun + duration])
        wanted = np.empty(0) if times is None else np.array(begun + times, dtype=float)
        wanted[wanted < first] = first
        y = np.array(y, dtype=float)
        rates = self._rates(first, y, values)
        clock = time.perf_counter()
        try:
            (found,) = self._group.solve(
                ends,
                wanted,
                y[None, :],
                rates[None, :],
                values[None, :],
                pbar=np.empty((0, 0)),
            )
        except ValueError as error:
            raise pybamm.SolverError(str(error)) from None
        seconds = time.perf_counter() - clock
        if found.flag < 0:
            raise pybamm.SolverError(idaklu.sundials_error_message(found.flag))
        t = np.array(found.t)
        states = np.array(found.y).reshape(t.size, -1).T
        termination = "final time"
        if found.flag == _ROOT_FOUND:
            termination = self._ended(t, states, values)
        return Stretch(self.model, t, states, termination, seconds)

    def _rates(self, t: float, y: np.ndarray, values: np.ndarray) -> np.ndarray:
        rates = np.empty(y.size)
        buffer, evaluate = self.functions["rhs"].buffer()
        buffer.set_arg(0, memoryview(np.array([t])))
        buffer.set_arg(1, memoryview(y))
        buffer.set_arg(2, memoryview(values))
        buffer.set_res(0, memoryview(rates))
        evaluate()
        rates[self.model.len_rhs :] = 0
        return rates

    def _ended(self, t: np.ndarray, states: np.ndarray, values: np.ndarray) -> str:
        margins = np.array(self.functions["events"](t[-1], states[:, -1], values)).ravel()
        if t.size == 1:
            past = [e.name for e, m in zip(self._events, margins, strict=True) if m <= 0]
            if past:
                raise pybamm.SolverError(
                    f"Events {past} are non-positive at initial conditions"
                )
        return f"event: {self._events[int(np.nanargmin(np.abs(margins)))].name}"

    # States of another model ---------------------------------------------------------

    def adopted(self, before: Stretch, values: np.ndarray) -> np.ndarray:
        """State where a solution ended, of this model or of one with other unknowns.

        Parameters
        ----------
        before : Stretch
            Its end is taken.
        values : numpy.ndarray, shape (inputs,)
            Of this model.

        Returns
        -------
        numpy.ndarray, shape (states,)
        """
        y = before.y[:, -1]
        if before.model is self.model:
            return y
        known = {v.name: y[s[0]] for v, s in before.model.y_slices.items()}
        state = self.start(values)
        for variable, slices in self.model.y_slices.items():
            if variable.name == _CURRENT:
                state[slices[0]] = before.current
            elif variable.name in known:
                state[slices[0]] = known[variable.name]
        return state

    @cached_property
    def cost(self) -> int:
        """Scalar operations of the functions that are called most [-]."""
        return sum(
            int(self.functions[k].n_instructions()) for k in ("rhs", "newton", "events")
        )
