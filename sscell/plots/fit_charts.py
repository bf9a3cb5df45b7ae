"""Figures of a fit for a browser: data against model, intervals, correlations, plans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sscell.plots.charts import chart, line
from sscell.plots.style import DIRECTION_COLOURS

__all__ = [
    "bits_chart",
    "correlation_chart",
    "curve_chart",
    "interval_chart",
    "spectrum_chart",
]

_DATA, _MODEL = "#999999", DIRECTION_COLOURS["discharge"]
_RED_BLUE = [[0, "#0072B2"], [0.5, "#ffffff"], [1, "#D55E00"]]


def curve_chart(
    label: str,
    time: Any,
    measured: Any,
    model: Any,
    held: bool = False,
    band: Any = None,
) -> dict[str, Any]:
    """Measured points and the model's line over time.

    Parameters
    ----------
    label : str
        Which data.
    time : array_like, shape (n,)
        [s].
    measured, model : array_like, shape (n,)
        [V], or [A] where a voltage was set; lines break at NaN.
    held : bool, optional
        Whether they are currents, shown in uA.
    band : array_like, shape (n,), optional
        Half width of a 95 % band [the same].

    Returns
    -------
    dict

    Examples
    --------
    >>> curve_chart("a", [0, 3600], [2.0, 1.9], [2.0, 1.8])["data"][0]["x"]
    [0.0, 1.0]
    """
    scale = 1e6 if held else 1.0
    hours = np.asarray(time, dtype=float) / 3600
    m = scale * np.asarray(model, dtype=float)
    marks = {
        "mode": "markers",
        "marker": {"size": 5, "color": _DATA, "symbol": "circle-open"},
    }
    traces = [line(hours, scale * np.asarray(measured, dtype=float), "data", **marks)]
    if band is not None:
        traces += _band(hours, m, scale * np.asarray(band, dtype=float))
    traces.append(line(hours, m, "model", line={"color": _MODEL, "width": 2}))
    y = "Current [µA]" if held else "Voltage [V]"
    return chart(
        traces, "Time [h]", y, title={"text": label, "font": {"size": 13}, "x": 0.02}
    )


def _band(x: np.ndarray, y: np.ndarray, half: np.ndarray) -> list[dict[str, Any]]:
    """A band about a line, stretch by stretch: Plotly would fill across its gaps."""
    edge = {"line": {"width": 0}, "hoverinfo": "skip"}
    fill = {"fill": "tonexty", "fillcolor": "rgba(0, 114, 178, 0.2)"}
    traces: list[dict[str, Any]] = []
    known = np.isfinite(y) & np.isfinite(half)
    edges = np.flatnonzero(np.diff(known)) + 1
    for rows in np.split(np.arange(y.size), edges):
        if known[rows[0]]:
            own, reach = y[rows], half[rows]
            name = "" if traces else "95 % band"
            traces.append(line(x[rows], own - reach, **edge))
            traces.append(line(x[rows], own + reach, name, **fill, **edge))
    return traces


def spectrum_chart(label: str, measured: Any, model: Any) -> dict[str, Any]:
    """Measured impedance and the model's in the complex plane.

    Parameters
    ----------
    label : str
        Which data.
    measured, model : array_like of complex, shape (n,)
        [Ohm].

    Returns
    -------
    dict

    Examples
    --------
    >>> spectrum_chart("a", [1 - 1j], [1 - 2j])["data"][1]["y"]
    [2.0]
    """
    z, m = np.asarray(measured), np.asarray(model)
    marks = {
        "mode": "markers",
        "marker": {"size": 5, "color": _DATA, "symbol": "circle-open"},
    }
    traces = [
        line(np.real(z), -np.imag(z), "data", **marks),
        line(np.real(m), -np.imag(m), "model", line={"color": _MODEL, "width": 2}),
    ]
    square = {"scaleanchor": "x", "scaleratio": 1}
    title = {"text": label, "font": {"size": 13}, "x": 0.02}
    return chart(traces, "Re Z [Ohm]", "-Im Z [Ohm]", yaxis=square, title=title)


def interval_chart(parameters: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """95 % intervals between the bounds of each parameter.

    Parameters
    ----------
    parameters : sequence of mapping
        As of `sscell.fitting.Fit.as_dict`: ``name``, ``value``, ``interval_95``, ``bounds``,
        ``log_scale``, ``pinned``.

    Returns
    -------
    dict

    Examples
    --------
    >>> one = {"name": "R [Ohm]", "value": 10.0, "interval_95": [5.0, 20.0],
    ...        "bounds": [1.0, 100.0], "log_scale": True, "pinned": True}
    >>> interval_chart([one])["data"][0]["x"]
    [0.5]
    """

    def place(p: Mapping[str, Any], value: float) -> float:
        low, high = p["bounds"]
        if p["log_scale"]:
            low, high, value = np.log(low), np.log(high), np.log(value)
        return float((value - low) / (high - low))

    at = [place(p, p["value"]) for p in parameters]
    ends = [[place(p, v) for v in p["interval_95"]] for p in parameters]
    colours = [_MODEL if p["pinned"] else "#D55E00" for p in parameters]
    trace = {
        "type": "scatter",
        "mode": "markers",
        "x": at,
        "y": [p["name"].partition(" [")[0] for p in parameters],
        "marker": {"size": 9, "color": colours},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [max(high - x, 0) for (_, high), x in zip(ends, at, strict=True)],
            "arrayminus": [max(x - low, 0) for (low, _), x in zip(ends, at, strict=True)],
            "color": "#555555",
        },
        "text": [f"{p['value']:.4g}" for p in parameters],
    }
    edges = {"range": [-0.02, 1.02], "tickvals": [0, 1], "ticktext": ["lower", "upper"]}
    return chart([trace], "Between its bounds; bars: 95 %", "", xaxis=edges,
                 yaxis={"automargin": True, "type": "category"})  # fmt: skip


def correlation_chart(names: Sequence[str], correlation: Any) -> dict[str, Any]:
    """Correlations of the errors as a coloured table.

    Parameters
    ----------
    names : sequence of str
        Of the parameters.
    correlation : array_like, shape (n, n)
        [-].

    Returns
    -------
    dict

    Examples
    --------
    >>> correlation_chart(["a", "b"], [[1, 0.5], [0.5, 1]])["data"][0]["zmin"]
    -1
    """
    short = [name.partition(" [")[0] for name in names]
    trace = {
        "type": "heatmap",
        "x": [str(k + 1) for k in range(len(short))],
        "y": [f"{k + 1} {name}" for k, name in enumerate(short)],
        "z": np.round(np.asarray(correlation, dtype=float), 4).tolist(),
        "zmin": -1,
        "zmax": 1,
        "colorscale": _RED_BLUE,
        "texttemplate": "%{z:+.2f}",
        "showscale": False,
    }
    kinds = {"type": "category", "autorange": "reversed"}
    return chart([trace], "Correlation of the errors", "", xaxis={"type": "category"},
                 yaxis=kinds)  # fmt: skip


def bits_chart(tests: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What tests would tell per hour of the cycler, the best on top.

    Parameters
    ----------
    tests : sequence of mapping
        As of `sscell.fitting.Plan.as_dict`, ranked.

    Returns
    -------
    dict

    Examples
    --------
    >>> bits_chart([{"test": "a", "bits_per_hour": 2.0}])["data"][0]["y"]
    ['a']
    """
    trace = {
        "type": "bar",
        "orientation": "h",
        "y": [t["test"] for t in tests],
        "x": [t["bits_per_hour"] for t in tests],
        "marker": {"color": _MODEL},
    }
    kinds = {"type": "category", "autorange": "reversed", "automargin": True}
    return chart([trace], "Information [bit per hour of the cycler]", "", yaxis=kinds)
