"""What a table of observables may say: the rows of its file."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from sscell import protocols
from sscell.errors import did_you_mean
from sscell.tables import Pair, Table, fault

__all__ = [
    "DOES",
    "Measure",
    "ObservableRow",
    "ObservablesFile",
    "PriorRow",
    "RivalRow",
    "RunRow",
    "VaryRow",
    "plain",
]

# What a run may do: protocols by their own names.
DOES = (
    *("charge", "cycle", "discharge", "gitt", "hold", "rate_test", "rest"),
    *("cv", "impedance", "potential_step"),
)


def _number_or_two(given: Any) -> Any:
    """A number, or a range of two."""
    numbers = given if isinstance(given, list) else [given]
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise fault(f"must be a number or two, not {given!r}")
    if isinstance(given, list) and len(given) != 2:
        raise fault(f"must be a number or two, not {given!r}")
    return given


def _tolerance(given: Any) -> Any:
    """A number in the unit of the row, or a share of the published value in per cent."""
    if isinstance(given, str):
        try:
            if given.endswith("%") and float(given.rstrip(" %")) >= 0:
                return given
        except ValueError:
            pass
    elif isinstance(given, int | float) and not isinstance(given, bool) and given >= 0:
        return given
    raise fault(f"must be a number from 0 on or a text such as '5 %', not {given!r}")


def _share(given: Any) -> Any:
    """Whether it is a share, or how large."""
    if isinstance(given, bool | int | float):
        return given
    raise fault(f"must be a number, or true or false, not {given!r}")


def _step(given: dict[str, Any]) -> dict[str, Any]:
    """One step of a run: a protocol by name, with arguments that it takes."""
    name = given.get("do")
    if name not in DOES:
        hint = did_you_mean(str(name), DOES, "protocols")
        raise ValueError(f"there is no protocol '{name}'. {hint}")
    takes = inspect.signature(getattr(protocols, name)).parameters
    for key in given:
        if key != "do" and key not in takes:
            hint = did_you_mean(key, takes)
            raise ValueError(f"the protocol '{name}' takes no '{key}'. {hint}")
    return given


Step = Annotated[dict[str, Any], AfterValidator(_step)]


class RunRow(Table):
    """One simulation."""

    temperature: float
    steps: list[Step] = []
    state: str = "pristine"
    pressure: float | None = None
    formation_temperature: float | None = None
    changes: dict[str, float] = {}
    pellet: Literal["dc", "ac"] | None = None
    variant: str | None = None

    @model_validator(mode="after")
    def _does_something(self) -> RunRow:
        if not self.steps and self.pellet is None:
            raise fault("has neither steps nor a pellet")
        return self


class Measure(Table):
    """Which number is read from a run, and where."""

    of: str
    direction: Literal["discharge", "charge"] | None = None
    cycle: int | None = None
    to: int | None = None
    index: int | None = None
    out_of: int | None = None
    rank: int | None = None
    spectrum: int | None = None
    part: str | None = None
    against: Literal["anode", "working metal"] | None = None
    among: list[str] | None = None
    between: Pair | None = None
    below: float | None = None
    cell: str | None = None
    name: str | None = None
    clear: float | None = None
    electrons: float | None = None
    phases: list[str] | None = None
    power: float | None = None
    quantile: float | None = None
    series: str | None = None
    share: Annotated[bool | int | float | None, BeforeValidator(_share)] = None
    shares: Pair | None = None
    than: str | None = None
    window: Pair | None = None
    within: float | None = None


class ObservableRow(Table):
    """One published value."""

    id: str
    run: str
    measure: Measure
    published: Annotated[int | float | list[int | float], BeforeValidator(_number_or_two)]
    unit: str
    tolerance: Annotated[int | float | str, BeforeValidator(_tolerance)]
    sense: Literal["equal", "at least", "at most", "within"] | None = None
    word: Literal["fitted", "predicted", "illustrated", "contradicts"]
    source: str
    null_model: int | float | None = None
    note: str = ""
    count: bool = True


class LeftOut(Table):
    """Observables that the model cannot produce."""

    ids: list[str]
    reason: str


class PriorRow(Table):
    """What is known of a parameter before the fit.

    The width is one standard deviation: in the unit of the parameter on a linear scale, a
    factor above 1 on a logarithmic one.
    """

    mean: float
    width: float
    source: str


class VaryRow(Table):
    """Bounds of a parameter that a refit may change."""

    bounds: Pair
    scale: Literal["linear", "log"] = "linear"
    ties: dict[str, float] = {}
    prior: PriorRow | None = None

    @model_validator(mode="after")
    def _ordered(self) -> VaryRow:
        low, high = self.bounds
        if low >= high or (self.scale == "log" and low <= 0):
            floor = ", above zero" if self.scale == "log" else ""
            raise fault(f"has bounds {low:g} to {high:g}; the first must be lower{floor}")
        if self.prior is None:
            return self
        if not low <= self.prior.mean <= high:
            raise fault(f"has a prior of {self.prior.mean:g}, outside its bounds")
        least = 1.0 if self.scale == "log" else 0.0
        if not self.prior.width > least:
            what = "a factor above 1" if least else "above zero"
            raise fault(f"has a prior of width {self.prior.width:g}; it must be {what}")
        return self


class RivalRow(Table):
    """Another explanation that a refit may try."""

    values: dict[str, float] = {}
    vary: dict[str, VaryRow] = {}
    hold: list[str] = []
    physics: dict[str, Any] = {}


class RefitTable(Table):
    """What a refit may change."""

    vary: dict[str, VaryRow] = {}
    rivals: dict[str, RivalRow] = {}


class ObservablesFile(Table):
    """A whole file."""

    like: str | None = None
    runs: dict[str, RunRow] = {}
    observables: list[ObservableRow]
    left_out: list[LeftOut] = []
    refit: RefitTable = Field(default_factory=RefitTable)
    notes: list[str] = []
    ways: list[Annotated[list[Any], Field(min_length=3, max_length=3)]] = []


def plain(row: Table) -> Mapping[str, Any]:
    """What a row says, without what it does not.

    Parameters
    ----------
    row : Table
        As it was read.

    Returns
    -------
    mapping
    """
    return row.model_dump(exclude_unset=True)
