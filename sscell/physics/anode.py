"""Anodes of constant potential: lithium, sodium and two-phase alloys."""

from __future__ import annotations

from typing import Any

import pybamm

from sscell.physics.quantities.anodes import plateau
from sscell.units import FARADAY, GAS_CONSTANT

__all__ = ["PlateauAnode"]

_I0 = "Negative electrode exchange-current density"
_END = 1e-3  # share of the inventory over which the plateau ends
_EMPTY = 1e-6  # below this share the potential runs away along its tangent


class PlateauAnode(pybamm.BaseSubModel):
    r"""Metal or two-phase alloy with Butler-Volmer kinetics of equal coefficients.

    .. math:: U = U_0 + \frac{dU}{dT}(T - T_{ref}) + \frac{RT}{F}
        \ln\left(1 + \frac{0.001}{\theta}\right), \quad
        \eta = (2RT/F)\,\mathrm{asinh}(i/2i_0) + i R_{film}

    The plateau lasts while the inventory :math:`\theta` does.

    Parameters
    ----------
    double_layer : bool
        Whether the double layer is charged.
    side : str, optional
        ``"negative"``, or ``"positive"`` for the second electrode of a symmetric cell, which
        takes up what the first gives; both have the values of the negative electrode.
    """

    def __init__(self, double_layer: bool, side: str = "negative") -> None:
        super().__init__(None, domain=side, name=f"{side} plateau electrode")
        self._double_layer = double_layer
        self._side, self._gives = side.capitalize(), 1 if side == "negative" else -1
        self._eta = f"{self._side} electrode reaction overpotential [V]"

    quantities = staticmethod(plateau)

    def get_fundamental_variables(self) -> dict[str, Any]:
        """Give the overpotential, where it charges the double layer."""
        return {self._eta: pybamm.Variable(self._eta)} if self._double_layer else {}

    def get_coupled_variables(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Give the open-circuit potential and the losses, positive on discharge."""
        temperature = pybamm.Parameter("Ambient temperature [K]")
        thermal = GAS_CONSTANT * temperature / FARADAY
        i, electrode = variables["Current density [A.m-2]"], f"{self._side} electrode"
        gone = self._gives * variables["Discharge capacity [A.h]"]
        theta = pybamm.Parameter("Initial negative electrode filling") - (
            gone / pybamm.Parameter("Negative electrode capacity [A.h]")
        )
        heated = temperature - pybamm.Parameter("Reference temperature [K]")
        # Where voids part the metal from the electrolyte, the current crowds on the rest.
        crowded = i / self._contact(variables)
        own = {
            f"{electrode} inventory": theta,
            f"{electrode} open-circuit potential [V]": pybamm.Parameter(
                "Negative electrode OCP [V]"
            )
            + pybamm.Parameter("Negative electrode OCP entropic change [V.K-1]") * heated
            + thermal * self._end_of_plateau(theta),
            f"{electrode} interphase overpotential [V]": crowded
            * pybamm.Parameter("Negative electrode interphase resistance [Ohm.m2]"),
            f"{electrode} thickness change [m]": -pybamm.Parameter(
                "Negative electrode molar volume [m3.mol-1]"
            )
            * (gone * 3600 / FARADAY / pybamm.Parameter("Electrode area [m2]")),
        }
        if not self._double_layer:
            own[self._eta] = (
                2 * thermal * pybamm.arcsinh(crowded / (2 * self._i0(variables)))
            )
        return own

    def _contact(self, variables: dict[str, Any]) -> Any:
        """Share of the interface that touches: all of it without a model of voids."""
        return variables.get(f"{self._side} electrode contact fraction", pybamm.Scalar(1))

    @staticmethod
    def _end_of_plateau(theta: Any) -> Any:
        """Rise of the potential as the inventory ends [RT/F]; an empty anode gives nothing."""
        left = pybamm.maximum(theta, _EMPTY)
        return pybamm.log(1 + _END / left) + (left - theta) / _EMPTY

    @staticmethod
    def _i0(variables: dict[str, Any]) -> Any:
        return pybamm.Parameter(f"{_I0} [A.m-2]") * pybamm.exp(
            pybamm.Parameter(f"{_I0} activation energy [J.mol-1]")
            * variables["Arrhenius factor [mol.J-1]"]
        )

    def set_rhs(self, variables: dict[str, Any]) -> None:
        """Charge the double layer."""
        if self._double_layer:
            thermal = GAS_CONSTANT * pybamm.Parameter("Ambient temperature [K]") / FARADAY
            eta = variables[self._eta]
            faradaic = 2 * self._i0(variables) * pybamm.sinh(eta / (2 * thermal))
            capacity = pybamm.Parameter("Negative electrode double-layer capacity [F.m-2]")
            crowded = variables["Current density [A.m-2]"] / self._contact(variables)
            self.rhs[eta] = (crowded - faradaic) / capacity

    def set_initial_conditions(self, variables: dict[str, Any]) -> None:
        """At rest."""
        if self._double_layer:
            self.initial_conditions[variables[self._eta]] = pybamm.Scalar(0)
