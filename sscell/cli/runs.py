"""Commands that run a cell: simulate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sscell.cli.common import (
    DATA_SUFFIXES,
    CellName,
    FormationPressure,
    FormationTemperature,
    JsonFlag,
    OutputFile,
    PlotFile,
    Pressure,
    RateOption,
    Settings,
    Shells,
    StateOption,
    Temperature,
    Thickness,
    check_output,
    check_pressure,
    parse_settings,
)
from sscell.cli.output import print_json, run_with_progress
from sscell.errors import ParameterError, SimulationError, did_you_mean

if TYPE_CHECKING:
    import xarray as xr

    from sscell.protocols import Protocol

__all__ = ["register"]

MODES = ("discharge", "charge", "cycle")


def register(app: typer.Typer) -> None:
    """Add the commands of this module to the application."""
    app.command("simulate")(simulate_command)


def simulate_command(
    cell: CellName,
    temperature: Temperature = None,
    rate: RateOption = None,
    mode: Annotated[str, typer.Option(help="discharge, charge or cycle.")] = "cycle",
    cycles: Annotated[int, typer.Option(help="Number of cycles.")] = 1,
    rest: Annotated[str, typer.Option(help="After each half cycle, such as 1h.")] = "0 s",
    discharge_rate: Annotated[
        str | None, typer.Option(help="Where it differs from the charge.")
    ] = None,
    hold_until: Annotated[
        str | None, typer.Option(help="Hold the charged voltage to this current.")
    ] = None,
    hold_time: Annotated[str | None, typer.Option(help="Hold it no longer.")] = None,
    hold_capacity: Annotated[
        str | None, typer.Option(help="Hold it until this has passed, such as 350mAh/g.")
    ] = None,
    state: StateOption = "pristine",
    formation_temperature: FormationTemperature = None,
    formation_pressure: FormationPressure = None,
    v_min: Annotated[str | None, typer.Option(help="Lower cut-off, such as 0.7V.")] = None,
    v_max: Annotated[str | None, typer.Option(help="Upper cut-off, such as 2.8V.")] = None,
    shells: Shells = 50,
    thickness: Thickness = 0,
    pressure: Pressure = None,
    settings: Settings = None,
    compare: Annotated[
        Path | None, typer.Option(help="Measured file to lay over the figure.")
    ] = None,
    output: OutputFile = None,
    plot: PlotFile = None,
    as_json: JsonFlag = False,
) -> None:
    """Discharge, charge or cycle a cell at constant current."""
    from sscell.plots.style import FIGURE_SUFFIXES

    check_output(output, DATA_SUFFIXES, bdf=True)
    check_output(plot, FIGURE_SUFFIXES)
    check_pressure(pressure)
    check_pressure(formation_pressure)
    if compare is not None and not compare.is_file():
        raise ParameterError(f"There is no file '{compare}' to compare with.")
    if compare is not None and plot is None:
        raise ParameterError("--compare lays a file over the figure: it goes with --plot.")
    cycling = {
        "rest": rest,
        "discharge_rate": discharge_rate,
        "hold_until": hold_until,
        "hold_time": hold_time,
        "hold_capacity": hold_capacity,
    }
    protocol = _protocol(mode, rate, cycles, cycling)
    from sscell.simulation.engine import Resolution
    from sscell.simulation.simulation import simulate

    options: dict[str, Any] = {
        "temperature": temperature,
        "state": state,
        "formation_temperature": formation_temperature,
        "v_min": v_min,
        "v_max": v_max,
        "pressure": pressure,
        "formation_pressure": formation_pressure,
        "resolution": Resolution(shells=shells, thickness_points=thickness),
        "changes": parse_settings(settings),
    }
    try:
        data = run_with_progress(
            lambda tell: simulate(cell, protocol, on_progress=tell, **options), output
        )
    except SimulationError as error:
        if error.partial is not None:
            _report(error.partial, as_json)
        raise
    _report(data, as_json)
    if plot is not None:
        from sscell.plots.runs import plot_run
        from sscell.plots.style import save_figure

        measured = None
        if compare is not None:
            from sscell.readers import read

            measured = read(compare)
        save_figure(plot_run(data, measured), plot)


def _protocol(
    mode: str, rate: str | None, cycles: int, cycling: dict[str, Any]
) -> Protocol:
    from sscell.protocols import charge, cycle, discharge

    if mode not in MODES:
        raise ParameterError(
            f"Mode '{mode}' is not one. {did_you_mean(mode, MODES, 'modes')}"
        )
    if mode == "cycle":
        return cycle(rate, cycles, **cycling)
    given = {**cycling, "cycles": None if cycles == 1 else cycles}
    for name, value in given.items():
        if value not in (None, "0 s"):
            option = name.replace("_", "-")
            raise ParameterError(f"--{option} goes with --mode cycle.")
    return discharge(rate) if mode == "discharge" else charge(rate)


def _report(data: xr.Dataset, as_json: bool) -> None:
    from sscell.analysis.summary import summary

    result = summary(data)
    if as_json:
        print_json(result)
    else:
        print(result)
