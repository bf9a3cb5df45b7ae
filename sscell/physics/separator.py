"""Solid-electrolyte layers between the electrodes."""

from __future__ import annotations

from typing import Any

import pybamm

from sscell.physics.quantities.transport import separator
from sscell.units import GAS_CONSTANT

__all__ = ["SeparatorLayers"]


class SeparatorLayers(pybamm.BaseSubModel):
    r"""One or more single-ion conductors in series: no salt balance, only Ohm's law.

    .. math:: \Delta\phi = i \left(R_{gb} + \sum_k L_k/\sigma_k(T)\right), \quad
        \sigma = \sigma_{ref}\, e^{-(E/R)(1/T - 1/T_{ref})}

    Parameters
    ----------
    layers : tuple of str
        Names, from the anode on; each has a thickness and a conductivity.
    double_layer : bool
        Whether the grain boundaries are charged: a resistance beside a capacity.
    """

    def __init__(self, layers: tuple[str, ...], double_layer: bool):
        super().__init__(None, domain="separator", name="separator layers")
        self._layers = layers
        self._double_layer = double_layer

    quantities = staticmethod(separator)

    def get_fundamental_variables(self) -> dict[str, Any]:
        """Give the voltage of the grain boundaries, where they are charged."""
        if not self._double_layer:
            return {}
        drop = pybamm.Variable("Separator grain-boundary overpotential [V]")
        return {drop.name: drop}

    def get_coupled_variables(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Give the resistance and the ohmic loss, positive on discharge."""
        resistance = sum(self._resistance(layer) for layer in self._layers)
        i = variables["Current density [A.m-2]"]
        own = {
            "Separator resistance [Ohm.m2]": resistance,
            "Separator ohmic losses [V]": i * resistance,
        }
        if not self._double_layer:
            own["Separator grain-boundary overpotential [V]"] = i * self._boundary(
                variables
            )
        return own

    @staticmethod
    def _boundary(variables: dict[str, Any]) -> Any:
        """Resistance of the grain boundaries and of what has grown there [Ohm.m2]."""
        fresh = pybamm.Parameter("Separator grain-boundary resistance [Ohm.m2]")
        colder = pybamm.exp(
            -pybamm.Parameter("Separator grain-boundary activation energy [J.mol-1]")
            * variables["Arrhenius factor [mol.J-1]"]
        )
        return fresh * colder + variables["Boundary resistance grown [Ohm.m2]"]

    def set_rhs(self, variables: dict[str, Any]) -> None:
        """Charge the grain boundaries."""
        if self._double_layer:
            drop = variables["Separator grain-boundary overpotential [V]"]
            resistance = self._boundary(variables)
            time = resistance * pybamm.Parameter(
                "Separator grain-boundary capacity [F.m-2]"
            )
            i = variables["Current density [A.m-2]"]
            # A vanishing resistance must not divide by zero: it follows within a nanosecond.
            self.rhs[drop] = (i * resistance - drop) / (time + 1e-9)

    def set_initial_conditions(self, variables: dict[str, Any]) -> None:
        """At rest."""
        if self._double_layer:
            drop = variables["Separator grain-boundary overpotential [V]"]
            self.initial_conditions[drop] = pybamm.Scalar(0)

    @staticmethod
    def _resistance(layer: str) -> Any:
        hotter = (
            1 / pybamm.Parameter(f"{layer} conductivity temperature [K]")
            - 1 / pybamm.Parameter("Ambient temperature [K]")
        ) / GAS_CONSTANT
        energy = pybamm.Parameter(f"{layer} conductivity activation energy [J.mol-1]")
        conductivity = pybamm.Parameter(f"{layer} conductivity [S.m-1]")
        thickness = pybamm.Parameter(f"{layer} thickness [m]")
        return thickness / (conductivity * pybamm.exp(energy * hotter))
