"""Files that a person may write: every key is known, every type is the one asked for."""

from __future__ import annotations

import copy
import json
import tomllib

import jsonschema
import pytest
import tomlkit
from typer.testing import CliRunner

import sscell
from sscell.cells.contents import set_schema
from sscell.cells.library import available, families, find
from sscell.cells.parameters import ParameterSet
from sscell.cli import app, main
from sscell.errors import ParameterError
from sscell.papers.observables import ObservableTable

CHANG = "Chang2024"


def _content(name):
    return copy.deepcopy(tomllib.loads(find(name)[0].read_text(encoding="utf-8")))


def _nested(table, path):
    for key in path:
        table = table[key]
    return table


# Where a key is, its name, and what stands there instead.
TYPOS = [
    ((), "citation", "citaton"),
    (("physics",), "degradation", "degredation"),
    (("physics",), "particle_sizes", "particle_size"),
    (("bases",), "working_metal", "working_metall"),
    (("bases", "capacity"), "mass", "mas"),
    (("rates",), "first_step", "first_stp"),
    (("validity",), "temperature_C", "temperature_c"),
    (("protocols",), "formation", "formaton"),
    (("protocols", "formation"), "cycles", "cycle"),
    (("citation",), "authors", "autors"),
    (("parameters", "Electrode area [m2]"), "formula", "formla"),
    (("parameters", "Electrode area [m2]"), "kind", "knd"),
    (("variants", "LPS15"), "title", "titel"),
    (("variants", "LPS15"), "parameters", "paramters"),
    (("variants", "LiI5", "parameters", "LiI fraction"), "source", "sorce"),
]


@pytest.mark.parametrize(("path", "key", "typo"), TYPOS)
def test_a_misspelled_key_names_the_nearest(path, key, typo):
    content = _content(CHANG)
    table = _nested(content, path)
    table[typo] = table.pop(key)
    with pytest.raises(ParameterError) as caught:
        ParameterSet.from_table(content)
    message = str(caught.value)
    assert f"'{typo}'" in message
    assert f"'{key}'" in message.partition("Did you mean")[2]
    assert "\n" not in message


@pytest.mark.parametrize(
    ("table", "key", "value", "sentence"),
    [
        ("physics", "degradation", "false", "must be true or false, not 'false'"),
        ("physics", "degradation", 1, "must be true or false, not 1"),
        ("physics", "particle_sizes", 2, "0 or a whole number from 3 to 100, not 2"),
        ("physics", "particle_sizes", True, "whole number from 3 to 100, not True"),
        ("physics", "separator", [], "list of different names"),
        ("validity", "temperature_C", "20", "must be a list, not '20'"),
        ("validity", "temperature_C", [20], "at least 2 items"),
        ("validity", "rate", ["100mA/g", "fast"], "fast"),
        ("rates", "slow", "10 potatoes", "potatoes"),
        ("rates", "one_C", {"value": 170}, "no 'unit'"),
        ("rates", "one_C", {"value": -1, "unit": "mA/g"}, "greater than 0"),
        ("citation", "year", "2024", "must be a whole number, not '2024'"),
        ("protocols", "formation", {"rate": "C/10"}, "neither 'cycles' nor 'at'"),
    ],
)
@pytest.mark.parametrize("merged", [False, True], ids=["set", "variant"])
def test_a_value_of_the_wrong_type_is_one_sentence(table, key, value, sentence, merged):
    content = _content(CHANG)
    if merged:  # what a variant changes is checked with all the rest
        content["variants"]["LPS15"][table] = {key: value}
        if key == "formation":
            del content["protocols"]["formation"]["cycles"]
            content["protocols"]["formation"]["at"] = [{"temperature_C": 25.0, "cycles": 1}]
            content["variants"]["LPS15"][table] = {key: {"at": []}}
    else:
        content[table][key] = value
    with pytest.raises(ParameterError) as caught:
        ParameterSet.from_table(content)
    assert sentence in str(caught.value)
    assert ("variant LPS15" in str(caught.value)) == merged


def test_physics_that_a_cell_is_given_are_checked_too(ji):
    with pytest.raises(ParameterError, match="Did you mean 'degradation'"):
        ji.with_physics({"degredation": True})
    with pytest.raises(ParameterError, match="true or false"):
        ji.with_physics({"contact": "no"})


def test_the_command_line_says_a_typo_in_one_sentence_with_code_2(tmp_path, capsys):
    content = _content("Ji2024")
    content["physics"]["electrolyte_redoks"] = True
    path = tmp_path / "mine.toml"
    path.write_text(tomlkit.dumps(content), encoding="utf-8")
    with pytest.raises(SystemExit) as left:
        main(["check", str(path)])
    assert left.value.code == 2
    said = capsys.readouterr().err
    assert "mine.toml: [physics] has an unknown key 'electrolyte_redoks'" in said
    assert "'electrolyte_redox'" in said


# The observables ------------------------------------------------------------------------

OBSERVABLE_TYPOS = [
    ((), "left_out", "leftout"),
    (("runs", "cycle_60"), "temperature", "temprature"),
    (("observables", 0), "tolerance", "tolerence"),
    (("observables", 0, "measure"), "direction", "diretion"),
    (("refit",), "vary", "vry"),
    (("refit", "vary", "Contact resistance [Ohm]"), "bounds", "bound"),
    (("refit", "rivals", "swelling"), "values", "valeus"),
    (("left_out", 0), "reason", "reson"),
]


