"""Figures of a run: voltage and phases against capacity, differential capacity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from sscell.analysis.capacity import HalfCycle, differential_capacity, half_cycles
from sscell.dataset import metadata
from sscell.errors import DataError
from sscell.plots.pressure import draw_contact
from sscell.plots.style import (
    DIRECTION_COLOURS,
    LOSS_COLOURS,
    figure_style,
    headline,
    new_figure,
    phase_colours,
    subplots,
)

__all__ = ["capacity_scale", "losses", "plot_run", "plot_step"]


def plot_run(data: xr.Dataset) -> Any:
    """Voltage against the capacity passed, dQ/dV beside, phases, losses and contact beneath.

    Parameters
    ----------
    data : xarray.Dataset
        A simulated or measured time series [s, A, V].

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
    halves = half_cycles(data)
    if not halves:
        raise DataError("No current flows in this dataset: there is nothing to draw.")
    phases, budget = metadata(data, "phases") or [], metadata(data, "budget") or []
    contact = [name for name in ("Contact fraction",) if name in data]
    panels = 1 + bool(phases) + bool(budget) + bool(contact)
    with figure_style():
        figure = new_figure(figsize=(6.9, 1.1 + 1.9 * panels), layout="constrained")
        ratios = (1.6, 1, 1, 1)[:panels]
        grid = figure.add_gridspec(panels, 2, width_ratios=(2.1, 1), height_ratios=ratios)
        top = figure.add_subplot(grid[0, 0])
        side = figure.add_subplot(grid[0, 1], sharey=top)
        scale, per = capacity_scale(data)
        starts = _starts(halves, scale)
        _draw_voltage(top, data, halves, starts, scale)
        _draw_dqdv(side, halves, scale, per)
        _label_voltage(top, data)
        rows = [top]
        for names, draw in (
            (phases, _draw_phases),
            (budget, _draw_losses),
            (contact, _draw_contact),
        ):
            if names:
                rows.append(figure.add_subplot(grid[len(rows), 0], sharex=top))
                draw(rows[-1], data, halves, starts, scale, names)
                _draw_legend(figure.add_subplot(grid[len(rows) - 1, 1]), rows[-1])
        for axes in rows[:-1]:
            axes.tick_params(labelbottom=False)
        rows[-1].set_xlabel(f"Capacity passed [mAh{per}]")
        figure.suptitle(headline(data), fontsize=8, x=0.01, ha="left")
    return figure


def capacity_scale(data: xr.Dataset) -> tuple[float, str]:
    """Factor from A.h to the capacity that is drawn, and what it is per.

    Parameters
    ----------
    data : xarray.Dataset
        A simulated or measured time series.

    Returns
    -------
    tuple of float and str
        From A.h to mAh per gram, and ``" / g"`` with the name of the basis; to mAh [-] and
        nothing where the mass is unknown.
    """
    mass = metadata(data, "capacity_basis_mass_g")
    if mass is None:
        return 1e3, ""
    basis = metadata(data, "capacity_basis")
    return 1e3 / mass, " / g" + (f" {basis}" if basis else "")


def _starts(halves: Sequence[HalfCycle], scale: float) -> np.ndarray:
    return np.concatenate([[0.0], np.cumsum([h.capacity * scale for h in halves])])


def _draw_voltage(
    axes: Any,
    data: xr.Dataset,
    halves: Sequence[HalfCycle],
    starts: np.ndarray,
    scale: float,
) -> None:
    for half, start in zip(halves, starts, strict=False):
        colour = DIRECTION_COLOURS[half.direction]
        axes.plot(start + half.charge * scale, half.voltage, color=colour)
        if "Voltage lower [V]" in data:
            ends = (
                data[f"Voltage {end} [V]"].values[half.rows] for end in ("lower", "upper")
            )
            axes.fill_between(
                start + half.charge * scale, *ends, color=colour, alpha=0.18, lw=0, zorder=1
            )
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


