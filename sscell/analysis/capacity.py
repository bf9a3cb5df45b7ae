"""Half cycles, differential capacity and its peaks, for model and measurement alike.

**Smoothing.** Charge is a measure over voltage: every interval between two samples
spreads its charge evenly between its two voltages, whichever way the voltage moves. The
differential capacity is that measure convolved with a Gaussian of standard deviation
`smoothing` (10 mV). No derivative of noisy data is taken, and no charge is lost but
what the Gaussian carries over the ends.

**Peaks.** Local maxima whose prominence is at least `prominence` (5 %) of the largest
value, further than two `smoothing` from both ends of the curve: closer, the ends
themselves make maxima.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from sscell.analysis.charge import charge_passed
from sscell.dataset import require
from sscell.errors import ParameterError
from sscell.segments import half_runs

__all__ = [
    "PROMINENCE",
    "SMOOTHING",
    "HalfCycle",
    "differential_capacity",
    "dqdv_peaks",
    "half_cycles",
]

SMOOTHING = 0.010  # V
PROMINENCE = 0.05
_BINS = 5  # within one width of the Gaussian


@dataclass(frozen=True, eq=False)
class HalfCycle:
    """One discharge or charge, with the rests inside it.

    Parameters
    ----------
    direction : str
        ``"discharge"`` or ``"charge"``.
    cycle : int
        Number of the cycle.
    step : int
        Number of its last step.
    rows : numpy.ndarray, shape (n,)
        Rows of the dataset.
    time, current, voltage : numpy.ndarray, shape (n,)
        [s], [A] (positive on discharge), [V].
    charge : numpy.ndarray, shape (n,)
        Charge passed since its start [A.h]; at the first row that of the interval before.
    """

    direction: str
    cycle: int
    step: int
    rows: np.ndarray
    time: np.ndarray
    current: np.ndarray
    voltage: np.ndarray
    charge: np.ndarray

    @property
    def capacity(self) -> float:
        """Charge passed in all [A.h]."""
        return float(self.charge[-1])

    def energy(self, offset: float = 0.0) -> float:
        """Energy exchanged [W.h], with the voltage raised by `offset` [V]."""
        first = self.charge[0] * (self.voltage[0] + offset)
        return float(np.trapezoid(self.voltage + offset, self.charge) + first)


def half_cycles(data: xr.Dataset) -> list[HalfCycle]:
    """Split a time series where the current changes its direction.

    Parameters
    ----------
    data : xarray.Dataset
        With time, current and voltage on ``time``.

    Returns
    -------
    list of HalfCycle
        In order; pulses of a titration and a CC/CV charge are one half cycle each. What
        is a direction, a rest or a stray sample, and which intervals count, is said in
        `sscell.segments`.

    Raises
    ------
    DataError
        If time, current or voltage is missing.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0, 3600, 3600, 7200], "Current [A]": [1, 1, -1, -1],
    ...                     "Voltage [V]": [2, 1, 1.5, 2.5]})
    >>> [(h.direction, h.capacity) for h in half_cycles(data)]
    [('discharge', 1.0), ('charge', 1.0)]
    """
    require(data, "Time [s]", "Current [A]", "Voltage [V]")
    time, current, voltage = (
        data[name].values.astype(float)
        for name in ("Time [s]", "Current [A]", "Voltage [V]")
    )
    cycles = _numbers(data, "Cycle", time.size)
    steps = _numbers(data, "Step", time.size)
    passed = charge_passed(data)
    found = []
    for direction, rows in half_runs(data):
        # The interval before its first row is the first of its first step.
        charge = np.abs(passed[rows] - passed[max(rows[0] - 1, 0)])
        if rows.size < 2 and charge[-1] == 0 and "steps" not in data.attrs:
            continue  # a stray sample of an instrument; in a simulation, a cut-off at once
        found.append(
            HalfCycle(
                direction="discharge" if direction > 0 else "charge",
                cycle=int(cycles[rows[-1]]),
                step=int(steps[rows[-1]]),
                rows=rows,
                time=time[rows],
                current=current[rows],
                voltage=voltage[rows],
                charge=charge,
            )
        )
    return found


def _numbers(data: xr.Dataset, name: str, size: int) -> np.ndarray:
    return data[name].values.astype(int) if name in data else np.ones(size, dtype=int)


def differential_capacity(
    half: HalfCycle, smoothing: float = SMOOTHING, beyond: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Charge per voltage of one half cycle.

    Parameters
    ----------
    half : HalfCycle
        From `half_cycles`.
    smoothing : float, optional
        Standard deviation of the Gaussian [V].
    beyond : float, optional
        How far to go beyond the data at both ends [V].

    Returns
    -------
    voltage : numpy.ndarray, shape (m,)
        Equidistant, a fifth of `smoothing` apart, over the range of the data [V].
    dqdv : numpy.ndarray, shape (m,)
        Positive in both directions [A.h.V-1]; its integral is the capacity, less what the
        Gaussian carries over the ends.

    Raises
    ------
    ParameterError
        If `smoothing` is not positive.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0, 3600], "Current [A]": [1, 1], "Voltage [V]": [2, 1]})
    >>> v, dqdv = differential_capacity(half_cycles(data)[0])
    >>> round(float(dqdv[v.size // 2]), 3)
    1.0
    """
    if not smoothing > 0:
        raise ParameterError(f"Smoothing must be a positive voltage, not {smoothing!r} V.")
    bin_width = smoothing / _BINS
    low = float(half.voltage.min()) - beyond
    high = float(half.voltage.max()) + beyond
    edges = np.arange(low, high + 2 * bin_width, bin_width)
    cumulative = _charge_below(half, edges)
    density = np.diff(cumulative) / bin_width
    # The numbers of scipy.ndimage's filter, which every summary would wait for: its import
    # takes as long as some tens of runs of a small cell.
    reach = np.arange(-5 * _BINS, 5 * _BINS + 1)
    weights = np.exp(-0.5 * (reach / _BINS) ** 2)
    smooth = np.convolve(density, weights / weights.sum())[5 * _BINS : -5 * _BINS]
    return (edges[1:] + edges[:-1]) / 2, smooth


