"""Outputs at many times: each operation is done for a block of them at once.

CasADi takes some nanoseconds to come to an operation on scalars, and a fraction of one for each
further number where it is on arrays. So the scalar operations of a function are written down
once more, in the same order, for arrays over the times. The numbers are the same to the last bit.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import casadi
import numpy as np

from sscell.solver.functions import Functions

__all__ = ["Outputs", "over_rows"]

_SIZES = (256, 32)  # times of a block
_FEW = 16  # times that are faster one by one
# Times that were evaluated before writing the operations down pays: of a function in operations on
# scalars, which has some hundreds of them, and of one on arrays, which has thousands.
_PAYS, _PAYS_MANY = 1000, 4000


class Outputs:
    """Some of a model's outputs, at any number of times with the inputs in common.

    Parameters
    ----------
    functions : Functions
        Of the model.
    rows : tuple of int, optional
        Places of the wanted ones among all outputs; default: all.
    """

    def __init__(self, functions: Functions, rows: tuple[int, ...] | None = None):
        self._functions, self._rows = functions, rows
        self._buffers: dict[int, Any] = {}
        self._seen = 0

    def __call__(self, t: np.ndarray, y: np.ndarray, settled: np.ndarray) -> np.ndarray:
        """Evaluate.

        Parameters
        ----------
        t : numpy.ndarray, shape (n,)
            Times [s].
        y : numpy.ndarray, shape (states, n)
            States at these times, as the solver scales them [-].
        settled : numpy.ndarray, shape (inputs,)
            From `Functions.settled`.

        Returns
        -------
        numpy.ndarray, shape (outputs, n)
        """
        count, begin = t.size, 0
        found = np.empty((self._one.numel_out(0), count))
        wide = self._seen > self._pays and self._scalar is not None
        self._seen += count
        while begin < count:
            left = count - begin
            if not wide or left < _FEW:
                self._one_by_one(t[begin:], y[:, begin:], settled, found[:, begin:])
                break
            size = next((n for n in _SIZES if left > n // 4), _SIZES[-1])
            # The last block may do some times once more.
            rows = slice(max(min(begin, count - size), 0), begin + min(left, size))
            found[:, rows] = self._block(size, t[rows], y[:, rows], settled)
            begin = rows.stop
        return found

    @cached_property
    def _one(self) -> casadi.Function:
        if self._rows is None:
            return self._functions["outputs"]
        return self._functions.some_outputs(self._rows)

    @cached_property
    def _open(self) -> casadi.Function:
        """The same, not compiled."""
        functions = self._functions
        if self._rows is None and "all outputs" in functions.texts:
            return functions["all outputs"]
        return self._one

    @cached_property
    def _pays(self) -> int:
        return _PAYS if self._open.is_a("SXFunction") else _PAYS_MANY

    @cached_property
    def _scalar(self) -> casadi.Function | None:
        """The same in operations on scalars; None where there are none."""
        own = self._open
        try:
            return own if own.is_a("SXFunction") else own.expand()
        except RuntimeError:  # such as an interpolation, which has no scalar form
            return None

    def _buffer(self, size: int) -> Any:
        if size not in self._buffers:
            scalar = self._scalar if size > 1 else None
            function = self._one if scalar is None else over_rows(scalar, size)
            self._buffers[size] = function.buffer()
        return self._buffers[size]

    def _one_by_one(
        self, t: np.ndarray, y: np.ndarray, settled: np.ndarray, found: np.ndarray
    ) -> None:
        # Through CasADi's buffers: handing it arrays costs more than the evaluation itself.
        buffer, evaluate = self._buffer(1)
        times, states = np.array(t, dtype=float), np.array(y.T, dtype=float, order="C")
        table = np.empty((t.size, len(found)))
        buffer.set_arg(2, settled.data)
        for k in range(t.size):
            buffer.set_arg(0, times[k : k + 1].data)
            buffer.set_arg(1, states[k].data)
            buffer.set_res(0, table[k].data)
            evaluate()
        found[:] = table.T

    def _block(
        self, size: int, t: np.ndarray, y: np.ndarray, settled: np.ndarray
    ) -> np.ndarray:
        buffer, evaluate = self._buffer(size)
        times, states = np.empty(size), np.empty((len(y), size))
        times[: t.size], times[t.size :] = t, t[-1]
        states[:, : t.size], states[:, t.size :] = y, y[:, -1:]
        table = np.empty((self._one.numel_out(0), size))
        for k, argument in enumerate((times, states, settled)):
            buffer.set_arg(k, argument.data)
        buffer.set_res(0, table.data)
        evaluate()
        return table[:, : t.size]


def over_rows(function: casadi.Function, size: int) -> casadi.Function:
    """A function of scalars for several times and states at once.

    Parameters
    ----------
    function : casadi.Function
        Of time, state and what is settled, in operations on scalars.
    size : int
        Number of times.

    Returns
    -------
    casadi.Function
        Of times (size, 1), states (size, states) and what is settled; gives a table of
        shape (size, entries) for each output, of its structural nonzeros.
    """
    t = casadi.MX.sym("t", size)
    y = casadi.MX.sym("y", size, function.numel_in(1))
    p = casadi.MX.sym("p", function.numel_in(2))
    given = [[t], casadi.horzsplit(y), casadi.vertsplit(p)]
    work: list[Any] = [None] * function.sz_w()
    found: list[list[Any]] = [[None] * function.nnz_out(k) for k in range(function.n_out())]
    for k in range(function.n_instructions()):
        operation = function.instruction_id(k)
        inputs, outputs = function.instruction_input(k), function.instruction_output(k)
        if operation == casadi.OP_OUTPUT:
            value = work[inputs[0]]
            if value.numel() != size:  # of constants and inputs alone
                value = casadi.repmat(value, size, 1)
            found[outputs[0]][outputs[1]] = value
        elif operation == casadi.OP_CONST:
            work[outputs[0]] = casadi.MX(function.instruction_constant(k))
        elif operation == casadi.OP_INPUT:
            work[outputs[0]] = given[inputs[0]][inputs[1]]
        elif len(inputs) == 1:
            work[outputs[0]] = casadi.MX.unary(operation, work[inputs[0]])
        else:
            work[outputs[0]] = casadi.MX.binary(operation, *(work[i] for i in inputs))
    tables = [casadi.horzcat(*columns) for columns in found]
    return casadi.Function("over_rows", [t, y, p], tables)
