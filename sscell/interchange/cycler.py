"""Protocols for battery cyclers, by aurora-unicycler: its JSON, Neware .xml, BioLogic .mps.

A cycler counts currents in mA, positive on charge, and cannot ask a model: amounts of charge
become times at the set current, and a titration becomes a loop of as many pulses as the
theoretical capacity holds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sscell.cells.cell import Cell, load
from sscell.errors import ParameterError
from sscell.protocols import Protocol, Step, checked, prepared
from sscell.protocols.steps import OPPOSITE, seconds_of
from sscell.simulation.states import formation_steps, parse_state
from sscell.units import parse_quantity

if TYPE_CHECKING:
    from aurora_unicycler import CyclingProtocol

__all__ = ["SUFFIXES", "cycler_protocol", "write_cycler_protocol"]

SUFFIXES = (".json", ".xml", ".mps")
_MARGIN = 0.1  # V beyond all voltages of the protocol at which a cycler stops for safety
_LEAST = 1e-6  # V; these formats take a limit of zero for none
_NAMES = {
    "rest": "rest",
    "hold": "hold of a voltage",
    "sweep": "sweep of the voltage",
    "drive": "drive cycle",
    "impedance": "impedance spectrum",
}


def cycler_protocol(
    cell: str | Path | Cell,
    protocol: Protocol,
    *,
    state: str | None = None,
    record: str | float = "10 s",
    amplitude: str | float = "10 mV",
) -> CyclingProtocol:
    """A protocol as aurora-unicycler describes one.

    Parameters
    ----------
    cell : str, pathlib.Path or Cell
        Whose masses and areas say what a rate is in mA, and whose window ends the steps.
    protocol : Protocol
        What is done.
    state : str, optional
        ``"pristine"``, or ``"formed"``: then the set's formation comes first; default: the
        protocol's own.
    record : str or float, optional
        Time between two points [s].
    amplitude : str or float, optional
        Of impedance spectra [V].

    Returns
    -------
    aurora_unicycler.CyclingProtocol
        With methods such as ``to_neware_xml`` and ``to_pybamm_experiment``.

    Raises
    ------
    ParameterError
        If a step cannot be said to a cycler; its number and name are in the sentence.

    Examples
    --------
    >>> from sscell.protocols import discharge
    >>> steps = cycler_protocol("Ji2024", discharge("C/20")).method
    >>> steps[0].step, steps[0].until_voltage_V
    ('constant_current', 0.7)
    """
    unicycler = _library()
    chosen = cell if isinstance(cell, Cell) else load(cell)
    writer = _Writer(chosen, unicycler, parse_quantity(amplitude, "V", "Amplitude"))
    test = checked(protocol)
    method = writer.method(_parts(chosen, test, state or test.state))
    low, high = writer.reached
    return unicycler.CyclingProtocol(
        sample=unicycler.SampleParams(
            name=chosen.name, capacity_mAh=chosen.theoretical_capacity * 1e3
        ),
        record=unicycler.RecordParams(time_s=seconds_of(record, "record")),
        safety=unicycler.SafetyParams(
            min_voltage_V=low - _MARGIN, max_voltage_V=high + _MARGIN
        ),
        method=method,
    )


def write_cycler_protocol(
    cell: str | Path | Cell, protocol: Protocol, path: str | Path, **options: Any
) -> CyclingProtocol:
    """Write a protocol for a cycler.

    Parameters
    ----------
    cell, protocol
        As for `cycler_protocol`.
    path : str or pathlib.Path
        ``.json`` (aurora-unicycler's own), ``.xml`` (Neware) or ``.mps`` (BioLogic).
    **options
        Of `cycler_protocol`.

    Returns
    -------
    aurora_unicycler.CyclingProtocol
        What was written.

    Raises
    ------
    ParameterError
        If the ending is another one, or the format cannot say a step.

    Examples
    --------
    >>> import tempfile
    >>> from sscell.protocols import cycle
    >>> folder = tempfile.mkdtemp()
    >>> made = write_cycler_protocol("Ji2024", cycle("C/10", 3), folder + "/cycle.xml")
    >>> [step.step for step in made.method]
    ['tag', 'constant_current', 'constant_current', 'loop']
    """
    target = Path(path)
    if target.suffix.lower() not in SUFFIXES:
        raise ParameterError(
            f"'{target.name}' is no protocol of a cycler; the ending must be one of "
            f"{', '.join(SUFFIXES)}."
        )
    made = cycler_protocol(cell, protocol, **options)
    target.write_text(_text(made, target), encoding="utf-8")
    return made


def _text(made: CyclingProtocol, target: Path) -> str:
    suffix = target.suffix.lower()
    if suffix == ".json":
        return made.to_json()
    limits = (made.safety.min_voltage_V or 0.0, made.safety.max_voltage_V or 5.0)
    span = (min(math.floor(limits[0]), 0.0), max(math.ceil(limits[1]), 5.0))
    try:
        if suffix == ".xml":
            return made.to_neware_xml()
        return made.to_biologic_mps(range_V=span)
    except NotImplementedError as error:
        kind = "Neware's .xml" if suffix == ".xml" else "BioLogic's .mps"
        where, name = _unsaid(made, str(error))
        raise ParameterError(
            f"{kind} cannot say step {where}, the {name}; .json keeps it."
        ) from error


def _unsaid(made: CyclingProtocol, message: str) -> tuple[int, str]:
    """Number, from 1, and name of the step that a format does not know."""
    kind = message.rsplit(" ", 1)[-1]
    kinds = [step.step for step in made.method if step.step not in ("tag", "loop")]
    number = kinds.index(kind) + 1 if kind in kinds else 0
    return number, kind.replace("_", " ").replace("spectroscopy", "spectrum")


def _library() -> Any:
    try:
        import aurora_unicycler
    except ImportError as error:
        raise ParameterError(
            "Protocols for cyclers need aurora-unicycler: pip install 'sscell[unicycler]'."
        ) from error
    return aurora_unicycler


def _parts(cell: Cell, protocol: Protocol, state: str) -> list[tuple[Step, ...]]:
    """Formation and protocol, each with what brings the cell to its start."""
    kind, _ = parse_state(state)
    if kind == "pristine":
        return [prepared(protocol, "pristine", cell.first_step)]
    if kind != "formed":
        raise ParameterError(
            f"A cycler cannot be told to find the state '{state}': pristine or formed."
        )
    formation = formation_steps(cell)
    ended = "discharged" if formation[-1].direction == "discharge" else "charged"
    return [formation, prepared(protocol, ended, cell.first_step)]


@dataclass
class _Writer:
    """Steps of a cycler out of ours."""

    cell: Cell
    unicycler: Any
    amplitude: float
    number: int = 0
    voltages: list[float] = field(default_factory=list)

    @property
    def reached(self) -> tuple[float, float]:
        """Lowest and highest voltage of the protocol [V]."""
        window = self.cell.window
        return min(*window, *self.voltages), max(*window, *self.voltages)

    def method(self, parts: Sequence[tuple[Step, ...]]) -> list[Any]:
        """All parts in order, repeated cycles as loops."""
        method: list[Any] = []
        for steps in parts:
            before: Step | None = None
            blocks = []
            for _, group in groupby(steps, key=lambda step: (step.cycle, step.preparatory)):
                block = []
                for step in group:
                    block.append((step, before))
                    before = step
                blocks.append(block)
            alike = groupby(blocks, key=lambda block: [_shape(step) for step, _ in block])
            for _, same in alike:
                method += self._repeated(list(same), len(method))
        return method

    def _repeated(self, blocks: list[list[tuple[Step, Step | None]]], at: int) -> list[Any]:
        items = self._block(blocks[0], at)
        if len(blocks) == 1:
            return items
        tag = f"cycles {at + 1}"
        loop = self.unicycler.Loop(loop_to=tag, cycle_count=len(blocks))
        self.number += (len(blocks) - 1) * len(blocks[0])
        return [self.unicycler.Tag(tag=tag), *items, loop]

    def _block(self, block: list[tuple[Step, Step | None]], at: int) -> list[Any]:
        items: list[Any] = []
        places: list[int] = []
        for step, before in block:
            self.number += 1
            places.append(len(items))
            made = self._item(step, before)
            items += [] if made is None else [made]
            if step.back:
                first = places[-1 - step.back]
                tag = f"pulses {at + first + 1}"
                items.insert(first, self.unicycler.Tag(tag=tag))
                pulse = block[len(places) - 1 - step.back][0]
                loop = self.unicycler.Loop(loop_to=tag, cycle_count=self._pulses(pulse))
                items.append(loop)
        return items

    def _pulses(self, pulse: Step) -> int:
        """How many pulses the theoretical capacity holds."""
        charge = self.cell.current(pulse.rate or self.cell.slow_rate) * (
            pulse.duration or 0
        )
        return math.ceil(self.cell.theoretical_capacity * 3600 / charge)

    def _item(self, step: Step, before: Step | None) -> Any:
        if step.temperature is not None:
            raise self._refused(step, "has a temperature of its own")
        if step.direction == "rest":
            if not step.duration:
                return None
            return self.unicycler.OpenCircuitVoltage(until_time_s=step.duration)
        if step.direction in OPPOSITE:
            return self._current(step, before)
        if step.direction == "hold":
            return self._hold(step)
        if step.direction == "sweep":
            return self._sweep(step, before)
        if step.direction == "impedance":
            return self._spectrum(step)
        raise self._refused(step, "moves its current from row to row")

    def _current(self, step: Step, before: Step | None) -> Any:
        amperes = self.cell.current(step.rate or self.cell.slow_rate)
        discharge = step.direction == "discharge"
        limit = step.until
        if limit is None:
            limit = self.cell.window[0 if discharge else 1]
        self.voltages.append(limit)
        longest = [] if step.duration is None else [step.duration]
        if step.share is not None:
            longest.append(step.share * self.cell.theoretical_capacity * 3600 / amperes)
        if step.capacity_limit is not None:
            if before is not None and before.direction == step.direction:
                raise self._refused(step, "ends by a charge counted over several steps")
            mass = self.cell.basis("capacity")[1]  # kg
            longest.append(step.capacity_limit * mass * 3600 / amperes)
        return self.unicycler.ConstantCurrent(
            current_mA=(-1 if discharge else 1) * amperes * 1e3,
            until_voltage_V=limit or _LEAST,
            until_time_s=min(longest) if longest else None,
        )

    def _hold(self, step: Step) -> Any:
        if step.capacity_limit is not None:
            raise self._refused(step, "ends by a charge")
        voltage = self._volts(step, step.voltage)
        limit = step.current_limit
        return self.unicycler.ConstantVoltage(
            voltage_V=voltage,
            until_time_s=step.duration,
            until_current_mA=None if limit is None else self.cell.current(limit) * 1e3,
        )

    def _sweep(self, step: Step, before: Step | None) -> Any:
        start = step.voltage
        if start is None and before is not None and before.direction == "sweep":
            start = before.until if before.until is not None else before.label
        if start is None:
            raise self._refused(step, "starts where the cell rests, which nobody knows yet")
        end = step.until if step.until is not None else step.label
        return self.unicycler.VoltageScan(
            start_voltage_V=self._volts(step, start),
            end_voltage_V=self._volts(step, end),
            scan_rate_mV_per_s=(step.scan_rate or 0) * 1e3,
        )

    def _volts(self, step: Step, voltage: float | str | None) -> float:
        if voltage in ("upper", "lower"):
            voltage = self.cell.window[voltage == "upper"]
        if not isinstance(voltage, float | int):
            raise self._refused(step, "is at the voltage where the last step ended")
        self.voltages.append(float(voltage))
        return float(voltage)

    def _spectrum(self, step: Step) -> Any:
        high, low = max(step.frequencies), min(step.frequencies)
        decades = math.log10(high / low)
        count = round((len(step.frequencies) - 1) / decades) if decades else 1
        return self.unicycler.ImpedanceSpectroscopy(
            amplitude_V=self.amplitude,
            start_frequency_Hz=high,
            end_frequency_Hz=low,
            points_per_decade=max(count, 1),
        )

    def _refused(self, step: Step, why: str) -> ParameterError:
        name = _NAMES.get(step.direction, step.direction)
        return ParameterError(
            f"A cycler cannot be told step {self.number}, the {name}: it {why}."
        )


def _shape(step: Step) -> Step:
    """What a step does, whichever cycle it is in."""
    return replace(step, cycle=1)
