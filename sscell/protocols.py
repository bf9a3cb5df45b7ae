"""What the lab does, as frozen descriptions: no cell and no solver in here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sscell.errors import ParameterError
from sscell.units import Rate, parse_quantity, parse_rate

__all__ = ["Protocol", "Step", "charge", "cycle", "discharge", "rest"]

OPPOSITE = {"discharge": "charge", "charge": "discharge"}


@dataclass(frozen=True)
class Step:
    """One thing a cycler does.

    Parameters
    ----------
    direction : str
        ``"discharge"``, ``"charge"`` or ``"rest"``.
    rate : Rate, optional
        Magnitude of the current; the set's slow rate if absent.
    until : float, optional
        Voltage that ends it [V]; the window of the cell if absent.
    duration : float, optional
        Longest time [s].
    cycle : int, optional
        Number of the cycle, from 1.
    preparatory : bool, optional
        Whether it only brings the cell to where the protocol starts.
    """

    direction: str
    rate: Rate | None = None
    until: float | None = None
    duration: float | None = None
    cycle: int = 1
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

    Returns
    -------
    Protocol

    Raises
    ------
    ParameterError
        If the number of cycles is not positive, or the rest negative.

    Examples
    --------
    >>> len(cycle("C/20", cycles=3).steps("charge"))
    6
    """
    if isinstance(cycles, bool) or not isinstance(cycles, int) or cycles < 1:
        raise ParameterError(
            f"Cycles must be a whole number of at least 1, not {cycles!r}."
        )
    parsed, pause = _rate(rate), _duration(rest, "rest", zero=True)

    def build(first_step: str) -> tuple[Step, ...]:
        steps: list[Step] = []
        for number in range(1, cycles + 1):
            for direction in (first_step, OPPOSITE[first_step]):
                steps.append(Step(direction, parsed, cycle=number))
                if pause:
                    steps.append(Step("rest", duration=pause, cycle=number))
        return tuple(steps)

    options = {"rate": str(parsed) if parsed else None, "cycles": cycles, "rest_s": pause}
    return Protocol("cycle", options, build)


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


def _duration(value: str | float, name: str, zero: bool = False) -> float:
    seconds = parse_quantity(value, "s", name)
    if seconds < 0 or (seconds == 0 and not zero):
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
