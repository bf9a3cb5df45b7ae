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
from sscell.dataset import metadata, require
from sscell.errors import DataError, ParameterError, did_you_mean
from sscell.units import parse_quantity

__all__ = ["METHODS", "Titration", "check_options", "gitt"]

METHODS = ("weppner-huggins", "chang")
FLAT_OCV = 0.001  # V: a smaller change of OCV says nothing about diffusion
LARGE_STEP = 0.05  # V: a larger one is no small perturbation
SHORT_TIME = 0.25  # of L^2/D: there the sqrt(t) law of a layer is still 0.4 % exact


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


@dataclass(frozen=True)
class _Segment:
    """One pulse with the rests beside it; rows into the time series."""

    start: int
    stop: int
    rest_before: slice
    rest_after: slice
    sign: int


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
    segments, notes = _segments(t, i)
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


def _segments(t: np.ndarray, i: np.ndarray) -> tuple[list[_Segment], list[str]]:
    """Runs of current of one sign, each with the rests that touch it."""
    smooth = i.copy()
    if len(i) > 4:
        smooth[1:-1] = np.median([i[:-2], i[1:-1], i[2:]], axis=0)
    largest = np.abs(smooth).max(initial=0.0)
    if largest == 0:
        raise DataError("No current flows in these data: there is no pulse.")
    kind = np.where(np.abs(i) > 0.01 * largest, np.sign(i), 0).astype(int)
    edges = np.concatenate([[0], np.flatnonzero(np.diff(kind)) + 1, [len(kind)]])
    runs = [(a, b, kind[a]) for a, b in zip(edges, edges[1:], strict=False)]
    found, short, blips = [], 0, 0
    for k, (a, b, sign) in enumerate(runs):
        if sign == 0:
            continue
        begin = t[a - 1] if a and kind[a - 1] == 0 else t[a]
        if b - a < 3:
            if t[b - 1] - begin > 0:
                short += 1
            else:
                blips += 1
            continue
        before = runs[k - 1] if k else (a, a, 0)
        after = runs[k + 1] if k + 1 < len(runs) else (b, b, 0)
        rests = [slice(r[0], r[1]) if r[2] == 0 else slice(0, 0) for r in (before, after)]
        found.append(_Segment(a, b, *rests, int(sign)))
    notes = []
    if short + blips:
        notes.append(
            f"{short + blips} runs of current of fewer than 3 samples were left out."
        )
    return found, notes


def _direction(
    name: str,
    segments: list[_Segment],
    t: np.ndarray,
    i: np.ndarray,
    v: np.ndarray,
    mass: float | None,
    length: float | None,
    method: str,
    notes: list[str],
) -> dict[str, Any]:
    total, pulses, flags = 0.0, [], {}
    for number, segment in enumerate(segments, start=1):
        pulse = _pulse(segment, t, i, v, length, method)
        total += pulse.pop("charge_Ah") * 1e3
        pulse["cumulative_capacity_mAh"] = total
        pulse["cumulative_capacity_mAh_g"] = None if mass is None else total / mass
        for flag in pulse.pop("flags"):
            flags.setdefault(flag, []).append(number)
        pulses.append(pulse)
    notes += [
        f"On {name}, {_numbers(where)} of {len(pulses)}: {flag}."
        for flag, where in flags.items()
    ]
    initial = _rest_voltage(v, segments[0].rest_before)
    return {
        "pulses": pulses,
        "ocv_plateaus_V": _plateaus(name, initial, pulses),
        "initial_ocv_V": initial,
    }


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


def _rest_voltage(v: np.ndarray, rest: slice) -> float | None:
    """Voltage at the end of a rest: median of its last three samples."""
    values = v[rest]
    return float(np.median(values[-3:])) if len(values) else None


def _pulse(
    segment: _Segment,
    t: np.ndarray,
    i: np.ndarray,
    v: np.ndarray,
    length: float | None,
    method: str,
) -> dict[str, Any]:
    origin = _onset(segment, t)
    rows = slice(segment.start, segment.stop)
    since, current, voltage = t[rows] - origin, i[rows], v[rows]
    charge = float(np.trapezoid(current, since) + current[0] * since[0])
    before = _rest_voltage(v, segment.rest_before)
    after = _rest_voltage(v, segment.rest_after)
    duration = float(since[-1])
    relaxed = _relaxation(segment, t, v, after, _onset_jump(since, voltage, before))
    over = None if after is None else abs(float(voltage[-1]) - after)
    ohmic = relaxed["ohmic_V"]
    concentration = None if over is None or ohmic is None else max(over - ohmic, 0.0)
    rate, flags = _diffusion(since, voltage, before, after, duration, method)
    flags += relaxed.pop("flags")
    if np.ptp(current) > 0.1 * np.abs(current).max():
        flags.append("the current is not constant over the pulse")
    flags += _drift_flags(relaxed["rest_drift_mV_h"], before, after)
    return {
        "cumulative_capacity_mAh_g": None,
        "ocv_V": after,
        "overpotential_V": over,
        "ohmic_V": ohmic,
        "concentration_V": concentration,
        "diffusion_coefficient_cm2_s": None if None in (rate, length) else rate * length**2,
        "diffusion_rate_1_s": rate,
        "relaxation_time_s": relaxed["relaxation_time_s"],
        "rest_drift_mV_h": relaxed["rest_drift_mV_h"],
        "current_A": float(np.median(current)),
        "duration_s": duration,
        "start_s": float(origin),
        "charge_Ah": abs(charge) / 3600,
        "flags": flags,
    }


