"""PyBaMM's own steps with a clock of their own, and something that looks on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pybamm

from sscell.solver.watch import Look, NoProgress

__all__ = ["OwnClock"]

_STARTED = "start time"  # PyBaMM's input for what moves in a step of an experiment


class OwnClock(pybamm.IDAKLUSolver):
    """IDAKLU whose integration starts at zero in every step.

    PyBaMM counts time from the start of a run. Days later, the small steps with which a fast
    change begins are lost in the rounding of that time, and the solver fails. A model must
    depend on time in no other way than through the start of its step.

    Examples
    --------
    >>> OwnClock.like(pybamm.IDAKLUSolver(rtol=1e-5)).rtol
    1e-05
    """

    @classmethod
    def like(cls, solver: pybamm.IDAKLUSolver) -> OwnClock:
        """Solver with the tolerances and options of another.

        Parameters
        ----------
        solver : pybamm.IDAKLUSolver

        Returns
        -------
        OwnClock
        """
        return cls(rtol=solver.rtol, atol=solver.atol, options=dict(solver.options))

    def set_up(
        self, model: pybamm.BaseModel, inputs: Any = None, *args: Any, **kwargs: Any
    ) -> None:
        """Prepare a model, as PyBaMM does.

        Parameters
        ----------
        model : pybamm.BaseModel
            Discretised.
        inputs : dict or list of dict, optional
            Values of its inputs.
        *args, **kwargs
            As PyBaMM's solver takes them.
        """
        super().set_up(model, inputs, *args, **kwargs)
        group = self._setup["solver"]
        if not isinstance(group, _Shifted):
            group = self._setup["solver"] = _Shifted(group)
        group.place = _place(inputs if isinstance(inputs, dict) else (inputs or [{}])[0])


def _place(inputs: dict[str, Any]) -> int | None:
    """Row of the start of the step among all values of the inputs."""
    row = 0
    for name, value in inputs.items():
        if name == _STARTED:
            return row
        row += np.size(value)
    return None


class _Shifted:
    """PyBaMM's compiled solver on the step's own clock, with something that looks on."""

    def __init__(self, group: Any):
        self._group = group
        self.place: int | None = None

    def solve(
        self, t_eval: Any, t_interp: Any, y: Any, rates: Any, inputs: Any, **options: Any
    ) -> list[_Found]:
        begun = float(t_eval[0])
        ends = np.asarray(t_eval, dtype=float) - begun
        wanted = np.clip(np.asarray(t_interp, dtype=float) - begun, 0.0, ends[-1])
        values = np.array(inputs, dtype=float)
        if self.place is not None:
            values[:, self.place] -= begun
        options.pop("logger", None)
        look = Look(float(ends[-1]))
        try:
            found = look.solve(self._group.solve, ends, wanted, y, rates, values, **options)
        except NoProgress as error:
            raise _Nowhere(str(error), error.reached) from None
        return [_Found(each, begun, float(t_eval[-1]), ends[-1]) for each in found]


class _Nowhere(NoProgress, pybamm.SolverError):
    """A solver that got nowhere, as PyBaMM's experiments know a failure."""


class _Found:
    """A solution of the compiled solver, its times counted from the start of the run."""

    def __init__(self, found: Any, begun: float, end: float, duration: float):
        self._found = found
        own = np.array(found.t)
        t = begun + own
        t[own == duration] = end
        for k in np.flatnonzero(np.diff(t) <= 0) + 1:  # the same but for rounding
            t[k] = np.nextafter(max(t[k], t[k - 1]), np.inf)
        self.t = t

    def __getattr__(self, name: str) -> Any:
        return getattr(self._found, name)
