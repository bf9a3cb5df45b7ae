"""Direct current through blocked or unblocked cells: conductivity, transference number.

**Polarisation.** Electrodes that block ions leave the electronic, those that block electrons
the ionic current. Where each held voltage settles, Ohm's line through all of them gives the
resistance; less a series resistance, ``sigma = L/(R A)``.

**Transference.** ``t = I_s (dV - I_0 R_0)/(I_0 (dV - I_s R_s))`` with the interfacial
resistances before and after, and ``I_0 = dV/(R_bulk + R_0)`` where sampling missed it.

Source: Evans, Vincent and Bruce, Polymer 28 (1987) 2324,
doi:10.1016/0032-3861(87)90394-6.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from sscell.analysis.holds import Hold, find_holds
from sscell.analysis.ladders import LadderFit, choose_ladder
from sscell.analysis.spectra import one_spectrum
from sscell.errors import DataError, ParameterError

__all__ = ["polarisation", "transference"]

BLOCKED = {"ions": "electronic", "electrons": "ionic"}
LARGEST_STEP = 0.020  # V, of a measurement of a transference number


def polarisation(
    data: xr.Dataset,
    *,
    blocking: str | None = None,
    thickness_cm: float | None = None,
    area_cm2: float | None = None,
    thickness_error_cm: float = 0.0,
    series_resistance_ohm: float = 0.0,
    bulk_conductivity_S_cm: float | None = None,
    volume_fraction: float | None = None,
) -> dict[str, Any]:
    """Conductivity from the currents that settle under held voltages.

    Parameters
    ----------
    data : xarray.Dataset
        Time, voltage and current.
    blocking : str, optional
        What the electrodes block: ``"ions"`` or ``"electrons"``.
    thickness_cm, area_cm2 : float, optional
        Of the sample [cm, cm2]; without them the conductivity is None.
    thickness_error_cm : float, optional
        One standard error of the thickness [cm].
    series_resistance_ohm : float, optional
        Of electrolytes and interfaces beside the sample [Ohm].
    bulk_conductivity_S_cm, volume_fraction : float, optional
        Of the conducting phase [S cm-1, -]: with both, its tortuosity is given.

    Returns
    -------
    dict
        ``steps`` (``voltage_V``, ``current_A``, ``settled``, ...), ``conductivity_S_cm``,
        ``std_error``, ``conducts``, ``resistance_ohm``, ``offset_current_A``,
        ``tortuosity``, ``effective_fraction`` and ``warnings``.

    Raises
    ------
    DataError
        If nothing is held, or no current settles.
    ParameterError
        If an option is not usable.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> t = np.linspace(0, 600, 61)
    >>> data = time_series({"Time [s]": t, "Voltage [V]": 0 * t + 0.02,
    ...                     "Current [A]": 1e-6 + 1e-5 * np.exp(-t / 20)})
    >>> found = polarisation(data, blocking="ions", thickness_cm=0.05, area_cm2=1.0)
    >>> f"{found['conductivity_S_cm']:.2e}"
    '2.50e-06'
    """
    if blocking is not None and blocking not in BLOCKED:
        raise ParameterError(f"--blocking '{blocking}' must be 'ions' or 'electrons'.")
    holds = find_holds(data)
    if not holds:
        raise DataError("No voltage and no current is held in these data.")
    notes = _hold_notes(holds)
    resistance, error, offset = _ohm(holds, notes)
    inner = resistance - series_resistance_ohm
    if not inner > 0:
        raise ParameterError(
            f"The series resistance of {series_resistance_ohm:g} Ohm is more than the "
            f"{resistance:.4g} Ohm of the whole cell."
        )
    sigma = spread = None
    if thickness_cm and area_cm2:
        sigma = thickness_cm / (inner * area_cm2)
        spread = sigma * float(np.hypot(error / inner, thickness_error_cm / thickness_cm))
    else:
        notes.append(
            "No thickness (--thickness) and area (--diameter or --area) are known: the "
            "resistance is given, the conductivity is not."
        )
    if blocking is None:
        notes.append(
            "Say what the electrodes block (--blocking ions or electrons): that is what does "
            "not conduct here."
        )
    effective = None
    if sigma is not None and bulk_conductivity_S_cm:
        effective = sigma / bulk_conductivity_S_cm
    bent = volume_fraction / effective if effective and volume_fraction else None
    return {
        "steps": [_step(h) for h in holds],
        "conductivity_S_cm": sigma,
        "std_error": spread,
        "conducts": None if blocking is None else BLOCKED[blocking],
        "resistance_ohm": inner,
        "resistance_std_error": error,
        "offset_current_A": offset,
        "effective_fraction": effective,
        "tortuosity": bent,
        "warnings": notes,
    }


def _step(hold: Hold) -> dict[str, Any]:
    return {
        "voltage_V": hold.voltage,
        "current_A": hold.current,
        "current_std_error": hold.current_error,
        "settled": hold.settled,
        "duration_s": hold.duration,
    }


def _hold_notes(holds: Sequence[Hold]) -> list[str]:
    late = [str(k) for k, h in enumerate(holds, start=1) if not h.settled]
    what = "current" if holds[0].controlled == "voltage" else "voltage"
    if not late:
        return []
    return [
        f"The {what} had not settled in step {', '.join(late)} of {len(holds)}: it is "
        "extrapolated by the exponentials of its decay."
    ]


def _ohm(holds: Sequence[Hold], notes: list[str]) -> tuple[float, float, float]:
    """Resistance [Ohm], its error, and the current at no voltage [A]."""
    v = np.array([h.voltage for h in holds])
    i = np.array([h.current for h in holds])
    # A sample takes power: which way its current counts is the instrument's convention.
    way = 1 if v @ i > 0 else -1
    i = way * i
    size = np.abs(i).max()
    # An error of nothing but rounding does not weigh without end.
    error = np.array([max(h.current_error, 1e-6 * size) for h in holds])
    if holds[0].controlled == "current":
        slope = np.abs(i[0] / v[0])
        error = np.array([max(h.voltage_error * slope, 1e-6 * size) for h in holds])
    best = _line(v[:, None], i, error)
    offset = 0.0
    if len(np.unique(np.round(v, 6))) >= 3:
        free = _line(np.column_stack([v, np.ones_like(v)]), i, error)
        if abs(free[0][1]) > 3 * np.sqrt(free[1][1, 1]):
            best, offset = free, float(free[0][1])
            notes.append(
                f"A current of {offset:.3g} A flows without a voltage; Ohm's line was drawn "
                "beside it."
            )
    fit, covariance, misses = best
    conductance = float(fit[0])
    if not conductance > 0:
        raise DataError(
            "The settled currents do not follow the voltage: this is no polarisation."
        )
    if len(holds) > 2 and misses > 0.05 * size:
        notes.append(
            f"The settled currents miss Ohm's line by up to {misses / size:.0%}: the sample "
            "or its interfaces are not ohmic."
        )
    relative = float(np.sqrt(covariance[0, 0])) / conductance
    return 1 / conductance, relative / conductance, way * offset


def _line(
    design: np.ndarray, i: np.ndarray, error: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Weighted line: values, covariance (by the scatter where it is larger), worst miss."""
    weighted = design / error[:, None]
    fit, *_ = np.linalg.lstsq(weighted, i / error, rcond=None)
    miss = i - design @ fit
    freedom = len(i) - design.shape[1]
    scatter = float(np.sum((miss / error) ** 2) / freedom) if freedom > 0 else 1.0
    covariance = np.linalg.inv(weighted.T @ weighted) * max(scatter, 1.0)
    return fit, covariance, float(np.abs(miss).max())


