"""What a fit found: values with errors, what stays unknown, and a new cell."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sscell.cells.cell import Cell
from sscell.cells.parameters import Parameter
from sscell.cells.shares import cell_with
from sscell.cells.writing import write_set
from sscell.errors import ParameterError
from sscell.fitting.courses import Course
from sscell.fitting.identifiability import Knowledge, correlated_noise, knowledge
from sscell.fitting.problem import Problem
from sscell.fitting.spectra import Spectrum
from sscell.optimisers.bounds import Variable

__all__ = ["Fit", "Start"]

_STRANGE = 30.0  # times the noise
_AT_BOUND = 1e-5  # of the distance between the bounds: the descent was held there
_NEAR = 0.1  # of that distance: a loose value is not near both of its bounds


@dataclass(frozen=True)
class Start:
    """One descent.

    Parameters
    ----------
    begin, end : list of float
        Positions between the bounds [-].
    cost : float
        Sum of squared residuals at its end, in standard deviations.
    solves : int
        How often the model ran through all data.
    ended : str
        Why.
    """

    begin: list[float]
    end: list[float]
    cost: float
    solves: int
    ended: str

    def as_dict(self) -> dict[str, Any]:
        """Plain values; an infinite cost becomes None."""
        cost = self.cost if math.isfinite(self.cost) else None
        return dataclasses.asdict(self) | {"cost": cost}

    @classmethod
    def from_dict(cls, entry: dict[str, Any]) -> Start:
        """From what `as_dict` gave."""
        cost = math.inf if entry["cost"] is None else float(entry["cost"])
        known: dict[str, Any] = entry | {"cost": cost}
        return cls(**known)


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted cell and what the data say of it.

    Parameters
    ----------
    cell : Cell
        With the best values, of kind ``fitted``.
    problem : Problem
        Data and variables.
    u : numpy.ndarray, shape (n,)
        Best positions between the bounds [-].
    knowledge : Knowledge
        Errors, correlations, loose directions.
    residuals : numpy.ndarray, shape (points,)
        Model less data, in standard deviations of the noise [-].
    misfit : float
        Root mean square of them [-]; 1 where the model reaches the noise.
    dilution : float
        Residuals per independent residual [-].
    starts : tuple of Start
        All descents that ended.
    ended : str
        ``"converged"``, ``"interrupted"`` or ``"evaluations used up"``.
    remarks : tuple of str
        About data and parameters.
    seed : int
        Of the starts.
    model : tuple of numpy.ndarray
        The model at the points of each dataset [V, or share of the impedance].
    """

    cell: Cell
    problem: Problem
    u: np.ndarray
    knowledge: Knowledge
    residuals: np.ndarray
    misfit: float
    dilution: float
    starts: tuple[Start, ...]
    ended: str
    remarks: tuple[str, ...] = ()
    seed: int = 0
    model: tuple[np.ndarray, ...] = field(default=(), repr=False)

    @classmethod
    def of(
        cls,
        problem: Problem,
        u: np.ndarray,
        residuals: np.ndarray,
        jacobian: np.ndarray,
        **about: Any,
    ) -> Fit:
        """Conclude from the residuals and their derivatives at the best position.

        Parameters
        ----------
        problem : Problem
            Just evaluated at the best position.
        u : numpy.ndarray, shape (n,)
            Best position.
        residuals : numpy.ndarray, shape (points,)
            In standard deviations [-].
        jacobian : numpy.ndarray, shape (points, n)
            Their derivatives by the position [-].
        **about
            ``starts``, ``ended``, ``remarks`` and ``seed``.

        Returns
        -------
        Fit
        """
        sizes = np.cumsum([c.measured.size for c in problem.courses])
        parts = np.split(residuals[: sizes[-1]], sizes[:-1])
        free = max(residuals.size - u.size, 1)
        misfit = math.sqrt(float(residuals @ residuals) / free)
        dilution = correlated_noise(parts)
        known = knowledge(jacobian, problem.variables, u, max(misfit, 1.0) ** 2 * dilution)
        told = _remarks(problem, u, known, misfit, dilution)
        remarks = [*about.pop("remarks", ()), *told]
        if not all(known.pinned):
            remarks.append(
                "The errors take the valley of the cost as straight. With parameters that are "
                "not pinned it may be curved, for those tied to them too: a profile "
                "(--profile NAME) gives intervals that hold."
            )
        cell = _fitted_cell(problem, u, known)
        model = tuple(t.values for t in problem.traces)
        return cls(
            cell,
            problem,
            u,
            known,
            residuals,
            misfit,
            dilution,
            remarks=tuple(remarks),
            model=model,
            **about,
        )

    @property
    def cost(self) -> float:
        """Sum of squared residuals, in standard deviations of the noise [-]."""
        return float(self.residuals @ self.residuals)

    @property
    def values(self) -> dict[str, float]:
        """Best values by title [unit of the name]."""
        return {
            v.title: float(x)
            for v, x in zip(self.problem.variables, self.knowledge.values, strict=True)
        }

    @property
    def std_errors(self) -> dict[str, float]:
        """One standard error by title [unit of the name]."""
        return {
            v.title: float(x)
            for v, x in zip(self.problem.variables, self.knowledge.std_errors, strict=True)
        }

    @property
    def misses(self) -> list[str]:
        """Root mean square of model less data by dataset, in words with units."""
        volts, currents = self._rms(Course), self._rms_held
        curves = []
        for label in dict.fromkeys((*volts, *currents)):
            parts = [f"{volts[label]:.3g} mV rms"] if label in volts else []
            parts += [f"{currents[label]:.3g} uA rms"] if label in currents else []
            curves.append(f"{label}: {' and '.join(parts)}")
        return curves + [f"{k}: {x:.2g} % rms" for k, x in self._rms(Spectrum).items()]

    def interval(self, title: str, level: float = 0.95) -> tuple[float, float]:
        """Interval that holds the true value in this share of cases.

        Parameters
        ----------
        title : str
            As in `values`.
        level : float, optional
            Share, 0 to 1.

        Returns
        -------
        tuple of float
            Within the bounds, even on the scale of the fit [unit of the name].

        Raises
        ------
        ParameterError
            If there is no such parameter in the fit.
        """
        from scipy.stats import norm

        titles = list(self.values)
        if title not in titles:
            raise ParameterError(f"'{title}' was not fitted; fitted: {', '.join(titles)}.")
        k = titles.index(title)
        reach = norm.ppf(0.5 + level / 2) * math.sqrt(self.knowledge.covariance[k, k])
        variable = self.problem.variables[k]
        low, high = max(self.u[k] - reach, 0.0), min(self.u[k] + reach, 1.0)
        return variable.value(low), variable.value(high)

    def __str__(self) -> str:
        lines = [
            f"{self.cell.name}: {self.ended}, {self.problem.evaluations} solves, "
            f"misfit {self.misfit:.2f} of the noise "
            f"({', '.join(self.misses)})"
        ]
        width = max(len(t) for t in self.values)
        for entry in self.as_dict()["parameters"]:
            low, high = entry["interval_95"]
            mark = "" if entry["pinned"] else "  (not pinned)"
            lines.append(
                f"  {entry['name']:<{width}}  {entry['value']:.5g} +/- "
                f"{entry['std_error']:.2g}   95 %: {low:.4g} to {high:.4g}{mark}"
            )
        lines += [*self.knowledge.sentences, *self.remarks]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Table of the parameters, for a notebook."""
        from sscell.tables import html_table

        rows = [
            {
                "Name": entry["name"],
                "Value": entry["value"],
                "Standard error": entry["std_error"],
                "95 %, from": entry["interval_95"][0],
                "to": entry["interval_95"][1],
                "Pinned": "yes" if entry["pinned"] else "no",
            }
            for entry in self.as_dict()["parameters"]
        ]
        head, *_ = str(self).splitlines()
        return html_table(head, rows, [*self.knowledge.sentences, *self.remarks])

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        known = self.knowledge
        parameters = []
        for k, variable in enumerate(self.problem.variables):
            before = self.problem.cell.parameters[variable.name]
            parameters.append(
                {
                    "name": variable.title,
                    "value": float(known.values[k]),
                    "std_error": float(known.std_errors[k]),
                    "interval_95": list(self.interval(variable.title)),
                    "bounds": [variable.low, variable.high],
                    "log_scale": variable.log,
                    "pinned": known.pinned[k],
                    "at_bound": _bound(self.u[k], math.sqrt(known.covariance[k, k])),
                    "prior": None if variable.prior is None else list(variable.prior),
                    "started_from": before.value,
                    "started_from_kind": before.kind,
                }
            )
        return {
            "cell": self.cell.name,
            "parameters": parameters,
            "correlation": known.correlation.tolist(),
            "identifiability": list(known.sentences),
            "cost": self.cost,
            "misfit": self.misfit,
            "dilution": self.dilution,
            "rms_mV": self._rms(Course),
            "noise_mV": self._noise(Course),
            "rms_uA": self._rms_held,
            "rms_percent": self._rms(Spectrum),
            "noise_percent": self._noise(Spectrum),
            "points": int(self.residuals.size),
            "ended": self.ended,
            "solves": self.problem.evaluations,
            "sensitivity_solves": self.problem.sloped_evaluations,
            "failed_solves": self.problem.failures,
            "retried_solves": self.problem.retries,
            "starts": [s.as_dict() for s in self.starts],
            "seed": self.seed,
            "warnings": list(self.remarks),
        }

    def _rms(self, kind: type) -> dict[str, float]:
        """Root mean square of model less data by dataset [mV, or % of the modulus]."""
        pairs = zip(self.model, self.problem.courses, strict=True)
        found = {}
        for m, c in pairs:
            off = m - c.measured
            if isinstance(c, Course):
                off = off[~c.held]
            if isinstance(c, kind) and off.size:
                found[c.label] = c.scale * float(np.sqrt(np.mean(off**2)))
        return found

    @property
    def _rms_held(self) -> dict[str, float]:
        """Root mean square of the currents under set voltages by dataset [uA]."""
        pairs = zip(self.model, self.problem.courses, strict=True)
        return {
            c.label: 1e6 * float(np.sqrt(np.mean((m - c.measured)[c.held] ** 2)))
            for m, c in pairs
            if isinstance(c, Course) and c.held.any()
        }

    def _noise(self, kind: type) -> dict[str, float]:
        courses = self.problem.courses
        return {c.label: c.scale * c.noise for c in courses if isinstance(c, kind)}

    def save(self, path: str | Path) -> Path:
        """Write the fitted cell as a TOML file that loads anywhere.

        Parameters
        ----------
        path : str or pathlib.Path
            A ``.toml`` file in a folder that exists.

        Returns
        -------
        pathlib.Path

        Raises
        ------
        ParameterError
            If the path is not usable.
        """
        return write_set(self.cell.parameters, path)


def _bound(position: float, error: float) -> str | None:
    """Bound that a value cannot be told from, in its own errors; position and error [-]."""
    reach = max(_AT_BOUND, min(error, _NEAR)) if error == error else _AT_BOUND
    if position < reach:
        return "lower"
    return "upper" if position > 1 - reach else None


def _bound_remark(problem: Problem, v: Variable, side: str) -> str:
    edge = v.low if side == "lower" else v.high
    quantity = problem.cell.quantity(v.name)
    if edge == (quantity.lower if side == "lower" else quantity.upper):
        most = "smallest" if side == "lower" else "largest"
        return (
            f"{v.short} cannot be told from {edge:g}, the {most} that is allowed: its interval "
            "is one-sided."
        )
    return (
        f"{v.short} lies at its {side} bound, {edge:g}; its error is that of a value "
        "inside, so widen the bound or doubt the model."
    )


def _remarks(
    problem: Problem, u: np.ndarray, known: Knowledge, misfit: float, dilution: float
) -> list[str]:
    found = []
    errors = np.sqrt(np.diag(known.covariance))
    for v, x, error in zip(problem.variables, u, errors, strict=True):
        if side := _bound(float(x), float(error)):
            found.append(_bound_remark(problem, v, side))
    missing = sum(int(t.missing.sum()) for t in problem.traces)
    if missing > len(problem.courses) * 4:
        found.append(f"The model reaches its cut-off before {missing} points of the data.")
    if misfit > _STRANGE:
        found.insert(
            0,
            "The model does not describe these data: look at the curves before any number "
            "(another cell, reference, unit or state at the start?).",
        )
    if misfit > 1.5:
        found.append(
            f"The model misses the data by {misfit:.2g} times the noise; the errors are "
            "widened by that factor, which does not make them right where the model is wrong."
        )
    if dilution > 1:
        found.append(
            "Residuals go on from point to point: as few independent points as one in "
            f"{dilution:.2g} were counted for the errors."
        )
    own = [v for v in problem.variables if v.course is not None]
    if own:
        label = next(v.label for v in own)
        names = ", ".join(dict.fromkeys(v.name.partition(" [")[0] for v in own))
        found.append(f"The cell carries the value of {label} for {names}.")
    if problem.failures:
        again = "" if not problem.retries else f", {problem.retries} of them solved tighter"
        found.append(
            f"{problem.failures} of {problem.evaluations} solves failed and were stepped "
            f"around{again} (the last: {problem.last_failure})."
        )
    return found


def _fitted_cell(problem: Problem, u: np.ndarray, known: Knowledge) -> Cell:
    before = problem.cell.parameters
    values = cell_with(problem.cell, problem.values(u)).values
    entries = dict(before.parameters)
    labels = tuple(c.label for c in problem.courses)
    fitted = list(dict.fromkeys(v.name for v in problem.variables))
    for name in fitted:
        own = [k for k, v in enumerate(problem.variables) if v.name == name]
        entries[name] = _entry(name, own, problem.variables, known, labels)
    for name, old in before.parameters.items():
        if name not in fitted and values[name] != old.value:
            entries[name] = _dependent(old, values[name], fitted)
    name = f"{problem.cell.name} fitted"
    data = {**before.data, "name": name, "observables": before.observables}
    return Cell(dataclasses.replace(before, name=name, data=data, parameters=entries))


def _dependent(old: Parameter, value: float, fitted: Sequence[str]) -> Parameter:
    """Value that follows from the fitted ones: by its own formula, or what they leave."""
    if old.kind == "derived":
        return dataclasses.replace(old, value=value)
    shares = [name for name in fitted if name.endswith("fraction")]
    return Parameter(
        old.name,
        value,
        "derived",
        "what the fitted fractions leave",
        formula=f"1 - ({' + '.join(shares)}), shared with the other fractions as before",
    )


def _entry(
    name: str,
    own: Sequence[int],
    variables: Sequence[Variable],
    known: Knowledge,
    labels: tuple[str, ...],
) -> Parameter:
    first = own[0]
    note = ""
    if len(own) > 1:
        note = "one for each dataset: " + ", ".join(
            f"{variables[k].label} {known.values[k]:.6g} +/- {known.std_errors[k]:.2g}"
            for k in own
        )
    v = variables[first]
    # A value that the data do not pin keeps its bounds as its range.
    firm = known.pinned[first]
    value = float(f"{known.values[first]:.9g}")
    return Parameter(
        name,
        value if firm else min(max(value, v.low), v.high),
        "fitted",
        "least squares to measured curves and spectra",
        note=note,
        std_error=float(f"{known.std_errors[first]:.3g}") if firm else None,
        range=None if firm else (v.low, v.high),
        observables=labels,
    )
