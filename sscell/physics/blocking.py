"""Electrodes that take no ions: steel, gold, carbon."""

from __future__ import annotations

from typing import Any

import pybamm

from sscell.physics.quantities.anodes import blocking

__all__ = ["BlockingElectrode"]

_CAPACITY = "Negative electrode double-layer capacity [F.m-2]"


class BlockingElectrode(pybamm.BaseSubModel):
    r"""Metal that takes no ions: a double layer and nothing beside it.

    .. math:: C\,\frac{d\eta}{dt} = i

    Parameters
    ----------
    double_layer : bool
        Taken as true: there is nothing else.
    side : str, optional
        ``"negative"`` or ``"positive"``.
    """

    def __init__(self, double_layer: bool, side: str = "negative") -> None:
        super().__init__(None, domain=side, name=f"{side} blocking electrode")
        self._side = side.capitalize()
        self._eta = f"{self._side} electrode reaction overpotential [V]"

    quantities = staticmethod(blocking)

    def get_fundamental_variables(self) -> dict[str, Any]:
        """Give the voltage of the double layer."""
        return {self._eta: pybamm.Variable(self._eta)}

    def get_coupled_variables(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Give no potential of its own and no further loss."""
        zero = pybamm.Scalar(0)
        return {
            f"{self._side} electrode {what}": zero
            for what in (
                "inventory",
                "open-circuit potential [V]",
                "interphase overpotential [V]",
                "thickness change [m]",
            )
        }

    def set_rhs(self, variables: dict[str, Any]) -> None:
        """Charge the double layer with all of the current."""
        rate = variables["Current density [A.m-2]"] / pybamm.Parameter(_CAPACITY)
        self.rhs[variables[self._eta]] = rate

    def set_initial_conditions(self, variables: dict[str, Any]) -> None:
        """At rest."""
        self.initial_conditions[variables[self._eta]] = pybamm.Scalar(0)
