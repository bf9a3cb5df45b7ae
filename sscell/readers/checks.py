"""What was read against the file's own other columns: capacity, energy, stamps, names.

A reading that is wrong by a factor, a sign or a lost interval disagrees with a column that
was not used for it. Every reader's series pass through here, and spectra through the like in
`sscell.readers.impedance`; each disagreement is a sentence with both figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sscell.readers.cells import numbers
from sscell.readers.columns import Column
from sscell.readers.findings import Findings, factor_words, other_column
from sscell.readers.signs import voltage_trend
from sscell.readers.steps import name_kinds
from sscell.readers.text import Table
from sscell.readers.timeline import slope
from sscell.readers.times import stamps
from sscell.segments import charge_increments, kinds, step_begins

__all__ = ["check_series", "passed_of"]

_CLOSE = 0.03  # of a charge or energy: what coarse logging may miss
_POWERS = {
    "charge_capacity": "A.h",
    "discharge_capacity": "A.h",
    "capacity": "A.h",
    "increment": "A.h",
    "charge_energy": "W.h",
    "discharge_energy": "W.h",
    "energy": "W.h",
}


def passed_of(column: np.ndarray, key: str) -> np.ndarray:
    """What a column of capacity or energy says passed in each interval, without sign.

    Parameters
    ----------
    column : numpy.ndarray, shape (n,)
        Counted in all, or anew in each step or cycle.
    key : str
        Which quantity.

    Returns
    -------
    numpy.ndarray, shape (n,)
        In the unit of the column.
    """
    if key == "increment":
        change = np.abs(np.where(np.isfinite(column), column, 0.0))
        change[0] = 0.0
        return change
    change = np.diff(column, prepend=column[0])
    largest = np.nanmax(np.abs(column), initial=0.0)
    # It starts again at zero with a step or cycle: what stands there passed since.
    moves = np.abs(change[change != 0])
    usual = float(np.median(moves)) if moves.size else 0.0
    small = np.abs(column) < max(0.05 * largest, 3 * usual)
    restarts = small & (np.abs(change) > np.maximum(2 * np.abs(column), 3 * usual))
    change = np.where(restarts, column, change)
    return np.abs(np.where(np.isfinite(change), change, 0.0))


def check_series(
    table: Table,
    columns: Mapping[str, Column],
    values: Mapping[str, np.ndarray],
    rows: np.ndarray,
    scale: Mapping[str, float | None],
    stated_sign: bool,
    missing: Sequence[tuple[float, float]] = (),
) -> Findings:
    """Compare a series with the other columns of its file.

    Parameters
    ----------
    table : Table
        As read.
    columns : mapping of str to Column
        What was recognised.
    values : mapping of str to numpy.ndarray
        ``time`` [s], ``voltage`` [V], ``current`` [A] (positive on discharge), ``step``.
    rows : numpy.ndarray of int
        Rows of the table that these are.
    scale : mapping
        ``area`` [cm2] and ``mass`` [g], or None.
    stated_sign : bool
        Whether the sign of the current was stated, and not seen from the data.
    missing : sequence of tuple of float, optional
        Intervals from which rows were left out [s].

    Returns
    -------
    Findings
    """
    found = Findings()
    current = values["current"]
    step = values.get("step")
    kind = kinds(values["time"], current, step)
    begins = step_begins(current, kind, step)
    passed = charge_increments(values["time"], current, begins, list(missing)) / 3600
    passed[kind == 0] = 0.0
    frame = table.frame
    coarse = _coarse(current)
    for key, unit in _POWERS.items():
        if key in columns and unit == "A.h":
            other = other_column(table, columns[key], key, rows, scale)
            if other is not None:
                _compare(key, columns[key], other, passed, np.sign(passed), found, coarse)
    energy = np.abs(_energy(passed, values["voltage"]))
    for key, unit in _POWERS.items():
        if key in columns and unit == "W.h" and not found.warnings:
            other = other_column(table, columns[key], key, rows, scale)
            if other is not None:
                _compare(key, columns[key], other, energy, np.sign(passed), found, coarse)
    if "power" in columns and not found.warnings:
        _compare_power(table, columns["power"], values, rows, found)
    _compare_clocks(frame, columns, values["time"], step, rows, found)
    _compare_names(frame, columns, current, kind, rows, found)
    _compare_growth(values, kind, found)
    _compare_trend(values, stated_sign, found)
    moved = float(np.ptp(values["voltage"]))
    if "current" in columns and not current.any() and moved > 0.5:
        found.warnings.append(
            f"The column '{columns['current'].header}' is zero throughout, yet the voltage moves "
            f"by {moved:.3g} V: the current was written with too few digits, or is another "
            "column."
        )
    return found


def _coarse(current: np.ndarray) -> str:
    """What to add where a file writes its current in steps that matter."""
    levels = np.unique(np.abs(current[current != 0]))
    if not levels.size or levels.size > 50:
        return ""
    grain = float(np.min(np.diff(levels, prepend=0.0)))
    if grain < 0.05 * np.median(np.abs(current[current != 0])):
        return ""
    return f"; the file writes its current in steps of {grain:.3g} A only"


def _energy(passed: np.ndarray, voltage: np.ndarray) -> np.ndarray:
    before = np.append(voltage[:1], voltage[:-1])
    return passed * (voltage + before) / 2


def _compare(
    key: str,
    column: Column,
    other: np.ndarray,
    passed: np.ndarray,
    direction: np.ndarray,
    found: Findings,
    coarse: str,
) -> None:
    said = passed_of(other, key)
    what = "energy" if "energy" in key else "charge"
    chosen = passed
    if key.startswith("charge"):
        chosen = passed[direction < 0]
    elif key.startswith("discharge"):
        chosen = passed[direction > 0]
    read, told = float(np.abs(chosen).sum()), float(said.sum())
    unit = "mAh" if what == "charge" else "mWh"
    if told <= 0 and read <= 0:
        return
    total = float(np.abs(passed).sum())
    if read < 1e-3 * total and told < 1e-3 * total:
        return
    # A column that holds a whole cycle's number in each row counts nothing.
    if told > 0 and np.count_nonzero(said) < 3 and read > 0:
        return
    ratio = read / told if told > 0 else np.inf
    if not column.stated and abs(ratio * 1e3 - 1) < _CLOSE:
        ratio, told = ratio * 1e3, told / 1e3  # of mAh, without saying so
    name = what if key in ("capacity", "increment", "energy") else key.replace("_", " ")
    if abs(ratio - 1) <= _CLOSE:
        found.agree(f"{unit} column agrees", ratio - 1)
    elif read and told:
        found.warnings.append(
            f"The {name} from current and time is {read * 1e3:.4g} {unit} in all, but the "
            f"file's column '{column.header}' counts {told * 1e3:.4g} {unit}: "
            f"{factor_words(ratio)}. A unit, the time or the sign may have been misread, or "
            f"rows are missing{coarse}."
        )
    else:
        side = "none" if not read else f"{read * 1e3:.4g} {unit}"
        found.warnings.append(
            f"The {name} from current and time is {side}, but the file's column "
            f"'{column.header}' counts {told * 1e3:.4g} {unit}: the sign of the current or a "
            "column may have been misread."
        )


def _compare_power(
    table: Table,
    column: Column,
    values: Mapping[str, np.ndarray],
    rows: np.ndarray,
    found: Findings,
) -> None:
    other = other_column(table, column, "power", rows, {})
    if other is None:
        return
    ours = np.abs(values["voltage"] * values["current"])
    good = (np.abs(other) > 0.2 * np.abs(other).max()) & (ours > 0)
    if good.sum() < 3:
        return
    ratio = float(np.median(ours[good] / np.abs(other[good])))
    if column.stated and abs(ratio - 1) > 0.1:
        found.warnings.append(
            f"Voltage times current is {np.median(ours[good]):.4g} W, but the file's column "
            f"'{column.header}' says {np.median(np.abs(other[good])):.4g} W: "
            f"{factor_words(ratio)}."
        )


def _compare_clocks(
    frame: Any,
    columns: Mapping[str, Column],
    time: np.ndarray,
    step: np.ndarray | None,
    rows: np.ndarray,
    found: Findings,
) -> None:
    for key in ("stamp", "step_time"):
        column = columns.get(key)
        if column is None or column.header == columns["time"].header:
            continue
        # A few thousand rows tell the factor as well as a million.
        some = _spread(len(rows), 4000)
        beside = _clock(frame[column.header].iloc[rows[some]], column)
        if beside is None:
            continue
        if key == "step_time":
            # EC-Lab leaves it at zero while a step has not begun to count.
            beside = np.where(beside == 0, np.nan, beside)
        ratio = slope(time[some], beside)
        if ratio is None:
            continue
        what = "date stamps" if key == "stamp" else "step times"
        if ratio <= 0 or abs(ratio - 1) > 0.03:
            found.warnings.append(
                f"The time and the {what} of column '{column.header}' disagree: an interval "
                f"of 1 s in the time read is {ratio:.4g} s there, "
                f"{factor_words(max(ratio, 1e-12))}. If the unit of the time is not that of "
                "its header, say --columns 'time=HEADER:UNIT'."
            )
        else:
            found.agree(f"{what} agree")


def _spread(size: int, most: int) -> np.ndarray:
    """Rows in short stretches over the whole file, so that intervals stay intervals."""
    if size <= most:
        return np.arange(size)
    starts = np.linspace(0, size - 40, most // 40).astype(int)
    return np.unique((starts[:, None] + np.arange(40)).ravel())


def _clock(series: Any, column: Column) -> np.ndarray | None:
    beside = stamps(series)
    if beside is not None:
        return beside
    values = numbers(series)
    if column.stated and np.isfinite(values).mean() > 0.9:
        from sscell.errors import ParameterError
        from sscell.units import parse_quantity

        try:
            return values * parse_quantity(f"1 {column.unit}", "s", "time")
        except ParameterError:
            return None
    return None


def _compare_names(
    frame: Any,
    columns: Mapping[str, Column],
    current: np.ndarray,
    kind: np.ndarray,
    rows: np.ndarray,
    found: Findings,
) -> None:
    import pandas as pd

    if "mode" not in columns:
        return
    series = frame[columns["mode"].header].iloc[rows]
    codes, names = pd.factorize(np.asarray(series, dtype=object).astype(str))
    known = name_kinds(names)
    if not any(known.values()):
        return
    said = np.array([known[n] or 0 for n in names])[codes]
    both = (said != 0) & (kind != 0)
    if both.sum() and np.mean(said[both] != kind[both]) > 0.05:
        share = np.mean(said[both] != kind[both])
        found.warnings.append(
            f"The sign of the current contradicts the names of the steps in "
            f"'{columns['mode'].header}' in {share:.0%} of their rows: check --current-sign."
        )
    rests = np.array([known[n] == 0 for n in names])[codes]
    largest = np.abs(current).max(initial=0.0)
    moving = rests & (np.abs(current) > 0.1 * largest)
    if moving.sum() > 0.05 * max(rests.sum(), 1):
        found.warnings.append(
            f"In {int(moving.sum())} rows of rests, by '{columns['mode'].header}', a current "
            "flows: the columns of current and step may not belong together."
        )


def _compare_growth(
    values: Mapping[str, np.ndarray], kind: np.ndarray, found: Findings
) -> None:
    """Whether the discharge capacity grows while a current discharges."""
    counters = [values.get(k) for k in ("discharge_capacity", "charge_capacity")]
    said = np.zeros(len(kind))
    for counter, sign in zip(counters, (1, -1), strict=True):
        if counter is not None:
            said += sign * (np.diff(counter, prepend=counter[0]) > 0)
    both = (said != 0) & (kind != 0)
    if both.sum() > 2 and np.mean(said[both] != kind[both]) > 0.5:
        found.warnings.append(
            "The sign of the current contradicts the columns of charge and discharge capacity: "
            "the other one grows. Check --current-sign."
        )


def _is_swept(values: Mapping[str, np.ndarray]) -> bool:
    """Whether the voltage goes at one pace and the current does not: a voltammogram."""
    dt, dv = np.diff(values["time"]), np.abs(np.diff(values["voltage"]))
    good = (dt > 0) & (dv > 0)
    if good.sum() < 20:
        return False
    pace = dv[good] / dt[good]
    steady = np.mean(np.abs(pace / np.median(pace) - 1) < 0.1) > 0.8
    size = np.abs(values["current"])
    flowing = size[size > 0.01 * size.max(initial=0.0)]
    return bool(steady and flowing.size and np.std(flowing) > 0.3 * np.mean(flowing))


def _compare_trend(values: Mapping[str, np.ndarray], stated: bool, found: Findings) -> None:
    if _is_swept(values):
        return  # Behind the turn of a sweep a current flows against the way of the voltage.
    trend = voltage_trend(values)
    if stated and trend > 0.5 and np.ptp(values["voltage"]) > 0.05:
        found.warnings.append(
            "With the sign of the current as stated, the voltage rises on discharge and falls "
            "on charge: the sign is probably the other one (--current-sign)."
        )
