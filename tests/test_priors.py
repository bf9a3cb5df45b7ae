"""Priors, covariance and the store of a refit, on models that are straight lines."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import sscell.papers.trials as trials
from sscell.cells.cell import Cell
from sscell.cells.uncertainty import Spread, knowledge_of, spreads
from sscell.errors import ParameterError
from sscell.optimisers.bounds import Variable
from sscell.papers.observables import ObservableTable, load_observables
from sscell.papers.refit import refit, write_knowledge, write_refit

POROSITY = "Positive electrode porosity"
RATE = "Positive particle diffusivity [m2.s-1]"
TRUE = {POROSITY: 0.2, RATE: 1e-13}


@pytest.fixture
def lines(monkeypatch):
    """Two rows, of the porosity and of the logarithm of a rate; counts what was run."""
    ran = []

    def run_all(cell, runs, **options):
        ran.append(runs[0].name)
        return {runs[0].name: cell}

    def measure(cell, where):
        if where["of"] == "first":
            return 100 * cell.values[POROSITY]
        return float(np.log(cell.values[RATE]))

    monkeypatch.setattr(trials, "run_all", run_all)
    monkeypatch.setattr(trials, "Reading", lambda data: data)
    monkeypatch.setattr(trials, "measure", measure)
    return ran


@pytest.fixture
def table():
    full = load_observables("Liang2023")
    rows = [
        replace(o, measure={"of": of}, published=at, tolerance=by, sense="equal")
        for o, of, at, by in zip(
            full.observables,
            ("first", "second"),
            (20.0, np.log(1e-13)),
            (2.0, 0.5),
            strict=False,
        )
    ]
    vary = {
        POROSITY: Variable(POROSITY, 0.05, 0.35, prior=(0.26, 0.02)),
        RATE: Variable(RATE, 1e-15, 1e-12, log=True),
    }
    return replace(full, observables=tuple(rows), vary=vary)


def test_row_and_prior_share_a_value_by_their_weights(lines, table):
    """0.20 +/- 0.02 by the row and 0.26 +/- 0.02 by the prior: 0.23 +/- 0.02/sqrt(2)."""
    found = refit(Cell.load("Liang2023"), table)
    assert found.values[POROSITY] == pytest.approx(0.23, abs=1e-6)
    assert found.std_errors[POROSITY] == pytest.approx(0.02 / np.sqrt(2), rel=1e-4)
    assert found.values[RATE] == pytest.approx(1e-13, rel=1e-4)
    known = found.knowledge
    # Half of the porosity is the prior's; the bounds add little to the rate.
    width = np.log(1e3)
    own = (width / 0.5) ** 2 / ((width / 0.5) ** 2 + 12)
    assert known.effective_parameters == pytest.approx(0.5 + own, rel=1e-4)
    assert known.matrix()[0, 0] == pytest.approx(0.02**2 / 2, rel=1e-4)
    assert known.matrix()[1, 1] == pytest.approx(1 / (4 + 12 / width**2), rel=1e-4)
    assert found.log["cost_of_priors"] == pytest.approx(1.5**2, rel=1e-4)


def test_covariance_goes_with_the_written_set(lines, table, tmp_path):
    found = refit(Cell.load("Liang2023"), table)
    path = tmp_path / "mine.toml"
    write_refit(found, "Liang2023", path)
    write_knowledge(found.knowledge, path.with_suffix(".uncertainty.json"))
    cell = Cell.load(path)
    known = knowledge_of(cell.parameters)
    assert known.names == [POROSITY, RATE]
    assert np.allclose(known.matrix(), found.knowledge.matrix(), rtol=1e-5)
    others, _ = spreads(cell)
    assert POROSITY not in others
    assert "Upper step potential [V]" in others
    assert "Reference temperature [K]" not in others
    broken = json.loads(path.with_suffix(".uncertainty.json").read_text())
    broken["scales"] = ["log"]
    path.with_suffix(".uncertainty.json").write_text(json.dumps(broken))
    with pytest.raises(ParameterError, match="one scale, value, bound"):
        knowledge_of(Cell.load(path).parameters)


def test_a_refit_goes_on_from_its_store(lines, table, tmp_path):
    store = tmp_path / "trials.jsonl"
    cell = Cell.load("Liang2023")
    refit(cell, table, store=store, max_evaluations=3, errors=False)
    with store.open("a") as file:
        file.write('\n{"key": "cut o')  # as a killed process leaves it
    lines.clear()
    whole = refit(cell, table, store=store)
    before = len(lines)
    lines.clear()
    assert refit(cell, table, store=store).values == whole.values
    assert before > 0 and not lines
    with pytest.raises(ParameterError, match="another cell"):
        refit(cell, table, store=store, shells=12)


def test_rows_left_out_do_not_move_the_fit(lines, table):
    found = refit(Cell.load("Liang2023"), table, without=[0])
    assert found.values[POROSITY] == pytest.approx(0.26, abs=1e-6)
    assert list(found.log["residuals"]) == ["liang_cap_25 (medium_25)"]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"bounds": [0, 1], "prior": {"mean": 2, "width": 1, "source": "x"}}, "outside"),
        ({"bounds": [0, 1], "prior": {"mean": 1, "width": 0, "source": "x"}}, "above zero"),
        (
            {
                "bounds": [1, 9],
                "scale": "log",
                "prior": {"mean": 2, "width": 0.5, "source": "x"},
            },
            "factor above 1",
        ),
        ({"bounds": [0, 1], "prior": {"mean": 1, "width": 1}}, "source"),
    ],
)
def test_a_prior_that_cannot_be_is_refused(row, says):
    content = {"observables": [], "refit": {"vary": {POROSITY: row}}}
    with pytest.raises(ParameterError, match=says):
        ObservableTable.from_table(content, "mine.toml")


def test_spreads_follow_their_scales():
    even = Spread("a", 1.0, 3.0)
    assert [even.value(x) for x in (0.0, 0.5, 1.0)] == [1.0, 2.0, 3.0]
    normal = Spread("a", 0.0, 3.0, log=True, mean=0.0, std=1.0)
    assert normal.value(0.5) == pytest.approx(1.0)
    assert normal.value(0.8413447) == pytest.approx(np.e, rel=1e-5)
    assert normal.value(1 - 1e-9) == 3.0
