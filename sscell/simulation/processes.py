"""Many runs in several processes, which stay for the next: starting them costs seconds.

Work travels in chunks; what all chunks share is read once by each process. Every run is that of
one process alone, so results depend on how many there are by no more than the tolerances leave
open: a process that has run for a while goes on with compiled functions, another does not yet.
With ``SSCELL_COMPILE=off`` they are the same to the last bit.
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

from sscell.errors import ParameterError, SimulationError
from sscell.protocols.steps import whole
from sscell.simulation.progress import Progress
from sscell.solver.cancelling import CancelToken
from sscell.solver.watch import Watch, asked, watched, watching

__all__ = [
    "check_workers",
    "chunked",
    "in_order",
    "in_processes",
    "process_pool",
    "release",
    "workers_that_pay",
]

_IDLE = 600  # s: then they end, as each holds some 300 MB
_GLANCE = 1.0  # s
_SOON = 0.1  # s after which a wish to end is heard
_STARTING, _STARTED = 12.0, 0.5  # s of work, below which processes do not pay
_ROUNDS = 4  # chunks per worker, so that none waits long for the last
_MOST = "SSCELL_WORKERS"
_kept: list[tuple[Executor, float]] = []  # and when it was used last [s]


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
        _kept.clear()
        pool.shutdown(kill_workers=True)
        raise
    _kept[:] = [(pool, time.monotonic())]


def check_workers(workers: int | None) -> None:
    """Refuse a number of processes before anything runs.

    Parameters
    ----------
    workers : int, optional
        As the user wants.

    Raises
    ------
    ParameterError
        If it, or ``SSCELL_WORKERS`` of the environment, is no positive whole number.

    Examples
    --------
    >>> check_workers(2)
    """
    if workers is not None:
        whole(workers, "Workers")
    _most()


def _most() -> int | None:
    most = os.environ.get(_MOST, "").strip()
    if most and not (most.isdecimal() and int(most)):
        raise ParameterError(f"{_MOST} must be a positive whole number, not '{most}'.")
    return int(most) if most else None


def workers_that_pay(seconds: float, asked: int | None = None) -> int:
    """How many processes to run some work in.

    Parameters
    ----------
    seconds : float
        That one process would take [s].
    asked : int, optional
        As the user wants, whatever the environment says; default: as many as there are
        processors, where that pays.

    Returns
    -------
    int
        1 for work that takes less time than starting processes does, and in a process that is
        one of several already. The environment variable ``SSCELL_WORKERS`` says how many there
        are at most where none are asked for.

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
    most = _most()
    there = any(time.monotonic() - used < _IDLE for _, used in _kept)
    if seconds < (_STARTED if there else _STARTING):
        return 1
    if _known or multiprocessing.parent_process() is not None:
        return 1
    from loky import cpu_count

    return min(int(cpu_count()), most or int(cpu_count()))


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


def in_order(
    task: Callable[..., Any],
    shared: Any,
    items: Sequence[Any],
    workers: int,
    shares: Iterator[Progress],
    cancel: CancelToken | None = None,
    or_here: bool = False,
) -> list[Any]:
    """Work on items, one after the other or in processes, and collect the results in order.

    Parameters
    ----------
    task : callable
        Takes an item, what is shared, and a `Progress` or None.
    shared : object
        What all items need.
    items : sequence
        To be worked on.
    workers : int
        1: in this process.
    shares : iterator of Progress
        One for each item.
    cancel : CancelToken, optional
        Ends the work.
    or_here : bool, optional
        Whether what cannot be handed to a process is worked on in this one.

    Returns
    -------
    list
        What the task returned for each item.

    Raises
    ------
    Cancelled
        If it was ended.
    ParameterError
        If it cannot be handed to a process.
    SimulationError
        If a process died.

    Examples
    --------
    >>> shares = iter([print, print])
    >>> in_order(lambda item, shared, tell: item * shared, 3, [1, 2], 1, shares)
    [3, 6]
    """
    told = None
    if workers > 1:
        try:
            told = _told((_each, (task, shared)))
        except ParameterError:
            if not or_here:
                raise
    if told is None:
        with watching(asked(cancel)):
            return [task(item, shared, next(shares)) for item in items]
    found: dict[int, Any] = {}
    chunks = chunked(list(enumerate(items)), workers)
    for results in _results(told, chunks, workers, cancel, "Try fewer workers."):
        for number, result in results:
            found[number] = result
            next(shares)(1.0, f"run {len(found)} of {len(items)}")
    return [found[number] for number in range(len(items))]


