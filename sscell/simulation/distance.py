"""How far a run lies from everything that its set was judged by."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sscell.cells.cell import Cell
from sscell.cells.judged import Judged, judged_points
from sscell.errors import ParameterError
from sscell.units import ZERO_CELSIUS

__all__ = ["Use", "check_single", "far", "without_limits"]

_KELVIN, _FACTOR = 10.0, 2.0  # temperature; rate, pressure and number of cycles
_FEW = 10  # cycles that are no long test
_OTHER_STATE = 1.5  # distances: more than one, less than a condition that is far as well
_SINGLE = "single_values_C"  # of the validity of a set
_PRESSURE = "Applied stack pressure [Pa]"


@dataclass(frozen=True)
class Use:
    """A current of a run, and how the cell is when it flows.

    Parameters
    ----------
    rate : str or Rate
        Current, as for `Cell.current`.
    state : str or None
        ``"as assembled"``, ``"formed"``, or None where it is not known.
    cycle : int
        Of the run.
    """

    rate: Any
    state: str | None = None
    cycle: int = 1


def check_single(cell: Cell, celsius: float | None = None) -> None:
    """Refuse a single value where a set knows too little to give one.

    Parameters
    ----------
    cell : Cell
        What is to run.
    celsius : float, optional
        Temperature [degC]; default: the cell's own.

    Raises
    ------
    ParameterError
        If it lies outside ``single_values_C`` of the set.
    """
    limits = cell.data.get("validity", {}).get(_SINGLE)
    if limits is None:
        return
    at = (
        cell.values["Ambient temperature [K]"] - ZERO_CELSIUS
        if celsius is None
        else celsius
    )
    low, high = limits
    if low - 1e-6 <= at <= high + 1e-6:
        return
    a, b = cell.data["validity"].get("temperature_C", limits)
    raise ParameterError(
        f"Temperature {at:g} degC is too far from the {a:g} to {b:g} degC that {cell.name} was "
        f"measured at for a single value; allowed: {low:g} to {high:g} degC, or any with its "
        "90 % band (--bands, bands=True)."
    )


def without_limits(cell: Cell) -> Cell:
    """Copy that runs anywhere: its band says how little it knows there.

    Parameters
    ----------
    cell : Cell
        The nominal cell of a band.

    Returns
    -------
    Cell
    """
    validity = dict(cell.data.get("validity", {}))
    if validity.pop(_SINGLE, None) is None:
        return cell
    data = {**cell.data, "validity": validity}
    return Cell(replace(cell.parameters, data=data))


def far(
    cell: Cell,
    celsius: Sequence[float],
    uses: Sequence[Use],
    formed_at: float | None = None,
) -> list[str]:
    """Sentences where nothing that the set was judged by is near in all conditions at once.

    Parameters
    ----------
    cell : Cell
        What was simulated, under its pressure.
    celsius : sequence of float
        Temperatures [degC].
    uses : sequence of Use
        Currents.
    formed_at : float, optional
        Temperature of the formation [degC], where the run began with one.

    Returns
    -------
    list of str
        At most two: conditions, and the number of cycles.
    """
    points = judged_points(cell)
    if not points or not uses:
        return []
    pressure = cell.values[_PRESSURE] / 1e6 if cell.has_contact else None
    worst, told, longest = 1.0 + 1e-6, "", (1.0, "")
    for at in dict.fromkeys(round(c, 3) for c in celsius):
        for use in dict.fromkeys(Use(str(u.rate), u.state) for u in uses):
            here = _Conditions(
                at, cell.current(str(use.rate)), use.state, pressure, formed_at
            )
            near = min(points, key=here.steps_to)
            if here.steps_to(near) > worst:
                worst, told = here.steps_to(near), _sentence(str(use.rate), here, near)
            longest = max(longest, _length(use, uses, here, points))
    return [text for text in (told, longest[1]) if text]


@dataclass(frozen=True)
class _Conditions:
    celsius: float
    current: float
    state: str | None
    pressure: float | None
    formed_at: float | None

    def steps_to(self, point: Judged) -> float:
        """Distance to a judged point; above 1 it is far [-]."""
        parts = [
            abs(self.celsius - point.celsius) / _KELVIN,
            abs(math.log(self.current / point.current)) / math.log(_FACTOR),
        ]
        if self.pressure and point.pressure:
            parts.append(abs(math.log(self.pressure / point.pressure)) / math.log(_FACTOR))
        if self.formed_at is not None:
            parts.append(abs(self.formed_at - point.formed_at) / _KELVIN)
        if self.state is not None and self.state not in point.states:
            parts.append(_OTHER_STATE)
        return float(max(parts))


def _sentence(rate: str, here: _Conditions, near: Judged) -> str:
    squeezed = here.pressure is not None
    limits = f"{_KELVIN:g} K, a factor {_FACTOR:g} in rate"
    limits += " or pressure, or a formation" if squeezed else ", or a formation"
    own = _words(rate, here.celsius, here.state, here.pressure, here.formed_at)
    state = here.state if here.state in near.states else " or ".join(sorted(near.states))
    other = _words(near.rate, near.celsius, state, near.pressure, near.formed_at)
    return (
        f"{own}, is more than {limits} from all that the set was judged by; the nearest is "
        f"{other}."
    )


def _words(
    rate: str,
    celsius: float,
    state: str | None,
    pressure: float | None,
    formed_at: float | None,
) -> str:
    words = [f"{rate} at {celsius:g} degC"]
    if formed_at is not None and abs(formed_at - celsius) > 1e-6:
        words.append(f"formed at {formed_at:g} degC")
    elif state:
        words.append(state)
    if pressure is not None:
        words.append(f"under {pressure:g} MPa")
    return ", ".join(words)


def _length(
    use: Use, uses: Sequence[Use], here: _Conditions, points: Sequence[Judged]
) -> tuple[float, str]:
    """How many times longer a run is than what the set was judged over, and a sentence."""
    count = max(u.cycle for u in uses if str(u.rate) == str(use.rate))
    near = [p for p in points if here.steps_to(p) <= 1 + 1e-6]
    known = max((p.cycles for p in near), default=count)
    if count <= max(_FACTOR * known, _FEW):
        return 1.0, ""
    return count / known, (
        f"{count} cycles are more than twice the {known} that the set was judged over near "
        f"{use.rate} at {here.celsius:g} degC."
    )
