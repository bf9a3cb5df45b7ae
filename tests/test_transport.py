"""Arrhenius lines, potential steps and conductivities against their own equations."""

import numpy as np
import pytest

from sscell.analysis import arrhenius, conductivity, cottrell, nernst_einstein
from sscell.dataset import time_series
from sscell.errors import DataError, ParameterError

T = np.array([25.0, 40.0, 60.0, 80.0, 100.0])


def line(energy, prefactor=1e3, power=1):
    kelvin = T + 273.15
    return (
        prefactor * np.exp(-energy * 96485.33212 / (8.314462618 * kelvin)) / kelvin**power
    )


@pytest.mark.parametrize("energy", [0.15, 0.4, 0.892])
def test_activation_energy_that_was_put_in_comes_back(energy):
    fit = arrhenius(T, line(energy))
    assert fit.activation_energy_eV == pytest.approx(energy, rel=1e-9)
    assert np.exp(fit.log_prefactor) == pytest.approx(1e3, rel=1e-6)
    assert fit.value(60.0) == pytest.approx(line(energy)[2], rel=1e-9)
    assert fit.activation_energy_kJ_mol == pytest.approx(energy * 96.485, rel=1e-4)


def test_error_of_the_activation_energy_covers_scatter():
    rng = np.random.default_rng(4)
    hits = 0
    for _ in range(200):
        fit = arrhenius(T, line(0.4) * np.exp(rng.normal(0, 0.05, len(T))))
        hits += abs(fit.activation_energy_eV - 0.4) < 3 * fit.activation_energy_error_eV
    assert hits > 180


def test_uncertain_point_weighs_less():
    values = line(0.4)
    values[0] *= 2
    errors = 0.02 * values
    plain = arrhenius(T, values, errors=errors)
    errors[0] = 2 * values[0]
    weighted = arrhenius(T, values, errors=errors)
    assert abs(weighted.activation_energy_eV - 0.4) < 0.1 * abs(
        plain.activation_energy_eV - 0.4
    )


def test_bent_arrhenius_plot_is_flagged_and_too_few_points_refused():
    assert "no straight line" in arrhenius(T, [1, 2, 1, 2, 1]).warnings[0]
    with pytest.raises(DataError, match="three or more temperatures"):
        arrhenius([25, 60], [1, 2])
    with pytest.raises(DataError, match="positive"):
        arrhenius(T, [1, 2, 3, 4, -5])


def step(d, area=1.3, concentration=0.02, rest=True, resistance=0.0):
    """Current after a step into a half space, behind a resistor's decay if wanted."""
    t = np.geomspace(0.01, 100, 400)
    i = 96485.33212 * area * concentration * np.sqrt(d / (np.pi * t))
    i = i * (1 - np.exp(-t / resistance)) if resistance else i
    v = np.full(len(t), 2.5)
    if rest:
        t, i, v = np.r_[-20, -10, 0, t] + 20, np.r_[0, 0, 0, i], np.r_[3, 3, 3.0, v]
    return time_series(
        {"Time [s]": t, "Voltage [V]": v, "Current [A]": i}, {"area_cm2": area}
    )


@pytest.mark.parametrize("d", [1e-8, 1e-10])
def test_cottrell_returns_the_diffusion_coefficient_and_conductivity(d):
    found = cottrell(step(d), concentration_mol_cm3=0.02, temperature_C=25)
    assert found.diffusion_coefficient_cm2_s == pytest.approx(d, rel=0.01)
    expected = 0.02 * 96485.33212**2 * d / (8.314462618 * 298.15)
    assert found.apparent_ionic_conductivity_S_cm == pytest.approx(expected, rel=0.01)
    assert not found.warnings


def test_current_that_is_not_cottrells_is_flagged():
    t = np.linspace(0.1, 100, 300)
    decay = time_series(
        {"Time [s]": t, "Voltage [V]": 0 * t + 2, "Current [A]": np.exp(-t / 10)}
    )
    notes = cottrell(decay, concentration_mol_cm3=0.02, area_cm2=1).warnings
    assert any("does not follow t^-1/2" in w for w in notes)


def test_without_concentration_the_numbers_are_null_and_it_says_why():
    found = cottrell(step(1e-9))
    assert found.diffusion_coefficient_cm2_s is None
    assert any("No concentration is given" in w for w in found.warnings)


def test_nernst_einstein_is_proportional_to_concentration_over_temperature():
    one = nernst_einstein(1e-9, 0.01, 25)
    assert nernst_einstein(1e-9, 0.02, 25) == pytest.approx(2 * one)
    assert nernst_einstein(1e-9, 0.01, 323.15) == pytest.approx(one / 2)


def test_conductivity_refuses_what_is_not_positive():
    assert conductivity(50.0, 0.05, 0.5) == pytest.approx(2e-3)
    with pytest.raises(ParameterError, match="must be positive"):
        conductivity(0, 1, 1)
