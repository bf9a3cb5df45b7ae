"""Judge a cell by what its paper published: model, null model, error and a word for each.

Every row says whether the value was *fitted* (used in the fit), *predicted* (parameters
frozen) or only *illustrated*. The null model uses all active material, without losses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import xarray as xr

from sscell.cells.cell import Cell
from sscell.cells.library import available, families, find
from sscell.cells.uncertainty import Knowledge, knowledge_of
from sscell.errors import ParameterError, SimulationError, did_you_mean
from sscell.papers.bands import (
    add_bands,
    add_predicted_bands,
    changed_cells,
    open_parameters,
)
from sscell.papers.measures import Reading, measure, measure_error
from sscell.papers.observables import Observable, ObservableTable, load_observables
from sscell.papers.runs import Run
from sscell.simulation.bands import DRAWS
from sscell.simulation.draws import drawn
from sscell.simulation.engine import Resolution
from sscell.simulation.pellets import blocked_impedance, dc_polarisation, pellet_of
from sscell.simulation.processes import check_workers, in_order, workers_that_pay
from sscell.simulation.progress import Progress, parts
from sscell.simulation.simulation import simulate
from sscell.units import ZERO_CELSIUS

__all__ = [
    "Validation",
    "describe",
    "format_row",
    "null_model",
    "run_all",
    "validate",
]


@dataclass(frozen=True)
class Validation:
    """What a validation found.

    Parameters
    ----------
    cell : str
        Name of the cell.
    rows : list of dict
        ``id``, ``conditions``, ``quantity``, ``published``, ``unit``, ``model``,
        ``model_std_error`` (of a b-value), ``null_model``, ``error`` (model minus
        published; outside a bound or range, by how much), ``tolerance``, ``met``,
        ``null_met``, ``word``, ``source``, ``note``, ``left_out_error`` (of a fit without
        the row's condition, None where none is stored); with bands also ``band`` (90 % of
        drawn cells), ``inside`` (the published value lies in it), ``assumed_band`` (lowest
        and highest with one assumed value at an end) and ``depends_on`` (names).
    left_out : mapping of str to str
        Observables that the model cannot produce, with the reason.
    notes : tuple of str
        Conflicts in the data.
    bases : mapping of str to str
        ``capacity_basis``, ``energy_basis``, ``voltage_reference``.
    runs : mapping of str to xarray.Dataset
        The simulations behind the rows.
    varied : mapping of str to tuple of float
        With bands: the parameters that went to both ends of these ranges, one at a time.
    effective_parameters : float or None
        How many values the fitted rows pin [-], where the set stores it.
    evidence : bool
        False for a variant with as many fitted values as numbers: its fitted rows prove
        nothing and do not count.
    drawn : int
        With bands: how many drawn cells.
    """

    cell: str
    rows: list[dict[str, Any]]
    left_out: Mapping[str, str]
    notes: tuple[str, ...]
    bases: Mapping[str, str] = field(default_factory=dict)
    runs: Mapping[str, xr.Dataset] = field(repr=False, default_factory=dict)
    varied: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    effective_parameters: float | None = None
    evidence: bool = True
    drawn: int = 0

    def score(self) -> dict[str, Any]:
        """What the set earns: rows met, and predictions that the null model fails.

        Returns
        -------
        dict
            ``met`` of ``rows``, those that contradict the paper among them; ``predicted`` of
            ``predicted_rows``: met, of the rows that were not fitted and that the null model
            does not meet; ``effective_parameters`` [-]; with bands, ``inside`` of
            ``banded``.
        """
        rows = [r for r in self.rows if self.evidence or r["word"] != "fitted"]
        tests = [r for r in rows if r["word"] == "predicted" and not r["null_met"]]
        found: dict[str, Any] = {
            "met": sum(bool(r["met"]) for r in rows),
            "rows": len(rows),
            "predicted": sum(bool(r["met"]) for r in tests),
            "predicted_rows": len(tests),
            "effective_parameters": self.effective_parameters,
        }
        judged = [r["inside"] for r in rows if r.get("inside") is not None]
        return found | (
            {"inside": sum(judged), "banded": len(judged)} if self.drawn else {}
        )

    def format_score(self) -> list[str]:
        """Lines of the score for a reader."""
        score = self.score()
        effective = score["effective_parameters"]
        pinned = "" if effective is None else f", {effective:.1f} effective parameters"
        lines = [
            f"score: {score['met']} of {score['rows']} rows met{pinned}; predicted where the "
            f"null model fails: {score['predicted']} of {score['predicted_rows']}"
        ]
        if not self.evidence:
            lines.append("as many fitted values as numbers: fitted rows do not count")
        if self.drawn:
            lines.append(
                f"published value inside the 90 % band: {score['inside']} of {score['banded']}"
            )
        outside = [r["id"] for r in self.rows if r.get("inside") is False]
        return lines + ([f"outside its band: {', '.join(outside)}"] if outside else [])

    def counts(self) -> dict[str, tuple[int, int, int]]:
        """Rows met by the model, met by the null model, and rows in all, by word."""
        found = {}
        for word in dict.fromkeys(row["word"] for row in self.rows):
            rows = [row for row in self.rows if row["word"] == word]
            met, null = (sum(bool(r[k]) for r in rows) for k in ("met", "null_met"))
            found[word] = (met, null, len(rows))
        return found

    def to_markdown(self) -> str:
        """Table for a README, with what is left out and why beneath it."""
        head = ["observable", "conditions", "published", "model", "null", "error", "word"]
        head += ["90 % band", "assumed", "depends on"] if self.drawn else []
        lines = [
            "| " + " | ".join(head) + " |",
            "|" + "---|" * len(head),
        ]
        for row in self.rows:
            word = row["word"] + ("" if row["met"] else " **missed**")
            word += " **outside**" if row.get("inside") is False else ""
            cells = (*format_row(row), word, *self.format_band(row))
            lines.append("| " + " | ".join(cells) + " |")
        lines.append("")
        lines += [f"- {line}" for line in self.format_score()]
        for word, (met, null, total) in self.counts().items():
            lines.append(f"- {word}: {met} of {total} within tolerance (null model {null})")
        reasons: dict[str, list[str]] = {}
        for name, reason in self.left_out.items():
            reasons.setdefault(reason, []).append(f"`{name}`")
        lines += [f"- left out: {', '.join(n)}: {why}" for why, n in reasons.items()]
        lines += [f"- {note}" for note in (*self.format_varied(), *self.notes)]
        return "\n".join(lines) + "\n"

    def format_band(self, row: Mapping[str, Any]) -> tuple[str, ...]:
        """Texts of a row's band and of the numbers of what it depends on; none without.

        Parameters
        ----------
        row : mapping
            Of `rows`.
        """
        if not self.drawn:
            return ()
        bands = [row[name] or (None, None) for name in ("band", "assumed_band")]
        names = list(self.varied)
        numbers = ", ".join(str(names.index(n) + 1) for n in row["depends_on"])
        texts = [" to ".join(_digits(v, row["tolerance"]) for v in band) for band in bands]
        return (*texts, numbers or "-")

    def format_varied(self) -> list[str]:
        """A line for each parameter behind the bands, by its number; none without."""
        lines = [
            f"depends on {number}: {name}, {low:g} to {high:g}"
            for number, (name, (low, high)) in enumerate(self.varied.items(), start=1)
        ]
        head = "assumed: one of these at a time, fitted values not refitted"
        return [head, *lines] if lines else []


def format_row(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Texts of one row: id, conditions, published, model, null model, error.

    Parameters
    ----------
    row : mapping
        Of `Validation.rows`.

    Returns
    -------
    tuple of str
    """
    published = row["published"]
    sign = {"at least": ">= ", "at most": "<= "}.get(row["sense"], "")
    text = (
        " to ".join(f"{v:g}" for v in published)
        if isinstance(published, list | tuple)
        else f"{sign}{published:g}"
    )
    unit = "" if row["unit"] == "1" else f" {row['unit']}"
    numbers = [row["model"], row["null_model"], row["error"]]
    digits = [_digits(v, row["tolerance"]) for v in numbers]
    if row["model_std_error"] is not None:
        digits[0] += f" +/- {_digits(row['model_std_error'], row['tolerance'])}"
    what = f"{row['id']}: {row['quantity']}"
    return (what, row["conditions"], text + unit, *digits)


