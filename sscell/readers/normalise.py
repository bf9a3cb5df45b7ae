"""From the columns of a file to the dataset: the one place that converts units and signs."""

from __future__ import annotations

import warnings as python_warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from sscell.dataset import set_metadata, spectrum, time_series
from sscell.errors import DataError, ParameterError
from sscell.readers.columns import QUANTITIES, Column, match_columns
from sscell.readers.signs import choose_sign
from sscell.readers.text import Table
from sscell.units import parse_quantity

__all__ = ["to_dataset"]

_NAMES = {q.key: q.name for q in QUANTITIES}
_UNITS = {q.key: q.default_unit for q in QUANTITIES}
_SPECTRAL = ("frequency", "real", "imaginary")
_NEEDED = ("time", "voltage")
_NO_UNIT = "No unit is stated; taken:"
_OPTIONAL = ("temperature", "cycle", "step", "charge_capacity", "discharge_capacity")


def to_dataset(
    table: Table,
    mapping: Mapping[str, str],
    *,
    mass: float | None = None,
    area: float | None = None,
    current_sign: str | None = None,
    temperature: float | None = None,
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
    if all(k in columns for k in _SPECTRAL) and _is_spectrum(table, columns):
        data = _spectrum(table, columns, notes)
    else:
        scale = {"area": area, "mass": mass}
        data = _series(table, columns, notes, current_sign, scale)
    notes = _merged(notes)
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
    )
    for note in notes:
        python_warnings.warn(note, stacklevel=4)
    return data


def _merged(notes: list[str]) -> list[str]:
    """One note for all the columns without a unit."""
    bare = [n.removeprefix(_NO_UNIT).strip() for n in notes if n.startswith(_NO_UNIT)]
    rest = [n for n in notes if not n.startswith(_NO_UNIT)]
    return [*rest, f"{_NO_UNIT} {', '.join(bare)}."] if bare else rest


def _headerless(
    table: Table, columns: dict[str, Column], notes: list[str]
) -> dict[str, Column]:
    frame = table.frame
    if columns or frame.shape[1] < 3:
        return {}
    head = [str(h) for h in frame.columns[:3]]
    f = (
        np.asarray(frame[head[0]], dtype=float)
        if _numeric(frame[head[0]])
        else np.array([])
    )
    if len(f) > 4 and np.all(f > 0):
        ratio = np.diff(np.log(f))
        if np.all(ratio > 0) or np.all(ratio < 0):
            notes.append(
                "The file names no columns; the first three were taken as frequency [Hz], "
                "Z real [Ohm] and Z imaginary [Ohm]."
            )
            return {
                key: Column(h, _UNITS[key], False)
                for key, h in zip(_SPECTRAL, head, strict=True)
            }
    raise DataError(
        "The file names no columns. Say which is which, for example "
        "--columns 'time=column 1,voltage=column 2,current=column 3:mA'."
    )


def _numeric(series: Any) -> bool:
    return series.dtype.kind in "iuf"


def _is_spectrum(table: Table, columns: dict[str, Column]) -> bool:
    frequency = _plain_numbers(table.frame[columns["frequency"].header])
    return bool(np.nansum(np.abs(frequency)) > 0)


def _plain_numbers(series: Any) -> np.ndarray:
    import pandas as pd

    if not _numeric(series):
        text = series.astype("string").str.strip().str.replace("D", "E", regex=False)
        series = pd.to_numeric(text, errors="coerce")
    return np.asarray(series, dtype=float)


