"""Messages between the server and its worker processes: pickles with their length."""

from __future__ import annotations

import pickle
import struct
from typing import IO, Any

__all__ = ["receive", "send"]

_HEAD = struct.Struct("!I")


def send(stream: IO[bytes], message: Any) -> None:
    """Write a message.

    Parameters
    ----------
    stream : binary file
        A pipe to a process of one's own: nothing else may write to the other end.
    message : object
        Plain values and arrays.

    Examples
    --------
    >>> import io
    >>> pipe = io.BytesIO()
    >>> send(pipe, {"share": 0.5})
    >>> _ = pipe.seek(0)
    >>> receive(pipe)
    {'share': 0.5}
    """
    body = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    stream.write(_HEAD.pack(len(body)) + body)
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """Read the next message.

    Parameters
    ----------
    stream : binary file
        A pipe from a process of one's own.

    Returns
    -------
    object

    Raises
    ------
    EOFError
        If the other end is gone.
    """
    head = _exactly(stream, _HEAD.size)
    return pickle.loads(_exactly(stream, _HEAD.unpack(head)[0]))


def _exactly(stream: IO[bytes], size: int) -> bytes:
    parts, missing = [], size
    while missing:
        part = stream.read(missing)
        if not part:
            raise EOFError("The other end of the pipe is gone.")
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)
