"""A time series from the columns of a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import xarray as xr

from sscell.dataset import set_metadata, time_series
from sscell.errors import DataError
from sscell.readers.cells import numbers
from sscell.readers.checks import check_series, passed_of
from sscell.readers.columns import Column
from sscell.readers.convert import UNITS, column_values, missing
from sscell.readers.findings import Findings
from sscell.readers.names import QUANTITIES
from sscell.readers.signs import choose_sign
from sscell.readers.text import Table
from sscell.readers.timeline import elapsed, read_time

__all__ = ["read_series"]

_NAMES = {q.key: q.name for q in QUANTITIES}
_OPTIONAL = ("temperature", "cycle", "step", "charge_capacity", "discharge_capacity")
_NEEDED = ("time", "voltage", "current")
_UNREADABLE = 0.05  # of the rows: more than that is a refusal
_CELL = 20.0  # V: no single cell has more


def read_series(
    table: Table,
    columns: dict[str, Column],
    notes: list[str],
    scale: Mapping[str, float | None],
    current_sign: str | None,
) -> tuple[xr.Dataset, Findings]:
    """Time series of a table.

    Parameters
    ----------
    table : Table
        As read.
    columns : dict of str to Column
        What was recognised; loses what could not be used.
    notes : list of str
        Receives what was dropped or assumed.
    scale : mapping
        ``area`` [cm2], ``mass`` [g] and ``scan_rate`` [V/s], or None.
    current_sign : str or None
        ``"charge"`` or ``"discharge"``, as the user says.

    Returns
    -------
    tuple of (xarray.Dataset, Findings)
        Positive current discharges.

    Raises
    ------
    DataError
        If a needed column is missing, or its numbers are not what the headers say.
    """
    if "time" not in columns and scale.get("scan_rate") and "voltage" in columns:
        _time_of_scan(table, columns, float(scale["scan_rate"] or 0), notes)
    missing(table, columns, ("time", "voltage"))
    line = read_time(table, columns, notes)
    values = {"time": line.seconds}
    values["voltage"] = column_values(table, "voltage", columns["voltage"], notes, scale)
    values["current"] = _current(table, columns, values, notes, scale)
    _single_samples(values, notes)
    good = _readable(table, values, notes)
    rows = np.flatnonzero(good)
    values = {k: v[rows] for k, v in values.items()}
    for key in _OPTIONAL:
        if key in columns:
            _optional(table, key, columns, rows, values, notes, scale)
    _plausible(values, columns)
    line.seconds = values["time"]
    values["time"] = elapsed(line, values.get("step"), values.get("cycle"), notes)
    gaps = _left_out(values["time"], rows)
    if "step" in values and "cycle" not in values and np.any(np.diff(values["step"]) < 0):
        values["cycle"] = 1 + np.cumsum(_falls_back(values["step"]))
        notes.append(
            "The file counts no cycles; a new one begins where the step falls back."
        )
    values, rows = _without_repeats(values, rows, notes)
    mode = None
    if "mode" in columns:
        mode = table.frame[columns["mode"].header].to_numpy(dtype=object)[rows]
    stated = current_sign or table.positive_current
    # A header in PyBaMM's own spelling suggests its sign, where nothing else tells.
    own = "current" in columns and columns["current"].header.strip() == "Current [A]"
    sign = choose_sign(values, mode, stated, notes, "discharge" if own else "charge")
    values["current"] = values["current"] * sign
    _settle_counters(values, columns, notes)
    found = check_series(table, columns, values, rows, scale, stated is not None, gaps)
    if np.ndim(sign):
        positive = "unsigned"
    else:
        positive = "discharge negative" if float(sign) < 0 else "discharge positive"
    data = time_series(
        {_NAMES[k]: values[k] for k in (*_NEEDED, *_OPTIONAL) if k in values}
    )
    set_metadata(data, gaps_s=[list(g) for g in gaps] or None, sign_in_file=positive)
    return data, found


def _time_of_scan(
    table: Table, columns: dict[str, Column], rate: float, notes: list[str]
) -> None:
    """Time of a voltammogram without one, from its scan rate."""
    voltage = column_values(table, "voltage", columns["voltage"], [], {})
    step = np.abs(np.diff(voltage, prepend=voltage[:1]))
    table.frame = table.frame.assign(**{"time of the scan": np.nancumsum(step) / rate})
    columns["time"] = Column("time of the scan", "s")
    notes.append(
        f"The file has no time; it was computed from the voltage and {rate * 1e3:g} mV/s."
    )


def _current(
    table: Table,
    columns: dict[str, Column],
    values: Mapping[str, np.ndarray],
    notes: list[str],
    scale: Mapping[str, float | None],
) -> np.ndarray:
    if "current" in columns:
        current = column_values(table, "current", columns["current"], notes, scale)
        return _rests_left_blank(table, columns["current"], current, values, notes)
    if "increment" in columns:
        column = columns["increment"]
        increment = column_values(table, "increment", column, notes, scale)
        notes.append(
            f"The file has no current column; the current is that of the charge in "
            f"'{column.header}' over each interval."
        )
        return _current_of_charge(increment, values["time"], table, columns)
    if not table.attributes.get("open_circuit"):
        missing(table, columns, ("current",))
    notes.append("The file has no current column: open circuit, current set to zero.")
    return np.zeros_like(values["time"])


def _current_of_charge(
    increment: np.ndarray,
    time: np.ndarray,
    table: Table,
    columns: Mapping[str, Column],
) -> np.ndarray:
    """Current of each row: its charge [A.h] over the interval before it."""
    width = np.diff(time, prepend=np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        current = np.where(width > 0, increment * 3600 / width, np.nan)
    # Two rows of one moment, or the first: a step of its own begins with the next current.
    step = np.zeros(len(time), dtype=int)
    for key in ("step", "cycle"):
        if key in columns:
            number = np.nan_to_num(numbers(table.frame[columns[key].header]))
            step[1:] += np.cumsum(number[1:] != number[:-1])
    for row in np.flatnonzero(~np.isfinite(current)):
        after = row + 1
        if after < len(time) and step[after] == step[row] and np.isfinite(current[after]):
            current[row] = current[after]
        else:
            current[row] = 0.0 if not increment[row] else np.nan
    return current


def _rests_left_blank(
    table: Table,
    column: Column,
    current: np.ndarray,
    values: Mapping[str, np.ndarray],
    notes: list[str],
) -> np.ndarray:
    """Zero where a file leaves the current empty at rest, and nowhere writes it."""
    empty = np.asarray(table.frame[column.header].isna(), bool)
    whole = np.isfinite(values["time"]) & np.isfinite(values["voltage"])
    blank = empty & whole
    filled = np.isfinite(current)
    if not blank.any() or blank.mean() <= _UNREADABLE or not filled.any():
        return current
    largest = np.abs(current[filled]).max()
    edges = np.flatnonzero(np.diff(blank.astype(int)))
    stretches = (len(edges) + 2) / 2
    if np.any(np.abs(current[filled]) < 1e-3 * largest) or blank.sum() < 3 * stretches:
        return current
    notes.append(
        f"The current is empty in {int(blank.sum())} rows, and zero in none: taken as rests "
        "with no current."
    )
    return np.where(blank, 0.0, current)


def _single_samples(values: dict[str, np.ndarray], notes: list[str]) -> None:
    """Take out samples that no cell can have between others that it can.

    A voltage above 20 V among smaller ones; a current ten times that of both neighbours,
    which agree: a digit that was lost, not a measurement.
    """
    voltage = np.abs(values["voltage"])
    if np.nanmedian(voltage) < _CELL if np.isfinite(voltage).any() else False:
        odd = voltage > _CELL
        _mark(values["voltage"], odd, f"a voltage beyond {_CELL:g} V", notes)
    current = values["current"]
    before, here, after = current[:-2], current[1:-1], current[2:]
    with np.errstate(invalid="ignore"):
        level = np.minimum(np.abs(before), np.abs(after))
        same = (np.abs(before - after) <= 0.05 * level) & (level > 0)
        odd = np.concatenate([[False], same & (np.abs(here) > 10 * level), [False]])
    if 0 < odd.sum() <= max(2, 0.01 * len(current)):
        _mark(current, odd[: len(current)], "a current ten times that beside them", notes)


def _mark(values: np.ndarray, odd: np.ndarray, what: str, notes: list[str]) -> None:
    count = int(odd.sum())
    if count:
        rows = "1 row has" if count == 1 else f"{count} rows have"
        first = int(np.argmax(odd)) + 1
        notes.append(f"{rows} {what} (first: row {first}): not believed.")
        values[odd] = np.nan


def _readable(
    table: Table, values: Mapping[str, np.ndarray], notes: list[str]
) -> np.ndarray:
    good = np.all([np.isfinite(values[k]) for k in _NEEDED], axis=0)
    lost = int((~good).sum())
    if good.sum() < 2 and len(good) < 20:
        raise DataError(
            "The file holds fewer than two rows with time, voltage and current."
        )
    if lost > max(2, _UNREADABLE * len(good)):
        row = int(np.argmax(~good))
        which = [k for k in _NEEDED if not np.isfinite(values[k][row])]
        raise DataError(
            f"{lost} of {len(good)} rows cannot be read; in the first, row {row + 1}, the "
            f"{' and the '.join(which)} is not a number: '{table.quote(row)}'. Say which "
            "column is which with --columns, or take these rows out."
        )
    if lost:
        first = int(np.argmax(~good)) + 1
        rows = "1 row" if lost == 1 else f"{lost} rows"
        notes.append(
            f"{rows} dropped of {len(good)} (first: row {first}): time, voltage or current is "
            "not a number."
        )
    return good


def _optional(
    table: Table,
    key: str,
    columns: dict[str, Column],
    rows: np.ndarray,
    values: dict[str, np.ndarray],
    notes: list[str],
    scale: Mapping[str, float | None],
) -> None:
    column = columns[key]
    try:
        array = column_values(table, key, column, notes, scale)[rows]
    except DataError:
        notes.append(f"Column '{column.header}' was left out: its unit is not understood.")
        del columns[key]
        return
    if key == "temperature" and not np.any(np.nan_to_num(array)):
        notes.append(f"Column '{column.header}' is zero throughout and was left out.")
        del columns[key]
    elif np.isfinite(array).all():
        whole = key in ("cycle", "step") and np.all(array == np.round(array))
        values[key] = array.astype(np.int64) if whole else array
        if key in ("cycle", "step") and not whole:
            notes.append(f"Column '{column.header}' holds no whole numbers: left out.")
            del values[key], columns[key]
    else:
        notes.append(f"Column '{column.header}' was left out: it has gaps.")
        del columns[key]


def _settle_counters(
    values: dict[str, np.ndarray], columns: dict[str, Column], notes: list[str]
) -> None:
    """Unit of counters of charge that state none: that in which they agree with the current."""
    time, current = values["time"], values["current"]
    for key, sign in (("charge_capacity", -1), ("discharge_capacity", 1)):
        if key not in values or columns[key].stated:
            continue
        header = columns[key].header
        read = float(np.trapezoid(np.maximum(sign * current, 0), time)) / 3600
        told = float(passed_of(values[key], key).sum())
        ratio = told / read if read else np.inf
        if abs(ratio / 1e3 - 1) < 0.1:
            values[key] = values[key] / 1e3
            columns[key] = replace(columns[key], unit="mA.h", stated=True)
            notes.append(
                f"No unit is stated for '{header}'; it agrees with current and time in mAh."
            )
        elif abs(ratio - 1) > 0.1 and told > 0:
            del values[key]
            notes.append(
                f"Column '{header}' was left out: it states no unit, and agrees with current "
                "and time neither in Ah nor in mAh."
            )


def _falls_back(step: np.ndarray) -> np.ndarray:
    """Rows at which a program begins its loop again.

    A fall that is mostly followed by a lower one, as of a rest that serves twice, is none.
    """
    begins = np.zeros(len(step), dtype=bool)
    rows = np.flatnonzero(np.diff(step) < 0) + 1
    follows: dict[tuple[int, int], list[int]] = {}
    ways = [(int(step[row - 1]), int(step[row])) for row in rows]
    for way, after in zip(ways, [*ways[1:], None], strict=True):
        vote = 0 if after is None else 1 if after[1] < way[1] else -1
        follows.setdefault(way, []).append(vote)
    for row, way in zip(rows, ways, strict=True):
        begins[row] = sum(follows[way]) <= 0
    return begins


def _left_out(time: np.ndarray, rows: np.ndarray) -> list[tuple[float, float]]:
    """Intervals from which unreadable rows were dropped [s]."""
    holes = np.flatnonzero(np.diff(rows) > 1)
    return [(float(time[k]), float(time[k + 1])) for k in holes]


def _without_repeats(
    values: dict[str, np.ndarray], rows: np.ndarray, notes: list[str]
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Whole rows that repeat the one before go; equal times with other values stay."""
    new = np.ones(len(rows), dtype=bool)
    new[1:] = np.any([np.diff(v) != 0 for v in values.values()], axis=0)
    if not new.all():
        count = int((~new).sum())
        first = int(np.argmax(~new)) + 1
        which = "1 row" if count == 1 else f"{count} rows"
        notes.append(
            f"{which} dropped of {len(new)} (first: row {first}): they repeat the row before."
        )
        values = {k: v[new] for k, v in values.items()}
        rows = rows[new]
    current = values["current"]
    # Where a step ends and the next begins, two rows of one time are as they should be.
    same = (np.diff(values["time"]) == 0) & (
        np.abs(np.diff(current)) < 0.05 * np.abs(current[1:])
    )
    if "step" in values:
        same &= np.diff(values["step"]) == 0
    repeated = int(same.sum())
    if repeated:
        which = "1 row has" if repeated == 1 else f"{repeated} rows have"
        notes.append(f"{which} the time of the row before; nothing was dropped for it.")
    return values, rows


