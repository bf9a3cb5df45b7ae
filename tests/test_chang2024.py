"""The Li-MoS6 cells against their thesis: one family whose members differ by content."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest
from typer.testing import CliRunner

import sscell
from sscell.cells.library import available
from sscell.cells.uncertainty import knowledge_of
from sscell.cli import app
from sscell.dataset import metadata
from sscell.papers.measures import Reading, measure
from sscell.papers.observables import load_observables
from sscell.papers.probes import cv_peak, spectrum_resistance, titration_diffusivity
from sscell.papers.validation import run_all, validate
from sscell.protocols import cycle
from sscell.simulation.engine import Resolution

COARSE = Resolution(12, rtol=1e-5, atol=1e-7)
NAMES = sorted(name for name in available() if name.startswith("Chang2024"))
MAIN = ("Chang2024", "Chang2024-LPS15", "Chang2024-LiI5")
# Of chapters 4 and 5: mAh/g at 0.1, 0.2, 1 and 2 A/g; 0.5 A/g is in no list of the thesis.
RATES = dict(
    zip(
        MAIN,
        (
            (683.9, 516.8, 326.2, 255.8),
            (801.5, 648.1, 454.4, 370.8),
            (757.3, 610.9, 412.7, 328.6),
        ),
        strict=True,
    )
)
POWER = dict(zip(MAIN, (1332.2, 1358, 1351), strict=True))  # W/kg
FIRST = dict(zip(MAIN, (913.9, 1083.8, 1016.3), strict=True))
FADE, SERIES, BOUNDARY = (
    "Contact fade per cycle",
    "Series resistance of lost contact [Ohm.m2]",
    "Boundary resistance of lost contact [Ohm.m2]",
)
PLAIN = f"{FADE} without additives"


@cache
def reading(name, run):
    """What a run of a cell's own table of observables says."""
    table = load_observables(name)
    found = run_all(sscell.load(name), [table.runs[run]], None, COARSE)[run]
    if isinstance(found, Exception):
        raise found
    return Reading(found)


@cache
def aged(name, rate, cycles):
    """A run of many cycles, as many times faster as its contact may fade.

    Contact depends on cycles and fade by their product alone, and all else has settled:
    `test_faster_fade_in_fewer_cycles_is_the_same_ageing` compares.
    """
    cell = sscell.load(name)
    faster = min(10, 0.95 / cell.values[PLAIN])
    run = sscell.simulate(
        cell.replace({PLAIN: faster * cell.values[PLAIN]}),
        cycle(rate, cycles=round(cycles / faster)),
        resolution=COARSE,
    )
    return Reading(run), round(cycles / faster)


def left(name, rate, cycles):
    """Capacity of the last discharge [mAh/g] and contact that is left [-]."""
    read, last = aged(name, rate, cycles)
    where = {"direction": "discharge", "cycle": last}
    return read.capacity(where), float(read.data["Contacted surface fraction"][-1])


def grown(name, contact):
    """Resistances of lost contact, in series and at boundaries [Ohm]."""
    cell = sscell.load(name)
    series, boundary = (cell.values[n] / cell.area for n in (SERIES, BOUNDARY))
    return series * (1 - contact), boundary * (1 - contact) / contact


def capacity(name, run, number, direction="discharge"):
    return reading(name, run).capacity({"direction": direction, "cycle": number})


def test_every_cell_of_the_thesis_is_there():
    variants = "LPS10 LPS15 LPS20 LiI1 LiI10 LiI5 bilayer liquid mix-40-40-20 mix-50-50-0"
    assert ["Chang2024", *(f"Chang2024-{v}" for v in variants.split())] == NAMES


