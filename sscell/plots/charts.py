"""Figures for a browser: Plotly's figures as plain dicts, without its Python package.

They carry at most `MOST` points a line: the extremes of each stretch, so that no spike and no
step is lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from sscell.analysis.capacity import HalfCycle, differential_capacity, half_cycles
from sscell.dataset import metadata
from sscell.plots.runs import capacity_scale, losses
from sscell.plots.style import DIRECTION_COLOURS, LOSS_COLOURS, PALETTE, phase_colours

__all__ = [
    "MOST",
    "bars",
    "budget_chart",
    "chart",
    "dqdv_chart",
    "heat_map",
    "line",
    "nyquist_chart",
    "phase_chart",
    "series_chart",
    "thin",
    "titration_chart",
    "voltage_chart",
]

MOST = 5000
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
_FONT = {"family": "system-ui, sans-serif", "size": 13, "color": "#222222"}
_AXIS = {"showline": True, "linecolor": "#444444", "ticks": "inside", "zeroline": False,
         "gridcolor": "#eeeeee", "automargin": True}  # fmt: skip


def thin(y: Any, most: int = MOST) -> np.ndarray:
    """Rows of a curve that show it: the least and the most of each stretch.

    Parameters
    ----------
    y : array_like, shape (n,)
        Its values; gaps (NaN) stay.
    most : int, optional
        Rows at most.

    Returns
    -------
    numpy.ndarray of int
        Rising; the first and the last are among them.

    Examples
    --------
    >>> y = np.zeros(100_000)
    >>> y[54_321] = 1.0
    >>> rows = thin(y, 1000)
    >>> rows.size <= 1000, 54_321 in rows
    (True, True)
    """
    y = np.asarray(y, dtype=float)
    if y.size <= most:
        return np.arange(y.size)
    edges = np.linspace(0, y.size, max((most - 2) // 2, 1) + 1).astype(int)
    low, high = np.where(np.isnan(y), np.inf, y), np.where(np.isnan(y), -np.inf, y)
    rows = {0, y.size - 1}
    for a, b in zip(edges[:-1], edges[1:], strict=True):
        rows.update((a + int(np.argmin(low[a:b])), a + int(np.argmax(high[a:b]))))
    return np.array(sorted(rows))


def line(x: Any, y: Any, name: str = "", **look: Any) -> dict[str, Any]:
    """One line, thinned.

    Parameters
    ----------
    x, y : array_like, shape (n,)
        Points; lines break where y is NaN.
    name : str, optional
        In the legend; without one, it has no entry there.
    **look
        As Plotly has it: ``line``, ``mode``, ``stackgroup``.

    Returns
    -------
    dict

    Examples
    --------
    >>> line([0, 1], [2.0, 1.9], "measured")["y"]
    [2.0, 1.9]
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    rows = thin(y)
    trace = {
        "type": "scatter",
        "mode": "lines",
        "x": _plain(x[rows]),
        "y": _plain(y[rows]),
        "name": name,
        "showlegend": bool(name),
    }
    return trace | look


def _plain(values: np.ndarray) -> list[float | None]:
    """Numbers with seven figures, as a picture needs no more."""
    return [None if v != v else float(f"{v:.7g}") for v in values.tolist()]


def chart(
    traces: Sequence[Mapping[str, Any]], x: str, y: str, **layout: Any
) -> dict[str, Any]:
    """A figure of traces.

    Parameters
    ----------
    traces : sequence of dict
        As `line` gives them.
    x, y : str
        What the axes show, with units.
    **layout
        As Plotly has it.

    Returns
    -------
    dict
        With ``data``, ``layout`` and ``config``.

    Examples
    --------
    >>> sorted(chart([line([0, 1], [1, 2])], "Time [h]", "Voltage [V]"))
    ['config', 'data', 'layout']
    """
    own = {name: layout.pop(name, {}) for name in ("xaxis", "yaxis")}
    return {
        "data": list(traces),
        "layout": {
            "xaxis": {**_AXIS, "title": {"text": x}, **own["xaxis"]},
            "yaxis": {**_AXIS, "title": {"text": y}, **own["yaxis"]},
            "font": _FONT,
            "paper_bgcolor": "white",
            "plot_bgcolor": "white",
            "margin": {"l": 60, "r": 15, "t": 30, "b": 50},
            "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
            "colorway": list(PALETTE),
            "hovermode": "closest",
            "autosize": True,
            **layout,
        },
        "config": {"displaylogo": False, "responsive": True, "showTips": False},
    }


