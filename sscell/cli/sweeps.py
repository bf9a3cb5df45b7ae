"""The command that maps a design."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sscell.cli.common import (
    CellName,
    JsonFlag,
    Patience,
    PlotFile,
    Shells,
    check_output,
    given,
)
from sscell.cli.output import print_json, progress
from sscell.errors import ParameterError, SimulationError, condensed

if TYPE_CHECKING:
    import xarray as xr

    from sscell.protocols import Protocol

__all__ = []


def register(app: typer.Typer) -> None:
    """Add the commands of this module to the application."""
    app.command("sweep")(sweep_command)


def sweep_command(
    context: typer.Context,
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
    patience: Patience = None,
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
    from sscell.plots.style import FIGURE_SUFFIXES
    from sscell.simulation.engine import Resolution
    from sscell.sweeps.grid import sweep

    check_output(output, (".nc", ".csv"))
    check_output(plot, FIGURE_SUFFIXES)
    if (plot is None) != (phase is None):
        raise ParameterError("--plot and --phase, the intermediate to map, go together.")
    if points is None and given(context, "seed"):
        raise ParameterError("--seed goes with --points.")
    axes = _design(_axes(temperatures, pressures, rates, over), points, seed, listed)
    if plot is not None and not (temperatures and rates and points is None):
        raise ParameterError("--plot needs a grid of temperatures (-T) and rates (-C).")
    # Other processes hear of it only as an option of each run.
    asked = {} if patience is None else {"patience": patience}
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
            **asked,
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
        for sentence in condensed(_warnings(cell, grid)):
            print(f"warning: {sentence}")
    failures = [str(reason) for reason in grid["failure"].values.ravel()]
    if all(failures):
        raise SimulationError(
            f"All {len(failures)} points of the sweep failed; the first: {failures[0]}"
        )


def _warnings(cell: str, grid: xr.Dataset) -> list[str]:
    """What the set does not know of the pressures of a sweep."""
    from sscell.cells.cell import Cell
    from sscell.simulation.results import pressure_remarks

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
    from sscell.units import split_list

    axes: dict[str, list[str]] = {}
    simple = {"temperature": temperatures, "pressure": pressures, "rate": rates}
    for name, text in simple.items():
        if text is not None:
            axes[name] = split_list(text)
    for text in over or []:
        name, equals, values = text.rpartition("=")
        if not equals:
            raise ParameterError(f"--over '{text}' must read 'NAME=value,value'.")
        if name.strip() in axes:
            raise ParameterError(f"--over '{name.strip()}' is given twice.")
        axes[name.strip()] = split_list(values)
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
        from sscell.sweeps.designs import latin_hypercube

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
    from sscell.papers.observables import load_observables

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
