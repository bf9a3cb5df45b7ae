"""What every report says of its cell: how it was computed, and what a reader must know."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from sscell.cells.cell import Cell
from sscell.cells.writing import write_set
from sscell.reports.page import Part, Section, code, details, table, text

__all__ = [
    "NOT_GIVEN",
    "cell_section",
    "checklist",
    "made_by",
    "methods",
    "pressure_text",
    "toml_of",
]

NOT_GIVEN = "not given"
_KINDS = ("stated", "derived", "literature", "fitted", "assumed")


def made_by(more: str = "") -> str:
    """The last line of a page.

    Parameters
    ----------
    more : str, optional
        What else made it.
    """
    words = f"sscell {version('sscell')}, PyBaMM {version('pybamm')}"
    return f"{words}, {more}." if more else f"{words}."


def methods(cell: Cell, how: str) -> Part:
    """A paragraph for the methods section of a paper.

    Parameters
    ----------
    cell : Cell
        That was computed.
    how : str
        Sentences about the protocol and the conditions.
    """
    values = cell.parameters.parameters.values()
    counts = {kind: sum(p.kind == kind for p in values) for kind in _KINDS}
    told = ", ".join(f"{n} {kind}" for kind, n in counts.items() if n)
    others = len(values) - sum(counts.values())
    told += f", {others} set for this calculation" if others else ""
    cited = cell.data.get("citation") or {}
    source = ""
    if cited.get("doi"):
        source = f" after {cited['authors']} ({cited['year']}, doi {cited['doi']})"
    capacity, energy = cell.basis("capacity")[0], cell.basis("energy")[0]
    return text(
        f"The cell '{cell.name}'{source} was computed with sscell {version('sscell')} on "
        f"PyBaMM {version('pybamm')}, whose solver IDA integrates all balances. {how} "
        f"Its {len(values)} parameter values are {told}. Capacities are per gram of "
        f"{capacity}, energies per gram of {energy}, voltages against "
        f"{cell.data['bases']['voltage_reference']}.",
        soft=False,
    )


def checklist(cell: Cell, conditions: Mapping[str, str]) -> Part:
    """What a report of a solid-state cell has to say, and where each comes from.

    Parameters
    ----------
    cell : Cell
        That was computed.
    conditions : mapping of str to str
        Temperature, stack pressure, protocol and others by their names, as they were set.
    """
    rows = [(name, told, "this calculation") for name, told in conditions.items()]
    rows += _sizes(cell)
    return table(
        ("To be reported", "Here", "Where it comes from"),
        rows,
        loose=[told == NOT_GIVEN for _, told, _ in rows],
    )


def _sizes(cell: Cell) -> list[tuple[str, str, str]]:
    sizes, v = cell.sizes(), cell.values
    parts = [
        f"{100 * v[f'Positive electrode {part} mass fraction']:.3g} % {part}"
        for part in ("active material", "electrolyte", "carbon")
    ]
    n_p = sizes["n_p"]
    one_c = sizes["one_c_mA"]
    first = "charge" if cell.first_step == "charge" else "discharge"
    rows = [
        (
            "Electrode area",
            f"{sizes['area_cm2']:.4g} cm2",
            _kind(cell, "Electrode area [m2]"),
        ),
        ("Cathode by mass", ", ".join(parts), _kind(cell, _FRACTION)),
        (
            "Active material loading",
            f"{sizes['active_mg_cm2']:.4g} mg/cm2",
            _kind(cell, "Positive electrode mass [kg]"),
        ),
        ("Areal capacity", f"{sizes['areal_capacity_mAh_cm2']:.3g} mAh/cm2", "derived"),
        ("Cathode thickness", f"{sizes['cathode_thickness_um']:.3g} um", "derived"),
        (
            f"N/P of the first {first}",
            "metal without end" if n_p is None else f"{n_p:.3g}",
            _kind(cell, "Negative electrode mass [kg]"),
        ),
        (
            "Fabrication pressure",
            pressure_text(v.get("Fabrication pressure [Pa]")),
            _kind(cell, "Fabrication pressure [Pa]"),
        ),
    ]
    for layer in cell.layers:
        name = f"{layer} thickness [m]"
        rows.append((f"{layer} thickness", f"{v[name] * 1e6:.4g} um", _kind(cell, name)))
        name = f"{layer} conductivity [S.m-1]"
        if name in v:
            told = f"{v[name] * 10:.3g} mS/cm at the reference temperature"
            rows.append((f"{layer} conductivity", told, _kind(cell, name)))
    low, high = cell.window
    reference = cell.data["bases"]["voltage_reference"]
    rows += [
        (
            "Cut-offs",
            f"{low:.4g} to {high:.4g} V against {reference}",
            _kind(cell, "Lower voltage cut-off [V]"),
        ),
        ("1C", NOT_GIVEN if one_c is None else f"{one_c:.4g} mA", "rates of the set"),
        ("Basis of capacities", cell.basis("capacity")[0], "bases of the set"),
        ("Basis of energies", cell.basis("energy")[0], "bases of the set"),
    ]
    return rows


_FRACTION = "Positive electrode active material mass fraction"


def _kind(cell: Cell, name: str) -> str:
    known = cell.parameters.parameters.get(name)
    if known is None:
        return ""
    return f"{known.kind}: {known.source}" if known.source else known.kind


def pressure_text(pascal: float | None) -> str:
    """A pressure for a reader, and that it is not given where it is none.

    Parameters
    ----------
    pascal : float or None
        [Pa].

    Examples
    --------
    >>> pressure_text(5e7), pressure_text(None)
    ('50 MPa', 'not given')
    """
    return NOT_GIVEN if not pascal else f"{pascal / 1e6:.4g} MPa"


def toml_of(cell: Cell) -> str:
    """The cell as a TOML file that loads anywhere.

    Parameters
    ----------
    cell : Cell
        With its changed values.
    """
    with TemporaryDirectory() as folder:
        path = write_set(cell.parameters, Path(folder) / "cell.toml")
        return path.read_text(encoding="utf-8")


def cell_section(cell: Cell, command: str) -> Section:
    """What made the page, and the cell with all its values.

    Parameters
    ----------
    cell : Cell
        That was computed.
    command : str
        As it was typed.
    """
    values = [
        (p.name, f"{p.value:.5g}", p.kind, p.source)
        for p in cell.parameters.parameters.values()
    ]
    return Section(
        "Made by",
        [
            *([code(command)] if command else []),
            details(
                f"{len(values)} values with their sources",
                ("Parameter", "Value", "Kind", "Source"),
                values,
            ),
            details("The cell as TOML", text=toml_of(cell)),
        ],
    )
