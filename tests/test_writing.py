"""Sets that are written: nothing is lost, nothing is called what it is not."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import pytest

import sscell
from sscell.cells.builder import Build, write_cell
from sscell.cells.cell import Cell
from sscell.cells.library import available, families
from sscell.cells.parameters import ParameterSet
from sscell.cells.writing import rewrite_values, write_set
from sscell.errors import ParameterError
from sscell.papers.observables import load_observables
from sscell.papers.refit import Refit, write_refit
from sscell.papers.validation import validate
from sscell.simulation.engine import Resolution

COARSE = Resolution(15)
MASS = "Positive electrode mass [kg]"
UPPER, LOWER = "Upper step fraction", "Lower step fraction"


@pytest.mark.parametrize("name", sorted(available()))
def test_a_written_set_is_the_same_set(name, tmp_path):
    parameters = ParameterSet.load(name)
    copy = ParameterSet.load(write_set(parameters, tmp_path / "copy.toml"))
    assert copy.name == name
    assert copy.parameters == parameters.parameters
    assert copy.data == {**parameters.data, "name": name}
    bare = replace(Cell(parameters).parameters, path=None)
    again = Cell.load(write_set(bare, tmp_path / "bare.toml"))
    assert again.values == Cell(parameters).values


def test_a_written_variant_keeps_the_comments_that_are_its_own(tmp_path):
    path = write_set(ParameterSet.load("Chang2024-LPS15"), tmp_path / "copy.toml")
    text = path.read_text(encoding="utf-8")
    assert "# Charge transfer" in text
    assert "variants" not in tomllib.loads(text)
    assert "Coated and doped powders" not in text


def test_a_set_of_one_value_changed_differs_in_one_line(ji, tmp_path):
    path = write_set(ji.replace({MASS: 4e-6}).parameters, tmp_path / "copy.toml")
    old = families()["Ji2024"].read_text(encoding="utf-8").splitlines()
    new = path.read_text(encoding="utf-8").splitlines()
    changed = [line for line in new if line not in old]
    assert len(old) == len(new) and len(changed) == 1
    assert changed[0].startswith(f'"{MASS}"')


def test_a_path_that_cannot_be_written_is_refused(ji, tmp_path):
    for path, sentence in (("x.csv", "must end in .toml"), ("no/x.toml", "does not exist")):
        with pytest.raises(ParameterError, match=sentence):
            write_set(ji.parameters, tmp_path / path)


# One's own cell -------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(available()))
def test_ones_own_cell_from_any_published_one_claims_nothing_of_the_paper(name, tmp_path):
    build = Build(name, "mine", cathode_mass="2 mg", diameter="10 mm")
    cell = write_cell(build, tmp_path / "mine.toml")
    base = Cell.load(name)
    content = tomllib.loads((tmp_path / "mine.toml").read_text(encoding="utf-8"))
    assert content["name"] == cell.name == "mine"
    assert not {"citation", "notes", "observables", "variants"} & set(content)
    given = {MASS, "Electrode area [m2]"}
    for p in cell.parameters.parameters.values():
        if p.name in given:
            assert p.kind == "stated"
            continue
        assert cell.values[p.name] == base.values[p.name]
        assert p.kind in ("assumed", "derived", "literature"), p.name
        if base.parameters[p.name].kind in ("stated", "fitted"):
            assert p.source == f"from {name}" and p.range
            quantity = cell.quantity(p.name)
            assert quantity.lower <= p.range[0] <= p.value <= p.range[1] <= quantity.upper
    assert cell.structure == base.structure
    with pytest.raises(ParameterError, match="no published observables for 'mine'"):
        load_observables(tmp_path / "mine.toml")


def test_a_range_of_a_foreign_value_holds_its_error(tmp_path):
    cell = write_cell(Build("Chang2024-LPS15", "mine"), tmp_path / "mine.toml")
    name = "Positive electrode exchange-current density [A.m-2]"
    error = Cell.load("Chang2024-LPS15").parameters[name].std_error
    low, high = cell.parameters[name].range
    assert 0 < low < cell.values[name] / 2
    assert high == pytest.approx(cell.values[name] + 2 * error, rel=1e-3)


def test_an_existing_file_is_kept_unless_told(tmp_path):
    path = tmp_path / "mine.toml"
    write_cell(Build("Ji2024", "mine"), path)
    with pytest.raises(ParameterError, match="exists; add --force"):
        write_cell(Build("Ji2024", "mine"), path)
    assert write_cell(Build("Ji2024", "other"), path, overwrite=True).name == "other"


# Fits and refits ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fitted():
    """One fraction of two, and a resistance, of a cell whose cathode was weighed."""
    cell = Cell.load("Liang2023").replace({MASS: 3e-6}, "weighed by the user", "stated")
    true = cell.replace({UPPER: 0.55, LOWER: 0.45})
    data = sscell.simulate(true, sscell.discharge("0.2C"), resolution=COARSE)
    bounds = {UPPER: (0.3, 0.7), "Contact resistance [Ohm]": (1.0, 1e3)}
    return sscell.fit(cell, data, bounds, resolution=COARSE, noise=1e-3)


def test_a_fit_says_what_follows_from_the_fitted_values(fitted):
    entries = fitted.cell.parameters
    assert entries[UPPER].value == pytest.approx(0.55, abs=0.01)
    assert entries[UPPER].kind == "fitted" and entries[UPPER].std_error
    assert entries[LOWER].value == pytest.approx(1 - entries[UPPER].value, abs=1e-8)
    assert entries[LOWER].kind == "derived" and UPPER in entries[LOWER].formula
    assert entries[MASS].kind == "stated" and entries[MASS].source == "weighed by the user"
    told = {UPPER, LOWER, MASS, "Contact resistance [Ohm]"}
    published = Cell.load("Liang2023").parameters
    for name, p in entries.parameters.items():
        assert name in told or p == published[name]


def test_a_fitted_cell_is_judged_by_the_observables_of_its_paper(fitted, tmp_path):
    path = fitted.save(tmp_path / "fitted.toml")
    rows = load_observables(path).observables
    assert rows == load_observables("Liang2023").observables
    own = Cell.load(path)
    assert own.name == "Liang2023 fitted"
    assert own.values == fitted.cell.values
    cheapest = next(o.id for o in rows if o.measure["of"] == "capacity")
    found = validate(path, ids=[cheapest], resolution=COARSE)
    assert found.rows[0]["model"] > 0
    assert validate(own, ids=[cheapest], resolution=COARSE).rows == found.rows


def test_runs_of_a_variant_work_for_a_fitted_cell_too():
    from sscell.papers.validation import _as_variant

    name = "Liang2023 fitted"
    before = Cell.load("Liang2023").parameters
    data = {**before.data, "name": name, "observables": "Liang2023"}
    cell = Cell(replace(before, name=name, data=data))
    other = _as_variant(cell, "Li3HoCl6")
    assert other.values == Cell.load("Liang2023-Li3HoCl6").values


def test_a_refit_marks_only_what_it_moved(tmp_path):
    cell, table = Cell.load("Ji2024"), load_observables("Ji2024")
    names = [n for n, v in table.vary.items() if not v.ties][:2]
    kept, moved = names
    values = {kept: cell.values[kept], moved: 1.01 * cell.values[moved]}
    found = Refit(
        cell,
        tuple(table.vary[n] for n in names),
        values,
        dict.fromkeys(names, 0.1 * cell.values[moved]),
        dict.fromkeys(names, ()),
        {"bounds": {n: [table.vary[n].low, table.vary[n].high] for n in names}},
    )
    path = tmp_path / "refitted.toml"
    write_refit(found, "Ji2024", path)
    new = ParameterSet.load(path)
    assert new[kept] == cell.parameters[kept]
    assert new[moved].source.startswith("refit to the paper's observables")
    assert new[moved].observables == cell.parameters[moved].observables


def test_values_of_a_variant_are_rewritten_in_its_own_table(tmp_path):
    parameters = ParameterSet.load("Chang2024-LPS15")
    name = "Contact resistance [Ohm]"
    path = tmp_path / "family.toml"
    other = replace(parameters[name], value=29.5)
    rewrite_values("Chang2024-LPS15", path, {name: other})
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    assert content["variants"]["LPS15"]["parameters"][name]["value"] == 29.5
    own = ParameterSet.load("Chang2024")[name].value
    assert content["parameters"][name]["value"] == own
