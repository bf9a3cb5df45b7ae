"""Sweeps: every point has its numbers or its reason."""

from __future__ import annotations

import json
import os
import runpy
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import sscell
from sscell.errors import ParameterError
from sscell.simulation.engine import Resolution
from sscell.simulation.processes import process_pool, release
from sscell.sweeps.designs import latin_hypercube
from sscell.sweeps.grid import pathways, sweep
from sscell.sweeps.jobs import Job, Pace
from sscell.sweeps.store import Store

COARSE = Resolution(shells=25)
EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture(scope="module")
def grid():
    axes = {"temperature": [60, 90], "rate": ["C/100", "C/20"]}
    return sweep("Ji2024", axes, sscell.discharge(), resolution=COARSE)


def test_point_of_a_sweep_equals_the_single_run(grid):
    run = sscell.simulate(
        "Ji2024", sscell.discharge("C/20"), temperature=60, resolution=COARSE
    )
    alone = sscell.summary(run)["steps"][0]["capacity_mAh_g"]
    point = grid.sel(temperature=60, rate="C/20", half_cycle="discharge 1")
    assert float(point.capacity_mAh_g) == pytest.approx(alone, rel=1e-9)


def test_slower_and_hotter_passes_through_na2s2(grid):
    largest = pathways(grid, "Na2S2").largest.sel(half_cycle="discharge 1")
    slow, fast = (largest.sel(rate=rate).values for rate in ("C/100", "C/20"))
    assert (slow > fast).all()
    assert (np.diff(slow) > 0).all()


def test_failed_point_is_a_row_with_its_reason():
    found = sweep(
        "Ji2024", {"temperature": [90, 900]}, sscell.discharge("C/20"), resolution=COARSE
    )
    assert list(found.failure.values != "") == [False, True]
    assert np.isnan(found.capacity_mAh_g.sel(temperature=900)).all()
    assert "out of range" in str(found.failure.values[1])


def test_unknown_axis_is_refused_before_anything_runs():
    with pytest.raises(ParameterError, match="R3 rate constant"):
        sweep("Ji2024", {"R3 rate constnat [s-1]": [1.0]}, sscell.discharge())


@pytest.mark.slow
def test_results_do_not_depend_on_the_number_of_processes(grid):
    axes = {"temperature": [60, 90], "rate": ["C/100", "C/20"]}
    twice = sweep("Ji2024", axes, sscell.discharge(), resolution=COARSE, workers=2)
    assert np.array_equal(grid.capacity_mAh_g, twice.capacity_mAh_g)


def test_example_finds_the_pathway_of_the_paper():
    found = runpy.run_path(str(EXAMPLES / "pathway_map.py"))
    assert found["way"] == "past"


# Processes -------------------------------------------------------------------------------


def _who(workers=1):
    with process_pool(workers) as pool:
        return pool.submit(os.getpid).result()


@pytest.fixture
def no_idle_processes():
    release()
    yield
    release()


def test_processes_stay_for_the_next_sweep_with_the_same_settings(
    no_idle_processes, monkeypatch
):
    first = _who()
    assert _who() == first
    os.kill(first, signal.SIGKILL)
    second = _who()
    assert second != first
    with pytest.raises(ZeroDivisionError), process_pool(1):
        raise ZeroDivisionError
    third = _who()
    assert third != second
    monkeypatch.setenv("SSCELL_COMPILE", "other")
    assert _who() != third


@pytest.mark.slow
def test_other_cells_and_protocols_run_in_the_processes_that_stay(no_idle_processes):
    for cell, protocol in (
        ("Liang2023", sscell.charge("C/10")),
        ("Ji2024", sscell.discharge("C/10")),
    ):
        axes = {"temperature": [25, 40]}
        here, there = (
            sweep(cell, axes, protocol, resolution=COARSE, workers=n) for n in (1, 2)
        )
        assert np.array_equal(here.capacity_mAh_g, there.capacity_mAh_g)


# Designs ---------------------------------------------------------------------------------


def test_list_of_points_equals_the_same_points_of_a_grid(grid):
    points = [
        {"rate": "C/20", "temperature": 90},
        {"rate": "C/100", "temperature": "60 degC"},
    ]
    found = sweep("Ji2024", points, sscell.discharge(), resolution=COARSE)
    assert found.capacity_mAh_g.dims == ("point", "half_cycle")
    assert list(found.temperature.values) == [90, 60]
    for number, point in enumerate(points):
        same = grid.sel(temperature=found.temperature[number], rate=point["rate"])
        assert np.array_equal(found.capacity_mAh_g[number], same.capacity_mAh_g)


def test_parameter_axis_has_numbers_in_the_unit_of_its_name(tmp_path):
    axes = {"Separator thickness [m]": ["0.4 mm", 8e-4, -1]}
    found = sweep("Ji2024", axes, sscell.discharge("C/20"), resolution=COARSE)
    assert list(found["Separator thickness [m]"].values) == [4e-4, 8e-4, -1]
    assert list(found.failure.values != "") == [False, False, True]
    assert found.mean_voltage_V[0, 0] > found.mean_voltage_V[1, 0]
    found.to_netcdf(tmp_path / "grid.nc")


