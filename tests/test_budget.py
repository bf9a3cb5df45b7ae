"""Where every millivolt goes: the contributions sum to the voltage, and each has its law."""

from __future__ import annotations

import numpy as np
import pytest

from sscell.dataset import metadata
from sscell.protocols import charge, cv, cycle, discharge, gitt, hold
from sscell.protocols.steps import Step
from sscell.simulation.engine import Resolution, engine
from sscell.simulation.run import Run
from sscell.simulation.simulation import simulate
from sscell.units import FARADAY, GAS_CONSTANT, parse_rate

KELVIN = 333.15
SHELLS = 15
LOSSES = {
    "Contact resistance [Ohm]": 50.0,
    "Separator grain-boundary resistance [Ohm.m2]": 3e-3,
    "Separator grain-boundary activation energy [J.mol-1]": 3e4,
    "Negative electrode interphase resistance [Ohm.m2]": 2e-3,
    "Positive electrode interphase resistance [Ohm.m2]": 0.2,
    "Electrolyte oxidation interphase resistance [Ohm.m2]": 0.5,
}


def _run(ji, protocol, **options):
    mesh = {"shells": SHELLS, **options}
    return simulate(
        ji, protocol, temperature=60, changes=LOSSES, resolution=Resolution(**mesh)
    )


PROTOCOLS = {
    "cycle with rests and a hold": cycle(
        "C/10", rest="2 h", hold_until="C/40", hold_time="5 h"
    ),
    "titration": gitt("C/10", "1 h", "1 h", "both"),
    "voltammogram": cv("1 mV/s"),
    "hold": hold("1.5 V", duration="3 h"),
}
MESHES = {
    "lumped": {},
    "distributed": {"thickness_points": 5},
    "double layer": {"double_layer": True},
    "distributed with double layer": {"thickness_points": 4, "double_layer": True},
}


@pytest.mark.parametrize("mesh", MESHES)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_contributions_sum_to_the_voltage_at_every_time(ji, protocol, mesh):
    """V = sum of all contributions that the metadata names, to 1e-6 V."""
    run = _run(ji, PROTOCOLS[protocol], **MESHES[mesh])
    names = metadata(run, "budget")
    assert len(names) == len(set(names)) == 8 + 5 + 1
    total = sum(run[name].values for name in names)
    assert np.isfinite(total).all()
    assert np.max(np.abs(total - run["Voltage [V]"].values)) < 1e-6


@pytest.fixture(scope="module")
def both_ways(ji):
    """Discharge, rest and charge with every loss turned on.

    Tight tolerances: where the current divides, kinetics hold as well as the solver solves
    them (13 uV at the default ones).
    """
    return _run(ji, cycle("C/10", rest="2 h"), rtol=1e-7, atol=1e-9)


def _at_60(name, ji):
    """Exchange current density at 60 degC [A.m-2], which is where it is given."""
    assert ji.values["Reference temperature [K]"] == KELVIN
    return ji.values[f"{name} electrode exchange-current density [A.m-2]"]


def test_separator_contribution_is_ohm_with_grain_boundaries(ji, both_ways):
    """-i (L/sigma(T) + R_gb), both with their own Arrhenius law."""
    v = ji.values
    energy = v["Separator conductivity activation energy [J.mol-1]"]
    colder = 1 / KELVIN - 1 / v["Separator conductivity temperature [K]"]
    sigma = v["Separator conductivity [S.m-1]"] * np.exp(-energy / GAS_CONSTANT * colder)
    ohm = v["Separator thickness [m]"] / sigma + 3e-3
    i = both_ways["Current [A]"].values / ji.area
    got = both_ways["Separator contribution [V]"].values
    assert got == pytest.approx(-i * ohm, rel=1e-9, abs=1e-12)


def test_contact_contribution_is_ohm(both_ways):
    """-I R."""
    got = both_ways["Contact contribution [V]"].values
    assert got == pytest.approx(-50.0 * both_ways["Current [A]"].values, rel=1e-12)


def test_anode_contribution_is_asinh_and_film(ji, both_ways):
    """-(2RT/F) asinh(i/2 i0) - i R_film."""
    i = both_ways["Current [A]"].values / ji.area
    thermal = GAS_CONSTANT * KELVIN / FARADAY
    expected = -2 * thermal * np.arcsinh(i / 2 / _at_60("Negative", ji)) - 2e-3 * i
    got = both_ways["Anode contribution [V]"].values
    assert got == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_cathode_interface_contributions_are_asinh_and_film(ji, both_ways):
    """-(2RT/F) asinh(j/2 i0) and -j (R_film + R_redox (1 - q)), j = (I - I_redox)/S."""
    v = ji.values
    volume = ji.active_mass / v["Positive electrode active material density [kg.m-3]"]
    area = 3 * volume / v["Positive particle radius [m]"]
    side = both_ways["Electrolyte redox current [A]"].values
    j = (both_ways["Current [A]"].values - side) / area
    thermal = GAS_CONSTANT * KELVIN / FARADAY
    asinh = -2 * thermal * np.arcsinh(j / 2 / _at_60("Positive", ji))
    gone = 1 - both_ways["Mean reactive electrolyte fraction"].values
    film = -j * (0.2 + 0.5 * gone)
    got = both_ways["Charge-transfer contribution [V]"].values
    assert np.max(np.abs(got - asinh)) < 1e-6
    got = both_ways["Interphase contribution [V]"].values
    assert np.max(np.abs(got - film)) < 1e-6


