"""The command that starts a person's own cell: from another one, or from parts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sscell.cli.common import JsonFlag, Settings, parse_settings
from sscell.cli.output import print_json
from sscell.errors import ParameterError

if TYPE_CHECKING:
    from sscell.cells.cell import Cell

__all__ = ["register"]

_PARTS = "from parts"
_NEEDED = ("--cathode", "--catholyte", "--separator", "--anode")
Text = str | None


def register(app: typer.Typer) -> None:
    """Add the commands of this module to the application."""
    app.command("new")(new_command)


def new_command(
    file: Annotated[Path, typer.Argument(help="The TOML file to write.")],
    base: Annotated[
        Text, typer.Option("--from", help="A published cell or variant to start from.")
    ] = None,
    name: Annotated[Text, typer.Option(help="Default: the file's name.")] = None,
    cathode: Annotated[
        Text,
        typer.Option(help="Active material and wt%: NMC811:70.", rich_help_panel=_PARTS),
    ] = None,
    catholyte: Annotated[
        Text, typer.Option(help="Electrolyte in the cathode and wt%: Li6PS5Cl:27.")
    ] = None,
    carbon: Annotated[
        Text, typer.Option(help="wt% of carbon black, or VGCF:3; with --from a fraction.")
    ] = None,
    separator: Annotated[
        list[str] | None,
        typer.Option(help="From the anode on, repeatable: Li6PS5Cl:100mg or :600um."),
    ] = None,
    symmetric: Annotated[
        Text, typer.Option(help="Two like electrodes: Li, Na, Li-In[:60mg] or steel.")
    ] = None,
    anode: Annotated[
        Text, typer.Option(help="Li, Li-In:60mg, In:100um+Li:20um or graphite:20mg.")
    ] = None,
    cathode_mass: Annotated[Text, typer.Option(help="Whole composite: 12mg.")] = None,
    active_mass: Annotated[Text, typer.Option(help="Instead: its active part.")] = None,
    diameter: Annotated[Text, typer.Option(help="Such as 10mm.")] = None,
    area: Annotated[Text, typer.Option(help="Instead: such as 0.785cm2.")] = None,
    cathode_thickness: Annotated[Text, typer.Option(help="As measured: 55um.")] = None,
    separator_thickness: Annotated[Text, typer.Option(help="As measured.")] = None,
    li_per_in: Annotated[
        float | None, typer.Option(help="Li:In of the alloy, up to 1.")
    ] = None,
    one_c: Annotated[Text, typer.Option(help="Current at 1C: 200mA/g.")] = None,
    d50: Annotated[Text, typer.Option(help="Median diameter of the particles.")] = None,
    sigma_ion: Annotated[
        Text, typer.Option(help="Measured, of the composite: 0.1mS/cm.")
    ] = None,
    sigma_electron: Annotated[
        Text, typer.Option(help="Measured, of the composite.")
    ] = None,
    coating: Annotated[Text, typer.Option(help="LiNbO3:10nm.")] = None,
    pressure: Annotated[
        Text, typer.Option(help="In operation, such as 50MPa: adds a contact model.")
    ] = None,
    pressing_pressure: Annotated[Text, typer.Option(help="Kept as a record.")] = None,
    electrolyte_redox: Annotated[
        bool, typer.Option(help="A sulfide in a sulfur composite reacts too.")
    ] = True,
    active: Annotated[
        Text, typer.Option(help="With --from: fraction, 0.35 or 35%.")
    ] = None,
    electrolyte: Annotated[Text, typer.Option(help="With --from: fraction.")] = None,
    anode_mass: Annotated[Text, typer.Option(help="With --from: such as 15mg.")] = None,
    separator_mass: Annotated[
        Text, typer.Option(help="With --from: such as 126mg.")
    ] = None,
    separator_density: Annotated[
        Text, typer.Option(help="With --from: as pressed, default 2.0 g/cm3.")
    ] = None,
    settings: Settings = None,
    force: Annotated[bool, typer.Option(help="Overwrite the file.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Start your own cell: from its parts, or from a published cell.

    From parts: sscell new mine.toml --cathode NMC811:70 --catholyte Li6PS5Cl:27 --carbon 3
    --cathode-mass 12mg --separator Li6PS5Cl:100mg --anode Li-In:60mg --diameter 10mm.
    A symmetric cell: sscell new sym.toml --symmetric Li --separator Li6PS5Cl:100mg
    --diameter 10mm.
    """
    from sscell.cells.writing import check_target

    check_target(file, overwrite=force)
    name = name or file.stem
    stack = {
        "--separator": separator,
        "--li-per-in": li_per_in,
        "--pressing-pressure": pressing_pressure,
    }
    composite = {
        "--cathode": cathode,
        "--catholyte": catholyte,
        "--anode": anode,
        "--active-mass": active_mass,
        "--cathode-thickness": cathode_thickness,
        "--one-c": one_c,
        "--d50": d50,
        "--sigma-ion": sigma_ion,
        "--sigma-electron": sigma_electron,
        "--coating": coating,
    }
    of_bases = {
        "--active": active,
        "--electrolyte": electrolyte,
        "--anode-mass": anode_mass,
        "--separator-mass": separator_mass,
        "--separator-density": separator_density,
    }
    shape: dict[str, Any] = {
        "diameter": diameter,
        "area": area,
        "separator_thickness": separator_thickness,
        "pressure": pressure,
    }
    if base is not None:
        _refuse({"--symmetric": symmetric, **composite, **stack}, "--from")
        from sscell.cells.builder import Build, write_cell

        fractions = {
            "active material": active,
            "electrolyte": electrolyte,
            "carbon": carbon,
        }
        build = Build(
            base=base,
            name=name,
            cathode_mass=cathode_mass,
            fractions=fractions,
            anode_mass=anode_mass,
            separator_mass=separator_mass,
            separator_density=separator_density or Build.separator_density,
            settings=parse_settings(settings),
            **shape,
        )
        _tell(write_cell(build, file, overwrite=force), file, as_json)
        return
    _refuse(of_bases, "parts")
    if symmetric is None:
        stack = {"--cathode": cathode, "--catholyte": catholyte, "--anode": anode, **stack}
    missing = [flag for flag, v in stack.items() if flag in _NEEDED and not v]
    if missing:
        raise ParameterError(
            f"A new cell needs {', '.join(missing)}, or a cell to start from (--from)."
        )
    shape |= {
        "separator": tuple(separator or ()),
        "li_per_in": li_per_in,
        "pressing_pressure": pressing_pressure,
    }
    if symmetric is not None:
        masses = {"--carbon": carbon, "--cathode-mass": cathode_mass}
        _refuse({**composite, **masses}, "--symmetric")
        from sscell.cells.symmetric_parts import SymmetricParts, symmetric_tables

        tables = symmetric_tables(SymmetricParts(name, symmetric, **shape))
    else:
        from sscell.cells.parts import Parts, tables_of

        tables = tables_of(
            Parts(
                name=name,
                cathode=str(cathode),
                catholyte=str(catholyte),
                anode=str(anode),
                carbon=carbon or "0",
                cathode_mass=cathode_mass,
                active_mass=active_mass,
                cathode_thickness=cathode_thickness,
                one_c=one_c,
                d50=d50,
                sigma_ion=sigma_ion,
                sigma_electron=sigma_electron,
                coating=coating,
                electrolyte_redox=electrolyte_redox,
                **shape,
            )
        )
    _tell(_write(tables, settings, file), file, as_json)


