"""Stack pressure and contact against closed forms; without rates it is the plain cell."""

from __future__ import annotations

import copy
import tomllib

import numpy as np
import pytest

import sscell
from sscell.cell import Cell
from sscell.dataset import metadata
from sscell.engine import Resolution
from sscell.errors import ParameterError
from sscell.parameters import ParameterSet, find
from sscell.protocols import cycle, discharge, impedance, rest
from sscell.units import FARADAY, GAS_CONSTANT

APPLIED, JIG, MODULUS = (
    "Applied stack pressure [Pa]",
    "Jig stiffness [Pa.m-1]",
    "Stack modulus [Pa]",
)
THETA, START, HIGHEST = (
    "Contact fraction",
    "Initial contact fraction",
    "Maximum contact fraction",
)
RATE, EXPONENT = "Re-contact rate [s-1]", "Re-contact pressure exponent"
LOSS, LOWEST = "Contact loss by strain", "Minimum contact fraction"
PRESSURE = "Stack pressure [MPa]"
SUNK = "Irreversible thickness change [um]"
SHRINK = "Electrolyte oxidation volume change [m3.mol-1]"
CONDUCTION = "Contact conduction exponent"
HOSTS = {"conversion": "Ji2024", "insertion": "Liang2023"}
STATES = (THETA, SUNK)


def assumed(value):
    return {"value": value, "kind": "assumed", "source": "test", "range": [value, value]}


def pressed(name, megapascal=50.0, **numbers):
    """A published cell with contact switched on."""
    path, variant = find(name)
    tables = copy.deepcopy(tomllib.loads(path.read_text(encoding="utf-8")))
    variants = tables.pop("variants", {})
    if variant:
        tables["physics"] |= variants[variant].get("physics", {})
        tables["parameters"] |= variants[variant].get("parameters", {})
    tables["physics"]["contact"] = True
    numbers = {APPLIED: megapascal * 1e6} | numbers
    tables["parameters"] |= {n: assumed(v) for n, v in numbers.items()}
    return Cell(ParameterSet.from_table(tables))


def coarse(points=0, rtol=1e-5, shells=15):
    return Resolution(shells, thickness_points=points, rtol=rtol, atol=rtol / 100)


def residuals(probe, y):
    """Right-hand side and algebraic equations by the name of their state."""
    parts = (probe.model.concatenated_rhs, probe.model.concatenated_algebraic)
    rows = np.concatenate([np.ravel(p.evaluate(0, y, inputs=probe.values)) for p in parts])
    return {name: rows[where] for name, where in probe.slices.items()}


@pytest.mark.parametrize("name", HOSTS.values(), ids=HOSTS)
def test_equations_without_sensitivity_are_those_of_the_plain_cell(make_probe, name):
    """Every equation of the plain model to the last bit, at any pressure."""
    plain, new = make_probe(sscell.load(name), 8), make_probe(pressed(name, 20), 8)
    start = plain.model.concatenated_initial_conditions.evaluate(0, inputs=plain.values)
    y = start * np.random.default_rng(0).uniform(0.97, 1.03, start.shape)
    states = {n: y[where, 0] for n, where in plain.slices.items()}
    old = residuals(plain, y)
    rows = residuals(new, new.state(states | {THETA: 1}))
    assert set(rows) - set(old) == set(STATES)
    for state in old:
        assert np.array_equal(rows[state], old[state]), state
    assert not any(np.any(rows[state]) for state in STATES)


@pytest.mark.parametrize("name", HOSTS.values(), ids=HOSTS)
def test_a_set_without_data_gives_its_plain_result_and_says_so(name):
    runs = [
        sscell.simulate(name, discharge("C/5"), resolution=coarse(), pressure=p)
        for p in (None, "20 MPa", 35)
    ]
    for run, megapascal in zip(runs[1:], (20, 35), strict=True):
        assert np.array_equal(run["Voltage [V]"], runs[0]["Voltage [V]"])
        said = [w for w in metadata(run, "warnings") if "pressure" in w]
        sentence = (
            f"{name} has no data on pressure: {megapascal} MPa, it changes nothing here."
        )
        assert said == [sentence]
    assert not [w for w in metadata(runs[0], "warnings") if "pressure" in w]


