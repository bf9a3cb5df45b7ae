"""Rate law, balances and signs of the conversion cathode."""

from __future__ import annotations

import numpy as np
import pytest

import sscell
from sscell.dataset import metadata
from sscell.simulation.engine import Resolution
from sscell.units import FARADAY, GAS_CONSTANT

PHASES = ("S", "Na2S5", "Na2S4", "Na2S2", "Na2S")
CONTENT = (0.0, 0.4, 0.5, 1.0, 2.0)
REACTIONS = ("R1", "R2", "R3", "R4", "R5")
PHI = "Positive particle guest potential [V]"


def _compositions(rng, n):
    """Random points of the simplex, a third of them on its faces."""
    y = rng.dirichlet(np.full(5, 0.6), n)
    empty = (rng.random((n, 5)) < 0.3) & (np.arange(n)[:, None] % 3 == 0)
    y = np.where(empty, 0, y) + 1e-300
    return (y / y.sum(axis=1, keepdims=True)).T


def _state(y, phi):
    states = {f"{p} fraction profile": row for p, row in zip(PHASES, y, strict=True)}
    return states | {PHI: phi}


def _rest(probe, name, y, **inputs):
    """Potential at which a reaction rests with the phases as they are."""
    return probe.evaluate(f"{name} affinity [V]", _state(y, 0.0), inputs=inputs)


@pytest.mark.parametrize("kelvin", [263.15, 298.15, 363.15])
@pytest.mark.parametrize("name", REACTIONS)
def test_rate_vanishes_at_equilibrium_whatever_the_composition(probe, name, kelvin):
    """phi = E_j: A = 0, D(0) = 0, e^0 - e^0 = 0."""
    y = _compositions(np.random.default_rng(1), probe.shells)
    u = _rest(probe, name, y, **{"Ambient temperature [K]": kelvin})
    hot = {"Ambient temperature [K]": kelvin}
    at_rest = probe.evaluate(f"{name} rate [s-1]", _state(y, u), inputs=hot)
    beside = probe.evaluate(f"{name} rate [s-1]", _state(y, u - 0.5), inputs=hot)
    assert np.max(np.abs(at_rest)) < 1e-12 * np.max(np.abs(beside))


@pytest.mark.parametrize("seed", range(8))
def test_every_reaction_dissipates(probe, seed):
    """Heat of each reaction z F A r >= 0: the rate has the sign of its affinity."""
    rng = np.random.default_rng(seed)
    y = _compositions(rng, probe.shells)
    phi = rng.uniform(0.2, 3.2, probe.shells)
    hot = {"Ambient temperature [K]": rng.uniform(250, 380)}
    for name in REACTIONS:
        rate = probe.evaluate(f"{name} rate [s-1]", _state(y, phi), inputs=hot)
        affinity = probe.evaluate(f"{name} affinity [V]", _state(y, phi), inputs=hot)
        assert np.all(rate * affinity >= 0)
        assert np.any(rate * affinity > 0)


@pytest.mark.parametrize("name", REACTIONS)
@pytest.mark.parametrize("beyond", [0.1, 0.2, 0.5])
def test_dead_zone_shifts_the_affinity_by_its_width(ji, probe, name, beyond):
    """D(A) = b(A - w - x) - b(-A - w): the rate at w + x + a is that at a without zone."""
    y = np.full((5, probe.shells), 0.2)
    u = _rest(probe, name, y)
    width = ji.values[f"{name} dead zone [V]"]
    extra = ji.values[f"{name} extra reduction barrier [V]"]
    none = {f"{name} dead zone [V]": 0.0, f"{name} extra reduction barrier [V]": 0.0}
    for sign, zone in ((1, width + extra), (-1, width)):
        with_zone = probe.evaluate(
            f"{name} rate [s-1]", _state(y, u - sign * (zone + beyond))
        )
        without = probe.evaluate(
            f"{name} rate [s-1]", _state(y, u - sign * beyond), inputs=none
        )
        assert with_zone == pytest.approx(without, rel=1e-9)


@pytest.mark.parametrize("name", REACTIONS)
def test_reaction_rests_in_its_dead_zone(ji, probe, name):
    """Exactly zero from -w to w + x: a hysteresis that no rest closes."""
    y = np.full((5, probe.shells), 0.2)
    width = ji.values[f"{name} dead zone [V]"]
    wide = width + ji.values[f"{name} extra reduction barrier [V]"]
    affinity = np.linspace(-width, wide, probe.shells + 2)[1:-1]
    state = _state(y, _rest(probe, name, y) - affinity)
    assert not np.any(probe.evaluate(f"{name} rate [s-1]", state))


