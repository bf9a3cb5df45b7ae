"""Charge passed and coulombic efficiency: which source wins, and which halves are a pair."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from sscell.analysis.capacity import half_cycles
from sscell.analysis.charge import charge_integral, charge_passed
from sscell.analysis.pairs import coulombic_efficiencies
from sscell.dataset import time_series

HOUR = 3600.0


@dataclass
class Half:
    direction: str
    capacity: float
    cycle: int = 1


def halves(text, cycles=None):
    """Half cycles such as 'd1.0 c0.9'."""
    names = {"d": "discharge", "c": "charge"}
    parts = text.split()
    return [
        Half(names[p[0]], float(p[1:]), n)
        for p, n in zip(parts, cycles or [1] * len(parts), strict=True)
    ]


def measured(**more):
    """An hour of discharge and an hour of charge at 1 A, sampled every ten minutes."""
    time = np.concatenate([np.linspace(0, HOUR, 7), np.linspace(HOUR + 1, 2 * HOUR, 7)])
    current = np.repeat([1.0, -1.0], 7)
    voltage = np.concatenate([np.linspace(3, 2, 7), np.linspace(2, 3, 7)])
    return time_series(
        {"Time [s]": time, "Current [A]": current, "Voltage [V]": voltage, **more}
    )


def test_without_counters_the_current_is_integrated():
    passed = charge_passed(measured())
    assert passed[6] == pytest.approx(1.0)
    # The second between the two steps is the first interval of the charge.
    assert passed[-1] == pytest.approx(0.0, abs=1e-12)


def test_counters_of_the_file_win_and_may_be_set_back_at_each_step():
    rising, still = np.linspace(0, 1.1, 7), np.zeros(7)
    data = measured(
        **{
            "Discharge capacity [A.h]": np.concatenate([rising, still]),
            "Charge capacity [A.h]": np.concatenate([still, 0.5 * rising]),
        }
    )
    found = half_cycles(data)
    assert [h.capacity for h in found] == pytest.approx([1.1, 0.55])
    assert coulombic_efficiencies(found)[1] == pytest.approx(0.5)


def test_a_counter_that_goes_on_after_a_reset_loses_nothing():
    data = measured(
        **{
            "Discharge capacity [A.h]": [0, 0.2, 0.4, 0.6, 0.1, 0.3, 0.5, *[0.5] * 7],
            "Charge capacity [A.h]": np.zeros(14),
        }
    )
    assert charge_passed(data)[6] == pytest.approx(1.1)


def test_a_column_of_one_direction_only_is_not_taken_for_the_net_charge():
    data = measured(**{"Discharge capacity [A.h]": np.linspace(0, 9, 14)})
    assert charge_passed(data)[6] == pytest.approx(1.0)


def test_the_current_before_the_first_sample_counts_from_where_it_began():
    t, i = np.array([10.0, 20.0]), np.array([1.0, 1.0])
    assert charge_integral(t, i, begin=0.0)[-1] == pytest.approx(20 / 3600)
    assert charge_integral(t, i, begin=0.0, lead=0.5)[-1] == pytest.approx(15 / 3600)
    assert charge_integral(t, i)[-1] == pytest.approx(10 / 3600)


@pytest.mark.parametrize(
    ("text", "cycles", "first", "expected"),
    [
        ("d1.0 c0.9 d0.8 c0.4", [1, 1, 2, 2], None, {1: 0.9, 2: 0.5}),
        ("c1.0 d0.9", [1, 1], None, {1: 0.9}),
        # A first charge that only prepared the cell.
        ("c0.3 d1.0 c0.9", [1, 1, 1], "discharge", {1: 0.9}),
        # Cycles that the file does not count.
        ("d1.0 c0.9 d0.8 c0.4", None, None, {1: 0.9, 2: 0.5}),
        # A file that counts half cycles.
        ("c1.0 d0.9 c0.8 d0.4", [1, 2, 3, 4], None, {1: 0.9, 2: 0.5}),
        # It begins in the middle of a cycle: pairs are still those of the file.
        ("d0.2 c1.0 d0.9 c0.8 d0.4", [1, 2, 2, 3, 3], None, {1: None, 2: 0.9, 3: 0.5}),
        ("d1.0", [1], None, {1: None}),
        ("", None, None, {}),
    ],
)
def test_pairs(text, cycles, first, expected):
    found = coulombic_efficiencies(halves(text, cycles), first)
    assert found == pytest.approx(expected)
