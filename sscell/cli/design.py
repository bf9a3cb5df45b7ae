"""The command that finds the best thickness of a stack."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sscell.cli.common import (
    CellName,
    JsonFlag,
    PlotFile,
    ReportFile,
    Settings,
    Shells,
    Temperature,
    check_output,
    parse_settings,
    typed_command,
)
from sscell.cli.output import print_json, progress
from sscell.errors import SimulationError

if TYPE_CHECKING:
    from sscell.cells.cell import Cell

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to the application."""
    app.command("design")(design_command)


def design_command(
    cell: CellName,
    thickness: Annotated[
        str, typer.Option(help="Of the cathode: 20um:200um (8 points) or 30um,60um.")
    ] = "20um:200um",
    separator_thickness: Annotated[
        str | None,
        typer.Option(help="Of all layers together, in the same way; default: as it is."),
    ] = None,
    rates: Annotated[str, typer.Option(help="Currents of the discharge.")] = "C/10,1C",
    pouch: Annotated[
        Path | None,
        typer.Option(help="A TOML file: foils, n_p, densities, casing of the stack."),
    ] = None,
    temperature: Temperature = None,
    settings: Settings = None,
    shells: Shells = 25,
    thickness_points: Annotated[
        int | None,
        typer.Option(help="Finite volumes over the thickness; default 8."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the table: .csv.")
    ] = None,
    plot: PlotFile = None,
    report: ReportFile = None,
    as_json: JsonFlag = False,
) -> None:
    """Energy of a stack over its thicknesses, with the model's own capacity at each rate."""
    from sscell.cells.cell import Cell
    from sscell.plots.style import FIGURE_SUFFIXES
    from sscell.simulation.engine import Resolution
    from sscell.sweeps.cell_level import POINTS, design
    from sscell.tables import csv_text
    from sscell.units import split_list

    check_output(output, (".csv",))
    check_output(plot, FIGURE_SUFFIXES)
    check_output(report, (".html",))
    loaded = Cell.load(cell)
    changes = parse_settings(settings)
    if changes:
        loaded = loaded.replace(changes)
    points = thickness_points
    if points is None:
        points = 0 if loaded.size_classes else POINTS
    with progress(time.monotonic()) as tell:
        result = design(
            loaded,
            thickness,
            separator_thickness,
            split_list(rates),
            pouch=pouch,
            temperature=temperature,
            resolution=Resolution(shells, points),
            on_progress=tell,
        )
    if output is not None:
        output.write_text(csv_text(result["rows"]), encoding="utf-8", newline="")
    celsius = loaded.values["Ambient temperature [K]"] - 273.15
    if temperature is not None:
        celsius = loaded.kelvin(temperature) - 273.15
    notes = [f"Stack: {text}." for text in result["assumed"]]
    failures = sorted({row["failure"] for row in result["rows"]} - {""})
    told = {
        "cell": loaded.name,
        "temperature_C": round(celsius, 6),
        "capacity_basis": loaded.basis("capacity")[0],
        "energy_basis": "stack",
        "voltage_reference": loaded.data["bases"]["voltage_reference"],
        "warnings": [*notes, *failures],
    }
    if plot is not None or report is not None:
        _draw(loaded, told | result, plot, report)
    if as_json:
        print_json(told | result)
    else:
        _tell(result, notes)
    if not result["best"]:
        raise SimulationError(f"No point of the design could be computed: {failures[0]}")


def _draw(
    cell: Cell, payload: dict[str, Any], plot: Path | None, report: Path | None
) -> None:
    from sscell.plots.design import plot_design
    from sscell.plots.style import save_figure
    from sscell.reports import write_design_report

    figure = plot_design(payload)
    if report is not None:
        write_design_report(cell, report, payload, figure, typed_command())
    if plot is not None:
        save_figure(figure, plot)


def _tell(result: dict[str, Any], notes: list[str]) -> None:
    print("  cathode separator  rate      capacity    energy         limited by")
    print("       um        um              mAh/g    Wh/kg   Wh/L")
    best = [id(row) for row in result["best"]]
    for row in result["rows"]:
        line = (
            f"{row['thickness_um']:9.1f} {row['separator_thickness_um']:9.1f}  "
            f"{row['rate']:<8}"
        )
        if row["failure"]:
            print(f"{line}  {row['failure']}")
            continue
        mark = "  <- best" if id(row) in best else ""
        print(
            f"{line} {row['capacity_mAh_g']:9.1f} {row['energy_Wh_kg']:8.1f} "
            f"{row['energy_Wh_L']:6.0f}   {row['limited_by']}{mark}"
        )
    for note in notes:
        print(f"note: {note}")
