"""What is run on a cell, and how exactly: the same legs of current for every contender.

A leg is one constant current until its time is over or a cut-off is met. The error of a
contender is the root mean square of its voltage against the same mesh at tight tolerances,
along the very times and durations that the contender itself took, on points inside the legs.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr

from sscell.cells.cell import Cell
from sscell.protocols import Protocol, Step
from sscell.simulation.engine import Engine, Resolution, engine, exchanged
from sscell.simulation.simulation import simulate
from sscell.units import parse_rate

__all__ = [
    "GATE",
    "Case",
    "Leg",
    "Trace",
    "bare",
    "error_of",
    "in_c",
    "protocol_of",
    "simulated",
    "trace_of",
]

GATE = 50e-6  # V, root mean square
_TIGHT = (1e-8, 1e-10)
_INSIDE = 0.02  # of a leg's duration from both of its ends
_FEW = 60  # points of a leg that the error is taken at

# Times since the start of the leg [s] and voltages [V], leg by leg.
Trace = list[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Leg:
    """A constant current.

    Parameters
    ----------
    current : float
        [A], positive on discharge, 0 at rest.
    duration : float or None
        [s]; None: until the cut-off.
    """

    current: float
    duration: float | None = None


@dataclass(frozen=True, eq=False)
class Case:
    """A cell as the suites run it.

    Parameters
    ----------
    cell : Cell
        Pristine.
    resolution : Resolution
        Meshes and tolerances.

    Examples
    --------
    >>> case = Case(Cell.load("Liang2023"), Resolution(shells=10))
    >>> len(case.pulses(3))
    6
    """

    cell: Cell
    resolution: Resolution

    @cached_property
    def current(self) -> float:
        """The set's slow current in the direction of its first step [A]."""
        sign = 1 if self.cell.first_step == "discharge" else -1
        return sign * self.cell.current(self.cell.slow_rate)

    @cached_property
    def seconds(self) -> float:
        """How long the first half cycle lasts [s]."""
        return float(bare(self, self.half)[-1].t[-1])

    @property
    def half(self) -> tuple[Leg, ...]:
        """The first half cycle down (or up) to its cut-off."""
        return (Leg(self.current),)

    def pulses(self, count: int, spread: float = 0.0) -> tuple[Leg, ...]:
        """Titration over 85 % of the first half cycle.

        Parameters
        ----------
        count : int
            Pulses, each with a rest of one hour.
        spread : float, optional
            Pulse currents grow evenly by this share from the first to the last [-].

        Returns
        -------
        tuple of Leg
        """
        legs = []
        for number in range(count):
            factor = 1 + spread * number / max(count - 1, 1)
            legs.append(
                Leg(self.current * factor, 0.85 * self.seconds / count / (1 + spread))
            )
            legs.append(Leg(0.0, 3600.0))
        return tuple(legs)

    def cycles(self, count: int) -> tuple[Leg, ...]:
        """Half cycles between the cut-offs.

        Parameters
        ----------
        count : int
            Of whole cycles.
        """
        return (Leg(self.current), Leg(-self.current)) * count

    def at(self, rtol: float) -> Case:
        """The same case at other tolerances.

        Parameters
        ----------
        rtol : float
            Relative tolerance of a step [-]; the absolute one moves with it.

        Returns
        -------
        Case
        """
        scale = rtol / self.resolution.rtol
        finer = replace(self.resolution, rtol=rtol, atol=self.resolution.atol * scale)
        return Case(self.cell, finer)


def in_c(case: Case, make: bool = True) -> Engine | str:
    """Engine with compiled functions, or why there is none.

    Parameters
    ----------
    case : Case
        Cell and resolution.
    make : bool, optional
        Whether a library that is not there is compiled.

    Returns
    -------
    Engine or str
    """
    built = Engine(case.cell, case.resolution, "current")
    before = os.environ.pop("SSCELL_COMPILE", None)
    try:
        made = built.compile(make)
    finally:
        if before is not None:
            os.environ["SSCELL_COMPILE"] = before
    if made:
        return built
    return "no C compiler, no cache, or a quick run before any other has compiled"


