"""What a run needs of a built model: its functions, each in the form that evaluates fastest.

They can be written down and read again, so that a new process need not build the model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import casadi
import numpy as np

__all__ = ["Functions", "leaner", "made"]

_CALLS_PER_SCALAR = 12  # an operation on arrays costs as much as so many on scalars


@dataclass(frozen=True, eq=False)
class Functions:
    """Functions of a built model, of time, state and inputs in one column.

    Parameters
    ----------
    texts : mapping of str to str
        Serialised: ``rhs`` (differential and algebraic equations), ``events``, ``start``
        (of the inputs alone), ``newton`` (Jacobian less the mass matrix times a factor),
        ``moved`` (Jacobian times a vector), ``outputs``, and ``algebraic`` with
        ``algebraic_slopes`` where there are such equations.
    differential, algebraic : int
        Numbers of equations [-].
    slices : mapping of str to tuple of int
        First row and row past the last of every unknown.
    events : tuple of str
        Names.
    columns, rows : tuple of int
        Sparsity of ``newton``.
    """

    texts: Mapping[str, str]
    differential: int
    algebraic: int
    slices: Mapping[str, tuple[int, int]]
    events: tuple[str, ...]
    columns: tuple[int, ...]
    rows: tuple[int, ...]

    @property
    def states(self) -> int:
        """Number of all unknowns."""
        return self.differential + self.algebraic

    def shares_states(self, other: Functions) -> bool:
        """Whether a state of the other is one of these, unknown for unknown."""
        return self.slices is other.slices

    def __getitem__(self, name: str) -> casadi.Function:
        found = self._read.get(name)
        if found is None:
            found = self._read[name] = casadi.Function.deserialize(self.texts[name])
        return found

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


def made(model: Any, names: Sequence[str], outputs: Sequence[str]) -> Functions:
    """Functions of a model.

    Parameters
    ----------
    model : pybamm.BaseModel
        Discretised, in standard form.
    names : sequence of str
        Of all inputs, in the order of their values.
    outputs : sequence of str
        Variables that a result has.

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
        k: leaner(casadi.Function(k, own, [part], {"cse": True}))
        for k, part in parts.items()
    }
    initial = convert(model.concatenated_initial_conditions)
    functions["start"] = leaner(casadi.Function("start", [p], [initial]))
    moved = casadi.densify(casadi.jtimes(every, y, v))
    functions["moved"] = casadi.Function("moved", [*own, v], [moved])
    functions["newton"] = _newton(own, every, model.mass_matrix.entries)
    pattern = functions["newton"].sparsity_out(0)
    return Functions(
        {k: f.serialize() for k, f in functions.items()},
        int(model.len_rhs),
        int(model.len_alg),
        {x.name: (int(s[0].start), int(s[0].stop)) for x, s in model.y_slices.items()},
        tuple(e.name for e in ends),
        tuple(pattern.colind()),
        tuple(pattern.row()),
    )


def _newton(own: list[Any], every: Any, mass: np.ndarray) -> casadi.Function:
    """Jacobian less the mass matrix times a factor, in scalar operations."""
    factor = casadi.MX.sym("factor")
    slopes = casadi.Function("slopes", own, [casadi.jacobian(every, own[1])])
    matrix = slopes(*own) - factor * casadi.DM(mass)
    newton = casadi.Function("newton", [*own, factor], [matrix])
    try:
        return newton.expand()
    except RuntimeError:
        return newton
