"""Where a set was judged: temperatures and currents of the runs behind its observables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sscell.cells.cell import Cell
from sscell.cells.library import families, read_toml
from sscell.cells.parameters import ParameterSet
from sscell.errors import ParameterError

__all__ = ["judged_points", "observables_content", "observables_file"]


def judged_points(cell: Cell) -> list[tuple[float, float, str]]:
    """Temperature, current and rate of everything that a set was judged by.

    Parameters
    ----------
    cell : Cell
        With its set.

    Returns
    -------
    list of (float, float, str)
        Temperature [degC], current [A] and how the table writes it; empty where the set has
        no table of observables.

    Examples
    --------
    >>> points = judged_points(Cell.load("Liang2023"))
    >>> (25, "0.4C") in [(celsius, rate) for celsius, _, rate in points]
    True
    """
    if observables_file(cell.parameters) is None:
        return []
    found = []
    for celsius, rate in _points(observables_content(cell.parameters)):
        try:
            found.append((celsius, cell.current(rate), rate))
        except ParameterError:  # such as a C-rate of a cell that declares no 1C
            continue
    return found


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
    folders = dict.fromkeys([*own, *(path.parent for path in families().values())])
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


def _points(table: Mapping[str, Any]) -> Iterator[tuple[float, str]]:
    used = {row["run"] for row in table.get("observables", [])}
    for key, run in table.get("runs", {}).items():
        if key in used:
            for step in run.get("steps", []):
                currents = step.get("currents") or [step[k] for k in ("rate",) if k in step]
                yield from ((float(run["temperature"]), str(rate)) for rate in currents)
