"""Fronts that activate a domain from the surface of its particles, each over its own barrier."""

from __future__ import annotations

from typing import Any

import pybamm

from sscell.physics.cathodes.domains import FRONTS
from sscell.physics.cathodes.wiring import arrhenius
from sscell.physics.symbols import Variables, softplus
from sscell.units import FARADAY, GAS_CONSTANT

__all__ = ["advance", "depth"]

# Part of the radius over which a front comes to rest at the centre.
_CENTRE = 0.01


def depth(front: str) -> str:
    """State of a front: how far it has come, over the radius.

    Parameters
    ----------
    front : str
        One of `sscell.physics.cathodes.domains.FRONTS`.

    Examples
    --------
    >>> depth("Fast")
    'Fast activated depth'
    """
    return f"{front} activated depth"


def advance(variables: Variables) -> dict[str, Any]:
    r"""Relative velocity of each front, and the share of the domain that all add [s-1].

    .. math::
        \dot s_i = \theta\, \frac{k}{R} e^{E_1/R_g T_{ref} - E_i/R_g T}
        \left[e^{\alpha F \eta/R_g T} - 1\right], \quad
        \dot a = \sum_i f_i\, 3 (1 - s_i)^2 \dot s_i

    Parameters
    ----------
    variables : dict
        Of the model, with the states of all fronts.

    Returns
    -------
    dict
        ``{front} activated depth rate [s-1]`` and ``Activated share rate [s-1]``.
    """
    common = (
        variables["Contacted surface fraction"]
        * pybamm.Parameter("Activation front velocity [m.s-1]")
        / variables["Positive particle radius [m]"]
        * _driven(variables)
    )
    fast = pybamm.Parameter("Fast activated share")
    own, grown = {}, pybamm.Scalar(0)
    for front, part in zip(FRONTS, (fast, 1 - fast), strict=True):
        core = 1 - variables[depth(front)]
        speed = common * _passed(variables, front) * core / (core + _CENTRE)
        own[f"{front} activated depth rate [s-1]"] = speed
        grown += part * 3 * core**2 * speed
    return own | {"Activated share rate [s-1]": grown * variables["Active host remaining"]}


def _driven(variables: Variables) -> Any:
    """What the overpotential makes of the velocity: nothing at the activation potential."""
    width = pybamm.Parameter("Activation potential width [V]")
    above = variables["Positive particle surface potential [V]"] - pybamm.Parameter(
        "Activation potential [V]"
    )
    thermal = GAS_CONSTANT * pybamm.Parameter("Ambient temperature [K]") / FARADAY
    drive = pybamm.Parameter("Activation transfer coefficient") / thermal
    return pybamm.exp(drive * width * softplus(above / width)) - 1


def _passed(variables: Variables, front: str) -> Any:
    """Arrhenius factor of a front's barrier: one for the fast one at the reference."""
    fast, own = (
        pybamm.Parameter(f"{which} front activation energy [J.mol-1]")
        for which in (FRONTS[0], front)
    )
    higher = (own - fast) / (GAS_CONSTANT * pybamm.Parameter("Reference temperature [K]"))
    return arrhenius(variables, f"{front} front") * pybamm.exp(-higher)
