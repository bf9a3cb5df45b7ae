"""What shape rows ask of a run: widths, slopes, drops, shares and gaps of its half cycles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sscell.analysis.shapes import (
    against_current,
    constant_current_share,
    first_drop,
    half_charge_voltage,
    peak_width,
    plateau_slope,
)

if TYPE_CHECKING:
    from sscell.papers.measures import Reading

__all__ = [
    "constant_share",
    "drop",
    "hysteresis",
    "mean_gap",
    "rise",
    "slope",
    "width",
]

_WITHIN = 10.0  # s: charge transfer has settled, diffusion has hardly begun


def width(reading: Reading, where: Mapping[str, Any]) -> float | None:
    """Full width at half height of the ``index``-th of the ``out_of`` highest peaks [V].

    Parameters
    ----------
    reading : Reading
        Of a run.
    where : mapping
        Half cycle, and which of its peaks.
    """
    half = reading.half(where)
    at = reading.peak({**where, "against": "anode"})
    return None if half is None or at is None else peak_width(half, at)


def slope(reading: Reading, where: Mapping[str, Any]) -> float | None:
    """Slope of a plateau between two ``shares`` of a half cycle [mV per mA.h.g-1].

    Parameters
    ----------
    reading : Reading
        Of a run.
    where : mapping
        Half cycle and shares; negative where the voltage falls.
    """
    half = reading.half(where)
    low, high = where["shares"]
    found = None if half is None else plateau_slope(half, (low, high))
    return None if found is None else found * reading.mass  # V.g.A-1.h-1


def rise(reading: Reading, where: Mapping[str, Any]) -> float | None:
    """Furthest that the voltage moves against the current along a half cycle [V].

    Parameters
    ----------
    reading : Reading
        Of a run.
    where : mapping
        Half cycle.
    """
    half = reading.half(where)
    if half is None or not half.capacity:
        return None
    return against_current(half.voltage, half.charge, half.direction)


def drop(reading: Reading, where: Mapping[str, Any]) -> float | None:
    """What the voltage steps by in the first ``within`` seconds of a half cycle [V].

    Parameters
    ----------
    reading : Reading
        Of a run.
    where : mapping
        Half cycle; 10 s if not told.
    """
    half = reading.half(where)
    within = where.get("within", _WITHIN)
    return None if half is None else first_drop(reading.data, half, within)


def constant_share(reading: Reading, where: Mapping[str, Any]) -> float | None:
    """Share of a half cycle that passes at constant current, before its hold [-].

    Parameters
    ----------
    reading : Reading
        Of a run.
    where : mapping
        Half cycle.
    """
    half = reading.half(where)
    return None if half is None else constant_current_share(half)


def hysteresis(reading: Reading, where: Mapping[str, Any]) -> float | None:
    """Charge less discharge of one cycle, each at half of its own charge [V].

    Parameters
    ----------
    reading : Reading
        Of a run.
    where : mapping
        Cycle.
    """
    found = []
    for direction in ("charge", "discharge"):
        half = reading.half({**where, "direction": direction})
        found.append(None if half is None else half_charge_voltage(half))
    up, down = found
    return None if up is None or down is None else up - down


def mean_gap(reading: Reading, where: Mapping[str, Any]) -> float | None:
    """Mean voltage of a half cycle less that of the same in the run ``than`` [V].

    Parameters
    ----------
    reading : Reading
        Of a run, which knows the others.
    where : mapping
        Half cycle and other run, such as one at another temperature.
    """
    other = reading.others.get(where["than"])
    if other is None:
        return None
    own, there = reading.mean_voltage(where), other.mean_voltage(where)
    return None if own is None or there is None else own - there
