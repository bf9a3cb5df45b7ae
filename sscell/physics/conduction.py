"""How ions and electrons reach the cathode's particles, and how the current spreads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pybamm

from sscell.units import GAS_CONSTANT

__all__ = [
    "DistributedCathode",
    "LumpedCathode",
    "composite_conductivities",
]

ELECTRODE = "positive electrode"
_ION = "Positive electrode effective ionic conductivity [S.m-1]"
_ELECTRON = "Positive electrode effective electronic conductivity [S.m-1]"
Closure = Callable[[dict[str, Any]], dict[str, Any]]


def composite_conductivities(variables: dict[str, Any]) -> dict[str, Any]:
    r"""Effective conductivities of a composite from its volume fractions.

    .. math:: \sigma_{ion,eff} = \sigma_{ion}\,\varepsilon_{ion}^b\,\theta^\gamma, \quad
        \sigma_{el,eff} = \sigma_C\,\varepsilon_C^b + \sigma_{AM}\,\varepsilon_{AM}^b

    with carbon and the active material side by side: without carbon the active material
    has to conduct.

    Parameters
    ----------
    variables : dict
        With the volume fractions of electrolyte, carbon and active material and the
        conduction factor of the contact [-].

    Returns
    -------
    dict
        Ionic and electronic conductivity of the cathode layer [S.m-1].
    """
    ion = "Positive electrode electrolyte conductivity"
    colder = (
        1 / pybamm.Parameter("Ambient temperature [K]")
        - 1 / pybamm.Parameter(f"{ion} temperature [K]")
    ) / GAS_CONSTANT
    thermal = pybamm.exp(-pybamm.Parameter(f"{ion} activation energy [J.mol-1]") * colder)
    ions = variables["Positive electrode electrolyte volume fraction"] ** pybamm.Parameter(
        "Positive electrode Bruggeman coefficient (electrolyte)"
    )
    power = pybamm.Parameter("Positive electrode Bruggeman coefficient (electrode)")
    electrons = pybamm.Parameter("Positive electrode conductivity [S.m-1]") * (
        variables["Positive electrode carbon volume fraction"] ** power
    ) + pybamm.Parameter("Positive electrode active material conductivity [S.m-1]") * (
        variables["Positive electrode active material volume fraction"] ** power
    )
    return {
        "Positive electrode effective ionic conductivity [S.m-1]": pybamm.Parameter(
            f"{ion} [S.m-1]"
        )
        * thermal
        * ions
        * variables["Contact conduction factor"],
        "Positive electrode effective electronic conductivity [S.m-1]": electrons,
    }


class LumpedCathode(pybamm.BaseSubModel):
    r"""All particles alike: the current spreads evenly, with the Ohmic drop of that.

    .. math:: j = I/S, \quad
        \Delta\phi_{ion} = -iL/(3\sigma_i), \quad \Delta\phi_{el} = -iL/(3\sigma_e)

    Parameters
    ----------
    implicit : bool
        Whether the current divides at the particles; else all of it reduces them.
    closure : callable, optional
        Effective conductivities [S.m-1] from the model's variables.
    """

    def __init__(self, implicit: bool, closure: Closure = composite_conductivities) -> None:
        super().__init__(None, domain="positive", name="lumped cathode")
        self._implicit, self._closure = implicit, closure

    def get_coupled_variables(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Give the current density at the particles and the Ohmic drops."""
        layer = _layer(self._closure, variables)
        i = variables["Current density [A.m-2]"]
        third = i * variables["Positive electrode thickness [m]"] / 3
        ion, electron = (layer[f"X-averaged {_lower(n)}"] for n in (_ION, _ELECTRON))
        total = variables["Current [A]"] / variables["Positive particle surface area [m2]"]
        own = layer | {
            "Positive electrode total reduction current density [A.m-2]": total,
            "Cathode ion contribution [V]": -third / ion,
            "Cathode electron contribution [V]": -third / electron,
        }
        if not self._implicit:
            own["Positive particle reduction current density [A.m-2]"] = total
        return own


