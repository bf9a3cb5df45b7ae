"""A worker process: does what the server asks, one job after another.

Started as ``python -m sscell.app.worker``; asked on stdin, answers on stdout.
"""

from __future__ import annotations

import importlib
import logging
import os
import queue
import signal
import sys
import threading
import traceback
import warnings
from typing import IO, Any

from sscell.app.channel import receive, send
from sscell.errors import DataError, ParameterError, SimulationError

__all__ = ["Work", "main"]

# Which module does what: "runs.simulate" is `simulate` of `sscell.app.tasks.runs`.
_TASKS = "sscell.app.tasks"
_AHEAD = ("sscell.simulation.simulation", "sscell.readers", "sscell.analysis.summary")


class Work:
    """What a task is told of the outside.

    Parameters
    ----------
    number : int
        Of the job.
    tell : callable
        Sends an event: a dict.
    """

    def __init__(self, number: int, tell: Any):
        from sscell import CancelToken

        self.number, self._tell = number, tell
        self.cancel = CancelToken()

    def tell(self, **event: Any) -> None:
        """Tell the page something.

        Parameters
        ----------
        **event
            ``share``, ``text``, ``curve``, or whatever the page knows.
        """
        self._tell(event)


def main() -> None:
    """Work until the server is gone."""
    # What libraries print must not run into the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server
    warnings.simplefilter("ignore")
    logging.getLogger("pybamm").setLevel(logging.ERROR)
    _Loop(sys.stdin.buffer, answers).run()


class _Loop:
    def __init__(self, questions: IO[bytes], answers: IO[bytes]):
        self._questions, self._answers = questions, answers
        self._hand = threading.Lock()
        self._todo: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._work: Work | None = None
        self._cancelled: set[int] = set()

    def run(self) -> None:
        """Do one job after another, in the main thread."""
        threading.Thread(target=self._listen, daemon=True).start()
        for name in _AHEAD:
            importlib.import_module(name)
        while True:
            number, task, arguments = self._todo.get()
            self._answer(("end", number, *self._done(number, task, arguments)))

    def _listen(self) -> None:
        try:
            while True:
                kind, number, *rest = receive(self._questions)
                if kind == "do":
                    self._todo.put((number, *rest))
                else:
                    self._cancelled.add(number)
                    if self._work is not None and self._work.number == number:
                        self._work.cancel.cancel()
        except EOFError:
            os._exit(0)  # nobody waits for what is being computed

    def _done(self, number: int, task: str, arguments: dict[str, Any]) -> tuple[Any, ...]:
        """State, result and note of a job."""
        self._work = work = Work(number, lambda e: self._answer(("event", number, e)))
        if number in self._cancelled:
            work.cancel.cancel()
        module, _, name = task.partition(".")
        try:
            function = getattr(importlib.import_module(f"{_TASKS}.{module}"), name)
            result = function(work, **arguments)
        except (ParameterError, DataError) as error:
            return "refused", None, _sentence(error)
        except SimulationError as error:
            state = "cancelled" if work.cancel.cancelled else "failed"
            return state, None, _sentence(error)
        except Exception as error:
            traceback.print_exc()
            return "failed", None, f"It failed: {type(error).__name__}: {_sentence(error)}"
        finally:
            self._work = None
        note = result.pop("note", "") if isinstance(result, dict) else ""
        return "cancelled" if work.cancel.cancelled else "done", result, note

    def _answer(self, message: Any) -> None:
        with self._hand:
            try:
                send(self._answers, message)
            except OSError:
                os._exit(0)


def _sentence(error: BaseException) -> str:
    return " ".join(str(error).split())


if __name__ == "__main__":
    main()
