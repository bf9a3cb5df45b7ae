"""Built models: one per structure and way of control, everything else an input."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from sscell.cells.cell import Cell
from sscell.cells.outline import budget_of, check_mesh
from sscell.simulation.limits import (
    CAPACITY,
    CONTROLS,
    CURRENT,
    FAR,
    LIMITS,
    LOWER,
    SLOPE,
    UPPER,
    WARMING,
    Resolution,
)
from sscell.simulation.series import series
from sscell.solver import cache
from sscell.solver.compiling import LONGEST, allowed, compiled, expected_seconds
from sscell.solver.functions import Functions, build_functions
from sscell.solver.integrator import Integrator, Piece, StepSolution
from sscell.solver.plain import fixed_rows, neutral, plain
from sscell.solver.rows import Outputs
from sscell.solver.watch import Look, Paused, alone

if TYPE_CHECKING:
    import pybamm

    from sscell.solver.stepping import OwnClock
    from sscell.solver.variations import Variations

__all__ = [
    "BEAT",
    "CAPACITY",
    "CURRENT",
    "FAR",
    "LIMITS",
    "LOWER",
    "UPPER",
    "Engine",
    "Resolution",
    "engine",
    "exchanged",
    "forget",
]

BEAT = 0.1  # s of computing: after as much, a listener hears of a step
_SHORTEST = 1e-4  # of a step: pieces are no shorter
_FORMS = 16  # kept for one model: each has a solver of its own
_SOON = 0.3  # s of integration: what compiling takes is not asked before
_CHARGE, _TRAPPED = "Discharge capacity [A.h]", "Guest trapped"
_SMALL_CHARGE = 1e-4  # A.h: of a row of a drive cycle, where other states are of order 1
# Times the absolute tolerance, where the host says nothing of its contents. To follow a fraction
# down to where it is nothing costs a third of all steps.
_OF_CONTENTS, _OF_CURRENT_DENSITIES = 10.0, 30.0
_USED_UP = "Reactive electrolyte fraction"  # ends at nothing, and must not go below
# Parameters that differ from step to step, and so are never numbers.
_STEPS = ("Current function [A]", "Ambient temperature [K]")


@dataclass(eq=False)
class _Form:
    """Functions for some of the values, their solver, and what compiling them takes [s]."""

    functions: Functions
    integrator: Integrator
    pays: float | None = None  # not asked yet
    spent: float = 0.0  # s of integration
    # By their places; None: all.
    outputs: dict[tuple[int, ...] | None, Outputs] = field(default_factory=dict)

    @property
    def compiled(self) -> bool:
        """Whether the functions are those of a library."""
        return self.functions["rhs"].class_name() == "External"

    def evaluator(self, rows: tuple[int, ...] | None) -> Outputs:
        """Some outputs, or all of them, at many times."""
        if rows not in self.outputs:
            self.outputs[rows] = Outputs(self.functions, rows)
        return self.outputs[rows]


class Engine:
    """A built model, its solver and its outputs.

    Parameters
    ----------
    cell : Cell
        Whose structure is built.
    resolution : Resolution
        Meshes and tolerances.
    controlled : str
        ``"current"``, ``"ramp"`` (a current that moves linearly in the time of the step),
        ``"voltage"``, ``"drive"`` (a ramp) or ``"power"``; in the last two the temperature
        may move too.
    """

    def __init__(
        self,
        cell: Cell,
        resolution: Resolution,
        controlled: str,
    ):
        check_mesh(cell, resolution.thickness_points)
        self._cell, self.resolution = cell, resolution
        self.controlled = controlled
        self._parameters = tuple(cell.parameter_dict())
        self._defaults = {**LIMITS, **CONTROLS[controlled]}
        self.input_names = (*self._parameters, *self._defaults)
        self.budget = budget_of(cell)
        self.outputs = series(cell, self.budget)
        self._forms: dict[bytes, _Form] = {}
        self._last: tuple[np.ndarray, _Form] | None = None

    @cached_property
    @alone
    def model(self) -> pybamm.BaseModel:
        """The discretised model: only what its functions do not say needs it."""
        from sscell.simulation.building import discretised

        return discretised(
            self._cell,
            self.resolution,
            self.controlled,
            self._parameters,
            self.input_names,
        )

    @cached_property
    def _solver(self) -> OwnClock:
        """PyBaMM's own, where its interface has changed."""
        from sscell.simulation.building import clocked

        return clocked(self.resolution, self._atol)

    @cached_property
    @alone
    def functions(self) -> Functions:
        """What a run evaluates, from the cache or made from the model."""
        resolution, data = self.resolution, self._cell.data
        about = [data["physics"], data.get("network"), resolution.shells]
        about += self._cell.composition.sources
        about += [resolution.thickness_points, resolution.double_layer, self.controlled]
        told = json.dumps([*about, self.input_names, self.outputs], default=str)
        name = f"{cache.content_hash(told)}.json"
        known = cache.fetch(name)
        if known is not None:
            with suppress(KeyError, TypeError, ValueError):  # of another form: made anew
                return Functions.from_bytes(known)
        from sscell.simulation.building import options

        functions = build_functions(self.model, self.input_names, self.outputs, options())
        cache.keep(name, functions.to_bytes())
        return functions

    @cached_property
    def _fixed(self) -> np.ndarray:
        """Rows of what is settled that no step of a run changes."""
        moving = [*self._defaults, *(n for n in _STEPS if n in self._parameters)]
        return fixed_rows(self.functions, [self.input_names.index(n) for n in moving])

    def _form(self, values: np.ndarray) -> _Form:
        """The fastest form of the functions for some values of the inputs."""
        if self._last is None or not np.array_equal(self._last[0], values):
            kinds = neutral(self.functions.settled(values), self._fixed)
            if kinds not in self._forms:
                if len(self._forms) == _FORMS:
                    del self._forms[next(iter(self._forms))]  # the oldest
                self._forms[kinds] = self._formed(plain(self.functions, kinds))
            self._last = values.copy(), self._forms[kinds]
        return self._last[1]

    def _formed(self, functions: Functions) -> _Form:
        """A form with its solver; compiled where an earlier process has done so."""
        known = compiled(functions, make=False) if allowed() else None
        functions = known or functions
        return _Form(functions, self._integrator(functions), np.inf if known else None)

    @staticmethod
    def _pays(form: _Form) -> float:
        """Time of integration after which compiling has paid [s]."""
        if form.pays is None:
            expected = expected_seconds(form.functions)
            form.pays = expected if expected <= LONGEST else np.inf
        return form.pays

    def _integrator(self, functions: Functions) -> Integrator:
        return Integrator(
            functions, self.resolution.rtol, self._atol, self.input_names, self._pybamm_step
        )

    @cached_property
    def _atol(self) -> np.ndarray:
        """Absolute tolerance of each unknown, by its unit."""
        found = np.full(self.functions.states, self.resolution.atol)
        contents = getattr(self._cell.host, "content_tolerance", _OF_CONTENTS)
        if self.controlled == "voltage":
            contents = 1.0  # the rows of a sweep draw its current: few are too few
        if self._cell.host.phases and _TRAPPED in self.functions.slices:
            contents = 1.0  # what lost phases take along are products: long steps miss it
        for name, (low, high) in self.functions.slices.items():
            if "[" not in name and name != _USED_UP:
                found[low:high] *= contents
            elif name.endswith("[A.m-2]"):
                found[low:high] *= _OF_CURRENT_DENSITIES
        if WARMING in self._defaults:
            # Many short stretches add up: the charge of each has to be that exact.
            found[slice(*self.functions.slices[_CHARGE])] *= _SMALL_CHARGE
        return found

    def _pybamm_step(
        self, y: np.ndarray, duration: float, inputs: Mapping[str, float], times: Any
    ) -> Any:
        from sscell.simulation.building import stepped

        return stepped(self._solver, self.model, y, duration, inputs, times)

    @alone
    def compile(self, make: bool = True) -> bool:
        """Go over to compiled functions at once, for the cell that the engine was made for.

        Parameters
        ----------
        make : bool, optional
            Whether a library that is not there is made.

        Returns
        -------
        bool
            Whether there are any: no compiler, or no place to keep what it makes, and the
            functions stay as they are.
        """
        form = self._form(self.values(self.inputs(self._cell)))
        self._compile(form, make)
        return form.compiled

    def _compile(self, form: _Form, make: bool = True) -> None:
        """Go over to compiled functions: those of an earlier process, or made now."""
        if form.compiled:
            return
        found = compiled(form.functions, make) if allowed() else None
        if make or found is not None:
            form.pays = np.inf
        if found is not None:
            form.functions, form.integrator = found, self._integrator(found)
            form.outputs.clear()

    @alone
    def functions_of(self, cell: Cell) -> Functions:
        """What a run of a cell evaluates: zeros and ones as numbers, and compiled if it is.

        Parameters
        ----------
        cell : Cell
            Of the engine's structure.

        Returns
        -------
        Functions
        """
        return self._form(self.values(self.inputs(cell))).functions

    def variations(self, name: str) -> Variations:
        """Derivatives of this model's solutions by its inputs, and of one output.

        Parameters
        ----------
        name : str
            Of the output.

        Returns
        -------
        Variations
        """
        from sscell.solver.variations import Variations

        if name not in self._varied:
            row = self.outputs.index(name)
            self._varied[name] = Variations(self.functions, row, self.resolution.rtol)
        return self._varied[name]

    @cached_property
    def _varied(self) -> dict[str, Variations]:
        return {}

    def values(self, inputs: Mapping[str, float]) -> np.ndarray:
        """Values of the inputs in the order of their names.

        Parameters
        ----------
        inputs : mapping
            From `inputs`.

        Returns
        -------
        numpy.ndarray, shape (inputs,)
        """
        return np.array([inputs[name] for name in self.input_names], dtype=float)

    def inputs(self, cell: Cell, current: float = 0.0, **limits: float) -> dict[str, float]:
        """Values of all inputs.

        Parameters
        ----------
        cell : Cell
            Its parameters.
        current : float, optional
            [A], positive on discharge.
        **limits : float
            Limits and voltages by the names of the inputs.

        Returns
        -------
        dict of str to float
        """
        values = cell.parameter_dict() | {"Current function [A]": current}
        return values | self._defaults | limits

    @alone
    def step(
        self,
        solution: StepSolution | None,
        duration: float,
        inputs: Mapping[str, float],
        times: np.ndarray | None = None,
    ) -> StepSolution:
        """Integrate from the end of a solution (or from the start if None).

        Parameters
        ----------
        solution : StepSolution or None
            Where the cell is.
        duration : float
            Longest time [s].
        inputs : mapping
            From `inputs`.
        times : numpy.ndarray, optional
            Where the solution is wanted, since the start of the step [s]; default: where
            the solver stops.

        Returns
        -------
        StepSolution
            Of this step alone.
        """
        return self._run(solution, duration, inputs, times)

    def pieces(
        self, solution: StepSolution | None, duration: float, inputs: Mapping[str, float]
    ) -> Iterator[StepSolution]:
        """Integrate as `step` does, and hand over what there is some times a second.

        A step that takes less than a tenth of a second of computing is one piece. At the
        ends of others the solver begins anew, which moves the result within its tolerance.

        Parameters
        ----------
        solution : StepSolution or None
            Where the cell is.
        duration : float
            Longest time [s].
        inputs : mapping
            From `inputs`.

        Yields
        ------
        StepSolution
            Of this piece alone.
        """
        look = Look(duration, self.resolution.rtol)
        since, ahead, longest = 0.0, duration, BEAT
        before = solution
        while True:
            ends = since + ahead >= duration * (1 - 1e-9)
            ahead = duration - since if ends else ahead
            look.begin(since, longest)
            try:
                found = self._piece(before, ahead, inputs, Piece(look, since))
            except Paused as paused:
                ahead = max(paused.reached - since, _SHORTEST * duration)
                longest = np.inf
                continue
            yield found
            if ends or found.termination != "final time":
                return
            since, before, longest = since + ahead, found, 2 * BEAT
            taken = max(float(found.solve_time), 1e-3)
            ahead = max(ahead * min(max(BEAT / taken, 0.2), 5.0), _SHORTEST * duration)

    @alone
    def _piece(
        self,
        before: StepSolution | None,
        duration: float,
        inputs: Mapping[str, float],
        piece: Piece,
    ) -> StepSolution:
        return self._run(before, duration, inputs, None, piece)

    def _run(
        self,
        before: StepSolution | None,
        duration: float,
        inputs: Mapping[str, float],
        times: np.ndarray | None,
        piece: Piece | None = None,
    ) -> StepSolution:
        values = self.values(inputs)
        t, y = self._state(before, values)
        form = self._form(values)
        found = form.integrator.run(t, y, duration, values, times, piece)
        form.spent += float(found.solve_time)
        if form.spent > _SOON and form.spent > self._pays(form):
            self._compile(form)
        if self.controlled in ("current", "ramp", "drive"):
            passed = float(found.t[-1] - t) + (0.0 if piece is None else piece.since)
            found.current = inputs["Current function [A]"] + inputs.get(SLOPE, 0.0) * passed
        return found

    def _state(
        self, before: StepSolution | None, values: np.ndarray
    ) -> tuple[float, np.ndarray]:
        if before is None:
            return 0.0, self.functions.start(values)
        return float(before.t[-1]), self._form(values).integrator.adopted(before, values)

    @alone
    def evaluate(
        self,
        t: np.ndarray,
        y: np.ndarray,
        inputs: Mapping[str, float],
        names: tuple[str, ...] | None = None,
    ) -> dict[str, np.ndarray]:
        """Outputs along a solution.

        Parameters
        ----------
        t : numpy.ndarray, shape (n,)
            Times [s].
        y : numpy.ndarray, shape (states, n)
            States at these times, as the solver scales them [-].
        inputs : mapping
            From `inputs`.
        names : tuple of str, optional
            Which outputs; default: all.

        Returns
        -------
        dict of str to numpy.ndarray, shape (n,)
            By name, in the unit of the name.
        """
        names = self.outputs if names is None else names
        values, whole = self.values(inputs), names == self.outputs
        rows = None if whole else tuple(self.outputs.index(name) for name in names)
        table = self._form(values).evaluator(rows)(t, y, self.functions.settled(values))
        return dict(zip(names, table, strict=True))

    @alone
    def state(self, solution: Any, inputs: Mapping[str, float]) -> tuple[float, np.ndarray]:
        """Time and state at the end of a solution of this model.

        Parameters
        ----------
        solution : StepSolution or None
            None: the cell as assembled.
        inputs : mapping
            From `inputs`.

        Returns
        -------
        tuple of float and numpy.ndarray, shape (states, 1)
            Time [s] and state [-].
        """
        t, y = self._state(solution, self.values(inputs))
        return t, y[:, None]

    @staticmethod
    def stop_reason(solution: Any) -> str:
        """Which limit ended a solution; empty if its time did."""
        known = (LOWER, UPPER, CURRENT, CAPACITY)
        return next((name for name in known if name in solution.termination), "")


