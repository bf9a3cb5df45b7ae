r"""What a fit squares: voltages, charges, and where a curve falls off a cliff its distance.

Where the model is steep, a voltage says how far its charge is off, not how wrong it is: there
the error of the charge widens that of the voltage, for what is off by more than three errors,

.. math:: \sigma^2 = \sigma_V^2 + \left(\frac{dV}{dq} \sigma_q\right)^2

Where the model has ended, its points count by how much later they are, and never by more than
their voltage is above the end:

.. math:: r = \frac{v h}{\sqrt{v^2 + h^2}}, \quad v = \frac{V - V_{end}}{\sigma_V}, \quad
          h = \frac{q - q_{end} + (V - V_{end})/(dV/dq)_{end}}{\sigma_q}

So early and late cost alike, and no voltage is made up beyond the window.
"""

from __future__ import annotations

import numpy as np

from sscell.analysis.comparison import FLAT
from sscell.fitting.courses import Course, Half
from sscell.fitting.forward import Traced
from sscell.fitting.scores import steepness

__all__ = ["capacities", "points"]

_NOISE = 3.0  # errors: what is off by less is no cliff that is displaced
_END = 0.05  # of the charge: points that one error of it moves together


def points(course: Course, traced: Traced) -> tuple[np.ndarray, np.ndarray]:
    """Residuals of all points of a dataset and their slopes, in standard deviations.

    Parameters
    ----------
    course : Course
        The data.
    traced : Traced
        The model along them.

    Returns
    -------
    tuple of numpy.ndarray
        Shapes (n,) and (n, parameters).
    """
    errors = course.deviations
    off = traced.values - course.measured
    slopes = traced.slopes
    residuals = off / errors
    found = slopes / errors[:, None]
    usual = FLAT * (course.window[1] - course.window[0])
    for half in course.capacities:
        common = _common(course, half)
        for k in half.steps:
            rows = course.rows[k]
            segment = course.segments[k]
            if segment.line is not None or not segment.sign or rows.stop == rows.start:
                continue
            steep, end = steepness(course, traced, half, k)
            cliff = (np.maximum(steep - usual, 0.0) * common) ** 2
            residuals[rows], factor = _widened(off[rows], errors[rows], cliff)
            found[rows] = slopes[rows] * factor[:, None]
            late = np.flatnonzero(traced.missing[rows]) + rows.start
            if not late.size:
                continue
            whole = np.abs(off[late]) / errors[late]
            v = np.maximum(whole - _NOISE, 1e-12)
            past = np.abs(segment.current) / half.charge
            past = past * (segment.times[late - rows.start] - traced.paths[k][0][-1])
            h = (past + np.abs(off[late]) / max(end, usual)) / common
            size = np.hypot(v, h)
            sign = np.sign(off[late])
            residuals[late] = sign * (np.minimum(whole, _NOISE) + v * h / size)
            moved = -half.sign * traced.charge_slopes[k] / half.charge / common
            found[late] = (sign * (v / size) ** 3)[:, None] * moved[None, :]
    return residuals * course.weight, found * course.weight


def _widened(
    off: np.ndarray, error: np.ndarray, further: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Residuals with a further variance that counts beyond the noise, and their slopes."""
    size = np.abs(off) / error
    wide = np.sqrt(error**2 + further)
    beyond = size > _NOISE
    found = np.where(beyond, _NOISE + (size - _NOISE) * error / wide, size)
    return np.sign(off) * found, np.where(beyond, 1 / wide, 1 / error)


def _common(course: Course, half: Half) -> float:
    """Error of a charge per that of the half cycle, for each of the points that see it."""
    passed, count = 0.0, 0
    for k in half.steps:
        segment = course.segments[k]
        at = passed + np.abs(segment.current) * segment.times
        count += int(np.sum(at > (1 - _END) * half.charge))
        passed += abs(segment.current) * segment.duration
    return half.error / half.charge * float(np.sqrt(1 + count))


def capacities(course: Course, traced: Traced) -> tuple[np.ndarray, np.ndarray]:
    """What the charges of half cycles are off by in standard deviations, and its slopes.

    Parameters
    ----------
    course : Course
        The data.
    traced : Traced
        The model along them.

    Returns
    -------
    tuple of numpy.ndarray
        Shapes (half cycles,) and (half cycles, parameters).
    """
    halves = course.capacities
    residuals = np.zeros(len(halves))
    slopes = np.zeros((len(halves), traced.slopes.shape[1]))
    for number, half in enumerate(halves):
        steps, scale = list(half.steps), course.weight / half.error
        passed = half.sign * float(traced.charges[steps].sum())
        residuals[number] = scale * (passed - half.charge)
        slopes[number] = scale * half.sign * traced.charge_slopes[steps].sum(axis=0)
    return residuals, slopes
