"""Liang et al. 2023: the cold and the fast cell by three readings of one text.

Run with ``python examples/liang2023_readings.py``; the figure goes to the working folder.
"""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np

import sscell
from sscell.plots.style import figure_style, save_figure

READINGS = {
    "transformation": "Liang2023",
    "diffusion": "Liang2023-diffusion",
    "charge transfer": "Liang2023-charge-transfer",
}
DEGREES = range(-30, 61, 10)
RATES = (0.1, 0.2, 0.4, 1, 2, 3, 4, 6)
PUBLISHED = {  # degC, rate: mAh/g
    "temperature": ([(-30, 79)], [(25, 162), (60, 167)]),
    "rate": [(0.1, 162.5), (0.4, 162)],
}


def second(name, celsius, rate):
    """Capacity [mAh/g] and curve [mAh/g, V] of the second discharge."""
    run = sscell.simulate(name, sscell.cycle(rate, cycles=2), temperature=celsius)
    rows = run["Step"].values == 3
    charge = run["Discharge capacity [A.h]"].values[rows]
    passed = (charge - charge[0]) * 1e3 / run.attrs["capacity_basis_mass_g"]
    return passed[-1], passed, run["Voltage [V]"].values[rows]


def draw_curves(axes):
    """Curves of the transformation at every temperature, 0.1C."""
    for celsius in DEGREES:
        _, passed, voltage = second("Liang2023", celsius, "0.1C")
        colour = matplotlib.colormaps["coolwarm"]((celsius + 30) / 90)
        axes.plot(passed, voltage, color=colour)
        if celsius in (-30, -20, -10, 0, 60):
            place = (passed[-1] - 1, 2.04)
            axes.text(*place, f"{celsius} °C", rotation=90, ha="right", fontsize=7)
    axes.set(xlabel="capacity [mAh/g]", ylabel="voltage [V]", ylim=(2.0, 3.05))
    axes.set_title("transformation, 0.1C, -30 to 60 °C", loc="left")


def draw_temperatures(axes):
    """Capacity over temperature at two rates, with what is published."""
    for number, (reading, name) in enumerate(READINGS.items()):
        for rate, line in (("0.1C", "-"), ("0.4C", "--")):
            capacity = [second(name, celsius, rate)[0] for celsius in DEGREES]
            label = reading if line == "-" else None
            axes.plot(DEGREES, capacity, line, color=f"C{number}", label=label)
    for points, filled in zip(PUBLISHED["temperature"], ("k", "w"), strict=True):
        axes.plot(*zip(*points, strict=True), "o", color="k", mfc=filled)
    axes.set(xlabel="temperature [°C]", ylabel="capacity [mAh/g]", ylim=(0, 175))
    axes.set_title("0.1C (full), 0.4C (dashed)", loc="left")
    axes.legend(loc="lower right")


def draw_rates(axes):
    """Capacity over rate at 25 degC, each reading in its own window."""
    for reading, name in READINGS.items():
        capacity = [second(name, 25, f"{rate}C")[0] for rate in RATES]
        axes.semilogx(RATES, capacity, label=reading)
    axes.plot(*zip(*PUBLISHED["rate"], strict=True), "o", color="k", mfc="w")
    axes.axhline(100, color="0.6", lw=0.8, ls=":")
    axes.set(xlabel="rate [C]", ylim=(0, 175))
    axes.set_xticks(RATES, [f"{rate:g}" for rate in RATES])
    axes.minorticks_off()
    axes.set_title("25 °C", loc="left")


def figure():
    """Curves, temperatures and rates side by side."""
    with figure_style():
        drawing, axes = plt.subplots(1, 3, figsize=(7.4, 2.7), layout="constrained")
        for draw, panel in zip(
            (draw_curves, draw_temperatures, draw_rates), np.ravel(axes), strict=True
        ):
            draw(panel)
    return drawing


if __name__ == "__main__":
    save_figure(figure(), "liang2023_readings.png")
