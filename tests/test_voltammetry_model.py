"""Voltammetry and potential steps of a linear diffusion medium against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from linear_medium import POTENTIAL, concentration, diffusivity, medium, surface

from sscell.analysis import b_value, cottrell
from sscell.dataset import metadata
from sscell.protocols import cv, potential_step
from sscell.simulation.engine import Resolution
from sscell.simulation.simulation import simulate
from sscell.units import FARADAY

RADIUS = 2e-5
FINE = Resolution(shells=400, rtol=1e-6, atol=1e-8)
STORAGE = "Positive electrode surface storage capacity [F.m-2]"
CATHODE_I0 = "Positive electrode exchange-current density [A.m-2]"
SWEEP = 0.02  # V


@pytest.fixture(scope="module")
def insertion():
    """D = sigma/(F c C_m) = 1.6e-14 m2/s: D/R^2 = 4e-5 s-1."""
    return medium(
        **{
            "Positive particle radius [m]": RADIUS,
            "empty ionic conductivity [S.m-1]": 1e-4,
            # An ideal step would draw an endless current: 0.3 Ohm cost 0.3 % at 10 s.
            "Contact resistance [Ohm]": 0.3,
            "Positive electrode double-layer capacity [F.m-2]": 0.1,
            "Negative electrode double-layer capacity [F.m-2]": 0.1,
        }
    )


@pytest.fixture(scope="module")
def stepped(insertion):
    """A step of 10 mV down from rest."""
    protocol = potential_step(POTENTIAL - 0.01, "10 min", rest="1 min")
    return simulate(insertion, protocol, resolution=FINE)


def _after(run):
    """Time since the step [s] and the current [A]."""
    number = max(s["step"] for s in metadata(run, "steps"))
    rows = run["Step"].values == number
    t = run["Time [s]"].values[rows]
    return t - t[0], run["Current [A]"].values[rows]


def test_current_after_a_step_is_cottrell(insertion, stepped):
    """i = F S dc (sqrt(D/(pi t)) - D/R), dc = c C_m dE: a sphere, at short times."""
    t, i = _after(stepped)
    d = diffusivity(insertion)
    late = (t > 20) & (t < 500)
    unit = FARADAY * surface(insertion) * concentration(insertion) * 0.01
    expected = unit * (np.sqrt(d / np.pi / t[late]) - d / RADIUS)
    assert i[late] == pytest.approx(expected, rel=0.02)


def test_current_after_a_step_falls_with_the_root_of_time(insertion, stepped):
    """log i over log t has the slope -1/2, once the sphere's constant is added."""
    t, i = _after(stepped)
    late = (t > 10) & (t < 300)
    curved = FARADAY * surface(insertion) * concentration(insertion) * 0.01
    flat = i[late] + curved * diffusivity(insertion) / RADIUS
    slope = np.polyfit(np.log(t[late]), np.log(flat), 1)[0]
    assert slope == pytest.approx(-0.5, abs=0.01)


def test_cottrell_analysis_returns_the_diffusion_coefficient_put_in(insertion, stepped):
    """Package's own analysis, within 5 %."""
    found = cottrell(
        stepped,
        concentration_mol_cm3=concentration(insertion) * 0.01 * 1e-6,
        area_cm2=surface(insertion) * 1e4,
        window=(10.0, 300.0),
    )
    expected = diffusivity(insertion) * 1e4
    assert found.diffusion_coefficient_cm2_s == pytest.approx(expected, rel=0.05)


def _sweeps(cell, speeds, **options):
    """Time [s] and current [A] of the first sweep down by 20 mV, one for each scan rate."""
    found = []
    for speed in speeds:
        window = [POTENTIAL - SWEEP, POTENTIAL + SWEEP]
        run = simulate(cell, cv(speed, window, start="discharge"), **options)
        rows = run["Step"].values == 1
        found.append((run["Time [s]"].values[rows], run["Current [A]"].values[rows]))
    return found


SPEEDS = [1e-4, 3e-4, 1e-3]


