"""Stack pressure and contact: volumes give strain, strain and pressure give contact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pybamm

from sscell.physics.quantities.wear import contact
from sscell.units import FARADAY

__all__ = ["Contact", "NoContact"]

_CLOSED, _SUNK = "Closed contact fraction", "Irreversible thickness change [um]"
_FRACTION = "Contact fraction"
_PRESSURE = "Applied stack pressure [Pa]"
_FABRICATION = "Fabrication pressure [Pa]"
_RATE = "Re-contact rate"
# Share of the reference pressure below which a power of it has no slope worth a step.
_NONE = 1e-9


class Contact(pybamm.BaseSubModel):
    r"""Share of the cathode's interface that touches, and the pressure on the stack.

    .. math::
        \dot s = k\,a(E) \left(\frac{p}{p_r}\right)^m (\theta_{max} - s)
        - \left(\chi\,|\dot e| + \chi_N \dot N\right) (s - \theta_{min}), \quad
        \dot e = \dot h_{irr}/L_{cathode}

        \theta = s \min\left(1, p_0/p_{fab}\right)^n, \quad
        s(0) = \min\left[\theta_{max}, \theta_i \left(1 - e^{-p_{fab}/p_y}\right)\right]

        p = p_0 + K \left(h_{+} + h_{-} + h_{irr} - h_0\right), \quad
        \frac1K = \frac1{K_{jig}} + \frac{L_{stack}}{E_{stack}}, \quad p \ge 0

    The state :math:`s` is what pressing has closed, :math:`\theta` what of it touches under
    the pressure :math:`p_0` that the jig applied where the thickness had changed by
    :math:`h_0`; :math:`\dot N` are full cycles. The load cell reads :math:`p`, with the
    thickness changes of both electrodes by the volumes of what they hold, and of
    what is lost for good by every reaction that says so. A jig of no stiffness keeps the
    pressure, one of endless stiffness the gap. Without rates and with the start at one this
    is the plain cell.

    Parameters
    ----------
    layers : sequence of str
        Of the separator; their thickness yields to the jig as the cathode's does.
    sources : mapping of str to str
        Reactions that change the volume for good, and the variables of their reduction
        currents [A].

    Notes
    -----
    Densification with the fabrication pressure: Heckel, Trans. AIME 221, 671 (1961).
    Closing of asperities under pressure at a rate of its own and parting by strain: this
    work; the exponent :math:`m` stands for an unknown distribution of heights.
    """

    def __init__(self, layers: Sequence[str], sources: Mapping[str, str]):
        super().__init__(None, domain="positive", name="contact")
        self._layers, self._sources = layers, sources

    quantities = staticmethod(contact)

    def get_fundamental_variables(self) -> dict[str, Any]:
        """Give the states and how well the composite conducts."""
        closed, sunk = pybamm.Variable(_CLOSED), pybamm.Variable(_SUNK)
        relative = pybamm.Parameter(_PRESSURE) / pybamm.Parameter(_FABRICATION)
        unloading = pybamm.Parameter("Contact unloading exponent")
        theta = closed * pybamm.minimum(pybamm.maximum(relative, _NONE), 1) ** unloading
        exponent = pybamm.Parameter("Contact conduction exponent")
        return {
            _CLOSED: closed,
            _SUNK: sunk,
            _FRACTION: theta,
            "Contact conduction factor": theta**exponent,
        }

    def get_coupled_variables(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Give the thickness changes, the pressure and the rate of closing."""
        own = _thickness_change(variables)
        free = (
            own["Positive electrode thickness change [m]"]
            + variables["Negative electrode thickness change [m]"]
            + 1e-6 * variables[_SUNK]
        )
        since = free - pybamm.Parameter("Thickness change at loading [m]")
        read = pybamm.Parameter(_PRESSURE) + self._stiffness(variables) * since
        pressure = pybamm.maximum(read, 0)  # a stack that no longer touches is not pulled
        reference = pybamm.Parameter("Re-contact reference pressure [Pa]")
        relative = pybamm.maximum(pressure / reference, _NONE)
        closing = (
            pybamm.Parameter(f"{_RATE} [s-1]")
            * pybamm.exp(
                pybamm.Parameter(f"{_RATE} activation energy [J.mol-1]")
                * variables["Arrhenius factor [mol.J-1]"]
            )
            * relative ** pybamm.Parameter("Re-contact pressure exponent")
        )
        return own | {
            "Free stack thickness change [m]": free,
            "Irreversible thickness rate [m.s-1]": self._sinking(variables),
            "Stack pressure [MPa]": pressure / 1e6,
            "Re-contact rate [s-1]": closing,
        }

    def _sinking(self, variables: dict[str, Any]) -> Any:
        """Rate of what is won or lost for good by all reactions [m.s-1]."""
        rate: Any = pybamm.Scalar(0)
        for name, current in self._sources.items():
            volume = pybamm.Parameter(f"{name} volume change [m3.mol-1]")
            rate -= volume * variables[current] / FARADAY
        return rate / pybamm.Parameter("Electrode area [m2]")

    def _stiffness(self, variables: dict[str, Any]) -> Any:
        """Pressure per free thickness change: jig and stack in series [Pa.m-1]."""
        layers = [pybamm.Parameter(f"{layer} thickness [m]") for layer in self._layers]
        height = sum(layers, variables["Positive electrode thickness [m]"])
        jig = pybamm.Parameter("Jig stiffness [Pa.m-1]")
        return jig / (1 + jig * height / pybamm.Parameter("Stack modulus [Pa]"))

    def set_rhs(self, variables: dict[str, Any]) -> None:
        """Close under pressure, part by strain, and add up what is lost for good."""
        closed = variables[_CLOSED]
        sinking = variables["Irreversible thickness rate [m.s-1]"]
        strain = abs(sinking) / variables["Positive electrode thickness [m]"]
        open_share = pybamm.Parameter("Maximum contact fraction") - closed
        above = closed - pybamm.Parameter("Minimum contact fraction")
        by_cycle = pybamm.Parameter("Contact loss by cycling")
        parting = pybamm.Parameter("Contact loss by strain") * strain
        parting += by_cycle * variables["Full cycles rate [s-1]"]
        self.rhs[closed] = variables["Re-contact rate [s-1]"] * open_share - parting * above
        self.rhs[variables[_SUNK]] = 1e6 * sinking

    def set_initial_conditions(self, variables: dict[str, Any]) -> None:
        """Contact by the loading history of the cell as assembled."""
        pressed = 1 - pybamm.exp(
            -pybamm.Parameter(_FABRICATION)
            / pybamm.Parameter("Contact yield pressure [Pa]")
        )
        start = pybamm.Parameter("Initial contact fraction") * pressed
        highest = pybamm.Parameter("Maximum contact fraction")
        self.initial_conditions[variables[_CLOSED]] = pybamm.minimum(highest, start)
        self.initial_conditions[variables[_SUNK]] = pybamm.Scalar(0)


class NoContact(pybamm.BaseSubModel):
    """Interfaces that touch everywhere at any pressure, as in a liquid electrolyte."""

    def __init__(self) -> None:
        super().__init__(None, domain="positive", name="no contact")

    def get_fundamental_variables(self) -> dict[str, Any]:
        """Give full contact, which leaves the model."""
        one = pybamm.Scalar(1)
        return {_FRACTION: one, "Contact conduction factor": one}

    def get_coupled_variables(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Give the thickness change of the cathode."""
        return _thickness_change(variables)


def _thickness_change(variables: dict[str, Any]) -> dict[str, Any]:
    """Cathode of constant area by the volumes of the phases that it holds."""
    return {
        "Positive electrode thickness change [m]": variables[
            "Active material volume change [m3.mol-1]"
        ]
        * variables["Positive electrode host amount [mol]"]
        / pybamm.Parameter("Electrode area [m2]")
    }