def _clock_seconds(series: Any) -> np.ndarray:
    """Seconds from numbers, clock times (hours may exceed 24) or dates."""
    import pandas as pd

    if series.dtype.kind == "m":
        return series.dt.total_seconds().to_numpy()
    if series.dtype.kind != "M":
        numbers = _plain_numbers(series)
        if np.isfinite(numbers).sum() >= 0.5 * len(numbers):
            return numbers
        text = series.astype("string").str.strip().str.replace(",", ".", regex=False)
        parts = text.str.extract(r"^(?:(\d+)[dD ]\s*)?(\d+):(\d{2}):(\d{2}(?:\.\d+)?)$")
        clock = parts.astype(float)
        if clock[1].notna().sum() >= 0.5 * len(clock):
            days = clock[0].fillna(0)
            total = days * 86400 + clock[1] * 3600 + clock[2] * 60 + clock[3]
            return total.to_numpy()
        series = pd.to_datetime(text, errors="coerce", format="mixed")
    stamps = series.to_numpy().astype("datetime64[ns]")
    seconds = (
        (stamps - stamps[~np.isnat(stamps)][0]) / np.timedelta64(1, "s")
        if len(stamps[~np.isnat(stamps)])
        else np.full(len(stamps), np.nan)
    )
    return np.where(np.isnat(stamps), np.nan, seconds)


def _convert(
    table: Table, key: str, column: Column, notes: list[str], scale: Mapping[str, Any]
) -> np.ndarray:
    series = table.frame[column.header]
    values = _clock_seconds(series) if key == "time" else _plain_numbers(series)
    target = _UNITS[key]
    if column.unit == "clock" or (key == "time" and not _has_numbers(series)):
        return values
    if not column.stated and target and key in (*_NEEDED, "current", *_SPECTRAL):
        notes.append(f"{_NO_UNIT} '{column.header}' as {target}")
    if key == "temperature":
        offset, factor = (-273.15, 1.0) if column.unit == "kelvin" else (0.0, 1.0)
        return values * factor + offset
    if not target:
        return values
    factor = _factor(column, key, target, scale)
    return (-values if column.negative else values) * factor


def _has_numbers(series: Any) -> bool:
    numbers = (
        _plain_numbers(series) if series.dtype.kind not in "mM" else np.array([np.nan])
    )
    return bool(np.isfinite(numbers).any())


def _factor(column: Column, key: str, target: str, scale: Mapping[str, Any]) -> float:
    unit = column.unit
    for per, name in (("/cm2", "area"), ("/m2", "area"), ("/g", "mass")):
        if key == "current" and unit.endswith(per):
            given = scale[name]
            if given is None:
                raise DataError(
                    f"Column '{column.header}' is a current in {unit}: give the {name} "
                    f"(--{name}) to convert it to A."
                )
            size = given * 1e-4 if per == "/m2" else given
            return parse_quantity(f"1 {unit.removesuffix(per)}", "A", key) * size
    if not unit:
        return 1.0
    try:
        return parse_quantity(f"1 {unit}", target, key)
    except ParameterError as error:
        raise DataError(
            f"Column '{column.header}' was taken as {key}, but its unit '{unit}' is not a "
            f"unit of {key} such as {target}. Name the right column or unit with "
            f"--columns '{key}=HEADER:{target}'."
        ) from error


def _missing(table: Table, columns: Mapping[str, Column], needed: tuple[str, ...]) -> None:
    missing = [k for k in needed if k not in columns]
    if missing:
        there = ", ".join(repr(str(h)) for h in table.frame.columns)
        example = ",".join(f"{k}=HEADER" for k in missing)
        raise DataError(
            f"The file has no column for {' and no column for '.join(missing)}; it has "
            f"{there}. Name it with --columns '{example}'."
        )


