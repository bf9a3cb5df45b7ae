"""A symmetric cell from its parts: two like electrodes and a separator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sscell.cells.part_anodes import metal_electrode
from sscell.cells.part_layers import separator_layers
from sscell.cells.provenance import Entries, area_of, assumed, derived, split
from sscell.cells.symmetric import BASIS
from sscell.errors import ParameterError
from sscell.units import parse_pressure

__all__ = ["SymmetricParts", "symmetric_tables"]

_BLOCKING = ("steel", "gold", "Au", "carbon")  # take no ions
_SODIUM = ("Na", "sodium")


@dataclass(frozen=True)
class SymmetricParts:
    """What a person pressed between two like electrodes.

    Parameters
    ----------
    name : str
        Of the new cell.
    electrode : str
        ``"Li"``, ``"Na"``, ``"Li-In"``, with an amount of each or without (then it is as
        good as endless), or ``"steel"``, which takes no ions.
    separator : sequence of str
        Material with mass or thickness: ``"Li6PS5Cl:100mg"``.
    diameter, area : str, optional
        One of the two.
    separator_thickness : str, optional
        As measured.
    li_per_in : float, optional
        Of an alloy with its amount.
    pressure, pressing_pressure : str, optional
        Kept as a record.

    Examples
    --------
    >>> SymmetricParts("sym", "Li", ("Li6PS5Cl:100mg",), diameter="10mm").area
    """

    name: str
    electrode: str
    separator: Sequence[str]
    diameter: str | None = None
    area: str | None = None
    separator_thickness: str | None = None
    li_per_in: float | None = None
    pressure: str | None = None
    pressing_pressure: str | None = None


def symmetric_tables(parts: SymmetricParts) -> dict[str, Any]:
    """Tables of a parameter set for a symmetric cell.

    Parameters
    ----------
    parts : SymmetricParts
        What was pressed.

    Returns
    -------
    dict
        As a TOML file holds them; every value with kind and source.

    Raises
    ------
    ParameterError
        If a material is unknown or cannot be that, or a measure is missing.

    Examples
    --------
    >>> parts = SymmetricParts("sym", "steel", ("Li6PS5Cl:600um",), diameter="10mm")
    >>> symmetric_tables(parts)["physics"]["anode"]
    'blocking'
    """
    area, entry = area_of(parts.diameter, parts.area)
    layers, values = separator_layers(parts.separator, area, parts.separator_thickness)
    name, measure = split(parts.electrode, "--symmetric")
    blocking = name in _BLOCKING
    if blocking and measure is not None:
        raise ParameterError(f"{name} takes no ions: its amount has no meaning.")
    electrode = _blocking() if blocking else _metal(parts.electrode, area, parts.li_per_in)
    metal = "Na" if name in _SODIUM or name.startswith("Na") else "Li"
    room = "room temperature where no other is asked for"
    return {
        "schema": 1,
        "name": parts.name,
        "title": " | ".join(
            [name, *(split(s, "--separator")[0] for s in parts.separator), name]
        ),
        "notes": _notes(parts),
        "physics": {
            "symmetric": True,
            "anode": "blocking" if blocking else "plateau",
            "separator": layers,
        },
        "bases": {
            "capacity": {"name": BASIS, "mass": "none"},
            "energy": {"name": BASIS, "mass": "none"},
            "voltage_reference": f"the other {name} electrode",
            "working_metal": "" if blocking else metal,
        },
        "rates": {"slow": "0.1mA/cm2", "first_step": "discharge"},
        "parameters": {
            "Ambient temperature [K]": assumed(298.15, 273.15, 333.15, room),
            "Reference temperature [K]": assumed(
                298.15, 293.15, 303.15, "where the cards give their values"
            ),
            "Electrode area [m2]": entry,
            **values,
            **electrode,
        },
    }


def _blocking() -> Entries:
    name = "Negative electrode double-layer capacity [F.m-2]"
    source = "10 uF/cm2 of a smooth metal; a rough contact has more"
    return {name: assumed(0.1, 0.01, 1.0, source, matters=True)}


def _metal(text: str, area: float, li_per_in: float | None) -> Entries:
    values = metal_electrode(text, area, li_per_in, endless=True)
    filling = "Initial negative electrode filling"
    if filling not in values:
        # Room on both sides: neither electrode is at the end of its plateau.
        values[filling] = (
            assumed(0.5, 0.3, 0.8, "Li:In of the alloy, amount not known")
            if text.strip().startswith(("Li-In", "In"))
            else derived(1.0, "pure metal", "as made")
        )
    return values


def _notes(parts: SymmetricParts) -> str:
    told = [
        f"{what} at {parse_pressure(value) / 1e6:g} MPa."
        for what, value in (("Pressed", parts.pressing_pressure), ("Held", parts.pressure))
        if value is not None
    ]
    return " ".join(told)