def test_family_has_at_most_twenty_fitted_values_and_none_of_its_variants_has_any():
    fitted = {
        name: {
            n
            for n, p in sscell.load(name).parameters.parameters.items()
            if p.kind == "fitted"
        }
        for name in NAMES
    }
    table = load_observables("Chang2024")
    assert fitted["Chang2024"] == set(table.vary)
    assert len(table.vary) <= 20
    assert all(v.prior is not None for v in table.vary.values())
    values = sscell.load("Chang2024").values
    for name, variable in table.vary.items():
        assert 0.01 < variable.position(values[name]) < 0.99, name
    for name in NAMES:
        assert fitted[name] <= fitted["Chang2024"]
        own = sscell.load(name).values
        assert own["Positive electrode surface storage capacity [F.m-2]"] == 0
        assert own["Positive electrode double-layer capacity [F.m-2]"] <= 0.5
        assert own["Minimum contacted surface fraction"] == 0
        assert own["Minimum active host fraction"] == 0


@pytest.mark.parametrize("name", [*MAIN, "Chang2024-bilayer", "Chang2024-liquid"])
def test_balances_and_voltage_budget_close(name):
    """Lithium and molybdenum, trapped host included."""
    run = sscell.simulate(name, cycle("100mA/g", cycles=2), resolution=Resolution(8))
    assert max(sscell.summary(run)["balances"].values()) < 1e-9
    assert float(run["Active host remaining"][-1]) < 0.95
    total = sum(run[n].values for n in metadata(run, "budget"))
    assert total == pytest.approx(run["Voltage [V]"].values, abs=1e-6)


@pytest.mark.parametrize("name", MAIN)
def test_first_capacity_is_within_five_percent(name):
    assert capacity(name, "slow", 1) == pytest.approx(FIRST[name], rel=0.05)


def test_reversible_capacities_are_within_five_percent_of_the_stated_choice():
    """635.1 of three for bare MoS6; 798 with LiI, more than the 784.4 charged before."""
    assert capacity("Chang2024", "slow", 2) == pytest.approx(635.1, rel=0.05)
    assert capacity("Chang2024-LPS15", "slow", 2) == pytest.approx(851.5, rel=0.05)
    assert capacity("Chang2024-LiI5", "slow", 2) == pytest.approx(798, rel=0.05)


@pytest.mark.xfail(strict=True, reason="784.4 charged before 798 discharged: 8 % missed")
def test_first_charge_of_the_doped_cell_is_within_five_percent():
    charged = capacity("Chang2024-LiI5", "slow", 1, "charge")
    assert charged == pytest.approx(784.4, rel=0.05)


@pytest.mark.parametrize("name", MAIN)
def test_rate_series_in_its_sequence_is_within_nine_percent(name):
    got = [capacity(name, "rates", number) for number in (3, 6, 12, 15)]
    assert got == pytest.approx(RATES[name], rel=0.09)


@pytest.mark.parametrize("name", MAIN[1:])
def test_mean_voltage_at_two_amperes_is_within_a_tenth_of_a_volt(name):
    """Power over 0.4 x 2 A/g."""
    where = {"direction": "discharge", "cycle": 15}
    found = reading(name, "rates").mean_voltage(where)
    assert found == pytest.approx(POWER[name] / 800, abs=0.1)


def test_mean_voltages_of_the_bare_cell_are_within_a_sixth_of_a_volt():
    """495.8 Wh/kg with 683.9 mAh/g; chapter 6 prints 2.05 V for the same 1.81."""
    published = {3: 495.8 / (0.4 * 683.9), 15: POWER["Chang2024"] / 800}
    for number, value in published.items():
        where = {"direction": "discharge", "cycle": number}
        found = reading("Chang2024", "rates").mean_voltage(where)
        assert found == pytest.approx(value, abs=0.15)


def test_long_cycling_keeps_what_is_published():
    """400 after 1000, 301 after 500, next to nothing after 500 at 1 A/g."""
    assert left("Chang2024-LPS15", "1A/g", 1000)[0] == pytest.approx(400, rel=0.15)
    assert left("Chang2024-LiI5", "1A/g", 510)[0] == pytest.approx(301.1, rel=0.15)
    assert left("Chang2024", "1A/g", 510)[0] < 60
    assert left("Chang2024", "200mA/g", 200)[0] == pytest.approx(361.8, rel=0.15)


