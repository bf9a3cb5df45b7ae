"""Panels of a report: what is drawn, and how, with plotly where it is there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sscell.plots.style import figure_style, plain, subplots, svg_of

__all__ = ["Panel", "Series", "draw", "interactive", "script"]

_DATA, _HELD = "#7a8794", "#CC79A7"


@dataclass(frozen=True, eq=False)
class Series:
    """One curve.

    Parameters
    ----------
    x, y : numpy.ndarray, shape (n,)
        In the units of the axes; a NaN breaks a line.
    name : str, optional
        In the legend.
    points : bool, optional
        Whether it is drawn as points, not as a line.
    colour : str, optional
        Of it.
    band : numpy.ndarray, optional
        Half width about it, in the unit of y.
    notes : sequence of str, optional
        Beside its points.
    dashed : bool, optional
        Whether a line is dashed.
    """

    x: np.ndarray
    y: np.ndarray
    name: str = ""
    points: bool = False
    colour: str = _DATA
    band: np.ndarray | None = None
    notes: Sequence[str] = ()
    dashed: bool = False


@dataclass(frozen=True, eq=False)
class Panel:
    """Axes with curves.

    Parameters
    ----------
    title, x, y : str
        Above it, and of its axes.
    series : list of Series
        Its curves.
    limits : tuple of float, optional
        Of y; what lies further is cut off.
    equal : bool, optional
        Whether both axes have one scale.
    logarithmic : bool, optional
        Whether x has a logarithmic scale.
    """

    title: str
    x: str
    y: str
    series: list[Series] = field(default_factory=list)
    limits: tuple[float, float] | None = None
    equal: bool = False
    logarithmic: bool = False


def interactive() -> bool:
    """Whether plotly is there.

    Examples
    --------
    >>> isinstance(interactive(), bool)
    True
    """
    from importlib.util import find_spec

    return find_spec("plotly") is not None


def script() -> str:
    """Source of plotly's own script, for pages that open without a network."""
    from plotly.offline import get_plotlyjs

    return get_plotlyjs()


def draw(panels: Sequence[Panel], columns: int = 2) -> str:
    """HTML of panels beside and beneath each other.

    Parameters
    ----------
    panels : sequence of Panel
        In order, row by row.
    columns : int, optional
        Panels beside each other.

    Returns
    -------
    str
        A division that needs plotly's script in the page where plotly is there, else an
        SVG picture.

    Examples
    --------
    >>> line = Series(np.array([0.0, 1.0]), np.array([1.0, 2.0]))
    >>> draw([Panel("a", "x", "y", [line])]).startswith("<")
    True
    """
    columns = min(columns, len(panels))
    return _plotly(panels, columns) if interactive() else _svg(panels, columns)


def _svg(panels: Sequence[Panel], columns: int) -> str:
    rows = math.ceil(len(panels) / columns)
    with figure_style():
        figure, grid = subplots(
            rows,
            columns,
            figsize=(9.0 if columns > 1 else 6.0, 2.6 * rows),
            layout="constrained",
            squeeze=False,
        )
        named: set[str] = set()
        for axes, panel in zip(grid.flat, panels, strict=False):
            _draw_panel(axes, panel)
            names = {one.name for one in panel.series if one.name}
            if names - named:
                axes.legend(loc="best", fontsize=6.5)
            named |= names
        for axes in grid.flat[len(panels) :]:
            axes.axis("off")
    return svg_of(figure)


def _draw_panel(axes: Any, panel: Panel) -> None:
    for one in panel.series:
        label = plain(one.name) if one.name else None
        if one.points:
            axes.plot(
                one.x,
                one.y,
                "o",
                ms=2.6,
                mfc="none",
                mew=0.7,
                color=one.colour,
                label=label,
            )
        else:
            style = "--" if one.dashed else "-"
            axes.plot(one.x, one.y, style, lw=1.4, color=one.colour, label=label)
        if one.band is not None:
            low, high = one.y - one.band, one.y + one.band
            axes.fill_between(one.x, low, high, color=one.colour, alpha=0.18, lw=0)
        for x, y, note in zip(one.x, one.y, one.notes, strict=False):
            if note:
                offset = {"xytext": (3, 4), "textcoords": "offset points"}
                axes.annotate(note, (x, y), fontsize=6, color=one.colour, **offset)
    axes.set_title(plain(panel.title), loc="left", fontsize="small")
    axes.set_xlabel(panel.x)
    axes.set_ylabel(panel.y)
    if not panel.y:
        axes.set_yticks([])
    if panel.logarithmic:
        axes.set_xscale("log")
    if panel.equal:
        axes.set_aspect("equal", adjustable="box")
    if panel.limits is not None:
        axes.set_ylim(*panel.limits)


def _plotly(panels: Sequence[Panel], columns: int) -> str:
    from plotly.subplots import make_subplots

    rows = math.ceil(len(panels) / columns)
    gap = min(0.16, 0.5 / rows)
    figure = make_subplots(
        rows,
        columns,
        subplot_titles=[p.title for p in panels],
        vertical_spacing=gap if rows > 1 else 0.0,
    )
    named: set[str] = set()
    for k, panel in enumerate(panels):
        place: dict[str, Any] = {"row": k // columns + 1, "col": k % columns + 1}
        for one in panel.series:
            for trace in _traces(one, named):
                figure.add_trace(trace, **place)
        scale = "log" if panel.logarithmic else "linear"
        figure.update_xaxes(title_text=panel.x, type=scale, **place)
        figure.update_yaxes(title_text=panel.y, range=panel.limits, **place)
        if not panel.y:
            figure.update_yaxes(showticklabels=False, showgrid=False, **place)
        if panel.equal:
            tied = "x" if k == 0 else f"x{k + 1}"
            figure.update_yaxes(scaleanchor=tied, **place)
    figure.update_layout(
        template="plotly_white",
        height=60 + 300 * rows,
        margin={"l": 60, "r": 15, "t": 40, "b": 50},
        font={"size": 11},
        legend={"orientation": "h", "y": -0.12 / rows, "yanchor": "top"},
    )
    figure.update_annotations(font_size=12)
    options = {"displaylogo": False, "responsive": True}
    return figure.to_html(full_html=False, include_plotlyjs=False, config=options)


def _traces(one: Series, named: set[str]) -> list[Any]:
    import plotly.graph_objects as go

    found = []
    if one.band is not None:
        x = np.concatenate([one.x, one.x[::-1]])
        y = np.concatenate([one.y + one.band, (one.y - one.band)[::-1]])
        good = np.isfinite(x) & np.isfinite(y)
        found.append(
            go.Scatter(
                x=x[good].tolist(),
                y=y[good].tolist(),
                fill="toself",
                mode="lines",
                line={"width": 0},
                fillcolor=_faint(one.colour),
                hoverinfo="skip",
                showlegend=False,
            )
        )
    shown = bool(one.name) and one.name not in named
    named.add(one.name)
    mode = "markers" if one.points else "lines"
    if any(one.notes):
        mode += "+text"
    found.append(
        go.Scatter(
            x=np.asarray(one.x, dtype=float).tolist(),
            y=np.asarray(one.y, dtype=float).tolist(),
            mode=mode,
            name=one.name,
            showlegend=shown,
            legendgroup=one.name,
            text=list(one.notes) or None,
            textposition="top center",
            textfont={"size": 9},
            marker={"size": 5, "color": one.colour, "symbol": "circle-open"},
            line={
                "color": one.colour,
                "width": 1.8,
                "dash": "dash" if one.dashed else "solid",
            },
        )
    )
    return found


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[k : k + 2], 16) for k in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.18)"
