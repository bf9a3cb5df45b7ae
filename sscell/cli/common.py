"""What the commands share: options that mean the same everywhere, and output."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from sscell.errors import ParameterError

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
    "given",
    "parse_settings",
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
    typer.Option(
        "--set",
        help="Another value of a parameter: 'NAME=value'; repeatable. It comes before the "
        "value of the set, which comes before a default. A value that an option of its own "
        "gives too, such as -T or --v-min, is refused.",
    ),
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


def check_output(path: Path | None, suffixes: Sequence[str], bdf: bool = False) -> None:
    """Refuse an output file before anything is computed for it.

    Parameters
    ----------
    path : pathlib.Path or None
        Where a command will write.
    suffixes : sequence of str
        Endings the writer knows, such as ``(".nc", ".csv")``.
    bdf : bool, optional
        Whether what is written is a time series, which ``.bdf.csv`` and ``.bdf.parquet``
        promise.

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
    if not bdf and path.name.lower().endswith((".bdf.csv", ".bdf.parquet")):
        raise ParameterError(
            f"Cannot write '{path.name}': the Battery Data Format holds time series only; "
            "give another name."
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
        If one has no ``=``, or a name occurs twice.
    """
    pairs: dict[str, str] = {}
    for text in settings or []:
        name, equals, value = text.rpartition("=")
        if not equals or not name.strip() or not value.strip():
            raise ParameterError(f"--set '{text}' must read 'NAME=value'.")
        if name.strip() in pairs:
            raise ParameterError(f"--set '{name.strip()}' is given twice; give one value.")
        pairs[name.strip()] = value.strip()
    return pairs


def given(context: typer.Context, *names: str) -> bool:
    """Whether an option was typed, be it with the value that is its default.

    Parameters
    ----------
    context : typer.Context
        Of the command.
    *names : str
        Of the function's parameters.

    Returns
    -------
    bool
        Whether any of them was.
    """
    sources = (context.get_parameter_source(name) for name in names)
    return any(source is not None and source.name == "COMMANDLINE" for source in sources)


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
