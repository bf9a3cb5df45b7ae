"""Commands for measured curves: fit, plan."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sscell.cli.common import (
    CellName,
    Columns,
    CurrentSign,
    FileFormat,
    JsonFlag,
    Patience,
    Settings,
    Shells,
    check_output,
    parse_settings,
    typed_command,
)
from sscell.cli.curves import curve_of, timed
from sscell.cli.output import print_json, progress
from sscell.errors import DataError, ParameterError, SimulationError, did_you_mean

if TYPE_CHECKING:
    import xarray as xr

    from sscell.cells.cell import Cell

__all__ = ["register"]

_MASS = "Positive electrode mass [kg]"


def register(app: typer.Typer) -> None:
    """Add the commands of this module to the application."""
    app.command("fit")(fit_command)
    app.command("plan")(plan_command)


def fit_command(
    cell: CellName,
    files: Annotated[
        list[Path], typer.Argument(metavar="DATA...", help="Measured time series.")
    ],
    vary: Annotated[
        list[str],
        typer.Option(
            help="'NAME=low:high', in the unit of the name; repeatable. Or 'auto': mass, "
            "resistance, one kinetic value and the offset of the voltage, as far as the "
            "data pin them."
        ),
    ],
    temperature: Annotated[
        list[str] | None,
        typer.Option("-T", "--temperature", help="One for all files, or one each [degC]."),
    ] = None,
    pressure: Annotated[
        list[str] | None,
        typer.Option(help="On the stack: one for all files, or one each [MPa]."),
    ] = None,
    state: Annotated[
        list[str] | None,
        typer.Option(
            help="pristine, formed, 50%, 3.3V or '3.3V at rest', or data: formed and led "
            "to the first voltage of the file, which begins in the middle of a half cycle. "
            "One for all files, or one each."
        ),
    ] = None,
    weight: Annotated[
        list[float] | None, typer.Option(help="Of each file, in order; default 1.")
    ] = None,
    noise: Annotated[
        str | None, typer.Option(help="Of the voltage, such as 2mV; default: estimated.")
    ] = None,
    cutoffs: Annotated[
        str | None, typer.Option(help="Where the tests turned round, such as 2V,4V.")
    ] = None,
    separate: Annotated[
        list[str] | None, typer.Option(help="NAME with one value for each file.")
    ] = None,
    prior: Annotated[
        list[str] | None,
        typer.Option(
            help="'NAME=mean:error', or a .toml that analyse -o or --priors-out wrote; "
            "repeatable."
        ),
    ] = None,
    priors_out: Annotated[
        Path | None,
        typer.Option(help="Write what is found as priors of another fit: .toml."),
    ] = None,
    log: Annotated[
        list[str] | None,
        typer.Option(help="NAME on a log scale; default: wide positive bounds."),
    ] = None,
    mass: Annotated[
        str | None, typer.Option(help="Of the capacity basis in this cell, such as 2mg.")
    ] = None,
    current: Annotated[
        str | None,
        typer.Option(help="Of curves over mAh or mAh/g, without time: C/10 or 0.2mA."),
    ] = None,
    columns: Columns = None,
    current_sign: CurrentSign = None,
    file_format: FileFormat = None,
    settings: Settings = None,
    starts: Annotated[
        int, typer.Option(help="Descents: the cell as it is, then others.")
    ] = 1,
    seed: Annotated[int, typer.Option(help="Of the other starts.")] = 0,
    max_evaluations: Annotated[int, typer.Option(help="Solves of one start at most.")] = 40,
    points: Annotated[int, typer.Option(help="Points compared in each file.")] = 200,
    cycles: Annotated[
        list[str] | None,
        typer.Option(
            help="Compared: '4-7', as the file counts them, else from 1; all before is "
            "repeated. This choice and those below: once, or once a file."
        ),
    ] = None,
    half: Annotated[
        list[str] | None,
        typer.Option(
            "--half",
            "--only",
            help="Compared: discharge or charge; the other way is repeated.",
        ),
    ] = None,
    window: Annotated[
        list[str] | None, typer.Option(help="Compared: voltages, such as '3.3V,4.3V'.")
    ] = None,
    frequencies: Annotated[
        list[str] | None, typer.Option(help="Compared, of spectra: '1MHz,0.1Hz'.")
    ] = None,
    drop: Annotated[
        list[str] | None,
        typer.Option(
            help="Not compared: cycles, or points of a spectrum, from 1: '12,13'."
        ),
    ] = None,
    shells: Shells = 25,
    patience: Patience = None,
    hold_out: Annotated[
        list[Path] | None,
        typer.Option(help="File that is predicted, not fitted; repeatable."),
    ] = None,
    hold_out_cycles: Annotated[
        str | None,
        typer.Option(
            help="Of those files, such as '10': of a file that is fitted too, cycles that "
            "are not."
        ),
    ] = None,
    hold_out_temperature: Annotated[
        str | None, typer.Option(help="Of those files; default: that of the fit, if one.")
    ] = None,
    hold_out_pressure: Annotated[
        str | None, typer.Option(help="Of those files; default: that of the fit, if one.")
    ] = None,
    identify_only: Annotated[
        bool, typer.Option("--identify", help="Say what the data could pin; fit nothing.")
    ] = False,
    profiles: Annotated[
        list[str] | None,
        typer.Option(
            "--profile", help="NAME whose profile likelihood is wanted; repeatable."
        ),
    ] = None,
    log_file: Annotated[Path | None, typer.Option(help="JSON file to resume from.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write a report: .html.")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the fitted cell: .toml.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Fit parameters to measured curves: values, errors, and what the data cannot tell."""
    check_output(report, (".html",))
    check_output(output, (".toml",))
    check_output(priors_out, (".toml",))
    check_output(log_file, (".json",))
    auto = "auto" in vary
    if auto and len(vary) > 1:
        raise ParameterError("--vary auto chooses by itself: it goes with no other --vary.")
    bounds = {} if auto else _pairs(vary, "--vary", "low:high")
    reading = {"current_sign": current_sign, "format": file_format, "columns": columns}
    start = _cell(cell, settings, mass)
    known, remarks = ({}, []) if auto else _known(start, prior or [], bounds)
    options = {
        "temperature": _one_or_each(temperature, len(files), "--temperature"),
        "pressure": _one_or_each(pressure, len(files), "--pressure"),
        "states": _one_or_each(state, len(files), "--state") or "pristine",
        "weights": _one_or_each(weight, len(files), "--weight"),
        "noise": _volts(noise, "noise"),
        "cutoffs": _window(cutoffs),
        "separate": separate or (),
        "priors": known,
        "log": log,
        "points": points,
        "cycles": _one_or_each(cycles, len(files), "--cycles"),
        "half": _halves(half, len(files)),
        "window": _one_or_each(window, len(files), "--window"),
        "frequencies": _one_or_each(frequencies, len(files), "--frequencies"),
        "drop": _one_or_each(drop, len(files), "--drop"),
        "resolution": _resolution(shells),
    }
    writes = (output, priors_out, report, log_file, *(profiles or ()), *(hold_out or ()))
    if identify_only and any(w is not None for w in writes):
        raise ParameterError(
            "--identify fits nothing: leave out -o, --priors-out, --report, --log-file, "
            "--profile and --hold-out."
        )
    # Whatever may be wrong must show before hours of fitting, not after.
    for name in profiles or []:
        if not auto and name not in bounds:
            hint = did_you_mean(name, bounds, "parameters that vary")
            raise ParameterError(f"--profile '{name}' does not vary. {hint}")
    held_at = {"temperature": hold_out_temperature, "pressure": hold_out_pressure}
    rest = _held_options(options, held_at | {"states": None}, bool(hold_out))
    rest |= {"cycles": hold_out_cycles}
    for name in ("half", "window", "frequencies"):
        # A choice that is one for all files holds for those held out as well.
        rest[name] = options[name] if not isinstance(options[name], list) else None
    if hold_out_cycles is not None and not hold_out:
        raise ParameterError("--hold-out-cycles goes with --hold-out.")
    told = (start, current)
    data, other = (_read_all(p, reading, *told) for p in (files, hold_out or []))
    why: list[str] = []
    if auto:
        from sscell.fitting.choosing import chosen

        found_bounds, why = chosen(start, data, **options)
        bounds = dict(found_bounds)
        known, remarks = _known(start, prior or [], bounds)
        options["priors"] = {n: p for n, p in known.items() if n in bounds}
        for sentence in why:
            print(f"sscell: {sentence}", file=sys.stderr)
    if identify_only:
        _identify(start, data, bounds, options, as_json)
        return
    if other:
        from sscell.fitting.prepare import prepare

        prepare(start, other, bounds, **rest)  # refuses what can be no data of this cell
    found = _fit(start, data, bounds, options, starts, seed, max_evaluations, log_file)
    if output is not None:
        found.save(output)
    if priors_out is not None:
        remarks += _write_priors(found, priors_out)
    held, refused = _validate(found, other, rest)
    told, text = found.as_dict(), str(found)
    curves, failed = _profiles(found, profiles or [])
    refused += failed
    if report is not None:
        from sscell.reports import write_report

        write_report(found, report, held, typed_command(), curves)
    if as_json:
        payload = _payload(found, told, held)
        payload["warnings"] += [*why[1:], *remarks, *refused]
        print_json(payload | {"profiles": [c.as_dict() for c in curves]})
    else:
        print(text)
        for remark in remarks:
            print(remark)
        for curve in curves:
            print(curve)
        for entry in held:
            print(
                f"not fitted, {entry.label}: {entry.rms:.3g} {entry.unit} rms, "
                f"{entry.inside:.0%} of it in the 90 % band"
            )
    if refused:
        raise SimulationError(" ".join(refused))


