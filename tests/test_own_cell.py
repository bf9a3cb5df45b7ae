"""A person's own cell: materials, open-circuit tables, anodes of particles, losses."""

from __future__ import annotations

import json

import numpy as np
import pytest
from commands import run_here
from own_cells import PARTS, cell_of

import sscell
from sscell.analysis.capacity import half_cycles
from sscell.analysis.open_circuit import open_circuit
from sscell.analysis.site_fit import fit_sites
from sscell.cells.cell import Cell
from sscell.cells.entries import Parameter
from sscell.cells.materials import load_material, material_names
from sscell.cells.parameters import ParameterSet
from sscell.cells.parts import tables_of
from sscell.cells.writing import write_set
from sscell.cli.curves import curve_of, timed
from sscell.dataset import metadata
from sscell.errors import ParameterError
from sscell.physics.curves import Curve, Potential

FAST = sscell.Resolution(shells=15)


@pytest.fixture(scope="module")
def cells():
    return {name: cell_of(name) for name in PARTS}


# Curves --------------------------------------------------------------------------------


def test_curve_passes_its_points_and_falls_everywhere():
    x = np.array([0.02, 0.1, 0.3, 0.31, 0.7, 0.97])
    u = np.array([4.3, 4.1, 4.0, 3.6, 3.55, 2.9])
    curve = Curve(tuple(x), tuple(u))
    np.testing.assert_allclose(curve(x), u, atol=1e-9)
    assert (np.diff(curve(np.linspace(-0.1, 1.1, 2001))) < 0).all()


def test_curve_runs_away_before_the_host_is_full_or_empty():
    curve = Curve((0.1, 0.5, 0.9), (4.0, 3.8, 3.5))
    assert curve(np.array([1.0]))[0] < 3.5 - 1.0
    assert curve(np.array([0.0]))[0] > 4.0 + 1.0


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"filling": [0, 0.5, 1], "potential": [4, 4.1, 3]}, "must fall"),
        ({"filling": [0, 0.5, 0.4], "potential": [4, 3.5, 3]}, "must rise"),
        ({"filling": [0, 0.5, 1.2], "potential": [4, 3.5, 3]}, "within 0 and 1"),
        ({"filling": [0, 1], "potential": [4, 3]}, "3 to 400 points"),
        ({"filling": [0, 0.5, 1], "potentail": [4, 3.5, 3]}, "potentail"),
        (
            {"filling": [0, 0.5, 1], "discharge": [4, 3.5, 3], "charge": [3.9, 3.4, 3]},
            "below",
        ),
        ({"filling": [0, 0.5, 1], "potential": [4, True, 3]}, "True"),
    ],
)
def test_tables_that_are_none_are_refused(columns, words):
    with pytest.raises(ParameterError, match=words):
        Potential.from_table(columns)


# Materials -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", material_names())
def test_every_value_of_a_card_has_kind_source_and_what_its_kind_owes(name):
    material = load_material(name)
    assert material.values
    for value in material.values.values():
        assert value.source
        if value.kind == "literature":
            assert "doi:10." in value.source or "Handbook" in value.source, value.name
    columns = material.potential()
    if columns is not None:
        assert material.card.ocv.source


def test_needed_materials_are_there():
    needed = {
        *("NMC811", "NMC622", "NMC532", "NCA", "LCO", "LFP", "LTO", "LMO", "LNMO", "NVPF"),
        *("graphite", "silicon", "HC", "NaxCoO2", "S", "Li6PS5Cl", "Li5.5PS4.5Cl1.5"),
        *("Li3PS4", "Li7P3S11", "Li10GeP2S12", "Li3InCl6", "Li3YCl6", "LLZO", "LATP"),
        *("Na3PS4", "Na3SbS4", "NZSP", "Li", "Na", "Li-In", "Na15Sn4", "carbon-black"),
        *("VGCF", "LiNbO3"),
    }
    assert needed <= set(material_names())


def test_unknown_material_is_code_2_with_the_nearest(tmp_path):
    done = run_here("materials", "NMC81", cwd=tmp_path)
    assert done.returncode == 2
    assert "NMC811" in done.stderr and "Traceback" not in done.stderr


