"""What looks on while a solver works: it reports, and ends what is cancelled or gets nowhere.

The compiled solver calls its logger after every internal step. That is the one moment at which
Python has its turn: signals are handled and other threads run. Of what a logger raises, only a
KeyboardInterrupt ends the solve, and nothing of the solution is left then.
"""

from __future__ import annotations

import functools
import math
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

from sscell.errors import ParameterError
from sscell.solver.cancelling import Cancelled, CancelToken
from sscell.units import parse_quantity

__all__ = [
    "PATIENCE",
    "STEPS",
    "Look",
    "NoProgress",
    "Paused",
    "SolverFailure",
    "Watch",
    "alone",
    "asked",
    "failures",
    "watched",
    "watching",
]

PATIENCE = 60.0  # s of solving without progress, after which a step has failed
STEPS = 100_000  # of the solver within one step, at the usual tolerance
_USUAL = 3e-6  # relative tolerance; finer ones take more steps, as the root of their ratio
_EVERY = 0.05  # s between two looks
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


class SolverFailure(Exception):
    """A step that the solver could not integrate."""


def failures() -> tuple[type[Exception], ...]:
    """What a step raises that fails: whoever integrated it, and without importing PyBaMM.

    Returns
    -------
    tuple of type
        For ``except``.

    Examples
    --------
    >>> SolverFailure in failures()
    True
    """
    own = (SolverFailure, FloatingPointError)
    loaded = sys.modules.get("pybamm")
    return own if loaded is None else (*own, loaded.SolverError)


class NoProgress(SolverFailure):
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


class Paused(SolverFailure):
    """A piece of a step that took longer than it was to.

    Parameters
    ----------
    reached : float
        Time since the start of the step up to which it had got on [s].
    """

    def __init__(self, reached: float):
        super().__init__("paused")
        self.reached = reached


class Watch:
    """What is asked of all solves for a while.

    Parameters
    ----------
    patience : float, optional
        Seconds of solving in which a step has to get on.
    cancel : CancelToken, optional
        Ends the run within a fraction of a second of being cancelled.
    on_look : callable, optional
        Called some ten times a second with the time since the start of the step and the
        step's longest time [s].
    steps : int, optional
        Most steps of the solver within one step [-], at the usual tolerance.
    interrupts : bool, optional
        Whether what is cancelled ends as by Ctrl-C, not as a run that has failed.

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
        cancel: CancelToken | None = None,
        on_look: Callable[[float, float], None] | None = None,
        steps: int = STEPS,
        interrupts: bool = False,
    ):
        if not patience > 0:
            raise ParameterError(f"The patience must be a positive time, not {patience}.")
        if not steps > 0:
            raise ParameterError(f"The steps must be a positive number, not {steps}.")
        self.patience, self.cancel, self.on_look = patience, cancel, on_look
        self.steps, self.interrupts = steps, interrupts

    def check(self) -> None:
        """Raise `Cancelled`, or a KeyboardInterrupt, if the run was cancelled."""
        if self.cancel is not None and self.cancel.cancelled:
            if self.interrupts:
                raise KeyboardInterrupt
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


def asked(
    cancel: CancelToken | None = None,
    patience: float | str | None = None,
    interrupts: bool = False,
) -> Watch:
    """What is asked of solves now, with something else asked beside.

    Parameters
    ----------
    cancel : CancelToken, optional
        Default: that of now.
    patience : float or str, optional
        A time [s]; default: that of now.
    interrupts : bool, optional
        Whether `cancel` ends as by Ctrl-C.

    Returns
    -------
    Watch

    Examples
    --------
    >>> asked(patience="2 min").patience
    120.0
    """
    now = watched()
    waits = now.patience
    if patience is not None:
        waits = parse_quantity(patience, "s", "patience")
    if cancel is None:
        cancel, interrupts = now.cancel, now.interrupts
    return Watch(waits, cancel, now.on_look, now.steps, interrupts)


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
    """Logger of the solves of one step.

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
        self._before = 0  # steps of the solver in the pieces that are done
        self._count = 0
        self._pause: tuple[float, float] = (math.inf, 0.0)  # when, unless it is still here
        self._ended: Exception | None = None

    def begin(self, at: float, seconds: float) -> None:
        """Begin a piece of the step.

        Parameters
        ----------
        at : float
            Time since the start of the step [s].
        seconds : float
            Of solving, after which the piece is `Paused` [s].
        """
        self._before += self._count
        self._count = 0
        self._pause = time.perf_counter() + seconds, at

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
        self._count, t = int(found[1]), float(found[2])
        count = self._before + self._count
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
        due, at = self._pause
        if now > due and t > at:
            raise Paused(t)

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
        Cancelled, NoProgress, Paused, KeyboardInterrupt
            What ended it in here.
        """
        self._ended = None
        try:
            return function(*args, logger=self, **kwargs)
        except (_Ended, ValueError):
            if self._ended is None:
                raise
            raise self._ended from None


class _Ended(KeyboardInterrupt):
    """The solver has to stop."""
