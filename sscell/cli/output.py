"""What commands print."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sscell.errors import SimulationError

if TYPE_CHECKING:
    import xarray as xr

    from sscell.simulation.progress import Progress

__all__ = ["print_json", "print_text", "progress", "read_file", "run_with_progress"]


def read_file(path: Path, columns: list[str] | None, **options: Any) -> xr.Dataset:
    """Read a file; what was dropped or assumed goes to stderr, not as Python warnings.

    Parameters
    ----------
    path : pathlib.Path
        Measured file.
    columns : list of str or None
        Which header is what, as typed.
    **options
        As for `sscell.read`: masses, temperature [degC], sign and format.

    Returns
    -------
    xarray.Dataset
    """
    import warnings

    from sscell.dataset import metadata
    from sscell.readers import read

    mapping = ",".join(columns) if columns else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = read(path, columns=mapping, **options)
    for note in metadata(data, "warnings") or []:
        print(f"sscell: {path.name}: {note}", file=sys.stderr)
    return data


def print_text(payload: dict[str, Any]) -> None:
    """Print the numbers as indented text; long lists are cut short."""
    for key, value in payload.items():
        if key == "warnings":
            continue
        _print_value(key, value, "")
    for note in payload["warnings"]:
        print(f"warning: {note}")


def _print_value(key: str, value: Any, indent: str) -> None:
    if value is None or value == []:
        return
    if isinstance(value, dict):
        print(f"{indent}{key}:")
        for inner, part in value.items():
            _print_value(inner, part, indent + "  ")
    elif isinstance(value, list) and isinstance(value[0], dict):
        print(f"{indent}{key}:")
        for row in value:
            cells = (f"{k} {_short(v)}" for k, v in row.items() if v is not None)
            print(f"{indent}  " + ", ".join(cells))
    else:
        print(f"{indent}{key}: {_short(value)}")


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.5g}"
    if isinstance(value, list):
        shown = ", ".join(_short(v) for v in value[:8])
        return f"{shown}, ... ({len(value)} values)" if len(value) > 8 else shown
    return str(value)


@contextmanager
def progress(started: float, timed: bool = True) -> Iterator[Progress]:
    """Progress bar on stderr that appears once a run has lasted a second.

    Parameters
    ----------
    started : float
        When the run began, by ``time.monotonic`` [s].
    timed : bool, optional
        Whether the bar guesses the time that is left; else the text may say it.

    Yields
    ------
    callable
        Takes the share done [-] and a text.
    """
    from rich import progress as bars
    from rich.console import Console

    console = Console(file=sys.stderr)
    columns = bars.Progress.get_default_columns()  # the last is the time that is left
    bar = bars.Progress(*columns[: None if timed else -1], console=console, transient=True)
    task = bar.add_task("", total=1.0)

    def tell(share: float, text: str) -> None:
        slow = time.monotonic() - started > 1 and share < 1
        if console.is_terminal and slow and not bar.live.is_started:
            bar.start()
        bar.update(task, completed=share, description=text)

    try:
        yield tell
    finally:
        if bar.live.is_started:
            bar.stop()


def run_with_progress(run: Callable[[Progress], Any], output: Path | None) -> Any:
    """Run with a progress bar and save the data; a failed run saves what it had.

    Parameters
    ----------
    run : callable
        Takes a progress function and returns a time series [s, A, V].
    output : pathlib.Path or None
        Where to save the data.

    Returns
    -------
    xarray.Dataset

    Raises
    ------
    SimulationError
        After saving what was computed before the failure.
    """
    from sscell.dataset import save_dataset

    try:
        with progress(time.monotonic()) as tell:
            data = run(tell)
    except SimulationError as error:
        if error.partial is not None and output is not None:
            save_dataset(error.partial, output)
        raise
    if output is not None:
        save_dataset(data, output)
    return data


def print_json(payload: Mapping[str, Any]) -> None:
    """Print one JSON object; what is not finite becomes null.

    Parameters
    ----------
    payload : mapping
        Numbers, texts, arrays, nested mappings and sequences.
    """
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
