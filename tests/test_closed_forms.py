"""Parts of the voltage against their closed solutions."""

from __future__ import annotations

import numpy as np
import pytest

import sscell
from sscell.cells.model import SolidStateCell
from sscell.units import FARADAY, GAS_CONSTANT

OHMIC = "Separator ohmic losses [V]"
ANODE = "Negative electrode reaction overpotential [V]"
CATHODE = "Positive electrode reaction overpotential [V]"


def _first(run, name):
    return float(run[name].values[0])


@pytest.fixture(scope="module")
def start(plain):
    """Losses at the start of a discharge (or charge), where the state is known."""

    def run(rate="C/20", celsius=60, protocol=sscell.discharge, **changes):
        return sscell.simulate(plain, protocol(rate), temperature=celsius, changes=changes)

    return run


def _hotter(kelvin, reference):
    return (1 / reference - 1 / kelvin) / GAS_CONSTANT


@pytest.mark.parametrize("celsius", [25, 60, 90])
def test_separator_obeys_ohm_and_arrhenius(ji, start, celsius):
    """i L/sigma(T), sigma = sigma_ref exp(E/R (1/T_ref - 1/T))."""
    v = ji.values
    energy = v["Separator conductivity activation energy [J.mol-1]"]
    hotter = _hotter(celsius + 273.15, v["Separator conductivity temperature [K]"])
    sigma = v["Separator conductivity [S.m-1]"] * np.exp(energy * hotter)
    expected = ji.current("C/20") / ji.area * v["Separator thickness [m]"] / sigma
    assert _first(start(celsius=celsius), OHMIC) == pytest.approx(expected, rel=1e-9)


def test_halving_conductivity_doubles_separator_loss(start):
    half = start(**{"Separator conductivity [S.m-1]": "5e-5 S/cm"})
    assert _first(half, OHMIC) == pytest.approx(2 * _first(start(), OHMIC), rel=1e-9)


def test_reversing_the_current_reverses_every_loss(start):
    """All three laws are odd in the current."""
    down = start()
    up = start(protocol=sscell.charge)
    charging = up["Current [A]"].values < 0
    for name in (OHMIC, ANODE, CATHODE):
        assert up[name].values[charging] == pytest.approx(-_first(down, name), rel=1e-9)


def test_two_layers_stand_in_series(plain_tables, make_cell, ji):
    """i (L1/sigma1 + L2/sigma2), each at its own reference temperature."""
    tables = plain_tables()
    tables["physics"]["separator"] = ["Anode layer", "Cathode layer"]
    old = tables["parameters"]
    for name in [n for n in old if n.startswith("Separator ")]:
        del old[name]
    numbers = {"Anode layer": (2e-4, 0.05, 3e4), "Cathode layer": (5e-4, 0.02, 4e4)}
    expected = 0.0
    for layer, (thickness, sigma, energy) in numbers.items():
        for name, value in (
            ("thickness [m]", thickness),
            ("conductivity [S.m-1]", sigma),
            ("conductivity activation energy [J.mol-1]", energy),
        ):
            old[f"{layer} {name}"] = {
                "value": value,
                "kind": "stated",
                "source": "test",
            }
        hot = sigma * np.exp(energy * _hotter(333.15, 298.15))
        expected += ji.current("C/20") / ji.area * thickness / hot
    run = sscell.simulate(make_cell(tables), sscell.discharge("C/20"), temperature=60)
    assert _first(run, OHMIC) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("rate", ["C/100", "C/20", "C/3"])
@pytest.mark.parametrize("celsius", [25, 90])
def test_anode_overpotential_is_asinh(ji, start, rate, celsius):
    """eta = 2RT/F asinh(i/(2 i0)), i0 = i0_ref a(E)."""
    v, kelvin = ji.values, celsius + 273.15
    name = "Negative electrode exchange-current density"
    hotter = _hotter(kelvin, v["Reference temperature [K]"])
    i0 = v[f"{name} [A.m-2]"] * np.exp(v[f"{name} activation energy [J.mol-1]"] * hotter)
    i = ji.current(rate) / ji.area
    expected = 2 * GAS_CONSTANT * kelvin / FARADAY * np.arcsinh(i / (2 * i0))
    got = _first(start(rate, celsius, **{"Lower voltage cut-off [V]": 0}), ANODE)
    assert got == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("rate", ["C/100", "C/20", "C/3"])
