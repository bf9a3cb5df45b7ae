"""Processes that stay from one sweep to the next: starting them costs seconds, not milliseconds."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any

__all__ = ["process_pool", "release"]

_IDLE = 600  # s: then they end, as each holds some 300 MB
_GLANCE = 1.0  # s
_kept: list[Executor] = []


@contextmanager
def process_pool(workers: int) -> Iterator[Executor]:
    """Processes for a sweep, those of an earlier one if they are there.

    Parameters
    ----------
    workers : int
        How many.

    Yields
    ------
    concurrent.futures.Executor
        An error inside, or an interrupt, ends its processes at once.
    """
    pool = _executor(workers)
    try:
        pool.submit(int).result()
    except BrokenProcessPool:  # one may have been killed meanwhile
        pool = _executor(workers)
    try:
        yield pool
    except BaseException:
        pool.shutdown(kill_workers=True)
        raise


def _executor(workers: int) -> Any:
    from loky import get_reusable_executor

    # A process keeps the settings that it began with: others have others begin.
    settings = {k: v for k, v in os.environ.items() if k.startswith("SSCELL_")}
    pool = get_reusable_executor(
        workers, timeout=_IDLE, env=settings, initializer=_follow, initargs=(os.getpid(),)
    )
    _kept[:] = [pool]
    return pool


def release() -> None:
    """End the processes that wait for another sweep.

    Examples
    --------
    >>> release()
    """
    while _kept:
        _kept.pop().shutdown()


def _follow(parent: int) -> None:
    """End this process with its parent, even one that was killed."""

    def follow() -> None:
        while os.getppid() == parent:
            time.sleep(_GLANCE)
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
