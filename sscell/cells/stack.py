"""The repeating unit of a pouch cell: what its layers weigh and how thick they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from sscell.cells.cell import Cell
from sscell.cells.library import read_toml
from sscell.cells.materials import load_material
from sscell.cells.part_layers import POROSITY
from sscell.cells.provenance import positive
from sscell.errors import ParameterError
from sscell.tables import Table, read_table

__all__ = ["Foil", "Pouch", "Stack", "load_pouch", "scaled", "stack_of"]

_ANODE_DENSITY = "Negative electrode density [kg.m-3]"
_SPECIFIC = "Negative electrode specific capacity [A.h.kg-1]"
_MASS = "Negative electrode mass [kg]"
_N_P = 1.1  # of a cell that does not say how much its anode holds
_METALS = {"Li": "Li", "Na": "Na"}


def _foil(given: Any) -> Any:
    return {"thickness": given} if isinstance(given, str) else given


class Foil(Table):
    """A current collector, coated on both sides unless the pouch says otherwise."""

    thickness: str
    density: str | None = None
    material: str = ""


GivenFoil = Annotated[Foil | None, BeforeValidator(_foil)]
# Rolled foils of pouch cells; densities: CRC Handbook of Chemistry and Physics.
_FOILS = {
    "positive": Foil(thickness="12um", density="2700kg/m3", material="Al"),
    "Li": Foil(thickness="8um", density="8960kg/m3", material="Cu"),
    "Na": Foil(thickness="12um", density="2700kg/m3", material="Al"),
}


class Pouch(Table):
    """What a stack has beside the cell of the laboratory; all of it may be left out.

    Examples
    --------
    >>> read_table(Pouch, {"positive_foil": "12um", "n_p": 1.2}, "foils.toml").n_p
    1.2
    """

    positive_foil: GivenFoil = Field(None, description="thickness, or a table with density")
    negative_foil: GivenFoil = Field(None, description="the same of the anode's side")
    double_sided: bool = Field(True, description="each foil serves two repeating units")
    n_p: float | None = Field(None, gt=0, description="anode over cathode capacity")
    separator_density: str | None = Field(None, description="as pressed, of all layers")
    anode_density: str | None = Field(None, description="of a metal or an alloy")
    anode_specific_capacity: str | None = Field(None, description="of a metal or an alloy")
    casing_mass_fraction: float = Field(0.0, ge=0, lt=1, description="of the whole cell")
    casing_volume_fraction: float = Field(0.0, ge=0, lt=1, description="of the whole cell")


def load_pouch(path: str | Path) -> Pouch:
    """Read what a stack has beside the cell.

    Parameters
    ----------
    path : str or pathlib.Path
        A TOML file with the entries of `Pouch`.

    Returns
    -------
    Pouch

    Raises
    ------
    ParameterError
        If there is no such file, or an entry is unknown or not usable.
    """
    path = Path(path)
    if not path.is_file():
        raise ParameterError(f"There is no file '{path}'.")
    return read_table(Pouch, read_toml(path), path.name)


@dataclass(frozen=True)
class Stack:
    """Mass and thickness of each layer of the repeating unit.

    Parameters
    ----------
    layers : mapping of str to tuple of float
        Mass [kg.m-2] and thickness [m] by name.
    casing : tuple of float
        Shares of mass and volume that are casing [-].
    assumed : tuple of str
        Sentences about what neither the cell nor the pouch says.
    n_p : float
        Anode over cathode capacity that is counted [-].

    Examples
    --------
    >>> Stack({"cathode": (0.1, 5e-5), "separator": (0.1, 5e-5)}, (0.0, 0.0), (), 1.1).mass
    0.2
    """

    layers: Mapping[str, tuple[float, float]]
    casing: tuple[float, float]
    assumed: tuple[str, ...]
    n_p: float

    @property
    def mass(self) -> float:
        """All of it, with the casing [kg.m-2]."""
        return sum(m for m, _ in self.layers.values()) / (1 - self.casing[0])

    @property
    def thickness(self) -> float:
        """All of it, with the casing [m]."""
        return sum(t for _, t in self.layers.values()) / (1 - self.casing[1])


def scaled(
    cell: Cell, thickness: float, separator: float, n_p: float | None = None
) -> Cell:
    """Copy of a cell with a cathode of another thickness, and its anode in proportion.

    Parameters
    ----------
    cell : Cell
        Its composition, porosity and N/P stay.
    thickness : float
        Of the cathode layer [m].
    separator : float
        Of all separator layers together [m].
    n_p : float, optional
        Other N/P, where the cell knows its own [-].

    Returns
    -------
    Cell

    Examples
    --------
    >>> thin = scaled(Cell.load("Ji2024"), 2e-5, 1e-4)
    >>> round(thin.cathode_thickness * 1e6, 6)
    20.0
    """
    factor, v = thickness / cell.cathode_thickness, cell.values
    whole = sum(v[f"{layer} thickness [m]"] for layer in cell.layers)
    anode = factor * (n_p / cell.n_p if n_p and cell.n_p else 1.0)
    factors = {"Positive electrode mass [kg]": factor, _MASS: anode}
    if cell.composition.anode_host is not None:
        factors["Negative electrode thickness [m]"] = anode
    changes = {n: v[n] * by for n, by in factors.items() if v.get(n)}
    for layer in cell.layers:
        name = f"{layer} thickness [m]"
        changes[name] = v[name] * separator / whole
    return cell.replace(changes, "another thickness")


def stack_of(cell: Cell, pouch: Pouch | None = None) -> Stack:
    """Masses and thicknesses of the layers that repeat in a pouch of such cells.

    Parameters
    ----------
    cell : Cell
        With a composite cathode.
    pouch : Pouch, optional
        Foils, anode excess and densities; default: foils of aluminium and copper (sodium:
        aluminium twice) coated on both sides, and what the cell says.

    Returns
    -------
    Stack

    Raises
    ------
    ParameterError
        If the cell is symmetric, or nobody says what its anode weighs.

    Examples
    --------
    >>> sorted(stack_of(Cell.load("Ji2024")).layers)
    ['anode', 'cathode', 'negative foil', 'positive foil', 'separator']
    """
    if cell.is_symmetric:
        raise ParameterError(f"{cell.name} is symmetric: it stores no energy.")
    pouch, notes = pouch or Pouch.model_validate({}), []
    v = cell.values
    solid = v["Positive electrode electrolyte density [kg.m-3]"] * (1 - POROSITY)
    n_p, anode = _anode(cell, pouch, solid, notes)
    layers = {
        "positive foil": _collector(pouch.positive_foil, "positive", pouch, notes),
        "cathode": (v["Positive electrode mass [kg]"] / cell.area, cell.cathode_thickness),
        "separator": _separator(cell, pouch, solid, notes),
        "anode": anode,
        "negative foil": _collector(pouch.negative_foil, _metal(cell), pouch, notes),
    }
    casing = (pouch.casing_mass_fraction, pouch.casing_volume_fraction)
    return Stack(layers, casing, tuple(notes), n_p)


def _metal(cell: Cell) -> str:
    return _METALS.get(str(cell.data["bases"]["working_metal"]), "Li")


def _collector(
    given: Foil | None, side: str, pouch: Pouch, notes: list[str]
) -> tuple[float, float]:
    usual = _FOILS[side]
    foil = given or usual
    if given is None:
        where = "positive" if side == "positive" else "negative"
        notes.append(f"{where} foil: {foil.thickness} of {foil.material}, assumed")
    share = 0.5 if pouch.double_sided else 1.0
    thickness = positive(foil.thickness, "m", "thickness of a foil") * share
    density = foil.density or str(usual.density)
    return thickness * positive(density, "kg/m**3", "density of a foil"), thickness


def _separator(
    cell: Cell, pouch: Pouch, solid: float, notes: list[str]
) -> tuple[float, float]:
    v, mass, thickness = cell.values, 0.0, 0.0
    for layer in cell.layers:
        own = v.get(f"{layer} density [kg.m-3]", 0.0)
        if pouch.separator_density is not None:
            own = positive(pouch.separator_density, "kg/m**3", "separator_density")
        if not own:
            own = solid
            notes.append(f"{layer} density: {solid:.0f} kg/m3, as the catholyte pressed")
        mass += own * v[f"{layer} thickness [m]"]
        thickness += v[f"{layer} thickness [m]"]
    return mass, thickness


def _anode(
    cell: Cell, pouch: Pouch, solid: float, notes: list[str]
) -> tuple[float, tuple[float, float]]:
    """N/P that is counted, mass [kg.m-2] and thickness [m]."""
    v, n_p = cell.values, cell.n_p
    if n_p is None or pouch.n_p is not None:
        if pouch.n_p is None:
            notes.append(f"anode: N/P {_N_P}, assumed")
        counted = pouch.n_p or _N_P
    else:
        counted = n_p
    if cell.composition.anode_host is not None:
        grown = counted / n_p if n_p else 1.0
        active = v[_MASS] / cell.area * grown
        thickness = v["Negative electrode thickness [m]"] * grown
        share = v.get("Negative electrode active material mass fraction", 1.0)
        dense = active * share / v["Negative electrode active material density [kg.m-3]"]
        return counted, (active + max(thickness - dense, 0.0) * solid, thickness)
    capacity, density = _of_metal(cell, pouch, notes)
    charge = cell.nominal_capacity / cell.area  # A.h/m2
    held = counted * charge / capacity  # kg/m2
    if cell.is_metal_anode and cell.first_step == "charge":
        # Its own metal comes from the cathode, whose mass has it already.
        return counted, (max(counted - 1, 0.0) * charge / capacity, held / density)
    if n_p is not None and v[_MASS]:
        held = v[_MASS] / cell.area * (counted / n_p if n_p else 1.0)
    return counted, (held, held / density)


def _of_metal(cell: Cell, pouch: Pouch, notes: list[str]) -> tuple[float, float]:
    """Specific capacity [A.h.kg-1] and density [kg.m-3] of a metal or an alloy."""
    v = cell.values
    known = {"capacity": v.get(_SPECIFIC, 0.0), "density": v.get(_ANODE_DENSITY, 0.0)}
    if pouch.anode_specific_capacity is not None:
        given = pouch.anode_specific_capacity
        known["capacity"] = positive(given, "A*h/kg", "anode_specific_capacity")
    if pouch.anode_density is not None:
        known["density"] = positive(pouch.anode_density, "kg/m**3", "anode_density")
    if not all(known.values()):
        material = _card_of(cell)
        names = {"capacity": "Specific capacity [A.h.kg-1]", "density": "Density [kg.m-3]"}
        for key, name in names.items():
            known[key] = known[key] or material.number(name)
        notes.append(f"anode: {material.name} of the material cards")
    return known["capacity"], known["density"]


def _card_of(cell: Cell) -> Any:
    """Card of the anode that the voltages are given against."""
    told = str(cell.data["bases"]["voltage_reference"])
    for name in (*reversed(told.split("/")), told):
        try:
            material = load_material(name.strip().rstrip("+"), "anode")
        except ParameterError:
            continue
        if cell.is_metal_anode or material.name not in _METALS:
            return material
    if cell.is_metal_anode:
        return load_material(_metal(cell))
    raise ParameterError(
        f"Nobody says what the anode of {cell.name} weighs: give 'anode_density' and "
        "'anode_specific_capacity' in the file of --pouch."
    )
