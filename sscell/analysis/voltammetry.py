"""Cyclic voltammetry: sweeps, peaks, and b-values over several scan rates.

A peak is a maximum of the current inside a sweep, with a prominence of at least 5 % of
the range of the current in that sweep and six times its noise. A noisy current (by its
third differences) is smoothed first, with a parabola over as many samples as bring the
noise to half a per cent of the range; the voltage and current of its peaks are those of a
parabola through the samples about the top. Where the largest current of a sweep sits at its
vertex or its begin there is no peak, and that is said.

Peaks at several scan rates are one where their voltages follow each other from rate to
rate; each such peak has a b-value of its own.

On a sweep upwards the cell is charged (anodic at the working electrode), downwards it is
discharged (cathodic).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import xarray as xr

from sscell.dataset import metadata, require
from sscell.errors import DataError, ParameterError
from sscell.units import parse_quantity

__all__ = ["BValue", "Sweep", "Voltammetry", "b_value", "cv", "sweeps"]

PROMINENCE = 0.05
QUIET = 0.005  # of the range of the current: noise that smoothing leaves
LARGEST_SHIFT = 0.3  # V, of a peak from one scan rate to the next
_BRANCH = {"charge": "anodic", "discharge": "cathodic"}


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


@dataclass(frozen=True)
class BValue:
    """Exponent of the peak current over the scan rate.

    Parameters
    ----------
    direction : str
        ``"charge"`` or ``"discharge"``.
    branch : str
        ``"anodic"`` or ``"cathodic"``.
    peak : int
        Counted in the order in which a sweep passes them.
    b, std_error : float
        ``i = a v^b``, and one standard error (None with two points).
    r_squared : float
        Of the line of the logarithms.
    points : int
        Number of scan rates.
    voltage_V : float or None
        Of the peak at the slowest scan rate [V].
    scan_rates_mV_s, currents_A : tuple of float
        What was fitted.
    """

    direction: str
    branch: str
    peak: int
    b: float
    std_error: float | None
    r_squared: float
    points: int
    voltage_V: float | None = None
    scan_rates_mV_s: tuple[float, ...] = ()
    currents_A: tuple[float, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return dict(self.__dict__)


@dataclass(frozen=True)
class Voltammetry:
    """What voltammograms at one or more scan rates say.

    Parameters
    ----------
    peaks : list of dict
        ``scan_rate_mV_s``, ``direction``, ``branch``, ``voltage_V``, ``current_A``
        (positive discharges), ``sweep``, ``peak``.
    b_values : list of BValue
        One for each peak that is seen at two or more scan rates.
    at_vertex : list of dict
        Sweeps whose largest current sits at an end, where it is no peak.
    warnings : list of str
        What to doubt.
    onsets : list of dict
        Of each sweep, ``voltage_V`` at which its current passes ``current_A`` for good, or
        None: where oxidation (upwards) or reduction (downwards) begins.
    """

    peaks: list[dict[str, Any]]
    b_values: list[BValue]
    at_vertex: list[dict[str, Any]]
    warnings: list[str] = field(default_factory=list)
    onsets: list[dict[str, Any]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "peaks": self.peaks,
            "b_values": [b.to_dict() for b in self.b_values],
            "at_vertex": self.at_vertex,
            "onsets": self.onsets,
            "warnings": self.warnings,
        }


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
    return savgol_filter(height, window, 2), 1.5 * noise / np.sqrt(window)


def _sweep_peaks(sweep: Sweep) -> tuple[list[dict[str, float]], bool]:
    """Peaks of a sweep, and whether its largest current is at an end."""
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
    found = [_top(sweep, height, r, outward) if noisy else _point(sweep, r) for r in main]
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
        return _point(sweep, row)
    volts, current = sweep.voltage[first:last], outward * sweep.current[first:last]
    centre, width = float(volts.mean()), float(np.ptp(volts)) or 1.0
    bend, slope, level = np.polyfit((volts - centre) / width, current, 2)
    at = -slope / (2 * bend) if bend < 0 else 0.0
    if not bend < 0 or abs(at) > 0.5:
        return _point(sweep, row)
    return {
        "voltage_V": float(centre + at * width),
        "current_A": float(outward * (level - slope**2 / (4 * bend))),
    }


def cv(
    data: xr.Dataset | Sequence[xr.Dataset],
    *,
    scan_rates: Sequence[float] | None = None,
    onset_current: str | float | None = None,
) -> Voltammetry:
    """Peaks of voltammograms, and b-values where there are several scan rates.

    Parameters
    ----------
    data : xarray.Dataset or sequence of xarray.Dataset
        One file with all scan rates, or one for each.
    scan_rates : sequence of float, optional
        [V s-1], one for each dataset; default: as measured in each sweep.
    onset_current : str or float, optional
        Current at which oxidation and reduction are taken to begin, such as ``"1uA"``,
        ``"5uA/cm2"`` or ``"1mA/g"``; a bare number is in A.

    Returns
    -------
    Voltammetry
        b-values use the first sweep of each branch at each scan rate.

    Raises
    ------
    DataError
        If no voltage is swept.
    ParameterError
        If there are not as many scan rates as datasets.

    Notes
    -----
    ``log i = log a + b log v``: 0.5 for diffusion, 1 for a surface process.

    Source: Lindstroem et al., J. Phys. Chem. B 101 (1997) 7717, doi:10.1021/jp970490q.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> def cell(v):
    ...     t = np.linspace(0, 1 / v, 201)
    ...     i = -np.sqrt(v) * np.exp(-((t * v - 0.5) / 0.1) ** 2)
    ...     return time_series({"Time [s]": t, "Voltage [V]": 1 + t * v, "Current [A]": i})
    >>> round(cv([cell(1e-4), cell(4e-4), cell(1e-3)]).b_values[0].b, 2)
    0.5
    """
    sets = [data] if isinstance(data, xr.Dataset) else list(data)
    if scan_rates is not None and len(scan_rates) != len(sets):
        raise ParameterError(
            f"{len(scan_rates)} scan rates are given for {len(sets)} datasets; give one each."
        )
    peaks: list[dict[str, Any]] = []
    at_vertex: list[dict[str, Any]] = []
    onsets: list[dict[str, Any]] = []
    for k, one in enumerate(sets):
        level = None if onset_current is None else _onset_level(onset_current, one)
        for sweep in sweeps(one):
            speed = sweep.scan_rate if scan_rates is None else scan_rates[k]
            tops, at_end = _sweep_peaks(sweep)
            entry = {
                "scan_rate_mV_s": float(speed * 1e3),
                "direction": sweep.direction,
                "branch": _BRANCH[sweep.direction],
                "sweep": sweep.number,
                "dataset": k + 1,
            }
            peaks += [{**entry, "peak": n, **top} for n, top in enumerate(tops, 1)]
            if at_end:
                outward = sweep.current * (-1 if sweep.direction == "charge" else 1)
                at_vertex.append({**entry, **_point(sweep, int(np.argmax(outward)))})
            if level is not None:
                onsets.append({**entry, **_onset(sweep, level)})
    found = _b_values(peaks)
    notes = _notes(peaks, at_vertex, found)
    if onsets and all(o["voltage_V"] is None for o in onsets):
        notes.append("No sweep passes the current that was given as onset.")
    return Voltammetry(peaks, found, at_vertex, notes, onsets)


def _onset_level(given: str | float, data: xr.Dataset) -> float:
    """Current of an onset [A], from a current, or one per area or mass."""
    text = str(given).replace(" ", "")
    size, unit = 1.0, "A"
    for ending, key, per, option in (
        (r"/cm(\^|\*\*)?2", "area_cm2", "A/cm**2", "--area"),
        (r"/m?g", "capacity_basis_mass_g", "A/g", "--mass"),
    ):
        if re.search(ending + "$", text):
            size, unit = metadata(data, key), per
            if size is None:
                raise ParameterError(f"An onset of '{given}' needs {option}.")
    level = abs(parse_quantity(given, unit, "Onset current")) * size
    if not level > 0:
        raise ParameterError(f"Onset current '{given}' must not be zero.")
    return level


def _onset(sweep: Sweep, level: float) -> dict[str, float | None]:
    """Voltage at which the current of a sweep passes a level and stays beyond it.

    It stays where four of five samples over the next fiftieth of the sweep are beyond. A
    current that is beyond it from the begin, as of a double layer, is no onset.
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


