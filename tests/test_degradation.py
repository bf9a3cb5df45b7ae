"""Degradation against closed forms; without rates it is the plain cell."""

from __future__ import annotations

import copy
import tomllib

import numpy as np
import pytest

import sscell
from sscell.cells.cell import Cell
from sscell.cells.library import find
from sscell.cells.parameters import ParameterSet
from sscell.dataset import metadata
from sscell.errors import ParameterError
from sscell.protocols import charge, cycle, discharge, impedance, rest, then
from sscell.simulation.engine import Resolution
from sscell.units import FARADAY, GAS_CONSTANT

HOST, CONTACT = "Active host remaining", "Contacted surface fraction"
PARTED = "Contact left by cycling"  # the state: all of the contact where there is no other
GROWN = "Interphase grown [Ohm.m2]"
STATES = (HOST, CONTACT, GROWN)
LEAST, POOL = "Minimum active host fraction", "Trappable host fraction"
COUNTERS = ("Interphase age [day]", "Full cycles")
PER_CYCLE, PER_TIME = "Active host fade per cycle", "Active host loss rate [s-1]"
GROWTH = "Positive electrode interphase growth"
ROOT = f"{GROWTH} rate constant [Ohm2.m4.s-1]"
FILM = "Positive electrode interphase resistance [Ohm.m2]"
ALL = {
    PER_CYCLE: 0.05,
    PER_TIME: 2e-7,
    "Active host loss rate activation energy [J.mol-1]": 5e4,
    f"{GROWTH} per cycle [Ohm.m2]": 0.05,
    ROOT: 1e-8,
    f"{GROWTH} activation energy [J.mol-1]": 4e4,
    "Contact fade per cycle": 0.1,
    "Minimum contacted surface fraction": 0.3,
}
PHASES = ("S", "Na2S5", "Na2S4", "Na2S2", "Na2S")
HOSTS = {"conversion": "Ji2024", "insertion": "Liang2023"}


def assumed(value):
    return {"value": value, "kind": "assumed", "source": "test", "range": [value, value]}


def wearing(name, **numbers):
    """A published cell with degradation switched on."""
    tables = copy.deepcopy(tomllib.loads(find(name)[0].read_text(encoding="utf-8")))
    tables.pop("variants", None)
    tables["physics"]["degradation"] = True
    tables["parameters"] |= {n: assumed(v) for n, v in numbers.items()}
    return Cell(ParameterSet.from_table(tables))


def coarse(points=0, rtol=1e-5):
    return Resolution(15, thickness_points=points, rtol=rtol, atol=rtol / 100)


def full_cycles(run, cell):
    """N = integral of |I| over 2 Q."""
    passed = np.abs(np.diff(run["Discharge capacity [A.h]"].values))
    return np.concatenate([[0], np.cumsum(passed)]) / (2 * cell.theoretical_capacity)


def hotter(cell, kelvin):
    return (1 / cell.values["Reference temperature [K]"] - 1 / kelvin) / GAS_CONSTANT


def residuals(probe, y):
    """Right-hand side and algebraic equations by the name of their state."""
    parts = (probe.model.concatenated_rhs, probe.model.concatenated_algebraic)
    rows = np.concatenate([np.ravel(p.evaluate(0, y, inputs=probe.values)) for p in parts])
    return {name: rows[where] for name, where in probe.slices.items()}


@pytest.mark.parametrize("name", HOSTS.values(), ids=HOSTS)
def test_equations_without_rates_are_those_of_the_plain_cell(make_probe, name):
    """Every equation of the plain model, to the last bit, and nothing wears but time."""
    plain, worn = make_probe(sscell.load(name), 8), make_probe(wearing(name), 8)
    start = plain.model.concatenated_initial_conditions.evaluate(0, inputs=plain.values)
    y = start * np.random.default_rng(0).uniform(0.97, 1.03, start.shape)
    states = {n: y[where, 0] for n, where in plain.slices.items()}
    old = residuals(plain, y)
    new = residuals(worn, worn.state(states | {HOST: 1, PARTED: 1}))
    assert any(np.any(rows) for rows in old.values())
    for state, rows in new.items():
        if state in old:
            assert np.array_equal(rows, old[state]), state
        else:
            assert state in COUNTERS or not np.any(rows), state


