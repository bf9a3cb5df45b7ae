"""Single numbers of voltammograms, spectra and titrations, as published tables print them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr

from sscell.analysis import cv, gitt
from sscell.analysis.spectra import one_spectrum, tail_begin
from sscell.dataset import metadata
from sscell.errors import ParameterError

__all__ = [
    "cv_exponent",
    "cv_exponent_error",
    "cv_peak",
    "spectrum_resistance",
    "titration_diffusivity",
]

_PARTS = ("series", "interfacial", "boundaries")


def cv_peak(data: xr.Dataset, direction: str) -> float | None:
    """Voltage of the highest peak of the first sweep of a direction.

    Parameters
    ----------
    data : xarray.Dataset
        Time [s], voltage [V] and current [A] of a voltammogram.
    direction : str
        ``"charge"`` or ``"discharge"``.

    Returns
    -------
    float or None
        Against the cell's anode [V]; None where there is no peak.
    """
    peaks = [p for p in cv(data).peaks if (p["direction"], p["sweep"]) == (direction, 1)]
    if not peaks:
        return None
    return float(max(peaks, key=lambda p: abs(p["current_A"]))["voltage_V"])


def cv_exponent(data: xr.Dataset, direction: str) -> float | None:
    """Exponent b of the peak currents over the scan rates, ``i = a v^b``.

    Parameters
    ----------
    data : xarray.Dataset
        Time [s], voltage [V] and current [A] at two or more scan rates.
    direction : str
        ``"charge"`` or ``"discharge"``.

    Returns
    -------
    float or None
        [-]; None where fewer than two sweeps have a peak.
    """
    found = [b.b for b in cv(data).b_values if b.direction == direction]
    return found[0] if found else None


def cv_exponent_error(data: xr.Dataset, direction: str) -> float | None:
    """One standard error of the exponent b, from the scatter about the straight line.

    Parameters
    ----------
    data : xarray.Dataset
        Time [s], voltage [V] and current [A] at three or more scan rates.
    direction : str
        ``"charge"`` or ``"discharge"``.

    Returns
    -------
    float or None
        [-]; None where fewer than three sweeps have a peak.
    """
    found = [b.std_error for b in cv(data).b_values if b.direction == direction]
    return found[0] if found else None


def spectrum_resistance(data: xr.Dataset, number: int, part: str) -> float:
    """Resistance in series, or of the arcs before the tail, of one of several spectra.

    Parameters
    ----------
    data : xarray.Dataset
        Spectra over ``state``.
    number : int
        Counted from 1.
    part : str
        ``"series"``: the real part at the highest frequency. ``"interfacial"``: what the
        real part gains from there to the begin of the tail, the last minimum of -Im Z.
        ``"boundaries"``: to the lowest -Im Z between the fastest arc and the highest one,
        where a slower reaction follows on the arc of the boundaries.

    Returns
    -------
    float
        [Ohm].

    Raises
    ------
    ParameterError
        If there is no such part.
    """
    if part not in _PARTS:
        raise ParameterError(
            f"Part '{part}' of a spectrum is not one; allowed: {', '.join(_PARTS)}."
        )
    f, z = one_spectrum(data.isel(state=number - 1))
    order = np.argsort(f)
    series = float(np.real(z)[order[-1]])
    if part == "series":
        return series
    end = _fast_end(f, z) if part == "boundaries" else tail_begin(f, z)
    return float(np.interp(end, f[order], np.real(z)[order])) - series


def _fast_end(f: np.ndarray, z: np.ndarray) -> float:
    """Frequency of the lowest -Im Z between the first maximum and the largest [Hz]."""
    rise = -np.imag(z)
    tops = np.flatnonzero((rise[1:-1] >= rise[:-2]) & (rise[1:-1] >= rise[2:])) + 1
    highest = int(np.argmax(rise))
    if not len(tops) or tops[0] >= highest:
        return tail_begin(f, z)
    return float(f[tops[0] + int(np.argmin(rise[tops[0] : highest]))])


def titration_diffusivity(
    data: xr.Dataset,
    direction: str,
    quantile: float | None = None,
    within: float | None = None,
) -> float | None:
    r"""Apparent diffusion coefficient of a titration, mean or quantile of its pulses.

    .. math:: D = \frac{4}{\pi\tau} \left(\frac{n V}{S}\right)^2
        \left(\frac{\Delta E_s}{\Delta E_t}\right)^2

    with the volume of the active material over the electrode area for :math:`nV/S`.

    Parameters
    ----------
    data : xarray.Dataset
        Pulses and rests of a simulated cell.
    direction : str
        ``"charge"`` or ``"discharge"``.
    quantile : float, optional
        Such as 0.5 for the median [-]; default: the mean.
    within : float, optional
        Time [s] after the switch within which a change counts as ohmic, as in a reading of
        samples; default: what the root of time extrapolates to.

    Returns
    -------
    float or None
        [cm2.s-1].

    Notes
    -----
    Source: Chang (2024), eq. 16.
    """
    v = metadata(data, "parameters", "apparent diffusion")
    volume = (
        v["Positive electrode mass [kg]"]
        * v["Positive electrode active material mass fraction"]
        / v["Positive electrode active material density [kg.m-3]"]
    )
    length = volume / v["Electrode area [m2]"] * 100
    found = gitt(data, diffusion_length=length, method="chang", direction=direction)
    pulses = found.directions[direction]["pulses"]
    if within is None:
        known = [d for d in (p["diffusion_coefficient_cm2_s"] for p in pulses) if d]
    else:
        known = _sampled(data, pulses, length, within)
    if not known:
        return None
    return float(np.mean(known) if quantile is None else np.quantile(known, quantile))


def _sampled(
    data: xr.Dataset, pulses: list[dict[str, Any]], length: float, within: float
) -> list[float]:
    """Eq. 16 of each pulse but the first, by the voltage at two moments [cm2.s-1]."""
    t, v = data["Time [s]"].values, data["Voltage [V]"].values
    found = []
    for before, pulse in pairwise(pulses):
        begin, duration = pulse["start_s"], pulse["duration_s"]
        first, last = np.interp([begin + within, begin + duration], t, v)
        step = pulse["ocv_V"] - before["ocv_V"]
        if step * (last - first) > 0:
            found.append(4 / (np.pi * duration) * (length * step / (last - first)) ** 2)
    return [float(d) for d in found]
