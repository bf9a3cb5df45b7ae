"""Figures of a benchmark: what things cost beside each other, and how cost grows with size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sscell.errors import ParameterError
from sscell.plots.style import figure_style, subplots

__all__ = ["plot_bench"]

_BARS = {"half cycle": "First half cycle", "titration": "Titration"}
_SIZES = {"shells": "Shells", "thickness points": "Thickness points"}
_SHORT = {
    "pybamm.Experiment": "pybamm.Experiment",
    "half-cell SPM of PyBaMM, 1 h at 1C": "PyBaMM's half-cell SPM",
    "half-cell DFN of PyBaMM, 1 h at 1C": "PyBaMM's half-cell DFN",
}


def plot_bench(found: Mapping[str, Any]) -> Any:
    """Times of a run of the benchmark.

    Parameters
    ----------
    found : mapping
        From `sscell.bench.report.measure`.

    Returns
    -------
    matplotlib.figure.Figure
        A row for each cell: half cycle and titration beside their peers, cost against
        shells and thickness points [ms].

    Raises
    ------
    ParameterError
        If the run has none of these suites.
    """
    wanted = {*_BARS, "size"}
    cells = {c: s for c, s in found["cells"].items() if wanted & set(s)}
    if not cells:
        raise ParameterError("The run has no half cycle, titration or size to plot.")
    with figure_style():
        figure, axes = subplots(
            len(cells), 3, figsize=(10.5, 2.3 * len(cells) + 0.3), squeeze=False,
            layout="constrained", width_ratios=(1.2, 1, 1),
        )  # fmt: skip
        for row, (cell, sheets) in zip(axes, cells.items(), strict=True):
            for ax, suite in zip(row, _BARS, strict=False):
                _bars(ax, sheets.get(suite, {}).get("rows", {}), f"{cell}: {_BARS[suite]}")
            _growth(row[-1], sheets.get("size", {}).get("rows", {}), f"{cell}: size")
    return figure


def _bars(ax: Any, rows: Mapping[str, Any], title: str) -> None:
    ax.set_title(title)
    labels = list(rows)[::-1]
    for at, label in enumerate(labels):
        row = rows[label]
        middle = row["seconds"] * 1e3
        low, high = (s * 1e3 for s in row["quartiles_s"])
        colour = "C0" if label == "simulate" else "0.6"
        ax.barh(at, middle, color=colour, height=0.7)
        ax.plot([low, high], [at, at], color="k", lw=1)
        error = f", {row['error_uV']:.2g} µV" if "error_uV" in row else ""
        ax.annotate(
            f" {_rounded(middle)} ms{error}", (high, at), va="center", ha="left", fontsize=7
        )
    ax.set_yticks(range(len(labels)), [_SHORT.get(name, name) for name in labels])
    ax.set_xlabel("Processor time [ms]")
    ax.margins(x=0.45)
    ax.set_xlim(left=0)


def _rounded(value: float) -> str:
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"


def _growth(ax: Any, rows: Mapping[str, Any], title: str) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    if not rows:
        ax.set_axis_off()
        return
    ax.set_title(title)
    for unit, label in _SIZES.items():
        points = sorted(
            (int(name.split()[0]), row["seconds"] * 1e3)
            for name, row in rows.items()
            if name.endswith(unit)
        )
        if points:
            sizes, times = zip(*points, strict=True)
            (line,) = ax.plot(sizes, times, "o-")
            ax.annotate(
                label, (sizes[-1], times[-1]), xytext=(0, 5), ha="right", va="bottom",
                textcoords="offset points", color=line.get_color(), fontsize=7,
            )  # fmt: skip
    for axis, scale in ((ax.xaxis, ax.set_xscale), (ax.yaxis, ax.set_yscale)):
        scale("log")
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
    ax.set_xlabel("Number [-]")
    ax.set_ylabel("Half cycle [ms]")
    ax.margins(y=0.2)
