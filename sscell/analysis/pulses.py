"""Single pulses of a titration: where they are, and what each of them says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sscell.analysis.charge import charge_integral
from sscell.errors import DataError
from sscell.segments import kinds, runs

__all__ = ["Pulse", "find_pulses", "measure_pulse", "rest_voltage"]

FLAT_OCV = 0.001  # V: a smaller change of OCV says nothing about diffusion
LARGE_STEP = 0.05  # V: a larger one is no small perturbation
Flag = tuple[str, str, float]  # what is broken, the measure of it and its value
_LARGE = 20.0  # of the usual charge: such a step is no pulse of a titration
SHORT_TIME = 0.25  # of L^2/D: there the sqrt(t) law of a layer is still 0.4 % exact


@dataclass(frozen=True)
class Pulse:
    """One pulse with the rests beside it, as rows of the time series.

    Parameters
    ----------
    start, stop : int
        First row of the pulse, and the one after its last.
    rest_before, rest_after : slice
        Rows of the rests; empty where there is none.
    sign : int
        +1 on discharge, -1 on charge.
    """

    start: int
    stop: int
    rest_before: slice
    rest_after: slice
    sign: int


def find_pulses(t: np.ndarray, i: np.ndarray) -> tuple[list[Pulse], list[str]]:
    """Runs of current of one sign, each with the rests that touch it.

    Parameters
    ----------
    t, i : numpy.ndarray, shape (n,)
        Time [s] and current [A], positive on discharge.

    Returns
    -------
    tuple of (list of Pulse, list of str)
        In order, and what was left out.

    Raises
    ------
    DataError
        If no current flows.

    Examples
    --------
    >>> t = np.arange(30.0)
    >>> pulses, _ = find_pulses(t, np.where((t > 9) & (t < 20), 1.0, 0.0))
    >>> (pulses[0].start, pulses[0].stop, pulses[0].sign) == (10, 20, 1)
    True
    """
    if not np.any(i):
        raise DataError("No current flows in these data: there is no pulse.")
    kind = kinds(t, i)
    pieces = [(a, b, int(kind[a])) for a, b in runs(kind)]
    found, short = [], 0
    for k, (a, b, sign) in enumerate(pieces):
        if sign == 0:
            continue
        if b - a < 3 or not t[b - 1] > t[a]:
            short += 1
            continue
        before = pieces[k - 1] if k else (a, a, 0)
        after = pieces[k + 1] if k + 1 < len(pieces) else (b, b, 0)
        earlier, later = (
            slice(r[0], r[1]) if r[2] == 0 else slice(0, 0) for r in (before, after)
        )
        found.append(Pulse(a, b, earlier, later, sign))
    found, large = _usual_only(found, t, i)
    notes = []
    if large:
        notes.append(
            f"{large} steps of more than {_LARGE:g} times the usual charge are no pulses and "
            "were left out."
        )
    if short:
        notes.append(f"{short} runs of current of fewer than 3 samples were left out.")
    return found, notes


def _usual_only(
    found: list[Pulse], t: np.ndarray, i: np.ndarray
) -> tuple[list[Pulse], int]:
    """Pulses without the steps of a formation among them, and how many those were."""
    if len(found) < 3:
        return found, 0
    charge = np.array(
        [abs(np.trapezoid(i[p.start : p.stop], t[p.start : p.stop])) for p in found]
    )
    usual = charge <= _LARGE * np.median(charge)
    kept = [p for p, one in zip(found, usual, strict=True) if one]
    return kept, len(found) - len(kept)


def rest_voltage(v: np.ndarray, rest: slice, t: np.ndarray | None = None) -> float | None:
    """Voltage at the end of a rest: median of its last three samples.

    Parameters
    ----------
    v : numpy.ndarray, shape (n,)
        [V].
    rest : slice
        Rows of the rest.
    t : numpy.ndarray, shape (n,), optional
        Time [s]; with it, only samples of the last tenth of the rest count.

    Returns
    -------
    float or None
        [V]; None for an empty rest.

    Examples
    --------
    >>> rest_voltage(np.array([2.0, 2.1, 2.2, 2.2]), slice(0, 4))
    2.2
    >>> rest_voltage(np.array([2.1, 2.2]), slice(0, 2), np.array([0.0, 3600.0]))
    2.2
    """
    values = v[rest][-3:]
    if t is not None and len(values):
        time = t[rest]
        begin = t[rest.start - 1] if rest.start else time[0]
        values = values[time[-3:] >= time[-1] - 0.1 * (time[-1] - begin)]
    return float(np.median(values)) if len(values) else None


def measure_pulse(
    segment: Pulse,
    t: np.ndarray,
    i: np.ndarray,
    v: np.ndarray,
    length: float | None,
    method: str,
) -> dict[str, Any]:
    """Polarisation, relaxation and apparent diffusion of one pulse.

    Parameters
    ----------
    segment : Pulse
        From `find_pulses`.
    t, i, v : numpy.ndarray, shape (n,)
        Time [s], current [A], voltage [V] of the whole series.
    length : float or None
        Volume over area of the host [cm].
    method : str
        ``"weppner-huggins"`` or ``"chang"``.

    Returns
    -------
    dict
        The fields of a pulse, its ``charge_Ah`` and ``flags``: the assumptions it breaks.

    Examples
    --------
    >>> t = np.arange(0.0, 40.0)
    >>> i = np.where((t > 0) & (t <= 10), 1.0, 0.0)
    >>> v = np.where(i > 0, 1.9, 2.0)
    >>> pulses, _ = find_pulses(t, i)
    >>> round(measure_pulse(pulses[0], t, i, v, None, "chang")["overpotential_V"], 3)
    0.1
    """
    origin = _onset(segment, t)
    rows = slice(segment.start, segment.stop)
    since, current, voltage = t[rows] - origin, i[rows], v[rows]
    charge = float(charge_integral(since, current, begin=0.0)[-1])
    before = rest_voltage(v, segment.rest_before, t)
    after = rest_voltage(v, segment.rest_after, t)
    duration = float(since[-1])
    relaxed = _relaxation(segment, t, v, after, _onset_jump(since, voltage, before))
    over = None if after is None else abs(float(voltage[-1]) - after)
    ohmic = relaxed["ohmic_V"]
    concentration = None if over is None or ohmic is None else max(over - ohmic, 0.0)
    rate, flags = _diffusion(since, voltage, before, after, duration, method)
    flags += relaxed.pop("flags")
    if np.ptp(current) > 0.1 * np.abs(current).max():
        flags.append(_plain("the current is not constant over the pulse"))
    flags += _drift_flags(relaxed["rest_drift_mV_h"], before, after)
    known = None if rate is None or length is None else rate * length**2
    return {
        "cumulative_capacity_mAh_g": None,
        "ocv_V": after,
        "overpotential_V": over,
        "ohmic_V": ohmic,
        "concentration_V": concentration,
        "diffusion_coefficient_cm2_s": known,
        "diffusion_rate_1_s": rate,
        "relaxation_time_s": relaxed["relaxation_time_s"],
        "rest_drift_mV_h": relaxed["rest_drift_mV_h"],
        "current_A": float(np.median(current)),
        "duration_s": duration,
        "start_s": float(origin),
        "charge_Ah": abs(charge),
        "flags": flags,
    }


def _plain(text: str) -> Flag:
    """Flag without a number."""
    return text, "", 0.0


def _onset(segment: Pulse, t: np.ndarray) -> float:
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
    segment: Pulse,
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
        text = "no rest of five samples follows, so no "
        return {
            **nothing,
            "flags": [_plain(text + ("OCV" if after is None else "ohmic part"))],
        }
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
) -> list[Flag]:
    if drift is None or before is None or after is None:
        return []
    if abs(drift) > 1 and abs(drift) * 0.25 > 0.1 * abs(after - before) * 1e3:
        text = "the voltage still drifts at the end of the rest; the OCV is not reached"
        return [(text, "drift in mV/h", abs(drift))]
    return []


def _diffusion(
    since: np.ndarray,
    voltage: np.ndarray,
    before: float | None,
    after: float | None,
    duration: float,
    method: str,
) -> tuple[float | None, list[Flag]]:
    """D/L^2 [s-1] of one pulse, and the assumptions it breaks."""
    if before is None or after is None or duration <= 0:
        return None, [_plain("no OCV on both sides, so no diffusion coefficient")]
    if len(since) < 5:
        text = "the pulse has fewer than five samples, so no diffusion coefficient"
        return None, [_plain(text)]
    step = after - before
    offset, slope = _root_line(since, voltage, 0.25 * duration)
    initial = slope
    if method == "chang":
        transient = float(voltage[-1]) - offset
        slope = transient / np.sqrt(duration)
    if abs(step) < 1e-5 or step * slope <= 0:
        return None, [
            _plain("the OCV does not move with the pulse (flat OCV), so no apparent D")
        ]
    rate = 4 / np.pi * (step / duration / slope) ** 2
    flags: list[Flag] = []
    if abs(step) < FLAT_OCV:
        flags.append(
            _plain(
                f"the OCV is flat (moves less than {FLAT_OCV * 1e3:g} mV); D means little"
            )
        )
    if abs(step) > LARGE_STEP:
        flags.append(
            (
                f"the pulse is too large (OCV moves more than {LARGE_STEP * 1e3:g} mV)",
                "largest move in mV",
                abs(step) * 1e3,
            )
        )
    if rate * duration > SHORT_TIME:
        flags.append(
            (
                f"the pulse is too long for the sqrt(t) law (tau D/L^2 above {SHORT_TIME}); "
                "D is not reliable",
                "tau D/L^2",
                rate * duration,
            )
        )
    elif _bent(since, voltage, offset, initial, 0.025 if method == "chang" else 0.2):
        text = "the voltage is not linear in sqrt(t) over the pulse; D is doubtful"
        flags.append(_plain(text))
    return float(rate), flags


def _bent(
    since: np.ndarray, voltage: np.ndarray, offset: float, initial: float, limit: float
) -> bool:
    """Whether the initial line over sqrt(t) misses the end of the pulse."""
    expected = initial * np.sqrt(since[-1])
    return bool(abs(voltage[-1] - offset - expected) > limit * abs(expected))
