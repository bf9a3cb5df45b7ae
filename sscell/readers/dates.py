"""Dates as files write them; the whole column decides the order of day and month."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from sscell.errors import DataError
from sscell.readers.cells import as_numbers, even_cells, fraction
from sscell.readers.spelling import DAY_FIRST, MONTH_FIRST

__all__ = ["DATE", "WORDY", "date_seconds", "epoch"]

_DAY = 86400.0
_MONTHS = {
    "jan": 1, "feb": 2, "mar": 3, "mär": 3, "mrz": 3, "mae": 3, "apr": 4, "mai": 5,
    "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "oct": 10, "okt": 10, "nov": 11,
    "dec": 12, "dez": 12, "fév": 2, "fev": 2, "avr": 4, "aoû": 8, "aou": 8, "déc": 12,
    "ene": 1, "abr": 4, "ago": 8, "dic": 12,
}  # fmt: skip
DATE = (
    r"^(?P<a>\d{1,4})\s*(?P<sep>[-/.年])\s*(?P<b>\d{1,2}|[A-Za-zÀ-ÿ]{3,10}\.?)"
    r"\s*[-/.月]\s*(?P<c>\d{1,4})日?"
    r"(?:[T\s,]+(?P<time>.+))?$"
)
WORDY = (
    r"^(?:[A-Za-z]{3,9},?\s+)?(?:(?P<day>\d{1,2})\.?\s+(?P<month>[A-Za-zÀ-ÿ]{3,10})\.?"
    r"|(?P<month2>[A-Za-zÀ-ÿ]{3,10})\.?\s+(?P<day2>\d{1,2})),?\s+(?P<year>\d{4})"
    r"(?:[T\s,]+(?P<time>.+))?$"
)


def _even_dates(text: Any) -> tuple[np.ndarray, ...] | None:
    """First, second and third number, and time of day, of long columns of plain dates."""
    groups = even_cells(text)
    if groups is None:
        return None
    result = np.full((4, len(text)), np.nan)
    for rows, marks, fields in groups:
        if not re.fullmatch(r"([-/.])\1[ T]::[.,]?", marks):
            return None
        values = [value for value, _ in fields]
        seconds = values[3] * 3600 + values[4] * 60 + values[5] + fraction(fields[6:])
        for k, value in enumerate([*values[:3], seconds]):
            result[k, rows] = value
    return tuple(result)


def _month(text: Any) -> np.ndarray:
    """Number of a month, from a number or its name."""
    plain = text.str.lower().str.strip(".").str[:3]
    named = plain.map(_MONTHS)
    return np.asarray(as_numbers(text).fillna(named), dtype=float)


def date_seconds(text: Any, unit: str, name: str) -> np.ndarray:
    """Seconds of a column of dates, with or without a time of day.

    Parameters
    ----------
    text : pandas.Series of str
        The cells.
    unit : str
        ``"day first"``, ``"month first"``, or empty: as the whole column shows.
    name : str
        Of the column.

    Returns
    -------
    numpy.ndarray, shape (n,)
        [s]; NaN where a cell is no date.

    Raises
    ------
    DataError
        If the order of day and month cannot be told.
    """
    import pandas as pd

    even = _even_dates(text)
    if even is not None:
        a, b, c, time = even
        mark = str(text.dropna().iloc[0]).strip("0123456789: ")[:1]
        return _ordered_dates(a, b, c, time, mark, False, unit, name)
    parts = text.str.extract(DATE)
    if parts["a"].notna().sum() < 0.5 * len(parts):
        wordy = text.str.extract(WORDY)
        if wordy["year"].notna().sum() < 0.5 * len(wordy):
            parsed = pd.to_datetime(text, errors="coerce", format="mixed", utc=True)
            return epoch(parsed.dt.tz_localize(None))
        day = np.asarray(wordy["day"].fillna(wordy["day2"]).astype(float), dtype=float)
        month = _month(wordy["month"].fillna(wordy["month2"]))
        year = np.asarray(wordy["year"].astype(float), dtype=float)
        return _days(year, month, day) * _DAY + _time_of_day(wordy["time"])
    time = _time_of_day(parts["time"])
    a, c = (np.asarray(parts[k].astype(float), dtype=float) for k in "ac")
    b = _month(parts["b"])
    named = bool(parts["b"].str.contains(r"[A-Za-z]", regex=True, na=False).any())
    mark = "." if bool((parts["sep"] == ".").any()) else "/"
    return _ordered_dates(a, b, c, time, mark, named, unit, name)


def _ordered_dates(
    a: np.ndarray,
    b: np.ndarray,
    c: np.ndarray,
    time: np.ndarray,
    mark: str,
    named: bool,
    unit: str,
    name: str,
) -> np.ndarray:
    """Seconds of dates of three numbers, in the order that the column as a whole has."""
    if np.nanmax(a) > 31:
        return _days(a, b, c) * _DAY + time
    year = np.where(c < 100, c + np.where(c < 70, 2000, 1900), c)
    if named or mark == ".":
        return _days(year, b, a) * _DAY + time
    order = unit or _day_order(a, b, year, time, name)
    day, month = (a, b) if order == DAY_FIRST else (b, a)
    return _days(year, month, day) * _DAY + time


def _day_order(
    a: np.ndarray, b: np.ndarray, year: np.ndarray, time: np.ndarray, name: str
) -> str:
    """Order of day and month of a whole column of dates."""
    if np.nanmax(a) > 12:
        return DAY_FIRST
    if np.nanmax(b) > 12:
        return MONTH_FIRST
    spans = {}
    for order, (day, month) in {DAY_FIRST: (a, b), MONTH_FIRST: (b, a)}.items():
        seconds = _days(year, month, day) * _DAY + time
        steps = np.diff(seconds[np.isfinite(seconds)])
        back = int(np.sum(steps < 0))
        spans[order] = (back, float(steps.max(initial=0.0)))
    first, second = spans[DAY_FIRST], spans[MONTH_FIRST]
    if first == second:  # one day only, or a day and month that are the same
        return MONTH_FIRST
    if first[0] != second[0]:
        return DAY_FIRST if first[0] < second[0] else MONTH_FIRST
    if max(first[1], second[1]) > 5 * min(first[1], second[1]):
        return DAY_FIRST if first[1] < second[1] else MONTH_FIRST
    raise DataError(
        f"The dates in column '{name}' may have the day or the month first. Say --columns "
        f"'time={name}:dmy' or 'time={name}:mdy'."
    )


def _days(year: np.ndarray, month: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Days since 1970; NaN for what is no date."""
    good = np.isfinite(year) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    year, month, day = (np.where(good, v, 1).astype(int) for v in (year, month, day))
    months = (year - 1970) * 12 + month - 1
    days = months.astype("datetime64[M]").astype("datetime64[D]").astype(int) + day - 1
    return np.where(good, days, np.nan)