def _point(sweep: Sweep, row: int) -> dict[str, float]:
    return {
        "voltage_V": float(sweep.voltage[row]),
        "current_A": float(sweep.current[row]),
    }


def _notes(
    peaks: list[dict[str, Any]], at_vertex: list[dict[str, Any]], found: list[BValue]
) -> list[str]:
    notes = []
    for branch in ("anodic", "cathodic"):
        ends = [e for e in at_vertex if e["branch"] == branch]
        if ends:
            volts = sorted({round(e["voltage_V"], 2) for e in ends})
            where = " and ".join(f"{v:g} V" for v in volts[:3])
            notes.append(
                f"The largest {branch} current sits at the vertex ({where}) in {len(ends)} "
                f"of {_count(branch, peaks, at_vertex)} sweeps: that is no {branch} peak."
            )
    for b in found:
        which = f"{b.branch} peak at {b.voltage_V:.2f} V"
        if b.points == 2:
            notes.append(
                f"The b-value of the {which} rests on two scan rates: it has no error."
            )
        elif b.r_squared < 0.95:
            notes.append(
                f"The currents of the {which} follow no power law (R2 {b.r_squared:.2f})."
            )
    if not peaks:
        notes.append("No peak was found in any sweep.")
    return notes


def _count(branch: str, *lists: list[dict[str, Any]]) -> int:
    return len(
        {(e["dataset"], e["sweep"]) for x in lists for e in x if e["branch"] == branch}
    )


