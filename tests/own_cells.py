"""Cells from parts that the tests share: what most laboratories press."""

from __future__ import annotations

from functools import cache

from sscell.cells.cell import Cell
from sscell.cells.parameters import ParameterSet
from sscell.cells.parts import Parts, tables_of

COMPOSITE = {
    "catholyte": "Li6PS5Cl:27",
    "separator": ("Li6PS5Cl:100mg",),
    "cathode_mass": "12mg",
    "diameter": "10mm",
}
PARTS = {
    "nmc": Parts("nmc", "NMC811:70", carbon="3", anode="Li-In:60mg", **COMPOSITE),
    "lco": Parts("lco", "LCO:70", carbon="3", anode="Li", **COMPOSITE),
    "graphite": Parts(
        "graphite", "NMC811:70", carbon="3", anode="graphite:6mg", **COMPOSITE
    ),
    "silicon": Parts("silicon", "NMC811:70", carbon="3", anode="silicon:1mg", **COMPOSITE),
    "bare": Parts(
        "bare",
        "NMC811:70",
        anode="Li-In:60mg",
        **(COMPOSITE | {"catholyte": "Li6PS5Cl:30"}),
    ),
    "sulfur": Parts(
        "sulfur",
        "S:40",
        carbon="15",
        anode="Li-In:60mg",
        **(COMPOSITE | {"catholyte": "Li6PS5Cl:45", "cathode_mass": "3mg"}),
    ),
}


@cache
def cell_of(name: str) -> Cell:
    """Cell of that name."""
    return Cell(ParameterSet.from_table(tables_of(PARTS[name])))
