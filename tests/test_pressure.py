"""The load cell's reading: parts by voltage, swings, and what a validation asks of it."""

from __future__ import annotations

import numpy as np
import pytest

from sscell.analysis import pressure_changes
from sscell.analysis.pressure import PRESSURE
from sscell.dataset import time_series
from sscell.errors import DataError
from sscell.papers.measures import measure
from sscell.papers.observables import ObservableTable


def cycled():
    """A charge from 3 to 4.6 V that costs 0.2, 0.1 and 0.05 MPa, and a discharge."""
    volts = np.concatenate([np.linspace(3.0, 4.6, 161), np.linspace(4.6, 3.0, 161)])
    up = np.interp(volts[:161], [3.0, 3.9, 4.4, 4.6], [50.0, 49.8, 49.7, 49.65])
    back = np.interp(np.arange(161), [0, 160], [49.65, 49.75])
    columns = {
        "Time [s]": np.arange(322.0),
        "Current [A]": np.repeat([-1.0, 1.0], 161),
        "Voltage [V]": volts,
        PRESSURE: np.concatenate([up, back]),
        "Cycle": np.ones(322, dtype=int),
        "Step": np.repeat([1, 2], 161),
    }
    attributes = {"capacity_basis_mass_g": 1.0, "working_metal_offset_V": 0.62}
    return time_series(columns, attributes)


def test_parts_by_voltage_add_up_to_the_change():
    first, second = pressure_changes(cycled(), [3.9, 4.4])
    assert first["parts_MPa"] == pytest.approx([-0.2, -0.1, -0.05], abs=1e-9)
    for row in (first, second):
        assert sum(row["parts_MPa"]) == pytest.approx(row["change_MPa"], abs=1e-12)
    assert second["change_MPa"] == pytest.approx(0.1)
    assert [r["swing_MPa"] for r in (first, second)] == pytest.approx([0.35, 0.1])
    assert first["start_MPa"] == 50


def test_measure_reads_the_part_between_two_voltages_against_the_metal():
    where = {"of": "pressure change", "direction": "charge"}
    assert measure(cycled(), where) == pytest.approx(-0.35)
    part = where | {"between": [3.9 + 0.62, 4.4 + 0.62], "against": "working metal"}
    assert measure(cycled(), part) == pytest.approx(-0.1)
    swing = {"of": "pressure swing", "direction": "discharge"}
    assert measure(cycled(), swing) == pytest.approx(0.1)


def test_data_without_a_load_cell_are_refused():
    with pytest.raises(DataError, match="Stack pressure"):
        pressure_changes(cycled().drop_vars(PRESSURE))


def test_a_run_of_a_table_has_its_pressure():
    row = {
        "id": "a",
        "run": "low",
        "measure": {"of": "capacity", "direction": "discharge"},
        "published": 1.0,
        "unit": "mA.h.g-1",
        "tolerance": 1.0,
        "word": "predicted",
        "source": "test",
    }
    runs = {
        "low": {"temperature": 60, "pressure": 20, "steps": [{"do": "cycle"}]},
        "own": {"temperature": 60, "formation_temperature": 30, "steps": [{"do": "cycle"}]},
    }
    table = ObservableTable.from_table({"runs": runs, "observables": [row]}, "test")
    assert table.runs["low"].pressure == 20
    assert table.runs["low"].conditions.startswith("60 degC, 20 MPa, ")
    assert table.runs["own"].pressure is None
    assert table.runs["own"].formation_temperature == 30
