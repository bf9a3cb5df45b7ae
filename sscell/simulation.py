"""Run a protocol on a cell: one built model per structure, everything else an input."""

from __future__ import annotations

import platform
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import casadi
import numpy as np
import pybamm
import xarray as xr

from sscell.cell import Cell
from sscell.dataset import set_metadata, time_series
from sscell.errors import ParameterError, SimulationError
from sscell.model import ATOL, RTOL, SHELLS, SolidStateCell, solver
from sscell.protocols import Protocol, Step, cycle, preparation
from sscell.units import ZERO_CELSIUS, parse_quantity

__all__ = ["simulate"]

_TAG = "[experiment]"  # lets the solver go on after an event
_LOWER, _UPPER = "lower voltage cut-off", "upper voltage cut-off"
_TIME_LIMIT = "time limit"
_FAR = 1e3  # V, a cut-off that is never reached
_SERIES = (
    "Current [A]",
    "Voltage [V]",
    "Discharge capacity [A.h]",
    "Positive electrode potential [V]",
    "Positive electrode reaction overpotential [V]",
    "Negative electrode reaction overpotential [V]",
    "Separator ohmic losses [V]",
    "Contact overpotential [V]",
    "Host balance residual",
    "Guest balance residual",
)
Progress = Callable[[float, str], None]


def simulate(
    cell: str | Cell,
    protocol: Protocol | pybamm.Experiment,
    *,
    temperature: float | str | None = None,
    state: str = "pristine",
    changes: Mapping[str, float | str] | None = None,
    v_min: float | str | None = None,
    v_max: float | str | None = None,
    formation_temperature: float | str | None = None,
    shells: int = SHELLS,
    rtol: float = RTOL,
    atol: float = ATOL,
    on_progress: Progress | None = None,
) -> xr.Dataset:
    """Simulate a protocol, or any PyBaMM experiment, on a cell.

    Parameters
    ----------
    cell : str or Cell
        A published cell, a TOML file or a loaded cell.
    protocol : Protocol or pybamm.Experiment
        Such as ``sscell.discharge("C/20")``.
    temperature : float or str, optional
        Cell temperature [degC]; default: the set's own.
    state : str, optional
        ``"pristine"``, ``"formed"``, a state of charge of the formed cell such as
        ``"50%"``, or a voltage such as ``"3.38V"``.
    changes : mapping, optional
        Parameter names to other values, as for `Cell.replace`.
    v_min, v_max : float or str, optional
        Other cut-offs [V], against the cell's own anode.
    formation_temperature : float or str, optional
        Where the formation ran at another temperature [degC].
    shells : int, optional
        Finite volumes over the particle radius.
    rtol, atol : float, optional
        Tolerances of the integration [-].
    on_progress : callable, optional
        Called with the share done [-] and a text.

    Returns
    -------
    xarray.Dataset
        Time series on ``time`` with metadata; steps, stop reasons, balances, warnings.

    Raises
    ------
    ParameterError
        If a name or value is not usable.
    SimulationError
        If the solver fails; carries what was computed before.

    Examples
    --------
    >>> import sscell
    >>> run = simulate("Ji2024", sscell.discharge("C/20"), temperature=60)
    >>> 1500 < float(run["Discharge capacity [A.h]"][-1]) / 0.7e-6 < 1650
    True
    """
    cell = cell if isinstance(cell, Cell) else Cell.load(cell)
    cell = _configured(cell, temperature, changes, v_min, v_max)
    if isinstance(protocol, pybamm.Experiment):
        return _run_experiment(cell, protocol, shells, rtol, atol)
    engine = _engine(cell, shells, rtol, atol)
    forming = cell
    if formation_temperature is not None:
        forming = _configured(cell, formation_temperature, None, None, None)
    run = _Run(engine, forming)
    is_now = run.bring_to(state)
    run = _Run(engine, cell, run.solution)
    steps = (
        *preparation(protocol, is_now, cell.first_step),
        *protocol.steps(cell.first_step),
    )
    try:
        run.execute(steps, on_progress)
    except SimulationError as error:
        error.partial = run.dataset(protocol.describe(), state) if run.records else None
        raise
    return run.dataset(protocol.describe(), state)


