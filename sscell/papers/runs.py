"""Simulations that published values are read from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sscell import protocols
from sscell.errors import ParameterError, did_you_mean
from sscell.papers.rows import DOES, RunRow
from sscell.protocols import Protocol, then

__all__ = ["Run", "run_of"]


_UNSAID = ("cycles", "frequencies")  # said otherwise, or too long for a table


@dataclass(frozen=True)
class Run:
    """One simulation that observables are read from.

    Parameters
    ----------
    name : str
        Key in the table.
    temperature : float
        Cell temperature [degC].
    steps : tuple of mapping
        Protocols in order: ``do`` names one, the rest are its arguments.
    state : str, optional
        As for `sscell.simulate`.
    changes : mapping, optional
        Parameters that differ in this run, such as its composition [units of the names].
    pellet : str, optional
        ``"dc"`` or ``"ac"``: an experiment on a pellet of the cathode instead of steps.
    pressure : float, optional
        On the stack [MPa]; default: the set's own.
    formation_temperature : float, optional
        Where it differs from `temperature` [degC].
    variant : str, optional
        Of the family: what it changes is changed for this run.

    Examples
    --------
    >>> run = Run("slow", 25.0, ({"do": "cycle", "rate": "C/100"},))
    >>> run.protocol().name
    'cycle'
    """

    name: str
    temperature: float
    steps: tuple[Mapping[str, Any], ...]
    state: str = "pristine"
    pressure: float | None = None
    formation_temperature: float | None = None
    changes: Mapping[str, float] = field(default_factory=dict)
    pellet: str = ""
    variant: str | None = None

    def protocol(self) -> Protocol:
        """Protocol of all steps, one after another.

        Returns
        -------
        Protocol

        Raises
        ------
        ParameterError
            If a step names no protocol or an argument it does not take.
        """
        parts = []
        for step in self.steps:
            options = dict(step)
            name = options.pop("do", None)
            if name not in DOES:
                hint = did_you_mean(str(name), DOES, "protocols")
                raise ParameterError(
                    f"Run '{self.name}': there is no protocol '{name}'. {hint}"
                )
            try:
                parts.append(getattr(protocols, name)(**options))
            except TypeError as error:
                raise ParameterError(f"Run '{self.name}': {error}.") from error
        return parts[0] if len(parts) == 1 else then(*parts)

    @property
    def conditions(self) -> str:
        """Temperature and steps in a few words."""
        words = [
            " ".join(_text(value) for key, value in step.items() if key not in _UNSAID)
            + (f" x{_text(step['cycles'])}" if step.get("cycles", 1) != 1 else "")
            for step in self.steps
        ]
        if self.pellet:
            words = [f"{self.pellet.upper()} on a pellet"]
        changed = [f"{name} {value:g}" for name, value in self.changes.items()]
        pressed = [] if self.pressure is None else [f"{self.pressure:g} MPa"]
        done = " then ".join(words)
        other = [] if self.variant is None else [self.variant]
        state = [] if self.state == "pristine" else [self.state]
        where = [*other, f"{self.temperature:g} degC", *pressed, *state]
        return ", ".join([*where, done, *changed])


def _text(value: Any) -> str:
    return "/".join(map(str, value)) if isinstance(value, list) else str(value)


def run_of(name: str, row: RunRow) -> Run:
    """Run that a row describes.

    Parameters
    ----------
    name : str
        Its key in the table.
    row : RunRow
        As it was read.

    Returns
    -------
    Run
    """
    return Run(
        name,
        row.temperature,
        () if row.pellet else tuple(row.steps),
        row.state,
        row.pressure,
        row.formation_temperature,
        row.changes,
        row.pellet or "",
        row.variant,
    )
