"""Protocols of set currents: discharge, charge, cycling, rate test, titration, rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from sscell.errors import ParameterError, did_you_mean
from sscell.protocols.steps import (
    OPPOSITE,
    Protocol,
    Step,
    capacity_of,
    fixed,
    rate_of,
    seconds_of,
    whole,
)
from sscell.units import Rate, parse_quantity, parse_rate

__all__ = ["charge", "cycle", "discharge", "gitt", "rate_test", "rest"]


def _half(direction: str, rate: Any, until: Any, duration: Any) -> Protocol:
    parsed = rate_of(rate)
    limit = None if until is None else parse_quantity(until, "V", "until")
    seconds = None if duration is None else seconds_of(duration, "duration")
    step = Step(direction, parsed, limit, seconds)
    options: dict[str, Any] = {"rate": str(parsed) if parsed else None, "until_V": limit}
    if seconds:
        options["duration_s"] = seconds
    needs = "charged" if direction == "discharge" else "discharged"
    return Protocol(direction, options, partial(fixed, (step,)), needs)


def discharge(
    rate: str | float | Rate | None = None,
    until: float | str | None = None,
    duration: float | str | None = None,
) -> Protocol:
    """Discharge at constant current to the lower cut-off.

    Parameters
    ----------
    rate : str, float or Rate, optional
        Such as ``"C/20"``; default: the set's slow rate.
    until : float or str, optional
        Voltage that ends it [V]; default: the cell's lower cut-off.
    duration : float or str, optional
        Longest time, such as ``"10 h"`` or seconds; default: none.

    Returns
    -------
    Protocol
        On a pristine cell that charges first, that charge is run before and reported as
        preparatory.

    Raises
    ------
    ParameterError
        If the rate, the voltage or the duration is not one.

    Examples
    --------
    >>> discharge("C/20").name
    'discharge'
    """
    return _half("discharge", rate, until, duration)


def charge(
    rate: str | float | Rate | None = None,
    until: float | str | None = None,
    duration: float | str | None = None,
) -> Protocol:
    """Charge at constant current to the upper cut-off.

    Parameters
    ----------
    rate : str, float or Rate, optional
        Such as ``"C/20"``; default: the set's slow rate.
    until : float or str, optional
        Voltage that ends it [V]; default: the cell's upper cut-off.
    duration : float or str, optional
        Longest time, such as ``"10 h"`` or seconds; default: none.

    Returns
    -------
    Protocol
        On a pristine cell that discharges first, that discharge is run before and
        reported as preparatory.

    Raises
    ------
    ParameterError
        If the rate, the voltage or the duration is not one.

    Examples
    --------
    >>> charge("C/20").needs
    'discharged'
    """
    return _half("charge", rate, until, duration)


def cycle(
    rate: str | float | Rate | None = None,
    cycles: int = 1,
    rest: str | float = 0,
    discharge_rate: str | float | Rate | None = None,
    hold_until: str | float | Rate | None = None,
    hold_time: str | float | None = None,
    hold_capacity: str | float | None = None,
    half_time: str | float | None = None,
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
    hold_capacity : str or float, optional
        Hold it until charge and hold have passed this [mA.h.g-1 of the capacity basis].
    half_time : str or float, optional
        Longest time of a half cycle, such as ``"1 h"`` or seconds; default: none, and 1 h in a
        symmetric cell, which has no voltage at which it is full.

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
    whole(cycles, "Cycles")
    charging, pause = rate_of(rate), seconds_of(rest, "rest", zero=True)
    discharging = rate_of(discharge_rate) or charging
    enough = None if hold_capacity is None else capacity_of(hold_capacity, "hold_capacity")
    holding = _holds(hold_until, hold_time, enough)
    half = None if half_time is None else seconds_of(half_time, "half_time")
    options = {
        "rate": str(charging) if charging else None,
        "discharge_rate": str(discharging) if discharge_rate else None,
        "cycles": cycles,
        "rest_s": pause,
        "hold_until": str(hold_until) if hold_until else None,
        "hold_capacity_mAh_g": enough,
    }
    if half is not None:
        options["half_time_s"] = half
    rates = {"charge": charging, "discharge": discharging}
    build = partial(_cycle_steps, rates, cycles, pause, enough, holding, half)
    return Protocol("cycle", options, build)


def _cycle_steps(
    rates: Mapping[str, Rate | None],
    cycles: int,
    pause: float,
    enough: float | None,
    holding: tuple[Step, ...],
    half: float | None,
    first_step: str,
) -> tuple[Step, ...]:
    steps: list[Step] = []
    for number in range(1, cycles + 1):
        for way in (first_step, OPPOSITE[first_step]):
            limit = enough if way == "charge" else None
            steps.append(
                Step(way, rates[way], duration=half, capacity_limit=limit, cycle=number)
            )
            if way == "charge":
                steps += [replace(step, cycle=number) for step in holding]
            if pause:
                steps.append(Step("rest", duration=pause, cycle=number))
    return tuple(steps)


def _holds(until: Any, longest: Any, enough: float | None) -> tuple[Step, ...]:
    if until is None and longest is None and enough is None:
        return ()
    step = Step(
        "hold",
        voltage="upper",
        current_limit=rate_of(until),
        duration=seconds_of(longest, "hold_time") if longest is not None else None,
        capacity_limit=enough,
    )
    return (step,)


def rate_test(
    currents: Sequence[str | float | Rate],
    cycles: int | Sequence[int] = 1,
    charge_rate: str | float | Rate | None = None,
    half_time: str | float | None = None,
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
    half_time : str or float, optional
        Longest time of a half cycle; default as for `cycle`.

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
        whole(number, "Cycles")
    charging = rate_of(charge_rate)
    half = None if half_time is None else seconds_of(half_time, "half_time")

    options: dict[str, Any] = {"currents": [str(r) for r in rates], "cycles": numbers}
    if half is not None:
        options["half_time_s"] = half
    build = partial(_rate_steps, tuple(rates), tuple(numbers), charging, half)
    return Protocol("rate", options, build)


def _rate_steps(
    rates: tuple[Rate, ...],
    numbers: tuple[int, ...],
    charging: Rate | None,
    longest: float | None,
    first_step: str,
) -> tuple[Step, ...]:
    steps: list[Step] = []
    for rate, count in zip(rates, numbers, strict=True):
        for _ in range(count):
            number = len(steps) // 2 + 1
            for way in (first_step, OPPOSITE[first_step]):
                half = charging if way == "charge" and charging else rate
                steps.append(Step(way, half, duration=longest, cycle=number))
    return tuple(steps)


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
        It ends with the rest after the pulse that meets the cut-off, however many pulses
        that takes.

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
    parsed = rate_of(rate)
    on, off = seconds_of(pulse, "pulse"), seconds_of(rest, "rest")

    options = {
        "rate": str(parsed) if parsed else None,
        "pulse_s": on,
        "rest_s": off,
        "direction": direction,
    }
    needs = {"discharge": "charged", "charge": "discharged", "both": ""}[direction]
    build = partial(_titration_steps, direction, parsed, on, off)
    return Protocol("gitt", options, build, needs)


def _titration_steps(
    direction: str, rate: Rate | None, on: float, off: float, first_step: str
) -> tuple[Step, ...]:
    ways = (first_step, OPPOSITE[first_step]) if direction == "both" else (direction,)
    steps: list[Step] = []
    for way in ways:
        steps.append(Step("rest", duration=off, group=way))
        steps.append(Step(way, rate, duration=on, group=way, pulse=1))
        steps.append(Step("rest", duration=off, group=way, pulse=1, back=1))
    return tuple(steps)


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
    seconds = seconds_of(duration, "duration")
    step = Step("rest", duration=seconds)
    return Protocol("rest", {"duration_s": seconds}, partial(fixed, (step,)))
