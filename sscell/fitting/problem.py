"""What a fit minimises: residuals of one or many datasets over positions between bounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from sscell.cells.cell import Cell
from sscell.cells.shares import cell_with
from sscell.errors import ParameterError, SimulationError
from sscell.fitting.courses import Course
from sscell.fitting.forward import Forward, Traced
from sscell.fitting.residuals import capacities, points
from sscell.fitting.spectra import Spectrum, spectrum_of
from sscell.fitting.starts import differentiated, prepared
from sscell.fitting.tracks import State
from sscell.optimisers.bounds import Variable
from sscell.simulation.engine import Resolution
from sscell.simulation.limits import TIGHTER
from sscell.solver.cancelling import Cancelled

__all__ = ["Problem"]

_APART = 1e-4  # of the distance between the bounds, for differences
_NUDGE = 1e-6  # relative, for values that follow from others
_ASIDE = 3e-3  # of a value, for differences of the state that the data begin in
_FORWARDS: dict[tuple[Any, ...], Forward] = {}


@dataclass
class Problem:
    """Residuals and their derivatives; keeps the best position and counts failures.

    Parameters
    ----------
    cell : Cell
        What does not vary.
    courses : tuple of Course or Spectrum
        The data.
    variables : tuple of Variable
        What varies.
    resolution : Resolution
        Meshes and tolerances.
    evaluations, sloped_evaluations, failures, retries, last_failure
        How many positions were evaluated, how many of them with derivatives, how many
        failed, how many of those succeeded with tighter tolerances, and why the last failed.
    traces : tuple of Traced
        The model along the data at the last position.
    """

    cell: Cell
    courses: tuple[Course | Spectrum, ...]
    variables: tuple[Variable, ...]
    resolution: Resolution = field(default_factory=Resolution)
    evaluations: int = 0
    sloped_evaluations: int = 0
    failures: int = 0
    retries: int = 0
    last_failure: str = ""
    _found: dict[bool, tuple[Any, ...]] = field(default_factory=dict, repr=False)
    traces: tuple[Traced, ...] = ()

    def start(self) -> np.ndarray:
        """Positions of the cell's own values."""
        values = self.cell.values
        return np.array([v.position(values[v.name]) for v in self.variables])

    def add_counts(self, other: Problem) -> None:
        """Add the evaluations and failures of another, such as a coarser one.

        Parameters
        ----------
        other : Problem
            What it counted.
        """
        self.evaluations += other.evaluations
        self.sloped_evaluations += other.sloped_evaluations
        self.failures += other.failures
        self.retries += other.retries
        self.last_failure = self.last_failure or other.last_failure

    def values(self, u: np.ndarray, course: int | None = None) -> dict[str, float]:
        """Values by name, as one dataset sees them [units of the names].

        Parameters
        ----------
        u : numpy.ndarray, shape (variables,)
            Positions between the bounds, 0 to 1.
        course : int, optional
            Which dataset; default: the first.
        """
        own = (None, course or 0)
        return {
            v.name: v.value(x)
            for v, x in zip(self.variables, u, strict=True)
            if v.course in own
        }

    def __call__(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Residuals in standard deviations, and their derivatives by the positions.

        Parameters
        ----------
        u : numpy.ndarray, shape (variables,)
            Positions between the bounds, 0 to 1.

        Returns
        -------
        tuple of numpy.ndarray
            Points and capacities of each dataset, then priors; and by the variables.

        Raises
        ------
        SimulationError
            If the model fails at these values.
        """
        try:
            return self._kept(u, True)
        except Cancelled:
            raise
        except SimulationError:  # the sensitivities may fail where the state does not
            return self._differences(np.asarray(u, dtype=float))

    def _differences(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        residuals = self.residuals(u)
        columns = np.zeros((residuals.size, u.size))
        for k in range(u.size):
            inward = _APART if u[k] < 0.5 else -_APART
            for step in (inward, -inward):
                try:
                    beside = self.residuals(u + step * (np.arange(u.size) == k))
                except SimulationError:
                    continue
                columns[:, k] = (beside - residuals) / step
                break
        return residuals, columns

    def residuals(self, u: np.ndarray) -> np.ndarray:
        """Residuals alone, at a fraction of the cost [-].

        Parameters
        ----------
        u : numpy.ndarray, shape (variables,)
            Positions between the bounds, 0 to 1.

        Returns
        -------
        numpy.ndarray, shape (residuals,)
            Points and capacities of each dataset, then priors, in standard deviations [-].

        Raises
        ------
        SimulationError
            If the model fails at these values.
        """
        return self._kept(u, False)[0]

    def curves(self, u: np.ndarray) -> list[np.ndarray]:
        """The model at the points of each dataset [V, A or share of the impedance].

        Parameters
        ----------
        u : numpy.ndarray, shape (variables,)
            Positions between the bounds, 0 to 1.

        Raises
        ------
        SimulationError
            If the model fails at these values.
        """
        self.residuals(u)
        return [t.values for t in self.traces]

    def _kept(self, u: np.ndarray, sloped: bool) -> tuple[np.ndarray, np.ndarray]:
        u = np.asarray(u, dtype=float)
        at, kept = self._found.get(sloped, (b"", None))
        if kept is None or u.tobytes() != at:
            self.evaluations += 1
            self.sloped_evaluations += sloped
            try:
                kept = self._evaluate(u, sloped)
            except Cancelled:
                raise
            except (SimulationError, ParameterError) as error:
                self.failures, self.last_failure = self.failures + 1, str(error)
                raise SimulationError(str(error)) from error
            self._found[sloped] = u.tobytes(), kept
        residuals, slopes, self.traces = kept
        return residuals, slopes

    def _evaluate(
        self, u: np.ndarray, sloped: bool
    ) -> tuple[np.ndarray, np.ndarray, tuple[Traced, ...]]:
        rows, columns, traces = [], [], []
        for number, course in enumerate(self.courses):
            cell = cell_with(self.cell, self.values(u, number))
            if isinstance(course, Spectrum):
                traced = self._spectrum(cell, u, number, course, sloped)
            else:
                traced = self._curve(cell, u, number, course, sloped)
            if not np.isfinite(traced.values).all() or not np.isfinite(traced.slopes).all():
                raise SimulationError("The model gave no finite value.")
            traces.append(traced)
            if isinstance(course, Course):
                parts = points(course, traced), capacities(course, traced)
            else:
                scale = course.weight / course.deviations
                off = (traced.values - course.measured) * scale
                parts = ((off, traced.slopes * scale[:, None]),)
            for residuals, slopes in parts:
                rows.append(residuals)
                columns.append(slopes)
        for number, (v, x) in enumerate(zip(self.variables, u, strict=True)):
            if v.prior is not None:
                residual, slope = v.pull(x)
                rows.append(np.array([residual]))
                columns.append(np.zeros((1, u.size)))
                columns[-1][0, number] = slope
        return np.concatenate(rows), np.concatenate(columns), tuple(traces)

    def _curve(
        self, cell: Cell, u: np.ndarray, number: int, course: Course, sloped: bool
    ) -> Traced:
        """A curve; where that fails, anew with tolerances ten and a hundred times tighter.

        A step that fails has been tried so by itself before.
        """
        first = None
        for share in (1.0, *TIGHTER):
            tried = self.resolution.tighter(share)
            try:
                found = self._traced(cell, u, number, course, sloped, tried)
            except Cancelled:
                raise
            except SimulationError as error:
                first = first or error
                continue
            if first is not None:
                self._retried(str(first))
            return found
        assert first is not None
        raise first

    def _retried(self, failure: str) -> None:
        self.failures, self.last_failure = self.failures + 1, failure
        self.retries += 1

    def _traced(
        self,
        cell: Cell,
        u: np.ndarray,
        number: int,
        course: Course,
        sloped: bool,
        resolution: Resolution,
    ) -> Traced:
        if course.held.any():  # as a run has it under a set voltage
            resolution = replace(resolution, double_layer=True)
        forward = self._forward(self.values(u, number) if sloped else {}, resolution)
        own = [
            k
            for k, variable in enumerate(self.variables)
            if sloped and variable.course in (None, number)
        ]
        along = np.zeros((len(forward.names), len(own)))
        for column, k in enumerate(own):
            variable = self.variables[k]
            follows = self._follows(cell, variable.name, forward.names)
            along[:, column] = follows * variable.slope(u[k])
        start = self._start(cell, u, number, course, resolution, own)
        begun = () if start is None else (start,)
        before = len(forward.failures)
        traced = forward.along(along).trace(cell, course, *begun)
        if len(forward.failures) > before:
            self._retried(forward.failures[-1])
        slopes = np.zeros((traced.values.size, u.size))
        charges = np.zeros((traced.charges.size, u.size))
        slopes[:, own], charges[:, own] = traced.slopes, traced.charge_slopes
        return replace(traced, slopes=slopes, charge_slopes=charges)

    def _start(
        self,
        cell: Cell,
        u: np.ndarray,
        number: int,
        course: Course,
        resolution: Resolution,
        own: list[int],
    ) -> State | None:
        """Where the data begin, with its derivatives by the positions of its variables."""
        start = prepared(cell, course, resolution)
        if start is None:
            return None
        values = self.values(u, number)

        def beside(name: str, value: float) -> State | None:
            moved = cell_with(self.cell, {**values, name: value})
            return prepared(moved, course, resolution)

        varied = []
        for k in own:
            variable = self.variables[k]
            value = values[variable.name]
            step = _ASIDE * (abs(value) or variable.high - variable.low)
            varied.append((variable.name, value, step))
        found = differentiated(start, beside, varied)
        scales = [self.variables[k].slope(u[k]) for k in own]
        return replace(found, slopes=found.slopes * np.array(scales))

    def _spectrum(
        self, cell: Cell, u: np.ndarray, number: int, spectrum: Spectrum, sloped: bool
    ) -> Traced:
        """A spectrum is a linear solve without noise: differences are good derivatives."""
        found = spectrum_of(cell, spectrum, self.resolution)
        slopes = np.zeros((found.size, u.size))
        for k, variable in enumerate(self.variables):
            if sloped and variable.course in (None, number):
                step = _APART if u[k] < 0.5 else -_APART
                beside = u + step * (np.arange(u.size) == k)
                moved = cell_with(self.cell, self.values(beside, number))
                there = spectrum_of(moved, spectrum, self.resolution)
                slopes[:, k] = (there - found) / step
        return Traced(found, slopes, np.zeros(found.size, dtype=bool))

    def _forward(self, values: Mapping[str, float], resolution: Resolution) -> Forward:
        names = tuple(sorted({n for name in values for n in self._moved(self.cell, name)}))
        if not names:
            # Cheap, and the noise of the integrator must stay far below that of the data.
            finer = {"rtol": resolution.rtol / 10, "atol": resolution.atol / 10}
            resolution = replace(resolution, **finer)
        key = (self.cell.structure, resolution, names)
        if key not in _FORWARDS:
            _FORWARDS[key] = Forward(self.cell, names, resolution)
        return _FORWARDS[key]

    @property
    def _moving(self) -> set[str]:
        return {v.name for v in self.variables}

    def _moved(self, cell: Cell, name: str) -> dict[str, float]:
        """Inputs that change with a parameter, and how fast: itself and what follows."""
        value = cell.values[name]
        step = _NUDGE * (abs(value) or 1.0)
        try:
            after = cell_with(cell, {name: value + step}, self._moving).parameter_dict()
        except ParameterError:  # at its bound, or the mass fractions add up to 1
            step = -step
            after = cell_with(cell, {name: value + step}, self._moving).parameter_dict()
        before = cell.parameter_dict()
        ignored = ("Current function [A]", "Nominal cell capacity [A.h]")
        moved = {
            n: (after[n] - before[n]) / step
            for n in before
            if n not in ignored and after[n] != before[n]
        }
        return moved | {name: 1.0}

    def _follows(self, cell: Cell, name: str, inputs: tuple[str, ...]) -> np.ndarray:
        moved = self._moved(cell, name)
        return np.array([moved.get(n, 0.0) for n in inputs])
