"""An insertion particle against closed forms: diffusion, equilibrium, balances."""

from __future__ import annotations

import copy
import tomllib

import numpy as np
import pytest
from scipy.optimize import brentq

import sscell
from sscell.cells.cell import Cell
from sscell.cells.library import find
from sscell.cells.parameters import ParameterSet
from sscell.dataset import metadata
from sscell.errors import ParameterError
from sscell.simulation.engine import Resolution
from sscell.units import FARADAY, GAS_CONSTANT

K25 = 298.15
THERMAL = GAS_CONSTANT * K25 / FARADAY
SURFACE = "X-averaged positive particle surface stoichiometry"
MEAN = "Average positive particle stoichiometry"
_TABLES = tomllib.loads(find("Liang2023")[0].read_text(encoding="utf-8"))


def assumed(value):
    return {"value": value, "kind": "assumed", "source": "test", "range": [value, value]}


def one_site(**changes):
    """A single ideal site at 2.8 V in a cell without losses but diffusion."""
    tables = copy.deepcopy(_TABLES)
    tables.pop("variants", None)
    tables["network"] |= {"sites": ["Step"], "transformed": []}
    tables["parameters"] = {
        name: entry
        for name, entry in tables["parameters"].items()
        if not name.startswith(("Upper step", "Lower step"))
    }
    for name, end in (("Lower", 2.45), ("Upper", 3.25)):
        tables["parameters"][f"{name} voltage cut-off [V]"] = assumed(end)
    numbers = {
        "Step potential [V]": 2.8,
        "Step fraction": 1.0,
        "Positive electrode exchange-current density [A.m-2]": 1e6,
        "Negative electrode exchange-current density [A.m-2]": 1e6,
        "Anode-side layer conductivity [S.m-1]": 1e3,
        "Cathode-side layer conductivity [S.m-1]": 1e3,
        "Positive electrode electrolyte conductivity [S.m-1]": 1e3,
        "Positive electrode conductivity [S.m-1]": 1e6,
        "Separator grain-boundary resistance [Ohm.m2]": 0.0,
        "Positive particle diffusivity decay coefficient": 0.0,
        "Inactive host fraction": 0.0,
        "Initial positive electrode potential [V]": 3.0,
    }
    for name, value in (numbers | changes).items():
        tables["parameters"][name] = assumed(value)
    return Cell(ParameterSet.from_table(tables))


def diffusion_rate(cell):
    """D/R2 [s-1]."""
    v = cell.values
    radius = v["Positive particle radius [m]"]
    return v["Positive particle diffusivity [m2.s-1]"] / radius**2


def surface_rise(k, uptake, t):
    """Filling of the surface of a sphere under a constant inflow q, Crank eq. 6.45:

    (q/k) (3 k t + 1/5 - 2 sum exp(-a^2 k t)/a^2), tan a = a.
    """
    n = np.arange(1, 400)
    roots = [
        brentq(lambda a: np.sin(a) - a * np.cos(a), (m + 1e-9) * np.pi, (m + 0.5) * np.pi)
        for m in n
    ]
    a2 = np.array(roots)[:, None] ** 2
    return uptake / k * (3 * k * t + 0.2 - 2 * (np.exp(-a2 * k * t) / a2).sum(0))


SLOW = 2e-15  # m2/s: at 0.4C the profile in the particle is visible


def discharged(shells, diffusivity=SLOW, rate="0.4C"):
    cell = one_site(**{"Positive particle diffusivity [m2.s-1]": diffusivity})
    resolution = Resolution(shells=shells, rtol=1e-8, atol=1e-10)
    return cell, sscell.simulate(cell, sscell.discharge(rate), resolution=resolution)


def surface_error(shells):
    """Largest deviation from the series, once the profile reaches over a few shells."""
    cell, run = discharged(shells)
    t = run["Time [s]"].values
    # 0.4C of 170 mAh/g fills a share of the sites per second; one third of it per surface.
    uptake = cell.current("0.4C") / (cell.theoretical_capacity * 3600) / 3
    k, start = diffusion_rate(cell), float(run[MEAN][0])
    late = (t * k > 0.02) & (t * k < 0.5)
    exact = start + surface_rise(k, uptake, t[late])
    return np.abs(run[SURFACE].values[late] - exact).max()


def test_constant_current_gives_the_series_of_a_sphere():
    assert surface_error(100) < 2e-4


def test_surface_converges_with_the_square_of_the_shells():
    errors = [surface_error(n) for n in (10, 20, 40)]
    orders = np.log2(np.divide(errors[:-1], errors[1:]))
    assert np.all(orders > 1.8)
    assert np.all(orders < 2.3)


def test_potential_of_one_ideal_site_is_nernst():
    """U = U0 + (RT/F) ln((1 - x)/x) at the surface, and V is that without losses."""
    _, run = discharged(50, diffusivity=1e-13, rate="0.1C")
    x = run[SURFACE].values
    inside = (x > 0.01) & (x < 0.99)
    nernst = 2.8 + THERMAL * np.log((1 - x[inside]) / x[inside])
    assert run["Voltage [V]"].values[inside] == pytest.approx(nernst, abs=2e-4)


