"""Work that takes a while: what a page asked for, how far it is, and what came of it."""

from __future__ import annotations

import itertools
import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["ENDED", "Curve", "Job"]

ENDED = ("done", "cancelled", "refused", "failed", "lost")
_MOST = 4000  # points of a live curve; beyond, every second one is kept
_NUMBERS = itertools.count(1)


class Curve:
    """A curve that grows, with so many points at most.

    Examples
    --------
    >>> curve = Curve()
    >>> curve.add({"Time [s]": [0.0, 1.0], "Voltage [V]": [2.0, 1.9]})
    >>> curve.columns["Voltage [V]"]
    [2.0, 1.9]
    """

    def __init__(self) -> None:
        self.columns: dict[str, list[float]] = {}

    def add(self, more: Mapping[str, Any]) -> None:
        """Add points.

        Parameters
        ----------
        more : mapping of str to sequence of float
            Columns of equal length, always the same ones.
        """
        for name, values in more.items():
            self.columns.setdefault(name, []).extend(float(v) for v in values)
        if self.columns and len(next(iter(self.columns.values()))) > _MOST:
            self.columns = {
                n: [*v[:-1:2], v[-1]] for n, v in self.columns.items()
            }  # the newest point stays


@dataclass(eq=False)
class Job:
    """One piece of work.

    It belongs to the server, not to a page: a page that is opened again finds it by its
    number.

    Parameters
    ----------
    task : str
        What a worker does.
    arguments : dict
        With what.
    title : str
        In words.
    on_end : callable, optional
        Called with the job when it has ended, from another thread.
    number : int, optional
        Of its own.
    state : str, optional
        ``"waiting"``, ``"running"`` or one of `ENDED`.
    share : float, optional
        Done so far [-].
    text, note : str, optional
        Where it is; and how it ended, in a sentence.
    told : dict, optional
        What else the worker told last, by name.
    curve : Curve, optional
        What was computed so far.
    result : object, optional
        What came of it.
    began, ended : float, optional
        When, on the clock of this machine [s].
    stopping : bool, optional
        Whether it was cancelled and has not ended yet.
    events : int, optional
        How often the worker told something.
    """

    task: str
    arguments: dict[str, Any]
    title: str = ""
    on_end: Callable[[Job], None] | None = None
    number: int = field(default_factory=lambda: next(_NUMBERS))
    state: str = "waiting"
    share: float = 0.0
    text: str = ""
    note: str = ""
    told: dict[str, Any] = field(default_factory=dict)
    curve: Curve = field(default_factory=Curve)
    result: Any = None
    began: float = math.nan
    ended: float = math.nan
    stopping: bool = False
    events: int = 0
    _over: threading.Event = field(default_factory=threading.Event, repr=False)

    def begin(self) -> None:
        """A worker has taken it up."""
        self.state, self.began = "running", time.monotonic()

    def hear(self, event: Mapping[str, Any]) -> None:
        """Take up what the worker tells.

        Parameters
        ----------
        event : mapping
            ``share`` [-], ``text``, ``curve``; anything else is kept as the latest of its
            name.
        """
        rest = dict(event)
        self.events += 1
        self.share = float(rest.pop("share", self.share))
        self.text = str(rest.pop("text", self.text))
        more = rest.pop("curve", None)
        if more:
            self.curve.add(more)
        self.told.update(rest)

    def end(self, state: str, result: Any = None, note: str = "") -> None:
        """It is over.

        Parameters
        ----------
        state : str
            One of `ENDED`.
        result : object, optional
            What there is.
        note : str, optional
            A sentence for the reader.
        """
        if self.is_over:
            return
        self.result, self.note, self.ended = result, note, time.monotonic()
        self.share = 1.0 if state == "done" else self.share
        self.state = state
        if self.on_end is not None:
            self.on_end(self)
        self._over.set()

    @property
    def is_over(self) -> bool:
        """Whether it has ended, in whatever way."""
        return self.state in ENDED

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for its end.

        Parameters
        ----------
        seconds : float, optional
            At most [s].

        Returns
        -------
        bool
            Whether it has ended.
        """
        return self._over.wait(seconds)

    @property
    def seconds(self) -> float:
        """How long it has been running [s]."""
        if math.isnan(self.began):
            return 0.0
        return (time.monotonic() if math.isnan(self.ended) else self.ended) - self.began
