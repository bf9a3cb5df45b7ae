"""Names of PyBaMM's types as the parts of a cell use them."""

from __future__ import annotations

from typing import Any, TypeAlias

import pybamm

__all__ = ["Symbol", "Variables"]

# An expression of PyBaMM: a state, a parameter, or what is computed from them.
Symbol: TypeAlias = pybamm.Symbol
# What a submodel gets and gives: expressions by name, with bare numbers among them.
Variables: TypeAlias = dict[str, Any]
