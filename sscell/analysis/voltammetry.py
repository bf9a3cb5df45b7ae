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
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from sscell.analysis.exponents import BRANCH, BValue, b_values
from sscell.analysis.sweeping import onset, point, sweep_peaks, sweeps
from sscell.dataset import metadata
from sscell.errors import ParameterError
from sscell.units import parse_quantity

__all__ = ["Voltammetry", "cv"]


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
            tops, at_end = sweep_peaks(sweep)
            entry = {
                "scan_rate_mV_s": float(speed * 1e3),
                "direction": sweep.direction,
                "branch": BRANCH[sweep.direction],
                "sweep": sweep.number,
                "dataset": k + 1,
            }
            peaks += [{**entry, "peak": n, **top} for n, top in enumerate(tops, 1)]
            if at_end:
                outward = sweep.current * (-1 if sweep.direction == "charge" else 1)
                at_vertex.append({**entry, **point(sweep, int(np.argmax(outward)))})
            if level is not None:
                onsets.append({**entry, **onset(sweep, level)})
    found = b_values(peaks)
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
