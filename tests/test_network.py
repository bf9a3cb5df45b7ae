"""Reaction networks as data: closed loops, one-step networks, bad tables."""

from __future__ import annotations

import numpy as np
import pybamm
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sscell
from sscell.errors import ParameterError
from sscell.physics.cathodes.network import Network
from sscell.units import FARADAY


def _constants(species, energies, entropies):
    values = {"Reference temperature [K]": 298.15}
    for name, energy, entropy in zip(species, energies, entropies, strict=True):
        values[f"{name} formation energy [J.mol-1]"] = energy
        values[f"{name} formation entropy [J.mol-1.K-1]"] = entropy
    return values


@pytest.mark.parametrize("kelvin", [298.15, 333.15, 363.15])
def test_direct_step_lies_between_the_two_it_replaces(ji, kelvin):
    """U5 = (2 U3 + 4 U4)/6: half an electron at U3 and one at U4 give one and a half."""
    u = {
        name: ji.host.equilibrium_potential(name, ji.values, kelvin)
        for name in ("R3", "R4", "R5")
    }
    assert u["R5"] == pytest.approx((2 * u["R3"] + 4 * u["R4"]) / 6, abs=1e-12)


def test_potentials_lie_near_those_of_first_principles(ji):
    """2.07, 2.03, 1.84 and 1.72 V in the paper; rested OCVs of the cell differ by 0.1 V."""
    u = [ji.host.equilibrium_potential(f"R{n}", ji.values, 333.15) for n in (1, 2, 3, 4)]
    assert u == pytest.approx([2.07, 2.03, 1.84, 1.72], abs=0.12)


def test_mixing_is_for_all_phases_or_none(table):
    tables = table()["network"]
    del tables["species"]["S"]["host_per_unit"]
    with pytest.raises(ParameterError, match=r"host_per_unit is missing for \['S'\]"):
        Network.from_table(tables)


def test_sodium_content_of_each_step_is_that_of_the_formulas(ji):
    """Na per S: Na2S5 2/5, Na2S4 2/4, Na2S2 2/2, Na2S 2/1."""
    z = [ji.host.electrons(f"R{n}") for n in range(1, 6)]
    assert z == pytest.approx([2 / 5, 2 / 4 - 2 / 5, 1 - 2 / 4, 2 - 1, 2 - 2 / 4])
    assert ji.host.capacity == 2


@st.composite
def _networks(draw):
    size = draw(st.integers(3, 7))
    contents = np.cumsum(draw(st.lists(st.floats(0.05, 3), min_size=size, max_size=size)))
    names = [f"P{k}" for k in range(size)]
    pairs = [(a, b) for a in range(size) for b in range(a + 1, size)]
    chosen = set(draw(st.sets(st.sampled_from(pairs)))) | {
        (k, k + 1) for k in range(size - 1)
    }
    table = {
        "host": "sulfur",
        "guest": "sodium",
        "species": {
            n: {"guest_per_host": float(c)} for n, c in zip(names, contents, strict=True)
        },
        "reactions": [
            {"name": f"R{k}", "reactant": names[a], "product": names[b]}
            for k, (a, b) in enumerate(sorted(chosen))
        ],
    }
    numbers = st.lists(st.floats(-1e6, 1e6), min_size=size, max_size=size)
    small = st.lists(st.floats(-500, 500), min_size=size, max_size=size)
    return Network.from_table(table), _constants(names, draw(numbers), draw(small))


@given(_networks(), st.floats(200, 450))
def test_affinities_cancel_around_every_loop_of_any_network(made, kelvin):
    """sum over a loop of z F U = -(sum of the changes of a state function) = 0.

    A connected graph of n phases and m reactions has m - n + 1 independent loops.
    """
    network, values = made
    loops = network.loops()
    assert len(loops) == len(network.reactions) - len(network.species) + 1
    for loop in loops:
        terms = [
            weight
            * network.electrons(name)
            * FARADAY
            * network.equilibrium_potential(name, values, kelvin)
            for name, weight in loop.items()
        ]
        scale = max(abs(v) for v in values.values()) + 1e5
        assert abs(sum(terms)) < 1e-9 * scale


@pytest.mark.parametrize("kelvin", [280.0, 333.15, 370.0])
def test_model_and_network_agree_on_every_potential(ji, probe, kelvin):
    """affinity + phi = U_j(T), entropy included."""
    inputs = {
        "Ambient temperature [K]": kelvin,
        "Na2S4 formation entropy [J.mol-1.K-1]": -30.0,
        "Na2S formation entropy [J.mol-1.K-1]": 12.0,
    }
    phi = np.linspace(0.5, 3, probe.shells)
    for reaction in ji.host.reactions:
        fractions = dict(zip(ji.host.phases, (0.1, 0.2, 0.3, 0.15, 0.25), strict=True))
        states = {f"{name} fraction profile": y for name, y in fractions.items()}
        affinity = probe.evaluate(
            f"{reaction.name} affinity [V]",
            states | {"Positive particle guest potential [V]": phi},
            inputs=inputs,
        )
        u = ji.host.equilibrium_potential(
            reaction.name, probe.values | inputs, kelvin, fractions
        )
        assert affinity + phi == pytest.approx(np.full(phi.size, u), abs=1e-7)


