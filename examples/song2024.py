"""Song et al. 2024: activation, stack pressure, impedance and voltage decay as figures.

Run with ``python examples/song2024.py``; the figures go to the working folder. The cycling of the
last one takes minutes.
"""

import matplotlib.pyplot as plt
import numpy as np

import sscell
from sscell.analysis import eis
from sscell.engine import Resolution
from sscell.plots import plot_contact, plot_pressure
from sscell.plots.pressure import pressure_colour
from sscell.plots.style import figure_style, save_figure, temperature_colour
from sscell.protocols import cycle, impedance

PRESSURES = (20, 35, 50)
TONES = list(np.logspace(6, -3, 55))


def capacities(run):
    """Discharge capacities [mA.h.g-1] by cycle."""
    steps = sscell.summary(run)["steps"]
    return np.array([s["capacity_mAh_g"] for s in steps if s["direction"] == "discharge"])


def draw_formation(axes, celsius, cycles, published):
    """Capacity against cycle at three pressures, with the paper's two facts as a mark."""
    for pressure in PRESSURES:
        run = sscell.simulate(
            "Song2024", cycle(cycles=cycles), temperature=celsius, pressure=pressure
        )
        found = capacities(run)
        colour = pressure_colour(pressure)
        axes.plot(
            np.arange(1, cycles + 1),
            found,
            "o-",
            ms=3,
            color=colour,
            label=f"{pressure} MPa",
        )
    wet = sscell.simulate("Song2024-liquid", cycle(cycles=cycles), temperature=celsius)
    axes.plot(np.arange(1, cycles + 1), capacities(wet), "--", color="0.5")
    axes.text(1.1, capacities(wet)[0] + 5, "contact everywhere", color="0.4", fontsize=7)
    axes.plot(*published, "*", ms=10, color="k", zorder=5)
    axes.set_title(f"0.05C, {celsius} °C", loc="left")
    axes.set(xlabel="Cycle", xlim=(0.5, cycles + 0.5), ylim=(100, 310))


def formation():
    """Activation at two temperatures and three pressures."""
    with figure_style():
        figure, both = plt.subplots(
            1, 2, figsize=(6.9, 2.9), sharey=True, layout="constrained"
        )
        draw_formation(both[0], 30, 13, (10, 251))
        draw_formation(both[1], 60, 10, (5, 287))
        both[0].set_ylabel("Discharge capacity [mAh g$^{-1}$]")
        both[0].text(10.2, 262, "published", fontsize=7)
        both[1].legend(loc="lower right")
    return figure


def trace():
    """Stack pressure of five cycles against Li4Ti5O12, with the parts of the first charge."""
    run = sscell.simulate("Song2024-LTO", cycle(cycles=5))
    offset = run.attrs["working_metal_offset_V"]
    return plot_pressure(run, [3.9 - offset, 4.4 - offset])


def spectra():
    """Spectra at 25 degC and 3.38 V after formation at 60 degC, under three pressures."""
    found = {}
    for pressure in PRESSURES:
        run = sscell.simulate(
            "Song2024",
            impedance(TONES, rest="5 h"),
            temperature=25,
            state="3.38V",
            formation_temperature=60,
            pressure=pressure,
        )
        found[pressure] = eis(run)
    return plot_contact(found)


def decay(cycles=200):
    """Capacity and mean voltage of the discharge over cycles at 0.5C."""
    with figure_style():
        figure, (left, right) = plt.subplots(1, 2, figsize=(6.9, 2.9), layout="constrained")
        for celsius in (30, 60):
            run = sscell.simulate(
                "Song2024",
                cycle("0.5C", cycles=cycles, hold_until="0.25C"),
                temperature=celsius,
                state="formed",
                resolution=Resolution(shells=15),
            )
            steps = sscell.summary(run)["steps"]
            volts = [s["mean_voltage_V"] for s in steps if s["direction"] == "discharge"]
            number, colour = np.arange(1, cycles + 1), temperature_colour(celsius)
            left.plot(number, capacities(run), color=colour, label=f"{celsius} °C")
            right.plot(number, 1e3 * (np.array(volts) - volts[0]), color=colour)
        left.plot(1, 183, "*", ms=10, color="k", clip_on=False, zorder=5)
        left.set(xlabel="Cycle", ylabel="Discharge capacity [mAh g$^{-1}$]", ylim=(0, 300))
        left.legend(loc="lower right")
        right.axhline(0, color="0.7", lw=0.8)
        right.set(xlabel="Cycle", ylabel="Change of the mean discharge voltage [mV]")
    return figure


if __name__ == "__main__":
    for draw in (formation, trace, spectra, decay):
        save_figure(draw(), f"song2024_{draw.__name__}.png")
