"""A fit as one HTML file that needs nothing else: figures inside, no scripts."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from sscell.errors import ParameterError
from sscell.fitting.courses import Course
from sscell.fitting.prediction import Held
from sscell.fitting.result import Fit
from sscell.fitting.spectra import Spectrum
from sscell.plots.fits import plot_correlation, plot_curve, plot_spectrum
from sscell.plots.style import png_of

__all__ = ["write_report"]

_PAGE = Template("""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>$title</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62em; margin: 2em auto; padding: 0 1em;
  color: #222; }
h1 { font-size: 1.5em; } h2 { font-size: 1.15em; margin-top: 2em; }
table { border-collapse: collapse; } caption { text-align: left; color: #555; }
th, td { padding: .25em .8em .25em 0; text-align: left; border-bottom: 1px solid #ddd;
  vertical-align: top; }
td.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
img { max-width: 100%; } .figures { display: flex; flex-wrap: wrap; gap: 1em; }
.figures img { max-width: 30em; } pre { background: #f4f4f4; padding: .6em; overflow-x: auto; }
.loose { color: #a33; }
</style></head><body>
<h1>$title</h1>
<p>$summary</p>
<h2>Parameters</h2>
$parameters
<h2>What the data tell, and what they do not</h2>
<ul>$sentences</ul>
$correlation
<h2>Data against model</h2>
<p>Points: data that were compared. Line: model. Grey band: twice the noise,
wider where a small error of the charge moves a steep curve.</p>
<div class="figures">$figures</div>
$held
<h2>Descents</h2>
$starts
<h2>All other values of the cell</h2>
<details><summary>$count values with their sources</summary>$others</details>
<h2>Made by</h2>
<pre>$command</pre>
<p>sscell $version, PyBaMM $pybamm, seed $seed.</p>
</body></html>
""")


def write_report(
    found: Fit, path: str | Path, held: Sequence[Held] = (), command: str = ""
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

    Returns
    -------
    pathlib.Path

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
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise ParameterError(f"'{path}' must end in .html.")
    if not path.parent.is_dir():
        raise ParameterError(f"The folder '{path.parent}' does not exist.")
    parts = {
        "title": html.escape(f"Fit of {found.problem.cell.name}"),
        "summary": html.escape(_summary(found)),
        "parameters": _parameters(found),
        "sentences": _items([*found.knowledge.sentences, *found.remarks]),
        "correlation": _correlation(found),
        "figures": "".join(
            _figure(course, model, course.label)
            for course, model in zip(found.problem.courses, found.model, strict=True)
        ),
        "held": _held(held),
        "starts": _starts(found),
        "others": _others(found),
        "count": str(len(found.cell.parameters.parameters) - len(found.u)),
        "command": html.escape(command or "sscell.fit(...) in Python"),
        "version": version("sscell"),
        "pybamm": version("pybamm"),
        "seed": str(found.seed),
    }
    path.write_text(_PAGE.substitute(parts), encoding="utf-8")
    return path


def _summary(found: Fit) -> str:
    result = found.as_dict()
    parts = [
        f"{label}: {value:.3g} {unit} rms (noise {result[f'noise_{key}'][label]:.2g} {unit})"
        for key, unit in (("mV", "mV"), ("percent", "%"))
        for label, value in result[f"rms_{key}"].items()
    ]
    parts += [
        f"{label}: {value:.3g} uA rms under set voltages"
        for label, value in result["rms_uA"].items()
    ]
    rms = ", ".join(parts)
    return (
        f"{found.ended.capitalize()} after {result['solves']} solves, "
        f"{result['failed_solves']} of them failed. {rms}."
    )


def _items(sentences: Sequence[str]) -> str:
    return "".join(f"<li>{html.escape(s)}</li>" for s in sentences)


def _table(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """HTML table; numbers stand right, everything is escaped."""
    head = "".join(f"<th>{html.escape(h)}</th>" for h in heads)
    body = []
    for row in rows:
        cells = (
            f'<td class="n">{value:.5g}</td>'
            if isinstance(value, float)
            else f"<td>{html.escape(str(value))}</td>"
            for value in row
        )
        body.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"


def _parameters(found: Fit) -> str:
    rows = []
    for entry in found.as_dict()["parameters"]:
        low, high = entry["interval_95"]
        rows.append(
            (
                entry["name"],
                entry["value"],
                f"± {entry['std_error']:.2g}",
                f"{low:.4g} to {high:.4g}",
                f"{entry['bounds'][0]:.3g} to {entry['bounds'][1]:.3g}",
                f"{entry['started_from']:.4g} ({entry['started_from_kind']})",
                "fitted, pinned" if entry["pinned"] else "fitted, not pinned by the data",
            )
        )
    heads = (
        "Parameter",
        "Value",
        "Std. error",
        "95 % interval",
        "Bounds",
        "Before",
        "Kind",
    )
    return _table(heads, rows)


def _correlation(found: Fit) -> str:
    if len(found.u) < 2:
        return ""
    names = [v.short for v in found.problem.variables]
    return _image(plot_correlation(names, found.knowledge.correlation), "Correlations")


def _figure(
    course: Course | Spectrum, model: np.ndarray, title: str, band: np.ndarray | None = None
) -> str:
    """Data, model and residuals; currents under a set voltage in a picture of their own."""
    if isinstance(course, Spectrum):
        real, imaginary = np.split(model, 2)
        figure = plot_spectrum(
            {
                "label": title,
                "frequencies": course.frequencies,
                "measured": course.impedance,
                "model": (real + 1j * imaginary) * np.abs(course.impedance),
            }
        )
        return _image(figure, course.label)
    images = []
    for held in (False, True):
        own = course.held == held
        if not own.any():
            continue
        # A pause between steps that are compared is no line.
        step = np.repeat(
            np.arange(len(course.segments)), [s.times.size for s in course.segments]
        )[own]
        ends = np.flatnonzero(np.diff(step)) + 1

        def broken(
            values: np.ndarray, own: np.ndarray = own, ends: np.ndarray = ends
        ) -> np.ndarray:
            return np.insert(values[own], ends, np.nan)

        curve = {
            "label": title,
            "time": broken(course.time),
            "measured": broken(course.measured),
            "model": broken(model),
            "band": None if band is None else broken(band),
            "deviations": broken(course.deviations),
            "held": held,
        }
        images.append(_image(plot_curve(curve), course.label))
    return "".join(images)


def _held(held: Sequence[Held]) -> str:
    if not held:
        return (
            "<h2>Validation</h2><p>No data were held out: nothing here says how well the "
            "cell predicts.</p>"
        )
    images = []
    for entry in held:
        unit = "%" if entry.unit == "percent" else entry.unit
        title = f"{entry.label} (not fitted): {entry.rms:.3g} {unit} rms"
        images.append(_figure(entry.course, entry.model, title, entry.band))
    return (
        "<h2>Validation: data that were not fitted</h2>"
        f'<div class="figures">{"".join(images)}</div>'
    )


def _starts(found: Fit) -> str:
    variables = found.problem.variables
    rows = [
        (
            str(number),
            start.ended,
            start.cost,
            str(start.solves),
            ", ".join(
                f"{v.value(x):.4g}" for v, x in zip(variables, start.end, strict=True)
            ),
        )
        for number, start in enumerate(found.starts, start=1)
    ]
    return _table(("Start", "Ended", "Cost", "Solves", "Values at its end"), rows)


def _others(found: Fit) -> str:
    fitted = {v.name for v in found.problem.variables}
    rows = [
        (p.name, float(p.value), p.kind, p.source)
        for p in found.cell.parameters.parameters.values()
        if p.name not in fitted
    ]
    return _table(("Parameter", "Value", "Kind", "Source"), rows)


def _image(figure: Any, words: str) -> str:
    data = base64.b64encode(png_of(figure)).decode("ascii")
    return f'<img alt="{html.escape(words)}" src="data:image/png;base64,{data}">'
