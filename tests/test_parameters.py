"""Every number has a unit, a kind and a source; every bad one is one sentence."""

from __future__ import annotations

import math
import tomllib

import numpy as np
import pytest
import tomlkit

import sscell
from sscell.cells.library import available
from sscell.cells.parameters import KINDS, ParameterSet
from sscell.errors import ParameterError
from sscell.physics.quantity import Quantity
from sscell.units import parse_quantity, unit_of

SETS = sorted(available())
# Names without a unit are shares, probabilities, exponents, spreads or numbers of cycles.
_DIMENSIONLESS = (
    *("fraction", "probability", "limit", "scale", "coefficient", "porosity"),
    *(
        "gain",
        "fade",
        "loss",
        "share",
        "cycles",
        "exponent",
        "strain",
        "depth",
        "filling",
        "spread",
        "floor",
        "ratio",
    ),
)


@pytest.mark.parametrize("name", SETS)
def test_every_parameter_has_a_unit_or_is_a_share(name):
    for parameter in ParameterSet.load(name).parameters.values():
        if not parameter.unit:
            assert any(w in parameter.name for w in _DIMENSIONLESS), parameter.name
        elif parameter.unit != "K":
            parse_quantity(1.0, parameter.unit.replace(".", "*"), parameter.name)


@pytest.mark.parametrize("name", SETS)
def test_every_unit_is_one_that_people_can_give(name, ji):
    """Text with the unit of the name comes back as the same number."""
    cell = sscell.load(name)
    for p in cell.parameters.parameters.values():
        if p.unit:
            text = f"{p.value!r} {p.unit.replace('.', ' ')}"
            assert cell.replace({p.name: text}).values[p.name] == pytest.approx(
                p.value, rel=1e-12
            )


@pytest.mark.parametrize("name", SETS)
def test_every_parameter_says_where_it_comes_from(name):
    for p in ParameterSet.load(name).parameters.values():
        assert p.kind in KINDS
        assert len(p.source.strip()) > 3, p.name
        assert math.isfinite(p.value)


@pytest.mark.parametrize("name", SETS)
def test_each_kind_carries_what_it_needs(name):
    for p in ParameterSet.load(name).parameters.values():
        if p.kind == "derived":
            assert p.formula, p.name
        if p.kind == "fitted":
            assert p.observables, p.name
            assert p.std_error or p.range, p.name
        if p.kind in ("assumed", "fitted") and p.range:
            low, high = p.range
            assert low <= p.value <= high, p.name
        if p.kind == "assumed":
            assert p.range, p.name


@pytest.mark.parametrize("name", SETS)
def test_every_completed_value_lies_in_its_range_and_bounds(name):
    cell = sscell.load(name)
    assert set(cell.values) == {q.name for q in cell.quantities}
    for q in cell.quantities:
        p = cell.parameters[q.name]
        assert q.lower <= p.value <= q.upper
        if p.range:
            assert p.range[0] <= p.value <= p.range[1], p.name


@pytest.mark.parametrize("name", SETS)
def test_every_set_names_its_paper_bases_and_rates(name):
    data = ParameterSet.load(name).data
    assert data["citation"]["doi"].startswith("10.")
    cell = sscell.load(name)
    assert cell.one_c_current is None or cell.one_c_current > 0
    assert cell.current(cell.slow_rate) > 0
    assert cell.first_step in ("discharge", "charge")
    for which in ("capacity", "energy"):
        assert cell.basis(which)[1] > 0


def test_derived_values_of_ji2024_follow_from_their_formulas(ji):
    """pi (12.7 mm/2)^2; 126 mg over 2 g/cm3 and that area; 0.7 mg of sulfur at 1672 mA/g."""
    assert ji.area == pytest.approx(math.pi * (12.7e-3 / 2) ** 2, rel=1e-5)
    thickness = 126e-6 / (2000 * ji.area)
    assert ji.values["Separator thickness [m]"] == pytest.approx(thickness, rel=1e-5)
    assert ji.active_mass == pytest.approx(0.7e-6)
    assert ji.one_c_current == pytest.approx(0.7e-3 * 1.672)
    assert ji.current("C/20") / ji.area == pytest.approx(0.4619, rel=1e-3)  # A/m2