def test_every_loss_takes_voltage_on_discharge_and_costs_it_on_charge(both_ways):
    """Losses have the sign of -I; reactions and transport in sum too, once they run."""
    i, t = both_ways["Current [A]"].values, both_ways["Time [s]"].values
    begun = np.concatenate([[True], np.diff(both_ways["Step"].values) > 0])
    since = t - np.maximum.accumulate(np.where(begun, t, 0.0))
    total = 0.0
    for name in metadata(both_ways, "budget"):
        if name == "Open-circuit contribution [V]":
            continue
        part = both_ways[name].values
        total = total + part
        if name.startswith(("R", "Particle")):
            continue  # reactions may run against each other
        assert np.all(part[i > 0] <= 1e-9), name
        assert np.all(part[i < 0] >= -1e-9), name
    late = since > 600
    assert np.all(total[late & (i > 0)] < 0)
    assert np.all(total[late & (i < 0)] > 0)


@pytest.mark.parametrize("hours", [1.0, 8.0, 14.0])
def test_weights_are_the_charge_of_each_reaction_over_the_particle(ji, hours):
    """w_j = |z_j r_j| + epsilon over reactions and shells, sum 1: open circuit sum w U_j,
    reaction j -w A_j, transport phi_surf - sum w phi.
    """
    hot = ji.replace({"Ambient temperature [K]": KELVIN})
    mesh = Resolution(shells=SHELLS)
    run = Run(hot, mesh)
    run.execute([Step("discharge", parse_rate("C/20"), duration=hours * 3600)])
    built = engine(hot, mesh)
    inputs = built.inputs(hot, hot.current("C/20"))
    y = np.asarray(run.solution.y)[:, -1:]

    def value(name):
        variable = built.model.get_processed_variable(name)
        return np.ravel(variable.evaluate(0.0, y, inputs=inputs))

    edges = np.sqrt(np.linspace(0, 1, SHELLS + 1))
    volumes = np.diff(edges**3)
    phi = value("Positive particle guest potential [V]")
    network = hot.host
    charges = {
        r.name: network.electrons(r.name) * np.abs(value(f"{r.name} rate [s-1]"))
        for r in network.reactions
    }
    profiles = {p: value(f"{p} fraction profile") for p in network.phases}
    profiles["Na2S"] = profiles["Na2S"] - value("Isolated Na2S profile")
    # Newton's method needs a slope: a fraction is rounded at zero within the mixing floor.
    rounded = 0.1 * hot.values["Mixing floor"]
    profiles = {p: (y + np.hypot(y, rounded)) / 2 for p, y in profiles.items()}
    fractions = [{p: y[n] for p, y in profiles.items()} for n in range(volumes.size)]
    total = sum(np.sum(volumes * c) for c in charges.values())
    open_circuit = -hot.values["Negative electrode OCP [V]"]
    inside = 0.0
    last = {name: float(series[-1]) for name, series in run.records[-1].outputs.items()}
    for name, passed in charges.items():
        weights = volumes * passed / total
        potential = np.array(
            [
                network.equilibrium_potential(name, hot.values, KELVIN, shell)
                for shell in fractions
            ]
        )
        open_circuit += np.sum(weights * potential)
        inside += np.sum(weights * phi)
        expected = -np.sum(weights * (potential - phi))
        assert last[f"{name} contribution [V]"] == pytest.approx(expected, abs=1e-5)
    # A full anode lies RT/F ln 1.001 above its plateau.
    assert last["Open-circuit contribution [V]"] == pytest.approx(open_circuit, abs=2e-4)
    surface = value("Positive particle surface potential [V]")[0]
    transport = last["Particle transport contribution [V]"]
    assert transport == pytest.approx(surface - inside, abs=1e-5)


def test_one_fast_reaction_leaves_its_potential_as_the_open_circuit_part(
    one_step, make_cell
):
    """With one reaction every weight belongs to it: the open-circuit part is U - U_anode."""
    cell = make_cell(one_step("S", "Na", "S", "NaS", 1.0, 0.032, 2.0))
    for protocol in (discharge("C/10"), charge("C/10")):
        run = simulate(cell, protocol, temperature=60, resolution=Resolution(shells=10))
        part = run["Open-circuit contribution [V]"].values
        assert part == pytest.approx(2.0 - 0.1, abs=2e-4)


def test_budget_of_a_pybamm_experiment_sums_to_the_voltage(ji):
    """The same contributions are in the results of PyBaMM's own experiments."""
    import pybamm

    experiment = pybamm.Experiment(["Discharge at C/10 until 0.9 V", "Rest for 1 hour"])
    run = simulate(ji, experiment, temperature=60, resolution=Resolution(shells=SHELLS))
    total = sum(run[name].values for name in metadata(run, "budget"))
    assert np.max(np.abs(total - run["Voltage [V]"].values)) < 1e-6
    assert "Electrolyte redox current [A]" in run
