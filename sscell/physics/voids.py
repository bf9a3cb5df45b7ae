"""Voids at a metal electrode: stripping opens them, creep under pressure closes them."""

from __future__ import annotations

from typing import Any

import pybamm

from sscell.physics.quantities.anodes import voids
from sscell.units import FARADAY

__all__ = ["Voids"]

_NAME = "Negative electrode void"
_SUPPLY = f"{_NAME} supply"
_PRESSURE = "Applied stack pressure [Pa]"
_LEAST = 1e-9  # of a reference pressure: below it a power has no slope worth a step


class Voids(pybamm.BaseSubModel):
    r"""Share of a metal's interface that touches the electrolyte.

    .. math::
        \theta = \theta_p\,e^{-w}, \quad
        \theta_p = \min\left(1, \frac{p}{p_c}\right)^m

        \dot w = \frac{V_m}{F h}\left[i_{strip}
        - \left(i_s + f\,i_{plate}\right)\frac{w}{w + w_0}\right], \quad
        i_s = \left[i_d + i_c \left(\frac{p}{p_r}\right)^n\right] e^{-\frac{E}{R}
        \left(\frac1T - \frac1{T_r}\right)}

    The coverage :math:`w` is that of voids which overlap at random, of height :math:`h`. Below
    the supply :math:`i_s` stripping ends at :math:`w = w_0\,i/(i_s - i)`; above it voids grow
    without end and the current crowds on what still touches: :math:`i_s` is the critical
    stripping current, and it rises with the pressure. Both electrodes of a symmetric cell
    have the values of the negative one.

    Parameters
    ----------
    side : str, optional
        ``"negative"`` or ``"positive"``.

    Notes
    -----
    Voids above a critical stripping current that pressure raises, in proportion for sodium:
    Spencer Jolly et al., ACS Appl. Mater. Interfaces 12, 678 (2020),
    doi:10.1021/acsami.9b17786; for lithium: Kasemchainan et al., Nat. Mater. 18, 1105 (2019),
    doi:10.1038/s41563-019-0438-9. The form of the law is this work's; random overlap is that of
    Avrami. The constriction of the current within the separator is not counted.
    """

    def __init__(self, side: str = "negative") -> None:
        super().__init__(None, domain=side, name=f"{side} voids")
        self._side = side.capitalize()
        self._sign = (
            1 if side == "negative" else -1
        )  # a positive current strips the negative
        self._coverage = f"{self._side} electrode void coverage"

    quantities = staticmethod(voids)

    def get_fundamental_variables(self) -> dict[str, Any]:
        """Give the coverage and what is left in contact."""
        covered = pybamm.Variable(self._coverage)
        touched = pybamm.Parameter(_PRESSURE) / pybamm.Parameter(
            "Negative electrode contact pressure [Pa]"
        )
        under = pybamm.minimum(pybamm.maximum(touched, _LEAST), 1) ** pybamm.Parameter(
            "Negative electrode contact exponent"
        )
        return {
            self._coverage: covered,
            f"{self._side} electrode contact fraction": under * pybamm.exp(-covered),
        }

    def get_coupled_variables(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Give the critical stripping current."""
        relative = pybamm.Parameter(_PRESSURE) / pybamm.Parameter(
            f"{_SUPPLY} reference pressure [Pa]"
        )
        creep = pybamm.Parameter(f"{_SUPPLY} by creep [A.m-2]") * pybamm.maximum(
            relative, _LEAST
        ) ** pybamm.Parameter(f"{_SUPPLY} pressure exponent")
        warmer = pybamm.exp(
            pybamm.Parameter(f"{_SUPPLY} activation energy [J.mol-1]")
            * variables["Arrhenius factor [mol.J-1]"]
        )
        supply = pybamm.Parameter(f"{_SUPPLY} without pressure [A.m-2]") + creep
        return {
            f"{self._side} electrode critical stripping current [A.m-2]": supply * warmer
        }

    def set_rhs(self, variables: dict[str, Any]) -> None:
        """Open by stripping; close by creep and by plating."""
        covered = variables[self._coverage]
        stripped = self._sign * variables["Current density [A.m-2]"]
        closing = variables[f"{self._side} electrode critical stripping current [A.m-2]"]
        closing += pybamm.Parameter(f"{_NAME} refilling by plating") * pybamm.maximum(
            -stripped, 0
        )
        reached = covered / (covered + pybamm.Parameter(f"{_NAME} coverage at half supply"))
        per_charge = (
            pybamm.Parameter("Negative electrode molar volume [m3.mol-1]")
            / FARADAY
            / pybamm.Parameter(f"{_NAME} height [m]")
        )
        self.rhs[covered] = per_charge * (pybamm.maximum(stripped, 0) - closing * reached)

    def set_initial_conditions(self, variables: dict[str, Any]) -> None:
        """Without voids."""
        self.initial_conditions[variables[self._coverage]] = pybamm.Scalar(0)