def _plausible(values: Mapping[str, np.ndarray], columns: Mapping[str, Column]) -> None:
    voltage, current = np.abs(values["voltage"]), np.abs(values["current"])
    if len(voltage) < 2:
        raise DataError(
            "The file holds fewer than two rows with time, voltage and current."
        )
    if np.median(voltage) > 20:
        raise DataError(
            f"The voltage in column '{columns['voltage'].header}' is about "
            f"{np.median(voltage):.4g} {UNITS['voltage']}, too much for one cell. If it is in "
            f"mV, say --columns 'voltage={columns['voltage'].header}:mV'."
        )
    one_sign = np.all(values["current"] > 0)
    steady = np.mean(np.diff(voltage) == 0) > 0.5 or voltage.max() < 0.02
    varied = np.mean(np.diff(current) == 0) < 0.5
    like_voltage = 0.5 < np.median(current) < 6 and np.median(voltage) < 0.1
    if one_sign and varied and steady and (like_voltage or _is_cycled(values["voltage"])):
        _refuse_swapped("voltage", "current", values, columns)
    time = values["time"]
    ramp = np.all(np.diff(values["current"]) >= 0) and np.ptp(current) > 0
    different = len(np.unique(time))
    if len(time) > 20 and ramp and different < 0.2 * len(time):
        _refuse_swapped("time", "current", values, columns)
    if len(time) > 20 and different < 0.06 * len(time):
        raise DataError(
            f"The time in column '{columns['time'].header}' has only {different} different "
            f"values in {len(time)} rows: another column is the time. Say --columns "
            "'time=HEADER:s'."
        )


def _is_cycled(values: np.ndarray) -> bool:
    """Whether values are held at one level and at its negative, as a current is."""
    high, low = values.max(), -values.min()
    return bool(low > 0 and abs(high / low - 1) < 0.05)


def _refuse_swapped(
    one: str, other: str, values: Mapping[str, np.ndarray], columns: Mapping[str, Column]
) -> None:
    raise DataError(
        f"The columns look swapped: the {one} column '{_header(one, columns)}' is about "
        f"{np.median(np.abs(values[one])):.3g} {UNITS[one]} and the {other} column "
        f"'{_header(other, columns)}' about {np.median(np.abs(values[other])):.3g} "
        f"{UNITS[other]} throughout. Say which is which with --columns "
        f"'{one}=HEADER,{other}=HEADER:mA'."
    )


def _header(key: str, columns: Mapping[str, Column]) -> str:
    return columns[key].header if key in columns else key
