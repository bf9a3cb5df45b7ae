"""Many drawn cells: in several processes as in one."""

from __future__ import annotations

import os
import threading
import time
from functools import partial

import numpy as np
import pytest
from scipy.stats import norm, qmc

import sscell
from sscell.papers.validation import validate
from sscell.protocols import Protocol
from sscell.simulation import processes
from sscell.simulation.bands import banded
from sscell.simulation.draws import _hypercube, drawn
from sscell.solver.cancelling import CancelToken
from sscell.solver.watch import asked, watching

COARSE = sscell.Resolution(8)


@pytest.fixture(scope="module", autouse=True)
def no_processes_stay():
    yield
    processes.release()


def test_draws_are_those_of_scipy_s_hypercube():
    shares = qmc.LatinHypercube(7, rng=np.random.default_rng(3)).random(20)
    assert np.array_equal(_hypercube(20, 7, 3), shares)
    found = drawn(sscell.load("Liang2023"), 20, seed=3)
    size = len(found.names)
    shares = qmc.LatinHypercube(size, rng=np.random.default_rng(3)).random(20)
    even = (2 * shares - 1) * np.sqrt(3)
    is_one = np.isclose(found.positions, norm.ppf(shares)) | (found.positions == even)
    assert is_one.all()


def test_drawn_cells_are_the_cell_with_the_changes_that_are_told():
    cell = sscell.load("Liang2023")
    found = drawn(cell, 3)
    for other, changes in zip(found.cells, found.changes, strict=True):
        assert other.values == cell.replace(changes, "drawn").values


def test_bands_are_the_same_to_the_last_bit_in_two_processes():
    options = {"draws": 10, "temperature": 25, "resolution": COARSE}
    told = []
    here, there = (
        banded(
            "Liang2023",
            sscell.discharge("0.4C"),
            workers=n,
            on_progress=lambda share, text: told.append(share),
            **options,
        )
        for n in (1, 2)
    )
    for a, b in zip(here.runs, there.runs, strict=True):
        assert a.drop_attrs().equals(b.drop_attrs())
    for name in ("Voltage lower [V]", "Voltage upper [V]"):
        assert np.array_equal(here.data[name], there.data[name])
    assert told[-1] == 1.0


def test_bands_of_a_validation_are_the_same_in_two_processes():
    cell = sscell.load("Liang2023")
    first = validate(cell, resolution=COARSE).rows[0]["id"]
    here, there = (
        validate(cell, ids=[first], resolution=COARSE, bands=True, workers=n).rows
        for n in (1, 2)
    )
    assert here == there
    assert here[0]["band"] is not None and here[0]["assumed_band"] is not None


def test_work_in_processes_is_cancelled():
    token = CancelToken()
    token.cancel()
    work = processes.in_processes(divmod, 3, [7, 8], 1, token)
    with pytest.raises(sscell.Cancelled):
        list(work)
    assert sorted(processes.in_processes(divmod, 3, [7, 8], 1)) == [(2, 1), (2, 2)]


@pytest.mark.parametrize(
    ("seconds", "started", "pays"), [(11, False, False), (13, False, True), (1, True, True)]
)
def test_processes_are_for_work_that_takes_longer_than_they_do_to_start(
    monkeypatch, seconds, started, pays
):
    pool = [(None, time.monotonic())]
    monkeypatch.setattr(processes, "_kept", pool if started else [])
    monkeypatch.setattr("loky.cpu_count", lambda: 4)
    monkeypatch.delenv("SSCELL_WORKERS")
    assert processes.workers_that_pay(seconds) == (4 if pays else 1)
    monkeypatch.setattr(processes, "_known", {b"": None})  # one of several itself
    assert processes.workers_that_pay(seconds) == 1


