"""Commands for measured files: analyse, convert."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sscell.cli.choices import Cycles, Drop, Frequencies, Half, Window
from sscell.cli.common import (
    Columns,
    CurrentSign,
    FileFormat,
    JsonFlag,
    PlotFile,
    ReportFile,
    check_output,
    typed_command,
)
from sscell.cli.kinds import ANALYSES, KINDS, SEVERAL, UNDRAWN, kind_of_file
from sscell.cli.output import print_json, print_text, read_file, reading, save_data
from sscell.errors import ParameterError, did_you_mean

if TYPE_CHECKING:
    import xarray as xr

    from sscell.readers import Choice

__all__ = ["register"]

_ALWAYS = ("capacity_basis", "energy_basis", "voltage_reference")

Mass = Annotated[str | None, typer.Option(help="Of the capacity basis, such as 2mg.")]
Area = Annotated[str | None, typer.Option(help="Of the electrode, such as 1.27cm2.")]
MeasuredAt = Annotated[
    str | None, typer.Option("-T", "--temperature", help="Of the measurement [degC].")
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
    diameter: Annotated[
        str | None, typer.Option(help="Of round electrodes, instead of their area.")
    ] = None,
    thickness: Annotated[
        str | None, typer.Option(help="Of a pellet without electrodes, such as 0.5mm.")
    ] = None,
    thickness_error: Annotated[
        str, typer.Option(help="One standard error of it, such as 10um.")
    ] = "0um",
    columns: Columns = None,
    current_sign: CurrentSign = None,
    temperature: Annotated[
        list[str] | None,
        typer.Option(
            "-T", "--temperature", help="Of the measurement [degC]; once, or once a file."
        ),
    ] = None,
    pressure: Annotated[
        list[str] | None,
        typer.Option(help="On the stack, such as 50MPa; once, or once a file."),
    ] = None,
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
        str | None,
        typer.Option(help="eis, conductivity: such as 'R0-p(R1,CPE1)-CPE2'."),
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
    composite: Annotated[
        bool | None,
        typer.Option(
            "--composite/--no-composite",
            help="conductivity: whether ions and electrons move; default: as it shows.",
        ),
    ] = None,
    layers: Annotated[
        int, typer.Option(help="conductivity: composite layers in series.")
    ] = 1,
    blocking: Annotated[
        str | None, typer.Option(help="polarisation: what is blocked, ions or electrons.")
    ] = None,
    series_resistance: Annotated[
        str,
        typer.Option(
            help="polarisation, conductivity of composites: of what lies beside it."
        ),
    ] = "0ohm",
    bulk_conductivity: Annotated[
        str | None, typer.Option(help="polarisation: of the conducting phase, 1mS/cm.")
    ] = None,
    volume_fraction: Annotated[
        float | None, typer.Option(help="polarisation: of the conducting phase.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help="conductivity, polarisation: write a file of priors for fit: .toml.",
        ),
    ] = None,
    parameter: Annotated[
        str | None,
        typer.Option(help="-o: whose conductivity it is; default: the separator's."),
    ] = None,
    plot: PlotFile = None,
    report: ReportFile = None,
    as_json: JsonFlag = False,
) -> None:
    """Analyse measured files of the laboratory, from pellets to cycled cells."""
    if kind not in KINDS:
        raise ParameterError(
            f"There is no kind '{kind}' of analysis. {did_you_mean(kind, KINDS, 'kinds')}"
        )
    if len(files) > 1 and kind not in SEVERAL:
        raise ParameterError(
            f"--kind {kind} takes one file; only {', '.join(SEVERAL)} take several."
        )
    if kind == "transference" and len(files) != 3:
        raise ParameterError(
            "--kind transference takes three files: the step, and the spectra before and "
            "after it."
        )
    check_output(plot, (".png", ".svg", ".pdf"))
    check_output(report, (".html",))
    _check_priors(output, parameter, kind)
    options = {
        "mass": mass,
        "area": _area(area, diameter),
        "current_sign": current_sign,
        "format": file_format,
        "scan_rate": scan_rate,
    }
    hot, pressed = (
        _once_a_file(given, files, name)
        for given, name in ((temperature, "-T"), (pressure, "--pressure"))
    )
    choice = _choice(cycles, half, window, frequencies, drop)
    sets = []
    for number, path in enumerate(files):
        own = options | {"temperature": hot[number], "kind": kind_of_file(kind, number)}
        data = choice.apply(read_file(path, columns, **own))
        sets.append(_with_pressure(data, pressed[number]))
        if own["kind"] == "series":
            from sscell.analysis.experiments import check_experiment

            check_experiment(sets[-1], kind, f"'{path.name}'")
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
        "thickness": thickness,
        "thickness_error": thickness_error,
        "composite": composite,
        "layers": layers,
        "blocking": blocking,
        "series_resistance": series_resistance,
        "bulk_conductivity": bulk_conductivity,
        "volume_fraction": volume_fraction,
    }
    drawn = plot is not None or (report is not None and kind not in UNDRAWN)
    result, figure = ANALYSES[kind](sets, extra, drawn)
    if figure is not None and plot is not None:
        from sscell.plots.style import save_figure

        save_figure(figure, plot)
    payload = _payload(sets, result)
    if output is not None:
        from sscell.units import parse_quantity

        named = ", ".join(path.name for path in files)
        payload["priors"] = _write_priors(output, kind, sets[0], result, named, parameter)
        if parse_quantity(thickness_error, "cm", "Error of the thickness") == 0:
            payload["warnings"].append(
                "The written errors hold none of the thickness: say --thickness-error."
            )
    if report is not None:
        from sscell.reports import write_analysis_report

        write_analysis_report(sets, report, kind, payload, figure, typed_command())
    if as_json:
        print_json(payload)
    else:
        print_text(payload)


def _check_priors(output: Path | None, parameter: str | None, kind: str) -> None:
    """Refuse a file of priors before anything is read."""
    check_output(output, (".toml",))
    if parameter is not None and output is None:
        raise ParameterError("--parameter goes with -o: it names what is written.")
    if output is not None and kind not in ("conductivity", "polarisation"):
        raise ParameterError(
            f"-o writes what --kind conductivity and polarisation tell of a cell, not "
            f"{kind}."
        )


def _write_priors(
    output: Path,
    kind: str,
    data: xr.Dataset,
    result: dict[str, Any],
    named: str,
    parameter: str | None,
) -> dict[str, Any]:
    """Write what the analysis says of a cell's parameters, and return it."""
    from sscell.analysis.known import known_values
    from sscell.dataset import metadata
    from sscell.fitting.priors import Prior, write_priors

    area = metadata(data, "area_cm2")
    known = known_values(kind, result, named, parameter=parameter, area_cm2=area)
    priors = {name: Prior(**entry) for name, entry in known.items()}
    write_priors(output, priors, f"Written by sscell analyse --kind {kind}.")
    return known


