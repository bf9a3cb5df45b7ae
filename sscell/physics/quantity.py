"""A number that physics asks for, with its bounds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from sscell.errors import ParameterError
from sscell.units import unit_of

__all__ = ["Quantity", "positive_number"]


@dataclass(frozen=True)
class Quantity:
    """What a physics part asks of a parameter set.

    Parameters
    ----------
    name : str
        PyBaMM's notation, unit in brackets.
    meaning : str
        One line in the field's words.
    lower, upper : float, optional
        Allowed range, both ends included.
    default : float, optional
        Neutral value that switches the effect off; without one the set must give it.

    Examples
    --------
    >>> Quantity("Separator thickness [m]", "pressed thickness", 1e-7, 1e-2).unit
    'm'
    """

    name: str
    meaning: str
    lower: float = -math.inf
    upper: float = math.inf
    default: float | None = None

    @property
    def unit(self) -> str:
        """Unit in the brackets."""
        return unit_of(self.name)

    def check(self, value: Any) -> float:
        """Return the value as float, or raise if it is out of bounds.

        Parameters
        ----------
        value : float
            In the unit of the name.

        Returns
        -------
        float

        Raises
        ------
        ParameterError
            If it is no finite number or outside the allowed range.
        """
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ParameterError(f"'{self.name}' must be a number, not {value!r}.")
        if not math.isfinite(value) or not self.lower <= value <= self.upper:
            raise ParameterError(
                f"'{self.name}' is {value:g}; allowed: {self.lower:g} to {self.upper:g} "
                f"({self.meaning})."
            )
        return float(value)


def positive_number(name: str, value: Any) -> float:
    """Return an amount of a table as float, or raise if it is none.

    Parameters
    ----------
    name : str
        Its key, for the message.
    value : object
        As the table has it.

    Returns
    -------
    float
        In the `unit` of the table.

    Raises
    ------
    ParameterError
        If it is no finite number above zero.

    Examples
    --------
    >>> positive_number("guest_per_host", 1)
    1.0
    """
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 < value < math.inf:
        raise ParameterError(f"'{name}' must be above 0, not {value!r}.")
    return float(value)