def test_every_part_of_every_axis_holds_one_point_of_a_hypercube():
    ranges = {
        "temperature": (30, 90),
        "rate": ("C/100", "C/1", "log"),
        "Separator thickness [m]": ("0.2 mm", "1 mm"),
    }
    points = latin_hypercube(ranges, 8, seed=3)
    shares = [
        [(p["temperature"] - 30) / 60 for p in points],
        [1 + np.log10(float(p["rate"].removesuffix("C"))) / 2 for p in points],
        [(p["Separator thickness [m]"] - 2e-4) / 8e-4 for p in points],
    ]
    for axis in shares:
        assert sorted(int(8 * share) for share in axis) == list(range(8))
    assert points == latin_hypercube(ranges, 8, seed=3)
    assert points != latin_hypercube(ranges, 8, seed=4)


@pytest.mark.parametrize(
    ("ranges", "said"),
    [
        ({}, "at least one range"),
        ({"temperature": (90, 25)}, "Range of 'temperature'"),
        ({"temperature": (25, 90, "sqrt")}, "low, high, log"),
        ({"temperature": (-25, 90, "log")}, "must be positive"),
        ({"rate": ("C/20", "25mA/g")}, "different kinds"),
    ],
)
def test_unusable_range_is_refused(ranges, said):
    with pytest.raises(ParameterError, match=said):
        latin_hypercube(ranges, 4)


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ([{"temperature": 60}, {"rate": "C/20"}], "Point 1 of the list"),
        ([{}], "Point 0 of the list"),
        ([{"temperature": "warm"}], "Temperature 'warm'"),
        ([{"pressure": 5e7}], "Pressure 5e\\+07 MPa is out of range"),
        ([{"preasure": 50}], "no parameter 'preasure'"),
    ],
)
def test_unusable_list_is_refused_before_anything_runs(points, said):
    with pytest.raises(ParameterError, match=said):
        sweep("Ji2024", points, sscell.discharge())


# Store -----------------------------------------------------------------------------------

SWEEP = ("sweep", "Ji2024", "-T", "40:90", "-C", "C/20:C/10", "--shells", "25")
HYPERCUBE = (*SWEEP, "--points", "20", "--mode", "discharge", "--json", "--store")


def _start(*arguments):
    code = "import sys; from sscell.cli import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def _lines(path):
    return path.read_bytes().splitlines(keepends=True) if path.exists() else []


def test_killed_sweep_goes_on_and_computes_nothing_twice(tmp_path):
    """Every computed point leaves a line: as many lines as points means none ran twice."""
    store = tmp_path / "store.jsonl"
    process = _start(*HYPERCUBE, store)
    while len(_lines(store)) < 4:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    process.kill()
    process.communicate()
    left = _lines(store)
    assert 4 <= len(left) < 21
    # As if the power had failed while the last line was written.
    store.write_bytes(b"".join(left)[:-20])
    again = _start(*HYPERCUBE, store)
    printed, complaints = again.communicate(timeout=120)
    assert again.returncode == 0, complaints
    rows = json.loads(printed)["rows"]
    assert len(rows) == 20
    assert all(row["capacity_mAh_g"] > 1000 for row in rows)
    lines = _lines(store)
    assert lines[: len(left) - 1] == left[:-1]
    keys = [json.loads(line)["key"] for line in lines[1 : len(left) - 1]]
    keys += [json.loads(line)["key"] for line in lines[len(left) :]]
    assert len(keys) == len(set(keys)) == 20


@pytest.fixture
def runs(monkeypatch):
    """Points that are simulated."""
    ran = []
    run = Job.run
    monkeypatch.setattr(Job, "run", lambda self, p: ran.append(dict(p)) or run(self, p))
    return ran


def test_larger_sweep_takes_what_a_smaller_one_left(tmp_path, runs, grid):
    def ask(rates, **options):
        axes = {"temperature": [60, 90, 900], "rate": rates}
        runs.clear()
        settings = {"resolution": COARSE, "store": tmp_path / "store"} | options
        return sweep("Ji2024", axes, sscell.discharge(), **settings)

    ask(["C/20"])
    assert len(runs) == 3
    more = ask(["C/100", "0.05C"])
    assert {p["rate"] for p in runs} == {"C/100"}
    assert np.array_equal(more.capacity_mAh_g[:2], grid.capacity_mAh_g)
    assert "out of range" in str(more.failure.values[2, 1])
    assert more.identical(ask(["C/100", "0.05C"]))
    assert not runs
    ask(["C/20"], resolution=Resolution(shells=26))
    assert len(runs) == 3
    ask(["C/20"], v_min=1.0)
    assert len(runs) == 3


def test_key_follows_the_values_of_the_cell_and_not_its_name(ji):
    def key(cell):
        return Job(cell, sscell.discharge(), {}).key({"temperature": 60.0})

    other = ji.replace({"Separator thickness [m]": 2e-4})
    assert key(other) != key(ji) == key(sscell.load("Ji2024"))
    back = other.replace({"Separator thickness [m]": ji.values["Separator thickness [m]"]})
    assert key(back) == key(ji)