@pytest.mark.parametrize("name", HOSTS.values(), ids=HOSTS)
def test_run_without_rates_is_that_of_the_plain_cell(name):
    fine = coarse(rtol=1e-8)
    runs = [
        sscell.simulate(cell, discharge("C/5"), temperature=60, resolution=fine)
        for cell in (name, wearing(name))
    ]
    end = [float(run["Discharge capacity [A.h]"][-1]) for run in runs]
    assert end[1] == pytest.approx(end[0], rel=1e-5)
    at = np.linspace(0, 0.95, 40) * end[0]
    old, new = (
        np.interp(at, r["Discharge capacity [A.h]"], r["Voltage [V]"]) for r in runs
    )
    assert new == pytest.approx(old, abs=5e-5)
    assert not set(STATES) & set(runs[0])
    for state, value in zip(STATES, (1, 1, 0), strict=True):
        assert np.all(runs[1][state].values == value)


@pytest.mark.parametrize("points", [0, 4])
@pytest.mark.parametrize("name", HOSTS.values(), ids=HOSTS)
def test_balances_close_while_everything_wears(name, points):
    """Guest and host, with what the lost host keeps; the budget sums to the voltage."""
    cell = wearing(name, **ALL)
    run = sscell.simulate(
        cell, cycle("C/5", cycles=4), temperature=60, resolution=coarse(points)
    )
    assert float(run[HOST][-1]) < 0.9
    for residual in ("Guest balance residual", "Host balance residual"):
        assert np.abs(run[residual].values).max() < 1e-6
    total = sum(run[n].values for n in metadata(run, "budget"))
    assert total == pytest.approx(run["Voltage [V]"].values, abs=1e-6)


@pytest.mark.parametrize("name", HOSTS.values(), ids=HOSTS)
def test_states_follow_cycles_and_time(name):
    """lambda = e^(-k N - k' a t), theta = m + (1 - m) e^(-k N), R = k N + sqrt(K a t)."""
    cell, kelvin = wearing(name, **ALL), 333.15
    run = sscell.simulate(
        cell, then(discharge("C/5"), rest("20 h")), temperature=60, resolution=coarse()
    )
    v, n, t = cell.values, full_cycles(run, cell), run["Time [s]"].values
    hot = hotter(cell, kelvin)
    calendar = v[PER_TIME] * np.exp(5e4 * hot) * t
    assert run[HOST].values == pytest.approx(np.exp(-0.05 * n - calendar), abs=2e-5)
    assert run[CONTACT].values == pytest.approx(0.3 + 0.7 * np.exp(-0.1 * n), abs=2e-5)
    film = 0.05 * n + np.sqrt(1e-8 * np.exp(4e4 * hot) * t)
    # The start of the square root is smooth over 1e-4 s: sqrt(K 1e-4 s) at most.
    assert run[GROWN].values == pytest.approx(film, abs=2e-5)
    assert run[GROWN].values[-1] > 0.02


def test_halving_contact_doubles_the_film_loss(make_probe):
    """eta_film = j R/theta and eta = (2RT/F) asinh(j/2 i0 theta)."""
    cell = wearing("Liang2023", **{FILM: 0.4})
    probe = make_probe(cell, 5)
    kinetics = "Positive electrode reaction overpotential [V]"
    film, reaction = (
        [
            float(probe.evaluate(name, {HOST: 1, PARTED: theta})[0])
            for theta in (1, 0.5, 0.25)
        ]
        for name in ("Positive electrode interphase overpotential [V]", kinetics)
    )
    assert np.divide(film[1:], film[:-1]) == pytest.approx([2, 2], rel=1e-12)
    drive = np.sinh(np.divide(reaction, 2 * GAS_CONSTANT * 298.15 / FARADAY))
    assert drive[1:] / drive[:-1] == pytest.approx([2, 2], rel=1e-9)


@pytest.mark.parametrize("name", HOSTS.values(), ids=HOSTS)
def test_half_the_host_takes_up_twice_as_fast(make_probe, name):
    probe = make_probe(wearing(name), 5)
    given = {"Positive particle reduction current density [A.m-2]": 1.0, PARTED: 1}
    given = {state: value for state, value in given.items() if state in probe.slices}
    whole, half = (
        probe.evaluate("Positive particle uptake [s-1]", given | {HOST: share})
        for share in (1, 0.5)
    )
    assert half == pytest.approx(2 * whole, rel=1e-12)
    assert np.all(whole > 0)