@pytest.mark.parametrize(("most", "are"), [("1", 1), ("3", 3), ("8", 4)])
def test_the_user_says_how_many_processes_there_are_at_most(monkeypatch, most, are):
    monkeypatch.setattr("loky.cpu_count", lambda: 4)
    monkeypatch.setenv("SSCELL_WORKERS", most)
    assert processes.workers_that_pay(100.0) == are
    assert processes.workers_that_pay(100.0, asked=2) == 2
    monkeypatch.setenv("SSCELL_WORKERS", "many")
    with pytest.raises(sscell.ParameterError, match="positive whole number"):
        processes.workers_that_pay(0.1)


@pytest.mark.parametrize("run", [partial(banded, protocol=sscell.discharge()), validate])
def test_an_impossible_number_of_processes_is_refused_before_anything_runs(
    monkeypatch, run
):
    monkeypatch.setattr(sscell.Cell, "load", None)
    for workers in (0, -1, 1.5, True, "2"):
        with pytest.raises(sscell.ParameterError, match="Workers must be a whole number"):
            run("Liang2023", workers=workers)
    for most in ("many", "0", "-1"):
        monkeypatch.setenv("SSCELL_WORKERS", most)
        with pytest.raises(
            sscell.ParameterError, match="SSCELL_WORKERS must be a positive"
        ):
            run("Liang2023")


def test_processes_that_ended_have_to_start_again(monkeypatch):
    monkeypatch.setattr("loky.cpu_count", lambda: 4)
    monkeypatch.delenv("SSCELL_WORKERS")
    assert sorted(processes.in_processes(divmod, 3, [7, 8], 1)) == [(2, 1), (2, 2)]
    assert processes.workers_that_pay(1.0) == 4
    later = time.monotonic() + processes._IDLE
    with monkeypatch.context() as patch:
        patch.setattr(processes.time, "monotonic", lambda: later)
        assert processes.workers_that_pay(1.0) == 1
    with pytest.raises(ZeroDivisionError):
        list(processes.in_processes(divmod, 0, [7], 1))
    assert processes.workers_that_pay(1.0) == 1


def test_what_ends_all_solves_ends_processes_too():
    token = CancelToken()
    token.cancel()
    with watching(asked(token)), pytest.raises(sscell.Cancelled):
        list(processes.in_processes(divmod, 3, [7, 8], 1))


def test_processes_wait_as_long_for_a_solve_as_this_one():
    def patience(chunk, shared):
        return asked().patience

    with watching(asked(patience="7 s")):
        assert list(processes.in_processes(patience, None, [1], 1)) == [7.0]


def test_process_that_dies_leaves_the_run_itself():
    def deadly(first_step):
        if os.getpid() != here:
            os._exit(1)
        return plain.steps(first_step)

    here, plain = os.getpid(), sscell.discharge("0.4C")
    protocol = Protocol(plain.name, plain.options, deadly)
    with pytest.raises(
        sscell.SimulationError, match="process died.*fewer workers"
    ) as caught:
        banded("Liang2023", protocol, draws=8, workers=2, resolution=COARSE)
    assert caught.value.partial.sizes["time"] > 10


def test_protocol_of_nameless_functions_runs_in_processes():
    plain = sscell.discharge("0.4C")
    protocol = Protocol(plain.name, plain.options, lambda way: plain.steps(way))
    run = partial(banded, "Liang2023", draws=8, resolution=COARSE)
    here, there = run(plain, workers=1), run(protocol, workers=2)
    for a, b in zip(here.runs, there.runs, strict=True):
        assert a["Voltage [V]"].equals(b["Voltage [V]"])


def test_work_that_cannot_be_handed_over_is_done_here_unless_processes_are_asked_for():
    lock = threading.Lock()

    def task(item, shared, tell):
        with lock:
            return shared * item

    def run(**options):
        return processes.in_order(task, 3, [1, 2], 2, iter([print, print]), **options)

    assert run(or_here=True) == [3, 6]
    with pytest.raises(sscell.ParameterError, match="cannot be handed to other processes"):
        run()
