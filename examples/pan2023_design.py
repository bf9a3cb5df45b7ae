"""Pan et al. 2023: the energy left at a given power, over composition and thickness.

Run with ``python examples/pan2023_design.py``; it takes some minutes, and the figure goes to
the working folder. All compositions follow the laws of the one that was measured in full.
"""

import matplotlib.pyplot as plt
import numpy as np

import sscell
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


def energy(micrometre, **composition):
    """Energy at POWER [Wh/kg]: charges at 25 mA/g, third cycle on; zero where it fails."""
    names = {"x": "LiI mole fraction", "y": "MoS2 mole fraction"}
    changes = {names[k]: float(v) for k, v in composition.items()}
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
