"""Where published sets are kept, and which of them a name means.

A file is read once: what was read is kept until the file changes.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from sscell.errors import ParameterError, did_you_mean

__all__ = ["available", "families", "find", "read_toml", "sets_folder", "stamp_of"]

_KEPT = 64  # files


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


def stamp_of(path: Path) -> tuple[int, int]:
    """When a file was changed last [ns] and how large it is [bytes]: the key of what was read.

    Parameters
    ----------
    path : pathlib.Path
        A file.

    Returns
    -------
    tuple of int
    """
    about = path.stat()
    return about.st_mtime_ns, about.st_size


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
    return _read(path, stamp_of(path))


@lru_cache(_KEPT)
def _read(path: Path, stamp: tuple[int, int]) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ParameterError(f"{path.name} is not valid TOML: {error}.") from error
