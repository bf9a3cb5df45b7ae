"""A person's own cell: a parameter set made from another by masses and diameters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomlkit

from sscell.cells.cell import Cell
from sscell.cells.library import find
from sscell.errors import ParameterError
from sscell.units import parse_pressure, parse_quantity, unit_of

__all__ = ["Build", "write_cell"]

_WEIGHED = "given by the user"
_PRESSURE = "Applied stack pressure [Pa]"


@dataclass(frozen=True)
class Build:
    """What a person weighed and measured; what is not given stays as in the base.

    Parameters
    ----------
    base : str
        The cell to start from.
    name : str
        Name of the new cell.
    cathode_mass, anode_mass, separator_mass : str, optional
        With a unit, such as ``"2 mg"``.
    diameter, area : str, optional
        One of the two.
    fractions : mapping, optional
        Weight fractions of active material, electrolyte and carbon [-].
    separator_density : str, optional
        As pressed; turns a mass into a thickness.
    separator_thickness : str, optional
        Instead of a mass.
    settings : mapping, optional
        Any other parameter by its name.
    pressure : str, optional
        On the stack, such as ``"50 MPa"``: the new cell has a contact model, neutral until
        its values are set.

    Examples
    --------
    >>> Build("Ji2024", "mine", cathode_mass="2 mg").separator_density
    '2.0 g/cm3'
    """

    base: str
    name: str
    cathode_mass: str | None = None
    diameter: str | None = None
    area: str | None = None
    fractions: Mapping[str, str | None] = field(default_factory=dict)
    anode_mass: str | None = None
    separator_mass: str | None = None
    separator_density: str = "2.0 g/cm3"
    separator_thickness: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    pressure: str | None = None


def write_cell(build: Build, path: Path, overwrite: bool = False) -> Cell:
    """Write a parameter set that keeps the comments and sources of its base.

    Parameters
    ----------
    build : Build
        What was weighed and measured.
    path : pathlib.Path
        A ``.toml`` file in a folder that exists.
    overwrite : bool, optional
        Whether an existing file may be replaced.

    Returns
    -------
    Cell
        Loaded from the new file.

    Raises
    ------
    ParameterError
        If the path is not usable, or a value has the wrong unit or is out of bounds.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "mine.toml"
    >>> cell = write_cell(Build("Ji2024", "mine", cathode_mass="4 mg"), path)
    >>> round(cell.describe()["Areal capacity [mA.h.cm-2]"], 2)
    1.85
    """
    _check_path(path, overwrite)
    source, variant = find(build.base)
    if variant is not None:
        raise ParameterError(
            f"'{build.base}' is a variant; start from '{source.stem}' and set what differs."
        )
    base = Cell.load(build.base)
    if build.pressure is not None:
        base = base.under(parse_pressure(build.pressure), [_PRESSURE])
    changes = _changes(build, base)
    base.replace({name: entry["value"] for name, entry in changes.items()})
    document = tomlkit.parse(source.read_text(encoding="utf-8"))
    document["name"] = build.name
    document["title"] = f"{build.name}, from {build.base}"
    if build.pressure is not None:
        physics: Any = document["physics"]
        physics["contact"] = True
    parameters: Any = document["parameters"]
    for name, entry in changes.items():
        table = tomlkit.inline_table()
        table.update(entry)
        parameters[name] = table
    path.write_text(tomlkit.dumps(document), encoding="utf-8")
    return Cell.load(path)


def _check_path(path: Path, overwrite: bool) -> None:
    if path.suffix != ".toml":
        raise ParameterError(f"'{path}' must end in .toml.")
    if not path.parent.is_dir():
        raise ParameterError(f"The folder '{path.parent}' does not exist.")
    if path.exists() and not overwrite:
        raise ParameterError(f"'{path}' exists; add --force to overwrite it.")


def _stated(value: float) -> dict[str, Any]:
    return {"value": float(f"{value:.9g}"), "kind": "stated", "source": _WEIGHED}


def _changes(build: Build, base: Cell) -> dict[str, dict[str, Any]]:
    changes: dict[str, dict[str, Any]] = {}
    for text, name, unit in (
        (build.cathode_mass, "Positive electrode mass [kg]", "kg"),
        (build.anode_mass, "Negative electrode mass [kg]", "kg"),
    ):
        if text is not None:
            changes[name] = _stated(parse_quantity(text, unit, name))
    if build.pressure is not None:
        changes[_PRESSURE] = _stated(parse_pressure(build.pressure))
    for part, text in build.fractions.items():
        if text is not None:
            name = f"Positive electrode {part} mass fraction"
            changes[name] = _stated(parse_quantity(text, "", name))
    area = _area(build)
    if area is not None:
        changes["Electrode area [m2]"] = _stated(area)
    thickness = _thickness(build, area or base.area)
    if thickness is not None:
        changes[f"{base.layers[0]} thickness [m]"] = thickness
    for name, text in build.settings.items():
        quantity = base.quantity(name)
        unit = unit_of(name).replace(".", "*")
        changes[name] = _stated(quantity.check(parse_quantity(text, unit, f"'{name}'")))
    return changes


def _area(build: Build) -> float | None:
    if build.diameter is not None and build.area is not None:
        raise ParameterError("Give a diameter or an area, not both.")
    if build.diameter is not None:
        return math.pi / 4 * parse_quantity(build.diameter, "m", "diameter") ** 2
    return None if build.area is None else parse_quantity(build.area, "m**2", "area")


def _thickness(build: Build, area: float) -> dict[str, Any] | None:
    if build.separator_mass is not None and build.separator_thickness is not None:
        raise ParameterError("Give a separator mass or a thickness, not both.")
    if build.separator_thickness is not None:
        return _stated(
            parse_quantity(build.separator_thickness, "m", "separator thickness")
        )
    if build.separator_mass is None:
        return None
    mass = parse_quantity(build.separator_mass, "kg", "separator mass")
    density = parse_quantity(build.separator_density, "kg/m**3", "separator density")
    if density <= 0:
        raise ParameterError(f"The separator density must be positive, not {density:g}.")
    formula = f"{build.separator_mass} / ({build.separator_density} x area)"
    entry = _stated(mass / density / area)
    return entry | {"kind": "derived", "formula": formula}
