"""The Li-MoS6 cells against their thesis: one parameter set and its variants."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache

import numpy as np
import pytest

import sscell
from sscell.cells.library import available
from sscell.dataset import metadata
from sscell.papers.measures import Reading
from sscell.papers.observables import load_observables
from sscell.papers.probes import cv_peak, spectrum_resistance, titration_diffusivity
from sscell.papers.validation import run_all, validate
from sscell.simulation.engine import Resolution

COARSE = Resolution(15)
NAMES = sorted(name for name in available() if name.startswith("Chang2024"))
# Of chapters 4 and 5: mAh/g at 0.1, 0.2, 1 and 2 A/g; 0.5 A/g is in no list of the thesis.
RATES = {
    "Chang2024": (683.9, 516.8, 326.2, 255.8),
    "Chang2024-LPS15": (801.5, 648.1, 454.4, 370.8),
    "Chang2024-LiI5": (757.3, 610.9, 412.7, 328.6),
}
POWER = {"Chang2024": 1332.2, "Chang2024-LPS15": 1358, "Chang2024-LiI5": 1351}  # W/kg
FIRST = {"Chang2024": 913.9, "Chang2024-LPS15": 1083.8, "Chang2024-LiI5": 1016.3}


@cache
def reading(name, run, shells=15):
    """What a run of a cell's own table of observables says."""
    found = run_all(
        sscell.load(name), [load_observables(name).runs[run]], None, Resolution(shells)
    )[run]
    if isinstance(found, Exception):
        raise found
    return Reading(found)


def capacity(name, run, cycle, direction="discharge"):
    return reading(name, run).capacity({"direction": direction, "cycle": cycle})


def test_every_cell_of_the_thesis_is_there():
    variants = "LPS10 LPS15 LPS20 LiI1 LiI10 LiI5 bilayer liquid mix-40-40-20 mix-50-50-0"
    assert ["Chang2024", *(f"Chang2024-{v}" for v in variants.split())] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_balances_and_voltage_budget_close_in_every_cell(name):
    """Lithium and molybdenum, trapped and lost host included."""
    run = sscell.simulate(
        name, sscell.cycle("100mA/g", cycles=2), resolution=Resolution(10)
    )
    assert max(sscell.summary(run)["balances"].values()) < 1e-9
    assert float(run["Active host remaining"][-1]) < 0.95
    total = sum(run[n].values for n in metadata(run, "budget"))
    assert total == pytest.approx(run["Voltage [V]"].values, abs=1e-6)


@pytest.mark.parametrize("name", RATES)
def test_initial_capacity_is_within_three_percent(name):
    assert capacity(name, "slow", 1) == pytest.approx(FIRST[name], rel=0.03)


def test_reversible_capacities_are_within_three_percent_of_the_stated_choice():
    """635.1 of three for bare MoS6; 784.4 charged for LiI, not the 798 that exceed it."""
    assert capacity("Chang2024", "slow", 2) == pytest.approx(635.1, rel=0.03)
    assert capacity("Chang2024-LPS15", "slow", 2) == pytest.approx(851.5, rel=0.03)
    charged = capacity("Chang2024-LiI5", "slow", 1, "charge")
    assert charged == pytest.approx(784.4, rel=0.03)


@pytest.mark.parametrize("name", RATES)
def test_rate_series_in_its_sequence_is_within_eight_percent(name):
    got = [capacity(name, "rates", cycle) for cycle in (3, 6, 12, 15)]
    assert got == pytest.approx(RATES[name], rel=0.08)


@pytest.mark.parametrize("name", RATES)
def test_mean_voltage_at_2_a_per_gram_is_within_a_tenth_of_a_volt(name):
    """Power per total cathode layer over 0.4 x 2 A/g."""
    where = {"direction": "discharge", "cycle": 15}
    assert reading(name, "rates").mean_voltage(where) == pytest.approx(
        POWER[name] / 800, abs=0.1
    )


def test_mean_voltage_of_bare_mos6_at_slow_rate_is_within_a_tenth_of_a_volt():
    """495.8 Wh/kg per total cathode layer with 683.9 mAh/g."""
    where = {"direction": "discharge", "cycle": 3}
    published = 495.8 / (0.4 * 683.9)
    assert reading("Chang2024", "rates").mean_voltage(where) == pytest.approx(
        published, abs=0.1
    )


def test_a_thousand_cycles_of_the_coated_cell_keep_400():
    """Every one of them integrated, at 1 A/g."""
    assert capacity("Chang2024-LPS15", "long", 1000) == pytest.approx(400, rel=0.15)


def test_five_hundred_cycles_of_the_doped_cell_keep_301():
    assert capacity("Chang2024-LiI5", "long", 505) == pytest.approx(301.1, rel=0.15)


def test_bare_cell_stops_at_one_but_not_at_a_fifth_of_an_ampere_per_gram():
    assert capacity("Chang2024", "long", 505) < 50
    assert capacity("Chang2024", "medium", 200) == pytest.approx(361.8, rel=0.15)


