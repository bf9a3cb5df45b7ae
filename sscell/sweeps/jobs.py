"""How the points of a sweep are run: here, in processes or on a cluster.

Points travel in chunks, because a cluster pays milliseconds for every task it hands out. A
process reads the cell once.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, is_dataclass, replace
from functools import cached_property, partial
from typing import Any

import sscell
from sscell.analysis.summary import summary
from sscell.cells.cell import Cell
from sscell.errors import ParameterError, SimulationError
from sscell.protocols import Protocol, Step
from sscell.protocols.steps import OPPOSITE
from sscell.simulation.engine import Resolution
from sscell.simulation.processes import in_processes
from sscell.simulation.simulation import simulate
from sscell.solver.cache import sources
from sscell.solver.watch import alone
from sscell.units import Rate, parse_rate

__all__ = ["Job", "Pace", "connected", "run_points"]

_NUMBERS = ("direction", "cycle", "capacity_mAh_g", "energy_Wh_kg", "mean_voltage_V")
_PHASES = ("max_phase_fraction", "final_phase_fraction")
# What a file says of a cell beside what a run computes with; of the validity, one limit
# refuses a run.
_DESCRIPTIVE = {"schema", "name", "title", "notes", "citation", "validity"}
_CHUNK = 16  # points; at 1.7 ms a task, the cluster's share is below 0.2 ms a point
# Sources that a row depends on, beside those of the model.
_MADE_BY = ("protocols/*.py", "analysis/*.py", "sweeps/jobs.py")
_ROUNDS = 16  # chunks per worker, so that none waits long for the last

Point = Mapping[str, Any]
Chunk = list[tuple[int, Point]]
Results = list[tuple[int, dict[str, Any]]]


@dataclass(frozen=True)
class Job:
    """What is the same at every point of a sweep.

    Parameters
    ----------
    cell : Cell
        Before the changes of a point.
    protocol : Protocol
        Before the rate of a point.
    options : mapping
        For `sscell.simulate`.
    """

    cell: Cell
    protocol: Protocol
    options: Mapping[str, Any]

    def run(self, point: Point) -> dict[str, Any]:
        """Simulate a point.

        Parameters
        ----------
        point : mapping
            Temperature [degC], pressure [MPa], rate and parameters.

        Returns
        -------
        dict
            ``rows``, one per half cycle, or ``failure``, the reason.
        """
        changes = dict(point)
        celsius, rate = changes.pop("temperature", None), changes.pop("rate", None)
        options = {
            **self.options,
            "changes": {**(self.options.get("changes") or {}), **changes},
        }
        if "pressure" in changes:
            options["pressure"] = options["changes"].pop("pressure")
        if celsius is not None:
            options["temperature"] = celsius
        protocol = self.protocol if rate is None else _paced(self.protocol, rate)
        try:
            data = simulate(self.cell, protocol, outputs=self._outputs, **options)
        except (ParameterError, SimulationError) as error:
            return {"failure": str(error)}
        return {"rows": [_row(s) for s in summary(data)["steps"] if not s["preparatory"]]}

    @cached_property
    def _outputs(self) -> list[str]:
        """What the rows of a sweep are made from."""
        beside = ["Electrolyte redox current [A]"] if self.cell.has_redox else []
        fractions = [f"{phase} fraction" for phase in self.cell.host.phases]
        return [n for n in fractions if n in self.cell.host.outputs] + beside

    def key(self, point: Point) -> str:
        """Name of a point's result: a hash of everything that it depends on.

        Parameters
        ----------
        point : mapping
            As for `run`.

        Returns
        -------
        str
            Hexadecimal digits.
        """
        plain = dict(point)
        if "rate" in plain:
            rate = parse_rate(plain["rate"])
            plain["rate"] = [rate.value, rate.kind]
        return _digest([self._digest, plain])

    @cached_property
    def _digest(self) -> str:
        tables = {k: v for k, v in self.cell.data.items() if k not in _DESCRIPTIVE}
        limits = self.cell.data.get("validity", {}).get("single_values_C")
        options = dict(self.options)
        options["resolution"] = options.get("resolution") or Resolution()
        return _digest(
            [
                *(sources(*_MADE_BY), tables, limits, self.cell.values),
                *(self.protocol.describe(), self.protocol.needs, options),
                *(self.protocol.steps(way) for way in ("discharge", "charge")),
            ]
        )


def _paced(protocol: Protocol, rate: Any) -> Protocol:
    """Protocol with another current in all its half cycles."""
    options = {**protocol.options, "rate": str(rate)}
    steps = partial(_paced_steps, protocol, parse_rate(rate))
    return Protocol(protocol.name, options, steps, protocol.needs)


def _paced_steps(protocol: Protocol, rate: Rate, first_step: str) -> tuple[Step, ...]:
    def paced(step: Step) -> Step:
        before = None if step.before is None else paced(step.before)
        step = replace(step, before=before)
        return replace(step, rate=rate) if step.direction in OPPOSITE else step

    return tuple(paced(step) for step in protocol.steps(first_step))


def _row(step: Mapping[str, Any]) -> dict[str, Any]:
    """What a sweep keeps of a half cycle."""
    row = {name: step[name] for name in _NUMBERS}
    row["peak_count"] = len(step["dqdv_peaks"])
    return row | {name: step[name] for name in _PHASES if name in step}


def _digest(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return str(value)


# Where points run ----------------------------------------------------------------------


@contextmanager
def connected(scheduler: Any, workers: int) -> Iterator[tuple[Any, int]]:
    """Client of a cluster for the time of a sweep, and how many workers there are.

    Parameters
    ----------
    scheduler : str, distributed.Client or None
        Address such as ``"tcp://host:8786"``; None: no cluster.
    workers : int
        Processes without a cluster.

    Yields
    ------
    tuple
        Client or None, and the number of workers [-].

    Raises
    ------
    ParameterError
        If dask.distributed is missing, nothing answers at the address, or the cluster has
        not this version of sscell.
    """
    if scheduler is None:
        yield None, workers
        return
    if workers != 1:
        raise ParameterError(
            "Give workers or a scheduler: a scheduler has its own workers."
        )
    try:
        from distributed import Client
        from distributed.comm.addressing import get_address_host_port
    except ImportError as error:
        raise ParameterError(
            "A scheduler needs dask.distributed: pip install 'sscell[cluster]'."
        ) from error
    client: Any = scheduler
    if isinstance(scheduler, str):
        try:
            get_address_host_port(scheduler)  # a client for a misspelt address never ends
            client = Client(scheduler, timeout="10s", set_as_default=False)
        except (OSError, ValueError) as error:
            raise ParameterError(
                f"No scheduler answers at '{scheduler}'; its log names its address, such as "
                "tcp://host:8786."
            ) from error
    elif not isinstance(scheduler, Client):
        raise ParameterError(
            f"A scheduler is an address or a distributed.Client, not {scheduler!r}."
        )
    try:
        client.wait_for_workers(1)
        _check_environment(client)
        yield client, len(client.nthreads())
    finally:
        if client is not scheduler:
            client.close()


def _check_environment(client: Any) -> None:
    try:
        there = {client.run_on_scheduler(_version), *client.run(_version).values()}
    except Exception as error:  # dask raises no narrower class for what a worker lacks
        raise ParameterError(
            f"The scheduler and its workers need sscell installed as here ({error})."
        ) from error
    if there != {sscell.__version__}:
        raise ParameterError(
            f"The cluster has sscell {', '.join(sorted(there))}; here it is "
            f"{sscell.__version__}."
        )


def _version() -> str:
    return sscell.__version__


def run_points(
    job: Job, points: Chunk, workers: int, client: Any = None
) -> Generator[Results]:
    """Run numbered points and yield results as they finish, in any order.

    Parameters
    ----------
    job : Job
        What they share.
    points : list of tuple
        Numbers and points.
    workers : int
        Processes, or workers of the cluster.
    client : distributed.Client, optional
        Of a cluster.

    Yields
    ------
    list of tuple
        Numbers and results; a point that ended all its workers has ``lost`` set.

    Raises
    ------
    SimulationError
        If a local process or the scheduler died.
    """
    size = min(_CHUNK, len(points) // (_ROUNDS * workers)) or 1
    chunks = [points[i : i + size] for i in range(0, len(points), size)]
    if client is not None:
        yield from _on_cluster(job, chunks, client)
    elif workers == 1:
        for point in points:
            yield _run([point], job)
    else:
        advice = "Try fewer workers; with a store, what had finished is kept."
        yield from in_processes(_run, job, chunks, workers, advice=advice)


@alone
def _run(chunk: Chunk, job: Job) -> Results:
    return [(number, job.run(point)) for number, point in chunk]


def _on_cluster(job: Job, chunks: list[Chunk], client: Any) -> Iterator[Results]:
    from concurrent.futures import CancelledError

    from distributed import KilledWorker, as_completed

    # The job is a task's result, not scattered data: if the workers that hold it are lost,
    # the scheduler makes it again.
    shared = client.submit(_itself, job, pure=False)
    futures = client.map(_run, chunks, job=shared, pure=False)
    asked = {future.key: chunk for future, chunk in zip(futures, chunks, strict=True)}
    try:
        for future in as_completed(futures, loop=client.loop):
            error = future.exception() if future.status == "error" else None
            if isinstance(error, KilledWorker):
                reason = "Every worker that ran it died, often for want of memory or time."
                yield [(n, {"failure": reason, "lost": True}) for n, _ in asked[future.key]]
            else:
                yield future.result()
            future.release()
    except (CancelledError, OSError) as error:
        raise SimulationError(
            "The scheduler was lost; with a store, what had finished is kept."
        ) from error
    finally:
        client.cancel([f for f in futures if not f.done()])


def _itself(job: Job) -> Job:
    return job


class Pace:
    """Time that is left, from the pace of the points after each worker's first chunk.

    Parameters
    ----------
    total : int
        Points to run [-].
    workers : int
        That run them [-]. Their first points wait for imports and for the model to be built.

    Examples
    --------
    >>> pace = Pace(10, 1)
    >>> pace.left(1, now=5.0), pace.left(4, now=11.0)
    ('', ', about 12 s left')
    """

    def __init__(self, total: int, workers: int):
        self._total, self._workers = total, workers
        self._chunks, self._start = 0, (0.0, 0)

    def left(self, finished: int, now: float | None = None) -> str:
        """Text after a chunk has finished.

        Parameters
        ----------
        finished : int
            Points so far [-].
        now : float, optional
            Time [s]; default: the clock's.

        Returns
        -------
        str
            Empty as long as there is no pace, and at the end.
        """
        now = time.monotonic() if now is None else now
        self._chunks += 1
        if self._chunks <= self._workers or finished == self._total:
            self._start = (now, finished)
            return ""
        begun, before = self._start
        seconds = (now - begun) / (finished - before) * (self._total - finished)
        for unit, size in (("s", 1), ("min", 60), ("h", 3600)):
            if seconds < 99 * size or unit == "h":
                break
        return f", about {seconds / size:.0f} {unit} left"