def test_key_follows_the_limits_of_single_values_which_refuse_a_run(ji):
    def key(**validity):
        data = {**ji.data, "validity": validity}
        other = sscell.Cell(replace(ji.parameters, data=data))
        return Job(other, sscell.discharge(), {}).key({"temperature": 60.0})

    assert key(single_values_C=[0, 50]) != key(single_values_C=[0, 115]) != key()
    assert key(temperature_C=[0, 50]) == key(temperature_C=[0, 115]) == key()


def test_key_follows_the_sources(ji, monkeypatch):
    def key():
        return Job(ji, sscell.discharge(), {}).key({"temperature": 60.0})

    before = key()
    assert key() == before
    monkeypatch.setattr("sscell.sweeps.jobs.sources", lambda *_: "other code")
    assert key() != before


@pytest.mark.parametrize("text", ["temperature,rate\n25,C/20\n", '{"key": 1}', "\n"])
def test_another_file_is_refused_as_a_store_and_left_alone(tmp_path, text):
    path = tmp_path / "notes.txt"
    path.write_text(text)
    with pytest.raises(ParameterError, match="not a store"):
        Store(path)
    assert path.read_text() == text


def test_store_that_was_killed_at_its_first_line_begins_anew(tmp_path):
    path = tmp_path / "store"
    path.write_bytes(b'{"store": "ss')
    store = Store(path)
    store.add("k", {}, {"rows": []})
    assert Store(path).found(["k"]) == {"k": {"rows": []}}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_disk_ends_the_storing_and_not_the_sweep(tmp_path, grid, monkeypatch):
    class Full(Store):
        def __init__(self, path):
            super().__init__(path)
            self._file.close()
            self._file = open("/dev/full", "ab", buffering=0)  # noqa: SIM115

    monkeypatch.setattr("sscell.sweeps.grid.Store", Full)
    axes = {"temperature": [60, 90], "rate": ["C/100", "C/20"]}
    with pytest.warns(UserWarning, match="No space left on device") as warned:
        found = sweep(
            "Ji2024", axes, sscell.discharge(), resolution=COARSE, store=tmp_path / "s"
        )
    assert len([w for w in warned if "no more points" in str(w.message)]) == 1
    assert found.identical(grid)


# Progress --------------------------------------------------------------------------------


def test_time_left_leaves_out_the_first_points_which_build_the_model():
    """Two workers, 9 s to begin with, then 2 s a point: 16 points are left for 16 s."""
    pace = Pace(20, 2)
    assert [pace.left(n, now=9.0) for n in (1, 2)] == ["", ""]
    assert pace.left(3, now=11.0) == ", about 34 s left"
    assert pace.left(4, now=11.0) == ", about 16 s left"


def test_time_left_is_told_after_the_first_point():
    told = []
    axes = {"temperature": [60, 70, 80]}
    sweep(
        "Ji2024",
        axes,
        sscell.discharge("C/20"),
        resolution=COARSE,
        on_progress=lambda share, text: told.append((share, text)),
    )
    assert [share for share, _ in told] == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert told[1][1] == "point 1 of 3"
    assert told[2][1].startswith("point 2 of 3, about ")


# What contradicts itself -----------------------------------------------------------------


def test_points_that_all_failed_show_their_reasons():
    axes = {"Contact resistance [Ohm]": [-1, -2]}
    found = sweep("Ji2024", axes, sscell.discharge(), resolution=COARSE)
    assert found.sizes["half_cycle"] == 1
    reasons = found.drop_dims("phase").to_dataframe()["failure"].tolist()
    assert [("is -1" in reasons[0]), ("is -2" in reasons[1])] == [True, True]


def test_the_temperature_of_all_points_is_an_option(grid):
    found = sweep(
        "Ji2024", {"rate": ["C/20"]}, sscell.discharge(), temperature=90, resolution=COARSE
    )
    same = grid.sel(temperature=90, rate=["C/20"])
    assert np.array_equal(found.capacity_mAh_g.values, same.capacity_mAh_g.values)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"temperature": 60}, "'temperature' is an axis"),
        ({"temprature": 60}, "'temperature'"),
        ({"changes": {"Contact resistance [Ohm]": 1.0}}, "axis of the sweep and changed"),
    ],
)
def test_an_option_that_is_unknown_or_an_axis_is_refused(options, sentence):
    axes = {"temperature": [60], "Contact resistance [Ohm]": [0.0]}
    with pytest.raises(ParameterError, match="sweep") as caught:
        sweep("Ji2024", axes, sscell.discharge(), **options)
    assert sentence in str(caught.value)


def test_the_last_unit_of_a_range_stands_for_both_ends():
    points = latin_hypercube({"Separator thickness [m]": ("0.2", "0.5 mm")}, 4)
    assert all(2e-4 <= p["Separator thickness [m]"] <= 5e-4 for p in points)
