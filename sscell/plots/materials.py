"""Figures of materials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sscell.plots.style import DIRECTION_COLOURS, figure_style

if TYPE_CHECKING:
    from sscell.analysis.open_circuit import OpenCircuit

__all__ = ["plot_open_circuit"]


def plot_open_circuit(
    found: OpenCircuit, offset: float = 0.0, guest: str = "lithium"
) -> Any:
    """Open-circuit potential over filling, a line for each branch.

    Parameters
    ----------
    found : OpenCircuit
        From `sscell.analysis.open_circuit.open_circuit`.
    offset : float, optional
        Added to the potentials [V].
    guest : str, optional
        ``"lithium"`` or ``"sodium"``.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    metal = "Na" if guest == "sodium" else "Li"
    with figure_style():
        figure = Figure(figsize=(5.0, 3.6), layout="constrained")
        axes = figure.subplots()
        branches = {"discharge": found.discharge, "charge": found.charge}
        if not found.has_branches:
            branches = {"discharge": found.discharge}
        for direction, potential in branches.items():
            axes.plot(
                found.filling,
                potential + offset,
                marker=".",
                markersize=3,
                color=DIRECTION_COLOURS[direction],
                label=direction if found.has_branches else None,
            )
        axes.set_xlabel(f"Filling with {guest} (-)")
        axes.set_ylabel(f"Open-circuit potential (V against {metal})")
        if found.has_branches:
            axes.legend(frameon=False)
    return figure
