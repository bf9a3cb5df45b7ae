"""What one person works on: a cell, data, runs and fits. It knows nothing of pages."""

from __future__ import annotations

import io
import json
import re
import secrets
import shutil
import threading
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from sscell.app.jobs import Job
from sscell.app.recipes import Measured, Run
from sscell.errors import DataError, ParameterError

__all__ = ["DataFile", "FitState", "RunEntry", "Session", "safe_name"]

_KEY = re.compile(r"[A-Za-z0-9_-]{8,40}")
_ODD = re.compile(r"[^A-Za-z0-9._+-]+")
_PROJECT = "project.json"
_MOST_FILES = 500  # of a project file
_MOST_BYTES = 1_000_000_000  # of it, unpacked


def safe_name(name: str, fallback: str = "file") -> str:
    r"""Name of a file as it may stand in a folder: no way leads out of it.

    Parameters
    ----------
    name : str
        As a client says it.
    fallback : str, optional
        Where nothing is left.

    Returns
    -------
    str

    Examples
    --------
    >>> safe_name("../../etc/passwd"), safe_name("C:\\cells\\a b.csv"), safe_name("..")
    ('passwd', 'a_b.csv', 'file')
    """
    last = name.replace("\\", "/").split("/")[-1]
    return _ODD.sub("_", last).strip("._")[-80:].lstrip("._-") or fallback


@dataclass
class DataFile:
    """A measured file.

    Parameters
    ----------
    measured : Measured
        Its name, and what is taken of it.
    use : str, optional
        ``"fit"``, ``"hold out"`` or ``"show"``.
    temperature : str, optional
        Of the cell [degC], as typed; empty: the file's own.
    facts : dict, optional
        What it was recognised as.
    """

    measured: Measured
    use: str = "fit"
    temperature: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass
class RunEntry:
    """A run that was kept.

    Parameters
    ----------
    run : Run
        What was asked for.
    title : str
        Its name in lists.
    file : str
        Of its data, in the session's folder.
    summary : dict
        Its numbers.
    views : list of str
        Figures that it has.
    note : str, optional
        Such as how it was ended.
    """

    run: Run
    title: str
    file: str
    summary: dict[str, Any]
    views: list[str]
    note: str = ""


@dataclass
class FitState:
    """A state of the cell in the history of its fits.

    Parameters
    ----------
    title : str
        Such as ``"fit 2"``.
    cell : str
        Name of the file of the cell, or of a published one.
    result : dict, optional
        What the fit said.
    figures : list of dict, optional
        Data against model.
    report : str, optional
        Name of its report.
    command, python : str, optional
        That do the same.
    pictures : dict, optional
        ``intervals`` and ``correlation``.
    """

    title: str
    cell: str
    result: dict[str, Any] = field(default_factory=dict)
    figures: list[dict[str, Any]] = field(default_factory=list)
    report: str = ""
    command: str = ""
    python: str = ""
    pictures: dict[str, Any] = field(default_factory=dict)

    @property
    def misfit(self) -> float | None:
        """Of the noise [-]."""
        return self.result.get("misfit")


