"""What a fit varies by itself, and where it begins."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import sscell
import sscell.dataset
from sscell.cells.cell import Cell
from sscell.errors import ParameterError
from sscell.fitting import fit
from sscell.fitting.choosing import chosen
from sscell.fitting.courses import course
from sscell.fitting.starts import prepared
from sscell.simulation.engine import Resolution

COARSE = Resolution(10, rtol=1e-5, atol=1e-7)
MASS, RESISTANCE = "Positive electrode mass [kg]", "Contact resistance [Ohm]"


@pytest.fixture(scope="module")
def cell():
    return sscell.load("Liang2023")


@pytest.fixture(scope="module")
def measured(cell):
    """A cell with a contact and a little less material, with noise of 1 mV."""
    true = cell.replace({RESISTANCE: 150.0, MASS: 0.97 * cell.values[MASS]})
    current = cell.current("50mA/g")
    run = sscell.simulate(true, sscell.cycle(f"{current:.8g} A"), resolution=COARSE)
    noise = 1e-3 * np.random.default_rng(3).normal(size=run.sizes["time"])
    return run.assign({"Voltage [V]": run["Voltage [V]"] + noise})


def test_auto_varies_few_of_different_kinds_and_finds_them(cell, measured):
    found = fit(cell, measured, "auto", resolution=COARSE, points=80)
    assert 2 <= len(found.values) <= 4
    assert MASS in found.values
    low, high = found.interval(MASS, 0.99)
    assert low < 0.97 * cell.values[MASS] < high
    assert found.verdict.word == "describes"
    assert any(r.startswith("Chosen to vary: ") for r in found.remarks)
    assert all(found.knowledge.pinned)


def test_bounds_that_are_chosen_are_those_of_the_set(cell, measured):
    bounds, _ = chosen(cell, measured, resolution=COARSE, points=40)
    for name, (low, high) in bounds.items():
        given = cell.parameters[name].range
        quantity = cell.quantity(name)
        assert quantity.lower <= low <= cell.values[name] <= high <= quantity.upper
        if given is not None and given[0] < cell.values[name] < given[1] and low > 0:
            assert high == given[1]


def test_what_varies_is_auto_or_bounds(cell, measured):
    with pytest.raises(ParameterError, match="'auto'"):
        fit(cell, measured, "automatic")


def test_a_set_without_a_formation_is_formed_by_a_cycle_at_its_slow_rate(cell):
    data = dict(cell.data)
    data["protocols"] = {k: v for k, v in data["protocols"].items() if k != "formation"}
    bare = Cell(dataclasses.replace(cell.parameters, data=data))
    run = sscell.simulate(
        bare, sscell.discharge("100mA/g"), state="formed", resolution=COARSE
    )
    assert run["Discharge capacity [A.h]"].values[-1] > 0
    assert any("names no formation" in text for text in sscell.summary(run)["warnings"])


def test_data_that_begin_in_the_middle_of_a_discharge(cell, measured):
    """The first half of the discharge was not recorded; the start is found by its voltage."""
    current = measured["Current [A]"].values
    voltage = measured["Voltage [V]"].values
    down = np.flatnonzero(current > 0)
    cut = measured.isel(time=slice(int(down[down.size // 2]), None))
    points = course(cut, cell.window, points=40, state="data", noise=1e-3)
    start = prepared(cell, points, COARSE)
    assert start is not None
    assert points.begins == pytest.approx(voltage[down[down.size // 2]], abs=5e-3)
    area = "Electrode area [m2]"
    value = cell.values[area]
    found = fit(
        cell,
        cut,
        {area: (value / 2, 2 * value)},
        states="data",
        resolution=COARSE,
        points=60,
    )
    (entry,) = found.datasets
    first = entry["half_cycles"][0]
    assert first["model_mAh"] == pytest.approx(first["measured_mAh"], rel=0.1)


def test_a_mean_over_a_switch_hides_no_cut_off(cell, measured):
    """The last sample of the discharge is an average with the charge after it."""
    current, voltage = measured["Current [A]"].values, measured["Voltage [V]"].values
    last = int(np.flatnonzero(current > 0)[-1])
    t = measured["Time [s]"].values
    table = {
        "Time [s]": np.insert(t, last + 1, t[last] + 0.4 * (t[last + 1] - t[last])),
        "Current [A]": np.insert(current, last + 1, 0.4 * current[last]),
        "Voltage [V]": np.insert(voltage, last + 1, voltage[last] + 0.2),
    }
    found = course(sscell.dataset.time_series(table), cell.window, points=40)
    assert [s.limit for s in found.segments] == [cell.window[0], cell.window[1]]


def test_cut_offs_that_were_given_are_those_of_the_message(cell):
    from sscell.fitting.checks import remarks_of

    t = np.linspace(0, 3600, 50)
    data = sscell.dataset.time_series(
        {"Time [s]": t, "Current [A]": np.full(50, 1e-4), "Voltage [V]": 3 - t / 36000}
    )
    points = course(data, (2.2, 3.7))
    assert any("2.2 or 3.7 V" in text for text in remarks_of(cell, points, (2.2, 3.7)))
