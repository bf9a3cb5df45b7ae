"""Energy of a stack: masses by hand, ranges, and what limits it."""

from __future__ import annotations

import json

import pytest
from commands import run_here
from own_cells import cell_of

import sscell
from sscell.cells.stack import Pouch, scaled, stack_of
from sscell.errors import ParameterError
from sscell.sweeps.cell_level import lengths

FAST = sscell.Resolution(shells=10)
BARE = Pouch(positive_foil="12um", negative_foil="8um", n_p=1.2)


def test_stack_of_a_cell_is_the_sum_of_its_layers():
    cell = scaled(cell_of("nmc"), 50e-6, 30e-6, BARE.n_p)
    v, stack = cell.values, stack_of(cell, BARE)
    layers = {
        "positive foil": (6e-6 * 2700, 6e-6),
        "cathode": (v["Positive electrode mass [kg]"] / cell.area, 50e-6),
        "separator": (30e-6 * 1838.19 * 0.85, 30e-6),
        "negative foil": (4e-6 * 8960, 4e-6),
    }
    for name, (mass, thickness) in layers.items():
        assert stack.layers[name] == pytest.approx((mass, thickness), rel=1e-5)
    # Room for 1.2 times the charge in indium that is half full.
    indium = 1.2 * cell.nominal_capacity / 0.5 / (96485.33212 / 3600 / 0.114818)
    mass = indium / cell.area
    assert stack.layers["anode"] == pytest.approx((mass, mass / 7310), rel=1e-4)
    assert stack.mass == pytest.approx(sum(m for m, _ in stack.layers.values()))
    assert cell.n_p == pytest.approx(1.2) and not stack.assumed


def test_metal_of_a_cell_that_charges_first_is_weighed_once():
    """The cathode's mass has the lithium already: only the excess weighs, all takes room."""
    cell = cell_of("lco")
    mass, thickness = stack_of(cell, BARE).layers["anode"]
    charge = cell.nominal_capacity / cell.area
    assert mass == pytest.approx(0.2 * charge / 3861)
    assert thickness == pytest.approx(1.2 * charge / 3861 / 534)


def test_casing_takes_its_share():
    cell = cell_of("graphite")
    bare, cased = (
        stack_of(cell, Pouch(casing_mass_fraction=c, casing_volume_fraction=c))
        for c in (0.0, 0.2)
    )
    assert cased.mass == pytest.approx(bare.mass / 0.8)
    assert cased.thickness == pytest.approx(bare.thickness / 0.8)


@pytest.mark.parametrize(
    "name", ["Ji2024", "Chang2024", "Liang2023", "Pan2023", "Song2024"]
)
def test_every_published_cell_has_a_stack(name):
    stack = stack_of(sscell.load(name))
    assert stack.mass > 0 and stack.assumed


def test_design_rows_are_energies_of_the_simulated_discharge():
    cell = cell_of("graphite")
    result = sscell.design(
        cell, "30um,90um", "30um", ["C/5", "2C"], pouch=BARE, resolution=FAST
    )
    rows = {(row["thickness_um"], row["rate"]): row for row in result["rows"]}
    assert set(rows) == {(t, r) for t in (30.0, 90.0) for r in ("C/5", "2C")}
    assert rows[30.0, "C/5"]["capacity_mAh_g"] > rows[90.0, "2C"]["capacity_mAh_g"]
    assert rows[90.0, "C/5"]["energy_Wh_kg"] > rows[30.0, "C/5"]["energy_Wh_kg"]
    assert [row["rate"] for row in result["best"]] == ["C/5", "2C"]
    row = rows[90.0, "C/5"]
    sized = scaled(cell, 90e-6, 30e-6, BARE.n_p)
    both = stack_of(sized, BARE)
    assert row["energy_Wh_kg"] / row["energy_Wh_L"] == pytest.approx(
        1e3 * both.thickness / both.mass
    )
    # Mean voltage times charge, per mass of the stack.
    charge = row["capacity_mAh_g"] * sized.active_mass  # A.h
    volts = row["energy_Wh_kg"] * both.mass * cell.area / charge
    assert 3.3 < volts < 4.0


def test_the_anode_that_runs_out_is_what_limits():
    cell = cell_of("sulfur")
    v = cell.values
    small = cell.replace(
        {"Negative electrode mass [kg]": v["Negative electrode mass [kg]"] / 12}
    )
    (row,) = sscell.design(
        small, [cell.cathode_thickness], rates=["C/20"], resolution=FAST
    )["rows"]
    assert row["limited_by"] == "anode inventory"


def test_ranges_and_lists_of_thicknesses():
    assert len(lengths("20um:200um")) == 8
    assert lengths("500,20um") == pytest.approx([20e-6, 500e-6])
    for text in ("200um:20um", "0um", "20kg", "1:2:3um"):
        with pytest.raises(ParameterError):
            lengths(text)


def test_design_by_the_command_line(tmp_path):
    (tmp_path / "foils.toml").write_text('n_p = 1.2\npositive_foil = "10um"\n')
    words = "design Liang2023 --thickness 20um --rates C/5 --pouch foils.toml "
    words += "--thickness-points 0 --shells 10 --plot map.png --json"
    done = run_here(*words.split(), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    (row,) = told["rows"]
    needed = {"thickness_um", "separator_thickness_um", "rate", "capacity_mAh_g"}
    assert needed | {"energy_Wh_kg", "energy_Wh_L", "limited_by"} <= set(row)
    assert told["best"] == [row] and (tmp_path / "map.png").is_file()
    (tmp_path / "foils.toml").write_text("np = 1.2\n")
    done = run_here(*words.split(), cwd=tmp_path)
    assert done.returncode == 2 and "n_p" in done.stderr
