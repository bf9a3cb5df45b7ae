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
def test_three_numbers_describe_a_rate_test_better_but_not_well_and_the_fit_says_so():
    data = sscell.read(measured("rate_test_7_currents/newarenda_rate_7currents_VQ.csv"))
    two = data.isel(time=data["Cycle"].values <= 4)
    vary = {
        "Positive particle diffusivity [m2.s-1]": (1e-17, 1e-13),
        "Positive electrode exchange-current density [A.m-2]": (0.01, 100),
        "Positive electrode mass [kg]": (1.5e-6, 4e-6),
    }
    options = {"temperature": 25, "only": "discharge", "points": 150}
    found = fit(CELLS / "rate_test.toml", {"two": two}, vary, **options)
    before = found.problem.residuals(found.problem.start())
    assert found.cost < 0.5 * float(before @ before)
    assert found.verdict.word == "is off by"
    (held,) = validate_fit(
        found, {"next": data.isel(time=data["Cycle"].values <= 7)}, **options
    )
    assert (
        held.rms > found.as_dict()["rms_all_mV"]["two"]
    )  # twice the current is no longer met
