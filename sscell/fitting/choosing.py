"""Parameters worth fitting, chosen for the user: few, and those that the data pin.

One of each kind: how much material there is, what resists, one kinetic value, and where the
open-circuit voltage lies. Of several kinetic values that one is taken of which the data say
most beside the others; what they do not pin is left as it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sscell.cells.cell import Cell
from sscell.errors import ParameterError, SimulationError
from sscell.fitting.courses import Course
from sscell.fitting.identifiability import knowledge
from sscell.fitting.prepare import Bounds, prepare

__all__ = ["AUTO", "chosen"]

AUTO = "auto"
_MASS = "Positive electrode mass [kg]"
_RESISTANCE = "Contact resistance [Ohm]"
_VOLTAGE = "Negative electrode OCP [V]"  # moves the whole curve, as a reference does
_KINETIC = (
    "exchange-current density [",
    "diffusivity [",
    "rate constant [",
    "conductivity [",
)
_FACTOR = 1.5  # a mass without a range may be off by so much
_DECADES = 30.0  # likewise a kinetic value
_DROP = 0.3  # of the window: a resistance that takes more is no test of this cell
_OFFSET = 0.05  # V: no reference drifts further
_MANY = 12  # kinetic values that are tried


def chosen(cell: str | Cell, datasets: Any, **options: Any) -> tuple[Bounds, list[str]]:
    """Bounds of what ``vary="auto"`` varies, and why.

    Parameters
    ----------
    cell : str or Cell
        Where the fit starts.
    datasets : xarray.Dataset, sequence or mapping of them
        The data.
    **options
        As for `sscell.fitting.prepare.prepare`, without bounds.

    Returns
    -------
    dict of str to tuple of float
        Bounds by name, of the set's ranges where it has them.
    list of str
        What was chosen, and what was left out.

    Raises
    ------
    ParameterError
        If the data pin none of them.
    """
    cell = cell if isinstance(cell, Cell) else Cell.load(cell)
    own = ("log", "priors", "separate")  # of parameters that are named
    options = {k: v for k, v in options.items() if k not in own}
    kinetic = [n for n in cell.values if _is_kinetic(cell, n)][:_MANY]
    firm = {_MASS: _around(cell, _MASS, _FACTOR)}
    known = {n: _around(cell, n, _DECADES) for n in kinetic}
    # Resistance and offset are bounded by the data.
    problem, _ = prepare(cell, datasets, firm, **options)
    courses = [c for c in problem.courses if isinstance(c, Course)]
    if courses:
        firm |= {_RESISTANCE: _resistance(cell, courses)}
        firm |= {_VOLTAGE: _offset(cell)} if _VOLTAGE in cell.values else {}
    problem, _ = prepare(cell, datasets, firm | known, **options)
    try:
        _, jacobian = problem(problem.start())
    except SimulationError as error:
        raise ParameterError(
            f"What to vary cannot be chosen, as the cell itself fails on the data: {error}"
        ) from error
    names = [v.name for v in problem.variables]
    taken = [names.index(n) for n in firm]
    best = _most_told(jacobian, taken, [names.index(n) for n in known])
    order = taken + ([] if best is None else [best])
    variables = [problem.variables[k] for k in order]
    u = problem.start()[order]
    while order:
        told = knowledge(jacobian[:, order], variables, u)
        loose = [k for k, pinned in enumerate(told.pinned) if not pinned]
        if not loose:
            break
        worst = max(loose, key=lambda k: told.relative[k] / variables[k].width)
        for part in (order, variables):
            part.pop(worst)
        u = np.delete(u, worst)
    if not order:
        raise ParameterError("The data pin none of mass, resistance, kinetics and offset.")
    bounds = {v.name: (v.low, v.high) for v in variables}
    short = ", ".join(n.partition(" [")[0] for n in bounds)
    left = [n.partition(" [")[0] for n in firm if n not in bounds]
    remarks = [f"Chosen to vary: {short}."]
    if left:
        remarks.append(f"The data do not pin {', '.join(left)}: left as in the set.")
    return bounds, remarks


def _is_kinetic(cell: Cell, name: str) -> bool:
    if not any(kind in name for kind in _KINETIC) or cell.values[name] <= 0:
        return False
    entry = cell.parameters[name]
    return entry.kind in ("assumed", "fitted") and entry.range != (entry.value,) * 2


def _around(cell: Cell, name: str, factor: float) -> tuple[float, float]:
    """Range of the set about a value, at least its neighbourhood."""
    value, given = cell.values[name], cell.parameters[name].range
    low, high = value / factor, value * factor
    if given is not None and given[0] < value < given[1]:
        low, high = max(given[0], value / 1e3), given[1]
    quantity = cell.quantity(name)
    return max(low, quantity.lower), min(high, quantity.upper)


def _resistance(cell: Cell, courses: list[Course]) -> tuple[float, float]:
    largest = max(abs(s.current) for c in courses for s in c.segments)
    width = max(c.window[1] - c.window[0] for c in courses)
    return 0.0, max(_DROP * width / largest, 2 * cell.values[_RESISTANCE])


def _offset(cell: Cell) -> tuple[float, float]:
    value, quantity = cell.values[_VOLTAGE], cell.quantity(_VOLTAGE)
    return max(value - _OFFSET, quantity.lower), min(value + _OFFSET, quantity.upper)


def _most_told(jacobian: np.ndarray, taken: list[int], others: list[int]) -> int | None:
    """Column of which most is left beside those that are taken."""
    if not others:
        return None
    basis, _ = np.linalg.qr(jacobian[:, taken])
    left = jacobian[:, others] - basis @ (basis.T @ jacobian[:, others])
    sizes = np.linalg.norm(left, axis=0)
    return others[int(np.argmax(sizes))] if sizes.max() > 0 else None