def test_run_without_sensitivity_is_that_of_the_plain_cell():
    fine = coarse(rtol=1e-8)
    old, new = (
        sscell.simulate(cell, discharge("C/5"), temperature=60, resolution=fine)
        for cell in ("Liang2023", pressed("Liang2023", 5))
    )
    q = "Discharge capacity [A.h]"
    assert float(new[q][-1]) == pytest.approx(float(old[q][-1]), rel=1e-6)
    at = np.linspace(0, 0.95, 40) * float(old[q][-1])
    volts = [np.interp(at, run[q], run["Voltage [V]"]) for run in (old, new)]
    assert volts[1] == pytest.approx(volts[0], abs=2e-5)
    assert np.all(new[THETA] == 1)
    assert np.all(new[PRESSURE] == 5)


@pytest.mark.parametrize(("megapascal", "celsius"), [(50, 25), (20, 25), (20, 60)])
def test_contact_closes_exponentially_under_fixed_pressure(megapascal, celsius):
    """theta = theta_max - (theta_max - theta_0) e^(-k a(E) (p/p_r)^m t)."""
    changes = {RATE: 2e-5, EXPONENT: 0.5, START: 0.4, HIGHEST: 0.9}
    changes["Re-contact rate activation energy [J.mol-1]"] = 3e4
    cell = pressed("Liang2023", megapascal, **changes)
    fine = coarse(rtol=1e-7)
    run = sscell.simulate(cell, rest("30 h"), temperature=celsius, resolution=fine)
    kelvin, reference = celsius + 273.15, cell.values["Reference temperature [K]"]
    hot = np.exp(3e4 / GAS_CONSTANT * (1 / reference - 1 / kelvin))
    rate = 2e-5 * hot * np.sqrt(megapascal / 50)
    expected = 0.9 - 0.5 * np.exp(-rate * run["Time [s]"].values)
    assert run[THETA].values == pytest.approx(expected, abs=2e-6)
    assert run[THETA].values[-1] > 0.6


def test_halving_contact_doubles_charge_transfer_and_film(make_probe):
    """eta_film = j R/theta, eta = (2RT/F) asinh(j/2 i0 theta), sigma_ion ~ theta."""
    film = "Positive electrode interphase resistance [Ohm.m2]"
    probe = make_probe(pressed("Liang2023", **{film: 0.4}), 5)
    names = (
        "Positive electrode interphase overpotential [V]",
        "Positive electrode reaction overpotential [V]",
        "Cathode ion contribution [V]",
    )
    losses, reaction, ions = (
        np.array([float(probe.evaluate(n, {THETA: x})[0]) for x in (1, 0.5, 0.25)])
        for n in names
    )
    assert losses[1:] / losses[:-1] == pytest.approx([2, 2], rel=1e-12)
    drive = np.sinh(reaction / (2 * GAS_CONSTANT * 298.15 / FARADAY))
    assert drive[1:] / drive[:-1] == pytest.approx([2, 2], rel=1e-9)
    assert ions[1:] / ions[:-1] == pytest.approx([2, 2], rel=1e-12)


def test_halving_contact_doubles_the_contact_resistance_of_the_spectrum():
    """R = R0/theta beside grain boundaries, electrolyte and anode, which stay."""
    found = {}
    for theta in (1.0, 0.5, 0.25):
        cell = pressed("Liang2023", **{START: theta})
        run = sscell.simulate(
            cell, impedance([1e9, 1e-2], rest=0), resolution=coarse(), state="3 V"
        )
        found[theta] = np.ptp(run["Z real [Ohm]"].values[0])
    whole = found[0.5] - found[1.0]  # R0/0.5 - R0/1 = R0
    assert (found[0.25] - found[0.5]) / whole == pytest.approx(2, rel=5e-3)
    assert whole > 0.1 * found[1.0]


