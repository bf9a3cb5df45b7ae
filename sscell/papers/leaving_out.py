"""Fits without one condition: what the model says of data that it did not see."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sscell.cells.cell import Cell
from sscell.cells.uncertainty import Knowledge, LeftOutRow, knowledge_of
from sscell.errors import ParameterError, did_you_mean
from sscell.papers.observables import Observable, ObservableTable
from sscell.papers.refit import refit
from sscell.papers.runs import Run
from sscell.papers.trials import FIT_SHELLS, Trials
from sscell.papers.validation import describe, null_model
from sscell.simulation.progress import Progress, parts

__all__ = ["conditions", "leave_out"]

_EVALUATIONS = 120  # of each fit


def conditions(table: ObservableTable) -> dict[str, list[int]]:
    """Rows of each temperature, rate and variant that a fit can do without.

    Capacities of a rate test above its middle current are the condition ``upper rates``.

    Parameters
    ----------
    table : ObservableTable
        Of a cell.

    Returns
    -------
    dict of str to list of int
        By condition; at least one row of it is fitted, and at least one fitted row is not of
        it.

    Examples
    --------
    >>> from sscell.papers.observables import load_observables
    >>> "-30 degC" in conditions(load_observables("Liang2023"))
    True
    """
    groups: dict[str, list[int]] = {}
    for number, row in enumerate(table.observables):
        for condition in _of(table.runs[row.run], row):
            groups.setdefault(condition, []).append(number)
    fitted = {n for n, o in enumerate(table.observables) if o.word == "fitted" and o.count}
    return {
        name: rows
        for name, rows in groups.items()
        if 0 < len(fitted & {*rows}) < len(fitted)
    }


def _of(run: Run, row: Observable) -> list[str]:
    """Temperature, rate and variant of a run; whether a row is of its upper rates."""
    found = [f"{run.temperature:g} degC"]
    rates = [str(step["rate"]) for step in run.steps if "rate" in step]
    if rates:
        found.append(rates[-1])
    if _is_upper(run, row):
        found.append("upper rates")
    return found + ([] if run.variant is None else [run.variant])


def _is_upper(run: Run, row: Observable) -> bool:
    """Whether a row is a capacity above the middle current of a rate test."""
    first = run.steps[0] if run.steps else {}
    cycle = row.measure.get("cycle")
    capacity = row.measure["of"] == "capacity"
    if first.get("do") != "rate_test" or cycle is None or not capacity:
        return False
    currents, cycles = first["currents"], first.get("cycles", 1)
    ends = np.cumsum(np.broadcast_to(cycles, len(currents)))
    return 2 * int(np.searchsorted(ends, cycle)) + 1 > len(currents)


def leave_out(
    cell: Cell,
    table: ObservableTable,
    *,
    only: Sequence[str] | None = None,
    max_evaluations: int = _EVALUATIONS,
    shells: int = FIT_SHELLS,
    store: Path | None = None,
    on_progress: Progress | None = None,
) -> Knowledge:
    """Refit a cell without one condition after the other.

    Parameters
    ----------
    cell : Cell
        Each fit starts from its values.
    table : ObservableTable
        With what to vary, and the priors.
    only : sequence of str, optional
        These conditions alone.
    max_evaluations : int, optional
        Of each fit.
    shells : int, optional
        Finite volumes over the particle radius.
    store : pathlib.Path, optional
        File that keeps every run: started again, it goes on there.
    on_progress : callable, optional
        Called with the share done [-] and a text.

    Returns
    -------
    Knowledge
        Covariance of the cell, and what each fit says of the rows that it did not see.

    Raises
    ------
    ParameterError
        If there is no such condition, or none at all.
    """
    groups = conditions(table)
    for name in only or ():
        if name not in groups:
            hint = did_you_mean(name, groups, "conditions")
            raise ParameterError(f"There is no condition '{name}' to leave out. {hint}")
    if not groups or not table.vary:
        raise ParameterError(f"{cell.name} has no condition that a fit can do without.")
    chosen = {n: r for n, r in groups.items() if only is None or n in only}
    shares = parts(on_progress, 1 + len(chosen))
    known = knowledge_of(cell.parameters)
    if known is None:
        own = refit(
            cell,
            table,
            max_evaluations=1,
            shells=shells,
            store=store,
            on_progress=next(shares),
        )
        known = own.knowledge
        assert known is not None
    found = []
    for name, rows in chosen.items():
        began = time.monotonic()
        fit = refit(
            cell,
            table,
            without=rows,
            max_evaluations=max_evaluations,
            errors=False,
            shells=shells,
            store=store,
            on_progress=next(shares),
        )
        trials = Trials(cell, table, shells, store)
        seconds = time.monotonic() - began
        found += [_outcome(trials, name, n, fit.values, seconds) for n in rows]
    return known.model_copy(update={"left_out": found})


def _outcome(
    trials: Trials, condition: str, number: int, values: Mapping[str, float], seconds: float
) -> LeftOutRow:
    """What a fit says of a row that it did not see, beside the fit that saw it."""
    table = trials.table
    row = table.observables[number]
    place = [n for n, o in enumerate(table.observables) if o.run == row.run].index(number)
    model = trials.models(row.run, values)[place]
    own: dict[str, Any] = {name: trials.cell.values[name] for name in values}
    seen, null = trials.models(row.run, own)[place], null_model(row, trials.cell)
    published = row.published
    return LeftOutRow(
        condition=condition,
        id=row.id,
        run=row.run,
        quantity=describe(row.measure),
        word=row.word,
        published=list(published) if isinstance(published, tuple) else float(published),
        unit=row.unit,
        model=model,
        error=None if model is None else row.error(model),
        tolerance=row.tolerance,
        fitted_error=None if seen is None else row.error(seen),
        null_error=None if null is None else row.error(null),
        seconds=round(seconds, 1),
    )
