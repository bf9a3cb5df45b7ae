r"""Derivatives of a solution by parameters, along the steps that the solver has taken.

They obey linear equations of their own, :math:`M \dot S = J S + f_p`. Once the solution is
known, so are :math:`J` and :math:`f_p`: one factorisation a step then serves all parameters,
and no iteration is needed. The formulae are those of the solver, backward differences of
variable order, at every second of its steps where the tolerance is the usual one: derivatives
need not be as exact as the solution.
The order at a step is the one that differentiates the solution itself best there.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import casadi
import numpy as np
from scipy import sparse

from sscell.solver.functions import Functions, expand_if_faster
from sscell.solver.rows import over_rows

__all__ = ["Variation", "Variations"]

_ORDER = 4
_BLOCK = 32  # times that are evaluated together
_USUAL = 3e-6, 3e-5  # relative tolerances between which every second step is enough
_FIRST = 3  # steps that are all taken
_ERROR = 3e-3, 3e-5  # relative and absolute, of what the formulae make of the solution
_MOST, _ROUGH = 0.9, 1.0  # quantile of that error, and from where on all steps are taken
_BETTER = 0.9  # of the error: for less, no higher order


@dataclass(frozen=True, eq=False)
class Variation:
    """What a solution depends on.

    Parameters
    ----------
    t : numpy.ndarray, shape (n,)
        Times [s].
    slopes : numpy.ndarray, shape (n, parameters)
        Derivatives of the output there.
    end : numpy.ndarray, shape (states, parameters)
        Those of the state at the end.
    rows : numpy.ndarray, shape (states,)
        Derivatives of the output by the state at the end.
    speed : numpy.ndarray, shape (states,)
        Derivatives of the state by time at the end [s-1].
    """

    t: np.ndarray
    slopes: np.ndarray
    end: np.ndarray
    rows: np.ndarray
    speed: np.ndarray


class Variations:
    """Derivatives of the solutions of one model, and of one of its outputs.

    Parameters
    ----------
    functions : Functions
        Of the model, not compiled.
    output : int
        Place of the output among all.
    rtol : float
        Relative tolerance of the solutions [-].
    """

    def __init__(self, functions: Functions, output: int, rtol: float):
        self._functions, self._output = functions, output
        self._every = 2 if _USUAL[0] <= rtol <= _USUAL[1] else 1
        self._linears: dict[tuple[int, ...], _Linear] = {}
        self._solvers: dict[int, Any] = {}

    def start(self, values: np.ndarray, directions: np.ndarray) -> np.ndarray:
        """Derivatives of the state before anything was done.

        Parameters
        ----------
        values : numpy.ndarray, shape (n,)
            Of the inputs, in the order of their names.
        directions : numpy.ndarray, shape (n, parameters)
            Derivatives of the inputs.

        Returns
        -------
        numpy.ndarray, shape (states, parameters)
        """
        return self._by_inputs("start", values, directions)

    def along(
        self,
        t: np.ndarray,
        y: np.ndarray,
        values: np.ndarray,
        directions: np.ndarray,
        begun: np.ndarray,
    ) -> Variation:
        """Derivatives along a solution.

        Parameters
        ----------
        t : numpy.ndarray, shape (n,)
            All times at which the solver stopped, since the start of the step [s].
        y : numpy.ndarray, shape (states, n)
            States there.
        values : numpy.ndarray, shape (inputs,)
            Of the inputs, in the order of their names.
        directions : numpy.ndarray, shape (inputs, parameters)
            Derivatives of the inputs.
        begun : numpy.ndarray, shape (states, parameters)
            Those of the state at the start.

        Returns
        -------
        Variation
        """
        settled = self._functions.settled(values)
        moved = self._by_inputs("settled", values, directions)
        columns = np.flatnonzero(np.any(moved, axis=1))
        linear = self._linear(columns)
        moved = moved[columns]
        states = np.ascontiguousarray(y.T)
        kept = np.arange(t.size) % self._every == 0
        kept[:_FIRST], kept[-1] = True, True
        known = linear.evaluate(t[kept], states[kept], settled)
        formulae = _formulae(states[kept], known, linear)
        if formulae.error > _ROUGH and not kept.all():
            others = linear.evaluate(t[~kept], states[~kept], settled)
            known = known.between(others, kept)
            kept[:] = True
            formulae = _formulae(states, known, linear)
        slopes = self._integrate(linear, known, formulae, moved, begun)
        found = np.einsum("ns,nps->np", known.by_state, slopes) + known.by_settled @ moved
        # By the formulae, which do not feel the solver's noise as the stiff rates do.
        order = formulae.orders[-1]
        moving = formulae.weights[-1, order::-1] @ states[kept][-1 - order :]
        speed = linear.speed(known, moving)
        return Variation(t[kept], found, slopes[-1].T.copy(), known.by_state[-1], speed)

    def _linear(self, columns: np.ndarray) -> _Linear:
        key = tuple(columns.tolist())
        if key not in self._linears:
            self._linears[key] = _Linear(self._functions, self._output, key)
        return self._linears[key]

    def _by_inputs(
        self, name: str, values: np.ndarray, directions: np.ndarray
    ) -> np.ndarray:
        """Derivatives of a function of the inputs alone."""
        function = self._slopes_of[name]
        evaluated: Any = function.buffer()
        buffer, evaluate = evaluated
        entries = np.empty(function.nnz_out(0))
        given = np.ascontiguousarray(values)
        buffer.set_arg(0, given.data)
        buffer.set_res(0, entries.data)
        evaluate()
        pattern = function.sparsity_out(0)
        matrix = sparse.csc_matrix(
            (entries, pattern.row(), pattern.colind()), shape=pattern.shape
        )
        # By others they may be infinite, such as that of a power of zero.
        used = np.flatnonzero(np.any(directions, axis=1))
        return matrix[:, used] @ directions[used]

    @cached_property
    def _slopes_of(self) -> dict[str, casadi.Function]:
        found = {}
        for name in ("settled", "start"):
            own, (told,) = _opened(self._functions[name])
            slopes = casadi.jacobian(told, own[0])
            found[name] = expand_if_faster(casadi.Function(name, own, [slopes]))
        return found

    def _integrate(
        self,
        linear: _Linear,
        known: _Known,
        formulae: _Formulae,
        moved: np.ndarray,
        begun: np.ndarray,
    ) -> np.ndarray:
        """Derivatives of the states at all times: (times, parameters, states)."""
        every = linear.forced(known, moved)
        # Many a parameter moves the output alone.
        felt = np.any(every, axis=(0, 2)) | np.any(begun, axis=0)
        forced, count, size = every[:, felt], int(felt.sum()), linear.states
        found = np.zeros((known.t.size, count, size))
        if not count:
            return np.zeros_like(every)
        found[0] = linear.consistent(known, begun[:, felt], forced[0]).T
        matrices = linear.matrices(known, formulae.weights[:, 0])
        right, solved = np.empty((count, size)), np.empty((count, size))
        buffer, evaluate = self._solver(linear, count)
        buffer.set_arg(1, right.data)
        buffer.set_res(0, solved.data)
        flat, own = found.reshape(known.t.size, -1), linear.differential
        for k in range(1, known.t.size):
            order = formulae.orders[k]
            past = formulae.weights[k, order:0:-1] @ flat[k - order : k]
            right[:] = forced[k]
            right[:, :own] -= past.reshape(count, size)[:, :own]
            buffer.set_arg(0, matrices[k].data)
            evaluate()
            found[k] = solved
        if felt.all():
            return found
        whole = np.zeros_like(every)
        whole[:, felt] = found
        return whole

    def _solver(self, linear: _Linear, count: int) -> Any:
        """Solution of a linear system with so many right-hand sides."""
        if count not in self._solvers:
            matrix = casadi.MX.sym("matrix", linear.pattern)
            right = casadi.MX.sym("right", linear.states, count)
            solved = casadi.solve(matrix, right, "csparse")
            function = casadi.Function("solve", [matrix, right], [solved])
            self._solvers[count] = function.buffer()
        return self._solvers[count]


@dataclass(frozen=True, eq=False)
class _Known:
    """A model's equations along a solution: entries of matrices by time."""

    t: np.ndarray
    rates: np.ndarray
    jacobian: np.ndarray
    forces: np.ndarray
    by_state: np.ndarray
    by_settled: np.ndarray

    def between(self, others: _Known, own: np.ndarray) -> _Known:
        """With those of other times, where the times of these are marked."""
        whole = []
        for f in fields(self):
            mine, theirs = getattr(self, f.name), getattr(others, f.name)
            both = np.empty((own.size, *mine.shape[1:]))
            both[own], both[~own] = mine, theirs
            whole.append(both)
        return _Known(*whole)


