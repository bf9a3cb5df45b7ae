"""The other ways to get the same answer: plain PyBaMM, and its models as yardsticks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pybamm

from sscell.bench.cases import Case, Leg, Trace
from sscell.cells.cell_model import solver
from sscell.cells.model import SolidStateCell
from sscell.simulation.engine import engine

__all__ = ["casadi_solver", "experiment", "plain_simulation", "rebuilt", "yardstick"]


def plain_simulation(case: Case, legs: Sequence[Leg]) -> pybamm.Simulation:
    """The same model in a `pybamm.Simulation`, with a default `pybamm.Experiment`.

    Parameters
    ----------
    case : Case
        Cell and resolution.
    legs : sequence of Leg
        Become steps of the experiment.

    Returns
    -------
    pybamm.Simulation
        Not yet built.
    """
    low, high = case.cell.window
    steps = []
    for leg in legs:
        end = [f"{low} V" if leg.current > 0 else f"{high} V"] if leg.current else None
        longest = 1.5 * case.cell.theoretical_capacity / abs(case.current) * 3600
        steps.append(
            pybamm.step.current(
                leg.current, duration=leg.duration or longest, termination=end
            )
        )
    resolution = case.resolution
    return pybamm.Simulation(
        SolidStateCell(
            case.cell,
            shells=resolution.shells,
            thickness_points=resolution.thickness_points,
        ),
        parameter_values=pybamm.ParameterValues(case.cell.parameter_dict()),
        experiment=pybamm.Experiment(steps),
        solver=solver(resolution.rtol, resolution.atol),
    )


def experiment(case: Case, legs: Sequence[Leg]) -> Callable[[], Trace]:
    """Solve of one such simulation, again and again, and its voltages.

    Parameters
    ----------
    case : Case
        Cell and resolution.
    legs : sequence of Leg
        In order.

    Returns
    -------
    callable
        Gives a trace; its first call builds.
    """
    simulation = plain_simulation(case, legs)
    return lambda: _read(simulation.solve())


def rebuilt(case: Case, legs: Sequence[Leg]) -> Callable[[], Trace]:
    """A new simulation for every solve, as a loop over parameter values often does.

    Parameters
    ----------
    case : Case
        Cell and resolution.
    legs : sequence of Leg
        In order.

    Returns
    -------
    callable
        Gives a trace.
    """
    return lambda: _read(plain_simulation(case, legs).solve())


def _read(solution: Any) -> Trace:
    parts = [step for cycle in solution.cycles for step in cycle.steps]
    return [(p.t - p.t[0], p["Voltage [V]"].entries) for p in parts]


def casadi_solver(case: Case) -> Callable[[], Trace]:
    """First half cycle by PyBaMM's deprecated `CasadiSolver` on the same built model.

    Parameters
    ----------
    case : Case
        Cell and resolution.

    Returns
    -------
    callable
        Gives a trace up to a tenth before the cut-off, which it is slow to find.

    Raises
    ------
    AttributeError
        Once PyBaMM has it no more.
    """
    built = engine(case.cell, case.resolution)
    other = pybamm.CasadiSolver(
        mode="fast", rtol=case.resolution.rtol, atol=case.resolution.atol
    )
    inputs = built.inputs(case.cell, case.current)
    times = np.linspace(0, 0.9 * case.seconds, 200)
    model = built.model.new_copy()
    model.events = []

    def run() -> Trace:
        solution: Any = other.solve(model, times, inputs=inputs)
        values = built.evaluate(solution.t, np.asarray(solution.y), inputs)
        return [(np.asarray(solution.t), values["Voltage [V]"])]

    return run


def yardstick(name: str, rtol: float) -> Callable[[], Any]:
    """Discharge of one of PyBaMM's own half cells, for the sense of scale.

    Parameters
    ----------
    name : str
        ``"SPM"`` or ``"DFN"``.
    rtol : float
        Tolerance [-]; the absolute one is a hundredth of it.

    Returns
    -------
    callable
        One hour at 1C, warm after its first call.
    """
    model = getattr(pybamm.lithium_ion, name)({"working electrode": "positive"})
    simulation = pybamm.Simulation(
        model,
        parameter_values=pybamm.ParameterValues("Xu2019"),
        solver=solver(rtol, rtol / 100),
    )
    return lambda: simulation.solve([0, 3600])["Voltage [V]"].entries
