"""Symmetric cells that plate and strip: closed forms, voids, and what a pellet tells a cell."""

import json
from functools import cache

import numpy as np
import pytest

import sscell
from sscell.analysis import conductivities, critical_current
from sscell.cells.cell import Cell
from sscell.cells.parameters import ParameterSet
from sscell.cells.symmetric_parts import SymmetricParts, symmetric_tables
from sscell.cells.writing import write_set
from sscell.cli import main
from sscell.dataset import metadata
from sscell.errors import DataError, ParameterError
from sscell.fitting import fit
from sscell.fitting.priors import of_fit, write_priors
from sscell.protocols import cycle, impedance, potential_step, rate_test
from sscell.simulation.engine import Resolution
from sscell.units import FARADAY, GAS_CONSTANT

AREA = np.pi / 4 * 0.01**2
CELLS = [
    ("Li", "Li6PS5Cl"),
    ("Na", "Na3PS4"),
    ("Li-In", "Li6PS5Cl"),
    ("Li-In:60mg", "Li3InCl6"),
]
VOID = "Negative electrode void"
FILM = {"Negative electrode interphase resistance [Ohm.m2]": 1e-3}


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as left:
        main([str(a) for a in arguments])
    out, said = capsys.readouterr()
    return left.value.code, out, said


@cache
def tables(electrode, electrolyte="Li6PS5Cl", pressure=None):
    parts = SymmetricParts(
        "sym", electrode, (f"{electrolyte}:600um",), diameter="10mm", pressure=pressure
    )
    return symmetric_tables(parts)


def cell(electrode, electrolyte="Li6PS5Cl", pressure=None, **changes):
    made = Cell(ParameterSet.from_table(tables(electrode, electrolyte, pressure)))
    return made.replace(changes) if changes else made


def transfer(one, celsius=25.0):
    """Charge-transfer resistance of one electrode [Ohm.m2]."""
    kelvin, i0 = celsius + 273.15, "Negative electrode exchange-current density"
    hotter = (1 / 298.15 - 1 / kelvin) / GAS_CONSTANT
    now = one.values[f"{i0} [A.m-2]"] * np.exp(
        one.values[f"{i0} activation energy [J.mol-1]"] * hotter
    )
    return GAS_CONSTANT * kelvin / FARADAY / now


def ohmic(one):
    return 600e-6 / one.values["Separator conductivity [S.m-1]"]


@pytest.mark.parametrize(("electrode", "electrolyte"), CELLS)
def test_area_resistance_is_the_sum_of_its_parts_on_an_ohmic_line(electrode, electrolyte):
    one = cell(electrode, electrolyte, **FILM)
    data = sscell.simulate(one, rate_test(["1uA/cm2", "2uA/cm2", "5uA/cm2"]))
    total = (ohmic(one) + 2 * (1e-3 + transfer(one))) * 1e4
    found = critical_current(data)
    assert [s["current_mA_cm2"] for s in found["steps"]] == pytest.approx(
        [1e-3, 2e-3, 5e-3]
    )
    for step in found["steps"]:
        assert step["area_resistance_ohm_cm2"] == pytest.approx(total, rel=2e-3)
    assert found["at_least_mA_cm2"] == pytest.approx(5e-3)
    halves = sscell.summary(data)["steps"]
    assert [s["plates"] for s in halves] == ["positive", "negative"] * 3
    assert all(s["capacity_mAh_cm2"] == pytest.approx(s["current_mA_cm2"]) for s in halves)


def test_large_currents_follow_butler_and_volmer():
    one = cell("Li")
    data = sscell.simulate(one, cycle("5mA/cm2", half_time="5min"))
    i, thermal = 50.0, GAS_CONSTANT * 298.15 / FARADAY
    i0 = one.values["Negative electrode exchange-current density [A.m-2]"]
    expected = i * ohmic(one) + 2 * 2 * thermal * np.arcsinh(i / (2 * i0))
    for half, sign in zip(sscell.summary(data)["steps"], (-1, 1), strict=True):
        assert half["mean_voltage_V"] == pytest.approx(sign * expected, rel=1e-4)


def test_arcs_of_a_simulated_pellet_have_the_times_of_its_interfaces():
    one = cell("Li")
    f = np.logspace(6, -1, 50)
    spectrum = sscell.simulate(one, impedance(f))
    found = conductivities(spectrum, thickness_cm=0.06, area_cm2=AREA * 1e4)
    point = found["points"][0]
    assert point["total_ohm"] * AREA == pytest.approx(ohmic(one), rel=1e-3)
    assert point["interface_ohm"] * AREA == pytest.approx(2 * transfer(one), rel=1e-3)
    z = -spectrum["Z imaginary [Ohm]"].values[0]
    peak = f[np.argmax(z)]
    capacity = one.values["Negative electrode double-layer capacity [F.m-2]"]
    assert peak == pytest.approx(1 / (2 * np.pi * transfer(one) * capacity), rel=0.2)


