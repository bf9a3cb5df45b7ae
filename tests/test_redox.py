"""Oxidation of the catholyte, the anode's inventory, entropy and volume."""

from __future__ import annotations

import numpy as np
import pytest

import sscell
from sscell.analysis import differential_capacity, half_cycles
from sscell.cells.cell_model import ATOL, RTOL
from sscell.dataset import metadata
from sscell.errors import ParameterError
from sscell.protocols import charge, cycle, discharge, rest, then
from sscell.simulation.engine import Resolution
from sscell.simulation.simulation import simulate
from sscell.units import FARADAY, GAS_CONSTANT

COARSE = Resolution(shells=15)
LEFT = "Mean reactive electrolyte fraction"
SIDE = "Electrolyte redox current [A]"
CAPACITY = "Electrolyte oxidation capacity [A.h.kg-1]"
FILLING = "Initial negative electrode filling"


def _redox_charge(cell):
    """Charge of all reactive catholyte [A.h]."""
    mass = cell.values["Positive electrode mass [kg]"]
    part = cell.values["Positive electrode electrolyte mass fraction"]
    return mass * part * cell.values[CAPACITY]


@pytest.fixture(scope="module")
def eager(ji):
    """Twelve cycles of a cell whose catholyte reacts fast."""
    fast = {"Electrolyte oxidation current density [A.m-2]": 0.1}
    exact = Resolution(shells=15, rtol=1e-6, atol=1e-8)
    run = simulate(
        ji, cycle("C/5", cycles=12), temperature=90, changes=fast, resolution=exact
    )
    return run


def test_oxidation_never_exceeds_its_capacity(ji, eager):
    """Integral of the current = Q (1 - q), 0 <= q <= 1, over many cycles."""
    left = eager[LEFT].values
    assert np.all(left >= -1e-6) and np.all(left <= 1 + 1e-9)
    assert left[-1] < 0.05
    passed = -np.trapezoid(eager[SIDE].values, eager["Time [s]"].values) / 3600
    assert passed == pytest.approx(_redox_charge(ji) * (1 - left[-1]), rel=0.01)


def test_oxidation_is_irreversible(eager):
    """The share left never grows beyond the solver's error, and no current reduces it."""
    left, side = eager[LEFT].values, eager[SIDE].values
    assert np.all(left - np.minimum.accumulate(left) <= RTOL)
    assert np.all(side[left > ATOL] < 0)


@pytest.mark.parametrize("points", [0, 4])
def test_sodium_balance_closes_beside_the_oxidation(ji, points):
    """Charge passed = sodium taken up + charge of the oxidation."""
    mesh = Resolution(shells=15, thickness_points=points)
    run = simulate(ji, cycle("C/20", cycles=2), temperature=90, resolution=mesh)
    assert float(run[LEFT].values[-1]) < 0.9
    assert max(metadata(run, "balances").values()) < 1e-6


@pytest.mark.parametrize("alpha", [0.4, 0.7])
def test_tafel_slope_is_ln10_rt_over_alpha_f(ji, alpha):
    """log10(|I|/q) over the local potential rises by one in (RT/alpha F) ln 10."""
    changes = {"Electrolyte oxidation transfer coefficient": alpha}
    run = simulate(ji, cycle("C/20"), temperature=60, changes=changes, resolution=COARSE)
    local = run["Positive electrode potential [V]"]
    for name in ("Cathode ion contribution [V]", "Cathode electron contribution [V]"):
        local = local - run[name]
    side, left = -run[SIDE].values, run[LEFT].values
    rows = side > 1e-4 * side.max()
    slope = np.polyfit(local.values[rows], np.log10(side[rows] / left[rows]), 1)[0]
    expected = alpha * FARADAY / (GAS_CONSTANT * 333.15 * np.log(10))
    assert slope == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("celsius", [60, 90])
def test_peak_of_the_electrolyte_is_not_one_of_sulfur(celsius):
    """C/100: dQ/dV has a small maximum above 2.5 V beside the three peaks of sulfur."""
    run = simulate("Ji2024", cycle("C/100"), temperature=celsius)
    charging = half_cycles(run)[-1]
    voltage, curve = differential_capacity(charging)
    high = (voltage > 2.45) & (voltage < 2.75)
    top = int(np.argmax(curve[high]))
    assert 2.5 < voltage[high][top] < 2.7
    assert 0 < top < high.sum() - 1
    peaks = sscell.summary(run)["steps"][-1]["dqdv_peaks"]
    assert len(peaks) == 3
    assert all(p["voltage_V"] < 2.5 for p in peaks)


