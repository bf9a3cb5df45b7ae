"""Figures of a validation: the scorecard and the paper's figures re-made from the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from sscell.analysis import cv, eis
from sscell.analysis.capacity import differential_capacity, half_cycles
from sscell.analysis.pressure import PRESSURE
from sscell.dataset import metadata
from sscell.errors import ParameterError
from sscell.papers.validation import Validation
from sscell.plots.data import plot_cv, plot_eis
from sscell.plots.pressure import plot_pressure
from sscell.plots.style import (
    DIRECTION_COLOURS,
    figure_style,
    save_figure,
    subplots,
    temperature_colour,
)

__all__ = [
    "figures_of",
    "plot_cycling",
    "plot_profiles",
    "plot_scorecard",
    "plot_titration",
    "plot_voltammograms",
    "write_figures",
]

_WORD_COLOURS = {
    "fitted": "#0072B2",
    "predicted": "#D55E00",
    "illustrated": "#999999",
    "contradicts": "#CC79A7",
}
_FEW = 3  # cycles that are drawn as curves; more as capacity against their number
_MANY = 50  # cycles whose marks would run together


def write_figures(result: Validation, folder: Path) -> list[Path]:
    """Write all figures of a validation.

    Parameters
    ----------
    result : Validation
        With its runs.
    folder : pathlib.Path
        Is made if its parent exists.

    Returns
    -------
    list of pathlib.Path

    Raises
    ------
    ParameterError
        If the folder's parent does not exist.
    """
    if not folder.parent.is_dir():
        raise ParameterError(f"The folder '{folder.parent}' does not exist.")
    folder.mkdir(exist_ok=True)
    return [
        save_figure(figure, folder / f"{result.cell}_{name}.png")
        for name, figure in figures_of(result).items()
    ]


def figures_of(result: Validation) -> dict[str, Any]:
    """All figures of a validation by their names.

    Parameters
    ----------
    result : Validation
        With its runs.

    Returns
    -------
    dict of str to matplotlib.figure.Figure
    """
    figures = {"scorecard": plot_scorecard(result)}
    for rate, names in _by_rate(result).items():
        figures[f"profiles_{rate.replace('/', '')}"] = plot_profiles(result, names)
    for name, run in result.runs.items():
        if _is_titration(run):
            figures[name] = plot_titration(result, name)
        elif _protocol(run).get("name") == "cv":
            figures[name] = plot_voltammograms(run)
        elif _cycles(run) > _FEW:
            figures[name] = plot_cycling(result, name)
        if "Frequency [Hz]" in run.coords or "frequency" in run.dims:
            figures[f"{name}_nyquist"] = plot_eis(eis(run))
    for name in _pressed(result):
        figures[f"{name}_pressure"] = plot_pressure(result.runs[name])
    return figures


def _pressed(result: Validation) -> list[str]:
    """Names of the runs whose stack pressure is compared with a published one."""
    asked = {row["run"] for row in result.rows if row["quantity"].startswith("pressure")}
    return [name for name, run in result.runs.items() if name in asked and PRESSURE in run]


def _protocol(run: xr.Dataset) -> Mapping[str, Any]:
    return metadata(run, "protocol") or {}


def _is_titration(run: xr.Dataset) -> bool:
    return _protocol(run).get("name") == "gitt"


def _cycles(run: xr.Dataset) -> int:
    return int(run["Cycle"].values.max())


def _by_rate(result: Validation) -> dict[str, list[str]]:
    """Names of runs that cycle a few times at one rate, coldest first."""
    found: dict[str, list[str]] = {}
    for name, run in result.runs.items():
        if _protocol(run).get("name") == "cycle" and _cycles(run) <= _FEW:
            found.setdefault(str(_protocol(run).get("rate")), []).append(name)
    for names in found.values():
        names.sort(key=lambda n: float(result.runs[n]["Temperature [degC]"][0]))
    return found


def plot_scorecard(result: Validation) -> Any:
    """Error over tolerance of every row, beside that of the null model.

    Parameters
    ----------
    result : Validation
        Rows in their order.

    Returns
    -------
    matplotlib.figure.Figure
    """
    rows = result.rows
    with figure_style():
        figure, axes = subplots(figsize=(6.9, 0.6 + 0.13 * len(rows)), layout="constrained")
        axes.axvspan(-1, 1, color="0.93", lw=0)
        for number, row in enumerate(rows):
            if row["null_model"] is not None:
                null = _tolerances(row, row["null_model"])
                axes.plot(null, number, "x", color="0.6", ms=4)
            colour = _WORD_COLOURS[row["word"]]
            if row["model"] is None:
                axes.text(
                    0, number, "none", ha="center", va="center", fontsize=5, color=colour
                )
            else:
                axes.plot(_tolerances(row, row["model"]), number, "o", color=colour, ms=4)
        names = [_row_name(r, rows) for r in rows]
        axes.set_yticks(range(len(rows)), names, fontsize=5)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlabel("(model - published) / tolerance, cut at 5")
        axes.set_title(
            f"{result.cell}: fitted (blue), predicted (orange), null model (cross)",
            loc="left",
        )
    return figure


def _row_name(row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    """Id and temperature, with the cycle where several rows go by one id."""
    alike = [r for r in rows if r["id"] == row["id"] and r["run"] == row["run"]]
    where = row["quantity"].partition(" cycle ")[2]
    cycle = f" cycle {where}" if len(alike) > 1 and where else ""
    return f"{row['id']}{cycle}, {row['temperature_C']:g} °C"


def _tolerances(row: Mapping[str, Any], value: float) -> float:
    low = high = row["published"]
    if isinstance(row["published"], list):
        low, high = row["published"]
    outside = value - min(max(value, low), high) if low != high else value - low
    if row["sense"] == "at least":
        outside = min(outside, 0.0)
    elif row["sense"] == "at most":
        outside = max(outside, 0.0)
    return float(np.clip(outside / (row["tolerance"] or 0.5), -5, 5))


def plot_profiles(result: Validation, names: Sequence[str]) -> Any:
    """Voltage and differential capacity of some runs, published peaks as marks.

    Parameters
    ----------
    result : Validation
        With its rows.
    names : sequence of str
        Runs, one column each.

    Returns
    -------
    matplotlib.figure.Figure
        Voltages against the cell's anode [V].
    """
    with figure_style():
        figure, axes = subplots(
            2,
            len(names),
            figsize=(0.6 + 2.2 * len(names), 4.6),
            sharey="row",
            squeeze=False,
            layout="constrained",
        )
        for column, name in enumerate(names):
            run = result.runs[name]
            _draw_run(axes[0, column], axes[1, column], run)
            _mark_published(axes[0, column], axes[1, column], result.rows, name)
            celsius = float(run["Temperature [degC]"][0])
            axes[0, column].set_title(
                f"{celsius:g} °C, {_protocol(run)['rate']}", loc="left"
            )
        axes[0, 0].set_ylabel(f"Voltage [V] vs {result.bases['voltage_reference']}")
        axes[1, 0].set_ylabel(f"dQ/dV [Ah / V / g {result.bases['capacity_basis']}]")
    return figure


def _draw_run(top: Any, bottom: Any, run: xr.Dataset) -> None:
    mass = metadata(run, "capacity_basis_mass_g")
    for half in half_cycles(run):
        style = {
            "color": DIRECTION_COLOURS[half.direction],
            "alpha": 1 if half.cycle == 1 else 0.4,
        }
        top.plot(half.charge * 1e3 / mass, half.voltage, **style)
        voltage, dqdv = differential_capacity(half)
        sign = -1 if half.direction == "discharge" else 1
        bottom.plot(voltage, sign * dqdv / mass, **style)
    top.set_xlabel("Capacity [mAh / g]")
    bottom.set_xlabel("Voltage [V]")


def _mark_published(
    top: Any, bottom: Any, rows: Sequence[Mapping[str, Any]], run: str
) -> None:
    low, high = top.get_ylim()
    for row in rows:
        if row["run"] != run or row["sense"] != "equal":
            continue
        direction = "discharge" if "discharge" in row["quantity"] else "charge"
        colour = DIRECTION_COLOURS[direction]
        if row["quantity"].startswith("capacity ") and row["unit"].startswith("mA"):
            at = 0.04 if direction == "discharge" else 0.96
            top.plot(row["published"], low + at * (high - low), "v", color=colour, ms=5)
        elif row["quantity"].startswith("peak ") and row["unit"] == "V":
            bottom.axvline(row["published"], color=colour, lw=0.8, ls=":")


def plot_cycling(result: Validation, name: str) -> Any:
    """Capacity against the number of the cycle, published values as marks.

    Parameters
    ----------
    result : Validation
        With its rows.
    name : str
        A run of many cycles.

    Returns
    -------
    matplotlib.figure.Figure
    """
    run = result.runs[name]
    mass = metadata(run, "capacity_basis_mass_g")
    with figure_style():
        figure, axes = subplots(figsize=(3.4, 2.6), layout="constrained")
        for direction, mark in (("charge", "s"), ("discharge", "o")):
            halves = [h for h in half_cycles(run) if h.direction == direction]
            axes.plot(
                [h.cycle for h in halves],
                [h.capacity * 1e3 / mass for h in halves],
                mark,
                ms=3 if len(halves) <= _MANY else 1,
                color=DIRECTION_COLOURS[direction],
                label=direction,
            )
        for row in result.rows:
            if row["run"] == name and row["quantity"].startswith("capacity discharge"):
                cycle = int(row["quantity"].rsplit(" ", 1)[1])
                low, high = np.min(row["published"]), np.max(row["published"])
                axes.plot([cycle, cycle], [low, high], "k-", lw=1)
                axes.plot(cycle, (low + high) / 2, "k*", ms=6)
        axes.set_xlabel("Cycle")
        axes.set_ylabel(f"Capacity [mAh / g {result.bases['capacity_basis']}]")
        axes.set_ylim(bottom=0)
        axes.set_title(
            f"{float(run['Temperature [degC]'][0]):g} °C; stars: published", loc="left"
        )
        axes.legend()
    return figure


def plot_voltammograms(run: xr.Dataset) -> Any:
    """Sweeps at each scan rate, and the exponents of their peak currents.

    Parameters
    ----------
    run : xarray.Dataset
        Time [s], voltage [V] and current [A] of a voltammetry.

    Returns
    -------
    matplotlib.figure.Figure
    """
    cycles = run["Cycle"].values
    parts = [run.isel(time=np.flatnonzero(cycles == c)) for c in np.unique(cycles)]
    return plot_cv(parts, cv(parts))


def plot_titration(result: Validation, name: str) -> Any:
    """Voltage of a titration with its rested values, published plateaus as lines.

    Parameters
    ----------
    result : Validation
        With its rows.
    name : str
        A run that is a titration.

    Returns
    -------
    matplotlib.figure.Figure
        Voltages against the cell's anode [V].
    """
    run = result.runs[name]
    offset = metadata(run, "working_metal_offset_V") or 0.0
    mass = metadata(run, "capacity_basis_mass_g")
    celsius = float(run["Temperature [degC]"][0])
    with figure_style():
        figure, axes = subplots(figsize=(3.4, 2.8), layout="constrained")
        for half in half_cycles(run):
            colour = DIRECTION_COLOURS[half.direction]
            charge = half.charge * 1e3 / mass
            axes.plot(charge, half.voltage, color=colour, lw=0.5, alpha=0.6)
            rested = np.flatnonzero(np.diff(charge) > 0)
            rested = (
                rested[np.append(np.diff(rested) > 1, False)] if rested.size else rested
            )
            resting = np.abs(half.current) < 1e-4 * np.abs(half.current).max()
            ends = np.flatnonzero(resting[:-1] & ~resting[1:])
            axes.plot(charge[ends], half.voltage[ends], "o", ms=2.5, color=colour)
        plateaus = [
            row
            for row in result.rows
            if row["run"] == name
            and row["quantity"].startswith("OCV plateau ")
            and row["unit"] == "V"
        ]
        for row in plateaus:
            shift = offset if "against Na" in row["note"] else 0.0
            direction = "discharge" if "discharge" in row["quantity"] else "charge"
            axes.axhline(
                row["published"] - shift,
                color=DIRECTION_COLOURS[direction],
                ls=":",
                lw=0.8,
            )
        axes.set_xlabel(f"Capacity [mAh / g {result.bases['capacity_basis']}]")
        axes.set_ylabel(f"Voltage [V] vs {result.bases['voltage_reference']}")
        axes.set_title(
            f"{celsius:g} °C; dots: rested" + ("; lines: published" if plateaus else ""),
            loc="left",
            color=temperature_colour(celsius),
        )
    return figure
