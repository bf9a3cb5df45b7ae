"""What a search varies, between which bounds, and where it starts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

__all__ = ["Variable", "starting_points"]

_EDGE = 0.05  # of the distance between the bounds, which drawn starts keep from them


@dataclass(frozen=True)
class Variable:
    """A parameter that moves, between its bounds.

    Parameters
    ----------
    name : str
        PyBaMM's notation.
    low, high : float
        Bounds, in the unit of the name.
    log : bool, optional
        Whether it moves on a logarithmic scale.
    prior : tuple of float, optional
        Mean and standard deviation of what is known beforehand.
    course : int, optional
        The one dataset that it belongs to; default: all.
    label : str, optional
        That dataset's name.
    ties : mapping of str to float, optional
        Parameters that move with it, and their ratio to it [-].

    Examples
    --------
    >>> v = Variable("R3 rate constant [s-1]", 1e-6, 1e-2, log=True)
    >>> float(f"{v.value(0.5):.6g}"), round(v.position(1e-4), 6)
    (0.0001, 0.5)
    """

    name: str
    low: float
    high: float
    log: bool = False
    prior: tuple[float, float] | None = None
    course: int | None = None
    label: str = ""
    ties: Mapping[str, float] = field(default_factory=dict, hash=False, repr=False)

    @property
    def title(self) -> str:
        """Name, with the dataset where it has one of its own."""
        return f"{self.name} ({self.label})" if self.course is not None else self.name

    @property
    def short(self) -> str:
        """Title without the unit."""
        return self.title.replace(self.name, self.name.partition(" [")[0])

    @property
    def width(self) -> float:
        """Distance between the bounds [-]: of the logarithms, or in units of itself (1)."""
        return math.log(self.high / self.low) if self.log else 1.0

    def value(self, position: float) -> float:
        """Value at a position [unit of the name].

        Parameters
        ----------
        position : float
            Between the bounds, 0 to 1 [-].
        """
        if self.log:
            return float(self.low * (self.high / self.low) ** position)
        return float(self.low + (self.high - self.low) * position)

    def position(self, value: float) -> float:
        """Position of a value, at the nearer bound if it lies outside, 0 to 1 [-].

        Parameters
        ----------
        value : float
            In the unit of the name.
        """
        value = min(max(value, self.low), self.high)
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def slope(self, position: float) -> float:
        """Derivative of the value by the position [unit of the name].

        Parameters
        ----------
        position : float
            Between the bounds, 0 to 1 [-].
        """
        if self.log:
            return self.value(position) * self.width
        return self.high - self.low

    def pull(self, position: float) -> tuple[float, float]:
        """Residual of the prior and its derivative by the position [-].

        Parameters
        ----------
        position : float
            Between the bounds, 0 to 1 [-].
        """
        mean, spread = self.prior or (0.0, math.inf)
        if self.log:  # of the logarithm, so that the scale of the prior is that of the fit
            return (
                (math.log(self.value(position) / mean)) * mean / spread,
                self.width * mean / spread,
            )
        return (self.value(position) - mean) / spread, self.slope(position) / spread


def starting_points(first: np.ndarray, count: int, seed: int) -> list[np.ndarray]:
    """Where the descents of a search start: one given, the others a Latin hypercube.

    Parameters
    ----------
    first : numpy.ndarray, shape (n,)
        Positions between the bounds, 0 to 1 [-].
    count : int
        How many in all.
    seed : int
        Of the drawn ones.

    Returns
    -------
    list of numpy.ndarray
        Drawn ones keep a twentieth of the range from each bound.

    Examples
    --------
    >>> len(starting_points(np.array([0.5, 0.5]), 3, seed=0))
    3
    """
    from scipy.stats import qmc

    draw = np.random.default_rng(seed)
    others = qmc.LatinHypercube(first.size, rng=draw).random(count - 1)
    return [first, *(_EDGE + (1 - 2 * _EDGE) * others)]
