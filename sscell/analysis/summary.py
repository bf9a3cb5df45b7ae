"""Summary of a run: capacities, energies, efficiencies, peaks, phases, balances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from sscell.analysis.capacity import HalfCycle, dqdv_peaks, half_cycles
from sscell.analysis.pairs import OTHER, Pair, coulombic_efficiencies
from sscell.analysis.symmetric import end_voltage
from sscell.dataset import metadata, temperatures
from sscell.errors import condensed

__all__ = ["Summary", "always", "summary"]

# Where a half cycle ends, if the data know of it.
_STATES = {
    "final_stack_pressure_MPa": "Stack pressure [MPa]",
    "final_contact_fraction": "Contact fraction",
}


class Summary(dict[str, Any]):
    """Plain mapping that prints as a table.

    Examples
    --------
    >>> print(Summary(cell="x", temperature_C=25.0, steps=[]))
    x at 25 degC
    """

    def __str__(self) -> str:
        head = str(self.get("cell") or "measured cell")
        if self.get("temperature_C") is not None:
            head += f" at {self['temperature_C']:g} degC"
        lines = [head]
        unit = "mAh/g" + (
            f"({self['capacity_basis']})" if self.get("capacity_basis") else ""
        )
        for step in self["steps"]:
            lines.append(_line(step, unit))
            if step.get("voltage_budget_V"):
                lines.append(_budget_line(step["voltage_budget_V"]))
        for number, value in enumerate(self.get("coulombic_efficiency", []), start=1):
            if value is not None:
                lines.append(f"  coulombic efficiency of cycle {number}: {value:.1%}")
        for name, value in (self.get("balances") or {}).items():
            lines.append(f"  {name} balance closes to {value:.1e}")
        lines += [f"  note: {text}" for text in self.get("warnings", [])]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Table of the half cycles, for a notebook."""
        from sscell.tables import html_table

        columns = {
            "Cycle": "cycle",
            "Direction": "direction",
            "Capacity [mAh/g]": "capacity_mAh_g",
            "Energy [Wh/kg]": "energy_Wh_kg",
            "Mean voltage [V]": "mean_voltage_V",
            "Ended by": "stop_reason",
        }
        rows = [
            {title: step.get(key) for title, key in columns.items()}
            for step in self["steps"]
        ]
        head = str(self).splitlines()[0]
        return html_table(head, rows, self.get("warnings", []))


def _line(step: Mapping[str, Any], unit: str) -> str:
    capacity = step["capacity_mAh_g"]
    amount = f"{capacity:7.1f} {unit}" if capacity is not None else "capacity basis unknown"
    if "plates" in step:
        amount = (
            f"{step['capacity_mAh_cm2']:.3g} mAh/cm2 at {step['current_mA_cm2']:.3g} mA/cm2: "
            f"{step['overpotential_V'] * 1e3:.4g} mV, "
            f"{step['area_resistance_ohm_cm2']:.4g} Ohm cm2, plates the {step['plates']}"
        )
    if step.get("capacity_band_mAh_g"):
        amount += "  ({:.1f} to {:.1f})".format(*step["capacity_band_mAh_g"])
    peaks = ", ".join(f"{p['voltage_V']:.2f}" for p in step["dqdv_peaks"])
    text = f"  cycle {step['cycle']:>3} {step['direction']:<9} {amount}"
    if step["mean_voltage_V"] is not None:
        text += f"  mean {step['mean_voltage_V']:.3f} V"
    if peaks:
        text += f"  peaks {peaks} V"
    if step["preparatory"]:
        text += "  (preparatory)"
    return text + (f"  [{step['stop_reason']}]" if step["stop_reason"] else "")


def _budget_line(budget: Mapping[str, float]) -> str:
    """Largest parts first; what is below a millivolt is left out."""
    losses = {k: v for k, v in budget.items() if k != "Open-circuit" and abs(v) >= 1e-3}
    parts = sorted(losses.items(), key=lambda item: -abs(item[1]))
    text = ", ".join(f"{name} {value * 1e3:+.0f} mV" for name, value in parts)
    return f"      = {budget['Open-circuit']:.3f} V at open circuit, {text}"


