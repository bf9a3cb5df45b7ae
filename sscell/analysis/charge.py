"""Charge that has passed, and the coulombic efficiency: one of each for all analyses."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Protocol

import numpy as np
import xarray as xr

from sscell.dataset import require

__all__ = ["charge_integral", "charge_passed", "coulombic_efficiencies"]

_DISCHARGED, _CHARGED = "Discharge capacity [A.h]", "Charge capacity [A.h]"


class _Directed(Protocol):
    """What has a direction, a cycle and a capacity, such as a half cycle."""

    @property
    def direction(self) -> str:
        """``"discharge"`` or ``"charge"``."""
        ...

    @property
    def cycle(self) -> int:
        """Number of the cycle."""
        ...

    @property
    def capacity(self) -> float:
        """Charge passed [A.h]."""
        ...


def charge_integral(
    time: np.ndarray,
    current: np.ndarray,
    begin: float | None = None,
    lead: float | None = None,
) -> np.ndarray:
    """Charge by the trapezoidal rule.

    Parameters
    ----------
    time, current : numpy.ndarray, shape (n,)
        Samples [s], [A].
    begin : float, optional
        When the current began, before the first sample [s]; default: at it.
    lead : float, optional
        Mean current from then to the first sample [A]; default: that of the first sample.

    Returns
    -------
    numpy.ndarray, shape (n,)
        Passed until each sample [A.h], with the sign of the current.

    Examples
    --------
    >>> t, i = np.array([10.0, 20.0, 30.0]), np.array([3.6, 3.6, 3.6])
    >>> (1000 * charge_integral(t, i, begin=0.0)).tolist()
    [10.0, 20.0, 30.0]
    """
    first = 0.0
    if begin is not None:
        first = (time[0] - begin) * (current[0] if lead is None else lead)
    between = np.diff(time) * (current[1:] + current[:-1]) / 2
    return (first + np.concatenate([[0.0], np.cumsum(between)])) / 3600


def charge_passed(data: xr.Dataset) -> np.ndarray:
    """Net charge that has passed at each row of a time series.

    The model's own state of charge where it is a simulation, the counters of the instrument
    where the file has them, else the integral of the current.

    Parameters
    ----------
    data : xarray.Dataset
        With time and current.

    Returns
    -------
    numpy.ndarray, shape (n,)
        [A.h], growing on discharge; only differences have a meaning.

    Raises
    ------
    DataError
        If time or current is missing.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0, 3600], "Current [A]": [1.0, 1.0]})
    >>> charge_passed(data).tolist()
    [0.0, 1.0]
    """
    require(data, "Time [s]", "Current [A]")
    if _DISCHARGED in data and "steps" in data.attrs:
        return data[_DISCHARGED].values.astype(float)
    if _DISCHARGED in data and _CHARGED in data:
        counted = _counted(data[_DISCHARGED].values) - _counted(data[_CHARGED].values)
        if np.all(np.isfinite(counted)):
            return counted
    time, current = (data[n].values.astype(float) for n in ("Time [s]", "Current [A]"))
    return charge_integral(time, current)


def _counted(counter: np.ndarray) -> np.ndarray:
    """What a counter has counted in all: set back, it begins again at zero."""
    values = counter.astype(float)
    steps = np.diff(values)
    # What it shows after it was set back has passed since; a last digit is no setting back.
    back = steps < -0.5 * np.abs(values[:-1])
    steps = np.where(back, values[1:], steps)
    return np.concatenate([[0.0], np.cumsum(steps)])


def coulombic_efficiencies(
    halves: Sequence[_Directed], first: str | None = None
) -> dict[int, float | None]:
    """Coulombic efficiency by cycle: second half cycle over first.

    Parameters
    ----------
    halves : sequence of HalfCycle
        In order.
    first : str, optional
        What a cycle begins with, ``"discharge"`` or ``"charge"``; default: what most of the
        cycles begin with. The efficiency is discharge over charge, or charge over discharge
        for a cell that discharges first, as their papers have it.

    Returns
    -------
    dict of int to float or None
        By the number of the cycle as the data count them, or of the pair of half cycles
        where no cycle of theirs holds both [-]; None where one is missing.

    Examples
    --------
    >>> from sscell.analysis.capacity import half_cycles
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0, 100, 100, 198], "Current [A]": [-1, -1, 1, 1],
    ...                     "Voltage [V]": [1, 2, 2, 1]})
    >>> coulombic_efficiencies(half_cycles(data))
    {1: 0.98}
    """
    cycles: dict[int, list[_Directed]] = {}
    for half in halves:
        cycles.setdefault(half.cycle, []).append(half)
    whole = [c for c in cycles.values() if len({half.direction for half in c}) == 2]
    if not whole or len(cycles) == 1 < len(halves) - 1:
        whole = [list(halves)] if halves else []
        first = first or (halves[0].direction if halves else None)
        cycles = _pairs(halves, first)
    if first is None:
        begins = [c[0].direction for c in whole]
        first = max(begins, key=begins.count, default="charge")
    return {number: _ratio(cycle, first) for number, cycle in sorted(cycles.items())}


def _pairs(halves: Sequence[_Directed], first: str | None) -> dict[int, list[_Directed]]:
    """Half cycles one after another, each pair from the one that a cycle begins with."""
    pairs: list[list[_Directed]] = []
    for half in halves:
        if half.direction == first:
            pairs.append([half])
        elif pairs and len(pairs[-1]) == 1:
            pairs[-1].append(half)
    return dict(enumerate(pairs, start=1))


def _ratio(cycle: Sequence[_Directed], first: str) -> float | None:
    """Of the last pair in a cycle: what stands before it only prepared the cell."""
    for before, after in reversed(list(pairwise(cycle))):
        if before.direction == first != after.direction and before.capacity > 0:
            return after.capacity / before.capacity
    return None
