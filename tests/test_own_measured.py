"""A measured material: its card from three cycles predicts the next ones."""

from __future__ import annotations

import numpy as np
import pytest
from measured import measured

import sscell
from sscell.analysis.capacity import half_cycles
from sscell.analysis.open_circuit import open_circuit
from sscell.cells.cards import Measured, write_card
from sscell.cells.cell import Cell
from sscell.cells.parameters import ParameterSet
from sscell.cells.parts import Parts, tables_of

pytestmark = pytest.mark.slow
# What a C/24 cycle of a coin cell with liquid does not show: no further polarisation.
FAST = {
    "Positive electrode exchange-current density [A.m-2]": 10.0,
    "Positive particle diffusivity [m2.s-1]": 1e-12,
    "Negative electrode exchange-current density [A.m-2]": 1e4,
    "Separator conductivity [S.m-1]": 10.0,
}


def test_naxcoo2_cycles_four_and_five_follow_from_the_first_three(tmp_path):
    path = measured("naxcoo2_c24", "navani_jdb11_halfcell.csv")
    data = sscell.read(path, current_sign="charge")
    halves = half_cycles(data)
    # A partial discharge, and three cycles: charge and discharge.
    found = open_circuit(data.isel(time=slice(0, int(halves[6].rows[-1]) + 1)))
    kilograms = found.capacity / 110
    assert found.has_branches and found.loss.growth > 0
    loss = {
        "current_density": found.loss.current / kilograms,
        "potential": found.loss.potential,
        "width": found.loss.width,
        "growth": found.loss.growth,
    }
    card = tmp_path / "nax.toml"
    window = tuple(round(v, 3) for v in found.window)
    write_card(
        Measured("nax", "sodium", 110.0, window, "C/24", found.columns(), loss=loss), card
    )
    parts = Parts(
        "nax",
        f"{card}:70",
        "Na3PS4:27",
        ("Na3PS4:20um",),
        "Na",
        carbon="3",
        active_mass=f"{kilograms * 1e6}mg",
        diameter="16mm",
        sigma_ion="100mS/cm",
    )
    cell = Cell(ParameterSet.from_table(tables_of(parts))).replace(FAST)
    current = float(np.median(np.abs(halves[4].current))) * 1e6
    # The first simulated cycle stands for the third.
    run = sscell.simulate(cell, sscell.cycle(f"{current:.4f}uA", cycles=3))
    model = half_cycles(run)[2:]
    for truth, made in zip(halves[7:11], model, strict=True):
        assert truth.direction == made.direction
        q, rows = np.unique(truth.charge, return_index=True)
        v = truth.voltage[rows]
        apart = np.interp(q, made.charge, made.voltage) - v
        slope = np.abs(np.gradient(v, q)) * truth.capacity
        flat = (slope < 3 * np.ptp(v)) & (q < made.capacity)
        assert np.sqrt(np.mean(apart[flat] ** 2)) < 0.015
        assert made.capacity == pytest.approx(truth.capacity, rel=0.01)