class DistributedCathode(pybamm.BaseSubModel):
    r"""Potentials over the thickness, from the separator (z = 0) to the collector.

    The potential difference :math:`\Delta\phi = \phi_s - \phi_e` is the only field: the sum
    of the ionic and the electronic current is the cell's.

    .. math::
        i_e = \frac{\sigma_i}{\sigma_i + \sigma_e}
        \left(i + \sigma_e \frac{\partial\Delta\phi}{\partial z}\right), \quad
        a\, j = -\frac{\partial i_e}{\partial z}, \quad i_e(0) = i, \; i_e(L) = 0

    Parameters
    ----------
    closure : callable, optional
        Effective conductivities [S.m-1] from the model's variables.
    """

    def __init__(self, closure: Closure = composite_conductivities) -> None:
        super().__init__(None, domain="positive", name="distributed cathode")
        self._closure = closure

    def get_coupled_variables(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Give the local currents, the conduction losses and the collector's potential."""
        layer = _layer(self._closure, variables)
        ion, electron = layer[_ION], layer[_ELECTRON]
        i = variables["Current density [A.m-2]"]
        length = variables["Positive electrode thickness [m]"]
        local = variables["Positive electrode local potential difference [V]"]
        share = ion / (ion + electron)
        edge: Any = pybamm.SpatialVariableEdge(
            "x_p", domain=[ELECTRODE], coord_sys="cartesian"
        )
        # At the two ends the current is known: the balance stays exact where conductivities
        # differ from place to place.
        first, last = edge < 1e-9, edge > 1 - 1e-9
        entering = pybamm.PrimaryBroadcastToEdges(i, ELECTRODE)
        inside = share * (entering + electron * pybamm.grad(local) / length)
        ionic = inside * (1 - first - last) + entering * first
        z = pybamm.SpatialVariable("x_p", domain=[ELECTRODE], coord_sys="cartesian")
        resisted = ionic / ion
        potential = -pybamm.IndefiniteIntegral(resisted, z) * length
        even = pybamm.PrimaryBroadcast(1, ELECTRODE)
        through = -pybamm.x_average(pybamm.Inner(resisted, even)) * length
        collector = pybamm.boundary_value(local, "right") + through
        mean = pybamm.x_average(potential)
        particles = variables["Positive particle surface area [m2]"]
        volume = pybamm.Parameter("Electrode area [m2]") * length
        return layer | {
            "Positive electrode ionic current density [A.m-2]": ionic,
            "Positive electrode electrolyte potential [V]": potential,
            "Positive electrode total reduction current density [A.m-2]": -pybamm.div(ionic)
            / length
            * volume
            / particles,
            "Cathode ion contribution [V]": mean,
            "Cathode electron contribution [V]": collector - mean - pybamm.x_average(local),
        }

    def set_boundary_conditions(self, variables: dict[str, Any]) -> None:
        """All current is ionic at the separator and electronic at the collector."""
        local = variables["Positive electrode local potential difference [V]"]
        slope = (
            variables["Current density [A.m-2]"]
            * (variables["Positive electrode thickness [m]"])
        )
        ion, electron = (
            pybamm.boundary_value(variables[name], side)
            for name, side in ((_ION, "left"), (_ELECTRON, "right"))
        )
        self.boundary_conditions[local] = {
            "left": (slope / ion, "Neumann"),
            "right": (-slope / electron, "Neumann"),
        }


def _lower(name: str) -> str:
    return name[0].lower() + name[1:]


def _layer(closure: Closure, variables: dict[str, Any]) -> dict[str, Any]:
    """Conductivities at every place, and their means for results."""
    layer = closure(variables)
    means = {f"X-averaged {_lower(n)}": pybamm.x_average(v) for n, v in layer.items()}
    return layer | means
