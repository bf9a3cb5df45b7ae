"""Spectra of the full model against closed forms and its own time domain."""

from __future__ import annotations

import numpy as np
import pytest
from linear_medium import (
    KELVIN,
    concentration,
    conductivities,
    medium,
    porous_electrode,
    surface,
    thermal_voltage,
)
from scipy.interpolate import PchipInterpolator

from sscell.analysis import eis, kramers_kronig
from sscell.dataset import load_dataset, metadata, save_dataset
from sscell.errors import ParameterError
from sscell.plots.data import plot_eis
from sscell.protocols import at, cycle, impedance, then
from sscell.protocols.steps import Step
from sscell.simulation.engine import Resolution
from sscell.simulation.run import Run
from sscell.simulation.simulation import simulate
from sscell.units import FARADAY, GAS_CONSTANT, parse_rate

ANODE_I0 = "Negative electrode exchange-current density [A.m-2]"
ANODE_C = "Negative electrode double-layer capacity [F.m-2]"
CATHODE_I0 = "Positive electrode exchange-current density [A.m-2]"
CATHODE_C = "Positive electrode double-layer capacity [F.m-2]"
STORAGE = "Positive electrode surface storage capacity [F.m-2]"
GUEST = "empty ionic conductivity [S.m-1]"
ION = "Positive electrode electrolyte conductivity [S.m-1]"
ELECTRON = "Positive electrode conductivity [S.m-1]"


AMPLITUDE = 5e-6  # V, far below how near the edge of a dead zone a rest ends


def _spectrum(cell, frequencies, mesh=None, **options):
    """Frequencies as angles [s-1] and the impedance [Ohm] of a cell at rest."""
    tones = [float(f) for f in frequencies]
    run = simulate(
        cell, impedance(tones, rest=0), resolution=mesh or Resolution(shells=10), **options
    )
    z = run["Z real [Ohm]"].values[0] + 1j * run["Z imaginary [Ohm]"].values[0]
    return 2j * np.pi * np.array(tones), z


def _warburg(cell, s):
    """Open Warburg of a sphere [Ohm.m2 of its surface]: (R/sigma)/(q coth q - 1),
    q = R sqrt(s/D), D = sigma/(F c C_m).
    """
    v = cell.values
    radius, sigma = v["Positive particle radius [m]"], v[GUEST]
    storage = FARADAY * concentration(cell) * v["Mobile guest capacity [V-1]"]
    q = radius * np.sqrt(s * storage / sigma)
    return radius / sigma / (q / np.tanh(q) - 1)


def _ideal(cell):
    """What the good conductors and the anode of `medium` leave in series [Ohm]."""
    anode = thermal_voltage(cell) / cell.values[ANODE_I0]
    third = cell.cathode_thickness / 3 * sum(1 / k for k in conductivities(cell))
    return (anode + third) / cell.area


def _relative(found, expected):
    return float(np.max(np.abs(found - expected) / np.abs(expected)))


def test_anode_is_a_charge_transfer_resistance_beside_its_double_layer():
    """Z = R/(1 + s R C)/A with R = RT/(F i0)."""
    cell = medium(**{ANODE_I0: 5.0, ANODE_C: 0.3, GUEST: 10.0})
    resistance = thermal_voltage(cell) / 5.0
    s, z = _spectrum(cell, np.logspace(4, -1, 21))
    rest = _warburg(cell, s) / surface(cell)
    arc = resistance / (1 + s * resistance * 0.3) / cell.area
    assert _relative(z - rest, arc) < 2e-3


def test_high_frequency_intercept_is_the_separator():
    """Z(inf) = (L/sigma + third of the cathode's Ohmic drop)/A + R_contact."""
    cell = medium(
        **{
            "Separator thickness [m]": 5e-4,
            "Separator conductivity [S.m-1]": 0.02,
            "Separator conductivity temperature [K]": KELVIN,
            "Contact resistance [Ohm]": 7.0,
            CATHODE_C: 1.0,
            ANODE_C: 1.0,
            ION: 1e-3,
        }
    )
    third = cell.cathode_thickness / 3 * sum(1 / k for k in conductivities(cell))
    _, z = _spectrum(cell, [1e10])
    expected = (5e-4 / 0.02 + third) / cell.area + 7.0
    assert z[0].real == pytest.approx(expected, rel=1e-6)
    assert abs(z[0].imag) < 1e-6 * expected