def test_sweep_current_grows_with_the_root_of_the_scan_rate(insertion):
    """Linear isotherm: i = 2 F c C_m S sqrt(D v E/pi) - F c C_m S D E/R; b = 1/2."""
    d, area = diffusivity(insertion), surface(insertion)
    unit = FARADAY * concentration(insertion) * area
    planar = []
    for speed, (t, i) in zip(
        SPEEDS, _sweeps(insertion, SPEEDS, resolution=FINE), strict=True
    ):
        swept = speed * t[-1]
        curved = unit * d * swept / RADIUS
        expected = 2 * unit * np.sqrt(d * speed * swept / np.pi) - curved
        # The anode is full, RT/F ln 1.001 above its plateau: the sweep begins that lower.
        assert swept == pytest.approx(SWEEP, abs=5e-5)
        assert i[-1] == pytest.approx(expected, rel=0.02)
        planar.append(i[-1] + curved)
    assert b_value(SPEEDS, planar).b == pytest.approx(0.5, abs=0.02)


def test_semi_infinite_sweeps_have_b_of_one_half(insertion):
    """Fast enough that the sphere is flat: b-value of the current as measured."""
    fast = [1e-3, 3e-3, 1e-2]
    currents = [i[-1] for _, i in _sweeps(insertion, fast, resolution=FINE)]
    assert b_value(fast, currents).b == pytest.approx(0.5, abs=0.02)


def test_surface_storage_alone_has_b_of_one():
    """No charge transfer: i = (C_dl + C_s) S v, b = 1."""
    cell = medium(**{CATHODE_I0: 1e-8, STORAGE: 20.0})
    currents = [i[-1] for _, i in _sweeps(cell, SPEEDS, resolution=Resolution(shells=5))]
    expected = [20.0 * surface(cell) * speed for speed in SPEEDS]
    assert currents == pytest.approx(expected, rel=0.01)
    assert b_value(SPEEDS, currents).b == pytest.approx(1.0, abs=0.02)


def test_storage_beside_diffusion_has_b_between(insertion):
    """Both at once: 1/2 < b < 1."""
    both = insertion.replace({STORAGE: 5000.0})
    currents = [i[-1] for _, i in _sweeps(both, SPEEDS, resolution=FINE)]
    assert 0.55 < b_value(SPEEDS, currents).b < 0.95


def test_sweep_is_linear_in_time_and_turns_at_its_window(insertion):
    """V = V0 - v t to 1e-6 V, then up; the window's vertices are met."""
    window = [POTENTIAL - SWEEP, POTENTIAL + SWEEP]
    run = simulate(insertion, cv(1e-3, window, cycles=2), resolution=Resolution(shells=50))
    number, t, v = (run[n].values for n in ("Step", "Time [s]", "Voltage [V]"))
    assert number.max() == 4
    for k in range(1, 5):
        rows = number == k
        slope = -1e-3 if k % 2 else 1e-3
        expected = v[rows][0] + slope * (t[rows] - t[rows][0])
        assert v[rows] == pytest.approx(expected, abs=1e-6)
        assert v[rows][-1] == pytest.approx(window[(k + 1) % 2], abs=1e-6)


def test_voltammogram_of_the_published_cell_has_its_peaks(ji):
    """Cathodic peaks lie below the OCV of sulfur, anodic ones above the cathodic."""
    from sscell.analysis import cv as voltammetry

    run = simulate(ji, cv("0.05 mV/s"), temperature=60, resolution=Resolution(shells=100))
    peaks = voltammetry(run).peaks
    cathodic = [p["voltage_V"] for p in peaks if p["direction"] == "discharge"]
    anodic = [p["voltage_V"] for p in peaks if p["direction"] == "charge"]
    assert cathodic and anodic
    assert max(cathodic) < 2.0
    assert max(anodic) > max(cathodic)
    assert all(p["current_A"] > 0 for p in peaks if p["direction"] == "discharge")
    assert all(p["current_A"] < 0 for p in peaks if p["direction"] == "charge")
