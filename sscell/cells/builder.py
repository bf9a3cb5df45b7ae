"""A person's own cell: a parameter set made from another by masses and diameters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sscell.cells.cell import Cell
from sscell.cells.entries import Parameter
from sscell.cells.parameters import NEUTRAL
from sscell.cells.writing import check_target, write_set
from sscell.errors import ParameterError
from sscell.physics.quantity import Quantity
from sscell.units import parse_pressure, parse_quantity, unit_of

__all__ = ["Build", "write_cell"]

_WEIGHED = "given by the user"
_PRESSURE = "Applied stack pressure [Pa]"
_OF_THE_PAPER = ("citation", "notes", "observables")
_POTENTIAL = 0.1  # V, that a potential may be off in another cell


@dataclass(frozen=True)
class Build:
    """What a person weighed and measured; what is not given stays as in the base.

    Parameters
    ----------
    base : str
        The cell to start from, or one of its variants.
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
    """Write a parameter set of one's own, from that of a published cell or variant.

    What was weighed and measured is stated; what the paper stated of its own cell or fitted
    to it is only assumed for another one, with a range, and says from which it comes. Values
    from the literature and what is derived from them stay. Comments become headings.

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
    >>> cell.parameters["Contact resistance [Ohm]"].kind
    'assumed'
    """
    check_target(path, overwrite)
    base = Cell.load(build.base)
    if build.pressure is not None:
        base = base.under(parse_pressure(build.pressure), [_PRESSURE])
    given = _given(build, base)
    base.replace({name: p.value for name, p in given.items()})
    entries = {
        name: given.get(name) or _taken_over(p, base)
        for name, p in base.parameters.parameters.items()
    }
    own = replace(
        base.parameters, name=build.name, data=_tables(build, base), parameters=entries
    )
    write_set(Cell(own).parameters, path, heading=f"{build.name}, from {build.base}")
    return Cell.load(path)


def _tables(build: Build, base: Cell) -> dict[str, Any]:
    """Tables of the base, without what speaks of the published cell."""
    data = {k: v for k, v in base.data.items() if k not in _OF_THE_PAPER}
    data |= {"name": build.name, "title": f"{build.name}, from {build.base}"}
    source = f"from {build.base}"
    if "one_C" in data["rates"]:
        one_c = data["rates"]["one_C"] | {"kind": "assumed", "source": source}
        data["rates"] = data["rates"] | {"one_C": one_c}
    if "formation" in data.get("protocols", {}):
        formation = data["protocols"]["formation"] | {"source": f"assumed, {source}"}
        data["protocols"] = data["protocols"] | {"formation": formation}
    return data


def _taken_over(p: Parameter, base: Cell) -> Parameter:
    """Value of another cell: what is no property of a material is assumed for this one."""
    own_size = p.kind == "derived" and p.name in _sizes(base)
    if p.source == NEUTRAL or (p.kind in ("derived", "literature") and not own_size):
        return p
    return Parameter(
        p.name,
        p.value,
        "assumed",
        f"from {base.name}",
        note=f"{p.kind} there: {p.source}",
        range=_range(p, base.quantity(p.name)),
        matters=p.matters,
    )


def _sizes(base: Cell) -> tuple[str, ...]:
    """What is weighed and measured on each cell anew."""
    masses = ("Positive electrode mass [kg]", "Negative electrode mass [kg]")
    layers = (f"{layer} thickness [m]" for layer in base.layers)
    return ("Electrode area [m2]", *masses, *layers)


def _range(p: Parameter, quantity: Quantity) -> tuple[float, float]:
    """Where the value may lie in another cell: half to twice of it, or twice its error.

    Potentials move by 0.1 V instead, and fractions by a quarter of what is left to either
    side. Conditions, such as cut-offs, are chosen, not found: they stay.
    """
    if p.range is not None:
        return p.range
    value = p.value
    if p.unit == "K" or "cut-off" in p.name:
        return value, value
    error = 2 * (p.std_error or 0.0)
    if p.unit == "V":
        reach = max(_POTENTIAL, error)
        low, high = value - reach, value + reach
    elif "fraction" in p.name and not p.unit:
        low = value - max(0.25 * value, error)
        high = value + max(0.25 * (1 - value), error)
    else:
        factor = max(2.0, 1 + error / abs(value)) if value else 1.0
        low, high = sorted((value / factor, value * factor))
    low, high = (float(f"{x:.4g}") for x in (low, high))
    return max(min(low, value), quantity.lower), min(max(high, value), quantity.upper)


def _stated(name: str, value: float) -> Parameter:
    return Parameter(name, float(f"{value:.9g}"), "stated", _WEIGHED)


def _given(build: Build, base: Cell) -> dict[str, Parameter]:
    """Values that the person gave, by name."""
    values: dict[str, float] = {}
    for text, name, unit in (
        (build.cathode_mass, "Positive electrode mass [kg]", "kg"),
        (build.anode_mass, "Negative electrode mass [kg]", "kg"),
    ):
        if text is not None:
            values[name] = parse_quantity(text, unit, name)
    if build.pressure is not None:
        values[_PRESSURE] = parse_pressure(build.pressure)
    for part, text in build.fractions.items():
        if text is not None:
            name = f"Positive electrode {part} mass fraction"
            values[name] = parse_quantity(text, "", name)
    area = _area(build)
    if area is not None:
        values["Electrode area [m2]"] = area
    given = {name: _stated(name, value) for name, value in values.items()}
    thickness = _thickness(build, f"{base.layers[0]} thickness [m]", area or base.area)
    if thickness is not None:
        given[thickness.name] = thickness
    for name, text in build.settings.items():
        quantity = base.quantity(name)
        unit = unit_of(name).replace(".", "*")
        value = quantity.check(parse_quantity(text, unit, f"'{name}'"))
        given[name] = _stated(name, value)
    return given


def _area(build: Build) -> float | None:
    if build.diameter is not None and build.area is not None:
        raise ParameterError("Give a diameter or an area, not both.")
    if build.diameter is not None:
        return math.pi / 4 * parse_quantity(build.diameter, "m", "diameter") ** 2
    return None if build.area is None else parse_quantity(build.area, "m**2", "area")


def _thickness(build: Build, name: str, area: float) -> Parameter | None:
    if build.separator_mass is not None and build.separator_thickness is not None:
        raise ParameterError("Give a separator mass or a thickness, not both.")
    if build.separator_thickness is not None:
        length = parse_quantity(build.separator_thickness, "m", "separator thickness")
        return _stated(name, length)
    if build.separator_mass is None:
        return None
    mass = parse_quantity(build.separator_mass, "kg", "separator mass")
    density = parse_quantity(build.separator_density, "kg/m**3", "separator density")
    if density <= 0:
        raise ParameterError(f"The separator density must be positive, not {density:g}.")
    formula = f"{build.separator_mass} / ({build.separator_density} x area)"
    stated = _stated(name, mass / density / area)
    return replace(stated, kind="derived", formula=formula)
