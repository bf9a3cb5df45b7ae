"""Steps and protocols as frozen descriptions: no cell and no solver in here."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sscell.errors import ParameterError
from sscell.units import Rate, parse_quantity, parse_rate

__all__ = [
    "OPPOSITE",
    "Protocol",
    "Step",
    "after",
    "as_now",
    "capacity_of",
    "checked",
    "fixed",
    "preparation",
    "prepared",
    "rate_of",
    "seconds_of",
    "timed",
    "whole",
]

OPPOSITE = {"discharge": "charge", "charge": "discharge"}
_ENDS = {"discharge": "discharged", "charge": "charged"}
_BRINGS = {"charged": "charge", "discharged": "discharge"}


@dataclass(frozen=True)
class Step:
    """One thing a cycler does.

    Parameters
    ----------
    direction : str
        ``"discharge"``, ``"charge"``, ``"rest"``, ``"hold"`` (constant voltage),
        ``"sweep"`` (linear voltage), ``"drive"`` (current or power over time) or
        ``"impedance"``.
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
        Of this step alone [degC]; that of the run if absent.
    frequencies : tuple of float, optional
        Of an impedance spectrum [Hz].
    label : str, optional
        Where a spectrum is taken, or the vertex that a sweep goes to.
    driven : str, optional
        ``"current"`` or ``"power"``: what a drive cycle imposes.
    course : tuple of tuple of float, optional
        Its rows: time [s], current [A] or power [W], and perhaps temperature [degC].
    cycle : int, optional
        Number of the cycle, from 1.
    group, pulse : str and int, optional
        Steps of one group end together: after a cut-off, later pulses are left out.
    back : int, optional
        After this step go back by so many, as long as no cut-off has ended the group.
    before : Step, optional
        What brings the cell to where this step starts; run where the cell is not there.
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
    driven: str = ""
    course: tuple[tuple[float, ...], ...] = ()
    cycle: int = 1
    group: str = ""
    pulse: int = 0
    back: int = 0
    before: Step | None = None
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
        Makes the steps, given what the cell does first. A function of a module, or a
        `functools.partial` of one, so that the protocol can be pickled.
    needs : str, optional
        ``"charged"`` or ``"discharged"`` where it starts from that; empty for any state.
    state : str, optional
        Of the cell when it begins, as for `sscell.simulate`, unless that is told another.

    Examples
    --------
    >>> from sscell.protocols import cycle
    >>> [step.direction for step in cycle("C/20").steps("discharge")]
    ['discharge', 'charge']
    """

    name: str
    options: Mapping[str, Any]
    builder: Callable[[str], tuple[Step, ...]] = field(repr=False, compare=False)
    needs: str = ""
    state: str = "pristine"

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


def fixed(steps: tuple[Step, ...], first_step: str) -> tuple[Step, ...]:
    """Steps that do not depend on what the cell does first.

    Parameters
    ----------
    steps : tuple of Step
        In order.
    first_step : str
        Means nothing here.

    Returns
    -------
    tuple of Step

    Examples
    --------
    >>> fixed((Step("rest", duration=1.0),), "charge")[0].direction
    'rest'
    """
    return steps


def checked(protocol: Any) -> Protocol:
    """Refuse what is no protocol.

    Parameters
    ----------
    protocol : object
        What was given for one.

    Returns
    -------
    Protocol

    Raises
    ------
    ParameterError
        If it is something else, such as the name of one or a list of several.

    Examples
    --------
    >>> from sscell.protocols import rest
    >>> checked(rest("1 h")).name
    'rest'
    """
    if isinstance(protocol, Protocol):
        return protocol
    made = "A protocol is made by a function, such as sscell.discharge('C/20')"
    if isinstance(protocol, list | tuple):
        raise ParameterError(
            f"{made}; several in order are one: sscell.protocols.then(first, second)."
        )
    if callable(protocol):
        name = getattr(protocol, "__name__", "it")
        raise ParameterError(f"{made}: call {name}(...) with its options.")
    raise ParameterError(f"{made}, not {protocol!r}.")


def as_now(state: str, first_step: str) -> str:
    """How a cell is, said also of a pristine one.

    Parameters
    ----------
    state : str
        ``"pristine"``, ``"charged"``, ``"discharged"`` or ``"between"``.
    first_step : str
        What a pristine cell does first.

    Returns
    -------
    str

    Examples
    --------
    >>> as_now("pristine", "discharge")
    'charged'
    """
    if state != "pristine":
        return state
    return "charged" if first_step == "discharge" else "discharged"


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
        Empty, or one preparatory step at the protocol's own first rate and temperature.

    Examples
    --------
    >>> from sscell.protocols import charge
    >>> preparation(charge(), "pristine", "discharge")[0].direction
    'discharge'
    """
    if not protocol.needs or as_now(state, first_step) in (protocol.needs, "between"):
        return ()
    steps = protocol.steps(first_step)
    # A titration begins with a rest: the first step may have no current of its own.
    rate = next((s.rate for s in steps if s.rate is not None), None)
    way, first = _BRINGS[protocol.needs], steps[0]
    return (
        Step(way, rate, temperature=first.temperature, cycle=first.cycle, preparatory=True),
    )


