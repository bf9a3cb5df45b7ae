"""What a set may say about the layers that carry ions and electrons."""

from __future__ import annotations

from collections.abc import Mapping

from sscell.errors import ParameterError
from sscell.physics.quantity import Quantity

__all__ = ["check_paths", "composite", "mixed", "separator"]

_ION = "Positive electrode ionic conductivity"
_NET = "LixMoS2 percolation"


def separator(layers: tuple[str, ...]) -> tuple[Quantity, ...]:
    """What a parameter set says about each layer."""
    rows: list[Quantity] = []
    for layer in layers:
        rows += [
            Quantity(f"{layer} thickness [m]", "as pressed", 1e-7, 1e-2),
            Quantity(f"{layer} conductivity [S.m-1]", "at its own temperature", 1e-8, 1e3),
            Quantity(
                f"{layer} conductivity temperature [K]",
                "where the conductivity is given",
                173.15,
                473.15,
                298.15,
            ),
            Quantity(
                f"{layer} conductivity activation energy [J.mol-1]", "Arrhenius", 0, 2e5
            ),
            Quantity(
                f"{layer} density [kg.m-3]", "as pressed; zero: not known", 0, 2e4, 0.0
            ),
        ]
    return (
        *rows,
        Quantity(
            "Separator grain-boundary resistance [Ohm.m2]",
            "of all layers, at the reference temperature",
            0,
            1e2,
            0.0,
        ),
        Quantity(
            "Separator grain-boundary activation energy [J.mol-1]",
            "Arrhenius",
            0,
            2e5,
            0.0,
        ),
        Quantity("Separator grain-boundary capacity [F.m-2]", "per area", 1e-9, 1e3, 1e-4),
    )


def composite() -> tuple[Quantity, ...]:
    """What a parameter set says about conduction in a composite cathode."""
    ion, electron = (
        "Positive electrode electrolyte conductivity",
        "Positive electrode conductivity",
    )
    return (
        Quantity(
            f"{ion} [S.m-1]", "of the catholyte itself, at its temperature", 1e-9, 1e3
        ),
        Quantity(
            f"{ion} temperature [K]", "where that is given", 173.15, 473.15, default=298.15
        ),
        Quantity(f"{ion} activation energy [J.mol-1]", "Arrhenius", 0, 2e5),
        Quantity(f"{electron} [S.m-1]", "of the electron conductor itself", 1e-9, 1e8),
        Quantity(
            "Positive electrode active material conductivity [S.m-1]",
            "of the active material's own electrons; zero: it does not carry them",
            0,
            1e8,
            0.0,
        ),
        Quantity(
            "Positive electrode Bruggeman coefficient (electrolyte)", "of the ions", 1, 5
        ),
        Quantity(
            "Positive electrode Bruggeman coefficient (electrode)", "of the electrons", 1, 5
        ),
    )


def check_paths(values: Mapping[str, float]) -> None:
    """Refuse a composite that conducts no ions or no electrons.

    Parameters
    ----------
    values : mapping of str to float
        Parameter values by name.

    Raises
    ------
    ParameterError
        If a phase that is needed is missing.
    """
    part = "Positive electrode {} mass fraction"
    if values[part.format("electrolyte")] <= 0:
        raise ParameterError(
            "The composite has no electrolyte ('Positive electrode electrolyte mass "
            'fraction\' is 0), so no ions reach its particles; use conduction = "mixed" for '
            "an active material that carries them itself."
        )
    own = values["Positive electrode active material conductivity [S.m-1]"]
    if values[part.format("carbon")] <= 0 and own <= 0:
        raise ParameterError(
            "The composite has no carbon ('Positive electrode carbon mass fraction' is 0) "
            "and its active material does not conduct: give 'Positive electrode active "
            "material conductivity [S.m-1]', or a carbon fraction."
        )


def mixed() -> tuple[Quantity, ...]:
    """What a parameter set says about conduction in a mixed conductor."""
    solid = "of the solid itself"
    return (
        Quantity("Li2S ionic conductivity [S.m-1]", solid, 1e-12, 1e2),
        Quantity(
            "Li2S-LiI ionic conductivity [S.m-1]",
            "of the solid solution at its limit",
            1e-12,
            1e2,
        ),
        Quantity("LiI domain ionic conductivity [S.m-1]", "with their borders", 0, 1e2),
        Quantity("LixMoS2 ionic conductivity [S.m-1]", "full of lithium", 0, 1e3),
        Quantity(
            "LixMoS2 empty ionic fraction", "of that, left without lithium", 0, 1, 0.0
        ),
        Quantity("LixMoS2 electronic conductivity [S.m-1]", solid, 0, 1e7),
        Quantity(f"{_NET} coefficient (ions)", "of its ionic paths", 0.5, 8),
        Quantity("Positive electrode Bruggeman coefficient", "of the solid", 1, 5),
        Quantity(f"{_ION} activation energy [J.mol-1]", "Arrhenius", 0, 2e5),
        Quantity(
            "Positive electrode residual ionic conductivity [S.m-1]",
            "of the layer, whatever its state",
            0,
            1e3,
            0.0,
        ),
        Quantity(
            "Positive electrode residual electronic conductivity [S.m-1]",
            "of the layer, whatever its state",
            1e-12,
            1e8,
        ),
    )