@pytest.mark.parametrize("celsius", [25, 90])
def test_cathode_overpotential_is_asinh_of_the_current_per_surface(
    ji, start, rate, celsius
):
    """j = I R/(3 V), V = m/rho; eta = 2RT/F asinh(j/(2 i0))."""
    v, kelvin = ji.values, celsius + 273.15
    name = "Positive electrode exchange-current density"
    hotter = _hotter(kelvin, v["Reference temperature [K]"])
    i0 = v[f"{name} [A.m-2]"] * np.exp(v[f"{name} activation energy [J.mol-1]"] * hotter)
    volume = ji.active_mass / v["Positive electrode active material density [kg.m-3]"]
    j = ji.current(rate) * v["Positive particle radius [m]"] / (3 * volume)
    expected = 2 * GAS_CONSTANT * kelvin / FARADAY * np.arcsinh(j / (2 * i0))
    got = _first(start(rate, celsius, **{"Lower voltage cut-off [V]": 0}), CATHODE)
    assert got == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("electrode", ["Negative", "Positive"])
def test_exchange_current_ratio_at_two_temperatures_is_arrhenius(ji, start, electrode):
    """i0(T1)/i0(T2) = exp(-E/R (1/T1 - 1/T2)), with i0 found back from the overpotential:
    i0 is proportional to 1/sinh(F eta/2RT).
    """
    found = {}
    for celsius in (30, 80):
        eta = _first(
            start(celsius=celsius), f"{electrode} electrode reaction overpotential [V]"
        )
        thermal = GAS_CONSTANT * (celsius + 273.15) / FARADAY
        found[celsius] = 1 / np.sinh(eta / 2 / thermal)
    name = f"{electrode} electrode exchange-current density activation energy [J.mol-1]"
    expected = np.exp(-ji.values[name] / GAS_CONSTANT * (1 / 353.15 - 1 / 303.15))
    assert found[80] / found[30] == pytest.approx(expected, rel=1e-6)


def test_contact_resistance_lowers_the_voltage_by_its_ohmic_loss(ji, start):
    """V(R) = V(0) - I R at the same state."""
    ohm = 1234.0
    with_contact = start(**{"Contact resistance [Ohm]": ohm})
    loss = ji.current("C/20") * ohm
    assert _first(with_contact, "Contact overpotential [V]") == pytest.approx(loss)
    gap = _first(start(), "Voltage [V]") - _first(with_contact, "Voltage [V]")
    assert gap == pytest.approx(loss, rel=1e-9)


@pytest.mark.parametrize("celsius", [25, 90])
def test_voltage_is_the_sum_of_its_parts(ji, ji_run, celsius):
    """V = sum of the signed contributions, along a whole cycle, catholyte included."""
    run = ji_run(celsius)
    parts = sum(run[name].values for name in SolidStateCell(ji).budget)
    assert parts == pytest.approx(run["Voltage [V]"].values, abs=1e-9)


def test_rates_follow_arrhenius_about_the_reference_temperature(ji, probe):
    """r(T1)/r(T2) at equal F A/RT, far from ceilings: k ratio = exp(E/R (1/T2 - 1/T1))."""
    off = {"R3 dead zone [V]": 0.0, "R3 rate constant [s-1]": 1e-5}
    off |= {f"R3 {way} ceiling [s-1]": 1e3 for way in ("reduction", "oxidation")}
    fractions = dict.fromkeys(ji.host.phases, 0.2)
    smoothing = ji.values["Dead zone smoothing [V]"]
    rates = []
    for kelvin in (300.0, 350.0):
        u = ji.host.equilibrium_potential("R3", ji.values, kelvin, fractions)
        drive = 3 * GAS_CONSTANT * kelvin / FARADAY
        affinity = (drive + np.sqrt(drive**2 + 4 * drive * smoothing)) / 2
        states = {f"{p} fraction profile": y for p, y in fractions.items()}
        states["Positive particle guest potential [V]"] = u - affinity
        inputs = off | {"Ambient temperature [K]": kelvin}
        rates.append(probe.evaluate("R3 rate [s-1]", states, inputs=inputs)[0])
    energy = ji.values["R3 activation energy [J.mol-1]"]
    expected = np.exp(energy / GAS_CONSTANT * (1 / 300 - 1 / 350))
    assert rates[1] / rates[0] == pytest.approx(expected, rel=1e-5)


def test_thickness_follows_from_masses_densities_and_porosity(table, make_cell):
    """L = m sum(w/rho)/(1 - porosity)/A: 2 mg, half at 2, half at 1 g/cm3, half void."""
    cell = make_cell(table()).replace(
        {
            "Positive electrode mass [kg]": "2 mg",
            "Positive electrode active material mass fraction": 0.5,
            "Positive electrode active material density [kg.m-3]": 2000.0,
            "Positive electrode electrolyte mass fraction": 0.25,
            "Positive electrode electrolyte density [kg.m-3]": 1000.0,
            "Positive electrode carbon mass fraction": 0.25,
            "Positive electrode carbon density [kg.m-3]": 1000.0,
            "Positive electrode porosity": 0.5,
            "Electrode area [m2]": "1 cm2",
        }
    )
    assert cell.cathode_thickness == pytest.approx(2e-6 * 0.75e-3 / 0.5 / 1e-4)
