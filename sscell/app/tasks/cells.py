"""Cells: what there is, what is in one, and a new one from its parts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sscell.app.worker import Work
from sscell.errors import DataError

__all__ = ["card", "listed", "made", "shown", "sized", "weighed"]


def listed(work: Work) -> dict[str, Any]:
    """Published cells with their titles, and materials by what they serve as."""
    from sscell.cells.library import available, read_toml
    from sscell.cells.materials import KINDS, load_material, material_names

    cells = {}
    for name, path in available().items():
        table = read_toml(path)
        variant = name.removeprefix(path.stem).removeprefix("-")
        own = table.get("variants", {}).get(variant, {})
        cells[name] = own.get("title", table.get("title", ""))
    materials: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for name in material_names():
        for kind in load_material(name).serves:
            materials[kind].append(name)
    return {"cells": cells, "materials": materials}


def shown(work: Work, cell: str) -> dict[str, Any]:
    """Everything about a cell.

    Parameters
    ----------
    work : Work
        Not told of anything.
    cell : str
        A name or a path.

    Returns
    -------
    dict
        ``name``, ``title``, ``sizes``, ``parameters``, ``remarks``, ``first_step``,
        ``slow_rate``, ``window``, ``temperature_C`` and ``citation``.
    """
    from sscell.cells.cell import Cell

    return _about(Cell.load(cell))


def _about(cell: Any) -> dict[str, Any]:
    quantities = {q.name: q for q in cell.quantities}
    parameters = []
    for p in cell.parameters.parameters.values():
        quantity = quantities[p.name]
        row = p.as_dict() | {"meaning": quantity.meaning}
        row["lower"], row["upper"] = quantity.lower, quantity.upper
        parameters.append(row)
    assumed = [
        p.name
        for p in cell.parameters.parameters.values()
        if p.kind == "assumed" and p.matters
    ]
    citation = cell.data.get("citation") or {}
    return {
        "name": cell.name,
        "title": cell.data.get("title", ""),
        "notes": cell.data.get("notes", ""),
        "sizes": cell.sizes(),
        "parameters": parameters,
        "remarks": cell.remarks(),
        "assumed": assumed,
        "first_step": cell.first_step,
        "slow_rate": str(cell.slow_rate),
        "window": list(cell.window),
        "temperature_C": round(cell.values["Ambient temperature [K]"] - 273.15, 2),
        "reference": cell.data["bases"]["voltage_reference"],
        "basis": cell.basis("capacity")[0],
        "citation": {k: str(v) for k, v in citation.items()},
    }


def _of_parts(parts: Mapping[str, Any]) -> Any:
    from sscell.cells.cell import Cell
    from sscell.cells.parameters import ParameterSet
    from sscell.cells.parts import Parts, tables_of

    return Cell(ParameterSet.from_table(tables_of(Parts(**parts))))


def sized(work: Work, parts: Mapping[str, Any]) -> dict[str, Any]:
    """Sizes of a cell that is being put together.

    Parameters
    ----------
    work : Work
        Not told of anything.
    parts : mapping
        As for `sscell.cells.parts.Parts`.

    Returns
    -------
    dict
        ``sizes``, ``remarks``, ``assumed``.
    """
    about = _about(_of_parts(parts))
    return {name: about[name] for name in ("sizes", "remarks", "assumed", "title")}


def made(work: Work, parts: Mapping[str, Any], file: str) -> dict[str, Any]:
    """Write a cell from its parts.

    Parameters
    ----------
    work : Work
        Not told of anything.
    parts : mapping
        As for `sscell.cells.parts.Parts`.
    file : str
        Where it goes: a ``.toml`` file.

    Returns
    -------
    dict
        As of `shown`.
    """
    from sscell.cells.cell import Cell
    from sscell.cells.writing import write_set

    write_set(_of_parts(parts).parameters, Path(file))
    return _about(Cell.load(file))


def weighed(
    work: Work, base: str, name: str, given: Mapping[str, str], file: str
) -> dict[str, Any]:
    """Write a cell with other masses and sizes than one that is there.

    Parameters
    ----------
    work : Work
        Not told of anything.
    base : str
        A name or a path.
    name : str
        Of the new cell.
    given : mapping of str to str
        As for `sscell.cells.builder.Build`.
    file : str
        Where it goes: a ``.toml`` file.

    Returns
    -------
    dict
        As of `shown`.
    """
    from sscell.cells.builder import Build, write_cell

    return _about(write_cell(Build(base=base, name=name, **given), Path(file)))


def card(work: Work, words: list[str], folder: str) -> dict[str, Any]:
    """Make the card of a material from a measured open-circuit voltage.

    Parameters
    ----------
    work : Work
        Not told of anything.
    words : list of str
        Of the command `sscell ocv`.
    folder : str
        In which it runs.

    Returns
    -------
    dict
        What the command prints.
    """
    done = subprocess.run(
        [sys.executable, "-m", "sscell", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["The command failed."]
        raise DataError(lines[-1].removeprefix("sscell: "))
    return {"text": done.stdout.strip()}