@pytest.mark.parametrize("name", HOSTS.values(), ids=HOSTS)
def test_host_lost_at_rest_keeps_what_it_holds(name):
    """The guest in all host stays, and the potential relaxes as in a lasting cell.

    The loss is slow: what is lost before the rest begins moves the front on.
    """
    protocol = then(discharge("C/10", duration="2 h"), rest("100 h"))
    drift = {}
    for rate in (0.0, 2e-8):
        cell = wearing(name, **{PER_TIME: rate})
        run = sscell.simulate(cell, protocol, resolution=coarse())
        resting = run.isel(time=run["Step"].values == 2)
        left = float(resting[HOST][-1] / resting[HOST][0])
        assert left == pytest.approx(np.exp(-rate * 100 * 3600), rel=1e-4)
        if cell.host.phases:
            rows = (cell.host.content(p) * resting[f"{p} fraction"] for p in PHASES)
            # What is in transit changes places while the potentials level out by up to a volt.
            transit = 1.0 * cell.values["Mobile guest capacity [V-1]"]
            assert np.ptp(sum(rows).values) < transit
        else:
            filling = resting["Average positive particle stoichiometry"].values
            assert np.ptp(filling) < 1e-12
        hours = resting["Time [s]"].values / 3600
        drift[rate] = np.ptp(np.interp([52, 102], hours, resting["Voltage [V]"].values))
    assert drift[2e-8] == pytest.approx(drift[0.0], abs=1e-4)


def test_guest_in_lost_host_does_not_come_back():
    """Lost while full: the charge returns lambda of what a lasting host returns."""
    protocol = then(discharge("0.1C"), rest("100 h"), charge("0.1C"))
    returned = {}
    for rate in (0.0, 5e-7):
        cell = wearing("Liang2023", **{PER_TIME: rate})
        run = sscell.simulate(cell, protocol, resolution=coarse())
        back = run.isel(time=run["Step"].values == 3)["Discharge capacity [A.h]"].values
        returned[rate] = (back[0] - back[-1], float(run[HOST].values[-1]))
        started = float(run.isel(time=run["Step"].values == 3)[HOST].values[0])
    left = returned[5e-7][0] / returned[0.0][0]
    assert returned[5e-7][1] < left < started


def discharged(run):
    """Capacity of every discharge and the host that was left at its start."""
    steps = [s for s in sscell.summary(run)["steps"] if s["direction"] == "discharge"]
    cycles = run["Cycle"].values
    left = [run[HOST].values[cycles == s["cycle"]][0] for s in steps]
    return np.array([s["capacity_mAh_g"] for s in steps]), np.array(left)


@pytest.mark.parametrize("name", HOSTS.values(), ids=HOSTS)
def test_capacity_fades_with_the_host_that_is_left(name):
    """Slow enough for the rate not to matter: of a lasting cell's capacity, lambda."""
    protocol = cycle("C/20", cycles=4)
    (faded, left), (lasting, all_of_it) = (
        discharged(
            sscell.simulate(
                wearing(name, **{PER_CYCLE: loss}),
                protocol,
                temperature=60,
                resolution=coarse(),
            )
        )
        for loss in (0.03, 0.0)
    )
    assert np.all(all_of_it == 1)
    ratio = faded / lasting
    assert ratio / ratio[0] == pytest.approx(left / left[0], rel=5e-3)
    assert ratio[-1] < 0.93


def test_growing_interphase_and_parting_contact_cost_voltage_not_host():
    changes = {f"{GROWTH} per cycle [Ohm.m2]": 0.3, "Contact fade per cycle": 0.1}
    run = sscell.simulate(
        wearing("Liang2023", **changes), cycle("1C", cycles=4), resolution=coarse()
    )
    steps = [s for s in sscell.summary(run)["steps"] if s["direction"] == "discharge"]
    voltages = [s["mean_voltage_V"] for s in steps]
    assert np.all(np.diff(voltages) < 0)
    assert np.all(run[HOST].values == 1)


def test_degradation_is_part_of_the_structure():
    assert wearing("Ji2024").structure != sscell.load("Ji2024").structure
    with pytest.raises(ParameterError, match="has no parameter 'Contact fade per cycle'"):
        sscell.load("Ji2024").replace({"Contact fade per cycle": 0.1})
    with pytest.raises(ParameterError, match="is 2; allowed: 0 to 1"):
        wearing("Ji2024", **{PER_CYCLE: 2.0})


def test_host_wears_to_what_no_cycling_wears():
    """lambda = m + (1 - m) e^(-k N)."""
    cell = wearing("Liang2023", **{PER_CYCLE: 0.5, LEAST: 0.6})
    run = sscell.simulate(cell, cycle("1C", cycles=4), resolution=coarse())
    n = full_cycles(run, cell)
    assert run[HOST].values == pytest.approx(0.6 + 0.4 * np.exp(-0.5 * n), abs=2e-5)
    assert run["Full cycles"].values == pytest.approx(n, abs=1e-5)
    assert n[-1] > 2


