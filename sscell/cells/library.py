"""Where published sets are kept, and which of them a name means.

A file is read once: what was read is kept until the file changes.
"""

from __future__ import annotations

import time
import tomllib
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

from sscell.errors import ParameterError, did_you_mean

__all__ = [
    "available",
    "families",
    "find",
    "kept_until_changed",
    "read_toml",
    "sets_folder",
]

Content = TypeVar("Content")

_MOST = 128  # files
_TICK = 100_000_000  # ns
_kept: dict[tuple[str, Path], tuple[tuple[int, int], Any]] = {}


def sets_folder() -> Path:
    """Folder of the sets: inside an installed package, else beside it in a checkout."""
    here = Path(__file__).parents[1]
    inside = here / "parameter_sets"
    return inside if inside.is_dir() else here.parent / "parameter_sets"


def families() -> dict[str, Path]:
    """Names of the published files, whose variants are not looked at.

    Returns
    -------
    dict of str to pathlib.Path
        In alphabetical order; folders inside, such as that of the observables, are left out.
    """
    return {path.stem: path for path in sorted(sets_folder().glob("*.toml"))}


def available() -> dict[str, Path]:
    """Names of all published cells and their variants, with the file of each.

    Returns
    -------
    dict of str to pathlib.Path
        In alphabetical order.

    Examples
    --------
    >>> "Ji2024" in available()
    True
    """
    names: dict[str, Path] = {}
    for family, path in families().items():
        names |= dict.fromkeys((family, *_variants(family, path)), path)
    return names


def _variants(family: str, path: Path) -> list[str]:
    return [f"{family}-{variant}" for variant in read_toml(path).get("variants", {})]


def find(name: str | Path) -> tuple[Path, str | None]:
    """File of a set and which variant of it is meant.

    Parameters
    ----------
    name : str or pathlib.Path
        A registered name or a path that ends in ``.toml``.

    Returns
    -------
    tuple of pathlib.Path and str or None

    Raises
    ------
    ParameterError
        If there is no such set; names the nearest.

    Examples
    --------
    >>> find("Ji20244")
    Traceback (most recent call last):
    ...
    sscell.errors.ParameterError: There is no cell 'Ji20244'. Did you mean 'Ji2024'?
    """
    text = str(name)
    if text.endswith(".toml"):
        if not Path(text).is_file():
            raise ParameterError(f"There is no file '{text}'.")
        return Path(text), None
    for family, path in families().items():
        if text == family:
            return path, None
        if text.startswith(f"{family}-") and text in _variants(family, path):
            return path, text.removeprefix(f"{family}-")
    known = available()
    hint = did_you_mean(text, known, "cells") or "Known: " + ", ".join(known)
    raise ParameterError(f"There is no cell '{text}'. {hint}")


def kept_until_changed(read: Callable[[Path], Content]) -> Callable[[Path], Content]:
    """Decorate a reader of a file: what it read is kept until the file changes.

    Parameters
    ----------
    read : callable
        Of a path; what it returns is shared by all who ask, so that nobody may change it.

    Returns
    -------
    callable
    """

    @wraps(read)
    def reader(path: Path) -> Content:
        about, key = path.stat(), (read.__qualname__, path.absolute())
        stamp = about.st_mtime_ns, about.st_size
        known = _kept.get(key)
        if known is not None and known[0] == stamp:
            return known[1]
        content = read(path)
        # A file just written may be written again before the clock of its disk ticks.
        if time.time_ns() - about.st_mtime_ns > _TICK:
            if len(_kept) >= _MOST:
                _kept.clear()
            _kept[key] = stamp, content
        return content

    return reader


@kept_until_changed
def read_toml(path: Path) -> Mapping[str, Any]:
    """Content of a TOML file; read again only after it changed.

    Parameters
    ----------
    path : pathlib.Path
        A file.

    Returns
    -------
    mapping
        Shared by all who ask: to be copied before it is changed.

    Raises
    ------
    ParameterError
        If it is no TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ParameterError(f"{path.name} is not valid TOML: {error}.") from error
