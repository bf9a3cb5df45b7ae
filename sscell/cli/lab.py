"""Commands for the protocols of the lab: gitt, cv, rate, eis, step."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sscell.cli.banding import (
    curve,
    rate_bands,
    run_banded,
    spectra_bands,
    titration_bands,
)
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
from sscell.errors import ParameterError

if TYPE_CHECKING:
    import xarray as xr

    from sscell.analysis.titration import Titration
    from sscell.protocols import Protocol
    from sscell.simulation.bands import Bands

__all__ = ["counts_of", "frequencies_of", "list_of", "register"]

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
        self, cell: str, options: RunOptions, series: bool = True, offered: bool = False
    ):
        options.check(series)
        self._beside = Beside.read(options, spectra=not series)
        check_choice(options, offered)
        self._cell, self._options = cell, options
        self._told = {"protocol": "plain"}
        self._line = ""
        self._arguments = options.of_simulate()
        self.bands: Bands | None = None

    @cached_property
    def symmetric(self) -> str:
        """Kind of two like electrodes; empty for a cell with a cathode."""
        from sscell.cells.cell import Cell

        return str(Cell.load(self._cell).about().get("symmetric", ""))

    def refuse_symmetric(self, why: str) -> None:
        """Refuse a protocol that tells nothing of two like electrodes."""
        if self.symmetric:
            raise ParameterError(
                f"{self._cell} is symmetric: {why}. simulate, rate (a ramp of currents), eis and "
                "step are for it."
            )

    def run(self, protocol: Protocol | Chosen) -> xr.Dataset:
        """Simulate with a progress bar and save the data."""
        from sscell.simulation.simulation import simulate

        if isinstance(protocol, Chosen):
            self._told, self._line = {"protocol": protocol.kind}, protocol.told()
            protocol = protocol.protocol
        if self._options.bands:
            self.bands = run_banded(
                self._cell, protocol, self._arguments, self._options.output
            )
            return self.bands.data
        return run_with_progress(
            lambda tell: simulate(
                self._cell, protocol, on_progress=tell, **self._arguments
            ),
            self._options.output,
        )

    def report(
        self, data: xr.Dataset, result: Any, figure: Any, controlled: str = "current"
    ) -> None:
        """Print what the analysis found, beside measured files, and draw it."""
        from sscell.analysis.summary import always
        from sscell.cli.output import print_text

        found = dict(result) if isinstance(result, dict) else result.to_dict()
        notes = found.pop("warnings", [])
        beside = self._beside.against(data, controlled)
        notes += [note for one in beside for note in one.remarks]
        payload = always(data) | self._told | found
        if self.bands is not None:
            payload |= {"bands": self.bands.about()}
        payload["warnings"] = [*payload["warnings"], *notes]
        if beside:
            payload["comparison"] = [one.as_dict() for one in beside]
        write_figures(
            self._options,
            data,
            payload,
            beside,
            {"What the test gives": figure},
            self._cell,
            self._line,
        )
        if self._options.as_json:
            print_json(payload)
            return
        payload.pop("comparison", None)
        print_text(
            {**payload, "protocol": self._line.removeprefix("protocol: ") or "plain"}
        )
        for one in beside:
            print(one)


@with_run_options()
def gitt_command(
    context: typer.Context,
    cell: CellName,
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
    *,
    options: RunOptions,
) -> None:
    """Titrate a cell: pulses and rests, OCV, overpotentials, apparent diffusion."""
    job = _Job(cell, options, offered=True)
    job.refuse_symmetric("a titration tells no open-circuit voltage of it")
    rates = [] if rate is None else [rate]
    typed = {"pulse": pulse, "rest": rest, "direction": direction}
    chosen = choose(context, cell, "gitt", rates, options, typed, _titrating)
    from sscell.analysis.titration import check_options
    from sscell.analysis.titration import gitt as titration

    check_options(method, diffusion_length)
    data = job.run(chosen)
    direction = str(chosen.protocol.options["direction"])
    from sscell.plots.data import plot_gitt

    length = diffusion_length or _sphere_length(data)

    def analysed(run: xr.Dataset) -> Titration:
        return titration(run, diffusion_length=length, method=method, direction=direction)

    result = analysed(data)
    if job.bands is not None:
        titration_bands(job.bands, result, analysed)
    job.report(data, result, lambda: plot_gitt(result))


def _titrating(rates: Sequence[str], **options: Any) -> Protocol:
    from sscell.protocols import gitt

    return gitt(rates[0] if rates else None, **options)


def _sphere_length(data: xr.Dataset) -> str:
    """Volume over surface of the particles: a third of their radius."""
    from sscell.dataset import metadata

    radius = metadata(data, "parameters")["Positive particle radius [m]"]
    return f"{radius / 3:.9g} m"


@with_run_options(shells=200)
def cv_command(
    cell: CellName,
    scan_rate: Annotated[
        str, typer.Option(help="One or several, such as 0.1mV/s,1mV/s.")
    ] = "0.1mV/s",
    window: Window = None,
    cycles: Annotated[int, typer.Option(help="At each scan rate.")] = 1,
    *,
    options: RunOptions,
) -> None:
    """Cyclic voltammetry: peaks and b-values."""
    from sscell.protocols import cv

    job = _Job(cell, options)
    limits = None if window is None else list_of(window, "window")
    protocol = cv(list_of(scan_rate, "scan rate"), limits, cycles)
    data = job.run(protocol)
    from sscell.analysis.voltammetry import cv as voltammetry
    from sscell.plots.data import plot_cv

    parts = _by_scan_rate(data, len(protocol.options["scan_rates_V_s"]), cycles)
    result = voltammetry(parts)
    found = dict(result.to_dict())
    if job.bands is not None:
        found["curve"] = curve(data)
    job.report(data, found, lambda: plot_cv(parts, result), "voltage")


def _by_scan_rate(data: xr.Dataset, rates: int, cycles: int) -> list[xr.Dataset]:
    """One dataset for each scan rate, as an instrument writes them."""
    number = (data["Cycle"].values - 1) // cycles
    return [data.isel(time=number == k) for k in range(rates)]


@with_run_options()
def rate_command(
    context: typer.Context,
    cell: CellName,
    currents: Annotated[
        str | None,
        typer.Option(help="In order, such as 25,50,100mA/g; default: the paper's."),
    ] = None,
    cycles: Annotated[
        str, typer.Option(help="At each current: one number, or one for each.")
    ] = "1",
    charge_rate: Annotated[
        str | None, typer.Option(help="One charge current for all.")
    ] = None,
    half_time: Annotated[
        str | None,
        typer.Option(help="Longest time of a half; default: none, 1h in a symmetric cell."),
    ] = None,
    *,
    options: RunOptions,
) -> None:
    """Rate test: capacity, energy and power at one current after another.

    Of a symmetric cell: the resistance at each current, and the critical one.
    """
    job = _Job(cell, options, offered=True)
    rates = [] if currents is None else list_of(currents, "currents")
    typed = {"cycles": cycles, "charge_rate": charge_rate, "half_time": half_time}
    chosen = choose(context, cell, "rate", rates, options, typed, _rate_test)
    data = job.run(chosen)
    if job.symmetric:
        from sscell.analysis.symmetric import critical_current
        from sscell.plots.pellets import plot_critical_current

        found = critical_current(data)
        job.report(data, found, lambda: plot_critical_current(data, found))
        return
    from sscell.analysis.rates import rate
    from sscell.plots.cycling import plot_rate

    result = rate(data)
    if job.bands is not None:
        result |= rate_bands(job.bands, result)
    result |= {"currents": rates or chosen.protocol.options["currents"]}
    job.report(data, result, lambda: plot_rate(result))


def _rate_test(
    rates: Sequence[str],
    cycles: str | int | list[int],
    charge_rate: str | None,
    half_time: str | None = None,
) -> Protocol:
    from sscell.protocols import rate_test

    if not rates:
        raise ParameterError(
            "Give --currents, such as 25,50,100mA/g: the paper of this cell has no rate test."
        )
    counts = counts_of(cycles, len(rates)) if isinstance(cycles, str) else cycles
    return rate_test(rates, counts, charge_rate, half_time)


def counts_of(text: str, number: int) -> list[int]:
    """Numbers of cycles from ``--cycles``: one for all currents, or one for each.

    Parameters
    ----------
    text : str
        As typed.
    number : int
        Of currents.

    Returns
    -------
    list of int

    Raises
    ------
    ParameterError
        If one is no whole number.
    """
    try:
        counts = [int(part) for part in list_of(text, "cycles")]
    except ValueError:
        raise ParameterError(f"--cycles '{text}' must be whole numbers.") from None
    return counts * number if len(counts) == 1 else counts


def list_of(text: str, name: str) -> list[str]:
    """Values of a list in which the last unit stands for all: 25,50,100mA/g.

    Parameters
    ----------
    text : str
        As typed.
    name : str
        Of the option, for the message.

    Returns
    -------
    list of str

    Raises
    ------
    ParameterError
        If there is none.
    """
    from sscell.units import split_list

    parts = split_list(text)
    if not parts:
        raise ParameterError(f"Give at least one value for --{name.replace(' ', '-')}.")
    return parts


@with_run_options()
def eis_command(
    context: typer.Context,
    cell: CellName,
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
    *,
    options: RunOptions,
) -> None:
    """Impedance spectra of a cell at rest, as it is or interrupting a half cycle."""
    from sscell.protocols import cycle, impedance, then

    if not along and given(context, "points"):
        raise ParameterError("--points goes with --along.")
    if not along and not cycles and rate is not None:
        raise ParameterError("-C goes with --along or --cycles: else no current flows.")
    job = _Job(cell, options, series=False)
    protocol = impedance(frequencies_of(frequencies), along, points, rate, rest)
    if cycles:
        protocol = then(protocol, cycle(rate, cycles), protocol)
    data = job.run(protocol)
    from sscell.analysis.impedance import eis
    from sscell.plots.data import plot_eis

    result = eis(data)
    if job.bands is not None:
        spectra_bands(job.bands, result)
    job.report(data, result, lambda: plot_eis(result))


def frequencies_of(text: str) -> list[float]:
    """Frequencies of a spectrum from highest, lowest and how many per decade.

    Parameters
    ----------
    text : str
        Such as ``"1MHz,1mHz,10"``.

    Returns
    -------
    list of float
        [Hz], falling.

    Raises
    ------
    ParameterError
        If it is not these three.
    """
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


@with_run_options()
def step_command(
    cell: CellName,
    voltage: Annotated[str, typer.Option(help="Against the cell's own anode.")],
    duration: Annotated[str, typer.Option(help="How long it is held.")] = "2h",
    rest: Annotated[str, typer.Option(help="Before the step.")] = "1h",
    *,
    options: RunOptions,
) -> None:
    """Potential step: Cottrell's diffusion and Nernst-Einstein's conductivity.

    Of a symmetric cell: the current that settles, and the resistance.
    """
    from sscell.protocols import potential_step

    job = _Job(cell, options)
    protocol = potential_step(voltage, duration, rest)
    if job.symmetric == "blocking":
        raise ParameterError(
            f"{cell} blocks all current that could settle: eis tells its resistance."
        )
    data = job.run(protocol)
    if job.symmetric:
        job.report(data, *_held_step(data))
        return
    from sscell.analysis.potential_steps import cottrell
    from sscell.analysis.transport import guest_concentration
    from sscell.plots.runs import plot_step

    result = cottrell(data, concentration_mol_cm3=guest_concentration(data))
    job.report(data, result, lambda: plot_step(data), "voltage")


def _held_step(data: xr.Dataset) -> tuple[dict[str, Any], Any]:
    """What a held voltage tells of two like electrodes, and its figure."""
    from sscell.analysis.blocking import polarisation
    from sscell.dataset import metadata
    from sscell.plots.pellets import plot_polarisation

    values = metadata(data, "parameters")
    thick = 100 * sum(x for n, x in values.items() if n.endswith(" thickness [m]"))
    area = metadata(data, "area_cm2")
    found = polarisation(data, blocking="electrons", thickness_cm=thick, area_cm2=area)
    resistance = found["resistance_ohm"]
    about = {
        "diffusion_coefficient_cm2_s": None,
        "apparent_ionic_conductivity_S_cm": found["conductivity_S_cm"],
        "area_resistance_ohm_cm2": resistance * area,
    }
    return about | found, lambda: plot_polarisation(data, found)
