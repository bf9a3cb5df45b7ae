"""Time to the same cost: sscell's fit against PyBOP's optimisers, in one run.

PyBOP pins NumPy: run it in an environment of its own,
``pip install ".[pybop]" && python benchmarks/pybop_fit.py --json result.json``.

The data are a first half cycle and a titration with 2 mV of noise (``--cell``, ``--seed``);
five parameters (Pan2023: four) start up to a factor 2.5 off. PyBOP runs the same PyBaMM model
on the same points with the same weights. Its datasets become interpolated currents, over which
the solver may step: it gets the corners of the current as points, and a largest step of a
quarter of a pulse. A way has arrived when its own sum of squares is within
2 % of what its own model gives for the true parameters.
Times are CPU seconds of this one-threaded process, so that a busy machine counts less.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pybamm
import pybop

import sscell
from sscell.cells.model import SolidStateCell
from sscell.fitting.courses import Course, course
from sscell.simulation.engine import Resolution

SIGMA, SHELLS, PULSE = 2e-3, 25, 3600.0
# Temperature [degC], rate, and by what factor each value starts beside the true one.
PROBLEMS: dict[str, tuple[float, str, dict[str, float]]] = {
    "Ji2024": (60.0, "C/10", {
        "Separator conductivity [S.m-1]": 2.0,
        "Positive electrode exchange-current density [A.m-2]": 0.4,
        "R3 reduction ceiling [s-1]": 2.5,
        "R5 rate constant [s-1]": 0.5,
        "S ionic conductivity [S.m-1]": 1.8,
    }),
    "Liang2023": (25.0, "C/10", {
        "Anode-side layer conductivity [S.m-1]": 0.5,
        "Positive electrode exchange-current density [A.m-2]": 0.4,
        "Positive particle diffusivity [m2.s-1]": 2.5,
        "Lower step transformation rate [s-1]": 0.5,
        "Inactive host fraction": 1.8,
    }),
    "Pan2023": (25.0, "25mA/g", {
        "Separator conductivity [S.m-1]": 0.6,
        "Positive electrode exchange-current density [A.m-2]": 0.4,
        "Positive particle diffusivity [m2.s-1]": 2.0,
        "Negative electrode exchange-current density [A.m-2]": 1.8,
    }),
}  # fmt: skip
REACHED = 1.02  # times the cost of the true parameters
RAMP = 1.0  # s
OPTIMISERS: dict[str, Any] = {
    "L-BFGS-B with gradients": lambda p: pybop.SciPyMinimize(
        p, pybop.SciPyMinimizeOptions(method="L-BFGS-B", jac=True, maxiter=200)
    ),
    "iRprop+ with gradients": lambda p: pybop.IRPropPlus(
        p, pybop.PintsOptions(max_iterations=200)
    ),
    "Nelder-Mead": lambda p: pybop.NelderMead(p, pybop.PintsOptions(max_iterations=600)),
    "CMA-ES": lambda p: pybop.CMAES(p, pybop.PintsOptions(max_iterations=100)),
}


class _Stop(Exception):
    """The cost is reached, or the time is up."""


class Clock(pybop.MetaProblem):
    """Sum of squares over all data that knows when it was low enough."""

    goal, limit, best, began = 0.0, np.inf, np.inf, 0.0

    def evaluate_batch(self, inputs: Any, calculate_sensitivities: bool = False) -> Any:
        """Evaluate, and stop the optimiser from inside."""
        found = super().evaluate_batch(inputs, calculate_sensitivities)
        self.best = min(self.best, float(np.min(found.values)))
        if self.best <= self.goal or time.process_time() - self.began > self.limit:
            raise _Stop
        return found


def measured(cell: sscell.Cell, seed: int) -> dict[str, Any]:
    """Discharge and titration with noise."""
    fine = Resolution(SHELLS, rtol=1e-6, atol=1e-8)
    celsius, rate, _ = PROBLEMS[cell.name]
    first = sscell.discharge if cell.first_step == "discharge" else sscell.charge
    protocols = {
        "half cycle": first(rate),
        "titration": sscell.gitt(rate, "1 h", "1 h", direction=cell.first_step),
    }
    generator = np.random.default_rng(seed)
    found = {}
    for name, protocol in protocols.items():
        run = sscell.simulate(cell, protocol, temperature=celsius, resolution=fine)
        noise = SIGMA * generator.normal(size=run.sizes["time"])
        run["Voltage [V]"] = run["Voltage [V]"] + noise
        found[name] = run
    return found


def current(points: Course) -> tuple[np.ndarray, np.ndarray]:
    """Corners of the current over time, with ramps that a solver can follow."""
    t, i = [], []
    for s in points.segments:
        t += [s.start + RAMP, s.start + s.duration]
        i += [s.current, s.current]
    return np.array(t), np.array(i)


def problem(cell: sscell.Cell, points: Course, start: dict[str, float]) -> pybop.Problem:
    """PyBOP's problem of one dataset."""
    model = SolidStateCell(cell, shells=SHELLS)
    model.events = []  # the data say how long every step lasts
    values = model.default_parameter_values
    corners, level = current(points)
    values["Current function [A]"] = pybamm.Interpolant(corners, level, pybamm.t)
    values["Ambient temperature [K]"] = PROBLEMS[cell.name][0] + 273.15
    for name, value in start.items():
        true = cell.values[name]
        values[name] = pybop.Parameter(
            bounds=(true / 10, true * 10),
            initial_value=value,
            transformation=pybop.LogTransformation(),
        )
    solver = pybamm.IDAKLUSolver(rtol=1e-5, atol=1e-7, options={"dt_max": PULSE / 4})
    # It begins at the first time that it is given, whatever the current did before.
    t, v = np.append(0.0, points.time), np.append(0.0, points.measured)
    weights = np.append(0.0, (SIGMA / points.errors) ** 2)
    if points.time[0] <= 0:
        t, v, weights = t[1:], v[1:], weights[1:]
    data = pybop.Dataset({"Time [s]": t, "Voltage [V]": v})
    simulator = pybop.pybamm.Simulator(
        model, parameter_values=values, protocol=t, solver=solver
    )
    squares = pybop.SumSquaredError(data)
    squares.weighting = weights
    return pybop.Problem(simulator, squares)


