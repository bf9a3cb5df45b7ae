"""Fits: live, previewed, and what would be worth measuring."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sscell.app.recipes import Fit, Measured
from sscell.app.tasks.data import read_chosen
from sscell.app.worker import Work
from sscell.errors import DataError, ParameterError, SimulationError

__all__ = ["fit", "plan", "preview"]

_EVERY = 1.5  # s between two looks at the curves of a running fit
_PREPARED: dict[str, Any] = {}


def _read(paths: Mapping[str, str], several: tuple[Measured, ...]) -> dict[str, Any]:
    """Whole files: what is compared is said to the fit, which repeats all before it."""
    return {
        one.file: read_chosen(paths[one.file], Measured(one.file, **one.reading))
        for one in several
    }


def _problem(asked: Fit, cell: str, paths: Mapping[str, str]) -> Any:
    """What the fit minimises; the last one is kept for the next look."""
    from sscell.fitting.prepare import prepare

    key = repr((asked, cell, sorted(paths.items()), Path(cell).exists()))
    if key not in _PREPARED:
        problem, _ = prepare(cell, _read(paths, asked.data), asked.vary, **asked.options())
        _PREPARED.clear()
        _PREPARED[key] = problem
    return _PREPARED[key]


def _figures(courses: Any, models: Any, bands: Any = None) -> list[dict[str, Any]]:
    found = []
    for number, (course, model) in enumerate(zip(courses, models, strict=True)):
        band = None if bands is None else bands[number]
        found += _of_course(course, model, band)
    return found


def _of_course(course: Any, model: Any, band: Any) -> list[dict[str, Any]]:
    from sscell.fitting.spectra import Spectrum
    from sscell.plots.fit_charts import curve_chart, spectrum_chart

    if isinstance(course, Spectrum):
        real, imaginary = np.split(model, 2)
        modelled = (real + 1j * imaginary) * np.abs(course.impedance)
        return [spectrum_chart(course.label, course.impedance, modelled)]
    step = np.repeat(
        np.arange(len(course.segments)), [s.times.size for s in course.segments]
    )
    found = []
    for held in (False, True):
        own = course.held == held
        if not own.any():
            continue
        # A pause between steps that are compared is no line.
        ends = np.flatnonzero(np.diff(step[own])) + 1
        columns = [
            None
            if values is None
            else np.insert(np.asarray(values, float)[own], ends, np.nan)
            for values in (course.time, course.measured, model, band)
        ]
        found.append(curve_chart(course.label, *columns[:3], held=held, band=columns[3]))
    return found


def _misfit(problem: Any, u: Any) -> float:
    residuals = problem.residuals(u)
    return math.sqrt(float(residuals @ residuals) / max(residuals.size - len(u), 1))


def _positions(problem: Any, values: Mapping[str, float]) -> Any:
    u = problem.start()
    for k, variable in enumerate(problem.variables):
        if variable.name in values:
            u[k] = variable.position(values[variable.name])
    return np.clip(u, 0.0, 1.0)


def preview(
    work: Work,
    asked: Fit,
    cell: str,
    paths: Mapping[str, str],
    values: Mapping[str, float],
) -> dict[str, Any]:
    """Data and model at values that were set by hand.

    Parameters
    ----------
    work : Work
        Not told of anything.
    asked : Fit
        Cell, data and bounds.
    cell : str
        Where the cell is.
    paths : mapping of str to str
        Where the files are.
    values : mapping of str to float
        By parameter; others are those of the cell [unit of the name].

    Returns
    -------
    dict
        ``figures``, ``misfit`` of the noise [-].
    """
    problem = _problem(asked, cell, paths)
    u = _positions(problem, values)
    misfit = _misfit(problem, u)
    models = [trace.values for trace in problem.traces]
    return {"figures": _figures(problem.courses, models), "misfit": misfit}


def fit(
    work: Work, asked: Fit, cell: str, paths: Mapping[str, str], stem: str
) -> dict[str, Any]:
    """Fit, tell how it goes, and write the cell and a report.

    Parameters
    ----------
    work : Work
        Hears of the cost, the best values and the curves.
    asked : Fit
        Cell, data and bounds.
    cell : str
        Where the cell is.
    paths : mapping of str to str
        Where the files are.
    stem : str
        Path of what is written, without its ending.

    Returns
    -------
    dict
        ``result``, ``figures``, ``intervals``, ``correlation``, ``held`` and ``note``.
    """
    import sscell
    from sscell.plots.fit_charts import correlation_chart, interval_chart
    from sscell.reports import write_report

    data = _read(paths, asked.data)
    watch = _Watcher(work, _problem(asked, cell, paths))
    found = sscell.fit(
        cell, data, asked.vary, progress=watch, cancel=work.cancel, **asked.options()
    )
    held, refused = _predicted(found, asked, paths)
    name = Path(stem).name
    found.save(f"{stem}.toml")
    write_report(found, f"{stem}.html", held, command=asked.command(name))
    result = found.as_dict()
    result["held_out"] = [entry.as_dict() for entry in held]
    result["warnings"] = [*result["warnings"], *refused]
    several = len(result["parameters"]) > 1
    names = [p["name"] for p in result["parameters"]]
    return {
        "result": result,
        "figures": _figures(found.problem.courses, found.model)
        + _figures(
            [h.course for h in held], [h.model for h in held], [h.band for h in held]
        ),
        "intervals": interval_chart(result["parameters"]),
        "correlation": correlation_chart(names, result["correlation"]) if several else None,
        "note": "Stopped; the best so far is kept." if work.cancel.cancelled else "",
    }


class _Watcher:
    """Hears of the evaluations of a fit, and now and then looks at its best curves."""

    def __init__(self, work: Work, problem: Any):
        self._work, self._problem = work, problem
        self._due, self._shown = 0.0, math.inf

    def __call__(self, event: Any) -> None:
        told = {
            "share": event.share,
            "text": event.text,
            "values": dict(event.best_values),
            "curve": {"cost": [event.best_cost]},
        }
        now = time.monotonic()
        if now > self._due and event.best_cost != self._shown:
            self._shown = event.best_cost
            told["figures"] = self._look(event.best_values)
            self._due = time.monotonic() + _EVERY
        self._work.tell(**told)

    def _look(self, values: Mapping[str, float]) -> list[dict[str, Any]]:
        try:
            models = self._problem.curves(_positions(self._problem, values))
        except SimulationError:
            return []
        return _figures(self._problem.courses, models)


def _predicted(
    found: Any, asked: Fit, paths: Mapping[str, str]
) -> tuple[list[Any], list[str]]:
    """Data that were held out; the fit stays where one of them cannot be predicted."""
    from sscell.fitting import validate_fit

    held: list[Any] = []
    refused = []
    for one in asked.held_out:
        try:
            held += validate_fit(found, _read(paths, (one,)), **asked.held_options(one))
        except (SimulationError, DataError, ParameterError) as error:
            refused.append(f"{one.file} could not be predicted: {error}")
    return held, refused


def plan(
    work: Work, cell: str, vary: Mapping[str, tuple[float, float]], noise: str
) -> dict[str, Any]:
    """Tests ranked by what they would tell of parameters.

    Parameters
    ----------
    work : Work
        Hears which test is simulated.
    cell : str
        A name or a path.
    vary : mapping of str to tuple of float
        Bounds by parameter.
    noise : str
        Of the voltage.

    Returns
    -------
    dict
        ``tests`` and ``figure``.
    """
    from sscell.errors import SimulationError
    from sscell.fitting import plan as ranked
    from sscell.plots.fit_charts import bits_chart
    from sscell.solver.cancelling import Cancelled
    from sscell.solver.watch import asked, watching
    from sscell.units import parse_quantity

    volts = float(parse_quantity(noise, "V", "noise"))

    def tell(share: float, text: str) -> None:
        if work.cancel.cancelled:
            raise Cancelled("The plan was cancelled.")
        work.tell(share=share, text=text)

    with watching(asked(work.cancel)):
        tests = [p.as_dict() for p in ranked(cell, vary, noise=volts, on_progress=tell)]
    done = [t for t in tests if not t["failed"]]
    if not done:
        raise SimulationError("No test of the plan could be simulated.")
    return {"tests": tests, "figure": bits_chart(done[:12])}
