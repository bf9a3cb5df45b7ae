"""Bands: how far each row of a validation moves with what its paper leaves open.

The 90 % band is that of cells drawn from the covariance of the fit and from all ranges. Beside
it, every parameter that the set marks with ``matters`` and a range goes to either end of it,
one at a time; fitted values stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from sscell.cells.cell import Cell
from sscell.errors import ParameterError

__all__ = ["add_bands", "add_predicted_bands", "changed_cells", "open_parameters"]


def open_parameters(cell: Cell) -> dict[str, tuple[float, float]]:
    """Ranges of what the paper leaves open and results depend on.

    Parameters
    ----------
    cell : Cell
        With its set.

    Returns
    -------
    dict of str to tuple of float
        Low and high [unit of the name].

    Examples
    --------
    >>> open_parameters(Cell.load("Liang2023"))["Upper voltage cut-off [V]"]
    (3.4, 3.8)
    """
    every = cell.parameters.parameters.values()
    return {p.name: p.range for p in every if p.matters and p.range}


def changed_cells(cell: Cell) -> tuple[dict[tuple[str, float], Cell], list[str]]:
    """Copies of a cell with one open parameter at one end of its range.

    Parameters
    ----------
    cell : Cell
        With its set.

    Returns
    -------
    dict of tuple to Cell
        By name and value [unit of the name].
    list of str
        Ends that the set cannot take alone, and why.
    """
    found, refused = {}, []
    for name, ends in open_parameters(cell).items():
        for value in ends:
            if value == cell.values[name]:
                continue
            try:
                found[name, value] = cell.replace({name: value}, "one end of its range")
            except ParameterError as error:
                refused.append(f"No band for {name} = {value:g}: {error}")
    return found, refused


def add_bands(
    rows: Sequence[dict[str, Any]],
    ends: Iterable[tuple[tuple[str, float], Sequence[Mapping[str, Any]]]],
) -> None:
    """Give each row its ``assumed_band`` and the names it ``depends_on``.

    Parameters
    ----------
    rows : sequence of dict
        Of `sscell.papers.validation.Validation`; both keys are added. It is the lowest and
        the highest value [unit of the row], None where no run has one; a row depends on
        what moves it by more than half its tolerance, or takes its value away.
    ends : iterable of tuple
        Name and value of what was changed, and the rows with it in the same order.
    """
    values = [[row["model"]] for row in rows]
    for row in rows:
        row["depends_on"] = []
    for (name, value), others in ends:
        for row, known, other in zip(rows, values, others, strict=True):
            known.append(other["model"])
            if _moved(row, other["model"]) and name not in row["depends_on"]:
                row["depends_on"].append(name)
            if other["model"] is None:
                row["note"] = f"{row['note']} No value at {name} = {value:g}.".strip()
    for row, known in zip(rows, values, strict=True):
        numbers = [v for v in known if v is not None]
        row["assumed_band"] = [min(numbers), max(numbers)] if numbers else None


def add_predicted_bands(
    rows: Sequence[dict[str, Any]],
    others: Sequence[Sequence[Mapping[str, Any]]],
    positions: np.ndarray,
) -> None:
    """Give each row its ``band``, and whether the published value lies ``inside``.

    Parameters
    ----------
    rows : sequence of dict
        Of `sscell.papers.validation.Validation`; both keys are added. The band holds 90 % of
        the draws and the model itself [unit of the row]; None where too few have a value.
    others : sequence of sequence of mapping
        Rows of each drawn cell in the same order.
    positions : numpy.ndarray, shape (draws, n)
        Where each was drawn [-].
    """
    from sscell.simulation.bands import quantile_band

    values = [[row["model"] for row in drawn] for drawn in others]
    table = np.array(values, dtype=float).reshape(len(others), len(rows))
    low, high = (
        quantile_band(table, positions) if len(others) else np.full((2, len(rows)), np.nan)
    )
    for row, a, b in zip(rows, low, high, strict=True):
        if row["model"] is None or not np.isfinite(a):
            row["band"] = row["inside"] = None
            continue
        row["band"] = [float(min(a, row["model"])), float(max(b, row["model"]))]
        row["inside"] = _inside(row)


def _inside(row: Mapping[str, Any]) -> bool:
    """Whether a published number, or some of a range or bound, lies in the band of a row."""
    low, high = row["band"]
    ends = (
        row["published"]
        if isinstance(row["published"], list | tuple)
        else [row["published"]]
    )
    if row["sense"] == "at least":
        return bool(high >= min(ends))
    if row["sense"] == "at most":
        return bool(low <= max(ends))
    return bool(low <= max(ends) and high >= min(ends))


def _moved(row: Mapping[str, Any], model: float | None) -> bool:
    if model is None or row["model"] is None:
        return model is not row["model"]
    return bool(abs(model - row["model"]) > row["tolerance"] / 2)
