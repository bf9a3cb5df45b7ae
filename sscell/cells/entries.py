"""A value and where it comes from: what parameter sets and material cards are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, ConfigDict, Strict, model_validator
from pydantic.dataclasses import dataclass
from pydantic.json_schema import SkipJsonSchema

from sscell.tables import fault
from sscell.units import unit_of

__all__ = ["KINDS", "Kind", "Parameter", "Parameters"]

Kind = Literal["stated", "derived", "literature", "fitted", "assumed"]
KINDS: tuple[str, ...] = get_args(Kind)

# What the reader of a value is owed, by its kind.
_OWED = {"derived": "formula", "fitted": "observables", "assumed": "range"}


def _as_tuple(given: Any, key: str) -> Any:
    if given is None or isinstance(given, list | tuple):
        return given if given is None else tuple(given)
    raise fault(f"needs a list as its {key}, not {given!r}", whole=True)


def _two_numbers(given: Any) -> Any:
    numbers = _as_tuple(given, "range")
    if numbers is None:
        return None
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int | float):
            break
    else:
        if len(numbers) == 2:
            return numbers
    raise fault(f"must be two numbers, low and high, not {list(numbers)!r}")


Number = Annotated[float, Strict()]
Text = Annotated[str, Strict()]
Range = Annotated[tuple[float, float] | None, BeforeValidator(_two_numbers)]
Names = Annotated[
    tuple[Text, ...], BeforeValidator(lambda given: _as_tuple(given, "observables"))
]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
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

    name: SkipJsonSchema[Text]
    value: Number
    kind: Kind
    source: Text
    formula: Text = ""
    note: Text = ""
    std_error: Number | None = None
    observables: Names = ()
    range: Range = None
    matters: Annotated[bool, Strict()] = False

    @model_validator(mode="after")
    def _check(self) -> Parameter:
        for key in ("source", _OWED.get(self.kind)):
            if key and not getattr(self, key):
                owed = (
                    f"has no {key}"
                    if key == "source"
                    else f"is {self.kind} but has no {key}"
                )
                raise fault(owed)
        if self.kind == "fitted" and not (self.std_error or self.range):
            raise fault("is fitted but has no std_error or range")
        if self.range is not None and not self.range[0] <= self.value <= self.range[1]:
            low, high = self.range
            raise fault(f"is {self.value:g}, outside its own range {low:g} to {high:g}")
        return self

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


def _with_names(entries: Any) -> Any:
    """The key of an entry is its name."""
    if not isinstance(entries, Mapping):
        return entries
    return {
        name: {"name": name, **entry} if isinstance(entry, Mapping) else entry
        for name, entry in entries.items()
    }


# A table of values by name, for any file that has one.
Parameters = Annotated[dict[str, Parameter], BeforeValidator(_with_names)]
