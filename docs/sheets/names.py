"""Reference of parameter names: everything that physics asks of a set."""

from __future__ import annotations

import math
from collections import defaultdict

from sheets import markdown as md

__all__ = ["pages"]


def pages() -> dict[str, str]:
    """The page of parameter names."""
    from sscell.cells.cell import Cell
    from sscell.cells.library import available

    quantities, users = {}, defaultdict(list)
    for name in available():
        for quantity in Cell.load(name).quantities:
            quantities.setdefault(quantity.name, quantity)
            users[quantity.name].append(name.partition("-")[0])
    groups = defaultdict(list)
    for name in sorted(quantities, key=str.lower):
        groups[_group(name)].append(name)
    parts = [
        "Names are PyBaMM's notation, with the unit in brackets. A set may give any of these; "
        "what has a neutral default switches its effect off where a set is silent. `--set "
        '"NAME=value"`, `--vary "NAME=low:high"` and `cell.replace({...})` take them as they '
        "stand here. Kinds of site, phases and reactions bear the names that a set gives "
        "them, so that a set of yours has names of its own: `sscell show mycell.toml`.",
        f"{len(quantities)} names of the published sets.",
    ]
    for group in (*_GROUPS, _REST):
        names = groups[group]
        rows = []
        for name in names:
            q = quantities[name]
            default = "" if q.default is None else md.number(q.default)
            sets = ", ".join(dict.fromkeys(users[name]))
            rows.append((md.code(name), md.cell(q.meaning), _bounds(q), default, sets))
        heads = ["name", "meaning", "allowed", "neutral default", "sets"]
        parts += [f"## {group}", md.table(heads, rows)]
    return {"parameters.md": md.page("Parameter names", parts)}


_GROUPS = (
    "Positive electrode",
    "Positive particle",
    "Negative electrode",
    "Negative particle",
    "Separator",
    "Contact",
    "Electrolyte",
)
_REST = "Cell, phases, sites and reactions"


def _group(name: str) -> str:
    for group in _GROUPS:
        if group.lower() in name.lower():
            return group
    return _REST


def _bounds(quantity: object) -> str:
    low, high = quantity.lower, quantity.upper
    if math.isinf(low) and math.isinf(high):
        return "any"
    if math.isinf(high):
        return f"from {md.number(low)}"
    return f"{md.number(low)} to {md.number(high)}"
