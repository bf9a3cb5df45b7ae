"""Anode of a person's own cell: metal, alloy, foils or particles."""

from __future__ import annotations

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
from sscell.units import FARADAY

__all__ = ["metal_electrode", "particle_electrode"]

_ELECTRODE, _PARTICLE = "Negative electrode", "Negative particle"
_LI_PER_IN, _ALLOYS = 0.5, (0.3, 0.8)
_INDIUM, _LITHIUM = 0.114818, 0.00694  # kg/mol
_DENSITY = {"In": 7310.0, "Li": 534.0}  # kg/m3, CRC Handbook of Chemistry and Physics
_ENDLESS = ("Li", "Na")  # a bare name is an excess of it


def metal_electrode(
    text: str, area: float, li_per_in: float | None = None, endless: bool = False
) -> Entries:
    """Values of a metal, an alloy on its plateau, or foils that become one.

    Parameters
    ----------
    text : str
        ``"Li"``, ``"Li-In:60mg"`` or ``"In:100um+Li:20um"``.
    area : float
        [m2].
    li_per_in : float, optional
        Of the alloy.
    endless : bool, optional
        Whether an alloy may be named without its amount, too.

    Returns
    -------
    dict
        Entries by the names of the quantities.

    Raises
    ------
    ParameterError
        If it is no anode, its amount is missing, or it leaves its plateau.

    Examples
    --------
    >>> sorted(metal_electrode("Na", 1e-4))[-1]
    'Negative electrode molar volume [m3.mol-1]'
    """
    if "+" in text:
        return _foils(text, area)
    name, measure = split(text, "--anode")
    material = load_material(name, "anode")
    values = _plateau(material)
    if measure is None:
        if material.name not in _ENDLESS and not endless:
            raise ParameterError(
                f"How much {material.name} the anode holds is needed, such as "
                f"{material.name}:60mg."
            )
        return values
    if material.name == "Li-In":
        mass = positive(measure, "kg", "anode mass")
        return values | _alloy(mass, measure, li_per_in)
    values[f"{_ELECTRODE} mass [kg]"] = _mass(material, measure, area)
    values[f"{_ELECTRODE} specific capacity [A.h.kg-1]"] = from_card(
        material, "Specific capacity [A.h.kg-1]"
    )
    return values


def _mass(material: Material, measure: str, area: float) -> dict[str, Any]:
    if not is_length(measure):
        return stated(positive(measure, "kg", "anode mass"))
    thickness = positive(measure, "m", "thickness of the anode")
    density = material.number("Density [kg.m-3]")
    return derived(
        thickness * area * density, f"{measure} x area x {density:g} kg/m3", WEIGHED
    )


def _plateau(material: Material) -> Entries:
    values = {f"{_ELECTRODE} OCP [V]": from_card(material, "OCP [V]")}
    for kind in ("[A.m-2]", "activation energy [J.mol-1]"):
        values[f"{_ELECTRODE} exchange-current density {kind}"] = from_card(
            material, f"Exchange-current density {kind}"
        )
    if "Density [kg.m-3]" in material.values:
        values[f"{_ELECTRODE} density [kg.m-3]"] = from_card(material, "Density [kg.m-3]")
    if "Molar volume [m3.mol-1]" in material.values:
        values[f"{_ELECTRODE} molar volume [m3.mol-1]"] = from_card(
            material, "Molar volume [m3.mol-1]"
        )
    return values


def _alloy(mass: float, measure: str, ratio: float | None) -> Entries:
    """Li-In between In and LiIn: the alloy as weighed."""
    share = ratio if ratio is not None else _LI_PER_IN
    if not 0 < share <= 1:
        raise ParameterError(
            f"--li-per-in {share:g} is off the plateau; allowed: above 0 to 1."
        )
    indium = mass / (1 + share * _LITHIUM / _INDIUM)
    return _inventory(
        indium, share, f"indium of {measure} of alloy with Li:In = {share:g}", ratio
    )


def _inventory(indium: float, share: float, formula: str, known: float | None) -> Entries:
    values = {
        f"{_ELECTRODE} mass [kg]": derived(indium, formula, WEIGHED),
        f"{_ELECTRODE} specific capacity [A.h.kg-1]": derived(
            FARADAY / 3600 / _INDIUM,
            "F/(3600 s/h x 114.818 g/mol)",
            "indium up to Li:In = 1",
        ),
    }
    filling = "Initial negative electrode filling"
    if known is None:
        values[filling] = assumed(
            share, *_ALLOYS, "Li:In of the alloy; give --li-per-in", matters=True
        )
    else:
        values[filling] = stated(share)
    return values


