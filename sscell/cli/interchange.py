"""Commands that hand a test to a cycler: protocol gitt, cycle, rate, step, eis."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sscell.cli.common import (
    CellName,
    JsonFlag,
    Pressure,
    RateOption,
    Settings,
    Temperature,
    parse_settings,
    with_options,
)
from sscell.cli.output import print_json

if TYPE_CHECKING:
    from aurora_unicycler import CyclingProtocol

    from sscell.protocols import Protocol

__all__ = ["CyclerOptions", "register"]


@dataclass(frozen=True)
class CyclerOptions:
    """What every command that writes a protocol takes, beside the protocol.

    Parameters
    ----------
    output : pathlib.Path
        File to write.
    state, record : str, optional
        As for `sscell.interchange.cycler_protocol`.
    temperature, pressure : str, optional
        What a person sets beside the cycler [degC], [MPa].
    settings : list of str, optional
        ``NAME=value``, other values of parameters.
    as_json : bool, optional
        Whether stdout is one JSON object.
    """

    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", help="Neware .xml, BioLogic .mps or aurora-unicycler .json."
        ),
    ]
    state: Annotated[
        str | None,
        typer.Option(
            help="pristine, or formed: the formation first; default: the test's own."
        ),
    ] = None
    record: Annotated[str, typer.Option(help="Time between two points.")] = "10s"
    temperature: Temperature = None
    pressure: Pressure = None
    settings: Settings = None
    as_json: JsonFlag = False

    def write(self, cell: str, protocol: Protocol, **more: Any) -> None:
        """Write the protocol of a command and say what it does.

        Parameters
        ----------
        cell : str
            A name or a path.
        protocol : Protocol
            The test.
        **more
            Of `sscell.interchange.cycler_protocol`.
        """
        from sscell.cells.cell import load
        from sscell.cli.common import check_output
        from sscell.interchange.cycler import SUFFIXES, write_cycler_protocol

        check_output(self.output, SUFFIXES)
        chosen = load(cell).replace(parse_settings(self.settings))
        notes = []
        if self.temperature is not None:
            kelvin = chosen.kelvin(self.temperature)
            chosen = chosen.replace({"Ambient temperature [K]": kelvin})
            notes.append(f"The chamber is set by hand to {kelvin - 273.15:g} degC.")
        if self.pressure is not None:
            from sscell.units import parse_pressure

            megapascal = parse_pressure(self.pressure) / 1e6
            notes.append(f"The stack is set by hand to {megapascal:g} MPa.")
        more |= {"state": self.state, "record": self.record}
        made = write_cycler_protocol(chosen, protocol, self.output, **more)
        notes += _loops(made)
        _tell(made, protocol.name, self.output, notes, self.as_json)


def register(app: typer.Typer) -> None:
    """Add the commands of this module to the application."""
    group = typer.Typer(help="Write a test for a battery cycler.", no_args_is_help=True)
    for name, command in {
        "gitt": gitt_protocol,
        "cycle": cycle_protocol,
        "rate": rate_protocol,
        "step": step_protocol,
        "eis": eis_protocol,
    }.items():
        group.command(name)(command)
    app.add_typer(group, name="protocol")


def _tell(
    made: CyclingProtocol, name: str, output: Path, notes: list[str], as_json: bool
) -> None:
    """Print the steps as the cycler counts them."""
    steps = [step.model_dump(exclude_none=True) for step in made.method]
    if as_json:
        sample = made.sample
        print_json(
            {
                "cell": sample.name,
                "file": str(output),
                "capacity_mAh": sample.capacity_mAh,
                "steps": steps,
                "warnings": notes,
            }
        )
        return
    print(f"{output.name}: {name} of {made.sample.name}")
    for number, step in enumerate(steps, 1):
        kind = step.pop("step").replace("_", " ")
        step.pop("id", None)
        print(f"  {number:>3}  {kind:<22} {_words(step)}")
    for note in notes:
        print(f"  note: {note}")


def _words(step: dict[str, Any]) -> str:
    return ", ".join(
        f"{k} {v:.6g}" if isinstance(v, float) else f"{k} {v}" for k, v in step.items()
    )


def _loops(made: Any) -> list[str]:
    """What a loop of pulses does that a titration does not."""
    if not any(s.step == "tag" and s.tag.startswith("pulses") for s in made.method):
        return []
    return [
        "A cycler counts the pulses of a titration beforehand: as many as the theoretical "
        "capacity holds; those after the cut-off end at once."
    ]


@with_options(CyclerOptions)
def gitt_protocol(
    cell: CellName,
    rate: RateOption = None,
    pulse: Annotated[str, typer.Option(help="Length of a pulse.")] = "30min",
    rest: Annotated[str, typer.Option(help="Length of a rest.")] = "4h",
    direction: Annotated[
        str, typer.Option(help="discharge, charge or both.")
    ] = "discharge",
    *,
    options: CyclerOptions,
) -> None:
    """A titration: as many pulses as the theoretical capacity holds."""
    from sscell.protocols import gitt

    protocol = gitt(rate, pulse, rest, direction)
    options.write(cell, protocol)


@with_options(CyclerOptions)
def cycle_protocol(
    cell: CellName,
    rate: RateOption = None,
    cycles: Annotated[int, typer.Option(help="Number of cycles.")] = 1,
    rest: Annotated[str, typer.Option(help="After each half cycle, such as 1h.")] = "0 s",
    discharge_rate: Annotated[
        str | None, typer.Option(help="Where it differs from the charge.")
    ] = None,
    hold_until: Annotated[
        str | None, typer.Option(help="Hold the charged voltage to this current.")
    ] = None,
    hold_time: Annotated[str | None, typer.Option(help="Hold it no longer.")] = None,
    *,
    options: CyclerOptions,
) -> None:
    """Cycles between the cut-offs."""
    from sscell.protocols import cycle

    protocol = cycle(
        rate,
        cycles,
        rest=rest,
        discharge_rate=discharge_rate,
        hold_until=hold_until,
        hold_time=hold_time,
    )
    options.write(cell, protocol)


@with_options(CyclerOptions)
def rate_protocol(
    cell: CellName,
    currents: Annotated[
        str | None,
        typer.Option(help="In order, such as 25,50,100mA/g; default: the paper's test."),
    ] = None,
    cycles: Annotated[
        str, typer.Option(help="At each current: one number, or one for each.")
    ] = "1",
    charge_rate: Annotated[
        str | None, typer.Option(help="One charge current for all.")
    ] = None,
    *,
    options: CyclerOptions,
) -> None:
    """A rate test: one current after another."""
    from sscell.cli.lab import counts_of, list_of
    from sscell.protocols import rate_test

    if currents is None:
        from sscell.simulation.customary import published

        options.write(cell, published(cell, "rate"))
        return
    rates = list_of(currents, "currents")
    protocol = rate_test(rates, counts_of(cycles, len(rates)), charge_rate)
    options.write(cell, protocol)


@with_options(CyclerOptions)
def step_protocol(
    cell: CellName,
    voltage: Annotated[str, typer.Option(help="Against the cell's own anode.")],
    duration: Annotated[str, typer.Option(help="How long it is held.")] = "2h",
    rest: Annotated[str, typer.Option(help="Before the step.")] = "1h",
    *,
    options: CyclerOptions,
) -> None:
    """A potential step."""
    from sscell.protocols import potential_step

    protocol = potential_step(voltage, duration, rest)
    options.write(cell, protocol)


@with_options(CyclerOptions)
def eis_protocol(
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
    amplitude: Annotated[str, typer.Option(help="Of the voltage.")] = "10mV",
    *,
    options: CyclerOptions,
) -> None:
    """Impedance spectra at rest, as the cell is or interrupting a half cycle."""
    from sscell.cli.lab import frequencies_of
    from sscell.protocols import cycle, impedance, then

    protocol = impedance(frequencies_of(frequencies), along, points, rate, rest)
    if cycles:
        protocol = then(protocol, cycle(rate, cycles), protocol)
    options.write(cell, protocol, amplitude=amplitude)
