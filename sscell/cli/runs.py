"""Commands that run a cell: simulate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sscell.cli.banding import run_banded, step_bands
from sscell.cli.common import (
    CellName,
    RateOption,
    RunOptions,
    given,
    with_run_options,
)
from sscell.cli.comparing import Beside, write_figures
from sscell.cli.customs import Chosen, check_choice, choose
from sscell.cli.output import print_json, run_with_progress
from sscell.errors import ParameterError, SimulationError, did_you_mean

if TYPE_CHECKING:
    import xarray as xr

    from sscell.analysis.comparison import Comparison
    from sscell.analysis.summary import Summary
    from sscell.protocols import Protocol
    from sscell.simulation.bands import Bands

__all__ = ["register"]

MODES = ("discharge", "charge", "cycle")


def register(app: typer.Typer) -> None:
    """Add the commands of this module to the application."""
    app.command("simulate")(simulate_command)


@with_run_options()
def simulate_command(
    context: typer.Context,
    cell: CellName,
    rate: RateOption = None,
    mode: Annotated[str, typer.Option(help="discharge, charge or cycle.")] = "cycle",
    cycles: Annotated[int, typer.Option(help="Number of cycles.")] = 1,
    half_time: Annotated[
        str | None,
        typer.Option(help="Longest time of a half; default: none, 1h in a symmetric cell."),
    ] = None,
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
    drive_file: Annotated[
        Path | None,
        typer.Option(
            "--drive",
            help="Follow a CSV file: 'Time [s]' with 'Current [A]' or 'Power [W]' (positive "
            "discharges), perhaps 'Temperature [degC]'; linear between rows.",
        ),
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option("--from", help="Go on from the last state of a run, saved as .nc."),
    ] = None,
    v_min: Annotated[str | None, typer.Option(help="Lower cut-off, such as 0.7V.")] = None,
    v_max: Annotated[str | None, typer.Option(help="Upper cut-off, such as 2.8V.")] = None,
    *,
    options: RunOptions,
) -> None:
    """Discharge, charge or cycle a cell at constant current."""
    options.check()
    files = Beside.read(options)
    cycling = {
        "rest": rest,
        "discharge_rate": discharge_rate,
        "hold_until": hold_until,
        "hold_time": hold_time,
        "hold_capacity": hold_capacity,
        "half_time": half_time,
    }
    if drive_file is not None:
        from sscell.protocols import drive

        if given(context, "mode", "rate", "cycles", *cycling):
            raise ParameterError(
                "--drive stands for the whole protocol: no --mode, -C, ..."
            )
        check_choice(options, offered=False)
        chosen = Chosen(drive(drive_file), "plain")
    elif start is not None:
        check_choice(options, offered=False)
        chosen = Chosen(_protocol(mode, rate, cycles, cycling), "plain")
    else:
        chosen = _chosen(context, cell, mode, rate, cycles, cycling, options)
    protocol = chosen.protocol
    if start is not None and given(context, "state"):
        raise ParameterError("--from stands for the state: give one of --from and --state.")
    arguments = {**options.of_simulate(), "v_min": v_min, "v_max": v_max, "start": start}
    if start is not None and not given(context, "shells", "thickness"):
        arguments["resolution"] = None
    bands = None
    try:
        if options.bands:
            bands = run_banded(cell, protocol, arguments, options.output)
            data = bands.data
        else:
            from sscell.simulation.simulation import simulate

            data = run_with_progress(
                lambda tell: simulate(cell, protocol, on_progress=tell, **arguments),
                options.output,
            )
    except SimulationError as error:
        if error.partial is not None:
            _report(error.partial, chosen, None, options.as_json)
        raise
    beside = files.against(data)
    result = _report(data, chosen, bands, options.as_json, beside)
    write_figures(
        options,
        data,
        result,
        beside,
        _figure(data),
        cell,
        chosen.told(),
    )


def _figure(data: xr.Dataset) -> dict[str, Callable[[], Any]]:
    """What draws the run, by its caption; a symmetric cell shows its plating."""
    from sscell.dataset import metadata

    if metadata(data, "symmetric") == "plateau":
        return {"Voltage over time, with resistance": lambda: _plating(data)}
    return {"Voltage, its derivative and what each process costs": lambda: _losses(data)}


def _losses(data: xr.Dataset) -> Any:
    """Figure of a run: voltage, dQ/dV and losses."""
    from sscell.plots.runs import plot_run

    return plot_run(data)


def _plating(data: xr.Dataset) -> Any:
    """Figure of a symmetric cell: voltage over time, resistance by cycle or current."""
    from sscell.analysis.symmetric import critical_current
    from sscell.plots.pellets import plot_critical_current

    return plot_critical_current(data, critical_current(data))


def _chosen(
    context: typer.Context,
    cell: str,
    mode: str,
    rate: str | None,
    cycles: int,
    cycling: dict[str, Any],
    options: RunOptions,
) -> Chosen:
    """The paper's cycling, or that of the options."""
    rates = [] if rate is None else [rate]
    typed = {"cycles": cycles, **cycling}
    if mode == "cycle":
        return choose(context, cell, "cycle", rates, options, typed, _cycling)
    made = _protocol(mode, rate, cycles, cycling)
    # A half cycle alone keeps only where the paper's cycling starts.
    return choose(
        context,
        cell,
        "cycle",
        rates,
        options,
        {"mode": mode},
        lambda chosen, **_: made,
        lambda: made,
    )


def _cycling(rates: Sequence[str], **options: Any) -> Protocol:
    from sscell.protocols import cycle

    return cycle(rates[0] if rates else None, **options)


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
    longest = cycling["half_time"]
    given = {**cycling, "half_time": None, "cycles": None if cycles == 1 else cycles}
    for name, value in given.items():
        if value not in (None, "0 s"):
            option = name.replace("_", "-")
            raise ParameterError(f"--{option} goes with --mode cycle.")
    one_way = discharge if mode == "discharge" else charge
    return one_way(rate, duration=longest)


def _report(
    data: xr.Dataset,
    chosen: Chosen,
    bands: Bands | None,
    as_json: bool,
    beside: Sequence[Comparison] = (),
) -> Summary:
    """Print what the run gave, and return it."""
    result = _found(data, bands, beside)
    if as_json:
        print_json({**result, "protocol": chosen.kind})
        return result
    print(result)
    if chosen.told():
        print(f"  {chosen.told()}")
    for one in beside:
        print(one)
    return result


def _found(data: xr.Dataset, bands: Bands | None, beside: Sequence[Comparison]) -> Summary:
    """What the run gave, beside measured files and with its bands."""
    from sscell.analysis.summary import summary

    result = summary(data)
    if beside:
        result["comparison"] = [one.as_dict() for one in beside]
        notes = [note for one in beside for note in one.remarks]
        result["warnings"] = [*result["warnings"], *notes]
    if bands is not None:
        result |= step_bands(bands, result["steps"])
    return result
