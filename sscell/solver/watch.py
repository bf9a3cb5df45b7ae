"""What looks on while a solver works: it reports, and ends what is cancelled or gets nowhere.

The compiled solver calls its logger after every internal step. That is the one moment at which
Python has its turn: signals are handled and other threads run. Of what a logger raises, only a
KeyboardInterrupt ends the solve.
"""

from __future__ import annotations

import functools
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

import pybamm

from sscell.errors import ParameterError, SimulationError

__all__ = [
    "PATIENCE",
    "STEPS",
    "Cancelled",
    "Look",
    "NoProgress",
    "Watch",
    "alone",
    "watched",
    "watching",
]

PATIENCE = 60.0  # s of solving without progress, after which a step has failed
STEPS = 100_000  # of the solver within one step, at the usual tolerance
_USUAL = 3e-6  # relative tolerance; finer ones take more steps, as the root of their ratio
_EVERY = 0.1  # s between two looks
_SHARE = 1e-3  # of a step's longest time: to go on by as much is progress
_AGAIN = 0.2  # of what a step may take: so far it is computed again if it fails
_TIME = re.compile(r"Step\s+(\d+): t = (\S+)")

_P = ParamSpec("_P")
_R = TypeVar("_R")
# Solvers and the buffers of their functions serve one thread at a time.
_ONE_AT_A_TIME = threading.RLock()


def alone(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Let no other thread solve or evaluate meanwhile.

    Parameters
    ----------
    function : callable
        That uses built models.

    Returns
    -------
    callable
        The same, one thread at a time.
    """

    @functools.wraps(function)
    def serial(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        with _ONE_AT_A_TIME:
            return function(*args, **kwargs)

    return serial


class Cancelled(SimulationError):
    """A run was ended by who had started it."""


class NoProgress(pybamm.SolverError):
    """A solver that got nowhere.

    Parameters
    ----------
    message : str
        What happened.
    reached : float
        Time since the start of the step up to which it had got on [s].
    """

    def __init__(self, message: str, reached: float):
        super().__init__(message)
        self.args = (message,)
        self.reached = reached
        self.partial: Any = None


class Watch:
    """What is asked of all solves for a while.

    Parameters
    ----------
    patience : float, optional
        Seconds of solving in which a step has to get on.
    cancel : threading.Event, optional
        Ends the run within a second of being set.
    on_look : callable, optional
        Called about ten times a second with the time since the start of the step and the
        step's longest time [s].
    steps : int, optional
        Most steps of the solver within one step [-], at the usual tolerance.

    Raises
    ------
    ParameterError
        If the patience or the steps are not positive.

    Examples
    --------
    >>> Watch().patience
    60.0
    """

    def __init__(
        self,
        patience: float = PATIENCE,
        cancel: threading.Event | None = None,
        on_look: Callable[[float, float], None] | None = None,
        steps: int = STEPS,
    ):
        if not patience > 0:
            raise ParameterError(f"The patience must be a positive time, not {patience}.")
        if not steps > 0:
            raise ParameterError(f"The steps must be a positive number, not {steps}.")
        self.patience, self.cancel, self.on_look = patience, cancel, on_look
        self.steps = steps

    def check(self) -> None:
        """Raise `Cancelled` if the run was cancelled."""
        if self.cancel is not None and self.cancel.is_set():
            raise Cancelled("The run was cancelled.")


_CURRENT: ContextVar[Watch] = ContextVar("watch", default=Watch())  # noqa: B039


def watched() -> Watch:
    """What is asked of solves now.

    Returns
    -------
    Watch

    Examples
    --------
    >>> watched().patience
    60.0
    """
    return _CURRENT.get()


@contextmanager
def watching(watch: Watch | None) -> Iterator[None]:
    """Ask something of all solves inside.

    Parameters
    ----------
    watch : Watch or None
        None: what is asked already.

    Yields
    ------
    None
    """
    before = _CURRENT.set(watched() if watch is None else watch)
    try:
        yield
    finally:
        _CURRENT.reset(before)


class Look:
    """Logger of one solve.

    Parameters
    ----------
    duration : float
        Longest time of the step [s].
    rtol : float, optional
        Relative tolerance of the solver [-].
    """

    def __init__(self, duration: float, rtol: float = _USUAL):
        self._watch, self._duration = watched(), duration
        self._steps = self._watch.steps * max(1.0, (_USUAL / rtol) ** 0.5)
        self._since = time.perf_counter()
        self._due = self._since + _EVERY
        self._got_on = self._since
        self._mark = 0.0  # s: where it last got on
        self._back = 0.0  # s: where it was after less than the patience
        self._ended: Exception | None = None

    def __call__(self, text: str) -> None:
        """Called by the solver after each of its steps."""
        now = time.perf_counter()
        if now < self._due:
            return
        self._due = now + _EVERY
        try:
            self._look(text, now)
        except Exception as error:
            self._ended = error
            raise _Ended from error

    def _look(self, text: str, now: float) -> None:
        self._watch.check()
        found = _TIME.match(text)
        if found is None:
            return
        count, t = int(found[1]), float(found[2])
        if self._watch.on_look is not None:
            self._watch.on_look(t, self._duration)
        if (t >= 2 * self._mark and t > 0) or t - self._mark >= _SHARE * self._duration:
            self._mark, self._got_on = t, now
            waited = (now - self._since) / self._watch.patience
            if max(waited, count / self._steps) < _AGAIN:
                self._back = t
        elif now - self._got_on > self._watch.patience:
            self._give_up(f"{now - self._got_on:.3g} s of computing", t)
        if count > self._steps:
            self._give_up(f"{count} steps of the solver", t)

    def _give_up(self, spent: str, t: float) -> None:
        raise NoProgress(
            f"no progress to speak of in {spent}, {t:.4g} s after the step began",
            self._back,
        )

    def solve(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a solver that has this logger.

        Parameters
        ----------
        function : callable
            Of the solver.
        *args, **kwargs
            Its arguments.

        Returns
        -------
        object
            What it returns.

        Raises
        ------
        Cancelled, NoProgress, KeyboardInterrupt
            What ended it in here.
        """
        try:
            return function(*args, logger=self, **kwargs)
        except (_Ended, ValueError):
            if self._ended is None:
                raise
            raise self._ended from None


class _Ended(KeyboardInterrupt):
    """The solver has to stop."""