def _set(name, **entry):
    return lambda t: t["parameters"].__setitem__(name, entry)


def _update(name, **entry):
    return lambda t: t["parameters"][name].update(entry)


AREA = "Electrode area [m2]"
BAD_TABLES = [
    (lambda t: t.pop("schema"), "schema None"),
    (lambda t: t.update(schema=2), "schema 2"),
    (lambda t: t.pop("parameters"), "no 'parameters'"),
    (lambda t: t.update(parameters=[1]), "must be a table"),
    (lambda t: t.update(physics="conversion"), "must be a table"),
    (lambda t: t.update(paramters={}), "'parameters'"),
    (lambda t: t["parameters"].pop(AREA), "missing 'Electrode area"),
    (_set("Electrod area [m2]", value=1e-4, kind="stated", source="x"), "Electrode area"),
    (_update(AREA, value=-1e-4), "allowed: 1e-06 to 1"),
    (_update(AREA, value="large"), "must be a number"),
    (_update(AREA, value=True), "must be a number"),
    (_update(AREA, value=math.nan), "allowed"),
    (_update(AREA, source=""), "no source"),
    (_update(AREA, kind="guessed"), "'guessed'; allowed: stated, derived"),
    (_update(AREA, formula=""), "derived but has no formula"),
    (_update(AREA, vaule=1), "'value'"),
    (_set(AREA, value=1e-4, kind="assumed", source="x"), "assumed but has no range"),
    (_set(AREA, value=1e-4, kind="fitted", source="x"), "no observables"),
    (
        _set(AREA, value=1e-4, kind="fitted", source="x", observables=["a"]),
        "no std_error or range",
    ),
    (_set(AREA, value=1e-4, kind="assumed", source="x", range=[1, 2]), "outside its own"),
    (_set(AREA, value=1e-4, kind="assumed", source="x", range=3), "a list as its range"),
    (_set(AREA, value=1e-4, kind="assumed", source="x", range=[1]), "two numbers"),
    (lambda t: t["parameters"].__setitem__(AREA, 1e-4), "needs value, kind and source"),
    (lambda t: t["physics"].pop("anode"), "no anode model"),
    (lambda t: t["physics"].update(cathode="conversoin"), "'conversion'"),
    (lambda t: t["physics"].update(separator="Separator"), "must be a list"),
    (lambda t: t["bases"].pop("capacity"), "no 'capacity'"),
    (lambda t: t["bases"]["energy"].update(mass="anode"), "'cathode'"),
    (lambda t: t["rates"].pop("slow"), "no 'slow'"),
    (lambda t: t["rates"].update(first_step="dicharge"), "allowed: discharge, charge"),
    (lambda t: t["rates"].update(one_C=1672), "a value and a unit"),
    (_update("Upper voltage cut-off [V]", value=0.6), "not below the upper one"),
    (_update("Positive electrode carbon mass fraction", value=0.6), "add up to"),
]


@pytest.mark.parametrize(("change", "sentence"), BAD_TABLES)
def test_a_bad_table_is_one_sentence(table, make_cell, change, sentence):
    tables = table()
    change(tables)
    with pytest.raises(ParameterError) as caught:
        make_cell(tables)
    message = str(caught.value)
    assert sentence in message
    assert "\n" not in message


def test_a_file_that_is_no_toml_is_one_sentence(tmp_path):
    path = tmp_path / "broken.toml"
    path.write_text("[parameters\n")
    with pytest.raises(ParameterError, match="broken.toml is not valid TOML"):
        sscell.load(path)


def test_an_absent_file_is_one_sentence(tmp_path):
    with pytest.raises(ParameterError, match="There is no file"):
        sscell.load(tmp_path / "absent.toml")