def _charge_below(half: HalfCycle, edges: np.ndarray) -> np.ndarray:
    """Charge passed below each voltage, interval by interval."""
    v, dq = half.voltage, np.diff(half.charge)
    low = np.minimum(v[1:], v[:-1])
    width = np.maximum(np.abs(np.diff(v)), 1e-9)
    # An interval counts in part at the edges inside it, and in full at those above it.
    first = np.searchsorted(edges, low, side="right")
    above = np.searchsorted(edges, low + width, side="left")
    counts = np.maximum(above - first, 0)
    rows = np.repeat(np.arange(dq.size), counts)
    at = np.arange(rows.size) - np.repeat(np.cumsum(counts) - counts, counts) + first[rows]
    share = (edges[at] - low[rows]) / width[rows]
    whole = np.bincount(above, dq, minlength=edges.size + 1)[: edges.size]
    return np.cumsum(whole) + np.bincount(at, dq[rows] * share, minlength=edges.size)


def _maxima(curve: np.ndarray, prominence: float) -> np.ndarray:
    """Rows of the maxima that stand out by so much, as `scipy.signal.find_peaks` has them.

    Importing that takes longer than many a simulation.
    """
    change = np.flatnonzero(np.diff(curve))
    starts, ends = np.append(0, change + 1), np.append(change, curve.size - 1)
    level = curve[starts]
    found = []
    for k in range(1, level.size - 1):
        if not level[k - 1] < level[k] > level[k + 1]:
            continue
        higher = np.flatnonzero(level > level[k])
        left, right = higher[higher < k], higher[higher > k]
        a = left[-1] if left.size else 0
        b = right[0] + 1 if right.size else level.size
        if level[k] - max(level[a : k + 1].min(), level[k:b].min()) >= prominence:
            found.append((starts[k] + ends[k]) // 2)
    return np.array(found, dtype=int)


def dqdv_peaks(
    half: HalfCycle,
    mass_g: float | None = None,
    smoothing: float = SMOOTHING,
    prominence: float = PROMINENCE,
    at_ends: bool = False,
) -> list[dict[str, Any]]:
    """Peaks of the differential capacity of one half cycle.

    Parameters
    ----------
    half : HalfCycle
        From `half_cycles`.
    mass_g : float, optional
        Mass of the capacity basis [g]; without it heights are not per gram.
    smoothing : float, optional
        Standard deviation of the Gaussian [V].
    prominence : float, optional
        Least prominence as a share of the largest value [-].
    at_ends : bool, optional
        Whether a maximum at an end of the curve counts: the first plateau of rested
        voltages does, the cut-off of a discharge does not.

    Returns
    -------
    list of dict
        ``voltage_V``, ``height_mAh_g_V`` (or ``height_mAh_V``) and ``direction``, in the
        order in which the half cycle passes them.

    Raises
    ------
    ParameterError
        If `smoothing` or `prominence` is not positive.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0, 1, 9, 10], "Current [A]": [1.0] * 4,
    ...                     "Voltage [V]": [3, 2.001, 1.999, 1]})
    >>> [round(p["voltage_V"], 2) for p in dqdv_peaks(half_cycles(data)[0])]
    [2.0]
    """
    if not 0 < prominence < 1:
        raise ParameterError(f"Prominence must lie between 0 and 1, not {prominence!r}.")
    margin = 5 * smoothing if at_ends else 0.0
    voltage, dqdv = differential_capacity(half, smoothing, margin)
    inside = (voltage > voltage[0] + 2 * smoothing) & (
        voltage < voltage[-1] - 2 * smoothing
    )
    if dqdv.size < 3 or not inside.any():
        return []
    # Prominence counts inside as well: the ends fall off whatever the curve does, so that
    # even an evenly sloping one would have a peak in its middle.
    first = int(np.argmax(inside))
    rows = _maxima(dqdv[inside], prominence * float(dqdv.max())) + first
    if half.direction == "discharge":
        rows = rows[::-1]
    scale, name = (1e3, "height_mAh_V")
    if mass_g is not None:
        scale, name = 1e3 / mass_g, "height_mAh_g_V"
    return [
        {
            "voltage_V": _vertex(voltage, dqdv, int(row)),
            name: float(dqdv[row] * scale),
            "direction": half.direction,
        }
        for row in rows
    ]


def _vertex(x: np.ndarray, y: np.ndarray, row: int) -> float:
    """Abscissa of the parabola through a maximum and its two neighbours."""
    left, top, right = y[row - 1], y[row], y[row + 1]
    bend = left - 2 * top + right
    shift = 0.5 * (left - right) / bend if bend else 0.0
    return float(x[row] + shift * (x[1] - x[0]))
