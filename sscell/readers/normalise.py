"""From the columns of a file to the dataset: which are used, and what is said of it."""

from __future__ import annotations

import warnings as python_warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from sscell.dataset import set_metadata
from sscell.errors import DataError
from sscell.readers.cells import numbers
from sscell.readers.columns import Column, match_columns
from sscell.readers.convert import NO_UNIT, UNITS, missing
from sscell.readers.findings import Findings
from sscell.readers.impedance import has_spectra, read_spectra
from sscell.readers.series import read_series
from sscell.readers.text import Table

__all__ = ["KINDS", "recognised", "to_dataset"]

KINDS = ("series", "spectra")
_SPECTRAL = ("frequency", "real", "imaginary")


def to_dataset(
    table: Table,
    mapping: Mapping[str, str],
    *,
    mass: float | None = None,
    area: float | None = None,
    current_sign: str | None = None,
    temperature: float | None = None,
    scan_rate: float | None = None,
    kind: str | None = None,
) -> xr.Dataset:
    """Convert the columns of a file to the dataset of this package.

    Parameters
    ----------
    table : Table
        As read from the file.
    mapping : mapping of str to str
        Which header is which quantity, where the user says so.
    mass : float, optional
        [g] of the capacity basis.
    area : float, optional
        [cm2] of the electrode.
    current_sign : str, optional
        ``"charge"`` or ``"discharge"``: what a positive current does in the file.
    temperature : float, optional
        [degC], where the file has none.
    scan_rate : float, optional
        [V/s], of a voltammogram without a time.
    kind : str, optional
        ``"series"`` or ``"spectra"`` of a file that holds both; default: spectra.

    Returns
    -------
    xarray.Dataset
        Positive current discharges.

    Raises
    ------
    DataError
        If a needed column is missing, or the numbers are not what their headers say.
    """
    columns = match_columns(table.frame.columns, mapping)
    notes = list(table.warnings)
    if table.attributes.pop("headerless", False):
        columns |= _headerless(table, columns, notes)
    scale = {"area": area, "mass": mass, "scan_rate": scan_rate}
    points = has_spectra(table, columns)
    both = points is not None and not points.all() and _has_series(table, columns, points)
    if points is not None and (not both or kind != "series"):
        data, found = read_spectra(table, columns, notes, scale)
    else:
        if points is not None:
            notes.append(
                f"{int(points.sum())} rows of impedance were left out of the series; --kind "
                "spectra reads them."
            )
            table.take(~points)
        elif "frequency" in columns and "time" not in columns:
            missing(table, columns, _SPECTRAL)
        data, found = read_series(table, columns, notes, scale, current_sign)
    notes = _merged([*notes, *found.warnings])
    used = {c.header for c in columns.values()}
    unread = [str(h) for h in table.frame.columns if h not in used]
    if temperature is not None and "Temperature [degC]" not in data and "time" in data.dims:
        values = np.full(data.sizes["time"], float(temperature))
        data["Temperature [degC]"] = ("time", values, {"units": "degC"})
    set_metadata(
        data,
        **table.attributes,
        format=table.format,
        temperature_C=temperature,
        area_cm2=area,
        capacity_basis=None if mass is None else "given mass",
        capacity_basis_mass_g=mass,
        unread_columns=unread or None,
        warnings=notes or None,
        holds=list(KINDS) if both else None,
        recognised=recognised(data, table.format, found),
    )
    for note in notes:
        python_warnings.warn(note, stacklevel=4)
    return data


def recognised(data: xr.Dataset, form: str, found: Findings | None = None) -> str:
    """One line that says what a file was taken for.

    Parameters
    ----------
    data : xarray.Dataset
        As read.
    form : str
        Name of its format.
    found : Findings, optional
        From the comparison with the file's other columns.

    Returns
    -------
    str
        Such as ``"Neware .nda, 439 rows, 3 cycles, discharge negative"``.
    """
    words = [form if form != "table" else "text table"]
    if "frequency" in data.dims:
        states = data.sizes.get("state", 1)
        words.append("1 spectrum" if states == 1 else f"{states} spectra")
        words.append(f"{data.sizes['frequency']} frequencies")
    else:
        words.append(f"{data.sizes['time']} rows")
        if "Cycle" in data:
            count = len(np.unique(data["Cycle"].values))
            words.append("1 cycle" if count == 1 else f"{count} cycles")
        sign = data.attrs.pop("sign_in_file", None)
        if sign:
            words.append(sign if sign != "unsigned" else "currents without sign")
    return ", ".join([*words, *(found.agrees if found else ())])


def _has_series(table: Table, columns: Mapping[str, Column], points: np.ndarray) -> bool:
    """Whether the rows that are no points of a spectrum are a series."""
    if not all(k in columns for k in ("time", "voltage", "current")):
        return False
    rest = table.frame[~points]
    filled = [np.isfinite(numbers(rest[columns[k].header])) for k in ("voltage", "current")]
    return int(np.all(filled, axis=0).sum()) >= 3


def _merged(notes: list[str]) -> list[str]:
    """One note for all the columns without a unit."""
    bare = [n.removeprefix(NO_UNIT).strip() for n in notes if n.startswith(NO_UNIT)]
    rest = [n for n in notes if not n.startswith(NO_UNIT)]
    return [*rest, f"{NO_UNIT} {', '.join(bare)}."] if bare else rest


def _headerless(
    table: Table, columns: dict[str, Column], notes: list[str]
) -> dict[str, Column]:
    frame: Any = table.frame
    if columns or frame.shape[1] < 3:
        return {}
    head = [str(h) for h in frame.columns[:3]]
    f = numbers(frame[head[0]])
    if len(f) > 4 and np.all(f > 0):
        ratio = np.diff(np.log(f))
        if np.all(ratio > 0) or np.all(ratio < 0):
            notes.append(
                "The file names no columns; the first three were taken as frequency [Hz], "
                "Z real [Ohm] and Z imaginary [Ohm]."
            )
            return {
                key: Column(h, UNITS[key], False)
                for key, h in zip(_SPECTRAL, head, strict=True)
            }
    raise DataError(
        "The file names no columns. Say which is which, for example "
        "--columns 'time=column 1,voltage=column 2,current=column 3:mA'."
    )
