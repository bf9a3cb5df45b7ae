"""What a parameter set may say, beside its values: the tables of its file."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from sscell.cells.entries import Kind, Parameters
from sscell.physics.options import Physics
from sscell.tables import Pair, Table, fault, json_schema
from sscell.units import parse_rate

__all__ = ["SCHEMA", "Contents", "SetFile", "set_schema"]

SCHEMA = 1


def _rate(text: str) -> str:
    parse_rate(text)
    return text


Rate = Annotated[str, AfterValidator(_rate)]


class Citation(Table):
    """Where the cell was published."""

    authors: str = ""
    title: str = ""
    journal: str = ""
    volume: str = ""
    issue: str = ""
    pages: str = ""
    year: int | None = None
    doi: str = ""
    url: str = ""


class Basis(Table):
    """What capacities or energies are divided by."""

    name: str
    mass: Literal["active material", "cathode", "none"]


class Bases(Table):
    """Masses and references that numbers are given on."""

    capacity: Basis
    energy: Basis
    voltage_reference: str
    working_metal: str


class OneC(Table):
    """Current at 1C."""

    value: float = Field(gt=0)
    unit: str
    kind: Kind | None = None
    source: str = ""
    formula: str = ""
    note: str = ""
    range: Pair | None = None


class Rates(Table):
    """Currents that the set names."""

    one_C: OneC | None = None
    slow: Rate
    first_step: Literal["discharge", "charge"]


class Validity(Table):
    """Where the set was measured; beyond it, results say so."""

    temperature_C: Pair | None = None
    single_values_C: Pair | None = Field(
        None, description="beyond it a run gives 90 % bands or nothing"
    )
    rate: Annotated[list[Rate], Field(min_length=2, max_length=2)] | None = None
    pressure_MPa: Pair | None = None


class FormationAt(Table):
    """Cycles of a formation at one temperature."""

    temperature_C: float
    cycles: int = Field(ge=0)


class Formation(Table):
    """How a cell is formed."""

    rate: Rate
    cycles: int | None = Field(None, ge=0)
    at: list[FormationAt] = []
    source: str = ""

    @model_validator(mode="after")
    def _counted(self) -> Formation:
        if self.cycles is None and not self.at:
            raise fault("has neither 'cycles' nor 'at'")
        return self


class PublishedProtocol(Table):
    """What the paper did where it measured: the default of the command line there."""

    command: Literal["cycle", "rate", "gitt"]
    rates: Annotated[list[Rate], Field(min_length=1)]
    state: str = "pristine"
    cycles: list[int] | int | None = None
    hold_until: Rate | None = None
    hold_time: str | None = None
    charge_rate: Rate | None = None
    pulse: str | None = None
    rest: str | None = None
    direction: Literal["discharge", "charge", "both"] | None = None
    source: str


class Protocols(Table):
    """What is done with the cell by default."""

    formation: Formation | None = None
    published: list[PublishedProtocol] = []


class Contents(Table):
    """Tables of a set, without its values and variants."""

    version: int = Field(alias="schema")
    name: str
    title: str = ""
    notes: str = ""
    observables: str = Field(
        "", description="published cell whose observables judge this one"
    )
    citation: Citation | None = None
    physics: Physics
    network: dict[str, Any] = Field({}, description="read by the model of the cathode")
    anode: dict[str, Any] = Field({}, description="read by the model of the anode")
    bases: Bases
    rates: Rates
    validity: Validity | None = None
    protocols: Protocols | None = None


class Variant(Table):
    """What another cell of the family has otherwise; checked once it is merged."""

    title: str = ""
    notes: str = ""
    observables: str = ""
    citation: dict[str, Any] = {}
    physics: dict[str, Any] = {}
    network: dict[str, Any] = {}
    anode: dict[str, Any] = {}
    bases: dict[str, Any] = {}
    rates: dict[str, Any] = {}
    validity: dict[str, Any] = {}
    protocols: dict[str, Any] = {}
    without: list[str] = []
    parameters: Parameters = {}


class SetFile(Contents):
    """A whole file."""

    parameters: Parameters
    variants: dict[str, Variant] = {}


def set_schema() -> dict[str, Any]:
    """JSON schema of a parameter set, for editors.

    Returns
    -------
    dict

    Examples
    --------
    >>> "bases" in set_schema()["properties"]
    True
    """
    return json_schema(SetFile, "Parameter set of a solid-state cell")
