"""The workbench: all sessions, and the processes that work for them."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
import threading
from pathlib import Path
from typing import Any

from sscell.app.jobs import Job
from sscell.app.pool import Pool
from sscell.app.session import Session
from sscell.errors import DataError

__all__ = ["Bench"]

_MOST_SESSIONS = 100


class Bench:
    """What the server holds.

    Parameters
    ----------
    workers : int, optional
        Processes for runs and fits; one more answers questions.
    """

    def __init__(self, workers: int = 1):
        self._folder = Path(tempfile.mkdtemp(prefix="sscell-app-"))
        # Questions do not wait behind a fit.
        self.questions = Pool(1)
        self.runs = Pool(workers)
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()
        self._listed: dict[str, Any] | None = None

    def new_session(self) -> Session:
        """A session of its own for a page that is opened."""
        with self._lock:
            session = Session(Path(tempfile.mkdtemp(dir=self._folder)))
            self._sessions[session.key] = session
            if len(self._sessions) > _MOST_SESSIONS:
                self._forget_one()
            return session

    def _forget_one(self) -> None:
        """The oldest session in which nothing has happened goes, else the oldest."""
        kept = list(self._sessions.values())[:-1]
        idle = [s for s in kept if not (s.runs or s.data or s.states or s.own_cells)]
        gone = (idle or kept)[0]
        del self._sessions[gone.key]
        shutil.rmtree(gone.folder, ignore_errors=True)

    def session(self, key: str) -> Session | None:
        """A session by its key, or None."""
        return self._sessions.get(key)

    async def ask(self, task: str, **arguments: Any) -> Any:
        """Have a question answered.

        Parameters
        ----------
        task : str
            Module and function of `sscell.app.tasks`.
        **arguments
            Its arguments.

        Returns
        -------
        object
            The answer.

        Raises
        ------
        DataError
            If it was refused or failed, with the reason.
        """
        job = self.questions.submit(Job(task, arguments))
        try:
            while not job.is_over:
                await asyncio.sleep(0.02)
        except asyncio.CancelledError:  # the page is gone
            self.questions.cancel(job)
            raise
        if job.state != "done":
            raise DataError(job.note or "It could not be computed.")
        return job.result

    async def listed(self) -> dict[str, Any]:
        """Published cells and materials."""
        listed = self._listed
        if listed is None:
            listed = self._listed = await self.ask("cells.listed")
        return listed

    def start(self, session: Session, page: str, job: Job) -> Job:
        """Start a run or a fit; the page finds it again by its name.

        Parameters
        ----------
        session : Session
            Whose.
        page : str
            Name of the page.
        job : Job
            New.

        Returns
        -------
        Job
            The same.
        """
        session.jobs[page] = job
        return self.runs.submit(job)

    def close(self) -> None:
        """End all processes; files that were not downloaded are gone."""
        self.questions.close()
        self.runs.close()
        with contextlib.suppress(OSError):
            shutil.rmtree(self._folder)
