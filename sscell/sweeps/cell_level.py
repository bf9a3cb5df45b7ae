"""Energy of a stack over the thickness of its layers, with the model's own capacities."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from sscell.analysis.capacity import HalfCycle, half_cycles
from sscell.cells.cell import Cell
from sscell.cells.stack import Pouch, Stack, load_pouch, scaled, stack_of
from sscell.dataset import metadata
from sscell.errors import ParameterError, SimulationError
from sscell.protocols import Protocol, charge, discharge, then
from sscell.simulation.engine import Resolution
from sscell.simulation.progress import Progress
from sscell.simulation.simulation import simulate
from sscell.units import parse_quantity, split_list

__all__ = ["POINTS", "design", "lengths"]

POINTS = 8  # of a range, and finite volumes over the thickness
_USUAL = "20um:200um"
_SMALL = 0.02  # of the mean voltage: losses that limit nothing
_EMPTY = 0.01  # of the anode's inventory: it has ended the discharge


def lengths(text: str | Sequence[float], what: str = "thickness") -> list[float]:
    """Thicknesses of a list or a range.

    Parameters
    ----------
    text : str or sequence of float
        ``"20um,50um"``, ``"20um:200um"`` (eight points) or numbers [m].
    what : str, optional
        Their name, for messages.

    Returns
    -------
    list of float
        [m], rising.

    Raises
    ------
    ParameterError
        If one is no positive length, or the range does not rise.

    Examples
    --------
    >>> [round(x * 1e6) for x in lengths("20um:90um")]
    [20, 30, 40, 50, 60, 70, 80, 90]
    >>> [round(x * 1e6) for x in lengths("20,500um")]
    [20, 500]
    """
    if not isinstance(text, str):
        values = [float(x) for x in text]
    elif ":" in text:
        ends = split_list(text, ":")
        if len(ends) != 2:
            raise ParameterError(f"A range of the {what} is low:high, not '{text}'.")
        low, high = (parse_quantity(end, "m", what) for end in ends)
        if not low < high:
            raise ParameterError(f"The range of the {what} must rise, not '{text}'.")
        values = [float(x) for x in np.linspace(low, high, POINTS)]
    else:
        values = [parse_quantity(part, "m", what) for part in split_list(text)]
    if not values or min(values) <= 0:
        raise ParameterError(f"The {what} must be positive, not '{text}'.")
    return sorted(values)


def design(
    cell: str | Path | Cell,
    thickness: str | Sequence[float] = _USUAL,
    separator_thickness: str | Sequence[float] | None = None,
    rates: Sequence[str] = ("C/10", "1C"),
    *,
    pouch: Pouch | str | Path | None = None,
    temperature: float | str | None = None,
    resolution: Resolution | None = None,
    on_progress: Progress | None = None,
) -> dict[str, Any]:
    """Energy per mass and volume of a stack over the thickness of cathode and separator.

    The cathode keeps its composition and porosity, the anode its N/P or that of the pouch.
    A cell that is made full is charged at its own slow rate before each discharge.

    Parameters
    ----------
    cell : str, pathlib.Path or Cell
        A published cell, a TOML file or a loaded cell.
    thickness : str or sequence of float, optional
        Of the cathode: ``"20um:200um"`` (eight points), ``"30um,60um"`` or numbers [m].
    separator_thickness : str or sequence of float, optional
        Of all its layers together, in the same way; default: the cell's own.
    rates : sequence of str, optional
        Currents of the discharge, such as ``"C/10"`` or ``"2mA/cm2"``.
    pouch : Pouch, str or pathlib.Path, optional
        Foils, anode excess, casing: a TOML file with the entries of
        `sscell.cells.stack.Pouch`.
    temperature : float or str, optional
        [degC].
    resolution : Resolution, optional
        Default: eight points over the thickness, or one where the cell resolves sizes.
    on_progress : callable, optional
        Called with the share done [-] and a text.

    Returns
    -------
    dict
        ``rows``: for each point ``thickness_um``, ``separator_thickness_um``, ``rate``,
        ``capacity_mAh_g``, ``energy_Wh_kg`` and ``energy_Wh_L`` of the stack,
        ``power_W_kg``, ``limited_by`` (the largest loss of the voltage budget, ``"active
        material"`` where losses are small, ``"anode inventory"`` where that ended the
        discharge) and ``failure`` (empty, or why there are no numbers); ``best``: the row
        of most energy per mass at each rate; ``stack``: mass and thickness of each layer
        of the cell as it is; ``assumed``: what neither the cell nor the pouch says.

    Raises
    ------
    ParameterError
        If a thickness, a rate or the pouch is not usable.

    Examples
    --------
    >>> map = design("Ji2024", "10um,20um", rates=["C/20"], temperature=60,
    ...              resolution=Resolution(shells=15))
    >>> map["best"][0]["thickness_um"]
    20.0
    """
    cell = cell if isinstance(cell, Cell) else Cell.load(cell)
    told = pouch if isinstance(pouch, Pouch) or pouch is None else load_pouch(pouch)
    stack = stack_of(cell, told)
    cathodes = lengths(thickness)
    own = sum(cell.values[f"{layer} thickness [m]"] for layer in cell.layers)
    separators = (
        [own] if separator_thickness is None else lengths(separator_thickness, "separator")
    )
    if not rates:
        raise ParameterError("Give at least one rate, such as C/10.")
    for rate in rates:
        cell.current(rate)
    if resolution is None:
        resolution = Resolution(
            shells=25, thickness_points=0 if cell.size_classes else POINTS
        )
    points = [(t, s, r) for s in separators for t in cathodes for r in rates]
    rows = []
    for number, (t, s, rate) in enumerate(points):
        if on_progress:
            on_progress(number / len(points), f"{t * 1e6:.3g} um at {rate}")
        sized = scaled(cell, t, s, None if told is None else told.n_p)
        rows.append(_row(sized, stack_of(sized, told), s, rate, temperature, resolution))
    if on_progress:
        on_progress(1.0, "done")
    return {
        "rows": rows,
        "best": [best for rate in rates if (best := _best(rows, rate))],
        "stack": {
            name: {"mass_mg_cm2": m * 100, "thickness_um": t * 1e6}
            for name, (m, t) in stack.layers.items()
        }
        | {"n_p": stack.n_p},
        "assumed": list(stack.assumed),
    }


def _best(rows: Sequence[dict[str, Any]], rate: str) -> dict[str, Any] | None:
    known = [r for r in rows if r["rate"] == rate and r["energy_Wh_kg"] is not None]
    return max(known, key=lambda r: r["energy_Wh_kg"], default=None)


def _protocol(cell: Cell, rate: str) -> Protocol:
    if cell.first_step == "discharge":
        return discharge(rate)
    return then(charge(cell.slow_rate), discharge(rate))


def _row(
    cell: Cell,
    stack: Stack,
    separator: float,
    rate: str,
    temperature: float | str | None,
    resolution: Resolution,
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "thickness_um": round(cell.cathode_thickness * 1e6, 6),
        "separator_thickness_um": round(separator * 1e6, 6),
        "rate": rate,
        "capacity_mAh_g": None,
        "energy_Wh_kg": None,
        "energy_Wh_L": None,
        "power_W_kg": None,
        "limited_by": "",
        "failure": "",
    }
    try:
        run = simulate(
            cell, _protocol(cell, rate), temperature=temperature, resolution=resolution
        )
    except SimulationError as error:
        return row | {"failure": str(error)}
    half = half_cycles(run)[-1]
    if half.direction != "discharge":
        return row | {"failure": "The cell took no charge that it could give back."}
    energy = half.energy() / cell.area  # W.h/m2
    hours = half.capacity / cell.current(rate)
    return row | {
        "capacity_mAh_g": half.capacity * 1e3 / (cell.basis("capacity")[1] * 1e3),
        "energy_Wh_kg": energy / stack.mass,
        "energy_Wh_L": energy / stack.thickness / 1e3,
        "power_W_kg": energy / stack.mass / hours if hours else 0.0,
        "limited_by": _limit(run, half),
    }


def _limit(run: xr.Dataset, half: HalfCycle) -> str:
    """Largest loss of the budget, over the charge passed."""
    rows = half.rows
    if float(run["Negative electrode inventory"].values[rows][-1]) < _EMPTY:
        return "anode inventory"

    def mean(values: np.ndarray) -> float:
        if half.capacity <= 0:
            return float(values[-1])
        return float(np.trapezoid(values, half.charge) / half.capacity)

    reactions = metadata(run, "reaction_labels") or {}
    losses = {}
    for name in metadata(run, "budget") or []:
        short = name.removesuffix(" [V]").removesuffix(" contribution")
        told = f"reaction {short}" if short in reactions else short.lower()
        if short != "Open-circuit":
            losses[told] = -mean(run[name].values[rows])
    name = max(losses, key=lambda key: losses[key])
    small = _SMALL * abs(mean(run["Voltage [V]"].values[rows]))
    return "active material" if sum(losses.values()) < small else name