@pytest.mark.parametrize("filling", [1e-6, 0.01, 0.3, 0.5, 0.77, 0.999])
@pytest.mark.parametrize("celsius", [-30, 60])
def test_filling_comes_back_from_its_potential(filling, celsius):
    """x(U(x)) = x for two sites of unequal width."""
    cell = sscell.load("Liang2023").replace({"Lower step width coefficient": 1.3})
    kelvin = celsius + 273.15
    potential = cell.host.equilibrium_potential(filling, cell.values, kelvin)
    filled, empty = cell.host.split(potential, kelvin, cell.values.__getitem__)
    assert filled == pytest.approx(filling, rel=1e-9)
    assert filled + empty == pytest.approx(1, abs=1e-14)


def test_model_at_rest_sits_on_the_equilibrium_potential():
    cell = sscell.load("Liang2023")
    pause = sscell.protocols.then(
        sscell.discharge("0.1C", duration="4 h"), sscell.rest("200 h")
    )
    run = sscell.simulate(cell, pause)
    mean = float(run[MEAN][-1])
    assert float(run[SURFACE][-1]) == pytest.approx(mean, abs=1e-6)
    expected = cell.host.equilibrium_potential(mean, cell.values, K25)
    assert float(run["Voltage [V]"][-1]) == pytest.approx(expected, abs=1e-4)


def test_grains_follow_their_law():
    """All alike, dx/dt = k (x_eq(U) - x) from the start to the cut-off."""
    k = 1e-3
    changes = {
        "Lower step transformation spread": 0.0,
        "Lower step transformation rate [s-1]": k,
    }
    cell = sscell.load("Liang2023").replace(changes)
    run = sscell.simulate(cell, sscell.discharge("1C"))
    parts = ("Open-circuit", "Particle transport")  # against lithium
    surface = sum(run[f"{part} contribution [V]"].values for part in parts)
    filled, empty = cell.host.split_of(
        ["Lower step"], surface, K25, cell.values.__getitem__
    )
    t, x = run["Time [s]"].values, run["Lower step filling"].values
    drive = filled / (filled + empty) - x
    gained = np.concatenate([[0], np.cumsum(np.diff(t) * (drive[1:] + drive[:-1]) / 2 * k)])
    assert x[-1] > 0.4
    assert x - x[0] == pytest.approx(gained, abs=2e-3)


def test_fast_grains_are_dissolved_guest():
    """Where grains and diffusion are fast, nothing tells both kinds of site apart."""
    fast = {
        "Positive particle diffusivity [m2.s-1]": 1e-11,
        "Lower step transformation rate [s-1]": 10.0,
    }
    grains = sscell.load("Liang2023").replace(fast)
    fast = {
        name: grains.values[name]
        for name in grains.values
        if name in sscell.load("Liang2023-diffusion").values and "decay" not in name
    }
    fast["Positive particle diffusivity decay coefficient"] = 0.0
    dissolved = sscell.load("Liang2023-diffusion").replace(fast)
    first, second = (sscell.simulate(c, sscell.cycle("1C")) for c in (grains, dissolved))
    at = np.linspace(0.02, 0.98, 30) * first.attrs["theoretical_capacity_Ah"] * 0.97
    curves = [
        np.interp(at, r["Discharge capacity [A.h]"], r["Voltage [V]"].values)
        for r in (q.isel(time=q["Step"].values == 1) for q in (first, second))
    ]
    assert curves[0] == pytest.approx(curves[1], abs=2e-3)


def test_entropy_shifts_the_potential_by_dt():
    """U(T) - U(Tref) = S (T - Tref) where half the sites are full."""
    cell = one_site(**{"Step entropic change [V.K-1]": 3e-4})
    cold = cell.host.equilibrium_potential(0.5, cell.values, K25 - 40)
    warm = cell.host.equilibrium_potential(0.5, cell.values, K25)
    assert warm - cold == pytest.approx(3e-4 * 40)


@pytest.mark.parametrize("points", [0, 8])
@pytest.mark.parametrize("celsius", [-30, 25])
def test_lithium_is_conserved(celsius, points):
    run = sscell.simulate(
        "Liang2023",
        sscell.cycle("0.4C", cycles=2),
        temperature=celsius,
        resolution=Resolution(shells=20, thickness_points=points),
    )
    for name in ("Guest balance residual", "Host balance residual"):
        assert np.abs(run[name].values).max() < 1e-6


@pytest.mark.parametrize("celsius", [-30, 25])
def test_contributions_sum_to_the_voltage(celsius):
    run = sscell.simulate("Liang2023", sscell.discharge("0.4C"), temperature=celsius)
    budget = metadata(run, "budget")
    total = sum(run[name].values for name in budget)
    assert total == pytest.approx(run["Voltage [V]"].values, abs=1e-9)


