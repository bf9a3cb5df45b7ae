"""A score that cannot flatter: what counts, and what a fit says that did not see a condition."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

import sscell
from sscell.cells.uncertainty import knowledge_of
from sscell.cli import app
from sscell.errors import ParameterError
from sscell.papers.leaving_out import conditions, leave_out
from sscell.papers.measures import Reading, measure
from sscell.papers.observables import load_observables
from sscell.papers.validation import Validation, validate
from sscell.simulation.engine import Resolution


def _row(word, met, null_met=False, **more):
    return {"id": word, "word": word, "met": met, "null_met": null_met, **more}


def _said(*rows, **more):
    return Validation("x", list(rows), {}, (), **more).score()


def test_a_prediction_counts_where_the_null_model_fails():
    rows = [
        _row("fitted", True),
        _row("predicted", True),
        _row("predicted", True, null_met=True),
        _row("predicted", False),
        _row("contradicts", False),
    ]
    score = _said(*rows, effective_parameters=2.5)
    assert score == {
        "met": 3, "rows": 5, "predicted": 1, "predicted_rows": 2, "effective_parameters": 2.5,
    }  # fmt: skip
    assert _said(*rows, evidence=False)["rows"] == 4


def test_published_values_outside_their_band_are_counted_and_named():
    rows = [_row("fitted", True, inside=True), _row("predicted", False, inside=False)]
    found = Validation("x", rows, {}, (), drawn=24)
    assert (found.score()["inside"], found.score()["banded"]) == (1, 2)
    assert "outside its band: predicted" in found.format_score()


def test_a_variant_fitted_to_as_many_numbers_as_values_is_no_evidence():
    wanted = {"resolution": Resolution(8), "ids": ["liang_lpscl_cap"]}
    assert not validate("Liang2023-Li6PS5Cl", **wanted).evidence
    assert validate("Liang2023", resolution=Resolution(8), ids=["liang_cap_25"]).evidence


def test_bands_of_rows_hold_the_model_and_say_whether_the_paper_is_inside():
    found = validate(
        "Liang2023", ids=["liang_cap_25"], bands=True, resolution=Resolution(8)
    )
    (row,) = found.rows
    low, high = row["band"]
    assert low <= row["model"] <= high
    assert row["inside"] == (low <= row["published"] <= high)
    assert row["left_out_error"] == pytest.approx(
        next(r.error for r in _stored() if r.id == "liang_cap_25")
    )


def _stored():
    return knowledge_of(sscell.load("Liang2023").parameters).left_out


def test_conditions_leave_something_to_fit():
    table = load_observables("Liang2023")
    groups = conditions(table)
    assert {"-30 degC", "60 degC", "25 degC", "0.1C", "0.4C", "6C"} == set(groups)
    cold = [table.observables[n] for n in groups["-30 degC"]]
    fitted = [o.id for o in cold if o.word == "fitted"]
    assert fitted == ["liang_cap_m30", "liang_two_plateaus_above_m10"]
    assert all(table.runs[o.run].temperature == -30 for o in cold)


def test_a_fit_without_a_condition_goes_on_from_its_store(tmp_path, monkeypatch):
    cell = sscell.load("Liang2023")
    full = load_observables("Liang2023")
    rows = tuple(o for o in full.observables if o.id in ("liang_cap_25", "liang_cap_60"))
    vary = {k: v for k, v in full.vary.items() if k == "Inactive host fraction"}
    table = replace(full, observables=rows, vary=vary)
    options = {"only": ["60 degC"], "shells": 8, "store": tmp_path / "trials"}
    found = leave_out(cell, table, max_evaluations=6, **options)
    (row,) = found.left_out
    assert row.condition == "60 degC"
    assert row.error == pytest.approx(row.model - 167)
    trials = importlib.import_module("sscell.papers.trials")
    monkeypatch.setattr(trials, "run_all", None)  # nothing is run again
    again = leave_out(cell, table, max_evaluations=6, **options)
    assert again.left_out[0].model == row.model
    with pytest.raises(ParameterError, match="Did you mean '60 degC'"):
        leave_out(cell, table, only=["60 C"])


def test_command_prints_what_is_stored():
    shown = CliRunner().invoke(app, ["validate", "Liang2023", "--leave-out", "--json"])
    rows = json.loads(shown.stdout)["leave_one_out"]
    assert {"-30 degC", "60 degC"} <= {row["condition"] for row in rows}
    shown = CliRunner().invoke(app, ["validate", "Ji2024", "--leave-out", "--json"])
    by = {(r["condition"], r["id"]): r for r in json.loads(shown.stdout)["leave_one_out"]}
    assert {"25 degC", "60 degC", "90 degC"} == {condition for condition, _ in by}
    hot, cold = by["90 degC", "ji_ch1_90"], by["25 degC", "ji_dis1_25"]
    assert abs(hot["error"]) < hot["tolerance"] < abs(hot["null_error"])
    assert abs(cold["error"]) > cold["tolerance"]  # as its page says
    for arguments in (["Pan2023", "--leave-out"], ["Liang2023", "--rerun"]):
        refused = CliRunner().invoke(app, ["validate", *arguments])
        assert refused.exit_code != 0
        assert "--rerun" in str(refused.exception) + refused.output


def test_reversals_are_rows():
    words = {
        name: [o.id for o in load_observables(name).observables if o.word == "contradicts"]
        for name in (
            *("Ji2024", "Pan2023", "Chang2024-LPS15", "Chang2024-LiI5"),
            *("Liang2023", "Song2024"),
        )
    }
    assert all(words.values())


def test_depth_of_a_hull_by_hand():
    """NaS0.5 and NaS2 in parts: a third and two thirds of the way from Na2S4 to Na2S."""
    run = sscell.simulate(
        "Ji2024", sscell.discharge("C/20", duration="60 s"), resolution=Resolution(8)
    )
    values = sscell.load("Ji2024").values
    e4, e2, e1 = (
        values[f"{p} formation energy [J.mol-1]"] for p in ("Na2S4", "Na2S2", "Na2S")
    )
    where = {"of": "hull depth", "phases": ["Na2S2", "Na2S4", "Na2S"]}
    by_hand = (e4 + (e1 - e4) / 3 - e2) / 2 / 96.485
    assert measure(Reading(run), where) == pytest.approx(by_hand, rel=1e-4)
