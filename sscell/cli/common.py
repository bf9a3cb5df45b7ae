"""What the commands share: options that mean the same everywhere, and output."""

from __future__ import annotations

import inspect
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from sscell.errors import ParameterError

if TYPE_CHECKING:
    from sscell.readers import Choice

__all__ = [
    "DATA_SUFFIXES",
    "BandsFlag",
    "CellName",
    "Columns",
    "CurrentSign",
    "FileFormat",
    "FormationPressure",
    "FormationTemperature",
    "JsonFlag",
    "OutputFile",
    "Patience",
    "PlotFile",
    "Pressure",
    "ProtocolOption",
    "RateOption",
    "ReportFile",
    "RunOptions",
    "Settings",
    "Shells",
    "StateOption",
    "Temperature",
    "Thickness",
    "check_output",
    "check_pressure",
    "given",
    "parse_settings",
    "with_options",
    "with_run_options",
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
    str | None,
    typer.Option(
        help="pristine, formed, a state of charge (50%), a voltage under the slow current "
        "(3.38V) or at rest ('3.38V at rest'); default: that of the paper's protocol, else "
        "pristine."
    ),
]
ProtocolOption = Annotated[
    str | None,
    typer.Option(
        "--protocol",
        help="published: as the paper did, the default where it has one for the command and "
        "rate; plain: as assembled, one cycle.",
    ),
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


def _wait(context: typer.Context, patience: str | None) -> str | None:
    """Ask that patience of all solves of the command."""
    if patience is not None:
        from sscell.solver.watch import asked, watching

        context.with_resource(watching(asked(patience=patience)))
    return patience


Patience = Annotated[
    str | None,
    typer.Option(
        callback=_wait,
        help="How long a step may compute without getting on before it has failed, such as "
        "5min; default: 60s.",
    ),
]
JsonFlag = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else.")
]
BandsFlag = Annotated[
    bool,
    typer.Option(
        "--bands",
        help="90 % bands from the set's covariance and ranges: some 25 runs instead of one.",
    ),
]
OutputFile = Annotated[
    Path | None,
    typer.Option("-o", "--output", help="Write the data: .nc, .csv or .parquet."),
]
PlotFile = Annotated[
    Path | None, typer.Option("--plot", help="Write a figure: .png, .svg or .pdf.")
]

ReportFile = Annotated[
    Path | None,
    typer.Option(
        help="Write a page that needs nothing else, with data and methods: .html."
    ),
]
Columns = Annotated[
    list[str] | None,
    typer.Option(help="Which header is what: 'voltage=U2,current=I:uA'; repeatable."),
]
CurrentSign = Annotated[
    str | None, typer.Option(help="What a positive current does: charge or discharge.")
]
FileFormat = Annotated[
    str | None, typer.Option("--format", help="Name of the format, if not recognised.")
]


Compare = Annotated[
    list[Path] | None,
    typer.Option(
        help="Measured file to hold the run against: numbers, and with --plot a figure; "
        "repeatable."
    ),
]
CompareCycles = Annotated[
    str | None, typer.Option(help="Of those files: '4-7', as the file counts them.")
]
CompareHalf = Annotated[
    str | None, typer.Option(help="Of those files: discharge or charge.")
]
CompareWindow = Annotated[
    str | None, typer.Option(help="Of those files: voltages, such as '3.3V,4.3V'.")
]
CompareFrequencies = Annotated[
    str | None, typer.Option(help="Of those files: such as '1MHz,0.1Hz'.")
]


