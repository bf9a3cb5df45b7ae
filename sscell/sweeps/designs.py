"""Which points a sweep visits: a grid, a list of points or a Latin hypercube."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from sscell.cells.cell import Cell
from sscell.errors import ParameterError
from sscell.protocols.steps import whole
from sscell.units import (
    parse_parameter,
    parse_pressure,
    parse_quantity,
    parse_rate,
    split_list,
)

__all__ = ["Axes", "Design", "latin_hypercube"]

Axes = Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Design:
    """Points of a sweep, checked, and where they stand in its dataset.

    Parameters
    ----------
    shape : mapping of str to int
        Dimensions and their lengths [-].
    coordinates : mapping of str to tuple
        Dimension and values of each axis, in the units of `sscell.sweep`.
    points : tuple of mapping
        Axis to value, the last dimension running fastest.
    """

    shape: Mapping[str, int]
    coordinates: Mapping[str, tuple[str, list[Any]]]
    points: tuple[Mapping[str, Any], ...]

    @classmethod
    def of(cls, cell: Cell, axes: Axes) -> Design:
        """Design from what `sscell.sweep` takes.

        Parameters
        ----------
        cell : Cell
            Whose parameters the axes may name.
        axes : mapping or sequence of mapping
            A grid, or a list of points.

        Returns
        -------
        Design

        Raises
        ------
        ParameterError
            If an axis is empty or unknown, a value is none of its kind, or the points of a
            list have different axes.
        """
        if not axes:
            raise ParameterError("A sweep needs at least one axis, such as temperature.")
        if isinstance(axes, Mapping):
            return _grid(cell, axes)
        return _list(cell, axes)


def _grid(cell: Cell, axes: Mapping[str, Sequence[Any]]) -> Design:
    columns = {}
    for name, values in axes.items():
        if isinstance(values, str) or not np.iterable(values) or len(list(values)) == 0:
            raise ParameterError(f"Axis '{name}' needs a list of values.")
        columns[name] = [_value(cell, name, v) for v in values]
    return Design(
        {name: len(values) for name, values in columns.items()},
        {name: (name, values) for name, values in columns.items()},
        tuple(
            dict(zip(columns, point, strict=True)) for point in product(*columns.values())
        ),
    )


def _list(cell: Cell, axes: Sequence[Mapping[str, Any]]) -> Design:
    points = list(axes)
    for number, point in enumerate(points):
        if not isinstance(point, Mapping) or not point or set(point) != set(points[0]):
            raise ParameterError(
                f"Point {number} of the list is {point!r}; every point is a mapping with the "
                "same axes, such as {'temperature': 60, 'rate': 'C/20'}."
            )
    names = list(points[0])
    columns = {name: [_value(cell, name, p[name]) for p in points] for name in names}
    return Design(
        {"point": len(points)},
        {
            "point": ("point", list(range(len(points)))),
            **{name: ("point", values) for name, values in columns.items()},
        },
        tuple(
            dict(zip(names, row, strict=True))
            for row in zip(*columns.values(), strict=True)
        ),
    )


def _value(cell: Cell, name: str, value: Any) -> Any:
    if name == "temperature":
        return parse_quantity(value, "degC", "Temperature")
    if name == "pressure":
        return parse_pressure(value) / 1e6
    if name == "rate":
        cell.current(value)
        return value
    cell.quantity(name)
    return parse_parameter(value, name)


def latin_hypercube(
    ranges: Mapping[str, Sequence[Any]], points: int, seed: int = 0
) -> list[dict[str, Any]]:
    """List of points that cover ranges evenly: each axis is divided into as many parts.

    Every part of every axis holds exactly one point (Latin hypercube sampling).

    Parameters
    ----------
    ranges : mapping of str to sequence
        Lowest and highest value of each axis of `sscell.sweep`; a third item ``"log"``
        spreads them in equal ratios instead of equal differences.
    points : int
        How many [-].
    seed : int, optional
        The same seed gives the same points [-].

    Returns
    -------
    list of dict
        Points for `sscell.sweep`.

    Raises
    ------
    ParameterError
        If a range does not rise, or is not positive where it is spread in ratios.

    Notes
    -----
    Source: McKay, Beckman and Conover, 10.1080/00401706.1979.10489755.

    Examples
    --------
    >>> points = latin_hypercube({"temperature": (25, 85), "rate": ("C/100", "C/5")}, 3)
    >>> sorted(int((p["temperature"] - 25) // 20) for p in points)
    [0, 1, 2]
    """
    from scipy.stats import qmc

    whole(points, "Points")
    whole(seed, "The seed", 0)
    if not ranges:
        raise ParameterError("A Latin hypercube needs at least one range.")
    sampler = qmc.LatinHypercube(len(ranges), rng=np.random.default_rng(seed))
    shares = sampler.random(points).T
    columns = [_spread(*item, s) for item, s in zip(ranges.items(), shares, strict=True)]
    return [dict(zip(ranges, row, strict=True)) for row in zip(*columns, strict=True)]


def _spread(name: str, limits: Sequence[Any], shares: np.ndarray) -> list[Any]:
    """Values at these shares of a range."""
    shape = f"Range of '{name}' must read low, high or low, high, log; not {limits!r}."
    if isinstance(limits, str) or len(limits) not in (2, 3):
        raise ParameterError(shape)
    low, high, *scale = limits
    if isinstance(low, str) and isinstance(high, str):
        low, high = split_list(f"{low},{high}")
    unit = ""
    if name == "rate":
        rates = parse_rate(low), parse_rate(high)
        if rates[0].kind != rates[1].kind:
            raise ParameterError(f"Rates '{low}' and '{high}' are of different kinds.")
        low, high, unit = rates[0].value, rates[1].value, rates[0].kind
    elif name == "temperature":
        low, high = (parse_quantity(v, "degC", "Temperature") for v in (low, high))
    elif name == "pressure":
        low, high = (parse_pressure(v) / 1e6 for v in (low, high))
    else:
        low, high = (parse_parameter(v, name) for v in (low, high))
    if not low < high or scale not in ([], ["log"]):
        raise ParameterError(shape)
    if scale and low <= 0:
        raise ParameterError(f"Range of '{name}' must be positive to be spread in ratios.")
    values = low * (high / low) ** shares if scale else low + (high - low) * shares
    return [f"{v:.6g}{unit}" if unit else float(v) for v in values]
