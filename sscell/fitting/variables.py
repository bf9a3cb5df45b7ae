"""What a fit varies, between which bounds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from sscell.cells.cell import Cell
from sscell.errors import ParameterError
from sscell.optimisers.bounds import Variable

__all__ = ["variables_of"]


_WIDE = 3.0  # bounds further apart than this factor: logarithmic


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
