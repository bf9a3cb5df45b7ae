"""Many drawn cells: in several processes as in one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm, qmc

import sscell
from sscell.papers.validation import validate
from sscell.simulation import processes
from sscell.simulation.bands import banded
from sscell.simulation.draws import _hypercube, drawn
from sscell.solver.cancelling import CancelToken

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
    monkeypatch.setattr(processes, "_kept", [None] if started else [])
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
        processes.workers_that_pay(100.0)