def _fit(
    cell: Cell,
    data: dict[str, xr.Dataset],
    bounds: dict[str, tuple[float, float]],
    options: dict[str, Any],
    starts: int,
    seed: int,
    max_evaluations: int,
    log_file: Path | None,
) -> Any:
    from sscell.fitting import fit

    with progress(time.monotonic()) as tell:
        return fit(
            cell,
            data,
            bounds,
            starts=starts,
            seed=seed,
            max_evaluations=max_evaluations,
            log_file=log_file,
            on_progress=tell,
            **options,
        )


def plan_command(
    cell: CellName,
    vary: Annotated[
        list[str],
        typer.Option(help="'NAME=low:high', in the unit of the name; repeatable."),
    ],
    noise: Annotated[str, typer.Option(help="Of the voltage, such as 2mV.")] = "2mV",
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Write the best test: .xml, .mps or .json."),
    ] = None,
    settings: Settings = None,
    patience: Patience = None,
    as_json: JsonFlag = False,
) -> None:
    """Rank tests by what they would tell of parameters per hour of the cycler."""
    bounds = _pairs(vary, "--vary", "low:high")
    start = _cell(cell, settings, None)
    volts = _volts(noise, "noise")
    if volts is None or volts <= 0:
        raise ParameterError(f"The noise must be positive, not '{noise}'.")
    if output is not None:
        from sscell.interchange.cycler import SUFFIXES

        check_output(output, SUFFIXES)
    from sscell.fitting import plan

    with progress(time.monotonic()) as tell:
        ranked = plan(start, bounds, noise=volts, on_progress=tell)
    if output is not None and not ranked[0].failed:
        from sscell.interchange.cycler import write_cycler_protocol

        write_cycler_protocol(start, ranked[0].test.protocol, output)
    if as_json:
        print_json({**_always(start, []), "tests": [p.as_dict() for p in ranked]})
        _refuse_nothing(ranked)
        return
    width = max(len(p.test.name) for p in ranked)
    print(f"{'test':<{width}}  {'hours':>7}  {'bits':>6}  bits/h")
    for p in ranked:
        line = f"{p.hours:7.1f}  {p.bits:6.1f}  {p.bits_per_hour:6.2f}"
        print(f"{p.test.name:<{width}}  {p.failed or line}")
    _refuse_nothing(ranked)


