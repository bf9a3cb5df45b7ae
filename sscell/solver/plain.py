"""Functions of a model in which what is zero or one for a cell is a number.

A model has terms that many a cell does without: a film of no thickness, an exponent of one. As
long as they are inputs they are computed, a tenth to half of all operations. Which of what is
settled is zero or one differs less between cells than the values do, so that one form serves
a whole fit or sweep.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import casadi
import numpy as np

from sscell.solver import cache
from sscell.solver.functions import Functions

__all__ = ["fixed_rows", "neutral", "plain"]

_NAMES = ("rhs", "newton", "events", "outputs")
_OPEN, _ZERO, _ONE = range(3)


def fixed_rows(functions: Functions, moving: Sequence[int]) -> np.ndarray:
    """Rows of what is settled that no step of a run changes.

    Parameters
    ----------
    functions : Functions
        Of a model.
    moving : sequence of int
        Places of the inputs that differ from step to step, such as the current.

    Returns
    -------
    numpy.ndarray of bool, shape (inputs,)
    """
    pattern = functions["settled"].jac_sparsity(0, 0)
    fixed = np.ones(functions.inputs, dtype=bool)
    moved = np.isin(pattern.get_col(), moving)
    fixed[np.array(pattern.row(), dtype=int)[moved]] = False
    return fixed


def neutral(settled: np.ndarray, fixed: np.ndarray) -> bytes:
    r"""Which of what is settled is exactly zero or one, a byte for each.

    Parameters
    ----------
    settled : numpy.ndarray, shape (inputs,)
        From `Functions.settled`.
    fixed : numpy.ndarray of bool, shape (inputs,)
        From `fixed_rows`: what steps change counts as neither.

    Returns
    -------
    bytes

    Examples
    --------
    >>> neutral(np.array([0.0, 1.0, 0.0, 2.0]), np.array([True, True, False, True]))
    b'\x01\x02\x00\x00'
    """
    kinds = (settled == 0) * _ZERO + (settled == 1) * _ONE
    return (kinds * fixed).astype(np.uint8).tobytes()


def plain(functions: Functions, kinds: bytes) -> Functions:
    """The same functions where some of what is settled is zero or one.

    Only those of operations on scalars change: an operation on arrays costs hardly less with
    a zero among its numbers.

    Parameters
    ----------
    functions : Functions
        Of all values.
    kinds : bytes
        From `neutral`.

    Returns
    -------
    Functions
        For such values only; states and order of the inputs are the same.
    """
    if not any(kinds):
        return functions
    told = [functions.texts[name] for name in _NAMES if name in functions.texts]
    name = f"{cache.content_hash('plain', kinds.hex(), *told)}.json"
    known = cache.fetch(name)
    if known is not None:
        with suppress(KeyError, TypeError, ValueError):  # of another form: made anew
            return _exchanged(functions, json.loads(known))
    texts = _texts(functions, kinds)
    pattern = casadi.Function.deserialize(
        texts.get("newton", functions.texts["newton"])
    ).sparsity_out(0)  # fewer entries may be left
    told = {"texts": texts, "columns": pattern.colind(), "rows": pattern.row()}
    cache.keep(name, json.dumps(told).encode())
    return _exchanged(functions, told)


def _exchanged(functions: Functions, told: Mapping[str, Any]) -> Functions:
    """The functions with some of their texts and the pattern of their Jacobian exchanged."""
    texts = {**functions.texts, **{name: told["texts"][name] for name in told["texts"]}}
    columns, rows = (tuple(map(int, told[name])) for name in ("columns", "rows"))
    if len(columns) != functions.states + 1 or not all(
        isinstance(t, str) for t in texts.values()
    ):
        raise ValueError("no functions of this model")
    return replace(functions, texts=texts, columns=columns, rows=rows)


def _texts(functions: Functions, kinds: bytes) -> dict[str, str]:
    texts = {}
    for name in _NAMES:
        function = functions[name]
        if not function.is_a("SXFunction"):
            continue
        own = function.sx_in()
        entries = casadi.vertsplit(own[2])
        for row, kind in enumerate(kinds):
            if kind != _OPEN:
                entries[row] = casadi.SX(kind == _ONE)
        (told,) = function.call(own, True, False)
        told = casadi.substitute(told, own[2], casadi.vertcat(*entries))
        if name == "newton":
            told = casadi.sparsify(told)
        texts[name] = casadi.Function(name, own, [told], {"cse": True}).serialize()
    return texts
