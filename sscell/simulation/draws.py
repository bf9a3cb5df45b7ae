"""Cells drawn from what is known of a set: its covariance, standard errors and ranges."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from sscell.cells.cell import Cell
from sscell.cells.uncertainty import Knowledge, Spread, spreads
from sscell.errors import ParameterError

__all__ = ["Drawn", "drawn"]

_BY_USER = "set by the user"
_SOME = 0.1  # of a fraction, moved to see what it shares a whole with
_FEW = 0.02  # share of a normal distribution beyond what a draw of few takes


@dataclass(frozen=True)
class Drawn:
    """Cells whose values lie where those of the set may lie.

    Parameters
    ----------
    cells : list of Cell
        One for each draw that the set can take.
    changes : list of mapping
        Values of each of them that differ, by name.
    positions : numpy.ndarray, shape (draws, n)
        What each was drawn from: standard normal, or even between -sqrt(3) and sqrt(3) [-].
    names : list of str
        Of the columns.
    kept : tuple of str
        Names that have a range, but stay: the set cannot take another value alone.
    failed : int
        Draws that the set could not take.
    """

    cells: list[Cell]
    changes: list[dict[str, float]]
    positions: np.ndarray
    names: list[str]
    kept: tuple[str, ...] = ()
    failed: int = 0


def drawn(
    cell: Cell,
    draws: int,
    seed: int = 0,
    fixed: Collection[str] = (),
    assumed: bool = True,
    check: bool = True,
) -> Drawn:
    """Draw cells: a Latin hypercube over normal distributions and ranges.

    Parameters
    ----------
    cell : Cell
        As it was read.
    draws : int
        How many.
    seed : int, optional
        Of the hypercube.
    fixed : collection of str, optional
        Parameters that do not move, such as those told by the user.
    assumed : bool, optional
        Whether the ranges of assumed values are drawn from, beside what was fitted.
    check : bool, optional
        Whether each draw is tried on the cell. Else there may be changes without cells, and
        some that the set cannot take: whoever makes the cells finds out.

    Returns
    -------
    Drawn

    Examples
    --------
    >>> found = drawn(Cell.load("Liang2023"), 3)
    >>> len(found.cells), "Electrode area [m2]" in found.names
    (3, True)
    """
    own, known = spreads(cell)
    told = {n for n, p in cell.parameters.parameters.items() if p.source == _BY_USER}
    fixed = {*fixed, *told}
    if not assumed:
        fitted = cell.parameters.parameters
        own = {n: s for n, s in own.items() if fitted[n].kind == "fitted"}
    own = {n: s for n, s in own.items() if n not in fixed}
    found = _drawn(cell, draws, seed, fixed, own, known, None)
    if found is not None:
        return found
    # Some values cannot move alone: which ones costs a look at each.
    shared, kept = _shared(cell, own)
    own = {n: s for n, s in own.items() if n not in kept}
    found = _drawn(cell, draws, seed, fixed, own, known, shared, check)
    assert found is not None
    return replace(found, kept=tuple(kept))


def _drawn(
    cell: Cell,
    draws: int,
    seed: int,
    fixed: Collection[str],
    own: Mapping[str, Spread],
    known: Knowledge | None,
    shared: Iterable[tuple[list[str], float]] | None,
    check: bool = True,
) -> Drawn | None:
    """Draws with what moves together only; None at the first refusal where that is not known."""
    from scipy.special import ndtri

    covered = [] if known is None else list(known.names)
    names = [*covered, *own]
    if not names:
        return Drawn([], [], np.empty((0, 0)), [])
    shares = _hypercube(draws, len(names), seed)
    normal = ndtri(shares)
    even = np.array([own[n].std is None if n in own else False for n in names])
    positions = np.where(even, (2 * shares - 1) * math.sqrt(3), normal)
    moves = normal[:, :0]
    if known is not None:
        moves = normal[:, : len(covered)] @ _root(known.matrix()).T
    cells, told, good = [], [], []
    for k in range(draws):
        changes = {} if known is None else _correlated(cell, known, moves[k])
        changes = {n: v for n, v in changes.items() if n not in fixed}
        changes |= {
            n: own[n].value(share)
            for n, share in zip(names, shares[k], strict=True)
            if n in own
        }
        for group, total in shared or ():
            scale = total / sum(changes[n] for n in group)
            changes |= {n: changes[n] * scale for n in group}
        try:
            if check:
                cells.append(cell.replace(changes, "drawn"))
        except ParameterError:
            if shared is None:
                return None
            continue
        told.append(changes)
        good.append(k)
    return Drawn(cells, told, positions[good], names, (), draws - len(good))


def _hypercube(draws: int, size: int, seed: int) -> np.ndarray:
    """Latin hypercube of shares, shape (draws, size): each column has one in each even part.

    The numbers are those of SciPy's, whose statistics take a second and a half to import.
    """
    rng = np.random.default_rng(seed).spawn(1)[0]
    within, places = rng.uniform(size=(draws, size)), np.tile(np.arange(draws), (size, 1))
    for row in places:
        rng.shuffle(row)
    return (places.T + 1 - within) / draws


def _correlated(cell: Cell, known: Knowledge, moves: np.ndarray) -> dict[str, float]:
    """Fitted values about those of the cell, moved by a draw; within their bounds."""
    found = {}
    for n, name in enumerate(known.names):
        move = float(moves[n])
        value, (low, high) = cell.values[name], known.bounds[n]
        value = value * math.exp(move) if known.scales[n] == "log" else value + move
        value = min(max(value, min(low, cell.values[name])), max(high, cell.values[name]))
        found[name] = value
        found |= {other: r * value for other, r in known.ties.get(name, {}).items()}
    return found


def _root(covariance: np.ndarray) -> np.ndarray:
    """Matrix whose square is the covariance, which rounding may have made indefinite."""
    values, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(np.maximum(values, 0.0))


def _shared(
    cell: Cell, own: Mapping[str, Spread]
) -> tuple[list[tuple[list[str], float]], list[str]]:
    """Groups of values that only move together, with their sums, and what cannot move.

    Fractions of one whole are refused alone; drawn together they are scaled to their sum.
    """
    refused = [
        n for n, s in own.items() if not _alone(cell, n, (s.value(_FEW), s.value(1 - _FEW)))
    ]
    groups: dict[str, list[str]] = {}
    for name in refused:
        groups.setdefault(" ".join(name.split()[-2:]), []).append(name)
    wholes = [whole for group in groups.values() for whole in _wholes(cell, group)]
    shared = [
        (whole, sum(cell.values[n] for n in whole)) for whole in wholes if len(whole) > 1
    ]
    kept = [whole[0] for whole in wholes if len(whole) == 1]
    return shared, kept


def _wholes(cell: Cell, names: Iterable[str]) -> list[list[str]]:
    """Names by the whole that they are fractions of: what one gains another may lose."""
    found: list[list[str]] = []
    for name in names:
        for whole in found:
            first = whole[0]
            some = _SOME * min(cell.values[name], cell.values[first])
            try:
                moved = {name: cell.values[name] + some, first: cell.values[first] - some}
                cell.replace(moved, "drawn")
            except ParameterError:
                continue
            whole.append(name)
            break
        else:
            found.append([name])
    return found


def _alone(cell: Cell, name: str, ends: Iterable[float]) -> bool:
    try:
        for value in ends:
            cell.replace({name: value}, "drawn")
    except ParameterError:
        return False
    return True
