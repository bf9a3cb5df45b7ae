"""Derivatives of residuals that a step keeps up to date."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

__all__ = ["BroydenJacobian"]

_FORETOLD = 0.6  # of the change of the residuals: worse, derivatives are taken afresh


class BroydenJacobian:
    r"""Derivatives that are computed afresh only where the last ones foretell no step.

    .. math:: J' = J + \frac{(\Delta r - J\,\Delta u)\,\Delta u^T}{\Delta u^T \Delta u}

    Source: C. G. Broyden, Math. Comp. 19, 577 (1965).

    Parameters
    ----------
    compute : callable
        Derivatives, shape (m, n), from positions (n,) and the residuals there (m,).

    Examples
    --------
    >>> slopes = BroydenJacobian(lambda u, r: np.array([[1.0], [2.0]]))
    >>> slopes.at(np.zeros(1), np.zeros(2))
    (array([[1.],
           [2.]]), True)
    >>> slopes.at(np.ones(1), np.array([1.0, 2.2]))
    (array([[1. ],
           [2.2]]), False)
    """

    def __init__(self, compute: Callable[[np.ndarray, np.ndarray], np.ndarray]):
        self._compute = compute
        self._last: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None

    def at(
        self,
        u: np.ndarray,
        residuals: np.ndarray,
        trusted: Callable[[np.ndarray], bool] = lambda matrix: True,
    ) -> tuple[np.ndarray, bool]:
        """Derivatives at a place: the last ones, updated by the step to it, or new ones.

        Parameters
        ----------
        u : numpy.ndarray, shape (n,)
            Positions [-].
        residuals : numpy.ndarray, shape (m,)
            There [-].
        trusted : callable, optional
            Says of updated derivatives whether they are good enough.

        Returns
        -------
        matrix : numpy.ndarray, shape (m, n)
            Derivatives [-].
        fresh : bool
            Whether they were computed here.
        """
        matrix = self._updated(u, residuals)
        if matrix is None or not trusted(matrix):
            return self.afresh(u, residuals), True
        self._last = np.array(u), residuals, matrix
        return matrix, False

    def afresh(self, u: np.ndarray, residuals: np.ndarray) -> np.ndarray:
        """Derivatives computed at a place, whatever the last ones say.

        Parameters
        ----------
        u : numpy.ndarray, shape (n,)
            Positions [-].
        residuals : numpy.ndarray, shape (m,)
            There [-].

        Returns
        -------
        numpy.ndarray, shape (m, n)
        """
        matrix = self._compute(u, residuals)
        self._last = np.array(u), residuals, matrix
        return matrix

    def _updated(self, u: np.ndarray, residuals: np.ndarray) -> np.ndarray | None:
        """Derivatives by the step from the last place; None where they foretold it badly."""
        if self._last is None:
            return None
        before, past, matrix = self._last
        step = u - before
        length = float(step @ step)
        if length == 0:
            return matrix
        off = residuals - past - matrix @ step
        if np.linalg.norm(off) > _FORETOLD * np.linalg.norm(residuals - past):
            return None
        return matrix + np.outer(off, step) / length
