"""Times as files write them: numbers, clocks, dates; counted in one go or in each step."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from sscell.errors import DataError
from sscell.readers.spelling import CLOCK, DAY_FIRST, MONTH_FIRST

__all__ = [
    "clock_seconds",
    "has_numbers",
    "is_clock_text",
    "join_steps",
    "join_wraps",
    "mend_zeros",
    "numbers",
    "stamps",
]

_DAY = 86400.0
_MONTHS = {
    "jan": 1, "feb": 2, "mar": 3, "mär": 3, "mrz": 3, "mae": 3, "apr": 4, "mai": 5,
    "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "oct": 10, "okt": 10, "nov": 11,
    "dec": 12, "dez": 12, "fév": 2, "fev": 2, "avr": 4, "aoû": 8, "aou": 8, "déc": 12,
    "ene": 1, "abr": 4, "ago": 8, "dic": 12,
}  # fmt: skip
# Days and hours, minutes and seconds: 0d 00:01:5, 0-01:00:00, 1.02:03:04.5, 100:00:00.
_CLOCK = (
    r"^(?:(?P<d>\d+)\s*(?:d(?:ays?)?|-|\.|,|\s)\s*,?\s*)?"
    r"(?P<h>\d+):(?P<m>\d{1,2}):(?P<s>\d{1,2}(?:[.,:]\d+)?)$"
)
_SHORT = r"^(?P<a>\d{1,4}):(?P<b>\d{1,2}(?:[.,]\d+)?)$"
_DATE = (
    r"^(?P<a>\d{1,4})\s*(?P<sep>[-/.年])\s*(?P<b>\d{1,2}|[A-Za-zÀ-ÿ]{3,10}\.?)"
    r"\s*[-/.月]\s*(?P<c>\d{1,4})日?"
    r"(?:[T\s,]+(?P<time>.+))?$"
)
_WORDY = (
    r"^(?:[A-Za-z]{3,9},?\s+)?(?:(?P<day>\d{1,2})\.?\s+(?P<month>[A-Za-zÀ-ÿ]{3,10})\.?"
    r"|(?P<month2>[A-Za-zÀ-ÿ]{3,10})\.?\s+(?P<day2>\d{1,2})),?\s+(?P<year>\d{4})"
    r"(?:[T\s,]+(?P<time>.+))?$"
)


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
    import pandas as pd

    if series.dtype.kind in "mM":
        return np.full(len(series), np.nan)
    if series.dtype.kind not in "iufb":
        if not has_numbers(series):
            return np.full(len(series), np.nan)
        text = series.astype("string").str.strip()
        found = pd.to_numeric(text, errors="coerce")
        if found.isna().any():
            # Fortran's exponents, and decimal commas where the rest of the file has points.
            odd = text.str.replace("D", "E", regex=False).str.replace(",", ".", regex=False)
            found = found.fillna(pd.to_numeric(odd, errors="coerce"))
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
    import pandas as pd

    if series.dtype.kind in "iufb" or len(series) < 4000:
        return True
    sample = series.iloc[:: max(len(series) // 2000, 1)].dropna()
    text = sample.astype(str).str.strip().str.replace(",", ".", regex=False)
    return bool(pd.to_numeric(text, errors="coerce").notna().mean() > 0.02)


def _is_number_column(values: np.ndarray, series: Any) -> bool:
    filled = int(series.notna().sum())
    return bool(np.isfinite(values).sum() >= 0.5 * max(filled, 1))


def clock_seconds(series: Any, unit: str = "") -> tuple[np.ndarray, str]:
    """Seconds of a column of times, as they stand.

    Parameters
    ----------
    series : pandas.Series
        Numbers, clock times, or dates.
    unit : str, optional
        ``"day first"`` or ``"month first"`` where the user says so.

    Returns
    -------
    tuple of (numpy.ndarray, str)
        Numbers as in the file (``"number"``), or seconds of a ``"clock"`` or of a
        ``"date"``; what is not understood is NaN.

    Raises
    ------
    DataError
        If the order of day and month cannot be told.
    """
    if series.dtype.kind == "m":
        return np.asarray(series.dt.total_seconds(), dtype=float), CLOCK
    if series.dtype.kind == "M":
        return _epoch(series), "date"
    values = numbers(series)
    if _is_number_column(values, series):
        return values, "number"
    text = series.astype("string").str.strip().str.strip('"')
    clock = _from_clock(text)
    if np.isfinite(clock).sum() >= 0.5 * series.notna().sum():
        return clock, CLOCK
    return _from_dates(text, unit, str(series.name)), "date"


def _epoch(series: Any) -> np.ndarray:
    values = series.to_numpy().astype("datetime64[ns]")
    seconds = values.astype("int64") / 1e9
    return np.where(np.isnat(values), np.nan, seconds)


def _from_clock(text: Any) -> np.ndarray:
    """Seconds of hh:mm:ss with or without days; of mm:ss.0 and hh:mm."""
    fast = _even_clock(text)
    if fast is not None:
        return fast
    parts = text.str.extract(_CLOCK)
    if parts["h"].notna().sum() >= 0.3 * len(parts):
        seconds = parts["s"].str.replace(r"[,:]", ".", regex=True).astype(float)
        days = parts["d"].astype(float).fillna(0.0)
        total = days * _DAY + parts["h"].astype(float) * 3600
        return np.asarray(total + parts["m"].astype(float) * 60 + seconds, dtype=float)
    short = text.str.extract(_SHORT)
    if short["a"].notna().sum() < 0.3 * len(short):
        return np.full(len(text), np.nan)
    first = np.asarray(short["a"].astype(float), dtype=float)
    second = np.asarray(short["b"].str.replace(",", ".").astype(float), dtype=float)
    # A spreadsheet that lost the hours writes 59:30.0; hours and minutes have no decimals.
    minutes = bool(text.str.contains(r"[.,]", regex=True).any())
    return first * 60 + second if minutes else first * 3600 + second * 60


def _even_clock(text: Any) -> np.ndarray | None:
    """As `_from_clock`, for long columns of hh:mm:ss without days."""
    groups = _even(text)
    if groups is None:
        return None
    result = np.full(len(text), np.nan)
    for rows, marks, fields in groups:
        if not re.fullmatch(r"::[.,]?", marks):
            return None
        hour, minute, second = (value for value, _ in fields[:3])
        result[rows] = hour * 3600 + minute * 60 + second + _fraction(fields[3:])
    return result


def _even_dates(text: Any) -> tuple[np.ndarray, ...] | None:
    """First, second and third number, and time of day, of long columns of plain dates."""
    groups = _even(text)
    if groups is None:
        return None
    result = np.full((4, len(text)), np.nan)
    for rows, marks, fields in groups:
        if not re.fullmatch(r"([-/.])\1[ T]::[.,]?", marks):
            return None
        values = [value for value, _ in fields]
        seconds = values[3] * 3600 + values[4] * 60 + values[5] + _fraction(fields[6:])
        for k, value in enumerate([*values[:3], seconds]):
            result[k, rows] = value
    return tuple(result)


def _fraction(fields: list[tuple[np.ndarray, int]]) -> np.ndarray | float:
    return fields[0][0] / 10.0 ** fields[0][1] if fields else 0.0


_Group = tuple[np.ndarray, str, list[tuple[np.ndarray, int]]]


def _even(text: Any) -> list[_Group] | None:
    """Numbers of a long column whose cells of one length all have the same marks in them.

    Rows, the marks between the numbers, and each number with its digits; None for a short
    column or an uneven one, which regular expressions read more slowly.
    """
    if len(text) < 4000:
        return None
    cells = text.fillna("").to_numpy(dtype="U")
    width = cells.dtype.itemsize // 4
    if width == 0 or width > 40:
        return None
    length = np.char.str_len(cells)
    groups: list[_Group] = []
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


def _month(text: Any) -> np.ndarray:
    """Number of a month, from a number or its name."""
    import pandas as pd

    plain = text.str.lower().str.strip(".").str[:3]
    named = plain.map(_MONTHS)
    return np.asarray(pd.to_numeric(text, errors="coerce").fillna(named), dtype=float)


def _from_dates(text: Any, unit: str, name: str) -> np.ndarray:
    import pandas as pd

    even = _even_dates(text)
    if even is not None:
        a, b, c, time = even
        mark = str(text.dropna().iloc[0]).strip("0123456789: ")[:1]
        return _ordered_dates(a, b, c, time, mark, False, unit, name)
    parts = text.str.extract(_DATE)
    if parts["a"].notna().sum() < 0.5 * len(parts):
        wordy = text.str.extract(_WORDY)
        if wordy["year"].notna().sum() < 0.5 * len(wordy):
            parsed = pd.to_datetime(text, errors="coerce", format="mixed", utc=True)
            return _epoch(parsed.dt.tz_localize(None))
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


def stamps(series: Any, unit: str = "") -> np.ndarray | None:
    """Seconds of a column of date stamps.

    Parameters
    ----------
    series : pandas.Series
        Dates with or without a time, or unix times.
    unit : str, optional
        Order of day and month, if the user says it.

    Returns
    -------
    numpy.ndarray or None
        [s]; None where it is no such column, or its order cannot be told.
    """
    try:
        seconds, kind = clock_seconds(series, unit)
    except DataError:
        return None
    if kind == "number":
        good = np.isfinite(seconds)
        return seconds if good.any() and np.nanmedian(seconds) > 1e8 else None
    if kind == CLOCK:
        seconds = join_wraps(seconds)[0]
    return seconds if np.isfinite(seconds).mean() > 0.9 else None


def join_wraps(seconds: np.ndarray) -> tuple[np.ndarray, int]:
    """Add a day where the time of day passes midnight, an hour where hours are lost.

    Parameters
    ----------
    seconds : numpy.ndarray, shape (n,)
        [s], as read from a clock.

    Returns
    -------
    tuple of (numpy.ndarray, int)
        [s], and how often it wrapped.

    Examples
    --------
    >>> join_wraps(np.array([86100.0, 86280.0, 60.0, 240.0]))[0].tolist()
    [0.0, 180.0, 360.0, 540.0]
    """
    step = np.diff(seconds)
    back = np.flatnonzero(step < 0)
    if not len(back):
        return seconds, 0
    usual = float(np.median(step[step > 0])) if np.any(step > 0) else 0.0
    for period in (_DAY, 3600.0):
        if np.nanmax(seconds) >= period:
            continue
        across = step[back] + period
        if np.all((across >= 0) & (across <= max(10 * usual, 0.02 * period))):
            wraps = np.zeros(len(seconds))
            wraps[back + 1] = period
            joined = seconds + np.cumsum(wraps)
            return joined - joined[0], len(back)
    return seconds, 0


def mend_zeros(time: np.ndarray, ahead: float = 3.0) -> tuple[np.ndarray, int]:
    """Time that falls in single rows and goes on where it was: those rows do not count.

    Parameters
    ----------
    time : numpy.ndarray, shape (n,)
        [s].
    ahead : float, optional
        Usual intervals within which the row after goes on.

    Returns
    -------
    tuple of (numpy.ndarray, int)
        With the time of the row before in such rows, and how many there were.

    Examples
    --------
    >>> mend_zeros(np.array([0.0, 300.0, 0.0, 600.0]))
    (array([  0., 300., 300., 600.]), 1)
    """
    back = np.flatnonzero(np.diff(time) < 0) + 1
    inner = back[back < len(time) - 1]
    odd = inner[time[inner + 1] >= time[inner - 1]]
    if not len(odd) or len(odd) < len(inner):
        return time, 0
    usual = np.median(np.diff(time)[np.diff(time) > 0])
    if not np.all(time[odd + 1] - time[odd - 1] <= ahead * usual):
        return time, 0
    time = time.copy()
    time[back] = time[back - 1]
    return time, len(back)


def join_steps(time: np.ndarray, begins: np.ndarray) -> np.ndarray:
    """Add up a time that counts within each step.

    Parameters
    ----------
    time : numpy.ndarray, shape (n,)
        [s] since the step began.
    begins : numpy.ndarray of int
        Rows at which a step begins, without the first.

    Returns
    -------
    numpy.ndarray, shape (n,)
        [s] since the first step began.

    Examples
    --------
    >>> join_steps(np.array([0.0, 10.0, 5.0, 20.0]), np.array([2])).tolist()
    [0.0, 10.0, 15.0, 30.0]
    """
    added = np.zeros(len(time))
    added[begins] = time[begins - 1] - np.minimum(time[begins], 0)
    return time + np.cumsum(added)


def is_clock_text(text: str) -> bool:
    """Whether a cell of a table is a clock time or a date."""
    plain = text.strip()
    return bool(
        re.match(_CLOCK, plain)
        or re.match(_SHORT, plain)
        or re.match(_DATE, plain)
        or re.match(_WORDY, plain)
    )
