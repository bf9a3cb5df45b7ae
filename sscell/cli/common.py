"""What the commands share: options that mean the same everywhere, and output."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from sscell.errors import ParameterError

__all__ = [
    "JsonFlag",
    "OutputFile",
    "PlotFile",
    "check_output",
    "console",
    "print_json",
]

JsonFlag = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else.")
]
OutputFile = Annotated[
    Path | None,
    typer.Option("-o", "--output", help="Write the data: .nc, .csv or .parquet."),
]
PlotFile = Annotated[
    Path | None, typer.Option("--plot", help="Write a figure: .png, .svg or .pdf.")
]


def console() -> Any:
    """Rich console on stderr: stdout carries results only."""
    from rich.console import Console

    return Console(file=sys.stderr)


def check_output(path: Path | None, suffixes: tuple[str, ...]) -> None:
    """Refuse an output file before anything is computed for it.

    Parameters
    ----------
    path : pathlib.Path or None
        Where a command will write.
    suffixes : tuple of str
        Endings the writer knows, such as ``(".nc", ".csv")``.

    Raises
    ------
    ParameterError
        If the folder does not exist or the ending is not one of these.
    """
    if path is None:
        return
    if not path.parent.is_dir():
        raise ParameterError(
            f"The folder '{path.parent}' for '{path.name}' does not exist."
        )
    if path.suffix.lower() not in suffixes:
        raise ParameterError(
            f"Cannot write '{path.name}': the ending must be one of {', '.join(suffixes)}."
        )


def print_json(payload: Mapping[str, Any]) -> None:
    """Print one JSON object; what is not finite becomes null."""
    print(json.dumps(_plain(payload), indent=2, ensure_ascii=False, allow_nan=False))


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
