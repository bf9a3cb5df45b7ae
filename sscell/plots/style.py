"""The style of all figures: fonts, colour-blind-safe colours, saving."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xarray as xr

from sscell.dataset import metadata
from sscell.errors import ParameterError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "DIRECTION_COLOURS",
    "FIGURE_SUFFIXES",
    "LOSS_COLOURS",
    "PALETTE",
    "figure_style",
    "headline",
    "new_figure",
    "phase_colours",
    "plain",
    "png_of",
    "save_figure",
    "subplots",
    "svg_of",
    "temperature_colour",
]

FIGURE_SUFFIXES = (".png", ".svg", ".pdf")
# Okabe and Ito's colour-blind-safe palette.
PALETTE = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")
DIRECTION_COLOURS = {"discharge": "#0072B2", "charge": "#D55E00"}
LOSS_COLOURS = {
    "separator": "#999999",
    "contact": "#555555",
    "anode": "#CC79A7",
    "cathode conduction": "#000000",
    "charge transfer": "#E69F00",
    "interphase": "#8B6914",
    "transport in particle": "#009E73",
    "activation": "#D55E00",
    "R1": "#F0E442",
    "R2": "#F5B041",
    "R3": "#D55E00",
    "R4": "#56B4E9",
    "R5": "#0072B2",
}
_PHASES = {
    "S": "#F0E442",
    "Na2S5": "#E69F00",
    "Na2S4": "#D55E00",
    "Na2S2": "#56B4E9",
    "Na2S": "#0072B2",
    "Li2S": "#0072B2",
}
_STYLE = Path(__file__).with_name("figures.mplstyle")


@contextmanager
def figure_style() -> Iterator[None]:
    """Use the package's style inside a ``with`` block; what the user has set comes back.

    Examples
    --------
    >>> with figure_style():
    ...     pass
    """
    import matplotlib

    with matplotlib.rc_context(fname=_STYLE):
        yield


def plain(text: object) -> str:
    r"""Text of a user as it is written: a ``$`` of a file name begins no formula.

    Parameters
    ----------
    text : object
        Such as a name.

    Returns
    -------
    str

    Examples
    --------
    >>> print(plain("cell $5"))
    cell \$5
    """
    return str(text).replace("$", r"\$")


def new_figure(**options: Any) -> Figure:
    """Figure of its own: no window, and the user's backend and current figure stay.

    Parameters
    ----------
    **options
        As for `matplotlib.figure.Figure`, such as ``figsize`` [inch].

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> new_figure(figsize=(2, 1)).axes
    []
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(**options)
    FigureCanvasAgg(figure)
    return figure


_GRID = ("sharex", "sharey", "squeeze", "width_ratios", "height_ratios", "gridspec_kw")


def subplots(rows: int = 1, columns: int = 1, **options: Any) -> tuple[Figure, Any]:
    """Figure of its own with a grid of axes.

    Parameters
    ----------
    rows, columns : int, optional
        Of the grid.
    **options
        As for `matplotlib.pyplot.subplots`.

    Returns
    -------
    figure : matplotlib.figure.Figure
    axes : matplotlib.axes.Axes or numpy.ndarray of them

    Examples
    --------
    >>> figure, (left, right) = subplots(1, 2)
    >>> figure.axes == [left, right]
    True
    """
    grid = {name: options.pop(name) for name in _GRID if name in options}
    figure = new_figure(**options)
    return figure, figure.subplots(rows, columns, **grid)


def phase_colours(phases: Sequence[str]) -> dict[str, str]:
    """Fixed colour of each phase, in every figure.

    Parameters
    ----------
    phases : sequence of str
        Formulas.

    Returns
    -------
    dict of str to str
        Hexadecimal colours.

    Examples
    --------
    >>> phase_colours(["Na2S"])["Na2S"]
    '#0072B2'
    """
    spare = [c for c in PALETTE if c not in {_PHASES.get(p) for p in phases}] or PALETTE
    return {p: _PHASES.get(p, spare[i % len(spare)]) for i, p in enumerate(phases)}


