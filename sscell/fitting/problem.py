"""What a fit minimises: residuals of one or many datasets over positions between bounds."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from sscell.cell import Cell
from sscell.engine import Resolution
from sscell.errors import ParameterError, SimulationError
from sscell.fitting.forward import Forward, Traced
from sscell.fitting.replay import Course
from sscell.fitting.spectra import Spectrum, spectrum_of

__all__ = ["Problem", "Variable", "cell_with", "variables_of"]

_WIDE = 3.0  # bounds further apart than this factor: logarithmic
_APART = 1e-4  # of the distance between the bounds, for differences
_NUDGE = 1e-6  # relative, for values that follow from others
_FORWARDS: dict[tuple[Any, ...], Forward] = {}


@dataclass(frozen=True)
class Variable:
    """A parameter that moves, between its bounds.

    Parameters
    ----------
    name : str
        PyBaMM's notation.
    low, high : float
        Bounds, in the unit of the name.
    log : bool, optional
        Whether it moves on a logarithmic scale.
    prior : tuple of float, optional
        Mean and standard deviation of what is known beforehand.
    course : int, optional
        The one dataset that it belongs to; default: all.
    label : str, optional
        That dataset's name.

    Examples
    --------
    >>> v = Variable("R3 rate constant [s-1]", 1e-6, 1e-2, log=True)
    >>> float(f"{v.value(0.5):.6g}"), round(v.position(1e-4), 6)
    (0.0001, 0.5)
    """

    name: str
    low: float
    high: float
    log: bool = False
    prior: tuple[float, float] | None = None
    course: int | None = None
    label: str = ""

    @property
    def title(self) -> str:
        """Name, with the dataset where it has one of its own."""
        return f"{self.name} ({self.label})" if self.course is not None else self.name

    @property
    def short(self) -> str:
        """Title without the unit."""
        return self.title.replace(self.name, self.name.partition(" [")[0])

    @property
    def width(self) -> float:
        """Distance between the bounds [-]: of the logarithms, or in units of itself (1)."""
        return math.log(self.high / self.low) if self.log else 1.0

    def value(self, position: float) -> float:
        """Value at a position [unit of the name].

        Parameters
        ----------
        position : float
            Between the bounds, 0 to 1 [-].
        """
        if self.log:
            return float(self.low * (self.high / self.low) ** position)
        return float(self.low + (self.high - self.low) * position)

    def position(self, value: float) -> float:
        """Position of a value, at the nearer bound if it lies outside, 0 to 1 [-].

        Parameters
        ----------
        value : float
            In the unit of the name.
        """
        value = min(max(value, self.low), self.high)
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def slope(self, position: float) -> float:
        """Derivative of the value by the position [unit of the name].

        Parameters
        ----------
        position : float
            Between the bounds, 0 to 1 [-].
        """
        if self.log:
            return self.value(position) * self.width
        return self.high - self.low

    def pull(self, position: float) -> tuple[float, float]:
        """Residual of the prior and its derivative by the position [-].

        Parameters
        ----------
        position : float
            Between the bounds, 0 to 1 [-].
        """
        mean, spread = self.prior or (0.0, math.inf)
        if self.log:  # of the logarithm, so that the scale of the prior is that of the fit
            return (
                (math.log(self.value(position) / mean)) * mean / spread,
                self.width * mean / spread,
            )
        return (self.value(position) - mean) / spread, self.slope(position) / spread


def variables_of(
    cell: Cell,
    vary: Mapping[str, tuple[float, float]],
    labels: Sequence[str],
    log: Sequence[str] | None = None,
    priors: Mapping[str, tuple[float, float]] | None = None,
    separate: Sequence[str] = (),
) -> tuple[Variable, ...]:
    """Parameters that move, checked.

    Parameters
    ----------
    cell : Cell
        Whose parameters they are.
    vary : mapping of str to tuple of float
        Lower and upper bound by name.
    labels : sequence of str
        Names of the datasets.
    log : sequence of str, optional
        Those on a logarithmic scale; default: positive bounds more than a factor 3 apart.
    priors : mapping of str to tuple of float, optional
        Mean and standard deviation by name.
    separate : sequence of str, optional
        Those with one value for each dataset.

    Returns
    -------
    tuple of Variable

    Raises
    ------
    ParameterError
        If a name is unknown, or a bound or a prior is not usable.

    Examples
    --------
    >>> cell = Cell.load("Ji2024")
    >>> [v.log for v in variables_of(cell, {"R3 rate constant [s-1]": (1e-6, 1e-3)}, ["a"])]
    [True]
    """
    if not vary:
        raise ParameterError("Name at least one parameter to vary, with its bounds.")
    for what, names in (("log", log), ("priors", priors), ("separate", separate)):
        for name in names or ():
            if name not in vary:
                raise ParameterError(f"'{name}' of {what} is not among those that vary.")
    found: list[Variable] = []
    for name, bounds in vary.items():
        low, high = _bounds(cell, name, bounds)
        wide = low > 0 and high / low > _WIDE
        scale = wide if log is None else name in log
        if scale and low <= 0:
            raise ParameterError(f"'{name}' needs a positive lower bound for a log scale.")
        prior = _prior(name, (priors or {}).get(name), scale)
        own = enumerate(labels) if name in separate else [(None, "")]
        found += [Variable(name, low, high, scale, prior, k, label) for k, label in own]
    return tuple(found)


def _bounds(cell: Cell, name: str, bounds: Any) -> tuple[float, float]:
    quantity = cell.quantity(name)
    if name == "Ambient temperature [K]":
        raise ParameterError(
            "The temperature is a condition of the data; give it with each dataset."
        )
    try:
        low, high = (quantity.check(float(b)) for b in bounds)
    except (TypeError, ValueError) as error:
        if isinstance(error, ParameterError):
            raise
        raise ParameterError(f"'{name}' needs two bounds, not {bounds!r}.") from None
    if low >= high:
        raise ParameterError(f"The bounds of '{name}', {low:g} and {high:g}, are no range.")
    return low, high


def _prior(name: str, prior: Any, log: bool) -> tuple[float, float] | None:
    if prior is None:
        return None
    try:
        mean, spread = (float(x) for x in prior)
    except (TypeError, ValueError):
        raise ParameterError(f"The prior of '{name}' needs a mean and an error.") from None
    if not (math.isfinite(mean) and 0 < spread < math.inf) or (log and mean <= 0):
        raise ParameterError(f"The prior of '{name}' must be positive, not {prior!r}.")
    return mean, spread


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
    evaluations, sloped_evaluations, failures, last_failure
        How many positions were evaluated, how many of them with derivatives, how many
        failed, and why the last did.
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
            Shapes (points + priors,) and (points + priors, variables).

        Raises
        ------
        SimulationError
            If the model fails at these values.
        """
        try:
            return self._kept(u, True)
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
        numpy.ndarray, shape (points + priors,)
            In standard deviations [-].

        Raises
        ------
        SimulationError
            If the model fails at these values.
        """
        return self._kept(u, False)[0]

    def _kept(self, u: np.ndarray, sloped: bool) -> tuple[np.ndarray, np.ndarray]:
        u = np.asarray(u, dtype=float)
        at, *kept = self._found.get(sloped, (b"",))
        if not kept or u.tobytes() != at:
            self.evaluations += 1
            self.sloped_evaluations += sloped
            try:
                kept = list(self._evaluate(u, sloped))
            except (SimulationError, ParameterError) as error:
                self.failures, self.last_failure = self.failures + 1, str(error)
                raise SimulationError(str(error)) from error
            self._found[sloped] = (u.tobytes(), *kept)
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
            scale = course.weight / course.deviations
            rows.append((traced.values - course.measured) * scale)
            columns.append(traced.slopes * scale[:, None])
            traces.append(traced)
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
        forward = self._forward(self.values(u, number) if sloped else {})
        traced = forward.trace(cell, course)
        slopes = np.zeros((traced.values.size, u.size))
        for k, variable in enumerate(self.variables):
            if sloped and variable.course in (None, number):
                weights = self._follows(cell, variable.name, forward.names)
                slopes[:, k] = traced.slopes @ weights * variable.slope(u[k])
        return replace(traced, slopes=slopes)

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

    def _forward(self, values: Mapping[str, float]) -> Forward:
        names = tuple(sorted({n for name in values for n in self._moved(self.cell, name)}))
        resolution = self.resolution
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


def _sites(cell: Cell) -> tuple[str, ...]:
    """Kinds of site whose fractions add up to one; none in a conversion cathode."""
    return tuple(cell.data.get("network", {}).get("sites", ()))


def cell_with(
    cell: Cell, values: Mapping[str, float], moving: Collection[str] | None = None
) -> Cell:
    """Cell with other values; what is left of the sites goes to those that do not vary.

    Parameters
    ----------
    cell : Cell
        What does not change.
    values : mapping of str to float
        Values by name.
    moving : collection of str, optional
        Names that vary, if more than those of `values`.

    Returns
    -------
    Cell

    Raises
    ------
    ParameterError
        If a value is out of bounds, or the fractions of all sites vary.

    Examples
    --------
    >>> cell = cell_with(Cell.load("Liang2023"), {"Upper step fraction": 0.6})
    >>> round(cell.values["Lower step fraction"], 6)
    0.4
    """
    kinds = [f"{n} fraction" for n in _sites(cell)]
    given = {n: values[n] for n in kinds if n in values}
    if not given:
        return cell.replace(values, "a trial of the fit")
    fixed = set(moving or values)
    rest = [n for n in kinds if n not in fixed]
    taken = sum(values.get(n, cell.values[n]) for n in kinds if n in fixed)
    share = sum(cell.values[n] for n in rest)
    if not rest or taken >= 1 or share <= 0:
        raise ParameterError(
            "The fractions of the sites must add up to 1: leave at least one of "
            f"{', '.join(kinds)} out of those that vary, and bound the others."
        )
    others = {n: cell.values[n] * (1 - taken) / share for n in rest}
    return cell.replace({**values, **others}, "a trial of the fit")
