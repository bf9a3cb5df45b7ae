"""Populations of runs: a seeded sample in every suite, all of them where time does not count."""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np
import pytest

import sscell
from sscell.protocols import potential_step
from sscell.simulation.engine import Resolution
from sscell.simulation.run import Run
from sscell.simulation.states import bring_to

CELLS = ("Chang2024", "Ji2024", "Liang2023", "Liang2023-VBr3", "Pan2023", "Song2024")
STATES = ("pristine", "formed", "50%")
SHARES = (0.05, 0.25, 0.45, 0.6, 0.8, 0.95)  # of the window
RESTS = ("1 min", "1 h", "10 h")
GRID = tuple(itertools.product(CELLS, STATES, SHARES, RESTS))


@cache
def _prepared(name, state, shells):
    """The cell in a state: formed once for all steps from there."""
    run = Run(sscell.load(name), Resolution(shells=shells, double_layer=True))
    bring_to(run, state)
    return run


def _step(name, state, share, rest, shells=50):
    """Charge of a potential step per capacity, by the model and by its current [-]."""
    before = _prepared(name, state, shells)
    run = Run(before.cell, before.resolution)
    run.solution = before.solution
    run.forget()
    low, high = run.cell.window
    voltage = low + share * (high - low)
    run.execute(
        potential_step(voltage, duration="2 h", rest=rest).steps(run.cell.first_step)
    )
    assert run.records[-1].stop_reason
    hold = run.records[-1]
    charge = hold.outputs["Discharge capacity [A.h]"]
    integral = np.trapezoid(hold.outputs["Current [A]"], hold.time) / 3600
    assert np.isfinite(charge).all()
    assert np.abs(hold.outputs["Voltage [V]"] - voltage).max() < 1e-4
    for name in ("Host balance residual", "Guest balance residual"):
        assert np.abs(hold.outputs[name]).max() < 1e-6
    full = run.cell.theoretical_capacity
    return (charge[-1] - charge[0]) / full, integral / full


def _sample(population, count, seed):
    rows = np.random.default_rng(seed).choice(len(population), count, replace=False)
    return [population[row] for row in rows]


# Forming the cells takes longer than the steps: the sample has those that need none.
@pytest.mark.parametrize(
    "case", _sample([c for c in GRID if c[1] == "pristine"], 12, 1), ids=str
)
def test_potential_step_does_not_fail(case):
    passed, integral = _step(*case, shells=12)
    assert passed == pytest.approx(integral, rel=0.02, abs=1e-5)


@pytest.mark.slow
def test_no_potential_step_of_the_grid_fails():
    assert len(GRID) == 324
    failed = {}
    for case in GRID:
        try:
            passed, integral = _step(*case)
            assert passed == pytest.approx(integral, rel=0.02, abs=1e-5)
        except Exception as error:
            failed[case] = str(error)
    assert not failed
