"""Integrated cathode: sulfur and 1T-LixMoS2 at one local potential, with LiI domains."""

from __future__ import annotations

from typing import Any

import pybamm

from sscell.physics.cathodes.mixed import MixedHosts
from sscell.physics.cathodes.wiring import arrhenius, entering, inside, no_flux, places
from sscell.units import FARADAY, GAS_CONSTANT

__all__ = ["MixedHostsParticle"]

_PARTICLE = "positive particle"
_PHI = "Positive particle guest potential [V]"
_HELD = "Sulfur lithium profile"
_FRESH, _CLOSED = "Sulfur yet to activate", "Sulfur yet to reach"
_ACTIVE, _FILLING = "Activated sulfur", "MoS2 filling"
_DOMAINS = "LiI domains"
_X, _Y = "LiI mole fraction", "MoS2 mole fraction"
# Rounds the logarithms of empty and full hosts, which only split the voltage.
_TRACE = 1e-4


class MixedHostsParticle(pybamm.BaseSubModel):
    r"""One grain of the composite at every place: two hosts, activation and salt domains.

    .. math::
        r_k = k_k q_k \frac{(1-y_k) e^{E_k/2} - y_k e^{-E_k/2}}{1 + (e^{E_k/2} +
        e^{-E_k/2}) k_k/\Lambda}, \quad E_k = \frac{F (U_k - \phi)}{w_k R T}, \quad
        C_m \dot\phi = r_S + r_{Mo} - u

        \dot n = \frac{a}{r^2}\frac{\partial}{\partial r}\left(r^2 \frac{D}{R^2}
        \frac{\partial}{\partial r}\frac{n}{a}\right) - y_0 \dot f - \dot c, \quad
        \dot a = - \dot f - \dot c

        \dot f = -k_a f \left(e^{\alpha F (\phi - U_S)/RT} - 1\right)_+, \quad
        \dot c = -c \dot N / N_c, \quad
        D = D_0 \left(\frac{p}{p_0}\right)^t \varrho^{s-1}, \quad
        p = \frac{(v_{Mo} - v_c)_+}{1 - v_c}

    Lithium diffuses in the activated share a of the sulfur, n of it lithiated; MoS2 fills
    at once. Both hosts share the potential :math:`\phi` and rest at it. Li2S as milled (f,
    filled to y0) turns active once, against its barrier, with its lithium, and stays so;
    full cycles N open the way to more (c, full), which is active at once: it is reached
    where the sulfur beside it reacts already. LiI leaves the solid solution as its Li2S
    goes, and comes back slowly.

    What carries lithium through a grain is its network of MoS2, with the threshold and the
    exponent of the electrons in pellets, and the LiI dissolved in the sulfide, s of its
    limit. The product of both is empirical.

    Parameters
    ----------
    hosts : MixedHosts
        What takes up lithium.
    distributed : bool, optional
        Whether there is a grain at every point of the thickness.

    Notes
    -----
    ``Positive particle reduction current density [A.m-2]`` (positive on discharge) comes
    from the cathode; ``Positive particle surface potential [V]`` goes back to it.
    """

    host_type = MixedHosts

    def __init__(self, hosts: MixedHosts, distributed: bool = False):
        super().__init__(None, domain="positive", name="mixed hosts")
        self._hosts = hosts
        self._distributed = distributed

    @staticmethod
    def _share() -> Any:
        """Share of the electrons that the sulfur takes up, q_S [-]."""
        y = pybamm.Parameter(_Y)
        sulfur = 2 * (1 - pybamm.Parameter(_X)) * (1 - y)
        return sulfur / (sulfur + pybamm.Parameter("MoS2 lithium limit") * y)

    @classmethod
    def _kept(cls) -> Any:
        """Lithium of the sulfur yet to activate, of its sites [-].

        Milling moves lithium to MoS2 from the Li2S that it reaches; the sulfur that is
        active as milled is full, at the potential of the MoS2, and so is what nothing has
        reached.
        """
        return 1 - cls._given() / (
            pybamm.Parameter("Reached sulfur fraction")
            - pybamm.Parameter("Initial active sulfur fraction")
        )

    @classmethod
    def _given(cls) -> Any:
        """Lithium that the MoS2 holds as milled, of all sites of the sulfur [-]."""
        return cls._start_filling() * (1 - cls._share()) / cls._share()

    @staticmethod
    def _start_filling() -> Any:
        return pybamm.Parameter("Initial MoS2 lithium fraction")

    def get_fundamental_variables(self) -> dict[str, Any]:
        """Give the states and what follows from them alone."""
        names = (_PHI, _FRESH, _CLOSED, _ACTIVE, _FILLING, _DOMAINS)
        where = places(self._distributed)
        own: dict[str, Any] = {n: pybamm.Variable(n, domain=where) for n in names}
        own[_HELD] = pybamm.Variable(_HELD, **inside(self._distributed))
        own["Guest at the start"] = pybamm.Variable("Guest at the start")
        never = (
            1
            - pybamm.Parameter("Reached sulfur fraction")
            - pybamm.Parameter("Opened sulfur fraction")
        )
        rest = own[_FRESH] + own[_CLOSED] + never
        closed = own[_CLOSED] + never
        full = pybamm.r_average(own[_HELD]) + self._kept() * own[_FRESH] + closed
        own["Li2S fraction profile"] = full
        own["S fraction profile"] = own[_ACTIVE] + rest - full
        share, mobile = self._share(), pybamm.Parameter("Mobile guest capacity [V-1]")
        held = share * full + (1 - share) * own[_FILLING] - mobile * own[_PHI]
        return own | {
            "Sulfur filling profile": own[_HELD]
            / pybamm.PrimaryBroadcast(own[_ACTIVE], _PARTICLE),
            "Guest per active host": pybamm.x_average(held),
            "MoS2 lithium": (1 - share) * pybamm.x_average(own[_FILLING]),
            "Sulfur lithium": share * pybamm.x_average(full),
            "Activated sulfur fraction": pybamm.x_average(own[_ACTIVE]),
            "LiI domain fraction": pybamm.x_average(own[_DOMAINS]),
            "Positive particle initial potential [V]": self._potential("MoS2")
            - self._width("MoS2")
            * pybamm.log(self._start_filling() / (1 - self._start_filling())),
            **self._volumes(full, own[_DOMAINS]),
        }

    @classmethod
    def _volumes(cls, full: Any, domains: Any) -> dict[str, Any]:
        """Volume fractions of the solid as milled, and the LiI that is dissolved."""
        x, y = pybamm.Parameter(_X), pybamm.Parameter(_Y)
        moles = {"Li2S": (1 - y) * (1 - x), "LiI": (1 - y) * x, "MoS2": y}
        volume = {
            name: n * pybamm.Parameter(f"{name} molar volume [m3.mol-1]")
            for name, n in moles.items()
        }
        total = sum(volume.values())
        limit = pybamm.Parameter("LiI solubility limit")
        sulfide = pybamm.maximum(full, 0) * moles["Li2S"]
        start = 1 - cls._given()
        dissolved = (1 - domains) * moles["LiI"]
        share = dissolved / (dissolved + sulfide + 1e-9)
        return {
            "Solid solution volume fraction": (
                pybamm.maximum(full, 0) * volume["Li2S"] + (1 - domains) * volume["LiI"]
            )
            / total,
            "LiI domain volume fraction": domains * volume["LiI"] / total,
            "MoS2 network": cls._network(volume["MoS2"] / total),
            # A solid solution takes no more than its limit, however slowly it gives it up.
            "Dissolved LiI": pybamm.minimum(share / limit, 1),
            # What LiI would have left at equilibrium: milling dissolves it up to the limit,
            # though some of the sulfide has become polysulfide.
            "LiI above its limit": pybamm.maximum(
                1 - sulfide / start * limit / (1 - limit) / (moles["LiI"] + 1e-9), 0
            ),
        }

    @staticmethod
    def _network(volume_fraction: Any) -> Any:
        """Share of MoS2 above that from which it percolates, of all that it could be [-]."""
        critical = pybamm.Parameter("LixMoS2 percolation limit")
        # A tiny share keeps the derivative of the power finite below the threshold.
        return pybamm.maximum(volume_fraction - critical, 1e-12) / (1 - critical)

    def get_coupled_variables(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Give the rates, the surface potential and the balances."""
        phi, share, active = variables[_PHI], self._share(), variables[_ACTIVE]
        surface = pybamm.boundary_value(variables["Sulfur filling profile"], "right")
        passed = {
            "Sulfur": share * active * self._rate("Sulfur", surface, phi, variables),
            "MoS2": (1 - share) * self._rate("MoS2", variables[_FILLING], phi, variables),
        }
        activation = self._activation(phi, variables)
        scale = variables["Positive electrode host concentration [mol.m-3]"]
        uptake = (
            3
            * variables["Positive particle reduction current density [A.m-2]"]
            / (FARADAY * variables["Positive particle radius [m]"] * scale)
            / variables["Active host remaining"]
        )
        left = variables["Active host remaining"]
        gained = left * variables["Guest per active host"] + variables["Guest trapped"]
        taken = gained - variables["Guest at the start"]
        return {
            **{f"{name} uptake [s-1]": rate for name, rate in passed.items()},
            "Activation rate [s-1]": activation,
            "Opening rate [s-1]": variables[_CLOSED]
            * variables["Full cycles rate [s-1]"]
            / pybamm.Parameter("Sulfur opening cycles"),
            "Positive particle uptake [s-1]": uptake,
            "Positive particle surface potential [V]": phi,
            **self._budget(passed, share * activation, variables),
            **self._reached(variables),
            "Guest in active host": left * variables["Guest per active host"],
            "Guest taken up": taken,
            "Active material volume change [m3.mol-1]": taken
            * pybamm.Parameter("Guest molar volume [m3.mol-1]"),
        }

    def _reached(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Sulfur in each phase, of all: in active and in lost host."""
        left, own, total = variables["Active host remaining"], {}, 0
        for name in self._hosts.phases:
            mean = pybamm.x_average(variables[f"{name} fraction profile"])
            own[f"{name} fraction"] = left * mean + variables[f"Trapped {name} fraction"]
            total += own[f"{name} fraction"]
        return own | {"Host in phases": total}

    @staticmethod
    def _potential(name: str) -> Any:
        """Potential of a half-full host [V]."""
        heated = pybamm.Parameter("Ambient temperature [K]") - pybamm.Parameter(
            "Reference temperature [K]"
        )
        entropy = pybamm.Parameter(f"{name} entropic change [V.K-1]")
        return pybamm.Parameter(f"{name} potential [V]") + entropy * heated

    @staticmethod
    def _width(name: str) -> Any:
        """Slope of the potential over ln y/(1-y) [V]."""
        thermal = GAS_CONSTANT * pybamm.Parameter("Ambient temperature [K]") / FARADAY
        return thermal * pybamm.Parameter(f"{name} width coefficient")

    @classmethod
    def _rate(cls, name: str, filling: Any, phi: Any, variables: dict[str, Any]) -> Any:
        """Filling of a host per its sites [s-1]: zero where U(filling) is the potential."""
        half = (cls._potential(name) - phi) / cls._width(name) / 2
        k = pybamm.Parameter(f"{name} rate constant [s-1]") * arrhenius(variables, name)
        in_, out = pybamm.exp(half), pybamm.exp(-half)
        ceiling = pybamm.Parameter("Reaction ceiling [s-1]")
        return k * ((1 - filling) * in_ - filling * out) / (1 + k * (in_ + out) / ceiling)

    @classmethod
    def _activation(cls, phi: Any, variables: dict[str, Any]) -> Any:
        """Sulfur that reacts for the first time [s-1]: on oxidation only."""
        name = "Activation rate constant"
        thermal = GAS_CONSTANT * pybamm.Parameter("Ambient temperature [K]") / FARADAY
        above = pybamm.maximum(phi - cls._potential("Sulfur"), 0)
        drive = pybamm.Parameter("Activation transfer coefficient") * above / thermal
        k = pybamm.Parameter(f"{name} [s-1]") * arrhenius(variables, name)
        forward = k * (pybamm.exp(drive) - 1)
        ceiling = pybamm.Parameter("Reaction ceiling [s-1]")
        return variables[_FRESH] * forward / (1 + forward / ceiling)

    def _budget(
        self, passed: dict[str, Any], activation: Any, variables: dict[str, Any]
    ) -> dict[str, Any]:
        """Where the potential comes from: hosts at rest, the first reaction, diffusion.

        What runs in parallel weighs by its share of the charge.
        """
        phi = variables[_PHI]
        weights = {n: pybamm.AbsoluteValue(r) + 1e-12 for n, r in passed.items()}
        total: Any = sum(weights.values())
        filled = pybamm.r_average(variables["Sulfur filling profile"])
        rest = {
            "Sulfur": self._at_rest("Sulfur", filled),
            "MoS2": self._at_rest("MoS2", variables[_FILLING]),
        }
        level: Any = sum(weights[n] * rest[n] for n in weights) / total
        first = pybamm.minimum(activation / total, 1) * (phi - self._potential("Sulfur"))
        return {
            "Particle open-circuit contribution [V]": pybamm.x_average(level),
            "Activation contribution [V]": pybamm.x_average(first),
            "Particle transport contribution [V]": pybamm.x_average(phi - level - first),
        }

    @classmethod
    def _at_rest(cls, name: str, filling: Any) -> Any:
        within = pybamm.maximum(pybamm.minimum(filling, 1), 0)
        odds = (within + _TRACE) / (1 - within + _TRACE)
        return cls._potential(name) - cls._width(name) * pybamm.log(odds)

    def set_rhs(self, variables: dict[str, Any]) -> None:
        """Balance lithium in both hosts, sulfur between its shares, LiI between phases."""
        activation = variables["Activation rate [s-1]"]
        opened = variables["Opening rate [s-1]"]
        self.rhs[variables[_CLOSED]] = -opened
        self.rhs[variables[_FRESH]] = -activation
        self.rhs[variables[_ACTIVE]] = activation + opened
        # Where there is no MoS2 its filling follows the potential all the same.
        own = self._rate("MoS2", variables[_FILLING], variables[_PHI], variables)
        self.rhs[variables[_FILLING]] = own
        passed = variables["Sulfur uptake [s-1]"] + variables["MoS2 uptake [s-1]"]
        self.rhs[variables[_PHI]] = (
            passed - variables["Positive particle uptake [s-1]"]
        ) / pybamm.Parameter("Mobile guest capacity [V-1]")
        self.rhs[variables[_DOMAINS]] = self._domain_growth(variables)
        self.rhs[variables["Guest at the start"]] = pybamm.Scalar(0)
        self._diffuse(variables, variables["Sulfur uptake [s-1]"] / self._share())

    @staticmethod
    def _domain_growth(variables: dict[str, Any]) -> Any:
        """LiI leaves the solid solution above its limit, and comes back below it."""
        excess = variables["LiI above its limit"] - variables[_DOMAINS]
        out = pybamm.Parameter("LiI precipitation rate [s-1]") * pybamm.maximum(excess, 0)
        back = pybamm.Parameter("LiI dissolution rate [s-1]") * pybamm.minimum(excess, 0)
        return out + back

    @classmethod
    def _ease(cls, variables: dict[str, Any]) -> Any:
        """Diffusivity over that at the reference share of MoS2 with LiI at its limit [-]."""
        limit, x = pybamm.Parameter("LiI solubility limit"), pybamm.Parameter(_X)
        # LiI within its limit lies everywhere in the sulfide; more than that stands apart.
        dissolved = pybamm.minimum(x / (1 - x) * (1 - limit) / limit, 1)
        network = variables["MoS2 network"] / cls._network(
            pybamm.Parameter("Reference MoS2 volume fraction")
        )
        power = pybamm.Parameter("LixMoS2 percolation coefficient (electrons)")
        salt = pybamm.Parameter("Li2S-LiI diffusivity ratio")
        return network**power * salt ** (dissolved - 1)

    def _diffuse(self, variables: dict[str, Any], uptake: Any) -> None:
        """Spread lithium over the radius; the sulfur takes it up at its surface [s-1]."""
        name = "Positive particle diffusivity"
        rate = (
            pybamm.Parameter(f"{name} [m2.s-1]")
            * self._ease(variables)
            * arrhenius(variables, name)
            / variables["Positive particle squared radius [m2]"]
        )
        active = pybamm.PrimaryBroadcastToEdges(variables[_ACTIVE], _PARTICLE)
        flux = active * rate * pybamm.grad(variables["Sulfur filling profile"])
        brought = (
            self._kept() * variables["Activation rate [s-1]"]
            + variables["Opening rate [s-1]"]
        )
        # One third of the uptake per site: surface over volume of the unit sphere.
        self.rhs[variables[_HELD]] = pybamm.div(
            flux + entering(uptake / 3, self._distributed)
        ) + pybamm.PrimaryBroadcast(brought, _PARTICLE)

    def set_boundary_conditions(self, variables: dict[str, Any]) -> None:
        """No flux by the gradient itself: the surface flux is added in the balance."""
        filling = variables["Sulfur filling profile"]
        self.boundary_conditions.update(no_flux(filling))

    def set_initial_conditions(self, variables: dict[str, Any]) -> None:
        """As milled: MoS2 with lithium of the Li2S, and little of the sulfur active."""
        milled = pybamm.Parameter("Initial active sulfur fraction")
        first = pybamm.Parameter("Reached sulfur fraction")
        share, start = self._share(), self._start_filling()
        potential = variables["Positive particle initial potential [V]"]
        mobile = pybamm.Parameter("Mobile guest capacity [V-1]") * potential
        values = {
            _PHI: potential,
            _FRESH: first - milled,
            _CLOSED: pybamm.Parameter("Opened sulfur fraction"),
            _ACTIVE: milled,
            _FILLING: start,
            _DOMAINS: self._milled_domains(),
            _HELD: milled,
            "Guest at the start": share * (1 - self._given())
            + (1 - share) * start
            - mobile,
        }
        for name, value in values.items():
            self.initial_conditions[variables[name]] = value

    @staticmethod
    def _milled_domains() -> Any:
        """LiI beyond the limit stands apart from the start, of all LiI [-]."""
        limit, x = pybamm.Parameter("LiI solubility limit"), pybamm.Parameter(_X)
        room = limit / (1 - limit) * (1 - x) / pybamm.maximum(x, 1e-9)
        return pybamm.maximum(1 - room, 0)
