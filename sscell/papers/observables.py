"""Published observables that judge a cell, and how to refit it to them, as data.

A table `observables/<family>.toml` beside the parameter sets lists the runs, what to
measure in each, the published value with its tolerance and source, what is left out and
why, and which parameters a refit may vary within which bounds.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sscell.cells.library import available, find
from sscell.cells.parameters import ParameterSet
from sscell.errors import ParameterError, did_you_mean
from sscell.optimisers.bounds import Variable
from sscell.papers.runs import Run, read_run

__all__ = ["Observable", "ObservableTable", "Rival", "load_observables"]

WORDS = ("fitted", "predicted", "illustrated")
SENSES = ("equal", "at least", "at most", "within")


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
        fitted, predicted or illustrated.
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
        low = high = self.published
        if isinstance(self.published, tuple):
            low, high = self.published
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
        runs = {n: read_run(n, row, where) for n, row in table.get("runs", {}).items()}
        observables = tuple(_observable(r, runs, where) for r in table["observables"])
        seen = set()
        for row in observables:
            key = (row.run, tuple(sorted((k, str(v)) for k, v in row.measure.items())))
            if key in seen:
                raise ParameterError(
                    f"{where}: '{row.id}' measures what another row measures."
                )
            seen.add(key)
        left_out = {i: r["reason"] for r in table.get("left_out", []) for i in r["ids"]}
        refit = table.get("refit", {})
        rivals = {
            name: Rival(
                name,
                row.get("values", {}),
                _varied(row.get("vary", {})),
                tuple(row.get("hold", ())),
                row.get("physics", {}),
            )
            for name, row in refit.get("rivals", {}).items()
        }
        vary = _varied(refit.get("vary", {}))
        notes, ways = (
            tuple(table.get("notes", ())),
            tuple(map(tuple, table.get("ways", ()))),
        )
        return cls(runs, observables, left_out, vary, rivals, notes, ways)


def _varied(rows: Mapping[str, Any]) -> dict[str, Variable]:
    return {
        name: Variable(
            name,
            *row["bounds"],
            log=row.get("scale", "linear") == "log",
            ties=row.get("ties", {}),
        )
        for name, row in rows.items()
    }


def _observable(row: Mapping[str, Any], runs: Mapping[str, Run], where: str) -> Observable:
    name = row.get("id", "?")
    for key in (
        "id",
        "run",
        "measure",
        "published",
        "unit",
        "tolerance",
        "word",
        "source",
    ):
        if key not in row:
            raise ParameterError(f"{where}: observable '{name}' has no {key}.")
    if row["run"] not in runs:
        hint = did_you_mean(row["run"], runs, "runs")
        raise ParameterError(f"{where}: '{name}' names no run '{row['run']}'. {hint}")
    published = row["published"]
    is_range = isinstance(published, list)
    sense = row.get("sense", "within" if is_range else "equal")
    if row["word"] not in WORDS or sense not in SENSES:
        raise ParameterError(
            f"{where}: '{name}' has word '{row['word']}' and sense '{sense}'; allowed: "
            f"{', '.join(WORDS)}; {', '.join(SENSES)}."
        )
    tolerance = row["tolerance"]
    if isinstance(tolerance, str):
        tolerance = float(tolerance.rstrip(" %")) / 100 * abs(published)
    return Observable(
        id=name,
        run=row["run"],
        measure=row["measure"],
        published=tuple(published) if is_range else published,
        unit=row["unit"],
        tolerance=float(tolerance),
        sense=sense,
        word=row["word"],
        source=row["source"],
        null_model=row.get("null_model"),
        note=row.get("note", ""),
        count=row.get("count", True),
    )


def load_observables(cell: str | Path) -> ObservableTable:
    """Read the observables of a cell.

    A variant is another cell: it has a table of its own, which may name the one that it is
    ``like`` and state only what differs.

    Parameters
    ----------
    cell : str or pathlib.Path
        A published cell, or a TOML file: then the table of the cell it is named after.

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
    path, variant = find(cell)
    family = ParameterSet.load(cell).data["name"]
    shipped = {p.stem: p.parent for p in available().values()}
    folders = [path.parent, *([shipped[family]] if family in shipped else [])]
    name = family if variant is None else f"{family}-{variant}"
    try:
        content = _content(name, folders)
        if "like" in content:
            content = _content(content["like"], folders) | content
        return ObservableTable.from_table(content, f"observables/{name}.toml")
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise ParameterError(f"observables/{name}.toml does not hold: {error}.") from error


def _content(name: str, folders: Iterable[Path]) -> dict[str, Any]:
    for folder in folders:
        table = folder / "observables" / f"{name}.toml"
        if table.is_file():
            return tomllib.loads(table.read_text(encoding="utf-8"))
    raise ParameterError(
        f"There are no published observables for '{name}': no file "
        f"'observables/{name}.toml' beside its parameter set."
    )
