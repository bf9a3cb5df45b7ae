"""Liang et al. 2023: relaxation times of the Li-VCl3 cell over a discharge and a charge.

Run with ``python examples/liang2023_drt.py``; the figure goes to the working folder.
"""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np

import sscell
from sscell.analysis import drt
from sscell.plots.style import figure_style, save_figure
from sscell.protocols import impedance

# To 0.1 mHz: a spectrum that ends at 1 mHz shows a slow peak that moves with its end.
run = sscell.simulate(
    "Liang2023",
    impedance(
        list(10 ** np.arange(6, -4.01, -0.1)),
        along="both",
        points=7,
        rate="0.1C",
        rest="10 min",
    ),
    resolution=sscell.Resolution(double_layer=True),
)
area = run.attrs["area_cm2"]
WAYS = ("discharge", "charge")
# Not the empty cell at either end, where the potential leaves the steps.
STATES = [s for s in run.state.values if s not in ("discharge 0%", "charge 100%")]
found = {str(state): drt(run.sel(state=state)) for state in STATES}


def draw(axes, way):
    """Distributions of one half cycle; the colour is the filling, light where full."""
    for state, result in found.items():
        direction, share = state.rsplit(" ", 1)
        if direction == way:
            passed = int(share.rstrip("%")) / 100
            filling = passed if way == "discharge" else 1 - passed
            axes.loglog(
                1 / (2 * np.pi * result.tau),
                result.gamma * area,
                color=matplotlib.colormaps["viridis"](0.9 * filling),
                label=share.replace("%", " %"),
            )
    axes.set_title(f"{way} at 0.1C, 25 °C", loc="left")
    axes.set_xlabel("1/(2πτ) [Hz]")
    axes.set_xlim(1e6, 1e-4)
    axes.set_ylim(1, 4e3)
    axes.legend(title=f"share of the {way}", ncols=3, loc="upper left")


def figure():
    """Both half cycles side by side."""
    with figure_style():
        drawing, both = plt.subplots(
            1, 2, figsize=(6.9, 2.8), sharey=True, layout="constrained"
        )
        for axes, way in zip(both, WAYS, strict=True):
            draw(axes, way)
            for f, y, text in (
                (1.6e5, 25, "contact"),
                (600, 60, "anode"),
                (5, 450, "charge transfer"),
                (2e-3, 280, "diffusion"),
            ):
                axes.text(f, y, text, ha="center", fontsize=7)
        both[0].set_ylabel("distribution γ(ln τ) [Ω cm²]")
    return drawing


if __name__ == "__main__":
    save_figure(figure(), "liang2023_drt.png")
