"""Stack pressure and contact against closed forms; without rates it is the plain cell."""

from __future__ import annotations

import copy
import tomllib

import numpy as np
import pybamm
import pytest

import sscell
from sscell.cells.builder import Build, write_cell
from sscell.cells.cell import Cell
from sscell.cells.library import available, find
from sscell.cells.parameters import ParameterSet
from sscell.dataset import metadata
from sscell.errors import ParameterError
from sscell.papers.observables import ObservableTable
from sscell.physics.contact import Contact
from sscell.plots.validation import write_figures
from sscell.protocols import charge, cycle, discharge, impedance, rest
from sscell.simulation.engine import Resolution
from sscell.simulation.results import pressure_remarks
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
CLOSED = "Closed contact fraction"  # the state
PER_CYCLE, UNLOADING = "Contact loss by cycling", "Contact unloading exponent"
SUNK = "Irreversible thickness change [um]"
SHRINK = "Electrolyte oxidation volume change [m3.mol-1]"
CONDUCTION = "Contact conduction exponent"
HOSTS = {"conversion": "Ji2024", "insertion": "Liang2023"}
STATES = (CLOSED, SUNK)


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


def tables(name):
    path, variant = find(name)
    assert variant is None
    content = copy.deepcopy(tomllib.loads(path.read_text(encoding="utf-8")))
    content.pop("variants", None)
    return content


FAMILIES = sorted({path.stem for path in available().values()})


def neutral(name, switched):
    """A registered family with a contact that says nothing, or without any."""
    content = tables(name)
    names = {q.name for q in Contact.quantities()}
    names |= {n for n in content["parameters"] if n.endswith("volume change [m3.mol-1]")}
    rest = {n: v for n, v in content["parameters"].items() if n not in names}
    content["physics"]["contact"] = switched
    content["parameters"] = rest | ({APPLIED: assumed(2e7)} if switched else {})
    return Cell(ParameterSet.from_table(content))


@pytest.mark.parametrize("name", FAMILIES)
def test_equations_without_sensitivity_are_those_of_the_plain_cell(make_probe, name):
    """Every equation of the plain model to the last bit, for every registered family."""
    plain, new = (make_probe(neutral(name, switched), 8) for switched in (False, True))
    start = plain.model.concatenated_initial_conditions.evaluate(0, inputs=plain.values)
    y = start * np.random.default_rng(0).uniform(0.97, 1.03, start.shape)
    states = {n: y[where, 0] for n, where in plain.slices.items()}
    old = residuals(plain, y)
    rows = residuals(new, new.state(states | {CLOSED: 1}))
    assert set(rows) - set(old) == set(STATES)
    for state in old:
        assert np.array_equal(rows[state], old[state], equal_nan=True), state
    assert not any(np.any(rows[state]) for state in STATES)


@pytest.mark.parametrize("name", available())
def test_every_registered_cell_takes_a_pressure(name):
    """It acts where the set has a contact, and else leaves the cell and is said."""
    cell = sscell.load(name)
    under = cell.under(3e7)
    said = pressure_remarks(under, 3e7)
    if cell.has_contact:
        assert under.values[APPLIED] == 3e7
    else:
        assert under is cell
        assert said == [f"{name} has no data on pressure; 30 MPa changes nothing here."]


