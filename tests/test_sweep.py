"""Sweeps: every point has its numbers or its reason."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

import sscell
from sscell.engine import Resolution
from sscell.errors import ParameterError
from sscell.sweeps import pathways, sweep

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
