"""Ways in which a faster solver is silently wrong: a test against each."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import casadi
import numpy as np
import pytest

import sscell
from sscell.bench.cases import GATE, Case, Leg, error_of, simulated, trace_of
from sscell.cells.library import available
from sscell.dataset import metadata
from sscell.errors import SimulationError
from sscell.fitting.courses import course
from sscell.fitting.forward import Forward
from sscell.protocols import cv, cycle, hold, potential_step, rate_test, then
from sscell.simulation import engine as engines
from sscell.simulation.engine import Engine, Resolution, engine
from sscell.solver import integrator
from sscell.solver.integrator import StepSolution

FAMILIES = sorted({path.stem for path in available().values()})
COARSE = Resolution(shells=10)


@pytest.fixture(scope="module", params=FAMILIES)
def case(request):
    return Case(sscell.load(request.param), COARSE)


def _spikes(case):
    """Pulses of half a minute between rests of two days."""
    return (Leg(case.current, 30.0), Leg(0.0, 2 * 86400.0)) * 4


def test_no_pulse_is_stepped_over_however_short(case):
    """A current interpolated over time loses such pulses at any tolerance."""
    run = simulated(case, _spikes(case))
    charge = run["Discharge capacity [A.h]"].values
    assert charge[-1] * 3600 == pytest.approx(4 * 30 * case.current, rel=1e-9)
    assert len(np.unique(run["Step"])) == 8


def test_a_fit_steps_over_no_pulse(case):
    data = simulated(case, _spikes(case))
    points = course(data, case.cell.window)
    traced = Forward(case.cell, [], case.resolution).trace(case.cell, points)
    assert np.abs(traced.values - points.measured).max() < 1e-3


def test_models_know_of_time_only_where_a_voltage_is_swept(case):
    """Then no pulse hides in a condition on time, such as (t % period) < x."""
    for controlled in ("current", "voltage"):
        built = Engine(case.cell, case.resolution, controlled).functions
        for name in ("rhs", "events"):
            t, y, p = (casadi.MX.sym(s, n) for s, n in (
                ("t", 1), ("y", built.states), ("p", built[name].numel_in(2)),
            ))  # fmt: skip
            slope = casadi.jacobian(built[name](t, y, p), t)
            assert controlled == "voltage" or slope.nnz() == 0
            again = casadi.Function("again", [t, y, p], [casadi.jacobian(slope, t)])
            values = 1 + np.random.default_rng(0).random((2, built.states + p.numel()))
            for now in values:  # linear in time at most
                bent = again(100.0, now[: built.states], now[built.states :])
                assert not np.any(np.array(bent.sparsity().nnz() and bent))


def test_pulses_need_no_ramps_and_bear_tight_tolerances():
    """Ramps of a millisecond fail on differential-algebraic models at 1e-7 and below."""
    cell = sscell.load("Liang2023")
    tight = Resolution(shells=10, thickness_points=4, rtol=1e-9, atol=1e-11)
    run = simulated(Case(cell, tight), Case(cell, COARSE).pulses(4))
    assert metadata(run, "stop_reasons") == ["duration"] * 8


def test_points_are_those_asked_for_whatever_else_the_solver_returns(case):
    """The solver adds the ends of the step to the times that it interpolates at."""
    built = engine(case.cell, case.resolution)
    inputs = built.inputs(case.cell, case.current)
    asked = np.array([100.0, 200.0, 1800.0])
    found = built.step(None, 3600.0, inputs, asked)
    assert set(asked) < set(found.t)
    data = simulated(case, case.half)
    points = course(data, case.cell.window, points=50)
    names = ["Electrode area [m2]", "Contact resistance [Ohm]"]
    traced = Forward(case.cell, names, case.resolution).trace(case.cell, points)
    assert traced.values.shape == points.time.shape
    assert traced.slopes.shape == (points.time.size, 2)


def test_solver_keeps_what_the_inside_of_a_step_needs():
    options = engine(sscell.load("Liang2023"), COARSE)._solver.options
    assert not options["suppress_algebraic_error"]
    assert options["hermite_interpolation"]


def test_voltage_inside_pulses_and_rests_is_within_the_gate(case):
    legs = case.pulses(6)
    sharp = Case(case.cell, replace(case.resolution, rtol=1e-7, atol=1e-9))
    assert error_of(sharp, legs, trace_of(simulated(sharp, legs))) < GATE


def test_default_tolerances_err_by_no_more_than_they_say(case):
    """`Resolution`: 40 uV rms in half cycles and titrations, whatever contents may be off."""
    for legs in (case.half, case.pulses(4)):
        assert error_of(case, legs, trace_of(simulated(case, legs))) < 40e-6


def test_every_cycle_is_kept_whole(case):
    """PyBaMM's `save_at_cycles` returns garbage at the times that it dropped."""
    run = simulated(case, case.cycles(3))
    assert np.isfinite(run["Voltage [V]"]).all()
    low, high = case.cell.window
    for number in range(1, 7):
        voltage = run["Voltage [V]"].values[run["Step"].values == number]
        assert voltage.size > 10
        assert low - 1e-3 < voltage.min() < voltage.max() < high + 1e-3


_APART = 0.1  # of the area


