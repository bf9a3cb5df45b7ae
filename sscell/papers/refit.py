"""Refit a parameter set to its published observables: rerunnable, seeded, written down.

The objective is the sum of squared residuals, one per fitted observable, each scaled by
its tolerance, or the largest of them; bounds count only where they are broken. A feature
that the model does not show, and a run that fails, cost as much as `ABSENT` tolerances. A
prior adds the square of how many of its widths a value lies from its mean; one that the
table does not give is as wide as the bounds, for the covariance alone. Parameters move
between the bounds of the table, rates on a logarithmic scale; temperature enters only
through the laws of the model, and the current rate not at all.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from sscell.cells.cell import Cell
from sscell.cells.parameters import Parameter, ParameterSet
from sscell.cells.uncertainty import Knowledge
from sscell.cells.writing import rewrite_values
from sscell.errors import ParameterError, SimulationError, did_you_mean
from sscell.optimisers.bounds import Variable, starting_points
from sscell.optimisers.broyden import BroydenJacobian
from sscell.optimisers.minimax import descend_largest
from sscell.papers.observables import Observable, ObservableTable
from sscell.papers.trials import FIT_SHELLS, Enough, Residuals, Trials, scale_of
from sscell.simulation.progress import Progress

__all__ = ["Refit", "refit", "write_knowledge", "write_refit"]

_STEP = 0.01  # of the distance between the bounds, for derivatives
_OBJECTIVES = {
    "squares": "sum of squares of (model - published)/tolerance over fitted rows",
    "largest": "largest |model - published|/tolerance over fitted rows, with 2 % of all",
}
_UNKNOWN = (
    0.2  # of the distance between the bounds: an error that says no more than they do
)
_PINS = 0.05  # share of a parameter's sensitivity from which an observable pins it


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
    knowledge : Knowledge or None
        Covariance with the priors, and the effective number of parameters; None where no
        derivatives were taken.
    """

    cell: Cell
    vary: tuple[Variable, ...]
    values: Mapping[str, float]
    std_errors: Mapping[str, float | None]
    pins: Mapping[str, tuple[str, ...]]
    log: Mapping[str, Any] = field(repr=False, default_factory=dict)
    knowledge: Knowledge | None = None


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
    shells: int = FIT_SHELLS,
    store: Path | None = None,
    without: Iterable[int] = (),
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
    store : pathlib.Path, optional
        File that keeps every run on the way: the same refit started again goes on there.
    without : iterable of int, optional
        Rows of the table that do not count.
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
    trials = Residuals(
        Trials(cell, table, shells, store),
        chosen,
        max_evaluations,
        on_progress,
        objective,
        frozenset(without),
    )
    started, reason, costs = time.monotonic(), "converged", []
    try:
        for x in starting_points(trials.start(), starts, seed):
            costs.append(_descend(trials, x, starts))
    except Enough:
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
        )
        return float(2 * found.cost)
    except Enough:
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
    ids = [_label(o) for o in objective.observables]
    matrix = _jacobian(objective, best, residuals)[: len(ids)] if with_errors else None
    errors, pins = _identify(objective, matrix, best)
    values = objective.values(best)
    knowledge = None if matrix is None else _knowledge(objective, matrix, best)
    rows, pulls = residuals[: len(ids)], residuals[len(ids) :]
    log |= {
        "cost": float(rows @ rows),
        "cost_of_priors": float(pulls @ pulls),
        "largest": float(np.abs(rows).max()),
        "objective": _OBJECTIVES[objective.objective],
        "weights": {
            i: 1 / scale_of(o) for i, o in zip(ids, objective.observables, strict=True)
        },
        "residuals": dict(zip(ids, map(float, rows), strict=True)),
        "priors": {
            v.name: {"mean": v.prior[0], "std": v.prior[1], "pull": float(pull)}
            for v, pull in zip(objective.known, pulls, strict=True)
            if v.prior is not None
        },
        "effective_parameters": None
        if knowledge is None
        else knowledge.effective_parameters,
        "values": values,
        "std_errors": errors,
        "bounds": {v.name: [v.low, v.high] for v in objective.vary},
        "at_bound": [
            v.name
            for v, x in zip(objective.vary, best, strict=True)
            if min(x, 1 - x) < 0.005
        ],
    }
    cell = objective.trials.cell.replace(values, "refitted")
    return Refit(cell, tuple(objective.vary), values, errors, pins, log, knowledge)


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
    variance = np.diag(_covariance(objective, matrix, best))
    ids = [o.id for o in objective.observables]
    errors: dict[str, float | None] = {}
    pins: dict[str, tuple[str, ...]] = {}
    for number, v in enumerate(objective.vary):
        spread = float(np.sqrt(variance[number]))
        told = v.prior is not None or spread < _UNKNOWN
        errors[v.name] = v.slope(best[number]) * spread if told else None
        share = matrix[:, number] ** 2
        # Below a hundredth of a tolerance over all the bounds, it is noise of the solver.
        share = share / max(share.sum(), 1e-4)
        order = np.argsort(-share)
        pins[v.name] = tuple(dict.fromkeys(ids[i] for i in order if share[i] > _PINS))
    return errors, pins


def _priors(objective: Residuals, best: np.ndarray) -> np.ndarray:
    """Inverse variances of the positions before the fit; else even between the bounds."""
    pairs = zip(objective.vary, best, strict=True)
    return np.diag([v.pull(x)[1] ** 2 if v.prior else 12.0 for v, x in pairs])


def _covariance(objective: Residuals, matrix: np.ndarray, best: np.ndarray) -> np.ndarray:
    """Covariance of the positions, (J'J + P)^-1."""
    return np.linalg.inv(matrix.T @ matrix + _priors(objective, best))


def _knowledge(objective: Residuals, matrix: np.ndarray, best: np.ndarray) -> Knowledge:
    """What a set keeps of a fit: its covariance in the scales of the parameters."""
    covariance = _covariance(objective, matrix, best)
    vary = objective.vary
    scale = np.array([v.width if v.log else v.high - v.low for v in vary])
    return Knowledge(
        set=objective.trials.cell.name,
        names=[v.name for v in vary],
        scales=["log" if v.log else "linear" for v in vary],
        values=[v.value(x) for v, x in zip(vary, best, strict=True)],
        covariance=(covariance * np.outer(scale, scale)).tolist(),
        bounds=[[v.low, v.high] for v in vary],
        ties={v.name: dict(v.ties) for v in vary if v.ties},
        rows=matrix.shape[0],
        effective_parameters=float(np.trace(matrix @ covariance @ matrix.T)),
    )


def write_knowledge(known: Knowledge, target: Path) -> None:
    """Write the covariance of a refit as `sscell.cells.uncertainty` reads it.

    Parameters
    ----------
    known : Knowledge
        Of a refit.
    target : pathlib.Path
        JSON file to write.
    """
    kept = known.model_dump()
    digits = [[float(f"{x:.6g}") for x in row] for row in kept["covariance"]]
    kept |= {"covariance": digits, "values": [_rounded(v) for v in known.values]}
    lines = [f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in kept.items()]
    target.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


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
    """Value with its error, or the bounds where it has none; derived where it is tied."""
    value, error = found.values[name], found.std_errors[leader]
    if name != leader:
        ratio = _rounded(value / found.values[leader])
        formula = leader if ratio == 1 else f"{ratio:g} x {leader}"
        source = (old and old.source) or "tied to another value"
        return Parameter(name, _rounded(value), "derived", source, formula=formula)
    bounds = sorted(_rounded(x) for x in found.log["bounds"][leader])
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
