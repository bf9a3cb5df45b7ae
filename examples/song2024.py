"""Song et al. 2024: capacity and voltage over 200 cycles at 0.5C and two temperatures.

Run with ``python examples/song2024.py``; the figure goes to the working folder after some minutes.
What stack pressure does is in ``song2024_pressure.py``.
"""

import matplotlib.pyplot as plt
import numpy as np

import sscell
from sscell.plots.style import figure_style, save_figure, temperature_colour


def capacities(run):
    """Discharge capacities [mA.h.g-1] by cycle."""
    steps = sscell.summary(run)["steps"]
    return np.array([s["capacity_mAh_g"] for s in steps if s["direction"] == "discharge"])


def decay(cycles=200):
    """Capacity and mean voltage of the discharge over cycles at 0.5C."""
    with figure_style():
        figure, (left, right) = plt.subplots(1, 2, figsize=(6.9, 2.9), layout="constrained")
        for celsius in (30, 60):
            run = sscell.simulate(
                "Song2024",
                sscell.cycle("0.5C", cycles=cycles, hold_until="0.25C"),
                temperature=celsius,
                state="formed",
                resolution=sscell.Resolution(shells=15),
            )
            steps = sscell.summary(run)["steps"]
            volts = [s["mean_voltage_V"] for s in steps if s["direction"] == "discharge"]
            number, colour = np.arange(1, cycles + 1), temperature_colour(celsius)
            left.plot(number, capacities(run), color=colour, label=f"{celsius} °C")
            right.plot(number, 1e3 * (np.array(volts) - volts[0]), color=colour)
        left.plot(1, 183, "*", ms=10, color="k", clip_on=False, zorder=5)
        left.text(7, 165, "published", fontsize=7)
        left.set(xlabel="Cycle", ylabel="Discharge capacity [mAh g$^{-1}$]", ylim=(0, 300))
        left.legend(loc="lower right")
        right.axhline(0, color="0.7", lw=0.8)
        right.set(xlabel="Cycle", ylabel="Change of the mean discharge voltage [mV]")
    return figure


if __name__ == "__main__":
    save_figure(decay(), "song2024_decay.png")
