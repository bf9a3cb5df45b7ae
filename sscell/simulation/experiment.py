"""PyBaMM's own experiments on a cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pybamm
import xarray as xr

from sscell.cells.cell import Cell
from sscell.cells.cell_model import CellModel, solver
from sscell.cells.model import model_of
from sscell.dataset import set_metadata
from sscell.errors import ParameterError, SimulationError
from sscell.simulation.distance import Use, check_single
from sscell.simulation.engine import Resolution
from sscell.simulation.progress import Teller
from sscell.simulation.results import labelled, remarks
from sscell.simulation.series import series
from sscell.solver.stepping import OwnClock
from sscell.solver.watch import alone
from sscell.units import ZERO_CELSIUS

__all__ = ["check_experiment", "run_experiment"]

_TAG = " [experiment]"


@dataclass
class _Attempt:
    """A step that PyBaMM began."""

    cycle: int
    number: int  # within its cycle
    text: str
    ended: bool = False
    skipped: bool = False


class _Watch(pybamm.callbacks.Callback):
    """Follows an experiment: its solution does not say which steps were left out."""

    def __init__(self, teller: Teller, total: int):
        self.attempts: list[_Attempt] = []
        self.trouble = ""
        self._teller, self._total, self._time = teller, total, 0.0

    def on_step_start(self, logs: Mapping[str, Any]) -> None:
        """Note what begins."""
        text = str(logs["step operating conditions"])
        cycle, number = logs["cycle number"][0], logs["step number"][0]
        self.attempts.append(_Attempt(cycle, number, text))
        begun = len(self.attempts)
        share = (begun - 1) / self._total
        self._teller.begin(begun, cycle, text, share, 1 / self._total)

    def on_step_end(self, logs: Mapping[str, Any]) -> None:
        """Note whether time has passed: it has not in a step that was skipped."""
        now = float(logs["experiment time"])
        self.attempts[-1].ended = True
        self.attempts[-1].skipped = now <= self._time
        self._time = now
        self._teller.point({"Time [s]": np.array([now])}, None, celled=False)

    def on_experiment_error(self, logs: Mapping[str, Any]) -> None:
        """Note why the solver gave up."""
        self.trouble = str(logs["error"]).splitlines()[0].split(" with inputs ")[0]

    def on_experiment_infeasible_time(self, logs: Mapping[str, Any]) -> None:
        """Note that a step met none of its ends in time."""
        self.trouble = "it met none of its ends within PyBaMM's default duration"

    def on_experiment_infeasible_event(self, logs: Mapping[str, Any]) -> None:
        """Note that the cell left its window."""
        event = str(logs["termination"]).removeprefix("event: ")
        self.trouble = f"it left the voltage window of the cell ({event})"


def check_experiment(cell: Cell, experiment: pybamm.Experiment) -> None:
    """Refuse before the first step what no later one can do.

    Parameters
    ----------
    cell : Cell
        With its bounds.
    experiment : pybamm.Experiment
        Its steps.

    Raises
    ------
    ParameterError
        If a voltage or a temperature of a step is out of the cell's bounds.
    """
    cutoff = cell.quantity("Upper voltage cut-off [V]")
    for step in experiment.steps:
        held = [step.value] if isinstance(step, pybamm.step.Voltage) else []
        ends = [
            end.value
            for end in step.termination
            if isinstance(end, pybamm.step.VoltageTermination)
        ]
        for volts in (*held, *ends):
            if isinstance(volts, float | int) and not cutoff.lower <= volts <= cutoff.upper:
                raise ParameterError(
                    f"Voltage {volts:g} V of the experiment is out of range; allowed: "
                    f"{cutoff.lower:g} to {cutoff.upper:g} V."
                )
        if isinstance(step.temperature, float | int):
            celsius = step.temperature - ZERO_CELSIUS
            cell.kelvin(celsius)
            check_single(cell, celsius)


@alone
def run_experiment(
    cell: Cell,
    experiment: pybamm.Experiment,
    resolution: Resolution,
    applied: float | None,
    *,
    start: Mapping[str, np.ndarray] | None = None,
    outputs: Sequence[str] | None = None,
    teller: Teller | None = None,
) -> xr.Dataset:
    """Run any PyBaMM experiment through PyBaMM itself.

    Parameters
    ----------
    cell : Cell
        Its values.
    experiment : pybamm.Experiment
        Its steps. One whose end lies behind it at its start is skipped, as PyBaMM does,
        and the warnings say so.
    resolution : Resolution
        Meshes and tolerances.
    applied : float or None
        Stack pressure that was asked for [Pa].
    start : mapping of str to numpy.ndarray, optional
        States by the names of the model's variables; default: as assembled.
    outputs : sequence of str, optional
        Series to keep; default: all.
    teller : Teller, optional
        Tells how far it is.

    Returns
    -------
    xarray.Dataset
        As from `simulate`.

    Raises
    ------
    SimulationError
        If the solver fails, a step leaves the window, or all steps are skipped; carries
        what was computed before.
    """
    check_experiment(cell, experiment)
    model = model_of(
        cell,
        shells=resolution.shells,
        thickness_points=resolution.thickness_points,
        double_layer=resolution.double_layer,
    )
    if start is not None:
        known = {name: values[:, None] for name, values in start.items()}
        model.set_initial_conditions_from(known)
    simulation = pybamm.Simulation(
        model,
        parameter_values=pybamm.ParameterValues(cell.parameter_dict()),
        experiment=experiment,
        solver=OwnClock.like(solver(resolution.rtol, resolution.atol)),
    )
    teller = teller or Teller()
    watch = _Watch(teller, len(experiment.steps))
    try:
        solution = simulation.solve(callbacks=[watch])
    except pybamm.SolverError as error:
        raise _failure(watch, str(error)) from error
    names = series(cell, model.budget)
    kept = names if outputs is None else [n for n in names if n in {*_ALWAYS, *outputs}]
    if all(attempt.skipped for attempt in watch.attempts):
        raise _failure(watch, "every step is beyond its end as soon as it begins")
    data = _dataset(cell, model, solution, watch, kept, applied)
    if watch.trouble:
        raise _failure(watch, watch.trouble, data)
    teller.done()
    return data


_ALWAYS = (
    "Current [A]",
    "Voltage [V]",
    "Discharge capacity [A.h]",
    "Host balance residual",
    "Guest balance residual",
)


def _failure(watch: _Watch, reason: str, partial: Any = None) -> SimulationError:
    where = "The experiment"
    if watch.attempts:
        last = watch.attempts[-1]
        where = (
            f"Step {last.number} of cycle {last.cycle} of the experiment, '{last.text}',"
        )
    plain = reason.splitlines()[0].split(" with inputs ")[0].rstrip(".:")
    return SimulationError(
        f"{where} failed: {plain}. Give it a voltage at which it ends, a shorter time or a "
        "lower current.",
        partial,
    )


def _dataset(
    cell: Cell,
    model: CellModel,
    solution: Any,
    watch: _Watch,
    kept: Sequence[str],
    applied: float | None,
) -> xr.Dataset:
    done = [a for a in watch.attempts if a.ended and not a.skipped]
    solved = [
        step
        for part in solution.cycles
        for step in part.steps
        if not isinstance(step, pybamm.EmptySolution)
    ]
    parts = list(zip(done, solved, strict=True))
    columns: dict[str, Any] = {
        name: np.concatenate([step[name].entries for step in solved]) for name in kept
    }
    columns["Time [s]"] = np.concatenate([step.t for step in solved])
    celsius = [
        np.broadcast_to(step["Ambient temperature [C]"].entries, step.t.shape)
        for step in solved
    ]
    columns["Temperature [degC]"] = np.concatenate(celsius)
    sizes = [step.t.size for step in solved]
    columns["Cycle"] = np.repeat([attempt.cycle for attempt in done], sizes)
    columns["Step"] = np.repeat(np.arange(len(parts)) + 1, sizes)
    steps = [_described(k, *part) for k, part in enumerate(parts, start=1)]
    protocol = {"name": "experiment", "steps": [a.text for a in watch.attempts]}
    data = labelled(cell, columns, model.budget, protocol, steps)
    reached = [float(c) for part in celsius for c in (part.min(), part.max())]
    set_metadata(
        data, warnings=[*_skipped(watch), *remarks(cell, reached, _uses(parts), applied)]
    )
    return data


def _described(index: int, attempt: _Attempt, step: Any) -> dict[str, Any]:
    mean = float(np.mean(step["Current [A]"].entries))
    direction = "discharge" if mean > 0 else "charge" if mean < 0 else "rest"
    reason = step.termination.removeprefix("event: ").replace(_TAG, "")
    return {
        "step": index,
        "cycle": attempt.cycle,
        "direction": direction,
        "preparatory": False,
        "stop_reason": "duration" if reason == "final time" else reason,
    }


def _uses(parts: Sequence[tuple[_Attempt, Any]]) -> list[Use]:
    """Constant currents of the steps, as rates."""
    found = []
    for _, step in parts:
        current = np.abs(step["Current [A]"].entries)
        if current.max() > 0 and np.ptp(current) <= 1e-9 * current.max():
            found.append(f"{float(current[0]):.6g} A")
    return [Use(rate) for rate in dict.fromkeys(found)]


def _skipped(watch: _Watch) -> list[str]:
    """One sentence for each step that was skipped, however often."""
    cycles: dict[str, list[int]] = {}
    for attempt in watch.attempts:
        if attempt.ended and attempt.skipped:
            cycles.setdefault(attempt.text, []).append(attempt.cycle)
    return [
        f"'{text}' was skipped in cycle {numbers[0]}"
        + (f" and {len(numbers) - 1} more" if len(numbers) > 1 else "")
        + ": it is beyond its end as soon as it begins."
        for text, numbers in cycles.items()
    ]