def _each(chunk: Sequence[tuple[int, Any]], about: tuple[Any, Any]) -> list[Any]:
    task, shared = about
    return [(number, task(item, shared, None)) for number, item in chunk]


def in_processes(
    task: Callable[[Any, Any], Any],
    shared: Any,
    chunks: Sequence[Any],
    workers: int,
    cancel: CancelToken | None = None,
    advice: str = "Try fewer workers.",
) -> Iterator[Any]:
    """Work on chunks in processes, and hand over each result as it is there, in any order.

    Parameters
    ----------
    task : callable
        Takes a chunk and what is shared.
    shared : object
        What can be pickled; each process reads it once.
    chunks : sequence
        To be worked on.
    workers : int
        Processes.
    cancel : CancelToken, optional
        Ends the work; default: what ends all solves now.
    advice : str, optional
        A sentence, for when a process died.

    Yields
    ------
    object
        What the task returned.

    Raises
    ------
    Cancelled
        If it was ended.
    ParameterError
        If it cannot be handed to a process.
    SimulationError
        If a process died.
    """
    yield from _results(_told((task, shared)), chunks, workers, cancel, advice)


def _told(work: tuple[Any, Any]) -> bytes:
    """What each process reads: unlike pickle, with functions of a script and nameless ones."""
    import cloudpickle

    watch = watched()
    try:
        return cloudpickle.dumps((*work, watch.patience, watch.steps))
    except (TypeError, AttributeError, pickle.PicklingError) as error:
        raise ParameterError(
            f"This cannot be handed to other processes ({error}); give workers=1."
        ) from error


def _results(
    told: bytes,
    chunks: Sequence[Any],
    workers: int,
    cancel: CancelToken | None,
    advice: str,
) -> Iterator[Any]:
    watch = asked(cancel)
    glance = None if watch.cancel is None else _SOON
    try:
        with process_pool(workers) as pool:
            pending = {pool.submit(_do, chunk, told) for chunk in chunks}
            while pending:
                done, pending = wait(pending, glance, return_when=FIRST_COMPLETED)
                watch.check()
                for future in done:
                    yield future.result()
    except BrokenProcessPool as error:
        raise SimulationError(
            f"A process died, often for want of memory. {advice}"
        ) from error


_known: dict[bytes, Any] = {}  # what this process has read, where it is one of several


def _do(chunk: Any, told: bytes) -> Any:
    if told not in _known:
        _known.clear()
        _known[told] = pickle.loads(told)
    task, shared, patience, steps = _known[told]
    with watching(Watch(patience, steps=steps)):
        return task(chunk, shared)


def _executor(workers: int) -> Any:
    from loky import get_reusable_executor

    # A process keeps the settings that it began with: others have others begin.
    settings = {k: v for k, v in os.environ.items() if k.startswith("SSCELL_")}
    pool = get_reusable_executor(
        workers, timeout=_IDLE, env=settings, initializer=_follow, initargs=(os.getpid(),)
    )
    _kept[:] = [(pool, time.monotonic())]
    return pool


def release() -> None:
    """End the processes that wait for more work.

    Examples
    --------
    >>> release()
    """
    while _kept:
        _kept.pop()[0].shutdown()


def _follow(parent: int) -> None:
    """End this process with its parent, even one that was killed."""

    def follow() -> None:
        while os.getppid() == parent:
            time.sleep(_GLANCE)
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
