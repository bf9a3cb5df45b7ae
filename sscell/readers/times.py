"""Times as files write them: numbers, clocks, dates; counted in one go or in each step."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from sscell.errors import DataError
from sscell.readers.cells import even_cells, fraction, numbers
from sscell.readers.dates import DATE, WORDY, date_seconds, epoch
from sscell.readers.spelling import CLOCK

__all__ = [
    "are_serial_dates",
    "clock_seconds",
    "is_clock_text",
    "join_steps",
    "join_wraps",
    "mend_zeros",
    "stamps",
]

_DAY = 86400.0
# Days and hours, minutes and seconds: 0d 00:01:5, 0-01:00:00, 1.02:03:04.5, 100:00:00.
_CLOCK = (
    r"^(?:(?P<d>\d+)\s*(?:d(?:ays?)?|-|\.|,|\s)\s*,?\s*)?"
    r"(?P<h>\d+):(?P<m>\d{1,2}):(?P<s>\d{1,2}(?:[.,:]\d+)?)$"
)
_HALF_DAY = (
    r"^(?P<h>\d{1,2}):(?P<m>\d{2})(?::(?P<s>\d{2}(?:\.\d+)?))?"
    r"\s*(?P<half>[AaPp])\.?[Mm]\.?$"
)
_SHORT = r"^(?P<a>\d{1,4}):(?P<b>\d{1,2}(?:[.,]\d+)?)$"


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
        return epoch(series), "date"
    values = numbers(series)
    if _is_number_column(values, series):
        return values, "number"
    text = series.astype("string").str.strip().str.strip('"')
    clock = _from_clock(text)
    if np.isfinite(clock).sum() >= 0.5 * series.notna().sum():
        return clock, CLOCK
    return date_seconds(text, unit, str(series.name)), "date"


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
    halves = text.str.extract(_HALF_DAY)
    if halves["h"].notna().sum() >= 0.3 * len(halves):
        hour = halves["h"].astype(float) % 12 + 12 * halves["half"].isin(["p", "P"])
        second = halves["s"].astype(float).fillna(0.0)
        total = hour * 3600 + halves["m"].astype(float) * 60 + second
        return np.asarray(total, dtype=float)
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
    groups = even_cells(text)
    if groups is None:
        return None
    result = np.full(len(text), np.nan)
    for rows, marks, fields in groups:
        if not re.fullmatch(r"::[.,]?", marks):
            return None
        hour, minute, second = (value for value, _ in fields[:3])
        result[rows] = hour * 3600 + minute * 60 + second + fraction(fields[3:])
    return result


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
        seconds = seconds * _DAY if are_serial_dates(seconds) else seconds
        good = np.isfinite(seconds)
        return seconds if good.any() and np.nanmedian(seconds) > 1e8 else None
    if kind == CLOCK:
        seconds = join_wraps(seconds)[0]
    elif not np.any(seconds[np.isfinite(seconds)] % _DAY):
        return None  # Days without a time tell no interval.
    return seconds if np.isfinite(seconds).mean() > 0.9 else None


def are_serial_dates(values: np.ndarray) -> bool:
    """Whether numbers are the days since 1900 by which spreadsheets count.

    Parameters
    ----------
    values : numpy.ndarray, shape (n,)
        Of a column of dates.

    Returns
    -------
    bool

    Examples
    --------
    >>> are_serial_dates(np.array([45000.25, 45000.5])), are_serial_dates(np.arange(9.0))
    (True, False)
    """
    good = values[np.isfinite(values)]
    # 1998 to 2050, with the time of day as a fraction.
    return bool(
        good.size and good.min() > 36000 and good.max() < 55000 and np.any(good % 1)
    )


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
        or re.match(DATE, plain)
        or re.match(WORDY, plain)
    )
