"""Measured potentials as smooth, monotone functions of the filling."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from sscell.errors import ParameterError, did_you_mean

__all__ = ["Curve", "Potential"]

# Beyond its table a potential runs away: by so much before the host is full or empty.
_AWAY, _NEAREST = 1.5, 0.02  # V, of the filling
_FEWEST, _MOST = 3, 400
_CLOSEST = 1e-4  # of the filling
_PURE = ("filling", "potential")
_BRANCHES = ("filling", "discharge", "charge")


@dataclass(frozen=True)
class Curve:
    r"""Potential that falls with the filling, through every point of a table.

    .. math:: U(x) = U_0 + m_0 (x - x_0) + \sum_k \left[a_k (x - x_k)_+^2
        + b_k (x - x_k)_+^3\right] + K_0 (x_0 - x)_+^2 - K_n (x - x_n)_+^2

    A shape-preserving piecewise cubic, written as one sum without cases: it is as cheap for
    symbols as for numbers, and its slope is continuous everywhere.

    Parameters
    ----------
    filling : tuple of float
        Rising, within 0 to 1 [-].
    potential : tuple of float
        Falling [V].

    Raises
    ------
    ParameterError
        If the points are too few or too many, not in order, or not monotone.

    Notes
    -----
    Source: Fritsch and Butland, SIAM J. Sci. Stat. Comput. 5, 300 (1984), as in
    `scipy.interpolate.PchipInterpolator`.

    Examples
    --------
    >>> curve = Curve((0.0, 0.5, 1.0), (4.2, 3.8, 3.0))
    >>> round(float(curve(0.5)), 12)
    3.8
    """

    filling: tuple[float, ...]
    potential: tuple[float, ...]

    def __post_init__(self) -> None:
        x, u = np.asarray(self.filling, float), np.asarray(self.potential, float)
        if x.shape != u.shape or x.ndim != 1:
            raise ParameterError(
                f"An OCV needs as many potentials as fillings, not {u.size} for {x.size}."
            )
        if not _FEWEST <= x.size <= _MOST:
            raise ParameterError(f"An OCV needs {_FEWEST} to {_MOST} points, not {x.size}.")
        if not (np.isfinite(x).all() and np.isfinite(u).all()):
            raise ParameterError("An OCV has values that are no finite numbers.")
        if x[0] < 0 or x[-1] > 1:
            raise ParameterError(
                f"Fillings of an OCV lie within 0 and 1, not {x.min():g} to {x.max():g}."
            )
        if 0 < np.diff(x).min() < _CLOSEST:
            raise ParameterError(
                f"Fillings of an OCV lie at least {_CLOSEST:g} apart, not {np.diff(x).min():.2g}."
            )
        for name, steps, values in (
            ("rise", np.diff(x), x),
            ("fall", -np.diff(u), u),
        ):
            if not (steps > 0).all():
                k = int(np.argmin(steps > 0))
                what = "Fillings" if name == "rise" else "Potentials"
                raise ParameterError(
                    f"{what} of an OCV must {name} from point to point; those at "
                    f"{k + 1} and {k + 2} are {values[k]:g} and {values[k + 1]:g}."
                )

    @cached_property
    def _terms(self) -> tuple[float, list[tuple[float, float, float]]]:
        """Slope at the first point, and jumps of the second and third order at each."""
        from scipy.interpolate import PchipInterpolator

        x = np.asarray(self.filling, float)
        cubic, square, slope, _ = PchipInterpolator(x, self.potential).c
        h = np.diff(x)
        second = np.diff(np.r_[0.0, square, 0.0])
        second[1:] -= 3 * cubic * h
        third = np.diff(np.r_[0.0, cubic, 0.0])
        return float(slope[0]), list(zip(x, second, third, strict=True))

    def __call__(self, x: Any, maximum: Callable[[Any, Any], Any] = np.maximum) -> Any:
        """Potential at a filling [V].

        Parameters
        ----------
        x : float, array or symbol
            Filling [-]; beyond the table the potential runs away.
        maximum : callable, optional
            Of two arguments of that kind.

        Returns
        -------
        float, array or symbol
        """
        slope, terms = self._terms
        first, last = self.filling[0], self.filling[-1]
        value = self.potential[0] + slope * (x - first)
        for knot, square, cubic in terms:
            past = maximum(x - knot, 0)
            value = value + past * past * (square + cubic * past)
        below, above = maximum(first - x, 0), maximum(x - last, 0)
        up = _AWAY / max(first, _NEAREST) ** 2
        down = _AWAY / max(1 - last, _NEAREST) ** 2
        return value + up * below * below - down * above * above

    def inverse(self, potential: float) -> float:
        """Filling at a potential [-]; the ends of the table where it lies beyond.

        Parameters
        ----------
        potential : float
            [V].

        Returns
        -------
        float
        """
        from scipy.optimize import brentq

        if potential >= self.potential[0]:
            return self.filling[0]
        if potential <= self.potential[-1]:
            return self.filling[-1]
        found = brentq(
            lambda x: float(self(x)) - potential, self.filling[0], self.filling[-1]
        )
        return float(found)


@dataclass(frozen=True)
class Potential:
    r"""Potential with a branch for each direction, and a state between them.

    .. math:: U(x, h) = \frac{1-h}{2} U_{dis}(x) + \frac{1+h}{2} U_{ch}(x)

    Parameters
    ----------
    discharge, charge : Curve
        While the guest goes in, and out [V]; the same one where there is no hysteresis.

    Raises
    ------
    ParameterError
        If the charge lies below the discharge somewhere.

    Examples
    --------
    >>> up = Curve((0.0, 0.5, 1.0), (4.2, 3.9, 3.0))
    >>> down = Curve((0.0, 0.5, 1.0), (4.2, 3.8, 3.0))
    >>> round(float(Potential(down, up)(0.5, 0.0)), 12)
    3.85
    """

    discharge: Curve
    charge: Curve

    def __post_init__(self) -> None:
        x = np.union1d(self.discharge.filling, self.charge.filling)
        gap = np.asarray(self.charge(x) - self.discharge(x))
        if (gap < -1e-4).any():
            k = int(np.argmin(gap))
            raise ParameterError(
                f"The charge branch of an OCV lies {-gap[k] * 1e3:.3g} mV below the "
                f"discharge branch at a filling of {x[k]:.3g}."
            )

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Potential:
        """Read columns: ``filling`` with ``potential``, or with ``discharge`` and ``charge``.

        Parameters
        ----------
        table : mapping
            Lists of numbers [-, V].

        Returns
        -------
        Potential

        Raises
        ------
        ParameterError
            If a column is missing, unknown or no list of numbers.
        """
        keys = _PURE if "potential" in table else _BRANCHES
        for key in table:
            if key not in keys:
                hint = did_you_mean(key, keys)
                raise ParameterError(f"The OCV table has an unknown column '{key}'. {hint}")
        for key in keys:
            if key not in table:
                raise ParameterError(f"The OCV table has no '{key}'.")
        columns = {key: _numbers(key, table[key]) for key in keys}
        filling = columns.pop("filling")
        curves = [Curve(filling, column) for column in columns.values()]
        return cls(curves[0], curves[-1])

    @property
    def has_hysteresis(self) -> bool:
        """Whether the branches differ."""
        return self.discharge != self.charge

    def __call__(
        self, x: Any, h: Any = 0.0, maximum: Callable[[Any, Any], Any] = np.maximum
    ) -> Any:
        """Potential at a filling and a state of the hysteresis [V].

        Parameters
        ----------
        x : float, array or symbol
            Filling [-].
        h : float, array or symbol, optional
            -1 after a discharge, 1 after a charge.
        maximum : callable, optional
            Of two arguments of that kind.

        Returns
        -------
        float, array or symbol
        """
        down = self.discharge(x, maximum)
        if not self.has_hysteresis:
            return down
        return (1 - h) / 2 * down + (1 + h) / 2 * self.charge(x, maximum)


def _numbers(name: str, column: Any) -> tuple[float, ...]:
    if not isinstance(column, Sequence) or isinstance(column, str):
        raise ParameterError(f"The OCV table needs a list of numbers as its '{name}'.")
    for value in column:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ParameterError(f"The OCV table's '{name}' holds {value!r}, no number.")
    return tuple(map(float, column))