def _axis_name(data: xr.Dataset) -> str:
    return f"Capacity [mAh{capacity_scale(data)[1]}]"


def _common_scales(named: Mapping[str, xr.Dataset]) -> tuple[list[float], str]:
    """Factors from A.h, and what they are per: where one mass is unknown, per nothing."""
    scales = [capacity_scale(data) for data in named.values()]
    if all(per for _, per in scales):
        return [scale for scale, _ in scales], scales[0][1]
    return [1e3 for _ in scales], ""


def _reference(data: xr.Dataset) -> str:
    reference = metadata(data, "voltage_reference")
    return "Voltage [V]" + (f" vs {reference}" if reference else "")


def voltage_chart(named: Mapping[str, xr.Dataset]) -> dict[str, Any]:
    """Voltage over the capacity of each half cycle, dataset over dataset.

    Parameters
    ----------
    named : mapping of str to xarray.Dataset
        Time series, simulated or measured, by the names for the legend.

    Returns
    -------
    dict

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0, 3600], "Current [A]": [1.0, 1.0],
    ...                     "Voltage [V]": [2.0, 1.0]})
    >>> voltage_chart({"mine": data})["data"][0]["x"]
    [0.0, 1000.0]
    """
    traces = []
    scales, per = _common_scales(named)
    for number, (name, data) in enumerate(named.items()):
        scale, halves = scales[number], half_cycles(data)
        for k, half in enumerate(halves):
            look = _look(half, number, len(named))
            fade = 1.0 if k >= len(halves) - 2 else 0.35
            traces.append(
                line(half.charge * scale, half.voltage, name if k == 0 else "", **look)
                | {"opacity": fade, "legendgroup": name}
            )
    first = next(iter(named.values()))
    return chart(traces, f"Capacity [mAh{per}]", _reference(first))