def test_a_held_voltage_gives_the_same_resistance():
    one = cell("Na", "Na3PS4", **FILM)
    data = sscell.simulate(one, potential_step("10mV", "5min", "1min"))
    total = ohmic(one) + 2 * (1e-3 + transfer(one))
    settled = float(data["Current [A]"].values[-1])
    assert settled == pytest.approx(-0.01 / total * AREA, rel=2e-3)


def test_blocking_electrodes_charge_in_a_straight_line():
    """V = i R + 2 i t/C until the instrument stops at 5 V."""
    one = cell("steel")
    data = sscell.simulate(one, cycle("0.1mA/cm2"))
    steps = metadata(data, "steps")
    t, v = data["Time [s]"].values, data["Voltage [V]"].values
    first = t <= t[np.argmin(v)]
    capacity = one.values["Negative electrode double-layer capacity [F.m-2]"]
    np.testing.assert_allclose(
        v[first], -(ohmic(one) + 2 * t[first] / capacity), rtol=1e-3, atol=1e-4
    )
    assert steps[0]["stop_reason"] == "lower voltage cut-off"
    assert "plates" not in sscell.summary(data)["steps"][0]


def test_voids_are_neutral_unless_something_is_said_of_them():
    plain = cell("Li")
    data = {**plain.data, "physics": {**plain.data["physics"], "voids": True}}
    pressure = {
        "Applied stack pressure [Pa]": {"value": 5e6, "kind": "stated", "source": "-"}
    }
    table = {**tables("Li"), "physics": data["physics"]}
    table["parameters"] = table["parameters"] | pressure
    voids = Cell(ParameterSet.from_table(table))
    ends = [
        sscell.simulate(one, cycle("1mA/cm2"))["Voltage [V]"].values[-1]
        for one in (plain, voids)
    ]
    assert ends[1] == pytest.approx(ends[0], rel=1e-6)


def test_below_the_critical_current_voids_stay_as_they_close():
    """w = w0 i/(is - i), with is = id + ic p/pr, warmer by its energy."""
    one = cell("Na", "Na3PS4", pressure="5MPa")
    assert one.parameters.parameters[f"{VOID} supply by creep [A.m-2]"].kind == "assumed"
    for celsius in (25.0, 60.0):
        data = sscell.simulate(
            one, sscell.discharge("1mA/cm2", duration="20h"), temperature=celsius
        )
        v = one.values
        hotter = (1 / 298.15 - 1 / (celsius + 273.15)) / GAS_CONSTANT
        supply = v[f"{VOID} supply without pressure [A.m-2]"]
        supply += v[f"{VOID} supply by creep [A.m-2]"] * 0.5
        supply *= np.exp(v[f"{VOID} supply activation energy [J.mol-1]"] * hotter)
        covered = v[f"{VOID} coverage at half supply"] * 10 / (supply - 10)
        touches = data["Negative electrode contact fraction"].values[-1]
        assert touches == pytest.approx(np.sqrt(5 / 25) * np.exp(-covered), rel=1e-3)
        said = sscell.summary(data)["steps"][0]
        assert said["critical_stripping_current_mA_cm2"] == pytest.approx(supply / 10)
        # What is plated has no voids.
        assert said["final_contact_fractions"]["positive"] == pytest.approx(np.sqrt(0.2))


def test_critical_stripping_current_rises_with_the_pressure():
    one = cell("Li", pressure="5MPa")
    currents = [f"{x}mA/cm2" for x in (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)]
    critical = []
    for pressure in (2, 5, 20):
        data = sscell.simulate(one, rate_test(currents), pressure=pressure)
        found = critical_current(data)
        assert found["failure"] == "lost contact" and found["short"] is None
        critical.append(found["critical_current_mA_cm2"])
        law = sscell.summary(data)["steps"][0]["critical_stripping_current_mA_cm2"]
        # A ramp sees it within a step of the law's own.
        assert law / 2 <= critical[-1] < 2 * law
    assert critical[0] < critical[1] < critical[2]


def test_what_has_no_voids_is_refused():
    steel = tables("steel")
    table = {**steel, "physics": {**steel["physics"], "voids": True}}
    pressure = {
        "Applied stack pressure [Pa]": {"value": 5e6, "kind": "stated", "source": "-"}
    }
    table["parameters"] = table["parameters"] | pressure
    with pytest.raises(ParameterError, match="has voids"):
        Cell(ParameterSet.from_table(table))
    assert not cell("Li-In", pressure="5MPa").feels_pressure  # an alloy: nothing is known


