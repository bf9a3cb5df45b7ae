"""Run one protocol over a grid of temperatures, rates and parameters.

Nothing ends a sweep half way: a point that fails keeps its reason, and its numbers stay
empty. Points are independent, so they run in as many processes as are allowed.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from sscell.analysis.summary import summary
from sscell.cell import Cell
from sscell.errors import ParameterError, SimulationError
from sscell.protocols import Protocol, Step
from sscell.simulation import simulate
from sscell.units import parse_quantity, parse_rate

__all__ = ["pathways", "sweep"]

_NUMBERS = ("capacity_mAh_g", "energy_Wh_kg", "mean_voltage_V")
_UNITS = {
    "capacity_mAh_g": "mA.h.g-1",
    "energy_Wh_kg": "W.h.kg-1",
    "mean_voltage_V": "V",
    "temperature": "degC",
}
Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class _Point:
    """One point of the grid, in plain values so that any process can run it."""

    cell: Cell
    axes: Mapping[str, Any]
    steps: tuple[Step, ...]
    name: str
    needs: str
    options: Mapping[str, Any]

    def run(self) -> dict[str, Any]:
        axes = dict(self.axes)
        celsius, rate = axes.pop("temperature", None), axes.pop("rate", None)
        steps = self.steps
        if rate is not None:
            steps = tuple(
                replace(s, rate=parse_rate(rate)) if s.direction != "rest" else s
                for s in steps
            )
        protocol = Protocol(self.name, {"rate": rate}, lambda first: steps, self.needs)
        try:
            data = simulate(
                self.cell, protocol, temperature=celsius, changes=axes, **self.options
            )
        except (ParameterError, SimulationError) as error:
            return {"failure": str(error)}
        found = summary(data)
        rows = [row for row in found["steps"] if not row["preparatory"]]
        return {"rows": rows, "efficiency": found["coulombic_efficiency"]}


def _run_point(point: _Point) -> dict[str, Any]:
    return point.run()


def sweep(
    cell: str | Path | Cell,
    axes: Mapping[str, Sequence[Any]],
    protocol: Protocol,
    *,
    workers: int = 1,
    on_progress: Progress | None = None,
    **options: Any,
) -> xr.Dataset:
    """Simulate a protocol at every combination of the axes.

    Parameters
    ----------
    cell : str, pathlib.Path or Cell
        A published cell, a TOML file or a loaded cell.
    axes : mapping of str to sequence
        ``"temperature"`` [degC], ``"rate"`` (such as ``"C/20"``) and any parameter by its
        name, with the values it takes.
    protocol : Protocol
        Run at every point; an axis ``rate`` replaces the rate of all its steps.
    workers : int, optional
        Processes; results do not depend on it.
    on_progress : callable, optional
        Called with the share done [-] and a text.
    **options
        As for `sscell.simulate`: ``state``, ``resolution``.

    Returns
    -------
    xarray.Dataset
        On the axes and ``half_cycle`` (such as ``"discharge 1"``): ``capacity_mAh_g``
        [mA.h.g-1], ``energy_Wh_kg`` [W.h.kg-1], ``mean_voltage_V`` [V], ``peak_count`` [-],
        ``max_fraction`` and ``final_fraction`` by ``phase`` [-]; on the axes alone
        ``failure``, the reason of a point that failed, else empty.

    Raises
    ------
    ParameterError
        If an axis is empty or unknown, or the number of workers is not positive.

    Examples
    --------
    >>> import sscell
    >>> from sscell.engine import Resolution
    >>> coarse = Resolution(shells=25)
    >>> axes = {"temperature": [60, 90]}
    >>> grid = sweep("Ji2024", axes, sscell.discharge("C/20"), resolution=coarse)
    >>> grid.capacity_mAh_g.shape
    (2, 1)
    """
    loaded = cell if isinstance(cell, Cell) else Cell.load(cell)
    if not isinstance(workers, int) or isinstance(workers, bool) or workers < 1:
        raise ParameterError(
            f"Workers must be a whole number of at least 1, not {workers!r}."
        )
    grid = _checked(loaded, axes)
    steps = protocol.steps(loaded.first_step)
    points = [
        _Point(
            loaded,
            dict(zip(grid, values, strict=True)),
            steps,
            protocol.name,
            protocol.needs,
            options,
        )
        for values in itertools.product(*grid.values())
    ]
    results = []
    for number, result in enumerate(_results(points, workers), start=1):
        results.append(result)
        if on_progress:
            on_progress(number / len(points), f"point {number} of {len(points)}")
    return _gathered(loaded, grid, results, protocol)


def _checked(cell: Cell, axes: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    if not axes:
        raise ParameterError("A sweep needs at least one axis, such as temperature.")
    grid = {}
    for name, values in axes.items():
        if isinstance(values, str) or len(list(values)) == 0:
            raise ParameterError(f"Axis '{name}' needs a list of values.")
        grid[name] = list(values)
        if name == "temperature":
            grid[name] = [parse_quantity(v, "degC", "Temperature") for v in values]
        elif name == "rate":
            for value in values:
                cell.current(value)
        else:
            cell.quantity(name)
    return grid


def _results(points: Sequence[_Point], workers: int) -> Any:
    """Results in the order of the points, as they come."""
    if workers == 1:
        yield from map(_run_point, points)
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    # A fresh interpreter per process: solvers hold threads that a fork would break.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_run_point, points)


def _gathered(
    cell: Cell,
    grid: Mapping[str, list[Any]],
    results: Sequence[Mapping[str, Any]],
    protocol: Protocol,
) -> xr.Dataset:
    shape = tuple(len(v) for v in grid.values())
    labels = list(dict.fromkeys(_label(row) for r in results for row in r.get("rows", ())))
    phases = list(cell.host.phases)
    tables = {
        name: np.full((len(results), len(labels)), np.nan)
        for name in (*_NUMBERS, "peak_count")
    }
    parts = {
        name: np.full((len(results), len(labels), len(phases)), np.nan)
        for name in ("max_fraction", "final_fraction")
    }
    for number, result in enumerate(results):
        for row in result.get("rows", ()):
            at = (number, labels.index(_label(row)))
            for name in _NUMBERS:
                tables[name][at] = np.nan if row[name] is None else row[name]
            tables["peak_count"][at] = len(row["dqdv_peaks"])
            for key, table in parts.items():
                found = row.get(key.replace("fraction", "phase_fraction"), {})
                table[at] = [found.get(p, np.nan) for p in phases]
    dims = list(grid)
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
            "failure": (
                dims,
                np.array([r.get("failure", "") for r in results]).reshape(shape),
            ),
        },
        coords={**grid, "half_cycle": labels, "phase": phases},
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
    >>> from sscell.engine import Resolution
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
