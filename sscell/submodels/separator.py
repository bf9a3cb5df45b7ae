"""Solid-electrolyte layers between the electrodes."""

from __future__ import annotations

from typing import Any

import pybamm

from sscell.parameters import Quantity
from sscell.units import GAS_CONSTANT

__all__ = ["SeparatorLayers"]


class SeparatorLayers(pybamm.BaseSubModel):
    r"""One or more single-ion conductors in series: no salt balance, only Ohm's law.

    .. math:: \Delta\phi = i \sum_k L_k/\sigma_k(T), \quad
        \sigma = \sigma_{ref}\, e^{-(E/R)(1/T - 1/T_{ref})}

    Parameters
    ----------
    layers : tuple of str
        Names, from the anode on; each has a thickness and a conductivity.
    """

    def __init__(self, layers: tuple[str, ...]):
        super().__init__(None, domain="separator", name="separator layers")
        self._layers = layers

    @staticmethod
    def quantities(layers: tuple[str, ...]) -> tuple[Quantity, ...]:
        """What a parameter set says about each layer."""
        rows: list[Quantity] = []
        for layer in layers:
            rows += [
                Quantity(f"{layer} thickness [m]", "as pressed", 1e-7, 1e-2),
                Quantity(
                    f"{layer} conductivity [S.m-1]", "at its own temperature", 1e-8, 1e3
                ),
                Quantity(
                    f"{layer} conductivity temperature [K]",
                    "where the conductivity is given",
                    173.15,
                    473.15,
                    298.15,
                ),
                Quantity(
                    f"{layer} conductivity activation energy [J.mol-1]", "Arrhenius", 0, 2e5
                ),
            ]
        return tuple(rows)

    def get_coupled_variables(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Give the resistance and the ohmic loss, positive on discharge."""
        resistance = sum(self._resistance(layer) for layer in self._layers)
        return {
            "Separator resistance [Ohm.m2]": resistance,
            "Separator ohmic losses [V]": variables["Current density [A.m-2]"] * resistance,
        }

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
