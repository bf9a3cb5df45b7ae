"""Conductivities of an active material that carries its own ions and electrons."""

from __future__ import annotations

from typing import Any

import pybamm

__all__ = ["mixed_conductivities"]

_ION = "Positive electrode ionic conductivity"
_SALT = "Li2S-LiI ionic conductivity"
_NET = "LixMoS2 percolation"


def mixed_conductivities(variables: dict[str, Any]) -> dict[str, Any]:
    r"""Effective conductivities of the layer from composition and local state.

    .. math::
        \sigma_i = \sigma_{i,0} + \varepsilon^b \left[ v_{ss}\,\sigma_{Li_2S}
        \left(\frac{\sigma_{sat}}{\sigma_{Li_2S}}\right)^{s} + v_{LiI}\,\sigma_{LiI}
        + \sigma_{i,Mo}\, (f + (1-f) y_{Mo})\, p^{t_i} \right] a(E)\, \theta^\gamma, \quad
        \sigma_e = \sigma_{e,0} + \varepsilon^b \sigma_{e,Mo}\, p^{t_e}, \quad
        p = \frac{(v_{Mo} - v_c)_+}{1 - v_c}

    with the volume fractions v of the solid, its share :math:`\varepsilon` of the layer, the
    dissolved LiI :math:`s` relative to its limit the filling :math:`y_{Mo}` of MoS2 and
    the share f of its paths that need no lithium.

    Parameters
    ----------
    variables : dict
        With the volume fractions of solid solution and LiI domains, the network of MoS2 (p),
        the dissolved LiI, the filling of MoS2 and the conduction factor of the contact [-].

    Returns
    -------
    dict
        Ionic and electronic conductivity of the cathode layer [S.m-1].

    Notes
    -----
    Source: the power law of percolation, Stauffer and Aharony, Introduction to Percolation
    Theory, 2nd ed. (1994); the solid solution interpolates the logarithm.
    """
    solid = variables["Positive electrode active material volume fraction"] ** (
        pybamm.Parameter("Positive electrode Bruggeman coefficient")
    )
    paths = {
        kind: variables["MoS2 network"] ** pybamm.Parameter(f"{_NET} coefficient ({kind})")
        for kind in ("ions", "electrons")
    }
    pure = pybamm.Parameter("Li2S ionic conductivity [S.m-1]")
    doped = (pybamm.Parameter(f"{_SALT} [S.m-1]") / pure) ** variables["Dissolved LiI"]
    empty = pybamm.Parameter("LixMoS2 empty ionic fraction")
    ions = (
        variables["Solid solution volume fraction"] * pure * doped
        + variables["LiI domain volume fraction"]
        * pybamm.Parameter("LiI domain ionic conductivity [S.m-1]")
        + pybamm.Parameter("LixMoS2 ionic conductivity [S.m-1]")
        * (empty + (1 - empty) * variables["MoS2 filling"])
        * paths["ions"]
    )
    thermal = pybamm.exp(
        pybamm.Parameter(f"{_ION} activation energy [J.mol-1]")
        * variables["Arrhenius factor [mol.J-1]"]
    )
    residual = "Positive electrode residual {} conductivity [S.m-1]"
    return {
        "Positive electrode effective ionic conductivity [S.m-1]": pybamm.Parameter(
            residual.format("ionic")
        )
        + solid * ions * thermal * variables["Contact conduction factor"],
        "Positive electrode effective electronic conductivity [S.m-1]": pybamm.Parameter(
            residual.format("electronic")
        )
        + solid
        * pybamm.Parameter("LixMoS2 electronic conductivity [S.m-1]")
        * paths["electrons"],
    }