def test_fade_is_smooth_and_ends_at_no_floor():
    read, last = aged("Chang2024-LiI5", "1A/g", 510)
    capacities = np.array(
        [read.capacity({"direction": "discharge", "cycle": n}) for n in range(5, last + 1)]
    )
    drops = -np.diff(capacities)
    assert np.all(drops > 0)
    assert np.abs(np.diff(drops)).max() < 0.5 * drops.max()
    assert np.all(np.diff(read.data["Contacted surface fraction"].values) <= 1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("name", MAIN)
def test_faster_fade_in_fewer_cycles_is_the_same_ageing(name):
    """Every published cycle integrated, five of activation included."""
    found = reading(name, "long")
    last = {"Chang2024-LPS15": 1000}.get(name, 505)
    quick, contact = left(name, "1A/g", 1000 if last == 1000 else 510)
    full = found.capacity({"direction": "discharge", "cycle": last})
    assert full == pytest.approx(quick, rel=0.08, abs=8)
    assert float(found.data["Contacted surface fraction"][-1]) == pytest.approx(
        contact, rel=0.08
    )


def test_resistances_grow_with_the_same_contact_as_published():
    """R_e after cycles 1 and 20 at 0.1 A/g, R_ct after 20: 105.42, 384.11, 52.96 Ohm bare."""
    published = {
        "Chang2024": (105.42, 384.11, 52.96),
        "Chang2024-LPS15": (75.89, 124.79, 10.78),
    }
    for name, values in published.items():
        spectra = reading(name, "spectra").data
        series = [spectrum_resistance(spectra, k, "series") for k in (1, 2)]
        assert series == pytest.approx(values[:2], rel=0.3)
        arc = spectrum_resistance(spectra, 2, "boundaries")
        assert arc == pytest.approx(values[2], rel=0.3)


def test_resistances_after_five_hundred_cycles_come_out_of_the_same_law():
    """R_e and R_ct at 1 A/g: 605.71 and 447.82 Ohm bare, 208.36 and 352.25 with LiI."""
    published = {"Chang2024": (605.71, 447.82), "Chang2024-LiI5": (208.36, 352.25)}
    fresh = 42.8 + sscell.load("Chang2024").values["Contact resistance [Ohm]"]
    for name, values in published.items():
        series, boundary = grown(name, left(name, "1A/g", 510)[1])
        assert fresh + series == pytest.approx(values[0], rel=0.3)
        assert boundary == pytest.approx(values[1], rel=0.3)


def test_fresh_arc_of_the_charge_transfer_contradicts_the_spectra():
    """Hundreds of ohms near 1 Hz, whatever the double layer: the page says so."""
    spectra = reading("Chang2024", "spectra").data
    assert spectrum_resistance(spectra, 1, "interfacial") > 100
    rows = {o.id: o.word for o in load_observables("Chang2024").observables}
    assert rows["chang_eis_line_1"] == "contradicts"


def test_composition_law_predicts_coatings_that_it_was_not_fitted_to():
    """First discharge of 10 and 20 % Li7P3S11; after 20 cycles nothing smooth gives both."""
    first = [capacity(f"Chang2024-LPS{n}", "slow", 1) for n in (10, 20)]
    assert first == pytest.approx([967.8, 991.4], rel=0.1)
    later = [capacity(f"Chang2024-LPS{n}", "slow", 20) for n in (10, 20)]
    assert min(later) > 1.2 * 496.3
    ends = [capacity(name, "slow", 20) for name in MAIN[:2]]
    assert ends[0] < later[0] < ends[1] < 1.05 * later[1]
    for name in ("LPS10", "LPS20"):
        rows = {o.id: o for o in load_observables(f"Chang2024-{name}").observables}
        row = rows[f"chang_{name.lower()}_20cyc"]
        assert row.word == "contradicts"
        assert "no smooth function" in row.note


def test_more_lii_is_never_worse_in_a_law_that_only_rises():
    doped = [capacity(f"Chang2024-LiI{n}", "slow", 15) for n in (1, 5, 10)]
    assert capacity("Chang2024", "slow", 15) < doped[0] < doped[1] < doped[2]
    assert doped[2] == pytest.approx(663, rel=0.1)


def test_levels_of_a_titration_are_within_a_factor_of_five():
    """Eq. 16 without the change of the first second; one reading for all, so no order."""
    bare, coated = (reading(name, "gitt").data for name in MAIN[:2])
    found = [
        titration_diffusivity(bare, "discharge", 0.5, 1.0),
        titration_diffusivity(coated, "discharge", 0.5, 1.0),
        titration_diffusivity(bare, "discharge", None, 1.0),
    ]
    published = [(1e-12, 1e-11), (1e-11, 1e-10), (5.03e-11,) * 2]
    for value, (low, high) in zip(found, published, strict=True):
        assert low / 5 < value < high * 5
    assert found[1] == pytest.approx(found[0], rel=0.5)


@pytest.mark.xfail(strict=True, reason="one level for all: 5.6 times below the doped one")
def test_level_of_the_doped_titration_is_within_a_factor_of_five():
    doped = reading("Chang2024-LiI5", "gitt").data
    assert titration_diffusivity(doped, "discharge", None, 1.0) > 1.23e-10 / 5


def test_order_of_diffusion_is_a_row_and_its_rival_can_be_fitted():
    for name in ("LPS15", "LiI5"):
        rows = {o.id: o for o in load_observables(f"Chang2024-{name}").observables}
        row = rows[f"chang_d_order_{name.lower()}"]
        assert row.word == "contradicts"
        assert measure(reading(f"Chang2024-{name}", "slow"), row.measure) == pytest.approx(
            1
        )
    rival = load_observables("Chang2024").rivals["published-order"]
    (variable,) = rival.vary.values()
    assert variable.ties == {"LiI coefficient of positive particle diffusivity": 1.0}


def test_rates_left_out_of_the_fit_are_predicted():
    """1 and 2 A/g by the fit that did not see them."""
    known = knowledge_of(sscell.load("Chang2024").parameters)
    rows = [
        r for r in known.left_out if r.condition == "upper rates" and r.word == "fitted"
    ]
    rows = [r for r in rows if r.unit == "mA.h.g-1"]
    assert len(rows) == 6
    assert all(abs(r.error) < 0.15 * r.published for r in rows)
    assert known.effective_parameters < len(known.names) <= 20


@pytest.mark.xfail(strict=True, reason="what carbon does to a layer this thin is not known")
def test_best_mixture_of_the_layer_is_that_of_the_thesis():
    """40:50:10 after ten cycles, by a fifth at least; fractions alone differ."""
    ten = [capacity(f"Chang2024-mix-{m}", "ten", 10) for m in ("50-50-0", "40-40-20")]
    assert capacity("Chang2024", "slow", 10) > 1.2 * max(ten)


def test_voltammogram_peaks_lie_where_the_thesis_prints_them():
    for name in MAIN:
        sweep = reading(name, "cv").data
        assert cv_peak(sweep, "discharge") == pytest.approx(1.75, abs=0.1)
        assert cv_peak(sweep, "charge") == pytest.approx(2.25, abs=0.1)


def test_rows_of_b_values_carry_their_error():
    """One standard error of the line through five scan rates, in the table as well."""
    result = validate("Chang2024", ids=["chang_mos6_b_red_ch5"], resolution=COARSE)
    (row,) = result.rows
    assert 0.003 < row["model_std_error"] < 0.05
    assert f"{row['model']:.3f} +/- {row['model_std_error']:.3f}" in result.to_markdown()


def test_command_line_gives_energies_per_total_cathode_layer():
    command = ["rate", "Chang2024", "--json", "--currents", "100mA/g,2000mA/g"]
    done = CliRunner().invoke(app, [*command, "--shells", "12"])
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert (answer["capacity_basis"], answer["energy_basis"]) == (
        "MoS6",
        "total cathode layer",
    )
    capacities, energies = answer["capacities_mAh_g"], answer["energies_Wh_kg"]
    means = np.divide(energies, np.multiply(0.4, capacities))
    assert means == pytest.approx([1.9, 1.6], abs=0.2)
    assert answer["powers_W_kg"][1] == pytest.approx(800 * means[1], rel=1e-3)
