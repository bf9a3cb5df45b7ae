"""Sweeps on a dask cluster: the same results, whatever dies on the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

import sscell
from sscell.errors import ParameterError, SimulationError
from sscell.simulation.engine import Resolution
from sscell.sweeps.designs import latin_hypercube
from sscell.sweeps.grid import sweep
from sscell.sweeps.jobs import run_points

COARSE = Resolution(shells=25)


@pytest.fixture(scope="module")
def client():
    """Client of a local cluster: one worker with two threads, in this process."""
    distributed = pytest.importorskip("distributed")
    local = distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=":0"
    )
    with local, distributed.Client(local, set_as_default=False) as opened:
        yield opened


def test_cluster_gives_what_the_computer_gives(client):
    axes = {"temperature": [60, 90, 900], "rate": ["C/50", "C/20"]}
    found = sweep("Ji2024", axes, sscell.discharge(), resolution=COARSE, scheduler=client)
    alone = sweep("Ji2024", axes, sscell.discharge(), resolution=COARSE)
    assert found.identical(alone)
    assert client.status == "running"


class _Crowd:
    """Job that counts how many of its points run at a time."""

    now, most = 0, 0

    def run(self, point):
        _Crowd.now += 1
        _Crowd.most = max(_Crowd.most, _Crowd.now)
        time.sleep(0.02)
        _Crowd.now -= 1
        return {"rows": [], **point}


def test_a_process_runs_one_point_at_a_time_however_many_threads_it_has(client):
    points = [(n, {"x": n}) for n in range(40)]
    results = [r for chunk in run_points(_Crowd(), points, 1, client) for r in chunk]
    assert sorted((n, r["x"]) for n, r in results) == [(n, n) for n in range(40)]
    assert _Crowd.most == 1


@pytest.mark.slow
def test_point_that_ends_its_workers_is_a_row_with_its_reason():
    dask, distributed = pytest.importorskip("dask"), pytest.importorskip("distributed")

    class Deadly:
        def run(self, point):
            return os._exit(1) if point["deadly"] else {"rows": []}

    points = [(n, {"deadly": n == 3}) for n in range(4)]
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, dashboard_address=":0"
        ) as local,
        distributed.Client(local, set_as_default=False) as opened,
    ):
        found = dict(r for c in run_points(Deadly(), points, 1, opened) for r in c)
    assert "died" in found[3]["failure"]
    assert found[3]["lost"]


@pytest.fixture
def cluster(tmp_path):
    """Address of a scheduler with two workers, each a process, and these processes."""
    pytest.importorskip("distributed")
    file = tmp_path / "scheduler.json"
    dask = [sys.executable, "-m", "dask"]
    worker = [*dask, "worker", "--scheduler-file", file, "--nthreads", "1", "--no-nanny"]
    commands = [
        [*dask, "scheduler", "--port", "0", "--scheduler-file", file],
        *[worker, worker],
    ]
    processes = [
        subprocess.Popen(
            [*map(str, command), "--no-dashboard"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=tmp_path,
        )
        for command in commands
    ]
    until = time.monotonic() + 60
    while not file.exists() and time.monotonic() < until:
        time.sleep(0.1)
    try:
        yield json.loads(file.read_text())["address"], processes
    finally:
        for process in reversed(processes):
            process.kill()
            process.wait()


@pytest.mark.slow
def test_worker_that_is_killed_loses_no_point(cluster):
    from distributed import Client

    address, (_, first, _) = cluster
    points = latin_hypercube({"temperature": (40, 90)}, 24)
    under_way = []
    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
        pids = client.run(os.getpid)
        worker = next(name for name, pid in pids.items() if pid == first.pid)

        def kill_first(share, text):
            if share > 0.2 and not under_way and client.processing()[worker]:
                under_way.extend(client.processing()[worker])
                first.kill()

        found = sweep(
            "Ji2024",
            points,
            sscell.discharge("C/20"),
            resolution=COARSE,
            scheduler=address,
            on_progress=kill_first,
        )
        assert under_way
        assert worker not in client.nthreads()
    alone = sweep("Ji2024", points, sscell.discharge("C/20"), resolution=COARSE)
    assert found.identical(alone)


@pytest.mark.slow
def test_lost_scheduler_is_a_sentence_and_the_store_keeps_what_had_finished(
    cluster, tmp_path
):
    address, (scheduler, *_) = cluster
    store = tmp_path / "store"

    def kill_scheduler(share, text):
        if share > 0.2:
            scheduler.kill()

    points = latin_hypercube({"temperature": (40, 90)}, 24)
    with pytest.raises(SimulationError, match="scheduler was lost"):
        sweep(
            "Ji2024",
            points,
            sscell.discharge("C/20"),
            resolution=COARSE,
            scheduler=address,
            store=store,
            on_progress=kill_scheduler,
        )
    assert 5 <= len(store.read_bytes().splitlines()) < 25


@pytest.mark.parametrize("address", ["tcp://host", "nonsense"])
def test_address_without_a_scheduler_is_refused(address):
    pytest.importorskip("distributed")
    with pytest.raises(ParameterError, match="No scheduler answers"):
        sweep("Ji2024", {"temperature": [60]}, sscell.discharge(), scheduler=address)


def test_missing_dask_is_a_sentence_with_its_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ParameterError, match=r"sscell\[cluster\]"):
        sweep("Ji2024", {"temperature": [60]}, sscell.discharge(), scheduler="tcp://h:1")
