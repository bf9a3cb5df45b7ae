"""What the table `[physics]` of a parameter set may ask for."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from sscell.tables import Table, fault

__all__ = ["Physics"]

_CLASSES = (3, 100)


def _different_names(given: Any) -> Any:
    listed = isinstance(given, list | tuple) and all(isinstance(n, str) for n in given)
    if not listed or not given or len(set(given)) != len(given):
        raise fault(f"must be a list of different names, not {given!r}")
    return list(given)


def _different_or_none(given: Any) -> Any:
    return [] if given == [] else _different_names(given)


def _classes(given: Any) -> Any:
    low, high = _CLASSES
    whole = isinstance(given, int) and not isinstance(given, bool)
    if not whole or (given and not low <= given <= high):
        raise fault(f"must be 0 or a whole number from {low} to {high}, not {given!r}")
    return given


class Physics(Table):
    """Physics of a set: each entry chooses a part or switches one on.

    Examples
    --------
    >>> from sscell.tables import read_table
    >>> read_table(Physics, {"degradation": "false"}, "mine.toml")
    Traceback (most recent call last):
    ...
    sscell.errors.ParameterError: mine.toml: 'degradation' must be true or false, not 'false'.
    """

    symmetric: bool = Field(False, description="two like electrodes, no composite cathode")
    anode: str | None = Field(None, description="model of the anode")
    voids: bool = Field(False, description="stripping parts a metal, pressure closes it")
    separator: Annotated[list[str], BeforeValidator(_different_names)] = Field(
        ["Separator"], description="names of the layers, from the anode on"
    )
    cathode: str | None = Field(None, description="model of the active material")
    conduction: str = Field("composite", description="how the cathode conducts")
    electrolyte_redox: bool = Field(False, description="the catholyte reacts too")
    side_reaction: bool = Field(False, description="charge goes elsewhere at the cathode")
    degradation: bool = Field(False, description="host, interphase and contact wear out")
    contact: bool = Field(False, description="pressure and strain decide what touches")
    particle_sizes: Annotated[int, BeforeValidator(_classes)] = Field(
        0, description="classes of particles by size; 0: all alike"
    )
    additives: Annotated[list[str], BeforeValidator(_different_or_none)] = Field(
        [], description="added to the active material: their content decides values"
    )
