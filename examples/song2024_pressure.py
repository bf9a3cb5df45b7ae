"""Song et al. 2024 under pressure: the load cell, the spectrum, and a question of design.

What pressure does this cell need at 30 degC to be activated in five cycles?
Run with ``python examples/song2024_pressure.py``; figures go to the working folder.
"""

import matplotlib.pyplot as plt
import numpy as np

import sscell
from sscell.analysis import eis, pressure_changes
from sscell.engine import Resolution
from sscell.plots import plot_contact, plot_pressure
from sscell.plots.pressure import pressure_colour
from sscell.plots.style import figure_style, save_figure, temperature_colour

MESH = Resolution(shells=20)
PUBLISHED = (20, 35, 50)  # MPa
EDGES = (3.9, 4.4)  # V against Li: electrolyte, NCM-like domain, activation
SHARE, WITHIN = 0.97, 5  # of the highest capacity, in so many cycles


def trace():
    """Load cell of five cycles against Li4Ti5O12, which keeps its volume."""
    cell = sscell.load("Song2024-LTO")
    shift = cell.values["Negative electrode OCP [V]"]
    run = sscell.simulate(
        cell, sscell.cycle("0.05C", cycles=5), temperature=60, resolution=MESH
    )
    edges = [edge - shift for edge in EDGES]
    for row in pressure_changes(run, edges)[:4]:
        parts = ", ".join(f"{part:+.2f}" for part in row["parts_MPa"])
        print(f"cycle {row['cycle']} {row['direction']}: {row['change_MPa']:+.2f} ({parts})")
    return plot_pressure(run, edges)


def spectra():
    """Room temperature at 3.38 V against In/Li-In, formed at 60 degC under each pressure."""
    tones = list(np.logspace(6, -1, 85))
    found = {}
    for pressure in PUBLISHED:
        run = sscell.simulate(
            "Song2024",
            sscell.protocols.impedance(tones),
            temperature=25,
            formation_temperature=60,
            pressure=pressure,
            state="3.38V",
            resolution=MESH,
        )
        found[pressure] = eis(run)
        ohm = found[pressure]["interfacial_resistance_ohm_cm2"]
        print(f"{pressure} MPa: interfacial resistance {ohm:.0f} Ohm cm2")
    return plot_contact(found)


def capacities(celsius, pressures, cycles=25, **changes):
    """Discharge capacity of every cycle [mAh/g], one row for each pressure."""
    cell = sscell.load("Song2024").replace(changes)
    axes = {"temperature": [celsius], "pressure": pressures}
    protocol = sscell.cycle("0.05C", cycles=cycles)
    grid = sscell.sweep(cell, axes, protocol, resolution=MESH)
    ways = [half for half in grid.half_cycle.values if half.startswith("discharge")]
    return grid.capacity_mAh_g.isel(temperature=0).sel(half_cycle=ways).values


def complete(rows):
    """First cycle at `SHARE` of the highest capacity, between two cycles where it falls."""
    found = []
    for row in rows:
        share = np.maximum.accumulate(row) / row.max()
        found.append(float(np.interp(SHARE, share, 1 + np.arange(row.size))))
    return np.array(found)


def answer(pressures, cycles):
    """Lowest pressure at which the cell is activated in time [MPa]; None: no such."""
    if cycles.min() > WITHIN:
        return None
    falling = np.minimum.accumulate(cycles)[::-1]
    return float(np.exp(np.interp(WITHIN, falling, np.log(pressures[::-1]))))


def design():
    """Cycles to activation over the pressure at both temperatures, with what is assumed."""
    pressures = np.geomspace(10, 400, 9)
    exponent = sscell.load("Song2024").parameters["Re-contact pressure exponent"]
    with figure_style():
        figure, (left, right) = plt.subplots(1, 2, figsize=(6.9, 2.9), layout="constrained")
        for pressure, row in zip(PUBLISHED, capacities(30, PUBLISHED), strict=True):
            left.plot(1 + np.arange(row.size), row, ".-", color=pressure_colour(pressure))
            left.annotate(f"{pressure} MPa", (row.size, row[-1]), fontsize=7, va="top")
        for celsius in (30, 45, 60):
            middle, *ends = (
                complete(
                    capacities(celsius, pressures, **{"Re-contact pressure exponent": m})
                )
                for m in (exponent.value, *exponent.range)
            )
            colour = temperature_colour(celsius)
            right.fill_between(pressures, *ends, color=colour, alpha=0.15, lw=0)
            right.semilogx(pressures, middle, color=colour, label=f"{celsius} °C")
            for m, row in zip((exponent.value, *exponent.range), (middle, *ends)):
                print(f"{celsius} degC, exponent {m:g}: {answer(pressures, row)} MPa;", end=" ")
                print(", ".join(f"{p:.0f}: {c:.1f}" for p, c in zip(pressures, row)))
        right.axhline(WITHIN, color="0.5", lw=0.8, ls=":")
        right.axvspan(PUBLISHED[0], PUBLISHED[-1], color="0.93", lw=0, zorder=0)
        left.set(xlabel="Cycle", ylabel="Discharge capacity [mAh / g]")
        left.set_title("30 °C, 0.05C", loc="left")
        right.set(xlabel="Stack pressure [MPa]", ylabel="Cycles to activation")
        right.set_ylim(bottom=0)
        right.legend()
    return figure


if __name__ == "__main__":
    for name, draw in (("trace", trace), ("spectra", spectra), ("design", design)):
        save_figure(draw(), f"song2024_pressure_{name}.png")