_ENGINES: dict[tuple[Any, ...], Engine] = {}


@alone
def engine(cell: Cell, resolution: Resolution, controlled: str = "current") -> Engine:
    """Engine of a cell's structure: built once, then shared by all its values.

    Parameters
    ----------
    cell : Cell
        Any cell of that structure.
    resolution : Resolution
        Meshes and tolerances.
    controlled : str, optional
        ``"current"``, ``"ramp"`` or ``"voltage"``.

    Returns
    -------
    Engine

    Examples
    --------
    >>> cell = Cell.load("Ji2024")
    >>> other = cell.replace({"R3 rate constant [s-1]": 1e-4})
    >>> engine(cell, Resolution()) is engine(other, Resolution())
    True
    """
    key = (cell.structure, resolution, controlled)
    if key not in _ENGINES:
        _ENGINES[key] = Engine(cell, resolution, controlled)
    return _ENGINES[key]


@contextmanager
def exchanged(cell: Cell, resolution: Resolution, built: Engine) -> Iterator[None]:
    """Let another engine serve a structure for a while.

    Parameters
    ----------
    cell : Cell
        Any cell of that structure.
    resolution : Resolution
        Meshes and tolerances.
    built : Engine
        That runs it, controlled by current.

    Yields
    ------
    None
    """
    key = (cell.structure, resolution, "current")
    before = engine(cell, resolution)
    _ENGINES[key] = built
    try:
        yield
    finally:
        _ENGINES[key] = before


def forget() -> None:
    """Drop all built models, as a new process has none."""
    _ENGINES.clear()
