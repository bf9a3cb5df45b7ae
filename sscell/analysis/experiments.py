"""Which experiment a series is, so that another analysis can refuse it by name."""

from __future__ import annotations

import numpy as np
import xarray as xr

from sscell.analysis.capacity import half_cycles
from sscell.analysis.holds import Hold, find_holds
from sscell.analysis.symmetric import is_symmetric
from sscell.dataset import require
from sscell.errors import DataError

__all__ = ["check_experiment", "which_experiment"]

_WORDS = {
    "ccd": "plating and stripping of a symmetric cell",
    "polarisation": "currents that settle under held voltages",
    "step": "a current that decays after a step of the voltage",
    "cycles": "charges and discharges of a cell",
    "cv": "sweeps of the voltage",
}
# What each kind of analysis does not take, though it would give a number.
_REFUSED = {
    "rate": {"ccd", "polarisation", "step", "cv"},
    "cycles": {"ccd", "polarisation", "step"},
    "dqdv": {"ccd", "polarisation", "step"},
    "gitt": {"ccd", "polarisation", "step", "cv", "cycles"},
    "cv": {"ccd", "polarisation", "step", "cycles"},
    "step": {"ccd", "polarisation", "cycles", "cv"},
    "ccd": {"polarisation", "step", "cycles", "cv"},
    "polarisation": {"ccd", "step", "cycles", "cv"},
    "transference": {"ccd", "cycles", "cv"},
}


def which_experiment(data: xr.Dataset) -> str | None:
    """Kind of analysis that fits a series, where it is plain.

    Parameters
    ----------
    data : xarray.Dataset
        Time, voltage and current.

    Returns
    -------
    str or None
        ``"ccd"``, ``"polarisation"``, ``"step"``, ``"cv"`` or ``"cycles"``; None where it is
        not plain.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> t = np.arange(0.0, 80.0)
    >>> i = 1e-3 * np.where((t // 10) % 2 == 0, 1, -1)
    >>> which_experiment(time_series({"Time [s]": t, "Current [A]": i, "Voltage [V]": 50 * i}))
    'ccd'
    """
    require(data, "Time [s]", "Voltage [V]", "Current [A]")
    holds = find_holds(data)
    # Where the current is the same from the first sample on, it is what was held.
    answers = [h for h in holds if abs(h.first - h.current) > 0.02 * abs(h.current)]
    by_voltage = (
        holds and holds[0].controlled == "voltage" and 2 * len(answers) >= len(holds)
    )
    if by_voltage and _held_share(data, holds) > 0.6:
        return _held(holds)
    if _swept(data):
        return "cv"
    halves = [h for h in half_cycles(data) if len(h.rows) >= 3]
    if not halves:
        return None
    if len(halves) > 1 and is_symmetric(halves):
        return "ccd"
    return "cycles" if _galvanostatic(data) else None


def _held(holds: list[Hold]) -> str | None:
    """Whether held voltages show a resistance, or a current that decays to nothing."""
    volts = np.array([h.voltage for h in holds])
    amps = np.array([h.current for h in holds])
    levels = np.unique(np.round(volts, 4))
    apart = levels.min() < 0 < levels.max() or np.ptp(np.abs(levels)) > 0.25 * np.abs(
        levels
    ).max(initial=0)
    if len(levels) >= 2 and apart:
        slope = float(volts @ amps / (volts @ volts))
        return "polarisation" if np.abs(amps - slope * volts).max() < 0.3 * np.abs(
            amps
        ).max() else None  # fmt: skip
    longest = max(holds, key=lambda h: h.duration)
    if not longest.settled:
        return "step"
    return "polarisation" if abs(longest.current) > 0.05 * abs(longest.first) else None


def _held_share(data: xr.Dataset, holds: list[Hold]) -> float:
    """Share of the time in which current flows that is held at a voltage."""
    time, current = data["Time [s]"].values, np.abs(data["Current [A]"].values)
    flowing = current[1:] > 1e-4 * current.max(initial=0)
    total = float(np.diff(time)[flowing].sum())
    return sum(h.duration for h in holds) / total if total else 0.0


def _swept(data: xr.Dataset) -> bool:
    """Whether the voltage moves at one speed up and down, and the current as it will."""
    t, v, i = (
        data[n].values.astype(float) for n in ("Time [s]", "Voltage [V]", "Current [A]")
    )
    number = len(t)
    if number < 40 or not np.ptp(v):
        return False
    # Over a fiftieth of the rows, so that noise and steps of a staircase mean nothing.
    reach = max(number // 50, 1)
    passed = t[reach:] - t[:-reach]
    good = passed > 0
    speed = np.abs(v[reach:] - v[:-reach])[good] / passed[good]
    usual = float(np.median(speed))
    if not usual or np.mean(np.abs(speed / usual - 1) < 0.1) < 0.7:
        return False
    turns = np.flatnonzero(np.diff(np.sign(v[reach:] - v[:-reach])) != 0)
    edges = [0, *(turns + reach // 2).tolist(), number]
    parts = [
        np.abs(i[a:b]) for a, b in zip(edges[:-1], edges[1:], strict=True) if b - a > 10
    ]
    spread = [np.ptp(part) / max(part.max(), 1e-30) for part in parts]
    return bool(spread and np.median(spread) > 0.2)


def _rests(data: xr.Dataset) -> bool:
    """Whether the current pauses, as it does after the pulses of a titration."""
    current = np.abs(data["Current [A]"].values.astype(float))
    idle = current < 1e-3 * current.max(initial=0)
    return bool(np.mean(idle) > 0.02)


def _galvanostatic(data: xr.Dataset) -> bool:
    """Whether the current is constant over most of the time in which it flows."""
    current = data["Current [A]"].values.astype(float)
    flowing = np.abs(current) > 1e-3 * np.abs(current).max(initial=0)
    same = np.abs(np.diff(current)) < 0.02 * np.abs(current[1:])
    both = flowing[1:] & flowing[:-1]
    return bool(both.any() and np.mean(same[both]) > 0.7)


def check_experiment(data: xr.Dataset, kind: str, name: str = "The file") -> None:
    """Refuse a series that is plainly another experiment.

    Parameters
    ----------
    data : xarray.Dataset
        Time, voltage and current.
    kind : str
        The analysis asked for.
    name : str, optional
        Of the file.

    Raises
    ------
    DataError
        Names what the data are, and the kind that fits.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> t = np.arange(0.0, 80.0)
    >>> i = 1e-3 * np.where((t // 10) % 2 == 0, 1, -1)
    >>> data = time_series({"Time [s]": t, "Current [A]": i, "Voltage [V]": 50 * i})
    >>> check_experiment(data, "ccd")
    """
    refused = _REFUSED.get(kind, set())
    if not refused:
        return
    found = which_experiment(data)
    if kind == "gitt" and found == "cycles" and _rests(data):
        return
    if found in refused:
        other = "rate or cycles" if found == "cycles" else found
        raise DataError(
            f"{name} holds {_WORDS[str(found)]}, not what --kind {kind} analyses: analyse it "
            f"with --kind {other}."
        )