@dataclass(frozen=True)
class RunOptions:
    """What every command that runs a cell takes, beside its protocol.

    Parameters
    ----------
    temperature, state, formation_temperature, formation_pressure, pressure : str, optional
        As typed: conditions of the cell [degC], [MPa], and where it starts.
    protocol : str, optional
        ``"published"`` or ``"plain"``.
    settings : list of str, optional
        ``NAME=value``, other values of parameters.
    shells, thickness : int, optional
        Finite volumes over the particle radius and over the thickness [-].
    patience : str, optional
        For a step of the solver that does not get on.
    output, plot : pathlib.Path, optional
        Files to write.
    compare : list of pathlib.Path, optional
        Measured files to hold the run against.
    compare_cycles, compare_half, compare_window, compare_frequencies : str, optional
        What of them is meant.
    bands : bool, optional
        Whether results have 90 % bands.
    report : pathlib.Path, optional
        Page to write.
    as_json : bool, optional
        Whether stdout is one JSON object.
    """

    temperature: Temperature = None
    state: StateOption = None
    protocol: ProtocolOption = None
    formation_temperature: FormationTemperature = None
    formation_pressure: FormationPressure = None
    pressure: Pressure = None
    settings: Settings = None
    shells: Shells = 50
    thickness: Thickness = 0
    patience: Patience = None
    output: OutputFile = None
    plot: PlotFile = None
    compare: Compare = None
    compare_cycles: CompareCycles = None
    compare_half: CompareHalf = None
    compare_window: CompareWindow = None
    compare_frequencies: CompareFrequencies = None
    bands: BandsFlag = False
    report: ReportFile = None
    as_json: JsonFlag = False

    def check(self, series: bool = True) -> None:
        """Refuse what cannot be run or written before anything is computed.

        Parameters
        ----------
        series : bool, optional
            Whether what is written is a time series.

        Raises
        ------
        ParameterError
            If a pressure or an output is not usable.
        """
        from sscell.plots.style import FIGURE_SUFFIXES

        self.choice()
        for path in self.compare or []:
            if not path.is_file():
                raise ParameterError(f"There is no file '{path}' to compare with.")
        check_output(self.output, DATA_SUFFIXES, bdf=series)
        check_output(self.plot, FIGURE_SUFFIXES)
        check_output(self.report, (".html",))
        check_pressure(self.pressure)
        check_pressure(self.formation_pressure)

    def choice(self) -> Choice | None:
        """What of the measured files is meant; None: all.

        Raises
        ------
        ParameterError
            If it is given without a file to compare with, or is not of its form.
        """
        parts = {
            "cycles": self.compare_cycles,
            "half": self.compare_half,
            "window": self.compare_window,
            "frequencies": self.compare_frequencies,
        }
        given = [name for name, part in parts.items() if part is not None]
        if not given:
            return None
        if not self.compare:
            raise ParameterError(f"--compare-{given[0]} goes with --compare.")
        from sscell.readers import Choice

        return Choice(**parts)

    def of_simulate(self) -> dict[str, Any]:
        """Arguments of `sscell.simulate`."""
        from sscell.simulation.engine import Resolution

        return {
            "temperature": self.temperature,
            "state": self.state,
            "formation_temperature": self.formation_temperature,
            "formation_pressure": self.formation_pressure,
            "pressure": self.pressure,
            "changes": parse_settings(self.settings),
            "resolution": Resolution(self.shells, self.thickness),
        }


def with_run_options(
    **defaults: Any,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command that takes ``options`` the options of `RunOptions`.

    Parameters
    ----------
    **defaults
        Where they differ from those of `RunOptions`.

    Returns
    -------
    callable
        Decorator of the command.
    """
    return with_options(RunOptions, **defaults)


def with_options(
    kind: type[Any], **defaults: Any
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command that takes ``options`` the options that a dataclass lists.

    Parameters
    ----------
    kind : type
        A dataclass; the annotation of each field is that of its option.
    **defaults
        Where they differ from those of the dataclass.

    Returns
    -------
    callable
        Decorator of the command.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = get_type_hints(command, include_extras=True)
        shared = get_type_hints(kind, include_extras=True)
        kept = inspect.signature(command).parameters.values()
        usual = {f.name: f.default for f in fields(kind) if f.default is not MISSING}
        added = [
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=(usual | defaults).get(field.name, inspect.Parameter.empty),
                annotation=shared[field.name],
            )
            for field in fields(kind)
        ]

        @wraps(command)
        def typed(**given: Any) -> None:
            options = kind(**{name: given.pop(name) for name in shared})
            command(**given, options=options)

        # Typer reads the options of a command from these two.
        signature = [p.replace(annotation=own[p.name]) for p in kept if p.name != "options"]
        typed.__dict__["__signature__"] = inspect.Signature([*signature, *added])
        typed.__annotations__ = {p.name: p.annotation for p in (*signature, *added)}
        return typed

    return decorate


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


def typed_command() -> str:
    """The command line that runs, as it can be typed again."""
    return f"sscell {shlex.join(sys.argv[1:])}"


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