def plain(fitted: Any) -> float:
    """Sum of squares of the points, as PyBOP is given it here."""
    pairs = zip(fitted.traces, fitted.courses, strict=True)
    return sum(float(np.sum(((t.values - c.measured) / c.errors) ** 2)) for t, c in pairs)


def main() -> None:
    """Time every way and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--limit", type=float, default=120.0, help="of one optimiser [s]")
    parser.add_argument("--cell", choices=list(PROBLEMS), default="Ji2024")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    cell = sscell.load(options.cell)
    celsius, _, factors = PROBLEMS[cell.name]
    start = {n: f * cell.values[n] for n, f in factors.items()}
    data = measured(cell, options.seed)
    courses = [course(run, cell.window, noise=SIGMA) for run in data.values()]
    bounds = {n: (cell.values[n] / 10, cell.values[n] * 10) for n in factors}

    costs: list[tuple[float, float]] = []

    def tell(share: float, text: str) -> None:
        best = float(text.partition("best ")[2].partition(":")[0])
        costs.append((time.process_time(), best))

    def fit() -> Any:
        return sscell.fit(
            cell.replace(start),
            data,
            bounds,
            temperature=celsius,
            noise=SIGMA,
            on_progress=tell,
        )

    fit()  # builds the models, as PyBOP does before its clock starts
    costs.clear()
    began = time.process_time()
    found = fit()
    whole = time.process_time() - began
    variables = found.problem.variables
    true = np.array([v.position(cell.values[v.name]) for v in variables])
    truth = float(np.sum(found.problem(true)[0] ** 2))
    at_truth = plain(found.problem)
    found.problem.residuals(found.u)
    at_end = plain(found.problem)
    own = next(t for t, cost in costs if cost <= REACHED * truth) - began
    rows: dict[str, dict[str, Any]] = {
        "sscell": {
            "seconds": own,
            "seconds_to_the_end": whole,
            "cost": found.cost,
            "cost_of_truth": truth,
            "reached": bool(at_end <= REACHED * at_truth),
            "plain_cost": at_end,
            "plain_cost_of_truth": at_truth,
            "solves": found.problem.evaluations,
            "sensitivity_solves": found.problem.sloped_evaluations,
        }
    }
    print("sscell", rows["sscell"], flush=True)
    for name, make in OPTIMISERS.items():
        clock = Clock(*(problem(cell, points, start) for points in courses))
        truth = clock.evaluate({n: cell.values[n] for n in factors}).values[0]
        optimiser = make(clock)
        clock.best, clock.goal, clock.limit = np.inf, REACHED * truth, options.limit
        clock.began = began = time.process_time()
        # Where all of a population fails, PyBOP ends with a ValueError.
        with contextlib.suppress(_Stop, ValueError):
            optimiser.run()
        rows[name] = {
            "seconds": time.process_time() - began,
            "cost": clock.best / SIGMA**2,
            "cost_of_truth": float(truth) / SIGMA**2,
            "reached": bool(clock.best <= clock.goal),
        }
        print(name, rows[name], flush=True)
    reached = [r["seconds"] for n, r in rows.items() if n != "sscell" and r["reached"]]
    ratio = min(reached, default=options.limit) / own
    result = {"rows": rows, "fit_speedup_over_pybop": ratio, "is_lower_bound": not reached}
    print(json.dumps(result, indent=2))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