@pytest.fixture(scope="module")
def observables():
    path = families()["Ji2024"].parent / "observables" / "Ji2024.toml"
    return lambda: tomllib.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("path", "key", "typo"), OBSERVABLE_TYPOS)
def test_a_misspelled_key_of_an_observable_names_the_nearest(observables, path, key, typo):
    content = observables()
    if "vary" in path:
        name = next(iter(content["refit"]["vary"]))
        path = (*path[:-1], name)
    table = _nested(content, path)
    table[typo] = table.pop(key)
    with pytest.raises(ParameterError) as caught:
        ObservableTable.from_table(content, "x.toml")
    message = str(caught.value)
    assert message.startswith("x.toml") and "\n" not in message
    assert f"'{typo}'" in message
    assert f"'{key}'" in message.partition("Did you mean")[2]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t: t["runs"]["cycle_60"]["steps"][0].update(do="cycel"), "'cycle'"),
        (lambda t: t["runs"]["cycle_60"]["steps"][0].update(rat="C/20"), "no 'rat'"),
        (lambda t: t["runs"]["cycle_60"].update(temperature="60"), "must be a number"),
        (lambda t: t["runs"]["cycle_60"].pop("steps"), "neither steps nor a pellet"),
        (lambda t: t["observables"][0].update(count="false"), "true or false"),
        (lambda t: t["observables"][0].update(tolerance="wide"), "such as '5 %'"),
        (lambda t: t["observables"][0].update(published="1607"), "a number or two"),
        (lambda t: t["observables"][0]["measure"].update(of="capcity"), "'capacity'"),
        (lambda t: t["observables"][0].pop("unit"), "has no 'unit'"),
        (lambda t: t["refit"]["rivals"]["swelling"].update(hold=["R9"]), "'R9'"),
    ],
)
def test_a_bad_table_of_observables_is_one_sentence(observables, change, sentence):
    content = observables()
    change(content)
    with pytest.raises(ParameterError) as caught:
        ObservableTable.from_table(content, "x.toml")
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_bounds_of_a_refit_are_in_order_and_fit_their_scale(observables):
    content = observables()
    name = next(n for n, r in content["refit"]["vary"].items() if r.get("scale") == "log")
    content["refit"]["vary"][name]["bounds"] = [0, 1]
    with pytest.raises(ParameterError, match="bounds 0 to 1"):
        ObservableTable.from_table(content, "x.toml")


# The schema for editors -----------------------------------------------------------------


def test_every_published_set_holds_by_the_schema_and_typos_do_not():
    schema = json.loads(json.dumps(set_schema()))
    checker = jsonschema.Draft202012Validator(schema)
    for path in families().values():
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        assert not list(checker.iter_errors(content)), path.name
    content["physics"]["degredation"] = True
    content["parameters"]["Electrode area [m2]"]["vaule"] = 1
    wrong = {error.json_path for error in checker.iter_errors(content)}
    assert len(wrong) == 2


def test_check_prints_the_schema():
    printed = CliRunner().invoke(app, ["check", "--schema"])
    assert printed.exit_code == 0
    assert json.loads(printed.stdout) == json.loads(json.dumps(set_schema()))


# Reading once ---------------------------------------------------------------------------


def test_loading_a_cell_reads_its_own_file_once(monkeypatch):
    from sscell.cells import library

    library._kept.clear()
    read = []
    parse = tomllib.loads
    monkeypatch.setattr(
        tomllib, "loads", lambda text: read.append(text[:30]) or parse(text)
    )
    for name in ("Chang2024", "Chang2024-LPS15", "Chang2024-mix-50-50-0", "Chang2024"):
        sscell.load(name)
    assert len(read) == 1


def test_a_file_that_changed_is_read_again(tmp_path, table):
    path = tmp_path / "mine.toml"
    content = table()
    path.write_text(tomlkit.dumps(content), encoding="utf-8")
    before = sscell.load(path).values["Positive electrode mass [kg]"]
    content["parameters"]["Positive electrode mass [kg]"]["value"] = 2 * before
    path.write_text(tomlkit.dumps(content) + "\n", encoding="utf-8")
    assert sscell.load(path).values["Positive electrode mass [kg]"] == 2 * before


def test_a_file_written_twice_within_a_tick_of_the_disk_is_read_twice(tmp_path, table):
    path = tmp_path / "mine.toml"
    text = tomlkit.dumps(table())
    for loading in ("2e-06", "3e-06", "4e-06"):
        path.write_text(text.replace("value = 2e-06", f"value = {loading}"), "utf-8")
        assert sscell.load(path).values["Positive electrode mass [kg]"] == float(loading)


def test_what_was_read_once_is_not_shared(ji):
    other = sscell.load("Ji2024")
    other.data["physics"]["anode"] = "none"
    assert sscell.load("Ji2024").data["physics"]["anode"] == "plateau"


def test_materials_and_observables_beside_the_sets_are_no_cells():
    folders = {path.parent.name for path in available().values()}
    assert len(folders) == 1
    assert not folders & {"materials", "observables"}


def test_a_copy_with_other_values_equals_one_that_is_checked_anew(ji):
    changes = {"Separator thickness [m]": 2e-4, "Ambient temperature [K]": 350.0}
    quick = ji.replace(changes)
    assert sscell.cells.cell.Cell(quick.parameters).values == quick.values
    assert quick.structure == ji.structure
    assert quick.parameter_dict() != ji.parameter_dict()
    with pytest.raises(ParameterError, match="not below the upper one"):
        quick.replace({"Upper voltage cut-off [V]": 0.5})
