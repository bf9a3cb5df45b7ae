"""Anodes of constant potential: lithium, sodium and two-phase alloys."""

from __future__ import annotations

from typing import Any

import pybamm

from sscell.parameters import Quantity
from sscell.units import FARADAY, GAS_CONSTANT

__all__ = ["PlateauAnode"]


class PlateauAnode(pybamm.BaseSubModel):
    r"""Metal or two-phase alloy with Butler-Volmer kinetics of equal coefficients.

    .. math:: \eta = (2RT/F)\,\mathrm{asinh}(i/2i_0), \quad i_0 = i_{0,ref}\,a(E)
    """

    def __init__(self) -> None:
        super().__init__(None, domain="negative", name="plateau anode")

    @staticmethod
    def quantities() -> tuple[Quantity, ...]:
        """What a parameter set says about the anode."""
        return (
            Quantity("Negative electrode OCP [V]", "against the working metal", -0.5, 4.0),
            Quantity(
                "Negative electrode mass [kg]", "all of it; zero: not known", 0, 1, 0.0
            ),
            Quantity(
                "Negative electrode specific capacity [A.h.kg-1]",
                "per mass of all of it; zero: not known",
                0,
                1e4,
                0.0,
            ),
            Quantity(
                "Negative electrode exchange-current density [A.m-2]",
                "per electrode area, at the reference temperature",
                1e-6,
                1e6,
            ),
            Quantity(
                "Negative electrode exchange-current density activation energy [J.mol-1]",
                "Arrhenius",
                0,
                3e5,
            ),
        )

    def get_coupled_variables(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Give the open-circuit potential and the overpotential, positive on discharge."""
        thermal = GAS_CONSTANT * pybamm.Parameter("Ambient temperature [K]") / FARADAY
        name = "Negative electrode exchange-current density"
        i0 = pybamm.Parameter(f"{name} [A.m-2]") * pybamm.exp(
            pybamm.Parameter(f"{name} activation energy [J.mol-1]")
            * variables["Arrhenius factor [mol.J-1]"]
        )
        i = variables["Current density [A.m-2]"]
        return {
            "Negative electrode open-circuit potential [V]": pybamm.Parameter(
                "Negative electrode OCP [V]"
            ),
            "Negative electrode reaction overpotential [V]": 2
            * thermal
            * pybamm.arcsinh(i / (2 * i0)),
        }