@pytest.mark.parametrize("order", [1.0, 1.8, 3.0])
def test_contact_parts_by_its_order(order):
    """theta = [1 + (n - 1) k N]^(-1/(n - 1)), e^(-k N) for n = 1; no share lasts."""
    changes = {"Contact fade per cycle": 0.6, "Contact fade order": order}
    run = sscell.simulate(
        wearing("Liang2023", **changes), cycle("1C", cycles=3), resolution=coarse()
    )
    n = 0.6 * full_cycles(run, wearing("Liang2023"))
    left = np.exp(-n) if order == 1 else (1 + (order - 1) * n) ** (-1 / (order - 1))
    assert run[CONTACT].values == pytest.approx(left, abs=2e-5)
    assert run[CONTACT].values[-1] < 0.7
    assert np.abs(run["Guest balance residual"].values).max() < 1e-9


def test_slow_trapping_decays_with_the_full_charges():
    """p = p0 e^(-kappa Nc), and the host falls by what the pool has lost."""
    cell = wearing("Liang2023", **{POOL: 0.3, "Host trapping coefficient": 1.3})
    run = sscell.simulate(cell, cycle("1C", cycles=3), resolution=coarse())
    passed = np.diff(run["Discharge capacity [A.h]"].values, prepend=0.0)
    charged = np.cumsum(np.maximum(-passed, 0)) / cell.theoretical_capacity
    pool = 0.3 * np.exp(-1.3 * charged)
    assert run[HOST].values == pytest.approx(0.7 + pool, abs=2e-4)
    assert run[HOST].values[-1] < 0.8


@pytest.mark.parametrize("name", HOSTS.values(), ids=HOSTS)
def test_trapping_takes_its_pool_in_the_first_charge_alone(name):
    """No charge is missing on the first discharge; later cycles lose nothing more."""
    cell = wearing(name, **{POOL: 0.3, "Host trapping coefficient": 50.0})
    run = sscell.simulate(
        cell, cycle("C/20", cycles=3), temperature=60, resolution=coarse(rtol=1e-6)
    )
    steps = run["Step"].values
    left = [float(run[HOST].values[steps == s][-1]) for s in (1, 2, 3, 6)]
    assert left[0] == 1
    assert left[1:] == pytest.approx([0.7, 0.7, 0.7], abs=1e-4)
    first, second, third = (s["capacity_mAh_g"] for s in halves(run, "discharge"))
    assert second / first < 0.75
    assert third == pytest.approx(second, rel=0.02)
    assert np.abs(run["Guest balance residual"].values).max() < 1e-6


def halves(run, direction):
    return [s for s in sscell.summary(run)["steps"] if s["direction"] == direction]


GROWING = {
    "Series resistance of lost contact [Ohm.m2]": 4e-3,
    "Boundary resistance of lost contact [Ohm.m2]": 2e-3,
    "Contact fade per cycle": 0.2,
    "Minimum contacted surface fraction": 0.1,
}


def test_resistances_grow_with_the_contact_that_cycling_parts():
    """R = k (1 - c) in series and k (1 - c)/c at boundaries; c decays to what lasts."""
    cell = wearing("Liang2023", **GROWING)
    run = sscell.simulate(cell, cycle("1C", cycles=4), resolution=coarse())
    left = 0.1 + 0.9 * np.exp(-0.2 * full_cycles(run, cell))
    series = run["Series resistance grown [Ohm.m2]"].values
    boundary = run["Boundary resistance grown [Ohm.m2]"].values
    assert series == pytest.approx(4e-3 * (1 - left), abs=1e-7)
    assert boundary == pytest.approx(2e-3 * (1 - left) / left, abs=1e-7)
    i = run["Current [A]"].values / cell.area
    assert run["Contact contribution [V]"].values == pytest.approx(-i * series, abs=1e-12)


def test_spectrum_shows_one_growth_in_series_and_the_other_as_an_arc():
    """The same states that cost voltage: their difference before and after cycling."""
    cell = wearing("Liang2023", **GROWING)
    look = impedance([1e8, 1e6, 1e5, 1e4, 1e3], rest="1 min")
    run = sscell.simulate(
        cell, then(look, cycle("1C", cycles=4), look), resolution=coarse()
    )
    z = run["Z real [Ohm]"].values
    series = float(run["Series resistance grown [Ohm.m2]"][-1]) / cell.area
    boundary = float(run["Boundary resistance grown [Ohm.m2]"][-1]) / cell.area
    assert z[1, 0] - z[0, 0] == pytest.approx(series, rel=1e-3)
    # Between 1e3 and 1e8 Hz the arc of the boundaries closes; others grow a little with it.
    assert np.ptp(z[1]) - np.ptp(z[0]) == pytest.approx(boundary, rel=0.1)
