"""Steps and protocols as frozen descriptions: no cell and no solver in here."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sscell.errors import ParameterError
from sscell.units import Rate, parse_quantity, parse_rate

__all__ = [
    "OPPOSITE",
    "Protocol",
    "Step",
    "capacity_of",
    "preparation",
    "rate_of",
    "seconds_of",
    "whole",
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
    >>> from sscell.protocols import cycle
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
        Empty, or one preparatory step at the protocol's own first rate.

    Examples
    --------
    >>> from sscell.protocols import charge
    >>> preparation(charge(), "pristine", "discharge")[0].direction
    'discharge'
    """
    is_now = state
    if state == "pristine":
        is_now = "charged" if first_step == "discharge" else "discharged"
    if not protocol.needs or is_now in (protocol.needs, "between"):
        return ()
    direction = "charge" if protocol.needs == "charged" else "discharge"
    # A titration begins with a rest: the first step may have no current of its own.
    rate = next((s.rate for s in protocol.steps(first_step) if s.rate is not None), None)
    return (replace(Step(direction, rate), preparatory=True),)


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
