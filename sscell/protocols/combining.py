"""Protocols made of others: one after another, or at another temperature."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from sscell.errors import ParameterError
from sscell.protocols.steps import (
    Protocol,
    Step,
    after,
    checked,
    preparation,
)
from sscell.units import parse_quantity

__all__ = ["at", "then"]


def at(temperature: str | float, protocol: Protocol) -> Protocol:
    """Run a protocol at another temperature: a temperature step within a sequence.

    Parameters
    ----------
    temperature : str or float
        [degC].
    protocol : Protocol
        What is done there, with what brings the cell to where it starts.

    Returns
    -------
    Protocol
        What follows it runs at the temperature of the run again. Where one `at` stands
        within another, the inner one holds.

    Raises
    ------
    ParameterError
        If it is no temperature, or no protocol.

    Examples
    --------
    >>> from sscell.protocols import rest
    >>> at(60, rest("1 h")).steps("discharge")[0].temperature
    60.0
    >>> both = at(60, then(at(90, rest("1 h")), rest("1 h")))
    >>> [step.temperature for step in both.steps("discharge")]
    [90.0, 60.0]
    """
    celsius = parse_quantity(temperature, "degC", "Temperature")
    part = checked(protocol)
    options = {"temperature_C": celsius, **part.options}
    return Protocol(part.name, options, partial(_at_steps, celsius, part), part.needs)


def _at_steps(celsius: float, part: Protocol, first_step: str) -> tuple[Step, ...]:
    def there(step: Step) -> Step:
        own = celsius if step.temperature is None else step.temperature
        before = None if step.before is None else there(step.before)
        return replace(step, temperature=own, before=before)

    return tuple(there(step) for step in part.steps(first_step))


def then(*protocols: Protocol) -> Protocol:
    """One protocol after another, such as a spectrum before and after cycling.

    Parameters
    ----------
    *protocols : Protocol
        In order; their cycles are numbered on.

    Returns
    -------
    Protocol
        Every part starts from what it needs: a second discharge is preceded by a charge,
        reported as preparatory. A cycle begins with the direction that the part before it
        leaves. Where one part needs double layers, all have them.

    Raises
    ------
    ParameterError
        If there is none, or one is no protocol.

    Examples
    --------
    >>> from sscell.protocols import cycle, rest
    >>> then(cycle("C/20"), rest("2 days")).name
    'cycle, rest'
    """
    if not protocols:
        raise ParameterError("'then' needs at least one protocol.")
    parts = tuple(checked(protocol) for protocol in protocols)
    options = {"protocols": [p.describe() for p in parts]}
    name = ", ".join(p.name for p in parts)
    return Protocol(name, options, partial(_then_steps, parts), parts[0].needs)


def _then_steps(parts: tuple[Protocol, ...], first_step: str) -> tuple[Step, ...]:
    steps: list[Step] = []
    state = ""  # as before the first part, until something has changed it
    for number, part in enumerate(parts):
        way = {"charged": "discharge", "discharged": "charge"}.get(state, first_step)
        done = max((step.cycle for step in steps), default=0)
        added = list(part.steps(way))
        if number and part.needs:
            elsewhere = {"charged": "discharged", "discharged": "charged"}[part.needs]
            (before,) = preparation(part, elsewhere, way)
            added[0] = replace(added[0], before=before)
        for step in added:
            group = f"{number} {step.group}" if step.group else ""
            before = step.before and replace(step.before, cycle=step.before.cycle + done)
            steps.append(replace(step, cycle=step.cycle + done, group=group, before=before))
        state = after(added, state)
    return tuple(steps)
