"""Files that spare later processes what an earlier one has made: by content, never trusted.

A file is named by a hash of everything its content depends on, so it is never out of date: what
changes gets another name. It is written beside its place and moved there, so that a reader
finds all of it or nothing. If anything goes wrong there is a warning, and the work is done anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import re
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import platformdirs

__all__ = [
    "LIMIT",
    "complain",
    "content_hash",
    "fetch",
    "folder",
    "keep",
    "place",
    "sources",
    "trim",
]

LIMIT = 500_000_000  # bytes of all files; the longest unused go first
_ENVIRONMENT = "SSCELL_CACHE"
_OFF = ("off", "no", "0")
_PACKAGES = ("sscell", "pybamm", "pybammsolvers", "casadi")
# Modules that decide what a built model computes are among these.
_SOURCES = ("*.py", "physics/**/*.py", "cells/*.py", "solver/*.py", "simulation/*.py")
# Only such files are removed: the hash of a content, or one that a killed process left.
_OWN = re.compile(r"[0-9a-f]{40}\.[a-z]+|\.new-\w+")
_LEFT = 86400.0  # s: nobody writes one file for a day
_complained: set[str] = set()


def folder() -> Path | None:
    """Where files are kept, or None if none are.

    Returns
    -------
    pathlib.Path or None
        A folder ``sscell`` of its own, in the one that the environment variable
        ``SSCELL_CACHE`` names (``off``: none), else among the user's caches.
    """
    named = os.environ.get(_ENVIRONMENT)
    if named is not None and named.strip().lower() in ("", *_OFF):
        return None
    try:
        if named:
            path = Path(os.path.expanduser(named)) / "sscell"
        else:
            path = platformdirs.user_cache_path("sscell", appauthor=False)
    except RuntimeError:
        path = Path("~/.cache")
    if path.parts[0].startswith("~"):
        complain(path, OSError("nobody knows this user's home folder"))
        return None
    return path


def content_hash(*parts: str) -> str:
    """Name of a file: versions, platform, the package's own sources and some content.

    Parameters
    ----------
    *parts : str
        What else its content depends on.

    Returns
    -------
    str
        Hexadecimal digits.
    """
    told = hashlib.sha256(_surroundings().encode())
    for part in parts:
        told.update(f"\n{len(part)}\n{part}".encode())
    return told.hexdigest()[:40]


@cache
def _surroundings() -> str:
    python = ".".join(map(str, sys.version_info[:2]))
    return " ".join([python, platform.system(), platform.machine(), sources()])


@cache
def sources(*beside: str) -> str:
    """Versions of the packages that compute, and a hash of the sources of this one.

    Parameters
    ----------
    *beside : str
        Patterns of sources, seen from the package's folder, beside those that decide what
        a model computes.

    Returns
    -------
    str
    """
    versions = []
    for package in _PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            versions.append(f"{package} {version(package)}")
    here = Path(__file__).parents[1]
    files = sorted({p for name in (*_SOURCES, *beside) for p in here.glob(name)})
    told = hashlib.sha256()
    for path in files:
        told.update(f"{path.relative_to(here).as_posix()}\n".encode())
        told.update(path.read_bytes())
    return " ".join([*versions, told.hexdigest()])


def place(name: str) -> Path | None:
    """Path of a file that is there, whose age then starts anew.

    Parameters
    ----------
    name : str
        With its ending.

    Returns
    -------
    pathlib.Path or None
    """
    where = folder()
    if where is None:
        return None
    path = where / name
    try:
        os.utime(path)
    except FileNotFoundError:
        return None
    except OSError:  # it is another's: readable all the same
        return path if path.is_file() else None
    return path


def fetch(name: str) -> bytes | None:
    """Content of a file, or None where it cannot be had.

    Parameters
    ----------
    name : str
        With its ending.

    Returns
    -------
    bytes or None
    """
    path = place(name)
    if path is None:
        return None
    try:
        data = path.read_bytes()
    except OSError:
        return None
    content, _, told = data.rpartition(b"\n")
    if hashlib.sha256(content).hexdigest().encode() == told:
        return content
    with contextlib.suppress(OSError):  # a disk lost part of it
        path.unlink()
    return None


def keep(name: str, content: bytes) -> bool:
    """Write a file for later processes; a full disk is a warning.

    Parameters
    ----------
    name : str
        With its ending.
    content : bytes
        Its checksum is kept with it.

    Returns
    -------
    bool
        Whether it is there.
    """
    where = folder()
    if where is None:
        return False
    told = hashlib.sha256(content).hexdigest().encode()
    beside = None
    try:
        where.mkdir(parents=True, exist_ok=True)
        number, beside = tempfile.mkstemp(prefix=".new-", dir=where)
        with os.fdopen(number, "wb") as file:
            file.write(content + b"\n" + told)
        os.replace(beside, where / name)
        trim()
    except OSError as error:
        if beside is not None:
            with contextlib.suppress(OSError):
                os.unlink(beside)
        complain(where, error)
        return False
    return True


def complain(where: Path, error: OSError) -> None:
    """Say once that a folder takes no files.

    Parameters
    ----------
    where : pathlib.Path
        The folder.
    error : OSError
        Why.
    """
    if str(where) not in _complained:
        _complained.add(str(where))
        warnings.warn(
            f"The cache '{where}' cannot be used ({error.strerror or error}): results are the "
            f"same, but later runs start more slowly. {_ENVIRONMENT} names another folder, or "
            "turns it off.",
            stacklevel=3,
        )


def trim(limit: int = LIMIT, spared: Sequence[str] = ()) -> None:
    """Remove the longest unused files until the others are within a limit.

    Parameters
    ----------
    limit : int, optional
        Of all files together [bytes].
    spared : sequence of str, optional
        Names of files that stay.
    """
    where = folder()
    if where is None:
        return
    found, now = [], time.time()
    with contextlib.suppress(OSError):
        for entry in os.scandir(where):
            if not _OWN.fullmatch(entry.name):
                continue
            with contextlib.suppress(OSError):
                told = entry.stat()
                if not entry.name.startswith(".new-"):
                    found.append((told.st_mtime, told.st_size, entry.path, entry.name))
                elif now - told.st_mtime > _LEFT:
                    _discard(entry)
    total = sum(size for _, size, _, _ in found)
    for _, size, path, name in sorted(found):
        if total <= limit:
            return
        if name not in spared:
            with contextlib.suppress(OSError):
                os.unlink(path)
                total -= size


def _discard(entry: os.DirEntry[str]) -> None:
    if entry.is_dir(follow_symlinks=False):
        shutil.rmtree(entry.path, ignore_errors=True)
    else:
        os.unlink(entry.path)
