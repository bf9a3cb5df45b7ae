"""Sweeps of a voltammogram: where they are, their peaks and onsets, noisy or not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from sscell.dataset import require
from sscell.errors import DataError

__all__ = ["Sweep", "onset", "point", "sweep_peaks", "sweeps"]

PROMINENCE = 0.05
QUIET = 0.005  # of the range of the current: noise that smoothing leaves


@dataclass(frozen=True, eq=False)
class Sweep:
    """One sweep of the voltage in one direction.

    Parameters
    ----------
    direction : str
        ``"charge"`` (upwards) or ``"discharge"``.
    number : int
        Counted from 1 within its direction.
    scan_rate : float
        [V s-1], positive.
    time, voltage, current : numpy.ndarray
        [s], [V], [A] (positive discharges).
    """

    direction: str
    number: int
    scan_rate: float
    time: np.ndarray
    voltage: np.ndarray
    current: np.ndarray


def sweeps(data: xr.Dataset, *, least: float = 0.1) -> list[Sweep]:
    """Cut a voltammogram at its vertices.

    Of each part the longest stretch at the prevailing scan rate is kept: rests, holds and
    galvanostatic steps between are left out.

    Parameters
    ----------
    data : xarray.Dataset
        Time, voltage and current.
    least : float, optional
        A sweep spans at least this share of the range of the voltage [-].

    Returns
    -------
    list of Sweep
        In order.

    Raises
    ------
    DataError
        If the voltage is not swept.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> t = np.arange(0.0, 201.0)
    >>> v = 1.0 + np.where(t < 100, t, 200 - t) / 100
    >>> data = time_series({"Time [s]": t, "Voltage [V]": v, "Current [A]": -np.ones(201)})
    >>> [(s.direction, round(s.scan_rate, 4)) for s in sweeps(data)]
    [('charge', 0.01), ('discharge', 0.01)]
    """
    require(data, "Time [s]", "Voltage [V]", "Current [A]")
    t, v, i = (
        data[n].values.astype(float) for n in ("Time [s]", "Voltage [V]", "Current [A]")
    )
    edges = _vertices(v, least * np.ptp(v))
    found: list[Sweep] = []
    counts = {"charge": 0, "discharge": 0}
    for a, b in zip(edges, edges[1:], strict=False):
        rows = _steady(t[a : b + 1], v[a : b + 1])
        if rows is None:
            continue
        rows = rows + a
        direction = "charge" if v[b] > v[a] else "discharge"
        counts[direction] += 1
        speed = float(abs(np.polyfit(t[rows], v[rows], 1)[0]))
        found.append(Sweep(direction, counts[direction], speed, t[rows], v[rows], i[rows]))
    if not found:
        raise DataError("The voltage is not swept in these data: there is no voltammogram.")
    return found


def _vertices(v: np.ndarray, least: float) -> list[int]:
    """Rows where the voltage turns by more than `least`."""
    edges, extreme, up = [0], 0, None
    for row in range(1, len(v)):
        move = v[row] - v[extreme]
        if up is None:
            if abs(v[row] - v[0]) > least:
                up, extreme = v[row] > v[0], row
        elif (move >= 0) == up:
            extreme = row
        elif abs(move) > least:
            edges.append(extreme)
            up, extreme = not up, row
    return [*edges, len(v) - 1]


def _steady(t: np.ndarray, v: np.ndarray) -> np.ndarray | None:
    """Rows of the part with the scan rate that prevails, without rests or other steps."""
    if len(v) < 8:
        return None
    bins = min(40, len(v) // 3)
    towards = np.maximum.accumulate(v if v[-1] > v[0] else -v)
    levels = np.linspace(towards[0], towards[-1], bins + 1)
    rows = np.minimum(np.searchsorted(towards, levels), len(v) - 1)
    time = np.interp(levels, *_rising(towards, t))
    speed = np.log((levels[1] - levels[0]) / np.maximum(np.diff(time), 1e-12))
    near = np.abs(speed[:, None] - speed[None, :]) < 0.08
    good = near[int(np.argmax(near.sum(axis=1)))]
    if good.sum() < 0.2 * bins:
        return None
    where = np.flatnonzero(good)
    # One odd bin inside a sweep does not end it.
    groups = np.split(where, np.flatnonzero(np.diff(where) > 2) + 1)
    longest = max(groups, key=len)
    # The last row at the first level: a hold before the sweep is left out.
    first = int(np.searchsorted(towards, levels[longest[0]], side="right")) - 1
    kept = np.arange(max(first, 0), rows[longest[-1] + 1] + 1)
    return kept if len(kept) >= 8 else None


def _rising(towards: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Voltage that strictly grows, and the last time at each value."""
    last = np.append(np.diff(towards) > 0, True)
    return towards[last], t[last]


def _noise(current: np.ndarray) -> float:
    """Standard deviation of what changes from sample to sample [A].

    Third differences, which a smooth curve hardly has: their median size over
    0.6745 sqrt(20).
    """
    if len(current) < 12:
        return 0.0
    return float(np.median(np.abs(np.diff(current, 3))) / (0.6745 * np.sqrt(20)))


