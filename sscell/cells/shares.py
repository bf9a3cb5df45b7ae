"""Fractions that add up to one, moved together."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sscell.cells.cell import Cell
from sscell.errors import ParameterError

__all__ = ["cell_with"]

_LEAST = 1e-4  # what shares that vary leave to the others


def cell_with(
    cell: Cell, values: Mapping[str, float], moving: Collection[str] | None = None
) -> Cell:
    """Cell with other values; what is left of a whole goes to the shares that do not vary.

    Which parameters are shares of one whole its host says: `Host.shares`. Those that vary
    move on their simplex: together they never exceed the whole.

    Parameters
    ----------
    cell : Cell
        What does not change.
    values : mapping of str to float
        Values by name.
    moving : collection of str, optional
        Names that vary, if more than those of `values`.

    Returns
    -------
    Cell

    Raises
    ------
    ParameterError
        If a value is out of bounds, or what does not vary of a whole is nothing.

    Examples
    --------
    >>> cell = cell_with(Cell.load("Liang2023"), {"Upper step fraction": 0.6})
    >>> round(cell.values["Lower step fraction"], 6)
    0.4
    """
    others: dict[str, float] = {}
    for group in cell.host.shares:
        if any(name in values for name in group):
            others |= _rest(cell, values, group, set(moving or values))
    return cell.replace({**values, **others}, "a trial of the fit")


def _rest(
    cell: Cell, values: Mapping[str, float], group: Collection[str], moving: set[str]
) -> dict[str, float]:
    """Shares of one whole: those that do not vary have what is left, divided as it was."""
    own = {n: values.get(n, cell.values[n]) for n in group if n in moving}
    rest = [name for name in group if name not in moving]
    taken = sum(own.values())
    if not rest and taken > 0:  # all move: only their proportions count
        return {name: value / taken for name, value in own.items()}
    share = sum(cell.values[name] for name in rest)
    if share <= 0 or (len(own) == 1 and taken >= 1):
        raise ParameterError(
            f"{', '.join(group)} must add up to 1: leave at least one of them that is not 0 "
            "out of those that vary, or let all vary."
        )
    # Beyond the edge of the simplex they keep their proportions.
    most = max(taken / (1 - _LEAST), 1.0)
    own = {name: value / most for name, value in own.items()}
    left = 1 - sum(own.values())
    return own | {name: cell.values[name] * left / share for name in rest}
