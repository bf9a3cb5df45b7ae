"""What a positive current does in a file: stated, or seen from the data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sscell.errors import ParameterError, did_you_mean

__all__ = ["choose_sign", "parse_current_sign"]

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
        ``time`` [s], ``voltage`` [V] and ``current`` [A] as in the file.
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
    if stated is not None:
        return 1.0 if stated == "discharge" else -1.0
    current = values["current"]
    if not np.any(current):
        return 1.0
    named = None if mode is None else _from_mode(current, mode, notes)
    if named is not None:
        return named
    trend = _voltage_trend(values)
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


def _from_mode(current: np.ndarray, mode: Any, notes: list[str]) -> Any:
    names = {m: str(m).lower().replace("-", "_") for m in set(map(str, mode))}
    kinds = {
        m: -1 if ("dchg" in n or "disch" in n or n.endswith("_d")) else
        1 if ("chg" in n or "charge" in n) else 0
        for m, n in names.items()
    }  # fmt: skip
    kind = np.array([kinds[str(m)] for m in mode])
    charging = current[(kind == 1) & (current != 0)]
    discharging = current[(kind == -1) & (current != 0)]
    up = np.mean(charging > 0) if len(charging) else None
    down = np.mean(discharging > 0) if len(discharging) else None
    if up is None and down is None:
        return None
    if up is not None and down is not None and up > 0.9 and down > 0.9:
        notes.append("Currents have no sign in the file; it was taken from the step names.")
        return np.where(kind == 1, -1.0, 1.0)
    positive_charges = up > 0.5 if up is not None else down < 0.5
    return -1.0 if positive_charges else 1.0


def _voltage_trend(values: Mapping[str, np.ndarray]) -> float:
    """Agreement of sign between current and voltage change within steps, -1 to 1."""
    current, voltage = values["current"], values["voltage"]
    threshold = 0.05 * np.abs(current).max()
    steady = (np.abs(current[1:]) > threshold) & (
        np.abs(np.diff(current)) < 0.2 * np.abs(current[1:])
    )
    moves = np.diff(voltage)[steady] * np.sign(current[1:])[steady]
    total = np.abs(moves).sum()
    return float(moves.sum() / total) if total > 0 else 0.0
