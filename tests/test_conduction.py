"""Conduction through the cathode against closed solutions and mesh refinement."""

from __future__ import annotations

import numpy as np
import pytest
from linear_medium import conductivities, medium, porous_electrode, surface
from scipy.interpolate import PchipInterpolator

from sscell.protocols import discharge
from sscell.protocols.steps import Step
from sscell.simulation.engine import Resolution, engine
from sscell.simulation.run import Run
from sscell.simulation.simulation import simulate
from sscell.units import parse_rate

ION = "Positive electrode electrolyte conductivity [S.m-1]"
ELECTRON = "Positive electrode conductivity [S.m-1]"
CATHODE = (
    "Cathode ion contribution [V]",
    "Cathode electron contribution [V]",
    "Charge-transfer contribution [V]",
    "Interphase contribution [V]",
    "Particle transport contribution [V]",
)


def _state(cell, resolution, *steps):
    """Model, inputs and state after steps, for any variable of the model."""
    run = Run(cell, resolution)
    run.execute(steps)
    built = engine(run.cell, resolution)
    inputs = built.inputs(run.cell, run.cell.current(steps[-1].rate))
    y = np.asarray(run.solution.y)[:, -1:]

    def value(name):
        variable = built.model.get_processed_variable(name)
        return np.ravel(variable.evaluate(0.0, y, inputs=inputs))

    return value


@pytest.fixture(scope="module")
def poor(ji):
    """A cathode in which both conductivities limit the current, at 60 degC."""
    changes = {ION: 1e-3, ELECTRON: 2e-4, "Ambient temperature [K]": 333.15}
    return ji.replace(changes)


@pytest.fixture(scope="module")
def halfway(poor):
    """The poor cathode in the middle of a discharge."""
    step = Step("discharge", parse_rate("C/20"), duration=6 * 3600.0)
    return _state(poor, Resolution(shells=25, thickness_points=15), step)


def test_lumped_and_distributed_agree_when_conduction_is_good(ji):
    """sigma -> infinity: phi_s and phi_e are flat, and all particles are alike."""
    good = {ION: 1e3 * ji.values[ION], ELECTRON: 1e3 * ji.values[ELECTRON]}
    curves = []
    for points in (0, 8):
        fine = Resolution(shells=25, thickness_points=points, rtol=1e-8, atol=1e-10)
        run = simulate(ji, discharge("C/20"), temperature=60, changes=good, resolution=fine)
        curves.append((run["Time [s]"].values, run["Voltage [V]"].values))
    (t, v), (other_t, other_v) = curves
    assert t[-1] == pytest.approx(other_t[-1], rel=1e-5)
    common = np.linspace(0, min(t[-1], other_t[-1]) * 0.9999, 4000)
    gap = PchipInterpolator(t, v)(common) - PchipInterpolator(other_t, other_v)(common)
    assert np.max(np.abs(gap)) < 1e-4


def test_lumped_drop_is_a_third_of_the_layer(ji):
    """An even reaction: i L/(3 sigma) for ions and for electrons."""
    run = simulate(ji, discharge("C/20"), temperature=60, resolution=Resolution(shells=10))
    hot = ji.replace({"Ambient temperature [K]": 333.15})
    i = ji.current("C/20") / ji.area
    for name, sigma in zip(CATHODE[:2], conductivities(hot), strict=True):
        third = -i * ji.cathode_thickness / (3 * sigma)
        assert run[name].values == pytest.approx(third, rel=1e-9)


@pytest.mark.parametrize(("ion", "electron"), [(1e-3, 1e8), (1e3, 2e-2), (1e-3, 3e-2)])
def test_polarisation_of_linear_kinetics_is_the_cosh_law_and_second_order(ion, electron):
    """The instant a current flows through linear kinetics z = R_film (Newman and Tobias):
    V loss = i Z(nu) of `porous_electrode`; the error falls with the square of the mesh.
    """
    film = 0.1
    cell = medium(
        **{
            ION: ion,
            ELECTRON: electron,
            "Positive electrode interphase resistance [Ohm.m2]": film,
            "empty ionic conductivity [S.m-1]": 10.0,
        }
    )
    rate = "0.1 mA/cm2"
    expected = 1.0 * porous_electrode(cell, film)
    errors = []
    for points in (5, 10, 20, 40):
        mesh = Resolution(shells=5, thickness_points=points)
        run = simulate(cell, discharge(rate), resolution=mesh)
        loss = -sum(float(run[name].values[0]) for name in CATHODE)
        errors.append(abs(loss - expected) / expected)
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert errors[-1] < 1e-3
    assert orders == pytest.approx(2.0, abs=0.15)


