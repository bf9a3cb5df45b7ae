"""Many runs in several processes, which stay for the next: starting them costs seconds.

Work travels in chunks; what all chunks share is read once by each process. Every run is that of
one process alone, so results do not depend on how many there are.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any

from sscell.errors import ParameterError
from sscell.solver.cancelling import Cancelled, CancelToken

__all__ = ["chunked", "in_processes", "process_pool", "release", "workers_that_pay"]

_IDLE = 600  # s: then they end, as each holds some 300 MB
_GLANCE = 1.0  # s
_SOON = 0.1  # s after which a wish to end is heard
_STARTING, _STARTED = 12.0, 0.5  # s of work, below which processes do not pay
_ROUNDS = 4  # chunks per worker, so that none waits long for the last
_kept: list[Executor] = []


@contextmanager
def process_pool(workers: int) -> Iterator[Executor]:
    """Processes for some work, those of earlier work if they are there.

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


def workers_that_pay(seconds: float, asked: int | None = None) -> int:
    """How many processes to run some work in.

    Parameters
    ----------
    seconds : float
        That one process would take [s].
    asked : int, optional
        As the user wants; default: as many as there are processors, where that pays.

    Returns
    -------
    int
        1 for work that takes less time than starting processes does, and in a process that is
        one of several already. The environment variable ``SSCELL_WORKERS`` says how many there
        are at most.

    Raises
    ------
    ParameterError
        If that variable is no positive whole number.

    Examples
    --------
    >>> workers_that_pay(0.1), workers_that_pay(0.1, asked=3)
    (1, 3)
    """
    if asked is not None:
        return asked
    if seconds < (_STARTED if _kept else _STARTING):
        return 1
    if _known or multiprocessing.parent_process() is not None:
        return 1
    from loky import cpu_count

    most = os.environ.get("SSCELL_WORKERS", "").strip()
    if most and not (most.isdecimal() and int(most)):
        raise ParameterError(
            f"SSCELL_WORKERS must be a positive whole number, not '{most}'."
        )
    return min(int(cpu_count()), int(most or cpu_count()))


def chunked(items: Sequence[Any], workers: int) -> list[Sequence[Any]]:
    """Some chunks for each worker.

    Parameters
    ----------
    items : sequence
        To be worked on.
    workers : int
        How many [-].

    Returns
    -------
    list of sequence

    Examples
    --------
    >>> [len(chunk) for chunk in chunked(range(10), 1)]
    [3, 3, 3, 1]
    """
    size = max(-(-len(items) // (_ROUNDS * workers)), 1)
    return [items[i : i + size] for i in range(0, len(items), size)]


def in_processes(
    task: Callable[[Any, Any], Any],
    shared: Any,
    chunks: Sequence[Any],
    workers: int,
    cancel: CancelToken | None = None,
) -> Iterator[Any]:
    """Work on chunks in processes, and hand over each result as it is there, in any order.

    Parameters
    ----------
    task : callable
        Of a module: takes a chunk and what is shared.
    shared : object
        What pickle takes; each process reads it once.
    chunks : sequence
        To be worked on.
    workers : int
        Processes.
    cancel : CancelToken, optional
        Ends the work.

    Yields
    ------
    object
        What the task returned.

    Raises
    ------
    Cancelled
        If it was ended.
    BrokenProcessPool
        If a process died.
    """
    told = pickle.dumps((task, shared))
    with process_pool(workers) as pool:
        pending = {pool.submit(_do, chunk, told) for chunk in chunks}
        glance = None if cancel is None else _SOON
        while pending:
            done, pending = wait(pending, glance, return_when=FIRST_COMPLETED)
            if cancel is not None and cancel.cancelled:
                raise Cancelled("The work was cancelled.")
            for future in done:
                yield future.result()


_known: dict[bytes, Any] = {}  # what this process has read, where it is one of several


def _do(chunk: Any, told: bytes) -> Any:
    if told not in _known:
        _known.clear()
        _known[told] = pickle.loads(told)
    task, shared = _known[told]
    return task(chunk, shared)


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
    """End the processes that wait for more work.

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
