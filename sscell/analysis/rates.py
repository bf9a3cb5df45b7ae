"""Rate capability, Ragone, coulombic efficiency, energy and power."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from sscell.analysis.capacity import (
    PROMINENCE,
    SMOOTHING,
    HalfCycle,
    dqdv_peaks,
    half_cycles,
)
from sscell.analysis.pairs import (
    coulombic_efficiencies,
    is_cut_short,
    pair_halves,
    rows_measured,
)
from sscell.dataset import metadata
from sscell.errors import DataError

__all__ = ["coulombic_efficiency", "dqdv", "half_cycle_table", "rate"]


def half_cycle_table(data: xr.Dataset) -> list[dict[str, Any]]:
    """Capacity, energy, mean voltage and power of every half cycle.

    Parameters
    ----------
    data : xarray.Dataset
        A time series; the mass of the capacity basis gives the specific numbers.

    Returns
    -------
    list of dict
        ``cycle``, ``direction``, ``current_A`` (mean, positive), ``capacity_mAh``,
        ``capacity_mAh_g``, ``energy_Wh_kg``, ``mean_voltage_V``, ``power_W_kg``,
        ``duration_s``; specific ones are None without a mass. Energy and power refer to
        the mass of the energy basis, or of the capacity basis where that is all there is.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0, 3600], "Current [A]": [0.001, 0.001],
    ...                     "Voltage [V]": [2.0, 2.0]}, {"capacity_basis_mass_g": 0.01})
    >>> row = half_cycle_table(data)[0]
    >>> row["capacity_mAh_g"], row["energy_Wh_kg"], row["power_W_kg"]
    (100.0, 200.0, 200.0)
    """
    mass = metadata(data, "capacity_basis_mass_g")
    energy_mass = metadata(data, "energy_basis_mass_g") or mass
    offset = metadata(data, "working_metal_offset_V") or 0.0
    return [_row(half, mass, energy_mass, offset) for half in half_cycles(data)]


def _row(
    half: HalfCycle, mass: float | None, energy_mass: float | None, offset: float
) -> dict[str, Any]:
    moving = np.abs(half.current) > 0.05 * np.abs(half.current).max()
    hours = (
        float(half.charge[-1] / np.mean(np.abs(half.current[moving])))
        if moving.any()
        else 0
    )
    specific = None if energy_mass is None else half.energy(offset) / energy_mass * 1e3
    return {
        "cycle": half.cycle,
        "direction": half.direction,
        "current_A": float(np.median(np.abs(half.current[moving]))),
        "capacity_mAh": half.capacity * 1e3,
        "capacity_mAh_g": None if mass is None else half.capacity * 1e3 / mass,
        "energy_Wh_kg": specific,
        "mean_voltage_V": half.energy() / half.capacity if half.capacity else None,
        "power_W_kg": specific / hours if specific is not None and hours else None,
        "duration_s": float(half.time[-1] - half.time[0]),
    }


def coulombic_efficiency(data: xr.Dataset) -> list[float | None]:
    """Coulombic efficiency of each cycle.

    Parameters
    ----------
    data : xarray.Dataset
        A time series.

    Returns
    -------
    list of float or None
        Second half over the first as the cell is cycled, in the cycles that the file
        counts: discharge over charge, or charge over discharge for a cell that discharges
        first, as their papers have it; None for a cycle that is not complete.

    Raises
    ------
    DataError
        If no current flows.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0, 100, 100, 198], "Current [A]": [-1, -1, 1, 1],
    ...                     "Voltage [V]": [1, 2, 2, 1]})
    >>> coulombic_efficiency(data)
    [0.98]
    """
    halves = half_cycles(data)
    if not halves:
        raise DataError("No current flows in these data: there is no half cycle.")
    first = metadata(data, "first_step")
    return list(coulombic_efficiencies(halves, first, rows_measured(data)).values())


def rate(data: xr.Dataset, *, tolerance: float = 0.05) -> dict[str, Any]:
    """Capacity, energy and power at each discharge current: rate test and Ragone plot.

    Parameters
    ----------
    data : xarray.Dataset
        Discharges at several constant currents.
    tolerance : float, optional
        Currents within this share of each other are one [-].

    Returns
    -------
    dict
        ``currents`` (text with unit), ``currents_A``, ``capacities_mAh_g``,
        ``capacities_mAh``, ``energies_Wh_kg``, ``powers_W_kg``, ``mean_voltages_V`` (last
        whole cycle at each current, in order; a current that comes back is an entry of its
        own), ``cycles`` (how many), ``coulombic_efficiency`` and ``warnings``.

    Raises
    ------
    DataError
        If nothing is discharged.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0, 3600], "Current [A]": [0.001, 0.001],
    ...                     "Voltage [V]": [2.0, 2.0]}, {"capacity_basis_mass_g": 0.01})
    >>> rate(data)["currents"], rate(data)["capacities_mAh_g"]
    (['100 mA/g'], [100.0])
    """
    halves = half_cycles(data)
    table = half_cycle_table(data)
    rows = rows_measured(data)
    notes = pair_halves(halves, metadata(data, "first_step"), rows)[1]
    if is_cut_short(halves, rows):
        table = table[:-1]
    found = [r for r in table if r["direction"] == "discharge"]
    if not found:
        raise DataError(
            "Nothing is discharged in these data. If the file counts a discharge current "
            "negative, say --current-sign charge."
        )
    groups = _same_current(found, tolerance)
    last = [g[-1] for g in groups]
    mass = metadata(data, "capacity_basis_mass_g")
    if mass is None:
        notes.append("No mass is known (--mass): capacities are in mAh, energies unknown.")
    elif metadata(data, "energy_basis_mass_g") is None:
        notes.append("Energies and powers are per mass of the capacity basis.")
    if len(groups) == 1:
        notes.append("All discharges have the same current: this is no rate test.")
    return {
        "currents": [_label(r["current_A"], mass) for r in last],
        "currents_A": [r["current_A"] for r in last],
        "capacities_mAh_g": [r["capacity_mAh_g"] for r in last],
        "capacities_mAh": [r["capacity_mAh"] for r in last],
        "energies_Wh_kg": [r["energy_Wh_kg"] for r in last],
        "powers_W_kg": [r["power_W_kg"] for r in last],
        "mean_voltages_V": [r["mean_voltage_V"] for r in last],
        "cycles": [len(g) for g in groups],
        "coulombic_efficiency": coulombic_efficiency(data),
        "warnings": notes,
    }


def _same_current(
    rows: list[dict[str, Any]], tolerance: float
) -> list[list[dict[str, Any]]]:
    """Discharges that follow each other at one current."""
    groups: list[list[dict[str, Any]]] = []
    for row in rows:
        last = groups[-1] if groups else None
        if last and abs(row["current_A"] / last[0]["current_A"] - 1) <= tolerance:
            last.append(row)
        else:
            groups.append([row])
    return groups


def _label(current: float, mass: float | None) -> str:
    if mass is not None:
        return f"{current * 1e3 / mass:.4g} mA/g"
    return f"{current * 1e3:.4g} mA"


def dqdv(
    data: xr.Dataset, *, smoothing: float = SMOOTHING, prominence: float = PROMINENCE
) -> dict[str, Any]:
    """Peaks of the differential capacity of every half cycle.

    Parameters
    ----------
    data : xarray.Dataset
        A time series.
    smoothing : float, optional
        Standard deviation of the Gaussian [V].
    prominence : float, optional
        Least prominence of a peak as a share of the largest value [-].

    Returns
    -------
    dict
        ``dqdv_peaks`` (``voltage_V``, ``height_mAh_g_V``, ``height_mAh_V``,
        ``direction``, ``cycle``) and ``warnings``. Cycles are those of the file, or pairs
        of half cycles where it counts none.

    Raises
    ------
    DataError
        If no current flows.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0, 1, 9, 10], "Current [A]": [1.0] * 4,
    ...                     "Voltage [V]": [3, 2.001, 1.999, 1]})
    >>> [round(p["voltage_V"], 2) for p in dqdv(data)["dqdv_peaks"]]
    [2.0]
    """
    halves = half_cycles(data)
    if not halves:
        raise DataError("No current flows in these data: there is no half cycle.")
    mass = metadata(data, "capacity_basis_mass_g")
    counted = "Cycle" in data
    peaks = []
    for number, half in enumerate(halves):
        for peak in dqdv_peaks(half, smoothing=smoothing, prominence=prominence):
            height = peak["height_mAh_V"]
            peak["height_mAh_g_V"] = None if mass is None else height / mass
            peak["cycle"] = half.cycle if counted else 1 + number // 2
            peaks.append(peak)
    notes = []
    if mass is None:
        notes.append("No mass is known (--mass): heights are in mAh/V, not per gram.")
    return {"dqdv_peaks": peaks, "warnings": notes}
