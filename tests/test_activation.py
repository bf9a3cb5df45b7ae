"""A domain that a front activates beside one that is always active: limits and balances."""

from __future__ import annotations

import copy
import tomllib

import numpy as np
import pytest

import sscell
from sscell.cells.cell import Cell
from sscell.cells.library import find
from sscell.cells.parameters import ParameterSet
from sscell.dataset import metadata
from sscell.errors import ParameterError
from sscell.physics.cathodes.domains import Domains
from sscell.protocols import hold, then
from sscell.simulation.engine import Resolution
from sscell.units import FARADAY, GAS_CONSTANT

MESH = Resolution(shells=15)
FRONT = "Activation front velocity [m.s-1]"
SLOW, FAST = (f"{f} front activation energy [J.mol-1]" for f in ("Slow", "Fast"))
ALPHA = "Activation transfer coefficient"
RADIUS = "Positive particle radius [m]"
_TABLES = tomllib.loads(find("Song2024")[0].read_text(encoding="utf-8"))
# No reaction of the electrolyte, no slow changes, contact everywhere.
PLAIN = {
    "Initial contact fraction": 1.0,
    "Maximum contact fraction": 1.0,
    "Contact unloading exponent": 0.0,
    "Contact loss by strain": 0.0,
    "Electrolyte oxidation current density [A.m-2]": 1e-12,
    "Spinel formation rate [s-1]": 0.0,
    "Oxygen interphase resistivity [Ohm.m4.mol-1]": 0.0,
    "Spinel site loss": 0.0,
    "Active host fade per cycle": 0.0,
}


def plain(**changes):
    return sscell.load("Song2024").replace(PLAIN | changes)


def run(cell, protocol, celsius=30.0, resolution=MESH, **options):
    data = sscell.simulate(
        cell, protocol, temperature=celsius, resolution=resolution, **options
    )
    assert max(metadata(data, "balances").values()) < 1e-9
    return data


def last(data, name):
    return float(data[name].values[-1])


# Mesh -----------------------------------------------------------------------------------


def turns(time, voltage):
    """How often a curve turns after its start [-]."""
    rises = np.diff(voltage[time > 0.03 * time[-1]]) > -1e-6
    return int(np.sum(rises[1:] != rises[:-1]))


@pytest.mark.parametrize("decay", [0.0, 16.0])
@pytest.mark.parametrize("celsius", [30.0, 60.0])
def test_shells_leave_no_ripples_even_where_diffusivity_falls_by_decades(celsius, decay):
    """A full domain empties behind a sharp front; shells must not show in the voltage."""
    stem = "Li2MnO3 domain diffusivity"
    cell = sscell.load("Song2024")
    if decay:
        cell = cell.replace({f"{stem} decay coefficient": decay, f"{stem} [m2.s-1]": 1e-14})
    protocol = sscell.charge("0.1C")
    curves = []
    for shells in (25, 100):
        mesh = Resolution(shells, rtol=1e-6, atol=1e-8)
        data = run(cell, protocol, celsius, mesh)
        curves.append((data["Time [s]"].values, data["Voltage [V]"].values))
    (t, v), fine = curves
    times = np.linspace(0.002, 0.98, 2000) * fine[0][-1]
    off = np.interp(times, t, v) - np.interp(times, *fine)
    assert np.sqrt(np.mean(off**2)) < 1e-3
    # At most the hump where the fronts set off: at its top they leave their slow start.
    assert turns(t, v) <= 2


# One domain instead of two --------------------------------------------------------------

STEPS = ("NCM lower step", "NCM upper step")


def as_insertion():
    """The lasting domain's sites for all of the guest, as an insertion cathode."""
    tables = copy.deepcopy(_TABLES)
    tables.pop("variants")
    tables["physics"] = {"anode": "plateau", "cathode": "insertion"}
    tables["network"] = {
        "host": "oxide",
        "guest": "lithium",
        "guest_per_host": 1.2,
        "sites": list(STEPS),
    }
    parameters = tables["parameters"]
    for name in ("diffusivity [m2.s-1]", "diffusivity activation energy [J.mol-1]"):
        parameters[f"Positive particle {name}"] = parameters[f"NCM domain {name}"]
    probe = {q.name for q in Cell.load("Liang2023").host.quantities()}
    general = {q.name for q in Cell.load("Liang2023").quantities} - probe
    layer = ("Separator thickness", "Separator conductivity")
    own = ("Positive particle diffusivity", "Initial positive electrode potential")
    tables["parameters"] = {
        n: e
        for n, e in parameters.items()
        if n in general or n.startswith((*layer, *own, *STEPS))
    }
    return Cell(ParameterSet.from_table(tables))


