"""Conversion cathode: a reaction network in a radially resolved particle.

Phases are either solids of unit activity, whose amounts only say whether there is any to
react, or mix as formula units. Sodium (or lithium) moves through the phases and is taken up
where it arrives.
"""

from __future__ import annotations

from typing import Any

import pybamm

from sscell.physics.cathodes.network import Network, Reaction
from sscell.physics.cathodes.wiring import (
    arrhenius,
    entering,
    inside,
    mean,
    no_flux,
    places,
    uptake_per_site,
)
from sscell.units import FARADAY, GAS_CONSTANT

__all__ = ["ConversionParticle"]

_PARTICLE = "positive particle"
_CONTENT = "Positive particle connected guest content"


class ConversionParticle(pybamm.BaseSubModel):
    r"""Phases, isolated phase and guest potential over the radius of one particle.

    States at each radius: the host fractions :math:`y_p` of all phases, the isolated part
    of phases that lose contact, and the guest potential :math:`\phi = -\mu/F`. One for all
    radii: the full cycles passed, which may open the guest's paths and wear them out, and
    the guest that the connected phases hold, which may close them by swelling. The latter
    is a state only so that no radius depends on all others directly: the Jacobian stays
    sparse.

    .. math::
        \dot y_a = -\sum_j r_j, \quad \dot y_b = \sum_j r_j, \quad
        C_m \dot\phi = \sum_j z_j r_j + \nabla\cdot(M\nabla\phi)

        r_j = K G \frac{e^{\alpha E} - e^{-(1-\alpha)E}}
        {1 + (K/\Lambda_f) e^{\alpha E} + (K/\Lambda_b) e^{-(1-\alpha)E}},
        \quad E = D(E_j - \phi) F/RT

        E_j = U_j + \frac{RT}{z_j F}
        \left(\frac{\ln X_r}{n_r} - \frac{\ln X_p}{n_p}\right), \quad
        D(A) = b(A - w - x) - b(-A - w), \quad b(a) = \frac{a_+^2}{a_+ + d}

    with the presence :math:`G = y/(y + s)` of the consumed phase, the dead zone of half width
    :math:`w` (plus :math:`x` on reduction), in which the rate is exactly zero, and, where
    formula units of :math:`n` host atoms mix, their mole fractions :math:`X` in what is
    connected, each plus a floor in its logarithm. The potentials belong to one free energy,
    :math:`\sum_p y_p (G_p + RT \ln X_p/n_p)`: they close around every loop. The affinity
    vanishes at equilibrium and the rate has its sign: dissipative by construction.

    Parameters
    ----------
    network : Network
        Species and reactions.
    distributed : bool, optional
        Whether there is a particle at every point of the thickness.

    Notes
    -----
    ``Positive particle reduction current density [A.m-2]`` (positive on discharge) comes
    from the cathode; ``Positive particle surface potential [V]`` goes back to it.
    """

    host_type = Network

    def __init__(self, network: Network, distributed: bool = False):
        super().__init__(None, domain="positive", name="conversion particle")
        self._network = network
        self._distributed = distributed

    def get_fundamental_variables(self) -> dict[str, Any]:
        """Give the states and what follows from them alone."""
        network, radial = self._network, inside(self._distributed)
        phi = pybamm.Variable("Positive particle guest potential [V]", **radial)
        variables: dict[str, Any] = {"Positive particle guest potential [V]": phi}
        variables["Full cycles passed"] = pybamm.Variable("Full cycles passed")
        variables[_CONTENT] = pybamm.Variable(_CONTENT, domain=places(self._distributed))
        held: Any = 0
        for s in network.species:
            y = pybamm.Variable(f"{s.name} fraction profile", **radial)
            variables[y.name] = y
            held += s.guest_per_host * y
            if s.isolates:
                dead = pybamm.Variable(f"Isolated {s.name} profile", **radial)
                variables[dead.name] = dead
        mobile = pybamm.Parameter("Mobile guest capacity [V-1]") * phi
        # A state that never changes: parameters may differ in a later step, such as the
        # temperature after a formation, but not what the cell was assembled with.
        variables["Guest at the start"] = pybamm.Variable("Guest at the start")
        variables["Guest per active host"] = mean(held - mobile)
        return variables

    def _balances(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Phases and guest in all host, active, lost or never reached, and the swelling.

        What has lost contact within the host that is still active counts as isolated.
        """
        left = variables["Active host remaining"]
        inactive = pybamm.Parameter("Inactive host fraction")
        own: dict[str, Any] = {}
        total: Any = 0
        change: Any = 0
        for s in self._network.species:
            initial = pybamm.Parameter(f"Initial {s.name} fraction")
            active = mean(variables[f"{s.name} fraction profile"])
            reached = left * active + variables[f"Trapped {s.name} fraction"]
            own[f"{s.name} fraction"] = reached * (1 - inactive) + inactive * initial
            if s.isolates:
                dead = mean(variables[f"Isolated {s.name} profile"])
                own[f"Isolated {s.name} fraction"] = left * dead * (1 - inactive)
            total += reached
            volume = pybamm.Parameter(f"{s.name} molar volume [m3.mol-1]")
            change += (own[f"{s.name} fraction"] - initial) * volume
        held = left * variables["Guest per active host"]
        gained = held + variables["Guest trapped"] - variables["Guest at the start"]
        return own | {
            "Host in phases": total,
            "Guest in active host": held,
            "Guest taken up": gained * (1 - inactive),
            "Active material volume change [m3.mol-1]": change,
        }

    def get_coupled_variables(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Give the rates, the mobility and the surface potential."""
        network = self._network
        phi = variables["Positive particle guest potential [V]"]
        active = self._active_fractions(variables)
        scale = variables["Positive particle squared radius [m2]"] * FARADAY
        scale = scale * variables["Positive electrode host concentration [mol.m-3]"]
        conductivity = pybamm.Parameter("Minimum ionic conductivity [S.m-1]") + sum(
            pybamm.maximum(active[s.name], 0)
            * pybamm.Parameter(f"{s.name} ionic conductivity [S.m-1]")
            * arrhenius(variables, f"{s.name} ionic conductivity")
            for s in network.species
        )
        mobility = conductivity / scale * self._paths(variables) * self._contact(variables)
        potentials = self._potentials(active)
        affinities = {name: u - phi for name, u in potentials.items()}
        rates = {
            r.name: self._rate(r, active, affinities[r.name], variables)
            for r in network.reactions
        }
        uptake = uptake_per_site(variables)
        half_shell = pybamm.BoundaryMeshSize(phi, "right") / 2
        surface = pybamm.boundary_value(phi, "right") - half_shell * uptake / (
            pybamm.boundary_value(mobility, "right")
        )
        surface -= self._film(active, variables)
        return {
            **{f"{name} rate [s-1]": rate for name, rate in rates.items()},
            **{f"{name} affinity [V]": a for name, a in affinities.items()},
            "Positive particle mobility [s-1.V-1]": mobility,
            "Positive particle uptake [s-1]": uptake,
            "Positive particle initial potential [V]": self._initial_potential(),
            "Positive particle surface potential [V]": surface,
            **self._budget(rates, potentials, phi, surface),
            **self._balances(variables),
        }

    def _budget(
        self, rates: dict[str, Any], potentials: dict[str, Any], phi: Any, surface: Any
    ) -> dict[str, Any]:
        """Where the surface potential comes from: rest, reactions, transport.

        Reactions run in parallel: each weighs by its share of the charge, over the whole
        particle. The parts sum to the surface potential.
        """
        network = self._network
        # Far below any rate that matters: it only decides what is shown at rest.
        weights = {
            name: network.electrons(name) * pybamm.AbsoluteValue(rate) + 1e-12
            for name, rate in rates.items()
        }
        every: Any = sum(weights.values())
        total = pybamm.r_average(every)
        own: dict[str, Any] = {}
        inside = pybamm.r_average(every * phi) / total
        rest = inside  # the mean of the potentials: that of phi and of what leads to it
        for name, weight in weights.items():
            loss = -pybamm.r_average(weight * (potentials[name] - phi)) / total
            own[f"{name} contribution [V]"] = pybamm.x_average(loss)
            rest -= loss
        own["Particle open-circuit contribution [V]"] = pybamm.x_average(rest)
        own["Particle transport contribution [V]"] = pybamm.x_average(surface - inside)
        return own

    def _active_fractions(self, variables: dict[str, Any]) -> dict[str, Any]:
        active = {}
        for s in self._network.species:
            active[s.name] = variables[f"{s.name} fraction profile"]
            if s.isolates:
                active[s.name] = active[s.name] - variables[f"Isolated {s.name} profile"]
        return active

    @staticmethod
    def _paths(variables: dict[str, Any]) -> Any:
        """Ease of the guest's paths: cycling opens them and slowly wears them out.

        Volume changes break the active material up and press it into the electrolyte;
        what counts is the charge that has passed, at whatever rate and temperature.
        """
        cycles = variables["Full cycles passed"]
        opened = 1 - pybamm.exp(-cycles / pybamm.Parameter("Transport gain cycles"))
        worn = pybamm.exp(-cycles * pybamm.Parameter("Transport fade"))
        return (1 + pybamm.Parameter("Transport gain") * opened) * worn

    def _contact(self, variables: dict[str, Any]) -> Any:
        """Loss of paths as the active material swells with the guest; it comes back."""
        full = variables[_CONTENT] / self._network.capacity
        loss = pybamm.exp(-pybamm.Parameter("Transport loss by swelling") * full)
        return pybamm.PrimaryBroadcast(loss, _PARTICLE)

    def _film(self, active: dict[str, Any], variables: dict[str, Any]) -> Any:
        """Drop over the phases that cover the surface where it is in contact."""
        j = variables["Positive particle reduction current density [A.m-2]"]
        resistance = sum(
            pybamm.Parameter(f"{s.name} film resistance [Ohm.m2]")
            * pybamm.boundary_value(active[s.name], "right")
            for s in self._network.species
        )
        return resistance * j / variables["Contacted surface fraction"]

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

    def _potentials(self, fractions: dict[str, Any]) -> dict[str, Any]:
        """Potential at which each reaction rests with the phases as they are [V].

        Parameters
        ----------
        fractions : dict
            Connected fraction of the host in each phase [-].
        """
        logs = self._mixing(fractions)
        thermal = GAS_CONSTANT * pybamm.Parameter("Ambient temperature [K]") / FARADAY
        potentials = {}
        for reaction in self._network.reactions:
            u = self._potential(reaction)
            if logs:
                change = logs[reaction.reactant] - logs[reaction.product]
                u = u + thermal / self._network.electrons(reaction.name) * change
            potentials[reaction.name] = u
        return potentials

    def _mixing(self, fractions: dict[str, Any]) -> dict[str, Any]:
        """Chemical potential of mixing per host atom over RT; empty where nothing mixes.

        The floor in the logarithm keeps a phase that is not there at a finite potential.
        """
        atoms = {s.name: s.host_per_unit for s in self._network.species if s.host_per_unit}
        if not atoms:
            return {}
        floor = pybamm.Parameter("Mixing floor")
        units = {p: self._positive(fractions[p], floor) / n for p, n in atoms.items()}
        every: Any = sum(units.values())
        return {p: pybamm.log(units[p] / every + floor) / n for p, n in atoms.items()}

    @staticmethod
    def _positive(fraction: Any, floor: Any) -> Any:
        """Fraction, rounded at zero well within the floor: Newton's method needs a slope."""
        return (fraction + pybamm.sqrt(fraction**2 + (0.1 * floor) ** 2)) / 2

    def _initial_potential(self) -> Any:
        """Mean potential of the reactions that touch what is there at the start."""
        start: dict[str, Any] = {
            s.name: pybamm.Parameter(f"Initial {s.name} fraction")
            for s in self._network.species
        }
        weights = [start[r.reactant] + start[r.product] for r in self._network.reactions]
        potentials = self._potentials(start).values()
        return sum(w * u for w, u in zip(weights, potentials, strict=True)) / sum(weights)

    def _rate(
        self,
        reaction: Reaction,
        active: dict[str, Any],
        affinity: Any,
        variables: dict[str, Any],
    ) -> Any:
        name = reaction.name
        thermal = GAS_CONSTANT * pybamm.Parameter("Ambient temperature [K]") / FARADAY
        drive = self._dead_zone(name, affinity) / thermal
        k = pybamm.Parameter(f"{name} rate constant [s-1]") * arrhenius(variables, name)
        scale = pybamm.Parameter(f"{name} presence scale")
        reactant, product = (
            active[phase] / (pybamm.maximum(active[phase], 0) + scale)
            for phase in (reaction.reactant, reaction.product)
        )
        # The drive is flat where the affinity changes its sign: no jump of the rate.
        presence = product + (reactant - product) * (affinity > 0)
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
        return pybamm.Parameter(f"{name} {way} ceiling [s-1]") * arrhenius(
            variables, f"{name} {way} ceiling"
        )

    @staticmethod
    def _dead_zone(name: str, affinity: Any) -> Any:
        """Affinity beyond the dead zone: exactly zero within it."""
        width = pybamm.Parameter(f"{name} dead zone [V]")
        barrier = pybamm.Parameter(f"{name} extra reduction barrier [V]")
        rounding = pybamm.Parameter("Dead zone smoothing [V]")

        def beyond(x: Any) -> Any:
            over = pybamm.maximum(x, 0)
            return over**2 / (over + rounding)

        return beyond(affinity - width - barrier) - beyond(-affinity - width)

    def set_rhs(self, variables: dict[str, Any]) -> None:
        """Balance the host in each phase and the guest in transit."""
        network = self._network
        rates = {r.name: variables[f"{r.name} rate [s-1]"] for r in network.reactions}
        connected: Any = 0
        for s in network.species:
            made = sum(rates[r.name] for r in network.reactions if r.product == s.name)
            used = sum(rates[r.name] for r in network.reactions if r.reactant == s.name)
            change = made - used
            self.rhs[variables[f"{s.name} fraction profile"]] = change
            if s.isolates:
                lost = self._isolation(s.name, made, variables)
                self.rhs[variables[f"Isolated {s.name} profile"]] = lost
                change = change - lost
            connected += s.guest_per_host * change
        self.rhs[variables[_CONTENT]] = pybamm.r_average(connected)
        self.rhs[variables["Full cycles passed"]] = variables["Full cycles rate [s-1]"]
        phi = variables["Positive particle guest potential [V]"]
        flux = variables["Positive particle mobility [s-1.V-1]"] * pybamm.grad(phi)
        flux -= entering(variables["Positive particle uptake [s-1]"], self._distributed)
        self.rhs[variables["Guest at the start"]] = pybamm.Scalar(0)
        taken_up = sum(network.electrons(name) * rate for name, rate in rates.items())
        self.rhs[phi] = (taken_up + pybamm.div(flux)) / pybamm.Parameter(
            "Mobile guest capacity [V-1]"
        )

    @classmethod
    def _isolation(cls, name: str, made: Any, variables: dict[str, Any]) -> Any:
        """Rate at which a phase loses contact, less the rate at which it comes back."""
        dead = variables[f"Isolated {name} profile"]
        room = pybamm.maximum(1 - dead / pybamm.Parameter(f"{name} isolation limit"), 0)
        lost = pybamm.Parameter(f"{name} isolation probability") * room
        back = pybamm.Parameter(f"{name} reconnection rate [s-1]") * arrhenius(
            variables, f"{name} reconnection"
        )
        return lost * pybamm.maximum(made, 0) - back * dead

    def set_boundary_conditions(self, variables: dict[str, Any]) -> None:
        """No flux by the gradient itself: the surface flux is added in the balance."""
        phi = variables["Positive particle guest potential [V]"]
        self.boundary_conditions.update(no_flux(phi))

    def set_initial_conditions(self, variables: dict[str, Any]) -> None:
        """Phases as assembled, at rest with each other."""
        for s in self._network.species:
            y = variables[f"{s.name} fraction profile"]
            self.initial_conditions[y] = pybamm.Parameter(f"Initial {s.name} fraction")
            if s.isolates:
                self.initial_conditions[variables[f"Isolated {s.name} profile"]] = (
                    pybamm.Scalar(0)
                )
        self.initial_conditions[variables["Full cycles passed"]] = pybamm.Scalar(0)
        phi = variables["Positive particle guest potential [V]"]
        self.initial_conditions[phi] = self._initial_potential()
        held = sum(
            s.guest_per_host * pybamm.Parameter(f"Initial {s.name} fraction")
            for s in self._network.species
        )
        self.initial_conditions[variables[_CONTENT]] = held
        self.initial_conditions[variables["Guest at the start"]] = (
            held
            - pybamm.Parameter("Mobile guest capacity [V-1]") * self._initial_potential()
        )
