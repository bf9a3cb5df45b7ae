"""Fit the parameters of a cell to measured curves, with errors and what stays unknown."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from sscell.cell import Cell
from sscell.errors import ParameterError, SimulationError
from sscell.fitting.problem import Problem
from sscell.fitting.result import Fit, Start
from sscell.fitting.setup import Bounds, prepare
from sscell.model import SHELLS
from sscell.protocols.steps import whole

__all__ = ["fit"]

Progress = Callable[[float, str], None]
_FAILED = 1e4  # standard deviations: residuals of a solve that failed
# Of the cost, per variance: a fifth of a standard error. Nearer, it follows the noise of the
# integrator.
_CLOSE = 0.05
_STILL = 3  # evaluations without that gain: derivatives are taken afresh, then it ends
_FORETOLD = 0.6  # of the change of the residuals: worse, derivatives are taken afresh
_MESH = 0.5  # of the noise
_INSIDE = 1e-6  # the optimiser starts inside the bounds
_SHIFT = 1.0


class _Arrived(Exception):
    """What is left of the way is small against the errors."""

    def __init__(self, u: np.ndarray, cost: float):
        super().__init__()
        self.u, self.cost = np.array(u), cost


def _left(residuals: np.ndarray, jacobian: np.ndarray, u: np.ndarray) -> float:
    """Square of the next step, in standard errors: what the cost can still fall by."""
    gradient = jacobian.T @ residuals
    # At a bound, only a step back inside counts.
    held = ((u < 2 * _INSIDE) & (gradient > 0)) | ((u > 1 - 2 * _INSIDE) & (gradient < 0))
    matrix, own = jacobian[:, ~held], gradient[~held]
    if not own.size:
        return 0.0
    step = np.linalg.lstsq(matrix, residuals, rcond=1e-10)[0]
    free = max(residuals.size - u.size, 1)
    return float(own @ step) / max(float(residuals @ residuals) / free, 1.0)


class _Stalled(Exception):
    """Several evaluations in a row gained next to nothing."""


@dataclass
class _Search:
    """Descents from one start after another, with the best so far."""

    problem: Problem
    starts: list[np.ndarray]
    limit: int
    on_progress: Progress | None
    file: Path | None
    key: str
    done: list[Start] = field(default_factory=list)
    u: np.ndarray | None = None
    cost: float = math.inf
    trail: list[dict[str, Any]] = field(default_factory=list)
    current: int = 0
    last: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
    bests: list[float] = field(default_factory=list)
    best: tuple[float, np.ndarray] = (math.inf, np.empty(0))

    def residuals(self, u: np.ndarray) -> np.ndarray:
        try:
            residuals = self.problem.residuals(u)
        except SimulationError:
            # Far above any honest cost, so that the optimiser takes a shorter step.
            return np.full(self._count(), _FAILED)
        cost = float(residuals @ residuals)
        if cost < self.cost:
            self.cost, self.u = cost, np.array(u)
        self.trail.append({"start": self.current, "u": u.tolist(), "cost": cost})
        self._tell(cost)
        self._notice_a_stall(u, cost)
        return residuals

    def _notice_a_stall(self, u: np.ndarray, cost: float) -> None:
        """Where derivatives are stale, or only the integrator's noise moves the cost."""
        if cost < self.best[0]:
            self.best = cost, np.array(u)
        self.bests.append(self.best[0])
        if len(self.bests) <= _STILL:
            return
        if self.bests[-1 - _STILL] - self.bests[-1] < _CLOSE * self._unit(self.best[0]):
            raise _Stalled

    def jacobian(self, u: np.ndarray) -> np.ndarray:
        """Derivatives: updated by the last step where they foretold it, else afresh."""
        residuals = self.problem.residuals(u)
        matrix = self._updated(u, residuals)
        if matrix is None or _left(residuals, matrix, u) < _CLOSE:
            _, matrix = self.problem(u)
            if _left(residuals, matrix, u) < _CLOSE:
                raise _Arrived(u, float(residuals @ residuals))
        self.last = (np.array(u), residuals, matrix)
        return matrix

    def _updated(self, u: np.ndarray, residuals: np.ndarray) -> np.ndarray | None:
        """Broyden's update of the last derivatives; None where they are no use."""
        if self.last is None:
            return None
        before, past, matrix = self.last
        step = u - before
        length = float(step @ step)
        if length == 0:
            return matrix
        off = residuals - past - matrix @ step
        if np.linalg.norm(off) > _FORETOLD * np.linalg.norm(residuals - past):
            return None
        return matrix + np.outer(off, step) / length

    def _count(self) -> int:
        priors = sum(v.prior is not None for v in self.problem.variables)
        return sum(c.measured.size for c in self.problem.courses) + priors

    def _tell(self, cost: float) -> None:
        self.write("running")
        if self.on_progress is None or self.u is None:
            return
        values = ", ".join(
            f"{v.short} {v.value(x):.4g}"
            for v, x in zip(self.problem.variables, self.u, strict=True)
        )
        share = self.problem.evaluations / (self.limit * len(self.starts))
        self.on_progress(
            min(share, 0.99),
            f"start {self.current + 1}/{len(self.starts)}, cost {cost:.4g}, "
            f"best {self.cost:.4g}: {values}",
        )

    def write(self, state: str) -> None:
        """Put what is known into the file, whole or not at all."""
        if self.file is None:
            return
        record = {
            "problem": self.key,
            "state": state,
            "starts": [s.as_dict() for s in self.done],
            "trail": self.trail,
        }
        beside = self.file.with_name(self.file.name + ".part")
        beside.write_text(json.dumps(record), encoding="utf-8")
        beside.replace(self.file)

    def resume(self) -> None:
        """Take finished starts, and the best point of the one that was cut short."""
        if self.file is None or not self.file.exists():
            return
        try:
            record = json.loads(self.file.read_text(encoding="utf-8"))
            known = record["problem"]
        except (ValueError, KeyError, TypeError):
            raise ParameterError(f"'{self.file}' is no log of a fit.") from None
        if known != self.key:
            raise ParameterError(
                f"'{self.file}' is the log of another fit (other data, cell, bounds or "
                "options); give another file."
            )
        self.done = [Start.from_dict(s) for s in record["starts"]]
        self.trail = record["trail"]
        for entry in self.trail:
            if entry["cost"] < self.cost:
                self.cost, self.u = entry["cost"], np.array(entry["u"])
        cut = [e for e in self.trail if e["start"] == len(self.done)]
        if cut and len(self.done) < len(self.starts):
            best = min(cut, key=lambda e: e["cost"])
            self.starts[len(self.done)] = np.array(best["u"])

    def run(self) -> None:
        """All starts that are not done."""
        for number in range(len(self.done), len(self.starts)):
            self.current = number
            self.done.append(self._descend(self.starts[number]))
            self.write("running")

    def _descend(self, u: np.ndarray) -> Start:
        before = self.problem.evaluations
        u = np.clip(u, _INSIDE, 1 - _INSIDE)
        try:
            self.problem.residuals(u)
        except SimulationError as error:
            return Start(u.tolist(), u.tolist(), math.inf, 1, f"failed: {error}")
        start, best, ended = u, math.inf, "converged"
        while True:
            self.last, self.bests, self.best = None, [], (math.inf, u)
            try:
                return self._least_squares(start, u, before)
            except _Arrived as arrived:
                cost, end = arrived.cost, arrived.u
                break
            except SimulationError as error:
                (cost, end), ended = self.best, f"failed: {error}"
                break
            except _Stalled:
                cost, end = self.best
                if best - cost < _CLOSE * self._unit(cost):
                    break
                best, u = cost, np.clip(end, _INSIDE, 1 - _INSIDE)
        used = self.problem.evaluations - before
        return Start(start.tolist(), end.tolist(), cost, used, ended)

    def _unit(self, cost: float) -> float:
        """Variance of the residuals, at least that of the noise."""
        return max(cost / max(self._count() - len(self.problem.variables), 1), 1.0)

    def _least_squares(self, start: np.ndarray, u: np.ndarray, before: int) -> Start:
        from scipy.optimize import least_squares

        # The first trust region is as wide as the start is far from zero: a start at its
        # lower bound would not move.
        found = least_squares(
            lambda x: self.residuals(x - _SHIFT),
            u + _SHIFT,
            jac=lambda x: self.jacobian(x - _SHIFT),
            bounds=(_SHIFT, 1.0 + _SHIFT),
            method="trf",
            x_scale="jac",
            ftol=1e-5,
            xtol=1e-6,
            gtol=1e-9,
            max_nfev=self.limit,
        )
        ended = "evaluations used up" if found.status == 0 else "converged"
        used = self.problem.evaluations - before
        end = (found.x - _SHIFT).tolist()
        return Start(start.tolist(), end, float(2 * found.cost), used, ended)


