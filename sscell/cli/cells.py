"""Commands about cells as data: list, show, check, cite."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sscell.cli.common import CellName, JsonFlag
from sscell.cli.output import print_json
from sscell.errors import ParameterError

if TYPE_CHECKING:
    from sscell.cells.cell import Cell

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to the application."""
    app.command("list")(list_command)
    app.command("show")(show_command)
    app.command("check")(check_command)
    app.command("cite")(cite_command)


def list_command(as_json: JsonFlag = False) -> None:
    """List the published cells and their variants."""
    from sscell.cells.library import available, read_toml

    rows = []
    for name, path in available().items():
        table = read_toml(path)
        variant = name.removeprefix(path.stem).removeprefix("-")
        title = (
            table.get("variants", {}).get(variant, {}).get("title", table.get("title", ""))
        )
        rows.append({"name": name, "title": title})
    if as_json:
        print_json({"cells": rows})
        return
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        print(f"{row['name']:<{width}}  {row['title']}")


def show_command(
    cell: CellName,
    linked: Annotated[
        Path | None,
        typer.Option(
            "--linked-data", help="Write all of it as linked data, a .jsonld file."
        ),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Show every parameter of a cell with its unit, kind and source."""
    from sscell.cells.cell import Cell
    from sscell.cli.common import check_output

    check_output(linked, (".jsonld", ".json"))
    loaded = Cell.load(cell)
    if linked is not None:
        import json

        from sscell.interchange.linked import linked_data

        linked.write_text(json.dumps(linked_data(loaded), indent=1), encoding="utf-8")
    meanings = {q.name: q.meaning for q in loaded.quantities}
    rows = [
        p.as_dict() | {"meaning": meanings[p.name]}
        for p in loaded.parameters.parameters.values()
    ]
    if as_json:
        print_json(_always(loaded) | {"sizes": loaded.describe(), "parameters": rows})
        return
    _print_sizes(loaded)
    print_parameters(rows)


def _always(cell: Cell) -> dict[str, Any]:
    kelvin = cell.values["Ambient temperature [K]"]
    return {
        "cell": cell.name,
        "temperature_C": round(kelvin - 273.15, 6),
        "capacity_basis": cell.basis("capacity")[0],
        "energy_basis": cell.basis("energy")[0],
        "voltage_reference": cell.data["bases"]["voltage_reference"],
        "warnings": [],
    }


def _print_sizes(cell: Cell) -> None:
    print(f"{cell.name}: {cell.data.get('title', '')}")
    for name, value in cell.describe().items():
        print(f"  {name:<36} {value:.4g}")


def print_parameters(rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("Parameter", "Value", "Kind", "+/- or range", "Source"):
        table.add_column(column, overflow="fold", justify="left")
    for row in rows:
        spread = f"{row['std_error']:.2g}" if "std_error" in row else ""
        if "range" in row and not spread:
            spread = " to ".join(f"{x:.3g}" for x in row["range"])
        table.add_row(
            row["name"], f"{row['value']:.6g}", row["kind"], spread, row["source"]
        )
    Console(width=None if _is_terminal() else 200, markup=False).print(table)


def _is_terminal() -> bool:
    import sys

    return sys.stdout.isatty()


def check_command(
    file: Annotated[
        str | None, typer.Argument(help="A TOML file or a published cell.")
    ] = None,
    schema: Annotated[
        bool, typer.Option(help="Print the JSON schema of a set, for editors, instead.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Check a parameter set: what is missing, odd or unsourced."""
    from sscell.cells.cell import Cell
    from sscell.cells.contents import set_schema

    if schema:
        print_json(set_schema())
        return
    if file is None:
        raise ParameterError("Name a TOML file or a published cell to check, or --schema.")
    cell = Cell.load(file)
    _check_beside(file)
    remarks = _remarks(cell)
    kinds: dict[str, int] = {}
    for p in cell.parameters.parameters.values():
        kinds[p.kind] = kinds.get(p.kind, 0) + 1
    if as_json:
        print_json(_always(cell) | {"warnings": remarks, "kinds": kinds})
        return
    count = ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items()))
    print(f"{cell.name} is complete and within bounds: {count}.")
    for remark in remarks:
        print(f"  note: {remark}")


def _check_beside(file: str) -> None:
    """Check what the same file or a table beside it says of more than the cell itself."""
    from sscell.cells.cell import Cell
    from sscell.cells.library import find, read_toml
    from sscell.cells.parameters import ParameterSet
    from sscell.papers.observables import has_observables, load_observables

    path, variant = find(file)
    if variant is None:
        table = read_toml(path)
        for name in table.get("variants", {}):
            Cell(ParameterSet.from_table(table, path, name))
    if has_observables(file):
        load_observables(file)


def _remarks(cell: Cell) -> list[str]:
    """What is allowed but worth a second look."""
    remarks = []
    for p in cell.parameters.parameters.values():
        inside = p.range is None or min(p.range) <= p.value <= max(p.range)
        if not inside:
            remarks.append(
                f"'{p.name}' = {p.value:g} lies outside its own range {p.range}."
            )
        if p.matters and p.kind == "assumed":
            remarks.append(f"'{p.name}' = {p.value:g} is assumed and results depend on it.")
    remarks += cell.remarks()
    if "citation" not in cell.data:
        remarks.append("There is no [citation].")
    return remarks


def cite_command(cell: CellName, as_json: JsonFlag = False) -> None:
    """Print how to cite a cell's paper and PyBaMM."""
    from sscell.cells.parameters import ParameterSet

    citation = ParameterSet.load(cell).data.get("citation")
    if citation is None:
        raise ParameterError(f"'{cell}' names no citation.")
    if as_json:
        print_json({"cell": cell, "citation": citation})
        return
    print(_cited(citation))
    print(
        "Sulzer V. et al. Python Battery Mathematical Modelling (PyBaMM). Journal of Open "
        "Research Software 9, 14 (2021). https://doi.org/10.5334/jors.309"
    )


def _cited(citation: Mapping[str, Any]) -> str:
    """A reference in one line; theses and preprints have no volume and pages."""
    said = {key: str(citation.get(key, "")) for key in ("authors", "title", "journal")}
    numbers = [str(citation[key]) for key in ("volume", "pages") if citation.get(key)]
    year = f"({citation['year']})" if citation.get("year") else ""
    place = " ".join(filter(None, (said["journal"], ", ".join(numbers), year)))
    doi = citation.get("doi")
    link = f"https://doi.org/{doi}" if doi else str(citation.get("url", ""))
    sentences = [f"{said['authors']} {said['title']}".strip(), place]
    text = " ".join(f"{sentence.rstrip('.')}." for sentence in sentences if sentence)
    return f"{text} {link}".strip()