def test_discharge_converges_with_second_order_over_the_thickness(ji):
    """V_h - V = C h^2: halving the mesh divides successive differences by four."""
    voltages = []
    cell = ji.replace({ION: 3e-3, ELECTRON: 3e-3, "Ambient temperature [K]": 333.15})
    step = Step("discharge", parse_rate("C/20"), duration=3 * 3600.0)
    for points in (5, 10, 20, 40):
        mesh = Resolution(shells=8, thickness_points=points, rtol=1e-8, atol=1e-10)
        run = Run(cell, mesh)
        run.execute([step])
        voltages.append(run.voltage())
    differences = np.abs(np.diff(voltages))
    orders = np.log2(differences[:-1] / differences[1:])
    assert differences[0] > 1e-4
    assert orders == pytest.approx(2.0, abs=0.2)


def test_current_is_ionic_at_the_separator_and_electronic_at_the_collector(poor, halfway):
    """i_e(0) = i, i_e(L) = 0, falling in between where every particle is reduced."""
    ionic = halfway("Positive electrode ionic current density [A.m-2]")
    i = poor.current("C/20") / poor.area
    assert ionic[0] == pytest.approx(i, rel=1e-9)
    assert abs(ionic[-1]) < 1e-9 * i
    assert np.all(np.diff(ionic) < 0)


def test_reaction_currents_add_up_to_the_cell_current(poor, halfway):
    """Integral of a j over the layer: mean(j) S = I."""
    total = halfway("Positive electrode total reduction current density [A.m-2]")
    parts = halfway("Positive particle reduction current density [A.m-2]")
    side = halfway("Electrolyte redox current density [A.m-2]")
    area = surface(poor)
    assert np.mean(total) * area == pytest.approx(poor.current("C/20"), rel=1e-9)
    assert parts + side == pytest.approx(total, rel=1e-6)
    assert np.ptp(parts) > 0.05 * np.mean(parts)


def test_reaction_gathers_where_the_better_conductor_ends(ji):
    """Poor ions: at the separator; poor electrons: at the collector."""
    step = Step("discharge", parse_rate("C/20"), duration=600.0)
    mesh = Resolution(shells=10, thickness_points=10)
    hot = ji.replace({"Ambient temperature [K]": 333.15})
    for change, near_separator in (({ION: 1e-3}, True), ({ELECTRON: 3e-4}, False)):
        value = _state(hot.replace(change), mesh, step)
        j = value("Positive particle reduction current density [A.m-2]")
        assert np.all(np.diff(j) < 0) if near_separator else np.all(np.diff(j) > 0)


def test_local_particles_take_up_what_the_cell_delivers(poor):
    """Charge conservation over the layer, with other reactions and losses beside."""
    mesh = Resolution(shells=15, thickness_points=6)
    run = simulate(poor, discharge("C/20"), resolution=mesh)
    assert float(np.abs(run["Guest balance residual"]).max()) < 1e-6
    assert float(np.abs(run["Host balance residual"]).max()) < 1e-6


def test_composite_conductivity_is_sigma_eps_to_the_b(ji, halfway, poor):
    """sigma_eff = sigma(T) eps^b; volume fractions from masses and densities."""
    for name, expected in zip(("ionic", "electronic"), conductivities(poor), strict=True):
        got = halfway(f"Positive electrode effective {name} conductivity [S.m-1]")
        assert got[0] == pytest.approx(expected, rel=1e-9)


def test_volume_fractions_and_porosity_fill_the_layer(ji, halfway):
    """sum eps_k + porosity = 1."""
    solid = sum(
        float(halfway(f"Positive electrode {part} volume fraction")[0])
        for part in ("active material", "electrolyte", "carbon")
    )
    assert solid + ji.values["Positive electrode porosity"] == pytest.approx(1, abs=1e-12)
