r"""What data can tell of parameters: errors, correlations, loose directions in words.

The residuals are counted in standard deviations, so that :math:`J^T J` is the information
of the data. Parameters are counted as logarithms where the fit has them on a logarithmic
scale, else in units of their range between the bounds. The bounds themselves are worth as
much as a uniform distribution between them (variance 1/12 of their distance squared),
which keeps the matrix regular where the data say nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sscell.optimisers.bounds import Variable

__all__ = ["Knowledge", "correlated_noise", "knowledge"]

_LOOSE = 0.3  # error (of the logarithm, or per range) from which a parameter is loose
_TOGETHER = 0.95  # correlation from which two parameters are only known together
_SHARE = 0.15  # of a direction: smaller parts are left out of the words


@dataclass(frozen=True, eq=False)
class Knowledge:
    """What data say of the parameters about one point.

    Parameters
    ----------
    variables : tuple of Variable
        In order.
    values : numpy.ndarray, shape (n,)
        Where it was asked [unit of each name].
    std_errors : numpy.ndarray, shape (n,)
        One standard error [unit of each name].
    relative : numpy.ndarray, shape (n,)
        The same of the logarithm, or per range between the bounds [-].
    correlation : numpy.ndarray, shape (n, n)
        [-].
    covariance : numpy.ndarray, shape (n, n)
        Of the positions between the bounds [-].
    pinned : tuple of bool
        Whether the data, not the bounds, say what it is.
    directions : tuple of mapping
        From loose to firm: ``std_error`` [of the logarithm or range], ``parts`` by title.
    sentences : tuple of str
        The same in words.
    """

    variables: tuple[Variable, ...]
    values: np.ndarray
    std_errors: np.ndarray
    relative: np.ndarray
    correlation: np.ndarray
    covariance: np.ndarray
    pinned: tuple[bool, ...]
    directions: tuple[dict[str, Any], ...]
    sentences: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(self.sentences)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "parameters": [
                {"name": v.title, "value": x, "std_error": s, "pinned": p}
                for v, x, s, p in zip(
                    self.variables,
                    self.values.tolist(),
                    self.std_errors.tolist(),
                    self.pinned,
                    strict=True,
                )
            ],
            "correlation": self.correlation.tolist(),
            "directions": [dict(d) for d in self.directions],
            "sentences": list(self.sentences),
        }


def knowledge(
    jacobian: np.ndarray,
    variables: Sequence[Variable],
    u: np.ndarray,
    scale: float = 1.0,
    information: np.ndarray | None = None,
) -> Knowledge:
    """Errors, correlations and loose directions from a Jacobian.

    Parameters
    ----------
    jacobian : numpy.ndarray, shape (points, n)
        Derivatives of the residuals, in standard deviations, by the positions.
    variables : sequence of Variable
        Of its columns.
    u : numpy.ndarray, shape (n,)
        Positions.
    scale : float, optional
        Factor on the variance of the residuals [-]: their mean square where the model does
        not reach the noise, and their correlation.
    information : numpy.ndarray, shape (n, n), optional
        Of the data on the positions, where their errors go on from point to point [-];
        default: that of independent residuals.

    Returns
    -------
    Knowledge

    Examples
    --------
    >>> pair = [Variable(f"{n} [Ohm]", 0.01, 100.0, log=True) for n in "AB"]
    >>> j = np.outer(np.arange(1.0, 50.0), [1.0, 1.0])
    >>> print(knowledge(j, pair, np.array([0.5, 0.5])))
    A and B are known only together: the data pin A^0.71 x B^0.71, not the two apart.
    """
    variables = tuple(variables)
    own = np.array([12.0 if v.prior is None else 0.0 for v in variables])
    # Only the data may be worse than they say; priors are the last rows.
    count = jacobian.shape[0] - sum(v.prior is not None for v in variables)
    data, told = jacobian[:count], jacobian[count:]
    if information is None:
        information = data.T @ data / scale
    covariance = np.linalg.inv(information + told.T @ told + np.diag(own + 1e-9))
    alone = np.linalg.inv(information + 12.0 * np.eye(len(variables)))
    widths = np.array([v.width for v in variables])
    relative = np.sqrt(np.diag(covariance)) * widths
    slopes = np.array([v.slope(x) for v, x in zip(variables, u, strict=True)])
    spread = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(spread, spread)
    directions = _directions(alone, widths, variables)
    by_data = np.sqrt(np.diag(alone)) * widths
    pinned = tuple(
        bool(r < min(_LOOSE, 0.7 * w / math.sqrt(12)))
        for r, w in zip(by_data, widths, strict=True)
    )
    return Knowledge(
        variables,
        np.array([v.value(x) for v, x in zip(variables, u, strict=True)]),
        spread * slopes,
        relative,
        correlation,
        covariance,
        pinned,
        directions,
        _sentences(variables, by_data, correlation, pinned, directions, information),
    )


def _directions(
    covariance: np.ndarray, widths: np.ndarray, variables: Sequence[Variable]
) -> tuple[dict[str, Any], ...]:
    """Principal axes of the errors, the loosest first."""
    variances, axes = np.linalg.eigh(covariance * np.outer(widths, widths))
    found = []
    for variance, axis in sorted(zip(variances, axes.T, strict=True), key=lambda p: -p[0]):
        axis = axis * np.sign(axis[np.argmax(np.abs(axis))])
        parts = {v.title: float(x) for v, x in zip(variables, axis, strict=True)}
        found.append({"std_error": math.sqrt(max(variance, 0.0)), "parts": parts})
    return tuple(found)


def _sentences(
    variables: Sequence[Variable],
    relative: np.ndarray,
    correlation: np.ndarray,
    pinned: Sequence[bool],
    directions: Sequence[dict[str, Any]],
    information: np.ndarray,
) -> tuple[str, ...]:
    names = [v.short for v in variables]
    mute = {
        k for k, v in enumerate(variables) if information[k, k] < 1.0 and v.prior is None
    }
    told = [f"The data say nothing about {names[k]}." for k in sorted(mute)]
    explained = set(mute)
    for direction in directions:
        axis = np.array(list(direction["parts"].values()))
        involved = [
            k for k in np.flatnonzero(np.abs(axis) > _SHARE).tolist() if k not in mute
        ]
        if direction["std_error"] < _LOOSE or len(involved) < 2:
            continue
        explained.update(involved)
        told.append(_together(involved, axis, names, variables))
    count = len(variables)
    for a in range(count):
        for b in range(a + 1, count):
            if {a, b} <= explained or abs(correlation[a, b]) < _TOGETHER:
                continue
            told.append(
                f"{names[a]} and {names[b]} are hard to tell apart "
                f"(correlation {correlation[a, b]:+.2f})."
            )
    for k in range(count):
        if not pinned[k] and k not in explained:
            told.append(f"{names[k]} is loose: {_width(variables[k], relative[k])}.")
    told += [
        f"{names[k]} rests on what was known beforehand."
        for k, v in enumerate(variables)
        if v.prior is not None and not pinned[k]
    ]
    if not told:
        told = ["The data pin every parameter, each on its own."]
    return tuple(told)


def _together(
    involved: Sequence[int],
    axis: np.ndarray,
    names: Sequence[str],
    variables: Sequence[Variable],
) -> str:
    """What the data pin across a loose direction."""
    parts = [names[k] for k in involved]
    listed = ", ".join(parts[:-1]) + f" and {parts[-1]}"
    if len(involved) > 2 or not all(variables[k].log for k in involved):
        moves = ", ".join(f"{names[k]} {'up' if axis[k] > 0 else 'down'}" for k in involved)
        return (
            f"{listed} are known only together: they can move at once ({moves}) "
            "with hardly a change in the data."
        )
    a, b = involved
    length = math.hypot(axis[a], axis[b])
    # The combination that stays the same along the loose direction, its first power up.
    power_a, power_b = axis[b] / length, -axis[a] / length
    if power_a < 0:
        power_a, power_b = -power_a, -power_b
    return (
        f"{listed} are known only together: the data pin {names[a]}^{power_a:.2f} x "
        f"{names[b]}^{power_b:.2f}, not the two apart."
    )


def _width(variable: Variable, relative: float) -> str:
    if variable.log:
        return f"one standard error is a factor {math.exp(min(relative, 50.0)):.2g}"
    return f"one standard error is {relative:.0%} of the distance between its bounds"


def correlated_noise(parts: Sequence[np.ndarray]) -> float:
    r"""How much fewer independent points there are than residuals.

    .. math:: n / n_{eff} = (1 + \rho)/(1 - \rho)

    with the correlation of neighbours; errors of the model go on from point to point, and
    each point then says less.

    Parameters
    ----------
    parts : sequence of numpy.ndarray
        Residuals of each dataset, in order.

    Returns
    -------
    float
        At least 1, which is also the answer where the correlation may be chance.

    Examples
    --------
    >>> correlated_noise([np.random.default_rng(0).normal(size=400)])
    1.0
    >>> correlated_noise([np.sin(np.arange(400) / 20)]) > 10
    True
    """
    above = sum(float(r[1:] @ r[:-1]) for r in parts)
    below = sum(float(r[1:] @ r[1:] + r[:-1] @ r[:-1]) / 2 for r in parts)
    count = sum(r.size for r in parts)
    rho = above / below if below > 0 else 0.0
    if rho < 3 / math.sqrt(max(count, 1)):
        return 1.0
    rho = min(rho, 1 - 2 / max(count, 4))
    return (1 + rho) / (1 - rho)