@pytest.mark.parametrize("name", HOSTS.values(), ids=HOSTS)
def test_a_set_without_data_gives_its_plain_result_and_says_so(name):
    runs = [
        sscell.simulate(name, discharge("C/5"), resolution=coarse(), pressure=p)
        for p in (None, "20 MPa", 35)
    ]
    for run, megapascal in zip(runs[1:], (20, 35), strict=True):
        assert np.array_equal(run["Voltage [V]"], runs[0]["Voltage [V]"])
        said = [w for w in metadata(run, "warnings") if "pressure" in w]
        sentence = f"{name} has no data on pressure; {megapascal} MPa changes nothing here."
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
    probe = make_probe(pressed("Liang2023-diffusion", **{film: 0.4}), 5)
    names = (
        "Positive electrode interphase overpotential [V]",
        "Positive electrode reaction overpotential [V]",
        "Cathode ion contribution [V]",
    )
    losses, reaction, ions = (
        np.array([float(probe.evaluate(n, {CLOSED: x})[0]) for x in (1, 0.5, 0.25)])
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
        cell = pressed("Liang2023-diffusion", **{START: theta})
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
    """theta = min(theta_max, theta_i (1 - e^(-p_fab/p_y))) (p0/p_fab)^n."""
    history = {
        START: 0.9,
        "Fabrication pressure [Pa]": 3.6e8,
        "Contact yield pressure [Pa]": 3e8,
        UNLOADING: 0.1,
    }
    expected = 0.9 * (1 - np.exp(-1.2)) * (50 / 360) ** 0.1
    assert first(pressed("Liang2023", **history)) == pytest.approx(expected, rel=1e-9)
    capped = pressed("Liang2023", **history, **{HIGHEST: 0.3})
    assert first(capped) == pytest.approx(0.3 * (50 / 360) ** 0.1, rel=1e-9)
    squeezed = pressed("Liang2023", 500, **history)  # above the fabrication: no more
    assert first(squeezed) == pytest.approx(0.9 * (1 - np.exp(-1.2)), rel=1e-9)


def test_contact_remembers_the_formation():
    """The formed cell has closed for as long as its formation took."""
    cell = pressed("Liang2023", **{START: 0.5, RATE: 2e-5})
    run = sscell.simulate(cell, rest("1 s"), resolution=coarse(), state="formed")
    assert 0.7 < float(run[THETA][0]) < 1


def test_jig_set_anew_after_the_formation_reads_the_new_pressure():
    """p = p1 + K (h - h_0): what the formation has swelled is in the new setting, and what
    it has closed touches less under less pressure.
    """
    anode = "Negative electrode molar volume [m3.mol-1]"
    numbers = {
        START: 0.5,
        RATE: 2e-5,
        EXPONENT: 1.0,
        UNLOADING: 0.2,
        JIG: 1e12,
        anode: 1e-6,
    }
    cell = pressed("Liang2023", 10, **numbers | {"Fabrication pressure [Pa]": 1e8})
    kept, anew = (
        sscell.simulate(
            cell,
            charge("C/10", duration="10 min"),
            state="2.8 V",
            formation_pressure=p,
            resolution=coarse(),
        )
        for p in (None, 90)
    )
    assert abs(float(kept[PRESSURE][0]) - 10) > 1e-3
    assert float(anew[PRESSURE][0]) == pytest.approx(10, abs=1e-9)
    moved = [float(np.ptp(r[PRESSURE].values)) for r in (kept, anew)]
    assert moved[1] == pytest.approx(moved[0], rel=1e-3)
    assert float(anew[THETA][0]) > 1.2 * float(kept[THETA][0])
    assert float(anew[THETA].max()) <= 0.1**0.2
    assert metadata(anew, "pressure_MPa") == 10
    with pytest.raises(ParameterError, match="out of range"):
        sscell.simulate(cell, rest("1 s"), state="formed", formation_pressure=-1)


def test_cycling_and_pressing_settle_where_they_balance():
    """s' = k (1 - s) - c N' s: exponential, to k/(k + c N'), higher under more pressure."""
    settled = {}
    for megapascal in (10, 50):
        numbers = {RATE: 5e-5, EXPONENT: 1.0, PER_CYCLE: 3.0}
        cell = pressed("Liang2023", megapascal, **numbers)
        fine = coarse(rtol=1e-7)
        run = sscell.simulate(cell, discharge("1C"), resolution=fine)
        k = 5e-5 * megapascal / 50
        pace = 3 * cell.one_c_current / (2 * cell.theoretical_capacity * 3600)
        settled[megapascal] = k / (k + pace)
        t = run["Time [s]"].values
        level = settled[megapascal]
        expected = level + (1 - level) * np.exp(-(k + pace) * t)
        assert run[THETA].values == pytest.approx(expected, abs=2e-6)
    assert settled[10] < 0.03 < 0.1 < settled[50]


# Sweeps, fits and plans ----------------------------------------------------------------


# Contact that is poor at first and closes faster under more pressure.
CLOSING = {START: 0.2, RATE: 3e-5, EXPONENT: 1.0}


def test_sweep_over_pressure_is_the_runs_one_by_one():
    cell = pressed("Liang2023", **CLOSING)
    mesh = Resolution(10)
    grid = sscell.sweep(
        cell, {"pressure": [5, "20 MPa", 80]}, discharge("2C"), resolution=mesh
    )
    assert grid["pressure"].values.tolist() == [5, 20, 80]
    assert grid["pressure"].attrs["units"] == "MPa"
    volts = grid["mean_voltage_V"].values[:, 0]
    for pressure, found in zip((5, 20, 80), volts, strict=True):
        run = sscell.simulate(cell, discharge("2C"), pressure=pressure, resolution=mesh)
        alone = sscell.summary(run)["steps"][0]["mean_voltage_V"]
        assert found == pytest.approx(alone, rel=1e-9)
    assert np.all(np.diff(volts) > 1e-4)


def test_fit_takes_each_dataset_under_its_own_pressure():
    """Two runs of one cell at 10 and 80 MPa give the rate and its exponent back."""
    cell, mesh = pressed("Liang2023", **CLOSING), Resolution(10)
    runs = [
        sscell.simulate(cell, discharge("C/2"), pressure=p, resolution=mesh)
        for p in (10, 80)
    ]
    start = cell.replace({RATE: 1e-5, EXPONENT: 0.5})
    found = sscell.fit(
        start, runs, {RATE: (1e-6, 1e-3), EXPONENT: (0.0, 2.0)}, resolution=mesh
    )
    assert found.cell.values[RATE] == pytest.approx(3e-5, rel=0.02)
    assert found.cell.values[EXPONENT] == pytest.approx(1.0, abs=0.02)
    assert [c.pressure for c in found.problem.courses] == [1e7, 8e7]


def test_fit_says_what_data_and_set_do_not_know_of_pressure():
    from sscell.fitting.prepare import prepare

    vary = {"Contact resistance [Ohm]": (1.0, 100.0)}
    mesh = Resolution(8)
    run = sscell.simulate("Liang2023", discharge("C/2"), resolution=mesh)
    _, told = prepare("Liang2023", run, vary, pressure=[20], resolution=mesh)
    assert "Liang2023 has no data on pressure; 20 MPa of data 1 changes nothing." in told
    _, told = prepare(pressed("Liang2023"), run, vary, resolution=mesh)
    assert "data 1 does not say its pressure; the set's own, 50 MPa, is used." in told
    _, told = prepare("Liang2023", run, vary, resolution=mesh)
    assert "pressure" not in " ".join(told)
    problem, _ = prepare("Liang2023", run, {START: (0.1, 1.0)}, pressure=20)
    assert problem.cell.has_contact
    with pytest.raises(ParameterError, match="The pressure is a condition of the data"):
        prepare(pressed("Liang2023"), run, {APPLIED: (1e6, 1e8)}, pressure=20)


def test_plan_weighs_tests_at_both_ends_of_the_published_pressures():
    from sscell.fitting import standard_tests

    cell = pressed("Liang2023")
    assert {t.pressure for t in standard_tests(cell)} == {None}
    cell.data["validity"]["pressure_MPa"] = [20, 50]
    tests = standard_tests(cell)
    assert {t.pressure for t in tests} == {None, 20.0, 50.0}
    assert sum("20 MPa" in t.name for t in tests) == sum("50 MPa" in t.name for t in tests)


def test_pressure_beyond_the_published_ones_is_said():
    cell = pressed("Liang2023")
    cell.data["validity"]["pressure_MPa"] = [20, 50]
    said = {
        p: [w for w in metadata(run, "warnings") if "MPa" in w]
        for p in (10, 20)
        for run in [
            sscell.simulate(cell, rest("1 s"), pressure=p, resolution=Resolution(5))
        ]
    }
    assert said == {10: ["10 MPa is outside the published 20 to 50 MPa."], 20: []}


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
    assert "30 MPa has an assumed effect here" in " ".join(metadata(parted, "warnings"))
    at = 100
    assert float(parted["Voltage [V]"][at]) < float(plain["Voltage [V]"][at])


def test_a_cell_of_ones_own_gets_a_contact_with_its_pressure(tmp_path):
    build = Build("Liang2023", "mine", pressure="30 MPa", settings={START: "0.5"})
    cell = write_cell(build, tmp_path / "mine.toml")
    assert cell.values[APPLIED] == 3e7
    assert cell.parameters[APPLIED].kind == "stated"
    assert first(cell) == 0.5
    with pytest.raises(ParameterError, match="has no parameter 'Initial contact fraction'"):
        write_cell(
            Build("Liang2023", "other", settings={START: "0.5"}), tmp_path / "other.toml"
        )


def test_contact_is_part_of_the_structure():
    assert pressed("Ji2024").structure != sscell.load("Ji2024").structure
    assert pressed("Ji2024", 20).structure == pressed("Ji2024", 50).structure
    with pytest.raises(ParameterError, match="has no parameter 'Jig stiffness"):
        sscell.load("Ji2024").replace({JIG: 1e12})


# In other hands ----------------------------------------------------------------------


class _Foreign(pybamm.BaseModel):
    """A resistor that swells as it is charged: no part of it is ours but the contact."""

    def __init__(self):
        super().__init__("swelling resistor")
        filling = pybamm.Variable("Filling")
        current = pybamm.Parameter("Current function [A]")
        self.variables = {
            "Current [A]": current,
            "Arrhenius factor [mol.J-1]": pybamm.Scalar(0),
            "Active material volume change [m3.mol-1]": 1e-6 * filling,
            "Positive electrode host amount [mol]": pybamm.Scalar(1e-3),
            "Positive electrode thickness [m]": pybamm.Scalar(1e-4),
            "Negative electrode thickness change [m]": pybamm.Scalar(0),
            "Full cycles rate [s-1]": pybamm.Scalar(0),
            "Side current [A]": -0.1 * current,
        }
        self.submodels = {"contact": Contact((), {"Side": "Side current [A]"})}
        self.build_model()
        self.rhs[filling] = current / FARADAY / 1e-3
        self.initial_conditions[filling] = pybamm.Scalar(0)


def test_another_model_of_pybamm_can_take_the_contact():
    """p - p0 = K (v n + v_side n_side)/A without anything else of this package."""
    neutral = {q.name: q.default for q in Contact.quantities(["Side"])}
    values = neutral | {
        APPLIED: 2e7,
        JIG: 1e12,
        MODULUS: 1e12,
        "Side volume change [m3.mol-1]": -4e-6,
        "Electrode area [m2]": 1e-4,
        "Current function [A]": 1e-3,
    }
    simulation = pybamm.Simulation(
        _Foreign(),
        parameter_values=pybamm.ParameterValues(values),
        solver=pybamm.IDAKLUSolver(rtol=1e-8, atol=1e-10),
    )
    solution = simulation.solve([0, 3600])
    moles = 3.6 / FARADAY
    free = (1e-6 - 0.1 * 4e-6) * moles / 1e-4
    stiffness = 1e12 / (1 + 1e12 * 1e-4 / 1e12)
    read = solution[PRESSURE].entries[-1]
    assert read - 20 == pytest.approx(stiffness * free * 1e-6, rel=1e-5)


def test_validation_reads_and_draws_the_pressure_of_a_run(tmp_path):
    """A table's run under its own pressure, its swing against a closed form, its figure."""
    row = {
        "id": "swing",
        "run": "low",
        "measure": {"of": "pressure swing", "direction": "discharge"},
        "published": 0.1,
        "unit": "MPa",
        "tolerance": 0.5,
        "word": "predicted",
        "source": "test",
    }
    run = {"temperature": 25, "pressure": 20, "steps": [{"do": "discharge", "rate": "C/5"}]}
    table = ObservableTable.from_table({"runs": {"low": run}, "observables": [row]}, "test")
    cell = pressed("Liang2023", **{SWELLING: 5e-6, JIG: 1e12, MODULUS: 1e12})
    found = sscell.validate(cell, table, resolution=coarse())
    done = found.runs["low"]
    passed = float(done["Discharge capacity [A.h]"][-1]) * 3600 / FARADAY / cell.area
    stiffness = 1e12 / (1 + height(cell))
    assert found.rows[0]["model"] == pytest.approx(
        stiffness * 5e-6 * passed * 1e-6, rel=1e-3
    )
    assert float(done[PRESSURE][0]) == 20
    names = [path.name for path in write_figures(found, tmp_path / "figures")]
    assert "Liang2023_low_pressure.png" in names
