"""Figures of a run: voltage and phases against capacity, differential capacity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from sscell.analysis.capacity import HalfCycle, differential_capacity, half_cycles
from sscell.dataset import metadata
from sscell.errors import DataError
from sscell.plots.style import DIRECTION_COLOURS, figure_style, phase_colours

__all__ = ["plot_run", "plot_step"]


def plot_run(data: xr.Dataset, measured: xr.Dataset | None = None) -> Any:
    """Voltage against the capacity passed, phases beneath, dQ/dV beside.

    Parameters
    ----------
    data : xarray.Dataset
        A simulated or measured time series [s, A, V].
    measured : xarray.Dataset, optional
        Laid over it, half cycle by half cycle.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    DataError
        If no current flows in the data.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0, 3600], "Current [A]": [1.0, 1.0],
    ...                     "Voltage [V]": [2.0, 1.0]})
    >>> len(plot_run(data).axes)
    2
    """
    import matplotlib.pyplot as plt

    halves = half_cycles(data)
    if not halves:
        raise DataError("No current flows in this dataset: there is nothing to draw.")
    phases = metadata(data, "phases") or []
    with figure_style():
        figure = plt.figure(figsize=(6.9, 4.6 if phases else 3.0), layout="constrained")
        grid = figure.add_gridspec(
            2 if phases else 1,
            2,
            width_ratios=(2.1, 1),
            height_ratios=(1.6, 1) if phases else None,
        )
        top = figure.add_subplot(grid[0, 0])
        side = figure.add_subplot(grid[0, 1], sharey=top)
        scale, per = _scale(data)
        starts = _starts(halves, scale)
        _draw_voltage(top, halves, starts, scale)
        _draw_dqdv(side, halves, scale, per)
        if measured is not None:
            _draw_measured(top, side, measured, halves, starts, scale)
        _label_voltage(top, data)
        bottom = top
        if phases:
            bottom = figure.add_subplot(grid[1, 0], sharex=top)
            _draw_phases(bottom, data, halves, starts, scale, phases)
            _draw_legend(figure.add_subplot(grid[1, 1]), bottom)
            plt.setp(top.get_xticklabels(), visible=False)
        bottom.set_xlabel(f"Capacity passed [mAh{per}]")
        figure.suptitle(_title(data), fontsize=8, x=0.01, ha="left")
    return figure


def _title(data: xr.Dataset) -> str:
    parts = [str(metadata(data, "cell") or "measured")]
    if "Temperature [degC]" in data:
        parts.append(f"{float(data['Temperature [degC]'][0]):g} °C")
    protocol = metadata(data, "protocol") or {}
    if protocol.get("rate"):
        parts.append(str(protocol["rate"]))
    return ", ".join(parts)


def _scale(data: xr.Dataset) -> tuple[float, str]:
    """Factor from A.h to the capacity that is drawn, and what it is per."""
    mass = metadata(data, "capacity_basis_mass_g")
    if mass is None:
        return 1e3, ""
    basis = metadata(data, "capacity_basis")
    return 1e3 / mass, " / g" + (f" {basis}" if basis else "")


def _starts(halves: Sequence[HalfCycle], scale: float) -> np.ndarray:
    return np.concatenate([[0.0], np.cumsum([h.capacity * scale for h in halves])])


def _draw_voltage(
    axes: Any, halves: Sequence[HalfCycle], starts: np.ndarray, scale: float
) -> None:
    for half, start in zip(halves, starts, strict=False):
        colour = DIRECTION_COLOURS[half.direction]
        axes.plot(start + half.charge * scale, half.voltage, color=colour)
        if start > 0:
            axes.axvline(start, color="0.85", lw=0.8, zorder=0)
    for half, start in list(zip(halves, starts, strict=False))[:2]:
        axes.annotate(
            half.direction,
            (start + half.capacity * scale / 2, 1.0),
            xycoords=("data", "axes fraction"),
            ha="center",
            va="top",
            color=DIRECTION_COLOURS[half.direction],
        )


def _draw_dqdv(axes: Any, halves: Sequence[HalfCycle], scale: float, per: str) -> None:
    for number, half in enumerate(halves):
        voltage, dqdv = differential_capacity(half)
        fade = 1.0 if number >= len(halves) - 2 else 0.35
        axes.plot(
            dqdv * scale, voltage, color=DIRECTION_COLOURS[half.direction], alpha=fade
        )
    axes.set_xlim(left=0)
    axes.set_xlabel(f"|dQ/dV| [mAh / V{per}]")
    axes.tick_params(labelleft=False)


def _draw_measured(
    top: Any,
    side: Any,
    measured: xr.Dataset,
    halves: Sequence[HalfCycle],
    starts: np.ndarray,
    scale: float,
) -> None:
    own = metadata(measured, "capacity_basis_mass_g")
    scale = 1e3 / own if own else scale
    label: str | None = "measured"
    for half, start in zip(half_cycles(measured), starts[: len(halves)], strict=False):
        top.plot(start + half.charge * scale, half.voltage, "k--", lw=0.9, label=label)
        voltage, dqdv = differential_capacity(half)
        side.plot(dqdv * scale, voltage, "k--", lw=0.9)
        label = None
    top.legend(loc="lower right")


def _label_voltage(axes: Any, data: xr.Dataset) -> None:
    reference = metadata(data, "voltage_reference")
    axes.set_ylabel("Voltage [V]" + (f" vs {reference}" if reference else ""))
    axes.margins(x=0.01)


def _draw_phases(
    axes: Any,
    data: xr.Dataset,
    halves: Sequence[HalfCycle],
    starts: np.ndarray,
    scale: float,
    phases: Sequence[str],
) -> None:
    colours = phase_colours(phases)
    x = np.concatenate([s + h.charge * scale for h, s in zip(halves, starts, strict=False)])
    rows = np.concatenate([h.rows for h in halves])
    table = np.array([data[f"{p} fraction"].values[rows] for p in phases])
    table = np.clip(table, 0, 1)
    axes.stackplot(x, table, colors=[colours[p] for p in phases], labels=phases, lw=0)
    for start in starts[1:-1]:
        axes.axvline(start, color="white", lw=0.8)
    axes.set_ylim(0, 1)
    axes.set_ylabel("Phase fraction [-]")


def _draw_legend(axes: Any, phases: Any) -> None:
    """Names of the phases in the free corner, in the order in which they are stacked."""
    handles, names = phases.get_legend_handles_labels()
    axes.legend(handles[::-1], names[::-1], loc="center left")
    axes.axis("off")


def plot_step(data: xr.Dataset) -> Any:
    """Current after a potential step, over time and over its inverse square root.

    Parameters
    ----------
    data : xarray.Dataset
        Time series [s, A, V] that ends with the hold.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0, 1, 4], "Current [A]": [2.0, 1.0, 0.5],
    ...                     "Voltage [V]": [2.0, 2.0, 2.0]})
    >>> len(plot_step(data).axes)
    2
    """
    import matplotlib.pyplot as plt

    time, current = data["Time [s]"].values, data["Current [A]"].values
    if "Step" in data:
        rows = data["Step"].values == data["Step"].values[-1]
        time, current = time[rows], current[rows]
    since, micro = time - time[0], np.abs(current) * 1e6
    with figure_style():
        figure, (left, right) = plt.subplots(1, 2, figsize=(6.9, 2.8), layout="constrained")
        left.loglog(since[since > 0], micro[since > 0])
        left.set(xlabel="Time since the step [s]", ylabel="|Current| [µA]")
        late = since > 1e-3 * since[-1]
        right.plot(since[late] ** -0.5, micro[late])
        right.set(xlabel="Time$^{-1/2}$ [s$^{-1/2}$]", ylabel="|Current| [µA]")
        figure.suptitle(_title(data), fontsize=8, x=0.01, ha="left")
    return figure
