"""A cell on its way through the steps of a protocol."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from time import perf_counter
from typing import Any

import numpy as np
import xarray as xr

from sscell.cells.cell import Cell
from sscell.cells.judged import ASSEMBLED, FORMED, formation_cycles
from sscell.dataset import set_metadata
from sscell.errors import ParameterError, SimulationError
from sscell.protocols import Step
from sscell.protocols.steps import after, as_now
from sscell.simulation.distance import Use
from sscell.simulation.doubts import doubts
from sscell.simulation.engine import (
    BEAT,
    CAPACITY,
    CURRENT,
    FAR,
    LIMITS,
    LOWER,
    UPPER,
    Engine,
    Resolution,
    engine,
)
from sscell.simulation.limits import TIGHTER
from sscell.simulation.progress import Teller
from sscell.simulation.results import (
    BALANCES,
    Spectrum,
    add_spectra,
    anode_remarks,
    labelled,
    remarks,
)
from sscell.simulation.resuming import packed, with_layers_at_rest
from sscell.solver.cancelling import Cancelled
from sscell.solver.integrator import CANCELLED, NO_PROGRESS, StepSolution, joined
from sscell.solver.watch import (
    NoProgress,
    SolverFailure,
    Watch,
    failures,
    watched,
    watching,
)
from sscell.units import ZERO_CELSIUS

__all__ = ["Run"]

_SIGN = {"discharge": 1, "charge": -1}
_CONTROLLED = {"hold": "voltage", "sweep": "voltage"}
_NEEDED = ("Current [A]", "Voltage [V]", "Discharge capacity [A.h]")
_SAME_VOLTAGE = 1e-3  # V: a hold that near to the voltage before it goes on as before
_MOST = 1.5  # theoretical capacities: a half cycle that passes more meets no cut-off
# Tolerances of the rows of a drive cycle, per those asked for, and the error of the charge of
# a row that asks for the next: the charge of many rows adds up, and the solver weighs its error
# by all that has passed before.
_DRIVEN, _EXACT = (0.01, 1e-3, 1e-4), 2e-5
_IMPOSSIBLE = 50.0  # V beyond the window: no cell does that, a failed solution may


@dataclass(frozen=True)
class _Record:
    step: Step
    stop_reason: str
    celsius: float | np.ndarray
    time: np.ndarray
    outputs: dict[str, np.ndarray]
    solve_time: float


class Run:
    """State of a cell and the records of what was done with it.

    Parameters
    ----------
    cell : Cell
        Its temperature holds for all steps that have none of their own.
    resolution : Resolution
        Meshes and tolerances.
    applied : float, optional
        Stack pressure that was asked for, whether the cell knows of it or not [Pa].
    """

    def __init__(self, cell: Cell, resolution: Resolution, applied: float | None = None):
        self.cell = self.base = cell
        self.resolution = resolution
        self.applied = applied
        self.solution: Any = None
        self.records: list[_Record] = []
        self.spectra: list[Spectrum] = []
        self.notes: list[str] = []  # what a reader of the result should know
        self._start = 0.0
        self._sign = 0
        self._origin = 0.0  # charge at the last reversal [A.h]
        self._ended: dict[str, int] = {}
        self._begun: dict[str, float] = {}  # charge where a group began [A.h]
        self.outputs: tuple[str, ...] | None = None  # that records keep; None: all
        self._worst: dict[str, float] = dict.fromkeys(BALANCES, 0.0)
        self.is_now = "pristine"  # before the records
        self.formed_at: float | None = None  # temperature of the formation [degC]
        self.failed_trials = 0  # solutions that were refused, and computed again
        self.teller = Teller()
        self._heard, self._heard_at = -1.0, 0.0  # what a listener knows, and since when [s]
        self.in_pieces = False  # long steps, so that what is cancelled keeps its beginning

    def go_on_with(self, cell: Cell, set_anew: bool = False) -> None:
        """Go on from the present state with other values and new records.

        Parameters
        ----------
        cell : Cell
            Of the same structure.
        set_anew : bool, optional
            Whether the jig is set anew: then the cell's pressure is that of now [Pa].
        """
        if set_anew and cell.has_contact and self.records:
            change = self._last("Free stack thickness change [m]", 0.0)
            cell = cell.replace({"Thickness change at loading [m]": change})
        self.cell = self.base = cell
        self.forget()

    def forget(self) -> None:
        """Start the records anew from the present state."""
        self.records, self.spectra, self._ended, self._begun = [], [], {}, {}
        self._worst = dict.fromkeys(BALANCES, 0.0)
        self._start, self._heard = self._now(), -1.0

    # Steps ---------------------------------------------------------------------------

    def execute(self, steps: Sequence[Step]) -> None:
        """Run steps in order; what is done stays in the records if one fails.

        Parameters
        ----------
        steps : sequence of Step
            After a cut-off, later pulses of the same group are left out.

        Raises
        ------
        SimulationError
            If the solver fails.
        """
        groups = len({step.group for step in steps})
        number, executed = 0, 0
        while number < len(steps):
            step, share, width = steps[number], number / len(steps), 1 / len(steps)
            number += 1
            if step.group in self._ended and step.pulse > self._ended[step.group]:
                continue
            watched().check()
            if step.group:
                share, width = self._passed() / groups, 0.0
            executed += 1
            self.teller.begin(executed, step.cycle, step.direction, share, width)
            try:
                with watching(self._looked()):
                    self._execute(step)
            except failures() as error:
                raise self._failure(step, error) from error
            self._tell_end(step)
            if step.back and self._goes_on(step):
                number -= 1 + step.back
        self.teller.done()

    def _looked(self) -> Watch:
        """What is asked of the solver, and that it tells how far it is."""
        own = watched()
        begun = self._now
        return Watch(
            own.patience,
            own.cancel,
            lambda t, _: self.teller.look(begun() + t),
            own.steps,
            own.interrupts,
        )

    def _now(self) -> float:
        """Time at the end of the last solution [s]."""
        return 0.0 if self.solution is None else float(self.solution.t[-1])

    def _tell_end(self, step: Step) -> None:
        """Tell of a step that is over."""
        if step.direction == "impedance" and self.teller.listened:
            point = {name: np.array([self._last(name, 0.0)]) for name in _NEEDED}
            time = np.array([self._now() - self._start])
            self.teller.point({"Time [s]": time, **point}, None)
        elif self.records:
            self._tell(self.records[-1].time, self.records[-1].outputs, None)

    def _tell(self, time: np.ndarray, outputs: Mapping[str, np.ndarray], now: Any) -> None:
        """Tell a listener what it has not heard yet."""
        if not self.teller.listened:
            return
        new = time > self._heard
        if new.any() and np.isfinite(outputs["Voltage [V]"]).all():
            self._heard, self._heard_at = float(time[-1]), perf_counter()
            curve = {name: outputs[name][new] for name in _NEEDED}
            self.teller.point({"Time [s]": time[new], **curve}, now)

    def _goes_on(self, step: Step) -> bool:
        """Whether the steps of a group are repeated: no cut-off has ended it."""
        if step.group in self._ended:
            return False
        passed = self._passed_since(step.group)
        if passed < _MOST:
            return True
        self.notes.append(
            f"The pulses of cycle {step.cycle} ended without a cut-off after "
            f"{passed:.0%} of the theoretical capacity."
        )
        return False

    def _passed_since(self, group: str) -> float:
        """Charge passed since a group of steps began, per theoretical capacity [-]."""
        now = self._last("Discharge capacity [A.h]", 0.0)
        return abs(now - self._begun.get(group, now)) / self.cell.theoretical_capacity

    def _passed(self) -> float:
        """Charge passed in the records, per theoretical capacity [-]."""
        steps = [r.outputs["Discharge capacity [A.h]"] for r in self.records]
        return sum(abs(q[-1] - q[0]) for q in steps) / self.cell.theoretical_capacity

    def _execute(self, step: Step) -> None:
        self._set_temperature(step)
        if step.group not in self._begun:
            self._begun[step.group] = self._last("Discharge capacity [A.h]", 0.0)
        if step.direction == "impedance":
            self._measure(step)
            return
        if step.direction == "drive":
            self._drive(step)
            return
        built = engine(
            self.cell, self.resolution, _CONTROLLED.get(step.direction, "current")
        )
        inputs, duration = self._inputs(step, built)
        self.teller.expect(self._now(), self._expected(step, duration))
        record = self._at_once(step, built, inputs) or self._solve(
            step, built, inputs, duration
        )
        self.records.append(record)
        if step.group and step.direction in _SIGN and record.stop_reason != "duration":
            self._ended[step.group] = step.pulse

    @staticmethod
    def _expected(step: Step, duration: float) -> float | None:
        """How long a step may take [s], where that is known."""
        if step.duration or step.share is not None or step.direction == "sweep":
            return duration
        return duration / _MOST if step.direction in _SIGN else None

    def _drive(self, step: Step) -> None:
        """Follow a course row by row: one record, each row an integration of its own."""
        kind = {"current": "drive", "power": "power"}[step.driven]
        built = engine(self.cell, self.resolution, kind)
        done: list[_Record] = []
        self.teller.expect(self._now(), step.course[-1][0] - step.course[0][0])
        try:
            for begin, end in pairwise(step.course):
                if end[0] > begin[0]:
                    watched().check()
                    done.append(self._stretch(step, built, begin, end))
                    if done[-1].stop_reason != "duration":
                        break
                    if perf_counter() - self._heard_at > BEAT:
                        row = done[-1]
                        self._tell(row.time, row.outputs, self._now())
        finally:
            if done:
                self.records.append(_joined(done))

    def _stretch(
        self, step: Step, built: Engine, begin: Sequence[float], end: Sequence[float]
    ) -> _Record:
        """Record from one row of a course to the next."""
        duration = end[0] - begin[0]
        slope = (end[1] - begin[1]) / duration
        low, high = self.cell.window
        limits: dict[str, float] = {}
        # Only the cut-off that the current goes to: the other may just have been met.
        if max(begin[1], end[1]) > 0:
            limits["Lower limit [V]"] = low
        if min(begin[1], end[1]) < 0:
            limits["Upper limit [V]"] = high
        celsius, warming = self.celsius, 0.0
        if len(begin) > 2:
            celsius, warming = begin[2], (end[2] - begin[2]) / duration
        moving = {
            "Ambient temperature [K]": celsius + ZERO_CELSIUS,
            "Temperature slope [K.s-1]": warming,
        }
        if step.driven == "current":
            moving |= {"Current function [A]": begin[1], "Current slope [A.s-1]": slope}
        else:
            moving |= {"Power start [W]": begin[1], "Power slope [W.s-1]": slope}
        inputs = built.inputs(self.cell, **limits) | moving
        before = self.solution
        started = before.t[-1] if before is not None else 0.0
        first, *finer = _DRIVEN
        record = self._solve(step, self._tighter(built, first), inputs, duration)
        for share in finer:
            if _charge_error(record) < _EXACT:
                break
            self.solution = before
            record = self._solve(step, self._tighter(built, share), inputs, duration)
        since = record.time - (started - self._start)
        return replace(record, celsius=celsius + warming * since)

    def _set_temperature(self, step: Step) -> None:
        name = "Ambient temperature [K]"
        kelvin = self.base.values[name]
        if step.temperature is not None:
            kelvin = step.temperature + ZERO_CELSIUS
        if kelvin == self.base.values[name]:
            self.cell = self.base
        elif kelvin != self.cell.values[name]:
            self.cell = self.base.replace({name: kelvin})

    def _inputs(self, step: Step, built: Engine) -> tuple[dict[str, float], float]:
        cell, limits = self.cell, self._capacity_limits(step)
        if step.direction in ("hold", "sweep"):
            return self._voltage_inputs(step, built, limits)
        sign = _SIGN.get(step.direction, 0)
        if not sign:
            return built.inputs(cell, 0.0, **limits), float(step.duration or 0.0)
        current = cell.current(step.rate or cell.slow_rate)
        if sign > 0:
            limits["Lower limit [V]"] = cell.window[0] if step.until is None else step.until
        else:
            limits["Upper limit [V]"] = cell.window[1] if step.until is None else step.until
        full = cell.theoretical_capacity / current * 3600
        duration = step.duration or full * (_MOST if step.share is None else step.share)
        return built.inputs(cell, sign * current, **limits), duration

    def _capacity_limits(self, step: Step) -> dict[str, float]:
        """Limits on the charge since the last reversal; a new direction is a reversal."""
        now = self._last("Discharge capacity [A.h]", 0.0)
        sign = self._way(step)
        if sign and sign != self._sign:
            self._sign, self._origin = sign, now
        if step.capacity_limit is None:
            return {}
        amount = step.capacity_limit * self.cell.basis("capacity")[1]
        return {
            "Discharge capacity limit [A.h]": self._origin + amount,
            "Charge capacity limit [A.h]": self._origin - amount,
        }

    def _way(self, step: Step) -> int:
        """Direction of a step: 1 on discharge, -1 on charge, 0 where it keeps the last."""
        if step.direction not in _CONTROLLED:
            return _SIGN.get(step.direction, 0)
        end = step.voltage if step.direction == "hold" else step.until
        end = step.label if end is None and step.direction == "sweep" else end
        if end is None:
            return 0
        low, high = self.cell.window
        target = {"lower": low, "upper": high}[end] if isinstance(end, str) else end
        change = self.voltage() - target
        return int(math.copysign(1, change)) if abs(change) > _SAME_VOLTAGE else 0

    def _voltage_inputs(
        self, step: Step, built: Engine, limits: dict[str, float]
    ) -> tuple[dict[str, float], float]:
        cell, (low, high) = self.cell, self.cell.window
        named = {"lower": low, "upper": high}
        voltage = step.voltage
        if voltage is None:
            voltage = self.voltage()
        value = named[voltage] if isinstance(voltage, str) else voltage
        slope, duration = 0.0, step.duration or 1e7
        if step.direction == "sweep":
            vertex = named[step.label] if step.until is None else step.until
            slope = math.copysign(step.scan_rate or 0.0, vertex - value)
            duration = max(abs(vertex - value) / abs(slope), 1e-6)
        if step.current_limit is not None:
            limits["Current limit [A]"] = cell.current(step.current_limit)
        control = {"Voltage start [V]": value, "Voltage slope [V.s-1]": slope}
        return built.inputs(cell, **limits, **control), duration

    def _at_once(
        self, step: Step, built: Engine, inputs: Mapping[str, float]
    ) -> _Record | None:
        """Record of a step whose cut-off is passed as soon as the current flows."""
        low, high = inputs["Lower limit [V]"], inputs["Upper limit [V]"]
        if low == -FAR and high == FAR:
            return None
        point = self._instant(built, inputs)
        return None if point is None else self._past(step, inputs, point)

    def _past(
        self, step: Step, inputs: Mapping[str, float], point: dict[str, np.ndarray]
    ) -> _Record | None:
        """Record of one instant, if its voltage lies beyond the cut-offs."""
        low, high = inputs["Lower limit [V]"], inputs["Upper limit [V]"]
        voltage = point["Voltage [V]"][0]
        if low < voltage < high or np.isnan(voltage):
            return None
        return self._record_at_once(step, LOWER if voltage <= low else UPPER, point)

    def _record_at_once(
        self, step: Step, limit: str, point: dict[str, np.ndarray]
    ) -> _Record:
        """Record of one instant, beyond a limit as soon as the step begins."""
        reason = f"{limit} at once"
        self._note_balances(point)
        t = float(self.solution.t[-1]) if self.solution is not None else 0.0
        return _Record(step, reason, self.celsius, np.array([t - self._start]), point, 0.0)

    def _instant(
        self, built: Engine, inputs: Mapping[str, float]
    ) -> dict[str, np.ndarray] | None:
        """Outputs as soon as the inputs act, where no equation has to be solved first."""
        before = self.solution
        ours = before is None or before.functions.shares_states(built.functions)
        if not ours or built.functions.algebraic:
            return None
        t, y = built.state(self.solution, inputs)
        return built.evaluate(np.array([t]), y, inputs)

    def _solve(
        self, step: Step, built: Engine, inputs: Mapping[str, float], duration: float
    ) -> _Record:
        failure: Exception | None = None
        for share in (1.0, *TIGHTER):
            trial = self._tighter(built, share)
            try:
                with np.errstate(over="ignore", invalid="ignore"):
                    solution = self._advance(step, trial, duration, inputs)
            except NoProgress as error:
                if error.partial is not None:
                    made = self._record(step, trial, inputs, error.partial)
                    self.records.extend([made] if made else [])
                raise
            except failures() as error:
                if record := self._refused(step, trial, inputs, error):
                    return record
                failure = failure or error
            else:
                if record := self._record(step, trial, inputs, solution):
                    return record
                failure = failure or FloatingPointError("the voltage is no possible one")
            self.failed_trials += 1
        raise failure or SolverFailure("no solution")

    def _advance(
        self, step: Step, built: Engine, duration: float, inputs: Mapping[str, float]
    ) -> Any:
        """Solution of a step, in pieces if somebody listens."""
        if not self.in_pieces:
            return built.step(self.solution, duration, inputs)
        begun, done = self._now(), []
        try:
            for part in built.pieces(self.solution, duration, inputs):
                new = slice(1 if done else 0, None)  # it begins where the last one ends
                done.append(part)
                own = part.t[new] - begun
                if part.termination == "final time" and own[-1] < duration * (1 - 1e-9):
                    found = built.evaluate(own, part.y[:, new], inputs, _NEEDED)
                    self._tell(part.t[new] - self._start, found, float(part.t[-1]))
        except NoProgress as error:
            error.partial = joined(done, NO_PROGRESS) if done else None
            raise
        except (Cancelled, KeyboardInterrupt):
            if done:
                made = self._record(step, built, inputs, joined(done, CANCELLED))
                self.records.extend([made] if made else [])
            raise
        return joined(done)

    def _tighter(self, built: Engine, share: float) -> Engine:
        """The same engine with smaller tolerances."""
        if share == 1.0:
            return built
        return engine(self.cell, built.resolution.tighter(share), built.controlled)

    def _record(
        self, step: Step, built: Engine, inputs: Mapping[str, float], solution: Any
    ) -> _Record | None:
        """Record of a step, whose end is then the state of the cell; None if it is none."""
        t, y = np.asarray(solution.t), np.asarray(solution.y)
        begun = 0.0 if self.solution is None else float(self.solution.t[-1])
        outputs = built.evaluate(t - begun, y, inputs, self._kept(built, BALANCES))
        if not self._possible(outputs):
            return None
        for name, values in outputs.items():
            if not np.isfinite(values).all():
                raise FloatingPointError(f"'{name}' is no number")
        self.solution = solution.last_state
        self._note_balances(outputs)
        timed = step.duration or step.share is not None or step.direction == "sweep"
        reason = built.stop_reason(solution) or ("duration" if timed else "time limit")
        if solution.termination in (NO_PROGRESS, CANCELLED):
            reason = solution.termination
        seconds = float(solution.solve_time)
        names = self._kept(built)
        kept = outputs
        if len(names) < len(outputs):  # the rows of one table keep all of it
            kept = {name: outputs[name].copy() for name in names}
        return _Record(step, reason, self.celsius, t - self._start, kept, seconds)

    def _possible(self, outputs: Mapping[str, np.ndarray]) -> bool:
        if not all(np.isfinite(outputs[name]).all() for name in _NEEDED):
            return False
        voltage, (low, high) = outputs["Voltage [V]"], self.cell.window
        near = (voltage > low - _IMPOSSIBLE) & (voltage < high + _IMPOSSIBLE)
        return bool(near.all())

    def _refused(
        self, step: Step, built: Engine, inputs: Mapping[str, float], error: Exception
    ) -> _Record | None:
        """Record of a step past its cut-off at once, known when its equations are solved."""
        free = {**inputs, **LIMITS}
        try:
            solution = built.step(self.solution, 1e-6, free)
        except failures():
            return None
        point = built.evaluate(
            np.asarray(solution.t[:1]), np.asarray(solution.y)[:, :1], inputs
        )
        record = self._past(step, inputs, point)
        if record or "non-positive at initial conditions" not in str(error):
            return record
        return self._record_at_once(
            step, CAPACITY if CAPACITY in _reason(error) else CURRENT, point
        )

    def _kept(self, built: Engine, beside: Sequence[str] = ()) -> tuple[str, ...]:
        """Outputs that are asked for, and what the next steps depend on."""
        if self.outputs is None:
            return built.outputs
        wanted = {*_NEEDED, *beside, *self.outputs}
        return tuple(name for name in built.outputs if name in wanted)

    def _note_balances(self, outputs: Mapping[str, np.ndarray]) -> None:
        for name, before in self._worst.items():
            self._worst[name] = max(before, float(np.max(np.abs(outputs[name]))))

    @property
    def celsius(self) -> float:
        """Cell temperature of now [degC]."""
        return self.cell.values["Ambient temperature [K]"] - ZERO_CELSIUS

    def _last(self, name: str, default: float) -> float:
        if self.records:
            return float(self.records[-1].outputs[name][-1])
        if self.solution is None:
            return default
        built = engine(self.cell, self.resolution)
        return float(self._rest_outputs(built)[name][0])

    def _rest_outputs(self, built: Engine) -> dict[str, np.ndarray]:
        """Outputs at open circuit; relaxes for an instant where equations must be solved."""
        inputs = built.inputs(self.cell)
        point = self._instant(built, inputs)
        if point is None:
            solution = built.step(self.solution, 1e-3, inputs)
            point = built.evaluate(
                np.asarray(solution.t[-1:]), np.asarray(solution.y)[:, -1:], inputs
            )
        return point

    def voltage(self) -> float:
        """Voltage where the last step ended, or at open circuit before the first [V]."""
        if self.records:
            return self._last("Voltage [V]", 0.0)
        built = engine(self.cell, self.resolution)
        return float(self._rest_outputs(built)["Voltage [V]"][0])

    def _measure(self, step: Step) -> None:
        """Spectrum about the present state, with the current interrupted."""
        from sscell.simulation.impedance import spectrum_at  # brings PyBaMM

        built = engine(self.cell, self.resolution)
        inputs = built.inputs(self.cell)
        settled = built.step(self.solution, 1.0, inputs)
        y = np.asarray(settled.y)[:, -1]
        slices = built.functions.slices
        state = {name: y[slice(*rows)][:, None] for name, rows in slices.items()}
        z = spectrum_at(self.cell, self.resolution, state, inputs, step.frequencies)
        if not np.isfinite(z).all():
            raise FloatingPointError("the impedance is no finite number")
        label, passed = step.label, None
        if step.group:
            passed = self._passed_since(step.group)
            label = f"{step.label} {passed:.0%}"
        # A cell may be measured more than once in the same place, before and after cycling.
        times = sum(label == one.label.split(" #")[0] for one in self.spectra)
        label = f"{label} #{times + 1}" if times else label
        self.spectra.append(Spectrum(label, step.frequencies, z, self.celsius, passed))

    def resume(self, states: Mapping[str, np.ndarray], current: float) -> None:
        """Go on from states by the names of the model's variables.

        Parameters
        ----------
        states : mapping of str to numpy.ndarray
            Of a run of the same structure and meshes [-].
        current : float
            That flowed last [A].

        Raises
        ------
        ParameterError
            If a state is missing or of another size.
        """
        built = engine(self.cell, self.resolution)
        _, y = built.state(None, built.inputs(self.cell))
        y = np.array(y, dtype=float)
        missing: list[str] = []
        for name, (low, high) in built.functions.slices.items():
            if name not in states and self.resolution.double_layer:
                missing.append(name)
            elif name not in states or states[name].size != high - low:
                raise ParameterError(
                    f"The saved run does not have the state '{name}' on this mesh: go on with "
                    "the meshes that it was run with."
                )
            else:
                y[low:high, 0] = states[name]
        if missing:
            y = with_layers_at_rest(built, y, missing, built.inputs(self.cell))
            self.notes.append(
                "The saved run had no double layers: they begin relaxed, as at rest."
            )
        self.solution = StepSolution(
            built.functions, np.zeros(1), y, "final time", 0.0, float(current)
        )
        self.forget()

    def state(self) -> dict[str, np.ndarray] | None:
        """States of now by the names of the model's variables; None: as assembled."""
        if self.solution is None:
            return None
        y = np.asarray(self.solution.y)[:, -1]
        slices = self.solution.functions.slices
        return {name: y[slice(*rows)] for name, rows in slices.items()}

    def _failure(self, step: Step, error: Exception) -> SimulationError:
        where = ""
        if self.records:
            last = self.records[-1]
            voltage = last.outputs["Voltage [V]"][-1]
            where = f" after {last.time[-1] / 3600:.3g} h, from {voltage:.3f} V"
        return SimulationError(
            f"The {step.direction} of cycle {step.cycle} failed{where} "
            f"({_reason(error)}). Try a lower rate, more shells, or check the "
            "values that were changed."
        )

    # Result --------------------------------------------------------------------------

    def dataset(self, protocol: Mapping[str, Any], state: str) -> xr.Dataset:
        """Everything recorded, with its metadata.

        Parameters
        ----------
        protocol : mapping
            Its description.
        state : str
            Where it started from.

        Returns
        -------
        xarray.Dataset
        """
        built = engine(self.cell, self.resolution)
        sizes = [r.time.size for r in self.records]

        def joined(parts: Sequence[np.ndarray]) -> np.ndarray:
            if len(parts) == 1:
                return parts[0].copy()
            return np.concatenate([*parts]) if parts else np.empty(0)

        columns: dict[str, Any] = {"Time [s]": joined([r.time for r in self.records])}
        for name in self._kept(built):
            columns[name] = joined([r.outputs[name] for r in self.records])
        columns["Temperature [degC]"] = joined(
            [np.full(r.time.shape, r.celsius) for r in self.records]
        )
        columns["Cycle"] = np.repeat([r.step.cycle for r in self.records], sizes).astype(
            int
        )
        columns["Step"] = np.repeat(np.arange(len(sizes)) + 1, sizes)
        steps = self._steps()
        data = labelled(self.base, columns, built.budget, protocol, steps, self._worst)
        celsius = [float(c) for r in self.records for c in _reached(r)] or [self.celsius]
        celsius += [one.celsius for one in self.spectra]
        set_metadata(
            data,
            state=state,
            warnings=[
                *self.notes,
                *doubts(columns, self.base, steps),
                *remarks(
                    self.base, celsius, self._uses(state), self.applied, self.formed_at
                ),
                *anode_remarks(self.base, columns),
            ],
            **self._pressure(),
            failed_trials=self.failed_trials,
            final_state=self._final_state(),
            solve_time_s=float(sum(r.solve_time for r in self.records)),
        )
        return add_spectra(data, self.spectra) if self.spectra else data

    def _final_state(self) -> dict[str, Any] | None:
        """Where a later run can go on from."""
        states = self.state()
        if states is None:
            return None
        is_now = as_now(self.is_now, self.base.first_step)
        is_now = after([r.step for r in self.records], is_now)
        unknown = states.get("Current variable [A]")  # where it is solved for
        current = self.solution.current if unknown is None else float(unknown[0])
        return packed(states, current, is_now, self.resolution)

    def _uses(self, state: str) -> list[Use]:
        """Currents of the steps, and whether the cell was formed when they flowed."""
        # The history of a saved run is not known.
        known = ASSEMBLED if state == "pristine" else FORMED
        began = None if state.startswith("after ") else known
        enough = formation_cycles(self.base, self.celsius)
        return [
            Use(
                r.step.rate or self.cell.slow_rate,
                FORMED if began == ASSEMBLED and r.step.cycle > enough else began,
                r.step.cycle,
            )
            for r in self.records
            if r.step.direction in _SIGN
        ]

    def _pressure(self) -> dict[str, float]:
        """Stack pressure [MPa], where there is one."""
        own = self.cell.values.get("Applied stack pressure [Pa]", self.applied)
        return {} if own is None else {"pressure_MPa": own / 1e6}

    def _steps(self) -> list[dict[str, Any]]:
        return [
            {
                "step": number,
                "cycle": r.step.cycle,
                "direction": r.step.direction,
                "preparatory": r.step.preparatory,
                "stop_reason": r.stop_reason,
            }
            for number, r in enumerate(self.records, start=1)
        ]


def _charge_error(record: _Record) -> float:
    """Charge that passed less the integral of the current, per charge moved [-]."""
    t, current = record.time, record.outputs["Current [A]"]
    charge = record.outputs["Discharge capacity [A.h]"] * 3600
    moved = float(np.trapezoid(np.abs(current), t))
    missed = charge[-1] - charge[0] - np.trapezoid(current, t)
    return abs(float(missed)) / moved if moved > 0 else 0.0


def _joined(records: Sequence[_Record]) -> _Record:
    """One record of several that follow one another."""
    last = records[-1]
    names = last.outputs
    return replace(
        last,
        time=np.concatenate([r.time for r in records]),
        outputs={n: np.concatenate([r.outputs[n] for r in records]) for n in names},
        celsius=np.concatenate([np.broadcast_to(r.celsius, r.time.shape) for r in records]),
        solve_time=sum(r.solve_time for r in records),
    )


def _reached(record: _Record) -> tuple[float, float]:
    """Lowest and highest temperature [degC]."""
    return np.min(record.celsius), np.max(record.celsius)


def _reason(error: Exception) -> str:
    """First line of an error, without PyBaMM's list of all inputs, which helps nobody."""
    return str(error).splitlines()[0].split(" with inputs ")[0]
