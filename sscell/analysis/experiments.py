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
}
# What each kind of analysis does not take, though it would give a number.
_REFUSED = {
    "rate": {"ccd", "polarisation"},
    "cycles": {"ccd", "polarisation"},
    "dqdv": {"ccd", "polarisation"},
    "gitt": {"ccd", "polarisation"},
    "cv": {"ccd"},
    "step": {"ccd", "polarisation", "cycles"},
    "ccd": {"polarisation", "step", "cycles"},
    "polarisation": {"ccd", "step", "cycles"},
    "transference": {"ccd", "cycles"},
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
        ``"ccd"``, ``"polarisation"``, ``"step"`` or ``"cycles"``; None where it is not
        plain.

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
    if found in refused:
        other = "rate or cycles" if found == "cycles" else found
        raise DataError(
            f"{name} holds {_WORDS[str(found)]}, not what --kind {kind} analyses: analyse it "
            f"with --kind {other}."
        )