def test_sensitivities_are_not_differences_within_the_solvers_noise(case):
    """They agree with differences at tight tolerances; those at the default ones do not."""
    data = simulated(case, case.half)
    points = course(data, case.cell.window, points=40)
    name = "Electrode area [m2]"
    value = case.cell.values[name]
    own = Forward(case.cell, [name], case.resolution).trace(case.cell, points)
    # At a steep end even 1e-8 leaves differences over a hundredth wrong by a tenth: wider ones.
    tight = Forward(case.cell, [], replace(COARSE, rtol=1e-10, atol=1e-12))

    def at(share):
        moved = case.cell.replace({name: value * (1 + share)})
        return tight.trace(moved, points)

    above, below = at(_APART), at(-_APART)
    there = ~(own.missing | above.missing | below.missing)
    differences = (above.values - below.values)[there] / (2 * _APART * value)
    wrong = np.linalg.norm(own.slopes[there, 0] - differences)
    assert wrong < 0.02 * np.linalg.norm(differences)


# The fast path gives what PyBaMM's own steps give ----------------------------------------


@pytest.fixture
def plain(monkeypatch):
    """Steps through PyBaMM's `solver.step`."""

    def step(self, before, duration, inputs, times=None):
        origin = None if before is None else before.origin
        found = self._solver.step(
            origin, self.model, duration, inputs=dict(inputs), save=False, t_interp=times
        )
        t, y = np.asarray(found.t), np.asarray(found.y)
        stretch = _Plain(self.functions, t, y, found.termination, 0.0)
        stretch.origin = found.last_state
        return stretch

    monkeypatch.setattr(Engine, "step", step)


class _Plain(StepSolution):
    origin = None

    @property
    def last_state(self):
        end = super().last_state
        end.__class__, end.origin = _Plain, self.origin
        return end


def _protocols(cell):
    rate = f"{2e6 * cell.current(cell.slow_rate)!r} uA"
    low, high = cell.window
    middle = low + 0.6 * (high - low)
    ways = (cell.first_step,)
    return {
        "cycle with hold": lambda: cycle(
            rate,
            2,
            rest="10 min",
            hold_until=f"{1e6 * cell.current(cell.slow_rate) / 2!r} uA",
        ),
        "titration": lambda: sscell.gitt(rate, "1 h", "1 h", ways[0]),
        "rate test": lambda: rate_test(
            [rate, f"{4e6 * cell.current(cell.slow_rate)!r} uA"]
        ),
        "voltammetry": lambda: cv("0.1 mV/s"),
        "potential step": lambda: potential_step(middle, "1 h"),
        "held": lambda: then(sscell.discharge(rate, duration="1 h"), hold(middle, "1 h")),
    }


NAMES = list(_protocols(sscell.load("Ji2024")))
QUICK = "cycle with hold"


def _tight(cell, protocol):
    """Run at tight tolerances: on this mesh some holds fail at them, by either path."""
    fine = replace(COARSE, rtol=3e-7, atol=3e-9)
    try:
        return sscell.simulate(cell, protocol, resolution=fine), fine
    except SimulationError:
        fine = replace(COARSE, rtol=1e-6, atol=1e-8)
        return sscell.simulate(cell, protocol, resolution=fine), fine


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "name", [n if n == QUICK else pytest.param(n, marks=pytest.mark.slow) for n in NAMES]
)
def test_fast_path_equals_pybamms_own_steps(family, name, request):
    cell = sscell.load(family)
    protocol = _protocols(cell)[name]()
    own, fine = _tight(cell, protocol)
    request.getfixturevalue("plain")
    other = sscell.simulate(cell, protocol, resolution=fine)
    assert own.attrs["stop_reasons"] == other.attrs["stop_reasons"]
    for number in np.unique(own["Step"]):
        a, b = (x.isel(time=x["Step"].values == number) for x in (own, other))
        since = [x["Time [s]"].values - x["Time [s]"].values[0] for x in (a, b)]
        assert since[0][-1] == pytest.approx(since[1][-1], rel=1e-4, abs=0.01)
        inside = slice(1, -1)
        v = np.interp(since[1][inside], since[0], a["Voltage [V]"])
        miss = np.sqrt(np.mean((v - b["Voltage [V]"].values[inside]) ** 2))
        assert miss < 2e-4


# The solver's interface may change -------------------------------------------------------


class _Refusing:
    """A group of solvers whose `solve` takes something else than it did."""

    def solve(self, only):
        raise AssertionError


def _moved(**names):
    return lambda: SimpleNamespace(**vars(integrator.idaklu) | names)


CHANGES = {
    "the module has moved": lambda: None,
    "a group is made of other things": _moved(
        create_casadi_solver_group=lambda number_of_states: None
    ),
    "it is made by another name": lambda: SimpleNamespace(),
    "a group solves other things": _moved(
        create_casadi_solver_group=lambda **told: _Refusing()
    ),
    "what is found has other names": _moved(
        create_casadi_solver_group=lambda **told: SimpleNamespace(
            solve=lambda *told, pbar: [SimpleNamespace(times=np.zeros(1))]
        )
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_interface_of_the_solver_is_one_warning(change, monkeypatch):
    cell = sscell.load("Liang2023")
    protocol = _protocols(cell)[QUICK]()
    own, fine = _tight(cell, protocol)
    monkeypatch.setattr(integrator, "idaklu", CHANGES[change]())
    monkeypatch.setattr(engines, "_ENGINES", {})
    integrator._warned.cache_clear()
    with pytest.warns(UserWarning, match="sscell calls directly") as found:
        other = sscell.simulate(cell, protocol, resolution=fine)
    assert len(found) == 1
    assert own.attrs["stop_reasons"] == other.attrs["stop_reasons"]
    ends = [np.flatnonzero(np.diff(x["Step"].values, append=9)) for x in (own, other)]
    for name in ("Time [s]", "Discharge capacity [A.h]", "Voltage [V]"):
        a, b = (x[name].values[rows] for x, rows in zip((own, other), ends, strict=True))
        assert a == pytest.approx(b, rel=1e-4, abs=1e-9)
