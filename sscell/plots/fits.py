"""Figures of a fit: data against model, residuals, correlations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sscell.plots.style import DIRECTION_COLOURS, figure_style, subplots

__all__ = ["plot_correlation", "plot_curve", "plot_spectrum"]

_DATA, _MODEL, _QUIET = "#999999", DIRECTION_COLOURS["discharge"], "#555555"


def plot_curve(curve: Mapping[str, Any]) -> Any:
    """Measured points and the model's line over time, and what is left between them.

    Parameters
    ----------
    curve : mapping
        ``label``, ``time`` [s], ``measured``, ``model`` and the data's ``deviations`` [V],
        shape (n,), and perhaps ``band``, the half width of a 95 % band [V]. Lines break
        where the model is NaN.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> t = np.linspace(0, 3600, 9)
    >>> v = 2 - t / 3600
    >>> figure = plot_curve({"label": "a", "time": t, "measured": v, "model": v,
    ...                      "deviations": 1e-3 + 0 * t})
    >>> [axis.get_ylabel() for axis in figure.axes]
    ['Voltage [V]', 'Residual [mV]']
    """
    hours = np.asarray(curve["time"]) / 3600
    measured, model = np.asarray(curve["measured"]), np.asarray(curve["model"])
    with figure_style():
        figure, (top, below) = subplots(
            2,
            1,
            figsize=(5.2, 3.6),
            sharex=True,
            height_ratios=(3, 1.2),
            layout="constrained",
        )
        top.plot(
            hours, measured, "o", ms=2.5, mfc="none", mew=0.7, color=_DATA, label="data"
        )
        top.plot(hours, model, color=_MODEL, label="model")
        if curve.get("band") is not None:
            band = np.asarray(curve["band"])
            top.fill_between(
                hours,
                model - band,
                model + band,
                color=_MODEL,
                alpha=0.25,
                lw=0,
                label="95 % band of the parameters",
            )
        height = float(np.nanmax(measured) - np.nanmin(measured))
        # A band that leaves the picture must not flatten the curves.
        top.set_ylim(
            np.nanmin(measured) - 0.15 * height, np.nanmax(measured) + 0.15 * height
        )
        top.set_ylabel("Voltage [V]")
        top.set_title(str(curve["label"]), loc="left")
        top.legend(loc="best")
        left = 1e3 * (model - measured)
        noise = 1e3 * np.asarray(curve["deviations"])
        below.fill_between(hours, -2 * noise, 2 * noise, color=_DATA, alpha=0.25, lw=0)
        below.axhline(0, color=_QUIET, lw=0.6)
        below.plot(hours, left, ".", ms=3, color=_MODEL)
        reach = max(
            float(np.nanquantile(np.abs(left), 0.98)) * 1.3, 3 * float(np.nanmin(noise))
        )
        below.set_ylim(-reach, reach)
        below.set_ylabel("Residual [mV]")
        below.set_xlabel("Time [h]")
    return figure


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
        labels = [f"{n}  {name}" for n, name in zip(numbers, short, strict=True)]
        axis.set_yticks(range(count), labels)
        axis.set_xticks(range(count), numbers)
        axis.set_title("Correlation of the errors", loc="left")
    return figure


def plot_spectrum(spectrum: Mapping[str, Any]) -> Any:
    """Measured impedance and the model's: Nyquist plot and residuals over the frequency.

    Parameters
    ----------
    spectrum : mapping
        ``label``, ``frequencies`` [Hz], ``measured`` and ``model`` [Ohm, complex],
        shape (n,).

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> z = np.array([1.0, 2.0 - 1j, 3.0])
    >>> figure = plot_spectrum({"label": "a", "frequencies": np.array([1e3, 1e2, 1e1]),
    ...                         "measured": z, "model": z})
    >>> [axis.get_xlabel() for axis in figure.axes]
    ['Z real [Ohm]', 'Frequency [Hz]']
    """
    measured, model = np.asarray(spectrum["measured"]), np.asarray(spectrum["model"])
    share = 100 * (model - measured) / np.abs(measured)
    with figure_style():
        figure, (top, below) = subplots(
            2, 1, figsize=(5.2, 4.2), height_ratios=(3, 1.2), layout="constrained"
        )
        top.plot(
            np.real(measured),
            -np.imag(measured),
            "o",
            ms=3,
            mfc="none",
            mew=0.7,
            color=_DATA,
            label="data",
        )
        top.plot(np.real(model), -np.imag(model), color=_MODEL, label="model")
        top.set_aspect("equal", adjustable="box")
        top.set_xlabel("Z real [Ohm]")
        top.set_ylabel("-Z imaginary [Ohm]")
        top.set_title(str(spectrum["label"]), loc="left")
        top.legend(loc="best")
        below.axhline(0, color=_QUIET, lw=0.6)
        below.semilogx(spectrum["frequencies"], share.real, ".", ms=4, color=_MODEL)
        below.semilogx(spectrum["frequencies"], share.imag, "x", ms=4, color=_QUIET)
        below.set_xlabel("Frequency [Hz]")
        below.set_ylabel("Residual [%]")
        below.set_title(
            "points: real, crosses: imaginary part", loc="right", fontsize="small"
        )
    return figure
