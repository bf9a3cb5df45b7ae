"""Trials of a refit: what the model says of the observables at given values.

What was computed once is kept, in memory and, where a file is named, on disk: a refit that
is started again goes through what it knows without computing it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sscell.cells.cell import Cell
from sscell.errors import ParameterError, SimulationError
from sscell.optimisers.bounds import Variable
from sscell.optimisers.minimax import merit
from sscell.papers.measures import Reading, measure
from sscell.papers.observables import Observable, ObservableTable
from sscell.papers.runs import Run
from sscell.papers.validation import run_all
from sscell.simulation.engine import Resolution
from sscell.simulation.progress import Progress
from sscell.units import ZERO_CELSIUS

__all__ = ["ABSENT", "FIT_SHELLS", "Enough", "Residuals", "Trials", "scale_of"]

ABSENT = 4.0  # tolerances: what a feature that is not there, or a failed run, costs
FIT_SHELLS = 25  # capacities within 2 mAh/g and peaks within 5 mV of 50 shells


class Enough(Exception):
    """The number of evaluations is used up."""


def scale_of(observable: Observable) -> float:
    """Scale of a residual [unit of the observable].

    Parameters
    ----------
    observable : Observable
        A count is met or not: half a step is its scale.
    """
    return observable.tolerance or 0.5


class Trials:
    """Model values of all observables of a run, computed once for given parameters.

    Parameters
    ----------
    cell : Cell
        Where trials start from.
    table : ObservableTable
        Observables and runs.
    shells : int, optional
        Finite volumes over the particle radius.
    store : pathlib.Path, optional
        File of JSON lines that keeps what was computed.

    Raises
    ------
    ParameterError
        If the file belongs to another cell, table or mesh.
    """

    def __init__(
        self,
        cell: Cell,
        table: ObservableTable,
        shells: int = FIT_SHELLS,
        store: Path | None = None,
    ):
        self.cell, self.table, self.shells, self.store = cell, table, shells, store
        self._known: dict[str, list[float | None]] = {}
        self._moving: frozenset[str] = frozenset()
        if store is not None and store.is_file():
            self._read(store)

    def _about(self) -> str:
        """What a stored value depends on, beside the parameters that move."""
        rows = [(o.id, o.run, dict(o.measure)) for o in self.table.observables]
        runs = {name: asdict(run) for name, run in self.table.runs.items()}
        data = self.cell.data
        about = [self.cell.name, data["physics"], data.get("network"), rows, runs]
        about += [self.shells, self.cell.values]
        told = json.dumps(about, default=str, sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()

    def _read(self, store: Path) -> None:
        entries = []
        for line in store.read_text(encoding="utf-8").splitlines():
            with suppress(json.JSONDecodeError):  # a line that was cut off is computed anew
                entries.append(json.loads(line))
        if not entries or entries[0].get("about") != self._about():
            raise ParameterError(
                f"'{store}' holds trials of another cell, table of observables or mesh: "
                "name another file, or remove it."
            )
        self._known = {e["key"]: e["models"] for e in entries[1:]}

    def models(self, name: str, values: Mapping[str, float]) -> list[float | None]:
        """Values of all observables of one run; None where there is none.

        Parameters
        ----------
        name : str
            Of the run.
        values : mapping of str to float
            Parameters that move [units of the names].

        Returns
        -------
        list of float or None
            In the order of the table's observables of that run.
        """
        run = self.table.runs[name]
        told = {n: v for n, v in values.items() if not self._idle(n, run)}
        key = json.dumps([name, told], sort_keys=True)
        if key not in self._known:
            cell = self.cell.replace(values, "a trial of the refit")
            data = run_all(cell, [run], resolution=Resolution(self.shells))[name]
            rows = [o for o in self.table.observables if o.run == name]
            if isinstance(data, SimulationError):
                self._keep(key, [None] * len(rows))
            else:
                reading = Reading(data)
                self._keep(key, [measure(reading, o.measure) for o in rows])
        return self._known[key]

    def _keep(self, key: str, models: list[float | None]) -> None:
        self._known[key] = models
        if self.store is None:
            return
        lines: list[dict[str, Any]] = (
            [] if self.store.is_file() else [{"about": self._about()}]
        )
        lines.append({"key": key, "models": models})
        with self.store.open("a", encoding="utf-8") as file:
            file.writelines("\n" + json.dumps(line) for line in lines)

    def _idle(self, name: str, run: Run) -> bool:
        """Whether a run is at the temperature where this activation energy says nothing."""
        law, ending, _ = name.partition(" activation energy [")
        values = self.cell.values
        # Some conductivities are given at a temperature of their own.
        reference = values.get(
            f"{law} temperature [K]", values["Reference temperature [K]"]
        )
        return bool(ending) and abs(run.temperature + ZERO_CELSIUS - reference) < 1e-6


@dataclass
class Residuals:
    """Residuals of the fitted observables as a function of positions between bounds.

    Parameters
    ----------
    trials : Trials
        Cell, observables and runs.
    vary : sequence of Variable
        Parameters that move, with their priors.
    limit : int
        Largest number of evaluations.
    on_progress : callable, optional
        Called with the share done [-] and a text.
    objective : str
        ``"squares"`` or ``"largest"``: what the best so far has least of.
    without : frozenset of int
        Rows of the table that do not count, such as those of a condition left out.
    evaluations, best_cost, best, best_residuals, last
        Kept on the way: how many, the best so far, and the last residuals.
    """

    trials: Trials
    vary: Sequence[Variable]
    limit: int
    on_progress: Progress | None = None
    objective: str = "squares"
    without: frozenset[int] = frozenset()
    evaluations: int = 0
    best_cost: float = np.inf
    best: np.ndarray | None = None
    best_residuals: np.ndarray | None = None
    last: np.ndarray = field(default_factory=lambda: np.empty(0), repr=False)

    @property
    def observables(self) -> tuple[Observable, ...]:
        """Those that count."""
        every = self.trials.table.observables
        return tuple(
            o
            for number, o in enumerate(every)
            if o.word == "fitted" and o.count and number not in self.without
        )

    @property
    def known(self) -> tuple[Variable, ...]:
        """Parameters with a prior: their residuals stand after those of the rows."""
        return tuple(v for v in self.vary if v.prior is not None)

    def start(self) -> np.ndarray:
        """Positions of the cell's own values, 0 to 1."""
        values = self.trials.cell.values
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
        """Residuals: rows in tolerances, then priors in widths; keeps the best so far."""
        if self.evaluations >= self.limit:
            raise Enough
        self.evaluations += 1
        residuals = np.concatenate([self._rows(self.values(x)), self._pulls(x)])
        squares = self.objective == "squares"
        cost = float(residuals @ residuals) if squares else merit(residuals)
        self.last = residuals
        if cost < self.best_cost:
            self.best_cost, self.best, self.best_residuals = cost, np.array(x), residuals
        if self.on_progress:
            text = f"evaluation {self.evaluations}, best cost {self.best_cost:.2f}"
            self.on_progress(self.evaluations / self.limit, text)
        return residuals

    def _rows(self, values: Mapping[str, float]) -> np.ndarray:
        models: dict[str, dict[int, float | None]] = {}
        for name in dict.fromkeys(o.run for o in self.observables):
            rows = [o for o in self.trials.table.observables if o.run == name]
            found = self.trials.models(name, values)
            models[name] = {id(o): m for o, m in zip(rows, found, strict=True)}
        return np.array([_residual(o, models[o.run][id(o)]) for o in self.observables])

    def _pulls(self, x: np.ndarray) -> np.ndarray:
        pairs = zip(self.vary, x, strict=True)
        return np.array([v.pull(at)[0] for v, at in pairs if v.prior is not None])


def _residual(observable: Observable, model: float | None) -> float:
    return ABSENT if model is None else observable.error(model) / scale_of(observable)
