"""Chang 2024: rate series, Ragone plot, long cycling and resistances of three cathodes.

Run with ``python examples/chang2024.py``; the figures go to the working folder. Stars are
the numbers printed in the thesis.
"""

import matplotlib.pyplot as plt
import numpy as np

import sscell
from sscell.analysis import rate
from sscell.plots.style import figure_style, save_figure
from sscell.protocols import rate_test, then

CURRENTS = ["0.1A/g", "0.2A/g", "0.5A/g", "1A/g", "2A/g"]
MEASURED = [0.1, 0.2, 1.0, 2.0]  # A/g; the thesis does not list 0.5
CELLS = {
    "Chang2024": ("bare", "#0072B2", (683.9, 516.8, 326.2, 255.8)),
    "Chang2024-LPS15": ("15 % Li7P3S11", "#D55E00", (801.5, 648.1, 454.4, 370.8)),
    "Chang2024-LiI5": ("5 mol% LiI", "#009E73", (757.3, 610.9, 412.7, 328.6)),
}
# Power at 2 A/g [W/kg] and energy at 0.1 A/g [Wh/kg] per total cathode layer; the energy of
# the doped one does not match its own capacity, that of the coated one is not printed.
POWERS = {"Chang2024": 1332.2, "Chang2024-LPS15": 1358, "Chang2024-LiI5": 1351}
ENERGIES = {"Chang2024": 495.8, "Chang2024-LiI5": 687.23}
LASTING = {  # cycles at 1 A/g, and what is left [mAh/g]
    "Chang2024": (500, 0),
    "Chang2024-LPS15": (1000, 400),
    "Chang2024-LiI5": (500, 301.1),
}
FINE = sscell.Resolution(15, rtol=1e-5, atol=1e-7)


def lasting(name):
    """Capacities and series resistance over the cycles at 1 A/g."""
    cycles = LASTING[name][0]
    protocol = then(sscell.cycle("0.1A/g", cycles=5), sscell.cycle("1A/g", cycles=cycles))
    run = sscell.simulate(name, protocol, resolution=FINE)
    steps = sscell.summary(run)["steps"]
    left = [s["capacity_mAh_g"] for s in steps if s["direction"] == "discharge"][5:]
    ends = np.flatnonzero(np.diff(run["Cycle"].values, append=np.inf) > 0)[5:]
    area = run.attrs["area_cm2"] * 1e-4
    grown = sum(
        run[f"{kind} resistance grown [Ohm.m2]"].values[ends]
        for kind in ("Series", "Boundary")
    )
    return np.arange(len(left)) + 1, np.array(left), grown / area


def draw(axes, name):
    """All four panels of one cathode."""
    label, colour, published = CELLS[name]
    run = sscell.simulate(name, rate_test(CURRENTS, cycles=3), resolution=FINE)
    found = rate(run)
    axes[0].semilogx(
        [float(c.split("A")[0]) for c in CURRENTS],
        found["capacities_mAh_g"],
        "o-",
        color=colour,
        label=label,
    )
    axes[0].plot(MEASURED, published, "*", color=colour, ms=9, mec="k", mew=0.4)
    axes[1].semilogx(found["powers_W_kg"], found["energies_Wh_kg"], "o-", color=colour)
    axes[1].axvline(POWERS[name], color=colour, lw=0.8, ls=":")
    if name in ENERGIES:
        axes[1].axhline(ENERGIES[name], color=colour, lw=0.8, ls=":")
    cycles, left, grown = lasting(name)
    axes[2].plot(cycles, left, color=colour)
    axes[2].plot(*LASTING[name], "*", color=colour, ms=9, mec="k", mew=0.4)
    axes[3].loglog(cycles, grown, color=colour)


def curves():
    """Voltage over capacity of three cathodes at four conditions of the rate test."""
    with figure_style():
        drawing, axes = plt.subplots(3, 4, figsize=(8.2, 6), sharex=True, sharey=True)
        drawing.set_layout_engine("constrained")
        for row, (name, (label, colour, _)) in zip(axes, CELLS.items(), strict=True):
            run = sscell.simulate(name, rate_test(CURRENTS, cycles=3), resolution=FINE)
            mass = run.attrs["capacity_basis_mass_g"]
            for ax, cycle in zip(row, (1, 3, 12, 15), strict=True):
                part = run.isel(time=run["Cycle"].values == cycle)
                for sign in (1, -1):
                    half = part.isel(time=np.sign(part["Current [A]"].values) == sign)
                    passed = half["Discharge capacity [A.h]"].values * 1e3 / mass
                    ax.plot(abs(passed - passed[0]), half["Voltage [V]"], color=colour)
                current = CURRENTS[(cycle - 1) // 3].replace("A/g", " A/g")
                ax.set_title(f"{label}, {current}, cycle {cycle}", loc="left", size=7)
            row[0].set_ylabel("Voltage [V]")
        for ax in axes[-1]:
            ax.set_xlabel("Capacity [mAh / g MoS6]")
    return drawing


def figure():
    """Four panels: rates, Ragone, capacity and resistance over cycles."""
    with figure_style():
        drawing, axes = plt.subplots(2, 2, figsize=(6.9, 5.2), layout="constrained")
        axes = axes.ravel()
        for name in CELLS:
            draw(axes, name)
        axes[0].set(xlabel="Current [A/g]", ylabel="Capacity [mAh / g MoS6]")
        axes[0].set_ylim(bottom=0)
        axes[0].legend(title="stars: published", loc="lower left")
        axes[1].set(
            xlabel="Power [W / kg cathode layer]", ylabel="Energy [Wh / kg cathode layer]"
        )
        axes[1].set_ylim(bottom=0)
        axes[1].set_title("dotted: published", loc="left")
        axes[2].set(xlabel="Cycle at 1 A/g", ylabel="Capacity [mAh / g MoS6]")
        axes[2].set_ylim(bottom=-15)
        axes[3].set(xlabel="Cycle at 1 A/g", ylabel="Resistance grown [Ω]")
    return drawing


if __name__ == "__main__":
    save_figure(curves(), "chang2024_curves.png")
    save_figure(figure(), "chang2024.png")