@pytest.mark.parametrize("name", ["R1", "R2", "R3", "R4"])
def test_dead_zone_without_extra_barrier_is_odd(probe, name):
    """D(-A) = -D(A): with alpha = 1/2, equal ceilings and amounts the rate is odd."""
    even = {
        f"{name} transfer coefficient": 0.5,
        f"{name} reduction ceiling [s-1]": 1e-3,
        f"{name} oxidation ceiling [s-1]": 1e-3,
        f"{name} oxidation ceiling activation energy [J.mol-1]": 0.0,
        f"{name} reduction ceiling activation energy [J.mol-1]": 0.0,
    }
    y = np.full((5, probe.shells), 0.2)
    u = _rest(probe, name, y)
    affinity = np.linspace(1e-3, 0.6, probe.shells)
    down = probe.evaluate(f"{name} rate [s-1]", _state(y, u - affinity), inputs=even)
    up = probe.evaluate(f"{name} rate [s-1]", _state(y, u + affinity), inputs=even)
    assert down == pytest.approx(-up, rel=1e-9)


@pytest.mark.parametrize("name", REACTIONS)
def test_no_reaction_without_the_phase_that_it_consumes(ji, probe, name):
    """G of an absent phase is zero, however far beyond the dead zone."""
    reaction = ji.host.reaction(name)
    phases = list(ji.host.phases)
    zone = ji.values[f"{name} dead zone [V]"]
    wide = zone + ji.values[f"{name} extra reduction barrier [V]"]
    for sign, far, gone in ((1, wide, reaction.reactant), (-1, zone, reaction.product)):
        y = np.full((5, probe.shells), 0.25)
        phi = _rest(probe, name, y) - sign * (far + 0.05)
        assert np.all(sign * probe.evaluate(f"{name} rate [s-1]", _state(y, phi)) > 0)
        y[phases.index(gone)] = 0
        phi = _rest(probe, name, y) - sign * (far + 0.05)
        assert not np.any(probe.evaluate(f"{name} rate [s-1]", _state(y, phi)))


def test_rate_near_equilibrium_starts_with_the_rate_constant(ji, probe):
    """Without dead zone and ceilings: r -> k y/(y + s) F b(A)/RT, b = A^2/(A + d)."""
    kelvin = ji.values["Reference temperature [K]"]
    inputs = {
        "Ambient temperature [K]": kelvin,
        "R3 dead zone [V]": 0.0,
        "R3 reduction ceiling [s-1]": 1e3,
        "R3 oxidation ceiling [s-1]": 1e3,
    }
    y = np.full((5, probe.shells), 0.2)
    affinity = 1e-4
    state = _state(y, _rest(probe, "R3", y, **inputs) - affinity)
    rate = probe.evaluate("R3 rate [s-1]", state, inputs=inputs)
    presence = 0.2 / (0.2 + ji.values["R3 presence scale"])
    slope = ji.values["R3 rate constant [s-1]"] * presence * FARADAY / GAS_CONSTANT / kelvin
    drive = affinity**2 / (affinity + ji.values["Dead zone smoothing [V]"])
    assert rate == pytest.approx(np.full(rate.size, slope * drive), rel=1e-3)


def _potentials(probe, y):
    return np.array([_rest(probe, name, y) for name in REACTIONS])


def test_mixed_units_have_one_free_energy(ji, probe):
    """z_j F E_j = -d/dxi_j of sum y_p (G_p + RT ln X_p/n_p): Gibbs and Duhem hold, but for
    the floor of the logarithm.
    """
    kelvin = ji.values["Ambient temperature [K]"]
    atoms = np.array([s.host_per_unit for s in ji.host.species])[:, None]
    y = np.random.default_rng(3).dirichlet(np.full(5, 3.0), probe.shells).T
    assert np.min(y) > 0.005
    energies = [ji.values[f"{p} formation energy [J.mol-1]"] for p in PHASES]

    def energy(y):
        units = y / atoms
        mixing = units * np.log(units / units.sum(axis=0))
        return energies @ y + GAS_CONSTANT * kelvin * mixing.sum(axis=0)

    found = _potentials(probe, y)
    step = 1e-4
    for number, name in enumerate(REACTIONS):
        reaction = ji.host.reaction(name)
        moved = np.zeros((5, 1))
        moved[PHASES.index(reaction.product)] = step
        moved[PHASES.index(reaction.reactant)] = -step
        slope = (energy(y + moved) - energy(y - moved)) / (2 * step)
        expected = -slope / (ji.host.electrons(name) * FARADAY)
        # The floor counts as its share of the smallest mole fraction.
        allowed = 0.03 / ji.host.electrons(name) * 1.2e-3 / (y / atoms).min(axis=0) + 2e-4
        assert np.all(np.abs(found[number] - expected) < allowed)


