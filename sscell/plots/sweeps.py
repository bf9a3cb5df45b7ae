"""Figure of a sweep: the way of the reaction over temperature and rate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from sscell.errors import ParameterError
from sscell.plots.style import figure_style, subplots

__all__ = ["plot_pathways"]


def plot_pathways(
    grid: xr.Dataset,
    phase: str,
    published: Sequence[tuple[float, str, str]] = (),
) -> Any:
    """Largest fraction of an intermediate phase over temperature and rate.

    Parameters
    ----------
    grid : xarray.Dataset
        From `sscell.sweep`, with the axes ``temperature`` [degC] and ``rate``.
    phase : str
        The intermediate, such as ``"Na2S2"``.
    published : sequence of (float, str, str), optional
        Temperature [degC], rate and ``"two"`` or ``"three"`` steps of published conditions.

    Returns
    -------
    matplotlib.figure.Figure
        One panel per half cycle; numbers are peaks of dQ/dV.

    Raises
    ------
    ParameterError
        If an axis or the phase is missing.
    """
    for axis in ("temperature", "rate"):
        if axis not in grid.dims:
            raise ParameterError(f"The sweep has no axis '{axis}'.")
    if phase not in grid["phase"].values:
        raise ParameterError(f"The sweep knows no phase '{phase}'.")
    grid = grid.transpose("temperature", "rate", ...)
    halves = list(grid["half_cycle"].values)
    with figure_style():
        figure, axes = subplots(
            1,
            len(halves),
            figsize=(3.3 * len(halves) + 0.5, 3.1),
            sharey=True,
            squeeze=False,
            layout="constrained",
        )
        image: Any = None
        for panel, half in zip(axes[0], halves, strict=True):
            image = _draw(panel, grid.sel(half_cycle=half), phase)
            _mark(panel, grid, published)
            panel.set_title(half.rstrip("0123456789 "))
        axes[0, 0].set_ylabel("Temperature [°C]")
        figure.colorbar(image, ax=axes, label=f"Largest {phase} fraction [-]", shrink=0.9)
    return figure


def _draw(panel: Any, grid: xr.Dataset, phase: str) -> Any:
    largest = grid["max_fraction"].sel(phase=phase).values
    image = panel.imshow(
        largest, origin="lower", aspect="auto", vmin=0, vmax=1, cmap="cividis"
    )
    for row, column in np.ndindex(largest.shape):
        count = grid["peak_count"].values[row, column]
        text = "-" if np.isnan(count) else f"{count:.0f}"
        dark = np.isnan(largest[row, column]) or largest[row, column] < 0.6
        panel.text(
            column,
            row,
            text,
            ha="center",
            va="center",
            fontsize=6,
            color="white" if dark else "black",
        )
    panel.set_xticks(range(grid["rate"].size), [str(r) for r in grid["rate"].values])
    panel.set_yticks(
        range(grid["temperature"].size), [f"{t:g}" for t in grid["temperature"].values]
    )
    panel.set_xlabel("Rate; numbers: peaks of dQ/dV")
    return image


def _mark(
    panel: Any, grid: xr.Dataset, published: Sequence[tuple[float, str, str]]
) -> None:
    """Squares around published conditions: dashed for two steps, solid for three."""
    rates = [str(r) for r in grid["rate"].values]
    celsius = list(grid["temperature"].values)
    for temperature, rate, steps in published:
        if rate in rates and temperature in celsius:
            corner = (rates.index(rate) - 0.45, celsius.index(temperature) - 0.45)
            panel.add_patch(_rectangle(corner, "-" if steps == "three" else "--"))


def _rectangle(corner: tuple[float, float], style: str) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle(corner, 0.9, 0.9, fill=False, ec="#D55E00", lw=1.6, ls=style)