def _spectrum(table: Table, columns: Mapping[str, Column], notes: list[str]) -> xr.Dataset:
    values = {k: _convert(table, k, columns[k], notes, {}) for k in _SPECTRAL}
    # Some instruments log rows of another technique with frequency zero.
    good = np.all([np.isfinite(v) for v in values.values()], axis=0) & (
        values["frequency"] > 0
    )
    _report_dropped(good, notes, "a number is missing or the frequency is not positive")
    if good.sum() < 3:
        raise DataError("The file holds fewer than three impedance points.")
    if np.mean(values["imaginary"][good] > 0) > 0.8:
        notes.append(
            "Im Z is positive at most frequencies; if the file holds -Im Z, say "
            f"--columns 'imaginary=-{columns['imaginary'].header}'."
        )
    values = {k: v[good] for k, v in values.items()}
    rows = _blocks(values["frequency"])
    if rows == 1:
        return spectrum({_NAMES[k]: v for k, v in values.items()})
    stacked = {_NAMES[k]: v.reshape(rows, -1) for k, v in values.items()}
    stacked["Frequency [Hz]"] = stacked["Frequency [Hz]"][0]
    return spectrum(stacked, states=[str(k + 1) for k in range(rows)])


def _blocks(frequency: np.ndarray) -> int:
    """Number of sweeps of the same frequencies that follow one another."""
    step = np.sign(np.diff(frequency))
    starts = np.flatnonzero(step == -np.sign(np.median(step))) + 1
    if not len(starts):
        return 1
    lengths = np.diff(np.concatenate([[0], starts, [len(frequency)]]))
    if len(set(lengths.tolist())) == 1:
        table = frequency.reshape(len(lengths), -1)
        if np.allclose(table, table[0], rtol=1e-3):
            return len(lengths)
    raise DataError(
        f"The file holds {len(lengths)} sweeps over different frequencies "
        f"(of {lengths.min()} to {lengths.max()} points): split it into one file for each."
    )


def _report_dropped(good: np.ndarray, notes: list[str], reason: str) -> None:
    count = int((~good).sum())
    if count:
        first = int(np.argmax(~good)) + 1
        rows = "1 row" if count == 1 else f"{count} rows"
        notes.append(f"{rows} dropped of {len(good)} (first: row {first}): {reason}.")


def _series(
    table: Table,
    columns: dict[str, Column],
    notes: list[str],
    current_sign: str | None,
    scale: Mapping[str, Any],
) -> xr.Dataset:
    spectral = "frequency" in columns and "time" not in columns
    _missing(table, columns, _SPECTRAL if spectral else _NEEDED)
    values = {
        k: _convert(table, k, columns[k], notes, scale)
        for k in (*_NEEDED, "current")
        if k in columns
    }
    if "current" not in columns:
        _without_current(table, values, notes)
    for key in _OPTIONAL:
        if key in columns:
            _optional(table, key, columns.pop(key), columns, values, notes)
    needed = (*_NEEDED, "current")
    good = np.all([np.isfinite(values[k]) for k in needed], axis=0)
    _report_dropped(good, notes, "time, voltage or current is not a number")
    if good.sum() < 2:
        raise DataError(
            "The file holds fewer than two rows with time, voltage and current."
        )
    values = {k: v[good] for k, v in values.items()}
    mode = (
        table.frame[columns["mode"].header].to_numpy()[good] if "mode" in columns else None
    )
    _plausible(values, columns)
    if "step" in values and "cycle" not in values and np.any(np.diff(values["step"]) < 0):
        values["cycle"] = 1 + np.cumsum(
            np.diff(values["step"], prepend=values["step"][0]) < 0
        )
        notes.append(
            "The file counts no cycles; a new one begins where the step falls back."
        )
    values = _ordered(values, notes)
    if mode is not None and len(mode) != len(values["time"]):
        mode = None
    stated = current_sign or table.positive_current
    # A header in PyBaMM's own spelling suggests its sign, where nothing else tells.
    own = "current" in columns and columns["current"].header.strip() == "Current [A]"
    fallback = "discharge" if own else "charge"
    sign = choose_sign(values, mode, stated, notes, fallback)
    values["current"] = values["current"] * sign
    ordered = {_NAMES[k]: values[k] for k in (*needed, *_OPTIONAL) if k in values}
    return time_series(ordered)


