"""A set's values as linked data (JSON-LD), each with its kind and source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sscell.cells.cell import Cell, load
from sscell.cells.entries import Parameter

__all__ = ["linked_data"]

_CONTEXT = [
    "https://schema.org/",
    {"emmo": "https://w3id.org/emmo#", "sscell": "urn:sscell:"},
]
_MEANS = {
    "stated": "stated by the source",
    "derived": "derived from other values",
    "literature": "taken from the literature",
    "fitted": "fitted to observations",
    "assumed": "assumed within a range",
}


def linked_data(cell: str | Path | Cell) -> dict[str, Any]:
    """Every value of a cell's set as a `PropertyValue` of schema.org.

    The numbers stand in EMMO's form too (``emmo:hasNumericalPart``), as BattINFO has them.

    Parameters
    ----------
    cell : str, pathlib.Path or Cell
        A published cell, a TOML file or a loaded cell.

    Returns
    -------
    dict
        A JSON-LD document of one ``Dataset``: ``variableMeasured`` lists the values.

    Raises
    ------
    ParameterError
        If there is no such cell.

    Examples
    --------
    >>> values = linked_data("Ji2024")["variableMeasured"]
    >>> {v["sscell:kind"] for v in values} <= set(_MEANS)
    True
    """
    chosen = cell if isinstance(cell, Cell) else load(cell)
    paper = chosen.data.get("citation", {})
    meanings = {q.name: q.meaning for q in chosen.quantities}
    document: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "Dataset",
        "name": f"{chosen.name}, parameters of an all-solid-state cell",
        "description": chosen.data.get("title", ""),
    }
    if paper.get("doi"):
        document["citation"] = f"https://doi.org/{paper['doi']}"
    document["variableMeasured"] = [
        _value(entry, meanings.get(name, ""))
        for name, entry in chosen.parameters.parameters.items()
    ]
    return document


def _value(entry: Parameter, meaning: str) -> dict[str, Any]:
    number = {"@type": "emmo:RealData", "emmo:hasNumberValue": entry.value}
    value: dict[str, Any] = {
        "@type": "PropertyValue",
        "name": entry.name,
        "value": entry.value,
        "unitText": entry.unit or "1",
        "measurementTechnique": _MEANS[entry.kind],
        "citation": entry.source,
        "emmo:hasNumericalPart": number,
        "sscell:kind": entry.kind,
    }
    if meaning:
        value["description"] = meaning
    if entry.range is not None:
        value["minValue"], value["maxValue"] = entry.range
    if entry.std_error is not None:
        value["sscell:std_error"] = entry.std_error
    if entry.formula:
        value["sscell:formula"] = entry.formula
    return value
