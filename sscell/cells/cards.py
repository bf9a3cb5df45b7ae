"""Writing a material card: what was measured, and what else a cell needs of the material."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit

from sscell.cells.materials import Material, load_material
from sscell.cells.provenance import assumed, derived, from_card, stated
from sscell.errors import ParameterError
from sscell.units import FARADAY

__all__ = ["Measured", "write_card"]

_MOLAR = 0.1  # kg/mol of host, where the material has no formula: only ratios matter
_UNKNOWN = "nothing is known of this material"
# value, low, high: what particles of an insertion material usually have.
_USUAL = {
    "Density [kg.m-3]": (4500.0, 3000.0, 5500.0),
    "Particle radius [m]": (3e-6, 5e-7, 1e-5),
    "Diffusivity [m2.s-1]": (1e-14, 1e-16, 1e-12),
    "Diffusivity activation energy [J.mol-1]": (35000.0, 20000.0, 60000.0),
    "Exchange-current density [A.m-2]": (0.3, 0.03, 3.0),
    "Exchange-current density activation energy [J.mol-1]": (45000.0, 30000.0, 60000.0),
    "Conductivity [S.m-1]": (0.1, 1e-4, 100.0),
}
_MATTER = (
    "Particle radius [m]",
    "Diffusivity [m2.s-1]",
    "Exchange-current density [A.m-2]",
)


@dataclass(frozen=True)
class Measured:
    """What a measurement says of a material.

    Parameters
    ----------
    name : str
        Of the new card.
    guest : str
        ``"lithium"`` or ``"sodium"``.
    capacity : float
        Between empty and full, per mass of active material [A.h.kg-1].
    window : tuple of float
        Lower and upper potential against the metal [V].
    source : str
        File and kind of measurement.
    columns : mapping, optional
        Of the OCV table [-, V]; or `sites`.
    sites : sequence of mapping, optional
        ``potential`` [V], ``fraction`` and ``width`` [-] of each.
    loss : mapping, optional
        ``current_density`` [A.kg-1 of active material], ``potential`` and ``width`` [V] of
        the charge that did not come back, perhaps its ``growth`` [-].
    first : str, optional
        ``"filled"`` or ``"empty"`` as made.
    anode : bool, optional
        Whether it serves as an anode too.

    Examples
    --------
    >>> Measured("mine", "lithium", 200.0, (2.5, 4.3), "slow.csv").first
    'filled'
    """

    name: str
    guest: str
    capacity: float
    window: tuple[float, float]
    source: str
    columns: Mapping[str, Sequence[float]] | None = None
    sites: Sequence[Mapping[str, float]] = ()
    loss: Mapping[str, float] | None = None
    first: str = "filled"
    anode: bool = False


def write_card(
    measured: Measured,
    path: Path,
    like: str | None = None,
    known: Mapping[str, Mapping[str, Any]] | None = None,
) -> Material:
    """Write an active material's card, with its table beside it.

    Parameters
    ----------
    measured : Measured
        What the measurement says.
    path : pathlib.Path
        A ``.toml`` file in a folder that exists.
    like : str, optional
        Card that gives what was not measured; default: usual values with wide ranges.
    known : mapping, optional
        Entries with their provenance that stand before all others.

    Returns
    -------
    Material
        As read again from the file.

    Raises
    ------
    ParameterError
        If the path is not usable.
    """
    if path.suffix.lower() != ".toml" or not path.parent.is_dir():
        raise ParameterError(f"'{path}' must be a .toml file in a folder that exists.")
    other = None if like is None else load_material(like, "active")
    molar = _MOLAR if other is None else other.number("Molar mass [kg.mol-1]")
    document = tomlkit.document()
    document.update(
        {
            "schema": 1,
            "name": measured.name,
            "kind": "active",
            "title": f"{measured.name}: open-circuit potential from {measured.source}",
            "formula": "" if other is None else other.card.formula,
        }
    )
    if measured.anode:
        document["anode"] = True
    host = "host" if other is None or other.card.host is None else other.card.host.host
    document["host"] = {
        "host": host,
        "guest": measured.guest,
        "guest_per_host": float(f"{measured.capacity * 3600 / FARADAY * molar:.9g}"),
        "as_made": measured.first,
    }
    values = _values(measured, other, molar) | {
        k: dict(v) for k, v in (known or {}).items()
    }
    if measured.columns is not None:
        table = path.with_suffix(".csv")
        _write_table(table, measured.columns)
        document["ocv"] = {"file": table.name, "source": measured.source}
    else:
        names = [f"Step {k}" for k in range(1, len(measured.sites) + 1)]
        document["ocv"] = {"sites": names, "source": measured.source}
        for name, site in zip(names, measured.sites, strict=True):
            for key, column in (
                ("potential [V]", "potential"),
                ("fraction", "fraction"),
                ("width coefficient", "width"),
            ):
                values[f"{name} {key}"] = derived(
                    site[column], "least squares to the curve", measured.source
                )
    document["values"] = tomlkit.table()
    for name, entry in values.items():
        inline = tomlkit.inline_table()
        inline.update(entry)
        document["values"][name] = inline  # type: ignore[index]
    path.write_text(tomlkit.dumps(document), encoding="utf-8")
    return load_material(path)


def _values(
    measured: Measured, other: Material | None, molar: float
) -> dict[str, dict[str, Any]]:
    low, high = measured.window
    values: dict[str, dict[str, Any]] = {}
    name = "Molar mass [kg.mol-1]"
    if other is None:
        values[name] = assumed(molar, molar, molar, "any: only capacity per mass counts")
    else:
        values[name] = from_card(other, name)
    values["Nominal capacity [mA.h.g-1]"] = stated(measured.capacity, measured.source)
    values["Lower voltage cut-off [V]"] = stated(low, measured.source)
    values["Upper voltage cut-off [V]"] = stated(high, measured.source)
    for key, (usual, lowest, highest) in _USUAL.items():
        if other is not None and key in other.values:
            values[key] = from_card(other, key)
        else:
            values[key] = assumed(usual, lowest, highest, _UNKNOWN, key in _MATTER)
    if measured.loss is not None:
        values["Loss current [A.kg-1]"] = derived(
            measured.loss["current_density"],
            "charge less discharge, spread as exp((V - potential)/width)",
            measured.source,
        )
        if measured.loss.get("growth"):
            values["Loss growth"] = derived(
                measured.loss["growth"],
                "change of the loss between the last two cycles, per charge of 1C lost",
                measured.source,
            )
        for key in ("potential", "width"):
            values[f"Loss {key} [V]"] = derived(
                measured.loss[key], "most even distance of the branches", measured.source
            )
    return values


def _write_table(path: Path, columns: Mapping[str, Sequence[float]]) -> None:
    rows = zip(*columns.values(), strict=True)
    lines = [",".join(columns), *(",".join(f"{v:.6g}" for v in row) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
