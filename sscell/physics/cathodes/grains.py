"""Grains of an insertion host that change their structure as they fill, each at its rate."""

from __future__ import annotations

from typing import Any

import numpy as np
import pybamm

from sscell.physics.cathodes.wiring import arrhenius, places

__all__ = ["Grains", "classes"]

_NODES, _KEPT = 12, 6


def classes() -> tuple[np.ndarray, np.ndarray]:
    r"""Classes of grains: logarithms of their rates by the spread, and their shares.

    The nodes of Gauss and Laguerre for :math:`e^{-y}`; those beyond 0.9997 of all grains
    are left out.

    Returns
    -------
    scores, shares : numpy.ndarray, shape (6,)
        :math:`y` of each class, from the slowest on, and its share of all grains [-].

    Examples
    --------
    >>> scores, shares = classes()
    >>> bool(abs(shares.sum() - 1) < 1e-12), bool(abs(shares @ scores - 1) < 0.01)
    (True, True)
    """
    scores, shares = np.polynomial.laguerre.laggauss(_NODES)
    return scores[:_KEPT], shares[:_KEPT] / shares[:_KEPT].sum()


class Grains:
    r"""Grains that take up the guest of one kind of site by transforming.

    .. math:: \frac{dx_i}{dt} = k_i \, a(E) \left[ x_{eq}(U) - x_i \right], \quad
        k_i = k_0 \, e^{s y_i}, \quad p(y) = e^{-y}

    with the filling :math:`x_{eq}` that the sites have at the potential of the particle's
    surface: forward :math:`k x_{eq} (1 - x)` and backward :math:`k (1 - x_{eq}) x`, which
    keep detailed balance. However strong the drive, a grain transforms no faster than
    :math:`k`; it comes to rest at the open-circuit potential of its sites. Where a grain of
    length :math:`L` has :math:`k \propto L^{-2}`, the distribution is that of grains up to
    a largest length, with a volume :math:`\propto L^{2/s - 1}` at each.

    Parameters
    ----------
    step : str
        Name of the sites.
    distributed : bool
        Whether there is a particle at every place.

    Examples
    --------
    >>> Grains("Lower step", False).names[0]
    'Lower step content of class 1'
    """

    def __init__(self, step: str, distributed: bool):
        self.step = step
        self._places = places(distributed)
        self._scores, self._shares = classes()
        count = len(self._shares)
        self.names = tuple(f"{step} content of class {n + 1}" for n in range(count))

    def states(self) -> dict[str, Any]:
        """Contents of the classes, per site that was active at the start [-]."""
        return {n: pybamm.Variable(n, domain=self._places) for n in self.names}

    def total(self, by_name: dict[str, Any]) -> Any:
        """Sum over the classes, by their shares.

        Parameters
        ----------
        by_name : dict
            A symbol by the name of each class.
        """
        pairs = zip(self._shares, self.names, strict=True)
        return sum(float(share) * by_name[name] for share, name in pairs)

    def gains(self, variables: dict[str, Any], settled: Any) -> dict[str, Any]:
        """What each class takes up, per active site [s-1].

        Parameters
        ----------
        variables : dict
            Of the model.
        settled : pybamm.Symbol
            Filling of the sites at the potential of the surface [-].
        """
        name = f"{self.step} transformation rate"
        slowest = pybamm.Parameter(f"{name} [s-1]") * arrhenius(variables, name)
        spread = pybamm.Parameter(f"{self.step} transformation spread")
        left = variables["Active host remaining"]
        return {
            content: slowest
            * pybamm.exp(spread * float(score))
            * (settled - variables[content] / left)
            for score, content in zip(self._scores, self.names, strict=True)
        }