def _time_of_day(text: Any) -> np.ndarray:
    """Seconds since midnight, with or without AM and PM; zero where none is given."""
    plain = text.fillna("0:00:00").str.strip().str.lower()
    afternoon = np.asarray(plain.str.contains("pm|下午", regex=True).fillna(False), bool)
    morning = np.asarray(plain.str.contains("am|上午", regex=True).fillna(False), bool)
    bare = plain.str.replace(
        r"\s*(?:am|pm|上午|下午|uhr|z|[+-]\d\d:?\d\d)\s*", "", regex=True
    )
    parts = bare.str.extract(r"^(\d{1,2})[:.](\d{1,2})(?:[:.](\d{1,2}(?:[.,:]\d+)?))?$")
    hour = np.asarray(parts[0].astype(float), dtype=float)
    minute = np.asarray(parts[1].astype(float), dtype=float)
    second = parts[2].str.replace(r"[,:]", ".", regex=True).astype(float).fillna(0.0)
    hour = np.where(afternoon & (hour < 12), hour + 12, hour)
    hour = np.where(morning & (hour == 12), 0, hour)
    return hour * 3600 + minute * 60 + np.asarray(second, dtype=float)


def epoch(series: Any) -> np.ndarray:
    """Seconds since 1970 of dates that are dates already.

    Parameters
    ----------
    series : pandas.Series of datetime64
        The cells.

    Returns
    -------
    numpy.ndarray, shape (n,)
        [s]; NaN where a cell is empty.
    """
    values = series.to_numpy().astype("datetime64[ns]")
    seconds = values.astype("int64") / 1e9
    return np.where(np.isnat(values), np.nan, seconds)
