"""Pan2023 against what its paper says, and what its family does by the same laws."""

from __future__ import annotations

import numpy as np
import pytest

import sscell
from sscell.analysis.capacity import half_cycles
from sscell.dataset import metadata
from sscell.papers.measures import Reading, measure
from sscell.papers.observables import load_observables
from sscell.papers.validation import run_all
from sscell.protocols import cycle, then
from sscell.simulation.engine import Resolution

MESH = Resolution(shells=25)
FADING = (
    "Active host remaining",
    "Contacted surface fraction",
    "Interphase grown [Ohm.m2]",
)


@pytest.fixture(scope="module")
def table():
    return load_observables("Pan2023")


@pytest.fixture(scope="module")
def read(table):
    """Reading of a run of the table, each run once."""
    known = {}

    def run(name):
        if name not in known:
            cell = sscell.load("Pan2023")
            mesh = Resolution(shells=8) if name == "long" else MESH
            known[name] = Reading(run_all(cell, [table.runs[name]], None, mesh)[name])
        return known[name]

    return run


def half(direction, number, of="capacity", **more):
    return {"of": of, "direction": direction, "cycle": number, **more}


@pytest.mark.parametrize(
    ("where", "published", "within"),
    [
        (half("charge", 1), 349, 0.05),
        (half("discharge", 1), 491, 0.05),
        (half("discharge", 10), 530, 0.02),
        (half("discharge", 15), 517, 0.05),
        (half("discharge", 25), 371, 0.05),
        (half("discharge", 10, "energy"), 997.5, 0.04 + 22.5 / 997.5),
        (half("discharge", 10, "power"), 46, 0.04),
        (half("discharge", 5, "uptake", series="MoS2 lithium"), 125, 0.1),
        (
            half("discharge", 5, "capacity below", below=1.1, against="working metal"),
            125,
            0.1,
        ),
        (half("charge", 1, "uptake", series="MoS2 lithium"), 100, 0.2),
    ],
)
def test_rate_series_is_that_of_the_paper(read, where, published, within):
    """Rates, energies and powers with one set; mA h/g, W h/kg and W/kg of the cathode."""
    assert measure(read("rates"), where) == pytest.approx(published, rel=within)


def test_ohmic_resistance_leaves_the_published_power(read):
    """P <= U^2/(4 R m/A): 600 W/kg at 2.1 V bounds R at 361 Ohm cm2."""
    bound = 2.1**2 / (4 * 0.6 * 5.093e-3)
    assert bound == pytest.approx(361, abs=1)
    for number in (10, 25):
        assert measure(read("rates"), half("discharge", number, "Ohmic resistance")) < bound


def test_published_power_is_reached_with_the_published_energy(read):
    found = measure(read("ragone"), {"of": "energy at power", "power": 600})
    assert found == pytest.approx(384, rel=0.1)


def test_potential_step_of_the_milled_cell_reads_the_apparent_conductivity(read):
    """Cottrell and Nernst-Einstein on the model's current: 6.6e-5 S/cm within a factor 3."""
    found = measure(read("step_milled"), {"of": "apparent conductivity"})
    assert 6.6e-5 / 3 < found < 6.6e-5 * 3


def test_apparent_conductivity_rises_to_the_limit_of_iodide(table):
    """Milled cells stepped to 3.0 V: published trend up to x = 0.2 (text)."""
    found = []
    for x in (0.05, 0.1, 0.15, 0.2):
        cell = sscell.load("Pan2023").replace({"LiI mole fraction": x})
        run = run_all(cell, [table.runs["step_milled"]], None, Resolution(15))
        found.append(measure(run["step_milled"], {"of": "apparent conductivity"}))
    assert np.all(np.diff(np.log(found)) > 0.5)


def test_a_step_at_full_charge_contradicts_the_apparent_conductivity(read):
    """Of a cell just cut off, 48 mA h/g within 100 s: no law of diffusion gives them."""
    assert measure(read("step_charged"), {"of": "apparent conductivity"}) < 1e-6


def tenth(changes):
    """Tenth discharge at 25 mA/g [mA h/g]."""
    cell = sscell.load("Pan2023").replace(changes)
    run = sscell.simulate(cell, cycle("25mA/g", cycles=10), resolution=Resolution(15))
    last = [h for h in half_cycles(run) if h.direction == "discharge"][-1]
    return last.capacity / cell.basis("capacity")[1]


@pytest.mark.parametrize(
    ("name", "values", "best"),
    [
        ("MoS2 mole fraction", (0.05, 0.1, 0.15, 0.2), 0.15),
        ("LiI mole fraction", (0.05, 0.1, 0.15, 0.2, 0.25), 0.2),
    ],
)
def test_the_published_composition_has_the_highest_capacity(name, values, best):
    """The tenth discharge rises to the paper's x and y, and falls beyond."""
    found = [tenth({name: v}) for v in values]
    assert values[int(np.argmax(found))] == best
    at = values.index(best)
    assert np.all(np.diff(found[: at + 1]) > 0) and np.all(np.diff(found[at:]) < 0)
    assert found[at] > 1.01 * max(
        f for f, v in zip(found, values, strict=True) if v != best
    )


