"""Fit the parameters of a cell to measured curves, with errors and what stays unknown."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from sscell.cells.cell import Cell
from sscell.cells.outline import SHELLS
from sscell.errors import ParameterError, SimulationError
from sscell.fitting.choosing import AUTO, chosen
from sscell.fitting.descent import Search
from sscell.fitting.discrepancy import expected
from sscell.fitting.prepare import Bounds, prepare
from sscell.fitting.problem import Problem
from sscell.fitting.result import Fit
from sscell.optimisers.bounds import starting_points
from sscell.protocols.steps import whole
from sscell.simulation.progress import FitEvent, Progress
from sscell.solver.cancelling import Cancelled, CancelToken, Deadline
from sscell.solver.watch import asked, watching

__all__ = ["fit"]

_MESH = 0.5  # of the noise
_PATIENT = 1.0  # s for the errors of a fit that was interrupted


def fit(
    cell: str | Cell,
    datasets: Any,
    vary: Bounds | str,
    *,
    starts: int = 1,
    seed: int = 0,
    max_evaluations: int = 40,
    log_file: str | Path | None = None,
    on_progress: Progress | None = None,
    progress: Callable[[FitEvent], None] | None = None,
    cancel: CancelToken | None = None,
    patience: float | str | None = None,
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
    vary : mapping of str to tuple of float, or str
        Bounds by parameter [unit of the name]; ``"auto"``: mass, resistance, one kinetic
        value and the offset of the voltage, as far as the data pin them.
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
    progress : callable, optional
        Called with a `FitEvent` after each evaluation: values, cost, residual norm, best.
    cancel : CancelToken, optional
        Ends the fit from another thread or from `progress`, with the best so far.
    patience : float or str, optional
        How long a step of the model may compute without getting on before it has failed
        [s]; default: 60 s.
    **options
        ``temperature``, ``pressure``, ``weights``, ``states``, ``noise``, ``cutoffs``, ``log``,
        ``priors``, ``separate``, ``points``, ``only``, ``resolution``, as for `prepare`.

    Returns
    -------
    Fit
        An interrupt (Ctrl-C) or `cancel` ends it with the best so far; its `ended` is then
        ``"interrupted"``.

    Raises
    ------
    ParameterError
        If a parameter or an option is not usable.
    DataError
        If the data cannot be of this cell.
    SimulationError
        If the model fails at every start.
    Cancelled
        If it is cancelled before anything was found.

    Examples
    --------
    >>> import sscell
    >>> cell = sscell.load("Ji2024")
    >>> from sscell.simulation.engine import Resolution
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
    cell = cell if isinstance(cell, Cell) else Cell.load(cell)
    watch = asked(cancel, patience, interrupts=True)
    search, told, ended = None, [], "converged"
    try:
        with watching(watch):
            watch.check()
            bounds, why = _bounds(cell, datasets, vary, options)
            problem, told = prepare(cell, datasets, bounds, **options)
            told = [*why, *told]
            points = starting_points(problem.start(), starts, seed)
            key = _digest(problem, points, max_evaluations)
            file = None if log_file is None else Path(log_file)
            search = Search(problem, points, max_evaluations, on_progress, file, key)
            search.listener = progress
            search.resume()
            search.run()
            search = _weighed(search)
    except KeyboardInterrupt:
        if search is None or search.u is None:
            if watch.cancel is not None and watch.cancel.cancelled:
                raise Cancelled(
                    "The fit was cancelled before it had found anything."
                ) from None
            raise
        ended = "interrupted"
    if search.interrupted:
        ended = "interrupted"
    return _conclude(search, ended, told, seed)


def _bounds(
    cell: Cell, datasets: Any, vary: Bounds | str, options: dict[str, Any]
) -> tuple[Bounds, list[str]]:
    """What varies, and why where that was chosen."""
    if not isinstance(vary, str):
        return vary, []
    if vary != AUTO:
        raise ParameterError(f"What varies is '{AUTO}' or bounds by name, not '{vary}'.")
    return chosen(cell, datasets, **options)


def _weighed(search: Search) -> Search:
    """Where the model misses the data, a last descent that expects it to."""
    if search.u is None:
        return search
    try:
        problem = expected(search.problem, search.u)
    except SimulationError:
        problem = None
    if problem is None:
        return search
    search.write("converged")
    second = Search(problem, [search.u], search.limit, search.on_progress, None, "")
    second.listener = search.listener
    try:
        second.run()
    except KeyboardInterrupt:
        second.interrupted = True
    if second.u is None:
        search.interrupted = second.interrupted
        return search
    search.count_all()
    problem.add_counts(search.problem)
    second.done = search.done  # costs of one kind, start by start
    return second


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


def _conclude(search: Search, ended: str, told: list[str], seed: int) -> Fit:
    problem = search.problem
    if search.u is None:
        raise SimulationError(
            f"The model failed at every start ({problem.last_failure}). Give other values "
            "or narrower bounds."
        )
    if ended == "converged" and any(s.ended == "evaluations used up" for s in search.done):
        ended = "evaluations used up"
    search.count_all()
    residuals = problem.residuals(search.u)
    # Who ends a fit waits no longer for its errors.
    soon = Deadline(_PATIENT) if ended == "interrupted" else None
    try:
        with watching(asked(soon)):
            _, jacobian = problem(search.u)
    except SimulationError as error:
        jacobian = np.zeros((residuals.size, search.u.size))
        told = [*told, f"There are no errors: the derivatives failed ({error})."]
    if ended != "interrupted":
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
