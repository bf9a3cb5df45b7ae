"""Oxidation of the catholyte: irreversible, and of finite capacity."""

from __future__ import annotations

from typing import Any

import pybamm

from sscell.physics.quantities.surface import redox
from sscell.physics.symbols import softplus
from sscell.units import FARADAY, GAS_CONSTANT

__all__ = ["ElectrolyteRedox"]

_FRACTION = "Positive electrode electrolyte mass fraction"
_CAPACITY = "Electrolyte oxidation capacity [A.h.kg-1]"
_CORNER = 0.01  # V


class ElectrolyteRedox(pybamm.BaseSubModel):
    r"""Tafel oxidation of what is left of the reactive catholyte.

    .. math:: j = -j_0 a(E)\, q\, e^{\alpha F(\Delta\phi - U)/RT}
        \left(1 - e^{-\alpha F \eta/RT}\right), \quad
        \eta = w \ln\left(1 + e^{(\Delta\phi - U_0)/w}\right), \quad
        \dot q = j S / Q

    where :math:`q` is the share left, :math:`Q` the charge of all of it and :math:`S` the
    particle surface. What is oxidised adds to the interphase. Below its onset :math:`U_0`
    (:math:`w` = 10 mV rounds the corner) nothing reacts: a cell as assembled, or discharged
    to there, rests. A set without an onset has Tafel's law alone.

    Parameters
    ----------
    distributed : bool
        Whether it varies over the thickness.
    """

    def __init__(self, distributed: bool):
        super().__init__(None, domain="positive", name="electrolyte redox")
        self._where = ["positive electrode"] if distributed else []

    quantities = staticmethod(redox)

    def get_fundamental_variables(self) -> dict[str, Any]:
        """Give the share of the reactive electrolyte that is left."""
        left = pybamm.Variable("Reactive electrolyte fraction", domain=self._where)
        return {"Reactive electrolyte fraction": left}

    def get_coupled_variables(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Give the current density (negative: oxidation) and its interphase."""
        name = "Electrolyte oxidation"
        thermal = GAS_CONSTANT * pybamm.Parameter("Ambient temperature [K]") / FARADAY
        local = variables["Positive electrode local potential difference [V]"]
        left = variables["Reactive electrolyte fraction"]
        alpha = pybamm.Parameter(f"{name} transfer coefficient")
        drive = alpha * (local - pybamm.Parameter(f"{name} potential [V]"))
        above = (local - pybamm.Parameter(f"{name} onset potential [V]")) / _CORNER
        stopped = 1 - pybamm.exp(-alpha * _CORNER * softplus(above) / thermal)
        j = (
            -pybamm.Parameter(f"{name} current density [A.m-2]")
            * pybamm.exp(
                pybamm.Parameter(f"{name} activation energy [J.mol-1]")
                * variables["Arrhenius factor [mol.J-1]"]
            )
            * left
            * pybamm.exp(drive / thermal)
            * stopped
        )
        area = variables["Positive particle surface area [m2]"]
        return {
            "Electrolyte redox current density [A.m-2]": j,
            "Electrolyte redox current [A]": pybamm.x_average(
                variables["Relative particle surface"] * j
            )
            * area,
            "Electrolyte redox interphase resistance [Ohm.m2]": pybamm.Parameter(
                f"{name} interphase resistance [Ohm.m2]"
            )
            * (1 - left),
            "Mean reactive electrolyte fraction": pybamm.x_average(left),
        }

    @staticmethod
    def charge() -> Any:
        """Charge of all reactive electrolyte in the cathode [A.h]."""
        mass = pybamm.Parameter("Positive electrode mass [kg]") * pybamm.Parameter(
            _FRACTION
        )
        return mass * pybamm.Parameter(_CAPACITY)

    def set_rhs(self, variables: dict[str, Any]) -> None:
        """Use up the reactive electrolyte."""
        left = variables["Reactive electrolyte fraction"]
        current = (
            variables["Electrolyte redox current density [A.m-2]"]
            * variables["Relative particle surface"]
            * variables["Positive particle surface area [m2]"]
        )
        self.rhs[left] = current / (3600 * self.charge())

    def set_initial_conditions(self, variables: dict[str, Any]) -> None:
        """None is oxidised in a fresh cell."""
        left = variables["Reactive electrolyte fraction"]
        self.initial_conditions[left] = pybamm.Scalar(1)
