"""Worker processes that stay warm, and the queue before them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections import deque
from typing import Any

from sscell.app.channel import receive, send
from sscell.app.jobs import Job

__all__ = ["Pool"]

_MODULE = "sscell.app.worker"
# s: how long a job may go on after it was cancelled, without and with something to keep
_SOON, _PATIENT = 0.8, 60.0


class _Worker:
    """A process, and the thread that hears it."""

    def __init__(self, pool: Pool):
        self._pool = pool
        self.job: Job | None = None
        environment = {**os.environ, "PYBAMM_DISABLE_TELEMETRY": "true"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", _MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        self._hand = threading.Lock()
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def give(self, job: Job) -> None:
        """Let it do a job."""
        self.job = job
        job.begin()
        self._tell(("do", job.number, job.task, job.arguments))

    def cancel(self, job: Job) -> None:
        """Ask it to end a job; where that does not help, end the process."""
        self._tell(("cancel", job.number))
        self._later(_SOON, job)

    def _later(self, seconds: float, job: Job) -> None:
        timer = threading.Timer(seconds, self._insist, (job, seconds))
        timer.daemon = True
        timer.start()

    def _insist(self, job: Job, waited: float) -> None:
        if self.job is not job or job.is_over:
            return
        if waited == _SOON and job.curve.columns:
            self._later(_PATIENT, job)  # it has something, and is writing it down
        else:
            self.end()

    def end(self) -> None:
        """End the process."""
        self._process.kill()

    def _tell(self, message: Any) -> None:
        stream = self._process.stdin
        assert stream is not None
        # A process that is gone is heard of at its other end.
        with self._hand, contextlib.suppress(OSError, ValueError):
            send(stream, message)

    def _listen(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        with contextlib.suppress(EOFError, OSError):
            while True:
                kind, number, *rest = receive(stream)
                job = self.job
                if job is None or job.number != number:
                    continue
                if kind == "event":
                    job.hear(rest[0])
                else:
                    self.job = None
                    self._pool.is_free(self, job, rest)
        for pipe in (stream, self._process.stdin):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()
        self._pool.is_gone(self, self._process.wait())


class Pool:
    """So many warm processes; jobs wait their turn.

    Parameters
    ----------
    workers : int, optional
        Processes.
    """

    def __init__(self, workers: int = 1):
        self._lock = threading.RLock()
        self._waiting: deque[Job] = deque()
        self._closed = False
        self._workers = [_Worker(self) for _ in range(workers)]

    @property
    def pids(self) -> list[int]:
        """Numbers of the processes."""
        with self._lock:
            return [worker.pid for worker in self._workers]

    def submit(self, job: Job) -> Job:
        """Put a job into the queue.

        Parameters
        ----------
        job : Job
            New.

        Returns
        -------
        Job
            The same.
        """
        with self._lock:
            self._waiting.append(job)
            self._go_on()
        return job

    def place(self, job: Job) -> int:
        """How many jobs go before a waiting one.

        Parameters
        ----------
        job : Job
            In the queue.

        Returns
        -------
        int
        """
        with self._lock:
            return self._waiting.index(job) + 1 if job in self._waiting else 0

    def cancel(self, job: Job) -> None:
        """End a job: what it has found is kept.

        Parameters
        ----------
        job : Job
            Waiting or running; else nothing happens.
        """
        with self._lock:
            if job in self._waiting:
                self._waiting.remove(job)
                job.end("cancelled", note="Cancelled before it began.")
                return
            for worker in self._workers:
                if worker.job is job and not job.stopping:
                    job.stopping = True
                    worker.cancel(job)

    def is_free(self, worker: Any, job: Job, ending: Any) -> None:
        """A worker has ended a job.

        Parameters
        ----------
        worker : object
            Which.
        job : Job
            Which.
        ending : sequence
            State, result and note.
        """
        job.end(*ending)
        with self._lock:
            self._go_on()

    def is_gone(self, worker: Any, code: int) -> None:
        """A process has ended: another takes its place, and its job says so.

        Parameters
        ----------
        worker : object
            Which.
        code : int
            With which it ended.
        """
        with self._lock:
            job, worker.job = worker.job, None
            if not self._closed:
                self._workers[self._workers.index(worker)] = _Worker(self)
        if job is not None:
            if job.stopping:
                job.end("cancelled", note="Cancelled; what was computed before is kept.")
            else:
                how = f"signal {-code}" if code < 0 else f"code {code}"
                job.end(
                    "lost",
                    note=f"The process that computed it ended ({how}). Another has taken its "
                    "place: start it again.",
                )
        with self._lock:
            self._go_on()

    def close(self) -> None:
        """End all processes and jobs."""
        with self._lock:
            self._closed = True
            waiting, self._waiting = list(self._waiting), deque()
            for worker in self._workers:
                worker.end()
        for job in waiting:
            job.end("cancelled", note="The workbench was closed.")

    def _go_on(self) -> None:
        if self._closed:
            return
        for worker in self._workers:
            if worker.job is None and self._waiting:
                worker.give(self._waiting.popleft())
