"""Where published sets are kept, and which of them a name means."""

from __future__ import annotations

import tomllib
from pathlib import Path

from sscell.errors import ParameterError, did_you_mean

__all__ = ["available", "find"]


def _folder() -> Path:
    """Folder of the sets: inside an installed package, else beside it in a checkout."""
    here = Path(__file__).parents[1]
    inside = here / "parameter_sets"
    return inside if inside.is_dir() else here.parent / "parameter_sets"


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
    found: dict[str, Path] = {}
    for path in sorted(_folder().glob("*.toml")):
        found[path.stem] = path
        variants = tomllib.loads(path.read_text(encoding="utf-8")).get("variants", {})
        found |= {f"{path.stem}-{variant}": path for variant in variants}
    return found


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
    known = available()
    if text not in known:
        hint = did_you_mean(text, known, "cells") or "Known: " + ", ".join(known)
        raise ParameterError(f"There is no cell '{text}'. {hint}")
    path = known[text]
    return path, text.removeprefix(path.stem).removeprefix("-") or None
