"""Profile likelihood: what the data say of one parameter when all others may follow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from sscell.errors import ParameterError, SimulationError
from sscell.fitting.result import Fit
from sscell.protocols.steps import whole

__all__ = ["Profile", "profile"]

_LIMIT = 3.841459  # 95 % quantile of chi squared with one degree of freedom
_GROWTH = 1.6  # of the steps beyond four standard errors


@dataclass(frozen=True, eq=False)
class Profile:
    """Smallest cost at fixed values of one parameter.

    Parameters
    ----------
    title : str
        As in `Fit.values`.
    values : numpy.ndarray, shape (n,)
        Of the parameter, increasing [unit of the name]; without those where the model failed.
    rise : numpy.ndarray, shape (n,)
        Of the cost over the best, in the variance of the residuals [-].
    interval : tuple of float or None
        95 % interval, where the rise is 3.84; None at an end that the data leave open
        [unit of the name].
    """

    title: str
    values: np.ndarray
    rise: np.ndarray
    interval: tuple[float | None, float | None]

    def __str__(self) -> str:
        low, high = self.interval
        name = self.title.partition(" [")[0]
        if low is None and high is None:
            span = f"{self.values[0]:.4g} to {self.values[-1]:.4g}"
            return f"{name}: the data leave it open from {span}, which was looked at."
        ends = (
            "open" if low is None else f"{low:.4g}",
            "open" if high is None else f"{high:.4g}",
        )
        return f"{name}: 95 % from {ends[0]} to {ends[1]} by its profile."

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "name": self.title,
            "values": self.values.tolist(),
            "rise": self.rise.tolist(),
            "interval_95": list(self.interval),
        }


def profile(found: Fit, title: str, points: int = 11, max_evaluations: int = 10) -> Profile:
    r"""Refit all other parameters at fixed values of one.

    .. math:: \Delta\chi^2(p) = \left(\min_{q} \chi^2(p, q) - \chi^2_{best}\right) / s^2

    Unlike a standard error, it is right for a curved valley and for an open end.

    Parameters
    ----------
    found : Fit
        What was fitted.
    title : str
        As in `Fit.values`.
    points : int, optional
        Values over four standard errors to each side, within the bounds. Where the cost
        has not risen enough there, it goes on in growing steps, up to the bound.
    max_evaluations : int, optional
        Of each refit.

    Returns
    -------
    Profile

    Raises
    ------
    ParameterError
        If there is no such parameter in the fit, or fewer than 3 points.

    Examples
    --------
    >>> import sscell
    >>> run = sscell.simulate("Ji2024", sscell.discharge("C/10"), temperature=60)
    >>> name = "Separator conductivity [S.m-1]"
    >>> found = sscell.fit("Ji2024", run, {name: (1e-3, 0.1)}, noise=2e-3)
    >>> low, high = profile(found, name, points=5).interval
    >>> low < found.values[name] < high
    True
    """
    titles = list(found.values)
    if title not in titles:
        raise ParameterError(f"'{title}' was not fitted; fitted: {', '.join(titles)}.")
    whole(points, "Points", 3)
    number = titles.index(title)
    best = float(found.u[number])
    sides = [
        _side(found, number, _ladder(found, number, points, way), max_evaluations)
        for way in (-1.0, 1.0)
    ]
    table = np.array([*sides[0][::-1], (best, 0.0), *sides[1]])
    positions, rise = table.T
    variable = found.problem.variables[number]
    values = np.array([variable.value(x) for x in positions])
    ends = tuple(
        None if x is None else variable.value(x) for x in _crossings(positions, rise, best)
    )
    return Profile(title, values, rise, (ends[0], ends[1]))


def _ladder(
    found: Fit, number: int, points: int, way: float
) -> Iterator[tuple[float, bool]]:
    """Positions from the best to the bound, and whether only a cost still low asks for it."""
    best, bound = float(found.u[number]), (1.0 if way > 0 else 0.0)
    reach = 4 * float(np.sqrt(found.knowledge.covariance[number, number]))
    step = min(reach / (points // 2), abs(bound - best))
    if step <= 0:
        return
    away, count = step, 1
    while away < abs(bound - best) * (1 - 1e-9):
        yield best + way * away, count > points // 2
        count += 1
        step *= 1.0 if count <= points // 2 else _GROWTH
        away += step
    yield bound, count > points // 2


def _side(
    found: Fit, number: int, ladder: Iterator[tuple[float, bool]], limit: int
) -> list[tuple[float, float]]:
    """Rise of the cost by position; each refit begins where its neighbour ended."""
    unit = float(found.error.widening[number])
    others = np.delete(found.u, number)
    known: list[tuple[float, float]] = []
    for position, on_demand in ladder:
        if on_demand and known and known[-1][1] > _LIMIT:
            break
        try:
            cost, others = _refit(found, number, position, others, limit)
        except SimulationError:
            continue
        known.append((position, (cost - found.weighed_cost) / unit))
    return known


def _refit(
    found: Fit, number: int, position: float, others: np.ndarray, limit: int
) -> tuple[float, np.ndarray]:
    """Smallest cost with one position fixed, and the other positions there."""
    from scipy.optimize import least_squares

    def fixed(u: np.ndarray) -> np.ndarray:
        return found.problem.residuals(np.insert(u, number, position))

    def slopes(u: np.ndarray) -> np.ndarray:
        _, jacobian = found.problem(np.insert(u, number, position))
        return np.delete(jacobian, number, axis=1)

    if not others.size:
        residuals = fixed(others)
        return float(residuals @ residuals), others
    ended = least_squares(
        lambda x: fixed(x - 1),
        np.clip(others, 1e-6, 1 - 1e-6) + 1,
        jac=lambda x: slopes(x - 1),
        bounds=(1.0, 2.0),
        x_scale="jac",
        ftol=1e-4,
        max_nfev=limit,
    )
    return float(2 * ended.cost), ended.x - 1


def _crossings(
    positions: np.ndarray, rise: np.ndarray, best: float
) -> tuple[float | None, float | None]:
    """Where the rise passes the limit on either side; None where it does not."""
    x, y = positions, rise

    def first(order: np.ndarray) -> float | None:
        for a, b in zip(order[:-1], order[1:], strict=True):
            if y[a] <= _LIMIT < y[b]:
                share = (_LIMIT - y[a]) / (y[b] - y[a])
                return float(x[a] + share * (x[b] - x[a]))
        return None

    middle = int(np.argmin(np.abs(x - best)))
    return first(np.arange(middle, -1, -1)), first(np.arange(middle, x.size))
