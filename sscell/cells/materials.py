"""Materials as data: one card each, with where every value comes from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, Field

from sscell.cells.entries import Parameter, Parameters
from sscell.cells.library import read_toml, sets_folder
from sscell.errors import ParameterError, did_you_mean
from sscell.physics.curves import Potential
from sscell.tables import Pair, Table, fault, read_table
from sscell.units import FARADAY, GAS_CONSTANT

__all__ = ["KINDS", "Card", "Material", "load_material", "material_names", "sources_table"]

KINDS = ("active", "electrolyte", "anode", "conductor", "coating")
_POINTS = 121  # at which a function of PyBaMM becomes a table
_LOWEST, _HIGHEST = "Lower voltage cut-off [V]", "Upper voltage cut-off [V]"
_THERMAL = GAS_CONSTANT * 298.15 / FARADAY  # V
_WRONG = 1e-9  # V: a function may be this flat between two points


class HostTable(Table):
    """What holds the guest."""

    host: str
    guest: Literal["lithium", "sodium"]
    guest_per_host: float = Field(gt=0)
    as_made: Literal["filled", "empty"] = "filled"


def _rising(pair: list[float]) -> list[float]:
    if not 0 <= pair[0] < pair[1] <= 1:
        raise fault(f"must rise within 0 and 1, not {pair!r}")
    return pair


class OcvTable(Table):
    """Where the open-circuit potential comes from: one of its ways."""

    pybamm: str | None = Field(None, description="parameter set of PyBaMM")
    electrode: Literal["positive", "negative"] = "positive"
    discharge: str | None = Field(
        None, description="its parameter for the discharge branch"
    )
    charge: str | None = Field(None, description="its parameter for the charge branch")
    stoichiometry: Annotated[Pair, AfterValidator(_rising)] = [0.0, 1.0]
    file: str | None = Field(None, description="table beside the card")
    sites: list[str] | None = Field(None, description="kinds of site, with their values")
    network: dict[str, Any] | None = Field(None, description="species and reactions")
    source: str = ""


class Card(Table):
    """A whole card.

    Examples
    --------
    >>> Card.model_json_schema(by_alias=True)["properties"]["kind"]["enum"][0]
    'active'
    """

    version: Literal[1] = Field(alias="schema")
    name: str
    kind: Literal["active", "electrolyte", "anode", "conductor", "coating"]
    title: str = ""
    formula: str = ""
    notes: str = ""
    aliases: list[str] = []
    anode: bool = Field(False, description="an active material that serves as an anode too")
    host: HostTable | None = None
    ocv: OcvTable | None = None
    values: Parameters


class Material:
    """A card, with what its values mean to a cell.

    Parameters
    ----------
    card : Card
        As read.
    path : pathlib.Path
        Of the file.

    Examples
    --------
    >>> load_material("Li6PS5Cl").kind
    'electrolyte'
    """

    def __init__(self, card: Card, path: Path) -> None:
        self.card, self.path = card, path

    @property
    def name(self) -> str:
        """Name of the card."""
        return self.card.name

    @property
    def kind(self) -> str:
        """active, electrolyte, anode, conductor or coating."""
        return self.card.kind

    @property
    def serves(self) -> tuple[str, ...]:
        """Everything that the material can be in a cell."""
        return (self.kind, *(("anode",) if self.card.anode else ()))

    @property
    def values(self) -> Mapping[str, Parameter]:
        """Values with their provenance, by name."""
        return self.card.values

    def __getitem__(self, name: str) -> Parameter:
        """Value of that exact name."""
        try:
            return self.card.values[name]
        except KeyError:
            hint = did_you_mean(name, self.card.values)
            raise ParameterError(
                f"The material '{self.name}' has no '{name}'. {hint}"
            ) from None

    def number(self, name: str, default: float | None = None) -> float:
        """Number of a value [unit of the name].

        Parameters
        ----------
        name : str
            With its unit.
        default : float, optional
            Where the card does not say.

        Returns
        -------
        float

        Raises
        ------
        ParameterError
            If the card does not say and there is no default.
        """
        if default is not None and name not in self.card.values:
            return default
        return self[name].value

    def potential(self) -> dict[str, list[float]] | None:
        """Columns of the open-circuit table, or None where sites or a network make it.

        Returns
        -------
        dict of str to list of float, or None
            ``filling`` with ``potential``, or with ``discharge`` and ``charge`` [-, V]; the
            filling is that of the card's host.

        Raises
        ------
        ParameterError
            If the table does not fall, or PyBaMM has no such set.
        """
        ocv = self.card.ocv
        if ocv is None or ocv.sites is not None or ocv.network is not None:
            return None
        columns = self._from_file(ocv) if ocv.file else self._from_pybamm(ocv)
        Potential.from_table(columns)
        return columns

    def table(self) -> dict[str, list[float]] | None:
        """Columns of the open-circuit table, made from sites where there are only these.

        Returns
        -------
        dict of str to list of float, or None
            As from `potential`; sites are taken at 25 degC.
        """
        ocv = self.card.ocv
        if ocv is None or ocv.sites is None:
            return self.potential()
        u = np.linspace(self.number(_LOWEST) - 0.3, self.number(_HIGHEST) + 0.3, 20001)
        x = np.zeros(u.size)
        for site in ocv.sites:
            width = self.number(f"{site} width coefficient") * _THERMAL
            above = (u - self.number(f"{site} potential [V]")) / width
            x += self.number(f"{site} fraction") / (1 + np.exp(np.clip(above, -500, 500)))
        filling = np.linspace(0.01, 0.99, _POINTS)
        found = np.interp(filling, x[::-1], u[::-1])
        return {
            "filling": [round(float(v), 6) for v in filling],
            "potential": [round(float(v), 7) for v in found],
        }

    def _from_file(self, ocv: OcvTable) -> dict[str, list[float]]:
        path = self.path.parent / str(ocv.file)
        try:
            table = np.genfromtxt(path, delimiter=",", names=True, comments="#")
        except (OSError, ValueError) as error:
            raise ParameterError(
                f"{self.path.name}: its OCV table '{ocv.file}' cannot be read: {error}."
            ) from None
        return {name: [float(v) for v in table[name]] for name in table.dtype.names or ()}

    def _from_pybamm(self, ocv: OcvTable) -> dict[str, list[float]]:
        if ocv.pybamm is None:
            raise ParameterError(
                f"{self.path.name}: 'ocv' needs one of pybamm, file, sites and network."
            )
        names = {"potential": f"{ocv.electrode.capitalize()} electrode OCP [V]"}
        if ocv.discharge and ocv.charge:
            names = {"discharge": ocv.discharge, "charge": ocv.charge}
        low, high = ocv.stoichiometry
        x = np.linspace(low, high, _POINTS)
        columns = {"filling": [round(float(v), 6) for v in x]}
        for column, name in names.items():
            u = _evaluated(ocv.pybamm, name, low, high)
            if not np.isfinite(u).all() or (np.diff(u) >= -_WRONG).any():
                raise ParameterError(
                    f"{self.path.name}: '{name}' of {ocv.pybamm} does not fall between "
                    f"{low:g} and {high:g}."
                )
            columns[column] = [round(float(v), 7) for v in u]
        return columns

    def as_dict(self) -> dict[str, Any]:
        """What ``sscell materials --json`` says of it."""
        return {
            "name": self.name,
            "kind": self.kind,
            "formula": self.card.formula,
            "values": {
                name: {
                    "value": p.value,
                    "unit": p.unit,
                    "kind": p.kind,
                    "source": p.source,
                    "range": list(p.range) if p.range else None,
                }
                for name, p in self.values.items()
            },
        }


@cache
def _evaluated(name: str, parameter: str, low: float, high: float) -> np.ndarray:
    import pybamm

    try:
        values = pybamm.ParameterValues(name)
    except ValueError as error:
        raise ParameterError(f"PyBaMM has no parameter set '{name}'.") from error
    if parameter not in values:
        raise ParameterError(f"PyBaMM's set '{name}' has no '{parameter}'.")
    x = np.linspace(low, high, _POINTS)
    function: Any = values[parameter]

    def at(filling: float) -> Any:
        if not callable(function):
            return function
        drawn: Any = function(pybamm.Scalar(filling))
        return np.squeeze(values.evaluate(drawn))

    points = [at(float(v)) for v in x]
    return np.asarray(points, dtype=float)


def sources_table(materials: Iterable[Material]) -> str:
    """Where potentials and conductivities come from, as a table of Markdown.

    Parameters
    ----------
    materials : iterable of Material
        One row each.

    Returns
    -------
    str

    Examples
    --------
    >>> print(sources_table([load_material("Li3PS4")]).splitlines()[0])
    | material | open-circuit potential | conductivity | values |
    """
    lines = [
        "| material | open-circuit potential | conductivity | values |",
        "|---|---|---|---|",
    ]
    order = {kind: k for k, kind in enumerate(KINDS)}
    for card in sorted(materials, key=lambda m: (order[m.kind], m.name.lower())):
        cells = [f"`{card.name}`", _potential_source(card), _conductivity_source(card)]
        lines.append("| " + " | ".join([*cells, _counted(card)]) + " |")
    return "\n".join(lines)


def _potential_source(material: Material) -> str:
    ocv = material.card.ocv
    if ocv is None:
        value = material.values.get("OCP [V]")
        return "-" if value is None else f"{value.value:g} V, {value.kind}: {value.source}"
    if ocv.pybamm:
        return f"PyBaMM's `{ocv.pybamm}` by name: {ocv.source}"
    return ocv.source


def _conductivity_source(material: Material) -> str:
    value = material.values.get("Conductivity [S.m-1]")
    if value is None:
        return "-"
    return f"{value.value:.3g} S/m, {value.kind}: {value.source}"


def _counted(material: Material) -> str:
    count = Counter(value.kind for value in material.values.values())
    return ", ".join(f"{n} {kind}" for kind, n in sorted(count.items()))


def _folder() -> Path:
    return sets_folder() / "materials"


def _cards() -> dict[str, Path]:
    return {path.stem: path for path in sorted(_folder().glob("*.toml"))}


def material_names() -> tuple[str, ...]:
    """Names of all cards, in alphabetical order.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> "NMC811" in material_names()
    True
    """
    return tuple(_cards())


def load_material(name: str | Path, role: str | None = None) -> Material:
    """Read a card by its name, an alias, or a path to a TOML file.

    Parameters
    ----------
    name : str or pathlib.Path
        ``"NMC811"`` or ``"my_nmc.toml"``.
    role : str, optional
        What it is to be: active, electrolyte, anode, conductor or coating.

    Returns
    -------
    Material

    Raises
    ------
    ParameterError
        If there is no such card (with the nearest), it does not hold, or it cannot be that.

    Examples
    --------
    >>> load_material("NMC812")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    sscell.errors.ParameterError: There is no material 'NMC812'. Did you mean 'NMC811' ...
    """
    text, cards = str(name), _cards()
    if text.endswith(".toml"):
        path = Path(text)
        if not path.is_file():
            raise ParameterError(f"There is no file '{text}'.")
    elif text in cards:
        path = cards[text]
    else:
        path = _by_alias(text)
    material = Material(read_table(Card, read_toml(path), path.name), path)
    if role is not None and role not in material.serves:
        raise ParameterError(
            f"'{material.name}' is no {role} but {' and '.join(material.serves)}; materials "
            f"of that kind: {', '.join(_of_kind(role))}."
        )
    return material


def _of_kind(role: str) -> list[str]:
    return [n for n, path in _cards().items() if role in Material(_card(path), path).serves]


def _card(path: Path) -> Card:
    return read_table(Card, read_toml(path), path.name)


def _by_alias(text: str) -> Path:
    cards = _cards()
    known = {alias: path for path in cards.values() for alias in _card(path).aliases}
    folded = {name.lower(): path for name, path in {**known, **cards}.items()}
    if text.lower() not in folded:
        hint = did_you_mean(text, (*cards, *known)) or "Known: " + ", ".join(cards)
        raise ParameterError(f"There is no material '{text}'. {hint}")
    return folded[text.lower()]
