"""Suites that run in this process: one function each, from a case to rows and ratios."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from sscell.bench import peers
from sscell.bench.cases import (
    GATE,
    Case,
    Leg,
    Trace,
    bare,
    error_of,
    in_c,
    simulated,
    trace_of,
)
from sscell.bench.clock import Ratio, Timing, alternate, ratio
from sscell.errors import SimulationError
from sscell.simulation import engine as engines
from sscell.simulation.engine import Engine

__all__ = [
    "Plan",
    "Sheet",
    "build",
    "currents",
    "half_cycle",
    "impedance",
    "size",
    "titration",
]


_COMPILED, _FLOOR = "simulate, compiled", "bare solver, generated C"
_LEAST = "simulate, voltage alone"  # what the other ways read out


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Parameters
    ----------
    quick : bool, optional
        Fewer rounds and shorter runs.
    pybop : str or None, optional
        Python of an environment with PyBOP.
    """

    quick: bool = False
    pybop: str | None = None

    @property
    def rounds(self) -> int:
        """Rounds of an alternate timing [-]."""
        return 3 if self.quick else 7


@dataclass
class Sheet:
    """What a suite found on a cell.

    Parameters
    ----------
    rows : dict
        Label to seconds, quartiles [s] and error [uV].
    ratios : dict
        Name to a ratio, or to None where it was not measured.
    reasons : dict
        Why not, by the name of the ratio.
    notes : dict, optional
        Other numbers, such as sizes.
    """

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    ratios: dict[str, Ratio | None] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)

    def add(self, label: str, timing: Timing, error: float | None = None) -> None:
        """Note a timing, and the error beside it.

        Parameters
        ----------
        label : str
            Of the row.
        timing : Timing
            [s].
        error : float, optional
            Root mean square [V].
        """
        low, high = timing.quartiles
        row: dict[str, Any] = {"seconds": timing.median, "quartiles_s": [low, high]}
        if error is not None:
            row |= {"error_uV": error * 1e6, "within_gate": bool(error <= GATE)}
        self.rows[label] = row

    def missing(self, name: str, reason: str) -> None:
        """Note a ratio that was not measured.

        Parameters
        ----------
        name : str
            Of the ratio.
        reason : str
            Why.
        """
        self.ratios[name], self.reasons[name] = None, reason


def _gated(case: Case, legs: Sequence[Leg]) -> tuple[Case, float]:
    """Loosest of a few tolerances, from the default on, that passes the gate."""
    error = np.inf
    for rtol in (case.resolution.rtol, 1e-6, 1e-7):
        tried = case.at(rtol)
        error = error_of(tried, legs, trace_of(simulated(tried, legs)))
        if error <= GATE:
            return tried, error
    return tried, error


def _add_compiled(
    ways: dict[str, Callable[[], Any]], case: Case, legs: Sequence[Leg], plan: Plan
) -> str:
    """Two more ways where a compiler is at hand, or the reason why there are none.

    The floor is nothing but IDA and KLU calling generated, compiled C.
    """
    built = in_c(case, make=not plan.quick)
    if isinstance(built, str):
        return built
    ways[_COMPILED] = lambda: simulated(case, legs, built)
    ways[_FLOOR] = lambda: bare(case, legs, built)
    return ""


def _attempt(make: Callable[[], Callable[[], Trace]]) -> Callable[[], Trace] | str:
    """A contender that ran once, or why it cannot."""
    try:
        way = make()
        way()
    except Exception as error:  # a peer may fail in any way: the bench goes on without it
        return str(error).splitlines()[0] if str(error) else type(error).__name__
    return way


