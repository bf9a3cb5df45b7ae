"""Lithium-rich cathode: a domain that is always active beside one that is activated."""

from __future__ import annotations

from typing import Any

import pybamm

from sscell.physics.cathodes.domains import FRONTS, Domain, Domains
from sscell.physics.cathodes.fronts import advance, depth
from sscell.physics.cathodes.wiring import (
    arrhenius,
    entering,
    inside,
    mean,
    no_flux,
    places,
    site_mismatch,
)
from sscell.units import FARADAY

__all__ = ["ActivatedParticle"]

_SHARE, _SPINEL = "Activated share", "Spinel-like share"
_ESCAPED, _REACTED = "Oxygen escaped locally", "Oxygen reacted locally"
_LEFT = "Active host remaining"
_EQUAL = 1e-8  # squared difference of exponents below which they are the same
_ELECTRONS = 4  # per O2, which leaves two oxide ions' charge behind
# Share of full or empty sites beyond which the logarithm goes on as a straight line.
_EDGE = 1e-6


class ActivatedParticle(pybamm.BaseSubModel):
    r"""Two domains in one particle, at one surface potential; fronts activate the second.

    .. math::
        a = \sum_i f_i [1 - (1 - s_i)^3], \quad
        \dot s_i = \theta\, \frac{k}{R} e^{E_1/R_g T_{ref} - E_i/R_g T}
        \left[e^{\alpha F \eta/R_g T} - 1\right], \quad
        \eta = w \ln\left(1 + e^{(\phi - U_a)/w}\right)

        \dot x_k = \frac{1}{r^2}\frac{\partial}{\partial r}
        \left(r^2 \frac{D_k \theta^c}{R^2} \frac{\partial x_k}{\partial r}\right)
        + \frac{\dot a}{a} (1 - x_k) \delta_{k2}, \quad
        x_k(U = \phi) = x_{k,surf}, \quad j = \sum_k j_k + j_{O}

    A part :math:`f` of the second domain has a fast front, the rest a slow one; they differ
    in their barriers alone, so that :math:`k` is the velocity of the fast one at the reference
    temperature. Both move by the overpotential over :math:`U_a`, where they stand still. What
    a front reaches is full of guest. A share :math:`f_O` of it goes with oxygen,
    :math:`j_O \propto -f_O \dot a`, and its sites are gone; the rest stays as sites. Oxygen
    escapes or reacts with the electrolyte, :math:`\dot n_r/\dot n_e = k_r(T)/k_e(T)`, and
    what reacts adds to the interphase and closes sites behind it. The emptied domain turns
    spinel-like slowly,
    :math:`\dot\sigma = k_s a(E_s)(1 - \bar x_2)(1 - \sigma)`, which shifts its potentials,
    closes a share of its sites, all of them empty, and sets more oxygen free.

    Parameters
    ----------
    domains : Domains
        Both domains with their sites.
    distributed : bool, optional
        Whether there is a particle at every point of the thickness.

    Notes
    -----
    ``Contacted surface fraction`` slows the fronts, which need ions at the surface, and the
    guest, whose way grows with the volume behind each patch that touches: :math:`c = 2`
    where the path is the volume over the contacted area.

    A diffusivity :math:`D_0 e^{-b x}` falls by decades across a filling front. The flux between
    two shells is the gradient of :math:`\int D\,dx = D_0 (1 - e^{-b x})/b`, which has no need of
    a mean of both diffusivities: a mean would hold the front up at every shell.
    """

    host_type = Domains

    def __init__(self, domains: Domains, distributed: bool = False):
        super().__init__(None, domain="positive", name="activated particle")
        self._domains = domains
        self._pair = (domains.lasting, domains.activated)
        self._distributed = distributed

    def get_fundamental_variables(self) -> dict[str, Any]:
        """Give the states, and the guest that they hold."""
        names = (*map(depth, FRONTS), _SHARE, _SPINEL, _ESCAPED, _REACTED)
        names += ("Positive particle surface potential [V]",)
        where = places(self._distributed)
        own = {name: pybamm.Variable(name, domain=where) for name in names}
        for domain in self._pair:
            name = f"{domain.name} content"
            own[name] = pybamm.Variable(name, **inside(self._distributed))
        for name in ("Positive particle rest potential [V]", "Guest at the start"):
            own[name] = pybamm.Variable(name)
        surface = own["Positive particle surface potential [V]"]
        rest = own["Positive particle rest potential [V]"]
        return own | {
            "Positive particle initial potential [V]": pybamm.Parameter(
                "Initial positive electrode potential [V]"
            ),
            "Particle open-circuit contribution [V]": rest,
            "Particle transport contribution [V]": pybamm.x_average(surface) - rest,
            "Host in phases": pybamm.Scalar(1),
            "Oxygen escaped [mol.mol-1]": pybamm.x_average(own[_ESCAPED]),
            "Oxygen reacted [mol.mol-1]": pybamm.x_average(own[_REACTED]),
            "Spinel-like fraction": pybamm.x_average(own[_SPINEL]),
        }

    def get_coupled_variables(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Give filling, uptake, growth of the front and what it sets free."""
        own = self._amounts(variables)
        own |= advance(variables)
        v = variables | own
        own |= self._oxygen(v)
        v |= own
        for domain in self._pair:
            own |= self._diffusion(v, domain)
        v |= own
        own |= self._division(v)
        return own | self._balances(variables | own)

    def _amounts(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Sites of each domain in use, per site of the domain as assembled."""
        left = variables[_LEFT]
        open_share = 1 - pybamm.Parameter("Activation oxygen fraction")
        lasting, activated = self._domains.lasting, self._domains.activated
        kept = 1 - pybamm.Parameter("Spinel site loss") * variables[_SPINEL]
        # Behind electrolyte that oxygen has turned to phosphate and sulfate.
        kept *= 1 - pybamm.Parameter("Oxygen site loss") * variables[_REACTED]
        return {
            f"{lasting.name} sites": left,
            f"{activated.name} sites": variables[_SHARE] * open_share * kept,
            "Activated fraction": pybamm.x_average(variables[_SHARE]) / left,
        }

    def _oxygen(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Oxygen set free, where it goes, and the charge that left with it."""
        activated = self._domains.activated
        capacity = activated.sites.guest_per_host
        lost = (
            capacity
            * pybamm.Parameter("Activation oxygen fraction")
            * variables["Activated share rate [s-1]"]
        )
        filling = _mean(variables, activated)
        turning = (
            pybamm.Parameter("Spinel formation rate [s-1]")
            * arrhenius(variables, "Spinel formation rate")
            * (1 - filling)
            * (1 - variables[_SPINEL])
        )
        slow = pybamm.Parameter("Spinel oxygen loss [mol.mol-1]") * turning
        escape, reaction = (
            pybamm.Parameter(f"{name} [s-1]") * arrhenius(variables, name)
            for name in ("Oxygen escape rate", "Oxygen reaction rate")
        )
        per_surface = _host_per_surface(variables)
        charge = -FARADAY * lost * per_surface
        return {
            "Spinel formation [s-1]": turning,
            "Oxygen loss rate [s-1]": lost / _ELECTRONS + slow,
            "Oxygen reacting share": reaction / (reaction + escape),
            "Oxygen loss current density [A.m-2]": charge,
            "Oxygen loss current [A]": pybamm.x_average(
                variables["Relative particle surface"] * charge
            )
            * variables["Positive particle surface area [m2]"],
            "Oxygen interphase resistance [Ohm.m2]": pybamm.Parameter(
                "Oxygen interphase resistivity [Ohm.m4.mol-1]"
            )
            * pybamm.x_average(variables[_REACTED] * per_surface),
        }

    def _diffusion(self, variables: dict[str, Any], domain: Domain) -> dict[str, Any]:
        """Filling of one domain and how fast it evens out."""
        x = variables[f"{domain.name} content"] / variables[f"{domain.name} sites"]
        stem = domain.diffusivity
        # Through fewer patches the guest has farther to go.
        reached = variables["Contacted surface fraction"] ** pybamm.Parameter(
            f"{stem} contact exponent"
        )
        rate = (
            pybamm.Parameter(f"{stem} [m2.s-1]")
            * arrhenius(variables, stem)
            * reached
            / variables["Positive particle squared radius [m2]"]
        )
        decay = pybamm.Parameter(f"{stem} decay coefficient")
        return {
            f"{domain.name} local stoichiometry": x,
            f"{domain.name} diffusion rate [s-1]": rate,
            f"{domain.name} integral of the diffusion rate [s-1]": rate
            * x
            * _mean_exponential(decay * x, 0),
            f"{domain.name} stoichiometry": pybamm.x_average(_mean(variables, domain)),
        }

    def _division(self, variables: dict[str, Any]) -> dict[str, Any]:
        """What flows into each domain at the surface potential, and what should."""
        surface = variables["Positive particle surface potential [V]"]
        asked = (
            variables["Positive particle reduction current density [A.m-2]"]
            - variables["Oxygen loss current density [A.m-2]"]
        )
        filled = empty = total = 0
        target, into = asked, {}
        for domain in self._pair:
            full, void = self._split(variables, domain, surface)
            outer, conductance = _outermost(variables, domain, full)
            per_uptake = _charge_per_uptake(variables, domain)
            into[domain.name] = conductance * (full - outer) * per_uptake
            # Weights by what a domain takes per difference of filling [A.m-2].
            weight = conductance * per_uptake
            filled, empty = filled + weight * full, empty + weight * void
            target, total = target + weight * outer, total + weight
        # The potential is exact to the solver's tolerance only; the charge must be exact.
        lasting, activated = self._pair
        into[lasting.name] = asked - into[activated.name]
        return {
            f"{d.name} uptake [s-1]": into[d.name] / _charge_per_uptake(variables, d)
            for d in self._pair
        } | {
            "Positive particle surface sites filled": filled / total,
            "Positive particle surface sites empty": empty / total,
            "Positive particle surface sites asked for": target / total,
        }

    def _balances(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Guest held and taken up per host, and the volume that goes with it."""
        lasting, activated = self._domains.lasting, self._domains.activated
        share = pybamm.x_average(variables[_SHARE])
        held = {
            d.name: mean(variables[f"{d.name} content"]) * d.sites.guest_per_host
            for d in self._pair
        }
        left = variables[_LEFT]
        dormant = activated.sites.guest_per_host * (left - share)
        within = sum(held.values()) + dormant
        reached = 1 - pybamm.Parameter("Inactive host fraction")
        start = variables["Guest at the start"]
        taken = (within + variables["Guest trapped"] - start) * reached
        swelling = sum(
            pybamm.Parameter(f"{d.name} guest molar volume [m3.mol-1]") * guest
            for d, guest in (
                (lasting, held[lasting.name] - lasting.sites.guest_per_host),
                (activated, held[activated.name] - self._room(variables)),
            )
        )
        return {
            "Guest in active host": within,
            "Guest taken up": taken,
            "Active material volume change [m3.mol-1]": swelling * reached,
        }

    def _room(self, variables: dict[str, Any]) -> Any:
        """Guest of the activated domain when all its open sites are full, per host."""
        activated = self._domains.activated
        sites = pybamm.x_average(variables[f"{activated.name} sites"])
        return sites * activated.sites.guest_per_host

    def _split(self, variables: dict[str, Any], domain: Domain, potential: Any) -> Any:
        """Filled and empty share of the sites of a domain at a potential."""
        if domain is self._domains.activated:
            # Turning spinel-like shifts all its steps alike.
            shift = pybamm.Parameter("Spinel potential change [V]")
            potential = potential - shift * variables[_SPINEL]
        return domain.sites.split(
            potential,
            pybamm.Parameter("Ambient temperature [K]"),
            pybamm.Parameter,
            pybamm.exp,
        )

    def set_algebraic(self, variables: dict[str, Any]) -> None:
        """Both surfaces at one potential; the mean fillings of both at another."""
        surface = variables["Positive particle surface potential [V]"]
        filled, empty, asked = (
            variables[f"Positive particle surface sites {which}"]
            for which in ("filled", "empty", "asked for")
        )
        self.algebraic[surface] = site_mismatch(filled, empty, asked, _EDGE)
        rest = variables["Positive particle rest potential [V]"]
        held: Any = 0
        filled, empty, room = held, held, held
        for domain in self._pair:
            sites = variables[f"{domain.name} sites"] * domain.sites.guest_per_host
            full, void = self._split(variables, domain, rest)
            filled += pybamm.x_average(sites * full)
            empty += pybamm.x_average(sites * void)
            held += pybamm.x_average(sites * _mean(variables, domain))
            room += pybamm.x_average(sites)
        self.algebraic[rest] = site_mismatch(
            filled / room, empty / room, held / room, _EDGE
        )

    def set_rhs(self, variables: dict[str, Any]) -> None:
        """Move the front, balance the guest and count the oxygen."""
        loss = variables["Total host loss rate [s-1]"]
        grown = variables["Activated share rate [s-1]"]
        open_share = 1 - pybamm.Parameter("Activation oxygen fraction")
        for domain, fresh in zip(self._pair, (None, open_share * grown), strict=True):
            gain = variables[f"{domain.name} sites"] * self._gain(variables, domain)
            if fresh is not None:
                gain += fresh
            content = variables[f"{domain.name} content"]
            self.rhs[content] = gain - loss * content
        freed = variables["Oxygen loss rate [s-1]"]
        reacting = variables["Oxygen reacting share"]
        for front in FRONTS:
            rate = variables[f"{front} activated depth rate [s-1]"]
            self.rhs[variables[depth(front)]] = rate
        self.rhs[variables[_SHARE]] = grown - loss * variables[_SHARE]
        self.rhs[variables[_SPINEL]] = variables["Spinel formation [s-1]"]
        self.rhs[variables[_ESCAPED]] = freed * (1 - reacting)
        self.rhs[variables[_REACTED]] = freed * reacting
        self.rhs[variables["Guest at the start"]] = pybamm.Scalar(0)

    def _gain(self, variables: dict[str, Any], domain: Domain) -> Any:
        """Divergence of the guest's flux, with that through the surface [s-1]."""
        flux = pybamm.grad(variables[f"{domain.name} integral of the diffusion rate [s-1]"])
        uptake = variables[f"{domain.name} uptake [s-1]"]
        return pybamm.div(flux + entering(uptake, self._distributed))

    def set_boundary_conditions(self, variables: dict[str, Any]) -> None:
        """No flux by the gradient itself: the surface flux is added in the balance."""
        for domain in self._pair:
            x = variables[f"{domain.name} integral of the diffusion rate [s-1]"]
            self.boundary_conditions.update(no_flux(x))

    def set_initial_conditions(self, variables: dict[str, Any]) -> None:
        """At rest at the potential of the cell as assembled, activated at its surface."""
        potential = variables["Positive particle initial potential [V]"]
        begun = pybamm.Parameter("Initially activated depth")
        share = 1 - (1 - begun) ** 3
        open_share = share * (1 - pybamm.Parameter("Activation oxygen fraction"))
        starts: dict[str, Any] = dict.fromkeys(map(depth, FRONTS), begun)
        starts[_SHARE] = share
        guest = self._domains.activated.sites.guest_per_host * (1 - share)
        for domain, sites in zip(self._pair, (1, open_share), strict=True):
            filled, _ = domain.sites.split(
                potential,
                pybamm.Parameter("Ambient temperature [K]"),
                pybamm.Parameter,
                pybamm.exp,
            )
            starts[f"{domain.name} content"] = sites * filled
            guest += domain.sites.guest_per_host * sites * filled
        starts["Guest at the start"] = guest
        starts["Positive particle surface potential [V]"] = potential
        starts["Positive particle rest potential [V]"] = potential
        for name in (_SPINEL, _ESCAPED, _REACTED):
            starts[name] = pybamm.Scalar(0)
        for name, value in starts.items():
            self.initial_conditions[variables[name]] = value


def _mean(variables: dict[str, Any], domain: Domain) -> Any:
    """Mean filling of a domain in one particle."""
    content = pybamm.r_average(variables[f"{domain.name} content"])
    return content / variables[f"{domain.name} sites"]


def _host_per_surface(variables: dict[str, Any]) -> Any:
    """Reached host behind a particle's surface [mol.m-2]."""
    return (
        variables["Positive electrode host concentration [mol.m-3]"]
        * (1 - pybamm.Parameter("Inactive host fraction"))
        * variables["Positive particle radius [m]"]
        / 3
    )


def _outermost(variables: dict[str, Any], domain: Domain, surface: Any) -> tuple[Any, Any]:
    """Filling of the outermost shell, and what flows to it per difference [s-1]."""
    x = variables[f"{domain.name} local stoichiometry"]
    outer = pybamm.boundary_value(x, "right")
    decay = pybamm.Parameter(f"{domain.diffusivity} decay coefficient")
    between = _mean_exponential(decay * surface, decay * outer)
    # Where particles differ in size the rate stands at every radius, the same at all.
    rate = pybamm.boundary_value(variables[f"{domain.name} diffusion rate [s-1]"], "right")
    rate = rate * between
    return outer, rate / (pybamm.BoundaryMeshSize(x, "right") / 2)


def _mean_exponential(one: Any, other: Any) -> Any:
    """Mean of exp(-z) between two exponents, without cancellation where they are close.

    The difference of both exponentials over that of the exponents would lose so many digits
    that the solver follows the rounding where a domain is nearly full.
    """
    half = pybamm.sqrt(((one - other) / 2) ** 2 + _EQUAL)
    return pybamm.exp(-(one + other) / 2) * pybamm.sinh(half) / half


def _charge_per_uptake(variables: dict[str, Any], domain: Domain) -> Any:
    """Current density per uptake of a domain, one third of it by the sphere [C.m-2]."""
    sites = domain.sites.guest_per_host * variables[f"{domain.name} sites"]
    return 3 * FARADAY * sites * _host_per_surface(variables)