def _configured(
    cell: Cell,
    temperature: float | str | None,
    changes: Mapping[str, float | str] | None,
    v_min: float | str | None,
    v_max: float | str | None,
) -> Cell:
    asked: dict[str, float | str] = dict(changes or {})
    if temperature is not None:
        quantity = cell.quantity("Ambient temperature [K]")
        kelvin = parse_quantity(temperature, "degC", "Temperature") + ZERO_CELSIUS
        if not quantity.lower <= kelvin <= quantity.upper:
            raise ParameterError(
                f"Temperature {kelvin - ZERO_CELSIUS:g} degC is out of range; allowed: "
                f"{quantity.lower - ZERO_CELSIUS:g} to {quantity.upper - ZERO_CELSIUS:g} degC."
            )
        asked["Ambient temperature [K]"] = kelvin
    if v_min is not None:
        asked["Lower voltage cut-off [V]"] = v_min
    if v_max is not None:
        asked["Upper voltage cut-off [V]"] = v_max
    return cell.replace(asked) if asked else cell


class _Engine:
    """A built model of one structure, its solver and its outputs."""

    def __init__(self, cell: Cell, shells: int, rtol: float, atol: float):
        model = SolidStateCell(cell, shells=shells)
        voltage = model.variables["Voltage [V]"]
        low = pybamm.InputParameter("Lower limit [V]")
        high = pybamm.InputParameter("Upper limit [V]")
        model.events = [
            pybamm.Event(f"{_LOWER} {_TAG}", voltage - low),
            pybamm.Event(f"{_UPPER} {_TAG}", high - voltage),
        ]
        names = dict.fromkeys(cell.parameter_dict(), "[input]")
        simulation = pybamm.Simulation(
            model, parameter_values=pybamm.ParameterValues(names), solver=solver(rtol, atol)
        )
        simulation.build()
        self.model = simulation.built_model
        self.solver = simulation.solver
        self.outputs = (*_SERIES, *cell.host.outputs)
        self._input_names = (*names, "Lower limit [V]", "Upper limit [V]")
        self._function = self._output_function()

    def _output_function(self) -> casadi.Function:
        t, y = casadi.MX.sym("t"), casadi.MX.sym("y", self.model.len_rhs_and_alg)
        inputs = {name: casadi.MX.sym(name) for name in self._input_names}
        rows = [
            self.model.get_processed_variable(name).to_casadi(t, y, inputs=inputs)
            for name in self.outputs
        ]
        return casadi.Function(
            "outputs", [t, y, casadi.vertcat(*inputs.values())], [casadi.vertcat(*rows)]
        )

    def inputs(
        self, cell: Cell, current: float, low: float, high: float
    ) -> dict[str, float]:
        """Values of all inputs of the built model."""
        values = cell.parameter_dict() | {"Current function [A]": current}
        return values | {"Lower limit [V]": low, "Upper limit [V]": high}

    def evaluate(
        self, t: np.ndarray, y: np.ndarray, inputs: Mapping[str, float]
    ) -> dict[str, np.ndarray]:
        """Outputs at n times, from states of shape (states, n)."""
        p = np.array([inputs[name] for name in self._input_names])
        columns = np.repeat(p[:, None], t.size, axis=1)
        table = np.asarray(self._function(t[None, :], y, columns))
        return dict(zip(self.outputs, table, strict=True))

    def initial_state(self, inputs: Mapping[str, float]) -> np.ndarray:
        """State of the cell as assembled, shape (states, 1)."""
        return self.model.concatenated_initial_conditions.evaluate(0, inputs=dict(inputs))


_ENGINES: dict[tuple[Any, ...], _Engine] = {}


