"""How well the values of a set are known: covariance of what is fitted, ranges of the rest.

Format of the file, JSON, ``uncertainty/<name>.json`` beside the set (or
``<stem>.uncertainty.json`` for the set ``<stem>.toml`` that a refit wrote):

- ``names``: fitted parameters; ``scales``: ``"linear"`` or ``"log"`` for each;
  ``values``: where the covariance was taken [unit of the name];
- ``covariance``: square matrix in that order, of the values, or of their natural logarithms
  where the scale is ``"log"``;
- ``bounds``: low and high of each, which no draw leaves; ``ties``: for each name the
  parameters that move with it, with their ratio to it;
- ``rows``: how many observables were fitted; ``effective_parameters``: how many values they
  pin, tr[J (J'J + P)^-1 J'], P from the priors;
- ``left_out``: outcomes of fits without one condition, as `sscell validate --leave-out`
  shows them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import model_validator

from sscell.cells.cell import Cell
from sscell.cells.entries import Parameter
from sscell.cells.library import families, kept_until_changed
from sscell.cells.parameters import ParameterSet
from sscell.errors import ParameterError
from sscell.tables import Pair, Table, fault, read_table

__all__ = [
    "Knowledge",
    "LeftOutRow",
    "Spread",
    "knowledge_file",
    "knowledge_of",
    "spreads",
]

_DECADE = 10.0  # a range this wide is drawn evenly in its logarithm
_LARGE = 0.2  # of a value: a larger standard error is that of its logarithm
_CONVENTIONS = ("Reference temperature [K]",)


class LeftOutRow(Table):
    """What a fit without one condition says of a row of it."""

    condition: str
    id: str
    run: str
    quantity: str
    word: str
    published: float | list[float]
    unit: str
    model: float | None
    error: float | None
    tolerance: float
    fitted_error: float | None = None
    null_error: float | None = None
    seconds: float | None = None


class Knowledge(Table):
    """What is known of the fitted values of a set: a file `uncertainty/<name>.json`."""

    set: str
    names: list[str]
    scales: list[Literal["linear", "log"]]
    values: list[float]
    covariance: list[list[float]]
    bounds: list[Pair]
    ties: dict[str, dict[str, float]] = {}
    rows: int
    effective_parameters: float
    left_out: list[LeftOutRow] = []

    @model_validator(mode="after")
    def _square(self) -> Knowledge:
        count = len(self.names)
        sizes = {len(self.scales), len(self.values), len(self.covariance), len(self.bounds)}
        sizes |= {len(row) for row in self.covariance}
        if count and sizes != {count}:
            raise fault("must have one scale, value, bound and row of covariance per name")
        return self

    def matrix(self) -> np.ndarray:
        """Covariance, shape (n, n), of values or logarithms."""
        return np.array(self.covariance, dtype=float).reshape(len(self.names), -1)


@dataclass(frozen=True)
class Spread:
    """How a value of a set may differ.

    Parameters
    ----------
    name : str
        Of the parameter.
    low, high : float
        No draw leaves them [unit of the name].
    log : bool
        Whether it is drawn on a logarithmic scale.
    mean, std : float or None
        Of a normal distribution of the value or its logarithm; None: evenly from low to
        high.
    """

    name: str
    low: float
    high: float
    log: bool = False
    mean: float | None = None
    std: float | None = None

    def value(self, share: float) -> float:
        """Value below which a share of all draws lies [unit of the name].

        Parameters
        ----------
        share : float
            0 to 1 [-].

        Examples
        --------
        >>> round(Spread("a", 1.0, 100.0, log=True).value(0.5), 9)
        10.0
        """
        if self.mean is None or self.std is None:
            low, high = (math.log(x) if self.log else x for x in (self.low, self.high))
            place = low + share * (high - low)
        else:
            from statistics import NormalDist

            normal = NormalDist(self.mean, self.std)
            place = normal.inv_cdf(share)
        found = math.exp(place) if self.log else place
        return float(min(max(found, self.low), self.high))


def knowledge_file(parameters: ParameterSet) -> Path | None:
    """File with the covariance of a set, where it has one.

    Parameters
    ----------
    parameters : ParameterSet
        A published set, or one of a file: then what stands beside that.
    """
    name, own = f"{parameters.name}.json", parameters.path
    places = [] if own is None else [own.with_suffix(".uncertainty.json")]
    folders = [] if own is None else [own.parent]
    if own is None or own.parent in {path.parent for path in families().values()}:
        folders += [path.parent for path in families().values()][:1]
    places += [folder / "uncertainty" / name for folder in folders]
    return next((place for place in places if place.is_file()), None)


def knowledge_of(parameters: ParameterSet) -> Knowledge | None:
    """Covariance that is stored with a set.

    Parameters
    ----------
    parameters : ParameterSet
        As it was read.

    Returns
    -------
    Knowledge or None
        None where the set has no such file.

    Raises
    ------
    ParameterError
        If the file does not hold.
    """
    path = knowledge_file(parameters)
    return None if path is None else _read(path)


def _of_family(parameters: ParameterSet) -> Knowledge | None:
    """Covariance of the family, where a variant leaves all that it covers as it is."""
    family = parameters.name.partition("-")[0]
    if family not in families() or family == parameters.name:
        return None
    known = knowledge_of(ParameterSet.load(family))
    if known is None:
        return None
    own = parameters.parameters
    same = (
        name in own and math.isclose(own[name].value, value, rel_tol=1e-4)
        for name, value in zip(known.names, known.values, strict=True)
    )
    return known if all(same) else None


@kept_until_changed
def _read(path: Path) -> Knowledge:
    try:
        content: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ParameterError(f"{path.name} is not valid JSON: {error}.") from error
    return read_table(Knowledge, content, path.name)


def spreads(cell: Cell) -> tuple[dict[str, Spread], Knowledge | None]:
    """How each value of a cell may differ, and the covariance of those that it covers.

    A variant that leaves the fitted values of its family alone shares their covariance. A
    fitted value without covariance takes its standard error, or the range where it has
    none; an assumed one its range, evenly, or evenly in the logarithm where the range spans
    a factor of ten. The temperature of reference is a convention: the values hold at it.

    Parameters
    ----------
    cell : Cell
        As it was read: a value that was replaced is known.

    Returns
    -------
    dict of str to Spread
        By name, without those that the covariance covers.
    Knowledge or None

    Examples
    --------
    >>> found, known = spreads(Cell.load("Liang2023"))
    >>> found["Positive electrode porosity"].high
    0.3
    """
    known = knowledge_of(cell.parameters) or _of_family(cell.parameters)
    covered = set() if known is None else set(known.names)
    found = {}
    for name, entry in cell.parameters.parameters.items():
        if name in covered or name in _CONVENTIONS:
            continue
        spread = _spread(cell, name, entry)
        if spread is not None:
            found[name] = spread
    return found, known


def _spread(cell: Cell, name: str, entry: Parameter) -> Spread | None:
    if entry.kind == "fitted" and entry.std_error:
        quantity, std = cell.quantity(name), entry.std_error
        # Errors of a fit on a logarithmic scale are shares of the value.
        log = entry.value > 0 and std > _LARGE * entry.value
        mean, std = (
            (math.log(entry.value), std / entry.value) if log else (entry.value, std)
        )
        return Spread(name, quantity.lower, quantity.upper, log, mean, std)
    if entry.range is None or entry.range[0] == entry.range[1]:
        return None
    low, high = entry.range
    return Spread(name, low, high, log=low > 0 and high / low >= _DECADE)
