"""What a positive current does in a file: stated, or seen from the data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sscell.errors import DataError, ParameterError, did_you_mean
from sscell.readers.steps import name_kinds, not_understood
from sscell.segments import runs

__all__ = ["choose_sign", "parse_current_sign", "voltage_trend"]

_ALIASES = {
    "discharge": "discharge",
    "positive-discharges": "discharge",
    "discharge-positive": "discharge",
    "positive-discharge": "discharge",
    "+": "discharge",
    "+1": "discharge",
    "1": "discharge",
    "charge": "charge",
    "positive-charges": "charge",
    "charge-positive": "charge",
    "positive-charge": "charge",
    "-": "charge",
    "-1": "charge",
}


def parse_current_sign(text: str | int | None) -> str | None:
    """What a positive current does in the file, as the user states it.

    Parameters
    ----------
    text : str, int or None
        ``"discharge"`` (or ``"+1"``: as in this package) or ``"charge"`` (``"-1"``).

    Returns
    -------
    str or None
        ``"discharge"``, ``"charge"`` or None.

    Raises
    ------
    ParameterError
        If it is neither.

    Examples
    --------
    >>> parse_current_sign("charge-positive")
    'charge'
    """
    if text is None:
        return None
    key = str(text).strip().lower().replace("_", "-").replace(" ", "-")
    if key not in _ALIASES:
        raise ParameterError(
            f"Current sign '{text}' is not known: say what a positive current does in the "
            f"file, 'discharge' or 'charge'. {did_you_mean(key, _ALIASES)}"
        )
    return _ALIASES[key]


def choose_sign(
    values: Mapping[str, np.ndarray],
    mode: Any,
    stated: str | None,
    notes: list[str],
    fallback: str = "charge",
) -> np.ndarray | float:
    """Factor that makes positive currents discharge.

    Parameters
    ----------
    values : mapping of str to numpy.ndarray
        ``time`` [s], ``voltage`` [V] and ``current`` [A] as in the file, and the
        capacities if it has them.
    mode : array_like of str or None
        Names of the steps, row by row.
    stated : str or None
        ``"charge"`` or ``"discharge"`` from the user or the format.
    notes : list of str
        Receives what was assumed.
    fallback : str, optional
        What a positive current does where nothing shows it.

    Returns
    -------
    float or numpy.ndarray
        +1 or -1, per row where the file states currents without a sign.
    """
    current = values["current"]
    if not np.any(current):
        return 1.0
    kind = None if mode is None else _named(current, mode, notes)
    if kind is None and stated is None:
        kind = _grown(values)
    if kind is not None and _is_unsigned(values, kind):
        notes.append("Currents have no sign in the file; it was taken from the step names.")
        named = np.where(current < 0, -1.0, 1.0) * np.where(kind < 0, -1.0, 1.0)
        return _fill_unnamed(values, named, kind, notes)
    if stated is not None:
        return 1.0 if stated == "discharge" else -1.0
    _refuse_unsigned(values)
    if kind is not None:
        moving = (kind != 0) & (current != 0)
        if moving.any():
            agrees = np.sign(current[moving]) == kind[moving]
            return 1.0 if np.mean(agrees) > 0.5 else -1.0
    trend = voltage_trend(values)
    if abs(trend) > 0.2:
        notes.append(
            "The file does not say what a positive current does; from the voltage it "
            f"{'charges' if trend > 0 else 'discharges'}. State it with --current-sign."
        )
        return -1.0 if trend > 0 else 1.0
    notes.append(
        "The file does not say what a positive current does, nor does the voltage show it; "
        f"taken to {fallback}. State it with --current-sign."
    )
    return 1.0 if fallback == "discharge" else -1.0


def _named(current: np.ndarray, mode: Any, notes: list[str]) -> np.ndarray | None:
    """+1, -1 or 0 of every row by the name of its step; None where no name says it."""
    import pandas as pd

    codes, names = pd.factorize(np.asarray(mode, dtype=object).astype(str))
    kinds = name_kinds(names)
    if not any(kinds.values()):
        return None
    unknown = not_understood(kinds)
    flowing = [
        name
        for name in unknown
        if np.any(np.abs(current[codes == list(names).index(name)]) > 0)
    ]
    if flowing:
        shown = ", ".join(f"'{name}'" for name in flowing[:5])
        notes.append(
            f"Steps named {shown} are not understood as charge, discharge or rest; the sign "
            "of their current is that of the others."
        )
    table = np.array([kinds[name] or 0 for name in names])
    return table[codes]


def _grown(values: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """Direction of every row by which of the two capacities grows there."""
    names = ("discharge_capacity", "charge_capacity")
    if any(name not in values for name in names):
        return None
    out, into = (np.diff(values[name], prepend=values[name][0]) for name in names)
    kind = np.where(out > 0, 1, 0) - np.where(into > 0, 1, 0)
    both = np.any(kind > 0) and np.any(kind < 0)
    if not both:
        return None
    # A row beside one that tells belongs to the same step.
    step = values.get("step")
    if step is not None:
        for a, b in runs(step):
            inside = kind[a:b][kind[a:b] != 0]
            if inside.size:
                kind[a:b] = 1 if np.mean(inside) > 0 else -1
    return kind


def _is_unsigned(values: Mapping[str, np.ndarray], kind: np.ndarray) -> bool:
    """Whether currents have one sign in steps of both directions."""
    current = values["current"]
    charging = current[(kind == -1) & (current != 0)]
    discharging = current[(kind == 1) & (current != 0)]
    if not len(charging) or not len(discharging):
        # Names of one direction only: the voltage tells whether there is another.
        return _goes_both_ways(values)
    up, down = np.mean(charging > 0), np.mean(discharging > 0)
    return bool((up > 0.9 and down > 0.9) or (up < 0.1 and down < 0.1))


def _goes_both_ways(values: Mapping[str, np.ndarray]) -> bool:
    """Whether the voltage rises as it falls, far and smoothly, under currents of one sign."""
    current, voltage = values["current"], values["voltage"]
    flowing = np.abs(current) > 0.05 * np.abs(current).max()
    if np.any(current[flowing] > 0) and np.any(current[flowing] < 0):
        return False
    rows = np.flatnonzero(flowing)
    if len(rows) < 10:
        return False
    rows = rows[:: max(len(rows) // 400, 1)]
    moves = np.diff(voltage[rows])
    far = np.ptp(voltage[rows])
    # Jumps are of steps that begin, not of a charge.
    moves = moves[np.abs(moves) < 0.15 * far]
    rise, fall = moves[moves > 0].sum(), -moves[moves < 0].sum()
    return bool(min(rise, fall) > max(0.3 * far, 0.3 * max(rise, fall)))


def _refuse_unsigned(values: Mapping[str, np.ndarray]) -> None:
    if _goes_both_ways(values):
        raise DataError(
            "All currents of the file have one sign, but the voltage falls and rises under "
            "them: it does not say which rows charge. Name the column with the names of the "
            "steps, --columns 'mode=HEADER'; or state --current-sign if all do the same."
        )


def _fill_unnamed(
    values: Mapping[str, np.ndarray],
    sign: np.ndarray,
    kind: np.ndarray,
    notes: list[str],
) -> np.ndarray:
    """Rows with a current whose step says no direction: by the voltage of their step."""
    current = values["current"]
    largest = np.abs(current).max()
    open_rows = (kind == 0) & (np.abs(current) > 0.05 * largest)
    for a, b in runs(open_rows.astype(int)):
        if open_rows[a] and b - a > 2:
            rise = values["voltage"][b - 1] - values["voltage"][a]
            sign[a:b] = np.where(current[a:b] < 0, -1.0, 1.0) * (-1.0 if rise > 0 else 1.0)
    if open_rows.any():
        notes.append(
            f"{int(open_rows.sum())} rows carry a current in steps whose names say no "
            "direction; it was taken from the course of their voltage."
        )
    return sign


def voltage_trend(values: Mapping[str, np.ndarray]) -> float:
    """Agreement of sign between current and voltage change within steps.

    Parameters
    ----------
    values : mapping of str to numpy.ndarray
        ``voltage`` [V] and ``current`` [A].

    Returns
    -------
    float
        From -1 (positive currents lower the voltage) to 1.
    """
    current, voltage = values["current"], values["voltage"]
    threshold = 0.05 * np.abs(current).max()
    steady = (np.abs(current[1:]) > threshold) & (
        np.abs(np.diff(current)) < 0.2 * np.abs(current[1:])
    )
    moves = np.diff(voltage)[steady] * np.sign(current[1:])[steady]
    total = np.abs(moves).sum()
    return float(moves.sum() / total) if total > 0 else 0.0