def _draw_losses(
    axes: Any,
    data: xr.Dataset,
    halves: Sequence[HalfCycle],
    starts: np.ndarray,
    scale: float,
    budget: Sequence[str],
) -> None:
    """What each process costs, stacked; the open-circuit part is no loss."""
    x = np.concatenate([s + h.charge * scale for h, s in zip(halves, starts, strict=False)])
    shown = losses(data, halves, budget)
    colours = [LOSS_COLOURS.get(k, "0.6") for k in shown]
    named = metadata(data, "reaction_labels") or {}
    labels = [named.get(k, k) for k in shown]
    axes.stackplot(x, list(shown.values()), labels=labels, colors=colours, lw=0)
    for start in starts[1:-1]:
        axes.axvline(start, color="white", lw=0.8)
    axes.set_ylim(0, 1.3 * float(np.percentile(sum(shown.values()), 97)))
    axes.set_ylabel("Losses [V]")


def losses(
    data: xr.Dataset, halves: Sequence[HalfCycle], budget: Sequence[str]
) -> dict[str, np.ndarray]:
    """Losses that are worth showing; the open-circuit part is no loss.

    Parameters
    ----------
    data : xarray.Dataset
        A simulated time series.
    halves : sequence of HalfCycle
        Of it.
    budget : sequence of str
        Its parts of the voltage, as in its metadata.

    Returns
    -------
    dict of str to numpy.ndarray
        By process, at the rows of the half cycles in order [V].
    """
    parts: dict[str, np.ndarray] = {}
    signs = {"discharge": -1.0, "charge": 1.0}
    for name in budget:
        if name == "Open-circuit contribution [V]":
            continue
        label = _LOSSES.get(name, name.removesuffix(" contribution [V]"))
        loss = np.concatenate(
            [signs[h.direction] * data[name].values[h.rows] for h in halves]
        )
        parts[label] = parts.get(label, 0.0) + np.clip(loss, 0, None)
    largest = max(float(np.percentile(p, 99)) for p in parts.values())
    return {k: p for k, p in parts.items() if np.percentile(p, 99) > 0.02 * largest}


def _draw_contact(
    axes: Any,
    data: xr.Dataset,
    halves: Sequence[HalfCycle],
    starts: np.ndarray,
    scale: float,
    names: Sequence[str],
) -> None:
    """Stack pressure and contact, where the cell has them."""
    x = np.concatenate([s + h.charge * scale for h, s in zip(halves, starts, strict=False)])
    draw_contact(axes, x, data, np.concatenate([h.rows for h in halves]))


_LOSSES = {
    "Cathode ion contribution [V]": "cathode conduction",
    "Cathode electron contribution [V]": "cathode conduction",
    "Separator contribution [V]": "separator",
    "Contact contribution [V]": "contact",
    "Anode contribution [V]": "anode",
    "Charge-transfer contribution [V]": "charge transfer",
    "Interphase contribution [V]": "interphase",
    "Particle transport contribution [V]": "transport in particle",
    "Activation contribution [V]": "activation",
}


def _draw_legend(axes: Any, stacked: Any) -> None:
    """Names in the free corner, in the order in which they are stacked."""
    handles, names = stacked.get_legend_handles_labels()
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
    time, current = data["Time [s]"].values, data["Current [A]"].values
    if "Step" in data:
        rows = data["Step"].values == data["Step"].values[-1]
        time, current = time[rows], current[rows]
    since, micro = time - time[0], np.abs(current) * 1e6
    with figure_style():
        figure, (left, right) = subplots(1, 2, figsize=(6.9, 2.8), layout="constrained")
        left.loglog(since[since > 0], micro[since > 0])
        left.set(xlabel="Time since the step [s]", ylabel="|Current| [µA]")
        late = since > 1e-3 * since[-1]
        right.plot(since[late] ** -0.5, micro[late])
        right.set(xlabel="Time$^{-1/2}$ [s$^{-1/2}$]", ylabel="|Current| [µA]")
        figure.suptitle(headline(data), fontsize=8, x=0.01, ha="left")
    return figure
