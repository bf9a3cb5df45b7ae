"""Which column of a file is which quantity, and in which unit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sscell.errors import DataError, ParameterError, did_you_mean
from sscell.readers.names import QUANTITIES, RANK_STEP, Quantity
from sscell.readers.spelling import known_unit, split_unit

__all__ = ["Column", "match_columns", "parse_mapping"]

# Quantities of which a header may say that it holds minus them, as -Im(Z)/Ohm.
_SIGNED = ("real", "imaginary", "phase")


@dataclass(frozen=True)
class Column:
    """Where a quantity stands in a file.

    Parameters
    ----------
    header : str
        As it stands in the file.
    unit : str
        As recognised, or the default.
    stated : bool
        Whether the file or the user stated the unit.
    negative : bool
        Whether the file holds minus the quantity.
    rank : int
        Which pattern matched: 2 or more for time counts within a step.
    """

    header: str
    unit: str
    stated: bool = True
    negative: bool = False
    rank: int = 0


def parse_mapping(columns: Mapping[str, str] | str | None) -> dict[str, str]:
    """Read the user's statement of which column is which.

    Parameters
    ----------
    columns : mapping or str, optional
        ``{"voltage": "U2", "current": "I:uA"}`` or ``"voltage=U2,current=I:uA"``.

    Returns
    -------
    dict of str to str
        Quantity to header, with an optional ``:unit``.

    Raises
    ------
    ParameterError
        If a quantity is unknown or the text is not of that form.

    Examples
    --------
    >>> parse_mapping("voltage=Ecell/V")
    {'voltage': 'Ecell/V'}
    """
    if columns is None:
        return {}
    if isinstance(columns, str):
        parts = [p for p in re.split(r",(?=\s*[A-Za-z_]+\s*=)", columns) if p.strip()]
        if any("=" not in p for p in parts):
            raise ParameterError(
                f"Columns '{columns}' must be given as 'voltage=HEADER,current=HEADER:mA'."
            )
        columns = {k.strip(): v.strip() for k, v in (p.split("=", 1) for p in parts)}
    known = [q.key for q in QUANTITIES if q.name] + ["modulus", "phase"]
    result = {}
    for key, header in columns.items():
        short = split_unit(str(key))[0].split(" ")[0] if key not in known else key
        if short not in known:
            raise ParameterError(
                f"There is no quantity '{key}' for a column. "
                + (did_you_mean(str(key), known) or f"Known: {', '.join(known)}.")
            )
        result[short] = str(header)
    return result


def _explicit(header: str, headers: list[str], quantity: Quantity) -> Column:
    stripped = {h.strip(): h for h in headers}
    # As it stands, with a unit, as minus the column, or both.
    for minus in (False, True):
        wanted = header[1:] if minus and header.startswith("-") else header
        bare, _, unit = wanted.rpartition(":")
        for name, stated in ((wanted, None), (bare, unit)):
            if name.strip() in stripped and (not minus or header.startswith("-")):
                found = stripped[name.strip()]
                plain, own = split_unit(found)
                known = known_unit(stated) if stated else own
                # A header such as -Im(Z)/Ohm says itself that it holds minus the quantity.
                says = quantity.key in _SIGNED and plain.startswith("-")
                default = known or quantity.default_unit
                return Column(found, default, known is not None, minus != says)
    wanted = header.rpartition(":")[0] or header
    raise DataError(
        f"The file has no column '{wanted}' for {quantity.key}; it has "
        f"{', '.join(repr(h) for h in headers)}. {did_you_mean(wanted, headers)}"
    )


def match_columns(
    headers: Iterable[str], mapping: Mapping[str, str] | None = None
) -> dict[str, Column]:
    """Recognise the columns of a file by their headers.

    Parameters
    ----------
    headers : iterable of str
        As they stand in the file.
    mapping : mapping of str to str, optional
        What the user says, by quantity; it wins.

    Returns
    -------
    dict of str to Column
        By the key of the quantity; what is not recognised is absent.

    Raises
    ------
    DataError
        If a column that the user names is not in the file.

    Examples
    --------
    >>> match_columns(["Time/h", "Ewe/V", "I/mA"])["current"].unit
    'mA'
    """
    headers = [str(h) for h in headers]
    mapping = mapping or {}
    split = {h: split_unit(h) for h in headers}
    found: dict[str, Column] = {}
    for quantity in QUANTITIES:
        if quantity.key in mapping:
            found[quantity.key] = _explicit(mapping[quantity.key], headers, quantity)
            continue
        for rank, pattern in enumerate(quantity.patterns):
            hits = [
                h
                for h in headers
                if re.fullmatch(pattern, split[h][0]) and _can_be(quantity, rank, split[h])
            ]
            if hits:
                name, unit = split[hits[0]]
                found[quantity.key] = Column(
                    hits[0],
                    quantity.default_unit if unit is None else unit,
                    unit is not None,
                    quantity.key in _SIGNED and name.startswith("-"),
                    rank,
                )
                break
    return _settled(found, headers, mapping)


def _can_be(quantity: Quantity, rank: int, split: tuple[str, str | None]) -> bool:
    """Whether a header that may be two things is this one."""
    name, unit = split
    # Maccor's "Step (Sec)" is a time, its "Step" a number; "Test (Sec)" is a time.
    if quantity.key in ("time", "step_time") and name in (
        "step",
        "test",
        "run",
        "total",
        "prog",
    ):
        return unit in ("s", "min", "h", "ms", "clock")
    if quantity.key == "frequency" and ("omega" in name or "ω" in name or "kreis" in name):
        return unit == "rad/s"
    if name == "t":
        return (unit in ("degC", "degF", "kelvin")) == (quantity.key == "temperature")
    if quantity.key == "step" and name == "step":
        return unit in (None, "", "1")
    if quantity.key == "modulus" and name in ("z", "impedance", "magnitude", "|z|"):
        return unit in (None, "ohm", "kohm", "mohm", "megaohm") or "ohm" in unit
    # A capacitance in farad is none; the same word in Land's exports is a capacity.
    if quantity.key.endswith("capacity") and "capacitance" in name:
        return unit is None or unit.endswith(".h")
    if quantity.key == "capacity" and name == "q":
        return unit is not None
    return not (quantity.key == "power" and name == "p" and unit not in ("W", "mW", "uW"))


def _settled(
    found: dict[str, Column], headers: list[str], mapping: Mapping[str, str]
) -> dict[str, Column]:
    """One header is one quantity, but for a stamp or step time that also is the time."""
    if (
        "frequency" in found
        and found["frequency"].header == found.get("temperature", Column("", "")).header
    ):
        del found["temperature"]
    step = found.get("step_time")
    time = found.get("time")
    if step is None and time is not None and time.rank == RANK_STEP:
        found["step_time"] = time
    if step is not None and "step_time" not in mapping and step.unit in ("", "1"):
        del found["step_time"]
    return found
