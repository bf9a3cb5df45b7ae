r"""What a model is off by beside the noise: estimated, because no model is exact.

**Weights.** Where a first fit does not reach the noise, the root mean square of what is left
on the flat part, and that of the capacities, widen all errors; the fit is then ended with
them. They are one number each for all datasets, so that none is believed less because the
model is bad at it.

**Errors.** What is left goes on from point to point. The residuals :math:`r` are taken as
white noise of the known size and an error that is correlated along the charge, within a half
cycle and perhaps between them:

.. math:: \Sigma_{ij} = n_i^2 \delta_{ij} + a^2 e^{-|x_i - x_j|/\ell} (c + (1-c)\delta_{h_i h_j})

with :math:`x` the state of charge and :math:`h` the half cycle. Its size :math:`a`, length
:math:`\ell` and share :math:`c` are those of largest restricted likelihood, which counts what
the parameters have taken up of it. The covariance of a least-squares estimate is then

.. math:: (J^TJ)^{-1} J^T \Sigma J (J^TJ)^{-1}
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from sscell.fitting.problem import Problem
from sscell.fitting.scores import flat_errors, half_cycles_of
from sscell.fitting.spectra import Spectrum

__all__ = ["Correlated", "correlated", "expected"]

_REACHED = 1.5  # times the noise: a misfit that needs no discrepancy
_MOST = 0.1  # of the charge
_LENGTHS = (0.02, 0.05, 0.12, 0.3, 0.7)  # of the capacity
_SHARES = (0.0, 0.6, 0.95)
_SIZES = np.geomspace(0.1, 10, 13)
_POINTS = 240  # of which the likelihood is computed
_SIGNIFICANT = 6.0  # of the deviance: three numbers are found
_WHITE = 0.01  # least variance: the matrix stays regular


@dataclass(frozen=True)
class Correlated:
    """An error that goes on from point to point.

    Parameters
    ----------
    size : float
        In deviations that were counted [-]; 0: there is none.
    length : float
        Over which it goes on, per capacity [-].
    share : float
        Of it that is the same in all half cycles [-].
    information : numpy.ndarray, shape (n, n)
        Of the data on the positions [-].
    widening : numpy.ndarray, shape (n,)
        Variances of the parameters per those of independent residuals [-].
    """

    size: float
    length: float
    share: float
    information: np.ndarray
    widening: np.ndarray


def expected(problem: Problem, u: np.ndarray) -> Problem | None:
    """The same problem with a discrepancy; None where the model reaches the noise.

    Parameters
    ----------
    problem : Problem
        Of the first fit.
    u : numpy.ndarray, shape (n,)
        Where it ended.

    Returns
    -------
    Problem or None
    """
    residuals = problem.residuals(u)
    if float(residuals @ residuals) < _REACHED**2 * max(residuals.size - u.size, 1):
        return None
    volts, shares, parts = [], [], []
    for course, traced in zip(problem.courses, problem.traces, strict=True):
        if isinstance(course, Spectrum):
            off = traced.values - course.measured
            parts.append(np.maximum(off**2 - course.noise**2, 0.0))
            continue
        volts.append(flat_errors(course, traced) ** 2 - course.noise**2)
        ended = [h.charge > 0 for h in course.halves if h.compared]
        rows = [r for r, e in zip(half_cycles_of(course, traced), ended, strict=True) if e]
        shares += [r["model_mAh"] / r["measured_mAh"] - 1 for r in rows]
    off = math.sqrt(max(float(np.mean(np.concatenate(volts))), 0.0)) if volts else 0.0
    share = min(float(np.sqrt(np.mean(np.square(shares)))), _MOST) if shares else 0.0
    part = math.sqrt(float(np.mean(np.concatenate(parts)))) if parts else 0.0
    courses = tuple(
        replace(c, discrepancy=part if isinstance(c, Spectrum) else (off, share))
        for c in problem.courses
    )
    return Problem(problem.cell, courses, problem.variables, problem.resolution)


def correlated(problem: Problem, residuals: np.ndarray, jacobian: np.ndarray) -> Correlated:
    """The error that residuals have in common, and what it leaves of the information.

    Parameters
    ----------
    problem : Problem
        Of which they are.
    residuals : numpy.ndarray, shape (points,)
        Without those of priors, in standard deviations [-].
    jacobian : numpy.ndarray, shape (points, n)
        Their derivatives by the position [-].

    Returns
    -------
    Correlated
    """
    white, x, half = _coordinates(problem)
    free = max(residuals.size - jacobian.shape[1], 1)
    known = jacobian.T @ jacobian
    if float(residuals @ residuals) <= float(white.sum()) * free / residuals.size:
        return _correlated(0.0, 0.0, 0.0, known, known)
    every = max(math.ceil(residuals.size / _POINTS), 1)
    rows = np.unique(
        np.append(np.arange(0, residuals.size, every), np.flatnonzero(half < 0))
    )
    own = white[rows], residuals[rows], jacobian[rows]
    many = np.unique(half[half >= 0]).size > 1
    best = min(
        (deviance, a, length, share)
        for length in _LENGTHS
        for share in (_SHARES if many else (0.0,))
        for a, deviance in _deviances(*own, _kernel(x[rows], half[rows], length, share))
    )
    deviance, a, length, share = best
    nothing = np.zeros((rows.size, rows.size))
    alone = min(deviance for _, deviance in _deviances(*own, nothing))
    if not a or alone - deviance < _SIGNIFICANT:
        scale = float(residuals @ residuals) / (float(white.sum()) * free / residuals.size)
        return _correlated(0.0, 0.0, 0.0, known, known * max(scale, 1.0))
    spread = white[:, None] * jacobian
    spread += a**2 * (_kernel(x, half, length, share) @ jacobian)
    return _correlated(a, length, share, known, jacobian.T @ spread)


def _coordinates(problem: Problem) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """By residual: variance of its noise, state of charge, half cycle (-1: a capacity)."""
    white, x, half = [], [], []
    number = 0
    for course in problem.courses:
        share = (course.errors / course.deviations) ** 2 * course.weight**2
        white.append(np.maximum(share, _WHITE))
        if isinstance(course, Spectrum):
            logs = np.log(course.frequencies)
            at = (logs - logs[-1]) / max(float(np.ptp(logs)), 1e-9)
            x += [at, at]
            half += [np.full(at.size, number), np.full(at.size, number + 1)]
            number += 2
            continue
        passed, whole = 0.0, max((h.charge for h in course.halves), default=1.0)
        own = {k: h for h, one in enumerate(course.halves) for k in one.steps}
        for k, segment in enumerate(course.segments):
            x.append((passed + segment.current * segment.times) / whole)
            half.append(np.full(segment.times.size, number + own.get(k, 0)))
            passed += segment.current * segment.duration
        number += max(len(course.halves), 1)
        count = len(course.capacities)
        white.append(np.full(count, course.weight**2))
        x.append(np.zeros(count))
        half.append(np.full(count, -1))
    return np.concatenate(white), np.concatenate(x), np.concatenate(half).astype(int)


def _kernel(x: np.ndarray, half: np.ndarray, length: float, share: float) -> np.ndarray:
    same = half[:, None] == half[None, :]
    found = np.exp(-np.abs(x[:, None] - x[None, :]) / length)
    found *= np.where(same, 1.0, share)
    found[half < 0, :] = 0.0
    found[:, half < 0] = 0.0
    return found


def _deviances(
    white: np.ndarray, r: np.ndarray, jacobian: np.ndarray, kernel: np.ndarray
) -> Iterator[tuple[float, float]]:
    """By size of the error: twice the negative logarithm of the restricted likelihood."""
    scale = 1 / np.sqrt(white)
    values, axes = np.linalg.eigh(kernel * np.outer(scale, scale))
    values = np.maximum(values, 0.0)
    both = axes.T @ (scale[:, None] * np.column_stack([jacobian, r]))
    for a in (0.0, *_SIZES):
        spread = 1 + a**2 * values
        weighed = both / spread[:, None]
        inner = both[:, :-1].T @ weighed[:, :-1]
        # Directions that the data do not see cost nothing.
        inner += 12.0 * np.eye(inner.shape[0])
        cross = both[:, :-1].T @ weighed[:, -1]
        found = float(np.log(spread).sum()) + float(np.linalg.slogdet(inner)[1])
        found += float(both[:, -1] @ weighed[:, -1])
        yield float(a), found - float(cross @ np.linalg.solve(inner, cross))


def _correlated(
    size: float, length: float, share: float, known: np.ndarray, spread: np.ndarray
) -> Correlated:
    """With the inverse of the covariance of a least-squares estimate."""
    found = known @ np.linalg.pinv(spread, rcond=1e-12, hermitian=True) @ known
    found = (found + found.T) / 2
    bounds = 12.0 * np.eye(known.shape[0])
    wide, plain = (np.diag(np.linalg.inv(m + bounds)) for m in (found, known))
    return Correlated(size, length, share, found, wide / plain)
