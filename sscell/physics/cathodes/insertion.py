"""Insertion cathode: the guest diffuses into the sites of a lasting host."""

from __future__ import annotations

from typing import Any

import pybamm

from sscell.physics.cathodes.grains import Grains
from sscell.physics.cathodes.sites import Sites
from sscell.physics.cathodes.tabulated import HYSTERESIS, InsertionHost, Tabulated
from sscell.physics.cathodes.wiring import (
    arrhenius,
    entering,
    inside,
    mean,
    no_flux,
    places,
    site_mismatch,
    uptake_per_site,
)

__all__ = ["InsertionParticle"]

# What the active host holds, per site that was active at the start: with the guest that
# lost host keeps it is linear in the charge, so that the balance closes to round-off. Of
# the sites that transform the grains have contents of their own.
_CONTENT = "Positive particle content"
_STATE = "Positive particle hysteresis state"
# Share of full or empty sites beyond which the logarithm goes on as a straight line.
_EDGE = 1e-5
# Where some sites transform: wider, as a window for them reaches far below and above all
# steps, and from there a jump of the current must find its way around this corner.
_WIDE_EDGE = 5e-5


class InsertionParticle(pybamm.BaseSubModel):
    r"""Filling of the sites over the radius of one particle of unit size.

    .. math::
        \frac{\partial x}{\partial t} = \frac{1}{r^2}\frac{\partial}{\partial r}
        \left(r^2 \frac{D}{R^2} \frac{\partial x}{\partial r}\right), \quad
        D = D_0 \, a(E_D) \, e^{-bx} \, \theta^c, \quad x(U_{surf}) = x_{surf}

    with the share :math:`\theta` of the surface that is in contact, which counts where
    :math:`c > 0`: 1/2 for patches that are far apart, as the flux to a disc goes with its
    radius. The potential of the surface, and for the loss budget that of the mean filling,
    are unknowns of one equation each: their filling is that of
    `sscell.physics.cathodes.sites.Sites` or `sscell.physics.cathodes.tabulated.Tabulated`.

    Sites that transform fill grain by grain (`sscell.physics.cathodes.grains.Grains`), at
    the potential of the surface, beside the guest that is dissolved in all others: then
    :math:`x` is the filling of these, and what enters them is the uptake less that of the
    grains.

    Parameters
    ----------
    sites : Sites or Tabulated
        Which potential belongs to which filling.
    distributed : bool, optional
        Whether there is a particle at every point of the thickness.

    Notes
    -----
    ``Positive particle reduction current density [A.m-2]`` (positive on discharge) comes
    from the cathode; ``Positive particle surface potential [V]`` goes back to it.
    """

    host_type = InsertionHost

    def __init__(self, sites: Sites | Tabulated, distributed: bool = False):
        super().__init__(None, domain="positive", name="insertion particle")
        self._sites = sites
        self._table = sites if isinstance(sites, Tabulated) else None
        self._hysteresis = self._table is not None and self._table.potential.has_hysteresis
        self._distributed = distributed
        alone = isinstance(sites, Sites)
        self._dissolved = sites.dissolved if alone else ()
        steps = sites.transformed if alone else ()
        self._grains = [Grains(step, distributed) for step in steps]

    def get_fundamental_variables(self) -> dict[str, Any]:
        """Give the filling, the potentials that follow from it and the balances."""
        content = pybamm.Variable(_CONTENT, **inside(self._distributed))
        states = {n: v for grains in self._grains for n, v in grains.states().items()}
        # A state that never changes: parameters may differ in a later step, such as the
        # temperature after a formation, but not what the cell was assembled with.
        start = pybamm.Variable("Guest at the start")
        own = {
            **{v.name: v for v in (content, start)},
            **states,
            "Host in phases": pybamm.Scalar(1),
            "Guest in active host": self._held(content, states)
            * self._sites.guest_per_host,
        }
        if self._hysteresis:
            state = pybamm.Variable(_STATE, domain=places(self._distributed))
            own[_STATE] = state
            own[f"X-averaged {_STATE[0].lower()}{_STATE[1:]}"] = pybamm.x_average(state)
        # Unknowns even where a table gives them: else no error control would see the steps of
        # the voltage between two times of the solver.
        surface = pybamm.Variable(
            "Positive particle surface potential [V]", domain=places(self._distributed)
        )
        rest = pybamm.Variable("Positive particle rest potential [V]")
        return {
            **own,
            **{v.name: v for v in (surface, rest)},
            "Positive particle initial potential [V]": self._initial_potential(),
            "Particle open-circuit contribution [V]": rest,
            "Particle transport contribution [V]": pybamm.x_average(surface) - rest,
        }

    def _held(self, content: Any, states: dict[str, Any]) -> Any:
        """What all sites hold, per site that was active at the start."""
        if not self._grains:
            return mean(content)
        held = self._fraction() * mean(content)
        for grains in self._grains:
            share = pybamm.Parameter(f"{grains.step} fraction")
            held += share * pybamm.x_average(grains.total(states))
        return held

    def _fraction(self) -> Any:
        """Share of the sites in which the guest is dissolved."""
        return sum(pybamm.Parameter(f"{name} fraction") for name in self._dissolved)

    def _initial_potential(self) -> Any:
        """At rest, as assembled [V]."""
        if self._table is None:
            return pybamm.Parameter("Initial positive electrode potential [V]")
        state: Any = pybamm.Scalar(0)
        if self._hysteresis:
            state = pybamm.Parameter("Initial positive particle hysteresis state")
        return self._potential(
            pybamm.Parameter("Initial positive electrode filling"), state
        )

    def get_coupled_variables(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Give the diffusivity, the uptake and the filling of the surface."""
        left = variables["Active host remaining"]
        x = variables[_CONTENT] / left
        name = "Positive particle diffusivity"
        thermal = arrhenius(variables, name)
        blocked = pybamm.exp(-pybamm.Parameter(f"{name} decay coefficient") * x)
        # Through fewer patches the guest has farther to go.
        reached = variables["Contacted surface fraction"] ** pybamm.Parameter(
            f"{name} contact exponent"
        )
        diffusivity = pybamm.Parameter(f"{name} [m2.s-1]") * thermal * blocked * reached
        diffusivity *= pybamm.Parameter(f"{name} additive coefficient")
        rate = diffusivity / variables["Positive particle squared radius [m2]"]
        told = self._transform(variables)
        every = uptake_per_site(variables, self._sites.guest_per_host)
        uptake = every
        for grains in self._grains:
            share = pybamm.Parameter(f"{grains.step} fraction")
            uptake = uptake - share * grains.total(self._gains) / 3
        if self._grains:
            uptake = uptake / self._fraction()
        half_shell = pybamm.BoundaryMeshSize(x, "right") / 2
        surface = pybamm.boundary_value(x, "right") + half_shell * uptake / (
            pybamm.boundary_value(rate, "right")
        )
        average = variables["Guest in active host"] / self._sites.guest_per_host / left
        return {
            "Positive particle stoichiometry": x,
            "Average positive particle stoichiometry": average,
            "Positive particle diffusivity [m2.s-1]": diffusivity,
            "Positive particle diffusion rate [s-1]": rate,
            "Positive particle uptake [s-1]": every,
            "Positive particle dissolved uptake [s-1]": uptake,
            "Positive particle surface stoichiometry": surface,
            "X-averaged positive particle surface stoichiometry": pybamm.x_average(
                self._settled(variables) if self._grains else surface
            ),
            **told,
            **self._balances(variables),
        }

    def _settled(self, variables: dict[str, Any]) -> Any:
        """Filling that all sites would have at the potential of the surface."""
        return self._split(variables["Positive particle surface potential [V]"])[0]

    def _transform(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Let the grains take up; give the mean filling of each kind."""
        left = variables["Active host remaining"]
        surface = variables["Positive particle surface potential [V]"]
        self._gains: dict[str, Any] = {}
        for grains in self._grains:
            settled, _ = self._split(surface, (grains.step,))
            self._gains |= grains.gains(variables, settled)
        return {
            f"{g.step} filling": pybamm.x_average(g.total(variables)) / left
            for g in self._grains
        }

    def _potential(self, filling: Any, state: Any) -> Any:
        """Potential that the table gives to a filling."""
        assert self._table is not None
        return self._table.surface_potential(
            filling,
            state,
            pybamm.Parameter("Ambient temperature [K]"),
            pybamm.Parameter,
            pybamm.maximum,
        )

    def _balances(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Guest taken up, per host, with what the lost host keeps; its volume."""
        held = variables["Guest in active host"] + variables["Guest trapped"]
        start = variables["Guest at the start"] * self._sites.guest_per_host
        taken = (held - start) * (1 - pybamm.Parameter("Inactive host fraction"))
        swelling = pybamm.Parameter("Guest molar volume [m3.mol-1]")
        return {
            "Guest taken up": taken,
            "Active material volume change [m3.mol-1]": taken * swelling,
        }

    def _split(self, potential: Any, names: tuple[str, ...] = ()) -> tuple[Any, Any]:
        """Filled and empty share at a potential: of some kinds of site, or of all."""
        assert isinstance(self._sites, Sites)
        kelvin = pybamm.Parameter("Ambient temperature [K]")
        some = names or self._sites.names
        shares = self._sites.split_of(some, potential, kelvin, pybamm.Parameter, pybamm.exp)
        if len(some) == len(self._sites.names):
            return shares
        total = sum(pybamm.Parameter(f"{name} fraction") for name in some)
        return shares[0] / total, shares[1] / total

    def _mismatch(self, potential: Any, filling: Any, names: tuple[str, ...] = ()) -> Any:
        """Zero where sites at a potential are filled to a share."""
        edge = _WIDE_EDGE if self._grains else _EDGE
        return site_mismatch(*self._split(potential, names), filling, edge)

    def set_algebraic(self, variables: dict[str, Any]) -> None:
        """Sites at the surface, and of the mean filling, in equilibrium with a potential."""
        surface = variables["Positive particle surface potential [V]"]
        rest = variables["Positive particle rest potential [V]"]
        if self._table is not None:
            state = variables[_STATE] if self._hysteresis else pybamm.Scalar(0)
            self.algebraic[surface] = surface - self._potential(
                variables["Positive particle surface stoichiometry"], state
            )
            self.algebraic[rest] = rest - self._potential(
                variables["Average positive particle stoichiometry"],
                pybamm.x_average(state),
            )
            return
        self.algebraic[surface] = self._mismatch(
            surface,
            variables["Positive particle surface stoichiometry"],
            self._dissolved,
        )
        self.algebraic[rest] = self._mismatch(
            rest, variables["Average positive particle stoichiometry"]
        )

    def set_rhs(self, variables: dict[str, Any]) -> None:
        """Balance the guest."""
        content = variables[_CONTENT]
        x = variables["Positive particle stoichiometry"]
        flux = variables["Positive particle diffusion rate [s-1]"] * pybamm.grad(x)
        uptake = variables["Positive particle dissolved uptake [s-1]"]
        gain = pybamm.div(flux + entering(uptake, self._distributed))
        lost = variables["Total host loss rate [s-1]"] * content
        left = variables["Active host remaining"]
        self.rhs[content] = left * gain - lost
        for name, gained in self._gains.items():
            held = variables[name]
            self.rhs[held] = left * gained - variables["Total host loss rate [s-1]"] * held
        self.rhs[variables["Guest at the start"]] = pybamm.Scalar(0)
        if self._hysteresis:
            state = variables[_STATE]
            filling = 3 * variables["Positive particle uptake [s-1]"]
            self.rhs[state] = -pybamm.Parameter(HYSTERESIS) * (
                abs(filling) * state + filling
            )

    def set_boundary_conditions(self, variables: dict[str, Any]) -> None:
        """No flux by the gradient itself: the surface flux is added in the balance."""
        x = variables["Positive particle stoichiometry"]
        self.boundary_conditions.update(no_flux(x))

    def set_initial_conditions(self, variables: dict[str, Any]) -> None:
        """At rest at the potential, or with the filling, of the cell as assembled."""
        potential = variables["Positive particle initial potential [V]"]
        if self._table is None:
            filled, _ = self._split(potential)
        else:
            filled = pybamm.Parameter("Initial positive electrode filling")
        if self._hysteresis:
            self.initial_conditions[variables[_STATE]] = pybamm.Parameter(
                "Initial positive particle hysteresis state"
            )
        self.initial_conditions[variables["Guest at the start"]] = filled
        for grains in self._grains:
            settled, _ = self._split(potential, (grains.step,))
            for name in grains.names:
                self.initial_conditions[variables[name]] = settled
        if self._grains:
            assert isinstance(self._sites, Sites)
            filled, _ = self._split(potential, self._sites.dissolved)
        self.initial_conditions[variables[_CONTENT]] = filled
        for name in ("surface", "rest"):
            state = variables[f"Positive particle {name} potential [V]"]
            self.initial_conditions[state] = potential