def test_materials_as_json(tmp_path):
    told = json.loads(run_here("materials", "NMC811", "--json", cwd=tmp_path).stdout)
    (card,) = told["materials"]
    assert card["kind"] == "active"
    value = card["values"]["Density [kg.m-3]"]
    assert set(value) == {"value", "unit", "kind", "source", "range"}


# Cells from parts ----------------------------------------------------------------------


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize("celsius", [-10, 60])
def test_cells_from_parts_cycle_and_close_their_balances(cells, name, celsius):
    run = sscell.simulate(
        cells[name], sscell.cycle("C/20"), temperature=celsius, resolution=FAST
    )
    assert all(abs(r) < 1e-8 for r in metadata(run, "balances").values())
    parts = sum(run[n] for n in metadata(run, "budget"))
    assert float(np.abs(parts - run["Voltage [V]"]).max()) < 1e-6
    capacity = max(h.capacity for h in half_cycles(run))
    nominal = cells[name].nominal_capacity
    assert (0.5 if celsius > 0 else 0.02) * nominal < capacity < 1.15 * nominal


def test_a_cell_without_carbon_conducts_by_its_active_material(cells):
    bare = cells["bare"]
    with pytest.raises(ParameterError, match="does not conduct"):
        bare.replace({"Positive electrode active material conductivity [S.m-1]": 0.0})


def test_charge_that_leaves_the_anode_is_what_passed(cells):
    run = sscell.simulate(cells["silicon"], sscell.cycle("C/10", cycles=2), resolution=FAST)
    assert float(np.abs(run["Negative electrode guest balance residual"]).max()) < 1e-8
    both = run["Positive electrode potential [V]"] - run["Negative electrode potential [V]"]
    outside = run["Separator contribution [V]"] + run["Contact contribution [V]"]
    np.testing.assert_allclose(both + outside, run["Voltage [V]"], atol=1e-6)


def test_fast_charging_of_graphite_may_plate(cells):
    """Plating potential: falls below zero with slow kinetics in the cold, not at C/20."""
    slow = sscell.simulate(cells["graphite"], sscell.charge("C/20"), resolution=FAST)
    fast = sscell.simulate(
        cells["graphite"].replace(
            {"Negative electrode exchange-current density [A.m-2]": 0.01}
        ),
        sscell.charge("C/2"),
        temperature=-10,
        resolution=FAST,
    )
    name = "Negative electrode plating potential [V]"
    assert float(slow[name].min()) > 0 > float(fast[name].min())


def test_new_writes_a_checked_cell_from_parts(tmp_path):
    words = "--cathode NMC811:70 --catholyte Li6PS5Cl:27 --carbon 3 --cathode-mass 12mg "
    words += (
        "--separator Li6PS5Cl:100mg --anode Li-In:60mg --diameter 10mm --pressure 50MPa"
    )
    done = run_here("new", "mine.toml", *words.split(), "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    sizes = told["sizes"]
    assert sizes["area_cm2"] == pytest.approx(np.pi / 4)
    assert sizes["active_mg_cm2"] == pytest.approx(12 * 0.7 / (np.pi / 4))
    assert sizes["one_c_mA"] == pytest.approx(12 * 0.7 * 0.2)
    assert sizes["areal_capacity_mAh_cm2"] == pytest.approx(12 * 0.7 * 0.2 / (np.pi / 4))
    assert "Positive particle radius [m]" in told["unsourced"]
    assert Cell.load(tmp_path / "mine.toml").has_contact


def test_n_p_counts_the_room_of_an_alloy(cells):
    """60 mg of Li0.5In have room for half a lithium per indium: F n / (1C charge)."""
    indium = 60e-6 / (0.114818 + 0.5 * 0.00694)
    room = 0.5 * indium * 96485.33212 / 3600
    assert cells["nmc"].n_p == pytest.approx(room / (12e-6 * 0.7 * 200), rel=1e-4)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"cathode": "NMC811:60"}, "add up to"),
        ({"cathode": "NMC81:70"}, "NMC811"),
        ({"anode": "Li-In"}, "Li-In:60mg"),
        ({"anode": "Li6PS5Cl:10mg"}, "no anode"),
        ({"anode": "In:100um+Li:200um"}, "Li:In"),
        ({"cathode_thickness": "10um"}, "does not hold"),
        ({"diameter": None}, "--diameter or --area"),
        ({"separator": ("Li6PS5Cl",)}, "mass or a thickness"),
    ],
)
def test_parts_that_do_not_fit_are_a_sentence(change, words):
    from dataclasses import replace

    with pytest.raises(ParameterError, match=words):
        tables_of(replace(PARTS["nmc"], **change))