class _Linear:
    """A model's equations and one output, with their derivatives."""

    def __init__(self, functions: Functions, output: int, columns: tuple[int, ...]):
        self.states, self.differential = functions.states, functions.differential
        own, (rates,) = _opened(functions["rhs"])
        settled = _picked(own[2], columns)
        slopes = casadi.jacobian(rates, own[1])
        # Every unknown has its own rate in the formulae.
        self.pattern = slopes.sparsity().unite(casadi.Sparsity.diag(self.states))
        forces = settled(rates)
        (value,) = functions.some_outputs([output]).call(own, True, False)
        told = [
            casadi.densify(rates),
            casadi.project(slopes, self.pattern),
            forces,
            casadi.densify(casadi.jacobian(value, own[1]).T),
            casadi.densify(settled(value).T),
        ]
        function = casadi.Function("linear", own, told, {"cse": True})
        self._sizes = [function.nnz_out(k) for k in range(function.n_out())]
        self._in_rows = function.is_a("SXFunction")
        if self._in_rows:
            blocks = over_rows(function, _BLOCK)
        else:
            blocks = function.map("blocks", "serial", _BLOCK, [2], [])
        self._blocks: Any = blocks.buffer()
        self._rows, self._columns = _places(self.pattern)
        own_rate = (self._rows == self._columns) & (self._rows < self.differential)
        self._mass = own_rate.astype(float)
        self._forced = _places(forces.sparsity())

    def evaluate(self, t: np.ndarray, states: np.ndarray, settled: np.ndarray) -> _Known:
        """Everything at all times, by blocks."""
        count, size = t.size, max(t.size, _BLOCK)
        times, y = np.ascontiguousarray(t), np.ascontiguousarray(states)
        if count < size:
            times, y = np.resize(times, size), np.resize(y, (size, y.shape[1]))
        tables = [np.empty((size, n)) for n in self._sizes]
        own = [np.empty((n, _BLOCK)) for n in self._sizes]
        buffer, evaluate = self._blocks
        buffer.set_arg(2, settled.data)
        for block in range(0, size, _BLOCK):
            k = min(block, size - _BLOCK)
            rows = slice(k, k + _BLOCK)
            there = y[rows]
            if self._in_rows:
                there = np.ascontiguousarray(there.T)
            buffer.set_arg(0, times[rows].data)
            buffer.set_arg(1, there.data)
            for place, table in enumerate(tables):
                given = own[place] if self._in_rows else table[rows]
                buffer.set_res(place, given.data)
            evaluate()
            if self._in_rows:
                for table, given in zip(tables, own, strict=True):
                    table[rows] = given.T
        return _Known(t, *(table[:count] for table in tables))

    def forced(self, known: _Known, moved: np.ndarray) -> np.ndarray:
        """What the parameters themselves do to the rates: (times, parameters, states)."""
        rows, columns = self._forced
        count = moved.shape[1]
        places = np.arange(count)[:, None] * self.states + rows[None, :]
        entries = np.broadcast_to(np.arange(rows.size), places.shape)
        shape = count * self.states, rows.size
        spread = sparse.csr_matrix(
            (moved[columns].T.ravel(), (places.ravel(), entries.ravel())), shape=shape
        )
        found = np.ascontiguousarray((spread @ known.forces.T).T)
        return found.reshape(known.t.size, count, self.states)

    def matrices(self, known: _Known, leading: np.ndarray) -> np.ndarray:
        """Entries of the systems that the formulae lead to, by time."""
        return leading[:, None] * self._mass - known.jacobian

    def diagonal(self, known: _Known) -> np.ndarray:
        """Derivatives of the rates by their own states: (times, differential)."""
        return known.jacobian[:, self._mass > 0]

    def consistent(
        self, known: _Known, begun: np.ndarray, forced: np.ndarray
    ) -> np.ndarray:
        """Derivatives at the start, those of the algebraic unknowns from their equations."""
        slopes, first = np.array(begun, dtype=float), self.differential
        if first < self.states:
            matrix = self._dense(known.jacobian[0])[first:]
            given = matrix[:, :first] @ slopes[:first] + forced[:, first:].T
            slopes[first:] = -np.linalg.solve(matrix[:, first:], given)
        return slopes

    def speed(self, known: _Known, moving: np.ndarray) -> np.ndarray:
        """Derivative of the state by time at the end, of which the differential part is known."""
        speed, first = moving.copy(), self.differential
        if first < self.states:
            matrix = self._dense(known.jacobian[-1])[first:]
            speed[first:] = -np.linalg.solve(
                matrix[:, first:], matrix[:, :first] @ speed[:first]
            )
        return speed

    def _dense(self, entries: np.ndarray) -> np.ndarray:
        found = np.zeros((self.states, self.states))
        found[self._rows, self._columns] = entries
        return found


