"""Interface of the active material: charge transfer, interphase, double layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pybamm

from sscell.physics.quantities.surface import interface
from sscell.units import FARADAY, GAS_CONSTANT

__all__ = ["Interface"]

_I0 = "Positive electrode exchange-current density"


class Interface(pybamm.BaseSubModel):
    r"""Butler-Volmer kinetics of equal coefficients, an interphase and a double layer.

    .. math:: \Delta\phi = \phi_{surf} - \eta - (j/\theta) R_{film}, \quad
        \eta = (2RT/F)\,\mathrm{asinh}(j/2i_0\theta), \quad
        j_{total} = j + j_{redox} - C \, d\Delta\phi/dt

    where :math:`\theta` is the share of the particle surface that is in contact.

    Parameters
    ----------
    implicit : bool
        Whether the current divides among reactions, the double layer or the thickness:
        then the local potential and the current density are unknowns.
    double_layer : bool
        Whether the double layer (and surface storage) is charged.
    redox : bool
        Whether the electrolyte reacts beside the active material.
    distributed : bool
        Whether everything varies over the thickness, or over sizes of particles.
    sizes : bool, optional
        Whether the particles differ in size and share one potential, that of the double
        layer; it needs one.
    films : sequence of str, optional
        Interphases that the host itself grows [Ohm.m2 of particle surface].
    beside : sequence of str, optional
        Other reactions' reduction current densities [A.m-2 of particle surface].
    """

    def __init__(
        self,
        implicit: bool,
        double_layer: bool,
        redox: bool,
        distributed: bool,
        sizes: bool = False,
        films: Sequence[str] = (),
        beside: Sequence[str] = (),
    ):
        super().__init__(None, domain="positive", name="interface")
        self._implicit = implicit
        self._double_layer = double_layer
        self._redox = redox
        self._sizes = sizes
        self._films, self._beside = films, beside
        self._where = ["positive electrode"] if distributed else []

    quantities = staticmethod(interface)

    def get_fundamental_variables(self) -> dict[str, Any]:
        """Give the unknowns, where the current divides."""
        if not self._implicit:
            return {}
        local = pybamm.Variable(
            "Positive electrode local potential difference [V]", domain=self._where
        )
        j = pybamm.Variable(
            "Positive particle reduction current density [A.m-2]", domain=self._where
        )
        return {v.name: v for v in (local, j)}

    def get_coupled_variables(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Give the overpotential and the interphase drop, positive on discharge."""
        j = variables["Positive particle reduction current density [A.m-2]"]
        i0 = pybamm.Parameter(f"{_I0} [A.m-2]") * pybamm.exp(
            pybamm.Parameter(f"{_I0} activation energy [J.mol-1]")
            * variables["Arrhenius factor [mol.J-1]"]
        )
        thermal = GAS_CONSTANT * pybamm.Parameter("Ambient temperature [K]") / FARADAY
        crowded = j / variables["Contacted surface fraction"]
        eta = 2 * thermal * pybamm.arcsinh(crowded / (2 * i0))
        film = crowded * self._resistance(variables)
        own = {
            "Positive electrode reaction overpotential [V]": pybamm.x_average(eta),
            "Positive electrode interphase overpotential [V]": pybamm.x_average(film),
            # PyBaMM counts oxidation as positive: the one place that converts.
            "Positive electrode interfacial current density [A.m-2]": -j,
            "Positive electrode driven potential difference [V]": variables[
                "Positive particle surface potential [V]"
            ]
            - eta
            - film,
        }
        if self._double_layer:
            # Discharge lowers the potential and takes its charge from the double layer.
            moved = variables["Positive particle initial potential [V]"] - pybamm.x_average(
                variables["Positive electrode local potential difference [V]"]
            )
            area = variables["Positive particle surface area [m2]"]
            own["Positive electrode double-layer charge [A.h]"] = (
                self._capacity() * area * moved / 3600
            )
        if not self._implicit:
            own["Positive electrode local potential difference [V]"] = own[
                "Positive electrode driven potential difference [V]"
            ]
        return own

    def _resistance(self, variables: dict[str, Any]) -> Any:
        """Interphase with all that has grown, per particle surface in contact [Ohm.m2]."""
        resistance = (
            pybamm.Parameter("Positive electrode interphase resistance [Ohm.m2]")
            + variables["Interphase grown [Ohm.m2]"]
        )
        if self._redox:
            resistance += variables["Electrolyte redox interphase resistance [Ohm.m2]"]
        for name in self._films:
            resistance += variables[name]
        energy = pybamm.Parameter(
            "Positive electrode interphase activation energy [J.mol-1]"
        )
        return resistance * pybamm.exp(-energy * variables["Arrhenius factor [mol.J-1]"])

    @staticmethod
    def _capacity() -> Any:
        """Double layer and surface storage [F.m-2]."""
        return pybamm.Parameter(
            "Positive electrode double-layer capacity [F.m-2]"
        ) + pybamm.Parameter("Positive electrode surface storage capacity [F.m-2]")

    def _divided(self, variables: dict[str, Any]) -> Any:
        """What is left of the current for the double layer [A.m-2]."""
        used = variables["Positive particle reduction current density [A.m-2]"]
        if self._redox:
            used += variables["Electrolyte redox current density [A.m-2]"]
        for name in self._beside:
            used += variables[name]
        if self._sizes:
            used = pybamm.x_average(variables["Relative particle surface"] * used)
        return (
            variables["Positive electrode total reduction current density [A.m-2]"] - used
        )

    def set_rhs(self, variables: dict[str, Any]) -> None:
        """Charge the double layer."""
        if self._double_layer:
            local = variables["Positive electrode local potential difference [V]"]
            rate = -self._divided(variables) / self._capacity()
            self.rhs[local] = (
                pybamm.PrimaryBroadcast(rate, self._where) if self._sizes else rate
            )

    def set_algebraic(self, variables: dict[str, Any]) -> None:
        """Kinetics at every point; without a double layer, the division of the current."""
        if not self._implicit:
            return
        j = variables["Positive particle reduction current density [A.m-2]"]
        local = variables["Positive electrode local potential difference [V]"]
        driven = variables["Positive electrode driven potential difference [V]"]
        self.algebraic[j] = driven - local
        if not self._double_layer:
            self.algebraic[local] = self._divided(variables)

    def set_initial_conditions(self, variables: dict[str, Any]) -> None:
        """At rest with the particle."""
        if self._implicit:
            local = variables["Positive electrode local potential difference [V]"]
            j = variables["Positive particle reduction current density [A.m-2]"]
            self.initial_conditions[local] = variables[
                "Positive particle initial potential [V]"
            ]
            self.initial_conditions[j] = pybamm.Scalar(0)
