"""A hundred cycles at C/3 and 60 degC after one at C/20: rise, maximum and decay.

Run with ``python examples/ji2024_cycling.py``; the figure goes to the working folder.
"""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt

import sscell
from sscell.plots.style import figure_style, save_figure
from sscell.protocols import then

PUBLISHED = {1: 921, 15: 1125}  # mAh/g of sulfur, Figure S8


def discharges(cycles: int) -> list[float]:
    """Discharge capacities at C/3 [mAh/g of sulfur]."""
    protocol = then(sscell.cycle("C/20"), sscell.cycle("C/3", cycles))
    fast = sscell.Resolution(shells=25)
    run = sscell.simulate("Ji2024", protocol, temperature=60, resolution=fast)
    steps = sscell.summary(run)["steps"]
    return [s["capacity_mAh_g"] for s in steps if s["direction"] == "discharge"][1:]


def figure(capacities: Sequence[float]) -> Any:
    """The model's capacities and the two that are published."""
    with figure_style():
        drawn, axes = plt.subplots(figsize=(4.5, 2.8))
        cycles = range(1, len(capacities) + 1)
        axes.plot(cycles, capacities, label="model")
        axes.plot(list(PUBLISHED), list(PUBLISHED.values()), "ko", label="published")
        axes.set(
            xlabel="cycle at C/3, 60 °C",
            ylabel="discharge [mAh/g of sulfur]",
            ylim=(0, 1400),
        )
        axes.legend()
        drawn.tight_layout()
    return drawn


if __name__ == "__main__":
    found = discharges(100)
    print([round(x) for x in found])
    save_figure(figure(found), "ji2024_cycling.png")
