"""Commands that study a cell: validate, refit, sweep."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sscell.cli.common import (
    CellName,
    JsonFlag,
    PlotFile,
    Shells,
    check_output,
    print_json,
    progress,
)
from sscell.errors import ParameterError

if TYPE_CHECKING:
    import xarray as xr

    from sscell.protocols import Protocol
    from sscell.validation import Validation

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to the application."""
    app.command("validate")(validate_command)
    app.command("refit")(refit_command)
    app.command("sweep")(sweep_command)


def validate_command(
    cell: Annotated[str, typer.Argument(help="A published cell, a TOML file or all.")],
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Only this observable; repeatable.")
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option(help="Write the table as Markdown to this file.")
    ] = None,
    figures: Annotated[
        Path | None, typer.Option(help="Write the paper's figures to this folder.")
    ] = None,
    bands: Annotated[
        bool, typer.Option("--bands", help="Also at both ends of what is assumed.")
    ] = False,
    shells: Shells = 50,
    as_json: JsonFlag = False,
) -> None:
    """Compare a cell with everything its paper published that the model can produce."""
    from sscell.engine import Resolution
    from sscell.validation import validate

    if markdown is not None and not markdown.parent.is_dir():
        raise ParameterError(f"The folder '{markdown.parent}' does not exist.")
    results = []
    for name in _cells(cell):
        with progress(time.monotonic()) as tell:
            found = validate(
                name,
                ids=only,
                on_progress=tell,
                resolution=Resolution(shells),
                bands=bands,
            )
            results.append(found)
    if markdown is not None:
        text = "\n".join(f"## {r.cell}\n\n{r.to_markdown()}" for r in results)
        markdown.write_text(text, encoding="utf-8")
    if figures is not None:
        from sscell.plots.validation import write_figures

        for result in results:
            write_figures(result, figures)
    if as_json:
        print_json(_payload(results))
        return
    for result in results:
        _print(result)


def _cells(cell: str) -> list[str]:
    if cell != "all":
        return [cell]
    from sscell.observables import load_observables
    from sscell.parameters import available

    found = []
    for name in available():
        try:
            load_observables(name)
        except ParameterError:
            continue
        found.append(name)
    return found


def _payload(results: list[Validation]) -> dict[str, object]:
    parts = []
    for result in results:
        counts = {
            word: dict(zip(("met", "null_met", "rows"), numbers, strict=True))
            for word, numbers in result.counts().items()
        }
        parts.append(
            {
                "cell": result.cell,
                "temperature_C": None,
                **result.bases,
                "warnings": [],
                "rows": result.rows,
                "counts": counts,
                "left_out": result.left_out,
                "notes": result.notes,
                **({"varied": result.varied} if result.varied else {}),
            }
        )
    if len(parts) == 1:
        return parts[0]
    rows = [{"cell": result.cell, **row} for result in results for row in result.rows]
    return {"cell": "all", "rows": rows, "cells": parts}


def _print(result: Validation) -> None:
    import sys

    from rich.console import Console
    from rich.table import Table

    from sscell.validation import format_row

    table = Table(box=None, pad_edge=False, header_style="bold")
    names = ["Observable", "Conditions", "Published", "Model", "Null", "Error", "Word", ""]
    for name in (*names, *(("Band", "Depends on") if result.varied else ())):
        table.add_column(name, overflow="fold")
    for row in result.rows:
        missed = "" if row["met"] else "missed"
        table.add_row(*format_row(row), row["word"], missed, *result.format_band(row))
    console = Console(width=None if sys.stdout.isatty() else 160, markup=False)
    console.print(f"{result.cell} against its paper")
    console.print(table)
    for word, (met, null, total) in result.counts().items():
        console.print(
            f"{word}: {met} of {total} within tolerance; null model {null} of {total}"
        )
    console.print(f"{len(result.left_out)} observables are left out; --json says why.")
    for line in result.format_varied():
        console.print(line)
    for note in result.notes:
        console.print(f"note: {note}")


