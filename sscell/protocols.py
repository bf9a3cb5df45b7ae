"""What the lab does, as frozen descriptions: no cell and no solver in here."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sscell.errors import ParameterError, did_you_mean
from sscell.units import Rate, parse_quantity, parse_rate

__all__ = [
    "Protocol",
    "Step",
    "at",
    "charge",
    "cv",
    "cycle",
    "discharge",
    "gitt",
    "hold",
    "impedance",
    "potential_step",
    "preparation",
    "rate_test",
    "rest",
    "then",
]

OPPOSITE = {"discharge": "charge", "charge": "discharge"}


@dataclass(frozen=True)
class Step:
    """One thing a cycler does.

    Parameters
    ----------
    direction : str
        ``"discharge"``, ``"charge"``, ``"rest"``, ``"hold"`` (constant voltage),
        ``"sweep"`` (linear voltage) or ``"impedance"``.
    rate : Rate, optional
        Magnitude of the current; the set's slow rate if absent.
    until : float, optional
        Voltage that ends it, or that a sweep ends at [V]; the window of the cell if absent.
    duration : float, optional
        Longest time [s].
    voltage : float or str, optional
        Of a hold, or where a sweep starts [V]; ``"upper"`` and ``"lower"`` are the cut-offs;
        where the last step ended if absent.
    scan_rate : float, optional
        Of a sweep, positive [V.s-1].
    current_limit : Rate, optional
        A hold ends when the current falls below it.
    capacity_limit : float, optional
        It ends when this capacity has passed since the last reversal [A.h.kg-1 of the
        capacity basis, which is mA.h.g-1].
    share : float, optional
        It ends when this share of the theoretical capacity has passed [-].
    temperature : float, optional
        From this step on [degC].
    frequencies : tuple of float, optional
        Of an impedance spectrum [Hz].
    label : str, optional
        Of an impedance spectrum.
    cycle : int, optional
        Number of the cycle, from 1.
    group, pulse : str and int, optional
        Steps of one group end together: after a cut-off, later pulses are left out.
    preparatory : bool, optional
        Whether it only brings the cell to where the protocol starts.
    """

    direction: str
    rate: Rate | None = None
    until: float | None = None
    duration: float | None = None
    voltage: float | str | None = None
    scan_rate: float | None = None
    current_limit: Rate | None = None
    capacity_limit: float | None = None
    share: float | None = None
    temperature: float | None = None
    frequencies: tuple[float, ...] = ()
    label: str = ""
    cycle: int = 1
    group: str = ""
    pulse: int = 0
    preparatory: bool = False


@dataclass(frozen=True)
class Protocol:
    """A named protocol with its options.

    Parameters
    ----------
    name : str
        Such as ``"cycle"``.
    options : mapping
        What distinguishes it, in plain values.
    builder : callable
        Makes the steps, given what a pristine cell does first.
    needs : str, optional
        ``"charged"`` or ``"discharged"`` where it starts from that; empty for any state.

    Examples
    --------
    >>> [step.direction for step in cycle("C/20").steps("discharge")]
    ['discharge', 'charge']
    """

    name: str
    options: Mapping[str, Any]
    builder: Callable[[str], tuple[Step, ...]] = field(repr=False, compare=False)
    needs: str = ""

    def steps(self, first_step: str) -> tuple[Step, ...]:
        """Steps in order.

        Parameters
        ----------
        first_step : str
            ``"discharge"`` or ``"charge"``: what a pristine cell of this kind does first.

        Returns
        -------
        tuple of Step
        """
        return self.builder(first_step)

    def describe(self) -> dict[str, Any]:
        """Plain description for the metadata of a result."""
        return {"name": self.name, **self.options}


def _rate(rate: str | float | Rate | None) -> Rate | None:
    return None if rate is None else parse_rate(rate)


def _half(direction: str, rate: Any, until: float | str | None) -> Protocol:
    parsed = _rate(rate)
    limit = None if until is None else parse_quantity(until, "V", "until")
    step = Step(direction, parsed, limit)
    options = {"rate": str(parsed) if parsed else None, "until_V": limit}
    needs = "charged" if direction == "discharge" else "discharged"
    return Protocol(direction, options, lambda first: (step,), needs)


def discharge(
    rate: str | float | Rate | None = None, until: float | str | None = None
) -> Protocol:
    """Discharge at constant current to the lower cut-off.

    Parameters
    ----------
    rate : str, float or Rate, optional
        Such as ``"C/20"``; default: the set's slow rate.
    until : float or str, optional
        Voltage that ends it [V]; default: the cell's lower cut-off.

    Returns
    -------
    Protocol
        On a pristine cell that charges first, that charge is run before and reported as
        preparatory.

    Raises
    ------
    ParameterError
        If the rate or the voltage is not one.

    Examples
    --------
    >>> discharge("C/20").name
    'discharge'
    """
    return _half("discharge", rate, until)


def charge(
    rate: str | float | Rate | None = None, until: float | str | None = None
) -> Protocol:
    """Charge at constant current to the upper cut-off.

    Parameters
    ----------
    rate : str, float or Rate, optional
        Such as ``"C/20"``; default: the set's slow rate.
    until : float or str, optional
        Voltage that ends it [V]; default: the cell's upper cut-off.

    Returns
    -------
    Protocol
        On a pristine cell that discharges first, that discharge is run before and
        reported as preparatory.

    Raises
    ------
    ParameterError
        If the rate or the voltage is not one.

    Examples
    --------
    >>> charge("C/20").needs
    'discharged'
    """
    return _half("charge", rate, until)


def cycle(
    rate: str | float | Rate | None = None,
    cycles: int = 1,
    rest: str | float = 0,
    discharge_rate: str | float | Rate | None = None,
    hold_until: str | float | Rate | None = None,
    hold_time: str | float | None = None,
) -> Protocol:
    """Cycle between the cut-offs, starting with the set's own first step.

    Parameters
    ----------
    rate : str, float or Rate, optional
        Both ways; default: the set's slow rate.
    cycles : int, optional
        How many, at least one.
    rest : str or float, optional
        Pause after each half cycle, such as ``"1 h"`` or seconds.
    discharge_rate : str, float or Rate, optional
        Where it differs from the charge.
    hold_until : str, float or Rate, optional
        Hold the upper cut-off after each charge until the current falls to this.
    hold_time : str or float, optional
        Hold it no longer than this.

    Returns
    -------
    Protocol

    Raises
    ------
    ParameterError
        If the number of cycles is not positive, or a time negative.

    Examples
    --------
    >>> len(cycle("C/20", cycles=3).steps("charge"))
    6
    """
    _whole(cycles, "Cycles")
    charging, pause = _rate(rate), _duration(rest, "rest", zero=True)
    discharging = _rate(discharge_rate) or charging
    holding = _holds(hold_until, hold_time)

    def build(first_step: str) -> tuple[Step, ...]:
        steps: list[Step] = []
        for number in range(1, cycles + 1):
            for way in (first_step, OPPOSITE[first_step]):
                half = discharging if way == "discharge" else charging
                steps.append(Step(way, half, cycle=number))
                if way == "charge":
                    steps += [replace(step, cycle=number) for step in holding]
                if pause:
                    steps.append(Step("rest", duration=pause, cycle=number))
        return tuple(steps)

    options = {
        "rate": str(charging) if charging else None,
        "discharge_rate": str(discharging) if discharge_rate else None,
        "cycles": cycles,
        "rest_s": pause,
        "hold_until": str(hold_until) if hold_until else None,
    }
    return Protocol("cycle", options, build)


def _holds(until: Any, longest: Any) -> tuple[Step, ...]:
    if until is None and longest is None:
        return ()
    seconds = _duration(longest, "hold_time") if longest is not None else None
    return (Step("hold", voltage="upper", current_limit=_rate(until), duration=seconds),)


def rate_test(
    currents: Sequence[str | float | Rate],
    cycles: int | Sequence[int] = 1,
    charge_rate: str | float | Rate | None = None,
) -> Protocol:
    """Cycle at one current after another, as a rate test does.

    Parameters
    ----------
    currents : sequence of str, float or Rate
        In the order of the test.
    cycles : int or sequence of int, optional
        At each current.
    charge_rate : str, float or Rate, optional
        One charge current for all; default: that of the discharge.

    Returns
    -------
    Protocol

    Raises
    ------
    ParameterError
        If there is no current, or the numbers of cycles do not match.

    Examples
    --------
    >>> len(rate_test(["C/20", "C/10"], cycles=2).steps("discharge"))
    8
    """
    rates = [parse_rate(c) for c in currents]
    numbers = [cycles] * len(rates) if isinstance(cycles, int) else list(cycles)
    if not rates or len(numbers) != len(rates):
        raise ParameterError(
            f"A rate test needs at least one current and as many numbers of cycles; "
            f"{len(rates)} and {len(numbers)} were given."
        )
    for number in numbers:
        _whole(number, "Cycles")
    charging = _rate(charge_rate)

    def build(first_step: str) -> tuple[Step, ...]:
        steps: list[Step] = []
        for rate, count in zip(rates, numbers, strict=True):
            for _ in range(count):
                number = len(steps) // 2 + 1
                for way in (first_step, OPPOSITE[first_step]):
                    half = charging if way == "charge" and charging else rate
                    steps.append(Step(way, half, cycle=number))
        return tuple(steps)

    options = {"currents": [str(r) for r in rates], "cycles": numbers}
    return Protocol("rate", options, build)


def gitt(
    rate: str | float | Rate | None = None,
    pulse: str | float = "30 min",
    rest: str | float = "4 h",
    direction: str = "discharge",
) -> Protocol:
    """Galvanostatic intermittent titration: pulses and rests down to the cut-off.

    Parameters
    ----------
    rate : str, float or Rate, optional
        Of the pulses; default: the set's slow rate.
    pulse, rest : str or float, optional
        How long each lasts.
    direction : str, optional
        ``"discharge"``, ``"charge"`` or ``"both"``. A titration on charge starts from a
        full discharge at the same rate.

    Returns
    -------
    Protocol
        It ends with the rest after the pulse that meets the cut-off.

    Raises
    ------
    ParameterError
        If a time is not positive or the direction is not one of these.

    Examples
    --------
    >>> gitt("C/20").options["rest_s"]
    14400.0
    """
    choices = ("discharge", "charge", "both")
    if direction not in choices:
        hint = did_you_mean(direction, choices, "directions")
        raise ParameterError(f"Direction '{direction}' is not one. {hint}")
    parsed = _rate(rate)
    on, off = _duration(pulse, "pulse"), _duration(rest, "rest")

    def build(first_step: str) -> tuple[Step, ...]:
        ways = (first_step, OPPOSITE[first_step]) if direction == "both" else (direction,)
        steps: list[Step] = []
        for way in ways:
            steps.append(Step("rest", duration=off, group=way))
            for number in range(_PULSES):
                grouped = {"group": way, "pulse": number}
                steps.append(Step(way, parsed, duration=on, **grouped))
                steps.append(Step("rest", duration=off, **grouped))
        return tuple(steps)

    options = {
        "rate": str(parsed) if parsed else None,
        "pulse_s": on,
        "rest_s": off,
        "direction": direction,
    }
    needs = {"discharge": "charged", "charge": "discharged", "both": ""}[direction]
    return Protocol("gitt", options, build, needs)


_PULSES = 2000  # more than any titration has


def hold(
    voltage: str | float,
    duration: str | float | None = None,
    until_current: str | float | Rate | None = None,
    until_capacity: str | float | None = None,
) -> Protocol:
    """Hold a voltage until a time has passed, the current has fallen or charge has passed.

    Parameters
    ----------
    voltage : str or float
        Against the cell's own anode [V].
    duration : str or float, optional
        Longest time.
    until_current : str, float or Rate, optional
        Ends when the current falls to this.
    until_capacity : str or float, optional
        Ends when this has passed since the last reversal [mA.h.g-1 of the capacity basis].

    Returns
    -------
    Protocol

    Raises
    ------
    ParameterError
        If nothing ends the hold.

    Examples
    --------
    >>> hold("2.5 V", duration="1 h").steps("discharge")[0].voltage
    2.5
    """
    if duration is None and until_current is None and until_capacity is None:
        raise ParameterError("A hold needs a duration, a current or a capacity to end it.")
    step = Step(
        "hold",
        voltage=parse_quantity(voltage, "V", "voltage"),
        duration=None if duration is None else _duration(duration, "duration"),
        current_limit=_rate(until_current),
        capacity_limit=None
        if until_capacity is None
        else parse_quantity(until_capacity, "mA*h/g", "until_capacity"),
    )
    options = {"voltage_V": step.voltage, "duration_s": step.duration}
    return Protocol("hold", options, lambda first: (step,))


def cv(
    scan_rates: str | float | Sequence[str | float] = "0.1 mV/s",
    window: Sequence[str | float] | None = None,
    cycles: int = 1,
    start: str = "",
) -> Protocol:
    """Cyclic voltammetry, one scan rate after another.

    Parameters
    ----------
    scan_rates : str, float or sequence, optional
        Positive [V.s-1].
    window : sequence of str or float, optional
        Lower and upper vertex [V]; default: the cell's window.
    cycles : int, optional
        At each scan rate.
    start : str, optional
        ``"discharge"`` or ``"charge"``: the first sweep; default: as the cell starts.

    Returns
    -------
    Protocol
        It starts where the cell is at rest.

    Raises
    ------
    ParameterError
        If a scan rate is not positive or the window is not in order.

    Examples
    --------
    >>> cv(["0.1 mV/s", "1 mV/s"]).options["scan_rates_V_s"]
    [0.0001, 0.001]
    """
    single = isinstance(scan_rates, str | float | int)
    speeds = [
        parse_quantity(v, "V/s", "Scan rate")
        for v in ([scan_rates] if single else scan_rates)
    ]
    if not speeds or min(speeds) <= 0:
        raise ParameterError(f"Scan rates must be positive, not {scan_rates!r}.")
    limits = (None, None)
    if window is not None:
        limits = tuple(parse_quantity(v, "V", "window") for v in window)
        if len(limits) != 2 or limits[0] >= limits[1]:
            raise ParameterError(
                f"The window must be a lower and an upper voltage, not {window}."
            )
    _whole(cycles, "Cycles")

    def build(first_step: str) -> tuple[Step, ...]:
        first = start or first_step
        steps: list[Step] = []
        for speed in speeds:
            for _ in range(cycles):
                number = len(steps) // 2 + 1
                for way in (first, OPPOSITE[first]):
                    vertex = limits[0] if way == "discharge" else limits[1]
                    mark = "lower" if way == "discharge" else "upper"
                    steps.append(
                        Step(
                            "sweep", until=vertex, scan_rate=speed, label=mark, cycle=number
                        )
                    )
        return tuple(steps)

    options = {
        "scan_rates_V_s": speeds,
        "window_V": None if window is None else list(limits),
        "cycles": cycles,
    }
    return Protocol("cv", options, build)


def potential_step(
    voltage: str | float, duration: str | float, rest: str | float = "1 h"
) -> Protocol:
    """Rest, then step the voltage and hold it.

    Parameters
    ----------
    voltage : str or float
        Against the cell's own anode [V].
    duration : str or float
        How long it is held.
    rest : str or float, optional
        Before the step.

    Returns
    -------
    Protocol

    Raises
    ------
    ParameterError
        If a time is not positive.

    Examples
    --------
    >>> [s.direction for s in potential_step("1.9 V", "1 h").steps("discharge")]
    ['rest', 'hold']
    """
    target = parse_quantity(voltage, "V", "voltage")
    seconds, pause = _duration(duration, "duration"), _duration(rest, "rest", zero=True)
    steps = (Step("hold", voltage=target, duration=seconds),)
    if pause:
        steps = (Step("rest", duration=pause), *steps)
    options = {"voltage_V": target, "duration_s": seconds, "rest_s": pause}
    return Protocol("step", options, lambda first: steps)


def impedance(
    frequencies: Sequence[float] | None = None,
    along: str = "",
    points: int = 5,
    rate: str | float | Rate | None = None,
    rest: str | float = "1 h",
) -> Protocol:
    """Impedance spectra at rest: as the cell is, or interrupting a half cycle.

    Parameters
    ----------
    frequencies : sequence of float, optional
        [Hz]; default: 1 MHz to 1 mHz, ten per decade.
    along : str, optional
        ``"discharge"``, ``"charge"`` or ``"both"``; default: only where the cell is.
    points : int, optional
        Spectra along each half cycle, both ends included; at least two.
    rate : str, float or Rate, optional
        Of the half cycles.
    rest : str or float, optional
        Before each spectrum.

    Returns
    -------
    Protocol
        The points divide the theoretical capacity; those past the cut-off are left out.

    Raises
    ------
    ParameterError
        If a frequency is not positive, or `along` is none of these.

    Examples
    --------
    >>> len(impedance().steps("discharge")[-1].frequencies)
    91
    """
    choices = ("", "discharge", "charge", "both")
    if along not in choices:
        hint = did_you_mean(along, choices[1:], "directions")
        raise ParameterError(f"Direction '{along}' is not one. {hint}")
    if frequencies is None:
        tones = tuple(10 ** (6 - k / 10) for k in range(91))
    else:
        tones = tuple(parse_quantity(f, "Hz", "Frequency") for f in frequencies)
    if not tones or min(tones) <= 0:
        raise ParameterError("Frequencies must be positive.")
    _whole(points, "Points")
    if points < 2:
        raise ParameterError(f"Points must be at least 2, not {points}.")
    parsed, pause = _rate(rate), _duration(rest, "rest", zero=True)

    def measure(label: str, group: str = "", pulse: int = 0) -> list[Step]:
        where = {"group": group, "pulse": pulse}
        steps = [Step("rest", duration=pause, **where)] if pause else []
        return [*steps, Step("impedance", frequencies=tones, label=label, **where)]

    def build(first_step: str) -> tuple[Step, ...]:
        if not along:
            return tuple(measure("at rest"))
        ways = (first_step, OPPOSITE[first_step]) if along == "both" else (along,)
        steps: list[Step] = []
        for way in ways:
            steps += measure(f"{way} 0%")
            for k in range(1, points):
                share = k / (points - 1)
                where = {"group": way, "pulse": k}
                steps.append(Step(way, parsed, share=1 / (points - 1), **where))
                steps += measure(f"{way} {share:.0%}", way, k)
        return tuple(steps)

    options = {
        "along": along,
        "points": points if along else 1,
        "rate": str(parsed) if parsed else None,
        "rest_s": pause,
    }
    needs = {"discharge": "charged", "charge": "discharged"}.get(along, "")
    return Protocol("impedance", options, build, needs)


def at(temperature: str | float, protocol: Protocol) -> Protocol:
    """Run a protocol at another temperature: a temperature step within a sequence.

    Parameters
    ----------
    temperature : str or float
        [degC].
    protocol : Protocol
        What is done there.

    Returns
    -------
    Protocol

    Raises
    ------
    ParameterError
        If it is no temperature.

    Examples
    --------
    >>> at(60, rest("1 h")).steps("discharge")[0].temperature
    60.0
    """
    celsius = parse_quantity(temperature, "degC", "Temperature")

    def build(first_step: str) -> tuple[Step, ...]:
        return tuple(replace(s, temperature=celsius) for s in protocol.steps(first_step))

    options = {**protocol.options, "temperature_C": celsius}
    return Protocol(protocol.name, options, build, protocol.needs)


def then(*protocols: Protocol) -> Protocol:
    """One protocol after another, such as a spectrum before and after cycling.

    Parameters
    ----------
    *protocols : Protocol
        In order; their cycles are numbered on.

    Returns
    -------
    Protocol

    Raises
    ------
    ParameterError
        If there is none.

    Examples
    --------
    >>> then(cycle("C/20"), rest("2 days")).name
    'cycle, rest'
    """
    if not protocols:
        raise ParameterError("'then' needs at least one protocol.")

    def build(first_step: str) -> tuple[Step, ...]:
        steps: list[Step] = []
        for number, protocol in enumerate(protocols):
            done = max((step.cycle for step in steps), default=0)
            for step in protocol.steps(first_step):
                group = f"{number} {step.group}" if step.group else ""
                steps.append(replace(step, cycle=step.cycle + done, group=group))
        return tuple(steps)

    options = {"protocols": [p.describe() for p in protocols]}
    return Protocol(
        ", ".join(p.name for p in protocols), options, build, protocols[0].needs
    )


def rest(duration: str | float) -> Protocol:
    """Leave the cell at open circuit.

    Parameters
    ----------
    duration : str or float
        Such as ``"48 h"``, or seconds.

    Returns
    -------
    Protocol

    Raises
    ------
    ParameterError
        If it is no positive time.

    Examples
    --------
    >>> rest("48 h").options["duration_s"]
    172800.0
    """
    seconds = _duration(duration, "duration")
    step = Step("rest", duration=seconds)
    return Protocol("rest", {"duration_s": seconds}, lambda first: (step,))


def _whole(value: Any, name: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ParameterError(f"{name} must be a whole number of at least 1, not {value!r}.")


def _duration(value: str | float, name: str, zero: bool = False) -> float:
    seconds = parse_quantity(value, "s", name)
    if not math.isfinite(seconds) or seconds < 0 or (seconds == 0 and not zero):
        raise ParameterError(f"{name} must be a positive time, not '{value}'.")
    return seconds


def preparation(protocol: Protocol, state: str, first_step: str) -> tuple[Step, ...]:
    """Step that brings a cell to where a protocol starts, if it is not there.

    Parameters
    ----------
    protocol : Protocol
        With what it needs.
    state : str
        ``"pristine"``, ``"charged"``, ``"discharged"`` or ``"between"``.
    first_step : str
        What a pristine cell does first.

    Returns
    -------
    tuple of Step
        Empty, or one preparatory step at the slow rate.

    Examples
    --------
    >>> preparation(charge(), "pristine", "discharge")[0].direction
    'discharge'
    """
    is_now = state
    if state == "pristine":
        is_now = "charged" if first_step == "discharge" else "discharged"
    if not protocol.needs or is_now in (protocol.needs, "between"):
        return ()
    direction = "charge" if protocol.needs == "charged" else "discharge"
    rate = protocol.steps(first_step)[0].rate
    return (replace(Step(direction, rate), preparatory=True),)