def _engine(cell: Cell, shells: int, rtol: float, atol: float) -> _Engine:
    if isinstance(shells, bool) or not isinstance(shells, int) or not 3 <= shells <= 5000:
        raise ParameterError(
            f"Shells must be a whole number from 3 to 5000, not {shells!r}."
        )
    if not (0 < rtol <= 0.1 and 0 < atol <= 0.1):
        raise ParameterError(f"Tolerances must lie in (0, 0.1], not {rtol:g} and {atol:g}.")
    key = (cell.structure, shells, rtol, atol)
    if key not in _ENGINES:
        _ENGINES[key] = _Engine(cell, shells, rtol, atol)
    return _ENGINES[key]


@dataclass(frozen=True)
class _Record:
    step: Step
    stop_reason: str
    time: np.ndarray
    outputs: dict[str, np.ndarray]
    solve_time: float


class _Run:
    """A cell on its way through the steps of a protocol."""

    def __init__(self, engine: _Engine, cell: Cell, solution: Any = None):
        self.engine, self.cell, self.solution = engine, cell, solution
        self.records: list[_Record] = []
        self._start = float(solution.t[-1]) if solution is not None else 0.0

    def execute(self, steps: Sequence[Step], on_progress: Progress | None = None) -> None:
        """Run the steps in order; what is done stays in the records if one fails."""
        for number, step in enumerate(steps):
            if on_progress:
                text = f"cycle {step.cycle}, {step.direction}"
                on_progress(number / len(steps), text)
            self.records.append(self._execute(step))
        if on_progress:
            on_progress(1.0, "done")

    def _execute(self, step: Step) -> _Record:
        engine, cell = self.engine, self.cell
        sign = {"discharge": 1, "charge": -1, "rest": 0}[step.direction]
        magnitude = cell.current(step.rate or cell.slow_rate) if sign else 0.0
        limit = step.until
        if limit is None and sign:
            limit = cell.window[0] if sign > 0 else cell.window[1]
        low = limit if limit is not None and sign > 0 else -_FAR
        high = limit if limit is not None and sign < 0 else _FAR
        inputs = engine.inputs(cell, sign * magnitude, low, high)
        duration = step.duration or 1.5 * cell.theoretical_capacity / magnitude * 3600
        if (at_once := self._beyond(inputs, low, high)) is not None:
            return at_once(step)
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                solution = engine.solver.step(
                    self.solution, engine.model, duration, inputs=inputs, save=False
                )
        except (pybamm.SolverError, FloatingPointError) as error:
            raise self._failure(step, error) from error
        self.solution = solution.last_state
        reason = solution.termination
        stop = next((name for name in (_LOWER, _UPPER) if name in reason), None)
        if stop is None:
            stop = "duration" if step.duration else _TIME_LIMIT
        t = np.asarray(solution.t)
        outputs = engine.evaluate(t, np.asarray(solution.y), inputs)
        return _Record(step, stop, t - self._start, outputs, solution.solve_time.value)

    def _state(self, inputs: Mapping[str, float]) -> tuple[float, np.ndarray]:
        if self.solution is None:
            return 0.0, self.engine.initial_state(inputs)
        return float(self.solution.t[-1]), np.asarray(self.solution.all_ys[-1])[:, -1:]

    def _beyond(
        self, inputs: Mapping[str, float], low: float, high: float
    ) -> Callable[[Step], _Record] | None:
        """Record of a step whose cut-off is passed as soon as the current flows."""
        t, y = self._state(inputs)
        outputs = self.engine.evaluate(np.array([t]), y, inputs)
        voltage = outputs["Voltage [V]"][0]
        if low < voltage < high:
            return None
        reason = f"{_LOWER if voltage <= low else _UPPER} at once"
        time = np.array([t - self._start])
        return lambda step: _Record(step, reason, time, outputs, 0.0)

    def _failure(self, step: Step, error: Exception) -> SimulationError:
        where = ""
        if self.records:
            last = self.records[-1]
            voltage = last.outputs["Voltage [V]"][-1]
            where = f" after {last.time[-1] / 3600:.3g} h, from {voltage:.3f} V"
        return SimulationError(
            f"The {step.direction} of cycle {step.cycle} failed{where} "
            f"({str(error).splitlines()[0]}). Try a lower rate, more shells, or check the "
            "values that were changed."
        )

    def bring_to(self, state: str) -> str:
        """Bring a pristine cell to a state; says how it then is for `preparation`."""
        kind, value = _parse_state(state)
        if kind == "pristine":
            return "pristine"
        formation = self.cell.data.get("protocols", {}).get("formation")
        if formation is None:
            raise ParameterError(
                f"{self.cell.name} names no formation; use --state pristine."
            )
        steps = cycle(formation["rate"], formation["cycles"]).steps(self.cell.first_step)
        self.execute(steps)
        ended = "discharged" if steps[-1].direction == "discharge" else "charged"
        if kind == "formed":
            return ended
        if kind == "charge":
            self._to_state_of_charge(value, ended)
        else:
            self._to_voltage(value)
        return "between"

    def _to_state_of_charge(self, share: float, ended: str) -> None:
        rate = self.cell.slow_rate
        current = self.cell.current(rate)
        full = max(
            abs(np.ptp(r.outputs["Discharge capacity [A.h]"]))
            for r in self.records
            if r.step.direction == "discharge"
        )
        direction = "discharge" if ended == "charged" else "charge"
        amount = (1 - share) if ended == "charged" else share
        if amount > 0:
            seconds = amount * full / current * 3600
            self.execute([Step(direction, duration=seconds)])

    def _to_voltage(self, target: float) -> None:
        low, high = self.cell.window
        if not low <= target <= high:
            raise ParameterError(
                f"State {target:g} V lies outside the window of {self.cell.name}, "
                f"{low:g} to {high:g} V."
            )
        inputs = self.engine.inputs(self.cell, 0.0, -_FAR, _FAR)
        t, y = self._state(inputs)
        now = self.engine.evaluate(np.array([t]), y, inputs)["Voltage [V]"][0]
        direction = "discharge" if target < now else "charge"
        self.execute([Step(direction, until=target)])

    def dataset(self, protocol: Mapping[str, Any], state: str) -> xr.Dataset:
        """Everything recorded, with its metadata."""
        columns: dict[str, Any] = {
            "Time [s]": np.concatenate([r.time for r in self.records])
        }
        for name in self.engine.outputs:
            columns[name] = np.concatenate([r.outputs[name] for r in self.records])
        sizes = [r.time.size for r in self.records]
        celsius = self.cell.values["Ambient temperature [K]"] - ZERO_CELSIUS
        columns["Temperature [degC]"] = np.full(sum(sizes), celsius)
        columns["Cycle"] = np.repeat([r.step.cycle for r in self.records], sizes)
        columns["Step"] = np.repeat(np.arange(len(sizes)) + 1, sizes)
        steps = [
            {
                "step": number + 1,
                "cycle": r.step.cycle,
                "direction": r.step.direction,
                "preparatory": r.step.preparatory,
                "stop_reason": r.stop_reason,
            }
            for number, r in enumerate(self.records)
        ]
        data = _labelled(self.cell, columns, protocol, steps)
        rates = [
            r.step.rate or self.cell.slow_rate
            for r in self.records
            if r.step.direction != "rest"
        ]
        set_metadata(
            data,
            state=state,
            warnings=_warnings(self.cell, celsius, rates),
            solve_time_s=float(sum(r.solve_time for r in self.records)),
        )
        return data


