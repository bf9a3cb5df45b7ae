"""What a run needs of a built model: its functions, each in the form that evaluates fastest.

What depends on the inputs alone, such as a rate at the cell's temperature, is computed once a
step: a third of the operations of a large model. The functions can be written down and read
again, so that a new process need not build the model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import casadi
import numpy as np

__all__ = ["Functions", "build_functions", "expand_if_faster"]

_CALLS_PER_SCALAR = 12  # an operation on arrays costs as much as so many on scalars


@dataclass(frozen=True, eq=False)
class Functions:
    """Functions of a built model, of time, state and what is settled by the inputs.

    Parameters
    ----------
    texts : mapping of str to str
        Serialised: ``rhs`` (differential and algebraic equations), ``events``, ``start``
        and ``settled`` (of the inputs alone), ``newton`` (Jacobian less the mass matrix
        times a factor), ``moved`` (Jacobian times a vector), ``outputs``, and ``algebraic``
        with ``algebraic_slopes`` where there are such equations; ``all outputs`` where
        ``outputs`` is compiled and cannot be taken apart.
    differential, algebraic : int
        Numbers of equations [-].
    slices : mapping of str to tuple of int
        First row and row past the last of every unknown.
    events : tuple of str
        Names.
    columns, rows : tuple of int
        Sparsity of ``newton``.
    options : mapping, optional
        Of IDA, as PyBaMM would set them.
    """

    texts: Mapping[str, str]
    differential: int
    algebraic: int
    slices: Mapping[str, tuple[int, int]]
    events: tuple[str, ...]
    columns: tuple[int, ...]
    rows: tuple[int, ...]
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def states(self) -> int:
        """Number of all unknowns."""
        return self.differential + self.algebraic

    def start(self, values: np.ndarray) -> np.ndarray:
        """State before anything was done.

        Parameters
        ----------
        values : numpy.ndarray, shape (n,)
            Of the inputs, in the order of their names.

        Returns
        -------
        numpy.ndarray, shape (states,)
        """
        return self._of("start", self.states, values)

    def settled(self, values: np.ndarray) -> np.ndarray:
        """What the other functions take in place of the inputs.

        Parameters
        ----------
        values : numpy.ndarray, shape (n,)
            Of the inputs, in the order of their names.

        Returns
        -------
        numpy.ndarray, shape (inputs,)
        """
        before = self._kept.get("last")  # a step and its outputs ask for the same
        if before is None or not np.array_equal(before[0], values):
            found = self._of("settled", self.inputs, values)
            before = self._kept["last"] = values.copy(), found
        return before[1]

    def rates(self, t: float, y: np.ndarray, settled: np.ndarray) -> np.ndarray:
        """Derivatives by time, and residuals of the algebraic equations.

        Parameters
        ----------
        t : float
            Time [s].
        y : numpy.ndarray, shape (states,)
            State [-].
        settled : numpy.ndarray, shape (inputs,)
            From `settled`.

        Returns
        -------
        numpy.ndarray, shape (states,)
        """
        return self._of("rhs", self.states, np.array([t]), y, settled)

    def margins(self, t: float, y: np.ndarray, settled: np.ndarray) -> np.ndarray:
        """How far the events are away; negative where they are past.

        Parameters
        ----------
        t : float
            Time [s].
        y : numpy.ndarray, shape (states,)
            State [-].
        settled : numpy.ndarray, shape (inputs,)
            From `settled`.

        Returns
        -------
        numpy.ndarray, shape (events,)
        """
        return self._of("events", len(self.events), np.array([t]), y, settled)

    def some_outputs(self, rows: Sequence[int]) -> casadi.Function:
        """Some of the outputs, without the operations that only others need.

        Parameters
        ----------
        rows : sequence of int
            Their places among all.

        Returns
        -------
        casadi.Function
            The same numbers.
        """
        function = self["all outputs" if "all outputs" in self.texts else "outputs"]
        own = _own(function)
        (column,) = function.call(own, True, False)  # in place: a call computes all
        entries = casadi.vertsplit(column)
        wanted = casadi.vertcat(*(entries[row] for row in rows))
        return expand_if_faster(casadi.Function("part", own, [wanted]))

    def _of(self, name: str, size: int, *arguments: np.ndarray) -> np.ndarray:
        # CasADi's own calls convert every array, which takes ten times as long.
        found = np.empty(size)
        if name not in self._kept:
            self._kept[name] = self[name].buffer()
        buffer, evaluate = self._kept[name]
        for k, argument in enumerate(arguments):
            buffer.set_arg(k, argument.data)
        buffer.set_res(0, found.data)
        evaluate()
        return found

    def shares_states(self, other: Functions) -> bool:
        """Whether a state of the other is one of these, unknown for unknown."""
        return self.slices is other.slices

    def __getitem__(self, name: str) -> casadi.Function:
        found = self._read.get(name)
        if found is None:
            found = self._read[name] = casadi.Function.deserialize(self.texts[name])
        return found

    @cached_property
    def inputs(self) -> int:
        """Number of what is settled by the inputs."""
        return int(self["settled"].numel_out(0))

    @cached_property
    def _kept(self) -> dict[str, Any]:
        return {}

    @cached_property
    def _read(self) -> dict[str, casadi.Function]:
        return {}

    def to_bytes(self) -> bytes:
        """Everything as text, for another process."""
        told = {k: v for k, v in vars(self).items() if not k.startswith("_")}
        return json.dumps(told).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Functions:
        """Read what `to_bytes` wrote."""
        told = json.loads(data)
        slices = {k: (int(a), int(b)) for k, (a, b) in told.pop("slices").items()}
        for name in ("events", "columns", "rows"):
            told[name] = tuple(told[name])
        return cls(slices=slices, **told)


def expand_if_faster(function: casadi.Function) -> casadi.Function:
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


def _own(function: casadi.Function) -> list[Any]:
    return function.sx_in() if function.is_a("SXFunction") else function.mx_in()


def build_functions(
    model: Any,
    names: Sequence[str],
    outputs: Sequence[str],
    options: Mapping[str, Any],
) -> Functions:
    """Functions of a model.

    Parameters
    ----------
    model : pybamm.BaseModel
        Discretised, in standard form.
    names : sequence of str
        Of all inputs, in the order of their values.
    outputs : sequence of str
        Variables that a result has.
    options : mapping
        Of IDA, as PyBaMM would set them.

    Returns
    -------
    Functions
    """
    t, y = casadi.MX.sym("t"), casadi.MX.sym("y", model.len_rhs_and_alg)
    p = casadi.MX.sym("p", len(names))
    own, inputs = [t, y, p], {name: p[k] for k, name in enumerate(names)}

    def convert(symbol: Any) -> casadi.MX:
        return symbol.to_casadi(t, y, inputs=inputs)

    every = convert(model.concatenated_rhs)
    algebraic = casadi.MX(0, 1)
    if model.len_alg:
        algebraic = convert(model.concatenated_algebraic)
        every = casadi.vertcat(every, algebraic)
    ends = [e for e in model.events if e.event_type.name == "TERMINATION"]
    rows = [convert(model.get_processed_variable(name)) for name in outputs]
    v = casadi.MX.sym("v", y.shape[0])
    parts = {
        "rhs": casadi.densify(every),
        "events": casadi.densify(casadi.vertcat(*(convert(e.expression) for e in ends))),
        "outputs": casadi.densify(casadi.vertcat(*rows)),
    }
    if model.len_alg:
        parts["algebraic"] = algebraic
        parts["algebraic_slopes"] = casadi.jacobian(algebraic, y)
    functions = {
        k: expand_if_faster(casadi.Function(k, own, [part], {"cse": True}))
        for k, part in parts.items()
    }
    functions["newton"] = _newton(own, every, model.mass_matrix.entries)
    v = casadi.MX.sym("v", y.shape[0])
    functions = _settled(functions, p)
    own[2] = casadi.MX.sym("q", functions["settled"].size_out(0))
    moved = casadi.densify(casadi.jtimes(functions["rhs"](*own), y, v))
    functions["moved"] = casadi.Function("moved", [*own, v], [moved])
    # A moving parameter is there what it is at the begin.
    initial = casadi.substitute(convert(model.concatenated_initial_conditions), t, 0)
    functions["start"] = expand_if_faster(
        casadi.Function("start", [p], [casadi.densify(initial)])
    )
    pattern = functions["newton"].sparsity_out(0)
    return Functions(
        {k: f.serialize() for k, f in functions.items()},
        int(model.len_rhs),
        int(model.len_alg),
        {x.name: (int(s[0].start), int(s[0].stop)) for x, s in model.y_slices.items()},
        tuple(e.name for e in ends),
        tuple(pattern.colind()),
        tuple(pattern.row()),
        dict(options),
    )


def _newton(own: list[Any], every: Any, mass: np.ndarray) -> casadi.Function:
    """Jacobian less the mass matrix times a factor, in scalar operations."""
    factor = casadi.MX.sym("factor")
    slopes = casadi.Function("slopes", own, [casadi.jacobian(every, own[1])])
    matrix = slopes(*own) - factor * casadi.DM(mass)
    newton = casadi.Function("newton", [*own, factor], [matrix])
    try:
        scalar = newton.expand()
    except RuntimeError:
        return newton
    own = scalar.sx_in()
    # Scalars show which entries are zero; fewer make the factorisation quicker.
    return casadi.Function("newton", own, [casadi.sparsify(scalar(*own))])


def _settled(
    functions: Mapping[str, casadi.Function], p: casadi.MX
) -> dict[str, casadi.Function]:
    """The same functions of what depends on the inputs alone, and one that gives that."""
    apart, known, size = {}, [], 0
    for name, function in functions.items():
        own = _own(function)
        called = function.call(own, True, False)
        told, symbols, given = casadi.extract_parametric(
            called, own[2], {"extract_trivial": True}
        )
        apart[name] = own, told, symbols, size
        columns = [casadi.densify(casadi.vec(x)) for x in given]
        own_part = casadi.Function("own", [own[2]], [casadi.vertcat(*columns)])
        known.append(own_part(p))
        size += known[-1].shape[0]
    found = {name: _of_settled(name, *parts, size=size) for name, parts in apart.items()}
    found["settled"] = expand_if_faster(
        casadi.Function("settled", [p], [casadi.vertcat(*known)], {"cse": True})
    )
    return found


def _of_settled(
    name: str, own: list[Any], told: list[Any], symbols: list[Any], low: int, size: int
) -> casadi.Function:
    """Function whose third argument is all that is settled, its own part from a row on."""
    q = type(own[0]).sym("q", size)
    ends = np.cumsum([low, *(x.numel() for x in symbols)]).tolist()
    pieces = casadi.vertsplit(q, sorted({0, *ends, size}))[bool(low) :]
    shaped = [
        casadi.reshape(piece, x.shape) for piece, x in zip(pieces, symbols, strict=False)
    ]
    open_ones = casadi.Function(name, [*own[:2], *symbols, *own[3:]], told)
    told = open_ones.call([*own[:2], *shaped, *own[3:]], True, False)
    return casadi.Function(name, [*own[:2], q, *own[3:]], told)
