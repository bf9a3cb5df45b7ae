"""Figure of measured curves with the model's over them, a panel for each pair."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from sscell.analysis.comparison import Comparison, Overlay
from sscell.plots.style import DIRECTION_COLOURS, figure_style, plain, subplots

__all__ = ["plot_comparison"]

_MOST = 24  # panels; more are shown by as many, spread over all


def plot_comparison(found: Sequence[Comparison]) -> Any:
    """Data as points and the model as lines, half cycle by half cycle against capacity.

    Parameters
    ----------
    found : sequence of Comparison
        From `sscell.analysis.comparison.compare`.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import numpy as np
    >>> line = np.array([0.0, 1.0])
    >>> pair = Overlay("a", ("x", "y"), (line, line), (line, line))
    >>> len(plot_comparison([Comparison("file", {}, [], (pair,))]).axes)
    1
    """
    pairs = [(one.file, overlay) for one in found for overlay in one.overlays]
    shown = pairs
    if len(pairs) > _MOST:
        shown = [pairs[round(k * (len(pairs) - 1) / (_MOST - 1))] for k in range(_MOST)]
    columns = min(len(shown), 4)
    rows = math.ceil(len(shown) / columns)
    with figure_style():
        figure, axes = subplots(
            rows,
            columns,
            figsize=(max(2.1 * columns, 3.2), 2.0 * rows + 0.4),
            layout="constrained",
            squeeze=False,
        )
        for panel, (file, overlay) in zip(axes.flat, shown, strict=False):
            _draw(panel, overlay)
            name = overlay.label if len(found) == 1 else f"{file}: {overlay.label}"
            panel.set_title(plain(name), loc="left", fontsize="small")
        for panel in axes.flat[len(shown) :]:
            panel.axis("off")
        for row in axes:
            row[0].set_ylabel(shown[0][1].axes[1])
        for column in range(columns):
            last = max(k for k in range(len(shown)) if k % columns == column)
            axes.flat[last].set_xlabel(shown[0][1].axes[0])
        axes.flat[0].legend(loc="best")
    return figure


def _draw(axes: Any, overlay: Overlay) -> None:
    every = max(overlay.measured[0].size // 60, 1)
    x, y = (c[::every] for c in overlay.measured)
    axes.plot(x, y, "o", ms=2.5, mfc="none", mew=0.6, color="#888888", label="data")
    colour = DIRECTION_COLOURS.get(overlay.direction, DIRECTION_COLOURS["discharge"])
    axes.plot(*overlay.model, color=colour, label="model")
    if overlay.axes[0].startswith("Z real"):
        axes.set_aspect("equal", adjustable="datalim")
