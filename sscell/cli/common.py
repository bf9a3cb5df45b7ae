"""What the commands share: options that mean the same everywhere, and output."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from sscell.errors import ParameterError, SimulationError

__all__ = [
    "DATA_SUFFIXES",
    "CellName",
    "FormationPressure",
    "FormationTemperature",
    "JsonFlag",
    "OutputFile",
    "PlotFile",
    "Pressure",
    "RateOption",
    "Settings",
    "Shells",
    "StateOption",
    "Temperature",
    "Thickness",
    "check_output",
    "check_pressure",
    "parse_settings",
    "print_json",
    "progress",
    "run_with_progress",
]

DATA_SUFFIXES = (".nc", ".csv", ".parquet")

CellName = Annotated[str, typer.Argument(help="A published cell or a TOML file.")]
Temperature = Annotated[
    str | None,
    typer.Option(
        "-T", "--temperature", help="Cell temperature [degC]; default: the set's."
    ),
]
RateOption = Annotated[
    str | None,
    typer.Option("-C", "--c-rate", help="C/20, 0.05C, 25mA/g, 0.2mA/cm2 or 50uA."),
]
StateOption = Annotated[
    str,
    typer.Option(help="pristine, formed, a state of charge (50%) or a voltage (3.38V)."),
]
Pressure = Annotated[
    str | None, typer.Option(help="On the stack, from its assembly on, such as 50MPa.")
]
FormationTemperature = Annotated[
    str | None,
    typer.Option(help="Of the formation, where it differs from -T [degC]."),
]
FormationPressure = Annotated[
    str | None,
    typer.Option(help="Of the formation, where it differs; then the jig was set anew."),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="Another value of a parameter: 'NAME=value'; repeatable."),
]
Shells = Annotated[int, typer.Option(help="Finite volumes over the particle radius.")]
Thickness = Annotated[
    int,
    typer.Option(
        "--thickness-points",
        help="Finite volumes over the cathode's thickness; 0: one particle for all.",
    ),
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


def check_output(path: Path | None, suffixes: Sequence[str]) -> None:
    """Refuse an output file before anything is computed for it.

    Parameters
    ----------
    path : pathlib.Path or None
        Where a command will write.
    suffixes : sequence of str
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


def parse_settings(settings: Sequence[str] | None) -> dict[str, str]:
    """Read repeated ``NAME=value`` options.

    Parameters
    ----------
    settings : sequence of str or None
        As typed.

    Returns
    -------
    dict of str to str
        Parameter names to values.

    Raises
    ------
    ParameterError
        If one has no ``=``.
    """
    pairs = {}
    for text in settings or []:
        name, equals, value = text.rpartition("=")
        if not equals or not name.strip() or not value.strip():
            raise ParameterError(f"--set '{text}' must read 'NAME=value'.")
        pairs[name.strip()] = value.strip()
    return pairs


def check_pressure(pressure: str | None) -> None:
    """Refuse a stack pressure before anything is computed.

    Parameters
    ----------
    pressure : str or None
        As typed [MPa].

    Raises
    ------
    ParameterError
        If it is no pressure or out of range.
    """
    from sscell.units import parse_pressure

    if pressure is not None:
        parse_pressure(pressure)


@contextmanager
def progress(started: float, timed: bool = True) -> Iterator[Callable[[float, str], None]]:
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
    from rich.console import Console
    from rich.progress import Progress

    console = Console(file=sys.stderr)
    columns = Progress.get_default_columns()  # the last is the time that is left
    bar = Progress(*columns[: None if timed else -1], console=console, transient=True)
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


def run_with_progress(
    run: Callable[[Callable[[float, str], None]], Any], output: Path | None
) -> Any:
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