def headline(data: xr.Dataset) -> str:
    """Cell, temperature, pressure and rate of a run, for the top of its figure.

    Parameters
    ----------
    data : xarray.Dataset
        Simulated or measured time series [s, A, V].

    Returns
    -------
    str

    Examples
    --------
    >>> headline(xr.Dataset(attrs={"cell": "Ji2024"}))
    'Ji2024'
    """
    parts = [plain(metadata(data, "cell") or "measured")]
    if "Temperature [degC]" in data:
        parts.append(f"{float(data['Temperature [degC]'][0]):g} °C")
    if metadata(data, "pressure_MPa") is not None:
        parts.append(f"{metadata(data, 'pressure_MPa'):g} MPa")
    protocol = metadata(data, "protocol") or {}
    if protocol.get("rate"):
        parts.append(str(protocol["rate"]))
    return ", ".join(parts)


def temperature_colour(celsius: float) -> Any:
    """Colour of a temperature on the one scale of all figures, -30 to 90 degC.

    Parameters
    ----------
    celsius : float
        Temperature [degC].

    Returns
    -------
    tuple of float
        RGBA.

    Examples
    --------
    >>> len(temperature_colour(25.0))
    4
    """
    import matplotlib

    return matplotlib.colormaps["plasma"](min(max((celsius + 30) / 130, 0.0), 0.92))


def save_figure(figure: Figure, path: str | Path) -> Path:
    """Write a figure as .png, .svg or .pdf and close it.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        What to write.
    path : str or pathlib.Path
        In a folder that exists.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    ParameterError
        If the folder is missing or the ending unknown.

    Examples
    --------
    >>> save_figure(new_figure(), "figure.docx")
    Traceback (most recent call last):
    ...
    sscell.errors.ParameterError: Cannot draw 'figure.docx': use .png, .svg, .pdf.
    """
    path = Path(path)
    if path.suffix.lower() not in FIGURE_SUFFIXES:
        raise ParameterError(
            f"Cannot draw '{path.name}': use {', '.join(FIGURE_SUFFIXES)}."
        )
    if not path.parent.is_dir():
        raise ParameterError(
            f"The folder '{path.parent}' for '{path.name}' does not exist."
        )
    with figure_style():
        figure.savefig(path)
    _close(figure)
    return path


def png_of(figure: Figure) -> bytes:
    """Picture of a figure, for files that carry it inside; closes the figure.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        What to draw.

    Returns
    -------
    bytes
        A PNG file.

    Examples
    --------
    >>> png_of(new_figure(figsize=(1, 1)))[1:4]
    b'PNG'
    """
    stream = io.BytesIO()
    with figure_style():
        figure.savefig(stream, format="png")
    _close(figure)
    return stream.getvalue()


def svg_of(figure: Figure, width: str = "100%") -> str:
    """Picture of a figure for a page of HTML; closes the figure.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        What to draw.
    width : str, optional
        At most, as CSS has it; its height follows.

    Returns
    -------
    str
        An ``svg`` element that refers to nothing outside.

    Examples
    --------
    >>> svg_of(new_figure(figsize=(1, 1)))[:26]
    '<svg style="max-width:100%'
    """
    stream = io.StringIO()
    with figure_style():
        figure.savefig(stream, format="svg")
    _close(figure)
    text = stream.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.S)
    text = re.sub(r'xmlns(:\w+)?="[^"]*"', "", text, count=2)
    size = re.search(r'width="([\d.]+)pt" height="[\d.]+pt"', text)
    if size:
        text = text.replace(size[0], f'width="{float(size[1]) * 4 / 3:.0f}"', 1)
    return text.replace("<svg", f'<svg style="max-width:{width}; height:auto"', 1)


def _close(figure: Figure) -> None:
    """Let go of a figure that pyplot holds; those of this package it does not know."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close(figure)
