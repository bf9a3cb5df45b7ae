"""Figures over cycles and currents: capacity, efficiencies, rate tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sscell.plots.style import DIRECTION_COLOURS, figure_style, subplots

__all__ = ["column", "plot_cycles", "plot_rate"]


def column(rows: Sequence[Mapping[str, Any]], key: str, scale: float = 1.0) -> np.ndarray:
    """Values of one field of a list of records, NaN where it is null.

    Parameters
    ----------
    rows : sequence of dict
        Records.
    key : str
        Field.
    scale : float, optional
        Factor.

    Returns
    -------
    numpy.ndarray

    Examples
    --------
    >>> column([{"x": 1.0}, {"x": None}], "x", 2).tolist()
    [2.0, nan]
    """
    return np.array([np.nan if p[key] is None else p[key] * scale for p in rows])


def plot_rate(result: Mapping[str, Any]) -> Any:
    """Capacity over the current, and the Ragone plot where a mass is known.

    Parameters
    ----------
    result : dict
        From `sscell.analysis.rate`.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> result = {"currents_A": [1e-3], "capacities_mAh": [1.0], "capacities_mAh_g": [None],
    ...           "energies_Wh_kg": [None], "powers_W_kg": [None]}
    >>> len(plot_rate(result).axes)
    1
    """
    from matplotlib.ticker import NullFormatter

    specific = result["capacities_mAh_g"][0] is not None
    colour = DIRECTION_COLOURS["discharge"]
    with figure_style():
        figure, axes = subplots(
            1, 2 if specific else 1, figsize=(6.9 if specific else 3.5, 2.7), squeeze=False,
            layout="constrained",
        )  # fmt: skip
        left = axes[0, 0]
        capacity = result["capacities_mAh_g" if specific else "capacities_mAh"]
        left.semilogx(np.array(result["currents_A"]) * 1e3, capacity, "o-", color=colour)
        if result.get("capacity_bands_mAh_g") and specific:
            ends = [b or (np.nan, np.nan) for b in result["capacity_bands_mAh_g"]]
            low, high = np.array(ends).T
            currents = np.array(result["currents_A"]) * 1e3
            left.fill_between(currents, low, high, color=colour, alpha=0.18, lw=0)
        left.set_xlabel("Discharge current [mA]")
        left.set_ylabel("Capacity [mAh / g]" if specific else "Capacity [mAh]")
        left.set_ylim(bottom=0)
        left.margins(y=0.08)
        if specific:
            right = axes[0, 1]
            right.semilogx(
                result["powers_W_kg"], result["energies_Wh_kg"], "o-", color=colour
            )
            right.set_ylim(bottom=0)
            right.xaxis.set_minor_formatter(NullFormatter())
            right.set_xlabel("Mean power [W / kg]")
            right.set_ylabel("Energy [Wh / kg]")
    return figure


def plot_cycles(result: Mapping[str, Any]) -> Any:
    """Capacity, efficiencies and mean voltages over the cycle.

    Parameters
    ----------
    result : dict
        From `sscell.analysis.cycles`.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> row = {"cycle": 1, "charge_mAh": 1.0, "discharge_mAh": 0.9, "charge_mAh_g": None,
    ...        "discharge_mAh_g": None, "coulombic_efficiency": 0.9,
    ...        "energy_efficiency": 0.8, "mean_charge_V": 2.2, "mean_discharge_V": 2.0}
    >>> len(plot_cycles({"cycles": [row], "soft_shorts": []}).axes)
    3
    """
    from matplotlib.ticker import MaxNLocator

    rows = result["cycles"]
    specific = any(r["discharge_mAh_g"] is not None for r in rows)
    number = np.array([r["cycle"] for r in rows])
    size = 3 if len(rows) < 60 else 1.5
    tail = "mAh_g" if specific else "mAh"
    with figure_style():
        figure, axes = subplots(3, 1, figsize=(3.5, 4.6), sharex=True, layout="constrained")
        for name, colour in DIRECTION_COLOURS.items():
            fill = colour if name == "discharge" else "none"
            style = {"ms": size, "color": colour, "mfc": fill, "label": name}
            axes[0].plot(number, column(rows, f"{name}_{tail}"), "o", **style)
            axes[2].plot(number, column(rows, f"mean_{name}_V"), "o", **style)
        for key, mark, colour in (("coulombic", "o", "black"), ("energy", "s", "#009E73")):
            values = column(rows, f"{key}_efficiency", 100)
            axes[1].plot(number, values, mark, ms=size, color=colour, label=key)
        for short in result["soft_shorts"]:
            for one in axes:
                one.axvline(short["cycle"], color="#CC79A7", lw=2, alpha=0.4, zorder=0)
        axes[0].set_ylabel("Capacity [mAh / g]" if specific else "Capacity [mAh]")
        axes[0].set_ylim(bottom=0)
        axes[1].set_ylabel("Efficiency [%]")
        axes[2].set_ylabel("Mean voltage [V]")
        axes[2].set_xlabel("Cycle")
        axes[2].xaxis.set_major_locator(MaxNLocator(integer=True))
        for one in axes[:2]:
            one.legend(ncols=2, loc="lower left")
    return figure
