"""Where the table of a file is: the row that names the columns, and rows that are no data."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from sscell.readers.cells import has_numbers, numbers
from sscell.readers.columns import match_columns
from sscell.readers.spelling import is_unit, split_unit
from sscell.readers.times import is_clock_text

__all__ = ["Header", "Sifted", "find_header", "is_data", "is_value", "sift"]

_NUMBER = re.compile(r"[+-]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eEdD][+-]?\d+)?|nan|[+-]?inf", re.I)
_CORE = ("time", "voltage", "current", "frequency", "real", "imaginary", "modulus", "phase")
_LOOKED_AT = 300  # rows that may be headers


@dataclass(frozen=True)
class Header:
    """Row that names the columns of a table.

    Parameters
    ----------
    row : int
        Where it stands.
    names : tuple of str
        With the units of a row of their own, if there is one.
    start : int
        First row of data.
    score : tuple of int
        How much it is what is looked for; larger is better.
    """

    row: int
    names: tuple[str, ...]
    start: int
    score: tuple[int, ...]


@lru_cache(maxsize=65536)
def is_value(text: str) -> bool:
    """Whether a cell is a number, a clock time or a date.

    Parameters
    ----------
    text : str
        The cell.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_value("1,5e-3"), is_value("0d 00:01:5"), is_value("Rest")
    (True, True, False)
    """
    plain = text.strip().strip('"').strip()
    return bool(_NUMBER.fullmatch(plain)) or (
        plain[:1].isdigit() and len(plain) < 40 and is_clock_text(plain)
    )


def is_data(cells: Sequence[str]) -> bool:
    """Whether a row is one of data.

    Parameters
    ----------
    cells : sequence of str
        The row.

    Returns
    -------
    bool
        At least two of its cells, and at least half of those that are filled, are values.

    Examples
    --------
    >>> is_data(["1", "CC", "2.0"]), is_data(["Time", "1"])
    (True, False)
    """
    filled = [c for c in cells if c]
    values = sum(is_value(c) for c in filled)
    return values >= 2 and values >= 0.5 * len(filled)


def find_header(grid: Sequence[Sequence[str]]) -> Header | None:
    """Find the row that names the columns of a measurement.

    Parameters
    ----------
    grid : sequence of sequence of str
        First rows of the file, cell by cell.

    Returns
    -------
    Header or None
        The one that names most of what is needed, the first of equals.
    """
    best: Header | None = None
    looked_at = 0
    for row, cells in enumerate(grid):
        if len(cells) < 2 or is_data(cells) or looked_at >= _LOOKED_AT:
            continue
        looked_at += 1
        header = _judge(grid, row)
        if header is not None and (best is None or header.score > best.score):
            best = header
    return best


def _judge(grid: Sequence[Sequence[str]], row: int) -> Header | None:
    names = tuple(c.strip().lstrip("#%").strip() for c in grid[row])
    start = row + 1
    units = _units(names, grid[row + 1]) if start < len(grid) else None
    if units is not None:
        names, start = units, row + 2
    elif row and (above := _units(names, grid[row - 1])) is not None:
        names = above
    found = {k for k in _matched(names) if k in _CORE}
    if len(found) < 2:
        return None
    # Names set apart by two separators, over rows with one.
    filled = tuple(n for n in names if n)
    widths = [len(cells) for cells in grid[start : start + 20] if is_data(cells)]
    # An index without a name alone is no such header: cells at the end may be empty.
    if "" in names[1:] and widths and max(widths) == len(filled):
        names = filled
    length = 0
    for cells in grid[start : start + 60]:
        if is_data(cells):
            length += 1
        elif any(cells):
            length -= length > 0 and not length > 2
    if not length:
        return None
    series = {"time", "voltage"} <= found
    spectral = "frequency" in found and (
        {"real", "imaginary"} <= found or {"modulus", "phase"} <= found
    )
    full = spectral or (series and "current" in found)
    return Header(row, names, start, (int(full), int(series or spectral), min(length, 3)))


@lru_cache(maxsize=256)
def _matched(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(match_columns([n for n in names if n]))


def _units(names: Sequence[str], below: Sequence[str]) -> tuple[str, ...] | None:
    """Names with the units of the row beside them, if that is what the row holds."""
    units = [c.strip().strip("[]()").strip() for c in below]
    filled = [u for u in units if u]
    if not filled or len(below) > len(names) or is_data(below):
        return None
    known = [is_unit(u) or len(u) <= 4 or re.match(r"[A-Za-z]+\s+vs", u) for u in filled]
    if not all(known) or len(filled) < 2:
        return None
    # A row of short words under another, such as modes, is no row of units.
    if sum(is_unit(u) for u in filled) < 2:
        return None
    padded = [*units, *[""] * len(names)]
    return tuple(
        f"{name} [{unit}]" if unit and unit != "#" and split_unit(name)[1] is None else name
        for name, unit in zip(names, padded, strict=False)
    )


def _is_clock(series: Any) -> bool:
    sample = series.dropna().iloc[:200].astype(str)
    return bool(len(sample) and sample.map(lambda c: is_value(c) and ":" in c).mean() > 0.5)


@dataclass
class Sifted:
    """Rows of a table told apart.

    Parameters
    ----------
    keep : numpy.ndarray of bool, shape (n,)
        Rows of this table, readable or not.
    notes : list of str
        What the others are.
    """

    keep: np.ndarray
    notes: list[str]


def sift(
    frame: Any,
    names: Sequence[str],
    cells_of: Callable[[int], Sequence[str]],
    blank_before: Callable[[int], bool],
) -> Sifted:
    """Tell the rows of a table from repeated headers, comments and other tables.

    Parameters
    ----------
    frame : pandas.DataFrame
        All that stands below the header.
    names : sequence of str
        The header as it stands in the file.
    cells_of : callable
        Cells of a row.
    blank_before : callable
        Whether an empty line stands before a row.

    Returns
    -------
    Sifted
    """
    keep = np.ones(len(frame), dtype=bool)
    notes: list[str] = []
    columns = match_columns(frame.columns)
    keys = [columns[k].header for k in _CORE if k in columns] or list(frame.columns[:3])
    # A column that pandas could read as numbers throughout holds no other words.
    suspects = np.zeros(len(frame), dtype=bool)
    for key in keys:
        series = frame[key]
        text = series.dtype.kind in "OT" or str(series.dtype) in ("str", "string")
        # Clocks and dates are no words; the columns of numbers beside them tell.
        if text and has_numbers(series) and not _is_clock(series):
            suspects |= np.asarray(series.notna(), bool) & ~np.isfinite(numbers(series))
    if keys and not suspects.any():
        return Sifted(keep, notes)
    own = [n.strip() for n in names if n.strip()]
    rows = np.flatnonzero(suspects)
    if len(rows) > 20000:  # a column of words, not words between numbers
        return Sifted(keep, notes)
    time = numbers(frame[columns["time"].header]) if "time" in columns else None
    repeated, comments, other = 0, 0, 0
    wordy = np.array([k for k in rows if not is_data(cells_of(int(k)))], dtype=int)
    for begin, end in _blocks(wordy):
        words = list(range(begin, end))
        if not keep[begin]:
            continue  # inside another table
        keep[words] = False
        headers = [k for k in words if [c.strip() for c in cells_of(k) if c.strip()] == own]
        if headers:
            repeated += len(headers)
        elif words and _ends_table(words, end, cells_of, blank_before, time, len(frame)):
            stop = _next_own(words[-1], wordy, cells_of, own, len(frame))
            keep[words[0] : stop] = False
            other += stop - words[0]
        else:
            comments += len(words)
    if repeated:
        notes.append(
            f"The header stands in the file {repeated + 1} times; its tables were joined."
        )
    if other:
        notes.append(f"{other} rows of another table in the file were left out.")
    if comments:
        lines = "1 line" if comments == 1 else f"{comments} lines"
        notes.append(f"{lines} without numbers stood between the rows and were left out.")
    return Sifted(keep, notes)


def _blocks(rows: np.ndarray) -> list[tuple[int, int]]:
    if not len(rows):
        return []
    cuts = np.flatnonzero(np.diff(rows) > 1) + 1
    return [(int(p[0]), int(p[-1]) + 1) for p in np.split(rows, cuts)]


def _ends_table(
    words: Sequence[int],
    after: int,
    cells_of: Callable[[int], Sequence[str]],
    blank_before: Callable[[int], bool],
    time: np.ndarray | None,
    size: int,
) -> bool:
    """Whether another table begins after these lines of words."""
    if after >= size:
        return False
    below = [c for c in cells_of(after) if c.strip()]
    last = [[c for c in cells_of(k) if c.strip()] for k in words[-2:]]
    named = any(len(row) >= 2 and len(row) == len(below) for row in last)
    falls = (
        time is not None and words[0] > 0 and not (time[after] >= time[words[0] - 1] - 1e-9)
    )
    return falls and (named or blank_before(words[0]))


def _next_own(
    row: int,
    rows: np.ndarray,
    cells_of: Callable[[int], Sequence[str]],
    own: Sequence[str],
    size: int,
) -> int:
    """Row at which this table goes on, under its own header; the end if nowhere."""
    for k in rows[rows > row]:  # of words only
        if [c.strip() for c in cells_of(int(k)) if c.strip()] == list(own):
            return int(k)
    return size
