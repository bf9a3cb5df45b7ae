"""Curves without time, as figures and supplements give them: voltage over charge."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sscell.errors import DataError, ParameterError

if TYPE_CHECKING:
    import xarray as xr

    from sscell.cells.cell import Cell

__all__ = ["TimelessCurve", "curve_of", "timed"]

_FILLINGS = ("x", "y", "filling", "stoichiometry", "sto", "x in li")


@dataclass(frozen=True, eq=False)
class TimelessCurve:
    """Two columns of a file.

    Parameters
    ----------
    amount, voltage : numpy.ndarray, shape (n,)
        Charge or filling [unit], and voltage [V].
    unit : str
        ``"mAh/g"``, ``"mAh"``, ``"x"``, or nothing where the header does not say.
    name : str
        Header of the first.
    """

    amount: Any
    voltage: Any
    unit: str
    name: str


def curve_of(path: Path) -> TimelessCurve | None:
    """Curve of a file of two columns, none of which is a time; None for any other file.

    Parameters
    ----------
    path : pathlib.Path
        Text.

    Returns
    -------
    TimelessCurve or None

    Raises
    ------
    DataError
        If its columns are those of a curve, and no numbers.
    """
    import numpy as np

    try:
        head = path.read_text(encoding="utf-8").splitlines()[0].lower()
    except (OSError, UnicodeDecodeError, IndexError):
        return None
    names = [part.strip() for part in head.replace(";", ",").replace("\t", ",").split(",")]
    if len(names) != 2 or any("time" in name for name in names):
        return None
    first = 1 if "v" in names[0] else 0  # potential first, or charge
    unit = _unit(names[first])
    apart = next((mark for mark in (",", ";") if mark in head), None)
    table = np.genfromtxt(path, delimiter=apart, skip_header=1, invalid_raise=False)
    if table.ndim != 2 or table.shape[1] != 2 or not np.isfinite(table).all():
        if not unit:
            return None
        raise DataError(f"{path.name} is no table of two columns of numbers.")
    return TimelessCurve(table[:, first], table[:, 1 - first], unit, names[first])


def _unit(name: str) -> str:
    packed = name.replace(" ", "")
    if any(spelled in packed for spelled in ("mah/g", "mah.g-1", "mahg-1")):
        return "mAh/g"
    if "mah" in packed:
        return "mAh"
    return "x" if name.split("[")[0].strip() in _FILLINGS else ""


def timed(path: Path, curve: TimelessCurve, current: str, cell: Cell) -> xr.Dataset:
    """Time series of a curve at constant current.

    Parameters
    ----------
    path : pathlib.Path
        For messages.
    curve : TimelessCurve
        Over a charge.
    current : str
        Its magnitude, such as ``"C/10"`` or ``"0.2mA"``.
    cell : Cell
        Its mass and 1C.

    Returns
    -------
    xarray.Dataset
        A discharge where the voltage falls with the charge, else a charge.

    Raises
    ------
    ParameterError
        If the curve is over no charge.
    """
    import numpy as np

    from sscell.dataset import time_series

    grams = cell.basis("capacity")[1] * 1e3
    scale = {"mAh/g": grams * 1e-3, "mAh": 1e-3}.get(curve.unit)
    if scale is None:
        raise ParameterError(
            f"{path.name}: --current goes with a curve of voltage over mAh or mAh/g, not over "
            f"'{curve.name}'."
        )
    order = np.argsort(curve.amount, kind="stable")
    charge, voltage = (
        (curve.amount[order] - curve.amount.min()) * scale,
        curve.voltage[order],
    )
    charge, kept = np.unique(charge, return_index=True)
    voltage, amperes = voltage[kept], cell.current(current)
    sign = 1.0 if voltage[-1] < voltage[0] else -1.0
    return time_series(
        {
            "Time [s]": charge / amperes * 3600,
            "Current [A]": np.full(charge.size, sign * amperes),
            "Voltage [V]": voltage,
        }
    )