def test_grain_boundaries_are_a_resistance_beside_a_capacity():
    """Z = R/(1 + s R C)/A, R with its own Arrhenius law."""
    kelvin = KELVIN - 20
    cell = medium(
        **{
            "Separator grain-boundary resistance [Ohm.m2]": 4e-3,
            "Separator grain-boundary activation energy [J.mol-1]": 4e4,
            "Separator grain-boundary capacity [F.m-2]": 1e-3,
            "Ambient temperature [K]": kelvin,
            GUEST: 10.0,
        }
    )
    hot = np.exp(4e4 / GAS_CONSTANT * (1 / kelvin - 1 / KELVIN))
    resistance = 4e-3 * hot
    s, z = _spectrum(cell, np.logspace(6, 1, 26))
    rest = _warburg(cell, s) / surface(cell)
    arc = resistance / (1 + s * resistance * 1e-3) / cell.area
    assert _relative(z - rest, arc) < 2e-3


def test_charge_transfer_is_a_resistance_beside_double_layer_and_surface_storage():
    """Z = 1/(1/(R_ct + R_film + Z_W) + s (C_dl + C_s))/S with R_ct = RT/(F j0)."""
    cell = medium(
        **{
            CATHODE_I0: 0.5,
            CATHODE_C: 0.2,
            STORAGE: 0.3,
            "Positive electrode interphase resistance [Ohm.m2]": 0.02,
            GUEST: 10.0,
        }
    )
    s, z = _spectrum(cell, np.logspace(4, -2, 25))
    faradaic = thermal_voltage(cell) / 0.5 + 0.02 + _warburg(cell, s)
    expected = 1 / (1 / faradaic + s * 0.5) / surface(cell) + _ideal(cell)
    assert _relative(z, expected) < 2e-3


def test_blocking_interface_is_its_capacity_alone():
    """i0 -> 0: Z = 1/(s C S)."""
    cell = medium(**{CATHODE_I0: 1e-8, CATHODE_C: 0.2})
    s, z = _spectrum(cell, np.logspace(2, -2, 9))
    assert _relative(z, 1 / (s * 0.2 * surface(cell))) < 2e-3


def test_particle_is_an_open_warburg_when_nothing_reacts():
    """Z = (R/sigma)/(q coth q - 1)/S: 45 degrees above D/R^2, a capacity below."""
    cell = medium(**{GUEST: 1e-5, "Positive particle radius [m]": 5e-6})
    # D/R^2 = 6.4e-5 s-1: from four decades above it to two below.
    s, z = _spectrum(cell, np.logspace(-1, -6.5, 23), Resolution(shells=400))
    expected = _warburg(cell, s) / surface(cell)
    assert _relative(z, expected) < 0.01
    angles = np.degrees(np.angle(expected))
    assert angles[0] == pytest.approx(-45, abs=1.5)
    assert angles[-1] < -85


def test_warburg_converges_with_second_order_over_the_radius():
    """Error against the closed form of the sphere, at a diffusion length of R/6."""
    cell = medium(**{GUEST: 1e-5, "Positive particle radius [m]": 5e-6})
    errors = []
    for shells in (20, 40, 80):
        s, z = _spectrum(cell, [4e-4], Resolution(shells=shells))
        errors.append(_relative(z, _warburg(cell, s) / surface(cell)))
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert orders == pytest.approx(2.0, abs=0.2)


@pytest.mark.parametrize("electron", [1e8, 5e-3])
def test_blocking_distributed_cathode_is_a_transmission_line(electron):
    """z = 1/(s C): `porous_electrode`; with sigma_e -> infinity L/sigma_i coth(q)/q,
    q = L sqrt(s C a/sigma_i).
    """
    cell = medium(**{CATHODE_I0: 1e-8, CATHODE_C: 0.5, ION: 1e-3, ELECTRON: electron})
    mesh = Resolution(shells=3, thickness_points=60)
    s, z = _spectrum(cell, np.logspace(0.5, -3, 15), mesh)
    expected = porous_electrode(cell, 1 / (s * 0.5)) / cell.area
    assert _relative(z, expected) < 3e-3
    if electron == 1e8:
        ion, length = conductivities(cell)[0], cell.cathode_thickness
        per_volume = surface(cell) / cell.area / length
        q = length * np.sqrt(s * 0.5 * per_volume / ion)
        assert _relative(expected * cell.area, length / ion / np.tanh(q) / q) < 1e-4


