"""Refit a parameter set to its published observables: rerunnable, seeded, written down.

The objective is the sum of squared residuals, one per fitted observable, each scaled by
its tolerance, or the largest of them; bounds count only where they are broken. A feature
that the model does not show, and a run that fails, cost as much as `_ABSENT` tolerances.
Parameters move between the bounds of the table, rates on a logarithmic scale; temperature
enters only through the laws of the model, and the current rate not at all.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from sscell.cells.cell import Cell
from sscell.cells.parameters import Parameter, ParameterSet
from sscell.cells.writing import rewrite_values
from sscell.errors import ParameterError, SimulationError, did_you_mean
from sscell.optimisers.bounds import Variable, starting_points
from sscell.optimisers.broyden import BroydenJacobian
from sscell.optimisers.minimax import descend_largest, merit
from sscell.papers.measures import Reading, measure
from sscell.papers.observables import Observable, ObservableTable
from sscell.papers.runs import Run
from sscell.papers.validation import run_all
from sscell.simulation.engine import Resolution
from sscell.simulation.progress import Progress
from sscell.units import ZERO_CELSIUS

__all__ = ["Refit", "Residuals", "refit", "write_refit"]

_ABSENT = 4.0  # tolerances
_SHELLS = 25  # capacities within 2 mAh/g and peaks within 5 mV of 50 shells
_STEP = 0.01  # of the distance between the bounds, for derivatives
_OBJECTIVES = {
    "squares": "sum of squares of (model - published)/tolerance over fitted rows",
    "largest": "largest |model - published|/tolerance over fitted rows, with 2 % of all",
}
_PINS = 0.05  # share of a parameter's sensitivity from which an observable pins it


class _Enough(Exception):
    """The number of evaluations is used up."""


@dataclass
class Residuals:
    """Residuals of the fitted observables as a function of positions between bounds.

    Parameters
    ----------
    cell : Cell
        What the fit starts from.
    table : ObservableTable
        Observables, runs and bounds.
    vary : sequence of Variable
        Parameters that move.
    limit : int
        Largest number of evaluations.
    shells : int
        Finite volumes over the particle radius.
    on_progress : callable, optional
        Called with the share done [-] and a text.
    objective : str
        ``"squares"`` or ``"largest"``: what the best so far has least of.
    evaluations, best_cost, best, best_residuals, last
        Kept on the way: how many, the best so far, and the last residuals.
    """

    cell: Cell
    table: ObservableTable
    vary: Sequence[Variable]
    limit: int
    shells: int = _SHELLS
    on_progress: Progress | None = None
    objective: str = "squares"
    evaluations: int = 0
    best_cost: float = np.inf
    best: np.ndarray | None = None
    best_residuals: np.ndarray | None = None
    last: np.ndarray = field(default_factory=lambda: np.empty(0), repr=False)
    _known: dict[tuple[Any, ...], list[float]] = field(default_factory=dict, repr=False)

    @property
    def observables(self) -> tuple[Observable, ...]:
        """Those that count."""
        return tuple(o for o in self.table.observables if o.word == "fitted" and o.count)

    def start(self) -> np.ndarray:
        """Positions of the cell's own values, 0 to 1."""
        values = self.cell.values
        return np.array([v.position(values[v.name]) for v in self.vary])

    def values(self, x: np.ndarray) -> dict[str, float]:
        """Parameters at given positions, tied ones included [units of the names].

        Parameters
        ----------
        x : numpy.ndarray
            Positions between the bounds, 0 to 1.

        Returns
        -------
        dict of str to float
        """
        found = {}
        for vary, position in zip(self.vary, x, strict=True):
            value = vary.value(position)
            found[vary.name] = value
            found |= {name: ratio * value for name, ratio in vary.ties.items()}
        return found

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Residuals in tolerances; keeps the best positions so far."""
        if self.evaluations >= self.limit:
            raise _Enough
        self.evaluations += 1
        values = self.values(x)
        cell = self.cell.replace(values, "a trial of the refit")
        runs = np.array([o.run for o in self.observables])
        residuals = np.empty(runs.size)
        for name in dict.fromkeys(o.run for o in self.observables):
            residuals[runs == name] = self._run(cell, name, values)
        squares = self.objective == "squares"
        cost = float(residuals @ residuals) if squares else merit(residuals)
        self.last = residuals
        if cost < self.best_cost:
            self.best_cost, self.best, self.best_residuals = cost, np.array(x), residuals
        if self.on_progress:
            text = f"evaluation {self.evaluations}, best cost {self.best_cost:.2f}"
            self.on_progress(self.evaluations / self.limit, text)
        return residuals

    def _run(self, cell: Cell, name: str, values: Mapping[str, float]) -> list[float]:
        """Residuals of one run; values that do not touch it do not repeat it."""
        run = self.table.runs[name]
        key = (name, *(v for n, v in values.items() if not self._idle(n, run)))
        if key not in self._known:
            data = run_all(cell, [run], resolution=Resolution(self.shells))[name]
            reading = data if isinstance(data, SimulationError) else Reading(data)
            rows = [o for o in self.observables if o.run == name]
            self._known[key] = [self._residual(o, reading) for o in rows]
        return self._known[key]

    def _idle(self, name: str, run: Run) -> bool:
        """Whether a run is at the temperature where this activation energy says nothing."""
        law, ending, _ = name.partition(" activation energy [")
        values = self.cell.values
        # Some conductivities are given at a temperature of their own.
        reference = values.get(
            f"{law} temperature [K]", values["Reference temperature [K]"]
        )
        return bool(ending) and abs(run.temperature + ZERO_CELSIUS - reference) < 1e-6

    @staticmethod
    def _residual(observable: Observable, data: Reading | SimulationError) -> float:
        if isinstance(data, SimulationError):
            return _ABSENT
        model = measure(data, observable.measure)
        if model is None:
            return _ABSENT
        # A count is met or not: half a step is its scale.
        scale = observable.tolerance or 0.5
        return observable.error(model) / scale


@dataclass(frozen=True)
class Refit:
    """What a refit found.

    Parameters
    ----------
    cell : Cell
        With the best values.
    vary : tuple of Variable
        What moved.
    values : mapping of str to float
        Best values, tied ones included [unit of the name].
    std_errors : mapping of str to float or None
        One standard error, from the Jacobian with the tolerances as the scale of the
        observables; None where the observables pin nothing.
    pins : mapping of str to tuple of str
        Observables that pin a parameter.
    log : mapping
        Cost before and after, weights, residuals, starts, seed, evaluations.
    """

    cell: Cell
    vary: tuple[Variable, ...]
    values: Mapping[str, float]
    std_errors: Mapping[str, float | None]
    pins: Mapping[str, tuple[str, ...]]
    log: Mapping[str, Any] = field(repr=False, default_factory=dict)


def refit(
    cell: Cell,
    table: ObservableTable,
    *,
    vary: Sequence[str] | None = None,
    rival: str | None = None,
    objective: str = "squares",
    max_evaluations: int = 400,
    starts: int = 1,
    seed: int = 0,
    errors: bool = True,
    shells: int = _SHELLS,
    on_progress: Progress | None = None,
) -> Refit:
    """Fit the parameters of a cell to its published observables.

    Parameters
    ----------
    cell : Cell
        Where the first start begins.
    table : ObservableTable
        With what to vary and the bounds.
    vary : sequence of str, optional
        Only these parameters; default: all of the table.
    rival : str, optional
        Try this explanation of the table instead.
    objective : str, optional
        ``"squares"``, or ``"largest"`` where every row should come within its tolerance.
    max_evaluations : int, optional
        In all descents; each runs every protocol once.
    starts : int, optional
        Further starts are drawn between the bounds around the first.
    seed : int, optional
        Of the starts.
    errors : bool, optional
        Whether to derive standard errors afterwards: one more evaluation per parameter.
    shells : int, optional
        Finite volumes over the particle radius.
    on_progress : callable, optional
        Called with the share done [-] and a text.

    Returns
    -------
    Refit
        An interrupt (Ctrl-C) or the limit ends it with the best so far.

    Raises
    ------
    ParameterError
        If a parameter has no bounds, there is no such rival or objective, or a number is
        not positive.
    SimulationError
        If no trial gave a finite cost.

    Examples
    --------
    >>> from sscell.papers.observables import load_observables
    >>> found = refit(Cell.load("Ji2024"), load_observables("Ji2024"), max_evaluations=1,
    ...               errors=False)
    >>> found.log["evaluations"]
    1
    """
    if objective not in _OBJECTIVES:
        hint = did_you_mean(objective, _OBJECTIVES, "objectives")
        raise ParameterError(f"There is no objective '{objective}'. {hint}")
    if max_evaluations < 1 or starts < 1:
        raise ParameterError("Evaluations and starts must be at least 1.")
    cell, table = _with_rival(cell, table, rival)
    chosen = _chosen(table, vary)
    for variable in chosen:
        cell.quantity(variable.name)  # else a table of another cell fails on the way
    trials = Residuals(cell, table, chosen, max_evaluations, shells, on_progress, objective)
    started, reason, costs = time.monotonic(), "converged", []
    try:
        for x in starting_points(trials.start(), starts, seed):
            costs.append(_descend(trials, x, starts))
    except _Enough:
        reason = "evaluations used up"
    except KeyboardInterrupt:
        if trials.best is None:
            raise
        reason = "interrupted"
    log = {
        "seed": seed,
        "starts": starts,
        "start_costs": costs,
        "evaluations": trials.evaluations,
        "seconds": time.monotonic() - started,
        "ended": reason,
    }
    return _result(trials, log, errors and reason != "interrupted")


def _with_rival(
    cell: Cell, table: ObservableTable, name: str | None
) -> tuple[Cell, ObservableTable]:
    """Cell and table with another explanation switched on."""
    if name is None:
        return cell, table
    if name not in table.rivals:
        hint = did_you_mean(name, table.rivals, "rivals")
        raise ParameterError(f"The table has no rival '{name}'. {hint}")
    rival = table.rivals[name]
    vary = {k: v for k, v in table.vary.items() if k not in rival.hold} | dict(rival.vary)
    cell = cell.with_physics(rival.physics) if rival.physics else cell
    return cell.replace(rival.values, f"rival {name}"), replace(table, vary=vary)


def _chosen(table: ObservableTable, names: Sequence[str] | None) -> tuple[Variable, ...]:
    if not table.vary:
        raise ParameterError("The observables name no parameters to vary.")
    for name in names or ():
        if name not in table.vary:
            hint = did_you_mean(name, table.vary, "parameters")
            raise ParameterError(f"No bounds are given for '{name}'. {hint}")
    return tuple(table.vary[name] for name in names or table.vary)


def _descend(objective: Residuals, x: np.ndarray, starts: int) -> float:
    """One bounded least-squares descent with its share of the evaluations."""
    from scipy.optimize import least_squares

    share = max(objective.limit // starts, 1)
    end = objective.limit
    objective.limit = min(end, objective.evaluations + share)
    inside = np.clip(x, 1e-6, 1 - 1e-6)

    def jacobian(u: np.ndarray, residuals: np.ndarray) -> np.ndarray:
        return _jacobian(objective, u, residuals)

    slopes = BroydenJacobian(jacobian)
    try:
        if objective.objective == "largest":
            descend_largest(objective, jacobian, inside)
            return objective.best_cost
        found = least_squares(
            objective,
            inside,
            jac=lambda u: slopes.at(u, objective.last)[0],
            bounds=(0.0, 1.0),
            x_scale=1.0,
            loss="soft_l1",
        )
        return float(2 * found.cost)
    except _Enough:
        if end <= objective.evaluations:
            raise
        return objective.best_cost
    finally:
        objective.limit = end


def _result(objective: Residuals, log: dict[str, Any], with_errors: bool) -> Refit:
    best, residuals = objective.best, objective.best_residuals
    if best is None or residuals is None:
        raise SimulationError("No trial of the refit gave a finite cost.")
    objective.limit = objective.evaluations + best.size
    matrix = _jacobian(objective, best, residuals) if with_errors else None
    errors, pins = _identify(objective, matrix, best)
    values = objective.values(best)
    ids = [_label(o) for o in objective.observables]
    log |= {
        "cost": float(residuals @ residuals),
        "largest": float(np.abs(residuals).max()),
        "objective": _OBJECTIVES[objective.objective],
        "weights": {
            i: 1 / (o.tolerance or 0.5)
            for i, o in zip(ids, objective.observables, strict=True)
        },
        "residuals": dict(zip(ids, map(float, residuals), strict=True)),
        "values": values,
        "std_errors": errors,
        "bounds": {v.name: [v.low, v.high] for v in objective.vary},
        "at_bound": [
            v.name
            for v, x in zip(objective.vary, best, strict=True)
            if min(x, 1 - x) < 0.005
        ],
    }
    cell = objective.cell.replace(values, "refitted")
    return Refit(cell, tuple(objective.vary), values, errors, pins, log)


def _label(observable: Observable) -> str:
    """Row of the log: several cycles of one run may go by one name."""
    cycle = observable.measure.get("cycle")
    where = observable.run if cycle is None else f"{observable.run}, cycle {cycle}"
    return f"{observable.id} ({where})"


def _jacobian(objective: Residuals, best: np.ndarray, residuals: np.ndarray) -> np.ndarray:
    """Differences towards the farther bound, so that no step leaves them."""
    matrix = np.zeros((residuals.size, best.size))
    for number in range(best.size):
        step = _STEP if best[number] < 0.5 else -_STEP
        moved = best.copy()
        moved[number] += step
        matrix[:, number] = (objective(moved) - residuals) / step
    return matrix


def _identify(
    objective: Residuals, matrix: np.ndarray | None, best: np.ndarray
) -> tuple[dict[str, float | None], dict[str, tuple[str, ...]]]:
    """Standard errors of the values, and which observables say something about them."""
    if matrix is None:
        return {v.name: None for v in objective.vary}, {v.name: () for v in objective.vary}
    # A prior as wide as the bounds keeps the matrix regular and marks what nothing pins.
    prior = 12.0 * np.eye(best.size)
    variance = np.diag(np.linalg.inv(matrix.T @ matrix + prior))
    ids = [o.id for o in objective.observables]
    errors: dict[str, float | None] = {}
    pins: dict[str, tuple[str, ...]] = {}
    for number, v in enumerate(objective.vary):
        spread = float(np.sqrt(variance[number]))
        errors[v.name] = v.slope(best[number]) * spread if spread < 0.2 else None
        share = matrix[:, number] ** 2
        # Below a hundredth of a tolerance over all the bounds, it is noise of the solver.
        share = share / max(share.sum(), 1e-4)
        order = np.argsort(-share)
        pins[v.name] = tuple(dict.fromkeys(ids[i] for i in order if share[i] > _PINS))
    return errors, pins


def write_refit(found: Refit, source: str | Path, target: Path) -> None:
    """Write the set with its new values, errors and pins; comments stay.

    A value that did not move keeps its source: it is still whoever's guided it before.

    Parameters
    ----------
    found : Refit
        What to write.
    source : str or pathlib.Path
        The set it was fitted from.
    target : pathlib.Path
        TOML file to write.

    Raises
    ------
    ParameterError
        If there is no such set.
    """
    before = ParameterSet.load(source)
    leaders = {n: v.name for v in found.vary for n in (v.name, *v.ties)}
    moved = {}
    for name, value in found.values.items():
        old = before.parameters.get(name)
        if old is None or f"{value:.6g}" != f"{old.value:.6g}":
            moved[name] = _entry(found, name, leaders[name], old)
    rewrite_values(source, target, moved)


def _entry(found: Refit, name: str, leader: str, old: Parameter | None) -> Parameter:
    """Value with its error, or the bounds where it has none of its own."""
    value, error = found.values[name], found.std_errors[leader]
    error = error if name == leader else None
    ratio = 1.0 if name == leader else value / found.values[leader]
    bounds = sorted(_rounded(x * ratio) for x in found.log["bounds"][leader])
    # Without derivatives nothing says which rows pin it: all that count were fitted to.
    observables = found.pins[leader][:6] or (old.observables if old else ())
    return Parameter(
        name,
        _rounded(value),
        "fitted",
        "refit to the paper's observables, log beside the observables",
        std_error=None if error is None else float(f"{error:.2g}"),
        range=(bounds[0], bounds[1]) if error is None else None,
        observables=observables or tuple(found.log["residuals"]),
    )


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")
