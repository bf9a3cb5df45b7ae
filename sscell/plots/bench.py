"""Figure of a benchmark: the ratios that count, cell by cell, beside their goals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sscell.errors import ParameterError
from sscell.plots.style import figure_style, subplots

__all__ = ["HEADLINES", "headlines", "plot_bench"]

# Ratio, its suite, what it says, the goal and whether more is better.
HEADLINES = (
    (
        "half_cycle_speedup_over_pybamm_experiment",
        "half cycle",
        "pybamm.Experiment / simulate,\nhalf cycle",
        1.5,
        True,
    ),
    (
        "gitt_speedup_over_pybamm_experiment",
        "titration",
        "pybamm.Experiment / simulate,\ntitration",
        1.5,
        True,
    ),
    ("sweep_speedup_over_rebuild", "sweep", "Rebuilding / sweep", 10.0, True),
    ("simulate_over_bare_solve", "half cycle", "simulate / bare solver", 1.1, False),
    ("outputs_over_voltage", "half cycle", "All outputs / voltage alone", 1.1, False),
    (
        "sensitivities_over_residuals",
        "sensitivities",
        "Five sensitivities / plain solve",
        2.5,
        False,
    ),
)


def headlines(found: Mapping[str, Any]) -> dict[str, list[float | None]]:
    """The six ratios of every cell.

    Parameters
    ----------
    found : mapping
        From `sscell.bench.report.measure`.

    Returns
    -------
    dict of str to list of float or None
        By the name of the cell, in the order of `HEADLINES` [-]; None where not measured.
    """
    return {
        cell: [
            (sheets.get(suite, {}).get("ratios", {}).get(name) or {}).get("value")
            for name, suite, *_ in HEADLINES
        ]
        for cell, sheets in found["cells"].items()
    }


def plot_bench(found: Mapping[str, Any]) -> Any:
    """Six ratios of a run of the benchmark.

    Parameters
    ----------
    found : mapping
        From `sscell.bench.report.measure`.

    Returns
    -------
    matplotlib.figure.Figure
        A panel for each ratio, a bar for each cell, the goal as a line: above it in the
        upper row, below it in the lower one is better.

    Raises
    ------
    ParameterError
        If the run has none of them.
    """
    rows = headlines(found)
    if not any(value is not None for values in rows.values() for value in values):
        raise ParameterError("The run has no half cycle, titration or sweep to plot.")
    with figure_style():
        figure, axes = subplots(2, 3, figsize=(7.2, 4.4), sharey=True, layout="constrained")
        for at, (ax, headline) in enumerate(zip(axes.flat, HEADLINES, strict=True)):
            _panel(ax, headline, {cell: values[at] for cell, values in rows.items()})
    return figure


def _panel(ax: Any, headline: Any, values: Mapping[str, float | None]) -> None:
    _, _, words, goal, more = headline
    labels = list(values)[::-1]
    for at, label in enumerate(labels):
        value = values[label]
        if value is None:
            continue
        met = value >= goal if more else value <= goal
        ax.barh(at, value, color="C2" if met else "0.7", height=0.65)
        ax.annotate(
            f" {value:.3g}", (max(value, goal), at), va="center", ha="left", fontsize=7
        )
    ax.axvline(goal, color="k", lw=1, ls="--")
    ax.set_yticks(range(len(labels)), labels)
    ax.set_title(words, fontsize=8)
    ax.set_xlabel(f"Goal: {'at least' if more else 'at most'} {goal:g} [-]")
    ax.margins(x=0.2)
    ax.set_xlim(left=0)
