"""Sites of an insertion material from its open-circuit curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sscell.errors import ParameterError
from sscell.units import FARADAY, GAS_CONSTANT

__all__ = ["Site", "fit_sites"]

_MOST, _ENOUGH, _GAIN = 8, 1e-3, 0.8  # sites; V; misfit that one more must reach
_THERMAL = GAS_CONSTANT * 298.15 / FARADAY  # V


@dataclass(frozen=True)
class Site:
    """One kind of site.

    Parameters
    ----------
    potential : float
        Half full [V].
    fraction : float
        Of all sites [-].
    width : float
        In units of RT/F at 25 degC [-].

    Examples
    --------
    >>> Site(3.9, 0.5, 1.0).fraction
    0.5
    """

    potential: float
    fraction: float
    width: float


def fit_sites(
    filling: Sequence[float] | np.ndarray,
    potential: Sequence[float] | np.ndarray,
    count: int | None = None,
) -> tuple[list[Site], float]:
    r"""Kinds of site whose filling gives a measured curve.

    .. math:: x(U) = \sum_j X_j \left[1 + e^{F(U - U_j)/(w_j RT)}\right]^{-1}

    Parameters
    ----------
    filling : array_like, shape (n,)
        Rising from 0 to 1 [-].
    potential : array_like, shape (n,)
        Falling [V].
    count : int, optional
        How many; default: as many as make the misfit fall by a fifth each, at most 8.

    Returns
    -------
    tuple of list of Site and float
        From the highest potential on, and the misfit [V rms, orthogonal to the curve].

    Raises
    ------
    ParameterError
        If the number is not 1 to 8.

    Notes
    -----
    Source: Verbrugge et al., J. Electrochem. Soc. 164, E3243 (2017).

    Examples
    --------
    >>> u = np.linspace(4.2, 3.6, 80)
    >>> x = 1 / (1 + np.exp((u - 3.9) / _THERMAL))
    >>> sites, misfit = fit_sites(x, u, 1)
    >>> round(sites[0].potential, 3), misfit < 1e-3
    (3.9, True)
    """
    if count is not None and not 1 <= count <= _MOST:
        raise ParameterError(f"An OCV takes 1 to {_MOST} sites, not {count}.")
    x, u = np.asarray(filling, float), np.asarray(potential, float)
    grid = np.linspace(0, 1, 300)
    # Points equally far apart along the curve: plateaus and steps count alike.
    way = np.concatenate(
        [[0.0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(u)) / np.ptp(u))]
    )
    x, u = np.interp(grid * way[-1], way, x), np.interp(grid * way[-1], way, u)
    if count is not None:
        return _fitted(x, u, count)
    best = _fitted(x, u, 1)
    for number in range(2, _MOST + 1):
        found = _fitted(x, u, number)
        if found[1] > _GAIN * best[1]:
            break
        best = found
        if best[1] < _ENOUGH:
            break
    return best


def _fitted(x: np.ndarray, u: np.ndarray, count: int) -> tuple[list[Site], float]:
    from scipy.optimize import least_squares

    slope = np.gradient(u, x + 1e-9 * np.arange(x.size))
    along = 1.0 / np.sqrt(1.0 + (slope / np.ptp(u)) ** 2)

    def unpack(p: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        share = np.exp(p[count : 2 * count])
        return p[:count], share / share.sum(), np.exp(p[2 * count :])

    def residuals(p: np.ndarray) -> np.ndarray:
        potentials, shares, widths = unpack(p)
        above = np.clip((u[:, None] - potentials) / (widths * _THERMAL), -500, 500)
        filled = (shares / (1 + np.exp(above))).sum(axis=1)
        # A difference in filling, as a distance in potential orthogonal to the curve.
        return (filled - x) * np.abs(slope).clip(np.ptp(u) / 20) * along

    # Starts at the potentials where equal shares of the guest have gone in.
    places = (np.arange(count) + 0.5) / count
    start = np.concatenate(
        [np.interp(places, x, u), np.zeros(count), np.full(count, np.log(2.0))]
    )
    low = np.concatenate(
        [np.full(count, u.min() - 0.3), np.full(count, -6), np.full(count, np.log(0.05))]
    )
    high = np.concatenate(
        [np.full(count, u.max() + 0.3), np.full(count, 6), np.full(count, np.log(50.0))]
    )
    found = least_squares(residuals, np.clip(start, low, high), bounds=(low, high))
    potentials, shares, widths = unpack(found.x)
    order = np.argsort(-potentials)
    sites = [Site(float(potentials[k]), float(shares[k]), float(widths[k])) for k in order]
    return sites, float(np.sqrt(np.mean(found.fun**2)))
