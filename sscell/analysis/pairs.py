"""Half cycles in pairs: the cycles of a file, and what their efficiency is.

Cycles are those that the file counts, else pairs of half cycles in their order. Which half
comes first is that of most whole cycles: a partial half cycle at the begin of a file, less
than 0.7 of the next in its direction, decides nothing and belongs to no cycle. A file that
ends inside a half cycle tells no capacity of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from sscell.analysis.capacity import HalfCycle

__all__ = [
    "OTHER",
    "Pair",
    "coulombic_efficiencies",
    "is_cut_short",
    "pair_halves",
    "ratio",
    "rows_measured",
]

OTHER = {"charge": "discharge", "discharge": "charge"}
PARTIAL = 0.7  # of the next half in its direction: a first half below it is a part of one
CUT_SHORT = 0.02  # of the range of the voltage, from where a half should end


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
        second = OTHER[self.first]
        return ratio(self.capacity(second), self.capacity(self.first))


def rows_measured(data: xr.Dataset) -> int | None:
    """Rows of a measured file, which may end anywhere; None of a simulation.

    Parameters
    ----------
    data : xarray.Dataset
        A time series.

    Returns
    -------
    int or None

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> rows_measured(time_series({"Time [s]": [0.0, 1.0]}))
    2
    """
    return None if "steps" in data.attrs else data.sizes["time"]


def ratio(one: float | None, other: float | None) -> float | None:
    """One value over another, where both are there.

    Parameters
    ----------
    one, other : float or None
        Of one unit.

    Returns
    -------
    float or None
        [-]

    Examples
    --------
    >>> ratio(1.0, 2.0), ratio(1.0, None)
    (0.5, None)
    """
    return None if one is None or not other else one / other


def is_cut_short(halves: Sequence[HalfCycle], rows: int | None) -> bool:
    """Whether a file ends inside its last half cycle.

    Parameters
    ----------
    halves : sequence of HalfCycle
        Of the whole file.
    rows : int or None
        Of the file; None where it ends as it should.

    Returns
    -------
    bool
        True if no row follows and its voltage ends short of where those before it in its
        direction did.

    Examples
    --------
    >>> from sscell.analysis import half_cycles
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0, 9, 9, 18, 18, 22], "Current [A]": [1, 1, -1, -1, 1, 1],
    ...                     "Voltage [V]": [2, 1, 1, 2, 2, 1.5]})
    >>> is_cut_short(half_cycles(data), 6)
    True
    """
    if rows is None or not halves:
        return False
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
    >>> from sscell.analysis import half_cycles
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0, 9, 9, 18], "Current [A]": [-1, -1, 1, 1],
    ...                     "Voltage [V]": [1, 2, 2, 1]})
    >>> pair_halves(half_cycles(data))[0][0].efficiency
    1.0
    """
    notes: list[str] = []
    used = list(halves)
    if is_cut_short(used, rows):
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
                f"Cycle {number} begins with a {OTHER[first]} of {passed:.4g} mAh, "
                "which is no half of it and was left out."
            )
            group = group[begin:]
        pairs.append(
            Pair(number, first, {d: [h for h in group if h.direction == d] for d in OTHER})
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
    >>> from sscell.analysis import half_cycles
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
