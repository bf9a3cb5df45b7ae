"""Fractions that add up to one, moved together."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sscell.cells.cell import Cell
from sscell.errors import ParameterError

__all__ = ["cell_with"]


def _sites(cell: Cell) -> tuple[str, ...]:
    """Kinds of site whose fractions add up to one; none in a conversion cathode."""
    return tuple(cell.data.get("network", {}).get("sites", ()))


def cell_with(
    cell: Cell, values: Mapping[str, float], moving: Collection[str] | None = None
) -> Cell:
    """Cell with other values; what is left of the sites goes to those that do not vary.

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
        If a value is out of bounds, or the fractions of all sites vary.

    Examples
    --------
    >>> cell = cell_with(Cell.load("Liang2023"), {"Upper step fraction": 0.6})
    >>> round(cell.values["Lower step fraction"], 6)
    0.4
    """
    kinds = [f"{n} fraction" for n in _sites(cell)]
    given = {n: values[n] for n in kinds if n in values}
    if not given:
        return cell.replace(values, "a trial of the fit")
    fixed = set(moving or values)
    rest = [n for n in kinds if n not in fixed]
    taken = sum(values.get(n, cell.values[n]) for n in kinds if n in fixed)
    share = sum(cell.values[n] for n in rest)
    if not rest or taken >= 1 or share <= 0:
        raise ParameterError(
            "The fractions of the sites must add up to 1: leave at least one of "
            f"{', '.join(kinds)} out of those that vary, and bound the others."
        )
    others = {n: cell.values[n] * (1 - taken) / share for n in rest}
    return cell.replace({**values, **others}, "a trial of the fit")
