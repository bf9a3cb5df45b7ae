"""Stack pressure over time, as a load cell reads it: changes by half cycle and voltage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from sscell.analysis.capacity import HalfCycle, half_cycles
from sscell.dataset import require
from sscell.errors import ParameterError

__all__ = ["PRESSURE", "pressure_between", "pressure_changes"]

PRESSURE = "Stack pressure [MPa]"


def pressure_between(data: xr.Dataset, half: HalfCycle, low: float, high: float) -> float:
    """Change of the stack pressure while the voltage passes from one value to another.

    Parameters
    ----------
    data : xarray.Dataset
        Time series with ``Stack pressure [MPa]``.
    half : HalfCycle
        From `sscell.analysis.half_cycles`.
    low, high : float
        Voltages against the cell's own anode [V]; infinite: the start or end of the half
        cycle.

    Returns
    -------
    float
        Pressure where the voltage first passes the later of the two less that where it
        first passes the earlier [MPa]; a voltage that is not passed counts as the end.

    Raises
    ------
    DataError
        If the data have no pressure.
    ParameterError
        If the voltages do not rise.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0, 1, 2], "Current [A]": [-1, -1, -1],
    ...                     "Voltage [V]": [3.0, 3.9, 4.4], PRESSURE: [50.0, 49.8, 49.6]})
    >>> round(pressure_between(data, half_cycles(data)[0], 3.9, 4.4), 3)
    -0.2
    """
    require(data, PRESSURE)
    if not low < high:
        raise ParameterError(f"Voltages must rise, not {low:g} to {high:g} V.")
    rises = half.direction == "charge"
    first, last = (low, high) if rises else (high, low)
    pressure = data[PRESSURE].values[half.rows]
    passed = np.maximum.accumulate(half.voltage if rises else -half.voltage)
    at = [_where(passed, value if rises else -value) for value in (first, last)]
    before, after = np.interp(at, np.arange(pressure.size), pressure)
    return float(after - before)


def _where(passed: np.ndarray, value: float) -> float:
    """Row, with its fraction, at which a value is first reached."""
    row = int(np.searchsorted(passed, value))
    if row == 0:
        return 0.0
    if row == passed.size:
        return float(passed.size - 1)
    below, above = passed[row - 1], passed[row]
    return row - 1 + float((value - below) / (above - below))


def pressure_changes(data: xr.Dataset, edges: Sequence[float] = ()) -> list[dict[str, Any]]:
    """Change and swing of the stack pressure in every half cycle, and its parts by voltage.

    Parameters
    ----------
    data : xarray.Dataset
        Simulated or measured time series [s, A, V] with ``Stack pressure [MPa]``.
    edges : sequence of float, optional
        Rising voltages that divide a half cycle [V].

    Returns
    -------
    list of dict
        ``cycle``, ``direction``, ``start_MPa``, ``change_MPa``, ``swing_MPa`` (highest less
        lowest) and ``parts_MPa`` from the lowest voltage to the highest.

    Raises
    ------
    DataError
        If the data have no pressure.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0, 1, 2], "Current [A]": [-1, -1, -1],
    ...                     "Voltage [V]": [3.0, 3.9, 4.4], PRESSURE: [50.0, 49.8, 49.7]})
    >>> [round(part, 3) for part in pressure_changes(data, [3.9])[0]["parts_MPa"]]
    [-0.2, -0.1]
    """
    require(data, PRESSURE)
    bounds = [-np.inf, *edges, np.inf]
    rows = []
    for half in half_cycles(data):
        pressure = data[PRESSURE].values[half.rows]
        pairs = zip(bounds[:-1], bounds[1:], strict=True)
        rows.append(
            {
                "cycle": half.cycle,
                "direction": half.direction,
                "start_MPa": float(pressure[0]),
                "change_MPa": float(pressure[-1] - pressure[0]),
                "swing_MPa": float(np.ptp(pressure)),
                "parts_MPa": [pressure_between(data, half, a, b) for a, b in pairs],
            }
        )
    return rows
