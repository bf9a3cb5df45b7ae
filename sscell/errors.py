"""The errors a user meets, each one a sentence with a remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

__all__ = ["DataError", "ParameterError", "SimulationError", "did_you_mean"]


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