def refit_command(
    cell: Annotated[str, typer.Argument(help="A published cell or a TOML file.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="New parameter set, .toml.")
    ],
    vary: Annotated[
        list[str] | None, typer.Option(help="Only this parameter; repeatable.")
    ] = None,
    rival: Annotated[
        str | None, typer.Option(help="Try this explanation of the table instead.")
    ] = None,
    objective: Annotated[
        str, typer.Option(help="squares, or largest: of the residuals in tolerances.")
    ] = "squares",
    max_evaluations: Annotated[int, typer.Option(help="In all starts together.")] = 400,
    starts: Annotated[int, typer.Option(help="Starting points.")] = 1,
    seed: Annotated[int, typer.Option(help="Of the starting points.")] = 0,
    shells: Shells = 25,
    as_json: JsonFlag = False,
) -> None:
    """Fit a parameter set to its published observables; writes a set and a log."""
    import json

    from sscell.cell import Cell
    from sscell.observables import load_observables
    from sscell.refit import refit, write_refit

    if output.suffix != ".toml" or not output.parent.is_dir():
        raise ParameterError(f"'{output}' must be a .toml file in a folder that exists.")
    loaded, table = Cell.load(cell), load_observables(cell)
    with progress(time.monotonic()) as tell:
        found = refit(
            loaded,
            table,
            vary=vary,
            rival=rival,
            objective=objective,
            max_evaluations=max_evaluations,
            starts=starts,
            seed=seed,
            shells=shells,
            on_progress=tell,
        )
    write_refit(found, cell, output)
    log = output.with_suffix(".json")
    log.write_text(json.dumps(found.log, indent=2) + "\n", encoding="utf-8")
    if as_json:
        print_json({"cell": loaded.name, "file": str(output), **found.log})
        return
    print(f"cost {found.log['cost']:.2f}, {found.log['ended']}; {output}, {log}")
    for name, value in found.values.items():
        error = found.std_errors.get(name)
        print(f"  {name:<60} {value:.4g}" + (f" +/- {error:.2g}" if error else ""))


def sweep_command(
    cell: CellName,
    temperatures: Annotated[
        str | None, typer.Option("-T", "--temperature", help="Such as '25,60,90' [degC].")
    ] = None,
    rates: Annotated[
        str | None, typer.Option("-C", "--c-rate", help="Such as 'C/100,C/20,C/3'.")
    ] = None,
    pressures: Annotated[
        str | None, typer.Option("--pressure", help="Such as '20,35,50' [MPa].")
    ] = None,
    over: Annotated[
        list[str] | None,
        typer.Option(help="A parameter: 'NAME=1e-4,2e-4'; repeatable."),
    ] = None,
    points: Annotated[
        int | None,
        typer.Option(
            help="Latin hypercube of so many points; the axes are ranges: 'low:high', or "
            "'low:high:log' for equal ratios."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the Latin hypercube.")] = 0,
    listed: Annotated[
        Path | None,
        typer.Option("--list", help="Points from a CSV file, one column for each axis."),
    ] = None,
    mode: Annotated[str, typer.Option(help="discharge, charge or cycle.")] = "cycle",
    workers: Annotated[int, typer.Option(help="Processes.")] = 1,
    scheduler: Annotated[
        str | None, typer.Option(help="Run on a dask cluster: 'tcp://host:8786'.")
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option(help="Keep finished points in this file; started again, go on there."),
    ] = None,
    shells: Shells = 50,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the table: .nc or .csv.")
    ] = None,
    plot: PlotFile = None,
    phase: Annotated[
        str | None, typer.Option(help="Intermediate that --plot maps, such as Na2S2.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Run a grid, a list or a Latin hypercube of points; failures are kept as rows."""
    from sscell.engine import Resolution
    from sscell.plots.style import FIGURE_SUFFIXES
    from sscell.sweeps import sweep

    check_output(output, (".nc", ".csv"))
    check_output(plot, FIGURE_SUFFIXES)
    if plot is not None and phase is None:
        raise ParameterError("--plot needs --phase, the intermediate to map.")
    axes = _design(_axes(temperatures, pressures, rates, over), points, seed, listed)
    if plot is not None and not (temperatures and rates and points is None):
        raise ParameterError("--plot needs a grid of temperatures (-T) and rates (-C).")
    with progress(time.monotonic(), timed=False) as tell:
        grid = sweep(
            cell,
            axes,
            _protocol(mode),
            workers=workers,
            scheduler=scheduler,
            store=store,
            on_progress=tell,
            resolution=Resolution(shells=shells),
        )
    _save_grid(grid, output)
    if plot is not None and phase is not None:
        from sscell.plots.style import save_figure
        from sscell.plots.sweeps import plot_pathways

        save_figure(plot_pathways(grid, phase, _published(cell)), plot)
    frame = grid.drop_dims("phase").to_dataframe().reset_index()
    if as_json:
        said = {"cell": grid.attrs["cell"], "warnings": _warnings(cell, grid)}
        print_json({**said, "rows": frame.to_dict("records")})
    else:
        print(frame.to_string(index=False, float_format=lambda x: f"{x:.4g}"))
        for sentence in _warnings(cell, grid):
            print(f"warning: {sentence}")


def _warnings(cell: str, grid: xr.Dataset) -> list[str]:
    """What the set does not know of the pressures of a sweep."""
    from sscell.cell import Cell
    from sscell.results import pressure_remarks

    if "pressure" not in grid.coords:
        return []
    loaded = Cell.load(cell)
    values = dict.fromkeys(grid["pressure"].values.ravel().tolist())
    told = [pressure_remarks(loaded.under(p * 1e6), p * 1e6) for p in values]
    return [sentence for sentences in told for sentence in sentences]


def _axes(
    temperatures: str | None,
    pressures: str | None,
    rates: str | None,
    over: list[str] | None,
) -> dict[str, list[str]]:
    axes = {}
    simple = {"temperature": temperatures, "pressure": pressures, "rate": rates}
    for name, text in simple.items():
        if text:
            axes[name] = [part.strip() for part in text.split(",")]
    for text in over or []:
        name, equals, values = text.rpartition("=")
        if not equals:
            raise ParameterError(f"--over '{text}' must read 'NAME=value,value'.")
        axes[name.strip()] = [part.strip() for part in values.split(",")]
    return axes


def _design(
    axes: dict[str, list[str]], points: int | None, seed: int, listed: Path | None
) -> dict[str, list[str]] | list[dict[str, str]]:
    """Grid as it is, points of a file, or points of a Latin hypercube over ranges."""
    if listed is not None:
        if axes or points is not None:
            raise ParameterError(
                "--list stands alone: its file has the axes and the points."
            )
        return _read_points(listed)
    ranges = {name: ",".join(values).split(":") for name, values in axes.items()}
    if points is not None:
        from sscell.designs import latin_hypercube

        return latin_hypercube(ranges, points, seed)
    for name, values in ranges.items():
        if len(values) > 1:
            raise ParameterError(
                f"The range '{':'.join(values)}' of {name} needs --points."
            )
    return axes


def _read_points(path: Path) -> list[dict[str, str]]:
    import csv

    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return list(csv.DictReader(file, skipinitialspace=True))
    except (OSError, UnicodeDecodeError) as error:
        raise ParameterError(f"The list '{path}' cannot be read: {error}.") from error


def _protocol(mode: str) -> Protocol:
    from sscell import protocols

    if mode not in ("cycle", "discharge", "charge"):
        raise ParameterError(f"Mode '{mode}' is not one of discharge, charge, cycle.")
    return getattr(protocols, mode)()


def _published(cell: str) -> list[tuple[float, str, str]]:
    """Conditions of the paper, where it says which way the reaction goes."""
    from sscell.observables import load_observables

    try:
        return list(load_observables(cell).ways)
    except ParameterError:
        return []


def _save_grid(grid: xr.Dataset, output: Path | None) -> None:
    if output is None:
        return
    if output.suffix == ".nc":
        grid.to_netcdf(output)
    else:
        grid.to_dataframe().to_csv(output)
