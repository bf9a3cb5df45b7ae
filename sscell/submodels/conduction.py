"""How the current spreads over the cathode's particles."""

from __future__ import annotations

from typing import Any

import pybamm

__all__ = ["UniformReaction"]


class UniformReaction(pybamm.BaseSubModel):
    r"""All particles alike: the current spreads evenly over their surface.

    .. math:: j = I/S, \quad S = 3 V_{am}/R
    """

    def __init__(self) -> None:
        super().__init__(None, domain="positive", name="uniform reaction")

    def get_coupled_variables(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Give the current density at the particles, positive where it reduces them."""
        j = variables["Current [A]"] / variables["Positive particle surface area [m2]"]
        return {
            "Positive particle reduction current density [A.m-2]": j,
            # PyBaMM counts oxidation as positive: the one place that converts.
            "Positive electrode interfacial current density [A.m-2]": -j,
        }
