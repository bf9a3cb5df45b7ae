"""Quantities with units at the user's edge; inside the package everything is SI."""

from __future__ import annotations

import math
import numbers
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from sscell.errors import ParameterError

__all__ = [
    "FARADAY",
    "GAS_CONSTANT",
    "ZERO_CELSIUS",
    "Rate",
    "parse_parameter",
    "parse_pressure",
    "parse_quantity",
    "parse_rate",
    "split_list",
    "unit_of",
]

FARADAY = 96485.33212  # C mol-1, CODATA 2018
GAS_CONSTANT = 8.314462618  # J mol-1 K-1, CODATA 2018
ZERO_CELSIUS = 273.15  # K


_BARE = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


_NUMBER_AND_UNIT = re.compile(
    r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([A-Za-z]\S*)"
)
# Units of daily use, by what they are converted to: pint takes half a second to start.
_DAILY = {
    "s": {"s": 1.0, "min": 60.0, "h": 3600.0},
    "V": {"V": 1.0, "mV": 1e-3},
    "V/s": {"V/s": 1.0, "mV/s": 1e-3},
    "A": {"A": 1.0, "mA": 1e-3, "uA": 1e-6},
    "A/kg": {"A/kg": 1.0, "mA/g": 1.0, "A/g": 1e3},
    "A/m**2": {"A/m**2": 1.0, "mA/cm**2": 10.0},
    "m": {"m": 1.0, "mm": 1e-3, "um": 1e-6},
    "kg": {"kg": 1.0, "g": 1e-3, "mg": 1e-6},
    "degC": {"degC": 1.0},
}

_LONGEST = 200  # characters of a number with its unit
# A power of a power, or a large one: whole numbers so large that Python never ends with them.
_ENDLESS = re.compile(r"\)(\*\*|\^)|(\*\*|\^)(?![-+]?\d{1,2}(\.\d+)?(?![\d.^(]|\*\*))")


@cache
def _registry() -> Any:
    import pint

    registry = pint.UnitRegistry(autoconvert_offset_to_baseunit=True)
    registry.define("@alias ohm = Ohm")  # as PyBaMM and most people write it
    return registry


@lru_cache(maxsize=4096)
def _converted(spelled: str, unit: str) -> float:
    """Conversion of a text; pint's is kept, as it costs much if it is repeated."""
    daily = _NUMBER_AND_UNIT.fullmatch(spelled)
    if daily and daily[2] in _DAILY.get(unit, ()):
        return float(daily[1]) * _DAILY[unit][daily[2]]
    quantity = _registry().Quantity(spelled)
    return float(quantity.to(unit or "dimensionless").magnitude)


def parse_quantity(text: str | float, unit: str, name: str = "value") -> float:
    """Convert a number with a unit to a plain number in another unit.

    Parameters
    ----------
    text : str or float
        Such as ``"30 min"``, ``"2mg"``, ``"0.1 mV/s"``. A bare number is taken to be
        in `unit` already.
    unit : str
        The unit that is returned, in pint's spelling.
    name : str, optional
        What the number is, for the error message.

    Returns
    -------
    float
        The magnitude in `unit`.

    Raises
    ------
    ParameterError
        If the text is no number, its unit is unknown or of another dimension, or the
        number is not finite.

    Examples
    --------
    >>> parse_quantity("30 min", "s")
    1800.0
    """
    hint = f"Give a number with a unit such as '1 {unit}'."
    if isinstance(text, numbers.Real):
        value = float(text)
    else:
        # A digit after a letter is a power (cm2), but not in the exponent of 1e-4.
        spelled = re.sub(r"(?<=[A-Za-z])(?<![\d.][eE])(-?\d)", r"**\1", str(text).strip())
        spelled = spelled.replace("μ", "u").replace("µ", "u").replace("%", "percent")
        try:
            if "," in spelled:  # pint would read 1,5 as 15
                raise ParameterError(f"{name} '{text}' has a comma: write 1.5, not 1,5.")
            if len(spelled) > _LONGEST or _ENDLESS.search("".join(spelled.split())):
                raise ParameterError(f"{name} '{text}' is not in {unit}. {hint}")
            bare = _BARE.fullmatch(spelled)
            value = float(spelled) if bare else _converted(spelled, unit)
        except ParameterError:
            raise
        except Exception as error:
            raise ParameterError(f"{name} '{text}' is not in {unit}. {hint}") from error
    if not math.isfinite(value):
        raise ParameterError(f"{name} '{text}' is not a finite number. {hint}")
    return value


def split_list(text: str, apart: str = ",") -> list[str]:
    """Numbers of a list in which the unit after the last one stands for all.

    Parameters
    ----------
    text : str
        Such as ``"25,50,100mA/g"``.
    apart : str, optional
        What stands between them.

    Returns
    -------
    list of str
        Each with its unit; a number that has one of its own keeps it.

    Examples
    --------
    >>> split_list("0.1, 1 mV/s")
    ['0.1 mV/s', '1 mV/s']
    >>> split_list("C/20, 0.5, 1C")
    ['C/20', '0.5C', '1C']
    """
    parts = [part.strip() for part in text.split(apart) if part.strip()]
    found = _BARE.match(parts[-1]) if parts else None
    unit = parts[-1][found.end() :] if found else ""
    return [part + unit if _BARE.fullmatch(part) else part for part in parts]


