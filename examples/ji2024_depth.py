"""How deep must Na2S2 lie for it to form? Depth, temperature and rate, for four dead zones.

Run with ``python examples/ji2024_depth.py``; the figure goes to the working folder. Between its
printed depth and that of the fit only the energy of Na2S2 moves. Beside the zone of the set two
narrower ones are tried, and one that relaxes: beside it every reaction also runs slowly without
any, so that a gap of 50 mV closes within two days.
"""

import copy
import tomllib
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

import sscell
from sscell.cells.library import find
from sscell.cells.parameters import ParameterSet
from sscell.plots.style import figure_style, save_figure
from sscell.units import FARADAY

# meV per atom below the line from Na2S4 to Na2S
DEPTHS = (4.0, 8.0, 11.0, 14.0, 17.0, 20.0, 24.0, 28.0, 33.0, 40.0)
CONDITIONS = [(t, rate) for rate in ("C/20", "C/100") for t in (25, 60, 90)]
SLOW = 1e-6  # s-1, a thirtieth of C/20: also the most that it carries
FAST = sscell.Resolution(shells=25)
TABLES = tomllib.loads(find("Ji2024")[0].read_text(encoding="utf-8"))
OWN = TABLES["parameters"]["R1 dead zone [V]"]["value"]
ZONES = {
    "25 mV": 0.025,
    "51 mV": 0.051,
    f"{1e3 * OWN:.0f} mV, of the set": OWN,
    "51 mV, relaxes": 0.051,
}
# What the paper asks for: temperature, rate, half cycle (0 discharge), fraction of Na2S2
ASKED = ((60, "C/20", 1, 0.1), (90, "C/100", 0, 0.7), (90, "C/100", 1, 0.7))


def with_zone(width: float, relaxes: bool) -> sscell.Cell:
    """The published cell with one half width [V] of all dead zones."""
    tables = copy.deepcopy(TABLES)
    rows = tables["parameters"]
    for reaction in list(tables["network"]["reactions"]):
        name, slow = reaction["name"], reaction["name"] + " slow"
        rows[f"{name} dead zone [V]"]["value"] = width
        if relaxes:
            tables["network"]["reactions"].append({**reaction, "name": slow})
            energy = rows[f"{name} activation energy [J.mol-1]"]["value"]
            own = {"rate constant [s-1]": SLOW, "presence scale": 0.1}
            own["activation energy [J.mol-1]"] = energy
            for way in ("reduction", "oxidation"):  # never a second way beside the limits
                own[f"{way} ceiling [s-1]"] = SLOW
                own[f"{way} ceiling activation energy [J.mol-1]"] = energy
            for quantity, value in own.items():
                rows[f"{slow} {quantity}"] = {
                    "value": value,
                    "kind": "assumed",
                    "source": "a trial",
                    "range": [value, value],
                }
    return sscell.Cell(ParameterSet.from_table(tables))


def at_depth(cell: sscell.Cell, depth: float) -> sscell.Cell:
    """Copy with Na2S2 a depth [meV per atom] below the line from Na2S4 to Na2S."""
    upper, lower = (
        cell.values[f"{p} formation energy [J.mol-1]"] for p in ("Na2S4", "Na2S")
    )
    line = upper + (lower - upper) / 3  # one of the one and a half sodium a sulfur takes
    return cell.replace(
        {"Na2S2 formation energy [J.mol-1]": line - 2 * depth / 1e3 * FARADAY}
    )


def formed(cell: sscell.Cell) -> np.ndarray:
    """Largest fraction of Na2S2 along a first discharge and charge at every condition [-]."""
    found = []
    for celsius, rate in CONDITIONS:
        run = sscell.simulate(
            cell, sscell.cycle(rate), temperature=celsius, resolution=FAST
        )
        fraction, steps = run["Na2S2 fraction"].values, run["Step"].values
        found.append([fraction[steps == step].max() for step in (1, 2)])
    return np.array(found)


def crossings(values: np.ndarray) -> list[float]:
    """Depth at which each fraction that is asked for is passed [meV/atom]."""
    return [
        round(float(np.interp(asked, values[:, CONDITIONS.index((t, c)), way], DEPTHS)), 1)
        for t, c, way, asked in ASKED
    ]


def figure(table: dict[str, np.ndarray]) -> Any:
    """Fraction over depth: a column a zone, a colour a temperature, dashed at C/100."""
    colours = {25: "#0072B2", 60: "#009E73", 90: "#D55E00"}
    with figure_style():
        drawn, panels = plt.subplots(
            2, len(table), figsize=(8.6, 5.0), sharex=True, sharey=True
        )
        for column, (zone, values) in enumerate(table.items()):
            for row, direction in enumerate(("discharge", "charge")):
                panel = panels[row, column]
                for n, (celsius, rate) in enumerate(CONDITIONS):
                    style = {
                        "ls": "-" if rate == "C/20" else "--",
                        "color": colours[celsius],
                    }
                    label = f"{celsius} °C, {rate}"
                    panel.plot(DEPTHS, values[:, n, row], marker=".", label=label, **style)
                panels[row, 0].set_ylabel(f"largest Na2S2 fraction, {direction}")
            panels[0, column].set(title=f"dead zone {zone}", ylim=(0, 1))
            panels[1, column].set_xlabel("depth [meV/atom]")
        lines, labels = panels[0, 0].get_legend_handles_labels()
        drawn.tight_layout(rect=(0, 0.06, 1, 1))
        drawn.legend(lines, labels, loc="lower center", ncol=6, fontsize=7, handlelength=3)
    return drawn


if __name__ == "__main__":
    table = {}
    for zone, width in ZONES.items():
        cell = with_zone(width, "relaxes" in zone)
        table[zone] = np.array([formed(at_depth(cell, depth)) for depth in DEPTHS])
        for depth, values in zip(DEPTHS, table[zone], strict=True):
            print(zone, depth, *np.round(values, 3).tolist())
        print(zone, "passed at", *crossings(table[zone]), "meV/atom")
    save_figure(figure(table), "ji2024_depth.png")
