"""Suites that need processes of their own: sweeps, the cold command line, memory."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from sscell.bench import peers
from sscell.bench.cases import Case, Leg
from sscell.bench.clock import Ratio, Timing, alternate, ratio
from sscell.bench.suites import Plan, Sheet
from sscell.protocols import Protocol, charge, discharge
from sscell.simulation.bands import banded
from sscell.simulation.processes import release
from sscell.sweeps.grid import sweep
from sscell.units import parse_rate

__all__ = ["command_line", "cycling", "many_cells", "sweeping", "thousand"]

_CLUSTER = "a local dask cluster"


def sweeping(case: Case, plan: Plan) -> Sheet:
    """Sweep of 64 (quick: 16) currents: here, in two processes, on a local cluster.

    Parameters
    ----------
    case : Case
        Cell and resolution.
    plan : Plan
        How much is measured.

    Returns
    -------
    Sheet
    """
    sheet = Sheet()
    count = 16 if plan.quick else 64
    sheet.notes |= {"points": count, "cores": os.cpu_count()}
    ways = {"one process": lambda: _swept(case, count, workers=1)}
    times = alternate(ways, 3)
    sheet.add("one process", times["one process"])
    one = times["one process"]
    factors = np.linspace(0.5, 2.0, 4)
    anew = [peers.rebuilt(case, (Leg(case.current * f),)) for f in factors]
    rebuilt = alternate({"rebuilt": lambda: [way() for way in anew]}, 3, warm=False)[
        "rebuilt"
    ]
    scaled = Timing(tuple(s * count / len(anew) for s in rebuilt.seconds), None)
    sheet.add("new pybamm.Simulation for each point", scaled)
    sheet.ratios["sweep_speedup_over_rebuild"] = ratio(scaled, one)
    _parallel(sheet, case, plan, count)
    return sheet


def _swept(case: Case, count: int, **options: Any) -> Any:
    """Sweep of a half cycle over currents from half to twice the slow one."""
    axes = {
        "rate": [
            f"{abs(case.current) * 1e6 * f!r} uA"
            for f in np.linspace(0.5, 2, count).tolist()
        ]
    }
    return sweep(case.cell, axes, _half(case), resolution=case.resolution, **options)


def _half(case: Case) -> Protocol:
    rate = parse_rate(f"{abs(case.current) * 1e6!r} uA")
    return discharge(rate) if case.current > 0 else charge(rate)


def _parallel(sheet: Sheet, case: Case, plan: Plan, count: int) -> None:
    """By the wall clock: processes that stay from sweep to sweep, and what starting costs."""
    if (os.cpu_count() or 1) < 2:
        sheet.missing("sweep_parallel_efficiency", "there is one processor only")
        return
    release()
    start = _timed(lambda: _swept(case, count, workers=2))
    few = _timed(lambda: _swept(case, count, workers=2))
    sheet.add(f"2 processes that have to start, {count} points", start)
    sheet.add(f"2 processes, {count} points", few)
    wanted = (4 if plan.quick else 5) / few.median
    large = count * min(max(int(wanted), 1), 64)
    sheet.notes["points of the large sweep"] = large
    ways: dict[str, Callable[[], Any]] = {
        "1 process": lambda: _swept(case, large, workers=1),
        "2 processes": lambda: _swept(case, large, workers=2),
    }
    cluster = _cluster(sheet)
    if cluster is not None:
        ways[_CLUSTER] = lambda: _swept(case, large, scheduler=cluster)
        _swept(case, count, scheduler=cluster)  # its workers import and build once
    times = alternate(ways, 1 if plan.quick else 3, time.perf_counter, warm=False)
    for label, timing in times.items():
        sheet.add(f"{label}, {large} points", timing)
    one, two = times["1 process"], times["2 processes"]
    sheet.ratios["sweep_parallel_efficiency"] = ratio(one, two).times(0.5)
    begun = start.median - few.median
    started = Timing(tuple(s + begun for s in two.seconds), None)
    sheet.ratios["sweep_parallel_efficiency_with_start"] = ratio(one, started).times(0.5)
    if cluster is not None:
        sheet.ratios["sweep_cluster_over_processes"] = ratio(times[_CLUSTER], two)
        cluster.close()
        cluster.cluster.close()


def _timed(way: Callable[[], Any]) -> Timing:
    return alternate({"": way}, 1, time.perf_counter, warm=False)[""]


def _cluster(sheet: Sheet) -> Any:
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        sheet.missing("sweep_cluster_over_processes", "dask.distributed is not installed")
        return None
    about: dict[str, Any] = {"dashboard_address": None}  # no page to look at
    found = LocalCluster(n_workers=2, threads_per_worker=1, **about)
    return Client(found, set_as_default=False)


def thousand(case: Case, plan: Plan) -> Sheet:
    """Sweep of a thousand (quick: a hundred) points in two processes, kept in a store.

    By the wall clock, without the start of the processes; then the same call again, which finds
    every point in the store.

    Parameters
    ----------
    case : Case
        Cell and resolution.
    plan : Plan
        How much is measured.

    Returns
    -------
    Sheet
    """
    sheet = Sheet()
    many = 100 if plan.quick else 1000
    few = many // 10
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "points.sqlite"

        def run(points: int, **kept: Any) -> Callable[[], Any]:
            return lambda: _swept(case, points, workers=2, **kept)

        ways = {
            f"{few} points": run(few),
            f"{many} points": run(many, store=store),
            f"{many} points, known": run(many, store=store),
        }
        run(few)()  # starts the processes
        times: dict[str, Timing] = {}
        for label, way in ways.items():
            times[label] = _timed(way)
            sheet.add(label, times[label])
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    failed = np.count_nonzero(times[f"{many} points"].result["failure"].values != "")
    sheet.rows[f"{many} points"] |= {
        "failed_points": int(failed),
        "memory_growth_MB": (after - before) / 1024,
    }
    sheet.ratios["many_points_over_linear"] = ratio(
        times[f"{many} points"], times[f"{few} points"]
    ).times(few / many)
    return sheet


def many_cells(case: Case, plan: Plan) -> Sheet:
    """Half cycle of 200 and of 1000 (quick: 50 and 200) drawn cells, with its band.

    By the wall clock, without the start of the processes: drawing, running and reading the
    band of the curve, in one process and in two.

    Parameters
    ----------
    case : Case
        Cell and resolution.
    plan : Plan
        How much is measured.

    Returns
    -------
    Sheet
    """
    sheet = Sheet()
    few, many = (50, 200) if plan.quick else (200, 1000)

    def run(draws: int, workers: int) -> Callable[[], Any]:
        options: dict[str, Any] = {"resolution": case.resolution, "workers": workers}
        return lambda: banded(case.cell, _half(case), draws=draws, **options)

    two = 2 if (os.cpu_count() or 1) > 1 else 1
    for workers in (1, two):
        run(few, workers)()  # starts the processes, builds and compiles
    ways = {
        f"{draws} draws, {label}": run(draws, workers)
        for draws in (few, many)
        for label, workers in (("1 process", 1), ("2 processes", 2))
        if workers <= two
    }
    times = alternate(ways, 1 if plan.quick else 3, time.perf_counter, warm=False)
    for label, timing in times.items():
        sheet.add(label, timing)
        sheet.rows[label]["failed_draws"] = timing.result.failed
    name = "many_cells_parallel_efficiency"
    if two == 1:
        sheet.missing(name, "there is one processor only")
        return sheet
    both = (times[f"{many} draws, {label}"] for label in ("1 process", "2 processes"))
    sheet.ratios[name] = ratio(*both).times(0.5)
    return sheet


# Cold start ------------------------------------------------------------------------------


def command_line(case: Case, plan: Plan) -> Sheet:
    """Cold `sscell simulate`, against importing PyBaMM and importing the package alone.

    Parameters
    ----------
    case : Case
        Cell and resolution.
    plan : Plan
        How much is measured.

    Returns
    -------
    Sheet
    """
    sheet = Sheet()
    name = case.cell.name
    ways = {
        "import pybamm": _process("-c", "import pybamm"),
        "sscell simulate": _process("-m", "sscell", "simulate", name, "--json"),
        "import sscell": _process("-c", "import sscell"),
        "python": _process("-c", "pass"),
    }
    times = alternate(ways, 3 if plan.quick else 7, _children)
    for label, timing in times.items():
        sheet.add(label, timing)
    sheet.ratios["cli_over_import_pybamm"] = ratio(
        times["sscell simulate"], times["import pybamm"]
    )
    own = times["import sscell"].median - times["python"].median
    sheet.notes["import of sscell alone [s]"] = own
    return sheet


def _process(*arguments: str) -> Callable[[], None]:
    environment = {**os.environ, "PYBAMM_DISABLE_TELEMETRY": "true"}
    command = [sys.executable, *arguments]
    return lambda: (
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
        and None
    )


def _children() -> float:
    """Processor time of all processes that have ended [s]."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


