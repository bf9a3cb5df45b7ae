"""Where a set was judged: temperatures and currents of the runs behind its observables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sscell.cells.cell import Cell
from sscell.cells.library import families, read_toml
from sscell.errors import ParameterError

__all__ = ["judged_points"]


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
    found = []
    for celsius, rate in _of_table(cell.parameters.observables, cell.parameters.path):
        try:
            found.append((celsius, cell.current(rate), rate))
        except ParameterError:  # such as a C-rate of a cell that declares no 1C
            continue
    return found


def _of_table(name: str, path: Path | None) -> Iterator[tuple[float, str]]:
    folders = [] if path is None else [path.parent]
    folders += [file.parent for file in families().values()][:1]
    for folder in folders:
        file = folder / "observables" / f"{name}.toml"
        if file.is_file():
            break
    else:
        return
    table: Mapping[str, Any] = read_toml(file)
    if "like" in table:
        table = {**read_toml(file.with_name(f"{table['like']}.toml")), **table}
    used = {row["run"] for row in table.get("observables", [])}
    for key, run in table.get("runs", {}).items():
        if key in used:
            for step in run.get("steps", []):
                currents = step.get("currents") or [step[k] for k in ("rate",) if k in step]
                yield from ((float(run["temperature"]), str(rate)) for rate in currents)
