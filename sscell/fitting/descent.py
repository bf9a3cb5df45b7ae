"""One descent after another: rough and fast far from the data, as exact as asked at the end."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from sscell.errors import ParameterError, SimulationError
from sscell.fitting.problem import Problem
from sscell.fitting.result import Start
from sscell.optimisers.broyden import BroydenJacobian
from sscell.simulation.progress import FitEvent, Progress
from sscell.solver.watch import watched

__all__ = ["Search"]

_FAILED = 1e4  # standard deviations: residuals of a solve that failed
# Of the cost, per variance: a fifth of a standard error. Nearer, it follows the noise of the
# integrator.
_CLOSE = 0.05
_STILL = 3  # evaluations without that gain: derivatives are taken afresh, then it ends
# Tolerances on the way, times those of the fit. The mesh stays: with fewer shells the cost has
# other minima.
_ROUGH, _LOOSE = 100.0, 10.0
_ROUGH_GAIN = 0.02  # of the cost: with less in reach, it goes on with those of the fit
_LARGEST_RTOL = 1e-3
_INSIDE = 1e-6  # the optimiser starts inside the bounds
_SHIFT = 1.0


class _Arrived(Exception):
    """What is left of the way is small against the errors."""

    def __init__(self, u: np.ndarray, cost: float):
        super().__init__()
        self.u, self.cost = np.array(u), cost


def _left(residuals: np.ndarray, jacobian: np.ndarray, u: np.ndarray) -> float:
    """What the next step takes off the cost, if the model is straight."""
    gradient = jacobian.T @ residuals
    # At a bound, only a step back inside counts.
    held = ((u < 2 * _INSIDE) & (gradient > 0)) | ((u > 1 - 2 * _INSIDE) & (gradient < 0))
    matrix, own = jacobian[:, ~held], gradient[~held]
    if not own.size:
        return 0.0
    step = np.linalg.lstsq(matrix, residuals, rcond=1e-10)[0]
    return float(own @ step)


def _inside(u: np.ndarray) -> np.ndarray:
    """Positions within the bounds that shifting and back leaves as they are."""
    return (np.clip(u, _INSIDE, 1 - _INSIDE) + _SHIFT) - _SHIFT


class _Stalled(Exception):
    """Several evaluations in a row gained next to nothing."""


@dataclass(frozen=True)
class _Stage:
    """With what a descent evaluates, and what it counts as arrived."""

    values: Problem
    slopes: Problem
    final: bool = True

    def close(self, cost: float) -> float:
        """What a step must gain to be worth it."""
        if not self.final:
            return _ROUGH_GAIN * cost
        free = max(self.count - len(self.values.variables), 1)
        return _CLOSE * max(cost / free, 1.0)  # of the variance, at least that of the noise

    @property
    def count(self) -> int:
        """Number of residuals."""
        priors = sum(v.prior is not None for v in self.values.variables)
        return sum(c.count for c in self.values.courses) + priors


def _stages(problem: Problem) -> list[_Stage]:
    """A rough one far from the data, then that of the fit."""
    own = problem.resolution

    def like(factor: float) -> Problem:
        factor = max(min(factor, _LARGEST_RTOL / own.rtol), 1.0)
        loose = replace(own, rtol=factor * own.rtol, atol=factor * own.atol)
        return Problem(problem.cell, problem.courses, problem.variables, loose)

    return [
        # Derivatives as rough as that may lead nowhere.
        _Stage(like(_ROUGH), like(_LOOSE), final=False),
        _Stage(problem, like(_LOOSE)),
    ]


@dataclass
class Search:
    """Descents from one start after another, with the best so far.

    Parameters
    ----------
    problem : Problem
        What is minimised.
    starts : list of numpy.ndarray
        Positions between the bounds, 0 to 1.
    limit : int
        Largest number of evaluations of one descent.
    on_progress : callable or None
        Called with the share done [-] and a text.
    file : pathlib.Path or None
        Log of what is done.
    key : str
        Fingerprint of everything that the course depends on.
    done : list of Start
        Finished descents.
    u, cost : numpy.ndarray and float
        Best position, and the sum of squares there [-].
    trail : list of dict
        Every evaluation.
    listener : callable or None
        Called with each `FitEvent`.
    interrupted : bool
        Whether it was ended before it was done.
    """

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
    listener: Callable[[FitEvent], None] | None = None
    interrupted: bool = False

    def __post_init__(self) -> None:
        self.stages = _stages(self.problem)
        self.stage = self.stages[-1]
        self.current = 0
        self.slopes = self._derivatives()
        self.bests: list[float] = []
        self.best: tuple[float, np.ndarray] = (math.inf, np.empty(0))

    @property
    def evaluations(self) -> int:
        """Solves so far, rough ones and those with derivatives included."""
        return sum(p.evaluations for p in self._problems())

    def _problems(self) -> list[Problem]:
        found = [p for stage in self.stages for p in (stage.values, stage.slopes)]
        return list({id(p): p for p in found}.values())

    def count_all(self) -> None:
        """Put what the stages counted into the problem itself."""
        for other in self._problems():
            if other is not self.problem:
                self.problem.add_counts(other)

    def _residuals(self, u: np.ndarray) -> np.ndarray:
        try:
            residuals = self.stage.values.residuals(u)
        except SimulationError:
            # Far above any honest cost, so that the optimiser takes a shorter step.
            return np.full(self.stage.count, _FAILED)
        self._note(u, float(residuals @ residuals))
        return residuals

    def _note(self, u: np.ndarray, cost: float) -> None:
        final = self.stage.final
        if final and cost < self.cost:
            self.cost, self.u = cost, np.array(u)
        entry = {"start": self.current, "u": u.tolist(), "cost": cost}
        self.trail.append(entry if final else {**entry, "rough": True})
        if cost < self.best[0]:
            self.best = cost, np.array(u)
        self._tell(u, cost)
        watched().check()
        self._notice_a_stall()

    def _notice_a_stall(self) -> None:
        """Where derivatives are stale, or only the integrator's noise moves the cost."""
        self.bests.append(self.best[0])
        if len(self.bests) <= _STILL:
            return
        if self.bests[-1 - _STILL] - self.bests[-1] < self.stage.close(self.best[0]):
            raise _Stalled

    def _jacobian(self, u: np.ndarray) -> np.ndarray:
        """Derivatives: updated by the last step where they foretold it, else afresh."""
        residuals = self.stage.values.residuals(u)
        cost = float(residuals @ residuals)
        close = self.stage.close(cost)

        def near(matrix: np.ndarray) -> bool:
            return _left(residuals, matrix, u) < close

        # That it has arrived, only derivatives computed there may say.
        matrix, _ = self.slopes.at(
            u, residuals, lambda m: not (self.stage.final and near(m))
        )
        if near(matrix):
            raise _Arrived(u, cost)
        return matrix

    def _derivatives(self) -> BroydenJacobian:
        return BroydenJacobian(lambda u, _: self.stage.slopes(u)[1])

    def _tell(self, u: np.ndarray, cost: float) -> None:
        self.write("running")
        if self.on_progress is None and self.listener is None:
            return
        best, place = self.best
        rough = not self.stage.final
        share = min(self.evaluations / (self.limit * len(self.starts)), 0.99)
        values = ", ".join(
            f"{v.short} {v.value(x):.4g}"
            for v, x in zip(self.problem.variables, place, strict=True)
        )
        text = (
            f"start {self.current + 1}/{len(self.starts)}, {'rough ' if rough else ''}"
            f"cost {cost:.4g}, best {best:.4g}: {values}"
        )
        if self.on_progress is not None:
            self.on_progress(share, text)
        if self.listener is not None:
            self.listener(
                FitEvent(
                    share,
                    text,
                    self.current + 1,
                    len(self.starts),
                    self.evaluations,
                    rough,
                    self._named(u),
                    cost,
                    math.sqrt(cost),
                    self._named(place),
                    best,
                )
            )

    def _named(self, u: np.ndarray) -> dict[str, float]:
        """Values by name; what each dataset has of its own, with the dataset."""
        pairs = zip(self.problem.variables, u, strict=True)
        return {v.title: v.value(x) for v, x in pairs}

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
        final = [e for e in self.trail if "rough" not in e]
        for entry in final:
            if entry["cost"] < self.cost:
                self.cost, self.u = entry["cost"], np.array(entry["u"])
        cut = [e for e in final if e["start"] == len(self.done)]
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
        """Through both stages; the rough one only moves where the other begins."""
        before = self.evaluations
        start = u = _inside(u)
        rough, final = self.stages
        try:
            first = self._cost(final, u)
        except SimulationError as error:
            return Start(u.tolist(), u.tolist(), math.inf, 1, f"failed: {error}")
        try:
            self._settle(rough, u)
        finally:  # an interrupt keeps what the rough stage found
            u = self._better(u, first)
        cost, end, ended = self._settle(final, u)
        used = self.evaluations - before
        return Start(start.tolist(), end.tolist(), cost, used, ended)

    def _begin(self, stage: _Stage, u: np.ndarray) -> None:
        self.stage, self.slopes = stage, self._derivatives()
        self.bests, self.best = [], (math.inf, u)

    def _cost(self, stage: _Stage, u: np.ndarray) -> float:
        """Cost at a position, noted."""
        self._begin(stage, u)
        residuals = stage.values.residuals(u)
        cost = float(residuals @ residuals)
        self._note(u, cost)
        return cost

    def _better(self, u: np.ndarray, cost: float) -> np.ndarray:
        """Best position of the rough stage, if the tolerances of the fit find it better."""
        found = _inside(self.best[1])
        try:
            return found if self._cost(self.stages[-1], found) < cost else u
        except SimulationError:
            return u

    def _settle(self, stage: _Stage, u: np.ndarray) -> tuple[float, np.ndarray, str]:
        """Descend until nothing is left or derivatives taken afresh gain nothing."""
        best = math.inf
        while True:
            self._begin(stage, u)
            try:
                return self._least_squares(u)
            except _Arrived as arrived:
                return arrived.cost, arrived.u, "converged"
            except SimulationError as error:
                return *self.best, f"failed: {error}"
            except _Stalled:
                cost, end = self.best
                if best - cost < stage.close(cost):
                    return cost, end, "converged"
                best, u = cost, _inside(end)

    def _least_squares(self, u: np.ndarray) -> tuple[float, np.ndarray, str]:
        from scipy.optimize import least_squares

        # The first trust region is as wide as the start is far from zero: a start at its
        # lower bound would not move.
        found = least_squares(
            lambda x: self._residuals(x - _SHIFT),
            u + _SHIFT,
            jac=lambda x: self._jacobian(x - _SHIFT),
            bounds=(_SHIFT, 1.0 + _SHIFT),
            method="trf",
            x_scale="jac",
            ftol=1e-5,
            xtol=1e-6,
            gtol=1e-9,
            max_nfev=self.limit,
        )
        ended = "evaluations used up" if found.status == 0 else "converged"
        return float(2 * found.cost), found.x - _SHIFT, ended
