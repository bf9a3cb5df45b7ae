"""Processes that stay from one sweep to the next: starting them costs seconds, not milliseconds."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing import get_context, parent_process
from typing import Any

__all__ = ["borrowed", "release"]

_IDLE = 600.0  # s: then they end, as each holds some 300 MB
_Key = tuple[Any, ...]
_idle: dict[_Key, tuple[ProcessPoolExecutor, threading.Timer]] = {}


@contextmanager
def borrowed(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Lend processes, those of an earlier sweep if they are there.

    Parameters
    ----------
    workers : int
        How many at most.

    Yields
    ------
    concurrent.futures.ProcessPoolExecutor
        Nobody else's meanwhile. An error inside ends it.
    """
    # A process keeps the settings that it began with.
    settings = sorted((k, v) for k, v in os.environ.items() if k.startswith("SSCELL_"))
    key = (workers, *settings)
    pool = _taken(key) or ProcessPoolExecutor(workers, get_context("spawn"), _follow_parent)
    try:
        yield pool
    except BaseException:
        pool.shutdown(cancel_futures=True)
        raise
    release()
    timer = threading.Timer(_IDLE, release)
    timer.daemon = True
    _idle[key] = pool, timer
    timer.start()


def _taken(key: _Key) -> ProcessPoolExecutor | None:
    if key not in _idle:
        return None
    pool, timer = _idle.pop(key)
    timer.cancel()
    with suppress(BrokenProcessPool):  # one may have been killed meanwhile
        pool.submit(int).result()
        return pool
    return None


def release() -> None:
    """End the processes that wait for another sweep.

    Examples
    --------
    >>> release()
    """
    while _idle:
        _, (pool, timer) = _idle.popitem()
        timer.cancel()
        pool.shutdown()


def _follow_parent() -> None:
    """End this process with its parent."""
    parent = parent_process()

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
