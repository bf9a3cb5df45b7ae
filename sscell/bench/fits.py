"""Suites of sensitivities and fits: against finite differences, and against PyBOP."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

import sscell
from sscell.bench.cases import Case, protocol_of
from sscell.bench.clock import Ratio, alternate, ratio
from sscell.bench.suites import Plan, Sheet
from sscell.cells.cell import Cell
from sscell.fitting.prepare import RESOLUTION, prepare
from sscell.fitting.problem import Problem
from sscell.simulation.engine import Resolution
from sscell.simulation.simulation import simulate

__all__ = ["against_pybop", "fit", "sensitivities", "ten_starts"]

_NOISE = 1e-3  # V
_SHELLS = 25
_TIGHT = {"rtol": 1e-7, "atol": 1e-9}


def _names(cell: Cell) -> dict[str, float]:
    """Parameters that every cell has, and by what factor a fit starts beside them."""
    return {
        f"{cell.layers[0]} conductivity [S.m-1]": 1.6,
        "Positive electrode exchange-current density [A.m-2]": 0.6,
        "Contact resistance [Ohm]": 1.5,
    }


@dataclass(frozen=True)
class _Task:
    """Fit of a first half cycle with noise."""

    start: Cell
    data: xr.Dataset
    bounds: dict[str, tuple[float, float]]
    values: dict[str, float]  # the true ones
    fine: Resolution

    @classmethod
    def of(cls, case: Case, names: Mapping[str, float] | None = None) -> _Task:
        cell = case.cell
        at_least = max(cell.values["Contact resistance [Ohm]"], 1.0)
        true = cell.replace({"Contact resistance [Ohm]": at_least})
        names = _names(cell) if names is None else names
        values = true.values
        fine = replace(case.resolution, shells=_SHELLS, **_TIGHT)
        data = simulate(true, protocol_of(case.half), resolution=fine)
        noise = np.random.default_rng(0).normal(size=data.sizes["time"])
        data["Voltage [V]"] = data["Voltage [V]"] + _NOISE * noise
        bounds = {n: (values[n] / 10, values[n] * 10) for n in names}
        start = true.replace({n: f * values[n] for n, f in names.items()})
        return cls(start, data, bounds, values, fine)

    def problem(self, loose: bool = True) -> Problem:
        """Residuals at the tolerances of a fit, or at tight ones."""
        resolution = RESOLUTION if loose else self.fine
        problem, _ = prepare(
            self.start, self.data, self.bounds, noise=_NOISE, resolution=resolution
        )
        return problem

    def truth(self, problem: Problem) -> np.ndarray:
        """Positions of the true values."""
        return np.array([v.position(self.values[v.name]) for v in problem.variables])


def _differences(problem: Problem, u: np.ndarray, step: float) -> np.ndarray:
    """Forward differences of the residuals, as optimisers take them by default."""
    base = problem.residuals(u)
    columns = [(problem.residuals(u + step * e) - base) / step for e in np.eye(u.size)]
    return np.array(columns).T


def sensitivities(case: Case, plan: Plan) -> Sheet:
    """Derivatives of a half cycle by five parameters: exact, and by finite differences.

    The residuals keep what they computed last; every evaluation moves a little so that none
    is taken from there.

    Parameters
    ----------
    case : Case
        Cell and resolution.
    plan : Plan
        How much is measured.

    Returns
    -------
    Sheet
    """
    sheet = Sheet()
    task = _Task.of(case, dict.fromkeys(_five(case.cell)[1], 1.5))
    problem, tight = task.problem(), task.problem(loose=False)
    u = task.truth(problem)
    moves = iter(1e-9 * np.arange(1, 10_000))
    ways = {
        "forward sensitivities": lambda: problem(u + next(moves))[1],
        "differences, default tolerance and step": lambda: _differences(
            problem, u + next(moves), 1e-7
        ),
        "differences, tight tolerance and wide step": lambda: _differences(
            tight, u + next(moves), 1e-3
        ),
        "residuals alone": lambda: problem.residuals(u + next(moves)),
    }
    times = alternate(ways, min(plan.rounds, 5))
    exact = tight(u)[1]
    for name, timing in times.items():
        sheet.add(name, timing)
        if name != "residuals alone":
            wrong = np.linalg.norm(timing.result - exact, axis=0)
            share = wrong / np.linalg.norm(exact, axis=0)
            sheet.rows[name]["largest_relative_error"] = float(share.max())
    own = times["forward sensitivities"]
    sheet.ratios["sensitivities_over_finite_differences"] = ratio(
        own, times["differences, tight tolerance and wide step"]
    )
    sheet.ratios["sensitivities_over_residuals"] = ratio(own, times["residuals alone"])
    return sheet


def fit(case: Case, plan: Plan) -> Sheet:
    """Fit of three parameters: `sscell.fit`, and finite differences of equal accuracy.

    Parameters
    ----------
    case : Case
        Cell and resolution.
    plan : Plan
        How much is measured.

    Returns
    -------
    Sheet
    """
    from scipy.optimize import least_squares

    sheet = Sheet()
    task = _Task.of(case)

    def own() -> tuple[int, float]:
        found = sscell.fit(task.start, task.data, task.bounds, noise=_NOISE)
        return found.problem.evaluations, float(np.sum(found.residuals**2))

    def differences() -> tuple[int, float]:
        problem = task.problem(loose=False)
        found = least_squares(
            problem.residuals, problem.start(), bounds=(0, 1),
            diff_step=np.full(problem.start().size, 1e-3), x_scale="jac", xtol=1e-6, ftol=1e-6,
        )  # fmt: skip
        return problem.evaluations, 2 * float(found.cost)

    times = alternate({"fit": own, "differences": differences}, 1 if plan.quick else 3)
    for name, timing in times.items():
        sheet.add(name, timing)
        solves, cost = timing.result
        sheet.rows[name] |= {"solves": solves, "cost": cost}
    sheet.ratios["fit_speedup_over_finite_differences"] = ratio(
        times["differences"], times["fit"]
    )
    return sheet


def _five(cell: Cell) -> tuple[Cell, list[str]]:
    """Five parameters that a titration tells apart as far as it can, and the true cell."""
    layer = f"{cell.layers[0]} conductivity [S.m-1]"
    first = [layer, "Positive electrode exchange-current density [A.m-2]"]
    reactions = [
        "R3 reduction ceiling [s-1]",
        "R5 rate constant [s-1]",
        "S ionic conductivity [S.m-1]",
    ]
    if set(reactions) <= set(cell.values):
        return cell, first + reactions
    resistance, slow = "Contact resistance [Ohm]", "diffusivity [m2.s-1]"
    moving = next(name for name in cell.values if name.endswith(slow))
    true = cell.replace({resistance: max(cell.values[resistance], 1.0)})
    anode = "Negative electrode exchange-current density [A.m-2]"
    return true, [*first, moving, resistance, anode]


def ten_starts(case: Case, plan: Plan) -> Sheet:
    """Fit of five parameters to a titration from ten starts between bounds of a factor 10.

    Parameters
    ----------
    case : Case
        Cell and resolution.
    plan : Plan
        How much is measured.

    Returns
    -------
    Sheet
        The ratio is the share of the starts that end within 1 % of the lowest cost.
    """
    sheet = Sheet()
    count, pulses = (3, 5) if plan.quick else (10, 20)
    true, names = _five(case.cell)
    fine = replace(case.resolution, shells=_SHELLS, **_TIGHT)
    data = simulate(true, protocol_of(case.pulses(pulses)), resolution=fine)
    noise = np.random.default_rng(0).normal(size=data.sizes["time"])
    data["Voltage [V]"] = data["Voltage [V]"] + _NOISE * noise
    bounds = {n: (true.values[n] / 10, true.values[n] * 10) for n in names}
    start = true.replace(
        {n: 2.5 ** (-1) ** k * true.values[n] for k, n in enumerate(names)}
    )

    def run() -> Any:
        return sscell.fit(
            start, data, bounds, starts=count, noise=_NOISE, resolution=Resolution(_SHELLS)
        )

    timing = alternate({"": run}, 1, warm=False)[""]
    found = timing.result
    costs = np.array([s.cost for s in found.starts])
    share = float(np.mean(costs <= 1.01 * costs.min()))
    sheet.add(f"{count} starts", timing)
    sheet.rows[f"{count} starts"] |= {
        "solves_of_a_start": float(np.median([s.solves for s in found.starts])),
        "most_solves": max(s.solves for s in found.starts),
        "misfit": found.misfit,
    }
    sheet.notes["costs"] = costs.tolist()
    sheet.ratios["starts_with_the_same_optimum"] = Ratio(share, share, share)
    return sheet


def against_pybop(case: Case, plan: Plan) -> Sheet:
    """Fit of a discharge and a titration against PyBOP, in the environment that has it.

    Parameters
    ----------
    case : Case
        Cell and resolution.
    plan : Plan
        How much is measured.

    Returns
    -------
    Sheet
    """
    sheet = Sheet()
    name = "fit_speedup_over_pybop"
    script = Path(sscell.__file__).parent.parent / "benchmarks" / "pybop_fit.py"
    if plan.pybop is None:
        sheet.missing(name, "PyBOP needs an environment of its own: --pybop PYTHON")
    elif not script.is_file():
        sheet.missing(name, "the comparison is part of the source archive only")
    else:
        _run_pybop(sheet, name, plan, script)
    return sheet


def _run_pybop(sheet: Sheet, name: str, plan: Plan, script: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "fit.json"
        limit = "20" if plan.quick else "120"
        command = [str(plan.pybop), str(script), "--json", str(out), "--limit", limit]
        begun = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode or not out.is_file():
            last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            sheet.missing(name, f"the comparison failed: {last}")
            return
        found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    sheet.rows = {n: dict(row) for n, row in found["rows"].items()}
    sheet.notes["seconds in all"] = time.perf_counter() - begun
    sheet.notes["is a lower bound"] = found["is_lower_bound"]
    value = float(found[name])
    sheet.ratios[name] = Ratio(value, value, value)