def test_an_anode_too_small_is_a_warning(cells):
    from dataclasses import replace

    tables = tables_of(replace(PARTS["nmc"], anode="graphite:2mg"))
    (remark,) = Cell(ParameterSet.from_table(tables)).remarks()
    assert "N/P" in remark


def test_an_alloy_filled_beyond_its_plateau_is_said():
    cell = cell_of("nmc")
    few = {
        "Negative electrode mass [kg]": 0.2 * cell.values["Negative electrode mass [kg]"]
    }
    runs = [
        sscell.simulate(c, sscell.charge("C/5"), resolution=FAST)
        for c in (cell, cell.replace(few))
    ]
    said = [any("plateau holds" in w for w in metadata(r, "warnings")) for r in runs]
    assert said == [False, True]


# Open-circuit voltage from a measurement -------------------------------------------------


def _with_table(cell, columns, amount, filling):
    """An insertion cell with a table in the place of its sites."""
    data = {k: v for k, v in cell.data.items() if k not in ("network", "variants")}
    gone = (*cell.host.names, "Initial positive")
    kept = {
        name: value
        for name, value in cell.parameters.parameters.items()
        if not name.startswith(gone)
    }
    data["network"] = {
        "host": cell.host.host,
        "guest": cell.host.guest,
        "guest_per_host": amount,
        "ocv": "table",
        "table": columns,
    }
    start = "Initial positive electrode filling"
    kept[start] = Parameter(start, filling, "assumed", "test", range=(0.0, 1.0))
    return Cell(ParameterSet("table", data, kept))


def test_a_table_of_the_sites_own_curve_is_the_same_cell():
    """Within 1 mV, and in no more than 1.5 times the steps of the solver."""
    liang = sscell.load("Liang2023-diffusion")
    fine = np.linspace(0.002, 0.998, 2000)
    curve = [liang.host.equilibrium_potential(v, liang.values, 298.15) for v in fine]
    way = np.cumsum(np.r_[0, np.diff(fine) - np.diff(curve) / np.ptp(curve)])
    rows = np.searchsorted(way, np.linspace(0, way[-1], 120)[:-1])
    x, u = fine[rows], [curve[row] for row in rows]
    columns = {"filling": [float(v) for v in x], "potential": u}
    table = _with_table(liang, columns, liang.host.capacity, 2.5e-5)
    runs = [sscell.simulate(c, sscell.cycle("C/5")) for c in (liang, table)]
    for truth, model in zip(*map(half_cycles, runs), strict=True):
        (x, v), (other, w) = (
            (run["Average positive particle stoichiometry"].values[half.rows], half.voltage)
            for run, half in zip(runs, (truth, model), strict=True)
        )
        order, inner = np.argsort(other), (x > 0.05) & (x < 0.95)
        apart = np.interp(x, other[order], w[order]) - v
        assert np.abs(apart[inner]).max() < 1e-3
    assert runs[1].sizes["time"] < 1.5 * runs[0].sizes["time"]