def fit(
    cell: str | Cell,
    datasets: Any,
    vary: Bounds,
    *,
    starts: int = 1,
    seed: int = 0,
    max_evaluations: int = 40,
    log_file: str | Path | None = None,
    on_progress: Progress | None = None,
    **options: Any,
) -> Fit:
    """Fit parameters to measured curves by least squares with exact derivatives.

    Parameters
    ----------
    cell : str or Cell
        Where the first start begins.
    datasets : xarray.Dataset, sequence or mapping of them
        Any time series of this cell: discharge, charge, titration, rate test, holds and
        sweeps (repeated by their current).
    vary : mapping of str to tuple of float
        Bounds by parameter [unit of the name].
    starts : int, optional
        The first is the cell as it is, the others a Latin hypercube between the bounds.
    seed : int, optional
        Of the other starts.
    max_evaluations : int, optional
        Largest number of solves of a start.
    log_file : str or pathlib.Path, optional
        JSON file of what is done; a fit that finds its own goes on from there.
    on_progress : callable, optional
        Called with the share done [-] and a text: cost and best values.
    **options
        ``temperature``, ``pressure``, ``weights``, ``states``, ``noise``, ``cutoffs``, ``log``,
        ``priors``, ``separate``, ``points``, ``only``, ``resolution``, as for `prepare`.

    Returns
    -------
    Fit
        An interrupt (Ctrl-C) ends it with the best so far.

    Raises
    ------
    ParameterError
        If a parameter or an option is not usable.
    DataError
        If the data cannot be of this cell.
    SimulationError
        If the model fails at every start.

    Examples
    --------
    >>> import sscell
    >>> cell = sscell.load("Ji2024")
    >>> from sscell.engine import Resolution
    >>> coarse = Resolution(shells=25)  # as a fit has it
    >>> run = sscell.simulate(cell, sscell.discharge("C/10"), temperature=60, resolution=coarse)
    >>> changed = cell.replace({"Separator conductivity [S.m-1]": 0.006})
    >>> found = fit(changed, run, {"Separator conductivity [S.m-1]": (0.002, 0.05)})
    >>> round(found.cell.values["Separator conductivity [S.m-1]"], 3)
    0.01
    """
    for name, number in (("starts", starts), ("max_evaluations", max_evaluations)):
        whole(number, name)
    whole(seed, "The seed", 0)
    if log_file is not None and not Path(log_file).parent.is_dir():
        raise ParameterError(f"The folder '{Path(log_file).parent}' does not exist.")
    problem, told = prepare(cell, datasets, vary, **options)
    points = _starts(problem.start(), starts, seed)
    key = _digest(problem, points, max_evaluations)
    file = None if log_file is None else Path(log_file)
    search = _Search(problem, points, max_evaluations, on_progress, file, key)
    search.resume()
    ended = "converged"
    try:
        search.run()
    except KeyboardInterrupt:
        if search.u is None:
            raise
        ended = "interrupted"
    return _conclude(search, ended, told, seed)