def test_commands_of_a_symmetric_cell(capsys, tmp_path):
    file = tmp_path / "sym.toml"
    code, _, said = run(capsys, "new", file, "--symmetric", "Li", "--separator",
                        "Li6PS5Cl:600um", "--diameter", "10mm")  # fmt: skip
    assert code == 0, said
    code, out, said = run(
        capsys, "simulate", file, "-C", "0.1mA/cm2", "--cycles", "3", "--json"
    )
    assert code == 0, said
    found = json.loads(out)
    assert [s["direction"] for s in found["steps"]] == ["discharge", "charge"] * 3
    assert all(s["stop_reason"] == "duration" for s in found["steps"])
    assert found["steps"][0]["capacity_mAh_cm2"] == pytest.approx(0.1)
    one = Cell.load(file)
    total = (ohmic(one) + 2 * transfer(one)) * 1e4
    assert found["steps"][0]["area_resistance_ohm_cm2"] == pytest.approx(total, rel=0.02)
    code, out, said = run(capsys, "step", file, "--voltage", "10mV", "--duration", "5min",
                          "--rest", "1min", "--json")  # fmt: skip
    assert code == 0, said
    held = json.loads(out)
    assert held["steps"][0]["settled"] and held["diffusion_coefficient_cm2_s"] is None
    assert held["area_resistance_ohm_cm2"] == pytest.approx(total, rel=0.01)
    code, out, said = run(
        capsys,
        "rate",
        file,
        "--currents",
        "0.1,0.2mA/cm2",
        "--half-time",
        "10min",
        "--json",
    )
    assert code == 0, said
    assert json.loads(out)["at_least_mA_cm2"] == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("simulate", "-C", "C/10"), "0.1mA/cm2"),
        (("simulate", "-C", "25mA/g"), "0.1mA/cm2"),
        (("simulate", "--half-time", "-1h"), "positive time"),
        (("simulate", "--thickness-points", "5"), "no cathode"),
        (("gitt",), "tells no open-circuit voltage"),
    ],
)
def test_what_a_symmetric_cell_has_not_is_a_sentence(capsys, tmp_path, arguments, message):
    file = write_set(cell("Li").parameters, tmp_path / "sym.toml")
    command, *options = arguments
    code, _, said = run(capsys, command, file, *options)
    assert code == 2 and message in said


def noisy(data, seed, share=None, volts=None):
    rng, data = np.random.default_rng(seed), data.copy(deep=True)
    names = ["Voltage [V]"] if volts else ["Z real [Ohm]", "Z imaginary [Ohm]"]
    for name in names:
        values = data[name].values
        scale = volts or share * np.hypot(*(data[n].values for n in names))
        data[name].values[...] = values + scale * rng.normal(size=values.shape)
    return data


def test_fit_of_plating_finds_the_interface(tmp_path):
    name = "Negative electrode interphase resistance [Ohm.m2]"
    true = cell("Li", **{name: 2e-3})
    data = noisy(sscell.simulate(true, cycle("0.5mA/cm2", 2)), 0, volts=1e-4)
    found = fit(cell("Li", **{name: 8e-4}), data, {name: (1e-4, 1e-2)}, max_evaluations=10)
    assert abs(found.values[name] - 2e-3) < 3 * found.std_errors[name]
    data["Current [A]"].values[...] *= -1
    with pytest.raises(DataError, match="--current-sign"):
        fit(true, data, {name: (1e-4, 1e-2)})


def test_a_pellet_fitted_first_gives_a_full_cell_smaller_and_right_errors(tmp_path):
    """A discharge alone tells the layer and the contact together; the pellet parts them."""
    layer, contact = "Cathode-side layer conductivity [S.m-1]", "Contact resistance [Ohm]"
    table = json.loads(json.dumps(tables("Li-In", "Li3InCl6")))
    table["physics"]["separator"] = ["Cathode-side layer"]
    table["parameters"] = {
        n if "grain-boundary" in n else n.replace("Separator ", "Cathode-side layer "): v
        for n, v in table["parameters"].items()
    }  # fmt: skip
    pellet = Cell(ParameterSet.from_table(table))
    true = {layer: 0.11, contact: 12.0}
    spectrum = sscell.simulate(
        pellet.replace({layer: 0.11}), impedance(np.logspace(5, 0, 21))
    )
    told = fit(pellet, noisy(spectrum, 1, share=5e-3), {layer: (0.05, 0.4)})
    rows = told.as_dict()["parameters"]
    assert rows[0]["pinned"]
    file = write_priors(tmp_path / "pellet.toml", of_fit(rows, "spectrum of a pellet"))

    coarse, start = Resolution(shells=10, rtol=1e-5, atol=1e-7), Cell.load("Liang2023")
    run = sscell.simulate(start.replace(true), sscell.discharge("2C"), resolution=coarse)
    vary = {layer: (0.05, 0.4), contact: (0.1, 60.0)}
    options = {"points": 40, "resolution": coarse, "noise": 2e-3, "max_evaluations": 12}
    data = noisy(run, 2, volts=2e-3)
    alone, both = (
        fit(start.replace({contact: 5.0}), data, vary, priors=p, **options)
        for p in (None, file)
    )
    for name, value in true.items():
        assert both.std_errors[name] < 0.5 * alone.std_errors[name]
        assert abs(both.values[name] - value) < 3 * both.std_errors[name]