def test_the_ratio_decides_the_best_iodide():
    """From 170 on x = 0.2 beats 0.15; with the conductivities' 150 they tie: assumed."""
    ratio = "Li2S-LiI diffusivity ratio"
    best = tenth({})
    gap = {r: tenth({"LiI mole fraction": 0.15, ratio: r}) / best for r in (100, 150, 170)}
    assert gap[100] > 1 and gap[170] < 1
    assert gap[150] == pytest.approx(1, abs=0.003)


@pytest.mark.parametrize("y", [0.1, 0.15, 0.2])
@pytest.mark.parametrize("kind", ["dc", "ac"])
def test_pellets_conduct_as_published(read, kind, y):
    """Above 1e-4 S/cm and of that order, at three compositions."""
    found = measure(read(f"{kind}_y{int(100 * y):03d}"), {"of": "pellet conductivity"})
    assert 1e-4 < found < 1e-3


def test_potential_step_is_the_same_through_the_thickness():
    """30 um conduct well enough: what a step reads is not the layer's own conduction."""
    found = []
    for points in (0, 5):
        table = load_observables("Pan2023")
        mesh = Resolution(10, points)
        run = run_all(sscell.load("Pan2023"), [table.runs["step_milled"]], None, mesh)
        found.append(
            measure(
                run["step_milled"], {"of": "apparent conductivity", "window": [100, 3000]}
            )
        )
    assert found[1] == pytest.approx(found[0], rel=0.25)


def test_first_discharge_exceeds_the_first_charge_by_the_room_in_molybdenum(read):
    """Charge balance: what Mo has room for beyond what it held as milled comes in."""
    reading = read("rates")
    gain = reading.capacity(half("discharge", 1)) - reading.capacity(half("charge", 1))
    mo = {**half("discharge", 1, "uptake"), "series": "MoS2 lithium"}
    given = {**half("charge", 1, "uptake"), "series": "MoS2 lithium"}
    sulfur = [
        measure(reading, half(way, 1, "uptake", series="Sulfur lithium"))
        for way in ("discharge", "charge")
    ]
    both = measure(reading, mo) - measure(reading, given) + sulfur[0] - sulfur[1]
    assert gain == pytest.approx(both, abs=2)
    assert gain == pytest.approx(123, abs=2)


def test_capacity_rises_to_the_tenth_cycle_and_polarisation_falls(read):
    reading = read("rates")
    capacities = [reading.capacity(half("discharge", n)) for n in range(1, 11)]
    assert np.all(np.diff(capacities) > 0)
    assert capacities[9] - capacities[8] < 0.2 * (capacities[1] - capacities[0])


def test_apparent_trend_follows_the_dissolved_iodide(table):
    """More LiI within its limit lets lithium diffuse faster: more of it at 200 mA/g."""
    kept = []
    for x in (0.05, 0.1, 0.2):
        run = sscell.simulate(
            "Pan2023",
            cycle("200mA/g", cycles=2),
            changes={"LiI mole fraction": x},
            resolution=MESH,
        )
        full = metadata(run, "theoretical_capacity_Ah")
        kept.append(
            [h for h in half_cycles(run) if h.direction == "discharge"][-1].capacity / full
        )
    assert np.all(np.diff(kept) > 0)


def test_without_molybdenum_no_electrons_pass():
    """y = 0: the layer of 1e-9 S/cm cuts off at once (text: insulating)."""
    run = sscell.simulate(
        "Pan2023",
        cycle("25mA/g"),
        changes={"MoS2 mole fraction": 0.0},
        resolution=Resolution(10),
    )
    assert np.ptp(run["Discharge capacity [A.h]"].values) < 1e-6


def test_five_hundred_cycles_hardly_change_while_everything_may_fade(read):
    reading = read("long")
    ratio = measure(reading, {**half("discharge", 510, "capacity ratio"), "to": 15})
    assert ratio == pytest.approx(1, abs=0.02)
    left, contact, film = (float(reading.data[name][-1]) for name in FADING)
    assert left < 1 and contact < 1 and film > 0


def test_states_that_could_fade_are_active_and_in_every_result():
    run = sscell.simulate(
        "Pan2023", then(cycle("100mA/g", cycles=3)), resolution=Resolution(10)
    )
    left, contact, film = (run[name].values for name in FADING)
    assert np.all(np.diff(left) <= 0) and left[-1] < 1
    assert contact[-1] < 1 and film[-1] > 0