def protocol_of(legs: Sequence[Leg]) -> Protocol:
    """Protocol of this package for some legs.

    Parameters
    ----------
    legs : sequence of Leg
        In order.

    Returns
    -------
    Protocol
    """
    steps = []
    for leg in legs:
        way = "rest" if leg.current == 0 else "discharge" if leg.current > 0 else "charge"
        rate = None if leg.current == 0 else parse_rate(f"{abs(leg.current) * 1e6!r} uA")
        steps.append(Step(way, rate, duration=leg.duration))
    fixed = tuple(steps)
    return Protocol("legs", {}, lambda first: fixed)


def bare(case: Case, legs: Sequence[Leg], built: Engine | None = None) -> list[Any]:
    """Nothing but calls of the solver on the model as it is built.

    Parameters
    ----------
    case : Case
        Cell and resolution.
    legs : sequence of Leg
        In order.
    built : Engine, optional
        Default: the one that `simulate` uses.

    Returns
    -------
    list of pybamm.Solution
    """
    built = built or engine(case.cell, case.resolution)
    longest = 1.5 * case.cell.theoretical_capacity / abs(case.current) * 3600
    low, high = case.cell.window
    solutions: list[Any] = []
    before = None
    for leg in legs:
        limits = {}
        if leg.current:
            limits = (
                {"Lower limit [V]": low} if leg.current > 0 else {"Upper limit [V]": high}
            )
        inputs = built.inputs(case.cell, leg.current, **limits)
        solution = built.step(before, leg.duration or longest, inputs)
        before = solution.last_state
        solutions.append(solution)
    return solutions


def simulated(
    case: Case,
    legs: Sequence[Leg],
    built: Engine | None = None,
    outputs: Sequence[str] | None = None,
) -> xr.Dataset:
    """The same legs through `sscell.simulate`.

    Parameters
    ----------
    case : Case
        Cell and resolution.
    legs : sequence of Leg
        In order.
    built : Engine, optional
        Default: the one that `simulate` uses.
    outputs : sequence of str, optional
        As for `simulate`; default: all.

    Returns
    -------
    xarray.Dataset
    """
    if built is not None:
        with exchanged(case.cell, case.resolution, built):
            return simulated(case, legs, outputs=outputs)
    return simulate(
        case.cell, protocol_of(legs), resolution=case.resolution, outputs=outputs
    )


def trace_of(data: xr.Dataset) -> Trace:
    """Voltages of a result, leg by leg.

    Parameters
    ----------
    data : xarray.Dataset
        From `sscell.simulate`.

    Returns
    -------
    list of tuple
        Times since the start of the leg [s] and voltages [V].
    """
    step, t = data["Step"].values, data["Time [s]"].values
    parts = []
    for number in np.unique(step):
        rows = step == number
        parts.append((t[rows] - t[rows][0], data["Voltage [V]"].values[rows]))
    return parts


def error_of(case: Case, legs: Sequence[Leg], trace: Trace) -> float:
    """Root mean square of a contender's voltage against tight tolerances [V].

    Parameters
    ----------
    case : Case
        Whose mesh is used.
    legs : sequence of Leg
        What was run.
    trace : list of tuple
        What came out.

    Returns
    -------
    float
        [V], on points inside the legs.
    """
    rtol, atol = _TIGHT
    built = engine(case.cell, replace(case.resolution, rtol=rtol, atol=atol))
    before, misses = None, []
    for leg, (times, voltage) in zip(legs, trace, strict=False):
        duration = float(times[-1])
        inside = np.flatnonzero(
            (times > _INSIDE * duration) & (times < (1 - _INSIDE) * duration)
        )
        rows = inside[:: max(inside.size // _FEW, 1)]
        inputs = built.inputs(case.cell, leg.current)
        begun = 0.0 if before is None else float(before.t[-1])
        solution = built.step(before, duration, inputs, times[rows] if rows.size else None)
        before = solution.last_state
        if rows.size:
            exact = built.evaluate(np.asarray(solution.t), np.asarray(solution.y), inputs)[
                "Voltage [V]"
            ]
            there = np.interp(times[rows], np.asarray(solution.t) - begun, exact)
            misses.append(voltage[rows] - there)
    return float(np.sqrt(np.mean(np.concatenate(misses) ** 2)))
