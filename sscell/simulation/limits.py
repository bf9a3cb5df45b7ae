"""How a step of a cell is controlled and what ends it, and how finely it is computed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sscell.cells.outline import ATOL, RTOL, SHELLS
from sscell.errors import ParameterError

__all__ = [
    "CAPACITY",
    "CONTROLS",
    "CURRENT",
    "FAR",
    "LIMITS",
    "LOWER",
    "SLOPE",
    "TIGHTER",
    "UPPER",
    "WARMING",
    "Resolution",
]

LOWER, UPPER = "lower voltage cut-off", "upper voltage cut-off"
CURRENT, CAPACITY = "current limit", "capacity limit"
FAR = 1e3  # V or A.h: a limit that is never reached
LIMITS = {
    "Lower limit [V]": -FAR,
    "Upper limit [V]": FAR,
    "Current limit [A]": -1.0,
    "Discharge capacity limit [A.h]": FAR,
    "Charge capacity limit [A.h]": -FAR,
}
TIGHTER = (0.1, 0.01)  # shares of the tolerances at which what failed is tried again
SLOPE = "Current slope [A.s-1]"
WARMING = "Temperature slope [K.s-1]"
# Inputs of their own of each way to control a cell.
CONTROLS: dict[str, dict[str, float]] = {
    "current": {},
    "ramp": {SLOPE: 0.0},
    "voltage": {"Voltage start [V]": 0.0, "Voltage slope [V.s-1]": 0.0},
    "drive": {SLOPE: 0.0, WARMING: 0.0},
    "power": {"Power start [W]": 0.0, "Power slope [W.s-1]": 0.0, WARMING: 0.0},
}


@dataclass(frozen=True)
class Resolution:
    """How finely and how exactly a cell is computed.

    Parameters
    ----------
    shells : int, optional
        Finite volumes over the particle radius.
    thickness_points : int, optional
        Finite volumes over the cathode's thickness; 0: one particle for all.
    double_layer : bool, optional
        Whether double layers and grain boundaries are charged.
    rtol, atol : float, optional
        Tolerances of the integration [-]. The absolute one holds for potentials and charges;
        contents and fractions, which are of order one, have up to ten times as much, by the
        cathode (`Host.content_tolerance`), and current densities thirty times. The
        default's error in the voltage is at most 40 uV rms in half cycles and titrations of
        every published cell.

    Raises
    ------
    ParameterError
        If a number is out of its range.

    Examples
    --------
    >>> Resolution(shells=25).thickness_points
    0
    """

    shells: int = SHELLS
    thickness_points: int = 0
    double_layer: bool = False
    rtol: float = RTOL
    atol: float = ATOL

    def __post_init__(self) -> None:
        _whole("Shells", self.shells, 3, 5000)
        if self.thickness_points:
            _whole("Thickness points", self.thickness_points, 3, 1000)
        if not (0 < self.rtol <= 0.1 and 0 < self.atol <= 0.1):
            raise ParameterError(
                f"Tolerances must lie in (0, 0.1], not {self.rtol:g} and {self.atol:g}."
            )

    def tighter(self, share: float) -> Resolution:
        """The same meshes at a share of these tolerances.

        Parameters
        ----------
        share : float
            Of both tolerances [-].

        Returns
        -------
        Resolution

        Examples
        --------
        >>> Resolution(rtol=1e-4).tighter(0.1).rtol
        1e-05
        """
        return replace(self, rtol=self.rtol * share, atol=self.atol * share)


def _whole(name: str, value: Any, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ParameterError(
            f"{name} must be a whole number from {low} to {high}, not {value!r}."
        )
