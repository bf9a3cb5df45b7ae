"""What commands print."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sscell.errors import SimulationError, condensed

if TYPE_CHECKING:
    import xarray as xr

    from sscell.simulation.progress import Progress

__all__ = [
    "print_json",
    "print_table",
    "print_text",
    "progress",
    "read_file",
    "reading",
    "run_with_progress",
    "save_data",
]

_LONG = 40  # rows of a table, or numbers of a list, beyond which they are cut


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
    print(f"sscell: {path.name}: {metadata(data, 'recognised')}.", file=sys.stderr)
    for note in metadata(data, "warnings") or []:
        print(f"sscell: {path.name}: {note}", file=sys.stderr)
    return data


def save_data(data: xr.Dataset, path: Path) -> None:
    """Write a dataset in the format that the name of its file says.

    Parameters
    ----------
    data : xarray.Dataset
        Any.
    path : pathlib.Path
        ``.bdf.csv`` and ``.bdf.parquet`` are the Battery Data Format.
    """
    from sscell.dataset import save_dataset

    if path.name.lower().endswith((".bdf.csv", ".bdf.parquet")):
        from sscell.readers import write_bdf

        write_bdf(data, path)
    else:
        save_dataset(data, path)


def reading(sets: Sequence[xr.Dataset]) -> dict[str, Any]:
    """What was read, for the JSON of a command.

    Parameters
    ----------
    sets : sequence of xarray.Dataset
        From `read_file`.

    Returns
    -------
    dict
        ``recognised``, ``rows``, ``last_time_s`` (None for spectra) and ``warnings``.
    """
    from sscell.dataset import metadata

    rows, last = 0, []
    for data in sets:
        spectral = "frequency" in data.dims
        dims = ("frequency", "state") if spectral else ("time",)
        rows += math.prod(data.sizes.get(d, 1) for d in dims)
        if not spectral:
            last.append(float(data["Time [s]"].values[-1]))
    notes = [n for one in sets for n in metadata(one, "warnings") or []]
    return {
        "recognised": "; ".join(str(metadata(one, "recognised")) for one in sets),
        "rows": rows,
        "last_time_s": max(last) if last else None,
        "warnings": list(dict.fromkeys(notes)),
    }


def print_text(payload: dict[str, Any]) -> None:
    """Print the numbers as text: lists of records as tables, long ones cut short.

    Parameters
    ----------
    payload : dict
        What goes into the JSON; curves of many points are left out.
    """
    for key, value in payload.items():
        if key != "warnings":
            _print_value(key, value, "")
    for note in condensed(payload["warnings"]):
        print(f"warning: {note}")


def _print_value(key: str, value: Any, indent: str) -> None:
    if value is None or _is_curve(value) or _is_empty(value):
        return
    if isinstance(value, dict):
        print(f"{indent}{key}:")
        for inner, part in value.items():
            _print_value(inner, part, indent + "  ")
    elif isinstance(value, list) and isinstance(value[0], dict):
        lines = _table(value)
        if lines:
            print(f"{indent}{key}:")
            for line in lines:
                print(f"{indent}  {line}".rstrip())
    else:
        print(f"{indent}{key}: {_short(value)}")


def print_table(rows: list[dict[str, Any]]) -> None:
    """Print records as a table.

    Parameters
    ----------
    rows : list of dict
        With the same keys.
    """
    for line in _table(rows):
        print(line.rstrip())


def _is_empty(value: Any) -> bool:
    return isinstance(value, list) and all(v is None for v in value)


def _is_curve(value: Any) -> bool:
    """Whether a value is a list of more numbers than one reads."""
    return isinstance(value, list | tuple) and len(value) > _LONG


def _table(rows: list[dict[str, Any]]) -> list[str]:
    """Lines of a table; what differs in no row stands above it, curves are left out."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = {n: [_cell(row.get(n)) for row in rows] for n in names}
    cells = {n: c for n, c in cells.items() if any(c)}
    if not cells:
        return []
    shown = range(len(rows))
    if len(rows) > _LONG:
        shown = [*range(_LONG - 5), -1, *range(len(rows) - 4, len(rows))]
    widths = {n: max(len(n), *(len(x) for x in c)) for n, c in cells.items()}
    lines = ["  ".join(n.rjust(w) for n, w in widths.items())]
    for k in shown:
        if k < 0:
            lines.append(f"... {len(rows) - _LONG + 1} more")
            continue
        lines.append("  ".join(cells[n][k].rjust(w) for n, w in widths.items()))
    return lines


def _cell(value: Any) -> str:
    if value is None or value == [] or (isinstance(value, list | tuple) and len(value) > 8):
        return ""
    if isinstance(value, list) and isinstance(value[0], dict):
        return f"{len(value)} entries"
    if isinstance(value, dict):
        inner = ((k, v) for k, v in value.items() if not isinstance(v, list | dict))
        return " ".join(f"{k} {_short(v)}" for k, v in inner if v is not None)
    return _short(value)


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.5g}"
    if isinstance(value, list | tuple):
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
    shown: list[tuple[Any, Any]] = []  # the bar and its task, once there is one

    def tell(share: float, text: str) -> None:
        slow = time.monotonic() - started > 1 and share < 1
        if slow and not shown:
            shown.append(_bar(timed))
        for bar, task in shown:
            if slow and bar.console.is_terminal and not bar.live.is_started:
                bar.start()
            bar.update(task, completed=share, description=text)

    try:
        yield tell
    finally:
        for bar, _ in shown:
            if bar.live.is_started:
                bar.stop()


def _bar(timed: bool) -> tuple[Any, Any]:
    """Bar on stderr, not yet shown, and its task; a short run does not wait for its import."""
    from rich import progress as bars
    from rich.console import Console

    columns = bars.Progress.get_default_columns()  # the last is the time that is left
    console = Console(file=sys.stderr)
    bar = bars.Progress(*columns[: None if timed else -1], console=console, transient=True)
    return bar, bar.add_task("", total=1.0)


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
    try:
        with progress(time.monotonic()) as tell:
            data = run(tell)
    except SimulationError as error:
        if error.partial is not None and output is not None:
            save_data(error.partial, output)
        raise
    if output is not None:
        save_data(data, output)
    return data


def print_json(payload: Mapping[str, Any]) -> None:
    """Print one JSON object; what is not finite becomes null.

    Parameters
    ----------
    payload : mapping
        Numbers, texts, arrays, nested mappings and sequences.
    """
    if "warnings" in payload:
        payload = {**payload, "warnings": condensed(payload["warnings"])}
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
