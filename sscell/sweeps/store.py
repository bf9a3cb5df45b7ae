"""The file in which a sweep keeps its finished points."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sscell.errors import ParameterError

__all__ = ["Store"]


class Store:
    """File that keeps every finished point, one JSON line each, only ever appended to.

    Results are found by their keys, so that sweeps may share a store and a larger sweep
    takes what a smaller one has left there. A line that a killed process left unfinished is
    passed over.

    Parameters
    ----------
    path : pathlib.Path or str
        Made if it does not exist.

    Raises
    ------
    ParameterError
        If it cannot be written, or is some other file.
    """

    _HEAD = b'{"store": "sscell sweep", "version": 1}\n'

    def __init__(self, path: Path | str):
        self._path = Path(path)
        try:
            self._file = open(self._path, "a+b", buffering=0)  # noqa: SIM115
            self._file.seek(0)
            head = self._file.read(len(self._HEAD))
            if self._HEAD.startswith(head) and head != self._HEAD:
                self._file.truncate(0)
                self._file.write(self._HEAD)
            elif head != self._HEAD:
                raise ParameterError(f"'{path}' is not a store of a sweep.")
            self._file.seek(-1, 2)
            if self._file.read(1) != b"\n":
                self._file.write(b"\n")
        except OSError as error:
            raise ParameterError(
                f"The store '{path}' cannot be written: {error.strerror}."
            ) from error

    def found(self, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Results that are there.

        Parameters
        ----------
        keys : sequence of str
            From `Job.key`.

        Returns
        -------
        dict of str to dict
            Result by key.
        """
        wanted, results = set(keys), {}
        with self._path.open("rb") as lines:
            for line in lines:
                try:
                    entry = json.loads(line)
                    if entry["key"] in wanted:
                        results[entry["key"]] = dict(entry["result"])
                except (ValueError, KeyError, TypeError):
                    continue
        return results

    def add(self, key: str, point: Mapping[str, Any], result: Mapping[str, Any]) -> None:
        """Append a finished point; a full disk ends the storing, not the sweep.

        Parameters
        ----------
        key : str
            From `Job.key`.
        point : mapping
            For those who read the file.
        result : mapping
            From `Job.run`.
        """
        if self._file.closed:
            return
        entry = {"key": key, "point": point, "result": result}
        line = json.dumps(entry, default=str).encode() + b"\n"
        reason = "the disk is full"
        try:
            if self._file.write(line) == len(line):
                return
        except OSError as error:
            reason = str(error.strerror)
        self._file.close()
        warnings.warn(
            f"The store '{self._path}' takes no more points ({reason}): the sweep goes on, "
            "but the rest of it is not kept.",
            stacklevel=2,
        )

    def close(self) -> None:
        """Close the file."""
        self._file.close()
