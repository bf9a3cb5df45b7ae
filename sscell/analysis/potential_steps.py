"""Ionic conductivity from the current after a step of the potential."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from sscell.analysis.transport import fitted_line, nernst_einstein
from sscell.dataset import metadata, require
from sscell.errors import DataError
from sscell.units import FARADAY

__all__ = ["Cottrell", "cottrell"]


@dataclass(frozen=True)
class Cottrell:
    """Diffusion from the current after a potential step.

    Parameters
    ----------
    diffusion_coefficient_cm2_s, diffusion_coefficient_error : float or None
        [cm2 s-1] and one standard error.
    apparent_ionic_conductivity_S_cm : float or None
        By Nernst-Einstein [S cm-1].
    cottrell_slope_A_s05 : float
        Of the current over t^-1/2 [A s0.5].
    r_squared : float
        Of that line.
    window_s : tuple of float
        Times after the step that were used [s].
    warnings : list of str
        What to doubt.
    """

    diffusion_coefficient_cm2_s: float | None
    diffusion_coefficient_error: float | None
    apparent_ionic_conductivity_S_cm: float | None
    cottrell_slope_A_s05: float
    r_squared: float
    window_s: tuple[float, float]
    warnings: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def cottrell(
    data: xr.Dataset,
    *,
    concentration_mol_cm3: float | None = None,
    electrons: int = 1,
    area_cm2: float | None = None,
    temperature_C: float | None = None,
    window: tuple[float, float] | None = None,
) -> Cottrell:
    """Diffusion coefficient and apparent ionic conductivity after a potential step.

    Parameters
    ----------
    data : xarray.Dataset
        Time, voltage and current around the step.
    concentration_mol_cm3 : float, optional
        Of the mobile ion [mol cm-3]; without it neither number is given.
    electrons : int, optional
        Transferred per ion; also its charge number.
    area_cm2 : float, optional
        Default: that of the dataset [cm2].
    temperature_C : float, optional
        [degC]; default: that of the dataset, else 25.
    window : tuple of float, optional
        Times after the step [s]; default: the part over which ``i sqrt(t)`` stays within
        10 % while most charge passes.

    Returns
    -------
    Cottrell
        With a warning where the current does not follow ``t^-1/2``.

    Raises
    ------
    DataError
        If there is no step or fewer than five points after it.

    Notes
    -----
    ``i = n F A C sqrt(D / (pi t))``, then ``sigma = C z2 F2 D / (R T)``.

    Source: Bard and Faulkner, Electrochemical Methods, 2nd ed., eq. 5.2.11.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> t = np.linspace(0.1, 20, 200)
    >>> i = 96485.33 * 1.0 * 0.02 * np.sqrt(1e-9 / (np.pi * t))
    >>> data = time_series({"Time [s]": t, "Voltage [V]": 0 * t + 3.0, "Current [A]": i})
    >>> found = cottrell(data, concentration_mol_cm3=0.02, area_cm2=1.0)
    >>> f"{found.diffusion_coefficient_cm2_s:.2e}"
    '1.00e-09'
    """
    require(data, "Time [s]", "Voltage [V]", "Current [A]")
    t, i = _after_step(data)
    first, last = window or _straight_window(t, i)
    used = (t >= first) & (t <= last)
    if used.sum() < 5:
        raise DataError(
            f"Only {used.sum()} points lie {first:g} to {last:g} s after the potential step; "
            "Cottrell's law needs five."
        )
    slope, _, covariance, r_squared = fitted_line(
        t[used] ** -0.5, i[used], np.ones(used.sum())
    )
    area = area_cm2 or metadata(data, "area_cm2")
    kelvin = temperature_C if temperature_C is not None else _temperature(data)
    notes = _cottrell_notes(r_squared, last / first, concentration_mol_cm3, area)
    d = error = sigma = None
    if concentration_mol_cm3 and area:
        unit = electrons * FARADAY * area * concentration_mol_cm3
        d = float(np.pi * (slope / unit) ** 2)
        error = float(2 * d * np.sqrt(covariance[0, 0]) / abs(slope))
        sigma = nernst_einstein(d, concentration_mol_cm3, kelvin, electrons)
    return Cottrell(
        d, error, sigma, abs(slope), r_squared, (float(first), float(last)), notes
    )


def _temperature(data: xr.Dataset) -> float:
    if "Temperature [degC]" in data:
        return float(data["Temperature [degC]"].mean())
    value = metadata(data, "temperature_C")
    return 25.0 if value is None else float(value)


def _after_step(data: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Time since the largest jump of the voltage, and the current from there on."""
    t, v, i = (data[n].values for n in ("Time [s]", "Voltage [V]", "Current [A]"))
    jump = np.abs(np.diff(v))
    start, earliest = 0, min(t[0], 0.0)
    if len(jump) and jump.max() > 1e-3:
        start = int(np.argmax(jump)) + 1
        earliest = t[start - 1]
    if len(t) - start < 6:
        raise DataError("There are fewer than five points after the potential step.")
    origin = _step_time(t[start:], i[start:], earliest)
    since = t[start:] - origin
    good = since > 0
    if good.sum() < 5:
        raise DataError("There are fewer than five points after the potential step.")
    return since[good], i[start:][good]


def _step_time(t: np.ndarray, i: np.ndarray, earliest: float) -> float:
    """Moment of the step between two samples: there 1/i^2, a straight line, is zero."""
    early = slice(0, max(6, len(t) // 10))
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = 1 / i[early] ** 2
    if not np.all(np.isfinite(inverse)) or t[early][-1] == t[early][0]:
        return float(earliest)
    slope, offset = np.polyfit(t[early] - t[0], inverse, 1)
    crossing = t[0] - offset / slope if slope > 0 else earliest
    return float(np.clip(crossing, earliest, t[0]))


def _straight_window(t: np.ndarray, i: np.ndarray) -> tuple[float, float]:
    """StepSolution over which i sqrt(t) varies by less than 10 % while most charge passes.

    Cottrell's charge grows with sqrt(t): early stretches of a current that resistance still
    limits are long in decades, but little moves in them.
    """
    product = i * np.sqrt(t)
    best, start = (t[0], t[-1], 0.0), 0
    for end in range(len(t)):
        while (
            np.ptp(product[start : end + 1]) > 0.1 * np.abs(product[start : end + 1]).max()
        ):
            start += 1
        span = np.sqrt(t[end]) - np.sqrt(t[start])
        if end - start >= 4 and span > best[2]:
            best = (t[start], t[end], span)
    return float(best[0]), float(best[1])


def _cottrell_notes(
    r_squared: float, span: float, concentration: float | None, area: float | None
) -> list[str]:
    notes = []
    if r_squared < 0.98 or span < 4:
        notes.append(
            f"The current does not follow t^-1/2 over a useful range (R2 = {r_squared:.3f}, "
            f"last time over first {span:.2g}): charging, resistance or a finite thickness "
            "rule it."
        )
    missing = [n for n, v in (("concentration", concentration), ("area", area)) if not v]
    if missing:
        notes.append(
            f"No {' and no '.join(missing)} is given: the diffusion coefficient and the "
            "apparent conductivity are not known."
        )
    return notes