def _refuse(options: dict[str, Any], where: str) -> None:
    """Refuse what has no meaning there."""
    given = [flag for flag, value in options.items() if value]
    if given:
        raise ParameterError(f"{given[0]} does not go with {where}.")


def _write(tables: dict[str, Any], settings: list[str] | None, file: Path) -> Cell:
    from sscell.cells.cell import Cell
    from sscell.cells.parameters import ParameterSet
    from sscell.cells.writing import write_set

    cell = Cell(ParameterSet.from_table(tables))
    changes = parse_settings(settings)
    if changes:
        cell = cell.replace(changes, "given by the user")
    write_set(cell.parameters, file)
    return Cell.load(file)


def _tell(cell: Cell, file: Path, as_json: bool) -> None:
    sizes = cell.sizes()
    unsourced = [
        p.name
        for p in cell.parameters.parameters.values()
        if p.kind == "assumed" and p.matters
    ]
    warnings = cell.remarks()
    if as_json:
        print_json(
            {
                "cell": cell.name,
                "temperature_C": round(cell.values["Ambient temperature [K]"] - 273.15, 6),
                "capacity_basis": cell.basis("capacity")[0],
                "energy_basis": cell.basis("energy")[0],
                "voltage_reference": cell.data["bases"]["voltage_reference"],
                "warnings": warnings,
                "file": str(file),
                "sizes": sizes,
                "unsourced": unsourced,
            }
        )
        return
    print(f"{cell.name}: {cell.data.get('title', '')}")
    for key, text, unit in (
        ("area_cm2", "area", "cm2"),
        ("cathode_thickness_um", "cathode", "um"),
        ("separator_thickness_um", "separator", "um"),
        ("active_mg_cm2", "active material", "mg/cm2"),
        ("areal_capacity_mAh_cm2", "capacity", "mAh/cm2"),
        ("one_c_mA", "current at 1C", "mA"),
        ("n_p", "N/P", ""),
    ):
        if sizes.get(key) is not None:
            print(f"  {text:<18} {sizes[key]:.4g} {unit}".rstrip())
    if unsourced:
        print("Assumed, and it matters most: " + "; ".join(unsourced))
    for note in warnings:
        print(f"warning: {note}")
    then = f"simulate {file} -C 0.1mA/cm2" if cell.is_symmetric else f"simulate {file}"
    print(f"Written to {file}. Next: sscell check {file}; sscell {then}")
