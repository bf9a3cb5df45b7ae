"""Entries of a parameter set with where they come from, and what a person types for them."""

from __future__ import annotations

import math
import re
from typing import Any

from sscell.cells.entries import Parameter
from sscell.cells.materials import Material
from sscell.errors import ParameterError
from sscell.units import parse_quantity

__all__ = [
    "WEIGHED",
    "Entries",
    "area_of",
    "assumed",
    "derived",
    "from_card",
    "is_length",
    "percent",
    "positive",
    "split",
    "stated",
]

WEIGHED = "given by the user"
Entries = dict[str, dict[str, Any]]


def stated(value: float, source: str = WEIGHED) -> dict[str, Any]:
    """Entry of a value that the user measured.

    Parameters
    ----------
    value : float
        In the unit of its name.
    source : str, optional
        Where from.

    Returns
    -------
    dict

    Examples
    --------
    >>> stated(0.012)["kind"]
    'stated'
    """
    return {"value": float(f"{value:.9g}"), "kind": "stated", "source": source}


def derived(value: float, formula: str, source: str) -> dict[str, Any]:
    """Entry of a value that follows from others.

    Parameters
    ----------
    value : float
        In the unit of its name.
    formula : str
        How it follows.
    source : str
        Where the others are from.

    Returns
    -------
    dict

    Examples
    --------
    >>> derived(2.0, "1 + 1", "given")["formula"]
    '1 + 1'
    """
    return stated(value, source) | {"kind": "derived", "formula": formula}


def assumed(
    value: float, low: float, high: float, source: str, matters: bool = False
) -> dict[str, Any]:
    """Entry of a value that nobody measured in this cell.

    Parameters
    ----------
    value, low, high : float
        With its range, in the unit of its name.
    source : str
        Why it may be so.
    matters : bool, optional
        Whether results depend on it.

    Returns
    -------
    dict

    Examples
    --------
    >>> assumed(0.15, 0.05, 0.25, "pressed layer")["range"]
    [0.05, 0.25]
    """
    limits = [float(f"{low:.9g}"), float(f"{high:.9g}")]
    entry = stated(value, source) | {"kind": "assumed", "range": limits}
    return entry | ({"matters": True} if matters else {})


def from_card(material: Material, name: str, factor: float = 1.0) -> dict[str, Any]:
    """Entry of a card's value, with its provenance.

    Parameters
    ----------
    material : Material
        The card.
    name : str
        Of the value, with its unit.
    factor : float, optional
        That the value, its range and its error are multiplied by [-].

    Returns
    -------
    dict

    Raises
    ------
    ParameterError
        If the card has no such value.
    """
    value: Parameter = material[name]
    entry = {k: v for k, v in value.as_dict().items() if k not in ("name", "unit")}
    entry["source"] = f"{material.name}: {value.source}"
    if factor != 1.0:
        entry["value"] = float(f"{value.value * factor:.9g}")
        if value.range is not None:
            entry["range"] = sorted(x * factor for x in value.range)
        if value.std_error is not None:
            entry["std_error"] = value.std_error * abs(factor)
    return entry


def split(text: str, what: str) -> tuple[str, str | None]:
    """Material and measure of ``NAME:measure``.

    Parameters
    ----------
    text : str
        As typed.
    what : str
        The option, for messages.

    Returns
    -------
    tuple of str and (str or None)

    Raises
    ------
    ParameterError
        If it is not written so.

    Examples
    --------
    >>> split("NMC811:70", "--cathode")
    ('NMC811', '70')
    """
    name, colon, measure = text.strip().partition(":")
    if not name or (colon and not measure):
        raise ParameterError(f"{what} is written NAME:amount, not '{text}'.")
    return name.strip(), measure.strip() or None


def area_of(diameter: str | None, area: str | None) -> tuple[float, dict[str, Any]]:
    """Electrode area from the one of the two that was given.

    Parameters
    ----------
    diameter, area : str or None
        With a unit.

    Returns
    -------
    tuple of float and dict
        Area [m2] and its entry.

    Raises
    ------
    ParameterError
        If none or both are given.

    Examples
    --------
    >>> round(area_of("10mm", None)[0] * 1e4, 4)
    0.7854
    """
    if (diameter is None) == (area is None):
        raise ParameterError("Give --diameter or --area, one of the two.")
    if diameter is not None:
        value = math.pi / 4 * positive(diameter, "m", "diameter") ** 2
        return value, derived(value, f"pi ({diameter} / 2)^2", WEIGHED)
    value = positive(str(area), "m**2", "area")
    return value, stated(value)


def percent(amount: str | None, flag: str) -> float:
    """Read weight per cent.

    Parameters
    ----------
    amount : str or None
        Such as ``"70"`` or ``"70%"``.
    flag : str
        The option, for messages.

    Returns
    -------
    float
        [wt%].

    Raises
    ------
    ParameterError
        If it is no number from 0 to 100.

    Examples
    --------
    >>> percent("27%", "--catholyte")
    27.0
    """
    text = (amount or "").removesuffix("%").strip()
    try:
        value = float(text)
    except ValueError:
        raise ParameterError(
            f"{flag} takes weight per cent, such as NAME:70, not '{amount}'."
        ) from None
    if not 0 <= value <= 100:
        raise ParameterError(f"{flag} takes 0 to 100 wt%, not {value:g}.")
    return value


def positive(text: str, unit: str, what: str) -> float:
    """Read a positive quantity.

    Parameters
    ----------
    text : str
        With its unit.
    unit : str
        That it is converted to.
    what : str
        Its name, for messages.

    Returns
    -------
    float
        [unit].

    Raises
    ------
    ParameterError
        If it is none, or not above zero.

    Examples
    --------
    >>> positive("12 mg", "kg", "cathode mass")
    1.2e-05
    """
    value = parse_quantity(text, unit, what)
    if value <= 0:
        raise ParameterError(f"The {what} must be positive, not {text}.")
    return value


def is_length(measure: str) -> bool:
    """Whether a measure is a thickness, not a mass.

    Parameters
    ----------
    measure : str
        With its unit.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_length("600 um"), is_length("100mg")
    (True, False)
    """
    return bool(re.search(r"[\d.\s](?:nm|um|µm|μm|mm|cm|m)$", measure.strip()))