def test_large_peak_of_the_electrolyte_is_listed_apart():
    """A hundred times the reactive electrolyte: a peak of its own, never one of sulfur."""
    run = simulate("Ji2024", cycle("C/100"), temperature=60, changes={CAPACITY: 400.0})
    last = sscell.summary(run)["steps"][-1]
    assert [p for p in last["electrolyte_peaks"] if p["voltage_V"] > 2.5]
    assert all(p["voltage_V"] < 2.5 for p in last["dqdv_peaks"])


def test_oxidation_adds_its_interphase(ji):
    """The drop at the same current grows with what is oxidised: j (R0 + R (1 - q))."""
    changes = {
        "Electrolyte oxidation interphase resistance [Ohm.m2]": 0.3,
        "Positive electrode interphase resistance [Ohm.m2]": 0.1,
    }
    run = simulate(ji, cycle("C/20"), temperature=90, changes=changes, resolution=COARSE)
    volume = (
        ji.active_mass / ji.values["Positive electrode active material density [kg.m-3]"]
    )
    area = 3 * volume / ji.values["Positive particle radius [m]"]
    j = (run["Current [A]"].values - run[SIDE].values) / area
    expected = -j * (0.1 + 0.3 * (1 - run[LEFT].values))
    got = run["Interphase contribution [V]"].values
    assert np.max(np.abs(got - expected)) < 2e-5
    assert np.max(np.abs(expected)) > 1e-3


@pytest.mark.parametrize("filling", [0.03, 0.1])
def test_anode_inventory_ends_the_plateau(ji, filling):
    """The anode gives no more than it holds; the discharge ends at the cut-off."""
    run = simulate(
        ji,
        discharge("C/20"),
        temperature=60,
        changes={FILLING: filling},
        resolution=COARSE,
    )
    full = filling * ji.anode_capacity
    assert full < 0.7 * ji.theoretical_capacity
    assert metadata(run, "stop_reasons") == ["lower voltage cut-off"]
    assert float(run["Discharge capacity [A.h]"].values[-1]) == pytest.approx(
        full, rel=3e-3
    )
    assert float(run["Negative electrode inventory"].values[-1]) > -1e-4


def test_anode_that_is_full_stays_on_its_plateau(ji):
    """U = U0 + RT/F ln(1 + 0.001/theta): under 0.1 mV while theta > 0.3."""
    run = simulate(ji, discharge("C/20"), temperature=60, resolution=COARSE)
    assert float(run["Negative electrode inventory"].values.min()) > 0.3
    # What lies between the positive electrode and the terminals is U and its losses.
    parts = ("Separator contribution [V]", "Anode contribution [V]")
    outside = run["Voltage [V]"] - run["Positive electrode potential [V]"]
    potential = -(outside - sum(run[name] for name in parts))
    assert potential.values == pytest.approx(0.1, abs=1e-4)


@pytest.mark.parametrize(("phase", "entropy"), [("NaS", -20.0), ("NaS", 35.0)])
def test_entropy_moves_a_plateau(one_step, make_cell, phase, entropy):
    """dU/dT = (S_product - S_reactant)/(z F): OCV of one reaction over 30 K."""
    tables = one_step("S", "Na", "S", phase, 1.0, 0.032, 2.0)
    name = f"{phase} formation entropy [J.mol-1.K-1]"
    tables["parameters"][name] = {
        "value": entropy,
        "kind": "assumed",
        "source": "test",
        "range": [entropy, entropy],
    }
    cell = make_cell(tables)
    voltages = []
    for celsius in (40, 70):
        run = simulate(cell, discharge("C/20"), temperature=celsius, resolution=COARSE)
        voltages.append(float(run["Open-circuit contribution [V]"].values[0]))
    assert np.diff(voltages)[0] == pytest.approx(30 * entropy / FARADAY, abs=1e-5)


def test_anode_entropy_moves_the_voltage_the_other_way(ji):
    """dU_anode/dT (T - T_ref) is subtracted from the cell's voltage."""
    slope = 2e-4
    name = "Negative electrode OCP entropic change [V.K-1]"
    ends = []
    for changes in ({}, {name: slope}):
        run = simulate(ji, rest("1 h"), temperature=80, changes=changes, resolution=COARSE)
        ends.append(float(run["Voltage [V]"].values[-1]))
    assert ends[1] - ends[0] == pytest.approx(-slope * 20, abs=1e-6)


