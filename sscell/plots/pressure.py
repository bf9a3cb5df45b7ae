"""Figures of the stack pressure and of the contact that it makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from sscell.analysis.capacity import HalfCycle, half_cycles
from sscell.analysis.pressure import PRESSURE, pressure_between
from sscell.dataset import metadata, require
from sscell.errors import DataError
from sscell.plots.style import DIRECTION_COLOURS, figure_style, headline, subplots

__all__ = ["draw_contact", "plot_contact", "plot_pressure", "pressure_colour"]

_THETA = "Contact fraction"
_CONTACT_COLOUR = "#009E73"


def pressure_colour(megapascal: float) -> Any:
    """Colour of a stack pressure on the one scale of all figures, 10 to 200 MPa.

    Parameters
    ----------
    megapascal : float
        Pressure [MPa].

    Returns
    -------
    tuple of float
        RGBA.

    Examples
    --------
    >>> len(pressure_colour(50.0))
    4
    """
    import matplotlib

    share = np.log(max(megapascal, 10.0) / 10.0) / np.log(20.0)
    return matplotlib.colormaps["viridis_r"](0.05 + 0.95 * min(share, 1.0))


def plot_pressure(data: xr.Dataset, edges: Sequence[float] = ()) -> Any:
    """Voltage, stack pressure and contact over time, as a load cell beside a cycler.

    Parameters
    ----------
    data : xarray.Dataset
        Simulated or measured time series [s, A, V] with ``Stack pressure [MPa]``.
    edges : sequence of float, optional
        Rising voltages that divide the first half cycle [V]: the change of the pressure in
        each part is written there.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    DataError
        If the data have no pressure, or no current flows.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0, 1, 2], "Current [A]": [-1, -1, -1],
    ...                     "Voltage [V]": [3.0, 3.9, 4.4], PRESSURE: [50.0, 49.8, 49.7]})
    >>> len(plot_pressure(data, [3.9]).axes)
    2
    """
    require(data, PRESSURE)
    halves = [half for half in half_cycles(data) if half.capacity > 0]
    if not halves:
        raise DataError("No current flows in this dataset: there is nothing to draw.")
    panels = 2 + (_THETA in data)
    with figure_style():
        figure, axes = subplots(
            panels, 1, figsize=(6.9, 0.6 + 1.6 * panels), sharex=True, layout="constrained"
        )
        hours = (data["Time [s]"].values - data["Time [s]"].values[0]) / 3600
        _draw_series(axes[0], hours, data["Voltage [V]"].values, halves)
        _draw_series(axes[1], hours, data[PRESSURE].values, halves)
        reference = metadata(data, "voltage_reference")
        axes[0].set_ylabel("Voltage [V]" + (f"\nvs {reference}" if reference else ""))
        axes[1].set_ylabel("Stack pressure\n[MPa]")
        if edges:
            _draw_parts(axes, data, halves[0], hours, edges)
        if panels == 3:
            axes[2].plot(hours, data[_THETA].values, color=_CONTACT_COLOUR)
            axes[2].set_ylabel("Contact fraction")
        axes[-1].set_xlabel("Time [h]")
        axes[-1].margins(x=0.01)
        figure.suptitle(headline(data), fontsize=8, x=0.01, ha="left")
    return figure


def _draw_series(
    axes: Any, hours: np.ndarray, values: np.ndarray, halves: Sequence[HalfCycle]
) -> None:
    axes.plot(hours, values, color="0.6", lw=0.8)
    for half in halves:
        colour = DIRECTION_COLOURS[half.direction]
        axes.plot(hours[half.rows], values[half.rows], color=colour)


def _draw_parts(
    axes: Any,
    data: xr.Dataset,
    half: HalfCycle,
    hours: np.ndarray,
    edges: Sequence[float],
) -> None:
    """Parts of the first half cycle as bands, each with its change of the pressure."""
    rises = half.direction == "charge"
    bounds = [-np.inf, *edges, np.inf]
    pairs = zip(bounds[:-1], bounds[1:], strict=True)
    parts = [pressure_between(data, half, low, high) for low, high in pairs]
    passed = np.maximum.accumulate(half.voltage if rises else -half.voltage)
    at = hours[half.rows]
    ordered = edges if rises else [-e for e in reversed(edges)]
    limits = [at[0], *np.interp(ordered, passed, at), at[-1]]
    changes = parts if rises else parts[::-1]
    for number, change in enumerate(changes):
        left, right = limits[number : number + 2]
        for panel in axes:
            panel.axvspan(left, right, color=("0.94", "0.87")[number % 2], lw=0, zorder=0)
        axes[1].annotate(
            f"{change:+.2f}",
            ((left + right) / 2, (0.04, 0.16)[number % 2]),
            xycoords=("data", "axes fraction"),
            ha="center",
            fontsize=7,
        )


def draw_contact(axes: Any, x: np.ndarray, data: xr.Dataset, rows: np.ndarray) -> None:
    """Stack pressure and contact fraction on one panel with two scales.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where to draw.
    x : numpy.ndarray, shape (n,)
        What it is drawn against [any unit].
    data : xarray.Dataset
        With pressure [MPa] and contact.
    rows : numpy.ndarray, shape (n,)
        Rows of the dataset.
    """
    axes.plot(x, data[PRESSURE].values[rows], color="black", label="stack pressure")
    axes.plot([], [], color=_CONTACT_COLOUR, label="contact fraction")
    axes.set_ylabel("Pressure [MPa]")
    axes.yaxis.set_major_formatter("{x:.2f}")
    other = axes.twinx()
    other.plot(x, data[_THETA].values[rows], color=_CONTACT_COLOUR)
    other.set_ylabel("Contact fraction", color=_CONTACT_COLOUR)
    other.spines["right"].set_visible(True)
    other.spines["right"].set_color(_CONTACT_COLOUR)
    other.tick_params(axis="y", colors=_CONTACT_COLOUR)


def plot_contact(results: Mapping[float, Mapping[str, Any]]) -> Any:
    """Spectra of one cell under several pressures, and their interfacial resistance.

    Parameters
    ----------
    results : mapping of float to dict
        Pressure [MPa] to what `sscell.analysis.eis` gives of one spectrum.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    DataError
        If there is no spectrum, or one without an area.

    Examples
    --------
    >>> spectrum = {"real_ohm_cm2": [10.0, 60.0], "imaginary_ohm_cm2": [0.0, -1.0]}
    >>> one = {"spectra": [spectrum], "interfacial_resistance_ohm_cm2": 50.0}
    >>> len(plot_contact({20.0: one, 50.0: one}).axes)
    2
    """
    areal = [r["interfacial_resistance_ohm_cm2"] for r in results.values()]
    if not results or None in areal:
        raise DataError("Nothing to draw: give spectra of cells whose area is known.")
    with figure_style():
        figure, (left, right) = subplots(
            1, 2, figsize=(6.9, 2.9), width_ratios=(1.5, 1), layout="constrained"
        )
        for pressure, result in sorted(results.items()):
            one, colour = result["spectra"][0], pressure_colour(pressure)
            minus = -np.asarray(one["imaginary_ohm_cm2"])
            left.plot(one["real_ohm_cm2"], minus, color=colour, label=f"{pressure:g} MPa")
            value = result["interfacial_resistance_ohm_cm2"]
            right.plot(pressure, value, "o", color=colour)
        left.set_xlim(left=0)
        left.set_ylim(bottom=0)
        left.set_aspect("equal", adjustable="box")
        left.set(xlabel="Re Z [Ω cm²]", ylabel="-Im Z [Ω cm²]")
        left.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=5, columnspacing=1)
        right.set(xlabel="Stack pressure [MPa]", ylabel="Interfacial resistance [Ω cm²]")
        right.set_xlim(0, 1.08 * max(results))
        right.set_ylim(0, 1.08 * max(areal))
    return figure
