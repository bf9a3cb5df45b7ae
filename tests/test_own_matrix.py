"""Everything that a laboratory does with the cells that most of them press."""

from __future__ import annotations

import random
from itertools import product

import numpy as np
import pybamm
import pytest
from own_cells import PARTS, cell_of

import sscell
from sscell import protocols
from sscell.analysis.capacity import half_cycles
from sscell.cells.cell import Cell
from sscell.cells.writing import write_set
from sscell.dataset import metadata

FAST = sscell.Resolution(shells=15)
SAMPLE, SEED = 8, 7  # of the whole, in every run of the suite


def _sound(run, cell):
    """Finite, balanced, and no more charge than there is."""
    voltage = run["Voltage [V]"].values
    assert np.isfinite(voltage).all()
    worst = {k: abs(v) for k, v in metadata(run, "balances").items()}
    assert max(worst.values()) < 1e-8, worst
    budget = metadata(run, "budget")
    assert float(np.abs(sum(run[n] for n in budget) - run["Voltage [V]"]).max()) < 1e-6
    name = "Negative electrode guest balance residual"
    if name in run:
        assert float(np.abs(run[name]).max()) < 1e-8
    passed = max((h.capacity for h in half_cycles(run)), default=0.0)
    assert passed < 1.15 * cell.theoretical_capacity
    return passed


def _run(cell, protocol, **options):
    options = {"resolution": FAST} | options
    return sscell.simulate(cell, protocol, **options)


def _cycle(celsius, rate):
    def done(cell):
        passed = _sound(_run(cell, sscell.cycle(rate), temperature=celsius), cell)
        if rate == "C/20" and celsius >= 25:
            assert passed > 0.5 * cell.nominal_capacity

    return done


def _gitt(cell):
    _sound(_run(cell, sscell.gitt("C/5", pulse="1 h", rest="1 h")), cell)


def _cv(cell):
    assert _sound(_run(cell, protocols.cv("0.5 mV/s")), cell) > 0


def _eis(cell):
    run = _run(cell, protocols.impedance([1e5, 1e3, 10.0, 0.1], "both", 2, "C/5"))
    z = run["Z real [Ohm]"].values
    assert len(z) >= 3 and (z > 0).all()


def _thickness(cell):
    one = _run(cell, sscell.cycle("C/5"), resolution=sscell.Resolution(10, 5))
    _sound(one, cell)


def _pressure(cell):
    run = _run(cell, sscell.cycle("C/5"), pressure="20MPa")
    _sound(run, cell)
    assert metadata(run, "pressure_MPa") == 20


def _sweep(cell):
    grid = sscell.sweep(
        cell,
        {"temperature": [25, 60], "rate": ["C/5", "C/2"]},
        sscell.cycle(),
        resolution=FAST,
    )
    assert not any(grid["failure"].values.ravel())
    assert (grid["capacity_mAh_g"].values[..., -1] > 0).all()


def _fit(cell):
    name = "Contact resistance [Ohm]"
    truth = cell.replace({name: 20.0})
    data = _run(truth, sscell.cycle("C/5"))
    found = sscell.fit(cell, data, {name: (1.0, 100.0)}, resolution=FAST)
    assert found.cell.values[name] == pytest.approx(20.0, rel=0.02)


def _plain(cell):
    """PyBaMM's own classes, with nothing of this package but model and values."""
    from sscell.cells.model import SolidStateCell

    low, high = cell.window
    way = "Charge" if cell.first_step == "charge" else "Discharge"
    end = high if way == "Charge" else low
    model = SolidStateCell(cell, shells=15)
    experiment = pybamm.Experiment([f"{way} at C/5 until {end} V", "Rest for 1 hour"])
    values = pybamm.ParameterValues(cell.parameter_dict())
    simulation = pybamm.Simulation(model, experiment=experiment, parameter_values=values)
    solution = simulation.solve()
    half = sscell.charge("C/5") if way == "Charge" else sscell.discharge("C/5")
    other = _run(cell, half)
    charge = solution["Discharge capacity [A.h]"].entries
    mine = half_cycles(other)[0].capacity
    assert np.ptp(charge) == pytest.approx(mine, rel=2e-3)


def _check(cell, folder):
    again = Cell.load(write_set(cell.parameters, folder / "cell.toml"))
    assert again.values == cell.values and again.remarks() == cell.remarks()


JOBS = {
    **{
        f"{celsius} degC {rate}": _cycle(celsius, rate)
        for celsius, rate in product((-10, 25, 60), ("C/20", "C/2", "2C"))
    },
    "gitt": _gitt,
    "cv": _cv,
    "eis": _eis,
    "thickness": _thickness,
    "pressure": _pressure,
    "sweep": _sweep,
    "fit": _fit,
    "plain PyBaMM": _plain,
}
ALL = [(cell, job) for cell in PARTS for job in JOBS]
CHEAP = [(cell, job) for cell, job in ALL if job not in ("fit", "sweep")]
FEW = random.Random(SEED).sample(CHEAP, SAMPLE)


@pytest.mark.parametrize(("name", "job"), FEW)
def test_a_sample_of_what_laboratories_do(name, job):
    JOBS[job](cell_of(name))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "job"), [pair for pair in ALL if pair not in FEW])
def test_all_that_laboratories_do(name, job):
    JOBS[job](cell_of(name))


@pytest.mark.parametrize("name", PARTS)
def test_cells_from_parts_are_written_and_read_again(name, tmp_path):
    _check(cell_of(name), tmp_path)
