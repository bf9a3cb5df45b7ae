"""What a fit varies, between which bounds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sscell.cells.cell import Cell
from sscell.errors import ParameterError

__all__ = ["Variable", "variables_of"]


_WIDE = 3.0  # bounds further apart than this factor: logarithmic


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


def variables_of(
    cell: Cell,
    vary: Mapping[str, tuple[float, float]],
    labels: Sequence[str],
    log: Sequence[str] | None = None,
    priors: Mapping[str, tuple[float, float]] | None = None,
    separate: Sequence[str] = (),
) -> tuple[Variable, ...]:
    """Parameters that move, checked.

    Parameters
    ----------
    cell : Cell
        Whose parameters they are.
    vary : mapping of str to tuple of float
        Lower and upper bound by name.
    labels : sequence of str
        Names of the datasets.
    log : sequence of str, optional
        Those on a logarithmic scale; default: positive bounds more than a factor 3 apart.
    priors : mapping of str to tuple of float, optional
        Mean and standard deviation by name.
    separate : sequence of str, optional
        Those with one value for each dataset.

    Returns
    -------
    tuple of Variable

    Raises
    ------
    ParameterError
        If a name is unknown, or a bound or a prior is not usable.

    Examples
    --------
    >>> cell = Cell.load("Ji2024")
    >>> [v.log for v in variables_of(cell, {"R3 rate constant [s-1]": (1e-6, 1e-3)}, ["a"])]
    [True]
    """
    if not vary:
        raise ParameterError("Name at least one parameter to vary, with its bounds.")
    for what, names in (("log", log), ("priors", priors), ("separate", separate)):
        for name in names or ():
            if name not in vary:
                raise ParameterError(f"'{name}' of {what} is not among those that vary.")
    found: list[Variable] = []
    for name, bounds in vary.items():
        low, high = _bounds(cell, name, bounds)
        wide = low > 0 and high / low > _WIDE
        scale = wide if log is None else name in log
        if scale and low <= 0:
            raise ParameterError(f"'{name}' needs a positive lower bound for a log scale.")
        prior = _prior(name, (priors or {}).get(name), scale)
        own = enumerate(labels) if name in separate else [(None, "")]
        found += [Variable(name, low, high, scale, prior, k, label) for k, label in own]
    return tuple(found)


def _bounds(cell: Cell, name: str, bounds: Any) -> tuple[float, float]:
    quantity = cell.quantity(name)
    if name == "Ambient temperature [K]":
        raise ParameterError(
            "The temperature is a condition of the data; give it with each dataset."
        )
    try:
        low, high = (quantity.check(float(b)) for b in bounds)
    except (TypeError, ValueError) as error:
        if isinstance(error, ParameterError):
            raise
        raise ParameterError(f"'{name}' needs two bounds, not {bounds!r}.") from None
    if low >= high:
        raise ParameterError(f"The bounds of '{name}', {low:g} and {high:g}, are no range.")
    return low, high


def _prior(name: str, prior: Any, log: bool) -> tuple[float, float] | None:
    if prior is None:
        return None
    try:
        mean, spread = (float(x) for x in prior)
    except (TypeError, ValueError):
        raise ParameterError(f"The prior of '{name}' needs a mean and an error.") from None
    if not (math.isfinite(mean) and 0 < spread < math.inf) or (log and mean <= 0):
        raise ParameterError(f"The prior of '{name}' must be positive, not {prior!r}.")
    return mean, spread
