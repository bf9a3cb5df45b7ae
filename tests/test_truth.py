"""A sample of the truth test of intervals; all of it is in ``benchmarks/fit_truth.py``."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

PATH = Path(__file__).parents[1] / "benchmarks" / "fit_truth.py"


@pytest.fixture(scope="module")
def trials():
    spec = importlib.util.spec_from_file_location("fit_truth", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _holding(trials, name, seeds):
    rows = [trials.trial(name, seed) for seed in seeds]
    held = [h for row in rows for h in row["holds"].values()]
    return sum(held) / len(held), sum(r["capacity"] for r in rows) / len(rows)


def test_intervals_hold_where_noise_drift_mass_and_open_circuit_curve_are_off(trials):
    """Two cells of an insertion cathode: of eight intervals of 90 % one may miss."""
    shares = _holding(trials, "Liang2023", (0, 1))
    assert shares[0] >= 7 / 8
    assert shares[1] >= 0.5


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Liang2023", "Ji2024"])
def test_intervals_of_forty_cells_hold(trials, name):
    shares = _holding(trials, name, range(40))
    assert min(shares) >= 0.8
