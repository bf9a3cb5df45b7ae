"""Commands that hand a test to a cycler: protocol gitt, cycle, rate, step, eis."""

from __future__ import annotations

from collections.abc import Sequence
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
)
from sscell.cli.output import print_json
from sscell.errors import ParameterError

if TYPE_CHECKING:
    from sscell.protocols import Protocol

__all__ = ["hand_over", "register"]

Target = Annotated[
    Path,
    typer.Option(
        "-o", "--output", help="Neware .xml, BioLogic .mps or aurora-unicycler .json."
    ),
]
State = Annotated[
    str | None,
    typer.Option(help="pristine, or formed: the formation first; default: the test's own."),
]
Record = Annotated[str, typer.Option(help="Time between two points.")]


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


def hand_over(
    cell: Any,
    protocol: Protocol,
    output: Path,
    as_json: bool = False,
    notes: Sequence[str] = (),
    **options: Any,
) -> None:
    """Write a protocol for a cycler and say what it does.

    Parameters
    ----------
    cell : str or Cell
        Whose masses and window count.
    protocol : Protocol
        The test.
    output : pathlib.Path
        File to write.
    as_json : bool, optional
        Whether one JSON object is printed, of the steps as the cycler counts them.
    notes : sequence of str, optional
        What a person has to set beside the cycler.
    **options
        Of `sscell.interchange.cycler_protocol`.
    """
    from sscell.cli.common import check_output
    from sscell.interchange.cycler import SUFFIXES, write_cycler_protocol

    check_output(output, SUFFIXES)
    made = write_cycler_protocol(cell, protocol, output, **options)
    notes = [*notes, *_loops(made)]
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
    print(f"{output.name}: {protocol.name} of {made.sample.name}")
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


_SHARED = ("output", "as_json", "state", "record", "temperature", "pressure", "settings")


def _shared(given: dict[str, Any]) -> dict[str, Any]:
    return {name: given[name] for name in _SHARED}


def _hand_over(cell: str, protocol: Protocol, options: dict[str, Any]) -> None:
    """Write the protocol of a command, with its shared options."""
    from sscell.cells.cell import load

    chosen = load(cell).replace(parse_settings(options.pop("settings")))
    notes = []
    temperature, pressure = options.pop("temperature"), options.pop("pressure")
    if temperature is not None:
        kelvin = chosen.kelvin(temperature)
        chosen = chosen.replace({"Ambient temperature [K]": kelvin})
        notes.append(f"The chamber is set by hand to {kelvin - 273.15:g} degC.")
    if pressure is not None:
        from sscell.units import parse_pressure

        notes.append(f"The stack is set by hand to {parse_pressure(pressure):g} MPa.")
    hand_over(chosen, protocol, notes=notes, **options)


def gitt_protocol(
    cell: CellName,
    output: Target,
    rate: RateOption = None,
    pulse: Annotated[str, typer.Option(help="Length of a pulse.")] = "30min",
    rest: Annotated[str, typer.Option(help="Length of a rest.")] = "4h",
    direction: Annotated[
        str, typer.Option(help="discharge, charge or both.")
    ] = "discharge",
    state: State = None,
    record: Record = "10s",
    temperature: Temperature = None,
    pressure: Pressure = None,
    settings: Settings = None,
    as_json: JsonFlag = False,
) -> None:
    """A titration: as many pulses as the theoretical capacity holds."""
    from sscell.protocols import gitt

    protocol = gitt(rate, pulse, rest, direction)
    _hand_over(cell, protocol, _shared(locals()))


def cycle_protocol(
    cell: CellName,
    output: Target,
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
    state: State = None,
    record: Record = "10s",
    temperature: Temperature = None,
    pressure: Pressure = None,
    settings: Settings = None,
    as_json: JsonFlag = False,
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
    _hand_over(cell, protocol, _shared(locals()))


def rate_protocol(
    cell: CellName,
    output: Target,
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
    state: State = None,
    record: Record = "10s",
    temperature: Temperature = None,
    pressure: Pressure = None,
    settings: Settings = None,
    as_json: JsonFlag = False,
) -> None:
    """A rate test: one current after another."""
    from sscell.protocols import rate_test
    from sscell.units import split_list

    if currents is None:
        from sscell.simulation.customary import published

        _hand_over(cell, published(cell, "rate"), _shared(locals()))
        return
    rates = split_list(currents)
    if not rates:
        raise ParameterError("Give at least one value for --currents.")
    parts = [part.strip() for part in cycles.split(",")]
    if not all(part.isdigit() for part in parts):
        raise ParameterError(f"--cycles '{cycles}' must be whole numbers.")
    counts = [int(part) for part in parts]
    protocol = rate_test(
        rates, counts * len(rates) if len(counts) == 1 else counts, charge_rate
    )
    _hand_over(cell, protocol, _shared(locals()))


def step_protocol(
    cell: CellName,
    output: Target,
    voltage: Annotated[str, typer.Option(help="Against the cell's own anode.")],
    duration: Annotated[str, typer.Option(help="How long it is held.")] = "2h",
    rest: Annotated[str, typer.Option(help="Before the step.")] = "1h",
    state: State = None,
    record: Record = "10s",
    temperature: Temperature = None,
    pressure: Pressure = None,
    settings: Settings = None,
    as_json: JsonFlag = False,
) -> None:
    """A potential step."""
    from sscell.protocols import potential_step

    protocol = potential_step(voltage, duration, rest)
    _hand_over(cell, protocol, _shared(locals()))


def eis_protocol(
    cell: CellName,
    output: Target,
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
    state: State = None,
    record: Record = "10s",
    temperature: Temperature = None,
    pressure: Pressure = None,
    settings: Settings = None,
    as_json: JsonFlag = False,
) -> None:
    """Impedance spectra at rest, as the cell is or interrupting a half cycle."""
    from sscell.cli.lab import frequencies_of
    from sscell.protocols import cycle, impedance, then

    protocol = impedance(frequencies_of(frequencies), along, points, rate, rest)
    if cycles:
        protocol = then(protocol, cycle(rate, cycles), protocol)
    _hand_over(cell, protocol, _shared(locals()) | {"amplitude": amplitude})
