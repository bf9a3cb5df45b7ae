"""Descent of the largest residual, by a sequence of linear programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sscell.optimisers.broyden import BroydenJacobian

__all__ = ["descend_largest", "merit"]

Vector = np.ndarray
_OTHERS = 0.02  # weight of the other residuals: the largest alone leaves them undetermined
_FIRST, _LAST = 0.06, 2e-3  # half width of the box that a step stays in, of the bounds
_GAIN = 1e-3  # smallest that counts


def merit(residuals: Vector) -> float:
    """Largest residual, and a little of all others.

    Parameters
    ----------
    residuals : numpy.ndarray
        In tolerances [-].

    Returns
    -------
    float
        [-].

    Examples
    --------
    >>> round(merit(np.array([1.0, -2.0])), 2)
    2.06
    """
    sizes = np.abs(residuals)
    return float(sizes.max() + _OTHERS * sizes.sum())


def descend_largest(
    function: Callable[[Vector], Vector],
    jacobian: Callable[[Vector, Vector], Vector],
    x: Vector,
) -> Vector:
    r"""Lower the largest residual between 0 and 1 until no small step does.

    .. math:: \min_d \; \max_i |r_i + J_i d| + w \sum_i |r_i + J_i d|, \quad |d_j| \le t

    is a linear program; a step that lowers the true value is taken and its outcome updates
    the derivatives; else they are taken afresh, then the box shrinks.
    Source: K. Madsen, J. Inst. Maths Applics 16, 321 (1975), with a box for the bound.

    Parameters
    ----------
    function : callable
        Residuals [-] at positions between the bounds.
    jacobian : callable
        Derivatives from positions and the residuals there.
    x : numpy.ndarray, shape (n,)
        Where to begin, 0 to 1.

    Returns
    -------
    numpy.ndarray
        Positions, 0 to 1.

    Examples
    --------
    >>> target = np.array([0.2, 0.6])
    >>> found = descend_largest(lambda x: x[0] - target, lambda x, r: np.ones((2, 1)),
    ...                         np.array([0.9]))
    >>> round(float(found[0]), 3)
    0.4
    """
    residuals, box, slopes = function(x), _FIRST, BroydenJacobian(jacobian)
    matrix, fresh = slopes.afresh(x, residuals), True
    while box > _LAST:
        moved, foretold = _step(x, residuals, matrix, box)
        then = function(moved)
        gain = merit(residuals) - merit(then)
        if gain >= _GAIN:
            if gain > 0.6 * (merit(residuals) - foretold):
                box *= 1.5
            x, residuals = moved, then
            matrix, fresh = slopes.at(x, residuals)
        elif fresh:
            box /= 2.5
        else:
            matrix, fresh = slopes.afresh(x, residuals), True
    return x


def _step(x: Vector, residuals: Vector, matrix: Vector, box: float) -> tuple[Vector, float]:
    """Best positions of the straight lines within a box, and what they foretell there."""
    from scipy.optimize import linprog

    rows, columns = matrix.shape
    ones, none, each = np.ones((rows, 1)), np.zeros((rows, rows)), np.eye(rows)
    zero = np.zeros((rows, 1))
    # Unknowns: the step, the largest residual and the size of each.
    above = [np.hstack([s * matrix, -ones, none]) for s in (1, -1)]
    above += [np.hstack([s * matrix, zero, -each]) for s in (1, -1)]
    costs = np.concatenate([np.zeros(columns), [1.0], np.full(rows, _OTHERS)])
    sides = [(max(-box, -v), min(box, 1 - v)) for v in x]
    found: Any = linprog(
        costs,
        np.vstack(above),
        np.concatenate([-residuals, residuals] * 2),
        bounds=sides + [(0, None)] * (rows + 1),
    )
    return np.clip(x + found.x[:columns], 0.0, 1.0), float(found.fun)