def _digits(value: float | None, tolerance: float) -> str:
    if value is None:
        return "-"
    if 0 < tolerance < 1e-4:
        return f"{value:.2g}"
    places = int(np.clip(1 - np.floor(np.log10(tolerance or 10.0)), 0, 4))
    return f"{value:.{places}f}"


def validate(
    cell: str | Path | Cell,
    table: ObservableTable | None = None,
    *,
    ids: Iterable[str] | None = None,
    on_progress: Progress | None = None,
    resolution: Resolution | None = None,
    bands: bool = False,
    workers: int | None = None,
) -> Validation:
    """Compare a cell with every published observable that the model can produce.

    Parameters
    ----------
    cell : str, pathlib.Path or Cell
        A published cell, a TOML file or a loaded cell.
    table : ObservableTable, optional
        Default: the one that belongs to the cell.
    ids : iterable of str, optional
        Only these observables.
    on_progress : callable, optional
        Called with the share done [-] and a text.
    resolution : Resolution, optional
        Meshes and tolerances [-], as for `sscell.simulate`.
    bands : bool, optional
        Whether to run again with drawn cells, and with each assumed parameter that matters
        at both ends of its range.
    workers : int, optional
        Processes for the bands; results depend on it as those of
        `sscell.simulation.bands.banded`. Default: as many as there are processors, at most
        ``SSCELL_WORKERS``, where that pays.

    Returns
    -------
    Validation

    Raises
    ------
    ParameterError
        If the cell has no observables or none of that name, or `workers` or
        ``SSCELL_WORKERS`` is no positive whole number.
    SimulationError
        If one of several processes dies.

    Examples
    --------
    >>> result = validate("Ji2024", ids=["ji_dis1_90"])
    >>> row = result.rows[0]
    >>> row["published"], row["met"], row["null_model"] > row["model"]
    (1607, True, True)
    """
    check_workers(workers)
    if table is None:
        table = load_observables(cell.parameters if isinstance(cell, Cell) else cell)
    loaded = cell if isinstance(cell, Cell) else Cell.load(cell)
    chosen = _chosen(table.observables, ids)

    changed, refused = changed_cells(loaded) if bands else ({}, [])
    cells = drawn(loaded, DRAWS) if bands else None
    count = 0 if cells is None else len(cells.cells)
    shares = parts(on_progress, 1 + len(changed) + count)
    begun = perf_counter()
    rows, done = _compare(loaded, table, chosen, next(shares), resolution)
    seconds = perf_counter() - begun
    known = knowledge_of(loaded.parameters)
    _add_left_out(rows, known)
    if cells is not None:
        made = [*cells.cells, *changed.values()]
        fleet = workers_that_pay(seconds * len(made), workers)
        # Processes make the cells from the changes.
        anew = [
            *((changes, "drawn") for changes in cells.changes),
            *(({name: value}, "one end of its range") for name, value in changed),
        ]
        about, items = (loaded, table, chosen, resolution), made if fleet == 1 else anew
        free = workers is None
        judged = in_order(_rows_of, about, items, fleet, shares, or_here=free)
        add_predicted_bands(rows, judged[:count], cells.positions)
        add_bands(rows, zip(changed, judged[count:], strict=True))
    return Validation(
        loaded.name,
        rows,
        table.left_out,
        (*table.notes, *refused),
        {
            "capacity_basis": loaded.basis("capacity")[0],
            "energy_basis": loaded.basis("energy")[0],
            "voltage_reference": loaded.data["bases"]["voltage_reference"],
        },
        done,
        open_parameters(loaded) if bands else {},
        None if known is None else known.effective_parameters,
        _is_evidence(loaded, table),
        count,
    )