def test_transport_lowers_the_potential_on_discharge():
    run = sscell.simulate("Liang2023", sscell.cycle("1C"))
    lost = run["Particle transport contribution [V]"].values
    assert np.all(lost[(run["Step"] == 1).values] < 1e-9)


def test_good_conduction_makes_the_thickness_irrelevant():
    good = {
        "Positive electrode electrolyte conductivity [S.m-1]": 100.0,
        "Positive electrode conductivity [S.m-1]": 1e6,
    }
    cell = sscell.load("Liang2023").replace(good)
    lumped, spread = (
        sscell.simulate(
            cell, sscell.discharge("1C"), resolution=Resolution(20, thickness_points=n)
        )
        for n in (0, 6)
    )
    capacity = [run["Discharge capacity [A.h]"].values for run in (lumped, spread)]
    at = np.linspace(0.05, 0.9, 20) * capacity[0][-1]
    first, second = (
        np.interp(at, q, run["Voltage [V]"].values)
        for q, run in zip(capacity, (lumped, spread), strict=True)
    )
    assert second == pytest.approx(first, abs=1e-3)


def test_sweep_of_an_empty_host_gives_the_randles_sevcik_peak():
    """i_p = 0.4463 F c sqrt(F v D/RT): Nernstian, the profile far thinner than the radius."""
    cell = one_site(
        **{
            "Positive particle diffusivity [m2.s-1]": 2e-18,
            "Initial positive electrode potential [V]": 3.1,
        }
    )
    v = cell.values
    run = sscell.simulate(
        cell, sscell.protocols.cv("0.1 mV/s"), resolution=Resolution(shells=600, rtol=1e-6)
    )
    current = run["Current [A]"].values.max()
    host = v["Positive electrode active material density [kg.m-3]"]
    host /= v["Positive electrode active material molar mass [kg.mol-1]"]
    volume = cell.active_mass / v["Positive electrode active material density [kg.m-3]"]
    area = 3 * volume / v["Positive particle radius [m]"]
    scale = np.sqrt(1e-4 / THERMAL * v["Positive particle diffusivity [m2.s-1]"])
    assert current == pytest.approx(0.4463 * FARADAY * host * scale * area, rel=0.03)


def test_diffusion_impedance_is_that_of_a_sphere():
    """Z = -(dU/dx)/(3 Q k (psi coth psi - 1)), psi = sqrt(i w/k), Q = n F: at half filling
    of one ideal site dU/dx = -4 RT/F.
    """
    cell = one_site(
        **{
            "Positive particle diffusivity [m2.s-1]": SLOW,
            "Initial positive electrode potential [V]": 2.8,
            "Positive electrode double-layer capacity [F.m-2]": 1e-6,
        }
    )
    frequencies = np.array([1e-2, 1e-3, 1e-4])
    run = sscell.simulate(
        cell,
        sscell.protocols.impedance(frequencies),
        resolution=Resolution(shells=100, double_layer=True),
    )
    k = diffusion_rate(cell)
    psi = np.sqrt(2j * np.pi * np.asarray(run["Frequency [Hz]"].values) / k)
    charge = cell.theoretical_capacity * 3600
    exact = 4 * THERMAL / (3 * charge * k * (psi / np.tanh(psi) - 1))
    got = (run["Z real [Ohm]"] + 1j * run["Z imaginary [Ohm]"]).values.ravel()
    assert got == pytest.approx(exact.ravel(), rel=0.01)


BAD = [
    ({"sites": []}, "list of different names"),
    ({"sites": ["A", "A"]}, "list of different names"),
    ({"sites": "A"}, "list of different names"),
    ({"guest_per_host": 0}, "must be above 0"),
    ({"guest_per_host": "one"}, "must be above 0"),
    ({"site": ["A"]}, "'sites'"),
    ({"host": None}, "no 'host'"),
    ({"transformed": "Lower step"}, "list of different sites"),
    ({"transformed": ["Lower stepp"]}, "'Lower step'"),
    ({"transformed": ["Lower step", "Upper step"]}, "must not be 'transformed'"),
]


@pytest.mark.parametrize(("change", "sentence"), BAD)
def test_a_bad_table_of_sites_is_one_sentence(change, sentence):
    tables = copy.deepcopy(_TABLES)
    for key, value in change.items():
        if value is None:
            del tables["network"][key]
        else:
            tables["network"][key] = value
    with pytest.raises(ParameterError) as caught:
        Cell(ParameterSet.from_table(tables))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_sites_that_do_not_add_up_are_one_sentence():
    with pytest.raises(ParameterError, match="Upper step, Lower step add up to 1.1"):
        sscell.load("Liang2023").replace({"Upper step fraction": 0.6})


@pytest.mark.parametrize("filling", [0, 1, -0.1, 2])
def test_a_filling_beyond_the_sites_is_one_sentence(filling):
    cell = sscell.load("Liang2023")
    with pytest.raises(ParameterError, match="between 0 and 1"):
        cell.host.equilibrium_potential(filling, cell.values, K25)