def _look(half: HalfCycle, number: int, many: int) -> dict[str, Any]:
    """By direction where there is one dataset, else by dataset."""
    if many == 1:
        return {"line": {"color": DIRECTION_COLOURS[half.direction], "width": 2}}
    colours = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
    dash = _DASHES[number // len(colours) % len(_DASHES)]
    return {"line": {"color": colours[number % len(colours)], "width": 2, "dash": dash}}


def series_chart(
    named: Mapping[str, xr.Dataset], variable: str = "Voltage [V]"
) -> dict[str, Any]:
    """A variable over time.

    Parameters
    ----------
    named : mapping of str to xarray.Dataset
        Time series, by the names for the legend.
    variable : str, optional
        Which.

    Returns
    -------
    dict

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0, 3600], "Voltage [V]": [2.0, 1.0]})
    >>> series_chart({"mine": data})["data"][0]["x"]
    [0.0, 1.0]
    """
    colours = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
    traces = [
        line(
            data["Time [s]"].values / 3600,
            data[variable].values,
            name if len(named) > 1 else "",
            line={"color": colours[k % len(colours)], "width": 1.5},
        )
        for k, (name, data) in enumerate(named.items())
        if variable in data
    ]
    return chart(traces, "Time [h]", variable)


def dqdv_chart(named: Mapping[str, xr.Dataset]) -> dict[str, Any]:
    """Differential capacity over the voltage, charge upwards and discharge downwards.

    Parameters
    ----------
    named : mapping of str to xarray.Dataset
        Time series, by the names for the legend.

    Returns
    -------
    dict
    """
    traces = []
    scales, per = _common_scales(named)
    for number, (name, data) in enumerate(named.items()):
        scale, halves = scales[number], half_cycles(data)
        for k, half in enumerate(halves[-2:]):
            if half.charge.size < 3 or np.ptp(half.voltage) < 1e-3:
                continue
            voltage, curve = differential_capacity(half)
            sign = 1 if half.direction == "charge" else -1
            traces.append(
                line(voltage, sign * curve * scale, name if k == 0 else "",
                     **_look(half, number, len(named))) | {"legendgroup": name}
            )  # fmt: skip
    return chart(traces, "Voltage [V]", f"dQ/dV [mAh / V{per}]")


def _passed(data: xr.Dataset, halves: Sequence[HalfCycle]) -> np.ndarray:
    """Capacity passed, half cycle after half cycle [mAh or mAh/g]."""
    scale, _ = capacity_scale(data)
    starts = np.concatenate([[0.0], np.cumsum([h.capacity * scale for h in halves])])
    return np.concatenate(
        [s + h.charge * scale for h, s in zip(halves, starts, strict=False)]
    )


def phase_chart(data: xr.Dataset) -> dict[str, Any] | None:
    """Phase fractions over the capacity passed.

    Parameters
    ----------
    data : xarray.Dataset
        A simulated time series.

    Returns
    -------
    dict or None
        None where the cell has no phases.
    """
    phases, halves = metadata(data, "phases") or [], half_cycles(data)
    if not phases or not halves:
        return None
    colours, x = phase_colours(phases), _passed(data, halves)
    rows = np.concatenate([h.rows for h in halves])
    traces = [
        _stacked(
            x, np.clip(data[f"{phase} fraction"].values[rows], 0, 1), phase, colours[phase]
        )
        for phase in phases
    ]
    name = _axis_name(data).replace("Capacity", "Capacity passed")
    return chart(traces, name, "Phase fraction [-]", yaxis={"range": [0, 1]})


def _stacked(x: np.ndarray, y: np.ndarray, name: str, colour: str) -> dict[str, Any]:
    # What is stacked shares its points: no extremes of its own.
    rows = np.unique(np.linspace(0, x.size - 1, min(x.size, 1000)).astype(int))
    look = {"stackgroup": "one", "line": {"width": 0}, "fillcolor": colour}
    return line(x[rows], y[rows], name, **look)


def budget_chart(data: xr.Dataset) -> dict[str, Any] | None:
    """Where the voltage goes: losses over the capacity passed, stacked.

    Parameters
    ----------
    data : xarray.Dataset
        A simulated time series.

    Returns
    -------
    dict or None
        None where the data know of no budget.
    """
    budget, halves = metadata(data, "budget") or [], half_cycles(data)
    if not budget or not halves:
        return None
    x, shown = _passed(data, halves), losses(data, halves, budget)
    named = metadata(data, "reaction_labels") or {}
    traces = [
        _stacked(x, part, named.get(name, name), LOSS_COLOURS.get(name, "#999999"))
        for name, part in shown.items()
    ]
    top = 1.3 * float(np.percentile(sum(shown.values()), 97))
    name = _axis_name(data).replace("Capacity", "Capacity passed")
    return chart(traces, name, "Losses [V]", yaxis={"range": [0, top]})


def bars(values: Mapping[str, float], y: str) -> dict[str, Any]:
    """Bars by name.

    Parameters
    ----------
    values : mapping of str to float
        Heights.
    y : str
        What they are, with the unit.

    Returns
    -------
    dict

    Examples
    --------
    >>> bars({"separator": 3.0}, "Loss [mV]")["data"][0]["type"]
    'bar'
    """
    colours = [LOSS_COLOURS.get(name, "#999999") for name in values]
    trace = {
        "type": "bar",
        "x": list(values),
        "y": _plain(np.array(list(values.values()), dtype=float)),
        "marker": {"color": colours},
    }
    return chart([trace], "", y)


def nyquist_chart(named: Mapping[str, xr.Dataset]) -> dict[str, Any]:
    """Spectra in the complex plane.

    Parameters
    ----------
    named : mapping of str to xarray.Dataset
        With spectra, by the names for the legend.

    Returns
    -------
    dict
    """
    traces, unit = [], "Ohm"
    for name, data in named.items():
        area = metadata(data, "area_cm2")
        unit = "Ohm" if area is None else "Ohm cm²"
        real, imaginary = data["Z real [Ohm]"].values, data["Z imaginary [Ohm]"].values
        states = data["state"].values if "state" in data.coords else [""]
        for state, re, im in zip(
            states, np.atleast_2d(real), np.atleast_2d(imaginary), strict=False
        ):
            label = ", ".join(
                part for part in (name if len(named) > 1 else "", str(state)) if part
            )
            traces.append(
                line(re * (area or 1), -im * (area or 1), label, mode="lines+markers",
                     marker={"size": 4}, line={"width": 1})
            )  # fmt: skip
    square = {"scaleanchor": "x", "scaleratio": 1, "rangemode": "tozero"}
    return chart(traces, f"Re Z [{unit}]", f"-Im Z [{unit}]", yaxis=square)


def titration_chart(directions: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Open-circuit voltage and polarisation of each pulse of a titration.

    Parameters
    ----------
    directions : mapping of str to mapping
        As of `sscell.analysis.titration.Titration`.

    Returns
    -------
    dict
    """
    traces: list[dict[str, Any]] = []
    specific = True
    for name, part in directions.items():
        pulses, colour = part["pulses"], DIRECTION_COLOURS[name]
        specific = pulses[0]["cumulative_capacity_mAh_g"] is not None
        key = "cumulative_capacity_mAh_g" if specific else "cumulative_capacity_mAh"
        x = [p[key] for p in pulses]
        marks = {"mode": "lines+markers", "marker": {"size": 5}}
        traces.append(
            line(x, [p["ocv_V"] for p in pulses], f"OCV, {name}", line={"color": colour}, **marks)
        )  # fmt: skip
        lost = [1e3 * p["overpotential_V"] for p in pulses]
        dash = {"line": {"color": colour, "dash": "dot"}, "yaxis": "y2"}
        traces.append(line(x, lost, f"polarisation, {name}", **dash, **marks))
    right = {**_AXIS, "title": {"text": "Polarisation [mV]"}, "overlaying": "y",
             "side": "right", "showgrid": False, "rangemode": "tozero"}  # fmt: skip
    unit = "mAh / g" if specific else "mAh"
    return chart(traces, f"Capacity [{unit}]", "OCV [V]", yaxis2=right,
                 margin={"l": 60, "r": 60, "t": 30, "b": 50})  # fmt: skip


def heat_map(
    x: Sequence[Any], y: Sequence[Any], z: Any, titles: tuple[str, str, str]
) -> dict[str, Any]:
    """A quantity over two others, with its numbers.

    Parameters
    ----------
    x, y : sequence
        Values or labels of columns and rows.
    z : array_like, shape (len(y), len(x))
        The quantity; NaN is left blank.
    titles : tuple of str
        Of x, y and z, with units.

    Returns
    -------
    dict

    Examples
    --------
    >>> heat_map([1, 2], [3], [[4.0, 5.0]], ("a", "b", "c"))["data"][0]["z"]
    [[4.0, 5.0]]
    """
    table = np.asarray(z, dtype=float)
    trace = {
        "type": "heatmap",
        "x": [str(v) if isinstance(v, str) else f"{float(v):g}" for v in x],
        "y": [str(v) if isinstance(v, str) else f"{float(v):g}" for v in y],
        "z": [_plain(row) for row in table],
        "colorscale": "Cividis",
        "colorbar": {"title": {"text": titles[2], "side": "right"}},
        "texttemplate": "%{z:.3~g}",
    }
    kinds = {"type": "category"}
    return chart([trace], titles[0], titles[1], xaxis=kinds, yaxis=kinds)
