"""Published observables that judge a cell, and how to refit it to them, as data.

A table `observables/<family>.toml` beside the parameter sets lists the runs, what to
measure in each, the published value with its tolerance and source, what is left out and
why, and which parameters a refit may vary within which bounds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sscell.cells.judged import observables_content, observables_file
from sscell.cells.parameters import ParameterSet
from sscell.errors import ParameterError, did_you_mean
from sscell.optimisers.bounds import Variable
from sscell.papers.measures import MEASURES
from sscell.papers.rows import (
    ObservableRow,
    ObservablesFile,
    PriorRow,
    RivalRow,
    VaryRow,
    plain,
)
from sscell.papers.runs import Run, run_of
from sscell.tables import read_table

__all__ = ["Observable", "ObservableTable", "Rival", "has_observables", "load_observables"]


@dataclass(frozen=True)
class Observable:
    """One published value and how the model is asked for it.

    Parameters
    ----------
    id : str
        Name in the paper's own list.
    run : str
        Which run it is read from.
    measure : mapping
        ``of`` names what is measured, the rest says where.
    published : float or tuple of float
        As printed; two numbers are a range.
    unit : str
        Of the published value.
    tolerance : float
        In that unit [same as published]; the scale of one residual of a fit.
    sense : str
        ``"equal"``, ``"at least"``, ``"at most"`` or ``"within"`` (a range).
    word : str
        fitted, predicted, illustrated, or contradicts: a reversal of what the paper says.
    source : str
        Figure or section.
    null_model : float or None
        What the null model says, where it is not obvious.
    note : str
        What a reader should know.
    count : bool
        False where a fit must not use it, because other rows say the same.
    """

    id: str
    run: str
    measure: Mapping[str, Any]
    published: float | tuple[float, float]
    unit: str
    tolerance: float
    sense: str
    word: str
    source: str
    null_model: float | None = None
    note: str = ""
    count: bool = True

    @property
    def runs(self) -> tuple[str, ...]:
        """Names of the runs that it needs: its own, and one that it is compared with."""
        other = self.measure.get("than")
        return (self.run,) if other is None else (self.run, other)

    @property
    def bounds(self) -> tuple[float, float]:
        """Both ends of the published range; twice the same for a number [unit]."""
        if isinstance(self.published, tuple):
            return self.published
        return self.published, self.published

    def error(self, model: float) -> float:
        """Model minus published; for a bound or a range, how far outside [unit].

        Parameters
        ----------
        model : float
            In the unit of the observable.

        Examples
        --------
        >>> bound = Observable("x", "r", {}, 0.7, "1", 0.1, "at least", "predicted", "Fig. 1")
        >>> bound.error(0.9), round(bound.error(0.6), 6)
        (0.0, -0.1)
        """
        low, high = self.bounds
        if self.sense == "at least" and model >= low:
            return 0.0
        if self.sense == "at most" and model <= high:
            return 0.0
        if self.sense == "within" and low <= model <= high:
            return 0.0
        return model - (low if abs(model - low) < abs(model - high) else high)


@dataclass(frozen=True)
class Rival:
    """Another explanation, which a refit may try with the same effort.

    Parameters
    ----------
    name : str
        Key in the table.
    values : mapping of str to float
        Parameters that switch it on and what it competes with off [units of the names].
    vary : mapping of str to Variable
        What moves beside the rest.
    hold : tuple of str
        What no longer moves.
    physics : mapping of str to object
        Entries of the set's `[physics]` that differ.
    """

    name: str
    values: Mapping[str, float]
    vary: Mapping[str, Variable]
    hold: tuple[str, ...] = ()
    physics: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ObservableTable:
    """All observables of one cell.

    Parameters
    ----------
    runs : mapping of str to Run
        By name.
    observables : tuple of Observable
        In the order of the table.
    left_out : mapping of str to str
        Observables that the model cannot produce, with the reason.
    vary : mapping of str to Variable
        What a refit may change.
    rivals : mapping of str to Rival
        Other explanations that a refit may try.
    notes : tuple of str
        Conflicts in the data and between observables.
    ways : tuple of (float, str, str)
        Temperature [degC], rate and ``"two"`` or ``"three"`` steps, where published.

    Examples
    --------
    >>> "ji_dis1_25" in [o.id for o in load_observables("Ji2024").observables]
    True
    """

    runs: Mapping[str, Run]
    observables: tuple[Observable, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)
    vary: Mapping[str, Variable] = field(default_factory=dict)
    rivals: Mapping[str, Rival] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    ways: tuple[tuple[float, str, str], ...] = ()

    @classmethod
    def from_table(cls, table: Mapping[str, Any], where: str) -> ObservableTable:
        """Build and check from the tables of a TOML file.

        Parameters
        ----------
        table : mapping
            As `tomllib` reads it.
        where : str
            Name of the file, for messages.

        Returns
        -------
        ObservableTable

        Raises
        ------
        ParameterError
            If a row lacks a key, names an unknown run or counts an observable twice.
        """
        content = read_table(ObservablesFile, table, where)
        runs = {name: run_of(name, row) for name, row in content.runs.items()}
        observables = tuple(_observable(r, runs, where) for r in content.observables)
        _check_different(observables, where)
        vary = _varied(content.refit.vary)
        rivals = {n: _rival(n, r, vary, where) for n, r in content.refit.rivals.items()}
        return cls(
            runs,
            observables,
            {i: row.reason for row in content.left_out for i in row.ids},
            vary,
            rivals,
            tuple(content.notes),
            tuple((degrees, rate, steps) for degrees, rate, steps in content.ways),
        )


def _check_different(observables: Iterable[Observable], where: str) -> None:
    """An observable that counts twice would weigh twice."""
    seen = set()
    for row in observables:
        key = (row.run, tuple(sorted((k, str(v)) for k, v in row.measure.items())))
        if key in seen:
            raise ParameterError(f"{where}: '{row.id}' measures what another row measures.")
        seen.add(key)


def _varied(rows: Mapping[str, VaryRow]) -> dict[str, Variable]:
    found = {}
    for name, row in rows.items():
        log = row.scale == "log"
        found[name] = Variable(
            name, *row.bounds, log=log, ties=row.ties, prior=_prior(row.prior, log)
        )
    return found


def _prior(row: PriorRow | None, log: bool) -> tuple[float, float] | None:
    """Mean and standard deviation, at the mean where the scale is logarithmic."""
    if row is None:
        return None
    return row.mean, row.mean * math.log(row.width) if log else row.width


def _rival(name: str, row: RivalRow, vary: Mapping[str, Variable], where: str) -> Rival:
    for held in row.hold:
        if held not in vary:
            hint = did_you_mean(held, vary, "parameters")
            raise ParameterError(f"{where}: rival '{name}' holds '{held}'. {hint}")
    return Rival(name, row.values, _varied(row.vary), tuple(row.hold), row.physics)


def _published(given: float | list[float]) -> float | tuple[float, float]:
    return (given[0], given[1]) if isinstance(given, list) else given


def _observable(row: ObservableRow, runs: Mapping[str, Run], where: str) -> Observable:
    if row.run not in runs:
        hint = did_you_mean(row.run, runs, "runs")
        raise ParameterError(f"{where}: '{row.id}' names no run '{row.run}'. {hint}")
    if row.measure.of not in MEASURES:
        hint = did_you_mean(row.measure.of, MEASURES, "measures")
        raise ParameterError(
            f"{where}: '{row.id}' asks for no measure '{row.measure.of}'. {hint}"
        )
    other = row.measure.than
    if other is not None and other not in runs:
        hint = did_you_mean(other, runs, "runs")
        raise ParameterError(f"{where}: '{row.id}' compares with no run '{other}'. {hint}")
    if other is not None and row.word == "fitted" and row.count:
        raise ParameterError(
            f"{where}: '{row.id}' compares two runs, which a fit cannot: each run is a trial "
            "of its own. Use another word, or count = false."
        )
    published = _published(row.published)
    if row.sense and (row.sense == "within") != isinstance(published, tuple):
        raise ParameterError(
            f"{where}: '{row.id}' has the sense '{row.sense}' for {row.published}; a range "
            "is 'within', a number is not."
        )
    tolerance = row.tolerance
    if isinstance(tolerance, str):
        if isinstance(published, tuple):
            raise ParameterError(
                f"{where}: '{row.id}' is a range: give its tolerance in {row.unit}, not "
                f"{tolerance!r}."
            )
        tolerance = float(tolerance.rstrip(" %")) / 100 * abs(published)
    return Observable(
        id=row.id,
        run=row.run,
        measure=plain(row.measure),
        published=published,
        unit=row.unit,
        tolerance=float(tolerance),
        sense=row.sense or ("within" if isinstance(published, tuple) else "equal"),
        word=row.word,
        source=row.source,
        null_model=row.null_model,
        note=row.note,
        count=row.count,
    )


def load_observables(cell: str | Path | ParameterSet) -> ObservableTable:
    """Read the observables of a cell.

    A variant is another cell: it has a table of its own, which may name the one that it is
    ``like`` and state only what differs.

    Parameters
    ----------
    cell : str, pathlib.Path or ParameterSet
        A published cell, or a TOML file: then the table of the cell that its entry
        ``observables`` names, as in the file of a fitted cell, or of its own name.

    Returns
    -------
    ObservableTable

    Raises
    ------
    ParameterError
        If the cell has no table, or the table does not hold.

    Examples
    --------
    >>> load_observables("Ji2024").runs["cycle_60"].temperature
    60.0
    """
    judged = cell if isinstance(cell, ParameterSet) else ParameterSet.load(cell)
    content = observables_content(judged)
    return ObservableTable.from_table(content, f"observables/{judged.observables}.toml")


def has_observables(cell: str | Path) -> bool:
    """Whether there is a table of observables for a cell.

    Parameters
    ----------
    cell : str or pathlib.Path
        As for `load_observables`.

    Returns
    -------
    bool
    """
    return observables_file(ParameterSet.load(cell)) is not None
