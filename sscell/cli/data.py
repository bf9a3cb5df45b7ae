"""Commands for measured files: analyse, convert."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sscell.cli.choices import Cycles, Drop, Frequencies, Half, Window
from sscell.cli.common import JsonFlag, PlotFile, check_output
from sscell.cli.kinds import ANALYSES, KINDS, SEVERAL
from sscell.cli.output import print_json, print_text, read_file, reading, save_data
from sscell.errors import ParameterError, did_you_mean

if TYPE_CHECKING:
    import xarray as xr

    from sscell.readers import Choice

__all__ = ["register"]

_ALWAYS = ("capacity_basis", "energy_basis", "voltage_reference")

Mass = Annotated[str | None, typer.Option(help="Of the capacity basis, such as 2mg.")]
Area = Annotated[str | None, typer.Option(help="Of the electrode, such as 1.27cm2.")]
Columns = Annotated[
    list[str] | None,
    typer.Option(help="Which header is what: 'voltage=U2,current=I:uA'; repeatable."),
]
CurrentSign = Annotated[
    str | None, typer.Option(help="What a positive current does: charge or discharge.")
]
MeasuredAt = Annotated[
    str | None, typer.Option("-T", "--temperature", help="Of the measurement [degC].")
]
FileFormat = Annotated[
    str | None, typer.Option("--format", help="Name of the format, if not recognised.")
]
ScanRate = Annotated[
    str | None, typer.Option(help="Of a voltammogram without a time, such as 0.1mV/s.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to the application."""
    app.command("analyse")(analyse_command)
    app.command("convert")(convert_command)


def analyse_command(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Measured files.")],
    kind: Annotated[str, typer.Option(help=f"{', '.join(KINDS)}.")],
    mass: Mass = None,
    area: Area = None,
    columns: Columns = None,
    current_sign: CurrentSign = None,
    temperature: MeasuredAt = None,
    file_format: FileFormat = None,
    scan_rate: ScanRate = None,
    cycles: Cycles = None,
    half: Half = None,
    window: Window = None,
    frequencies: Frequencies = None,
    drop: Drop = None,
    diffusion_length: Annotated[
        str | None, typer.Option(help="gitt: volume over area of the host, such as 1um.")
    ] = None,
    method: Annotated[
        str, typer.Option(help="gitt: weppner-huggins or chang.")
    ] = "weppner-huggins",
    direction: Annotated[
        str, typer.Option(help="gitt: discharge, charge or both.")
    ] = "both",
    circuit: Annotated[
        str | None, typer.Option(help="eis: such as 'R0-p(R1,CPE1)-CPE2'.")
    ] = None,
    concentration: Annotated[
        str | None, typer.Option(help="step: of the mobile ion, such as 0.02mol/cm3.")
    ] = None,
    smoothing: Annotated[
        str, typer.Option(help="dqdv: standard deviation of the Gaussian.")
    ] = "10mV",
    prominence: Annotated[
        float, typer.Option(help="dqdv: of a peak, as a share of the largest value.")
    ] = 0.05,
    reference_cycle: Annotated[
        int | None, typer.Option(help="cycles: to which retention refers; default: first.")
    ] = None,
    onset_current: Annotated[
        str | None,
        typer.Option(
            help="cv: at which oxidation or reduction begins: 1uA, 5uA/cm2, 1mA/g."
        ),
    ] = None,
    plot: PlotFile = None,
    as_json: JsonFlag = False,
) -> None:
    """Analyse measured files: cycles, titration, dQ/dV, CV, impedance, rate test, step."""
    if kind not in KINDS:
        raise ParameterError(
            f"There is no kind '{kind}' of analysis. {did_you_mean(kind, KINDS, 'kinds')}"
        )
    if len(files) > 1 and kind not in SEVERAL:
        raise ParameterError(
            f"--kind {kind} takes one file; only {' and '.join(SEVERAL)} take several."
        )
    check_output(plot, (".png", ".svg", ".pdf"))
    options = {
        "mass": mass,
        "area": area,
        "current_sign": current_sign,
        "temperature": temperature,
        "format": file_format,
        "scan_rate": scan_rate,
        "kind": "spectra" if kind == "eis" else "series",
    }
    choice = _choice(cycles, half, window, frequencies, drop)
    sets = [choice.apply(read_file(path, columns, **options)) for path in files]
    extra = {
        "diffusion_length": diffusion_length,
        "method": method,
        "direction": direction,
        "circuit": circuit,
        "concentration": concentration,
        "smoothing": smoothing,
        "prominence": prominence,
        "reference_cycle": reference_cycle,
        "onset_current": onset_current,
    }
    result, figure = ANALYSES[kind](sets, extra, plot is not None)
    if figure is not None and plot is not None:
        from sscell.plots.style import save_figure

        save_figure(figure, plot)
    payload = _payload(sets, result)
    if as_json:
        print_json(payload)
    else:
        print_text(payload)


def _choice(*parts: str | None) -> Choice:
    from sscell.readers import Choice

    return Choice(*parts)


def _payload(sets: Sequence[xr.Dataset], result: dict[str, Any]) -> dict[str, Any]:
    from sscell.dataset import metadata

    first = sets[0]
    celsius = metadata(first, "temperature_C")
    if celsius is None and "Temperature [degC]" in first:
        celsius = float(first["Temperature [degC]"].mean())
    read = reading(sets)
    notes = read.pop("warnings")
    always = {
        "cell": None,
        "temperature_C": celsius,
        **{key: metadata(first, key) for key in _ALWAYS},
        **read,
        "warnings": list(dict.fromkeys([*notes, *result.get("warnings", [])])),
    }
    return {**always, **{k: v for k, v in result.items() if k != "warnings"}}


def convert_command(
    file: Annotated[Path, typer.Argument(help="A measured file.")],
    output: Annotated[
        Path,
        typer.Option("-o", "--output", help="BDF: .bdf.csv or .bdf.parquet; or .nc."),
    ],
    mass: Mass = None,
    area: Area = None,
    columns: Columns = None,
    current_sign: CurrentSign = None,
    temperature: MeasuredAt = None,
    file_format: FileFormat = None,
    scan_rate: ScanRate = None,
    kind: Annotated[
        str | None, typer.Option(help="series or spectra, of a file that holds both.")
    ] = None,
    cycles: Cycles = None,
    half: Half = None,
    window: Window = None,
    frequencies: Frequencies = None,
    drop: Drop = None,
    as_json: JsonFlag = False,
) -> None:
    """Convert a measured file to the Battery Data Format, or to .nc with its metadata.

    BDF holds time series: a spectrum is written as .nc or in the package's own .csv.
    """
    from sscell.readers import write_bdf
    from sscell.readers.bdf import is_bdf_name

    check_output(output, (".csv", ".parquet", ".nc"), bdf=kind != "spectra")
    if output.resolve() == file.resolve():
        raise ParameterError(f"'{output}' is the file itself: give another output.")
    options = {
        "mass": mass,
        "area": area,
        "current_sign": current_sign,
        "temperature": temperature,
        "format": file_format,
        "scan_rate": scan_rate,
        "kind": kind or ("series" if is_bdf_name(output) else None),
    }
    choice = _choice(cycles, half, window, frequencies, drop)
    data = choice.apply(read_file(file, columns, **options))
    if output.suffix.lower() == ".nc" or "frequency" in data.dims:
        save_data(data, output)
    else:
        write_bdf(data, output)
    payload = {"output": str(output), **reading([data])}
    if as_json:
        print_json(payload)
    else:
        print(f"{output}: {payload['rows']} rows", file=sys.stderr)