def _rows_of(
    changed: Cell | tuple[Mapping[str, float], str],
    about: tuple[Cell, ObservableTable, Sequence[Observable], Resolution | None],
    tell: Progress | None = None,
) -> list[dict[str, Any]]:
    """Rows of the cell with other values."""
    cell, table, chosen, resolution = about
    other = changed if isinstance(changed, Cell) else cell.replace(*changed)
    return _compare(other, table, chosen, tell, resolution)[0]


def _add_left_out(rows: Sequence[dict[str, Any]], known: Knowledge | None) -> None:
    """Errors of fits without a condition, as they are stored with the set."""
    stored: dict[tuple[str, str, str], float | None] = {}
    for one in () if known is None else known.left_out:
        stored.setdefault((one.id, one.run, one.quantity), one.error)
    for row in rows:
        row["left_out_error"] = stored.get((row["id"], row["run"], row["quantity"]))


def _is_evidence(cell: Cell, table: ObservableTable) -> bool:
    """Whether a variant has more fitted numbers than fitted values."""
    judged = cell.parameters.observables
    if judged in families() or judged not in available():
        return True
    fitted = [o for o in table.observables if o.word == "fitted" and o.count]
    return not table.vary or len(fitted) > len(table.vary)


def _compare(
    cell: Cell,
    table: ObservableTable,
    chosen: Sequence[Observable],
    on_progress: Progress | None,
    resolution: Resolution | None,
) -> tuple[list[dict[str, Any]], dict[str, xr.Dataset]]:
    """Rows of one cell, and the runs that did not fail."""
    needed = dict.fromkeys(name for o in chosen for name in o.runs)
    runs = run_all(cell, [table.runs[n] for n in needed], on_progress, resolution)
    done = {name: run for name, run in runs.items() if isinstance(run, xr.Dataset)}
    known: dict[str, Reading] = {}
    known |= {name: Reading(run, known) for name, run in done.items()}
    readings = {**runs, **known}
    return [_row(o, table.runs[o.run], readings[o.run], cell) for o in chosen], done


