"""Run one protocol over a design of temperatures, pressures, rates and parameters.

Nothing ends a sweep half way: a point that fails keeps its reason, and its numbers stay
empty. Points are independent, so they run in as many processes as are allowed, here or on a
cluster.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing, nullcontext
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from sscell.cells.cell import Cell
from sscell.errors import ParameterError, did_you_mean
from sscell.protocols import Protocol, checked
from sscell.protocols.steps import whole
from sscell.simulation.progress import Progress
from sscell.simulation.simulation import simulate
from sscell.sweeps.designs import Axes, Design
from sscell.sweeps.jobs import Job, Pace, connected, run_points
from sscell.sweeps.store import Store

__all__ = ["pathways", "sweep"]

_NUMBERS = ("capacity_mAh_g", "energy_Wh_kg", "mean_voltage_V", "peak_count")
_UNITS = {
    "capacity_mAh_g": "mA.h.g-1",
    "energy_Wh_kg": "W.h.kg-1",
    "mean_voltage_V": "V",
    "temperature": "degC",
    "pressure": "MPa",
}


def sweep(
    cell: str | Path | Cell,
    axes: Axes,
    protocol: Protocol,
    *,
    workers: int = 1,
    scheduler: Any = None,
    store: str | Path | None = None,
    on_progress: Progress | None = None,
    **options: Any,
) -> xr.Dataset:
    """Simulate a protocol at every point of a design.

    Parameters
    ----------
    cell : str, pathlib.Path or Cell
        A published cell, a TOML file or a loaded cell.
    axes : mapping of str to sequence, or sequence of mapping
        ``"temperature"`` [degC], ``"pressure"`` on the stack [MPa], ``"rate"`` (such as
        ``"C/20"``) and any parameter by its name, with the values it takes: every
        combination of them is a point. Or a list of points, each with a value on every
        axis, such as `sscell.sweeps.designs.latin_hypercube` gives.
    protocol : Protocol
        Run at every point; an axis ``rate`` replaces the rate of all its steps.
    workers : int, optional
        Processes; results do not depend on it.
    scheduler : str or distributed.Client, optional
        A dask scheduler or its address, such as ``"tcp://host:8786"``: its workers run the
        points, and run again those of a worker that is lost.
    store : str or pathlib.Path, optional
        File that keeps every point as it finishes. A sweep that was interrupted takes from
        it what is there and runs the rest. Sweeps of other cells, points, protocols or
        options may share it: each finds only its own points.
    on_progress : callable, optional
        Called with the share done [-] and a text.
    **options
        As for `sscell.simulate`, the same at every point: ``temperature``, ``state``,
        ``changes``, ``resolution``.

    Returns
    -------
    xarray.Dataset
        On the axes (a list: on ``point``, with the axes as coordinates) and ``half_cycle``
        (such as ``"discharge 1"``): ``capacity_mAh_g`` [mA.h.g-1], ``energy_Wh_kg``
        [W.h.kg-1], ``mean_voltage_V`` [V], ``peak_count`` [-], ``max_fraction`` and
        ``final_fraction`` by ``phase`` [-]; on the axes alone ``failure``, the reason of a
        point that failed, else empty.

    Raises
    ------
    ParameterError
        If an axis is empty or unknown, an option is unknown or is an axis as well, the
        number of workers is not positive, no scheduler answers or the store cannot be used.
    SimulationError
        If a local process or the scheduler dies.

    Examples
    --------
    >>> import sscell
    >>> from sscell.simulation.engine import Resolution
    >>> coarse = Resolution(shells=25)
    >>> axes = {"temperature": [60, 90]}
    >>> grid = sweep("Ji2024", axes, sscell.discharge("C/20"), resolution=coarse)
    >>> grid.capacity_mAh_g.shape
    (2, 1)
    """
    loaded = cell if isinstance(cell, Cell) else Cell.load(cell)
    whole(workers, "Workers")
    design = Design.of(loaded, axes)
    job = Job(loaded, checked(protocol), _checked_options(options, design))
    tell = on_progress or (lambda share, text: None)
    with nullcontext() if store is None else closing(Store(store)) as kept:
        results = _results(job, design.points, workers, scheduler, kept, tell)
    return _gathered(loaded, design, results, protocol)


def _checked_options(options: Mapping[str, Any], design: Design) -> dict[str, Any]:
    """Options of every point, none of which is unknown or an axis as well."""
    own = {"cell", "protocol", "outputs", "progress", "cancel"}
    known = set(signature(simulate).parameters) - own
    axes = design.coordinates.keys()
    for name in options:
        if name not in known:
            raise ParameterError(
                f"A sweep has no option '{name}'. {did_you_mean(name, known, 'options')}"
            )
        if name in axes:
            raise ParameterError(
                f"'{name}' is an axis of the sweep and an option: give one."
            )
    for name in options.get("changes") or {}:
        if name in axes:
            raise ParameterError(f"'{name}' is an axis of the sweep and changed: give one.")
    return dict(options)


def _results(
    job: Job,
    points: Sequence[Mapping[str, Any]],
    workers: int,
    scheduler: Any,
    store: Store | None,
    tell: Progress,
) -> list[dict[str, Any]]:
    """Results in the order of the points; those that the store has are not run again."""
    total = len(points)
    keys = [job.key(point) for point in points] if store else [""] * total
    found = store.found(keys) if store else {}
    results = {n: found[key] for n, key in enumerate(keys) if key in found}
    before = len(results)
    tell(before / total, f"point {before} of {total}")
    todo = [(n, point) for n, point in enumerate(points) if n not in results]
    if not todo:
        return list(results.values())
    with connected(scheduler, workers) as (client, slots):
        pace = Pace(len(todo), slots)
        with closing(run_points(job, todo, slots, client)) as chunks:
            for chunk in chunks:
                for number, result in chunk:
                    if store and not result.pop("lost", False):
                        store.add(keys[number], points[number], result)
                    results[number] = result
                left = pace.left(len(results) - before)
                tell(len(results) / total, f"point {len(results)} of {total}{left}")
    return [results[number] for number in range(total)]


def _gathered(
    cell: Cell, design: Design, results: Sequence[Mapping[str, Any]], protocol: Protocol
) -> xr.Dataset:
    labels = list(dict.fromkeys(_label(row) for r in results for row in r.get("rows", ())))
    labels = labels or [""]  # all failed: their reasons need a row all the same
    phases = list(cell.host.phases)
    tables = {name: np.full((len(results), len(labels)), np.nan) for name in _NUMBERS}
    parts = {
        name: np.full((len(results), len(labels), len(phases)), np.nan)
        for name in ("max_fraction", "final_fraction")
    }
    for number, result in enumerate(results):
        for row in result.get("rows", ()):
            at = (number, labels.index(_label(row)))
            for name in _NUMBERS:
                tables[name][at] = np.nan if row[name] is None else row[name]
            for key, table in parts.items():
                found = row.get(key.replace("fraction", "phase_fraction"), {})
                table[at] = [found.get(p, np.nan) for p in phases]
    dims, shape = list(design.shape), tuple(design.shape.values())
    failures = np.array([r.get("failure", "") for r in results])
    data = xr.Dataset(
        {
            **{
                n: ([*dims, "half_cycle"], t.reshape(*shape, -1)) for n, t in tables.items()
            },
            **{
                n: (
                    [*dims, "half_cycle", "phase"],
                    t.reshape(*shape, len(labels), len(phases)),
                )
                for n, t in parts.items()
            },
            "failure": (dims, failures.reshape(shape)),
        },
        coords={**design.coordinates, "half_cycle": labels, "phase": phases},
        attrs={"cell": cell.name, "protocol": protocol.name},
    )
    for name, unit in _UNITS.items():
        if name in data.variables:
            data[name].attrs["units"] = unit
    return data


def _label(row: Mapping[str, Any]) -> str:
    return f"{row['direction']} {row['cycle']}"


def pathways(grid: xr.Dataset, phase: str) -> xr.Dataset:
    """Say by which way each point of a sweep goes: past an intermediate phase or through it.

    Parameters
    ----------
    grid : xarray.Dataset
        From `sweep`.
    phase : str
        The intermediate, such as ``"Na2S2"``.

    Returns
    -------
    xarray.Dataset
        ``largest`` fraction of the phase [-], ``peaks`` of dQ/dV [-] and ``way``: ``"past"``
        (below 0.1), ``"through"`` (above 0.5) or ``"mixed"``; on the axes and half cycles.

    Raises
    ------
    ParameterError
        If the sweep knows no such phase.

    Examples
    --------
    >>> import sscell
    >>> from sscell.simulation.engine import Resolution
    >>> coarse = Resolution(shells=25)
    >>> grid = sweep("Ji2024", {"rate": ["C/20"]}, sscell.discharge(), resolution=coarse)
    >>> str(pathways(grid, "Na2S2").way.values[0, 0])
    'past'
    """
    if phase not in grid["phase"].values:
        raise ParameterError(f"The sweep knows no phase '{phase}'.")
    largest = grid["max_fraction"].sel(phase=phase, drop=True)
    way = xr.where(largest < 0.1, "past", xr.where(largest > 0.5, "through", "mixed"))
    way = way.where(largest.notnull(), "failed")
    return xr.Dataset({"largest": largest, "peaks": grid["peak_count"], "way": way})
