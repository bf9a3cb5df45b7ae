"""How often 90 % bands hold cells drawn from what is known of a set: 200 draws of each kind.

python benchmarks/band_coverage.py
"""

from __future__ import annotations

import numpy as np

import sscell
from sscell.errors import SimulationError
from sscell.simulation.bands import banded
from sscell.simulation.draws import drawn

CASES = (("Liang2023", "0.4C", 25), ("Ji2024", "C/20", 90))  # insertion, conversion
BANDS, TRUTHS = 10, 20


def capacity(run) -> float:
    """Charge of a run by its mass [mA.h.g-1]."""
    passed = np.ptp(run["Discharge capacity [A.h]"].values)
    return float(passed / run.attrs["capacity_basis_mass_g"] * 1e3)


def coverage(name: str, rate: str, celsius: float) -> tuple[float, float]:
    """Shares of drawn cells whose capacity, and of points of curves, lie in the band [-]."""
    cell, protocol = sscell.load(name), sscell.discharge(rate)
    options = {"temperature": celsius, "resolution": sscell.Resolution(15)}
    inside, points = [], []
    for seed in range(BANDS):
        found = banded(cell, protocol, seed=seed, **options)
        low, high = found.of(lambda run: {"capacity": capacity(run)})["capacity"]
        data = found.data
        for other in drawn(cell, TRUTHS, seed=1000 + seed).cells:
            try:
                run = sscell.simulate(other, protocol, outputs=(), **options)
            except SimulationError:
                continue
            inside.append(low <= capacity(run) <= high)
            v = np.interp(data["Time [s]"], run["Time [s]"], run["Voltage [V]"])
            ends = (data[f"Voltage {end} [V]"].values for end in ("lower", "upper"))
            below, above = ends
            points.append(np.mean((below <= v) & (v <= above)))
    return float(np.mean(inside)), float(np.mean(points))


if __name__ == "__main__":
    for case in CASES:
        print(*case, "capacity {:.3f}, curve {:.3f}".format(*coverage(*case)))
