r"""Galvanostatic intermittent titration: OCV, polarisation, apparent diffusion.

**Pulses** are runs of current of one sign, found from the current alone: a current counts
where it exceeds 1 % of the largest (spikes of one sample aside).

**Ohmic drop.** The voltage of the rest is extrapolated to the moment of interruption over
the square root of time; the jump is ohmic (with whatever else is faster than the
sampling). Where the rest is sampled too coarsely for that, the voltage of the pulse is
extrapolated to its begin. Concentration polarisation is the rest of the overpotential.

**Diffusion.** With ``L`` the volume over the area of the host (a layer's thickness, a
sphere's R/3, or ``n_m V_m / S``), the pulse of length tau, ``dE_s`` the change of OCV and
``dE_t`` the change of voltage during the pulse without the ohmic drop:

- ``"weppner-huggins"``: ``D = (4/pi) L^2 ((dE_s/tau) / (dE/d sqrt(t)))^2``, with the
  initial slope from a parabola in ``sqrt(t)`` over the first quarter of the pulse;
- ``"chang"``: ``D = 4/(pi tau) L^2 (dE_s/dE_t)^2``, its form for a voltage that is linear
  in ``sqrt(t)`` over the whole pulse.

Both hold for ``tau << L^2/D`` and a change of OCV that is small but not zero.

**OCV plateaus** are the peaks of the charge density over the OCV: of dQ/dV of the points
(charge passed, OCV), by the same detector and smoothing as any other dQ/dV; a titration
may begin or end on a plateau, so peaks at the ends count.

Source: Weppner and Huggins, J. Electrochem. Soc. 124 (1977) 1569, doi:10.1149/1.2133112.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from sscell.analysis.capacity import HalfCycle, dqdv_peaks
from sscell.analysis.pulses import Pulse, find_pulses, measure_pulse, rest_voltage
from sscell.dataset import metadata, require
from sscell.errors import DataError, ParameterError, did_you_mean
from sscell.units import parse_quantity

__all__ = ["METHODS", "Titration", "check_options", "gitt"]

METHODS = ("weppner-huggins", "chang")


@dataclass(frozen=True)
class Titration:
    """What a titration says, by direction.

    Parameters
    ----------
    directions : dict of str to dict
        ``"discharge"`` and/or ``"charge"``: each ``pulses``, ``ocv_plateaus_V`` and
        ``initial_ocv_V``. A pulse has ``cumulative_capacity_mAh_g`` (after it, from the
        first pulse of its direction), ``cumulative_capacity_mAh``, ``ocv_V`` (after its
        rest), ``overpotential_V``, ``ohmic_V``, ``concentration_V``,
        ``diffusion_coefficient_cm2_s``, ``diffusion_rate_1_s`` (D/L^2),
        ``relaxation_time_s`` (to 1/e of the concentration polarisation),
        ``rest_drift_mV_h``, ``current_A``, ``duration_s``, ``start_s``; null where the
        file does not tell.
    method : str
        How D was found.
    warnings : list of str
        Where assumptions fail, by pulse.
    """

    directions: dict[str, dict[str, Any]]
    method: str
    warnings: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: at the top level if there is one direction."""
        shared = {"method": self.method, "warnings": self.warnings}
        if len(self.directions) == 1:
            (name, only), *_ = self.directions.items()
            return {"direction": name, **only, **shared}
        return {**self.directions, **shared}

    def __str__(self) -> str:
        lines = []
        for name, part in self.directions.items():
            plateaus = ", ".join(f"{v:.3f}" for v in part["ocv_plateaus_V"]) or "none"
            lines.append(
                f"{name}: {len(part['pulses'])} pulses, OCV plateaus [V]: {plateaus}"
            )
            lines.append("  mAh/g   OCV/V  over/mV  ohmic/mV  conc/mV   D/cm2 s-1")
            lines += [_line(pulse) for pulse in part["pulses"]]
        return "\n".join([*lines, *(f"warning: {w}" for w in self.warnings)])


def _line(pulse: dict[str, Any]) -> str:
    def show(value: float | None, form: str, scale: float = 1.0) -> str:
        return format("-" if value is None else format(value * scale, form), ">8")

    capacity = pulse["cumulative_capacity_mAh_g"]
    return " ".join(
        [
            show(capacity, ".1f"),
            show(pulse["ocv_V"], ".4f"),
            show(pulse["overpotential_V"], ".1f", 1e3),
            show(pulse["ohmic_V"], ".1f", 1e3),
            show(pulse["concentration_V"], ".1f", 1e3),
            show(pulse["diffusion_coefficient_cm2_s"], ".2e"),
        ]
    )


