"""What a paper did with its cell: its own protocols, stored with the set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isclose
from typing import Any

from sscell import protocols
from sscell.cells.cell import Cell
from sscell.errors import ParameterError, did_you_mean
from sscell.protocols import Protocol

__all__ = ["COMMANDS", "Customary", "customary", "published"]

COMMANDS = ("cycle", "rate", "gitt")
_SAME = 1e-6  # of a current


class Customary(dict[str, Any]):
    """Options of a protocol as the paper ran it, with where that stands.

    Parameters
    ----------
    entry : mapping
        Of the set's table `[[protocols.published]]`.
    """

    def __init__(self, entry: Mapping[str, Any]):
        self.command, self.source = str(entry["command"]), str(entry["source"])
        self.rates = [str(rate) for rate in entry["rates"]]
        aside = ("command", "source", "rates")
        super().__init__({k: v for k, v in entry.items() if k not in aside})
        self.setdefault("state", "pristine")

    def has(self, cell: Cell, rates: Sequence[Any]) -> bool:
        """Whether all these currents are among the paper's.

        Parameters
        ----------
        cell : Cell
            In which rates become currents.
        rates : sequence of str, float or Rate
            As for `Cell.current`.
        """
        return all(self.index(cell, rate) is not None for rate in rates)

    def index(self, cell: Cell, rate: Any) -> int | None:
        """Place of a current among the paper's, from 0.

        Parameters
        ----------
        cell : Cell
            In which rates become currents.
        rate : str, float or Rate
            One current.
        """
        asked = cell.current(rate)
        known = (cell.current(rate) for rate in self.rates)
        return next(
            (k for k, i in enumerate(known) if isclose(i, asked, rel_tol=_SAME)), None
        )

    def counts(self, cell: Cell, rates: Sequence[Any]) -> int | list[int]:
        """Cycles at each of some currents of the paper's.

        Parameters
        ----------
        cell : Cell
            In which rates become currents.
        rates : sequence of str, float or Rate
            Currents of a rate test.
        """
        counts = self.get("cycles") or 1
        if isinstance(counts, int):
            return counts
        return [counts[self.index(cell, rate) or 0] for rate in rates]


def customary(cell: Cell, command: str, rates: Sequence[Any] = ()) -> Customary | None:
    """What the paper did for a command and its currents.

    Parameters
    ----------
    cell : Cell
        With its set.
    command : str
        ``"cycle"``, ``"rate"`` or ``"gitt"``.
    rates : sequence of str, float or Rate, optional
        Currents that are asked for; none: the slow rate of a cycle, any of the others.

    Returns
    -------
    Customary or None
        None where the paper has none for them.
    """
    if command == "cycle" and not rates:
        rates = [cell.slow_rate]
    entries = (cell.data.get("protocols") or {}).get("published", [])
    found = (Customary(e) for e in entries if e["command"] == command)
    return next((entry for entry in found if entry.has(cell, rates)), None)


def published(cell: str | Cell, command: str, rate: Any = None) -> Protocol:
    """The paper's own protocol, which brings its own state of the cell along.

    Parameters
    ----------
    cell : str or Cell
        A published cell, a TOML file or a loaded cell.
    command : str
        ``"cycle"``, ``"rate"`` or ``"gitt"``.
    rate : str, float or Rate, optional
        Current of a cycle or titration, or a list of those of a rate test; default: the slow
        rate of a cycle, what the paper has for the others.

    Returns
    -------
    Protocol

    Raises
    ------
    ParameterError
        If there is no such command, or the paper has no protocol for it at that rate.

    Examples
    --------
    >>> rates = published("Pan2023", "rate")
    >>> rates.options["cycles"]
    [10, 5, 5, 5]
    """
    if command not in COMMANDS:
        hint = did_you_mean(command, COMMANDS, "commands")
        raise ParameterError(f"There is no published protocol '{command}'. {hint}")
    loaded = cell if isinstance(cell, Cell) else Cell.load(cell)
    several = isinstance(rate, list | tuple)
    rates = list(rate) if several else [] if rate is None else [rate]
    entry = customary(loaded, command, rates)
    if entry is None:
        raise ParameterError(_missing(loaded, command, rates))
    options: dict[str, Any] = dict(entry)
    state = options.pop("state")
    if command == "rate":
        chosen = rates or entry.rates
        options["cycles"] = entry.counts(loaded, chosen)
        made = protocols.rate_test(chosen, **options)
    else:
        one = rates[0] if rates else None if command == "cycle" else entry.rates[0]
        made = getattr(protocols, command)(one, **options)
    return replace(made, state=state)


def _missing(cell: Cell, command: str, rates: Sequence[Any]) -> str:
    entries = (cell.data.get("protocols") or {}).get("published", [])
    known = [r for e in entries if e["command"] == command for r in e["rates"]]
    asked = f" at {', '.join(map(str, rates))}" if rates else ""
    there = f"; it has {', '.join(known)}" if known else ""
    return f"The paper of {cell.name} has no protocol for '{command}'{asked}{there}."