def _refuse_nothing(ranked: Sequence[Any]) -> None:
    if all(p.failed for p in ranked):
        raise SimulationError("No test of the plan could be simulated.")


def _known(
    cell: Cell, given: Sequence[str], bounds: dict[str, tuple[float, float]]
) -> tuple[dict[str, tuple[float, float]], list[str]]:
    """Priors that are written out and those of files, and what there is to say of them."""
    files = [text for text in given if text.lower().endswith(".toml")]
    known = _pairs([text for text in given if text not in files], "--prior", "mean:error")
    if not files:
        return known, []
    from sscell.fitting.priors import priors_for

    of_files, remarks = priors_for(cell, files, bounds)
    for name in known.keys() & of_files.keys():
        raise ParameterError(f"--prior says '{name}' twice: once itself, once by a file.")
    return known | of_files, remarks


def _write_priors(found: Any, path: Path) -> list[str]:
    """Write what a fit found as priors of another one, and say what is left out."""
    from sscell.fitting.priors import of_fit, write_priors

    labels = ", ".join(dict.fromkeys(c.label for c in found.problem.courses))
    rows = found.as_dict()["parameters"]
    own = {v.title for v in found.problem.variables if v.course is not None}
    priors = of_fit(
        [row for row in rows if row["name"] not in own],
        f"fitted to {labels} with {found.problem.cell.name}",
    )
    left = [row["name"] for row in rows if row["name"] not in priors]
    if not priors:
        return [f"Nothing is known well enough to be a prior: {path} was not written."]
    write_priors(path, priors, "Written by sscell fit.")
    return [f"Not in {path.name}, as the data do not pin it: {name}." for name in left]