def as_two_equal_domains():
    """Both domains alike, and the second activated from the start without oxygen."""
    changes = {
        "Initially activated depth": 0.999,
        "Activation oxygen fraction": 0.0,
        FRONT: 0.0,
    }
    values = sscell.load("Song2024").values
    for ours, theirs in (("Li2MnO3 lower", "NCM lower"), ("Li2MnO3 upper", "NCM upper")):
        for end in ("step potential [V]", "step fraction", "step width coefficient"):
            changes[f"{ours} {end}"] = values[f"{theirs} {end}"]
    for end in ("diffusivity [m2.s-1]", "diffusivity activation energy [J.mol-1]"):
        changes[f"Li2MnO3 domain {end}"] = values[f"NCM domain {end}"]
    return plain(**changes)


def test_two_equal_domains_are_one_insertion_cathode():
    """Same sites and diffusivity: the voltage is that of a single host of both."""
    exact = Resolution(shells=15, rtol=1e-7, atol=1e-9)
    protocol = sscell.charge("0.5C", duration="1.5 h")
    one = run(as_insertion(), protocol, resolution=exact)
    two = run(as_two_equal_domains(), protocol, resolution=exact)
    times = np.linspace(600, 5000, 50)
    curves = [np.interp(times, d["Time [s]"], d["Voltage [V]"]) for d in (one, two)]
    assert curves[1] == pytest.approx(curves[0], abs=1e-3)


# The front ------------------------------------------------------------------------------


def depth(data):
    """From the activated share of one front, a = 1 - (1 - s)^3."""
    return 1 - (1 - last(data, "Activated fraction")) ** (1 / 3)


@pytest.mark.parametrize(("contact", "share"), [(1.0, 1.0), (0.5, 1.0), (0.5, 0.0)])
def test_front_moves_by_contact_and_overpotential(contact, share):
    """ds/dt = theta (k/R) [exp(alpha F (phi - U)/RT) - 1] where U is passed by many widths."""
    speed, above = 4e-16, 0.5
    slowed = 1.0 if share else np.exp(-1e3 / (GAS_CONSTANT * 303.15))
    cell = plain(
        **{
            FRONT: speed,
            SLOW: 7e4 + 1e3,
            FAST: 7e4,
            "Fast activated share": share,
            "Maximum contact fraction": contact,
            "Activation potential [V]": 3.7,
            "Initially activated depth": 0.1,
        }
    )
    held = hold(3.7 + above - 0.62, duration="3 h")
    data = run(cell, then(sscell.charge("0.2C", until=3.58), held))
    holding = data["Time [s]"].values >= data["Time [s]"].values[-1] - 3 * 3600
    share_of = data["Activated fraction"].values[holding]
    moved = np.ptp(1 - (1 - share_of) ** (1 / 3))
    drive = cell.values[ALPHA] * FARADAY / (GAS_CONSTANT * 303.15)
    potential = data["Open-circuit contribution [V]"].values[holding] + 0.62
    potential = potential + data["Particle transport contribution [V]"].values[holding]
    rate = np.exp(drive * (potential - 3.7)) - 1
    time = data["Time [s]"].values[holding]
    passed = np.sum(np.diff(time) * (rate[1:] + rate[:-1]) / 2)
    # The centre's own length takes a hundredth of the speed at most times.
    expected = contact * speed * slowed / cell.values[RADIUS] * passed
    assert moved == pytest.approx(expected, rel=0.03)


def test_nothing_is_activated_below_the_potential():
    data = run(plain(), sscell.charge("0.05C", until=3.5))
    start = float(data["Activated fraction"][0])
    assert last(data, "Activated fraction") == pytest.approx(start, rel=1e-3)


# Oxygen and lithium ---------------------------------------------------------------------


def test_oxygen_takes_its_share_of_what_is_activated():
    """4 electrons per O2: n = f q (a - a0) / 4, escaped and reacted together."""
    data = run(plain(), sscell.cycle("0.05C", cycles=2), 60.0)
    grown = np.diff(data["Activated fraction"].values[[0, -1]])[0]
    freed = sum(last(data, f"Oxygen {w} [mol.mol-1]") for w in ("escaped", "reacted"))
    share = plain().values["Activation oxygen fraction"]
    assert grown > 0.5
    assert freed == pytest.approx(share * 0.8 * grown / 4, rel=1e-6)