def prepared(protocol: Protocol, state: str, first_step: str) -> tuple[Step, ...]:
    """Steps of a protocol with all that brings the cell to where its parts start.

    Parameters
    ----------
    protocol : Protocol
        Perhaps of several parts.
    state : str
        ``"pristine"``, ``"charged"``, ``"discharged"`` or ``"between"``.
    first_step : str
        What a pristine cell does first.

    Returns
    -------
    tuple of Step

    Examples
    --------
    >>> from sscell.protocols import discharge, then
    >>> twice = then(discharge("C/20"), discharge("C/10"))
    >>> [step.direction for step in prepared(twice, "pristine", "discharge")]
    ['discharge', 'charge', 'discharge']
    """
    is_now = as_now(state, first_step)
    first = {"charged": "discharge", "discharged": "charge"}.get(is_now, first_step)
    steps = list(preparation(protocol, is_now, first))
    is_now = after(steps, is_now)
    for step in protocol.steps(first):
        if step.before and is_now not in ("between", _wanted(step.before)):
            steps.append(step.before)
        steps.append(replace(step, before=None))
        is_now = after(steps[-1:], is_now)
    return tuple(steps)


def _wanted(before: Step) -> str:
    return _ENDS[before.direction]


def after(steps: Sequence[Step], state: str) -> str:
    """How a cell is after steps: charged, discharged or between.

    Parameters
    ----------
    steps : sequence of Step
        What was done.
    state : str
        How it was before.

    Returns
    -------
    str
        A half cycle that may have ended before the cut-off leaves it between.

    Examples
    --------
    >>> after([Step("discharge")], "charged"), after([Step("rest", duration=1.0)], "charged")
    ('discharged', 'charged')
    """
    for step in steps:
        if step.direction in ("rest", "impedance"):
            continue
        limits = (step.until, step.duration, step.capacity_limit, step.share)
        to_its_end = step.group or limits == (None,) * 4
        state = "between"
        if step.direction in _ENDS and to_its_end:
            state = _ENDS[step.direction]
        elif step.direction == "hold" and step.voltage in ("upper", "lower"):
            state = "charged" if step.voltage == "upper" else "discharged"
        elif step.direction == "sweep" and step.until is None:
            state = "charged" if step.label == "upper" else "discharged"
    return state


def timed(steps: Sequence[Step], seconds: float) -> tuple[Step, ...]:
    """Steps in which a current without an end of its own lasts a given time.

    Parameters
    ----------
    steps : sequence of Step
        In order.
    seconds : float
        How long [s].

    Returns
    -------
    tuple of Step

    Examples
    --------
    >>> timed((Step("discharge"), Step("charge", duration=60.0)), 3600.0)[0].duration
    3600.0
    """
    return tuple(
        replace(step, duration=seconds)
        if step.direction in _ENDS
        and (step.duration, step.share, step.until) == (None,) * 3
        else step
        for step in steps
    )


def rate_of(rate: str | float | Rate | None) -> Rate | None:
    """Rate from a current as a person states it; None stays None.

    Parameters
    ----------
    rate : str, float, Rate or None
        As `sscell.units.parse_rate` takes it.

    Returns
    -------
    Rate or None

    Raises
    ------
    ParameterError
        If it is no current.

    Examples
    --------
    >>> rate_of("C/20").kind
    'C'
    """
    return None if rate is None else parse_rate(rate)


def capacity_of(value: str | float, name: str) -> float:
    """Specific capacity that ends a step [mA.h.g-1 of the capacity basis].

    Parameters
    ----------
    value : str or float
        Such as ``"350 mAh/g"``.
    name : str
        What it is, for the error message.

    Returns
    -------
    float
        [mA.h.g-1].

    Raises
    ------
    ParameterError
        If it is no capacity, or not positive.

    Examples
    --------
    >>> capacity_of("350 mA*h/g", "until_capacity")
    350.0
    """
    amount = parse_quantity(value, "mA*h/g", name)
    if not amount > 0:
        raise ParameterError(f"{name} must be positive, not '{value}'.")
    return amount


def whole(value: Any, name: str, least: int = 1) -> None:
    """Refuse what is not a whole number, or too small a one.

    Parameters
    ----------
    value : object
        What was given.
    name : str
        What it counts.
    least : int, optional
        The smallest that is allowed [-].

    Raises
    ------
    ParameterError
        If it is none.

    Examples
    --------
    >>> whole(3, "Cycles")
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ParameterError(
            f"{name} must be a whole number of at least {least}, not {value!r}."
        )


def seconds_of(value: str | float, name: str, zero: bool = False) -> float:
    """Time [s] from a number of seconds or a text with a unit.

    Parameters
    ----------
    value : str or float
        Such as ``"30 min"``.
    name : str
        What it is, for the error message.
    zero : bool, optional
        Whether no time at all is allowed.

    Returns
    -------
    float
        [s].

    Raises
    ------
    ParameterError
        If it is no time, or not positive.

    Examples
    --------
    >>> seconds_of("30 min", "pulse")
    1800.0
    """
    seconds = parse_quantity(value, "s", name)
    if not math.isfinite(seconds) or seconds < 0 or (seconds == 0 and not zero):
        raise ParameterError(f"{name} must be a positive time, not '{value}'.")
    return seconds
