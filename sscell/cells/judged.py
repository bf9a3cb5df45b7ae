"""Where a set was judged: conditions of the runs behind its observables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from sscell.cells.cell import Cell
from sscell.cells.library import available, find, read_toml, sets_folder
from sscell.cells.parameters import ParameterSet
from sscell.errors import ParameterError

__all__ = [
    "ASSEMBLED",
    "FORMED",
    "Judged",
    "formation_cycles",
    "judged_points",
    "observables_content",
    "observables_file",
]

ASSEMBLED, FORMED = "as assembled", "formed"
_PRESSURE = "Applied stack pressure [Pa]"


@dataclass(frozen=True)
class Judged:
    """Conditions of one current that a set was judged by.

    Parameters
    ----------
    celsius : float
        Temperature [degC].
    current : float
        [A].
    rate : str
        As the table writes the current.
    states : frozenset of str
        ``"as assembled"`` before the cycles of a formation, ``"formed"`` after them.
    cycles : int
        Of the run until then.
    pressure : float or None
        On the stack [MPa]; None where the cell knows of none.
    formed_at : float
        Temperature of its formation [degC].
    """

    celsius: float
    current: float
    rate: str
    states: frozenset[str]
    cycles: int
    pressure: float | None
    formed_at: float


def judged_points(cell: Cell) -> list[Judged]:
    """Conditions of everything that a set was judged by.

    Parameters
    ----------
    cell : Cell
        With its set.

    Returns
    -------
    list of Judged
        Empty where the set has no table of observables.

    Examples
    --------
    >>> points = judged_points(Cell.load("Liang2023"))
    >>> (25, "0.4C") in [(point.celsius, point.rate) for point in points]
    True
    """
    if observables_file(cell.parameters) is None:
        return []
    table = observables_content(cell.parameters)
    used = {row["run"] for row in table.get("observables", [])}
    runs = [run for key, run in table.get("runs", {}).items() if key in used]
    # A variant is judged by its own runs where there are any, else by those of its family.
    names = [f"{cell.parameters.observables}-{run.get('variant')}" for run in runs]
    own = [run for run, name in zip(runs, names, strict=True) if name == cell.name]
    own = own or [run for run in runs if run.get("variant") is None]
    usual = _usual_pressure(cell)
    return [point for run in own for point in _points(cell, run, usual)]


def formation_cycles(cell: Cell, celsius: float) -> int:
    """Cycles after which a cell is formed, at the nearest temperature of its formation.

    Parameters
    ----------
    cell : Cell
        With its set; one without a formation has one cycle.
    celsius : float
        [degC]

    Examples
    --------
    >>> formation_cycles(Cell.load("Song2024"), 55.0)
    5
    """
    formation = cell.data.get("protocols", {}).get("formation", {"cycles": 1})
    known = formation.get("at", [])
    if not known:
        return int(formation["cycles"])
    nearest = min(known, key=lambda entry: abs(entry["temperature_C"] - celsius))
    return int(nearest["cycles"])


def observables_file(parameters: ParameterSet, like: str | None = None) -> Path | None:
    """File with the observables of a set, beside its own file or the published ones.

    Parameters
    ----------
    parameters : ParameterSet
        A set, published or of a file.
    like : str, optional
        Of the table of that name instead.

    Returns
    -------
    pathlib.Path or None
        None where there is none.

    Examples
    --------
    >>> observables_file(Cell.load("Ji2024").parameters).name
    'Ji2024.toml'
    """
    own = [] if parameters.path is None else [parameters.path.parent]
    folders = dict.fromkeys([*own, sets_folder()])
    name = f"{like or parameters.observables}.toml"
    files = (folder / "observables" / name for folder in folders)
    return next((file for file in files if file.is_file()), None)


def observables_content(parameters: ParameterSet) -> Mapping[str, Any]:
    """Content of a set's table of observables, on top of the one that it is ``like``.

    Parameters
    ----------
    parameters : ParameterSet
        A set, published or of a file.

    Returns
    -------
    mapping
        As `tomllib` reads it.

    Raises
    ------
    ParameterError
        If there is no such table.
    """
    content = _read(parameters, None)
    if "like" in content:
        content = {**_read(parameters, content["like"]), **content}
    return content


def _read(parameters: ParameterSet, like: str | None) -> Mapping[str, Any]:
    file, name = observables_file(parameters, like), like or parameters.observables
    if file is None:
        raise ParameterError(
            f"There are no published observables for '{name}': no file "
            f"'observables/{name}.toml' beside its parameter set."
        )
    return read_toml(file)


def _points(cell: Cell, run: Mapping[str, Any], usual: float | None) -> Iterator[Judged]:
    """Each current of a run, with how the cell is when it flows."""
    celsius = float(run["temperature"])
    formed_at = float(run.get("formation_temperature", celsius))
    pristine, passed = run.get("state", "pristine") == "pristine", 0
    enough = formation_cycles(cell, celsius)
    for step in run.get("steps", []):
        rates = step.get("currents") or [step[k] for k in ("rate",) if k in step]
        each = step.get("cycles", 1)
        counts = each if isinstance(each, list) else [each] * len(rates)
        for rate, count in zip(rates, counts, strict=False):
            states = {ASSEMBLED} if pristine and passed < enough else {FORMED}
            passed += int(count)
            if passed >= enough:
                states.add(FORMED)
            try:
                current = cell.current(str(rate))
            except ParameterError:  # such as a C-rate of a cell that declares no 1C
                continue
            yield Judged(
                celsius,
                current,
                str(rate),
                frozenset(states),
                passed,
                _pressure(cell, run, usual),
                formed_at,
            )


def _pressure(cell: Cell, run: Mapping[str, Any], usual: float | None) -> float | None:
    """Stack pressure of a run, by default the usual one [MPa]."""
    return float(run["pressure"]) if cell.has_contact and "pressure" in run else usual


def _usual_pressure(cell: Cell) -> float | None:
    """Stack pressure of the published set of a cell [MPa]."""
    if not cell.has_contact:
        return None
    name = cell.parameters.observables
    own = cell.values[_PRESSURE]
    if name not in available():
        return own / 1e6
    path, _ = find(name)
    published = _published(name, path.stat().st_mtime_ns)
    return (own if published is None else published) / 1e6


@lru_cache(maxsize=64)
def _published(name: str, stamp: int) -> float | None:
    """Stack pressure of a published set, read once for each state of its file [Pa]."""
    return Cell.load(name).values.get(_PRESSURE)