def test_resistances_grow_with_the_same_cycles_as_published():
    """R_e and R_ct after cycles 1 and 20 at 0.1 A/g: 105.42, 384.11, 52.96 Ohm bare."""
    published = {
        "Chang2024": (105.42, 384.11, 52.96),
        "Chang2024-LPS15": (75.89, 124.79, 10.78),
    }
    for name, values in published.items():
        spectra = reading(name, "spectra")
        series = [spectrum_resistance(spectra.data, k, "series") for k in (1, 2)]
        assert series == pytest.approx(values[:2], rel=0.1)
        first, arc = (spectrum_resistance(spectra.data, k, "interfacial") for k in (1, 2))
        assert arc == pytest.approx(values[2], rel=0.2)
        # No arc is seen after the first cycle (Figure 5-13).
        assert first < 0.5 * arc


def test_resistances_after_five_hundred_cycles_come_out_of_the_same_states():
    """R_e and R_ct at 1 A/g: 605.71 and 447.82 Ohm bare, 208.36 and 352.25 with LiI."""
    published = {
        "Chang2024": (605.71, 447.82, 0.3),
        "Chang2024-LiI5": (208.36, 352.25, 0.2),
    }
    for name, (series, arc, within) in published.items():
        data = reading(name, "long").data
        assert spectrum_resistance(data, 1, "series") == pytest.approx(series, rel=0.15)
        assert spectrum_resistance(data, 1, "interfacial") == pytest.approx(arc, rel=within)


def test_coating_and_doping_raise_the_diffusivity_of_a_titration():
    """Eq. 16: 1e-11 to 1e-10 coated over 1e-12 to 1e-11 bare, averages 2.4 to 1 with LiI.

    The order is all that holds; for the levels see the next test.
    """
    found = {
        name: [
            titration_diffusivity(reading(name, "gitt").data, "discharge", quantile)
            for quantile in (0.5, None)
        ]
        for name in RATES
    }
    bare, coated, doped = found.values()
    assert coated[0] > bare[0]
    assert doped[1] > 2 * bare[1]


@pytest.mark.xfail(
    strict=True, reason="levels of eq. 16 lie 4 to 25 times below the published ones"
)
def test_levels_of_the_diffusivity_of_a_titration_are_those_published():
    bare, coated = (
        titration_diffusivity(reading(name, "gitt").data, "discharge", 0.5)
        for name in ("Chang2024", "Chang2024-LPS15")
    )
    assert 1e-12 < bare < 1e-11
    assert 1e-11 < coated < 1e-10


def test_rows_of_b_values_carry_their_error():
    """One standard error of the line through five scan rates, in the table as well."""
    result = validate("Chang2024", ids=["chang_mos6_b_red_ch5"], resolution=COARSE)
    (row,) = result.rows
    assert 0.005 < row["model_std_error"] < 0.05
    assert f"{row['model']:.3f} +/- {row['model_std_error']:.3f}" in result.to_markdown()


def test_mixture_and_coating_of_the_thesis_are_the_best_of_their_kind():
    """40:50:10 after ten cycles, 15 % of coating after 20, 5 mol% LiI after 15."""
    ten = [capacity(f"Chang2024-mix-{m}", "ten", 10) for m in ("50-50-0", "40-40-20")]
    assert capacity("Chang2024", "slow", 10) > max(ten)
    coated = [capacity(f"Chang2024-LPS{n}", "slow", 20) for n in (15, 10, 20)]
    assert coated[0] > max(coated[1:])
    doped = [capacity(f"Chang2024-LiI{n}", "slow", 15) for n in (5, 1, 10)]
    assert doped[0] > max(doped[1:])


def test_voltammogram_peaks_lie_where_the_thesis_prints_them():
    sweep = reading("Chang2024", "cv").data
    got = [cv_peak(sweep, d) for d in ("discharge", "charge")]
    assert got == pytest.approx([1.75, 2.25], abs=0.1)


@pytest.mark.parametrize("name", [n for n in NAMES if n[10:] not in ("LPS15", "LiI5")][1:])
def test_cells_with_one_or_two_numbers_meet_them(name):
    assert all(row["met"] for row in validate(name, resolution=COARSE).rows)


def test_command_line_gives_energies_per_total_cathode_layer():
    command = [sys.executable, "-m", "sscell", "rate", "Chang2024", "--json"]
    command += ["--currents", "100mA/g,2000mA/g", "--shells", "15"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["capacity_basis"], answer["energy_basis"]) == (
        "MoS6",
        "total cathode layer",
    )
    capacities, energies = answer["capacities_mAh_g"], answer["energies_Wh_kg"]
    means = np.divide(energies, np.multiply(0.4, capacities))
    assert means == pytest.approx([1.9, 1.6], abs=0.2)
    assert answer["powers_W_kg"][1] == pytest.approx(800 * means[1], rel=1e-3)
