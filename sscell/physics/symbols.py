"""Names of PyBaMM's types as the parts of a cell use them, and smooth corners of expressions."""

from __future__ import annotations

from typing import Any, TypeAlias

import pybamm

__all__ = ["Symbol", "Variables", "softplus"]

# An expression of PyBaMM: a state, a parameter, or what is computed from them.
Symbol: TypeAlias = pybamm.Symbol
# What a submodel gets and gives: expressions by name, with bare numbers among them.
Variables: TypeAlias = dict[str, Any]


def softplus(x: Any) -> Any:
    r"""Smooth corner, without overflow: nothing far below zero, `x` far above.

    .. math:: \ln(1 + e^x)

    Parameters
    ----------
    x : pybamm.Symbol
        In widths of the corner [-].

    Examples
    --------
    >>> [round(float(softplus(pybamm.Scalar(x)).evaluate()), 6) for x in (-20.0, 0.0, 900.0)]
    [0.0, 0.693147, 900.0]
    """
    return pybamm.maximum(x, 0) + pybamm.log(1 + pybamm.exp(-abs(x)))