def _foils(text: str, area: float) -> Entries:
    given = dict(split(part, "--anode") for part in text.split("+"))
    if set(given) != {"In", "Li"} or None in given.values():
        raise ParameterError(
            f"Foils are written In:100um+Li:20um (or masses), not '{text}'."
        )
    moles = {}
    for metal, molar in (("In", _INDIUM), ("Li", _LITHIUM)):
        measure = str(given[metal])
        if is_length(measure):
            mass = positive(measure, "m", f"{metal} foil") * area * _DENSITY[metal]
        else:
            mass = positive(measure, "kg", f"{metal} foil")
        moles[metal] = mass / molar
    share = moles["Li"] / moles["In"]
    if share > 1:
        raise ParameterError(
            f"The foils give Li:In = {share:.3g}; beyond 1 the alloy leaves its plateau."
        )
    values = _plateau(load_material("Li-In"))
    formula = f"foils {text} on the area of the cell"
    return values | _inventory(moles["In"] * _INDIUM, share, formula, share)


def particle_electrode(
    material: Material, measure: str | None, area: float, first: Material, empty: bool
) -> tuple[dict[str, Any], Entries]:
    """Table and values of an anode of particles with a potential of its own.

    Parameters
    ----------
    material : Material
        Active, and able to serve as an anode.
    measure : str or None
        Active mass, such as ``"20mg"``.
    area : float
        [m2].
    first : Material
        Electrolyte of the layer that touches the anode.
    empty : bool
        Whether the anode starts empty, as beside a cathode that is made full.

    Returns
    -------
    tuple of dict and dict
        The set's table ``[anode]``, and entries by the names of the quantities.

    Raises
    ------
    ParameterError
        If the mass is missing, or the material has no potential as an anode.

    Examples
    --------
    >>> graphite, argyrodite = load_material("graphite"), load_material("Li6PS5Cl")
    >>> table, values = particle_electrode(graphite, "6mg", 1e-4, argyrodite, True)
    >>> table["guest_per_host"] > 0
    True
    """
    if measure is None:
        raise ParameterError(
            f"How much {material.name} the anode holds is needed, such as "
            f"{material.name}:20mg."
        )
    host, columns = material.card.host, material.table()
    if host is None or columns is None:
        raise ParameterError(
            f"The material '{material.name}' has no potential as an anode."
        )
    mass = positive(measure, "kg", "anode mass")
    density = from_card(material, "Density [kg.m-3]")
    dense = mass / density["value"] / area
    v: Entries = {
        f"{_ELECTRODE} mass [kg]": stated(mass),
        f"{_ELECTRODE} active material density [kg.m-3]": density,
        f"{_ELECTRODE} active material molar mass [kg.mol-1]": from_card(
            material, "Molar mass [kg.mol-1]"
        ),
        # The active mass is weighed; a solid electrolyte of about its volume goes with it.
        f"{_ELECTRODE} thickness [m]": assumed(
            2 * dense, dense, 3 * dense, f"{measure} with as much electrolyte by volume"
        ),
        f"{_PARTICLE} radius [m]": from_card(material, "Particle radius [m]"),
    }
    for kind in ("[m2.s-1]", "activation energy [J.mol-1]"):
        v[f"{_PARTICLE} diffusivity {kind}"] = from_card(material, f"Diffusivity {kind}")
    for kind in ("[A.m-2]", "activation energy [J.mol-1]"):
        v[f"{_ELECTRODE} exchange-current density {kind}"] = from_card(
            material, f"Exchange-current density {kind}"
        )
    sigma = first.number("Conductivity [S.m-1]")
    v[f"{_ELECTRODE} effective ionic conductivity [S.m-1]"] = assumed(
        sigma / 4, sigma / 10, sigma / 2, f"half of the layer is {first.name}"
    )
    v[f"{_ELECTRODE} effective ionic conductivity activation energy [J.mol-1]"] = from_card(
        first, "Conductivity activation energy [J.mol-1]"
    )
    x = columns["filling"]
    v["Initial negative electrode filling"] = assumed(
        x[0] if empty else x[-1], x[0], x[-1], "as made" if empty else "lithiated before"
    )
    return {"guest_per_host": host.guest_per_host, "table": columns}, v
