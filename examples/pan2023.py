"""Pan et al. 2023: what the integrated cathode does inside, and its Ragone plot.

Run with ``python examples/pan2023.py``; the figures go to the working folder.
"""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import NullFormatter

import sscell
from sscell.analysis import rate
from sscell.plots.style import figure_style, save_figure
from sscell.protocols import Step, rate_test
from sscell.simulation.engine import engine
from sscell.simulation.run import Run
from sscell.units import parse_rate

cell = sscell.load("Pan2023")
MEAN = "X-averaged positive electrode effective {} conductivity [S.m-1]"
FULL = cell.theoretical_capacity / cell.basis("capacity")[1]  # mA h/g
CHARGE, DISCHARGE = "#D55E00", "#0072B2"

fifth = sscell.simulate(
    cell, sscell.cycle("25mA/g", cycles=5), resolution=sscell.Resolution(shells=25)
)


def halves(run, number):
    """Charge and discharge of a cycle, with the capacity passed [mA h/g]."""
    for way, sign in (("charge", -1), ("discharge", 1)):
        rows = (run["Cycle"].values == number) & (sign * run["Current [A]"].values > 0)
        part = run.isel(time=rows)
        charge = part["Discharge capacity [A.h]"].values
        passed = np.abs(charge - charge[0]) / cell.basis("capacity")[1]
        yield way, part, passed


def plot_state():
    """Redox of both hosts, LiI and conductivities along the fifth cycle."""
    with figure_style():
        figure, panels = plt.subplots(
            2, 2, figsize=(6.9, 4.2), sharex="col", sharey="row", layout="constrained"
        )
        for column, (way, part, passed) in zip(panels.T, halves(fifth, 5), strict=True):
            top, bottom = column
            for name, colour, text in (
                ("MoS2 lithium", "#009E73", "Mo"),
                ("Sulfur lithium", "#E69F00", "S"),
            ):
                moved = np.abs(part[name].values - part[name].values[0]) * FULL
                top.plot(passed, moved, color=colour)
                top.text(passed[-1], moved[-1], f" {text}", color=colour, va="center")
            domains = part["LiI domain fraction"].values
            top.plot(passed, 100 * domains, "--", color="0.4")
            top.text(
                passed[-1], 100 * domains[-1], " LiI in domains", color="0.4", va="center"
            )
            top.set_title(f"{way} at 25 mA/g, fifth cycle", loc="left")
            for kind, colour, lift in (
                ("ionic", CHARGE, 0.4),
                ("electronic", DISCHARGE, 1.25),
            ):
                sigma = part[MEAN.format(kind)].values / 100
                bottom.semilogy(passed, sigma, color=colour)
                bottom.text(20, sigma[len(sigma) // 9] * lift, kind, color=colour)
            bottom.set_xlabel("Capacity passed [mAh / g composite]")
            bottom.set_xlim(0, 690)
        panels[0, 0].set_ylabel("Redox [mAh / g], LiI [%]")
        panels[1, 0].set_ylabel("Conductivity [S / cm]")
        panels[1, 0].set_ylim(1e-5, 1e-2)
    return figure


def profiles(mass_mg, current, hours):
    """Variables through the thickness at times of the first charge."""
    thick = cell.replace({"Positive electrode mass [kg]": mass_mg * 1e-6})
    mesh = sscell.Resolution(shells=12, thickness_points=30)
    run = Run(thick, mesh)
    built = engine(thick, mesh)
    inputs = built.inputs(thick, -thick.current(current))
    edges = (np.arange(30) + 0.5) / 30 * thick.cathode_thickness * 1e6
    names = {
        "Li2S fraction profile": "Li2S of the sulfur [-]",
        "LiI domains": "LiI in domains [-]",
        "Positive electrode effective ionic conductivity [S.m-1]": "σ of the ions [S / m]",
        "Positive electrode electrolyte potential [V]": "potential of the ions [V]",
    }
    found = {name: [] for name in names}
    for _ in range(hours):
        run.execute([Step("charge", parse_rate(current), duration=3600.0)])
        y = np.asarray(run.solution.y)[:, -1:]
        for name in names:
            variable = built.model.get_processed_variable(name)
            found[name].append(np.ravel(variable.evaluate(0.0, y, inputs=inputs)))
    return edges, names, found


def plot_thickness():
    """Through a cathode of 150 um in its first charge at 50 mA/g."""
    edges, names, found = profiles(20, "50mA/g", 7)
    colours = matplotlib.colormaps["viridis"](np.linspace(0, 0.9, 7))
    with figure_style():
        figure, panels = plt.subplots(
            1, 4, figsize=(6.9, 2.3), sharex=True, layout="constrained"
        )
        for axes, (name, text) in zip(panels, names.items(), strict=True):
            for hour, (profile, colour) in enumerate(
                zip(found[name], colours, strict=True), 1
            ):
                axes.plot(edges, profile, color=colour, label=f"{hour} h")
            axes.set_title(text, loc="left")
            axes.set_xlabel("From separator [µm]")
            if "[-]" in text:
                axes.set_ylim(-0.03, 1.03)
            else:
                axes.set_ylim(bottom=0)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside right center", handlelength=1)
    return figure


def plot_ragone():
    """Energy over power; the published points beside the model."""
    run = sscell.simulate(
        cell,
        rate_test(
            ["25mA/g", "50mA/g", "100mA/g", "200mA/g", "300mA/g", "400mA/g", "500mA/g"],
            charge_rate="25mA/g",
        ),
        state="formed",
        resolution=sscell.Resolution(shells=25),
    )
    found = rate(run)
    with figure_style():
        figure, axes = plt.subplots(figsize=(3.5, 2.7), layout="constrained")
        power, energy = found["powers_W_kg"], found["energies_Wh_kg"]
        axes.semilogx(power, energy, "-", marker=".", color=DISCHARGE)
        for p, e, name in zip(power, energy, found["currents"], strict=True):
            axes.text(p * 0.95, e - 20, name, fontsize=5.5, ha="right", va="top")
        axes.plot([46, 600], [1020, 384], "s", mfc="none", color=CHARGE)
        axes.text(52, 1030, "published", color=CHARGE)
        axes.set(xlabel="Mean power [W / kg]", ylabel="Energy [Wh / kg]")
        axes.set(xlim=(25, 1000), ylim=(0, 1150))
        axes.set_xticks([30, 100, 300, 1000], ["30", "100", "300", "1000"])
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_title("vs Li, per mass of the cathode", loc="left")
    return figure


way, part, passed = next(halves(fifth, 5))
first_100 = float(np.interp(100, passed, part["MoS2 lithium"].values))
mo_share = (float(part["MoS2 lithium"].values[0]) - first_100) * FULL / 100
print(f"Mo gives {mo_share:.0%} of the first 100 mAh/g of the fifth charge")

if __name__ == "__main__":
    save_figure(plot_state(), "pan2023_state.png")
    save_figure(plot_thickness(), "pan2023_thickness.png")
    save_figure(plot_ragone(), "pan2023_ragone.png")
