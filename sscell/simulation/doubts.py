"""What in a run itself says that it went wrong, or that the model does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sscell.analysis.shapes import against_current, surface_voltage
from sscell.cells.cell import Cell

__all__ = ["doubts"]

_LITTLE = 0.05  # of the theoretical capacity
_HELD = 0.4  # share of a charge that passes at a held voltage
_DROP = 0.3  # V at once
_RISE = 5e-3  # V against the current, along a half cycle
_HALVES = ("discharge", "charge")


def doubts(
    columns: Mapping[str, np.ndarray], cell: Cell, steps: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Sentences about half cycles that no cell in order would show.

    Parameters
    ----------
    columns : mapping of str to numpy.ndarray, shape (n,)
        Time series [s, A, V] of a run.
    cell : Cell
        What was run.
    steps : list of dict
        Of its metadata: ``step``, ``direction`` and ``stop_reason``.

    Returns
    -------
    list of str
    """
    voltage, number = columns["Voltage [V]"], columns["Step"]
    charge = columns["Discharge capacity [A.h]"]
    ends = np.searchsorted(number, [s["step"] for s in steps], side="right")
    begins = np.searchsorted(number, [s["step"] for s in steps], side="left")
    found: list[str] = []
    passed = 0.0
    for k, step in enumerate(steps):
        rows = slice(begins[k], ends[k])
        v, q = voltage[rows], charge[rows]
        if v.size < 2:
            continue
        way, moved = step["direction"], abs(float(q[-1] - q[0]))
        if way == "hold" and passed:
            share = moved / (moved + passed)
            if share > _HELD:
                found.append(f"{share:.0%} of a charge passed while its voltage was held.")
        passed = moved if way == "charge" else 0.0
        if way in _HALVES:
            # What the current costs at once: of a measurement, from the sample before.
            before = surface_voltage(columns, begins[k])
            if before is None and begins[k]:
                before = float(voltage[begins[k] - 1])
            found += _of_half(v, q, str(way), str(step["stop_reason"]), before, cell)
    return found


def _of_half(
    v: np.ndarray,
    q: np.ndarray,
    way: str,
    stopped: str,
    before: float | None,
    cell: Cell,
) -> list[str]:
    found = []
    sign = 1 if way == "discharge" else -1
    moved = np.abs(q - q[0])
    share = moved[-1] / cell.theoretical_capacity if "cut-off" in stopped else 1.0
    if share < _LITTLE:
        found.append(
            f"A {way} passed {share:.1%} of the theoretical capacity before its cut-off."
        )
        return found
    if before is not None and sign * (before - v[0]) > _DROP:
        found.append(
            f"A {way} begins with a step of {sign * (before - v[0]):.2f} V at once."
        )
    rise = against_current(v, moved, way)
    if rise > _RISE:
        wrong = "rises" if way == "discharge" else "falls"
        found.append(f"The voltage {wrong} by {rise * 1e3:.0f} mV along a {way}.")
    return found
