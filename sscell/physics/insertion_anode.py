"""Anodes of particles: graphite, silicon, hard carbon, and alloys off their plateau."""

from __future__ import annotations

from typing import Any

import pybamm

from sscell.physics.quantities.insertion_anode import AnodeHost
from sscell.units import FARADAY, GAS_CONSTANT

__all__ = ["PARTICLE", "InsertionAnode"]

PARTICLE = "negative particle"
_I0 = "Negative electrode exchange-current density"
_CONTENT = "Negative particle stoichiometry"
_STATE = "Negative particle hysteresis state"
_SURFACE = "Negative particle surface potential [V]"
_D = "Negative particle diffusivity"
_ION = "Negative electrode effective ionic conductivity"
_RATE = "Negative particle hysteresis rate constant"


class InsertionAnode(pybamm.BaseSubModel):
    r"""One representative particle that the guest leaves on discharge.

    .. math::
        \frac{\partial x}{\partial t} = \frac{1}{r^2}\frac{\partial}{\partial r}
        \left(r^2 \frac{D}{R^2} \frac{\partial x}{\partial r}\right), \quad
        \phi = U(x_{surf}, h, T) + \eta + j R_{film} + \frac{i L}{3 \sigma}, \quad
        \eta = (2RT/F)\,\mathrm{asinh}(j/2i_0)

    with the oxidation current density :math:`j` per particle surface. Metal can plate where
    :math:`U(x_{surf}) + \eta`, the potential against the metal at the surface, is negative.

    Parameters
    ----------
    double_layer : bool
        Whether the double layer is charged.
    host : AnodeHost
        What the guest sits in.
    """

    host_type = AnodeHost

    def __init__(self, double_layer: bool, host: AnodeHost) -> None:
        super().__init__(None, domain="negative", name="insertion anode")
        self._double_layer = double_layer
        self._potential, self._amount = host.potential, host.guest_per_host

    def get_fundamental_variables(self) -> dict[str, Any]:
        """Give the filling, the state of the hysteresis and the double layer's overpotential."""
        content = pybamm.Variable(_CONTENT, domain=PARTICLE)
        start = pybamm.Variable("Negative electrode filling at the start")
        # Unknown for error control alone, as in the cathode.
        surface = pybamm.Variable(_SURFACE)
        own = {v.name: v for v in (content, start, surface)}
        if self._potential.has_hysteresis:
            own[_STATE] = pybamm.Variable(_STATE)
        if self._double_layer:
            eta = pybamm.Variable("Negative electrode reaction overpotential [V]")
            own[eta.name] = eta
        return own

    def get_coupled_variables(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Give the potentials and the losses, positive on discharge."""
        content = variables[_CONTENT]
        particle = self._particle()
        total = variables["Current [A]"] / particle["surface"]
        j = self._faradaic(variables) if self._double_layer else total
        rate = (
            pybamm.Parameter(f"{_D} [m2.s-1]")
            * self._heated(f"{_D} activation energy [J.mol-1]", variables)
            / particle["radius"] ** 2
        )
        gain = -j / (FARADAY * self._amount) / particle["radius"] / particle["host"]
        half_shell = pybamm.BoundaryMeshSize(content, "right") / 2
        at_surface = pybamm.boundary_value(content, "right") + half_shell * gain / rate
        mean = pybamm.r_average(content)
        state = variables.get(_STATE, pybamm.Scalar(0))
        surface, rest = variables[_SURFACE], self._ocp(mean, state)
        i = variables["Current density [A.m-2]"]
        film = j * pybamm.Parameter("Negative electrode interphase resistance [Ohm.m2]")
        ohmic = (
            i
            * pybamm.Parameter("Negative electrode thickness [m]")
            / 3
            / pybamm.Parameter(f"{_ION} [S.m-1]")
            / self._heated(f"{_ION} activation energy [J.mol-1]", variables)
        )
        if self._double_layer:
            eta = variables["Negative electrode reaction overpotential [V]"]
        else:
            eta = 2 * self._thermal() * pybamm.arcsinh(j / (2 * self._i0(variables)))
        gone = variables["Negative electrode filling at the start"] - mean
        passed = variables["Discharge capacity [A.h]"] * 3600 / FARADAY
        if self._double_layer:
            charged = pybamm.Parameter("Negative electrode double-layer capacity [F.m-2]")
            passed -= charged * eta * particle["surface"] / FARADAY
        sites = particle["moles"] * self._amount
        return {
            "Negative electrode inventory": mean,
            "Negative particle surface stoichiometry": at_surface,
            "Negative particle diffusion rate [s-1]": rate,
            "Negative particle uptake [s-1]": gain,
            "Negative electrode open-circuit potential [V]": rest,
            "Negative electrode transport overpotential [V]": surface - rest,
            "Negative electrode reaction overpotential [V]": eta,
            "Negative electrode interphase overpotential [V]": film + ohmic,
            "Negative electrode plating potential [V]": surface + eta,
            "Negative electrode potential [V]": surface + eta + film + ohmic,
            "Negative electrode thickness change [m]": -pybamm.Parameter(
                "Negative electrode molar volume [m3.mol-1]"
            )
            * gone
            * sites
            / pybamm.Parameter("Electrode area [m2]"),
            "Negative electrode guest balance residual": gone - passed / sites,
        }

    @staticmethod
    def _particle() -> dict[str, Any]:
        """Radius [m], all surface [m2], host [mol.m-3] and [mol]."""
        density = pybamm.Parameter("Negative electrode active material density [kg.m-3]")
        molar = pybamm.Parameter("Negative electrode active material molar mass [kg.mol-1]")
        mass = pybamm.Parameter("Negative electrode mass [kg]") * pybamm.Parameter(
            "Negative electrode active material mass fraction"
        )
        radius = pybamm.Parameter("Negative particle radius [m]")
        return {
            "radius": radius,
            "surface": 3 * mass / density / radius,
            "host": density / molar,
            "moles": mass / molar,
        }

    @staticmethod
    def _heated(energy: str, variables: dict[str, Any]) -> Any:
        return pybamm.exp(
            pybamm.Parameter(energy) * variables["Arrhenius factor [mol.J-1]"]
        )

    @staticmethod
    def _thermal() -> Any:
        return GAS_CONSTANT * pybamm.Parameter("Ambient temperature [K]") / FARADAY

    def _i0(self, variables: dict[str, Any]) -> Any:
        return pybamm.Parameter(f"{_I0} [A.m-2]") * self._heated(
            f"{_I0} activation energy [J.mol-1]", variables
        )

    def _faradaic(self, variables: dict[str, Any]) -> Any:
        eta = variables["Negative electrode reaction overpotential [V]"]
        return 2 * self._i0(variables) * pybamm.sinh(eta / (2 * self._thermal()))

    def _ocp(self, filling: Any, state: Any) -> Any:
        heated = pybamm.Parameter("Ambient temperature [K]") - pybamm.Parameter(
            "Reference temperature [K]"
        )
        return (
            self._potential(filling, state, pybamm.maximum)
            + pybamm.Parameter("Negative electrode OCP offset [V]")
            + pybamm.Parameter("Negative electrode OCP entropic change [V.K-1]") * heated
        )

    def set_rhs(self, variables: dict[str, Any]) -> None:
        """Balance the guest; charge the double layer; move between the branches."""
        content, gain = variables[_CONTENT], variables["Negative particle uptake [s-1]"]
        edge: Any = pybamm.SpatialVariableEdge(
            "r_n", domain=[PARTICLE], coord_sys="spherical polar"
        )
        # As in the cathode: the surface flux as a value on the last edge keeps the balance.
        flux = variables["Negative particle diffusion rate [s-1]"] * pybamm.grad(content)
        self.rhs[content] = pybamm.div(flux + gain * (edge > 1 - 1e-9))
        self.rhs[variables["Negative electrode filling at the start"]] = pybamm.Scalar(0)
        if self._potential.has_hysteresis:
            state, filling = variables[_STATE], 3 * gain
            self.rhs[state] = -pybamm.Parameter(_RATE) * (abs(filling) * state + filling)
        if self._double_layer:
            eta = variables["Negative electrode reaction overpotential [V]"]
            total = variables["Current [A]"] / self._particle()["surface"]
            capacity = pybamm.Parameter("Negative electrode double-layer capacity [F.m-2]")
            self.rhs[eta] = (total - self._faradaic(variables)) / capacity

    def set_algebraic(self, variables: dict[str, Any]) -> None:
        """Surface in equilibrium with its filling."""
        surface = variables[_SURFACE]
        filling = variables["Negative particle surface stoichiometry"]
        state = variables.get(_STATE, pybamm.Scalar(0))
        self.algebraic[surface] = surface - self._ocp(filling, state)

    def set_boundary_conditions(self, variables: dict[str, Any]) -> None:
        """No flux by the gradient itself: the surface flux is added in the balance."""
        zero = (pybamm.Scalar(0), "Neumann")
        self.boundary_conditions[variables[_CONTENT]] = {"left": zero, "right": zero}

    def set_initial_conditions(self, variables: dict[str, Any]) -> None:
        """At rest, filled evenly."""
        start = pybamm.Parameter("Initial negative electrode filling")
        for name in (_CONTENT, "Negative electrode filling at the start"):
            self.initial_conditions[variables[name]] = start
        before: Any = pybamm.Scalar(0)
        if self._potential.has_hysteresis:
            before = pybamm.Parameter("Initial negative particle hysteresis state")
            self.initial_conditions[variables[_STATE]] = before
        self.initial_conditions[variables[_SURFACE]] = self._ocp(start, before)
        if self._double_layer:
            eta = variables["Negative electrode reaction overpotential [V]"]
            self.initial_conditions[eta] = pybamm.Scalar(0)