# Pressure ----------------------------------------------------------------------------


SWELLING = "Guest molar volume [m3.mol-1]"


def swelling_run(**numbers):
    cell = pressed("Liang2023", **{SWELLING: 5e-6} | numbers)
    return cell, sscell.simulate(cell, discharge("C/5"), resolution=coarse())


def height(cell):
    layers = [cell.values[f"{n} thickness [m]"] for n in cell.layers]
    return cell.cathode_thickness + sum(layers)


def test_jig_of_no_stiffness_keeps_the_pressure():
    _, run = swelling_run()
    assert float(run["Free stack thickness change [m]"][-1]) > 1e-8
    assert np.all(run[PRESSURE] == 50)


def test_jig_of_endless_stiffness_keeps_the_gap():
    """p = p0 + E h/L: the whole strain goes into the stack."""
    cell, run = swelling_run(**{JIG: 1e20, MODULUS: 1e9})
    strain = run["Free stack thickness change [m]"].values / height(cell)
    assert run[PRESSURE].values == pytest.approx(50 + 1e3 * strain, rel=1e-9)
    assert np.ptp(run[PRESSURE].values) > 0.1


def test_jig_and_stack_yield_in_series():
    """1/K = 1/K_jig + L/E."""
    cell, run = swelling_run(**{JIG: 1e12, MODULUS: 1e9})
    stiffness = 1 / (1e-12 + height(cell) / 1e9)
    free = run["Free stack thickness change [m]"].values
    assert run[PRESSURE].values == pytest.approx(50 + stiffness * free * 1e-6, rel=1e-9)


def test_load_cell_reads_the_volumes_of_both_electrodes():
    """p - p0 = K sum(v_k n_k)/A: guest into the cathode, metal out of the anode."""
    anode = "Negative electrode molar volume [m3.mol-1]"
    cell, run = swelling_run(**{JIG: 1e12, MODULUS: 1e12, anode: 13e-6})
    moles = run["Discharge capacity [A.h]"].values * 3600 / FARADAY / cell.area
    free = run["Free stack thickness change [m]"].values
    assert free == pytest.approx(moles * (5e-6 - 13e-6), rel=1e-6, abs=1e-13)
    assert run[PRESSURE].values[-1] < 50


def test_a_stack_that_shrinks_away_from_the_jig_reads_zero():
    anode = "Negative electrode molar volume [m3.mol-1]"
    _, run = swelling_run(**{JIG: 1e15, MODULUS: 1e12, anode: 13e-6, EXPONENT: 0.5})
    assert float(run[PRESSURE].min()) == 0


def oxidising(**numbers):
    """The sulfide catholyte of Liang2023, oxidised fast and shrinking."""
    fast = {SHRINK: -8e-6, "Electrolyte oxidation current density [A.m-2]": 1e-3}
    return pressed("Liang2023-Li6PS5Cl", **fast | numbers)


@pytest.mark.parametrize("points", [0, 4])
def test_volume_balance_closes(points):
    """Free thickness = (v_guest n + v_anode n + v_ox n_ox)/A at every time."""
    anode = "Negative electrode molar volume [m3.mol-1]"
    cell = oxidising(**{SWELLING: 5e-6, anode: 13e-6, LOSS: 10.0, RATE: 1e-5})
    run = sscell.simulate(cell, cycle("C/5", cycles=2), resolution=coarse(points))
    v, gone = cell.values, 1 - run["Mean reactive electrolyte fraction"].values
    electrolyte = (
        v["Positive electrode mass [kg]"]
        * v["Positive electrode electrolyte mass fraction"]
        * v["Electrolyte oxidation capacity [A.h.kg-1]"]
    )
    per_charge = 3600 / FARADAY / cell.area
    passed = run["Discharge capacity [A.h]"].values
    oxidised = gone * electrolyte
    expected = (5e-6 * (passed + oxidised) - 13e-6 * passed - 8e-6 * oxidised) * per_charge
    free = run["Free stack thickness change [m]"].values
    assert free == pytest.approx(expected, abs=1e-6 * np.ptp(free))
    sunk = run[SUNK].values * 1e-6
    assert sunk == pytest.approx(-8e-6 * oxidised * per_charge, rel=1e-6, abs=1e-15)
    assert sunk[-1] < -1e-9
    assert np.abs(run["Guest balance residual"]).max() < 1e-6


