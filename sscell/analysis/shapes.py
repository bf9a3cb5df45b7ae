"""Shape of a half cycle: what a capacity does not say of its curve.

All numbers are read alike from a model and from a measurement. Voltages are signed as they
are measured: on discharge a plateau that falls has a negative slope, on charge one that rises
a positive one.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from sscell.analysis.capacity import SMOOTHING, HalfCycle, differential_capacity
from sscell.errors import ParameterError

__all__ = [
    "against_current",
    "constant_current_share",
    "first_drop",
    "half_charge_voltage",
    "peak_width",
    "plateau_slope",
    "surface_voltage",
]

_CONSTANT = 0.98  # of the largest current: noise of a cycler, not a hold
_LEAST = 3  # samples of a slope
_AGAIN = 0.02  # of a peak's height: a rise beside it that is another's
_TRANSPORT = ("Open-circuit contribution [V]", "Particle transport contribution [V]")


def peak_width(
    half: HalfCycle, voltage: float, smoothing: float = SMOOTHING
) -> float | None:
    """Full width of a peak of dQ/dV at half of its height.

    Parameters
    ----------
    half : HalfCycle
        From `sscell.analysis.half_cycles`.
    voltage : float
        Of the peak [V], as `sscell.analysis.dqdv_peaks` has it.
    smoothing : float, optional
        Standard deviation of the Gaussian [V]; its own width, 2.355 of them, is in the
        result, for Gaussian peaks as the root of the sum of squares.

    Returns
    -------
    float or None
        [V]; None where one side does not fall to half before it rises again, or ends.

    Examples
    --------
    A step at 2 V has the width of the smoothing, 23.55 mV, and what the grid of 2 mV adds: its
    charge lies in the two bins beside 2 V (23.67), the highest value is read 1 mV beside the
    middle (23.75), the slopes at both sides lie beneath (23.80), and between two points of
    the grid it is read from a straight line (23.84):

    >>> from sscell.analysis import half_cycles
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0, 1, 9, 10], "Current [A]": [1.0] * 4,
    ...                     "Voltage [V]": [3, 2.001, 1.999, 1]})
    >>> round(peak_width(half_cycles(data)[0], 2.0), 4)
    0.0238
    """
    grid, curve = differential_capacity(half, smoothing)
    top = int(np.argmin(np.abs(grid - voltage)))
    ends = []
    for way in (-1, 1):
        row, level, lowest = top, curve[top] / 2, curve[top]
        while 0 < row < grid.size - 1 and curve[row] > level:
            row, lowest = row + way, min(lowest, curve[row])
            if curve[row] > lowest + _AGAIN * curve[top]:
                return None  # another peak stands on this side
        if curve[row] > level:
            return None
        inner = row - way
        share = (curve[inner] - level) / (curve[inner] - curve[row])
        ends.append(grid[inner] + share * (grid[row] - grid[inner]))
    return float(ends[1] - ends[0])


def plateau_slope(half: HalfCycle, between: tuple[float, float]) -> float | None:
    """Slope of the voltage over the charge that passes, by a straight line.

    Parameters
    ----------
    half : HalfCycle
        From `sscell.analysis.half_cycles`.
    between : tuple of float
        Shares of the half cycle's own capacity [-].

    Returns
    -------
    float or None
        [V.A-1.h-1], negative where the voltage falls; None where too few samples lie there.

    Raises
    ------
    ParameterError
        If the shares are not two of 0 to 1 in order.

    Examples
    --------
    >>> from sscell.analysis import half_cycles
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0, 1200, 2400, 3600], "Current [A]": [1.0] * 4,
    ...                     "Voltage [V]": [2.0, 1.9, 1.8, 1.0]})
    >>> round(plateau_slope(half_cycles(data)[0], (0.0, 0.7)), 6)
    -0.3
    """
    low, high = between
    if not 0 <= low < high <= 1:
        raise ParameterError(f"A plateau lies between two shares of 0 to 1, not {between}.")
    if not half.capacity:
        return None
    share = half.charge / half.capacity
    own = (share >= low - 1e-9) & (share <= high + 1e-9)
    if own.sum() < _LEAST or np.ptp(half.charge[own]) == 0:
        return None
    # Samples crowd where a solver or a cycler takes many: the line is through even ones.
    charge = np.linspace(half.charge[own][0], half.charge[own][-1], 50)
    voltage = np.interp(charge, half.charge[own], half.voltage[own])
    return float(np.polyfit(charge, voltage, 1)[0])


def against_current(
    voltage: np.ndarray, charge: np.ndarray, direction: str, settled: float = 0.02
) -> float:
    """Furthest that the voltage moves against the current: up along a discharge.

    Parameters
    ----------
    voltage, charge : numpy.ndarray, shape (n,)
        Of a half cycle [V], and passed since its start [A.h].
    direction : str
        ``"discharge"`` or ``"charge"``.
    settled : float, optional
        Share of the charge after which the course counts [-].

    Returns
    -------
    float
        From a lowest to a later highest voltage of a discharge, the reverse of a charge [V].

    Examples
    --------
    >>> course = np.array([2.0, 1.5, 1.75, 1.0])
    >>> against_current(course, np.arange(4.0), "discharge")
    0.25
    """
    sign = 1 if direction == "discharge" else -1
    course = sign * voltage[charge >= settled * charge[-1]]
    return float(np.max(course - np.minimum.accumulate(course), initial=0.0))


def surface_voltage(
    data: xr.Dataset | Mapping[str, np.ndarray], row: int = 0
) -> float | None:
    """Open circuit of the surface in a simulation: what a current steps from.

    Parameters
    ----------
    data : xarray.Dataset or mapping of str to numpy.ndarray, shape (n,)
        Time series of a simulation.
    row : int, optional
        Of the time series; default: where it begins.

    Returns
    -------
    float or None
        [V]; None where the losses were not kept, and of a measurement.
    """
    if not all(name in data for name in _TRANSPORT):
        return None
    return sum(float(np.asarray(data[name])[row]) for name in _TRANSPORT)


def first_drop(data: xr.Dataset, half: HalfCycle, within: float = 0.0) -> float | None:
    """Step of the voltage when a half cycle begins.

    Parameters
    ----------
    data : xarray.Dataset
        Time series that it belongs to.
    half : HalfCycle
        From `sscell.analysis.half_cycles`.
    within : float, optional
        Time after which it is read [s]; default: at the first sample.

    Returns
    -------
    float or None
        With the current: down on discharge, up on charge [V]. It begins at the sample before,
        or, where a simulation has none, at the open circuit of the surface. None for a
        measurement without a sample before.

    Examples
    --------
    >>> from sscell.analysis import half_cycles
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0, 1, 2], "Current [A]": [0, 1.0, 1.0],
    ...                     "Voltage [V]": [2.0, 1.75, 1.5]})
    >>> first_drop(data, half_cycles(data)[0])
    0.25
    """
    first = int(half.rows[0])
    before = (
        float(data["Voltage [V]"].values[first - 1]) if first else surface_voltage(data)
    )
    if before is None:
        return None
    begun = data["Time [s]"].values[max(first - 1, 0)] if within else half.time[0]
    there = float(np.interp(begun + within, half.time, half.voltage))
    return (before - there) * (1 if half.direction == "discharge" else -1)


def constant_current_share(half: HalfCycle) -> float | None:
    """Share of a half cycle's charge that passes before its current falls.

    Parameters
    ----------
    half : HalfCycle
        From `sscell.analysis.half_cycles`: a charge with its hold is one.

    Returns
    -------
    float or None
        [-]; None where no charge passes.

    Examples
    --------
    >>> from sscell.analysis import half_cycles
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0, 3600, 7200], "Current [A]": [-1.0, -1.0, 0.0],
    ...                     "Voltage [V]": [2.0, 3.0, 3.0]})
    >>> round(constant_current_share(half_cycles(data)[0]), 3)
    1.0
    """
    if not half.capacity:
        return None
    size = np.abs(half.current)
    whole = np.flatnonzero(size >= _CONSTANT * size.max())
    return float(half.charge[whole[-1]] / half.capacity)


def half_charge_voltage(half: HalfCycle, share: float = 0.5) -> float | None:
    """Voltage at a share of a half cycle's own charge.

    Parameters
    ----------
    half : HalfCycle
        From `sscell.analysis.half_cycles`.
    share : float, optional
        Of its capacity [-].

    Returns
    -------
    float or None
        [V]; None where no charge passes.
    """
    if not half.capacity:
        return None
    return float(np.interp(share * half.capacity, half.charge, half.voltage))
