"""Charge that goes elsewhere at the cathode: what charges pass and discharges do not return."""

from __future__ import annotations

from typing import Any

import pybamm

from sscell.physics.quantities.surface import side_reaction
from sscell.units import FARADAY, GAS_CONSTANT

__all__ = ["CHARGE", "CURRENT", "SideReaction"]

CURRENT = "Side reaction current density [A.m-2]"
CHARGE = "Side reaction charge [A.h]"
_NAME = "Side reaction"


class SideReaction(pybamm.BaseSubModel):
    r"""Irreversible oxidation beside the active material, that never ends.

    .. math:: j = -j_0\, a(E)\, \max(0, 1 + g\,q)\, e^{\alpha F(\Delta\phi - U)/RT}

    per particle surface, where :math:`q` is the charge that is gone, per charge of 1C in an
    hour: what has formed may further the reaction or slow it. It takes charge on every
    charge, and at rest lets the cell discharge itself: the share that does not come back grows
    with time, potential and temperature.

    Parameters
    ----------
    distributed : bool
        Whether it varies over the thickness.
    """

    def __init__(self, distributed: bool):
        super().__init__(None, domain="positive", name="side reaction")
        self._distributed = distributed

    quantities = staticmethod(side_reaction)

    def get_fundamental_variables(self) -> dict[str, Any]:
        """Give the charge that is gone."""
        return {CHARGE: pybamm.Variable(CHARGE)}

    def get_coupled_variables(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Give the current density (negative: oxidation)."""
        thermal = GAS_CONSTANT * pybamm.Parameter("Ambient temperature [K]") / FARADAY
        local = variables["Positive electrode local potential difference [V]"]
        drive = pybamm.Parameter(f"{_NAME} transfer coefficient") * (
            local - pybamm.Parameter(f"{_NAME} potential [V]")
        )
        heated = pybamm.exp(
            pybamm.Parameter(f"{_NAME} activation energy [J.mol-1]")
            * variables["Arrhenius factor [mol.J-1]"]
        )
        gone = variables[CHARGE] / pybamm.Parameter("Nominal cell capacity [A.h]")
        grown = pybamm.maximum(1 + pybamm.Parameter(f"{_NAME} growth") * gone, 0)
        j = (
            -pybamm.Parameter(f"{_NAME} exchange-current density [A.m-2]")
            * grown
            * heated
            * pybamm.exp(drive / thermal)
        )
        mean = pybamm.x_average(variables["Relative particle surface"] * j)
        area = variables["Positive particle surface area [m2]"]
        return {CURRENT: j, "Side reaction current [A]": mean * area}

    def set_rhs(self, variables: dict[str, Any]) -> None:
        """Count the charge: positive where oxidation took it."""
        self.rhs[variables[CHARGE]] = -variables["Side reaction current [A]"] / 3600

    def set_initial_conditions(self, variables: dict[str, Any]) -> None:
        """None is gone in a fresh cell."""
        self.initial_conditions[variables[CHARGE]] = pybamm.Scalar(0)
