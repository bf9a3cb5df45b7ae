"""What cycling and time wear out in the cathode: host, interphase and contact."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pybamm

from sscell.physics.quantities.wear import PARTED, degradation

__all__ = ["Degradation", "NoDegradation"]

_HOST, _CONTACT = "Active host remaining", "Contact left by cycling"
_LOSS = "Total host loss rate [s-1]"
_GROWN = "Interphase grown [Ohm.m2]"
_CYCLED, _AGE = "Interphase grown by cycling [Ohm.m2]", "Interphase age [day]"
_GROWTH = "Positive electrode interphase growth"
_TRAPPABLE, _COUNT = "Trappable host", "Full cycles"
_SERIES = "Series resistance grown [Ohm.m2]"
_BOUNDARY = "Boundary resistance grown [Ohm.m2]"
# Smooths the endless slope of a square root at its start; nothing is measured that early.
_FIRST = 1e-4  # s
_DAY = 86400.0  # s: PyBaMM holds states above 1e5 for a mistake


class Degradation(pybamm.BaseSubModel):
    r"""Loss of active host, growth of resistances and loss of contact.

    .. math:: \dot\lambda = -k_h \dot N (\lambda - p - \lambda_{min})_+
        - k_p \dot N_c\, p - k_t\, a(E_h)\, \lambda, \quad
        \dot p = -(k_p \dot N_c + k_t\, a(E_h))\, p

    .. math:: R = k_c N + \sqrt{K \textstyle\int a(E_R)\, dt}, \quad
        \dot\theta = -k_\theta (\theta - \theta_{min})^n \dot N, \quad
        R_s = k_s (1 - \theta), \quad R_a = k_a (1 - \theta)/\theta

    with the full cycles :math:`\dot N = |I|/(2QF)` of the cathode as assembled and the
    full charges :math:`\dot N_c = |I|/QF`, zero on discharge. Contact parts by an order
    :math:`n`: by 1 it decays exponentially; above it slows by itself, without a share that
    lasts, :math:`\theta = [1 + (n - 1) k_\theta N]^{-1/(n - 1)}`, as where the weakest
    patches part first. The pool :math:`p` is host
    that is converted once and does not come back: trapping in the first charges. The host
    that is lost keeps the guest and the phases that it held on average. The host divides
    what it takes up by :math:`\lambda`; the interface takes :math:`R` and :math:`\theta`
    times the contact fraction of the stack pressure. Per electrode area, :math:`R_s` adds
    to the contacts and :math:`R_a` to the charged boundaries: at high and at middle
    frequency. The particle surface and its double layer stay as they are.

    Parameters
    ----------
    phases : sequence of str
        Of the host; what it holds of each is trapped with it.

    Notes
    -----
    The host gives ``Guest in active host`` and, where it has phases, their
    ``fraction profile``; the balances count ``Guest trapped`` and ``Trapped ... fraction``,
    all per host that was active at the start.
    """

    def __init__(self, phases: Sequence[str]):
        super().__init__(None, domain="positive", name="degradation")
        self._phases = phases

    quantities = staticmethod(degradation)

    def get_fundamental_variables(self) -> dict[str, Any]:
        """Give the states and the interphase that follows from them."""
        names = (_HOST, _CONTACT, _CYCLED, _AGE, _TRAPPABLE, _COUNT, "Guest trapped")
        names += tuple(f"Trapped {p} fraction" for p in self._phases)
        own = {name: pybamm.Variable(name) for name in names}
        constant = pybamm.Parameter(f"{_GROWTH} rate constant [Ohm2.m4.s-1]")
        aged = pybamm.sqrt(own[_AGE] * _DAY + _FIRST) - _FIRST**0.5
        contact = own[_CONTACT]
        series, boundary = (
            pybamm.Parameter(f"{name} of lost contact [Ohm.m2]") * (1 - contact)
            for name in PARTED
        )
        return own | {
            _GROWN: own[_CYCLED] + pybamm.sqrt(constant) * aged,
            _SERIES: series,
            _BOUNDARY: boundary / contact,
        }

    def get_coupled_variables(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Give the contact of the surface and the rates at which host decays."""
        calendar = pybamm.Parameter("Active host loss rate [s-1]") * self._arrhenius(
            variables, "Active host loss rate"
        )
        host, pool = variables[_HOST], variables[_TRAPPABLE]
        lasting = pybamm.Parameter("Minimum active host fraction")
        wear = pybamm.Parameter("Active host fade per cycle")
        worn = pybamm.maximum(host - pool - lasting, 0)
        wear *= variables["Full cycles rate [s-1]"] * worn
        trapping = pybamm.Parameter("Host trapping coefficient")
        trapping *= variables["Full charges rate [s-1]"]
        return {
            _LOSS: (wear + trapping * pool) / host + calendar,
            "Trapping rate [s-1]": trapping + calendar,
        } | _touching(variables)

    def set_rhs(self, variables: dict[str, Any]) -> None:
        """Wear out by the charge that passes and by time."""
        cycling, loss = variables["Full cycles rate [s-1]"], variables[_LOSS]
        self.rhs[variables[_HOST]] = -loss * variables[_HOST]
        self.rhs[variables["Guest trapped"]] = loss * variables["Guest in active host"]
        for p in self._phases:
            held = pybamm.x_average(pybamm.r_average(variables[f"{p} fraction profile"]))
            lost = loss * variables[_HOST] * held
            self.rhs[variables[f"Trapped {p} fraction"]] = lost
        pool = variables[_TRAPPABLE]
        self.rhs[pool] = -variables["Trapping rate [s-1]"] * pool
        self.rhs[variables[_COUNT]] = cycling
        growth = pybamm.Parameter(f"{_GROWTH} per cycle [Ohm.m2]")
        self.rhs[variables[_CYCLED]] = growth * cycling
        self.rhs[variables[_AGE]] = self._arrhenius(variables, _GROWTH) / _DAY
        contact = variables[_CONTACT]
        above = contact - pybamm.Parameter("Minimum contacted surface fraction")
        parting = pybamm.Parameter("Contact fade per cycle") * cycling
        order = pybamm.Parameter("Contact fade order")
        self.rhs[contact] = -parting * pybamm.maximum(above, 0) ** order

    @staticmethod
    def _arrhenius(variables: dict[str, Any], name: str) -> Any:
        energy = pybamm.Parameter(f"{name} activation energy [J.mol-1]")
        return pybamm.exp(energy * variables["Arrhenius factor [mol.J-1]"])

    def set_initial_conditions(self, variables: dict[str, Any]) -> None:
        """Nothing is lost and nothing has grown in a fresh cell."""
        for name in (_CYCLED, _AGE, _COUNT, "Guest trapped"):
            self.initial_conditions[variables[name]] = pybamm.Scalar(0)
        for p in self._phases:
            state = variables[f"Trapped {p} fraction"]
            self.initial_conditions[state] = pybamm.Scalar(0)
        for name in (_HOST, _CONTACT):
            self.initial_conditions[variables[name]] = pybamm.Scalar(1)
        pool = pybamm.Parameter("Trappable host fraction")
        self.initial_conditions[variables[_TRAPPABLE]] = pool


class NoDegradation(pybamm.BaseSubModel):
    """A cathode that lasts: the same variables as constants, which leave the model.

    Parameters
    ----------
    phases : sequence of str
        Of the host.
    """

    def __init__(self, phases: Sequence[str]):
        super().__init__(None, domain="positive", name="no degradation")
        self._phases = phases

    def get_fundamental_variables(self) -> dict[str, Any]:
        """Give all host, all contact and nothing else."""
        none = (_LOSS, _GROWN, _SERIES, _BOUNDARY, "Guest trapped")
        none += tuple(f"Trapped {p} fraction" for p in self._phases)
        one, zero = pybamm.Scalar(1), pybamm.Scalar(0)
        return dict.fromkeys((_HOST, _CONTACT), one) | dict.fromkeys(none, zero)

    def get_coupled_variables(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Give the contact of the surface."""
        return _touching(variables)


def _touching(variables: dict[str, Any]) -> dict[str, Any]:
    """What cycling has left of the contact that the pressure makes."""
    both = variables[_CONTACT] * variables["Contact fraction"]
    return {"Contacted surface fraction": both}