def test_distributed_cathode_with_charge_transfer_is_a_line_of_arcs():
    """z = 1/(1/(R_ct + Z_W) + s C) at every point of the thickness."""
    cell = medium(**{CATHODE_I0: 0.2, CATHODE_C: 0.5, ION: 1e-3, ELECTRON: 5e-3})
    s, z = _spectrum(
        cell, np.logspace(0.5, -3, 15), Resolution(shells=20, thickness_points=60)
    )
    faradaic = thermal_voltage(cell) / 0.2 + _warburg(cell, s)
    expected = porous_electrode(cell, 1 / (1 / faradaic + s * 0.5)) / cell.area
    assert _relative(z, expected) < 3e-3


def test_transmission_line_converges_with_second_order():
    """Error against the closed form at 0.3 Hz over four meshes."""
    cell = medium(**{CATHODE_I0: 1e-8, CATHODE_C: 0.5, ION: 1e-3})
    errors = []
    for points in (10, 20, 40):
        s, z = _spectrum(cell, [0.3], Resolution(shells=3, thickness_points=points))
        expected = porous_electrode(cell, 1 / (s * 0.5)) / cell.area
        errors.append(_relative(z, expected))
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert orders == pytest.approx(2.0, abs=0.2)


@pytest.fixture(scope="module")
def rested(ji):
    """Builds a run of the Na-S cell: some hours of discharge at 60 degC, a long rest."""

    def build(points, hours):
        hot = ji.replace({"Ambient temperature [K]": 333.15, CATHODE_C: 5.0})
        mesh = Resolution(
            shells=15, thickness_points=points, double_layer=True, rtol=1e-9, atol=1e-11
        )
        run = Run(hot, mesh)
        run.execute(
            [
                Step("discharge", parse_rate("C/20"), duration=hours * 3600.0),
                # At the edge of a dead zone a rest never ends: what is left falls as 1/t.
                Step("rest", duration=(500 if hours > 5 else 100) * 3600.0),
            ]
        )
        return run

    return build


@pytest.mark.parametrize(("points", "hours"), [(0, 4.0), (0, 10.0), (4, 4.0)])
@pytest.mark.parametrize("frequency", [1e-3, 0.01, 0.1])
def test_spectrum_is_the_small_signal_response_in_time(rested, points, hours, frequency):
    """A small square wave: the fundamentals of voltage and current give -V/I = Z."""
    run = rested(points, hours)
    run.execute([Step("impedance", frequencies=(frequency,), label="x")])
    expected = run.spectra[0].impedance[0]
    amplitude = AMPLITUDE / abs(expected)  # A
    half, waves = 0.5 / frequency, 5
    run.forget()
    size = parse_rate(f"{amplitude} A")
    # A quarter wave first: the charge then swings about the state of the spectrum.
    ways = [("discharge", half / 2)] + [("charge", half), ("discharge", half)] * waves
    steps = [
        Step(way, size, until=(0.0 if way == "discharge" else 5.0), duration=seconds)
        for way, seconds in ways
    ]
    run.execute(steps)
    kept = run.records[7:]  # the first three waves settle
    ends = [(r.time[-1], r.outputs["Voltage [V]"][-1]) for r in kept[1::2]]
    drift = np.polyfit(*np.transpose(ends), 1)
    voltage = current = 0.0
    for record in kept:
        # The solver's last steps span a good part of a wave: finer for the integral.
        t = np.union1d(record.time, np.linspace(record.time[0], record.time[-1], 500))
        wave = np.exp(-2j * np.pi * frequency * t)
        follow = PchipInterpolator(record.time, record.outputs["Voltage [V]"])
        moved = follow(t) - np.polyval(drift, t)
        voltage += np.trapezoid(moved * wave, t)
        current += record.outputs["Current [A]"][0] * np.trapezoid(wave, t)
    assert abs(-voltage / current - expected) < 0.005 * abs(expected)


def test_spectra_obey_kramers_and_kronig(ji):
    """A linear, causal and stable cell: residuals of the linear Kramers-Kronig test < 1 %."""
    run = simulate(ji, impedance(along="discharge", points=3, rate="C/10"), temperature=60)
    for k in range(run.sizes["state"]):
        test = kramers_kronig(run.isel(state=[k]))
        assert test.valid, run["state"].values[k]


