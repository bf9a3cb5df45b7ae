"""Derivatives of residuals that a step keeps up to date."""

from __future__ import annotations

import numpy as np

__all__ = ["Slopes"]

_FORETOLD = 0.6  # of the change of the residuals: worse, derivatives are taken afresh


class Slopes:
    r"""The last derivatives, and what the next step says of them.

    .. math:: J' = J + \frac{(\Delta r - J\,\Delta u)\,\Delta u^T}{\Delta u^T \Delta u}

    Source: C. G. Broyden, Math. Comp. 19, 577 (1965).

    Examples
    --------
    >>> slopes = Slopes()
    >>> slopes.keep(np.zeros(1), np.zeros(2), np.array([[1.0], [2.0]]))
    >>> slopes.updated(np.ones(1), np.array([1.0, 2.2])).ravel().tolist()
    [1.0, 2.2]
    """

    def __init__(self) -> None:
        self._last: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None

    def keep(self, u: np.ndarray, residuals: np.ndarray, matrix: np.ndarray) -> None:
        """Remember derivatives, and where they hold.

        Parameters
        ----------
        u : numpy.ndarray, shape (n,)
            Positions [-].
        residuals : numpy.ndarray, shape (m,)
            There [-].
        matrix : numpy.ndarray, shape (m, n)
            Derivatives there [-].
        """
        self._last = np.array(u), residuals, matrix

    def updated(self, u: np.ndarray, residuals: np.ndarray) -> np.ndarray | None:
        """Derivatives at another place, if the last ones foretold what is found there.

        Parameters
        ----------
        u : numpy.ndarray, shape (n,)
            Positions [-].
        residuals : numpy.ndarray, shape (m,)
            There [-].

        Returns
        -------
        numpy.ndarray or None
            Shape (m, n); None where they are no use.
        """
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