def _profiles(found: Any, names: Sequence[str]) -> tuple[list[Any], list[str]]:
    """Profiles, and why some failed."""
    from sscell.fitting import profile

    curves, failed = [], []
    for name in names:
        try:
            curves.append(profile(found, name))
        except SimulationError as error:
            failed.append(f"No profile of {name}: {error}")
    return curves, failed


def _identify(
    cell: Cell,
    data: dict[str, xr.Dataset],
    bounds: dict[str, tuple[float, float]],
    options: dict[str, Any],
    as_json: bool,
) -> None:
    from sscell.fitting import identify

    known = identify(cell, data, bounds, **options)
    if as_json:
        print_json({**_always(cell, []), **known.as_dict()})
        return
    for entry in known.as_dict()["parameters"]:
        print(f"{entry['name']}: {entry['value']:.5g} +/- {entry['std_error']:.2g}")
    print(known)


def _resolution(shells: int) -> Any:
    from sscell.fitting.prepare import RESOLUTION

    return replace(RESOLUTION, shells=shells)


def _held_options(
    options: dict[str, Any], given_at: dict[str, str | None], wanted: bool
) -> dict[str, Any]:
    """Conditions of the data that are held out: those of the fit, where they are one."""
    shared = {k: options[k] for k in ("noise", "cutoffs", "points", "resolution")}
    for key, given in given_at.items():
        value = options[key]
        if isinstance(value, list) and given is None:
            if len(set(value)) > 1 and wanted:
                remedy = "fit files of one state"
                if key != "states":
                    remedy = (
                        "say that of the data that are held out with "
                        f"--hold-out-{key}, or fit files of one {key}"
                    )
                raise ParameterError(f"The files differ in {key}: {remedy}.")
            value = value[0]
        shared[key] = given or value
    return shared


def _validate(
    found: Any, data: dict[str, xr.Dataset], options: dict[str, Any]
) -> tuple[list[Any], list[str]]:
    """Data that were held out, and why some could not be predicted: the fit stays."""
    from sscell.fitting import validate_fit

    held: list[Any] = []
    refused = []
    for label, one in data.items():
        try:
            held += validate_fit(found, {label: one}, **options)
        except (SimulationError, DataError, ParameterError) as error:
            refused.append(f"{label} could not be predicted: {error}")
    return held, refused