@lru_cache(maxsize=4096)  # the same names come again with each result
def unit_of(name: str) -> str:
    """Unit in the square brackets that end a name, or an empty string.

    Parameters
    ----------
    name : str
        A quantity in PyBaMM's notation, such as ``"Voltage [V]"``.

    Returns
    -------
    str
        Such as ``"V"``.

    Examples
    --------
    >>> unit_of("Discharge capacity [A.h]")
    'A.h'
    """
    match = re.search(r"\[([^\[\]]+)\]$", name)
    return match.group(1) if match else ""


def parse_parameter(value: str | float, name: str) -> float:
    """Number of a parameter in the unit that its name ends with.

    Parameters
    ----------
    value : str or float
        A number in that unit, or text with a unit of its own.
    name : str
        Such as ``"Separator thickness [m]"``.

    Returns
    -------
    float
        In the unit of the name.

    Raises
    ------
    ParameterError
        If it is no number, or of another dimension.

    Examples
    --------
    >>> parse_parameter("0.5 mm", "Separator thickness [m]")
    0.0005
    """
    return parse_quantity(value, _spelled_for_pint(name), f"'{name}'")


@lru_cache(maxsize=4096)
def _spelled_for_pint(name: str) -> str:
    """Unit of a name as Pint writes it: A.m-2 is A*m**-2."""
    return re.sub(r"(?<=[A-Za-z])(-?\d)", r"**\1", unit_of(name).replace(".", "*"))


def parse_pressure(pressure: str | float) -> float:
    """Read a stack pressure.

    Parameters
    ----------
    pressure : str or float
        Such as ``"50MPa"`` or ``"3 bar"``; a bare number is in MPa.

    Returns
    -------
    float
        [Pa]

    Raises
    ------
    ParameterError
        If it is no pressure, or not between 0 and 1000 MPa.

    Examples
    --------
    >>> parse_pressure("3 bar")
    300000.0
    """
    value = parse_quantity(pressure, "MPa", "Pressure")
    if not 0 <= value <= 1000:
        raise ParameterError(
            f"Pressure {value:g} MPa is out of range; allowed: 0 to 1000 MPa on the stack."
        )
    return value * 1e6


@dataclass(frozen=True)
class Rate:
    """A current as a person states it, before the cell is known.

    Parameters
    ----------
    value : float
        Positive magnitude in the unit of `kind`.
    kind : str
        ``"C"`` (multiples of the set's 1C [-]), ``"A/kg"`` (per mass of the capacity
        basis), ``"A/m2"`` (per electrode area) or ``"A"``.
    label : str
        The text as it was given.
    """

    value: float
    kind: str
    label: str

    def __str__(self) -> str:
        return self.label


_C_RATE = re.compile(
    r"^\s*(?:C\s*/\s*(?P<div>[\d.eE+-]+)|(?P<mul>[\d.eE+-]*)\s*C)\s*$", re.IGNORECASE
)


def parse_rate(rate: str | float | Rate) -> Rate:
    """Read a current: C-rate, per mass, per area or absolute.

    Parameters
    ----------
    rate : str, float or Rate
        ``"C/20"``, ``"0.05C"``, ``"25mA/g"``, ``"0.2mA/cm2"``, ``"50uA"``; a bare number
        is a C-rate.

    Returns
    -------
    Rate
        With a positive value: the direction belongs to the step.

    Raises
    ------
    ParameterError
        If the text is none of these, or the current is not positive and finite.

    Examples
    --------
    >>> parse_rate("C/20").value
    0.05
    >>> parse_rate("25 mA/g").kind
    'A/kg'
    """
    if isinstance(rate, Rate):
        return rate
    text = f"{rate}C" if isinstance(rate, numbers.Real) else str(rate).strip()
    return _rate(text, str(rate))


@lru_cache(maxsize=1024)  # a run says its few currents again and again
def _rate(text: str, told: str) -> Rate:
    hint = "Use for example 'C/20', '0.05C', '25mA/g', '0.2mA/cm2' or '50uA'."
    match = _C_RATE.match(text)
    if match:
        try:
            div = match["div"]
            value = 1 / float(div) if div else float(match["mul"] or 1)
        except (ValueError, ZeroDivisionError) as error:
            raise ParameterError(f"Rate '{told}' is not a current. {hint}") from error
        parsed = Rate(value, "C", text)
    else:
        parsed = _dimensional_rate(text, hint)
    if not (math.isfinite(parsed.value) and parsed.value > 0):
        raise ParameterError(
            f"Rate '{told}' must be positive: the direction is given by the step. {hint}"
        )
    return parsed


def _dimensional_rate(text: str, hint: str) -> Rate:
    per = "A/m**2" if "cm" in text else "A/kg" if "/" in text else "A"
    for kind in dict.fromkeys((per, "A/kg", "A/m**2", "A")):
        try:
            value = parse_quantity(text, kind, "Rate")
        except ParameterError:
            continue
        if not re.fullmatch(r"[\s\d.eE+-]+", text):
            return Rate(value, kind.replace("**", ""), text)
    raise ParameterError(f"Rate '{text}' is not a current. {hint}")