def test_a_misspelled_cell_names_the_nearest():
    with pytest.raises(ParameterError, match="'Ji2024'"):
        sscell.load("Ji2023")


def test_a_variant_states_only_what_differs(table, make_cell):
    tables = table()
    thin = {"value": 1e-4, "kind": "stated", "source": "the variant"}
    tables["variants"] = {"thin": {"parameters": {"Separator thickness [m]": thin}}}
    base = ParameterSet.from_table(tables)
    variant = ParameterSet.from_table(tables, variant="thin")
    assert variant.name == "Ji2024-thin"
    different = {n for n in base.values if base.values[n] != variant.values[n]}
    assert different == {"Separator thickness [m]"}


def test_replace_reads_units_and_leaves_the_original_alone(ji):
    before = dict(ji.values)
    other = ji.replace(
        {
            "Separator conductivity [S.m-1]": "1e-4 S/cm",
            "Ambient temperature [K]": "60 degC",
            "Positive electrode mass [kg]": "4 mg",
            "R3 dead zone [V]": 0.05,
        }
    )
    assert other.values["Separator conductivity [S.m-1]"] == pytest.approx(0.01)
    assert other.values["Ambient temperature [K]"] == pytest.approx(333.15)
    assert other.one_c_current == pytest.approx(2 * ji.one_c_current)
    assert ji.values == before
    changed = other.parameters["R3 dead zone [V]"]
    assert changed.kind == "assumed"
    assert changed.range[0] <= changed.value <= changed.range[1]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"R3 dead zne [V]": 0.1}, "'R3 dead zone [V]'"),
        ({"R3 dead zone [V]": -0.1}, "allowed: 0 to 1"),
        ({"R3 dead zone [V]": "0.1 kg"}, "not in V"),
        ({"R3 dead zone [V]": "0,1 V"}, "comma"),
        ({"R3 dead zone [V]": "wide"}, "not in V"),
        ({"R3 dead zone [V]": math.inf}, "not a finite number"),
    ],
)
def test_a_bad_replacement_is_one_sentence(ji, changes, sentence):
    with pytest.raises(ParameterError) as caught:
        ji.replace(changes)
    assert sentence in str(caught.value)


def test_quantity_bounds_are_both_allowed():
    quantity = Quantity("Thing [V]", "a thing", 1.0, 2.0)
    assert (quantity.check(1), quantity.check(2.0)) == (1.0, 2.0)
    for outside in (np.nextafter(1, 0), np.nextafter(2, 3)):
        with pytest.raises(ParameterError):
            quantity.check(float(outside))


def test_a_new_file_is_a_new_cell(table, tmp_path):
    """A published cell costs one file: nothing else is edited."""
    tables = table()
    tables["name"] = "Mine2030"
    tables["parameters"]["Positive electrode mass [kg]"]["value"] = 4e-6
    path = tmp_path / "Mine2030.toml"
    path.write_text(tomlkit.dumps(tables), encoding="utf-8")
    assert tomllib.loads(path.read_text(encoding="utf-8")) == tables
    mine = sscell.load(path)
    run = sscell.simulate(mine, sscell.discharge("C/20"), temperature=60)
    published = sscell.simulate("Ji2024", sscell.discharge("C/20"), temperature=60)
    step, other = (sscell.summary(r)["steps"][0] for r in (run, published))
    assert run.attrs["cell"] == "Mine2030"
    # Twice the mass at the same rate: the same per gram but for the larger ohmic loss.
    assert step["capacity_mAh_g"] == pytest.approx(other["capacity_mAh_g"], rel=0.02)
    ratio = run["Separator ohmic losses [V]"].values[0]
    ratio /= published["Separator ohmic losses [V]"].values[0]
    assert ratio == pytest.approx(2)


def test_unit_of_reads_only_the_bracket_at_the_end():
    assert unit_of("Separator thickness [m]") == "m"
    assert unit_of("Inactive host fraction") == ""
    assert unit_of("Odd [m] name") == ""
