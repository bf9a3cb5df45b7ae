"""Ending work from outside: from another thread, or from a callback of the work itself."""

from __future__ import annotations

import threading
import time

from sscell.errors import SimulationError

__all__ = ["CancelToken", "Cancelled", "Deadline"]


class Cancelled(SimulationError):
    """A run was ended by who had started it; carries what was computed before."""


class CancelToken:
    """Ends the simulations and fits that it was given to.

    Any thread may cancel, and so may a callback that is told of progress. A run then ends
    within a fraction of a second.

    Examples
    --------
    >>> token = CancelToken()
    >>> token.cancelled
    False
    >>> token.cancel()
    >>> token.cancelled
    True
    """

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """End the work; more than once does nothing more."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        """Whether the work has to end."""
        return self._event.is_set()


class Deadline(CancelToken):
    """Cancels by itself.

    Parameters
    ----------
    seconds : float
        From now on [s].

    Examples
    --------
    >>> Deadline(0.0).cancelled
    True
    """

    def __init__(self, seconds: float):
        super().__init__()
        self._end = time.monotonic() + seconds

    @property
    def cancelled(self) -> bool:
        """Whether the time is over."""
        return super().cancelled or time.monotonic() >= self._end