def half_cycle(case: Case, plan: Plan) -> Sheet:
    """First half cycle, warm: through `simulate`, the bare solver, PyBaMM, yardsticks.

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
    case, error = _gated(case, case.half)
    sheet.notes["rtol"] = case.resolution.rtol
    legs = case.half
    ways: dict[str, Callable[[], Any]] = {
        "simulate": lambda: simulated(case, legs),
        _LEAST: lambda: simulated(case, legs, outputs=()),
        "bare solver": lambda: bare(case, legs),
        "pybamm.Experiment": peers.experiment(case, legs),
    }
    for name in ("SPM", "DFN"):
        ways[f"half-cell {name} of PyBaMM, 1 h at 1C"] = peers.yardstick(
            name, case.resolution.rtol
        )
    _add_compiled(ways, case, legs, plan)
    casadi = _attempt(lambda: peers.casadi_solver(case))
    if callable(casadi):
        ways["CasadiSolver"] = casadi
    else:
        sheet.missing("casadi_solver_over_simulate", casadi)
    times = alternate(ways, plan.rounds)
    errors = {"simulate": error}
    for name in ("pybamm.Experiment", "CasadiSolver"):
        if name in times:
            errors[name] = error_of(case, legs, times[name].result)
    for name, timing in times.items():
        sheet.add(name, timing, errors.get(name))
    own = times["simulate"]
    sheet.ratios["simulate_over_bare_solve"] = ratio(own, times["bare solver"])
    sheet.ratios["voltage_over_bare_solve"] = ratio(times[_LEAST], times["bare solver"])
    sheet.ratios["outputs_over_voltage"] = ratio(own, times[_LEAST])
    if _COMPILED in times:
        sheet.ratios["compiled_over_simulate"] = ratio(times[_COMPILED], own)
    sheet.ratios["half_cycle_speedup_over_pybamm_experiment"] = ratio(
        times["pybamm.Experiment"], own
    )
    if "CasadiSolver" in times:
        sheet.ratios["casadi_solver_over_simulate"] = ratio(times["CasadiSolver"], own)
    return sheet


def build(case: Case, plan: Plan) -> Sheet:
    """Model built, first solve and warm solve; and a new `pybamm.Simulation` each time.

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
    legs = case.half

    def anew() -> None:
        engines.forget()
        simulated(case, legs)

    def built() -> Any:
        return Engine(case.cell, case.resolution, "current").functions

    ways: dict[str, Callable[[], Any]] = {
        "build": lambda: _without_cache(built),
        "build and first solve": lambda: _without_cache(anew),
        "first solve with the cache": anew,
        "warm solve": lambda: simulated(case, legs),
        "new pybamm.Simulation and solve": peers.rebuilt(case, legs),
    }
    times = alternate(ways, min(plan.rounds, 5))
    for name, timing in times.items():
        sheet.add(name, timing)
    warm = times["warm solve"]
    sheet.ratios["rebuild_over_warm"] = ratio(
        times["new pybamm.Simulation and solve"], warm
    )
    sheet.ratios["cached_over_uncached_first_solve"] = ratio(
        times["first solve with the cache"], times["build and first solve"]
    )
    sheet.ratios["first_over_warm"] = ratio(times["build and first solve"], warm)
    return sheet


def _without_cache(way: Callable[[], Any]) -> Any:
    before = os.environ.get("SSCELL_CACHE")
    os.environ["SSCELL_CACHE"] = "off"
    try:
        return way()
    finally:
        del os.environ["SSCELL_CACHE"]
        if before is not None:
            os.environ["SSCELL_CACHE"] = before