def summary(data: xr.Dataset) -> Summary:
    """Summarise a simulated or measured time series, half cycle by half cycle.

    Parameters
    ----------
    data : xarray.Dataset
        With time, current and voltage; what it does not know stays None.

    Returns
    -------
    Summary
        ``steps`` with capacity [mA.h.g-1], energy [W.h.kg-1] (voltage against the working
        metal), mean voltage [V], stop reason, peaks, phases, final stack pressure [MPa] and
        contact [-], and for a symmetric cell what is plated, currents and charges per area,
        overpotential and area resistance; ``coulombic_efficiency``
        per cycle (charge passed the second way over the first); ``balances`` and ``warnings``.

    Raises
    ------
    DataError
        If time, current or voltage is missing.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0, 3600], "Current [A]": [1.0, 1.0],
    ...                     "Voltage [V]": [2.0, 1.0]}, {"capacity_basis_mass_g": 2.0})
    >>> summary(data)["steps"][0]["capacity_mAh_g"]
    500.0
    """
    halves = half_cycles(data)
    efficiencies = _efficiencies(data, halves)
    return Summary(
        **always(data),
        steps=[_half(data, half) for half in halves],
        coulombic_efficiency=list(efficiencies.values()),
        balances=metadata(data, "balances") or {},
    )


def always(data: xr.Dataset) -> dict[str, Any]:
    """What every output says: the cell, its temperature, bases, reference and warnings.

    Parameters
    ----------
    data : xarray.Dataset
        Any dataset.

    Returns
    -------
    dict
        ``temperature_C`` [degC] is that of the start; what is not known is None.
        ``pressure_MPa`` [MPa] on the stack is there where one is known.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> always(time_series({"Time [s]": [0.0]}, {"cell": "Ji2024"}))["cell"]
    'Ji2024'
    """
    celsius = temperatures(data)
    pressure = metadata(data, "pressure_MPa")
    return {
        "cell": metadata(data, "cell"),
        "temperature_C": round(float(celsius[0]), 6) if len(celsius) else None,
        **({} if pressure is None else {"pressure_MPa": pressure}),
        "capacity_basis": metadata(data, "capacity_basis"),
        "energy_basis": metadata(data, "energy_basis"),
        "voltage_reference": metadata(data, "voltage_reference"),
        "warnings": condensed(metadata(data, "warnings") or []),
    }


def _half(data: xr.Dataset, half: HalfCycle) -> dict[str, Any]:
    mass = metadata(data, "capacity_basis_mass_g")
    layer = metadata(data, "energy_basis_mass_g")
    offset = metadata(data, "working_metal_offset_V")
    known = {s["step"]: s for s in metadata(data, "steps") or []}.get(half.step, {})
    moved = half.capacity > 0
    row: dict[str, Any] = {
        "cycle": half.cycle,
        "direction": half.direction,
        "preparatory": bool(known.get("preparatory", False)),
        "capacity_mAh_g": half.capacity * 1e3 / mass if mass else None,
        "energy_Wh_kg": half.energy(offset or 0.0) * 1e3 / layer if layer else None,
        "mean_voltage_V": half.energy() / half.capacity if moved else None,
        "stop_reason": known.get("stop_reason", ""),
        "dqdv_peaks": dqdv_peaks(half, mass) if moved else [],
    }
    if "Electrolyte redox current [A]" in data:
        row |= _sort_peaks(data, half, row["dqdv_peaks"])
    if metadata(data, "symmetric") == "plateau" and moved:
        row |= _of_like_electrodes(data, half)
    budget = metadata(data, "budget")
    if budget and moved:
        row |= _losses(data, half, budget)
    for key, name in _STATES.items():
        if name in data:
            row[key] = float(data[name].values[half.rows][-1])
    phases = metadata(data, "phases") or []
    if phases:
        fractions = {p: data[f"{p} fraction"].values[half.rows] for p in phases}
        row["max_phase_fraction"] = {p: float(np.max(f)) for p, f in fractions.items()}
        row["final_phase_fraction"] = {p: float(f[-1]) for p, f in fractions.items()}
    return row


