"""The fitted cell run by itself, beside the data that it was fitted along."""

from __future__ import annotations

from typing import Any

import xarray as xr

from sscell.analysis.capacity import half_cycles
from sscell.cells.cell import Cell
from sscell.dataset import metadata
from sscell.errors import ParameterError, SimulationError
from sscell.fitting.courses import Course, Half
from sscell.fitting.starts import DATA
from sscell.protocols import charge, cycle, discharge
from sscell.simulation.distance import without_limits
from sscell.simulation.simulation import simulate

__all__ = ["own_cycle", "own_run"]


def own_run(cell: Cell, course: Course) -> xr.Dataset | None:
    """A cell run at the currents and cut-offs of a dataset.

    Parameters
    ----------
    cell : Cell
        The fitted one.
    course : Course
        The data: their first half cycle of each direction that is compared.

    Returns
    -------
    xarray.Dataset or None
        None where no current was set, or the cell cannot be run so.
    """
    first = _first(course)
    if not first:
        return None
    rates = {way: f"{_current(course, half):.6g} A" for way, half in first.items()}
    if len(first) == 2:
        protocol = cycle(rates["charge"], discharge_rate=rates["discharge"])
    else:
        way, rate = next(iter(rates.items()))
        protocol = (discharge if way == "discharge" else charge)(rate)
    try:
        return simulate(
            without_limits(cell),
            protocol,
            temperature=course.celsius,
            pressure=None if course.pressure is None else course.pressure / 1e6,
            state="formed" if course.state == DATA else course.state,
            **_cutoffs(course),
        )
    except (SimulationError, ParameterError):
        return None


def own_cycle(cell: Cell, course: Course) -> list[dict[str, Any]]:
    """Half cycles of a cell at the currents and cut-offs of a dataset.

    Parameters
    ----------
    cell : Cell
        The fitted one.
    course : Course
        The data: their first half cycle of each direction that is compared.

    Returns
    -------
    list of dict
        ``cycle``, ``direction``, ``measured_mAh`` and ``model_mAh``; empty where no current
        was set, or the cell cannot be run so.
    """
    run = own_run(cell, course)
    if run is None:
        return []
    left, found = _first(course), []
    known = {s["step"]: s for s in metadata(run, "steps") or []}
    for half in half_cycles(run):
        if known.get(half.step, {}).get("preparatory") or half.direction not in left:
            continue
        own = left.pop(half.direction)
        found.append(
            {
                "cycle": own.cycle,
                "direction": own.direction,
                "measured_mAh": own.charge / 3.6,
                "model_mAh": 1e3 * half.capacity,
            }
        )
    return found


def _first(course: Course) -> dict[str, Half]:
    """First half cycle of each direction that is compared."""
    found: dict[str, Half] = {}
    for half in course.capacities:
        found.setdefault(half.direction, half)
    return found


def _current(course: Course, half: Half) -> float:
    """That of the longest step of a half cycle [A]."""
    flows = [course.segments[k] for k in half.steps if course.segments[k].sign]
    return abs(max(flows, key=lambda s: s.duration).current)


def _cutoffs(course: Course) -> dict[str, Any]:
    """Voltages at which the data turned round, where they did."""
    found: dict[str, Any] = {}
    for half in course.halves:
        for k in half.steps:
            limit = course.segments[k].limit
            if limit is not None:
                found["v_min" if half.sign > 0 else "v_max"] = f"{limit:.6g} V"
    return found
