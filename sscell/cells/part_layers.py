"""Separator of a person's own cell: layers from the anode on, by mass or thickness."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sscell.cells.materials import Material, load_material
from sscell.cells.provenance import (
    WEIGHED,
    Entries,
    assumed,
    derived,
    from_card,
    is_length,
    positive,
    split,
    stated,
)
from sscell.errors import ParameterError

__all__ = ["PORES", "POROSITY", "separator_layers"]

POROSITY, PORES = 0.15, (0.05, 0.25)  # of pressed layers, where nobody measured it


def separator_layers(
    given: Sequence[str], area: float, thickness: str | None = None
) -> tuple[list[str], Entries]:
    """Names and values of the layers.

    Parameters
    ----------
    given : sequence of str
        Material with mass or thickness, from the anode on: ``"Li6PS5Cl:100mg"``.
    area : float
        [m2].
    thickness : str, optional
        Of the first layer, as measured.

    Returns
    -------
    tuple of list of str and dict
        Names of the layers, and their entries by the names of the quantities.

    Raises
    ------
    ParameterError
        If a material is unknown or is no electrolyte, or its amount is missing.

    Examples
    --------
    >>> names, values = separator_layers(["Li6PS5Cl:600um"], 1e-4)
    >>> names, values["Separator thickness [m]"]["value"]
    (['Separator'], 0.0006)
    """
    if not given:
        raise ParameterError("Give at least one --separator, such as Li6PS5Cl:100mg.")
    parts = [split(text, "--separator") for text in given]
    materials = [load_material(name, "electrolyte") for name, _ in parts]
    names = ["Separator"] if len(parts) == 1 else [f"{m.name} layer" for m in materials]
    names = [
        name if names.count(name) == 1 else f"{name} {k}"
        for k, name in enumerate(names, start=1)
    ]
    values: Entries = {}
    for layer, material, (_, measure) in zip(names, materials, parts, strict=True):
        told = thickness if layer == names[0] else None
        values[f"{layer} thickness [m]"] = _thickness(material, measure, area, told)
        values[f"{layer} density [kg.m-3]"] = _density(material, measure, area, told)
        for kind in ("[S.m-1]", "temperature [K]", "activation energy [J.mol-1]"):
            values[f"{layer} conductivity {kind}"] = from_card(
                material, f"Conductivity {kind}"
            )
    return names, values


def _thickness(
    material: Material, measure: str | None, area: float, told: str | None
) -> dict[str, Any]:
    if told is not None:
        return stated(positive(told, "m", "separator thickness"))
    if measure is None:
        raise ParameterError(
            f"The separator {material.name} needs a mass or a thickness, such as "
            f"{material.name}:100mg or {material.name}:600um."
        )
    if is_length(measure):
        return stated(positive(measure, "m", "separator thickness"))
    mass = positive(measure, "kg", "separator mass")
    density = material.number("Density [kg.m-3]")
    dense = mass / density / area
    low, high = (dense / (1 - pores) for pores in PORES)
    return assumed(
        dense / (1 - POROSITY),
        low,
        high,
        f"{measure} of {material.name} ({density:g} kg/m3) with a porosity of "
        f"{POROSITY:g} ({PORES[0]:g} to {PORES[1]:g}); give --separator-thickness",
    )


def _density(
    material: Material, measure: str | None, area: float, told: str | None
) -> dict[str, Any]:
    """As pressed: weighed and measured, or with the porosity that is assumed."""
    if told is not None and measure is not None and not is_length(measure):
        thickness = positive(told, "m", "separator thickness")
        mass = positive(measure, "kg", "separator mass")
        return derived(mass / area / thickness, f"{measure} / (area x {told})", WEIGHED)
    dense = material.number("Density [kg.m-3]")
    usual, high, low = (dense * (1 - pores) for pores in (POROSITY, *PORES))
    return assumed(usual, low, high, f"{material.name} with a porosity of {POROSITY:g}")