def _payload(found: Any, told: dict[str, Any], held: Sequence[Any]) -> dict[str, Any]:
    result = dict(told)
    notes = result.pop("warnings")
    return {
        **_always(found.cell, notes),
        **result,
        "cell": found.problem.cell.name,
        "temperatures_C": {c.label: c.celsius for c in found.problem.courses},
        "fitted_cell": found.cell.name,
        "held_out": [entry.as_dict() for entry in held],
    }


def _always(cell: Cell, notes: Sequence[str]) -> dict[str, Any]:
    return {
        "cell": cell.name,
        "temperature_C": cell.values["Ambient temperature [K]"] - 273.15,
        "capacity_basis": cell.basis("capacity")[0],
        "energy_basis": cell.basis("energy")[0],
        "voltage_reference": cell.data["bases"]["voltage_reference"],
        "warnings": list(notes),
    }


def _cell(name: str, settings: list[str] | None, mass: str | None) -> Cell:
    from sscell.cells.cell import Cell
    from sscell.units import parse_quantity

    cell = Cell.load(name)
    changes = parse_settings(settings)
    if changes:
        cell = cell.replace(changes)
    if mass is not None:
        share = parse_quantity(mass, "kg", "mass") / cell.basis("capacity")[1]
        weighed = {_MASS: share * cell.values[_MASS]}
        cell = cell.replace(weighed, "weighed by the user", "stated")
    return cell


def _read_all(
    files: Sequence[Path],
    reading: dict[str, Any],
    cell: Cell | None = None,
    current: str | None = None,
) -> dict[str, xr.Dataset]:
    from sscell.cli.output import read_file

    if len(set(files)) < len(files):
        raise ParameterError("A file is given twice.")
    labels = [
        path.name if [p.name for p in files].count(path.name) == 1 else str(path)
        for path in files
    ]

    def one(path: Path) -> xr.Dataset:
        curve = curve_of(path)
        if curve is None or not curve.unit:
            return read_file(path, **reading)
        if cell is None or current is None:
            raise ParameterError(
                f"{path.name} is a curve over '{curve.name}', without time: give --current."
            )
        return timed(path, curve, current, cell)

    return {label: one(path) for label, path in zip(labels, files, strict=True)}


def _pairs(texts: Sequence[str], option: str, form: str) -> dict[str, tuple[float, float]]:
    """Read repeated ``NAME=a:b`` options."""
    found = {}
    for text in texts:
        name, equals, values = text.rpartition("=")
        try:
            low, high = map(float, values.split(":"))
        except ValueError:
            low = high = None
        if low is None or high is None or not equals or not name.strip():
            raise ParameterError(f"{option} '{text}' must read 'NAME={form}'.")
        found[name.strip()] = (low, high)
    return found


def _one_or_each(values: list[Any] | None, count: int, option: str) -> Any:
    if not values:
        return None
    if len(values) not in (1, count):
        raise ParameterError(
            f"Give {option} once, or once for each of the {count} files, not {len(values)} "
            "times."
        )
    return values[0] if len(values) == 1 else values


def _halves(given: list[str] | None, count: int) -> Any:
    """The half that is compared; 'both' chooses nothing."""
    if given is None:
        return None
    for text in given:
        if text not in ("both", "discharge", "charge"):
            hint = did_you_mean(text, ("discharge", "charge", "both"), "halves")
            raise ParameterError(f"--half '{text}' is not one. {hint}")
    return _one_or_each([None if x == "both" else x for x in given], count, "--half")


def _volts(text: str | None, name: str) -> float | None:
    from sscell.units import parse_quantity

    return None if text is None else float(parse_quantity(text, "V", name))


def _window(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    parts = [_volts(part.strip(), "cutoffs") for part in text.split(",")]
    if len(parts) != 2 or parts[0] is None or parts[1] is None or parts[0] >= parts[1]:
        raise ParameterError(
            f"--cutoffs '{text}' must be a lower and an upper voltage, such as 2V,4V."
        )
    return parts[0], parts[1]