def _chosen(
    observables: Sequence[Observable], ids: Iterable[str] | None
) -> tuple[Observable, ...]:
    if ids is None:
        return tuple(observables)
    wanted, known = set(ids), {o.id for o in observables}
    for name in sorted(wanted - known):
        raise ParameterError(
            f"There is no observable '{name}'. {did_you_mean(name, known, 'observables')}"
        )
    return tuple(o for o in observables if o.id in wanted)


def run_all(
    cell: Cell,
    runs: Sequence[Run],
    on_progress: Progress | None = None,
    resolution: Resolution | None = None,
) -> dict[str, xr.Dataset | SimulationError]:
    """Run each simulation once; one that fails is kept as its error.

    Parameters
    ----------
    cell : Cell
        What to simulate.
    runs : sequence of Run
        Temperatures [degC] and protocols.
    on_progress : callable, optional
        Called with the share done [-] and a text.
    resolution : Resolution, optional
        Meshes and tolerances [-].

    Returns
    -------
    dict of str to xarray.Dataset or SimulationError
        By name of the run.
    """
    results: dict[str, xr.Dataset | SimulationError] = {}
    for number, run in enumerate(runs):

        def tell(share: float, text: str, number: int = number, run: Run = run) -> None:
            if on_progress:
                on_progress((number + share) / len(runs), f"{run.name}: {text}")

        if run.pellet:
            results[run.name] = _pellet(cell, run)
            continue
        try:
            results[run.name] = simulate(
                _as_variant(cell, run.variant),
                run.protocol(),
                temperature=run.temperature,
                state=run.state,
                changes=run.changes,
                pressure=run.pressure,
                formation_temperature=run.formation_temperature,
                on_progress=tell,
                resolution=resolution,
            )
        except SimulationError as error:
            results[run.name] = error
    return results


