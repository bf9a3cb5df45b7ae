"""Capacity against cycle: efficiencies, mean voltages, retention, soft shorts, plating.

**Pairs.** Cycles are those that the file counts, else pairs of half cycles in their order.
Which half comes first is that of most whole cycles: a partial half cycle at the begin of a
file, less than 0.7 of the next in its direction, decides nothing and belongs to no cycle.

**Efficiencies.** Coulombic efficiency is the second half over the first as the cell is
cycled; of a plating test on a bare collector, which never leaves 0.5 V while it plates, it
is the stripped over the plated charge. Energy efficiency is always discharge over charge,
a mean voltage is energy over charge, and retention is the discharge over that of the first
whole cycle, or of another one.

**A file that ends inside a half cycle** tells no capacity of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from sscell.analysis.capacity import HalfCycle, half_cycles
from sscell.dataset import metadata
from sscell.errors import DataError, ParameterError

__all__ = ["Pair", "coulombic_efficiencies", "cycles", "is_cut_short", "pair_halves"]

PARTIAL = 0.7  # of the next half in its direction: a first half below it is a part of one
CUT_SHORT = (
    0.02  # of the range of the voltage, between where a half ends and where it should
)
PLATING = 0.5  # V: a half that stays below it plates on a bare collector
OVERCHARGE = 1.05  # of the discharge before: a charge above it goes somewhere else
NOISY = 5.0  # times the usual scatter of the voltage
FLAT = 0.2  # of the usual rise of the voltage


@dataclass(frozen=True)
class Pair:
    """One cycle.

    Parameters
    ----------
    number : int
        As the file counts, else from 1.
    first : str
        ``"charge"`` or ``"discharge"``: what the cell is cycled with first.
    halves : dict of str to list of HalfCycle
        By direction; empty where a half is missing or cut short.
    """

    number: int
    first: str
    halves: dict[str, list[HalfCycle]]

    def capacity(self, direction: str) -> float | None:
        """Charge of one half [A.h]."""
        return sum(h.capacity for h in self.halves[direction]) or None

    def energy(self, direction: str) -> float | None:
        """Energy of one half [W.h]."""
        parts = self.halves[direction]
        return sum(h.energy() for h in parts) if self.capacity(direction) else None

    @property
    def whole(self) -> bool:
        """Whether both halves are there."""
        return all(self.capacity(d) is not None for d in self.halves)

    @property
    def efficiency(self) -> float | None:
        """Second over first half [-]."""
        second = _OTHER[self.first]
        return _ratio(self.capacity(second), self.capacity(self.first))


_OTHER = {"charge": "discharge", "discharge": "charge"}


def _ratio(one: float | None, other: float | None) -> float | None:
    return None if one is None or not other else one / other


def is_cut_short(halves: Sequence[HalfCycle], rows: int) -> bool:
    """Whether a file ends inside its last half cycle.

    Parameters
    ----------
    halves : sequence of HalfCycle
        Of the whole file.
    rows : int
        Of the file.

    Returns
    -------
    bool
        True if no row follows and its voltage ends short of where those before it in its
        direction did.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0, 9, 9, 18, 18, 22], "Current [A]": [1, 1, -1, -1, 1, 1],
    ...                     "Voltage [V]": [2, 1, 1, 2, 2, 1.5]})
    >>> is_cut_short(half_cycles(data), 6)
    True
    """
    last = halves[-1]
    before = [h for h in halves[:-1] if h.direction == last.direction]
    if not before or rows - 1 - last.rows[-1] > 2:
        return False
    ends = float(np.median([h.voltage[-1] for h in before[-5:]]))
    span = float(np.median([np.ptp(h.voltage) for h in before[-5:]]))
    short = (last.voltage[-1] - ends) * (1 if last.direction == "discharge" else -1)
    less = last.capacity < 0.98 * float(np.median([h.capacity for h in before[-5:]]))
    return bool(short > CUT_SHORT * span and less)


def pair_halves(
    halves: Sequence[HalfCycle], first: str | None = None, rows: int | None = None
) -> tuple[list[Pair], list[str]]:
    """Cycles of a series, and what was left out of them.

    Parameters
    ----------
    halves : sequence of HalfCycle
        In order.
    first : str, optional
        What a cycle begins with, ``"discharge"`` or ``"charge"``; default: what most do.
    rows : int, optional
        Of the file; with it, a last half that the file cuts short is left out.

    Returns
    -------
    tuple of (list of Pair, list of str)
        In order.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0, 9, 9, 18], "Current [A]": [-1, -1, 1, 1],
    ...                     "Voltage [V]": [1, 2, 2, 1]})
    >>> pair_halves(half_cycles(data))[0][0].efficiency
    1.0
    """
    notes: list[str] = []
    used = list(halves)
    if rows is not None and used and is_cut_short(used, rows):
        cut = used.pop()
        notes.append(
            f"The file ends inside a {cut.direction} (cycle {cut.cycle}, "
            f"{cut.capacity * 1e3:.4g} mAh at {cut.voltage[-1]:.3f} V): that is no capacity."
        )
    if _is_counted(halves):
        groups = _by_number(used)
        if len(used) < len(halves):
            groups.setdefault(halves[-1].cycle, [])
    else:
        groups = _by_order(used, first)
    first = first or _usual_first(list(groups.values()), used)
    pairs = []
    for number, group in groups.items():
        begin = next((k for k, h in enumerate(group) if h.direction == first), 0)
        # What comes before the first half of a cycle belongs to it only if nothing follows.
        if begin and any(h.direction != first for h in group[begin:]):
            passed = sum(h.capacity for h in group[:begin]) * 1e3
            notes.append(
                f"Cycle {number} begins with a {_OTHER[first]} of {passed:.4g} mAh, "
                "which is no half of it and was left out."
            )
            group = group[begin:]
        pairs.append(
            Pair(number, first, {d: [h for h in group if h.direction == d] for d in _OTHER})
        )
    return pairs, notes


def coulombic_efficiencies(
    halves: Sequence[HalfCycle], first: str | None = None, rows: int | None = None
) -> dict[int, float | None]:
    """Coulombic efficiency by cycle: second half over first.

    Parameters
    ----------
    halves, first, rows
        As for `pair_halves`.

    Returns
    -------
    dict of int to float or None
        By the number of the cycle [-]; None where a half is missing.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0, 100, 100, 198], "Current [A]": [-1, -1, 1, 1],
    ...                     "Voltage [V]": [1, 2, 2, 1]})
    >>> coulombic_efficiencies(half_cycles(data))
    {1: 0.98}
    """
    return {pair.number: pair.efficiency for pair in pair_halves(halves, first, rows)[0]}


def _is_counted(halves: Sequence[HalfCycle]) -> bool:
    """Whether the numbers are those of cycles: of pairs, not of all or of halves."""
    if len({h.cycle for h in halves}) == 1:
        return len(halves) <= 3
    pairs = zip(halves, halves[1:], strict=False)
    both = any(a.cycle == b.cycle and a.direction != b.direction for a, b in pairs)
    return both or len({h.direction for h in halves}) == 1


def _by_number(halves: Sequence[HalfCycle]) -> dict[int, list[HalfCycle]]:
    groups: dict[int, list[HalfCycle]] = {}
    for half in halves:
        groups.setdefault(half.cycle, []).append(half)
    return groups


def _by_order(halves: Sequence[HalfCycle], first: str | None) -> dict[int, list[HalfCycle]]:
    """Pairs in their order, from the first half that is no part of one."""
    start = 1 if len(halves) > 2 and _is_partial(halves) else 0
    if first is not None and halves:
        start = 0 if halves[0].direction == first else 1
    groups: dict[int, list[HalfCycle]] = {}
    first = halves[start].direction if len(halves) > start else ""
    for half in halves[start:]:
        last = groups.get(len(groups))
        if last is None or (half.direction == first and last[-1].direction != first):
            groups[len(groups) + 1] = [half]
        else:
            last.append(half)
    if start and groups:
        groups[1].insert(0, halves[0])
    return groups


def _is_partial(halves: Sequence[HalfCycle]) -> bool:
    later = [h for h in halves[1:] if h.direction == halves[0].direction]
    return bool(later) and halves[0].capacity < PARTIAL * later[0].capacity


def _usual_first(groups: list[list[HalfCycle]], halves: Sequence[HalfCycle]) -> str:
    """With which half most whole cycles begin."""
    votes = {"charge": 0, "discharge": 0}
    for number, group in enumerate(groups):
        if len({h.direction for h in group}) < 2:
            continue
        partial = number == 0 and len(group) > 2 and _is_partial(group)
        votes[group[1 if partial else 0].direction] += 1
    if votes["charge"] != votes["discharge"]:
        return max(votes, key=lambda d: votes[d])
    begin = 1 if len(halves) > 2 and _is_partial(halves) else 0
    return halves[begin].direction if len(halves) > begin else "charge"


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
    pairs, notes = pair_halves(halves, metadata(data, "first_step"), data.sizes["time"])
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
    up = _ratio(pair.energy("charge"), charge)
    down = _ratio(pair.energy("discharge"), discharge)
    kept = None if basis is None else _ratio(discharge, basis.capacity("discharge"))
    energy = _ratio(pair.energy("discharge"), pair.energy("charge"))
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
        for d in _OTHER
    }
    if not all(largest.values()):
        return None
    for direction, other in _OTHER.items():
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
        sum(p.capacity(d) or 0.0 for p in pairs) * 1e3 for d in (plating, _OTHER[plating])
    ]
    return {
        "plated_mAh": sums[0],
        "stripped_mAh": sums[1],
        "mean_efficiency": _ratio(sums[1], sums[0]),
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
        ratio = _current(now.halves[direction][-1]) / _current(
            earlier.halves[direction][-1]
        )
        if not 0.8 < ratio < 1.25:
            return None
    return _ratio(pair.capacity("charge"), before.capacity("discharge"))


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
    """Rise of the voltage over the last third of a charge at its current [V]."""
    full = half.voltage[np.abs(half.current) > 0.9 * _current(half)]
    if len(full) < 6:
        return 0.0
    part = full[-(len(full) // 3) :]
    third = max(len(part) // 3, 1)
    return float(np.median(part[-third:]) - np.median(part[:third]))