def _starts(first: np.ndarray, count: int, seed: int) -> list[np.ndarray]:
    from scipy.stats import qmc

    others = qmc.LatinHypercube(first.size, seed=seed).random(count - 1)
    return [first, *(0.05 + 0.9 * others)]


def _digest(problem: Problem, points: Sequence[np.ndarray], limit: int) -> str:
    """Fingerprint of everything that the course of a fit depends on."""
    said = hashlib.sha256()
    for item in (
        sorted(problem.cell.values.items()),
        problem.cell.structure,
        problem.variables,
        problem.resolution,
        limit,
        [p.tolist() for p in points],
    ):
        said.update(repr(item).encode())
    for found in problem.courses:
        said.update(found.fingerprint)
    return said.hexdigest()[:32]


def _mesh_remark(problem: Problem, u: np.ndarray, residuals: np.ndarray) -> list[str]:
    """Say what the mesh of a simulation would change, where the noise does not hide it."""
    if problem.resolution.shells >= SHELLS:
        return []
    finer = replace(problem.resolution, shells=SHELLS)
    try:
        there = Problem(problem.cell, problem.courses, problem.variables, finer).residuals(
            u
        )
    except SimulationError:
        return []
    off = float(np.sqrt(np.mean((there - residuals) ** 2)))
    if off < _MESH:
        return []
    return [
        f"At the {SHELLS} shells of a simulation the model moves by {off:.2g} times the noise "
        f"(fitted with {problem.resolution.shells}): fit with {SHELLS} shells."
    ]


def _conclude(search: _Search, ended: str, told: list[str], seed: int) -> Fit:
    problem = search.problem
    if search.u is None:
        raise SimulationError(
            f"The model failed at every start ({problem.last_failure}). Give other values "
            "or narrower bounds."
        )
    if ended == "converged" and any(s.ended == "evaluations used up" for s in search.done):
        ended = "evaluations used up"
    residuals = problem.residuals(search.u)
    try:
        _, jacobian = problem(search.u)
    except SimulationError as error:
        jacobian = np.zeros((residuals.size, search.u.size))
        told = [*told, f"There are no errors: the derivatives failed ({error})."]
    told = [*told, *_mesh_remark(problem, search.u, residuals)]
    problem.residuals(search.u)  # the traces shown belong to these residuals
    search.write(ended)
    return Fit.of(
        problem,
        search.u,
        residuals,
        jacobian,
        starts=tuple(search.done),
        ended=ended,
        remarks=tuple(told),
        seed=seed,
    )