def test_affinities_close_around_the_loop_with_any_composition(probe):
    """1.5 E5 = 0.5 E3 + E4: the floor, too, is that of a state."""
    y = _compositions(np.random.default_rng(5), probe.shells)
    _, _, third, fourth, fifth = _potentials(probe, y)
    assert 1.5 * fifth == pytest.approx(0.5 * third + fourth, abs=1e-9)


def test_isolated_phase_mixes_with_nothing(probe):
    """Na2S that lost contact has no say in what the rest is at."""
    y = np.full((5, probe.shells), 0.2)
    beside = y.copy()
    beside[4] += 0.3
    state = _state(beside, 0.0) | {"Isolated Na2S profile": 0.3}
    for name in REACTIONS:
        found = probe.evaluate(f"{name} affinity [V]", state)
        assert found == pytest.approx(_rest(probe, name, y), abs=1e-9)


def test_ceiling_bounds_the_rate_at_any_voltage(ji, probe):
    """r -> G Lam a(El) for E -> infinity, G <= 1."""
    kelvin = 320.0
    hot = {"Ambient temperature [K]": kelvin}
    hotter = (1 / ji.values["Reference temperature [K]"] - 1 / kelvin) / GAS_CONSTANT
    y = np.full((5, probe.shells), 0.2)
    for name, way, phi in (("R3", "reduction", -3.0), ("R4", "oxidation", 6.0)):
        rate = probe.evaluate(f"{name} rate [s-1]", _state(y, phi), inputs=hot)
        energy = ji.values[f"{name} {way} ceiling activation energy [J.mol-1]"]
        ceiling = ji.values[f"{name} {way} ceiling [s-1]"] * np.exp(energy * hotter)
        presence = 0.2 / (0.2 + ji.values[f"{name} presence scale"])
        expected = np.full(rate.size, ceiling * presence)
        assert np.abs(rate) == pytest.approx(expected, rel=1e-6)


def _mean(profile, shells=50):
    """Mean over a sphere of shells that end at (k/n)^(1/2)."""
    return np.diff((np.arange(shells + 1) / shells) ** 1.5) @ profile


CASES = [
    (25, "C/20"),
    (60, "C/20"),
    (90, "C/20"),
    (25, "C/100"),
    (60, "C/3"),
    (90, "C/100"),
]


@pytest.mark.parametrize(("celsius", "rate"), CASES)
def test_phase_fractions_stay_positive(profiles, celsius, rate):
    """An absent phase may be overdrawn by no more than the step tolerance allows while
    current flows (2e-5), and by 2e-4 in two days of rest, when the integrator's steps
    are as long as hours.
    """
    for step in profiles(celsius, rate):
        still = np.all(step["Current [A]"].entries == 0)
        least = min(np.min(step[f"{p} fraction profile"].entries) for p in PHASES)
        assert least > (-2e-4 if still else -2e-5)
        isolated = step["Isolated Na2S profile"].entries
        assert np.min(isolated) > -1e-6
        active = step["Na2S fraction profile"].entries - isolated
        assert np.min(active) > -2e-5


@pytest.mark.parametrize(("celsius", "rate"), CASES)
def test_sulfur_is_conserved_in_every_shell(profiles, celsius, rate):
    """The five phases are integrated independently; their sum stays one everywhere."""
    for step in profiles(celsius, rate):
        total = sum(step[f"{p} fraction profile"].entries for p in PHASES)
        assert np.max(np.abs(total - 1)) < 1e-12


@pytest.mark.parametrize(("celsius", "rate"), CASES)
def test_bound_sodium_follows_the_coulombs(ji, profiles, celsius, rate):
    """n F [mean(sum c_p y_p) - Cm mean(phi)](1 - f) - same at the start = integral I dt.

    The coulombs are counted from the times of the steps, not by the model's own counter;
    what oxidises the catholyte on charge does not come from the sulfur.
    """
    v = ji.values
    moles = ji.active_mass / v["Positive electrode active material molar mass [kg.mol-1]"]
    active = moles * (1 - v["Inactive host fraction"])
    start, passed = None, 0.0
    reactive = (
        v["Positive electrode mass [kg]"]
        * v["Positive electrode electrolyte mass fraction"]
        * v["Electrolyte oxidation capacity [A.h.kg-1]"]
        * 3600
    )
    for step in profiles(celsius, rate):
        held = sum(
            c * step[f"{p} fraction profile"].entries
            for p, c in zip(PHASES, CONTENT, strict=True)
        )
        mobile = v["Mobile guest capacity [V-1]"] * step[PHI].entries
        bound = _mean(held - mobile) * active * FARADAY
        start = bound[0] if start is None else start
        seconds = step.t - step.t[0]
        coulombs = passed + step["Current [A]"].entries * seconds
        oxidised = reactive * (1 - step["Mean reactive electrolyte fraction"].entries)
        gap = bound - start - coulombs - oxidised
        # PyBaMM starts each step a nanosecond late, which the tolerance allows for.
        assert np.max(np.abs(gap)) < 1e-9 * moles * 2 * FARADAY
        passed = coulombs[-1]