@pytest.mark.parametrize(("way", "branch"), [("charge", 1), ("discharge", -1)])
def test_a_rested_cathode_shows_its_branch(way, branch):
    """At rest V is U(x, h) of the table less that of the anode, to 0.1 mV."""
    tables = tables_of(PARTS["nmc"])
    columns = tables["network"]["table"]
    u = np.array(columns["potential"])
    columns = {"filling": columns["filling"], "discharge": u - 0.03, "charge": u + 0.03}
    tables["network"]["table"] = {k: list(map(float, v)) for k, v in columns.items()}
    tables["parameters"]["Positive particle hysteresis rate constant"] = {
        "value": 100.0,
        "kind": "assumed",
        "source": "test",
        "range": [100.0, 100.0],
    }
    cell = Cell(ParameterSet.from_table(tables))
    protocols = sscell.protocols
    halves = {"charge": ("charge",), "discharge": ("charge", "discharge")}[way]
    steps = [getattr(protocols, half)("C/5") for half in halves]
    run = sscell.simulate(cell, protocols.then(*steps, protocols.rest("40 h")))
    x = float(run["Average positive particle stoichiometry"][-1])
    h = float(run["X-averaged positive particle hysteresis state"][-1])
    assert h == pytest.approx(branch, abs=1e-3)
    expected = float(cell.host.potential(x, h)) - cell.values["Negative electrode OCP [V]"]
    assert float(run["Voltage [V]"][-1]) == pytest.approx(expected, abs=1e-4)


def test_table_of_a_slow_cycle_gives_the_known_cell_back(cells):
    """C/50 of a cell that dissolves lithium, as a table: its 1C lies within 5 mV rms."""
    liang = sscell.load("Liang2023-diffusion")
    found = open_circuit(sscell.simulate(liang, sscell.cycle("C/50")))
    assert not found.has_branches and found.hysteresis < 0.02
    molar = liang.values["Positive electrode active material molar mass [kg.mol-1]"]
    amount = found.capacity * 3600 / 96485.33212 / (liang.active_mass / molar)
    amount /= 1 - liang.values["Inactive host fraction"]
    table = _with_table(liang, found.columns(), amount, 0.0)
    model, truth = (
        half_cycles(sscell.simulate(c, sscell.cycle("1C")))[0] for c in (table, liang)
    )
    inner = (truth.charge > 0.02 * truth.capacity) & (truth.charge < 0.97 * truth.capacity)
    apart = np.interp(truth.charge, model.charge, model.voltage) - truth.voltage
    assert np.sqrt(np.mean(apart[inner] ** 2)) < 5e-3
    assert model.capacity == pytest.approx(truth.capacity, rel=0.01)


def test_branches_and_loss_put_in_are_found_again():
    """A hysteresis of 60 mV and a loss that grows as exp(V/0.2 V), made and recovered."""
    from sscell.dataset import time_series

    hours = np.linspace(0, 20, 4001)
    x = hours / 20
    level = 4.2 - 0.8 * x - 0.15 * np.tanh((x - 0.4) / 0.02)
    current = 1e-3
    down_v = level - 0.03
    up_v = level[::-1] + 0.03
    lost = [4e-4 * np.exp((v - level.max()) / 0.2) for v in (down_v, up_v)]
    # At a fixed stored charge per step the passed charge differs by the loss.
    dq = 20e-3 / 4000
    down_t = np.cumsum(np.r_[0, dq / (current + lost[0][1:])])
    up_t = np.cumsum(np.r_[0, dq / (current - lost[1][1:])])
    time = np.concatenate([down_t, down_t[-1] + 1e-3 + up_t]) * 3600
    data = time_series(
        {
            "Time [s]": time,
            "Current [A]": np.r_[np.full(4001, current), np.full(4001, -current)],
            "Voltage [V]": np.r_[down_v, up_v],
        }
    )
    found = open_circuit(data)
    assert found.hysteresis == pytest.approx(0.06, abs=0.004)
    assert found.capacity == pytest.approx(20e-3, rel=0.01)
    assert found.loss is not None and 0.1 < found.loss.width < 0.4


