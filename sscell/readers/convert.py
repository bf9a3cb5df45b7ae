"""Columns of a file as numbers in the units of this package."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sscell.errors import DataError, ParameterError
from sscell.readers.cells import numbers
from sscell.readers.columns import Column
from sscell.readers.names import QUANTITIES
from sscell.readers.text import Table
from sscell.units import parse_quantity

__all__ = ["NO_UNIT", "UNITS", "column_values", "missing", "unit_factor"]

UNITS = {q.key: q.default_unit for q in QUANTITIES}
NO_UNIT = "No unit is stated; taken:"
# Per area or mass of the electrode: what multiplies or divides to the cell's own number.
_PER = {"/cm**2": ("area", 1.0), "/m**2": ("area", 1e-4), "/mm**2": ("area", 1e2),
        "/g": ("mass", 1.0), "/kg": ("mass", 1e-3), "/mg": ("mass", 1e3)}  # fmt: skip
_TIMES = {"*cm**2": ("area", 1.0), "*m**2": ("area", 1e-4), "*mm**2": ("area", 1e2)}


def column_values(
    table: Table,
    key: str,
    column: Column,
    notes: list[str],
    scale: Mapping[str, float | None],
) -> np.ndarray:
    """Numbers of one column in the unit of the dataset.

    Parameters
    ----------
    table : Table
        As read.
    key : str
        Which quantity.
    column : Column
        Where it stands.
    notes : list of str
        Receives units that were assumed.
    scale : mapping
        ``area`` [cm2] and ``mass`` [g], or None.

    Returns
    -------
    numpy.ndarray, shape (n,)
        NaN where a cell is no number.

    Raises
    ------
    DataError
        If the unit is none of this quantity.
    """
    values = numbers(table.frame[column.header])
    target = UNITS[key]
    if not target:
        return values
    if not column.stated and key in ("voltage", "current", "frequency", "real", "imaginary",
                                     "modulus", "phase"):  # fmt: skip
        notes.append(f"{NO_UNIT} '{column.header}' as {target}")
    if key == "temperature":
        return _celsius(values, column, notes)
    factor = unit_factor(column, key, target, scale)
    return (-values if column.negative else values) * factor


def _celsius(values: np.ndarray, column: Column, notes: list[str]) -> np.ndarray:
    if column.unit == "kelvin":
        return values - 273.15
    if column.unit == "degF":
        return (values - 32) / 1.8
    if column.unit == "degC" and column.stated:
        return values
    if column.unit == "degC":
        good = values[np.isfinite(values)]
        if good.size and good.min() > 200 and good.max() < 500:
            notes.append(
                f"No unit is stated for '{column.header}' and it stays between "
                f"{good.min():.4g} and {good.max():.4g}: taken as kelvin."
            )
            return values - 273.15
        return values
    raise DataError(f"Column '{column.header}' has no unit of temperature.")


def unit_factor(
    column: Column, key: str, target: str, scale: Mapping[str, float | None]
) -> float:
    """Factor from the unit of a column to that of its quantity.

    Parameters
    ----------
    column : Column
        Where it stands.
    key : str
        Which quantity.
    target : str
        Unit of the dataset.
    scale : mapping
        ``area`` [cm2] and ``mass`` [g], or None.

    Returns
    -------
    float

    Raises
    ------
    DataError
        If it is no unit of this quantity, or the area or mass is needed and not given.

    Examples
    --------
    >>> unit_factor(Column("j/mA cm-2", "mA/cm**2"), "current", "A", {"area": 2.0})
    0.002
    """
    unit = column.unit
    if not unit:
        return 1.0
    if key == "frequency" and unit == "rad/s":
        return 1 / (2 * np.pi)
    for ending, (name, size) in (_PER if target in ("A", "A.h", "W.h") else _TIMES).items():
        if unit.endswith(ending):
            given = scale.get(name)
            what = "a current" if target == "A" else "an impedance" if key in (
                "real", "imaginary", "modulus") else "a quantity"  # fmt: skip
            if given is None:
                raise DataError(
                    f"Column '{column.header}' is {what} in {_spoken(unit)}: give the {name} "
                    f"(--{name}) to convert it to {target}."
                )
            own = parse_quantity(f"1 {unit.removesuffix(ending)}", target, key)
            return own * given * size if ending in _PER else own / (given * size)
    try:
        return parse_quantity(f"1 {unit}", target, key)
    except ParameterError as error:
        raise DataError(
            f"Column '{column.header}' was taken as {key}, but its unit '{_spoken(unit)}' is "
            f"not a unit of {key} such as {target}. Name the right column with --columns "
            f"'{key}=HEADER', and its unit if it is none of the header's, as in "
            f"'{key}=HEADER:{target}'."
        ) from error


def _spoken(unit: str) -> str:
    return unit.replace("**", "").replace("*", " ")


def missing(table: Table, columns: Mapping[str, Column], needed: tuple[str, ...]) -> None:
    """Raise unless the columns that are needed are there.

    Parameters
    ----------
    table : Table
        As read.
    columns : mapping of str to Column
        What was recognised.
    needed : tuple of str
        Quantities.

    Raises
    ------
    DataError
        Names the missing ones and the headers of the file.
    """
    absent = [k for k in needed if k not in columns]
    if absent:
        there = ", ".join(repr(str(h)) for h in table.frame.columns)
        example = ",".join(f"{k}=HEADER" for k in absent)
        raise DataError(
            f"The file has no column for {' and no column for '.join(absent)}; it has "
            f"{there}. Name it with --columns '{example}'."
            + (
                " A voltammogram without it is read with --scan-rate."
                * (absent == ["time"])
            )
        )