def test_a_change_of_temperature_keeps_the_balances_with_entropy(ji):
    """Parameters that differ in a later step do not change what the cell was made with."""
    from sscell.protocols import at

    changes = {"Na2S formation entropy [J.mol-1.K-1]": 30.0}
    protocol = then(discharge("C/10"), at(90, rest("1 h")), charge("C/10"))
    run = simulate(ji, protocol, temperature=60, changes=changes, resolution=COARSE)
    assert max(metadata(run, "balances").values()) < 1e-6


def test_cathode_swells_by_the_molar_volumes_of_its_phases(ji):
    """dL = n sum_p (y_p - y_p0) V_p / A; all of S to Na2S by its volume ratio of 2.5."""
    run = simulate(ji, cycle("C/20"), temperature=60, resolution=COARSE)
    molar = ji.values["Positive electrode active material molar mass [kg.mol-1]"]
    amount = ji.active_mass / molar
    change = sum(
        (run[f"{p} fraction"].values - (p == "S"))
        * ji.values[f"{p} molar volume [m3.mol-1]"]
        for p in ji.host.phases
    )
    got = run["Positive electrode thickness change [m]"].values
    assert got == pytest.approx(amount * change / ji.area, abs=1e-15)
    assert got.max() > 1e-6


def test_anode_shrinks_by_what_it_gives(ji):
    """dL = -V_m Q/(F A)."""
    name = "Negative electrode molar volume [m3.mol-1]"
    run = simulate(
        ji,
        discharge("C/20"),
        temperature=60,
        changes={name: 2e-5},
        resolution=COARSE,
    )
    moles = run["Discharge capacity [A.h]"].values * 3600 / FARADAY
    got = run["Negative electrode thickness change [m]"].values
    assert got == pytest.approx(-2e-5 * moles / ji.area, rel=1e-9, abs=1e-18)


@pytest.mark.parametrize(
    "name",
    [
        "Positive electrode electrolyte mass fraction",
        "Electrolyte oxidation capacity [A.h.kg-1]",
    ],
)
def test_nothing_to_oxidise_is_one_sentence(ji, name):
    """The share that is left would be nothing over nothing."""
    with pytest.raises(
        ParameterError, match="must be above 0 where the electrolyte reacts"
    ):
        ji.replace({name: 0.0})


@pytest.mark.parametrize("name", ["Song2024", "Song2024-LTO"])
def test_cell_as_assembled_has_one_open_circuit_voltage_and_rests_there(name):
    cell = sscell.load(name)
    stated = cell.values["Initial positive electrode potential [V]"]
    stated -= cell.values["Negative electrode OCP [V]"]
    for charged in (False, True):
        coarse = sscell.Resolution(shells=12, double_layer=charged)
        run = sscell.simulate(cell, sscell.protocols.rest("100 h"), resolution=coarse)
        voltage = run["Voltage [V]"].values
        assert voltage[0] == pytest.approx(stated, abs=5e-3)  # the anode has its own
        assert np.abs(voltage - stated).max() < 0.02
        assert run["Mean reactive electrolyte fraction"].values[-1] > 0.999


def test_oxidation_stops_at_its_onset_and_is_tafel_above():
    """j/q = Tafel (1 - exp(-alpha F eta/RT)): nothing below, Tafel's law alone far above."""
    cell = sscell.load("Song2024")
    v = cell.values
    name, onset = "Electrolyte oxidation", v["Electrolyte oxidation onset potential [V]"]
    run = simulate(cell, charge("0.05C", until=3.3), temperature=30, resolution=COARSE)
    local = run["Positive electrode potential [V]"]
    for part in ("Cathode ion contribution [V]", "Cathode electron contribution [V]"):
        local = local - run[part]
    alpha = v[f"{name} transfer coefficient"] * FARADAY / (GAS_CONSTANT * 303.15)
    tafel = np.exp(alpha * (local.values - v[f"{name} potential [V]"]))
    got = -run[SIDE].values / run[LEFT].values / tafel
    got /= got[-1] / (1 - np.exp(-alpha * (local.values[-1] - onset)))
    high = local.values > onset + 0.1
    expected = 1 - np.exp(-alpha * (local.values - onset))
    assert high.any()
    assert got[high] == pytest.approx(expected[high], rel=1e-3)
    assert np.all(got[local.values < onset - 0.1] < 1e-4)