def _parse_state(state: str) -> tuple[str, float]:
    text = str(state).strip()
    if text in ("pristine", "formed"):
        return text, 0.0
    match = re.fullmatch(r"([\d.]+)\s*(%|V)", text)
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


def _labelled(
    cell: Cell,
    columns: Mapping[str, Any],
    protocol: Mapping[str, Any],
    steps: Sequence[Mapping[str, Any]],
) -> xr.Dataset:
    """Dataset of a simulation with the metadata that analysis and reports need."""
    bases = cell.data["bases"]
    capacity, energy = cell.basis("capacity"), cell.basis("energy")
    data = time_series(columns)
    host, guest = cell.host.host, cell.host.guest
    set_metadata(
        data,
        cell=cell.name,
        capacity_basis=capacity[0],
        capacity_basis_mass_g=capacity[1] * 1e3,
        energy_basis=energy[0],
        energy_basis_mass_g=energy[1] * 1e3,
        area_cm2=cell.area * 1e4,
        voltage_reference=bases["voltage_reference"],
        working_metal=bases["working_metal"],
        working_metal_offset_V=cell.values["Negative electrode OCP [V]"],
        theoretical_capacity_Ah=cell.theoretical_capacity,
        first_step=cell.first_step,
        phases=list(cell.host.phases),
        protocol=dict(protocol),
        steps=list(steps),
        balances={
            host: float(np.max(np.abs(data["Host balance residual"]))),
            guest: float(np.max(np.abs(data["Guest balance residual"]))),
        },
        parameters=cell.values,
        versions={
            "sscell": version("sscell"),
            "pybamm": pybamm.__version__,
            "python": platform.python_version(),
        },
    )
    return data


