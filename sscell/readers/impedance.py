"""Spectra from the columns of a file: parts or modulus and phase, one sweep or many."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from sscell.dataset import spectrum
from sscell.errors import DataError
from sscell.readers.columns import Column
from sscell.readers.convert import column_values
from sscell.readers.findings import Findings, factor_words, other_column
from sscell.readers.text import Table

__all__ = ["has_spectra", "read_spectra", "spectral_keys"]

_BACK = 0.3  # of the range of a sweep in decades: a longer way back begins another


def spectral_keys(columns: Mapping[str, Column]) -> tuple[str, str, str] | None:
    """Which three columns hold the impedance, or None.

    Parameters
    ----------
    columns : mapping of str to Column
        What was recognised.

    Returns
    -------
    tuple of str or None
        Frequency and two more; real and imaginary part before modulus and phase.
    """
    if "frequency" not in columns:
        return None
    for pair in (("real", "imaginary"), ("modulus", "phase")):
        if all(k in columns for k in pair):
            return ("frequency", *pair)
    return None


def has_spectra(table: Table, columns: Mapping[str, Column]) -> np.ndarray | None:
    """Rows of a table that are points of a spectrum.

    Parameters
    ----------
    table : Table
        As read.
    columns : mapping of str to Column
        What was recognised.

    Returns
    -------
    numpy.ndarray of bool, or None
        None where it has no such columns or no such row.
    """
    keys = spectral_keys(columns)
    if keys is None:
        return None
    parts = {k: column_values(table, k, columns[k], [], _ONES) for k in keys}
    rows = np.isfinite(parts["frequency"]) & (parts["frequency"] > 0)
    # Rows of another technique carry zeros.
    rows &= (np.nan_to_num(parts[keys[1]]) != 0) | (np.nan_to_num(parts[keys[2]]) != 0)
    return rows if rows.sum() >= 3 else None


_ONES = {"area": 1.0, "mass": 1.0}


def read_spectra(
    table: Table,
    columns: Mapping[str, Column],
    notes: list[str],
    scale: Mapping[str, float | None],
) -> tuple[xr.Dataset, Findings]:
    """Spectra of a table.

    Parameters
    ----------
    table : Table
        As read.
    columns : mapping of str to Column
        What was recognised.
    notes : list of str
        Receives what was dropped or assumed.
    scale : mapping
        ``area`` [cm2] and ``mass`` [g], or None.

    Returns
    -------
    tuple of (xarray.Dataset, Findings)
        On ``frequency``, or on ``state`` and ``frequency`` with NaN where one sweep lacks
        a frequency of another.

    Raises
    ------
    DataError
        If there are fewer than three points.
    """
    keys = spectral_keys(columns)
    if keys is None:
        raise DataError("The file holds no impedance.")
    values = {k: column_values(table, k, columns[k], notes, scale) for k in keys}
    frequency = values["frequency"]
    z = _complex(values, columns, notes)
    good = np.isfinite(frequency) & (frequency > 0) & np.isfinite(z)
    others = ~good & ((frequency == 0) | ~np.isfinite(frequency)) & ("time" in columns)
    lost = ~good & ~others
    if lost.sum() > max(2, 0.05 * (good | lost).sum()):
        row = int(np.argmax(lost))
        raise DataError(
            f"{int(lost.sum())} of {int((good | lost).sum())} points of the spectrum cannot be "
            f"read, the first in row {row + 1}: '{table.quote(row)}'."
        )
    if lost.any():
        count = "1 row" if lost.sum() == 1 else f"{int(lost.sum())} rows"
        notes.append(
            f"{count} dropped of {len(good)} (first: row {int(np.argmax(lost)) + 1}): a number "
            "is missing or the frequency is not positive."
        )
    if others.any():
        notes.append(
            f"{int(others.sum())} of {len(good)} rows are no points of a spectrum and were "
            "left out."
        )
    rows = np.flatnonzero(good)
    frequency, z = frequency[rows], z[rows]
    if len(rows) < 3:
        raise DataError("The file holds fewer than three impedance points.")
    found = _check(table, columns, frequency, z, rows, scale)
    if np.mean(np.imag(z) > 0) > 0.8 and not any("Im Z" in w for w in found.warnings):
        header = columns[keys[2]].header
        notes.append(
            "Im Z is positive at most frequencies; if the file holds -Im Z, say "
            f"--columns '{keys[2]}=-{header}'."
        )
    return _arranged(
        frequency, z, _sweeps(frequency, _numbers(table, columns, rows))
    ), found


def _check(
    table: Table,
    columns: Mapping[str, Column],
    frequency: np.ndarray,
    z: np.ndarray,
    rows: np.ndarray,
    scale: Mapping[str, float | None],
) -> Findings:
    """Compare a spectrum with the modulus and phase of its file."""
    found = Findings()
    used = {columns[k].header for k in ("real", "imaginary") if k in columns}
    if not used:
        return found
    if "modulus" in columns and columns["modulus"].header not in used:
        other = other_column(table, columns["modulus"], "modulus", rows, scale)
        if other is not None and np.all(other > 0):
            ratio = np.abs(z) / other
            middle = float(np.median(ratio))
            if abs(middle - 1) > 0.02:
                found.warnings.append(
                    f"|Z| from the real and imaginary part is {np.median(np.abs(z)):.4g} Ohm in "
                    f"the middle of the spectrum, but the file's column "
                    f"'{columns['modulus'].header}' says {np.median(other):.4g} Ohm: "
                    f"{factor_words(middle)}."
                )
            else:
                found.agree("|Z| agrees", middle - 1)
    if "phase" in columns:
        other = other_column(table, columns["phase"], "phase", rows, scale)
        if other is not None and np.abs(other).max() > 1:
            ours = np.degrees(np.angle(z))
            clear = (np.abs(ours) > 2) & (np.abs(other) > 2)
            if clear.sum() >= 3:
                # Degrees under a header that says radian mislead nobody here.
                if columns["phase"].unit == "radian" and np.abs(other).max() > 360:
                    other = np.radians(other)
                same = np.median(np.abs(ours[clear] - other[clear]))
                turned = np.median(np.abs(ours[clear] + other[clear]))
                if turned < 1 < same:
                    found.warnings.append(
                        f"The sign of Im Z contradicts the phase in column "
                        f"'{columns['phase'].header}'; if the file holds -Im Z, say --columns "
                        f"'imaginary=-{columns['imaginary'].header}'."
                    )
                elif same > 3:
                    found.warnings.append(
                        f"The phase from the real and imaginary part misses the file's column "
                        f"'{columns['phase'].header}' by {same:.3g} degrees."
                    )
                else:
                    found.agree("phase agrees")
    return found


def _complex(
    values: Mapping[str, np.ndarray], columns: Mapping[str, Column], notes: list[str]
) -> np.ndarray:
    if "real" in values:
        return values["real"] + 1j * values["imaginary"]
    phase = values["phase"]
    if not columns["phase"].stated and np.nanmax(np.abs(phase)) <= 1.6:
        notes.append(
            f"The phase in column '{columns['phase'].header}' states no unit and stays within "
            "1.6: taken as radian."
        )
        phase = np.degrees(phase)
    return values["modulus"] * np.exp(1j * np.radians(phase))


def _numbers(
    table: Table, columns: Mapping[str, Column], rows: np.ndarray
) -> np.ndarray | None:
    if "cycle" not in columns:
        return None
    number = column_values(table, "cycle", columns["cycle"], [], {})[rows]
    return number if np.isfinite(number).all() else None


def _sweeps(frequency: np.ndarray, number: np.ndarray | None) -> list[np.ndarray]:
    """Rows of each sweep: a new one begins where the frequency goes a long way back.

    One point out of order, or one repeated, is no new sweep.
    """
    cuts = set()
    if number is not None:
        cuts |= set((np.flatnonzero(np.diff(number)) + 1).tolist())
    move = np.diff(np.log10(frequency))
    way = np.sign(np.median(move[move != 0])) if np.any(move != 0) else 0.0
    reach = np.ptp(np.log10(frequency))
    cuts |= set((np.flatnonzero(-way * move > _BACK * reach) + 1).tolist())
    edges = [0, *sorted(cuts), len(frequency)]
    parts = [np.arange(a, b) for a, b in zip(edges[:-1], edges[1:], strict=True)]
    # Down and up again: a turn that lasts.
    return [piece for part in parts for piece in _turns(frequency, part)]


def _turns(frequency: np.ndarray, rows: np.ndarray) -> list[np.ndarray]:
    move = np.sign(np.diff(np.log10(frequency[rows])))
    if len(rows) < 6 or not move.any():
        return [rows]
    smooth = np.array(
        [np.sign(move[max(k - 2, 0) : k + 3].sum()) for k in range(len(move))]
    )
    turns = np.flatnonzero(smooth[1:] * smooth[:-1] < 0) + 1
    if not len(turns):
        return [rows]
    return [p for p in np.split(rows, turns + 1) if len(p)]


def _arranged(frequency: np.ndarray, z: np.ndarray, sweeps: list[np.ndarray]) -> xr.Dataset:
    whole = [rows for rows in sweeps if len(rows) >= 3]
    if len(whole) <= 1:
        rows = whole[0] if whole and len(whole[0]) == len(frequency) else slice(None)
        return spectrum(
            {
                "Frequency [Hz]": frequency[rows],
                "Z real [Ohm]": np.real(z)[rows],
                "Z imaginary [Ohm]": np.imag(z)[rows],
            }
        )
    first = whole[0]
    same = all(
        len(r) == len(first) and np.allclose(frequency[r], frequency[first], rtol=1e-3)
        for r in whole
    )
    axis = frequency[first] if same else _common(frequency, whole)
    table = np.full((len(whole), len(axis)), np.nan + 1j * np.nan)
    for k, rows in enumerate(whole):
        at = np.arange(len(axis)) if same else _nearest(axis, frequency[rows])
        table[k, at] = z[rows]
    return spectrum(
        {
            "Frequency [Hz]": axis,
            "Z real [Ohm]": np.real(table),
            "Z imaginary [Ohm]": np.imag(table),
        },
        states=[str(k + 1) for k in range(len(whole))],
    )


def _common(frequency: np.ndarray, sweeps: list[np.ndarray]) -> np.ndarray:
    """All frequencies of the sweeps, falling; those within 0.1 % are one."""
    every = np.sort(np.concatenate([frequency[rows] for rows in sweeps]))[::-1]
    keep = np.append(True, np.diff(np.log(every)) < -1e-3)
    return every[keep]


def _nearest(axis: np.ndarray, frequency: np.ndarray) -> np.ndarray:
    """Places of frequencies on the falling axis."""
    rising = np.log(axis[::-1])
    middle = (rising[1:] + rising[:-1]) / 2
    return len(axis) - 1 - np.searchsorted(middle, np.log(frequency))
