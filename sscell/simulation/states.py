"""States that a run starts from: as assembled, formed, between."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from sscell.cells.cell import Cell
from sscell.errors import ParameterError
from sscell.protocols import Step, cycle
from sscell.simulation.run import Run
from sscell.units import ZERO_CELSIUS

__all__ = ["bring_to", "formation_steps", "parse_state"]

_REST = 3600.0  # s: after it a voltage counts as that of the cell at rest
_SAME = 2e-3  # V


def bring_to(run: Run, state: str) -> str:
    """Bring a pristine cell to a state.

    A voltage is met under the slow rate; where the cell rests at another one, the notes of
    the run say so.

    Parameters
    ----------
    run : Run
        With the cell as assembled.
    state : str
        As for `simulate`.

    Returns
    -------
    str
        How the cell then is, for `sscell.protocols.preparation`.

    Raises
    ------
    ParameterError
        If the state is not one.
    """
    kind, value = parse_state(state)
    if kind == "pristine":
        return "pristine"
    steps = formation_steps(run.cell)
    if "formation" not in run.cell.data.get("protocols", {}):
        run.notes.append(
            f"{run.cell.name} names no formation: one cycle at {run.cell.slow_rate} stands "
            "for it."
        )
    run.execute(steps)
    ended = "discharged" if steps[-1].direction == "discharge" else "charged"
    if kind == "formed":
        return ended
    if kind == "charge":
        _to_state_of_charge(run, value, ended)
    else:
        _to_voltage(run, value)
    return "between"


def _to_state_of_charge(run: Run, share: float, ended: str) -> None:
    direction = "discharge" if ended == "charged" else "charge"
    # A trial from here says what the formed cell holds: not what its formation did.
    trial = Run(run.cell, run.resolution)
    trial.solution = run.solution
    trial.execute([Step(direction)])
    full = float(np.ptp(trial.records[-1].outputs["Discharge capacity [A.h]"]))
    amount = ((1 - share) if ended == "charged" else share) * full
    if amount > 0:
        seconds = amount / run.cell.current(run.cell.slow_rate) * 3600
        run.execute([Step(direction, duration=seconds)])


def _to_voltage(run: Run, target: float) -> None:
    low, high = run.cell.window
    if not low <= target <= high:
        raise ParameterError(
            f"State {target:g} V lies outside the window of {run.cell.name}, "
            f"{low:g} to {high:g} V."
        )
    direction = "discharge" if target < run.voltage() else "charge"
    run.execute([Step(direction, until=target)])
    trial = Run(run.cell, run.resolution)
    trial.solution = run.solution
    trial.execute([Step("rest", duration=_REST)])
    rested = trial.voltage()
    if abs(rested - target) > _SAME:
        run.notes.append(
            f"State {target:g} V was met at {run.cell.slow_rate}; after {_REST / 3600:g} h "
            f"at rest the cell stands at {rested:.3f} V."
        )


def formation_steps(cell: Cell) -> tuple[Step, ...]:
    """Half cycles of a formation: as the paper does at the nearest of its temperatures.

    A set without a formation has one cycle at its slow rate.

    Parameters
    ----------
    cell : Cell
        With its temperature [K].

    Returns
    -------
    tuple of Step

    Examples
    --------
    >>> [step.direction for step in formation_steps(Cell.load("Ji2024"))]
    ['discharge', 'charge']
    """
    formation = cell.data.get("protocols", {}).get("formation")
    if formation is None:
        return cycle(cell.slow_rate, 1).steps(cell.first_step)
    celsius = cell.values["Ambient temperature [K]"] - ZERO_CELSIUS
    cycles = _formation_cycles(formation, celsius)
    return cycle(formation["rate"], cycles).steps(cell.first_step)


def _formation_cycles(formation: Mapping[str, Any], celsius: float) -> int:
    known = formation.get("at", [])
    if not known:
        return int(formation["cycles"])
    nearest = min(known, key=lambda entry: abs(entry["temperature_C"] - celsius))
    return int(nearest["cycles"])


def parse_state(state: str) -> tuple[str, float]:
    """Read a state: pristine, formed, a state of charge or a voltage.

    Parameters
    ----------
    state : str
        Such as ``"50%"`` or ``"3.38V"``.

    Returns
    -------
    tuple of str and float
        ``"charge"`` with a share [-], ``"voltage"`` with a voltage [V].

    Raises
    ------
    ParameterError
        If it is none of these.

    Examples
    --------
    >>> parse_state("50%")
    ('charge', 0.5)
    """
    text = str(state).strip()
    if text in ("pristine", "formed"):
        return text, 0.0
    match = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+)\s*(%|V)", text)
    if match:
        value = float(match[1]) / (100 if match[2] == "%" else 1)
        if match[2] == "V":
            return "voltage", value
        if 0 <= value <= 1:
            return "charge", value
    raise ParameterError(
        f"State '{state}' is not one: use 'pristine', 'formed', a state of charge "
        "from '0%' to '100%' or a voltage such as '3.38V'."
    )
