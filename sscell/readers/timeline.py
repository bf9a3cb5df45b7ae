"""The time of a series, from whatever its file counts: in all, in each step, by stamps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sscell.errors import DataError, ParameterError
from sscell.readers.columns import Column
from sscell.readers.convert import NO_UNIT
from sscell.readers.names import RANK_CLOCK, RANK_STEP, RANK_TOTAL
from sscell.readers.spelling import CLOCK, DAY_FIRST, MONTH_FIRST
from sscell.readers.text import Table
from sscell.readers.times import (
    are_serial_dates,
    clock_seconds,
    join_steps,
    join_wraps,
    mend_zeros,
    stamps,
)
from sscell.units import parse_quantity

__all__ = ["Timeline", "elapsed", "read_time"]

# Units that a number without one may have, tried against date stamps.
_LIKELY = {"s": 1.0, "min": 60.0, "h": 3600.0, "day": 86400.0, "ms": 1e-3}


@dataclass
class Timeline:
    """Time of every row as it stands, and what else tells it.

    Parameters
    ----------
    seconds : numpy.ndarray, shape (n,)
        [s]; NaN where the cell is no time.
    kind : str
        ``"number"``, ``"clock"`` or ``"date"``.
    in_step : bool
        Whether it is said to count within each step.
    total : bool
        Whether it is said to count in all.
    """

    seconds: np.ndarray
    kind: str
    in_step: bool
    total: bool


def read_time(table: Table, columns: Mapping[str, Column], notes: list[str]) -> Timeline:
    """Seconds of the column of time, in its unit, not yet joined.

    Parameters
    ----------
    table : Table
        As read.
    columns : mapping of str to Column
        With ``time``.
    notes : list of str
        Receives what was assumed.

    Returns
    -------
    Timeline

    Raises
    ------
    DataError
        If the unit is none of time, or the order of day and month cannot be told.
    """
    column = columns["time"]
    order = column.unit if column.unit in (DAY_FIRST, MONTH_FIRST) else ""
    seconds, kind = clock_seconds(table.frame[column.header], order)
    in_step, total = column.rank == RANK_STEP, column.rank == RANK_TOTAL
    if kind == "date":
        good = np.isfinite(seconds)
        first = seconds[good][0] if good.any() else 0.0
        return Timeline(seconds - first, kind, False, True)
    if kind == CLOCK:
        seconds, wraps = join_wraps(seconds)
        if wraps:
            notes.append(
                f"The clock starts again {wraps} times (at midnight, or after an hour where "
                "the file shows no hours); it was added up."
            )
        return Timeline(seconds, kind, in_step, total)
    if column.rank == RANK_CLOCK and np.any(seconds > 1e8):
        factor = 1e-3 if np.nanmedian(seconds) > 1e11 else 1.0
        good = np.isfinite(seconds)
        return Timeline((seconds - seconds[good][0]) * factor, "date", False, True)
    if column.rank == RANK_CLOCK and not column.stated and are_serial_dates(seconds):
        notes.append(f"'{column.header}' counts days as spreadsheets do.")
        first = seconds[np.isfinite(seconds)][0]
        return Timeline((seconds - first) * 86400.0, "date", False, True)
    factor = _factor(table, columns, column, seconds, notes)
    return Timeline(seconds * factor, kind, in_step, total)


def _factor(
    table: Table,
    columns: Mapping[str, Column],
    column: Column,
    seconds: np.ndarray,
    notes: list[str],
) -> float:
    if column.stated and column.unit not in (CLOCK, DAY_FIRST, MONTH_FIRST):
        try:
            return parse_quantity(f"1 {column.unit}", "s", "time")
        except ParameterError as error:
            raise DataError(
                f"Column '{column.header}' was taken as time, but its unit '{column.unit}' is "
                "not a unit of time such as s. Name the right column with --columns "
                "'time=HEADER', and its unit if it is none of the header's, as in "
                "'time=HEADER:s'."
            ) from error
    unit = _unit_by_stamps(table, columns, seconds)
    if unit is not None and unit != "s":
        notes.append(
            f"No unit is stated for '{column.header}'; the date stamps of "
            f"'{columns['stamp'].header}' say that it is {unit}."
        )
        return _LIKELY[unit]
    notes.append(f"{NO_UNIT} '{column.header}' as s")
    return 1.0


def _unit_by_stamps(
    table: Table, columns: Mapping[str, Column], seconds: np.ndarray
) -> str | None:
    """Unit of a time without one, by the stamps beside it."""
    if "stamp" not in columns or columns["stamp"].header == columns["time"].header:
        return None
    rows = np.unique(np.linspace(0, len(seconds) - 1, 4000).astype(int))
    beside = stamps(table.frame[columns["stamp"].header].iloc[rows])
    if beside is None:
        return None
    ratio = slope(seconds[rows], beside)
    if ratio is None:
        return None
    for unit, factor in _LIKELY.items():
        if abs(ratio / factor - 1) < 0.03:
            return unit
    return None


def slope(time: np.ndarray, other: np.ndarray) -> float | None:
    """How fast another clock runs against a time.

    Parameters
    ----------
    time, other : numpy.ndarray, shape (n,)
        Of the same rows.

    Returns
    -------
    float or None
        Seconds of the other per unit of time, where both go forward; None if the rows do
        not tell.

    Examples
    --------
    >>> slope(np.arange(9.0), 60 * np.arange(9.0))
    60.0
    """
    dt, ds = np.diff(time), np.diff(other)
    good = np.isfinite(dt) & np.isfinite(ds) & (dt > 0) & (ds >= 0)
    if good.sum() < 3 or np.nansum(ds[good]) < 20:
        return None
    # Stamps of whole seconds are coarse, and a pause counts in one clock only.
    ratio = ds[good] / dt[good]
    coarse = np.median(ds[good]) < 20
    if not coarse:
        return float(np.median(ratio))
    pause = ds[good] > 30 * max(np.median(ds[good]), 1.0)
    if ds[good][~pause].sum() < 20:
        return None
    return float(ds[good][~pause].sum() / dt[good][~pause].sum())


def elapsed(
    timeline: Timeline,
    step: np.ndarray | None,
    cycle: np.ndarray | None,
    notes: list[str],
) -> np.ndarray:
    """Time since the first step began, growing from row to row.

    Parameters
    ----------
    timeline : Timeline
        Of the rows that are kept.
    step, cycle : numpy.ndarray or None
        Numbers of the file.
    notes : list of str
        Receives what was done.

    Returns
    -------
    numpy.ndarray, shape (n,)
        [s]

    Raises
    ------
    DataError
        If the rows are out of order.
    """
    time = timeline.seconds
    if not timeline.in_step:
        time, mended = mend_zeros(time, 100.0 if timeline.total else 3.0)
        if mended:
            rows = "1 row" if mended == 1 else f"{mended} rows"
            notes.append(
                f"The time of {rows} falls back and goes on as if it had not; they were given "
                "the time of the row before."
            )
    back = np.flatnonzero(np.diff(time) < 0) + 1
    if not timeline.in_step and not len(back):
        return time
    begins = back
    if timeline.in_step or _counts_in_steps(time, back, step):
        changes = np.zeros(len(time), dtype=bool)
        changes[back] = True
        for number in (step, cycle):
            if number is not None:
                changes[1:] |= number[1:] != number[:-1]
        begins = np.flatnonzero(changes)
        if not len(begins):
            return time
    _refuse_disorder(time, back)
    notes.append(
        f"Time starts again {len(begins)} times; it counts within a step and was added up."
    )
    return join_steps(time, begins)


def _counts_in_steps(time: np.ndarray, back: np.ndarray, step: np.ndarray | None) -> bool:
    """Whether a time that is not said to count in steps does: it falls with most of them."""
    if step is None or not len(back):
        return False
    changes = np.flatnonzero(step[1:] != step[:-1]) + 1
    return bool(np.all(np.isin(back, changes)) and len(back) >= 0.5 * len(changes))


def _refuse_disorder(time: np.ndarray, back: np.ndarray) -> None:
    if not len(back):
        return
    spans = np.diff(np.concatenate([[0], back, [len(time)]]))
    restart = time[back] <= time[0] + 0.05 * np.maximum(time[back - 1] - time[0], 0) + 120
    if len(back) > 0.34 * len(time) or not restart.all() or spans.min() < 1:
        row = int(back[np.argmax(~restart)]) if not restart.all() else int(back[0])
        raise DataError(
            f"Time runs backwards at row {row + 1}: {time[row - 1]:g} s, then {time[row]:g} s. "
            "The rows are out of order, or another column is the time: say --columns "
            "'time=HEADER:s'."
        )
