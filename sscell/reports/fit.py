"""A fit as one HTML file that needs nothing else: it opens offline and prints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sscell.fitting.courses import Course, Half
from sscell.fitting.forward import Traced
from sscell.fitting.own_cycle import own_run
from sscell.fitting.prediction import Held
from sscell.fitting.profiles import Profile
from sscell.fitting.result import Fit, span_text
from sscell.fitting.spectra import Spectrum
from sscell.plots.style import DIRECTION_COLOURS, svg_of
from sscell.reports.origins import checklist, made_by, methods, pressure_text, toml_of
from sscell.reports.page import (
    Section,
    code,
    details,
    figure,
    items,
    live_figure,
    page_path,
    panel_figure,
    render,
    table,
    text,
)
from sscell.reports.panels import Panel, Series, draw

__all__ = ["write_report"]

_MODEL = DIRECTION_COLOURS["discharge"]
_DATA, _HELD = "#7a8794", "#CC79A7"
_HALVES = 6  # of a dataset that are drawn
_SPECTRA = 25
_NAMED = 6  # data sets that a sentence names one by one


def write_report(
    found: Fit,
    path: str | Path,
    held: Sequence[Held] = (),
    command: str = "",
    profiles: Sequence[Profile] = (),
) -> Path:
    """Write a self-contained report of a fit.

    Parameters
    ----------
    found : Fit
        What was fitted.
    path : str or pathlib.Path
        A ``.html`` file in a folder that exists.
    held : sequence of Held, optional
        Data that were predicted, from `sscell.fitting.prediction.validate_fit`.
    command : str, optional
        What made it.
    profiles : sequence of Profile, optional
        Profile likelihoods that were asked for.

    Returns
    -------
    pathlib.Path
        Its figures are interactive where plotly is installed (extra ``report``).

    Raises
    ------
    ParameterError
        If the path is not usable.

    Examples
    --------
    >>> write_report(None, "report.docx")
    Traceback (most recent call last):
    ...
    sscell.errors.ParameterError: 'report.docx' must end in .html.
    """
    path = page_path(path)
    sections = [
        _parameters(found),
        _unknown(found),
        _curves(found, held),
        _capacities(found, held),
        _spectra(found),
        _losses(found),
        _profiles(profiles),
        _correlations(found),
        _methods(found, held),
        _origin(found, command),
    ]
    path.write_text(
        render(
            title=f"Fit of {found.problem.cell.name}",
            lead=str(found.verdict),
            mood={"describes": "", "is off by": "off"}.get(found.verdict.word, "cannot"),
            summary=_summary(found),
            sections=[s for s in sections if s.parts],
            made_by=made_by(f"seed {found.seed}"),
        ),
        encoding="utf-8",
    )
    return path


def _summary(found: Fit) -> str:
    begin = (
        f"{found.ended.capitalize()} after {found.problem.evaluations} solves, "
        f"{found.problem.failures} of them failed."
    )
    curves = [entry for entry in found.datasets if entry["rms_mV"] is not None]
    spectra = [entry for entry in found.datasets if entry["rms_mV"] is None]
    if len(found.datasets) > _NAMED:
        several = [_several(curves, "rms_mV", "mV rms on the flat part")]
        several.append(_several(spectra, "rms_percent", "% rms of the modulus"))
        return " ".join([begin, *filter(None, several)])
    noise = found.as_dict()["noise_mV"]
    said = [
        f"{entry['file']}: {entry['rms_mV']:.3g} mV rms on the flat part (noise "
        f"{noise[entry['file']]:.2g} mV), {entry['distance']:.3g} errors away."
        for entry in curves
    ]
    said += [f"{e['file']}: {e['rms_percent']:.3g} % rms of the modulus." for e in spectra]
    return " ".join([begin, *said])


def _several(entries: Sequence[dict[str, Any]], key: str, unit: str) -> str:
    """Middle and worst of many data sets."""
    if not entries:
        return ""
    worst = max(entries, key=lambda entry: entry[key])
    middle = float(np.median([entry[key] for entry in entries]))
    return (
        f"{len(entries)} data sets: {middle:.3g} {unit} in the middle, {worst[key]:.3g} in "
        f"the worst, {worst['file']}."
    )


def _named(files: Sequence[str]) -> str:
    if len(files) <= _NAMED:
        return ", ".join(files)
    return f"{len(files)} data sets, {files[0]} to {files[-1]},"


def _parameters(found: Fit) -> Section:
    rows, loose, series = [], [], []
    entries = found.as_dict()["parameters"]
    for number, entry in enumerate(entries):
        low, high = entry["interval_95"]
        rows.append(
            (
                entry["name"],
                f"{entry['value']:.5g}",
                f"{entry['std_error']:.2g}",
                span_text(low, high),
                f"{entry['bounds'][0]:.3g} to {entry['bounds'][1]:.3g}",
                f"{entry['started_from']:.4g} ({entry['started_from_kind']})",
                "pinned" if entry["pinned"] else "not pinned by the data",
            )
        )
        loose.append(not entry["pinned"])
        variable = found.problem.variables[number]
        at = [variable.position(x) for x in (low, entry["value"], high)]
        y = float(len(entries) - number)
        colour = _MODEL if entry["pinned"] else "#b4531f"
        name = variable.short.replace("Positive electrode", "Pos.")
        series.append(Series(np.array([at[0], at[2]]), np.array([y, y]), colour=colour))
        series.append(
            Series(np.array([at[1]]), np.array([y]), "", True, colour, notes=[name])
        )
    heads = ("Parameter", "Value", "Std. error", "95 % interval", "Bounds", "Before", "")
    panel = Panel(
        "95 % intervals",
        "Position between the bounds, 0 to 1",
        "",
        [Series(np.array([0.0, 1.0]), np.array([0.0, 0.0]), colour="#dddddd"), *series],
        (0.0, len(entries) + 1.0),
    )
    return Section(
        "Parameters",
        [
            table(heads, rows, (1, 2), loose),
            panel_figure([panel], 1, "Each interval within the bounds of the fit."),
        ],
    )


def _unknown(found: Fit) -> Section:
    return Section(
        "What the data tell, and what they do not",
        [items([*found.knowledge.sentences, *found.remarks])],
    )


def _chosen(halves: Sequence[Half]) -> list[Half]:
    own = [h for h in halves if h.compared]
    if len(own) <= _HALVES:
        return own
    return [own[round(k * (len(own) - 1) / (_HALVES - 1))] for k in range(_HALVES)]


def _curves(found: Fit, held: Sequence[Held]) -> Section:
    parts: list[dict[str, Any]] = []
    curves: list[tuple[Course, Traced, np.ndarray | None, str]] = [
        (c, t, None, c.label)
        for c, t in zip(found.problem.courses, found.traces, strict=True)
        if isinstance(c, Course)
    ]
    for entry in held:
        if isinstance(entry.course, Course):
            name = f"{entry.label}, not fitted: {entry.inside:.0%} of it in its 90 % band"
            curves.append((entry.course, entry.traced, entry.band, name))
    if curves:
        parts.append(
            text(
                "Circles: data that were compared. Line: model, to where it ends by itself. "
                "Beneath: model less data, with the errors that were counted as a band. "
                "Shaded in the upper panels: where a new measurement is expected (90 %)."
            )
        )
    for course, traced, band, name in curves:
        chosen = _chosen(course.halves)
        body = "".join(
            f'<div class="half">{draw(_pair(course, traced, half, band), 2)}</div>'
            for half in chosen
        )
        left = sum(h.compared for h in course.halves) - len(chosen)
        more = f" {left} more half cycles are in the table of capacities." if left else ""
        parts += [
            text(name, soft=False),
            live_figure(body, f"{len(chosen)} half cycles.{more}"),
        ]
        if course.held.any():
            parts.append(panel_figure([_currents(course, traced, band)], 1))
    if not held:
        parts.append(
            text("No data were held out: nothing here says how well the cell predicts.")
        )
    return Section("Data against model", parts)


def _pair(
    course: Course, traced: Traced, half: Half, band: np.ndarray | None
) -> list[Panel]:
    """A half cycle against capacity, and what is left."""
    points: list[np.ndarray] = []
    curve: list[np.ndarray] = []
    rows: list[int] = []
    passed = [0.0, 0.0]
    for k in half.steps:
        segment, (t, v) = course.segments[k], traced.paths[k]
        size = abs(segment.current)
        if segment.line is None:
            own = course.rows[k]
            rows += range(own.start, own.stop)
            points.append(passed[0] + size * segment.times)
            every = max(t.size // 400, 1)
            at = np.unique(np.append(np.arange(0, t.size, every), t.size - 1))
            curve.append(np.column_stack([passed[1] + size * t[at], v[at]]))
        passed[0] += size * segment.duration
        passed[1] += half.sign * float(traced.charges[k])
    q, line = np.concatenate(points) / 3.6, np.concatenate(curve)
    colour = DIRECTION_COLOURS[half.direction] if band is None else _HELD
    measured, model = course.measured[rows], traced.values[rows]
    low, high = course.window
    width = 0.06 * (high - low)
    upper = Panel(
        f"cycle {half.cycle} {half.direction}",
        "Capacity [mAh]",
        "Voltage [V]",
        [
            Series(q, measured, "data", True),
            Series(
                line[:, 0] / 3.6, np.clip(line[:, 1], low, high), "model", colour=colour
            ),
        ],
        (low - width, high + width),
    )
    if band is not None:
        inside = np.clip(model, low, high)
        upper.series.append(Series(q, inside, "", colour=colour, band=band[rows]))
    off, error = 1e3 * (model - measured), 1e3 * course.deviations[rows]
    good = ~traced.missing[rows]
    reach = 1.3 * float(np.quantile(np.abs(off[good]), 0.97)) if good.any() else 1.0
    reach = max(reach, 3 * float(error.min()))
    lower = Panel(
        "residual",
        "Capacity [mAh]",
        "Model less data [mV]",
        [
            Series(q, 0 * q, "", colour="#9aa5b1", band=np.minimum(2 * error, reach)),
            Series(q[good], np.clip(off[good], -reach, reach), "", True, colour),
        ],
        (-reach, reach),
    )
    return [upper, lower]


def _currents(course: Course, traced: Traced, band: np.ndarray | None) -> Panel:
    rows, t = course.held, course.time[course.held] / 3600
    series = [
        Series(t, 1e6 * course.measured[rows], "data", True),
        Series(t, 1e6 * traced.values[rows], "model", colour=_MODEL),
    ]
    if band is not None:
        series.append(Series(t, 1e6 * traced.values[rows], "", band=1e6 * band[rows]))
    return Panel("currents under a set voltage", "Time [h]", "Current [uA]", series)


def _capacities(found: Fit, held: Sequence[Held]) -> Section:
    rows: list[tuple[str, ...]] = []
    panels = []
    sets = [(e["file"], e["half_cycles"], e.get("own_cycle") or []) for e in found.datasets]
    sets += [(f"{e.label} (not fitted)", e.as_dict()["half_cycles"], []) for e in held]
    for name, halves, own in sets:
        for kind, some in (("along the data", halves), ("run by itself", own)):
            rows += [_capacity(name, kind, row) for row in some]
        panels += [
            _by_cycle(name, way, [h for h in halves if h["direction"] == way])
            for way in ("discharge", "charge")
            if sum(h["direction"] == way for h in halves) > 1
        ]
        panels += _efficiency(name, halves)
    if not rows:
        return Section("Capacity of each half cycle", [])
    heads = ("Data", "Cycle", "", "Measured [mAh]", "Model [mAh]", "Difference", "Model is")
    parts: list[dict[str, Any]] = [panel_figure(panels, 2)] if panels else []
    return Section(
        "Capacity of each half cycle", [*parts, table(heads, rows, (1, 3, 4, 5))]
    )


def _capacity(name: str, kind: str, row: dict[str, Any]) -> tuple[str, ...]:
    off = 100 * (row["model_mAh"] / row["measured_mAh"] - 1) if row["measured_mAh"] else 0.0
    return (
        name,
        str(row["cycle"]),
        row["direction"],
        f"{row['measured_mAh']:.5g}",
        f"{row['model_mAh']:.5g}",
        f"{off:+.1f} %",
        kind,
    )


def _by_cycle(name: str, way: str, rows: Sequence[dict[str, Any]]) -> Panel:
    cycle = np.array([float(r["cycle"]) for r in rows])
    series = [
        Series(cycle, np.array([r["measured_mAh"] for r in rows]), "measured", True),
        Series(
            cycle,
            np.array([r["model_mAh"] for r in rows]),
            "model",
            colour=DIRECTION_COLOURS[way],
        ),
    ]
    return Panel(f"{name}: {way}", "Cycle", "Capacity [mAh]", series)


def _efficiency(name: str, halves: Sequence[dict[str, Any]]) -> list[Panel]:
    """The second half cycle over the first, cycle by cycle."""
    cycles: dict[int, list[dict[str, Any]]] = {}
    for half in halves:
        cycles.setdefault(half["cycle"], []).append(half)
    pairs = {n: p for n, p in cycles.items() if len(p) == 2 and p[0]["measured_mAh"] > 0}
    if len(pairs) < 2:
        return []
    at = np.array(list(pairs), dtype=float)
    curves = []
    for key, points in (("measured_mAh", True), ("model_mAh", False)):
        values = [
            100 * p[1][key] / p[0][key] if p[0][key] else np.nan for p in pairs.values()
        ]
        words = key.removesuffix("_mAh")
        curves.append(
            Series(at, np.array(values), words, points, _DATA if points else _MODEL)
        )
    return [Panel(f"{name}: second half over first", "Cycle", "Efficiency [%]", curves)]


def _spectra(found: Fit) -> Section:
    pairs = [
        (c, t)
        for c, t in zip(found.problem.courses, found.traces, strict=True)
        if isinstance(c, Spectrum)
    ]
    if not pairs:
        return Section("Impedance", [])
    shown = pairs
    if len(pairs) > _SPECTRA:
        shown = [
            pairs[round(k * (len(pairs) - 1) / (_SPECTRA - 1))] for k in range(_SPECTRA)
        ]
    panels = [_nyquist(c, t) for c, t in shown]
    left = Panel("Residuals", "Frequency [Hz]", "Model less data [%]", logarithmic=True)
    for spectrum, traced in shown:
        real, imaginary = np.split(100 * (traced.values - spectrum.measured), 2)
        first = spectrum is shown[0][0]
        f = spectrum.frequencies
        left.series.append(Series(f, real, "real part" if first else "", colour=_MODEL))
        name = "imaginary part" if first else ""
        left.series.append(Series(f, imaginary, name, colour="#D55E00", dashed=True))
    columns = 2 if len(panels) < 5 else 3 if len(panels) < 10 else 4
    return Section(
        "Impedance",
        [
            text("Circles: data. Line: model. Frequencies are marked at whole decades."),
            panel_figure(panels, columns),
            panel_figure([left], 1),
        ],
    )


def _nyquist(spectrum: Spectrum, traced: Traced) -> Panel:
    real, imaginary = np.split(traced.values, 2)
    size = np.abs(spectrum.impedance)
    logs = np.log10(spectrum.frequencies)
    notes = [""] * logs.size
    for decade in range(int(np.ceil(logs.min())), int(np.floor(logs.max())) + 1, 2):
        row = int(np.argmin(np.abs(logs - decade)))
        notes[row] = _hertz(decade)
    z = np.asarray(spectrum.impedance, dtype=complex)
    return Panel(
        spectrum.label,
        "Z real [Ohm]",
        "-Z imaginary [Ohm]",
        [
            Series(np.real(z), -np.imag(z), "data", True, notes=notes),
            Series(real * size, -imaginary * size, "model", colour=_MODEL),
        ],
        equal=True,
    )


def _hertz(decade: int) -> str:
    for prefix, power in (("M", 6), ("k", 3), ("", 0), ("m", -3)):
        if decade >= power:
            return f"{10 ** (decade - power):g} {prefix}Hz"
    return f"1e{decade} Hz"


def _losses(found: Fit) -> Section:
    """The fitted cell run by itself: voltage, dQ/dV and what each process costs."""
    from sscell.plots.runs import plot_run

    course = next((c for c in found.problem.courses if isinstance(c, Course)), None)
    run = None if course is None else own_run(found.cell, course)
    if run is None:
        return Section("Losses", [])
    words = "The fitted cell run by itself at the currents of the first data."
    return Section("Losses", [figure(svg_of(plot_run(run)), words)])


def _profiles(profiles: Sequence[Profile]) -> Section:
    panels = []
    for one in profiles:
        high = min(float(one.rise.max()) * 1.1, 15.0)
        limit = np.full(2, 3.84)
        ends = np.array([one.values[0], one.values[-1]])
        panels.append(
            Panel(
                one.title,
                one.title,
                "Rise of the cost [-]",
                [
                    Series(
                        one.values, np.minimum(one.rise, 15.0), "profile", colour=_MODEL
                    ),
                    Series(ends, limit, "95 %", colour="#9aa5b1", dashed=True),
                ],
                (0.0, max(high, 4.5)),
            )
        )
    if not panels:
        return Section("Profiles", [])
    words = [str(p) for p in profiles]
    return Section("Profiles", [panel_figure(panels, 2), items(words)])


def _correlations(found: Fit) -> Section:
    from sscell.plots.fits import plot_correlation

    if len(found.u) < 2:
        return Section("Correlations", [])
    names = [v.short for v in found.problem.variables]
    drawn = plot_correlation(names, found.knowledge.correlation)
    return Section("Correlations", [figure(svg_of(drawn, "26rem"))])


def _methods(found: Fit, held: Sequence[Held]) -> Section:
    cell, files = found.cell, [entry["file"] for entry in found.datasets]
    how = (
        f"{len(found.u)} values were fitted to {_named(files)} by least squares over "
        f"voltages and capacities, {found.problem.evaluations} solves"
        + (f"; {', '.join(e.label for e in held)} held out" if held else "")
        + "."
    )
    own = cell.values["Ambient temperature [K]"] - 273.15
    stack = cell.values.get("Applied stack pressure [Pa]")
    courses = found.problem.courses
    hot = {own if c.celsius is None else c.celsius for c in courses}
    pressed = {stack if c.pressure is None else c.pressure for c in courses}
    conditions = {
        "Temperature": ", ".join(f"{c:.4g} degC" for c in sorted(hot)),
        "Stack pressure": ", ".join(pressure_text(p) for p in pressed),
        "Protocol": "the currents of the data",
    }
    return Section("Methods", [methods(cell, how), checklist(cell, conditions)])


def _origin(found: Fit, command: str) -> Section:
    starts = [
        (
            str(number),
            start.ended,
            f"{start.cost:.5g}",
            str(start.solves),
            ", ".join(
                f"{v.value(x):.4g}"
                for v, x in zip(found.problem.variables, start.end, strict=True)
            ),
        )
        for number, start in enumerate(found.starts, start=1)
    ]
    fitted = {v.name for v in found.problem.variables}
    others = [
        (p.name, f"{p.value:.5g}", p.kind, p.source)
        for p in found.cell.parameters.parameters.values()
        if p.name not in fitted
    ]
    return Section(
        "Made by",
        [
            code(command or "sscell.fit(...) in Python"),
            table(
                ("Start", "Ended", "Cost", "Solves", "Values at its end"), starts, (0, 2, 3)
            ),
            details(
                f"{len(others)} other values with their sources",
                ("Parameter", "Value", "Kind", "Source"),
                others,
            ),
            details("The fitted cell as TOML", text=toml_of(found.cell)),
        ],
    )