def _warnings(cell: Cell, celsius: float, rates: Sequence[Any]) -> list[str]:
    """What a reader of the result should know: extrapolation and weak assumptions."""
    found = []
    validity = cell.data.get("validity", {})
    low, high = validity.get("temperature_C", (-np.inf, np.inf))
    if not low - 1e-6 <= celsius <= high + 1e-6:
        found.append(f"{celsius:g} degC is outside the published {low:g} to {high:g} degC.")
    if "rate" in validity:
        slow, fast = (cell.current(r) for r in validity["rate"])
        for rate in dict.fromkeys(map(str, rates)):
            if not 0.99 * slow <= cell.current(rate) <= 1.01 * fast:
                a, b = validity["rate"]
                found.append(f"{rate} is outside the published {a} to {b}.")
    assumed = [p for p in cell.parameters.parameters.values() if p.matters]
    found += [f"Assumed, and it matters: {p.name} = {p.value:g}." for p in assumed]
    return found


def _run_experiment(
    cell: Cell, experiment: pybamm.Experiment, shells: int, rtol: float, atol: float
) -> xr.Dataset:
    """Run any PyBaMM experiment through PyBaMM itself."""
    simulation = pybamm.Simulation(
        SolidStateCell(cell, shells=shells),
        parameter_values=pybamm.ParameterValues(cell.parameter_dict()),
        experiment=experiment,
        solver=solver(rtol, atol),
    )
    try:
        solution = simulation.solve()
    except pybamm.SolverError as error:
        raise SimulationError(
            f"The experiment failed: {str(error).splitlines()[0]}"
        ) from error
    parts, steps = [], []
    for number, part in enumerate(solution.cycles, start=1):
        for step in part.steps:
            parts.append((number, step))
    names = (*_SERIES, *cell.host.outputs)
    columns: dict[str, Any] = {
        name: np.concatenate([step[name].entries for _, step in parts]) for name in names
    }
    columns["Time [s]"] = np.concatenate([step.t for _, step in parts])
    columns["Temperature [degC]"] = np.concatenate(
        [
            np.broadcast_to(step["Ambient temperature [C]"].entries, step.t.shape)
            for _, step in parts
        ]
    )
    sizes = [step.t.size for _, step in parts]
    columns["Cycle"] = np.repeat([number for number, _ in parts], sizes)
    columns["Step"] = np.repeat(np.arange(len(parts)) + 1, sizes)
    for index, (number, step) in enumerate(parts, start=1):
        mean = float(np.mean(step["Current [A]"].entries))
        direction = "discharge" if mean > 0 else "charge" if mean < 0 else "rest"
        steps.append(
            {
                "step": index,
                "cycle": number,
                "direction": direction,
                "preparatory": False,
                "stop_reason": step.termination.removeprefix("event: ").replace(
                    f" {_TAG}", ""
                ),
            }
        )
    data = _labelled(cell, columns, {"name": "experiment"}, steps)
    celsius = float(columns["Temperature [degC]"][0])
    set_metadata(data, state="pristine", warnings=_warnings(cell, celsius, []))
    return data