def _area(area: str | None, diameter: str | None) -> str | float | None:
    """Area of the electrodes [cm2], of round ones from their diameter."""
    from sscell.units import parse_quantity

    if diameter is None:
        return area
    if area is not None:
        raise ParameterError("Give --area or --diameter, not both.")
    across = parse_quantity(diameter, "cm", "Diameter")
    if not across > 0:
        raise ParameterError(f"Diameter '{diameter}' must be positive.")
    return math.pi * across**2 / 4


def _once_a_file(
    given: list[str] | None, files: Sequence[Path], option: str
) -> list[str | None]:
    if not given:
        return [None] * len(files)
    if len(given) not in (1, len(files)):
        raise ParameterError(
            f"{option} is given {len(given)} times for {len(files)} files: give it once, or "
            "once a file."
        )
    return [given[k if len(given) > 1 else 0] for k in range(len(files))]


def _with_pressure(data: xr.Dataset, pressure: str | None) -> xr.Dataset:
    if pressure is not None:
        from sscell.dataset import set_metadata
        from sscell.units import parse_pressure

        set_metadata(data, pressure_MPa=parse_pressure(pressure) / 1e6)
    return data


def _choice(*parts: str | None) -> Choice:
    from sscell.readers import Choice

    return Choice(*parts)


def _payload(sets: Sequence[xr.Dataset], result: dict[str, Any]) -> dict[str, Any]:
    from sscell.dataset import metadata

    first = sets[0]
    celsius = metadata(first, "temperature_C")
    if len({metadata(one, "temperature_C") for one in sets}) > 1:
        celsius = None  # each of the points says its own
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
