"""What a fit found: values with errors, what stays unknown, and a new cell."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from sscell.analysis.comparison import half_cycle_table
from sscell.cells.cell import Cell
from sscell.cells.parameters import Parameter
from sscell.cells.shares import cell_with
from sscell.cells.writing import write_set
from sscell.errors import ParameterError
from sscell.fitting.courses import Course
from sscell.fitting.discrepancy import Correlated, correlated
from sscell.fitting.forward import Traced
from sscell.fitting.identifiability import Knowledge, correlated_noise, knowledge
from sscell.fitting.own_cycle import own_cycle
from sscell.fitting.problem import Problem
from sscell.fitting.residuals import capacities, points
from sscell.fitting.scores import score
from sscell.fitting.spectra import Spectrum
from sscell.fitting.verdict import Verdict, judged
from sscell.optimisers.bounds import Variable

__all__ = ["Fit", "Start", "score_of", "span_text"]

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
        Model less data, in the standard deviations that were counted: noise and
        discrepancy [-].
    misfit : float
        Root mean square of model less data, in those of the noise alone [-]; 1 where the
        model reaches it.
    dilution : float
        Residuals per independent residual [-].
    error : Correlated
        What the model is off by beside the noise.
    cost : float
        Sum of squared residuals, in standard deviations of the noise alone [-].
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
    traces : tuple of Traced
        All that the model did along each dataset.
    """

    cell: Cell
    problem: Problem
    u: np.ndarray
    knowledge: Knowledge
    residuals: np.ndarray
    misfit: float
    dilution: float
    error: Correlated
    cost: float
    starts: tuple[Start, ...]
    ended: str
    remarks: tuple[str, ...] = ()
    seed: int = 0
    model: tuple[np.ndarray, ...] = field(default=(), repr=False)
    traces: tuple[Traced, ...] = field(default=(), repr=False)

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
        ends = np.cumsum([c.count for c in problem.courses])
        count = int(ends[-1])
        parts = np.split(residuals[:count], ends[:-1])
        sizes = [c.measured.size for c in problem.courses]
        bare = _bare(problem)
        free = max(residuals.size - u.size, 1)
        cost = float(bare @ bare + residuals[count:] @ residuals[count:])
        misfit = math.sqrt(cost / free)
        dilution = correlated_noise([r[:n] for r, n in zip(parts, sizes, strict=True)])
        error = correlated(problem, residuals[:count], jacobian[:count])
        known = knowledge(jacobian, problem.variables, u, information=error.information)
        scores = [
            score_of(c, t) for c, t in zip(problem.courses, problem.traces, strict=True)
        ]
        verdict = judged(problem, scores, known.pinned)
        told = _remarks(problem, u, known, verdict, error)
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
            error,
            cost=cost,
            remarks=tuple(remarks),
            model=model,
            traces=problem.traces,
            **about,
        )

    @cached_property
    def datasets(self) -> list[dict[str, Any]]:
        """What each file says of the fit: mV on the flat part, distance, half cycles.

        ``own_cycle`` are the half cycles of the fitted cell run by itself, not along the
        data.
        """
        found = []
        for course, traced in zip(self.problem.courses, self.traces, strict=True):
            entry = {"file": course.label, **score_of(course, traced)}
            if isinstance(course, Course):
                entry["own_cycle"] = own_cycle(self.cell, course)
            found.append(entry)
        return found

    @cached_property
    def verdict(self) -> Verdict:
        """Whether the model describes the data, as a person would judge it."""
        pairs = zip(self.problem.courses, self.traces, strict=True)
        return judged(
            self.problem, [score_of(c, t) for c, t in pairs], self.knowledge.pinned
        )

    @property
    def weighed_cost(self) -> float:
        """Sum of squared residuals, in the standard deviations that were counted [-]."""
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
            f"{self.cell.name}: {self.ended}, {self.problem.evaluations} solves. "
            f"{self.verdict}"
        ]
        for entry in self.datasets:
            parts = [
                f"{entry[key]:.3g} {words}"
                for key, words in _WORDS.items()
                if entry.get(key) is not None
            ]
            lines.append(f"{entry['file']}: {', '.join(parts)}")
            lines += half_cycle_table(entry["half_cycles"])
            if entry.get("own_cycle"):
                lines.append("  run by itself:")
                lines += half_cycle_table(entry["own_cycle"])[1:]
        width = max(len(t) for t in self.values)
        for entry in self._parameters():
            low, high = entry["interval_95"]
            mark = "" if entry["pinned"] else "  (not pinned)"
            lines.append(
                f"  {entry['name']:<{width}}  {entry['value']:.5g} +/- "
                f"{entry['std_error']:.2g}   95 %: {span_text(low, high)}{mark}"
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
            for entry in self._parameters()
        ]
        head, *_ = str(self).splitlines()
        return html_table(head, rows, [*self.knowledge.sentences, *self.remarks])

    def _parameters(self) -> list[dict[str, Any]]:
        """What was found, parameter by parameter."""
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
        return parameters

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        known, volts, share = self.knowledge, 0.0, None
        for course in self.problem.courses:
            if isinstance(course, Course):
                volts, share = course.discrepancy
        return {
            "cell": self.cell.name,
            "verdict": self.verdict.as_dict(),
            "parameters": self._parameters(),
            "correlation": known.correlation.tolist(),
            "identifiability": list(known.sentences),
            "cost": self.cost,
            "misfit": self.misfit,
            "dilution": self.dilution,
            "datasets": self.datasets,
            "discrepancy": {
                "voltage_mV": None if share is None else 1e3 * volts,
                "charge": share,
                "correlation_length": self.error.length or None,
                "common": self.error.share,
            },
            "rms_all_mV": self._rms(Course),
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


def span_text(low: float, high: float) -> str:
    """An interval with as many digits as tell its ends apart.

    Parameters
    ----------
    low, high : float
        Its ends [any unit].

    Returns
    -------
    str

    Examples
    --------
    >>> span_text(3.999871e-6, 4.000129e-6)
    '3.999871e-06 to 4.000129e-06'
    """
    size, width = max(abs(low), abs(high)), abs(high - low)
    digits = 4 if not 0 < width < size else math.ceil(math.log10(size / width)) + 2
    digits = min(max(digits, 4), 9)
    return f"{low:.{digits}g} to {high:.{digits}g}"


def _bare(problem: Problem) -> np.ndarray:
    """Residuals in the standard deviations of the noise alone, at the last position [-]."""
    found = []
    for course, traced in zip(problem.courses, problem.traces, strict=True):
        if isinstance(course, Course):
            own = dataclasses.replace(course, discrepancy=(0.0, 0.0))
            found += [points(own, traced)[0], capacities(own, traced)[0]]
        else:
            off = traced.values - course.measured
            found.append(course.weight * off / course.errors)
    return np.concatenate(found)


def score_of(course: Course | Spectrum, traced: Traced) -> dict[str, Any]:
    """How far the model is from one dataset: a curve, or a spectrum.

    Parameters
    ----------
    course : Course or Spectrum
        The data.
    traced : Traced
        The model along them.

    Returns
    -------
    dict
        ``rms_mV``, ``distance`` and ``half_cycles``; of a spectrum ``rms_percent``.
    """
    if isinstance(course, Course):
        return score(course, traced)
    off = traced.values - course.measured
    return {
        "rms_mV": None,
        "distance": float(np.sqrt(np.mean((off / course.errors) ** 2))),
        "rms_percent": 100 * float(np.sqrt(np.mean(off**2))),
        "half_cycles": [],
    }


_MATTER = ("mass", "fraction", "capacity", "thickness", "offset", "loading")
_WORDS = {
    "rms_mV": "mV rms on the flat part",
    "rms_percent": "% rms of the modulus",
    "distance": "errors away",
}


def _one_rate(problem: Problem) -> list[str]:
    """What data of one rate in one direction cannot tell."""
    moving = [
        v.short
        for v in problem.variables
        if not any(word in v.name.lower() for word in _MATTER)
    ]
    signs, sizes = set(), []
    for course in problem.courses:
        if isinstance(course, Spectrum) or course.held.any():
            return []
        for half in course.halves:
            if half.compared:
                signs.add(half.sign)
                sizes += [abs(course.segments[k].current) for k in half.steps]
                if any(not course.segments[k].sign for k in half.steps[:-1]):
                    return []  # pulses and rests tell losses apart
    sizes = [s for s in sizes if s]
    if not moving or len(signs) > 1 or not sizes or max(sizes) > 1.2 * min(sizes):
        return []
    if len({c.celsius for c in problem.courses}) > 1:
        return []
    return [
        "All that is compared is one rate in one direction: it cannot tell diffusion, "
        f"resistance and open-circuit voltage apart. {', '.join(moving)} may move many times "
        "over with another rate, the other direction, a rest or a spectrum; add one."
    ]


def _remarks(
    problem: Problem, u: np.ndarray, known: Knowledge, verdict: Verdict, error: Correlated
) -> list[str]:
    found = []
    errors = np.sqrt(np.diag(known.covariance))
    for v, x, width in zip(problem.variables, u, errors, strict=True):
        if side := _bound(float(x), float(width)):
            found.append(_bound_remark(problem, v, side))
    if verdict.word != "describes":
        found.insert(0, verdict.sentence)
    if error.size:
        curves = any(isinstance(c, Course) for c in problem.courses)
        way = "capacity" if curves else "frequencies"
        found.append(
            "Beside the noise, the model is off by an error that goes on over about "
            f"{error.length:.0%} of the {way}; the errors of the parameters hold it."
        )
    found += _one_rate(problem)
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
