"""Parameter sets as data: quantities, values with provenance, and their checks.

A set is a TOML file. Each value has a unit in its name, a kind (stated, derived,
literature, fitted or assumed) and a source; which quantities a set needs is asked of
the physics it names, so that this module knows no physics.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from sscell.cells.contents import SCHEMA, Contents, SetFile
from sscell.cells.entries import KINDS, Kind, Parameter
from sscell.cells.library import find, kept_until_changed, read_toml
from sscell.errors import ParameterError, did_you_mean
from sscell.physics.quantity import Quantity
from sscell.tables import read_table

__all__ = ["GENERAL", "KINDS", "NEUTRAL", "SCHEMA", "Parameter", "ParameterSet"]

NEUTRAL = "neutral default"  # source of what a set does not say

# Quantities of every cell, whatever its physics.
GENERAL = (
    Quantity("Ambient temperature [K]", "cell temperature, uniform", 173.15, 473.15),
    Quantity("Reference temperature [K]", "where rates are given", 173.15, 473.15),
    Quantity("Electrode area [m2]", "area of the pellet", 1e-6, 1.0),
    Quantity("Lower voltage cut-off [V]", "end of discharge, against the anode", -1, 6),
    Quantity("Upper voltage cut-off [V]", "end of charge, against the anode", -1, 6),
    Quantity("Contact resistance [Ohm]", "leads and collectors", 0, 1e6, default=0.0),
    Quantity("Positive electrode mass [kg]", "cathode layer, all of it", 1e-9, 1.0),
    Quantity("Positive electrode active material mass fraction", "of the cathode", 1e-3, 1),
    Quantity(
        "Positive electrode electrolyte mass fraction", "of the cathode", 0, 1, default=0.0
    ),
    Quantity(
        "Positive electrode carbon mass fraction", "of the cathode", 0, 1, default=0.0
    ),
    Quantity("Positive electrode active material density [kg.m-3]", "crystal", 100, 2e4),
    Quantity(
        "Positive electrode electrolyte density [kg.m-3]", "crystal", 100, 2e4, default=2e3
    ),
    Quantity(
        "Positive electrode carbon density [kg.m-3]", "skeletal", 100, 1e4, default=2e3
    ),
    Quantity("Positive electrode porosity", "void fraction as pressed", 0, 0.9),
    Quantity(
        "Positive electrode active material molar mass [kg.mol-1]",
        "per mole of host atoms",
        1e-3,
        2.0,
    ),
)


@dataclass(frozen=True, eq=False)
class ParameterSet:
    """A published (or a person's own) cell as data.

    Parameters
    ----------
    name : str
        Name of the set, with its variant.
    data : mapping
        The tables of the TOML file other than the parameters.
    parameters : mapping of str to Parameter
        Values by name.
    path : pathlib.Path, optional
        Where it was read from.

    Examples
    --------
    >>> ParameterSet.load("Ji2024")["Upper voltage cut-off [V]"].value
    2.8
    """

    name: str
    data: Mapping[str, Any]
    parameters: Mapping[str, Parameter]
    path: Path | None = field(default=None, compare=False)

    def _repr_html_(self) -> str:
        """Table of the values with unit, kind and source, for a notebook."""
        from sscell.tables import html_table

        rows = [
            {
                "Name": entry.name,
                "Value": entry.value,
                "Kind": entry.kind,
                "Source": entry.source,
            }
            for entry in self.parameters.values()
        ]
        return html_table(f"{self.name}: {self.data.get('title', '')}", rows)

    @classmethod
    def load(cls, name: str | Path) -> ParameterSet:
        """Read a set by its name, its variant's name or a path to a TOML file.

        Parameters
        ----------
        name : str or pathlib.Path
            ``"Ji2024"``, ``"Chang2024-LPS15"`` or ``"mycell.toml"``.

        Returns
        -------
        ParameterSet
            Read and checked for form; bounds are checked by the cell.

        Raises
        ------
        ParameterError
            If there is no such set, or the file is not one.
        """
        path, variant = find(name)
        table, content = _checked(path)
        return cls._of(table, content, path, variant)

    @classmethod
    def from_table(
        cls, table: Mapping[str, Any], path: Path | None = None, variant: str | None = None
    ) -> ParameterSet:
        """Build a set from the tables of a TOML file.

        Parameters
        ----------
        table : mapping
            As `tomllib` reads it.
        path : pathlib.Path, optional
            For messages and tables that stand beside the file.
        variant : str, optional
            Which of the variants; each states only what differs.

        Returns
        -------
        ParameterSet

        Raises
        ------
        ParameterError
            If a table or key is unknown or missing, or a value lacks kind or source.
        """
        where = path.name if path else "parameter set"
        return cls._of(table, _check(table, where), path, variant)

    @classmethod
    def _of(
        cls,
        table: Mapping[str, Any],
        content: SetFile,
        path: Path | None,
        variant: str | None,
    ) -> ParameterSet:
        data, parameters, name = _plain(table), dict(content.parameters), content.name
        if variant is not None:
            if variant not in content.variants:
                hint = did_you_mean(variant, content.variants, "variants")
                raise ParameterError(f"{name} has no variant '{variant}'. {hint}")
            data = _merge(data, _plain(table["variants"][variant]))
            parameters |= content.variants[variant].parameters
            for gone in content.variants[variant].without:
                if gone not in parameters:
                    hint = did_you_mean(gone, parameters)
                    raise ParameterError(f"{name} has no '{gone}' to leave out. {hint}")
                del parameters[gone]
            name = f"{name}-{variant}"
        return cls(name, copy.deepcopy(data), parameters, path)

    def __getitem__(self, name: str) -> Parameter:
        """Parameter of that exact name."""
        try:
            return self.parameters[name]
        except KeyError:
            hint = did_you_mean(name, self.parameters)
            raise ParameterError(f"{self.name} has no '{name}'. {hint}") from None

    @cached_property
    def values(self) -> dict[str, float]:
        """Numbers by name, in the units of the names."""
        return {name: p.value for name, p in self.parameters.items()}

    @property
    def observables(self) -> str:
        """Published cell or variant whose observables judge this one; its own name else."""
        return str(self.data.get("observables") or self.name)

    def complete(self, quantities: Iterable[Quantity]) -> ParameterSet:
        """Check against what the physics asks, and add the neutral defaults.

        Parameters
        ----------
        quantities : iterable of Quantity
            Everything the composed physics knows.

        Returns
        -------
        ParameterSet
            With every quantity present.

        Raises
        ------
        ParameterError
            Unknown name (with the nearest), missing value, value out of bounds.
        """
        known = {q.name: q for q in quantities}
        for name in self.parameters:
            if name not in known:
                hint = did_you_mean(name, known)
                raise ParameterError(f"{self.name}: unknown parameter '{name}'. {hint}")
        filled = dict(self.parameters)
        missing = [
            q.name for q in known.values() if q.name not in filled and q.default is None
        ]
        if missing:
            raise ParameterError(f"{self.name} is missing {', '.join(map(repr, missing))}.")
        for q in known.values():
            if q.name not in filled:
                neutral = float(q.default or 0.0)
                filled[q.name] = Parameter(
                    q.name, neutral, "assumed", NEUTRAL, range=(neutral, neutral)
                )
            q.check(filled[q.name].value)
        return replace(self, parameters=filled)

    def with_values(
        self, changes: Mapping[str, float], source: str, kind: Kind = "assumed"
    ) -> ParameterSet:
        """Copy with some values replaced.

        Parameters
        ----------
        changes : mapping of str to float
            Names that the set has.
        source : str
            Why they differ.
        kind : str, optional
            ``"assumed"``, with a range from the old value to the new, or ``"stated"``.

        Returns
        -------
        ParameterSet

        Raises
        ------
        ParameterError
            If a name is unknown or a value is no finite number.
        """
        parameters = dict(self.parameters)
        pattern: Parameter | None = None
        for name, value in changes.items():
            old = self[name].value
            span = (min(old, value), max(old, value)) if kind == "assumed" else None
            if pattern is None:
                pattern = parameters[name] = Parameter(
                    name, value, kind, source, range=span
                )
                continue
            if not math.isfinite(value):
                raise ParameterError(f"'{name}' must be a finite number, not {value!r}.")
            # Alike but for these three: to check each anew takes most of the time of a draw.
            other = parameters[name] = copy.copy(pattern)
            vars(other).update(name=name, value=float(value), range=span)
        return replace(self, parameters=parameters)


@kept_until_changed
def _checked(path: Path) -> tuple[Mapping[str, Any], SetFile]:
    """Content of a file as read and as checked, until it changes."""
    table = read_toml(path)
    return table, _check(table, path.name)


def _check(table: Mapping[str, Any], where: str) -> SetFile:
    """Check a file: its own tables and those of its variants, each merged with them."""
    if table.get("schema") != SCHEMA:
        raise ParameterError(
            f"{where} has schema {table.get('schema')!r}; this version reads {SCHEMA}."
        )
    content = read_table(SetFile, table, where)
    for name in content.variants:
        merged = _merge(_plain(table), _plain(table["variants"][name]))
        read_table(Contents, merged, f"{where}, variant {name}")
    return content


def _plain(table: Mapping[str, Any]) -> dict[str, Any]:
    """Tables without values and variants, which are kept as objects."""
    apart = ("parameters", "variants", "without")
    return {k: v for k, v in table.items() if k not in apart}


def _merge(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in change.items():
        if isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
            merged[key] = _merge(merged[key], value)
        else:
            merged[key] = value
    return merged
