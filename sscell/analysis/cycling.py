"""Capacity against cycle: efficiencies, mean voltages, retention, soft shorts, plating.

Coulombic efficiency is the second half over the first as the cell is cycled; of a plating
test on a bare collector, which never leaves 0.5 V while it plates, it is the stripped over
the plated charge. Energy efficiency is always discharge over charge, a mean voltage is
energy over charge, and retention is the discharge over that of the first whole cycle, or of
another one.

**Soft shorts.** A charge of more than 1.05 of the discharge before it at the same currents,
a voltage that scatters five times as much as in the cycles before, or one that stops rising
at the end of a charge, are signs of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from sscell.analysis.capacity import HalfCycle, half_cycles
from sscell.analysis.pairs import OTHER, Pair, pair_halves, ratio, rows_measured
from sscell.dataset import metadata
from sscell.errors import DataError, ParameterError

__all__ = ["cycles"]

PLATING = 0.5  # V: a half that stays below it plates on a bare collector
OVERCHARGE = 1.05  # of the discharge before: a charge above it goes somewhere else
NOISY = 5.0  # times the usual scatter of the voltage
FLAT = 0.2  # of the usual rise of the voltage


def cycles(data: xr.Dataset, *, reference_cycle: int | None = None) -> dict[str, Any]:
    """Capacity, efficiencies, mean voltages and retention of every cycle.

    Parameters
    ----------
    data : xarray.Dataset
        A time series; the mass of the capacity basis gives the specific capacities.
    reference_cycle : int, optional
        Number of the cycle to which retention refers; default: the first whole one.

    Returns
    -------
    dict
        ``cycles``: for each ``cycle``, ``charge_mAh``, ``discharge_mAh``,
        ``charge_mAh_g``, ``discharge_mAh_g``, ``coulombic_efficiency``,
        ``energy_efficiency``, ``mean_charge_V``, ``mean_discharge_V``, ``hysteresis_V``,
        ``retention`` (fractions; None where a half is missing) and ``flags``. Beside them
        ``first_step``, ``reference_cycle``, ``soft_shorts`` (``cycle`` and ``signs``),
        ``plating`` (None, or ``plated_mAh``, ``stripped_mAh`` and their
        ``mean_efficiency`` over all cycles) and ``warnings``.

    Raises
    ------
    DataError
        If no current flows.
    ParameterError
        If there is no such reference cycle, or it has no discharge.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0, 100, 100, 198], "Current [A]": [-1, -1, 1, 1],
    ...                     "Voltage [V]": [1, 2, 2, 1]})
    >>> cycles(data)["cycles"][0]["coulombic_efficiency"]
    0.98
    """
    halves = half_cycles(data)
    if not halves:
        raise DataError("No current flows in these data: there is no half cycle.")
    pairs, notes = pair_halves(halves, metadata(data, "first_step"), rows_measured(data))
    plating = _plating_direction(halves)
    if plating is not None and pairs:
        pairs = [Pair(p.number, plating, p.halves) for p in pairs]
    basis = _reference(pairs, reference_cycle)
    mass = metadata(data, "capacity_basis_mass_g")
    rows = [_row(pair, basis, mass, plating is not None) for pair in pairs]
    shorts = [] if plating else _soft_shorts(pairs)
    for short in shorts:
        row = next(r for r in rows if r["cycle"] == short["cycle"])
        row["flags"] = short["signs"]
    notes += _notes(shorts, plating, mass)
    return {
        "cycles": rows,
        "first_step": pairs[0].first if pairs else None,
        "reference_cycle": None if basis is None else basis.number,
        "soft_shorts": shorts,
        "plating": _plated(pairs, plating),
        "warnings": notes,
    }


def _reference(pairs: Sequence[Pair], wanted: int | None) -> Pair | None:
    if wanted is None:
        return next((p for p in pairs if p.whole), None)
    for pair in pairs:
        if pair.number == wanted:
            if pair.capacity("discharge") is None:
                raise ParameterError(f"Cycle {wanted} has no discharge to refer to.")
            return pair
    numbers = [p.number for p in pairs]
    raise ParameterError(
        f"There is no cycle {wanted}; the data hold cycles {min(numbers)} to {max(numbers)}."
    )


def _row(
    pair: Pair, basis: Pair | None, mass: float | None, plating: bool
) -> dict[str, Any]:
    charge, discharge = pair.capacity("charge"), pair.capacity("discharge")
    up = ratio(pair.energy("charge"), charge)
    down = ratio(pair.energy("discharge"), discharge)
    kept = None if basis is None else ratio(discharge, basis.capacity("discharge"))
    energy = ratio(pair.energy("discharge"), pair.energy("charge"))
    return {
        "cycle": pair.number,
        "charge_mAh": None if charge is None else charge * 1e3,
        "discharge_mAh": None if discharge is None else discharge * 1e3,
        "charge_mAh_g": None if charge is None or not mass else charge * 1e3 / mass,
        "discharge_mAh_g": None
        if discharge is None or not mass
        else discharge * 1e3 / mass,
        "coulombic_efficiency": pair.efficiency,
        "energy_efficiency": None if plating else energy,
        "mean_charge_V": up,
        "mean_discharge_V": down,
        "hysteresis_V": None if up is None or down is None else up - down,
        "retention": kept,
        "flags": [],
    }


def _notes(
    shorts: Sequence[dict[str, Any]], plating: str | None, mass: float | None
) -> list[str]:
    notes = []
    if shorts:
        numbers = ", ".join(str(s["cycle"]) for s in shorts[:8])
        signs = "; ".join(dict.fromkeys(sign for s in shorts for sign in s["signs"]))
        more = f" and {len(shorts) - 8} more" if len(shorts) > 8 else ""
        notes.append(f"Signs of a soft short in cycle {numbers}{more}: {signs}.")
    if plating is not None:
        notes.append(
            f"The voltage stays within {PLATING:g} V on every {plating}: taken as plating on "
            "a bare collector, with the stripped over the plated charge as efficiency."
        )
    if mass is None:
        notes.append("No mass is known (--mass): capacities are in mAh, not mAh/g.")
    return notes


def _plating_direction(halves: Sequence[HalfCycle]) -> str | None:
    """Direction that plates on a bare collector; the other ends at a larger voltage."""
    largest = {
        d: [float(np.abs(h.voltage).max()) for h in halves if h.direction == d]
        for d in OTHER
    }
    if not all(largest.values()):
        return None
    for direction, other in OTHER.items():
        low = max(largest[direction]) < PLATING
        # Cycled between two metals, neither half is stripped to its end.
        ends = float(np.median(largest[other])) > 2 * float(np.median(largest[direction]))
        if low and ends and max(largest[other]) < 2.5:
            return direction
    return None


def _plated(pairs: Sequence[Pair], plating: str | None) -> dict[str, float | None] | None:
    if plating is None:
        return None
    sums = [
        sum(p.capacity(d) or 0.0 for p in pairs) * 1e3 for d in (plating, OTHER[plating])
    ]
    return {
        "plated_mAh": sums[0],
        "stripped_mAh": sums[1],
        "mean_efficiency": ratio(sums[1], sums[0]),
    }


def _soft_shorts(pairs: Sequence[Pair]) -> list[dict[str, Any]]:
    """Cycles whose charge passes more than it should, or whose voltage turned odd."""
    charges = [(p, p.halves["charge"][-1]) for p in pairs if p.halves["charge"]]
    noise = np.array([_scatter(h) for _, h in charges])
    rises = np.array([_late_rise(h) for _, h in charges])
    found = []
    for k, (pair, half) in enumerate(charges):
        signs = []
        excess = _excess(pairs, pair)
        if excess is not None and excess > OVERCHARGE:
            signs.append(f"more is charged than was discharged before ({excess:.2f})")
        # Against the cycles before it: what a cell does from the start is its own.
        if k >= 1:
            usual = float(np.median(noise[:k]))
            if noise[k] > NOISY * max(usual, 2e-4):
                signs.append("the voltage turned noisy on charge")
            rise = float(np.median(rises[:k]))
            longer = half.capacity > 0.98 * charges[k - 1][1].capacity
            if rise > 0.01 and rises[k] < FLAT * rise and longer:
                signs.append("the voltage turned flat at the end of charge")
        if signs:
            found.append({"cycle": pair.number, "signs": signs})
    return found


def _excess(pairs: Sequence[Pair], pair: Pair) -> float | None:
    """Charge over the discharge before it, at currents as before."""
    at = pairs.index(pair)
    before = pair if pair.first == "discharge" else pairs[at - 1] if at else None
    if before is None or not before.halves["discharge"] or at == 0:
        return None
    for direction, now in (("charge", pair), ("discharge", before)):
        earlier = pairs[at - 1] if direction == "charge" else pairs[max(at - 2, 0)]
        if now is earlier or not earlier.halves[direction] or not now.halves[direction]:
            continue
        change = _current(now.halves[direction][-1]) / _current(
            earlier.halves[direction][-1]
        )
        if not 0.8 < change < 1.25:
            return None
    return ratio(pair.capacity("charge"), before.capacity("discharge"))


def _current(half: HalfCycle) -> float:
    return float(np.median(np.abs(half.current[half.current != 0])))


def _scatter(half: HalfCycle) -> float:
    """Scatter of the voltage from sample to sample where current flows [V]."""
    moving = np.abs(half.current) > 0.5 * _current(half)
    voltage = half.voltage[moving]
    if len(voltage) < 8:
        return 0.0
    # Rare jumps count as well as steady noise.
    return float(np.sqrt(np.mean(np.diff(voltage, 2)[2:-2] ** 2) / 6))


def _late_rise(half: HalfCycle) -> float:
    """Rise of the voltage over the last fifth of a charge at its current [V]."""
    full = half.voltage[np.abs(half.current) > 0.9 * _current(half)]
    if len(full) < 6:
        return 0.0
    part = full[-max(len(full) // 5, 3) :]
    third = max(len(part) // 3, 1)
    return float(np.median(part[-third:]) - np.median(part[:third]))
