"""Cells of text as numbers, for whole columns at once."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["Group", "as_numbers", "even_cells", "fraction", "has_numbers", "numbers"]


def as_numbers(cells: Any) -> Any:
    """Cells as pandas reads numbers; the others are missing.

    Parameters
    ----------
    cells : pandas.Series
        Any.

    Returns
    -------
    pandas.Series
    """
    import pandas as pd

    return pd.to_numeric(cells, errors="coerce")


def numbers(series: Any) -> np.ndarray:
    """A column as numbers; what is none becomes NaN.

    Parameters
    ----------
    series : pandas.Series
        Any.

    Returns
    -------
    numpy.ndarray, shape (n,)
    """
    if series.dtype.kind in "mM":
        return np.full(len(series), np.nan)
    if series.dtype.kind not in "iufb":
        if not has_numbers(series):
            return np.full(len(series), np.nan)
        text = series.astype("string").str.strip()
        found = as_numbers(text)
        if found.isna().any():
            # Fortran's exponents, and decimal commas where the rest of the file has points.
            odd = text.str.replace("D", "E", regex=False).str.replace(",", ".", regex=False)
            found = found.fillna(as_numbers(odd))
        series = found
    return np.asarray(series, dtype=float)


def has_numbers(series: Any) -> bool:
    """Whether a column of text holds numbers at all, by a sample over its whole length.

    Parameters
    ----------
    series : pandas.Series
        Any.

    Returns
    -------
    bool
    """
    if series.dtype.kind in "iufb" or len(series) < 4000:
        return True
    sample = series.iloc[:: max(len(series) // 2000, 1)].dropna()
    text = sample.astype(str).str.strip().str.replace(",", ".", regex=False)
    return bool(as_numbers(text).notna().mean() > 0.02)


Group = tuple[np.ndarray, str, list[tuple[np.ndarray, int]]]


def even_cells(text: Any) -> list[Group] | None:
    """Numbers of a long column whose cells of one length all have the same marks in them.

    Parameters
    ----------
    text : pandas.Series of str
        Such as times and dates.

    Returns
    -------
    list of tuple, or None
        Rows, the marks between the numbers, and each number with its digits; None for a
        short column or an uneven one, which regular expressions read more slowly.
    """
    if len(text) < 4000:
        return None
    cells = text.fillna("").to_numpy(dtype="U")
    width = cells.dtype.itemsize // 4
    if width == 0 or width > 40:
        return None
    length = np.char.str_len(cells)
    groups: list[Group] = []
    for size in np.unique(length[length > 0]):
        for rows in np.array_split(
            np.flatnonzero(length == size), 1 + len(cells) // 200_000
        ):
            if not len(rows):
                continue
            codes = cells[rows].view(np.uint32).reshape(len(rows), width)[:, :size]
            digit = (codes >= 48) & (codes <= 57)
            place = digit[0]
            if not (digit == place).all() or (codes[:, ~place] != codes[0, ~place]).any():
                return None
            edges = np.flatnonzero(np.diff(np.concatenate([[0], place.astype(int), [0]])))
            fields = []
            for a, b in zip(edges[::2], edges[1::2], strict=True):
                powers = 10.0 ** np.arange(b - a)[::-1]
                fields.append(((codes[:, a:b] - 48.0) @ powers, int(b - a)))
            groups.append((rows, "".join(chr(c) for c in codes[0, ~place]), fields))
    return groups


def fraction(fields: list[tuple[np.ndarray, int]]) -> np.ndarray | float:
    """What digits behind a point say.

    Parameters
    ----------
    fields : list of tuple
        None, or one number with its digits.

    Returns
    -------
    numpy.ndarray or float
        Below one.

    Examples
    --------
    >>> fraction([(np.array([5.0]), 2)]).tolist()
    [0.05]
    """
    return fields[0][0] / 10.0 ** fields[0][1] if fields else 0.0
