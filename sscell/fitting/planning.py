r"""Which test would tell most about parameters, per hour of the cycler.

.. math:: I = \tfrac12 \log_2 \det\left(1 + C_0^{1/2} J^T J C_0^{1/2}\right)

with the Jacobian J of a simulated test in standard deviations of its noise and the
covariance C0 of what is known before: the bounds, or an earlier fit. One bit halves the
uncertainty of one parameter (Lindley, Ann. Math. Stat. 27 (1956) 986, linearised).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sscell.cells.cell import Cell
from sscell.errors import DataError, ParameterError, SimulationError
from sscell.fitting.prepare import Bounds, prepare
from sscell.fitting.result import Fit
from sscell.fitting.variables import variables_of
from sscell.optimisers.bounds import Variable
from sscell.protocols import (
    Protocol,
    charge,
    cycle,
    discharge,
    gitt,
    impedance,
    rate_test,
    rest,
    then,
)
from sscell.simulation.engine import Resolution
from sscell.simulation.progress import Progress
from sscell.simulation.simulation import simulate
from sscell.units import ZERO_CELSIUS

__all__ = ["Candidate", "Plan", "plan", "standard_tests"]

_COARSE = Resolution(shells=25, rtol=1e-5, atol=1e-7)
_TONES = tuple(np.logspace(5, -2, 36).tolist())
_PERIODS = 3.0  # of each frequency that an instrument takes


@dataclass(frozen=True)
class Candidate:
    """A test that may be run.

    Parameters
    ----------
    name : str
        In words.
    protocol : Protocol
        What is done.
    temperature : float
        [degC].
    pressure : float, optional
        On the stack [MPa]; default: the set's own.
    """

    name: str
    protocol: Protocol
    temperature: float
    pressure: float | None = None


@dataclass(frozen=True)
class Plan:
    """What one test would tell.

    Parameters
    ----------
    test : Candidate
        Which.
    hours : float
        That it takes [h].
    bits : float
        Information about all parameters together [bit].
    std_errors : mapping of str to float
        One standard error by parameter afterwards [unit of the name].
    failed : str
        Why it could not be simulated; else empty.
    """

    test: Candidate
    hours: float
    bits: float
    std_errors: Mapping[str, float]
    failed: str = ""

    @property
    def bits_per_hour(self) -> float:
        """Information per time [bit.h-1]."""
        return self.bits / self.hours if self.hours else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "test": self.test.name,
            "temperature_C": self.test.temperature,
            "pressure_MPa": self.test.pressure,
            "hours": self.hours,
            "bits": self.bits,
            "bits_per_hour": self.bits_per_hour,
            "std_errors": dict(self.std_errors),
            "failed": self.failed,
        }


def standard_tests(cell: Cell) -> tuple[Candidate, ...]:
    """Tests that a laboratory would think of, at the cell's own and the highest temperature.

    A cell that knows of pressure is also tested at both ends of the published ones.

    Parameters
    ----------
    cell : Cell
        Its slow rate, first step, range of temperature and of pressure.

    Returns
    -------
    tuple of Candidate

    Examples
    --------
    >>> sum("GITT" in t.name for t in standard_tests(Cell.load("Ji2024")))
    2
    """
    slow = cell.current(cell.slow_rate)
    first: Callable[..., Protocol] = discharge if cell.first_step == "discharge" else charge
    rates = [f"{slow * factor:.6g} A" for factor in (1, 4)]
    own = cell.values["Ambient temperature [K]"] - ZERO_CELSIUS
    warm = float(cell.data.get("validity", {}).get("temperature_C", (own, own))[1])
    way = cell.first_step
    kinds: list[tuple[str, Protocol]] = [
        (f"slow {way}", first(rates[0])),
        (f"{way}, 4 times faster", first(rates[1])),
        ("slow cycle", cycle(rates[0])),
        (
            f"half a {way} and 10 h rest",
            then(first(rates[0], duration="8 h"), rest("10 h")),
        ),
        ("GITT, 1 h pulses and 2 h rests", gitt(rates[0], "1 h", "2 h", direction=way)),
        (
            "rate test, 1, 2 and 4 times",
            rate_test([rates[0], f"{2 * slow:.6g} A", rates[1]]),
        ),
        ("impedance as assembled", impedance(_TONES)),
    ]
    degrees = dict.fromkeys((round(own, 2), round(warm, 2)))
    conditions: list[tuple[float, float | None]] = [(t, None) for t in degrees]
    if cell.has_contact:
        published = cell.data.get("validity", {}).get("pressure_MPa", ())
        conditions += [(round(own, 2), float(p)) for p in published]
    return tuple(
        Candidate(f"{name}, {t:g} degC" + (f", {p:g} MPa" if p else ""), protocol, t, p)
        for t, p in conditions
        for name, protocol in kinds
    )


def plan(
    cell: str | Cell | Fit,
    vary: Bounds | None = None,
    tests: Sequence[Candidate] | None = None,
    *,
    noise: float = 2e-3,
    share: float = 5e-3,
    resolution: Resolution | None = None,
    on_progress: Progress | None = None,
) -> list[Plan]:
    """Rank tests by the information that they would add per hour.

    Parameters
    ----------
    cell : str, Cell or Fit
        Whose values are taken as true; a fit also says what is already known.
    vary : mapping of str to tuple of float, optional
        Bounds by parameter [unit of the name]; default: those of the fit.
    tests : sequence of Candidate, optional
        Default: `standard_tests`.
    noise : float, optional
        Of the voltage [V].
    share : float, optional
        Of an impedance, per modulus [-].
    resolution : Resolution, optional
        Meshes and tolerances.
    on_progress : callable, optional
        Called with the share done [-] and a text.

    Returns
    -------
    list of Plan
        The most bits per hour first, failures last.

    Raises
    ------
    ParameterError
        If a parameter or its bounds are not usable.

    Examples
    --------
    >>> name = "Separator conductivity [S.m-1]"
    >>> tests = [Candidate(f"{t} degC", discharge("C/10"), t) for t in (25, 60)]
    >>> ranked = plan("Ji2024", {name: (1e-3, 0.1)}, tests)
    >>> ranked[0].bits_per_hour >= ranked[1].bits_per_hour > 0
    True
    """
    known = None
    if isinstance(cell, Fit):
        known, cell = cell, cell.cell
        if vary is None:
            vary = {v.name: (v.low, v.high) for v in known.problem.variables}
    cell = cell if isinstance(cell, Cell) else Cell.load(cell)
    if not vary:
        raise ParameterError("Name at least one parameter to vary, with its bounds.")
    variables_of(cell, vary, ["plan"])  # what no test could do is said before the first
    chosen = tuple(tests) if tests is not None else standard_tests(cell)
    found = []
    for number, test in enumerate(chosen):
        if on_progress:
            on_progress(number / len(chosen), test.name)
        found.append(_worth(cell, vary, test, known, noise, share, resolution or _COARSE))
    return sorted(found, key=lambda p: (bool(p.failed), -p.bits_per_hour))


def _worth(
    cell: Cell,
    vary: Bounds,
    test: Candidate,
    known: Fit | None,
    noise: float,
    share: float,
    resolution: Resolution,
) -> Plan:
    tones = [f for s in test.protocol.steps(cell.first_step) for f in s.frequencies]
    sigma = share if tones else noise
    try:
        run = simulate(
            cell,
            test.protocol,
            temperature=test.temperature,
            pressure=test.pressure,
            resolution=resolution,
        )
        hours = (
            float(run["Time [s]"][-1]) / 3600 + _PERIODS * sum(1 / f for f in tones) / 3600
        )
        if tones:
            run = run.drop_dims("time")
        problem, _ = prepare(
            cell,
            run,
            vary,
            temperature=test.temperature,
            pressure=test.pressure,
            noise=[sigma],
            resolution=resolution,
        )
        u = problem.start()
        _, jacobian = problem(u)
    except (SimulationError, ParameterError, DataError) as error:
        # A test that this cell cannot do, or whose data tell nothing, is no reason to stop.
        return Plan(test, 0.0, 0.0, {}, str(error))
    before = _before(problem.variables, known)
    inverse = np.linalg.inv(before)
    after = np.linalg.inv(inverse + jacobian.T @ jacobian)
    bits = 0.5 * (np.linalg.slogdet(before)[1] - np.linalg.slogdet(after)[1]) / np.log(2)
    errors = {
        v.name: float(np.sqrt(after[k, k]) * v.slope(u[k]))
        for k, v in enumerate(problem.variables)
    }
    return Plan(test, hours, float(bits), errors)


def _before(variables: Sequence[Variable], known: Fit | None) -> np.ndarray:
    """Covariance of the positions before the test."""
    covariance = np.eye(len(variables)) / 12.0
    if known is None:
        return covariance
    names = [v.name for v in known.problem.variables]
    shared = [k for k, v in enumerate(variables) if names.count(v.name) == 1]
    own = [names.index(variables[k].name) for k in shared]
    covariance[np.ix_(shared, shared)] = known.knowledge.covariance[np.ix_(own, own)]
    return covariance
