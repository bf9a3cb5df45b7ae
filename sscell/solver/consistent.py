"""Unknowns of the algebraic equations at the start of a step that the solver cannot find."""

from __future__ import annotations

import numpy as np

from sscell.solver.functions import Functions

__all__ = ["consistent"]

_ITERATIONS, _SHORTEST, _DONE = 60, 1e-6, 1e-10


def consistent(
    functions: Functions, t: float, y: np.ndarray, settled: np.ndarray
) -> np.ndarray | None:
    """State with the same differential unknowns at which the algebraic equations hold.

    Newton's method with steps shortened until they lead nearer, by the natural test: the
    length of the simplified next step. After a jump of the current a full step may lead to
    where exponentials overflow.

    Parameters
    ----------
    functions : Functions
        Of the model.
    t : float
        Time [s].
    y : numpy.ndarray, shape (states,)
        State where the inputs have changed.
    settled : numpy.ndarray, shape (inputs,)
        From `Functions.settled`.

    Returns
    -------
    numpy.ndarray, shape (states,), or None
        Nothing where there are no such equations or none is found.

    Notes
    -----
    Source: P. Deuflhard, Newton Methods for Nonlinear Problems, Springer (2011),
    doi:10.1007/978-3-642-23899-4.
    """
    if not functions.algebraic:
        return None
    first = functions.differential
    state, share = np.array(y, dtype=float), 1.0
    with np.errstate(all="ignore"):
        for _ in range(_ITERATIONS):
            slopes = _slopes(functions, t, state, settled)
            residuals = functions.rates(t, state, settled)[first:]
            step = _solved(slopes, -residuals)
            if step is None:
                return None
            length = float(np.linalg.norm(step))
            if length < _DONE * (1 + float(np.linalg.norm(state[first:]))):
                return state
            while share >= _SHORTEST:
                trial = state.copy()
                trial[first:] += share * step
                ahead = _solved(slopes, -functions.rates(t, trial, settled)[first:])
                if ahead is not None and np.linalg.norm(ahead) < (1 - share / 4) * length:
                    break
                share /= 2
            else:
                return None
            state, share = trial, min(1.0, 2 * share)
    return None


def _slopes(
    functions: Functions, t: float, y: np.ndarray, settled: np.ndarray
) -> np.ndarray:
    """Derivatives of the algebraic equations by their unknowns."""
    matrix = functions["algebraic_slopes"](t, y, settled)
    return np.array(matrix)[:, functions.differential :]


def _solved(matrix: np.ndarray, right: np.ndarray) -> np.ndarray | None:
    if not (np.isfinite(matrix).all() and np.isfinite(right).all()):
        return None
    try:
        return np.linalg.solve(matrix, right)
    except np.linalg.LinAlgError:
        return None
