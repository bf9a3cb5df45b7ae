"""A large fit on the clock: 17 parameters to 11 cycles of 1000 points, against a plain solve.

``python benchmarks/large_fit.py --json result.json``. The cell is Liang2023 at the 25 shells of
a fit; its cycles run at eleven currents, with 1 mV of noise, and all their points are compared.
Times are those of the clock and of the processor; the fit is one process.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

import sscell
from sscell.dataset import time_series
from sscell.fitting.prepare import RESOLUTION
from sscell.fitting.problem import Problem
from sscell.protocols.galvanostatic import rate_test

__all__ = ["main"]

NOISE = 1e-3  # V
POINTS = 1000  # a cycle
RATES = ("C/10", "C/5", "C/3", "C/2", "C/10", "0.7C", "1C", "1.5C", "2C", "C/5", "C/10")
RESISTANCE = "Contact resistance [Ohm]"
# Where the fit starts, times the true value, and how far its bounds are from there.
FACTORS = {
    "Positive electrode mass [kg]": (1.03, 1.3),
    RESISTANCE: (0.5, 10),
    "Positive electrode exchange-current density [A.m-2]": (0.6, 10),
    "Negative electrode exchange-current density [A.m-2]": (1.7, 10),
    "Anode-side layer conductivity [S.m-1]": (1.3, 4),
    "Cathode-side layer conductivity [S.m-1]": (0.8, 4),
    "Positive electrode electrolyte conductivity [S.m-1]": (1.5, 10),
    "Positive electrode Bruggeman coefficient (electrolyte)": (1.1, 1.5),
    "Positive particle diffusivity [m2.s-1]": (0.5, 10),
    "Positive particle radius [m]": (1.3, 4),
    "Upper step potential [V]": (1.005, 1.03),
    "Lower step potential [V]": (0.995, 1.03),
    "Upper step width coefficient": (1.2, 1.4),
    "Lower step width coefficient": (0.8, 1.4),
    "Lower step transformation rate [s-1]": (0.5, 10),
    "Lower step transformation spread": (1.2, 2),
    "Inactive host fraction": (1.5, 10),
}


def measured(cell: sscell.Cell) -> xr.Dataset:
    """Eleven cycles with noise, 1000 rows each."""
    run = sscell.simulate(cell, rate_test(RATES))
    draw = np.random.default_rng(0)
    columns = ("Time [s]", "Current [A]", "Voltage [V]", "Cycle")
    found: dict[str, list[np.ndarray]] = {name: [] for name in columns}
    steps = run["Step"].values
    for step in np.unique(steps):
        own = {name: run[name].values[steps == step] for name in columns}
        t = np.linspace(own["Time [s]"][0], own["Time [s]"][-1], POINTS // 2)
        for name in columns:
            found[name].append(np.interp(t, own["Time [s]"], own[name]))
    whole = {name: np.concatenate(parts) for name, parts in found.items()}
    whole["Voltage [V]"] += NOISE * draw.normal(size=whole["Voltage [V]"].size)
    whole["Cycle"] = np.rint(whole["Cycle"]).astype(int)
    return time_series(whole)


def timed(do: Any, rounds: int = 3) -> float:
    """Median of the seconds that it takes."""
    found = []
    for _ in range(rounds):
        begun = time.perf_counter()
        do()
        found.append(time.perf_counter() - begun)
    return float(np.median(found))


def costs(problem: Problem, u: np.ndarray) -> dict[str, float]:
    """What an evaluation takes, alone and with its derivatives [s]."""
    moves = iter(1e-9 * np.arange(1, 1000))
    problem(u + next(moves))
    return {
        "residuals": timed(lambda: problem.residuals(u + next(moves))),
        "residuals_and_slopes": timed(lambda: problem(u + next(moves))),
    }


def main() -> None:
    """Fit once and print what it took."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--points", type=int, default=POINTS * len(RATES))
    parser.add_argument("--parameters", type=int, default=len(FACTORS))
    parser.add_argument("--evaluations", type=int, default=100)
    given = parser.parse_args()
    true = sscell.load("Liang2023").replace({RESISTANCE: 300.0})
    data = measured(true)
    values = true.values
    factors = dict(list(FACTORS.items())[: given.parameters])
    start = true.replace({n: f * values[n] for n, (f, _) in factors.items()})
    bounds = {n: (values[n] / w, values[n] * w) for n, (_, w) in factors.items()}
    plain = timed(lambda: sscell.simulate(
        true, rate_test(RATES), outputs=[], resolution=RESOLUTION
    ))  # fmt: skip
    told: list[str] = []
    clock, processor = time.perf_counter(), time.process_time()
    found = sscell.fit(
        start,
        data,
        bounds,
        noise=NOISE,
        points=given.points,
        on_progress=lambda _, text: told.append(text),
        max_evaluations=given.evaluations,
    )
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    problem = found.problem
    row = {
        "seconds": clock,
        "processor_seconds": processor,
        "plain_solve_seconds": plain,
        "points": sum(c.count for c in problem.courses),
        "evaluations": problem.evaluations,
        "with_slopes": problem.sloped_evaluations,
        "told": len(told),
        "ended": found.ended,
        "misfit": found.misfit,
        **costs(problem, found.u),
    }
    print(json.dumps(row, indent=2))
    if given.json is not None:
        given.json.write_text(json.dumps(row, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
