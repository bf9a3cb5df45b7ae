"""Alternate timing: on a busy machine only ratios of neighbours in time mean something."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Ratio", "Timing", "alternate", "ratio"]


@dataclass(frozen=True, eq=False)
class Timing:
    """How long one way took, round by round.

    Parameters
    ----------
    seconds : tuple of float
        One for each round [s].
    result : object
        Of the last round.

    Examples
    --------
    >>> Timing((1.0, 3.0, 2.0), None).median
    2.0
    """

    seconds: tuple[float, ...]
    result: Any

    @property
    def median(self) -> float:
        """Of the rounds [s]."""
        return float(np.median(self.seconds))

    @property
    def quartiles(self) -> tuple[float, float]:
        """First and third quartile of the rounds [s]."""
        low, high = np.quantile(self.seconds, (0.25, 0.75))
        return float(low), float(high)


@dataclass(frozen=True)
class Ratio:
    """Median of the ratios of the rounds, with their quartiles.

    Parameters
    ----------
    value, low, high : float
        [-].

    Examples
    --------
    >>> Ratio(2.0, 1.9, 2.2).inverse().value
    0.5
    """

    value: float
    low: float
    high: float

    def inverse(self) -> Ratio:
        """The same comparison the other way round."""
        return Ratio(1 / self.value, 1 / self.high, 1 / self.low)

    def times(self, factor: float) -> Ratio:
        """The same comparison, counted in other units."""
        return Ratio(self.value * factor, self.low * factor, self.high * factor)


def alternate(
    ways: Mapping[str, Callable[[], Any]],
    rounds: int,
    clock: Callable[[], float] = time.process_time,
    warm: bool = True,
) -> dict[str, Timing]:
    """Time several ways in turn, each once in every round.

    Parameters
    ----------
    ways : mapping of str to callable
        Without arguments.
    rounds : int
        How often each is timed [-]; the order turns from round to round.
    clock : callable, optional
        Seconds; default: processor time of this process, which other people's work on the
        machine disturbs less. What runs in other processes needs ``time.perf_counter``.
    warm : bool, optional
        Whether each way runs once before, untimed.

    Returns
    -------
    dict of str to Timing

    Examples
    --------
    >>> sorted(alternate({"a": lambda: 1, "b": lambda: 2}, rounds=1))
    ['a', 'b']
    """
    if warm:
        for way in ways.values():
            way()
    names = list(ways)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    results: dict[str, Any] = {}
    gc.collect()
    gc.freeze()  # what was there before is no way's rubbish, and takes long to look through
    try:
        for number in range(rounds):
            turn = number % len(names)
            for name in names[turn:] + names[:turn]:
                gc.collect()  # else one way pays for the other's rubbish
                begun = clock()
                results[name] = ways[name]()
                seconds[name].append(clock() - begun)
    finally:
        gc.unfreeze()
    return {name: Timing(tuple(seconds[name]), results[name]) for name in names}


def ratio(over: Timing, under: Timing) -> Ratio:
    """Cost of one way in units of another, round by round.

    Parameters
    ----------
    over, under : Timing
        Of the same rounds.

    Returns
    -------
    Ratio

    Examples
    --------
    >>> ratio(Timing((2.0, 4.0), None), Timing((1.0, 2.0), None)).value
    2.0
    """
    quotients = np.array(over.seconds) / np.array(under.seconds)
    low, middle, high = np.quantile(quotients, (0.25, 0.5, 0.75))
    return Ratio(float(middle), float(low), float(high))
