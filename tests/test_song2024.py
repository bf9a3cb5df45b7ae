"""The cell with a lithium-rich layered oxide against its paper: one parameter set."""

from __future__ import annotations

from functools import cache

import pytest

import sscell
from sscell.dataset import metadata
from sscell.papers.measures import measure
from sscell.papers.observables import load_observables
from sscell.papers.validation import run_all
from sscell.simulation.engine import Resolution
from sscell.units import FARADAY

COARSE = Resolution(shells=25)
MOLAR = "Positive electrode active material molar mass [kg.mol-1]"
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


@pytest.mark.parametrize(
    ("between", "published"),
    [((0.0, 3.9), -0.20), ((3.9, 4.4), -0.17), ((4.4, 6.0), -0.16), (None, -0.53)],
)
def test_pressure_of_the_first_charge_falls_by_the_parts_of_the_paper(between, published):
    where = {"of": "pressure change", "direction": "charge", "cycle": 1}
    if between:
        where |= {"between": between, "against": "working metal"}
    assert measure(done("pressiometry"), where) == pytest.approx(published, abs=0.04)


@pytest.mark.parametrize("cycle", [2, 3, 4, 5])
def test_later_swings_of_the_pressure_are_those_of_the_paper(cycle):
    where = {"of": "pressure swing", "direction": "discharge", "cycle": cycle}
    assert 0.105 < measure(done("pressiometry"), where) < 0.125


def test_volume_balance_closes():
    """Pressure = stiffness x (lattice + oxidised electrolyte + lost oxygen), by the charge."""
    data = done("pressiometry")
    v = sscell.load("Song2024-LTO").values
    moles = v["Positive electrode mass [kg]"] * 0.6 / v[MOLAR]
    oxidised = 1 - data["Mean reactive electrolyte fraction"].values
    reactive = v["Electrolyte oxidation capacity [A.h.kg-1]"] * 3600 / FARADAY
    reactive *= v["Positive electrode mass [kg]"] * 0.35
    # Each O2 takes four electrons with it; the slow spinel-like state takes none.
    slow = v["Spinel oxygen loss [mol.mol-1]"] * data["Spinel-like fraction"].values
    freed = sum(data[f"Oxygen {w} [mol.mol-1]"].values for w in ("escaped", "reacted"))
    volume = oxidised * reactive * v["Electrolyte oxidation volume change [m3.mol-1]"]
    volume = volume + 4 * (freed - slow) * moles * v["Oxygen loss volume change [m3.mol-1]"]
    lost = volume / v["Electrode area [m2]"] * 1e6
    assert data["Irreversible thickness change [um]"].values == pytest.approx(
        lost, abs=1e-4
    )


def test_lno_coating_is_activated_in_fewer_cycles_at_both_temperatures():
    for celsius, cycles, bare in ((30, 13, "form_30"), (60, 8, "form_60")):
        coated = sscell.simulate(
            "Song2024-LNO",
            sscell.cycle("0.05C", cycles=cycles),
            temperature=celsius,
            resolution=COARSE,
        )
        first, other = (-(-measure(d, ACTIVATED) // 1) for d in (coated, done(bare)))
        assert first < other


@pytest.mark.slow
@pytest.mark.parametrize(
    ("run", "cycle", "published", "within"),
    [("long_30", 1300, 0.971, 0.015), ("thio_60", 500, 0.864, 0.03)],
)
def test_retention_over_all_cycles_is_that_of_the_paper(run, cycle, published, within):
    where = {"of": "capacity ratio", "direction": "discharge", "cycle": cycle, "to": 1}
    assert measure(done(run), where) == pytest.approx(published, abs=within)
    assert float(done(run)["Interphase grown [Ohm.m2]"][-1]) > 0.01
    contact = done(run)["Contact fraction"].values
    assert contact[-1] > 1.01 * contact[0]