def _of_like_electrodes(data: xr.Dataset, half: HalfCycle) -> dict[str, Any]:
    """Of a half between two like electrodes, per area of one of them."""
    area = float(metadata(data, "area_cm2", "the area resistance"))
    density = float(np.median(np.abs(half.current))) * 1e3 / area
    voltage = end_voltage(half)
    return {
        "plates": "positive" if half.direction == "discharge" else "negative",
        "current_mA_cm2": density,
        "capacity_mAh_cm2": half.capacity * 1e3 / area,
        "overpotential_V": voltage,
        "area_resistance_ohm_cm2": voltage / density * 1e3,
        **_voids(data, half),
    }


def _voids(data: xr.Dataset, half: HalfCycle) -> dict[str, Any]:
    """Contact that stripping left, where the cell has voids."""
    ends = {
        side.lower(): {
            what: float(data[f"{side} electrode {name}"].values[half.rows][-1])
            for what, name in (
                ("contact", "contact fraction"),
                ("critical", "critical stripping current [A.m-2]"),
            )
        }
        for side in ("Negative", "Positive")
        if f"{side} electrode contact fraction" in data
    }
    if not ends:
        return {}
    return {
        "final_contact_fractions": {side: end["contact"] for side, end in ends.items()},
        "critical_stripping_current_mA_cm2": ends["negative"]["critical"] / 10,
    }


def _losses(data: xr.Dataset, half: HalfCycle, budget: list[str]) -> dict[str, Any]:
    """Means over the charge passed: they sum to the mean voltage."""
    mean = {
        name.removesuffix(" contribution [V]"): float(
            np.trapezoid(data[name].values[half.rows], half.charge) / half.capacity
        )
        for name in budget
    }
    lost = abs(half.energy() / half.capacity - mean["Open-circuit"])
    area, current = metadata(data, "area_cm2"), half.capacity * 3600 / np.ptp(half.time)
    return {
        "voltage_budget_V": mean,
        "area_specific_resistance_ohm_cm2": lost / current * area if area else None,
    }


def _sort_peaks(
    data: xr.Dataset, half: HalfCycle, peaks: list[dict[str, Any]]
) -> dict[str, Any]:
    """Peaks of the active material, and those that are mostly the electrolyte's."""
    side = data["Electrolyte redox current [A]"].values[half.rows] / half.current
    own, other = [], []
    for peak in peaks:
        row = int(np.argmin(np.abs(half.voltage - peak["voltage_V"])))
        (other if side[row] > 0.5 else own).append(peak)
    return {"dqdv_peaks": own, "electrolyte_peaks": other}


def _efficiencies(data: xr.Dataset, halves: list[HalfCycle]) -> dict[int, float | None]:
    """By cycle: charge passed the second way over that passed the first.

    A simulation knows its cycles, in which the current may turn often, and what only brought
    the cell to where a cycle begins.
    """
    first, steps = metadata(data, "first_step"), metadata(data, "steps")
    if metadata(data, "symmetric"):
        return {}  # what one electrode loses the other takes up
    if steps is None or not halves:
        return coulombic_efficiencies(halves, first)
    first = first or halves[0].direction
    prepared = {s["step"] for s in steps if s["preparatory"]}
    cycles: dict[int, dict[str, list[HalfCycle]]] = {}
    for half in halves:
        ways = cycles.setdefault(half.cycle, {way: [] for way in OTHER})
        if half.step not in prepared or half.direction == first:
            ways[half.direction].append(half)
    return {k: Pair(k, first, ways).efficiency for k, ways in sorted(cycles.items())}