@dataclass(frozen=True, eq=False)
class _Formulae:
    """Differences over past times that are the derivative at the last of them."""

    weights: np.ndarray
    orders: np.ndarray
    error: float


def _formulae(states: np.ndarray, known: _Known, linear: _Linear) -> _Formulae:
    """At every time those that make the least error in the solution itself."""
    t, rates, differential = known.t, known.rates, linear.differential
    count, y = t.size, states[:, :differential]
    # What relaxes faster than a step lasts feels the solver's noise in its rate, not in itself.
    relaxing = np.maximum(-linear.diagonal(known), 0.0)
    weights, orders = np.zeros((count, _ORDER + 1)), np.zeros(count, dtype=int)
    errors = np.full(count, np.inf)
    allowed = _ERROR[0] * np.abs(y) + _ERROR[1]
    for order in range(1, min(_ORDER, count - 1) + 1):
        own = _differences(t, order)
        slopes = own[:, :1] * y[order:]
        for k in range(1, order + 1):
            slopes += own[:, k : k + 1] * y[order - k : count - k]
        off = slopes - rates[order:, :differential]
        off /= (own[:, :1] + relaxing[order:]) * allowed[order:]
        error = np.sqrt(np.einsum("ns,ns->n", off, off) / differential)
        better = np.flatnonzero(error < _BETTER * errors[order:])
        errors[order + better], orders[order + better] = error[better], order
        weights[order + better, : order + 1] = own[better]
    return _Formulae(weights, orders, float(np.quantile(errors[1:], _MOST)))


