"""Published observables as data, and what a validation makes of them."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

import sscell
from sscell.cells.cell import Cell
from sscell.cells.library import available
from sscell.cli import app
from sscell.errors import ParameterError
from sscell.papers.measures import measure
from sscell.papers.observables import Observable, ObservableTable, load_observables
from sscell.papers.validation import validate
from sscell.simulation.engine import Resolution

COARSE = Resolution(shells=25)


@pytest.fixture(scope="module")
def table():
    return load_observables("Ji2024")


def _table(**row):
    base = {
        "id": "x",
        "run": "slow",
        "measure": {"of": "capacity", "direction": "discharge", "cycle": 1},
        "published": 100.0,
        "unit": "mA.h.g-1",
        "tolerance": "3 %",
        "word": "fitted",
        "source": "Figure 1",
    }
    runs = {"slow": {"temperature": 25, "steps": [{"do": "cycle", "rate": "C/20"}]}}
    rows = row.pop("rows", [base | row])
    return ObservableTable.from_table({"runs": runs, "observables": rows}, "x.toml")


def test_observables_are_no_cells():
    assert not any("observables" in str(path) for path in available().values())


def test_every_cell_with_observables_names_known_runs_protocols_and_parameters():
    for name in available():
        try:
            found = load_observables(name)
        except ParameterError:
            continue
        cell = Cell.load(name)
        for run in found.runs.values():
            assert run.pellet or run.protocol().steps(cell.first_step)
        for vary in found.vary.values():
            quantity = cell.quantity(vary.name)
            assert quantity.lower <= vary.low < vary.high <= quantity.upper
            for tied in vary.ties:
                cell.quantity(tied)


def test_no_observable_is_counted_twice(table):
    counted = [
        (o.run, json.dumps(dict(o.measure), sort_keys=True))
        for o in table.observables
        if o.word == "fitted" and o.count
    ]
    assert len(set(counted)) == len(counted)
    efficiencies = [o for o in table.observables if o.measure["of"] == "efficiency"]
    assert efficiencies
    assert not any(o.count for o in efficiencies)


def test_repeated_measure_is_refused():
    row = {
        "id": "x",
        "run": "slow",
        "measure": {"of": "capacity", "direction": "charge"},
        "published": 1.0,
        "unit": "V",
        "tolerance": 0.1,
        "word": "fitted",
        "source": "Figure 1",
    }
    with pytest.raises(ParameterError, match="measures what another row measures"):
        _table(rows=[row, row | {"id": "y"}])


def test_relative_tolerance_is_a_share_of_the_published_value():
    assert _table(published=200.0).observables[0].tolerance == pytest.approx(6.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"run": "slwo"}, "Did you mean 'slow'"),
        ({"word": "guessed"}, "fitted, predicted, illustrated"),
        ({"sense": "about"}, "at least"),
    ],
)
def test_bad_row_is_refused_with_what_is_allowed(change, message):
    with pytest.raises(ParameterError, match=message):
        _table(**change)


@pytest.mark.parametrize(
    ("sense", "published", "model", "error"),
    [
        ("equal", 1.0, 1.2, 0.2),
        ("at least", 1.0, 1.2, 0.0),
        ("at most", 1.0, 1.2, 0.2),
        ("within", (0.5, 1.0), 0.7, 0.0),
        ("within", (0.5, 1.0), 0.4, -0.1),
    ],
)
def test_error_counts_only_what_lies_outside_a_bound(sense, published, model, error):
    observable = Observable("x", "r", {}, published, "V", 0.1, sense, "fitted", "Figure 1")
    assert observable.error(model) == pytest.approx(error)


def test_null_model_uses_all_sulfur():
    rows = validate("Ji2024", ids=["ji_dis1_25", "ji_dis1_60"], resolution=COARSE).rows
    assert all(row["null_model"] == pytest.approx(1672, rel=1e-3) for row in rows)
    met = {row["id"]: row["null_met"] for row in rows}
    assert met == {"ji_dis1_25": False, "ji_dis1_60": False}


def test_one_run_serves_all_its_observables(monkeypatch, table):
    import sscell.papers.validation as module

    calls = []
    simulate = module.simulate

    def counting(cell, protocol, **options):
        calls.append(protocol.name)
        return simulate(cell, protocol, **options)

    monkeypatch.setattr(module, "simulate", counting)
    ids = ["ji_dis1_90", "ji_ch1_90", "ji_dqdv_ox1_90", "ji_dqdv_ox2_90"]
    assert len(validate("Ji2024", ids=ids, resolution=COARSE).rows) == 4
    assert calls == ["cycle"]


def test_failed_run_becomes_a_row_with_its_reason(monkeypatch):
    import sscell.papers.validation as module
    from sscell.errors import SimulationError

    def failing(*_, **__):
        raise SimulationError("the solver gave up")

    monkeypatch.setattr(module, "simulate", failing)
    (row,) = validate("Ji2024", ids=["ji_dis1_90"]).rows
    assert row["model"] is None
    assert not row["met"]
    assert "the solver gave up" in row["note"]


def test_missing_feature_is_a_miss_and_no_crash():
    (row,) = validate(
        "Ji2024",
        _table(
            measure={
                "of": "peak",
                "direction": "charge",
                "cycle": 1,
                "index": 9,
                "out_of": 9,
            }
        ),
        resolution=COARSE,
    ).rows
    assert row["model"] is None
    assert not row["met"]


def test_json_rows_have_the_promised_keys():
    result = CliRunner().invoke(
        app, ["validate", "Ji2024", "--only", "ji_dis1_90", "--shells", "25", "--json"]
    )
    payload = json.loads(result.stdout)
    row = payload["rows"][0]
    assert {"id", "published", "model", "null_model", "error", "word"} <= set(row)
    assert row["error"] == pytest.approx(row["model"] - row["published"])
    assert payload["voltage_reference"] == "Na15Sn4/Na+"


def test_markdown_names_every_row_and_every_left_out_observable(table):
    result = validate("Ji2024", ids=["ji_dis1_90", "ji_ice_90"], resolution=COARSE)
    text = result.to_markdown()
    assert "ji_dis1_90" in text
    assert all(name in text for name in table.left_out)


@pytest.mark.slow
def test_finer_shells_and_tolerances_change_no_number_by_one_percent(table):
    """At C/3 the front crosses one shell at a time: there the capacity follows within 2 %."""
    skipped = ("fast_long", "gitt")
    rows = tuple(o for o in table.observables if not o.run.startswith(skipped))
    base = validate("Ji2024", replace(table, observables=rows))
    fine = Resolution(shells=100, rtol=1e-6, atol=1e-8)
    finer = validate("Ji2024", replace(table, observables=rows), resolution=fine)
    for a, b in zip(base.rows, finer.rows, strict=True):
        if a["unit"] in ("mA.h.g-1", "V", "percent"):
            share = 0.02 if a["run"] == "fast_60" else 0.01
            assert a["model"] == pytest.approx(b["model"], rel=share), a["id"]
        elif "fraction" in a["quantity"]:
            assert a["model"] == pytest.approx(b["model"], abs=0.01), a["id"]


def test_observables_file_is_valid_toml_with_sources():
    path = available()["Ji2024"].parent / "observables" / "Ji2024.toml"
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    assert all(row["source"] for row in content["observables"])
    assert np.isfinite([row["temperature"] for row in content["runs"].values()]).all()


def test_a_titration_without_pulses_shows_no_plateaus(ji):
    run = sscell.simulate(ji, sscell.discharge("C/20"), resolution=COARSE)
    where = {"of": "OCV plateau", "direction": "charge", "index": 1}
    assert measure(run, where) is None
