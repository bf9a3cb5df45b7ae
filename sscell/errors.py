"""The errors a user meets, each one a sentence with a remedy."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Any

__all__ = ["DataError", "ParameterError", "SimulationError", "condensed", "did_you_mean"]

_NUMBER = re.compile(r"(?<![A-Za-z0-9.])[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")


class ParameterError(ValueError):
    """A value, name or option that was given is not usable."""


class DataError(ValueError):
    """A measured file or dataset lacks something or cannot be read."""


class SimulationError(RuntimeError):
    """A simulation stopped before its protocol ended.

    Parameters
    ----------
    message : str
        What failed, when, and what to try.
    partial : xarray.Dataset, optional
        Everything that was computed before the failure.
    """

    def __init__(self, message: str, partial: Any = None):
        super().__init__(message)
        self.partial = partial


def did_you_mean(name: str, valid: Iterable[str], what: str = "") -> str:
    """Sentence that names the nearest valid names, or lists all if there are few.

    Parameters
    ----------
    name : str
        What was given.
    valid : iterable of str
        What is allowed.
    what : str, optional
        Plural noun for the list, such as ``"cells"``.

    Returns
    -------
    str
        A sentence, or an empty string if nothing is valid.

    Examples
    --------
    >>> did_you_mean("Ji2023", ["Ji2024", "Pan2023"])
    "Did you mean 'Ji2024' or 'Pan2023'?"
    """
    valid = sorted(set(valid))
    lower = {v.lower(): v for v in reversed(valid)}
    near = [lower[m] for m in difflib.get_close_matches(name.lower(), lower, n=3)]
    if near:
        return "Did you mean " + " or ".join(f"'{n}'" for n in near) + "?"
    if len(valid) <= 12 and valid:
        return f"Known{' ' + what if what else ''}: {', '.join(valid)}."
    return ""


def condensed(notes: Iterable[str]) -> list[str]:
    """One sentence for each kind of note: those that differ in their numbers alone are one kind.

    Parameters
    ----------
    notes : iterable of str
        Sentences; the first number of one says how bad it is.

    Returns
    -------
    list of str
        In order; the worst of a kind stands for all and says how many there are.

    Examples
    --------
    >>> condensed(["The DRT misses by 2 %.", "The DRT misses by 5 %.", "No area is known."])
    ['The DRT misses by 5 %. (The worst of 2 such notes.)', 'No area is known.']
    """
    kinds: dict[str, list[str]] = {}
    for note in notes:
        same = kinds.setdefault(_NUMBER.sub("#", note), [])
        if note not in same:
            same.append(note)
    found = []
    for same in kinds.values():
        worst = max(same, key=_first_number)
        more = f" (The worst of {len(same)} such notes.)" if len(same) > 1 else ""
        found.append(worst + more)
    return found


def _first_number(note: str) -> float:
    number = _NUMBER.search(note)
    return abs(float(number[0])) if number else 0.0
