"""Parameter sets as data: quantities, values with provenance, and their checks.

A set is a TOML file. Each value has a unit in its name, a kind (stated, derived,
literature, fitted or assumed) and a source; which quantities a set needs is asked of
the physics it names, so that this module knows no physics.
"""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from sscell.cells.library import find
from sscell.errors import ParameterError, did_you_mean
from sscell.physics.quantity import Quantity
from sscell.units import unit_of

__all__ = ["GENERAL", "KINDS", "SCHEMA", "Parameter", "ParameterSet"]

SCHEMA = 1
KINDS = ("stated", "derived", "literature", "fitted", "assumed")
_ENTRY_KEYS = {
    "value",
    "kind",
    "source",
    "formula",
    "std_error",
    "observables",
    "range",
    "note",
    "matters",
}
_TABLES = {
    "schema",
    "name",
    "title",
    "citation",
    "physics",
    "bases",
    "rates",
    "validity",
    "protocols",
    "parameters",
    "network",
    "variants",
    "notes",
}
_PLAIN = {"schema", "name", "title", "notes"}


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


@dataclass(frozen=True)
class Parameter:
    """One value and where it comes from.

    Parameters
    ----------
    name : str
        PyBaMM's notation, unit in brackets.
    value : float
        In that unit.
    kind : str
        stated, derived, literature, fitted or assumed.
    source : str
        Section, reference or reason.
    formula, note : str, optional
        How a derived value follows; anything a reader should know.
    std_error : float, optional
        One standard error of a fitted value.
    observables : tuple of str, optional
        What a fitted value was fitted to.
    range : tuple of float, optional
        Plausible range of an assumed (or loosely fitted) value.
    matters : bool, optional
        An assumed value that results depend on: repeated as a warning.

    Examples
    --------
    >>> Parameter("Separator thickness [m]", 5e-4, "assumed", "typical", range=(3e-4, 8e-4)).unit
    'm'
    """

    name: str
    value: float
    kind: str
    source: str
    formula: str = ""
    note: str = ""
    std_error: float | None = None
    observables: tuple[str, ...] = ()
    range: tuple[float, float] | None = None
    matters: bool = False

    @property
    def unit(self) -> str:
        """Unit in the brackets."""
        return unit_of(self.name)

    def as_dict(self) -> dict[str, Any]:
        """Plain mapping, without what is not given."""
        entry: dict[str, Any] = {"name": self.name, "value": self.value, "unit": self.unit}
        entry |= {"kind": self.kind, "source": self.source}
        optional = {
            "formula": self.formula,
            "note": self.note,
            "std_error": self.std_error,
            "observables": list(self.observables),
            "range": list(self.range) if self.range else None,
            "matters": self.matters,
        }
        return entry | {k: v for k, v in optional.items() if v}


def _parameter(name: str, entry: Any, where: str) -> Parameter:
    if not isinstance(entry, Mapping):
        raise ParameterError(f"{where}: '{name}' needs value, kind and source.")
    unknown = sorted(set(entry) - _ENTRY_KEYS)
    if unknown:
        hint = did_you_mean(unknown[0], _ENTRY_KEYS)
        raise ParameterError(f"{where}: '{name}' has an unknown key '{unknown[0]}'. {hint}")
    for key in ("value", "kind", "source"):
        if entry.get(key) in (None, ""):
            raise ParameterError(f"{where}: '{name}' has no {key}.")
    if entry["kind"] not in KINDS:
        raise ParameterError(
            f"{where}: '{name}' has kind '{entry['kind']}'; allowed: {', '.join(KINDS)}."
        )
    needs = {
        "derived": ("formula",),
        "fitted": ("observables",),
        "assumed": ("range",),
    }
    for key in needs.get(entry["kind"], ()):
        if not entry.get(key):
            raise ParameterError(f"{where}: '{name}' is {entry['kind']} but has no {key}.")
    if entry["kind"] == "fitted" and not (entry.get("std_error") or entry.get("range")):
        raise ParameterError(f"{where}: '{name}' is fitted but has no std_error or range.")
    values = dict(entry)
    for key in ("range", "observables"):
        if key not in values:
            continue
        if not isinstance(values[key], list | tuple):
            raise ParameterError(f"{where}: '{name}' needs a list as its {key}.")
        values[key] = tuple(values[key])
    _check_range(name, values, where)
    return Parameter(name=name, **values)


def _check_range(name: str, entry: Mapping[str, Any], where: str) -> None:
    if "range" not in entry or isinstance(entry["value"], str):
        return
    try:
        low, high = entry["range"]
        holds = low <= entry["value"] <= high
    except (TypeError, ValueError):
        raise ParameterError(
            f"{where}: the range of '{name}' must be two numbers, low and high."
        ) from None
    if not holds:
        raise ParameterError(
            f"{where}: '{name}' is {entry['value']:g}, outside its own range "
            f"{low:g} to {high:g}."
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
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ParameterError(f"{path.name} is not valid TOML: {error}.") from error
        return cls.from_table(table, path, variant)

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
            If a table is unknown or missing, or a value lacks kind or source.
        """
        where = path.name if path else "parameter set"
        data = copy.deepcopy(dict(table))
        if data.get("schema") != SCHEMA:
            raise ParameterError(
                f"{where} has schema {data.get('schema')!r}; this version reads {SCHEMA}."
            )
        for key in sorted(set(data) - _TABLES):
            raise ParameterError(
                f"{where} has an unknown table '{key}'. {did_you_mean(key, _TABLES)}"
            )
        for key in ("name", "physics", "bases", "rates", "parameters"):
            if key not in data:
                raise ParameterError(f"{where} has no '{key}'.")
        for key, value in data.items():
            if key not in _PLAIN and not isinstance(value, Mapping):
                raise ParameterError(f"{where}: '{key}' must be a table, not {value!r}.")
        variants = data.pop("variants", {})
        name = data["name"]
        if variant is not None:
            name = f"{name}-{variant}"
            data = _merge(data, variants[variant])
        entries = data.pop("parameters")
        parameters = {n: _parameter(n, e, where) for n, e in entries.items()}
        return cls(name=name, data=data, parameters=parameters, path=path)

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
                    q.name, neutral, "assumed", "neutral default", range=(neutral, neutral)
                )
            filled[q.name] = replace(filled[q.name], value=q.check(filled[q.name].value))
        return replace(self, parameters=filled)

    def with_values(self, changes: Mapping[str, float], source: str) -> ParameterSet:
        """Copy with some values replaced; the new ones are marked as assumed.

        Parameters
        ----------
        changes : mapping of str to float
            Names that the set has.
        source : str
            Why they differ.

        Returns
        -------
        ParameterSet

        Raises
        ------
        ParameterError
            If a name is unknown.
        """
        parameters = dict(self.parameters)
        for name, value in changes.items():
            old = self[name]
            parameters[name] = Parameter(
                name,
                value,
                "assumed",
                source,
                range=(min(old.value, value), max(old.value, value)),
            )
        return replace(self, parameters=parameters)


def _merge(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in change.items():
        if key == "parameters":
            merged[key] = {**base[key], **value}
        elif isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
            merged[key] = _merge(merged[key], value)
        else:
            merged[key] = value
    return merged
