"""States that a run starts from: as assembled, formed, between."""

from __future__ import annotations

import re

import numpy as np

from sscell.cells.cell import Cell
from sscell.cells.judged import formation_cycles
from sscell.errors import ParameterError
from sscell.protocols import Step, cycle
from sscell.simulation.run import Run
from sscell.units import ZERO_CELSIUS

__all__ = ["bring_to", "formation_steps", "parse_state"]

_REST = 3600.0  # s: after it a voltage counts as that of the cell at rest
_SAME = 2e-3  # V
_LAST, _DRIFT = 600.0, 5e-3  # s at the end of a rest, and what it may move there [V/h]


def bring_to(run: Run, state: str) -> str:
    """Bring a pristine cell to a state.

    A voltage is met under the slow rate, as a cycler meets it; where the cell rests at
    another one, the notes of the run say so. A voltage at rest is met after an hour without
    current, however far the slow rate has to go for it.

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
        If the state is not one, or the cell rests at no such voltage.
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
    run.formed_at = run.celsius
    ended = "discharged" if steps[-1].direction == "discharge" else "charged"
    if kind == "formed":
        return ended
    reach = {"charge": _to_share, "voltage": _to_voltage, "rest": _to_voltage_at_rest}
    reach[kind](run, value, ended)
    return "between"


def _trial(run: Run, *steps: Step) -> Run:
    """Steps from where a run is, which itself stays there."""
    trial = Run(run.cell, run.resolution)
    trial.solution, trial.outputs = run.solution, ()
    trial.execute(steps)
    return trial


def _other_way(ended: str) -> str:
    return "discharge" if ended == "charged" else "charge"


def _to_share(run: Run, share: float, ended: str) -> None:
    # A trial from here says what the formed cell holds: not what its formation did.
    trial = _trial(run, Step(_other_way(ended)))
    full = float(np.ptp(trial.records[-1].outputs["Discharge capacity [A.h]"]))
    amount = ((1 - share) if ended == "charged" else share) * full
    if amount > 0:
        seconds = amount / run.cell.current(run.cell.slow_rate) * 3600
        run.execute([Step(_other_way(ended), duration=seconds)])


def _check_window(run: Run, target: float) -> None:
    low, high = run.cell.window
    if not low <= target <= high:
        raise ParameterError(
            f"State {target:g} V lies outside the window of {run.cell.name}, "
            f"{low:g} to {high:g} V."
        )


def _to_voltage(run: Run, target: float, _: str) -> None:
    _check_window(run, target)
    direction = "discharge" if target < run.voltage() else "charge"
    run.execute([Step(direction, until=target)])
    rested = _trial(run, Step("rest", duration=_REST)).voltage()
    if abs(rested - target) > _SAME:
        run.notes.append(
            f"State {target:g} V was met at {run.cell.slow_rate}; after {_REST / 3600:g} h "
            f"at rest the cell stands at {rested:.3f} V. A cell that rests there is the state "
            f"'{target:g} V at rest'."
        )


def _to_voltage_at_rest(run: Run, target: float, ended: str) -> None:
    from scipy.optimize import brentq

    _check_window(run, target)
    direction, rest = _other_way(ended), Step("rest", duration=_REST)
    far = _trial(run, Step(direction))
    whole = float(far.records[-1].time[-1])

    def steps(seconds: float) -> list[Step]:
        return [*([Step(direction, duration=seconds)] if seconds > 0 else []), rest]

    def off(seconds: float) -> float:
        # Near its cut-off the cell may meet it before the time is over, and rests from there.
        return _trial(run, *steps(seconds)).voltage() - target

    ends = [off(0.0), off(whole)]
    if ends[0] * ends[1] > 0:
        low, high = sorted(gap + target for gap in ends)
        raise ParameterError(
            f"State '{target:g} V at rest' cannot be met: between charged and discharged at "
            f"{run.cell.slow_rate}, {run.cell.name} rests at {low:.3f} to {high:.3f} V."
        )
    seconds = brentq(off, 0.0, whole, xtol=1e-7 * whole, rtol=1e-12)
    run.execute(steps(seconds))
    t, v = run.records[-1].time, run.records[-1].outputs["Voltage [V]"]
    drift = (v[-1] - np.interp(t[-1] - _LAST, t, v)) / _LAST * 3600
    if abs(drift) > _DRIFT:
        run.notes.append(
            f"State '{target:g} V at rest': after {_REST / 3600:g} h the voltage still moves "
            f"by {1e3 * drift:.2g} mV an hour."
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
    cycles = formation_cycles(cell, celsius)
    return cycle(formation["rate"], cycles).steps(cell.first_step)


def parse_state(state: str) -> tuple[str, float]:
    """Read a state: pristine, formed, a state of charge or a voltage, maybe at rest.

    Parameters
    ----------
    state : str
        Such as ``"50%"``, ``"3.38V"`` or ``"3.38V at rest"``.

    Returns
    -------
    tuple of str and float
        ``"charge"`` with a share [-], ``"voltage"`` or ``"rest"`` with a voltage [V].

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
    match = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+)\s*(%|V)(\s+at\s+rest)?", text)
    if match and not (match[3] and match[2] == "%"):
        value = float(match[1]) / (100 if match[2] == "%" else 1)
        if match[2] == "V":
            return "rest" if match[3] else "voltage", value
        if 0 <= value <= 1:
            return "charge", value
    raise ParameterError(
        f"State '{state}' is not one: use 'pristine', 'formed', a state of charge "
        "from '0%' to '100%', a voltage such as '3.38V' or '3.38V at rest'."
    )