def titration(case: Case, plan: Plan) -> Sheet:
    """Titration of 80 pulses, warm: `simulate`, the bare solver, a default experiment.

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
    count = 20 if plan.quick else 80
    case, error = _gated(case, case.pulses(count))
    legs = case.pulses(count)
    sheet.notes |= {"pulses": count, "rtol": case.resolution.rtol}
    ways: dict[str, Callable[[], Any]] = {
        "simulate": lambda: simulated(case, legs),
        _LEAST: lambda: simulated(case, legs, outputs=()),
        "bare solver": lambda: bare(case, legs),
        "pybamm.Experiment": peers.experiment(case, legs),
    }
    reason = _add_compiled(ways, case, legs, plan)
    times = alternate(ways, min(plan.rounds, 5))
    errors = {
        "simulate": error,
        "pybamm.Experiment": error_of(case, legs, times["pybamm.Experiment"].result),
    }
    if _COMPILED in times:
        found = times[_COMPILED]
        errors[_COMPILED] = error_of(case, legs, trace_of(found.result))
        sheet.ratios["gitt_over_generated_c"] = ratio(found, times[_FLOOR])
        sheet.ratios["compiled_gitt_speedup_over_pybamm_experiment"] = ratio(
            times["pybamm.Experiment"], found
        )
    else:
        sheet.missing("gitt_over_generated_c", reason)
    for name, timing in times.items():
        sheet.add(name, timing, errors.get(name))
    sheet.ratios["gitt_speedup_over_pybamm_experiment"] = ratio(
        times["pybamm.Experiment"], times["simulate"]
    )
    sheet.ratios["gitt_voltage_speedup_over_pybamm_experiment"] = ratio(
        times["pybamm.Experiment"], times[_LEAST]
    )
    sheet.ratios["gitt_over_bare_solve"] = ratio(times["simulate"], times["bare solver"])
    return sheet


def currents(case: Case, plan: Plan) -> Sheet:
    """First solve of a titration with one current and with forty, each with a new model.

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
    one, forty = case.pulses(40), case.pulses(40, spread=0.5)

    def first(legs: Sequence[Leg]) -> Callable[[], Any]:
        def run() -> Any:
            engines.forget()
            return simulated(case, legs)

        return run

    ways = {"one current": first(one), "40 currents": first(forty)}
    times = alternate(ways, min(plan.rounds, 3), warm=False)
    for name, timing in times.items():
        sheet.add(name, timing)
    sheet.ratios["forty_currents_over_one"] = ratio(
        times["40 currents"], times["one current"]
    )
    if plan.quick:
        return sheet
    plain = {
        "pybamm.Experiment, one current": peers.rebuilt(case, one),
        "pybamm.Experiment, 40 currents": peers.rebuilt(case, forty),
    }
    for name, timing in alternate(plain, 1, warm=False).items():
        sheet.add(name, timing)
    return sheet


def impedance(case: Case, plan: Plan) -> Sheet:
    """Spectrum of 41 frequencies of the pristine cell, warm.

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
    from sscell.protocols import impedance as spectrum
    from sscell.simulation.simulation import simulate

    sheet = Sheet()
    protocol = spectrum([10 ** (5 - k / 5) for k in range(41)])
    way = {"spectrum": lambda: simulate(case.cell, protocol, resolution=case.resolution)}
    timing = alternate(way, min(plan.rounds, 5))["spectrum"]
    sheet.add("spectrum", timing)
    sheet.notes["frequencies"] = int(timing.result.sizes["frequency"])
    sheet.notes["spectra"] = int(timing.result.sizes["state"])
    return sheet


def size(case: Case, plan: Plan) -> Sheet:
    """Warm half cycle against shells and against points over the thickness.

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
    shells = (10, 20, 40, 80) if plan.quick else (10, 20, 40, 80, 160)
    points: Sequence[int] = () if case.cell.size_classes else (3, 6, 12)
    meshes: Mapping[str, Case] = {
        f"{n} shells": Case(case.cell, replace(case.resolution, shells=n)) for n in shells
    } | {
        f"{n} thickness points": Case(
            case.cell, replace(case.resolution, shells=15, thickness_points=n)
        )
        for n in points
    }
    ways = {label: _solving(mesh) for label, mesh in meshes.items()}
    for label, way in list(ways.items()):
        try:
            way()
        except SimulationError as error:
            sheet.notes[label] = str(error)
            del ways[label]
    steps = {}
    times = alternate(ways, min(plan.rounds, 3), warm=False)
    for label, timing in times.items():
        sheet.add(label, timing)
        steps[label] = sum(s.t.size - 1 for s in timing.result)
        sheet.rows[label]["solver_steps"] = steps[label]
    for unit in ("shells", "thickness points"):
        known = [(int(k.split()[0]), v) for k, v in times.items() if k.endswith(unit)]
        if len(known) > 2:
            sheet.notes[f"exponent of {unit}"] = _exponent(
                [n for n, _ in known], [t.median for _, t in known]
            )
            per_step = [t.median / steps[f"{n} {unit}"] for n, t in known]
            sheet.notes[f"exponent of {unit}, per step of the solver"] = _exponent(
                [n for n, _ in known], per_step
            )
    return sheet


def _solving(case: Case) -> Callable[[], Any]:
    return lambda: bare(case, case.half)


def _exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """Slope of the cost against the size, both logarithmic [-]."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])
