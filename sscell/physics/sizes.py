"""Particles of different sizes at one potential, for any cathode."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pybamm

__all__ = ["particle_sizes"]

_CLASSES, _PARTICLE = "positive electrode", "positive particle"
_RADIUS, _SPREAD = "Positive particle radius [m]", "Positive particle radius spread"
_ENDLESS = 40.0  # standard deviations


def particle_sizes(count: int) -> dict[str, Any]:
    r"""Radii of classes of equal volume in a lognormal distribution, and their surfaces.

    .. math::
        w_k = n \left[\Phi(b_k + s) - \Phi(b_{k-1} + s)\right], \quad
        R_k = \frac{R \, e^{-s^2/2}}{w_k}, \quad S = \frac{3 V}{R} e^{s^2/2}

    with :math:`\Phi(b_k) = k/n`: the surface of each class, and of all, is that of the
    distribution itself, whatever the number of classes. Source: moments of the lognormal
    distribution.

    Parameters
    ----------
    count : int
        Classes; 0: all particles alike.

    Returns
    -------
    dict of str to symbol
        Radius [m] by class and its square [m2] within the particles, surface of a class
        relative to the mean of all [-], and surface per volume of active material [m-1].
    """
    radius: Any = pybamm.Parameter(_RADIUS)
    relative: Any = pybamm.Scalar(1)
    per_volume = 3 / radius
    squared = radius**2
    if count:
        spread = pybamm.Parameter(_SPREAD)
        wider = pybamm.exp(spread**2 / 2)
        relative = _shares(count, spread) * count
        per_volume = per_volume * wider
        radius = radius / wider / relative
        squared = pybamm.PrimaryBroadcast(radius**2, _PARTICLE)
    return {
        _RADIUS: radius,
        "Positive particle squared radius [m2]": squared,
        "Relative particle surface": relative,
        "Positive particle surface per volume [m-1]": per_volume,
    }


def _shares(count: int, spread: Any) -> Any:
    """Share of each class in the surface; their sum is one."""
    middle = pybamm.SpatialVariable("x_p", domain=[_CLASSES], coord_sys="cartesian")
    below, above = (
        pybamm.erf((pybamm.Function(_score, middle + side) + spread) / math.sqrt(2))
        for side in (-0.5 / count, 0.5 / count)
    )
    return (above - below) / 2


def _score(quantile: Any) -> Any:
    """Standard deviations from the median; the ends lie within rounding of 0 and 1."""
    from scipy.special import ndtri

    inside = np.where(np.abs(quantile - 0.5) > 0.5 - 1e-9, np.round(quantile), quantile)
    return np.clip(ndtri(inside), -_ENDLESS, _ENDLESS)