def test_spectra_are_taken_along_a_discharge_at_open_circuit(ji):
    """Labels in order; the theoretical capacity divided into equal shares."""
    protocol = impedance([1e3, 1e-2], along="discharge", points=4, rate="C/10")
    run = simulate(ji, protocol, temperature=60, resolution=Resolution(shells=15))
    labels = [f"discharge {s}" for s in ("0%", "33%", "67%")]
    assert list(run["state"].values)[:3] == labels
    steps = [s for s in metadata(run, "steps") if s["direction"] == "discharge"]
    numbers = run["Step"].values
    for step in steps[:2]:
        charge = run["Discharge capacity [A.h]"].values[numbers == step["step"]]
        share = (charge[-1] - charge[0]) / ji.theoretical_capacity
        assert share == pytest.approx(1 / 3, rel=1e-6)
    assert np.all(run["Z imaginary [Ohm]"].values < 0)


@pytest.mark.parametrize(
    ("cell", "celsius", "rate", "along", "points"),
    [
        ("Ji2024", 60, "C/3", "discharge", 5),
        ("Ji2024", 60, "5C", "discharge", 3),
        ("Song2024", 30, "1C", "charge", 5),
    ],
)
def test_labels_say_what_has_passed_and_not_what_was_planned(
    cell, celsius, rate, along, points
):
    plan = impedance([1e4, 1e2, 1.0], along=along, points=points, rate=rate)
    run = simulate(cell, plan, temperature=celsius, resolution=Resolution(shells=15))
    step, charge = run["Step"].values, run["Discharge capacity [A.h]"].values
    rests = [s["step"] for s in metadata(run, "steps") if s["direction"] == "rest"]
    full = metadata(run, "theoretical_capacity_Ah")
    passed = np.array([abs(charge[step == k][-1]) / full for k in rests])
    assert run["passed_share"].values == pytest.approx(passed, abs=1e-6)
    labels = [str(label).split(" #")[0] for label in run["state"].values]
    assert labels == [f"{along} {share:.0%}" for share in passed]
    assert len(set(run["state"].values)) == len(labels)
    shares = [s["passed_share"] for s in eis(run)["spectra"]]
    assert shares == pytest.approx(passed, abs=1e-6)


def test_few_frequencies_have_spectra_but_no_relaxation_times(ji):
    run = simulate(ji, impedance([1e4, 1e2, 1.0]), temperature=60)
    found = eis(run)
    assert found["drt"] is None
    assert len(found["spectra"][0]["frequency_Hz"]) == 3
    assert found["spectra"][0]["passed_share"] is None
    assert any("fewer than 8 frequencies" in note for note in found["warnings"])
    assert len(plot_eis(found).axes) == 2


@pytest.mark.parametrize("suffix", [".nc", ".csv", ".parquet"])
def test_state_and_temperature_travel_with_each_spectrum(ji, suffix, tmp_path):
    plan = impedance([1e4, 1e2, 1.0], rest=0)
    run = simulate(ji, then(plan, at(90, plan)), temperature=60, state="formed")
    save_dataset(run, tmp_path / f"spectra{suffix}")
    back = load_dataset(tmp_path / f"spectra{suffix}")
    assert list(back["state"].values) == ["at rest", "at rest #2"]
    assert list(back["temperature"].values) == [60.0, 90.0]
    assert metadata(back, "state") == "formed"
    assert np.array_equal(back["Z real [Ohm]"].values, run["Z real [Ohm]"].values)
    assert [s["temperature_C"] for s in eis(back)["spectra"]] == [60.0, 90.0]


def test_interphase_of_the_oxidation_shows_between_spectra_before_and_after(ji):
    """`then` measures twice; what cycling oxidised adds R (1 - q)/S at 1 Hz."""
    tones, area = [1e3, 1.0, 1e-2], surface(ji)
    film = "Electrolyte oxidation interphase resistance [Ohm.m2]"
    protocol = then(impedance(tones), cycle("C/20"), impedance(tones))
    growth = []
    for ohm in (0.0, 0.3):
        run = simulate(
            ji,
            protocol,
            temperature=60,
            changes={film: ohm, CATHODE_C: 1e-3},
            resolution=Resolution(shells=15),
        )
        assert list(run["state"].values) == ["at rest", "at rest #2"]
        z = run["Z real [Ohm]"].values
        growth.append(z[1, 1] - z[0, 1])
    gone = 1 - float(run["Mean reactive electrolyte fraction"][-1])
    assert gone > 0.3
    assert growth[1] - growth[0] == pytest.approx(0.3 * gone / area, rel=0.02)


def test_spectra_of_different_frequencies_are_refused(ji):
    """A dataset has one frequency axis."""
    protocol = then(impedance([1e3, 1.0]), impedance([1e2, 1.0]))
    with pytest.raises(ParameterError, match="frequencies"):
        simulate(ji, protocol)