def _without_current(table: Table, values: dict[str, Any], notes: list[str]) -> None:
    if table.format != "BioLogic .mpr" and not table.attributes.get("open_circuit"):
        _missing(table, {}, ("current",))
    notes.append("The file has no current column: open circuit, current set to zero.")
    values["current"] = np.zeros_like(values["time"])


def _optional(
    table: Table,
    key: str,
    column: Column,
    columns: dict[str, Column],
    values: dict[str, Any],
    notes: list[str],
) -> None:
    try:
        array = _convert(table, key, column, notes, {})
    except DataError:
        notes.append(f"Column '{column.header}' was left out: its unit is not understood.")
        columns[key] = column
        return
    if key == "temperature" and not np.any(array):
        notes.append(f"Column '{column.header}' is zero throughout and was left out.")
    elif np.isfinite(array).all():
        columns[key] = column
        whole = key in ("cycle", "step") and np.all(array == np.round(array))
        values[key] = array.astype(np.int64) if whole else array
    else:
        notes.append(f"Column '{column.header}' was left out: it has gaps.")


def _plausible(values: Mapping[str, np.ndarray], columns: Mapping[str, Column]) -> None:
    voltage, current = np.abs(values["voltage"]), np.abs(values["current"])
    if np.median(voltage) > 20:
        raise DataError(
            f"The voltage in column '{columns['voltage'].header}' is about "
            f"{np.median(voltage):.4g} V, too much for one cell. If it is in mV, say "
            f"--columns 'voltage={columns['voltage'].header}:mV'."
        )
    steady = np.mean(np.diff(voltage) == 0) > 0.5 or voltage.max() < 0.02
    like_voltage = 0.5 < np.median(current) < 6 and np.mean(np.diff(current) == 0) < 0.5
    one_sign = np.all(values["current"] > 0)
    if steady and like_voltage and one_sign and np.median(voltage) < 0.1:
        raise DataError(
            f"The columns look swapped: the voltage column '{columns['voltage'].header}' is "
            f"about {np.median(voltage):.3g} V and the current column "
            f"'{columns['current'].header}' about {np.median(current):.3g} A throughout. "
            "Say which is which with --columns 'voltage=HEADER,current=HEADER:mA'."
        )


def _ordered(values: dict[str, np.ndarray], notes: list[str]) -> dict[str, np.ndarray]:
    """Time that starts again with each step is added up; whole repeated rows go."""
    time = values["time"]
    back = np.flatnonzero(np.diff(time) < 0) + 1
    if len(back):
        time = _joined(time, back, notes)
        values = {**values, "time": time}
    same = np.ones(len(time), dtype=bool)
    same[1:] = np.any([np.diff(v) != 0 for v in values.values()], axis=0)
    if not same.all():
        _report_dropped(same, notes, "they repeat the row before")
        values = {k: v[same] for k, v in values.items()}
    repeated = int(np.sum(np.diff(values["time"]) == 0))
    if repeated:
        rows = "1 row has" if repeated == 1 else f"{repeated} rows have"
        notes.append(f"{rows} the time of the row before; nothing was dropped for it.")
    return values


def _joined(time: np.ndarray, back: np.ndarray, notes: list[str]) -> np.ndarray:
    spans = np.diff(np.concatenate([[0], back, [len(time)]]))
    restart = time[back] <= time[0] + 0.05 * np.maximum(time[back - 1] - time[0], 0) + 120
    if len(back) > 0.34 * len(time) or not restart.all() or spans.min() < 1:
        row = int(back[np.argmax(~restart)]) if not restart.all() else int(back[0])
        raise DataError(
            f"Time runs backwards at row {row + 1}: {time[row - 1]:g} s, then {time[row]:g} s. "
            "The rows are out of order, or another column is the time: say --columns "
            "'time=HEADER:s'."
        )
    notes.append(
        f"Time starts again {len(back)} times; it counts within a step and was added up."
    )
    steps = np.zeros(len(time))
    steps[back] = time[back - 1] - np.minimum(time[back], 0)
    return time + np.cumsum(steps)
