"""Commands for the protocols of the lab: gitt, cv, rate, eis, step."""

from __future__ import annotations

from collections.abc import Sequence
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
    given,
    parse_settings,
)
from sscell.cli.output import print_json, run_with_progress
from sscell.errors import ParameterError

if TYPE_CHECKING:
    import xarray as xr

    from sscell.protocols import Protocol

__all__ = ["register"]

Window = Annotated[
    str | None, typer.Option(help="Lower and upper voltage, such as 0.5V,3V.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to the application."""
    app.command("gitt")(gitt_command)
    app.command("cv")(cv_command)
    app.command("rate")(rate_command)
    app.command("eis")(eis_command)
    app.command("step")(step_command)


class _Job:
    """What all these commands do: check, run, save, draw, print."""

    def __init__(
        self,
        cell: str,
        output: Path | None,
        plot: Path | None,
        conditions: Sequence[str | None],
        settings: list[str] | None,
        series: bool = True,
    ):
        from sscell.plots.style import FIGURE_SUFFIXES

        check_output(output, DATA_SUFFIXES, bdf=series)
        check_output(plot, FIGURE_SUFFIXES)
        for pressure in conditions[::2]:
            check_pressure(pressure)
        self._cell, self._output, self._plot = cell, output, plot
        names = ("pressure", "formation_temperature", "formation_pressure")
        self._conditions = dict(zip(names, conditions, strict=True))
        self._changes = parse_settings(settings)

    def run(
        self,
        protocol: Protocol,
        temperature: str | None,
        state: str,
        shells: int,
        thickness: int,
    ) -> xr.Dataset:
        """Simulate with a progress bar and save the data."""
        from sscell.simulation.engine import Resolution
        from sscell.simulation.simulation import simulate

        return run_with_progress(
            lambda tell: simulate(
                self._cell,
                protocol,
                temperature=temperature,
                state=state,
                changes=self._changes,
                **self._conditions,
                resolution=Resolution(shells=shells, thickness_points=thickness),
                on_progress=tell,
            ),
            self._output,
        )

    def report(self, data: xr.Dataset, result: Any, as_json: bool, figure: Any) -> None:
        """Print what the analysis found, and draw it."""
        from sscell.analysis.summary import always
        from sscell.cli.output import print_text
        from sscell.plots.style import save_figure

        found = dict(result) if isinstance(result, dict) else result.to_dict()
        notes = found.pop("warnings", [])
        payload = always(data) | found
        payload["warnings"] = [*payload["warnings"], *notes]
        if self._plot is not None:
            save_figure(figure(), self._plot)
        if as_json:
            print_json(payload)
        else:
            print_text(payload)


def gitt_command(
    cell: CellName,
    temperature: Temperature = None,
    rate: RateOption = None,
    pulse: Annotated[str, typer.Option(help="Length of a pulse.")] = "30min",
    rest: Annotated[str, typer.Option(help="Length of a rest.")] = "4h",
    direction: Annotated[
        str, typer.Option(help="discharge, charge or both.")
    ] = "discharge",
    method: Annotated[
        str, typer.Option(help="weppner-huggins or chang.")
    ] = "weppner-huggins",
    diffusion_length: Annotated[
        str | None, typer.Option(help="Default: a third of the particle radius.")
    ] = None,
    state: StateOption = "pristine",
    shells: Shells = 50,
    thickness: Thickness = 0,
    pressure: Pressure = None,
    formation_temperature: FormationTemperature = None,
    formation_pressure: FormationPressure = None,
    settings: Settings = None,
    output: OutputFile = None,
    plot: PlotFile = None,
    as_json: JsonFlag = False,
) -> None:
    """Titrate a cell: pulses and rests, OCV, overpotentials, apparent diffusion."""
    from sscell.protocols import gitt

    conditions = (pressure, formation_temperature, formation_pressure)
    job = _Job(cell, output, plot, conditions, settings)
    protocol = gitt(rate, pulse, rest, direction)
    from sscell.analysis.titration import check_options
    from sscell.analysis.titration import gitt as titration

    check_options(method, diffusion_length)
    data = job.run(protocol, temperature, state, shells, thickness)
    from sscell.plots.data import plot_gitt

    length = diffusion_length or _sphere_length(data)
    result = titration(data, diffusion_length=length, method=method, direction=direction)
    job.report(data, result, as_json, lambda: plot_gitt(result))


def _sphere_length(data: xr.Dataset) -> str:
    """Volume over surface of the particles: a third of their radius."""
    from sscell.dataset import metadata

    radius = metadata(data, "parameters")["Positive particle radius [m]"]
    return f"{radius / 3:.9g} m"


def cv_command(
    cell: CellName,
    temperature: Temperature = None,
    scan_rate: Annotated[
        str, typer.Option(help="One or several, such as 0.1mV/s,1mV/s.")
    ] = "0.1mV/s",
    window: Window = None,
    cycles: Annotated[int, typer.Option(help="At each scan rate.")] = 1,
    state: StateOption = "pristine",
    shells: Shells = 200,
    thickness: Thickness = 0,
    pressure: Pressure = None,
    formation_temperature: FormationTemperature = None,
    formation_pressure: FormationPressure = None,
    settings: Settings = None,
    output: OutputFile = None,
    plot: PlotFile = None,
    as_json: JsonFlag = False,
) -> None:
    """Cyclic voltammetry: peaks and b-values."""
    from sscell.protocols import cv

    conditions = (pressure, formation_temperature, formation_pressure)
    job = _Job(cell, output, plot, conditions, settings)
    limits = None if window is None else _list(window, "window")
    protocol = cv(_list(scan_rate, "scan rate"), limits, cycles)
    data = job.run(protocol, temperature, state, shells, thickness)
    from sscell.analysis.voltammetry import cv as voltammetry
    from sscell.plots.data import plot_cv

    parts = _by_scan_rate(data, len(protocol.options["scan_rates_V_s"]), cycles)
    result = voltammetry(parts)
    job.report(data, result, as_json, lambda: plot_cv(parts, result))


def _by_scan_rate(data: xr.Dataset, rates: int, cycles: int) -> list[xr.Dataset]:
    """One dataset for each scan rate, as an instrument writes them."""
    number = (data["Cycle"].values - 1) // cycles
    return [data.isel(time=number == k) for k in range(rates)]


def rate_command(
    cell: CellName,
    currents: Annotated[str, typer.Option(help="In order, such as 25,50,100mA/g.")],
    temperature: Temperature = None,
    cycles: Annotated[
        str, typer.Option(help="At each current: one number, or one for each.")
    ] = "1",
    charge_rate: Annotated[
        str | None, typer.Option(help="One charge current for all.")
    ] = None,
    state: StateOption = "pristine",
    shells: Shells = 50,
    thickness: Thickness = 0,
    pressure: Pressure = None,
    formation_temperature: FormationTemperature = None,
    formation_pressure: FormationPressure = None,
    settings: Settings = None,
    output: OutputFile = None,
    plot: PlotFile = None,
    as_json: JsonFlag = False,
) -> None:
    """Rate test: capacity, energy and power at one current after another."""
    from sscell.protocols import rate_test

    conditions = (pressure, formation_temperature, formation_pressure)
    job = _Job(cell, output, plot, conditions, settings)
    rates = _list(currents, "currents")
    protocol = rate_test(rates, _counts(cycles, len(rates)), charge_rate)
    data = job.run(protocol, temperature, state, shells, thickness)
    from sscell.analysis.rates import rate
    from sscell.plots.cycling import plot_rate

    result = rate(data) | {"currents": rates}
    job.report(data, result, as_json, lambda: plot_rate(result))


def _counts(text: str, number: int) -> list[int]:
    try:
        counts = [int(part) for part in _list(text, "cycles")]
    except ValueError:
        raise ParameterError(f"--cycles '{text}' must be whole numbers.") from None
    return counts * number if len(counts) == 1 else counts


def _list(text: str, name: str) -> list[str]:
    """Values of a list in which the last unit stands for all: 25,50,100mA/g."""
    from sscell.units import split_list

    parts = split_list(text)
    if not parts:
        raise ParameterError(f"Give at least one value for --{name.replace(' ', '-')}.")
    return parts


def eis_command(
    context: typer.Context,
    cell: CellName,
    temperature: Temperature = None,
    rate: RateOption = None,
    along: Annotated[
        str, typer.Option(help="discharge, charge or both: interrupt on the way.")
    ] = "",
    points: Annotated[int, typer.Option(help="Spectra along each half cycle.")] = 5,
    rest: Annotated[str, typer.Option(help="Before each spectrum.")] = "1h",
    cycles: Annotated[int, typer.Option(help="Measure again after this many cycles.")] = 0,
    frequencies: Annotated[
        str, typer.Option(help="Highest, lowest and how many per decade.")
    ] = "1MHz,1mHz,10",
    state: StateOption = "pristine",
    shells: Shells = 50,
    thickness: Thickness = 0,
    pressure: Pressure = None,
    formation_temperature: FormationTemperature = None,
    formation_pressure: FormationPressure = None,
    settings: Settings = None,
    output: OutputFile = None,
    plot: PlotFile = None,
    as_json: JsonFlag = False,
) -> None:
    """Impedance spectra of a cell at rest, as it is or interrupting a half cycle."""
    from sscell.protocols import cycle, impedance, then

    if not along and given(context, "points"):
        raise ParameterError("--points goes with --along.")
    if not along and not cycles and rate is not None:
        raise ParameterError("-C goes with --along or --cycles: else no current flows.")
    conditions = (pressure, formation_temperature, formation_pressure)
    job = _Job(cell, output, plot, conditions, settings, series=False)
    protocol = impedance(_tones(frequencies), along, points, rate, rest)
    if cycles:
        protocol = then(protocol, cycle(rate, cycles), protocol)
    data = job.run(protocol, temperature, state, shells, thickness)
    from sscell.analysis.impedance import eis
    from sscell.plots.data import plot_eis

    result = eis(data)
    job.report(data, result, as_json, lambda: plot_eis(result))


def _tones(text: str) -> list[float]:
    from math import log10

    from sscell.units import parse_quantity, split_list

    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 3 or not parts[2].isdigit() or int(parts[2]) < 1:
        raise ParameterError(
            f"--frequencies '{text}' must be highest, lowest and how many per decade."
        )
    high, low = (
        parse_quantity(f, "Hz", "Frequency") for f in split_list(",".join(parts[:2]))
    )
    if not high > low > 0:
        raise ParameterError(f"--frequencies '{text}' must run from high to low.")
    count = round(log10(high / low) * int(parts[2])) + 1
    return [high * (low / high) ** (k / max(count - 1, 1)) for k in range(count)]


def step_command(
    cell: CellName,
    voltage: Annotated[str, typer.Option(help="Against the cell's own anode.")],
    duration: Annotated[str, typer.Option(help="How long it is held.")] = "2h",
    rest: Annotated[str, typer.Option(help="Before the step.")] = "1h",
    temperature: Temperature = None,
    state: StateOption = "pristine",
    shells: Shells = 50,
    thickness: Thickness = 0,
    pressure: Pressure = None,
    formation_temperature: FormationTemperature = None,
    formation_pressure: FormationPressure = None,
    settings: Settings = None,
    output: OutputFile = None,
    plot: PlotFile = None,
    as_json: JsonFlag = False,
) -> None:
    """Potential step: Cottrell's diffusion and Nernst-Einstein's conductivity."""
    from sscell.protocols import potential_step

    conditions = (pressure, formation_temperature, formation_pressure)
    job = _Job(cell, output, plot, conditions, settings)
    protocol = potential_step(voltage, duration, rest)
    data = job.run(protocol, temperature, state, shells, thickness)
    from sscell.analysis.potential_steps import cottrell
    from sscell.analysis.transport import guest_concentration
    from sscell.plots.runs import plot_step

    result = cottrell(data, concentration_mol_cm3=guest_concentration(data))
    job.report(data, result, as_json, lambda: plot_step(data))
