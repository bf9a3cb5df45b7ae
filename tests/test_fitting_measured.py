"""Fits to real measurements; they skip where the data are not at hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from measured import measured

import sscell
from sscell.fitting import fit, validate_fit

CELLS = Path(__file__).parents[1] / "examples" / "cells"


@pytest.mark.parametrize("name", ["rate_test", "naxcoo2"])
def test_cells_of_the_examples_are_complete(name):
    cell = sscell.load(CELLS / f"{name}.toml")
    assert cell.theoretical_capacity == pytest.approx(1e-3, rel=0.15)


@pytest.mark.slow
def test_a_rate_test_predicts_the_next_current():
    data = sscell.read(measured("rate_test_7_currents/newarenda_rate_7currents_VQ.csv"))
    cycle = data["Cycle"].values
    vary = {
        "Positive particle diffusivity [m2.s-1]": (1e-17, 1e-13),
        "Positive electrode exchange-current density [A.m-2]": (0.01, 100),
        "Positive electrode mass [kg]": (1.5e-6, 4e-6),
    }
    options = {"temperature": 25, "only": "discharge", "points": 150}
    found = fit(
        CELLS / "rate_test.toml", {"two": data.isel(time=cycle <= 4)}, vary, **options
    )
    (held,) = validate_fit(found, {"three": data.isel(time=cycle <= 7)}, **options)
    assert held.rms < 60
    assert found.misfit > 10  # of the noise: three numbers do not make this electrode
    assert any("misses the data" in remark for remark in found.remarks)
