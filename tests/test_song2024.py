"""The cell with a lithium-rich layered oxide against its paper: one parameter set."""

from __future__ import annotations

from functools import cache

import pytest

import sscell
from sscell.dataset import metadata
from sscell.engine import Resolution
from sscell.measures import measure
from sscell.observables import load_observables
from sscell.validation import run_all

COARSE = Resolution(shells=25)
ACTIVATED = {"of": "cycle that reaches", "direction": "discharge", "share": 0.97}


@cache
def done(name):
    """A run of the table of observables."""
    run = load_observables("Song2024").runs[name]
    data = run_all(sscell.load("Song2024"), [run], resolution=COARSE)[name]
    assert max(metadata(data, "balances").values()) < 1e-6
    return data


def capacity(name, cycle):
    where = {"of": "capacity", "direction": "discharge", "cycle": cycle}
    return measure(done(name), where)


@pytest.mark.parametrize(
    ("run", "cycle", "published", "share"),
    [
        ("form_30", 10, 251, 0.03),
        ("form_60", 5, 287, 0.03),
        ("fast_30", 1, 183, 0.05),
        ("liquid_slow", 3, 248, 0.05),
        ("liquid_fast", 3, 240, 0.05),
    ],
)
def test_capacity_is_that_of_the_paper(run, cycle, published, share):
    assert capacity(run, cycle) == pytest.approx(published, rel=share)


def test_micrometre_particles_hold_a_part_by_their_size_alone():
    assert 30 < capacity("M_60", 1) < 150


def test_activation_takes_the_cycles_of_the_paper():
    """First whole cycle with 97 % of the highest capacity."""
    cycles = {
        name: -(-measure(done(name), ACTIVATED) // 1) for name in ("form_30", "form_60")
    }
    assert 8 <= cycles["form_30"] <= 12
    assert 4 <= cycles["form_60"] <= 6


def test_less_pressure_activates_later():
    first = [
        -(-measure(done(name), ACTIVATED) // 1)
        for name in ("form_60", "form_60_35MPa", "form_60_20MPa")
    ]
    assert first[0] < first[1] < first[2]


def test_contact_everywhere_activates_in_the_first_cycle():
    assert measure(done("liquid_first"), ACTIVATED) == 1