def _b_values(peaks: list[dict[str, Any]]) -> list[BValue]:
    """One for each peak of the first sweep of each branch that has one."""
    result = []
    for direction in _BRANCH:
        for track in _tracks(
            _first_sweeps([p for p in peaks if p["direction"] == direction])
        ):
            rates = [p["scan_rate_mV_s"] for p in track]
            if len(track) < 2 or max(rates) <= 1.2 * min(rates):
                continue
            currents = [p["current_A"] for p in track]
            fit = b_value(rates, currents, direction, track[0]["peak"])
            result.append(
                replace(
                    fit,
                    voltage_V=track[0]["voltage_V"],
                    scan_rates_mV_s=tuple(rates),
                    currents_A=tuple(currents),
                )
            )
    return result


def _first_sweeps(peaks: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Peaks of the first sweep that has any at each scan rate, from slow to fast."""
    groups: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for peak in peaks:
        key = (peak["dataset"], round(np.log(peak["scan_rate_mV_s"]) * 10))
        known = groups.setdefault(key, [])
        if not known or known[0]["sweep"] == peak["sweep"]:
            known.append(peak)
    return sorted(groups.values(), key=lambda g: g[0]["scan_rate_mV_s"])


def _tracks(groups: list[list[dict[str, Any]]]) -> list[list[dict[str, Any]]]:
    """Peaks that are one from scan rate to scan rate, by their voltage.

    The nearest pairs are joined first, with peaks of the scan rate before ahead of older
    ones; a peak further off than half the way to another is none of them.
    """
    found: list[list[dict[str, Any]]] = []
    last: list[int] = []
    for number, group in enumerate(groups):
        free = list(range(len(group)))
        recent = [k for k, seen in enumerate(last) if seen == number - 1]
        for tracks in (recent, [k for k in range(len(found)) if k not in recent]):
            for k, n in _nearest_pairs([found[k][-1] for k in tracks], group, free):
                found[tracks[k]].append(group[n])
                last[tracks[k]] = number
                free.remove(n)
        found += [[group[n]] for n in free]
        last += [number] * len(free)
    return found


def _nearest_pairs(
    before: list[dict[str, Any]], group: list[dict[str, Any]], free: list[int]
) -> list[tuple[int, int]]:
    """Pairs of peaks of two scan rates, none of them further apart than they may be."""
    old, new = (np.array([p["voltage_V"] for p in peaks]) for peaks in (before, group))
    pairs = sorted((abs(new[n] - v), k, n) for k, v in enumerate(old) for n in free)
    chosen: list[tuple[int, int]] = []
    for distance, k, n in pairs:
        others = [*np.abs(np.delete(old, k) - old[k]), *np.abs(np.delete(new, n) - new[n])]
        reach = min([LARGEST_SHIFT, *(0.5 * d for d in others)])
        if distance <= reach and all(k != a and n != b for a, b in chosen):
            chosen.append((k, n))
    return chosen


def b_value(
    scan_rates: Sequence[float],
    currents: Sequence[float],
    direction: str = "charge",
    peak: int = 1,
) -> BValue:
    """Fit ``i = a v^b``.

    Parameters
    ----------
    scan_rates : sequence of float
        Any unit, positive, such as [mV.s-1].
    currents : sequence of float
        Peak currents [A]; their sign is left aside.
    direction : str, optional
        ``"charge"`` or ``"discharge"``.
    peak : int, optional
        Number of the peak.

    Returns
    -------
    BValue
        With one standard error from the scatter.

    Raises
    ------
    DataError
        If there are fewer than two scan rates, or one is not positive.

    Examples
    --------
    >>> b_value([1, 10, 100], [2.0, 20.0, 200.0]).b
    1.0
    """
    from scipy.stats import linregress

    v, i = np.asarray(scan_rates, dtype=float), np.abs(np.asarray(currents, dtype=float))
    if len(np.unique(v)) < 2 or not (np.all(v > 0) and np.all(i > 0)):
        raise DataError("A b-value needs currents at two or more positive scan rates.")
    line = linregress(np.log(v), np.log(i))
    error = float(line.stderr) if len(v) > 2 else None
    b, r_squared = round(float(line.slope), 12), float(line.rvalue**2)
    return BValue(direction, _BRANCH[direction], peak, b, error, r_squared, len(v))
