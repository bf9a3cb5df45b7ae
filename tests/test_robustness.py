"""Long runs, several threads, solves that get nowhere: a right result or a sentence."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pybamm
import pytest

import sscell
from sscell.dataset import metadata
from sscell.errors import ParameterError, SimulationError
from sscell.protocols import potential_step, rest, then
from sscell.simulation import run as runs
from sscell.simulation.engine import Engine, Resolution
from sscell.solver import watch
from sscell.solver.watch import Cancelled, Watch

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
    cancel = threading.Event()
    done = []

    def progress(share, text):
        done.append(text)
        if len(done) == 3:
            cancel.set()

    with pytest.raises(Cancelled, match="cancelled") as caught:
        sscell.simulate(
            "Liang2023",
            sscell.cycle("C/5", cycles=3),
            resolution=COARSE,
            on_progress=progress,
            watch=Watch(cancel=cancel),
        )
    assert isinstance(caught.value, SimulationError)
    assert len(metadata(caught.value.partial, "steps")) == 2


def test_run_that_is_cancelled_within_a_step_ends_there(always):
    cancel = threading.Event()
    cancel.set()
    before = watch.watched()
    built = Engine(sscell.load("Liang2023"), COARSE, "current")
    with pytest.raises(Cancelled), watch.watching(Watch(cancel=cancel)):
        built.step(None, 3600.0, built.inputs(sscell.load("Liang2023")))
    assert watch.watched() is before


def test_step_that_gets_nowhere_is_an_error_that_keeps_what_was_had(always, monkeypatch):
    monkeypatch.setattr(watch, "_SHARE", 10.0)  # only another factor of two is progress
    with pytest.raises(SimulationError, match="no progress") as caught:
        sscell.simulate(
            "Liang2023",
            sscell.cycle("C/5"),
            resolution=Resolution(shells=9),
            watch=Watch(patience=1e-9),
        )
    assert caught.value.partial is None


def test_step_that_takes_too_many_steps_keeps_its_beginning(always, monkeypatch):
    monkeypatch.setattr(watch, "_AGAIN", 0.8)
    with pytest.raises(SimulationError, match="no progress .* steps of the solver") as got:
        sscell.simulate(
            "Liang2023", sscell.cycle("C/5"), resolution=COARSE, watch=Watch(steps=60)
        )
    partial = got.value.partial
    assert metadata(partial, "stop_reasons") == ["no progress"]
    whole = sscell.simulate("Liang2023", sscell.discharge("C/5"), resolution=COARSE)
    t, v = partial["Time [s]"].values, partial["Voltage [V]"].values
    assert 0 < t[-1] < whole["Time [s]"].values[-1]
    same = np.interp(t, whole["Time [s]"].values, whole["Voltage [V]"].values)
    assert np.abs(v - same).max() < 1e-3


def test_patience_must_be_positive():
    with pytest.raises(ParameterError, match="positive"):
        Watch(patience=0.0)
    with pytest.raises(ParameterError, match="positive"):
        Watch(steps=0)


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
