"""The cell with a lithium-rich layered oxide against its paper: one parameter set."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import sscell
from sscell.analysis import half_cycles
from sscell.dataset import metadata
from sscell.papers.measures import measure
from sscell.papers.observables import load_observables
from sscell.papers.validation import run_all
from sscell.protocols import impedance
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
        ("fast_30", 1, 183, 0.03),
        ("liquid_slow", 3, 248, 0.05),
        ("liquid_fast", 3, 240, 0.05),
    ],
)
def test_capacity_is_that_of_the_paper(run, cycle, published, share):
    assert capacity(run, cycle) == pytest.approx(published, rel=share)


def test_micrometre_particles_hold_a_part_by_their_size_alone():
    assert 110 < capacity("M_60", 1) < 150


def whole_cycle(name):
    """First whole cycle with 97 % of the highest capacity."""
    return -(-measure(done(name), ACTIVATED) // 1)


def test_activation_takes_the_cycles_of_the_paper():
    assert 8 <= whole_cycle("form_30") <= 10
    assert 4 <= whole_cycle("form_60") <= 5
    assert whole_cycle("form_60_on") <= 5


def test_less_pressure_activates_later():
    first = [whole_cycle(f"form_60_{which}") for which in ("on", "35MPa", "20MPa")]
    assert first == sorted(first)
    assert len(set(first)) > 1
    exact = [
        measure(done(f"form_60_{which}"), ACTIVATED) for which in ("on", "35MPa", "20MPa")
    ]
    assert exact[0] + 0.2 < exact[1] < exact[2] - 0.2


def test_contact_everywhere_activates_in_the_first_cycle():
    assert measure(done("liquid_first"), ACTIVATED) == 1


def test_contact_and_energies_are_those_of_solids():
    """Contact within 0.2 and 1 in every cycle; barriers between 20 and 100 kJ/mol."""
    for name in ("form_30", "form_60", "fast_30"):
        contact = done(name)["Contact fraction"].values
        assert 0.2 < contact.min() < contact.max() <= 1
    energies = {
        n: v for n, v in sscell.load("Song2024").values.items() if "activation energy" in n
    }
    assert all(2e4 <= v <= 1e5 for v in energies.values() if v), energies


# The route to these capacities ---------------------------------------------------------


def step(name, direction, cycle=1):
    """Half cycle of a run."""
    halves = [h for h in half_cycles(done(name)) if h.direction == direction]
    return next(h for h in halves if h.cycle == cycle)


def test_charge_at_half_a_c_passes_at_constant_current():
    half = step("fast_30", "charge")
    current = np.abs(done("fast_30")["Current [A]"].values[half.rows])
    time = done("fast_30")["Time [s]"].values[half.rows]
    passed = np.concatenate([[0], np.cumsum(np.diff(time) * (current[1:] + current[:-1]))])
    constant = passed[current > 0.999 * current.max()].max() / passed[-1]
    assert constant > 0.9


def test_discharge_begins_without_a_large_drop():
    """Voltage lost within 10 s after the charge, both ends of the double step counted."""
    data, half = done("fast_30"), step("fast_30", "discharge")
    time, voltage = data["Time [s]"].values, data["Voltage [V]"].values
    began = time[half.rows][0]
    after = np.interp(began + 10, time[half.rows], voltage[half.rows])
    assert voltage[step("fast_30", "charge").rows][-1] - after < 0.3


def test_profiles_at_30_and_60_degc_are_alike():
    means = [
        measure(
            done(f"fast_{c}"), {"of": "mean voltage", "direction": "discharge", "cycle": 1}
        )
        for c in (30, 60)
    ]
    assert 0 < means[1] - means[0] < 0.25


def arc(**options):
    """Real part between 1000 and 10 Hz at 3.38 V against Li-In [Ohm.cm2]."""
    cell = sscell.load("Song2024")
    data = sscell.simulate(
        cell,
        impedance([1e3, 10.0]),
        state="3.38V",
        resolution=COARSE,
        **options,
    )
    return np.ptp(data["Z real [Ohm]"].values) * cell.area * 1e4


def test_interface_is_some_hundred_ohm_and_falls_with_pressure():
    high, low = (arc(temperature=30, pressure=p) for p in (50, 20))
    assert 100 < high < 400
    assert low > 1.1 * high


@pytest.mark.parametrize(
    ("between", "published"),
    [((0.0, 3.9), -0.20), ((3.9, 4.4), -0.17), ((4.4, 6.0), -0.16), (None, -0.53)],
)
def test_pressure_of_the_first_charge_falls_by_the_parts_of_the_paper(between, published):
    where = {"of": "pressure change", "direction": "charge", "cycle": 1}
    if between:
        where |= {"between": between, "against": "working metal"}
    assert measure(done("pressiometry"), where) == pytest.approx(published, abs=0.02)


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
    for celsius, cycles, bare in ((30, 10, "form_30"), (60, 12, "form_60_on")):
        coated = sscell.simulate(
            "Song2024-LNO",
            sscell.cycle("0.05C", cycles=cycles),
            temperature=celsius,
            resolution=COARSE,
        )
        assert measure(coated, ACTIVATED) < measure(done(bare), ACTIVATED) - 0.1


# Ageing ---------------------------------------------------------------------------------


def test_half_a_c_is_level_at_30_degc_without_a_gain_in_voltage():
    halves = [h for h in half_cycles(done("flat_30")) if h.direction == "discharge"]
    held = np.array([h.capacity for h in halves])
    assert np.abs(held / held[0] - 1).max() < 0.03
    for cycle in (10, 50, 100):
        where = {"of": "mean voltage change", "direction": "discharge", "to": 1}
        assert measure(done("flat_30"), {**where, "cycle": cycle}) < 0.010


def test_thiol_coating_fades_less_than_the_bare_cell():
    """What both gain by activation is the same; less oxygen reaches the electrolyte."""
    left = []
    for name in ("Song2024", "Song2024-thio"):
        data = sscell.simulate(
            name,
            sscell.cycle("0.5C", cycles=40, hold_until="0.25C"),
            temperature=60,
            state="formed",
            resolution=Resolution(shells=15),
        )
        halves = [h.capacity for h in half_cycles(data) if h.direction == "discharge"]
        left.append(halves[-1] / max(halves))
    assert left[1] >= left[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("run", "cycle", "published", "within"),
    [
        ("long_30", 1300, 0.971, 0.01),
        pytest.param(
            *("thio_60", 500, 0.864, 0.03),
            marks=pytest.mark.xfail(reason="predicted, and missed: 0.908", strict=True),
        ),
    ],
)
def test_retention_over_all_cycles_is_that_of_the_paper(run, cycle, published, within):
    where = {"of": "capacity ratio", "direction": "discharge", "cycle": cycle, "to": 1}
    assert measure(done(run), where) == pytest.approx(published, abs=within)
    assert float(done(run)["Interphase grown [Ohm.m2]"][-1]) > 0.01
