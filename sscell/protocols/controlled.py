"""Protocols of set voltages, and impedance: hold, potential step, voltammetry, spectra."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

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
from sscell.units import Rate, parse_quantity

__all__ = ["cv", "hold", "impedance", "potential_step"]


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
        duration=None if duration is None else seconds_of(duration, "duration"),
        current_limit=rate_of(until_current),
        capacity_limit=None
        if until_capacity is None
        else capacity_of(until_capacity, "until_capacity"),
    )
    options = {"voltage_V": step.voltage, "duration_s": step.duration}
    return Protocol("hold", options, partial(fixed, (step,)))


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
        If a scan rate is not positive, the window is not in order or the first sweep is
        no direction.

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
    limits: tuple[float | None, ...] = (None, None)
    if window is not None:
        limits = tuple(parse_quantity(v, "V", "window") for v in window)
        if len(limits) != 2 or limits[0] >= limits[1]:
            raise ParameterError(
                f"The window must be a lower and an upper voltage, not {window}."
            )
    whole(cycles, "Cycles")

    if start not in ("", *OPPOSITE):
        hint = did_you_mean(start, tuple(OPPOSITE), "directions")
        raise ParameterError(f"Direction '{start}' is not one. {hint}")

    options = {
        "scan_rates_V_s": speeds,
        "window_V": None if window is None else list(limits),
        "cycles": cycles,
    }
    build = partial(_sweep_steps, tuple(speeds), limits, cycles, start)
    return Protocol("cv", options, build)


def _sweep_steps(
    speeds: tuple[float, ...],
    limits: tuple[float | None, ...],
    cycles: int,
    start: str,
    first_step: str,
) -> tuple[Step, ...]:
    first = start or first_step
    vertex = {"discharge": limits[0], "charge": limits[1]}
    mark = {"discharge": "lower", "charge": "upper"}
    steps: list[Step] = []
    for speed in speeds:
        for _ in range(cycles):
            number = len(steps) // 2 + 1
            for way in (first, OPPOSITE[first]):
                sweep = Step("sweep", until=vertex[way], scan_rate=speed, label=mark[way])
                steps.append(replace(sweep, cycle=number))
    return tuple(steps)


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
    seconds, pause = seconds_of(duration, "duration"), seconds_of(rest, "rest", zero=True)
    steps = (Step("hold", voltage=target, duration=seconds),)
    if pause:
        steps = (Step("rest", duration=pause), *steps)
    options = {"voltage_V": target, "duration_s": seconds, "rest_s": pause}
    return Protocol("step", options, partial(fixed, steps))


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
        Each spectrum is labelled with the share of that capacity that has passed in its
        half cycle.

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
    whole(points, "Points")
    if points < 2:
        raise ParameterError(f"Points must be at least 2, not {points}.")
    parsed, pause = rate_of(rate), seconds_of(rest, "rest", zero=True)

    options = {
        "along": along,
        "points": points if along else 1,
        "rate": str(parsed) if parsed else None,
        "rest_s": pause,
    }
    needs = {"discharge": "charged", "charge": "discharged"}.get(along, "")
    build = partial(_spectra_steps, along, points, parsed, pause, tones)
    return Protocol("impedance", options, build, needs)


def _spectra_steps(
    along: str,
    points: int,
    rate: Rate | None,
    pause: float,
    tones: tuple[float, ...],
    first_step: str,
) -> tuple[Step, ...]:
    def measure(label: str, group: str = "", pulse: int = 0) -> list[Step]:
        where = {"group": group, "pulse": pulse}
        steps = [Step("rest", duration=pause, **where)] if pause else []
        return [*steps, Step("impedance", frequencies=tones, label=label, **where)]

    if not along:
        return tuple(measure("at rest"))
    ways = (first_step, OPPOSITE[first_step]) if along == "both" else (along,)
    steps: list[Step] = []
    for way in ways:
        steps += measure(way, way)
        for k in range(1, points):
            where = {"group": way, "pulse": k}
            steps.append(Step(way, rate, share=1 / (points - 1), **where))
            steps += measure(way, way, k)
    return tuple(steps)