@pytest.mark.parametrize("rtol", [1e-3, 1e-5, 1e-7])
def test_balances_of_explicit_model_close_to_round_off_at_any_tolerance(plain, rtol):
    """Both balances are linear in the states, and a linear multistep method keeps linear
    invariants exactly: the residual is round-off, 1e-13, and does not feel the tolerance.
    """
    run = sscell.simulate(
        plain,
        sscell.cycle("C/20"),
        temperature=60,
        resolution=Resolution(rtol=rtol, atol=rtol / 100),
    )
    closed = metadata(run, "balances")
    assert set(closed) == {"sulfur", "sodium"}
    assert max(closed.values()) < 1e-12


@pytest.mark.parametrize("rtol", [1e-3, 1e-5, 1e-7])
def test_balances_with_redox_close_to_round_off_too(ji_run, rtol):
    """What the catholyte gives is a state beside the others: the sum stays linear."""
    closed = metadata(ji_run(60, rtol=rtol, atol=rtol / 100), "balances")
    assert max(closed.values()) < 1e-12


@pytest.mark.parametrize(("celsius", "rate"), CASES)
def test_reported_balances_close(ji_run, celsius, rate):
    run = ji_run(celsius, rate)
    assert max(metadata(run, "balances").values()) <= 1e-6
    for name in ("Host balance residual", "Guest balance residual"):
        assert np.max(np.abs(run[name])) <= 1e-6


def test_balances_close_across_temperatures_of_formation(ji):
    """Entropies move the starting potential: what counts is where the cell was made."""
    warm = ji.replace({"Na2S5 formation entropy [J.mol-1.K-1]": -40.0})
    run = sscell.simulate(
        warm, sscell.discharge(), state="formed", formation_temperature=90, temperature=25
    )
    assert max(metadata(run, "balances").values()) <= 1e-6


def test_interfacial_current_has_pybamms_sign(profiles):
    """Positive current discharges; PyBaMM counts oxidation positive: j = -I/S < 0."""
    discharge, _, charge, _ = profiles(60)
    name = "Positive electrode interfacial current density [A.m-2]"
    for step, sign in ((discharge, 1), (charge, -1)):
        assert np.all(sign * step["Current [A]"].entries > 0)
        assert np.all(sign * step[name].entries < 0)
        surface = step["Positive particle surface area [m2]"].entries
        redox = step["Electrolyte redox current [A]"].entries
        assert np.all(redox <= 0)
        sulfur = -step[name].entries * surface
        assert sulfur + redox == pytest.approx(step["Current [A]"].entries, rel=1e-4)


def test_discharge_lowers_and_charge_raises_the_voltage_against_rest(profiles):
    discharge, relaxed, charge, _ = profiles(60)
    rest = relaxed["Voltage [V]"].entries[-1]
    assert discharge["Voltage [V]"].entries[-1] < rest < charge["Voltage [V]"].entries[10]


def test_isolated_na2s_grows_only_while_na2s_is_made(ji, profiles):
    """dy_d/dt = f_d (1 - y_d/y_dm)_+ [made]_+ - k_r y_d: where it grows, R4 + R5 > 0."""
    for step in profiles(25):
        dead = step["Isolated Na2S profile"].entries
        made = step["R4 rate [s-1]"].entries + step["R5 rate [s-1]"].entries
        not_made = (made[:, 1:] <= 0) & (made[:, :-1] <= 0)
        growth = np.diff(dead, axis=1)
        assert np.max(growth[not_made], initial=0.0) < 1e-6
        assert np.max(dead) < ji.values["Na2S isolation limit"] + 1e-6


def test_nothing_isolates_without_probability(ji, ji_steps):
    run = sscell.simulate(
        ji, sscell.cycle("C/20"), changes={"Na2S isolation probability": 0.0}
    )
    assert np.max(np.abs(run["Isolated Na2S fraction"])) < 1e-12
    charge = sscell.summary(run)["steps"][1]["capacity_mAh_g"]
    assert charge > 1.2 * ji_steps(25)[1]["capacity_mAh_g"]
