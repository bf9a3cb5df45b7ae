"""Pan et al. 2023: what composition and thickness leave of capacity and energy.

Run with ``python examples/pan2023_design.py``; it takes some minutes, and the figures go to
the working folder. All compositions follow the laws of the one that was measured in full.
"""

import matplotlib.pyplot as plt
import numpy as np

import sscell
from sscell.analysis.capacity import half_cycles
from sscell.errors import SimulationError
from sscell.papers.measures import measure
from sscell.plots.style import figure_style, save_figure
from sscell.protocols import rate_test

POWER = 150  # W per kg of cathode
CURRENTS = ["50mA/g", "100mA/g", "200mA/g", "400mA/g"]
cell = sscell.load("Pan2023")
MESH = sscell.Resolution(shells=8, thickness_points=6)
THICKNESS = np.array([15, 30, 50, 70, 90, 120])  # um
Y = np.array([0.05, 0.1, 0.15, 0.2, 0.25, 0.3])
X = np.array([0.05, 0.1, 0.15, 0.2, 0.25, 0.3])
NAMES = {"x": "LiI mole fraction", "y": "MoS2 mole fraction"}
FINE = np.linspace(0.05, 0.3, 11)  # x and y of the plane
RATES = {"25mA/g": 10, "50mA/g": 14, "100mA/g": 18, "200mA/g": 22}  # its last cycle


def energy(micrometre, **composition):
    """Energy at POWER [Wh/kg]: charges at 25 mA/g, third cycle on; zero where it fails."""
    changes = {NAMES[k]: float(v) for k, v in composition.items()}
    design = cell.replace(changes)
    own = design.values["Positive electrode mass [kg]"] / design.cathode_thickness
    changes["Positive electrode mass [kg]"] = own * micrometre * 1e-6
    try:
        run = sscell.simulate(
            cell,
            rate_test(CURRENTS, cycles=[3, 1, 1, 1], charge_rate="25mA/g"),
            changes=changes,
            resolution=MESH,
        )
    except SimulationError:
        return 0.0
    return measure(run, {"of": "energy at power", "power": POWER}) or 0.0


def chart(axis, values):
    """Energies over a mole fraction and the thickness."""
    return np.array([[energy(t, **{axis: v}) for v in values] for t in THICKNESS])


def capacities(**composition):
    """Last discharge at each rate [mAh/g], ten cycles at the first and four at the others."""
    own = cell.replace({NAMES[k]: float(v) for k, v in composition.items()})
    run = sscell.simulate(
        own,
        rate_test(list(RATES), cycles=[10, 4, 4, 4]),
        resolution=sscell.Resolution(shells=25),
    )
    found = {h.cycle: h.capacity for h in half_cycles(run) if h.direction == "discharge"}
    return [found[n] / own.basis("capacity")[1] for n in RATES.values()]


def compositions():
    """Capacities at the rates over the plane, and over y at x = 0.2."""
    plane = np.array([[capacities(x=x, y=y) for x in FINE] for y in FINE])
    fine = np.array(
        [0.07, 0.08, 0.09, 0.1, 0.11, 0.125, 0.15, 0.175, 0.2, 0.225, 0.25, 0.3]
    )
    return plane, fine, np.array([capacities(x=0.2, y=y) for y in fine])


def plane_figure(plane, fine, series):
    """Capacity over x and y at 25 mA/g, and over y at every rate: the test at 50 mA/g."""
    with figure_style():
        drawing, (left, right) = plt.subplots(
            1, 2, figsize=(6.9, 2.9), layout="constrained"
        )
        filled = left.contourf(
            FINE, FINE, plane[:, :, 0], np.arange(0, 601, 25), cmap="viridis"
        )
        left.contour(FINE, FINE, plane[:, :, 0], [500, 520], colors="white", linewidths=0.7)
        left.plot(0.2, 0.15, "s", mfc="none", color="black")
        left.axhline(0.15, color="black", linewidth=0.5, linestyle=":")
        left.axvline(0.2, color="black", linewidth=0.5, linestyle=":")
        left.set(xlabel="x, LiI", ylabel="y, MoS$_2$")
        bar = drawing.colorbar(filled, ax=left)
        bar.set_label("Tenth discharge, 25 mA/g [mAh/g]")
        for k, rate in enumerate(RATES):
            right.plot(fine, series[:, k], marker=".")
            right.text(fine[0] - 0.004, series[0, k], rate, ha="right", va="center")
            best = int(np.argmax(series[:, k]))
            right.plot(fine[best], series[best, k], "o", mfc="none", color="black")
        right.axvline(0.15, color="black", linewidth=0.5, linestyle=":")
        right.set(xlabel="y, MoS$_2$ (x = 0.2)", ylabel="Discharge [mAh/g]")
        right.set(xlim=(-0.01, 0.31), ylim=(0, 570))
    return drawing


def figure(maps):
    """Both charts with one colour scale; the paper's cell is marked."""
    top = max(m.max() for m in maps)
    levels = np.arange(0, top + 50, 50)
    with figure_style():
        drawing, panels = plt.subplots(
            1, 2, figsize=(6.9, 2.9), sharey=True, layout="constrained"
        )
        for axes, values, table, at, text in zip(
            panels,
            (Y, X),
            maps,
            (0.15, 0.2),
            ("y, MoS$_2$ (x = 0.2)", "x, LiI (y = 0.15)"),
            strict=True,
        ):
            filled = axes.contourf(values, THICKNESS, table, levels, cmap="viridis")
            axes.plot(at, 30, "s", mfc="none", color="black")
            axes.set_xlabel(text)
        panels[0].set_ylabel("Cathode thickness [µm]")
        panels[0].text(0.157, 31, "paper", color="black")
        bar = drawing.colorbar(filled, ax=panels)
        bar.set_label(f"Energy at {POWER} W/kg [Wh / kg cathode]")
    return drawing


if __name__ == "__main__":
    maps = [chart("y", Y), chart("x", X)]
    for values, table in zip((Y, X), maps, strict=True):
        print(values, np.round(table).astype(int), sep="\n")
    save_figure(figure(maps), "pan2023_design.png")
    plane, fine, series = compositions()
    for values in (plane[:, :, 0], plane[:, :, 1], np.c_[fine, series]):
        print(np.round(values, 2).tolist())
    save_figure(plane_figure(plane, fine, series), "pan2023_plane.png")
