"""Charge transfer between the catholyte and the active material."""

from __future__ import annotations

from typing import Any

import pybamm

from sscell.parameters import Quantity
from sscell.units import FARADAY, GAS_CONSTANT

__all__ = ["ChargeTransfer"]


class ChargeTransfer(pybamm.BaseSubModel):
    r"""Butler-Volmer kinetics of equal coefficients at the particle surface.

    .. math:: \phi_s - \phi_e = \phi_{surf} - \eta, \quad
        \eta = (2RT/F)\,\mathrm{asinh}(j/2i_0)
    """

    def __init__(self) -> None:
        super().__init__(None, domain="positive", name="charge transfer")

    @staticmethod
    def quantities() -> tuple[Quantity, ...]:
        """What a parameter set says about the surface of the active material."""
        name = "Positive electrode exchange-current density"
        return (
            Quantity("Positive particle radius [m]", "of the active material", 1e-9, 1e-3),
            Quantity(f"{name} [A.m-2]", "per particle surface", 1e-8, 1e6),
            Quantity(f"{name} activation energy [J.mol-1]", "Arrhenius", 0, 3e5),
        )

    def get_coupled_variables(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Give the overpotential (positive on discharge) and the local potential."""
        name = "Positive electrode exchange-current density"
        i0 = pybamm.Parameter(f"{name} [A.m-2]") * pybamm.exp(
            pybamm.Parameter(f"{name} activation energy [J.mol-1]")
            * variables["Arrhenius factor [mol.J-1]"]
        )
        thermal = GAS_CONSTANT * pybamm.Parameter("Ambient temperature [K]") / FARADAY
        j = variables["Positive particle reduction current density [A.m-2]"]
        eta = 2 * thermal * pybamm.arcsinh(j / (2 * i0))
        return {
            "Positive electrode reaction overpotential [V]": eta,
            "Positive electrode potential [V]": variables[
                "Positive particle surface potential [V]"
            ]
            - eta,
        }