def test_a_loss_that_grows_from_cycle_to_cycle_is_told():
    """Each charge passes more in excess than the one before: the next is foreseen."""
    from sscell.dataset import time_series

    n, current, time, columns = 800, 1e-3, 0.0, []
    for excess in (2.0e-3, 0.8e-3, 1.0e-3):
        for sign, capacity in ((-1, 20e-3 + excess), (1, 20e-3)):
            x = np.linspace(0, 1, n)
            level = 4.2 - 0.8 * x - 0.15 * np.tanh((x - 0.4) / 0.05)
            t = time + 3600 * capacity / current * x
            columns.append(
                (t, np.full(n, sign * current), level[::-sign] if sign < 0 else level)
            )
            time = t[-1] + 1
    t, i, v = (np.concatenate(part) for part in zip(*columns, strict=True))
    loss = open_circuit(
        time_series({"Time [s]": t, "Current [A]": i, "Voltage [V]": v})
    ).loss
    # Half of a fifth of the loss, per loss of 1 mA.h of 20 mA.h.
    assert loss.growth == pytest.approx(0.5 * 0.2 / (1.0 / 20), rel=0.02)


def test_a_titration_gives_the_potentials_of_its_rests():
    cell = cell_of("nmc").replace({"Contact resistance [Ohm]": 300.0})
    run = sscell.simulate(
        cell, sscell.gitt("C/5", pulse="20 min", rest="4 h"), resolution=FAST
    )
    found = open_circuit(run, "discharge")
    x = run["Average positive particle stoichiometry"].values
    current = run["Current [A]"].values
    rested = x[:-1][(current[:-1] == 0) & (current[1:] > 0)]
    high = rested.max()
    low = high - found.capacity / cell.theoretical_capacity
    inner = np.linspace(0.1, 0.9, 9)
    u = np.interp(inner, found.filling, found.discharge)
    place = low + (high - low) * inner
    truth = [cell.host.equilibrium_potential(p, cell.values, 298.15) for p in place]
    np.testing.assert_allclose(u + 0.62, truth, atol=0.005)


def test_curves_that_rise_and_tables_without_charge_are_a_sentence(tmp_path):
    x = np.linspace(0.05, 0.95, 40)
    u = 4.2 - x
    words = ["--mass", "2mg", "--against", "Li", "-o", "a.toml"]

    def table(values):
        rows = "\n".join(f"{a},{b}" for a, b in zip(x, values, strict=True))
        (tmp_path / "xu.csv").write_text("x,U\n" + rows)

    table(u)
    done = run_here("ocv", "xu.csv", *words, cwd=tmp_path)
    assert done.returncode == 2 and "--capacity" in done.stderr
    done = run_here(
        "ocv", "xu.csv", *words, "--capacity", "274mAh/g", "--json", cwd=tmp_path
    )
    assert json.loads(done.stdout)["capacity_mAh_g"] == pytest.approx(0.9 * 274, rel=1e-3)
    table(np.where(np.arange(40) > 20, u + 0.3, u))
    done = run_here("ocv", "xu.csv", *words, "--capacity", "274mAh/g", cwd=tmp_path)
    assert done.returncode == 2 and "not monotone" in done.stderr


def test_sites_put_in_are_found_again():
    u = np.linspace(4.3, 3.4, 300)
    rt = 8.314462618 * 298.15 / 96485.33212
    x = 0.6 / (1 + np.exp((u - 4.0) / (1.5 * rt))) + 0.4 / (1 + np.exp((u - 3.7) / rt))
    sites, misfit = fit_sites(x, u, 2)
    assert [s.potential for s in sites] == pytest.approx([4.0, 3.7], abs=2e-3)
    assert [s.fraction for s in sites] == pytest.approx([0.6, 0.4], abs=0.01)
    assert misfit < 1e-3