def transference(step: xr.Dataset, before: xr.Dataset, after: xr.Dataset) -> dict[str, Any]:
    """Transference number of the ions by Bruce and Vincent.

    Parameters
    ----------
    step : xarray.Dataset
        Time, voltage and current while a small voltage is held.
    before, after : xarray.Dataset
        Spectra of the cell before and after it.

    Returns
    -------
    dict
        ``number``, ``std_error``, ``voltage_V``, ``initial_current_A``,
        ``steady_current_A``, ``bulk_ohm``, ``interface_before_ohm``,
        ``interface_after_ohm`` and ``warnings``.

    Raises
    ------
    DataError
        If no voltage is held, or the electrodes block.

    Examples
    --------
    >>> from sscell.dataset import spectrum, time_series
    >>> f = np.logspace(6, -1, 60)
    >>> z = 100 + 50 / (1 + 2j * np.pi * f * 1e-3)
    >>> one = spectrum({"Frequency [Hz]": f, "Z real [Ohm]": z.real, "Z imaginary [Ohm]": z.imag})
    >>> t = np.linspace(0, 6000, 601)
    >>> first, last = 0.01 / 150, 0.01 / 250
    >>> i = last + (first - last) * np.exp(-t / 300)
    >>> held = time_series({"Time [s]": t, "Voltage [V]": 0 * t + 0.01, "Current [A]": i})
    >>> round(transference(held, one, one)["number"], 3)
    0.5
    """
    holds = [h for h in find_holds(step) if h.controlled == "voltage"]
    if not holds:
        raise DataError("No voltage is held in the first file: there is no step.")
    hold = max(holds, key=lambda h: h.duration)
    notes = _hold_notes([hold])
    spectra = [one_spectrum(one) for one in (before, after)]
    for (_, z), name in zip(spectra, ("before", "after"), strict=True):
        if -z[-1].imag > 0.7 * abs(z[-1]):
            raise DataError(
                f"The spectrum {name} the step ends in a blocking tail: the electrodes block "
                "ions (steel, gold), and Bruce and Vincent's method needs those that do not. "
                "Analyse the step with --kind polarisation --blocking ions."
            )
    parts = [_bulk_and_interface(fit) for fit in choose_ladder(spectra, False)]
    (bulk, dbulk), (r0, dr0) = parts[0]
    rs, drs = parts[1][1]
    volts = abs(hold.voltage)
    if volts > LARGEST_STEP:
        notes.append(
            f"The step of {volts * 1e3:.3g} mV is more than the 20 mV over which a cell is "
            "linear."
        )
    ohmic = volts / (bulk + r0)
    # Noise of a current is at worst in proportion to it.
    first = abs(hold.first)
    dfirst = hold.scatter * max(first / max(abs(hold.current), 1e-30), 1.0)
    dfirst = float(np.hypot(dfirst, _since_step(step, hold)))
    dohmic = ohmic * float(np.hypot(dbulk, dr0)) / (bulk + r0)
    if abs(first / ohmic - 1) > 0.02:
        notes.append(
            f"The first current of {first:.4g} A is not that of the resistances "
            f"({ohmic:.4g} A), which is taken: sampling missed it."
        )
        first, dfirst = ohmic, dohmic
    else:  # both are measurements of it
        weights = np.array([dfirst, max(dohmic, 1e-9 * ohmic)]) ** -2.0
        first = float(np.average([first, ohmic], weights=weights))
        dfirst = float(weights.sum() ** -0.5)
    steady = abs(hold.current)
    values = np.array([first, steady, r0, rs])
    errors = np.array([dfirst, hold.current_error, dr0, drs])
    number = _bruce_vincent(values, volts)
    if not 0 < number < 1.05:
        notes.append(
            f"A transference number of {number:.3g} is impossible: doubt the data."
        )
    steps = np.maximum(1e-4 * np.abs(values), 1e-30)
    slopes = [
        (_bruce_vincent(values + d, volts) - _bruce_vincent(values - d, volts)) / (2 * s)
        for d, s in zip(np.diag(steps), steps, strict=True)
    ]
    return {
        "number": number,
        "std_error": float(np.sqrt(np.sum((np.array(slopes) * errors) ** 2))),
        "voltage_V": volts,
        "initial_current_A": first,
        "steady_current_A": steady,
        "settled": hold.settled,
        "bulk_ohm": bulk,
        "interface_before_ohm": r0,
        "interface_after_ohm": rs,
        "warnings": notes,
    }