class Session:
    """One person's work, in a folder of its own.

    Parameters
    ----------
    folder : pathlib.Path
        That exists and is empty.
    """

    def __init__(self, folder: Path):
        self.key = secrets.token_urlsafe(9)
        self.folder = folder
        self.cell = "Ji2024"
        self.own_cells: list[str] = []
        self.cards: list[str] = []
        self.data: dict[str, DataFile] = {}
        self.runs: list[RunEntry] = []
        self.states: list[FitState] = []
        self.forms: dict[str, dict[str, Any]] = {}
        self.jobs: dict[str, Job] = {}
        self.parts: dict[str, dict[str, Any]] = {}
        self._lock = threading.RLock()

    @staticmethod
    def is_key(text: str) -> bool:
        """Whether a text may be the key of a session."""
        return bool(_KEY.fullmatch(text))

    # Files -------------------------------------------------------------------------

    def path(self, name: str) -> str:
        """Where a cell or material is: a file of the session, or a name of the package.

        Parameters
        ----------
        name : str
            As it is shown.

        Returns
        -------
        str
        """
        if name in self.own_cells or name in self.cards:
            return str(self.folder / name)
        return name

    def own_file(self, name: str) -> Path:
        """Where a file of the session is.

        Parameters
        ----------
        name : str
            Of a file; whatever it holds of folders is dropped.

        Returns
        -------
        pathlib.Path
        """
        return self.folder / safe_name(name)

    def new_name(self, wanted: str) -> str:
        """A name that no file of the session has.

        Parameters
        ----------
        wanted : str
            As a client says it.

        Returns
        -------
        str
        """
        name = safe_name(wanted)
        stem, dot, ending = name.rpartition(".")
        if not dot:
            stem, ending = name, ""
        number = 1
        while (self.folder / name).exists():
            number += 1
            name = f"{stem}_{number}{dot}{ending}"
        return name

    def add_data(self, name: str, content: bytes) -> DataFile:
        """Take a measured file in.

        Parameters
        ----------
        name : str
            As a client says it.
        content : bytes
            What is in it.

        Returns
        -------
        DataFile
        """
        name = self.new_name(name)
        (self.folder / name).write_bytes(content)
        entry = DataFile(Measured(name))
        self.data[name] = entry
        return entry

    def choose(self, name: str, **changes: Any) -> None:
        """Say how a file is read, or what is taken of it.

        Parameters
        ----------
        name : str
            Of the file.
        **changes
            Of `Measured`.
        """
        entry = self.data[name]
        entry.measured = replace(entry.measured, **changes)

    def remove_data(self, name: str) -> None:
        """Forget a measured file."""
        self.data.pop(name, None)
        self.own_file(name).unlink(missing_ok=True)

    def add_cell(self, name: str) -> None:
        """A cell of one's own is in the folder: it is the one to work on."""
        if name not in self.own_cells:
            self.own_cells.append(name)
        self.cell = name

    # Work --------------------------------------------------------------------------

    def keep_run(self, run: Run, result: Mapping[str, Any]) -> RunEntry:
        """Keep what a run gave.

        Parameters
        ----------
        run : Run
            What was asked for.
        result : mapping
            Of the task.

        Returns
        -------
        RunEntry
        """
        with self._lock:
            titles = {entry.title for entry in self.runs}
            title, number = run.title, 1
            while title in titles:
                number += 1
                title = f"{run.title} ({number})"
            entry = RunEntry(
                run,
                title,
                Path(result["file"]).name,
                result["summary"],
                result["views"],
                result.get("note", ""),
            )
            self.runs.append(entry)
            return entry

    def files(self, use: str) -> list[DataFile]:
        """Measured files of one use.

        Parameters
        ----------
        use : str
            ``"fit"`` or ``"hold out"``.

        Returns
        -------
        list of DataFile
        """
        return [entry for entry in self.data.values() if entry.use == use]

    def keep_state(self, state: FitState) -> None:
        """Add a state to the history, and go on from it."""
        with self._lock:
            self.states.append(state)
            if state.cell.endswith(".toml") and state.cell not in self.own_cells:
                self.own_cells.append(state.cell)
            self.cell = state.cell

    def go_back(self) -> FitState | None:
        """Leave the newest state for the one before it.

        Returns
        -------
        FitState or None
            Where it goes on from; None where there is none before.
        """
        with self._lock:
            if len(self.states) < 2:
                return None
            self.states.pop()
            self.cell = self.states[-1].cell
            return self.states[-1]

    # Project file ------------------------------------------------------------------

    def as_dict(self) -> dict[str, Any]:
        """Plain values of all but the files."""
        return {
            "sscell_project": 1,
            "cell": self.cell,
            "own_cells": self.own_cells,
            "cards": self.cards,
            "data": [asdict(entry) for entry in self.data.values()],
            "runs": [asdict(e) | {"run": e.run.as_dict()} for e in self.runs],
            "states": [asdict(state) for state in self.states],
            "forms": self.forms,
            "parts": self.parts,
        }

    def project(self) -> bytes:
        """All of it in one file, a ``.zip``.

        Returns
        -------
        bytes
        """
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(_PROJECT, json.dumps(self.as_dict()))
            for path in sorted(self.folder.rglob("*")):
                if path.is_file():
                    archive.write(path, f"files/{path.relative_to(self.folder).as_posix()}")
        return stream.getvalue()

    def restore(self, content: bytes) -> None:
        """Take everything from a project file; what was here is gone.

        Parameters
        ----------
        content : bytes
            As `project` gave them.

        Raises
        ------
        DataError
            If they are no project.
        """
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                told = json.loads(archive.read(_PROJECT))
                if told.get("sscell_project") != 1:
                    raise DataError("This project is of another version of sscell.")
                entries = [i for i in archive.infolist() if i.filename.startswith("files/")]
                size = sum(entry.file_size for entry in entries)
                if len(entries) > _MOST_FILES or size > _MOST_BYTES:
                    raise DataError("The project holds more than is allowed.")
                files = {
                    _inside(entry.filename): archive.read(entry)
                    for entry in entries
                    if not entry.is_dir()
                }
            self._fill(told)
        except (zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
            raise DataError(f"This is no project of the workbench ({error}).") from None
        for path in self.folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        for name, body in files.items():
            target = self.folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(body)

    def _fill(self, told: Mapping[str, Any]) -> None:
        data = [
            DataFile(**{**entry, "measured": Measured(**entry["measured"])})
            for entry in told["data"]
        ]
        runs = [RunEntry(**{**entry, "run": Run(**entry["run"])}) for entry in told["runs"]]
        states = [FitState(**entry) for entry in told["states"]]
        names = [*told["own_cells"], *told["cards"], *(d.measured.file for d in data)]
        names += [entry.file for entry in runs]
        if any(name != safe_name(name) for name in names):
            raise ValueError("it names files that no session has")
        self.cell, self.own_cells = str(told["cell"]), list(told["own_cells"])
        self.cards, self.forms = list(told["cards"]), dict(told["forms"])
        self.parts = dict(told["parts"])
        self.data = {entry.measured.file: entry for entry in data}
        self.runs, self.states, self.jobs = runs, states, {}


def _inside(name: str) -> str:
    """Name within the folder of a member of an archive: no way leads out of it."""
    parts = name.split("/")[1:]
    if not parts or any(safe_name(part) != part for part in parts):
        raise ParameterError(f"The project names a file '{name}' that no session has.")
    return "/".join(parts)