def _differences(t: np.ndarray, order: int) -> np.ndarray:
    """Weights of the derivative at a time by the values there and before it."""
    count = t.size - order
    x = np.stack([t[order - k : t.size - k] for k in range(order + 1)], axis=1)
    apart = x[:, :, None] - x[:, None, :]
    apart[:, np.arange(order + 1), np.arange(order + 1)] = 1.0
    products = np.prod(apart, axis=2)
    found = np.zeros((count, order + 1))
    found[:, 1:] = products[:, :1] / products[:, 1:] / (x[:, :1] - x[:, 1:])
    found[:, 0] = -found[:, 1:].sum(axis=1)
    return found


def _opened(function: casadi.Function) -> tuple[list[Any], list[Any]]:
    """Symbols and expressions, as operations on scalars where there are such."""
    with contextlib.suppress(RuntimeError):  # an interpolation has no scalar form
        function = function.expand()
    own = function.sx_in() if function.is_a("SXFunction") else function.mx_in()
    return own, function.call(own, True, False)


def _picked(settled: Any, columns: tuple[int, ...]) -> Any:
    """Derivatives of an expression by some of what is settled."""
    if isinstance(settled, casadi.SX):
        own = casadi.vertcat(*(settled[k] for k in columns))
        return lambda told: casadi.jacobian(told, own)
    return lambda told: casadi.jacobian(told, settled)[:, list(columns)]


def _places(pattern: casadi.Sparsity) -> tuple[np.ndarray, np.ndarray]:
    columns = np.repeat(np.arange(pattern.size2()), np.diff(pattern.colind()))
    return np.array(pattern.row(), dtype=int), columns
