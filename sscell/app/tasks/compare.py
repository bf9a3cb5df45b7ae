"""Figures of one dataset or of several together, simulated and measured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sscell.app.recipes import Measured
from sscell.app.worker import Work
from sscell.errors import DataError

__all__ = ["VIEWS", "one_figure", "overlay"]

VIEWS = (
    "Voltage",
    "Time",
    "dQ/dV",
    "Impedance",
    "Titration",
    "Losses",
    "Phases",
    "Current",
)


def overlay(
    work: Work,
    runs: Mapping[str, str],
    files: Mapping[str, tuple[str, Measured]],
    view: str,
) -> dict[str, Any]:
    """Runs and measured files in one figure.

    Parameters
    ----------
    work : Work
        Not told of anything.
    runs : mapping of str to str
        Files of runs by their titles.
    files : mapping of str to (str, Measured)
        Measured files by their names: where they are, and what is taken.
    view : str
        One of `VIEWS`.

    Returns
    -------
    dict
        A figure of Plotly.
    """
    from sscell.app.tasks.data import read_chosen
    from sscell.dataset import load_dataset

    named = {title: load_dataset(Path(file)) for title, file in runs.items()}
    named |= {name: read_chosen(path, measured) for name, (path, measured) in files.items()}
    if not named:
        raise DataError("Choose at least one run or one file.")
    return one_figure(named, view)


def one_figure(named: Mapping[str, Any], view: str) -> dict[str, Any]:
    """A figure of datasets, those that have what it shows.

    Parameters
    ----------
    named : mapping of str to xarray.Dataset
        By their names for the legend.
    view : str
        One of `VIEWS`.

    Returns
    -------
    dict

    Raises
    ------
    DataError
        If none of them has it.
    """
    from sscell.plots import charts

    spectral = {n: d for n, d in named.items() if "frequency" in d.dims}
    serial = {n: _series(d) for n, d in named.items() if "time" in d.dims}
    if view == "Impedance":
        return charts.nyquist_chart(_some(spectral, view))
    serial = _some(serial, view)
    if view == "Titration":
        return _titrations(serial)
    if view in ("Phases", "Losses"):
        draw = charts.phase_chart if view == "Phases" else charts.budget_chart
        drawn = [figure for figure in map(draw, serial.values()) if figure is not None]
        if not drawn:
            raise DataError(f"None of these has {view.lower()}: they are of simulations.")
        return drawn[0]
    if view == "Time":
        return charts.series_chart(serial)
    if view == "Current":
        return charts.series_chart(serial, "Current [A]")
    return (charts.dqdv_chart if view == "dQ/dV" else charts.voltage_chart)(serial)


def _series(data: Any) -> Any:
    return data.drop_dims("frequency") if "frequency" in data.dims else data


def _some(named: dict[str, Any], view: str) -> dict[str, Any]:
    if not named:
        raise DataError(f"None of these has data for '{view}'.")
    return named


def _titrations(named: Mapping[str, Any]) -> dict[str, Any]:
    from sscell.analysis import gitt
    from sscell.plots.charts import titration_chart

    figure: dict[str, Any] = {}
    for number, (name, data) in enumerate(named.items()):
        one = titration_chart(gitt(data).directions)
        for trace in one["data"]:
            trace["name"] = ", ".join(p for p in (trace["name"], name) if p)
            if number:
                trace["opacity"] = 0.5
        figure = figure or {**one, "data": []}
        figure["data"] = [*figure["data"], *one["data"]]
    return figure