def gitt(
    data: xr.Dataset,
    *,
    diffusion_length: str | float | None = None,
    method: str = "weppner-huggins",
    direction: str = "both",
) -> Titration:
    """Analyse a titration: polarisation, apparent diffusion, OCV and its plateaus.

    Parameters
    ----------
    data : xarray.Dataset
        Time, current (positive discharges) and voltage; the mass of the capacity basis
        gives capacities per gram.
    diffusion_length : str or float, optional
        Volume over area of the host; a bare number is in cm. Without it D is null and
        ``diffusion_rate_1_s`` holds D/L^2.
    method : str, optional
        ``"weppner-huggins"`` or ``"chang"``; see the module.
    direction : str, optional
        ``"discharge"``, ``"charge"`` or ``"both"``.

    Returns
    -------
    Titration
        With warnings that name the pulses they concern.

    Raises
    ------
    ParameterError
        If an option is not usable.
    DataError
        If there is no pulse in the direction asked for.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> t = np.r_[0:60:61j, 61:660:600j]
    >>> i = np.where((t > 0) & (t <= 60), 1e-3, 0)
    >>> v = np.where(i > 0, 1.9 - 0.01 * np.sqrt(t), 1.95)
    >>> v[0] = 2.0
    >>> data = time_series({"Time [s]": t, "Current [A]": i, "Voltage [V]": v})
    >>> pulse = gitt(data).directions["discharge"]["pulses"][0]
    >>> round(pulse["ocv_V"], 3), round(pulse["overpotential_V"], 3)
    (1.95, 0.127)
    """
    require(data, "Time [s]", "Current [A]", "Voltage [V]")
    length = check_options(method, diffusion_length)
    if direction not in ("discharge", "charge", "both"):
        raise ParameterError(
            f"Direction '{direction}' must be 'discharge', 'charge' or 'both'."
        )
    t, i, v = (
        data[n].values.astype(float) for n in ("Time [s]", "Current [A]", "Voltage [V]")
    )
    segments, notes = find_pulses(t, i)
    mass = metadata(data, "capacity_basis_mass_g")
    parts: dict[str, dict[str, Any]] = {}
    for name, sign in (("discharge", 1), ("charge", -1)):
        chosen = [s for s in segments if s.sign == sign]
        if chosen and direction in (name, "both"):
            parts[name] = _direction(name, chosen, t, i, v, mass, length, method, notes)
    if not parts:
        there = sorted({"discharge" if s.sign > 0 else "charge" for s in segments})
        raise DataError(
            f"There is no pulse of current on {direction}; the data hold "
            f"{len(segments)} pulses{' on ' + ' and '.join(there) if there else ''}."
        )
    notes += _general_notes(mass, length)
    return Titration(parts, method, notes)


def check_options(method: str, diffusion_length: str | float | None) -> float | None:
    """Refuse options before anything is computed for them.

    Parameters
    ----------
    method : str
        One of `METHODS`.
    diffusion_length : str or float or None
        As for `gitt`.

    Returns
    -------
    float or None
        Diffusion length [cm].

    Raises
    ------
    ParameterError
        If one of them is not usable.

    Examples
    --------
    >>> round(check_options("chang", "1 um"), 9)
    0.0001
    """
    if method not in METHODS:
        raise ParameterError(
            f"There is no method '{method}'. {did_you_mean(method, METHODS)}"
        )
    if diffusion_length is None:
        return None
    length = parse_quantity(diffusion_length, "cm", "Diffusion length")
    if length <= 0:
        raise ParameterError(f"Diffusion length '{diffusion_length}' must be positive.")
    return length


def _general_notes(mass: float | None, length: float | None) -> list[str]:
    notes = []
    if mass is None:
        notes.append("No mass is known (--mass): capacities are in mAh, not mAh/g.")
    if length is None:
        notes.append(
            "No diffusion length is given: D is not known in cm2/s; diffusion_rate_1_s "
            "is D/L^2, with L the volume over the area of the host."
        )
    return notes


def _direction(
    name: str,
    segments: list[Pulse],
    t: np.ndarray,
    i: np.ndarray,
    v: np.ndarray,
    mass: float | None,
    length: float | None,
    method: str,
    notes: list[str],
) -> dict[str, Any]:
    total, pulses = 0.0, []
    flags: dict[str, list[tuple[int, str, float]]] = {}
    for number, segment in enumerate(segments, start=1):
        pulse = measure_pulse(segment, t, i, v, length, method)
        total += pulse.pop("charge_Ah") * 1e3
        pulse["cumulative_capacity_mAh"] = total
        pulse["cumulative_capacity_mAh_g"] = None if mass is None else total / mass
        for flag, measure, value in pulse.pop("flags"):
            flags.setdefault(flag, []).append((number, measure, value))
        pulses.append(pulse)
    notes += [
        f"On {name}, {_numbers([n for n, _, _ in where])} of {len(pulses)}: {flag}"
        f"{_worst(where)}."
        for flag, where in flags.items()
    ]
    initial = rest_voltage(v, segments[0].rest_before)
    return {
        "pulses": pulses,
        "ocv_plateaus_V": _plateaus(name, initial, pulses),
        "initial_ocv_V": initial,
    }


def _worst(where: list[tuple[int, str, float]]) -> str:
    """How far the worst pulse breaks an assumption, where a number says it."""
    number, measure, value = max(where, key=lambda entry: entry[2])
    if not measure:
        return ""
    at = f" at pulse {number}" if len(where) > 1 else ""
    return f" ({measure} = {value:.2g}{at})"


def _numbers(where: list[int]) -> str:
    """Pulse numbers in short: '1, 3-7'."""
    runs: list[list[int]] = []
    for number in where:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    text = ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in runs)
    return f"pulse{'s' if len(where) > 1 else ''} {text}"


def _plateaus(
    name: str, initial: float | None, pulses: list[dict[str, Any]]
) -> list[float]:
    points = [(p["cumulative_capacity_mAh"], p["ocv_V"]) for p in pulses]
    if initial is not None:
        points.insert(0, (0.0, initial))
    points = [(q, u) for q, u in points if u is not None]
    if len(points) < 4:
        return []
    charge = np.array([q for q, _ in points]) / 1e3
    ocv = np.array([u for _, u in points])
    zero = np.zeros_like(charge)
    half = HalfCycle(
        name, 1, 1, np.arange(len(charge)), zero, zero, ocv, charge - charge[0]
    )
    return [float(p["voltage_V"]) for p in dqdv_peaks(half, at_ends=True)]
