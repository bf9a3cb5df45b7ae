"""Figures: the user's matplotlib stays as it was, and the style is the package's own."""

from __future__ import annotations

import subprocess
import sys

import matplotlib
import pytest

from sscell.plots.style import figure_style, new_figure, png_of, save_figure, subplots


def test_the_users_backend_windows_and_settings_stay(tmp_path):
    """In a process of its own: a backend that was never asked for must not be chosen."""
    script = (
        "import sys, matplotlib\n"
        "matplotlib.rcParams['font.size'] = 13\n"
        "matplotlib.use('svg')\n"
        "from matplotlib import pyplot\n"
        "mine = pyplot.figure()\n"
        "from sscell.plots.style import figure_style, save_figure, subplots\n"
        "with figure_style():\n"
        "    figure, axes = subplots()\n"
        "    axes.plot([0, 1])\n"
        "save_figure(figure, sys.argv[1])\n"
        "assert matplotlib.get_backend().lower() == 'svg', matplotlib.get_backend()\n"
        "assert pyplot.get_fignums() == [mine.number] and pyplot.gcf() is mine\n"
        "assert matplotlib.rcParams['font.size'] == 13\n"
    )
    path = tmp_path / "figure.png"
    subprocess.run([sys.executable, "-c", script, str(path)], check=True)
    assert path.read_bytes()[1:4] == b"PNG"


def test_drawing_does_not_import_pyplot(tmp_path):
    script = (
        "import sys\n"
        "import sscell.plots.runs, sscell.plots.data, sscell.plots.fits\n"
        "from sscell.plots.style import save_figure, new_figure\n"
        "save_figure(new_figure(), sys.argv[1])\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "a.svg")], check=True)


def test_the_style_holds_inside_and_nowhere_else():
    before = matplotlib.rcParams["legend.frameon"]
    with figure_style():
        assert not matplotlib.rcParams["legend.frameon"]
    assert matplotlib.rcParams["legend.frameon"] == before


def test_a_grid_shares_its_axes_as_pyplot_does():
    figure, (top, below) = subplots(2, 1, sharex=True, height_ratios=(3, 1))
    top.set_xlim(0, 7)
    assert below.get_xlim() == (0, 7)
    assert figure.axes[0].get_position().height == pytest.approx(
        3 * figure.axes[1].get_position().height
    )


def test_a_figure_of_pyplot_is_closed_once_it_is_written(tmp_path):
    from matplotlib import pyplot

    pyplot.switch_backend("agg")
    figure = pyplot.figure()
    save_figure(figure, tmp_path / "a.png")
    assert not pyplot.fignum_exists(figure.number)
    assert png_of(new_figure())[1:4] == b"PNG"


def test_charts_over_each_other_share_their_axis():
    """Per gram only where every mass is known, else a file without one would look empty."""
    from sscell.dataset import time_series
    from sscell.plots.charts import voltage_chart

    columns = {"Time [s]": [0, 3600], "Current [A]": [1.0, 1.0], "Voltage [V]": [2.0, 1.0]}
    known = time_series(columns, {"capacity_basis_mass_g": 2.0})
    unknown = time_series(columns)
    together = voltage_chart({"a": known, "b": unknown})
    assert [trace["x"][-1] for trace in together["data"]] == [1000.0, 1000.0]
    assert "/ g" not in together["layout"]["xaxis"]["title"]["text"]
    assert voltage_chart({"a": known})["data"][0]["x"][-1] == 500.0


def test_thinned_lines_keep_spikes_and_gaps():
    import numpy as np

    from sscell.plots.charts import MOST, line

    y = np.sin(np.linspace(0, 9, 200_000))
    y[123_456], y[150_000:150_100] = 5.0, np.nan
    drawn = line(np.arange(y.size), y)
    assert len(drawn["x"]) <= MOST and max(v for v in drawn["y"] if v is not None) == 5.0
    assert drawn["x"][0] == 0 and drawn["x"][-1] == y.size - 1


def test_bands_are_not_filled_across_the_gaps_of_a_line():
    from sscell.plots.fit_charts import curve_chart

    gap = float("nan")
    y = [2.0, 1.9, gap, 1.5, 1.4]
    figure = curve_chart("a", [0, 1, 2, 3, 4], y, y, band=[0.1, 0.1, gap, 0.2, 0.2])
    filled = [trace for trace in figure["data"] if trace.get("fill")]
    assert [trace["y"] for trace in filled] == [[2.1, 2.0], [1.7, 1.6]]
    assert [trace["name"] for trace in filled] == ["95 % band", ""]
