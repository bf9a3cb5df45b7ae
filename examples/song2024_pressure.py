"""Song et al. 2024 under pressure: the load cell, the spectrum, and a question of design.

What pressure does this cell need at 30 degC to be activated in five cycles?
Run with ``python examples/song2024_pressure.py``; figures go to the working folder.
"""

import matplotlib.pyplot as plt
import numpy as np

import sscell
from sscell.analysis import eis, pressure_changes
from sscell.plots import plot_contact, plot_pressure
from sscell.plots.pressure import pressure_colour
from sscell.plots.style import figure_style, save_figure, temperature_colour

MESH = sscell.Resolution(shells=20)
PUBLISHED = (20, 35, 50)  # MPa
EDGES = (3.9, 4.4)  # V against Li: electrolyte, NCM-like domain, activation
SHARE, WITHIN = 0.97, 5  # of the highest capacity, in so many cycles
PRESSURES = np.geomspace(10, 360, 7)  # MPa, to that of the fabrication
# How pressure acts, in time and at once: only the order of the pressures is published.
RATE, AT_ONCE = "Re-contact pressure exponent", "Contact unloading exponent"


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
        print(
            f"cycle {row['cycle']} {row['direction']}: {row['change_MPa']:+.2f} ({parts})"
        )
    swelling = sscell.simulate(
        "Song2024", sscell.charge("0.05C"), temperature=60, resolution=MESH
    )
    change = pressure_changes(swelling)[0]["change_MPa"]
    print(f"against Li-In, which swells: {change:+.2f} in the first charge")
    return plot_pressure(run, edges)


def spectra():
    """Room temperature at 3.38 V against In/Li-In, formed at 60 degC under each pressure."""
    found = {}
    for pressure in PUBLISHED:
        run = sscell.simulate(
            "Song2024",
            sscell.protocols.impedance(list(np.logspace(6, -3.5, 96)), rest="5 h"),
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


def capacities(celsius, pressures, **changes):
    """Discharge capacity of 25 cycles [mAh/g], one row for each pressure."""
    cell = sscell.load("Song2024").replace(changes)
    axes = {"temperature": [celsius], "pressure": pressures}
    grid = sscell.sweep(cell, axes, sscell.cycle("0.05C", cycles=25), resolution=MESH)
    ways = [half for half in grid.half_cycle.values if half.startswith("discharge")]
    return grid.capacity_mAh_g.isel(temperature=0).sel(half_cycle=ways).values


def complete(rows):
    """Cycle at which `SHARE` of the highest capacity is reached, one for each row."""
    found = []
    for row in rows:
        share = np.maximum.accumulate(row) / row.max()
        found.append(np.interp(SHARE, share, 1 + np.arange(share.size)))
    return np.array(found)


def answer(cycles):
    """Lowest of the pressures, between them, that activates in time."""
    if cycles.min() > WITHIN:
        return f"none: {cycles.min():.1f} cycles at {PRESSURES[cycles.argmin()]:.0f} MPa"
    falling = np.minimum.accumulate(cycles)[::-1]
    return f"{np.exp(np.interp(WITHIN, falling, np.log(PRESSURES[::-1]))):.0f} MPa"


def extremes(celsius):
    """Fewest and most cycles at each pressure over the ranges of the pressure law."""
    parameters = sscell.load("Song2024").parameters.parameters
    changes = [
        {name: value} for name in (RATE, AT_ONCE) for value in parameters[name].range
    ]
    rows = [complete(capacities(celsius, PRESSURES, **change)) for change in changes]
    for change, row in zip(changes, rows, strict=True):
        name, value = next(iter(change.items()))
        print(f"{celsius} degC, {name} {value:g}: {answer(row)}")
    return np.min(rows, axis=0), np.max(rows, axis=0)


def draw_activation(axes):
    """Cycles to activation over the pressure, with what is assumed at 30 degC."""
    for celsius in (30, 45, 60):
        colour = temperature_colour(celsius)
        cycles = complete(capacities(celsius, PRESSURES))
        axes.semilogx(PRESSURES, cycles, color=colour, label=f"{celsius} °C")
        print(f"{celsius} degC, activated in {WITHIN} cycles: {answer(cycles)}")
    low, high = extremes(30)
    axes.fill_between(PRESSURES, low, high, color=temperature_colour(30), alpha=0.15, lw=0)
    axes.axhline(WITHIN, color="0.5", lw=0.8, ls=":")
    axes.axvspan(PUBLISHED[0], PUBLISHED[-1], color="0.93", lw=0, zorder=0)
    axes.set(xlabel="Stack pressure [MPa]", ylabel="Cycles to activation")
    axes.set_ylim(bottom=0)
    axes.legend()


def design():
    """Capacity against cycle at both temperatures, and what pressure can do."""
    with figure_style():
        figure, panels = plt.subplots(
            1, 3, figsize=(6.9, 2.7), layout="constrained", width_ratios=(1, 1, 1.2)
        )
        for axes, celsius in zip(panels, (30, 60), strict=False):
            rows = capacities(celsius, PUBLISHED)[:, :15]
            for pressure, row in zip(PUBLISHED, rows, strict=True):
                colour, label = pressure_colour(pressure), f"{pressure} MPa"
                axes.plot(1 + np.arange(row.size), row, ".-", color=colour, label=label)
            axes.set_title(f"{celsius} °C, 0.05C", loc="left")
            axes.set_xlabel("Cycle")
        panels[0].set_ylabel("Discharge capacity [mAh / g]")
        panels[0].sharey(panels[1])
        panels[1].legend(loc="lower right")
        draw_activation(panels[2])
    return figure


if __name__ == "__main__":
    for name, draw in (("trace", trace), ("spectra", spectra), ("design", design)):
        save_figure(draw(), f"song2024_pressure_{name}.png")