# Memory ----------------------------------------------------------------------------------

_MEASURED = """
import json, resource, sys, time
import sscell
from sscell.simulation.engine import Resolution
name, few, many = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
def run(cycles):
    begun = time.process_time()
    sscell.simulate(name, sscell.cycle(cycles=cycles), outputs=[])
    return time.process_time() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
run(1)
start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = [run(few), run(many)]
print(json.dumps([[t, (peak - start) / 1024] for t, peak in found]))
"""


def cycling(case: Case, plan: Plan) -> Sheet:
    """Many cycles in a process of its own: time and the growth of its memory.

    Parameters
    ----------
    case : Case
        Cell and resolution.
    plan : Plan
        How much is measured.

    Returns
    -------
    Sheet
    """
    sheet = Sheet()
    few, many = (2, 10) if plan.quick else (100, 1000)
    command = [sys.executable, "-c", _MEASURED, case.cell.name, str(few), str(many)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        sheet.missing("time_of_cycles_over_linear", reason)
        return sheet
    found = json.loads(done.stdout)
    for cycles, (seconds, growth) in zip((few, many), found, strict=True):
        sheet.add(f"{cycles} cycles", Timing((seconds,), None))
        sheet.rows[f"{cycles} cycles"]["memory_growth_MB"] = growth
    linear = found[1][0] / found[0][0] * few / many
    sheet.ratios["time_of_cycles_over_linear"] = Ratio(linear, linear, linear)
    return sheet
