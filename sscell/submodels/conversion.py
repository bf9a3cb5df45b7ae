"""Conversion cathode: a reaction network in a radially resolved particle.

Every phase is a solid of unit activity: its amount only says whether there is any to
react. Sodium (or lithium) moves through the phases and is taken up where it arrives.
"""

from __future__ import annotations

from typing import Any

import pybamm

from sscell.network import Network, Reaction
from sscell.units import FARADAY, GAS_CONSTANT

__all__ = ["ConversionParticle"]

_PARTICLE = "positive particle"


class ConversionParticle(pybamm.BaseSubModel):
    r"""Phases, isolated phase and guest potential over the radius of one particle.

    States at each radius: the host fractions :math:`y_p` of all phases, the isolated part
    of phases that lose contact, and the guest potential :math:`\phi = -\mu/F`.

    .. math::
        \dot y_a = -\sum_j r_j, \quad \dot y_b = \sum_j r_j, \quad
        C_m \dot\phi = \sum_j z_j r_j + \nabla\cdot(M\nabla\phi)

        r_j = K G \frac{e^{\alpha E} - e^{-(1-\alpha)E}}
        {1 + (K/\Lambda_f) e^{\alpha E} + (K/\Lambda_b) e^{-(1-\alpha)E}},
        \quad E = D(U_j - \phi) F/RT

    with the dead zone :math:`D` and the presence :math:`G` of the consumed phase. The
    affinity vanishes at equilibrium and the rate has its sign: dissipative by construction.

    Parameters
    ----------
    network : Network
        Species and reactions.

    Notes
    -----
    ``Positive particle reduction current density [A.m-2]`` (positive on discharge) comes
    from the cathode; ``Positive particle surface potential [V]`` goes back to it.
    """

    def __init__(self, network: Network):
        super().__init__(None, domain="positive", name="conversion particle")
        self._network = network

    def get_fundamental_variables(self) -> dict[str, Any]:
        """Give the states and what follows from them alone."""
        network = self._network
        phi = pybamm.Variable("Positive particle guest potential [V]", domain=_PARTICLE)
        variables: dict[str, Any] = {"Positive particle guest potential [V]": phi}
        inactive = pybamm.Parameter("Inactive host fraction")
        for s in network.species:
            y = pybamm.Variable(f"{s.name} fraction profile", domain=_PARTICLE)
            initial = pybamm.Parameter(f"Initial {s.name} fraction")
            variables[f"{s.name} fraction profile"] = y
            variables[f"{s.name} fraction"] = (
                pybamm.r_average(y) * (1 - inactive) + inactive * initial
            )
            if s.isolates:
                dead = pybamm.Variable(f"Isolated {s.name} profile", domain=_PARTICLE)
                variables[f"Isolated {s.name} profile"] = dead
                variables[f"Isolated {s.name} fraction"] = pybamm.r_average(dead) * (
                    1 - inactive
                )
        return variables | self._balances(variables)

    def _balances(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Host and guest in the particle, per mole of active host."""
        network = self._network
        phi = variables["Positive particle guest potential [V]"]
        profiles = {
            s.name: variables[f"{s.name} fraction profile"] for s in network.species
        }
        held = sum(s.guest_per_host * profiles[s.name] for s in network.species)
        mobile = pybamm.Parameter("Mobile guest capacity [V-1]") * phi
        start = (
            sum(
                s.guest_per_host * pybamm.Parameter(f"Initial {s.name} fraction")
                for s in network.species
            )
            - pybamm.Parameter("Mobile guest capacity [V-1]") * self._initial_potential()
        )
        return {
            "Host in phases": pybamm.r_average(sum(profiles.values())),
            "Guest taken up": pybamm.r_average(held - mobile) - start,
        }

    def get_coupled_variables(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Give the rates, the mobility and the surface potential."""
        network = self._network
        phi = variables["Positive particle guest potential [V]"]
        active = self._active_fractions(variables)
        scale = pybamm.Parameter("Positive particle radius [m]") ** 2 * FARADAY
        scale = scale * variables["Positive electrode host concentration [mol.m-3]"]
        conductivity = pybamm.Parameter("Minimum ionic conductivity [S.m-1]") + sum(
            pybamm.maximum(active[s.name], 0)
            * pybamm.Parameter(f"{s.name} ionic conductivity [S.m-1]")
            * self._arrhenius(variables, f"{s.name} ionic conductivity activation energy")
            for s in network.species
        )
        mobility = conductivity / scale
        rates = {r.name: self._rate(r, active, phi, variables) for r in network.reactions}
        # One third of the uptake per host: surface over volume of the unit sphere.
        uptake = (
            variables["Positive particle reduction current density [A.m-2]"]
            / FARADAY
            / pybamm.Parameter("Positive particle radius [m]")
            / variables["Positive electrode host concentration [mol.m-3]"]
            / (1 - pybamm.Parameter("Inactive host fraction"))
        )
        half_shell = pybamm.BoundaryMeshSize(phi, "right") / 2
        surface = pybamm.boundary_value(phi, "right") - half_shell * uptake / (
            pybamm.boundary_value(mobility, "right")
        )
        return {
            **{f"{name} rate [s-1]": rate for name, rate in rates.items()},
            **{
                f"{name} affinity [V]": self._potential(network.reaction(name)) - phi
                for name in rates
            },
            "Positive particle mobility [s-1.V-1]": mobility,
            "Positive particle uptake [s-1]": uptake,
            "Positive particle surface potential [V]": surface,
        }

    def _active_fractions(self, variables: dict[str, Any]) -> dict[str, Any]:
        active = {}
        for s in self._network.species:
            active[s.name] = variables[f"{s.name} fraction profile"]
            if s.isolates:
                active[s.name] = active[s.name] - variables[f"Isolated {s.name} profile"]
        return active

    @staticmethod
    def _arrhenius(variables: dict[str, Any], name: str) -> Any:
        return pybamm.exp(
            pybamm.Parameter(f"{name} [J.mol-1]") * variables["Arrhenius factor [mol.J-1]"]
        )

    def _potential(self, reaction: Reaction) -> Any:
        """Equilibrium potential: -(G_product - G_reactant)/(z F)."""
        change = pybamm.Parameter("Ambient temperature [K]") - pybamm.Parameter(
            "Reference temperature [K]"
        )
        energy = {
            name: pybamm.Parameter(f"{name} formation energy [J.mol-1]")
            - pybamm.Parameter(f"{name} formation entropy [J.mol-1.K-1]") * change
            for name in (reaction.reactant, reaction.product)
        }
        electrons = self._network.electrons(reaction.name)
        return (energy[reaction.reactant] - energy[reaction.product]) / (
            electrons * FARADAY
        )

    def _initial_potential(self) -> Any:
        """Mean potential of the reactions that touch what is there at the start."""
        weights = [
            pybamm.Parameter(f"Initial {r.reactant} fraction")
            + pybamm.Parameter(f"Initial {r.product} fraction")
            for r in self._network.reactions
        ]
        potentials = [self._potential(r) for r in self._network.reactions]
        return sum(w * u for w, u in zip(weights, potentials, strict=True)) / sum(weights)

    def _rate(
        self,
        reaction: Reaction,
        active: dict[str, Any],
        phi: Any,
        variables: dict[str, Any],
    ) -> Any:
        name = reaction.name
        thermal = GAS_CONSTANT * pybamm.Parameter("Ambient temperature [K]") / FARADAY
        drive = self._dead_zone(name, self._potential(reaction) - phi) / thermal
        k = pybamm.Parameter(f"{name} rate constant [s-1]") * self._arrhenius(
            variables, f"{name} activation energy"
        )
        scale = pybamm.Parameter(f"{name} presence scale")
        reactant, product = active[reaction.reactant], active[reaction.product]
        reactant = reactant / (pybamm.sqrt(reactant**2 + 1e-12) + scale)
        product = product / (pybamm.sqrt(product**2 + 1e-12) + scale)
        presence = (reactant + product) / 2 + (reactant - product) / 2 * pybamm.tanh(
            5 * drive
        )
        alpha = pybamm.Parameter(f"{name} transfer coefficient")
        forward = k * pybamm.exp(alpha * drive)
        backward = k * pybamm.exp(-(1 - alpha) * drive)
        return (
            presence
            * (forward - backward)
            / (
                1
                + forward / self._ceiling(name, "reduction", variables)
                + backward / self._ceiling(name, "oxidation", variables)
            )
        )

    def _ceiling(self, name: str, way: str, variables: dict[str, Any]) -> Any:
        return pybamm.Parameter(f"{name} {way} ceiling [s-1]") * self._arrhenius(
            variables, f"{name} {way} ceiling activation energy"
        )

    @staticmethod
    def _dead_zone(name: str, affinity: Any) -> Any:
        """Affinity beyond the dead zone: zero at zero, odd where the zone is."""
        width = pybamm.Parameter(f"{name} dead zone [V]")
        wide = width + pybamm.Parameter(f"{name} extra reduction barrier [V]")
        rounding = pybamm.Parameter("Dead zone smoothing [V]") ** 2

        def smooth(x: Any) -> Any:
            return pybamm.sqrt(x**2 + rounding)

        return (
            affinity
            + (
                smooth(affinity - wide)
                - smooth(affinity + width)
                + smooth(width)
                - smooth(wide)
            )
            / 2
        )

    def set_rhs(self, variables: dict[str, Any]) -> None:
        """Balance the host in each phase and the guest in transit."""
        network = self._network
        rates = {r.name: variables[f"{r.name} rate [s-1]"] for r in network.reactions}
        for s in network.species:
            made = sum(rates[r.name] for r in network.reactions if r.product == s.name)
            used = sum(rates[r.name] for r in network.reactions if r.reactant == s.name)
            self.rhs[variables[f"{s.name} fraction profile"]] = made - used
            if s.isolates:
                self._set_isolation(s.name, made, variables)
        phi = variables["Positive particle guest potential [V]"]
        edge = pybamm.SpatialVariableEdge(
            "r_p", domain=[_PARTICLE], coord_sys="spherical polar"
        )
        # The surface flux enters as a value on the last edge, which keeps the finite-volume
        # balance exact whatever the mobility does there.
        flux = variables["Positive particle mobility [s-1.V-1]"] * pybamm.grad(phi) - (
            variables["Positive particle uptake [s-1]"] * (edge > 1 - 1e-9)
        )
        taken_up = sum(network.electrons(name) * rate for name, rate in rates.items())
        self.rhs[phi] = (taken_up + pybamm.div(flux)) / pybamm.Parameter(
            "Mobile guest capacity [V-1]"
        )

    def _set_isolation(self, name: str, made: Any, variables: dict[str, Any]) -> None:
        dead = variables[f"Isolated {name} profile"]
        room = pybamm.maximum(1 - dead / pybamm.Parameter(f"{name} isolation limit"), 0)
        lost = pybamm.Parameter(f"{name} isolation probability") * room
        back = pybamm.Parameter(f"{name} reconnection rate [s-1]") * self._arrhenius(
            variables, f"{name} reconnection activation energy"
        )
        self.rhs[dead] = lost * pybamm.maximum(made, 0) - back * dead

    def set_boundary_conditions(self, variables: dict[str, Any]) -> None:
        """No flux by the gradient itself: the surface flux is added in the balance."""
        phi = variables["Positive particle guest potential [V]"]
        zero = (pybamm.Scalar(0), "Neumann")
        self.boundary_conditions[phi] = {"left": zero, "right": zero}

    def set_initial_conditions(self, variables: dict[str, Any]) -> None:
        """Phases as assembled, at rest with each other."""
        for s in self._network.species:
            y = variables[f"{s.name} fraction profile"]
            self.initial_conditions[y] = pybamm.Parameter(f"Initial {s.name} fraction")
            if s.isolates:
                self.initial_conditions[variables[f"Isolated {s.name} profile"]] = (
                    pybamm.Scalar(0)
                )
        phi = variables["Positive particle guest potential [V]"]
        self.initial_conditions[phi] = self._initial_potential()
