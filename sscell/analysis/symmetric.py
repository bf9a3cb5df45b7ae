"""Symmetric cycling: overpotential, area resistance, critical current, shorts.

A step is one half of each direction at one current. Its overpotential is the mean voltage
of the last tenth of each half, without sign, averaged; over the current density that is the
area resistance of the whole cell. A voltage that falls is a short: hard, where less than a
fifth of what the steps before let expect is left, else soft; so is a voltage that turns
rough. One that rises without end is
lost contact. The critical current is the last before either.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from sscell.analysis.capacity import HalfCycle, half_cycles
from sscell.dataset import metadata
from sscell.errors import DataError

__all__ = ["critical_current", "end_voltage", "is_symmetric", "scatter"]

SAME = 0.05  # share within which two currents are one
FALLEN = 0.75  # of the area resistance before: below it the cell is shorted
HARD = 0.2  # the same, for a hard short
DROP = 0.1  # of the voltage, at once and for good, within a half
ROUGH = 0.05  # of the voltage: scatter that turned up is a soft short as well
ENDLESS = 1.2  # from the first to the last third of a half, and ever faster
RISEN = 2.0  # of the area resistance before: above it contact is lost


def is_symmetric(halves: Sequence[HalfCycle]) -> bool:
    """Whether halves are those of a cell with two like electrodes.

    Parameters
    ----------
    halves : sequence of HalfCycle
        In order.

    Returns
    -------
    bool
        True if the voltage changes its sign with the current and ends alike on both sides.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0, 9, 10, 19], "Current [A]": [1, 1, -1, -1],
    ...                     "Voltage [V]": [0.1, 0.1, -0.1, -0.1]})
    >>> is_symmetric(half_cycles(data))
    True
    """
    means: dict[str, list[float]] = {"charge": [], "discharge": []}
    for half in halves:
        means[half.direction].append(end_voltage(half, signed=True))
    if not all(means.values()):
        return False
    up, down = (float(np.median(v)) for v in means.values())
    sizes = sorted((abs(up), abs(down)))
    return bool(up * down < 0 and sizes[0] > sizes[1] / 3)


def end_voltage(half: HalfCycle, signed: bool = False) -> float:
    """Mean voltage of the last tenth of a half [V].

    Parameters
    ----------
    half : HalfCycle
        Of plating or stripping.
    signed : bool, optional
        Whether its sign stays.

    Returns
    -------
    float

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0, 9, 10], "Current [A]": [1, 1, 1],
    ...                     "Voltage [V]": [-0.1, -0.2, -0.2]})
    >>> round(end_voltage(half_cycles(data)[0]), 3)
    0.2
    """
    moving = np.abs(half.current) > 0.5 * np.abs(half.current).max()
    time, voltage = half.time[moving], half.voltage[moving]
    late = time >= time[-1] - 0.1 * (time[-1] - time[0])
    mean = float(np.mean(voltage[late]))
    return mean if signed else abs(mean)


def critical_current(data: xr.Dataset, *, area_cm2: float | None = None) -> dict[str, Any]:
    """Steps of a symmetric cell, and the current at which it fails.

    Parameters
    ----------
    data : xarray.Dataset
        Time, current and voltage.
    area_cm2 : float, optional
        Of one electrode [cm2]; default: that of the dataset.

    Returns
    -------
    dict
        ``steps`` (``current_mA_cm2``, ``overpotential_V``, ``area_resistance_ohm_cm2``,
        ``asymmetry``, ``growth``), ``critical_current_mA_cm2``,
        ``first_failed_mA_cm2``, ``at_least_mA_cm2``, ``short`` (None, or ``step``,
        ``current_mA_cm2`` and ``kind``), ``failure`` and ``warnings``.

    Raises
    ------
    DataError
        If no current flows, or no area is known.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> t = np.arange(0.0, 80.0)
    >>> i = 1e-3 * np.where((t // 10) % 2 == 0, 1, -1) * (1 + t // 20)
    >>> data = time_series({"Time [s]": t, "Current [A]": i, "Voltage [V]": 50 * i})
    >>> found = critical_current(data, area_cm2=1.0)
    >>> round(found["steps"][0]["area_resistance_ohm_cm2"], 6), found["at_least_mA_cm2"]
    (50.0, 4.0)
    """
    area = area_cm2 or metadata(data, "area_cm2")
    if not area:
        raise DataError(
            "Currents of a symmetric cell are per area: say --area or --diameter."
        )
    halves = [h for h in half_cycles(data) if len(h.rows) >= 3]
    if not halves:
        raise DataError("No current flows in these data: there is no step.")
    pairs = _pairs(halves)
    steps = [_step(pair, area) for pair in pairs]
    notes: list[str] = []
    failed, kind = _failure(pairs, steps)
    currents = [s["current_mA_cm2"] for s in steps]
    stable = currents[: failed - 1] if failed else currents
    if failed and kind == "contact":
        notes.append(
            f"The voltage rises without end in step {failed}: contact is lost, no short."
        )
    return {
        "steps": steps,
        "critical_current_mA_cm2": max(stable) if failed and stable else None,
        "first_failed_mA_cm2": currents[failed - 1] if failed else None,
        "at_least_mA_cm2": None if failed else max(currents),
        "short": {"step": failed, "current_mA_cm2": currents[failed - 1], "kind": kind}
        if failed and kind != "contact"
        else None,
        "failure": None if not failed else "lost contact" if kind == "contact" else "short",
        "warnings": notes,
    }


def _pairs(halves: Sequence[HalfCycle]) -> list[list[HalfCycle]]:
    """Halves of opposite direction at one current that follow each other."""
    pairs: list[list[HalfCycle]] = []
    for half in halves:
        last = pairs[-1] if pairs else []
        if (
            len(last) == 1
            and last[0].direction != half.direction
            and abs(_current(half) / _current(last[0]) - 1) < SAME
        ):
            last.append(half)
        else:
            pairs.append([half])
    return pairs


def _current(half: HalfCycle) -> float:
    return float(np.median(np.abs(half.current[half.current != 0])))


def _step(pair: Sequence[HalfCycle], area: float) -> dict[str, Any]:
    density = float(np.mean([_current(h) for h in pair])) * 1e3 / area
    ends = [end_voltage(h) for h in pair]
    over = float(np.mean(ends))
    begins = [
        float(np.mean(np.abs(h.voltage[: max(len(h.voltage) // 10, 1)]))) for h in pair
    ]
    growth = float(np.mean([e / b for e, b in zip(ends, begins, strict=True) if b] or [1]))
    return {
        "current_mA_cm2": density,
        "overpotential_V": over,
        "area_resistance_ohm_cm2": over / density * 1e3,
        # Of the two halves: zero where both need the same voltage.
        "asymmetry": (ends[0] - ends[1]) / sum(ends) if len(ends) == 2 and over else None,
        "growth": growth,
        "charge_mAh_cm2": float(np.mean([h.capacity for h in pair])) * 1e3 / area,
    }


def _failure(
    pairs: Sequence[Sequence[HalfCycle]], steps: Sequence[dict[str, Any]]
) -> tuple[int, str]:
    """Number of the first step that fails, and how; (0, "") where none does."""
    for k, pair in enumerate(pairs):
        known = [s["area_resistance_ohm_cm2"] for s in steps[max(k - 3, 0) : k]]
        usual = known[-1] if known else None
        for half in pair:
            fallen = _sudden_fall(half)
            left = end_voltage(half) / _current(half)
            density = steps[k]["current_mA_cm2"]
            expected = usual * density * 1e-3 / _current(half) if usual else None
            share = left / expected if expected else 1 - fallen
            if fallen > DROP or share < FALLEN:
                # What is left of the voltage, against before or within this half.
                least = min(share, 1 - fallen)
                return k + 1, "hard" if least < HARD else "soft"
            rough = _roughness(half)
            before = [_roughness(h) for p in pairs[max(k - 3, 0) : k] for h in p]
            if before and rough > max(5 * float(np.median(before)), ROUGH):
                return k + 1, "soft"
            if (expected and share > RISEN) or _runaway(half):
                return k + 1, "contact"
    return 0, ""


def _evenly(half: HalfCycle) -> np.ndarray:
    """Voltage of a half without sign, at even times while its current flows [V]."""
    moving = np.abs(half.current) > 0.5 * np.abs(half.current).max()
    time, voltage = half.time[moving], np.abs(half.voltage[moving])
    steps = np.diff(time)
    if not len(steps) or np.ptp(steps) < 0.5 * np.median(steps):
        return voltage
    return np.interp(np.linspace(time[0], time[-1], len(time)), time, voltage)


def _sudden_fall(half: HalfCycle) -> float:
    """Largest share of the voltage that is lost at once and does not come back."""
    voltage = _evenly(half)
    number = len(voltage)
    if number < 12:
        return 0.0
    # The begin of a half relaxes by itself: a nucleation, or the charging of interfaces.
    skip, reach = number // 5, max(number // 15, 2)
    noise = 1.25 * scatter(voltage) / np.sqrt(reach)
    worst = 0.0
    for row in range(skip, number - reach):
        before = float(np.median(voltage[max(row - reach, skip // 2) : row + 1]))
        later = float(np.median(voltage[row + 1 :]))
        near = float(np.median(voltage[row + 1 : row + 1 + reach]))
        fall = before - max(later, near)
        if before > 0 and fall > 5 * noise:
            worst = max(worst, fall / before)
    return worst


def _roughness(half: HalfCycle) -> float:
    """Scatter of the voltage of a half, over the voltage it ends with [-]."""
    return scatter(np.abs(half.voltage)) / max(end_voltage(half), 1e-12)


def scatter(voltage: np.ndarray) -> float:
    """Scatter from sample to sample, by the median of third differences [V].

    Parameters
    ----------
    voltage : numpy.ndarray, shape (n,)
        [V]

    Returns
    -------
    float
        [V]

    Examples
    --------
    >>> scatter(np.arange(20.0))
    0.0
    """
    if len(voltage) < 6:
        return 0.0
    return float(np.median(np.abs(np.diff(voltage, 3))) / (0.6745 * np.sqrt(20)))


def _runaway(half: HalfCycle) -> bool:
    """Whether the voltage of a half rises, and ever faster: polarisation levels off."""
    voltage = _evenly(half)
    voltage = voltage[len(voltage) // 10 :]
    third = max(len(voltage) // 3, 1)
    begin, middle, end = (
        float(np.mean(voltage[a : a + third])) for a in (0, third, len(voltage) - third)
    )
    noise = 5 * scatter(voltage) / np.sqrt(third)
    return end > ENDLESS * begin + noise and end - middle > middle - begin