def _since_step(step: xr.Dataset, hold: Hold) -> float:
    """How much the current may have fallen before its first sample [A]."""
    t, i = (step[n].values.astype(float) for n in ("Time [s]", "Current [A]"))
    at = int(np.argmin(np.abs(t - hold.start)))
    if at == 0 or len(t) - at < 8:
        return 0.0
    early = slice(at, at + 8)
    slope = float(np.polyfit(t[early], i[early], 1)[0])
    return abs(slope) * float(t[at] - t[at - 1])


def _bruce_vincent(values: np.ndarray, volts: float) -> float:
    first, steady, before, after = values
    return float(steady * (volts - first * before) / (first * (volts - steady * after)))


def _bulk_and_interface(fit: LadderFit) -> tuple[tuple[float, float], tuple[float, float]]:
    """Resistance of the electrolyte and of the interfaces, which are slower [Ohm]."""
    arcs = [a for a in fit.arcs if a.std_error < 0.5 * a.resistance]
    bulk = [fit.series] if fit.series is not None else []
    if not bulk and len(arcs) > 1:
        bulk, arcs = [(arcs[0].resistance, arcs[0].std_error)], arcs[1:]
    elif arcs and len(arcs) > 1 and arcs[0].capacitance < 1e-8:
        bulk, arcs = [*bulk, (arcs[0].resistance, arcs[0].std_error)], arcs[1:]

    def total(pairs: list[tuple[float, float]]) -> tuple[float, float]:
        return sum(v for v, _ in pairs), float(np.sqrt(sum(e**2 for _, e in pairs)))

    return total(bulk), total([(a.resistance, a.std_error) for a in arcs])
