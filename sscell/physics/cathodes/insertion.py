"""Insertion cathode: the guest diffuses into the sites of a lasting host."""

from __future__ import annotations

from typing import Any

import pybamm

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
# lost host keeps it is linear in the charge, so that the balance closes to round-off.
_CONTENT = "Positive particle content"
_STATE = "Positive particle hysteresis state"
# Share of full or empty sites beyond which the logarithm goes on as a straight line.
_EDGE = 1e-5


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

    def get_fundamental_variables(self) -> dict[str, Any]:
        """Give the filling, the potentials that follow from it and the balances."""
        content = pybamm.Variable(_CONTENT, **inside(self._distributed))
        # A state that never changes: parameters may differ in a later step, such as the
        # temperature after a formation, but not what the cell was assembled with.
        start = pybamm.Variable("Guest at the start")
        own = {
            **{v.name: v for v in (content, start)},
            "Host in phases": pybamm.Scalar(1),
            "Guest in active host": mean(content) * self._sites.guest_per_host,
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
        rate = diffusivity / variables["Positive particle squared radius [m2]"]
        uptake = uptake_per_site(variables, self._sites.guest_per_host)
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
            "Positive particle uptake [s-1]": uptake,
            "Positive particle surface stoichiometry": surface,
            "X-averaged positive particle surface stoichiometry": pybamm.x_average(surface),
            **self._balances(variables),
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

    def _split(self, potential: Any) -> tuple[Any, Any]:
        """Filled and empty share of the sites at a potential."""
        assert isinstance(self._sites, Sites)
        return self._sites.split(
            potential,
            pybamm.Parameter("Ambient temperature [K]"),
            pybamm.Parameter,
            pybamm.exp,
        )

    def _mismatch(self, potential: Any, filling: Any) -> Any:
        """Zero where the sites at a potential are filled to a share."""
        return site_mismatch(*self._split(potential), filling, _EDGE)

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
            surface, variables["Positive particle surface stoichiometry"]
        )
        self.algebraic[rest] = self._mismatch(
            rest, variables["Average positive particle stoichiometry"]
        )

    def set_rhs(self, variables: dict[str, Any]) -> None:
        """Balance the guest."""
        content = variables[_CONTENT]
        x = variables["Positive particle stoichiometry"]
        flux = variables["Positive particle diffusion rate [s-1]"] * pybamm.grad(x)
        uptake = variables["Positive particle uptake [s-1]"]
        gain = pybamm.div(flux + entering(uptake, self._distributed))
        lost = variables["Total host loss rate [s-1]"] * content
        self.rhs[content] = variables["Active host remaining"] * gain - lost
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
        for name in (_CONTENT, "Guest at the start"):
            self.initial_conditions[variables[name]] = filled
        for name in ("surface", "rest"):
            state = variables[f"Positive particle {name} potential [V]"]
            self.initial_conditions[state] = potential
