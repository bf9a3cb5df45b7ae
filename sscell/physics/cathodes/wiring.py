"""What particles of all kinds have in common: where they are, uptake, balance, sites."""

from __future__ import annotations

from typing import Any

import pybamm

from sscell.physics.symbols import Symbol, Variables
from sscell.units import FARADAY

__all__ = [
    "arrhenius",
    "entering",
    "inside",
    "log_odds",
    "mean",
    "no_flux",
    "places",
    "site_mismatch",
    "uptake_per_site",
]

_PARTICLE, _ELECTRODE = "positive particle", "positive electrode"
# Length, in units of RT/F, of the straight line by which the logarithm of sites goes on.
_LINE = 50.0


def places(distributed: bool) -> list[str]:
    """Domain of what each particle has once: none where one stands for all.

    Parameters
    ----------
    distributed : bool
        Whether there is a particle at every place.

    Examples
    --------
    >>> pybamm.Variable("Activated depth", domain=places(True)).domain
    ['positive electrode']
    """
    return [_ELECTRODE] if distributed else []


def inside(distributed: bool) -> dict[str, Any]:
    """Domains of what varies over the radius of every particle, as keyword arguments.

    Parameters
    ----------
    distributed : bool
        Whether there is a particle at every place.

    Examples
    --------
    >>> pybamm.Variable("Content", **inside(True)).domains["secondary"]
    ['positive electrode']
    """
    domains: dict[str, Any] = {"domain": [_PARTICLE]}
    if distributed:
        domains["auxiliary_domains"] = {"secondary": _ELECTRODE}
    return domains


def mean(symbol: Symbol) -> Symbol:
    """Mean over the particle and, if there are several, over all of them.

    Parameters
    ----------
    symbol : pybamm.Symbol
        Over the radius.
    """
    return pybamm.x_average(pybamm.r_average(symbol))


def arrhenius(variables: Variables, name: str) -> Symbol:
    """Factor of a rate at the cell's temperature, one at the reference temperature [-].

    Parameters
    ----------
    variables : dict
        Of the model.
    name : str
        Of the rate, without unit: the parameter ``{name} activation energy [J.mol-1]``.
    """
    energy = pybamm.Parameter(f"{name} activation energy [J.mol-1]")
    return pybamm.exp(energy * variables["Arrhenius factor [mol.J-1]"])


def uptake_per_site(variables: Variables, electrons: float = 1.0) -> Symbol:
    """One third of the uptake of the active host per site [s-1].

    Surface over volume of the unit sphere is three: what enters through the surface of a
    sphere of unit radius is a third of what its volume takes up. The parameter ``Inactive
    host fraction`` is never reached by ions, and what has worn out takes up nothing.

    Parameters
    ----------
    variables : dict
        Of the model.
    electrons : float, optional
        Sites per mole of host [-].
    """
    return (
        variables["Positive particle reduction current density [A.m-2]"]
        / (FARADAY * electrons)
        / variables["Positive particle radius [m]"]
        / variables["Positive electrode host concentration [mol.m-3]"]
        / (1 - pybamm.Parameter("Inactive host fraction"))
        / variables["Active host remaining"]
    )


def entering(rate: Symbol, distributed: bool) -> Symbol:
    """Flux that enters through the surface, as a value on the last edge of the mesh.

    Added to a flux under the divergence, it keeps the finite-volume balance exact whatever
    the diffusivity does at the surface; the gradient itself then has `no_flux`.

    Parameters
    ----------
    rate : pybamm.Symbol
        Such as `uptake_per_site` [s-1].
    distributed : bool
        Whether there is a particle at every place.
    """
    edge: Any = pybamm.SpatialVariableEdge(
        "r_p", coord_sys="spherical polar", **inside(distributed)
    )
    if distributed:
        rate = pybamm.PrimaryBroadcastToEdges(rate, _PARTICLE)
    return rate * (edge > 1 - 1e-9)


def no_flux(*symbols: Symbol) -> dict[Symbol, dict[str, Any]]:
    """Boundary conditions without any flux by the gradient, at the centre and the surface.

    Parameters
    ----------
    *symbols : pybamm.Symbol
        Whose gradient a flux is.
    """
    zero = (pybamm.Scalar(0), "Neumann")
    return {symbol: {"left": zero, "right": zero} for symbol in symbols}


def log_odds(filling: Symbol, edge: float) -> Symbol:
    r"""Logarithm of filled over empty sites, which goes on beyond full and empty.

    .. math:: \ln\frac{x}{1-x}

    A step that ends on a cut-off needs a potential wherever the solver tries: with the bare
    logarithm it is not a number beyond full, and no cut-off is ever reached.

    Parameters
    ----------
    filling : pybamm.Symbol
        Share of the sites that is filled [-].
    edge : float
        Share of full or empty sites beyond which it goes on as a straight line at first [-].
    """
    within, line = _continued(filling, edge)
    return pybamm.log(within / (1 - within)) + line


def site_mismatch(filled: Symbol, empty: Symbol, filling: Symbol, edge: float) -> Symbol:
    r"""Zero where sites are filled to a share; nearly linear in their potential.

    .. math:: \ln\frac{f}{e} - \ln\frac{x}{1-x}

    Parameters
    ----------
    filled, empty : pybamm.Symbol
        Shares of the sites at the potential that is sought [-].
    filling : pybamm.Symbol
        Share that should be filled [-].
    edge : float
        As for `log_odds` [-].
    """
    within, line = _continued(filling, edge)
    return pybamm.log(filled / empty) - pybamm.log(within / (1 - within)) - line


def _continued(filling: Symbol, edge: float) -> tuple[Symbol, Symbol]:
    """Filling within the edges, and what the logarithm gains beyond them."""
    within = pybamm.minimum(pybamm.maximum(filling, edge), 1 - edge)
    beyond = (filling - within) / (edge * (1 - edge)) / _LINE
    return within, _LINE * pybamm.arcsinh(beyond)
