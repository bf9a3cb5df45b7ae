"""Numbers of a command's JSON as parts of a page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any

from sscell.reports.page import Part, details, table, text

__all__ = ["told", "value_parts"]

_ROWS = 30  # of a table that stands open
_CURVE = 12  # numbers from which on a list is a curve, which the figure and the data show
# Ends of JSON fields that are units, the longest first.
_UNITS = {
    "mAh_g_V": "mAh/g/V",
    "ohm_cm2": "Ohm cm2",
    "mAh_cm2": "mAh/cm2",
    "mA_cm2": "mA/cm2",
    "mg_cm2": "mg/cm2",
    "uA_cm2": "uA/cm2",
    "cm2_s": "cm2/s",
    "mAh_g": "mAh/g",
    "Wh_kg": "Wh/kg",
    "mS_cm": "mS/cm",
    "S_cm": "S/cm",
    "mV_s": "mV/s",
    "Wh_L": "Wh/L",
    "W_kg": "W/kg",
    "1_s": "1/s",
    "ohm": "Ohm",
    "mAh": "mAh",
    "MPa": "MPa",
    "percent": "%",
    "cm2": "cm2",
    "deg": "deg",
    "mV": "mV",
    "mA": "mA",
    "um": "um",
    "cm": "cm",
    "Hz": "Hz",
    "eV": "eV",
    "C": "degC",
    "A": "A",
    "V": "V",
    "g": "g",
    "s": "s",
    "h": "h",
}


def told(value: Any) -> str:
    """A value as text.

    Parameters
    ----------
    value : object
        Number, text, truth, list or None.

    Examples
    --------
    >>> told(0.123456), told(None), told([1.0, 2.5]), told(16756), told(677123.4)
    ('0.1235', '', '1, 2.5', '16756', '677123')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Integral):
        return str(value)
    if isinstance(value, Real):
        number = float(value)
        if not math.isfinite(number):
            return ""
        return f"{number:.0f}" if 1e4 <= abs(number) < 1e7 else f"{number:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{_name(k)} {told(v)}" for k, v in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(told(v) for v in value)
    return str(value)


def _name(key: str) -> str:
    """A JSON field as words, with its unit in brackets."""
    for end, unit in _UNITS.items():
        stem = str(key).removesuffix(f"_{end}")
        if stem != key and stem:
            return f"{stem.replace('_', ' ')} [{unit}]"
    return str(key).replace("_", " ")


def value_parts(payload: Mapping[str, Any]) -> list[Part]:
    """Tables of what a command found: numbers together, lists of records apart.

    Parameters
    ----------
    payload : mapping
        As it goes into the JSON; curves are left out.

    Examples
    --------
    >>> [part["kind"] for part in value_parts({"a": 1.0, "rows": [{"b": 2.0}]})]
    ['table', 'text', 'table']
    """
    plain: list[tuple[str, str]] = []
    parts: list[Part] = []
    for key, value in payload.items():
        if _is_records(value):
            parts += _records(key, value)
        elif isinstance(value, Mapping) and any(_is_nested(v) for v in value.values()):
            inner = value_parts(value)
            parts += [text(_name(key), soft=False), *inner] if inner else []
        elif told(value) and not _is_curve(value):
            plain.append((_name(key), told(value)))
    return ([table(("Quantity", "Value"), plain)] if plain else []) + parts


def _is_nested(value: Any) -> bool:
    return isinstance(value, Mapping) or _is_records(value) or _is_curve(value)


def _is_records(value: Any) -> bool:
    some = isinstance(value, Sequence) and not isinstance(value, str) and len(value) > 0
    return some and all(isinstance(v, Mapping) for v in value)


def _is_curve(value: Any) -> bool:
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and (len(value) > _CURVE or any(_is_curve(v) for v in value))
    )


def _records(key: str, rows: Sequence[Mapping[str, Any]]) -> list[Part]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    kept = [
        name
        for name in names
        if any(told(row.get(name)) for row in rows)
        and not any(_is_nested(row.get(name)) for row in rows)
    ]
    if not kept:
        return []
    heads = [_name(name) for name in kept]
    cells = [[told(row.get(name)) for name in kept] for row in rows]
    numbers = [
        k
        for k, name in enumerate(kept)
        if all(isinstance(row.get(name), Real | None) for row in rows)
    ]
    if len(rows) > _ROWS:
        return [details(f"{_name(key)}: {len(rows)} rows", heads, cells)]
    return [text(_name(key), soft=False), table(heads, cells, numbers)]
