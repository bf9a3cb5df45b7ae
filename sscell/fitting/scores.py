"""What a fit is off by, in numbers that mean something: millivolts, charge, distance.

Nothing is extrapolated: voltages are compared where model and data both have them, and what
one has more of is a capacity.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sscell.analysis.comparison import CHARGE, FLAT, REACH, VOLTAGE, distances
from sscell.fitting.courses import Course, Half
from sscell.fitting.forward import Traced

__all__ = ["flat_errors", "half_cycles_of", "score", "steepness"]

_CURVE = 300  # corners of a curve


def score(course: Course, traced: Traced) -> dict[str, Any]:
    """How far the model is from one dataset.

    Parameters
    ----------
    course : Course
        The data.
    traced : Traced
        The model along them.

    Returns
    -------
    dict
        ``rms_mV`` on the flat part, ``distance`` in errors of voltage (the noise, at least
        1 mV) and charge (a thousandth), ``half_cycles``. None where there is nothing to
        compare.
    """
    off = flat_errors(course, traced)
    away = [_distances(course, traced, half) for half in course.halves if half.compared]
    every = np.concatenate(away) if away else np.empty(0)
    return {
        "rms_mV": 1e3 * float(np.sqrt(np.mean(off**2))) if off.size else None,
        "distance": float(np.sqrt(np.mean(every**2))) if every.size else None,
        "half_cycles": half_cycles_of(course, traced),
    }


def half_cycles_of(course: Course, traced: Traced) -> list[dict[str, Any]]:
    """Measured and modelled capacity of the half cycles that are compared [mA.h].

    Parameters
    ----------
    course : Course
        The data.
    traced : Traced
        The model along them.
    """
    return [
        {
            "cycle": half.cycle,
            "direction": half.direction,
            "measured_mAh": half.charge / 3.6,
            "model_mAh": half.sign * float(traced.charges[list(half.steps)].sum()) / 3.6,
        }
        for half in course.halves
        if half.compared
    ]


def flat_errors(course: Course, traced: Traced) -> np.ndarray:
    """Model less data where one per cent of the charge moves neither by two of the range.

    Parameters
    ----------
    course : Course
        The data.
    traced : Traced
        The model along them.

    Returns
    -------
    numpy.ndarray, shape (n,)
        [V].
    """
    steep = FLAT * (course.window[1] - course.window[0])
    level = course.steepness < steep
    for half in course.halves:
        for k in half.steps:
            rows = course.rows[k]
            if course.segments[k].line is None and rows.stop > rows.start:
                level[rows] &= steepness(course, traced, half, k)[0] < steep
    good = ~(traced.missing | course.held)
    level &= good
    return (traced.values - course.measured)[level if level.any() else good]


def steepness(
    course: Course, traced: Traced, half: Half, number: int
) -> tuple[np.ndarray, float]:
    """Slope of the model at the points of a step, and where it ends.

    Parameters
    ----------
    course : Course
        The data.
    traced : Traced
        The model along them.
    half : Half
        With the step.
    number : int
        Of the step.

    Returns
    -------
    tuple of numpy.ndarray and float
        [V per charge of the half cycle].
    """
    segment, (t, v) = course.segments[number], traced.paths[number]
    if not segment.sign or t.size < 2:
        return np.zeros(segment.times.size), 0.0
    reach = REACH * half.charge / abs(segment.current)
    # The last value is that of the end itself.
    at = np.append(np.minimum(segment.times, t[-1]), t[-1])
    left, right = np.maximum(at - reach, t[0]), np.minimum(at + reach, t[-1])
    width = np.maximum(right - left, reach / 10)
    rise = np.abs(np.interp(right, t, v) - np.interp(left, t, v))
    slopes = rise / width * half.charge / abs(segment.current)
    return slopes[:-1], float(slopes[-1])


def _distances(course: Course, traced: Traced, half: Half) -> np.ndarray:
    """Of the points of a half cycle from the model, and of what it has more [-]."""
    points, curve = [], []
    passed = [0.0, 0.0]
    for k in half.steps:
        segment, (t, v) = course.segments[k], traced.paths[k]
        if segment.line is None and segment.sign:
            size = abs(segment.current)
            points.append(
                np.column_stack([passed[0] + size * segment.times, segment.measured])
            )
            every = max(t.size // _CURVE, 1)
            rows = np.unique(np.append(np.arange(0, t.size, every), t.size - 1))
            curve.append(np.column_stack([passed[1] + size * t[rows], v[rows]]))
        passed[0] += abs(segment.current) * segment.duration
        passed[1] += half.sign * float(traced.charges[k])
    if not points or half.charge <= 0:
        return np.empty(0)
    scale = np.array([CHARGE * half.charge, max(course.noise, VOLTAGE)])
    data, model = (np.concatenate(c) / scale for c in (points, curve))
    if data.shape[0] < 2 or model.shape[0] < 2:
        return np.empty(0)
    found = distances(data, model)
    more = model[-1, 0] - data[-1, 0]
    if more > 1:  # each as far as from where the data end
        count = int(np.ceil(data.shape[0] * more / data[-1, 0]))
        at = np.linspace(data[-1, 0], model[-1, 0], count + 1)[1:]
        volts = np.interp(at, model[:, 0], model[:, 1])
        beyond = np.hypot(at - data[-1, 0], volts - data[-1, 1])
        found = np.concatenate([found, beyond])
    return found