ONE_STEP = [
    pytest.param(("sulfur", "lithium", "S", "Li2S", 2.0, 0.03206, 2.15), id="Li2S/S"),
    pytest.param(
        ("molybdenum", "lithium", "MoS6", "Li12MoS6", 12.0, 0.28831, 1.9), id="MoS6"
    ),
]


@pytest.mark.parametrize("what", ONE_STEP)
def test_one_step_cathode_delivers_its_theoretical_capacity(what, one_step, make_cell):
    """Q = z F n, plus what the mobile guest holds: n F Cm (U - phi_end).

    Li2S/S: 2 F / 32.06 g/mol = 1671.9 mAh/g. MoS6: 12 F / 288.31 g/mol = 1115.5 mAh/g.
    """
    cell = make_cell(one_step(*what))
    run = sscell.simulate(cell, sscell.discharge("20mA/g"))
    z, molar = what[4], what[5]
    theory = z * FARADAY / 3.6 / (molar * 1e3)
    got = sscell.summary(run)["steps"][0]["capacity_mAh_g"]
    mobile = 1e-3 * (what[6] - run["Positive electrode potential [V]"].values[-1]) / z
    assert got == pytest.approx(theory * (1 + mobile), rel=2e-3)
    assert cell.theoretical_capacity / cell.active_mass == pytest.approx(theory)


@pytest.mark.parametrize("what", ONE_STEP)
def test_one_step_cathode_rests_at_its_potential(what, one_step, make_cell):
    """Open circuit after a part of a discharge: V = U - U_anode, whatever the composition,
    where the reaction has no dead zone.
    """
    cell = make_cell(one_step(*what, **{"R1 dead zone [V]": 0.0}))
    partial = pybamm.Experiment(["Discharge at 0.014 mA for 40 hours", "Rest for 40 hours"])
    run = sscell.simulate(cell, partial)
    assert 0.3 < run[f"{what[3]} fraction"].values[-1] < 0.9
    anode = cell.values["Negative electrode OCP [V]"]
    assert run["Voltage [V]"].values[-1] == pytest.approx(what[6] - anode, abs=1e-4)


@pytest.mark.parametrize("what", ONE_STEP)
def test_one_step_cathode_cycles_reversibly(what, one_step, make_cell):
    cell = make_cell(one_step(*what))
    run = sscell.simulate(cell, sscell.cycle("20mA/g"))
    discharge, charge = sscell.summary(run)["steps"]
    assert charge["capacity_mAh_g"] == pytest.approx(discharge["capacity_mAh_g"], rel=2e-3)
    assert discharge["stop_reason"] == "lower voltage cut-off"
    assert charge["stop_reason"] == "upper voltage cut-off"


def _broken(change):
    table = {
        "host": "sulfur",
        "guest": "sodium",
        "species": {"S": {"guest_per_host": 0}, "Na2S": {"guest_per_host": 2}},
        "reactions": [{"name": "R1", "reactant": "S", "product": "Na2S"}],
    }
    change(table)
    return table


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t: t.pop("host"), "no 'host'"),
        (lambda t: t.pop("species"), "no 'species'"),
        (lambda t: t.pop("reactions"), "no 'reactions'"),
        (lambda t: t["species"]["S"].pop("guest_per_host"), "no 'guest_per_host'"),
        (lambda t: t["species"]["S"].update(guest_per_host="none"), "must be a number"),
        (lambda t: t["species"]["S"].update(guest_per_host=-1), "greater than or equal"),
        (lambda t: t["species"]["S"].update(isolates="false"), "must be true or false"),
        (lambda t: t["species"].update(S=0), "needs a guest_per_host"),
        (lambda t: t.update(species=["S"]), "must be a table"),
        (lambda t: t.update(gest="sodium"), "'guest'"),
        (lambda t: t["species"]["S"].update(isolate=True), "'isolates'"),
        (lambda t: t["reactions"][0].pop("product"), "no 'product'"),
        (lambda t: t["reactions"][0].update(product="Na2s"), "'Na2S'"),
        (
            lambda t: t["reactions"][0].update(reactant="Na2S", product="S"),
            "take up sodium",
        ),
        (lambda t: t["reactions"].append(dict(t["reactions"][0])), "named 'R1'"),
        (lambda t: t["species"].update(Na={"guest_per_host": 3}), "makes or consumes"),
    ],
)
def test_a_bad_network_is_one_sentence(change, sentence):
    with pytest.raises(ParameterError, match=sentence) as caught:
        Network.from_table(_broken(change))
    assert "\n" not in str(caught.value)


def test_initial_fractions_must_add_up_to_one(ji):
    with pytest.raises(ParameterError, match="add up to 0.5"):
        ji.replace({"Initial S fraction": 0.5})
