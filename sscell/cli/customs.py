"""Whether a command runs the paper's own protocol, and which parts of it are overridden."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import typer

from sscell.cli.common import RunOptions, given
from sscell.errors import ParameterError, did_you_mean

if TYPE_CHECKING:
    from sscell.protocols import Protocol

__all__ = ["Chosen", "check_choice", "choose"]

_CHOICES = ("published", "plain")


@dataclass(frozen=True)
class Chosen:
    """A protocol, and whose it is.

    Parameters
    ----------
    protocol : Protocol
        What to run; it brings its state along.
    kind : str
        ``"published"``, ``"plain"`` or ``"mixed"``: the paper's but for what was typed.
    source : str, optional
        Where the paper's stands.
    """

    protocol: Protocol
    kind: str
    source: str = ""

    def told(self) -> str:
        """Line of the text output; empty where nothing is to be said."""
        if self.kind == "plain":
            return ""
        begin = f", from the state {self.protocol.state}"
        return f"protocol: {self.kind} ({self.source}){begin}"


def check_choice(options: RunOptions, offered: bool = True) -> None:
    """Refuse a choice that is none.

    Parameters
    ----------
    options : RunOptions
        As typed.
    offered : bool, optional
        Whether the command knows protocols of papers.
    """
    asked = options.protocol
    if asked is None:
        return
    if asked not in _CHOICES:
        hint = did_you_mean(asked, _CHOICES, "protocols")
        raise ParameterError(f"--protocol '{asked}' is not one. {hint}")
    if asked == "published" and not offered:
        raise ParameterError("--protocol published goes with simulate, rate and gitt.")


def choose(
    context: typer.Context,
    cell: str,
    command: str,
    rates: Sequence[str],
    options: RunOptions,
    typed: Mapping[str, Any],
    build: Callable[..., Protocol],
    plain: Callable[[], Protocol] | None = None,
) -> Chosen:
    """Protocol of a command: the paper's where it has one, with what was typed instead.

    Parameters
    ----------
    context : typer.Context
        Says what was typed.
    cell : str
        As typed.
    command : str
        ``"cycle"``, ``"rate"`` or ``"gitt"``.
    rates : sequence of str
        Currents as typed; none where none was.
    options : RunOptions
        State and choice.
    typed : mapping
        Every option that a protocol takes, by name, with its value or default.
    build : callable
        Makes a protocol from currents and options.
    plain : callable, optional
        Makes the one that was typed; default: by `build` of what was typed.
    """
    from sscell.cells.cell import Cell
    from sscell.simulation.customary import customary, published

    check_choice(options)
    made = plain or (lambda: build(rates, **typed))
    if options.protocol == "plain":
        return Chosen(made(), "plain")
    loaded = Cell.load(cell)
    entry = customary(loaded, command, rates)
    if entry is None:
        if options.protocol == "published":
            published(loaded, command, list(rates) or None)  # says what there is
        return Chosen(made(), "plain")
    own: dict[str, Any] = dict(entry)
    state = own.pop("state")
    chosen = list(rates) or ([] if command == "cycle" else entry.rates)
    if command == "rate":
        own["cycles"] = entry.counts(loaded, chosen)
        if entry.index(loaded, chosen[0]) != 0 and "formation" in loaded.data["protocols"]:
            state = "formed"  # where the paper's test stands when it comes there
    changed = {n: v for n, v in typed.items() if given(context, n) and v != own.get(n)}
    begun = options.state or state
    whole = not changed and begun == entry["state"] and _all(command, chosen, entry.rates)
    protocol = replace(build(chosen, **{**typed, **own, **changed}), state=begun)
    return Chosen(protocol, "published" if whole else "mixed", entry.source)


def _all(command: str, chosen: Sequence[str], known: Sequence[str]) -> bool:
    """Whether a rate test has all the paper's currents."""
    return command != "rate" or len(chosen) == len(known)