def test_charge_passed_is_guest_oxidised_electrolyte_and_nothing_else():
    """With every loss at work, over formation and both ways of control."""
    cell = sscell.load("Song2024").replace(
        {"Active host fade per cycle": 0.01, "Spinel formation rate [s-1]": 1e-7}
    )
    data = run(cell, sscell.cycle("0.5C", cycles=3, hold_until="0.25C"), 60.0)
    mass, full = metadata(data, "capacity_basis_mass_g", ""), 1.2 * 96485.33 / 3.6 / 85.28
    passed = last(data, "Discharge capacity [A.h]") * 1e3 / mass
    gone = 1 - last(data, "Mean reactive electrolyte fraction")
    electrolyte = (
        gone * cell.values["Electrolyte oxidation capacity [A.h.kg-1]"] * 0.35 / 0.6
    )
    assert abs(passed) < full
    assert electrolyte > 5
    assert -passed > electrolyte  # some guest stays outside for good: oxygen and lost sites


@pytest.mark.parametrize(("celsius", "leaves"), [(30.0, True), (60.0, False)])
def test_oxygen_leaves_at_30_and_is_consumed_at_60(celsius, leaves):
    """The charge of the gas analysis: 350 mAh/g by 4.28 V, imposed at both temperatures."""
    protocol = sscell.cycle("0.05C", hold_capacity="350 mAh/g")
    data = run("Song2024-DEMS", protocol, celsius)
    step = sscell.summary(data)["steps"][0]
    assert step["stop_reason"].startswith("capacity limit")
    assert step["capacity_mAh_g"] == pytest.approx(350, abs=0.1)
    escaped, reacted = (
        last(data, f"Oxygen {w} [mol.mol-1]") for w in ("escaped", "reacted")
    )
    assert (escaped > 2 * reacted) if leaves else (reacted > 2 * escaped)


# Coatings and slow changes --------------------------------------------------------------


@pytest.mark.parametrize("celsius", [30.0, 60.0])
def test_coating_against_oxidation_keeps_contact_and_activates_sooner(celsius):
    bare, coated = (
        run(sscell.load(n), sscell.charge("0.05C", until=3.75), celsius)
        for n in ("Song2024", "Song2024-LNO")
    )
    assert last(coated, "Contact fraction") > last(bare, "Contact fraction")
    bare, coated = (
        run(sscell.load(n), sscell.cycle("0.05C", cycles=3), celsius)
        for n in ("Song2024", "Song2024-LNO")
    )
    assert last(coated, "Activated fraction") > last(bare, "Activated fraction")


def test_coating_against_oxygen_leaves_less_of_it_in_the_film():
    bare, coated = (
        run(sscell.load(n), sscell.cycle("0.05C", cycles=2), 60.0)
        for n in ("Song2024", "Song2024-thio")
    )
    reacted = "Oxygen reacted [mol.mol-1]"
    assert last(coated, reacted) < 0.5 * last(bare, reacted)


def test_spinel_like_state_lowers_the_voltage_and_frees_oxygen():
    """All of it shifts the activated domain by the potential change."""
    aged = plain(**{"Spinel formation rate [s-1]": 5e-8, FRONT: 1e-11})
    data = run(aged, sscell.cycle("0.05C", cycles=3), 60.0)
    means = [s["mean_voltage_V"] for s in sscell.summary(data)["steps"]][1::2]
    assert 0.1 < last(data, "Spinel-like fraction") < 0.9
    assert means[0] > means[1] > means[2]


# Bad tables -----------------------------------------------------------------------------

GOOD = _TABLES["network"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"lasting": None}, "'lasting' must be a table"),
        ({"last": {}}, "unknown key 'last'"),
        ({"lasting": {**GOOD["lasting"], "site": []}}, "unknown key 'site'"),
        ({"lasting": {"name": "A", "sites": ["B"]}}, "no 'guest_per_host'"),
        ({"lasting": GOOD["activated"]}, "share a name"),
    ],
)
def test_bad_domains_are_refused_in_one_sentence(change, sentence):
    with pytest.raises(ParameterError, match=sentence):
        Domains.from_table({**GOOD, **change})


def test_missing_domain_is_named():
    with pytest.raises(ParameterError, match="no 'activated'"):
        Domains.from_table({k: v for k, v in GOOD.items() if k != "activated"})