def _as_variant(cell: Cell, variant: str | None) -> Cell:
    """Cell with what a variant of its family changes; the rest stays as it is."""
    if variant is None:
        return cell
    family = find(cell.parameters.observables)[0].stem
    base, other = Cell.load(family).values, Cell.load(f"{family}-{variant}")
    # What follows from the composition follows from that of this cell.
    follows = other.composition.derived(other.values)
    changes = {n: v for n, v in other.values.items() if v != base.get(n)}
    return cell.replace({n: v for n, v in changes.items() if n not in follows})


def _pellet(cell: Cell, run: Run) -> xr.Dataset:
    """Experiment on a pellet of the cathode."""
    kelvin = run.temperature + ZERO_CELSIUS
    changed = cell.replace({**run.changes, "Ambient temperature [K]": kelvin})
    experiment = {"dc": dc_polarisation, "ac": blocked_impedance}[run.pellet]
    return experiment(pellet_of(changed))


def _row(
    observable: Observable, run: Run, data: Reading | SimulationError, cell: Cell
) -> dict[str, Any]:
    model, spread, failure = None, None, ""
    if isinstance(data, SimulationError):
        failure = str(data)
    else:
        model = measure(data, observable.measure)
        spread = measure_error(data, observable.measure)
        failure = "" if model is not None else "the model shows no such feature"
    null = null_model(observable, cell)
    error, null_error = (
        None if value is None else observable.error(value) for value in (model, null)
    )
    published = observable.published
    return {
        "id": observable.id,
        "quantity": describe(observable.measure),
        "conditions": run.conditions,
        "temperature_C": run.temperature,
        "run": observable.run,
        "published": list(published) if isinstance(published, tuple) else published,
        "unit": observable.unit,
        "sense": observable.sense,
        "model": model,
        "model_std_error": spread,
        "null_model": null,
        "error": error,
        "tolerance": observable.tolerance,
        "met": error is not None and abs(error) <= observable.tolerance * (1 + 1e-9),
        "null_met": null_error is not None and abs(null_error) <= observable.tolerance,
        "word": observable.word,
        "source": observable.source,
        "note": " ".join(filter(None, (observable.note, failure))),
    }


def null_model(observable: Observable, cell: Cell) -> float | None:
    """Full utilisation of the active material, whatever the rate and temperature.

    Parameters
    ----------
    observable : Observable
        What is asked for.
    cell : Cell
        Of which.

    Returns
    -------
    float or None
        In the `unit` of the observable; None where the null model says nothing.
    """
    if observable.null_model is not None:
        return observable.null_model
    of = observable.measure["of"]
    if of == "capacity":
        return cell.theoretical_capacity / cell.basis("capacity")[1]
    return {"efficiency": 100.0, "capacity ratio": 1.0}.get(of)


def describe(where: Mapping[str, Any]) -> str:
    """What a measure reads, in a few words.

    Parameters
    ----------
    where : mapping
        As for `sscell.papers.measures.measure`.
    """
    words = [str(where["of"])]
    if "phases" in where:
        words.append(" + ".join(where["phases"]))
    if "direction" in where:
        words.append(where["direction"])
    if "cycle" in where:
        words.append(f"cycle {where['cycle']}")
    for key in ("index", "rank"):
        if key in where:
            words.append(f"number {where[key]}")
    if "between" in where:
        words.append("{:g} to {:g} V".format(*where["between"]))
    if "shares" in where:
        words.append("{:g} to {:g} of it".format(*where["shares"]))
    if "than" in where:
        words.append(f"less that of {where['than']}")
    return " ".join(words)
