"""Figure of a stack's energy over the thickness of its layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sscell.plots.style import figure_style, subplots

__all__ = ["plot_design"]

_STYLES = ("-", "--", ":", "-.")
_PANELS = (("energy_Wh_kg", "Energy [W.h/kg]"), ("energy_Wh_L", "Energy [W.h/L]"))


def plot_design(result: Mapping[str, Any]) -> Any:
    """Energy per mass and per volume over the cathode's thickness.

    Parameters
    ----------
    result : mapping
        From `sscell.design`.

    Returns
    -------
    matplotlib.figure.Figure
        A colour for each rate, a line style for each separator; a dot at the best point of
        each rate says what limits it.
    """
    rows = [row for row in result["rows"] if not row["failure"]]
    rates = list(dict.fromkeys(row["rate"] for row in rows))
    separators = list(dict.fromkeys(row["separator_thickness_um"] for row in rows))
    with figure_style():
        figure, axes = subplots(1, 2, figsize=(7.2, 3.2), layout="constrained")
        for panel, (key, label) in zip(axes, _PANELS, strict=True):
            for k, rate in enumerate(rates):
                for m, separator in enumerate(separators):
                    line = [
                        (row["thickness_um"], row[key])
                        for row in rows
                        if row["rate"] == rate
                        and row["separator_thickness_um"] == separator
                    ]
                    panel.plot(
                        *zip(*line, strict=True),
                        color=f"C{k}",
                        linestyle=_STYLES[m % len(_STYLES)],
                        marker="o" if len(line) == 1 else None,
                        label=f"{rate}, separator {separator:.3g} µm",
                    )
            panel.set_xlabel("Cathode thickness [µm]")
            panel.set_ylabel(label)
            panel.set_ylim(bottom=0)
        for row in result["best"]:
            k = rates.index(row["rate"])
            axes[0].plot(row["thickness_um"], row["energy_Wh_kg"], "o", color=f"C{k}")
            axes[0].annotate(
                row["limited_by"],
                (row["thickness_um"], row["energy_Wh_kg"]),
                textcoords="offset points",
                xytext=(0, 5),
                ha="center",
                fontsize="x-small",
            )
        axes[1].legend(fontsize="x-small")
    return figure