def test_contact_parts_exponentially_with_irreversible_strain():
    """theta = theta_min + (1 - theta_min) e^(-chi |e|)."""
    cell = oxidising(**{LOSS: 200.0, LOWEST: 0.3})
    run = sscell.simulate(cell, cycle("C/5", cycles=2), resolution=coarse())
    strain = -run[SUNK].values * 1e-6 / cell.cathode_thickness
    expected = 0.3 + 0.7 * np.exp(-200 * strain)
    assert run[THETA].values == pytest.approx(expected, abs=5e-5)
    assert run[THETA].values[-1] < 0.8
    worn = np.diff(run[THETA].values)
    assert worn.max() < 1e-9


# Loading history ---------------------------------------------------------------------


def first(cell):
    run = sscell.simulate(cell, rest("1 s"), resolution=coarse())
    return float(run[THETA][0])


def test_contact_at_the_start_is_that_of_the_loading_history():
    """theta = theta_i (1 - e^(-p_fab/p_y)) (p0/p_fab)^n, at most theta_max."""
    history = {
        START: 0.9,
        "Fabrication pressure [Pa]": 3.6e8,
        "Contact yield pressure [Pa]": 3e8,
        "Contact unloading exponent": 0.1,
    }
    expected = 0.9 * (1 - np.exp(-1.2)) * (50 / 360) ** 0.1
    assert first(pressed("Liang2023", **history)) == pytest.approx(expected, rel=1e-9)
    capped = pressed("Liang2023", **history, **{HIGHEST: 0.3})
    assert first(capped) == pytest.approx(0.3, rel=1e-9)


def test_contact_remembers_the_formation():
    """The formed cell has closed for as long as its formation took."""
    cell = pressed("Liang2023", **{START: 0.5, RATE: 2e-5})
    run = sscell.simulate(cell, rest("1 s"), resolution=coarse(), state="formed")
    assert 0.7 < float(run[THETA][0]) < 1


# At the door -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("-5MPa", "Pressure -5 MPa is out of range; allowed: 0 to 1000 MPa"),
        ("5e7", "Pressure 5e\\+07 MPa is out of range"),
        ("50 K", "'50 K' is not in MPa"),
        ("fifty", "'fifty' is not in MPa"),
        (float("nan"), "not a finite number"),
    ],
)
@pytest.mark.parametrize("cell", ["Ji2024", "pressed"])
def test_bad_pressure_is_refused(cell, given, said):
    cell = pressed("Liang2023") if cell == "pressed" else cell
    with pytest.raises(ParameterError, match=said):
        sscell.simulate(cell, discharge(), pressure=given)


def test_pressure_with_a_contact_of_ones_own_acts_on_any_cell():
    """A set without contact takes one from the changes; what it does is called assumed."""
    changes = {START: 0.3, RATE: "0 1/s"}
    plain, parted = (
        sscell.simulate(
            "Ji2024", discharge("C/5"), pressure=30, changes=c, resolution=coarse()
        )
        for c in ({}, changes)
    )
    assert THETA not in plain
    assert np.all(parted[THETA] == 0.3)
    assert "its effect here is assumed" in " ".join(metadata(parted, "warnings"))
    at = 100
    assert float(parted["Voltage [V]"][at]) < float(plain["Voltage [V]"][at])


def test_contact_is_part_of_the_structure():
    assert pressed("Ji2024").structure != sscell.load("Ji2024").structure
    assert pressed("Ji2024", 20).structure == pressed("Ji2024", 50).structure
    with pytest.raises(ParameterError, match="has no parameter 'Jig stiffness"):
        sscell.load("Ji2024").replace({JIG: 1e12})