def test_ocv_writes_a_card_that_makes_a_cell(tmp_path):
    liang = sscell.load("Liang2023")
    from sscell.dataset import save_dataset

    save_dataset(sscell.simulate(liang, sscell.cycle("C/50")), tmp_path / "slow.csv")
    done = run_here(
        *[
            "ocv",
            "slow.csv",
            "--mass",
            "1.81818mg",
            "--against",
            "Li",
            "-o",
            "own.toml",
            "--json",
        ],
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["material"] == "own" and told["points"] > 20
    assert told["capacity_mAh_g"] == pytest.approx(165.4, rel=0.01)
    words = "--cathode own.toml:70 --catholyte Li3InCl6:27 --carbon 3 --cathode-mass 5mg "
    words += "--separator Li6PS5Cl:100mg --anode Li --diameter 10mm"
    assert run_here("new", "cell.toml", *words.split(), cwd=tmp_path).returncode == 0
    run = sscell.simulate(Cell.load(tmp_path / "cell.toml"), sscell.cycle("C/20"))
    assert metadata(run, "stop_reasons") == [
        "upper voltage cut-off",
        "lower voltage cut-off",
    ]


def test_what_was_measured_against_must_be_said(tmp_path):
    (tmp_path / "curve.csv").write_text(
        "mAh/g,Voltage (V)\n" + "\n".join(f"{q},{4.2 - q / 200}" for q in range(0, 200, 5))
    )
    done = run_here(*["ocv", "curve.csv", "--mass", "2mg", "-o", "a.toml"], cwd=tmp_path)
    assert done.returncode == 2 and "--against" in done.stderr
    done = run_here(
        *["ocv", "curve.csv", "--mass", "2mg", "--against", "Li-In", "-o", "a.toml"],
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert load_material(tmp_path / "a.toml").potential()["potential"][0] == pytest.approx(
        4.82, abs=1e-3
    )


# Physics of a table ------------------------------------------------------------------------


def test_a_rested_cell_shows_the_branch_that_it_came_by(cells):
    """At rest V equals U(x, h) of the table less that of the plateau, to 0.1 mV."""
    material = load_material("silicon")
    potential = Potential.from_table(material.potential())
    run = sscell.simulate(
        cells["silicon"],
        sscell.protocols.then(sscell.charge("C/10"), sscell.rest("20 h")),
        resolution=FAST,
    )
    x = float(run["Negative electrode inventory"][-1])
    h = float(run["Negative particle hysteresis state"][-1])
    assert h == pytest.approx(-1, abs=1e-3)
    shown = float(run["Negative electrode potential [V]"][-1])
    assert shown == pytest.approx(float(potential(x, h)), abs=1e-4)


def test_what_a_side_reaction_takes_is_what_does_not_come_back(cells):
    cell = cells["nmc"].with_physics({"side_reaction": True})
    cell = cell.replace(
        {
            "Side reaction exchange-current density [A.m-2]": 3e-4,
            "Side reaction potential [V]": 4.2,
            "Side reaction transfer coefficient": 0.2,
        }
    )
    run = sscell.simulate(cell, sscell.cycle("C/20", cycles=2), resolution=FAST)
    up, down = half_cycles(run)[-2:]
    gone = run["Side reaction charge [A.h]"].values
    lost = gone[down.rows[-1]] - gone[up.rows[0]]
    assert lost > 1e-6
    assert up.capacity - down.capacity == pytest.approx(lost, rel=0.02)
    assert all(abs(r) < 1e-8 for r in metadata(run, "balances").values())


def test_a_published_curve_without_time_becomes_a_series(tmp_path):
    """Voltage over mAh/g, as figures give it: the current is told, the rest is as ever."""
    cell = cell_of("nmc")
    write_set(cell.parameters, tmp_path / "nmc.toml")
    q, v = np.linspace(0, 180, 50), np.linspace(3.0, 3.6, 50)
    rows = "\n".join(f"{a},{b}" for a, b in zip(q, v, strict=True))
    (tmp_path / "curve.csv").write_text("mAh/g,V\n" + rows)
    path = tmp_path / "curve.csv"
    data = timed(path, curve_of(path), "C/5", cell)
    (half,) = half_cycles(data)
    assert half.direction == "charge"
    assert half.capacity == pytest.approx(0.18 * cell.basis("capacity")[1] * 1e3)
    assert np.ptp(half.time) == pytest.approx(180 / 200 * 5 * 3600)
    words = ["fit", "nmc.toml", "curve.csv", "--vary", "Contact resistance [Ohm]=10:500"]
    done = run_here(*words, cwd=tmp_path)
    assert done.returncode == 2 and "--current" in done.stderr
