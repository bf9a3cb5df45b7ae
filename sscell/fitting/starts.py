"""Where the data of a fit begin: the states of a run, and how they depend on parameters.

A preparation is run as `sscell.simulate` runs it, without sensitivities: through many half
cycles those grow errors that the state itself does not have. Its end is differentiated by
differences instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sscell.cells.cell import Cell
from sscell.errors import ParameterError, SimulationError
from sscell.fitting.courses import Course
from sscell.fitting.forward import conditioned
from sscell.fitting.spectra import Spectrum
from sscell.fitting.tracks import State
from sscell.protocols import Step
from sscell.simulation.engine import Resolution, engine
from sscell.simulation.run import Run
from sscell.simulation.states import bring_to
from sscell.units import Rate

__all__ = ["DATA", "begins_ahead", "differentiated", "prepared", "state_notes"]

DATA = "data"  # the state in which the data begin, in the middle of a half cycle
_TIGHT = 1e-6  # relative tolerance of what is differentiated so
# Residuals, slopes and rougher stages of a descent ask for the same states.
_KNOWN: dict[Any, tuple[np.ndarray, dict[str, tuple[int, int]]]] = {}
_KEPT = 64
_SAME = 0.05  # V: a rest that near to the cell as it is needs no half cycle before it


def prepared(cell: Cell, course: Course, resolution: Resolution) -> State | None:
    """State of a cell where the data begin.

    Parameters
    ----------
    cell : Cell
        Its values.
    course : Course
        With its state, and whether a half cycle comes before the data.
    resolution : Resolution
        Meshes and tolerances; those of time are tightened.

    Returns
    -------
    State or None
        Without slopes; None: as assembled.

    Raises
    ------
    SimulationError
        If the state cannot be reached.
    ParameterError
        If it is none.
    """
    if course.state == "pristine" and not course.ahead:
        return None
    own = conditioned(cell, course)
    rtol = min(resolution.rtol, _TIGHT)
    resolution = replace(resolution, rtol=rtol, atol=rtol / 100)
    about = (course.state, course.ahead and course.first_sign, resolution)
    if course.state == DATA:
        about += (course.begins, course.segments[0].current)
    key = (own.structure, tuple(sorted(own.values.items())), *about)
    if key not in _KNOWN:
        run = Run(own, resolution)
        if course.state == DATA:
            _as_the_data_begin(run, course)
        else:
            bring_to(run, course.state)
        if course.ahead:
            _half_cycle(run, course.first_sign)
        while len(_KNOWN) >= _KEPT:
            _KNOWN.pop(next(iter(_KNOWN)))
        _KNOWN[key] = run.solution.y[:, -1].copy(), dict(run.solution.functions.slices)
    y, slices = _KNOWN[key]
    if not np.isfinite(y).all():
        raise SimulationError(f"The state '{course.state}' was not reached.")
    return State(y, np.zeros((y.size, 0)), slices, 0.0)


def _as_the_data_begin(run: Run, course: Course) -> None:
    """The formed cell, led to the first voltage of the data by their first current."""
    now = bring_to(run, "formed")
    sign = course.first_sign
    if (now == "charged") != (sign > 0):
        _half_cycle(run, sign)
    first = next(s for s in course.segments if s.sign)
    way = "discharge" if sign > 0 else "charge"
    size = abs(first.current)
    rate = Rate(size, "A", f"{size:.6g} A")
    run.execute([Step(way, rate, until=course.begins)])


def _half_cycle(run: Run, sign: int) -> None:
    """The half cycle before a first current of this sign."""
    rate = run.records[-1].step.rate if run.records else None
    run.execute([Step("charge" if sign > 0 else "discharge", rate)])


def state_notes(cell: Cell, data: Course | Spectrum, resolution: Resolution) -> list[str]:
    """What is to be known of the state that data begin in.

    Parameters
    ----------
    cell : Cell
        Its values.
    data : Course or Spectrum
        With its state.
    resolution : Resolution
        Meshes and tolerances.

    Returns
    -------
    list of str
        Such as where a cell rests that met a voltage under current.
    """
    run = Run(conditioned(cell, data), resolution)
    bring_to(run, "formed" if data.state == DATA else data.state)
    return run.notes


def begins_ahead(cell: Cell, course: Course, resolution: Resolution) -> bool:
    """Whether a half cycle must come before the data.

    It must where their first current goes on in the direction in which the cell came to its
    state, unless they begin with a rest at the voltage that the cell has.

    Parameters
    ----------
    cell : Cell
        Its values.
    course : Course
        The data.
    resolution : Resolution
        Meshes and tolerances.

    Returns
    -------
    bool

    Raises
    ------
    ParameterError
        If the state is none that this cell has.
    """
    if course.state == DATA:
        return False
    first = next((s for s in course.segments if s.sign), None)
    own = conditioned(cell, course)
    run = Run(own, resolution)
    is_now = bring_to(run, course.state)
    if first is None or first.line or is_now == "between":
        return False
    charged = {"pristine": cell.first_step == "discharge", "charged": True}
    if charged.get(is_now, False) == (first.sign > 0):
        return False
    begins = course.segments[0]
    if begins.sign or not begins.times.size:
        return True
    built = engine(own, resolution)
    after = built.step(run.solution, begins.duration, built.inputs(own), begins.times)
    point = built.evaluate(
        np.asarray(after.t[-1:]), np.asarray(after.y)[:, -1:], built.inputs(own)
    )
    return abs(float(point["Voltage [V]"][0]) - begins.measured[-1]) > _SAME


def differentiated(
    start: State,
    at: Callable[[str, float], State | None],
    values: Sequence[tuple[str, float, float]],
) -> State:
    """A state with its slopes by what varies.

    Parameters
    ----------
    start : State
        At the values.
    at : callable
        State with one value changed: its name and the value [unit of the name].
    values : sequence of tuple
        Name, value and step of everything that varies [unit of the name].

    Returns
    -------
    State

    Raises
    ------
    SimulationError
        If the state cannot be reached on either side.
    """
    columns = np.zeros((start.y.size, len(values)))
    for k, (name, value, step) in enumerate(values):
        for change in (step, -step):
            try:
                beside = at(name, value + change)
            except (SimulationError, ParameterError):
                continue
            if beside is not None:
                columns[:, k] = (beside.y - start.y) / change
                break
        else:
            raise SimulationError(f"The state of the start has no slope by '{name}'.")
    return replace(start, slopes=columns)
