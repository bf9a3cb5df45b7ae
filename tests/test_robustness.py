"""Long runs, several threads, solves that get nowhere: a right result or a sentence."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pybamm
import pytest

import sscell
from sscell import Cancelled, CancelToken, protocols
from sscell.dataset import metadata
from sscell.errors import ParameterError, SimulationError
from sscell.protocols import potential_step, rest, then
from sscell.simulation import engine as engines
from sscell.simulation import run as runs
from sscell.simulation.engine import Engine, Resolution
from sscell.solver import watch
from sscell.solver.watch import Watch, watching

COARSE = Resolution(shells=8)
CHARGE = "Discharge capacity [A.h]"


def _end(run, name=CHARGE):
    return float(run[name].values[-1])


# Clocks -----------------------------------------------------------------------------------


def _stepped(pause):
    protocol = potential_step("2.85 V", duration="2 h", rest=pause)
    return sscell.simulate("Liang2023", protocol, resolution=COARSE)


def test_potential_step_passes_the_same_charge_however_long_the_cell_rested():
    short, long = _stepped("1 h"), _stepped("2000 h")
    assert abs(_end(short)) > 1e-5
    assert _end(long) == pytest.approx(_end(short), rel=1e-6)
    for run in (short, long):
        assert (np.diff(run["Time [s]"].values) > 0).all()
    assert long["Time [s]"].values[-1] == pytest.approx(2002 * 3600)


def test_sweep_moves_at_its_rate_late_in_a_run():
    late = then(rest("3000 h"), sscell.protocols.cv("1 mV/s"))
    voltage, time = (
        sscell.simulate("Liang2023", late, resolution=COARSE)[name].values
        for name in ("Voltage [V]", "Time [s]")
    )
    rates = np.diff(voltage[time > 3000.01 * 3600]) / np.diff(time[time > 3000.01 * 3600])
    assert np.median(np.abs(rates)) == pytest.approx(1e-3, rel=1e-3)


def test_experiment_of_pybamm_holds_a_voltage_late_in_a_run():
    def charge(hours):
        steps = [f"Rest for {hours} hours", "Discharge at C/10 until 2.5 V"]
        steps += ["Hold at 2.5 V until C/50", "Charge at C/10 until 3.2 V"]
        run = sscell.simulate("Liang2023", pybamm.Experiment(steps), resolution=COARSE)
        assert (np.diff(run["Time [s]"].values) > 0).all()
        return float(np.ptp(run[CHARGE].values))

    assert charge(3000) == pytest.approx(charge(1), rel=1e-4)


# Threads ----------------------------------------------------------------------------------


def test_threads_get_what_one_gets():
    def capacity(job):
        name, celsius = job
        rate = "C/20" if name == "Ji2024" else "1C"
        run = sscell.simulate(
            name, sscell.discharge(rate), temperature=celsius, resolution=Resolution(3)
        )
        return _end(run)

    kinds = [(n, c) for n in ("Liang2023", "Ji2024") for c in (10, 20, 30, 40, 50)]
    alone = dict(zip(kinds, map(capacity, kinds), strict=True))
    assert len(set(alone.values())) == len(kinds)
    jobs = kinds * 20
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(capacity, jobs)) == [alone[job] for job in jobs]


# Watching ---------------------------------------------------------------------------------


@pytest.fixture
def always(monkeypatch):
    """Looks after every step of the solver."""
    monkeypatch.setattr(watch, "_EVERY", 0.0)


def test_cancelled_run_keeps_what_it_had(always):
    cancel = CancelToken()

    def progress(event):
        if event.step == 2:
            cancel.cancel()

    with pytest.raises(Cancelled, match="cancelled") as caught:
        sscell.simulate(
            "Liang2023",
            sscell.cycle("C/5", cycles=3),
            resolution=COARSE,
            progress=progress,
            cancel=cancel,
        )
    assert isinstance(caught.value, SimulationError)
    assert len(metadata(caught.value.partial, "steps")) == 2


def test_run_that_is_cancelled_within_a_step_ends_there(always):
    cancel = CancelToken()
    cancel.cancel()
    before = watch.watched()
    built = Engine(sscell.load("Liang2023"), COARSE, "current")
    with pytest.raises(Cancelled), watching(Watch(cancel=cancel)):
        built.step(None, 3600.0, built.inputs(sscell.load("Liang2023")))
    assert watch.watched() is before


def test_step_that_gets_nowhere_is_an_error_that_keeps_what_was_had(always, monkeypatch):
    monkeypatch.setattr(watch, "_SHARE", 10.0)  # only another factor of two is progress
    with pytest.raises(SimulationError, match="no progress") as caught:
        sscell.simulate(
            "Liang2023",
            sscell.cycle("C/5"),
            resolution=Resolution(shells=9),
            patience="1 ns",
        )
    assert caught.value.partial is None


def test_step_that_takes_too_many_steps_keeps_its_beginning(always, monkeypatch):
    monkeypatch.setattr(watch, "_AGAIN", 0.8)
    with (
        pytest.raises(SimulationError, match="no progress .* steps of the solver") as got,
        watching(Watch(steps=60)),
    ):
        sscell.simulate("Liang2023", sscell.cycle("C/5"), resolution=COARSE)
    partial = got.value.partial
    assert metadata(partial, "stop_reasons") == ["no progress"]
    whole = sscell.simulate("Liang2023", sscell.discharge("C/5"), resolution=COARSE)
    t, v = partial["Time [s]"].values, partial["Voltage [V]"].values
    assert 0 < t[-1] < whole["Time [s]"].values[-1]
    same = np.interp(t, whole["Time [s]"].values, whole["Voltage [V]"].values)
    assert np.abs(v - same).max() < 1e-3


def test_patience_must_be_positive():
    for patience in (0.0, "-1 s", "soon"):
        with pytest.raises(ParameterError, match="atience"):
            sscell.simulate("Liang2023", sscell.cycle(), patience=patience)
    with pytest.raises(ParameterError, match="positive"):
        Watch(steps=0)


# Progress ---------------------------------------------------------------------------------


@pytest.fixture
def pieces(always, monkeypatch):
    """Steps in pieces of a fiftieth of their longest time."""
    monkeypatch.setattr(engines, "BEAT", 0.0)
    monkeypatch.setattr(engines, "_SHORTEST", 0.02)


def _whole(events):
    """Curves of all events, one after the other."""
    return {
        name: np.concatenate([event.curve[name] for event in events])
        for name in ("Time [s]", "Voltage [V]", "Current [A]", "Discharge capacity [A.h]")
    }


def test_events_within_a_step_hold_the_whole_curve(pieces):
    told = []
    protocol = sscell.cycle("C/5")
    run = sscell.simulate("Liang2023", protocol, resolution=COARSE, progress=told.append)
    assert len(told) > 10
    assert [e.time for e in told] == sorted(e.time for e in told)
    assert [e.share for e in told] == sorted(e.share for e in told)
    curve = _whole(told)
    for name, values in curve.items():
        own = run[name].values[np.isin(run["Time [s]"].values, curve["Time [s]"])]
        assert np.array_equal(np.unique(values), np.unique(own))
    for event in told:
        assert event.voltage == event.curve["Voltage [V]"][-1]
        assert (event.step, event.cycle, event.preparing) == (event.step, 1, False)
    assert {(e.step, e.direction) for e in told} == {(1, "discharge"), (2, "charge")}


@pytest.mark.parametrize(
    "protocol",
    [
        sscell.cycle("C/5"),
        protocols.cv("1mV/s"),
        then(sscell.discharge("C/5", duration="1 h"), protocols.hold("2.5 V", "1 h")),
        sscell.drive({"Time [s]": [0, 900, 1800], "Current [A]": [0, 2e-4, -1e-4]}),
    ],
)
def test_pieces_end_where_the_whole_does(pieces, protocol):
    whole = sscell.simulate("Liang2023", protocol, resolution=COARSE)
    told = []
    run = sscell.simulate("Liang2023", protocol, resolution=COARSE, progress=told.append)
    assert len(told) > whole["Step"].values[-1]
    assert run.sizes["time"] > whole.sizes["time"]
    assert metadata(run, "stop_reasons") == metadata(whole, "stop_reasons")
    for name, error in (("Time [s]", 1e-4), ("Discharge capacity [A.h]", 1e-4)):
        scale = float(np.ptp(whole[name].values))
        assert abs(run[name].values[-1] - whole[name].values[-1]) < error * scale
    assert _end(run) == pytest.approx(_end(whole), abs=1e-4)
    assert max(metadata(run, "balances").values()) < 1e-6


def test_what_is_cancelled_within_a_step_keeps_its_beginning(pieces):
    cancel, told = CancelToken(), []

    def progress(event):
        told.append(event)
        if len(told) == 3:
            cancel.cancel()

    with pytest.raises(Cancelled) as caught:
        sscell.simulate(
            "Liang2023",
            sscell.cycle("C/5"),
            resolution=COARSE,
            progress=progress,
            cancel=cancel,
        )
    kept = caught.value.partial
    assert metadata(kept, "stop_reasons") == ["cancelled"]
    assert kept["Time [s]"].values[-1] >= told[-1].time
    assert sscell.summary(kept)["steps"][0]["capacity_mAh_g"] > 0


def test_preparation_is_told_apart():
    told = []
    sscell.simulate(
        "Liang2023",
        sscell.discharge("C/5"),
        state="formed",
        resolution=COARSE,
        progress=told.append,
    )
    assert [e.preparing for e in told] == [True] * (len(told) - 1) + [False]
    assert told[0].text.startswith("to the state")


def test_experiments_tell_their_steps():
    told = []
    experiment = pybamm.Experiment(["Discharge at C/5 for 1 h", "Rest for 1 h"])
    sscell.simulate("Liang2023", experiment, resolution=COARSE, progress=told.append)
    assert [e.time for e in told] == [3600.0, 7200.0]
    assert np.isnan(told[0].voltage)


# Retries ----------------------------------------------------------------------------------


@pytest.mark.parametrize("controlled", ["voltage", "power"])
def test_a_step_may_go_on_from_one_of_other_tolerances(controlled):
    """Each tolerance has an engine of its own; the current is an unknown in all of them."""
    cell = sscell.load("Liang2023")
    usual, finer = (
        Engine(cell, Resolution(8, double_layer=True, rtol=r, atol=r / 100), controlled)
        for r in (3e-6, 3e-7)
    )
    given = (
        {"Voltage start [V]": 3.1} if controlled == "voltage" else {"Power start [W]": 1e-4}
    )
    inputs = usual.inputs(cell) | given
    first = usual.step(None, 10.0, inputs)
    second = finer.step(first, 10.0, inputs)
    for one in (first, second):
        found = usual.evaluate(one.t - one.t[0], one.y, inputs, ("Current [A]",))
        assert np.isfinite(found["Current [A]"]).all()
    last, begin = (float(one.y[-1, k]) for one, k in ((first, -1), (second, 0)))
    assert begin == pytest.approx(last, rel=1e-4)


# Impossible results -----------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [np.nan, 1e5])
def test_impossible_voltage_is_computed_again_and_counted(monkeypatch, wrong):
    right = sscell.simulate("Liang2023", sscell.discharge("C/5"), resolution=COARSE)
    assert metadata(right, "failed_trials") == 0
    evaluate, spoilt = Engine.evaluate, []

    def spoil(self, t, y, inputs, names=None):
        found = evaluate(self, t, y, inputs, names)
        if t.size > 1 and not spoilt:
            spoilt.append(True)
            found["Voltage [V]"] = np.full(t.size, wrong)
        return found

    monkeypatch.setattr(Engine, "evaluate", spoil)
    again = sscell.simulate("Liang2023", sscell.discharge("C/5"), resolution=COARSE)
    assert metadata(again, "failed_trials") == 1
    assert _end(again) == pytest.approx(_end(right), rel=1e-4)


def test_voltage_that_stays_impossible_is_an_error(monkeypatch):
    monkeypatch.setattr(runs, "_IMPOSSIBLE", -10.0)
    with pytest.raises(SimulationError, match="no possible"):
        sscell.simulate("Liang2023", sscell.discharge("C/5"), resolution=COARSE)


# Interrupts of real processes -------------------------------------------------------------

SOLVING = """
import sys
from sscell.cli import main
import sscell.simulation.simulation
print("begun", flush=True)
main(["cv", "Liang2023", "--set", "Upper step potential [V]=6 V", "--temperature=-40", "--json"])
"""
FITTING = """
import sscell
from sscell.simulation.engine import Resolution
name = "Positive particle diffusivity at empty [m2.s-1]"
cell = sscell.load("Liang2023")
name = next(n for n in cell.values if "diffusivity" in n and n.endswith("[m2.s-1]"))
data = sscell.simulate(cell, sscell.discharge("C/2"), resolution=Resolution(shells=8))
value = cell.values[name]
told = []
def tell(share, text):
    if not told:
        told.append(text)
        print("begun", flush=True)
found = sscell.fit(
    cell, data, {name: (value / 100, value * 100)}, starts=100, on_progress=tell,
    resolution=Resolution(shells=100),
)
print(found.ended)
"""


# A shell that starts the tests in the background lets its children ignore Ctrl-C.
_HEEDED = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"


def _interrupted(code):
    """Seconds from Ctrl-C to the end, exit code and what it printed."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HEEDED + code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline() == "begun\n", process.stderr.read()
        time.sleep(1.0)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        begun = time.monotonic()
        out, error = process.communicate(timeout=60)
    finally:
        process.kill()
    return time.monotonic() - begun, process.returncode, out, error


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals of POSIX")
def test_ctrl_c_ends_a_solve_that_would_take_minutes():
    seconds, code, _, error = _interrupted(SOLVING)
    assert (code, error.strip().splitlines()[-1]) == (130, "sscell: Interrupted.")
    assert seconds < 10  # of a busy machine; 0.1 s on an idle one


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals of POSIX")
def test_ctrl_c_ends_a_fit_with_the_best_so_far():
    seconds, code, out, error = _interrupted(FITTING)
    assert code == 0, error
    assert out.strip() == "interrupted"
    assert seconds < 20
