"""A symmetric cell from its parts: two like electrodes and a separator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sscell.cells.part_anodes import metal_electrode
from sscell.cells.part_layers import separator_layers
from sscell.cells.provenance import (
    Entries,
    area_of,
    assumed,
    derived,
    split,
    stated,
)
from sscell.cells.symmetric import BASIS
from sscell.errors import ParameterError
from sscell.units import parse_pressure

__all__ = ["SymmetricParts", "symmetric_tables"]

_BLOCKING = ("steel", "gold", "Au", "carbon")  # take no ions
_SODIUM = ("Na", "sodium")
# Creep of each metal at 10 MPa [A.m-2]: value and range.
_CREEP = {"Li": (10.0, 2.0, 40.0), "Na": (28.0, 10.0, 60.0)}
_JOLLY = "Spencer Jolly et al. (2020), doi:10.1021/acsami.9b17786"
_KASEMCHAINAN = "Kasemchainan et al. (2019), doi:10.1038/s41563-019-0438-9"


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
    pressure : str, optional
        In operation; with Li or Na it adds voids that stripping opens and pressure closes.
    pressing_pressure : str, optional
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
    pressed = parts.pressure is not None and name in _CREEP
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
            **({"voids": True} if pressed else {}),
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
            **(_voids(name, str(parts.pressure)) if pressed else {}),
        },
    }


def _voids(metal: str, pressure: str) -> Entries:
    """Law of voids at a metal: values that nobody has measured for this cell."""
    void, touch = "Negative electrode void", "Negative electrode contact"
    creep, low, high = _CREEP[metal]
    sustained = f"sodium: 2.5 mA/cm2 need 9 MPa, in proportion; {_JOLLY}"
    if metal == "Li":
        sustained += f". Lithium creeps less; it does the same, {_KASEMCHAINAN}"
    return {
        "Applied stack pressure [Pa]": stated(parse_pressure(pressure)),
        f"{void} height [m]": assumed(
            1e-6, 3e-7, 1e-5, "micrometres; sets how fast contact is lost"
        ),
        f"{void} coverage at half supply": assumed(
            0.02, 0.005, 0.1, "small, so that contact stays below the critical current"
        ),
        f"{void} supply without pressure [A.m-2]": assumed(
            0.5, 0.0, 1.0,
            "vacancies diffuse without pressure: Krauskopf et al. (2019), "
            "doi:10.1021/acsami.9b02537; the value is no measurement",
        ),
        f"{void} supply by creep [A.m-2]": assumed(
            creep, low, high, sustained, matters=True
        ),
        f"{void} supply reference pressure [Pa]": derived(1e7, "10 MPa", "definition"),
        f"{void} supply pressure exponent": assumed(
            1.0, 1.0, 6.0,
            f"in proportion: {_JOLLY}; free creep of lithium is steeper: Masias et al. "
            "(2019), doi:10.1007/s10853-018-2971-3",
        ),
        f"{void} supply activation energy [J.mol-1]": assumed(
            1.35e4, 5e3, 3e4,
            "0.14 eV, of critical currents of sodium on three ceramics: Lowack et al., "
            "arXiv:2603.23340",
        ),
        f"{void} refilling by plating": assumed(
            0.5, 0.0, 1.0, f"voids accumulate on cycling: {_JOLLY}"
        ),
        f"{touch} pressure [Pa]": assumed(
            2.5e7, 5e6, 1e8, "where a pressed soft metal touches everywhere"
        ),
        f"{touch} exponent": assumed(
            0.5, 0.0, 1.0,
            "of Li6PS5Cl whose contacts recover: arXiv:2501.00600",
        ),
    }  # fmt: skip


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