def _smooth(height: np.ndarray, noise: float) -> tuple[np.ndarray, float]:
    """Current with its noise brought to half a per cent of its range, and what is left."""
    from scipy.signal import savgol_filter

    # A parabola over n samples leaves 1.5/sqrt(n) of the noise.
    wanted = int((1.5 * noise / (QUIET * np.ptp(height))) ** 2)
    window = min(2 * (wanted // 2) + 1, 2 * (len(height) // 16) + 1)
    if window < 5:
        return height, noise
    return np.asarray(savgol_filter(height, window, 2)), 1.5 * noise / np.sqrt(window)


def sweep_peaks(sweep: Sweep) -> tuple[list[dict[str, float]], bool]:
    """Peaks of a sweep, and whether its largest current is at an end.

    Parameters
    ----------
    sweep : Sweep
        One sweep.

    Returns
    -------
    tuple of (list of dict, bool)
        ``voltage_V`` and ``current_A`` of each, in the order in which they are passed.

    Examples
    --------
    >>> v = np.linspace(1, 2, 101)
    >>> i = -np.exp(-((v - 1.5) / 0.1) ** 2)
    >>> peaks, at_end = sweep_peaks(Sweep("charge", 1, 1e-3, 1e3 * (v - 1), v, i))
    >>> round(peaks[0]["voltage_V"], 3), at_end
    (1.5, False)
    """
    from scipy.signal import find_peaks

    outward = -1.0 if sweep.direction == "charge" else 1.0
    raw = outward * sweep.current
    noise, span = _noise(raw), float(np.ptp(raw))
    height, left = _smooth(raw, noise) if span > 0 else (raw, 0.0)
    margin = max(2, len(height) // 50)
    rows, _ = find_peaks(height, prominence=max(PROMINENCE * span, 6 * left))
    rows = rows[(rows >= margin) & (rows < len(height) - margin) & (height[rows] > 0)]
    largest = int(np.argmax(height))
    at_end = largest < margin or largest >= len(height) - margin
    # A ripple below a current that grows to the vertex is no peak of the sweep.
    main = [int(r) for r in rows if height[r] > 0.3 * height[largest] or not at_end]
    noisy = noise > 0.2 * QUIET * span
    found = [_top(sweep, height, r, outward) if noisy else point(sweep, r) for r in main]
    return found, at_end and height[largest] > 0


def _top(sweep: Sweep, height: np.ndarray, row: int, outward: float) -> dict[str, float]:
    """Vertex of a parabola through the samples about a noisy peak, as measured."""
    foot = max(
        float(height[:row].min(initial=height[row])),
        float(height[row:].min(initial=height[row])),
    )
    low = height < height[row] - 0.15 * (height[row] - foot)
    before, after = np.flatnonzero(low[:row]), np.flatnonzero(low[row:])
    first = int(before[-1]) + 1 if len(before) else 0
    last = row + int(after[0]) if len(after) else len(height)
    if last - first < 5:
        return point(sweep, row)
    volts, current = sweep.voltage[first:last], outward * sweep.current[first:last]
    centre, width = float(volts.mean()), float(np.ptp(volts)) or 1.0
    bend, slope, level = np.polyfit((volts - centre) / width, current, 2)
    at = -slope / (2 * bend) if bend < 0 else 0.0
    if not bend < 0 or abs(at) > 0.5:
        return point(sweep, row)
    return {
        "voltage_V": float(centre + at * width),
        "current_A": float(outward * (level - slope**2 / (4 * bend))),
    }


def onset(sweep: Sweep, level: float) -> dict[str, float | None]:
    """Voltage at which the current of a sweep passes a level and stays beyond it.

    It stays where four of five samples over the next fiftieth of the sweep are beyond. A
    current that is beyond it from the begin, as of a double layer, is no onset.

    Parameters
    ----------
    sweep : Sweep
        One sweep.
    level : float
        [A], positive.

    Returns
    -------
    dict
        ``voltage_V`` [V], None where it is not passed, and ``current_A`` with its sign.

    Examples
    --------
    >>> v = np.linspace(1, 2, 101)
    >>> found = onset(Sweep("charge", 1, 1e-3, 1e3 * (v - 1), v, 1 - v), 0.305)
    >>> round(found["voltage_V"], 3)
    1.305
    """
    sign = -1.0 if sweep.direction == "charge" else 1.0
    raw = sign * sweep.current
    height = _smooth(raw, _noise(raw))[0] if np.ptp(raw) > 0 else raw
    ahead = max(3, len(height) // 50)
    beyond = height > level
    for row in np.flatnonzero(beyond[1:] & ~beyond[:-1]) + 1:
        if beyond[row : row + ahead].mean() < 0.8:
            continue
        share = (level - height[row - 1]) / (height[row] - height[row - 1])
        step = sweep.voltage[row] - sweep.voltage[row - 1]
        volts = float(sweep.voltage[row - 1] + share * step)
        return {"voltage_V": volts, "current_A": sign * level}
    return {"voltage_V": None, "current_A": sign * level}


def point(sweep: Sweep, row: int) -> dict[str, float]:
    """One sample of a sweep.

    Parameters
    ----------
    sweep : Sweep
        One sweep.
    row : int
        Of the sample.

    Returns
    -------
    dict
        ``voltage_V`` [V] and ``current_A`` [A].

    Examples
    --------
    >>> v = np.linspace(1, 2, 101)
    >>> point(Sweep("charge", 1, 1e-3, v, v, -v), 0)
    {'voltage_V': 1.0, 'current_A': -1.0}
    """
    return {
        "voltage_V": float(sweep.voltage[row]),
        "current_A": float(sweep.current[row]),
    }
