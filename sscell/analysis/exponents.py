"""How peak currents grow with the scan rate: which peaks are one, and their b-values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sscell.errors import DataError

__all__ = ["BRANCH", "BValue", "b_value", "b_values"]

BRANCH = {"charge": "anodic", "discharge": "cathodic"}
LARGEST_SHIFT = 0.3  # V, of a peak from one scan rate to the next


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
    line: Any = linregress(np.log(v), np.log(i))
    error = float(line.stderr) if len(v) > 2 else None
    b, r_squared = round(float(line.slope), 12), float(line.rvalue**2)
    return BValue(direction, BRANCH[direction], peak, b, error, r_squared, len(v))


def b_values(peaks: list[dict[str, Any]]) -> list[BValue]:
    """Exponent of each peak of the first sweep of each branch that has one.

    Parameters
    ----------
    peaks : list of dict
        ``direction``, ``dataset``, ``sweep``, ``peak``, ``scan_rate_mV_s``, ``voltage_V``
        and ``current_A`` of each.

    Returns
    -------
    list of BValue
        One for each peak that is seen at two or more scan rates.

    Examples
    --------
    >>> one = {"direction": "charge", "sweep": 1, "peak": 1, "voltage_V": 2.0}
    >>> peaks = [one | {"dataset": k, "scan_rate_mV_s": v, "current_A": -v}
    ...          for k, v in enumerate((0.1, 0.4))]
    >>> b_values(peaks)[0].b
    1.0
    """
    result = []
    for direction in BRANCH:
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