def _onset(segment: _Segment, t: np.ndarray) -> float:
    """Moment the current began: at the last sample of the rest, if that is recent."""
    first = t[segment.start]
    if segment.rest_before.stop > segment.rest_before.start:
        last = t[segment.rest_before.stop - 1]
        step = np.median(np.diff(t[segment.start : segment.stop]))
        if first - last <= 2 * step + 1e-6:
            return float(last)
    return float(first)


def _root_line(
    since: np.ndarray, voltage: np.ndarray, window: float
) -> tuple[float, float]:
    """Offset and initial slope of the voltage over sqrt(t) early in a pulse or rest.

    A second-order term takes up the curvature of the host, or of a relaxation.
    """
    early = (since > 0.002 * window) & (since <= window)
    if early.sum() < 5:
        early = np.zeros(len(since), dtype=bool)
        early[np.flatnonzero(since > 0)[:5]] = True
    order = 2 if early.sum() >= 8 else 1
    *_, slope, offset = np.polyfit(np.sqrt(since[early]), voltage[early], order)
    return float(offset), float(slope)


def _onset_jump(
    since: np.ndarray, voltage: np.ndarray, before: float | None
) -> float | None:
    """Ohmic jump where the current begins."""
    if before is None:
        return None
    offset, _ = _root_line(since, voltage, 0.25 * since[-1])
    return abs(offset - before)


def _relaxation(
    segment: _Segment,
    t: np.ndarray,
    v: np.ndarray,
    after: float | None,
    onset: float | None,
) -> dict[str, Any]:
    """Ohmic jump at the interruption, time constant and drift of the rest."""
    nothing = {"ohmic_V": None, "relaxation_time_s": None, "rest_drift_mV_h": None}
    rest = segment.rest_after
    end_t, end_v = t[segment.stop - 1], v[segment.stop - 1]
    since, voltage = t[rest] - end_t, v[rest]
    good = since > 0
    if after is None or good.sum() < 5:
        return {**nothing, "flags": ["no rest of five samples follows, so no OCV"]}
    since, voltage = since[good], voltage[good]
    pulse = end_t - t[segment.start]
    # As short as the sampling allows: relaxation follows sqrt(t) only at first.
    window = min(0.1 * min(pulse, since[-1]), max(1.0, since[min(9, since.size - 1)]))
    if np.sum(since <= window) >= 5 or onset is None:
        jump = segment.sign * (_root_line(since, voltage, window)[0] - end_v)
    else:
        jump = onset
    # More than the whole overpotential is not ohmic.
    jump = float(np.clip(jump, 0, abs(after - end_v)))
    start = end_v + segment.sign * jump
    fraction = (
        (voltage - after) / (start - after) if abs(start - after) > 1e-6 else 0 * voltage
    )
    below = np.flatnonzero(fraction <= np.exp(-1))
    tau = float(since[below[0]]) if len(below) and np.any(fraction) else None
    late = since >= 0.8 * since[-1]
    drift = 0.0
    if late.sum() >= 3 and np.ptp(since[late]) > 0:
        drift = float(np.polyfit(since[late], voltage[late], 1)[0] * 3.6e6)
    return {
        "ohmic_V": jump,
        "relaxation_time_s": tau,
        "rest_drift_mV_h": drift,
        "flags": [],
    }


def _drift_flags(
    drift: float | None, before: float | None, after: float | None
) -> list[str]:
    if drift is None or before is None or after is None:
        return []
    if abs(drift) > 1 and abs(drift) * 0.25 > 0.1 * abs(after - before) * 1e3:
        return ["the voltage still drifts at the end of the rest; the OCV is not reached"]
    return []


def _diffusion(
    since: np.ndarray,
    voltage: np.ndarray,
    before: float | None,
    after: float | None,
    duration: float,
    method: str,
) -> tuple[float | None, list[str]]:
    """D/L^2 [s-1] of one pulse, and the assumptions it breaks."""
    if before is None or after is None or duration <= 0:
        return None, ["no OCV on both sides, so no diffusion coefficient"]
    step = after - before
    offset, slope = _root_line(since, voltage, 0.25 * duration)
    initial = slope
    if method == "chang":
        transient = float(voltage[-1]) - offset
        slope = transient / np.sqrt(duration)
    if abs(step) < 1e-5 or step * slope <= 0:
        return None, [
            "the OCV does not move with the pulse (flat OCV), so there is no apparent D"
        ]
    rate = 4 / np.pi * (step / duration / slope) ** 2
    flags = []
    if abs(step) < FLAT_OCV:
        flags.append(
            f"the OCV is flat (moves less than {FLAT_OCV * 1e3:g} mV); D means little"
        )
    if abs(step) > LARGE_STEP:
        flags.append(
            f"the pulse is too large (OCV moves more than {LARGE_STEP * 1e3:g} mV)"
        )
    if rate * duration > SHORT_TIME:
        flags.append(
            f"the pulse is too long for the sqrt(t) law (tau D/L^2 = {rate * duration:.2g}, "
            f"allowed {SHORT_TIME}); D is not reliable"
        )
    elif _bent(since, voltage, offset, initial, 0.025 if method == "chang" else 0.2):
        flags.append("the voltage is not linear in sqrt(t) over the pulse; D is doubtful")
    return float(rate), flags


def _bent(
    since: np.ndarray, voltage: np.ndarray, offset: float, initial: float, limit: float
) -> bool:
    """Whether the initial line over sqrt(t) misses the end of the pulse."""
    expected = initial * np.sqrt(since[-1])
    return bool(abs(voltage[-1] - offset - expected) > limit * abs(expected))


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
