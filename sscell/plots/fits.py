"""Figure of a fit: correlations of its errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sscell.plots.style import figure_style, plain, subplots

__all__ = ["plot_correlation"]


def plot_correlation(names: Sequence[str], correlation: Any) -> Any:
    """Correlations of the parameters as a coloured table.

    Parameters
    ----------
    names : sequence of str
        Of the parameters.
    correlation : array_like, shape (n, n)
        [-].

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = plot_correlation(["a", "b"], [[1, 0.5], [0.5, 1]])
    >>> len(figure.axes)
    1
    """
    table = np.asarray(correlation, dtype=float)
    count = len(names)
    side = 1.0 + 0.55 * count
    with figure_style():
        figure, axis = subplots(figsize=(side + 2.8, side), layout="constrained")
        axis.imshow(table, cmap="RdBu_r", vmin=-1, vmax=1)
        for row in range(count):
            for column in range(count):
                value = table[row, column]
                axis.text(
                    column,
                    row,
                    f"{value:+.2f}",
                    ha="center",
                    va="center",
                    color="white" if abs(value) > 0.6 else "black",
                )
        numbers = [str(k) for k in range(1, count + 1)]
        short = [
            n.replace("Positive electrode", "Pos.").replace("Negative", "Neg.")
            for n in names
        ]
        labels = [plain(f"{n}  {name}") for n, name in zip(numbers, short, strict=True)]
        axis.set_yticks(range(count), labels)
        axis.set_xticks(range(count), numbers)
        axis.set_title("Correlation of the errors", loc="left")
    return figure
