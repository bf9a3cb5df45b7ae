"""Cyclic voltammetry: sweeps, peaks, and b-values over several scan rates.

A peak is a maximum of the raw current inside a sweep, with a prominence of at least 5 %
of the range of the current in that sweep. Where the largest current of a sweep sits at
its vertex or its begin there is no peak, and that is said.

On a sweep upwards the cell is charged (anodic at the working electrode), downwards it is
discharged (cathodic).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from sscell.dataset import require
from sscell.errors import DataError, ParameterError

__all__ = ["BValue", "Sweep", "Voltammetry", "b_value", "cv", "sweeps"]

PROMINENCE = 0.05
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
    """

    direction: str
    branch: str
    peak: int
    b: float
    std_error: float | None
    r_squared: float
    points: int

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
        One for each branch whose peak is seen at two or more scan rates.
    at_vertex : list of dict
        Sweeps whose largest current sits at an end, where it is no peak.
    warnings : list of str
        What to doubt.
    """

    peaks: list[dict[str, Any]]
    b_values: list[BValue]
    at_vertex: list[dict[str, Any]]
    warnings: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "peaks": self.peaks,
            "b_values": [b.to_dict() for b in self.b_values],
            "at_vertex": self.at_vertex,
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


def _sweep_peaks(sweep: Sweep) -> tuple[list[int], bool]:
    """Rows of the peaks of a sweep, and whether its largest current is at an end."""
    from scipy.signal import find_peaks

    height = -sweep.current if sweep.direction == "charge" else sweep.current
    span = np.ptp(height)
    margin = max(2, len(height) // 50)
    rows, _ = find_peaks(height, prominence=PROMINENCE * span)
    rows = rows[(rows >= margin) & (rows < len(height) - margin) & (height[rows] > 0)]
    largest = int(np.argmax(height))
    at_end = largest < margin or largest >= len(height) - margin
    # A ripple below a current that grows to the vertex is no peak of the sweep.
    main = [int(r) for r in rows if height[r] > 0.3 * height[largest] or not at_end]
    return main, at_end and height[largest] > 0


def cv(
    data: xr.Dataset | Sequence[xr.Dataset],
    *,
    scan_rates: Sequence[float] | None = None,
) -> Voltammetry:
    """Peaks of voltammograms, and b-values where there are several scan rates.

    Parameters
    ----------
    data : xarray.Dataset or sequence of xarray.Dataset
        One file with all scan rates, or one for each.
    scan_rates : sequence of float, optional
        [V s-1], one for each dataset; default: as measured in each sweep.

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
    for k, one in enumerate(sets):
        for sweep in sweeps(one):
            speed = sweep.scan_rate if scan_rates is None else scan_rates[k]
            rows, at_end = _sweep_peaks(sweep)
            entry = {
                "scan_rate_mV_s": float(speed * 1e3),
                "direction": sweep.direction,
                "branch": _BRANCH[sweep.direction],
                "sweep": sweep.number,
                "dataset": k + 1,
            }
            peaks += [
                {**entry, "peak": n, **_point(sweep, r)} for n, r in enumerate(rows, 1)
            ]
            if at_end:
                outward = sweep.current * (-1 if sweep.direction == "charge" else 1)
                at_vertex.append({**entry, **_point(sweep, int(np.argmax(outward)))})
    found = _b_values(peaks)
    return Voltammetry(peaks, found, at_vertex, _notes(peaks, at_vertex, found))


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
        if b.points == 2:
            notes.append(
                f"The {b.branch} b-value rests on two scan rates: it has no error."
            )
        elif b.r_squared < 0.95:
            notes.append(
                f"The {b.branch} currents follow no power law (R2 {b.r_squared:.2f})."
            )
    if not peaks:
        notes.append("No peak was found in any sweep.")
    return notes


def _count(branch: str, *lists: list[dict[str, Any]]) -> int:
    return len(
        {(e["dataset"], e["sweep"]) for x in lists for e in x if e["branch"] == branch}
    )


def _b_values(peaks: list[dict[str, Any]]) -> list[BValue]:
    """Largest peak of the first sweep of each branch that has one, over the scan rates."""
    result = []
    for direction in _BRANCH:
        mine = [p for p in peaks if p["direction"] == direction]
        first: dict[tuple[int, float], dict[str, Any]] = {}
        for peak in mine:
            key = (peak["dataset"], round(np.log(peak["scan_rate_mV_s"]) * 10))
            known = first.get(key)
            larger = known is not None and abs(peak["current_A"]) > abs(known["current_A"])
            if known is None or (peak["sweep"] == known["sweep"] and larger):
                first[key] = peak
        chosen = list(first.values())
        rates = [p["scan_rate_mV_s"] for p in chosen]
        if len(chosen) >= 2 and max(rates) > 1.2 * min(rates):
            result.append(
                b_value(
                    rates, [p["current_A"] for p in chosen], direction, chosen[0]["peak"]
                )
            )
    return result


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
