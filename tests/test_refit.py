"""The refit finds what it should, says what it does not know, and can be repeated."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import numpy as np
import pytest

import sscell.papers.refit as module
import sscell.papers.trials as trials
from sscell.cells.cell import Cell
from sscell.errors import ParameterError
from sscell.optimisers.bounds import Variable
from sscell.optimisers.minimax import descend_largest
from sscell.papers.observables import load_observables
from sscell.papers.refit import refit, write_refit

NAME = "Inactive host fraction"
IDS = ("ji_dis1_90", "ji_ch1_90")


@pytest.fixture(scope="module")
def table():
    full = load_observables("Ji2024")
    rows = tuple(o for o in full.observables if o.id in IDS)
    blind = Variable("Positive electrode porosity", 0.1, 0.35)
    return replace(full, observables=rows, vary={**full.vary, blind.name: blind})


@pytest.fixture(scope="module")
def found(table):
    """Capacities of a cell with 5 % of inactive sulfur, started far from it."""
    truth = Cell.load("Ji2024").replace({NAME: 0.05})
    runs = trials.run_all(truth, [table.runs["cycle_90"]], resolution=trials.Resolution(25))
    own = [
        replace(o, published=trials.measure(runs[o.run], o.measure), tolerance=5.0)
        for o in table.observables
    ]
    start = truth.replace({NAME: 0.01})
    return refit(
        start,
        replace(table, observables=tuple(own)),
        vary=[NAME, "Positive electrode porosity"],
        max_evaluations=14,
    )


def test_refit_finds_the_value_that_made_the_data(found):
    assert found.values[NAME] == pytest.approx(0.05, abs=0.002)
    assert found.log["cost"] < 0.1


def test_what_the_observables_cannot_tell_has_no_standard_error(found):
    assert found.std_errors[NAME] is not None
    assert found.std_errors["Positive electrode porosity"] is None
    assert set(found.pins[NAME]) <= set(IDS)


def test_log_says_how_the_fit_was_made(found):
    assert {"seed", "evaluations", "weights", "residuals", "cost", "bounds"} <= set(
        found.log
    )


def test_refit_never_passes_its_limit_of_evaluations(table):
    counted = refit(
        Cell.load("Ji2024"), table, vary=[NAME], max_evaluations=3, starts=3, errors=False
    )
    assert counted.log["ended"] == "evaluations used up"


def test_more_starts_than_evaluations_still_have_a_result(table):
    found = refit(
        Cell.load("Ji2024"), table, vary=[NAME], max_evaluations=1, starts=2, errors=False
    )
    assert found.log["evaluations"] == 1
    assert found.values[NAME] > 0


def test_interrupt_keeps_the_best_so_far(monkeypatch, table):
    evaluate = trials.run_all
    calls = []

    def stopping(*arguments, **options):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return evaluate(*arguments, **options)

    monkeypatch.setattr(trials, "run_all", stopping)
    kept = refit(Cell.load("Ji2024"), table, vary=[NAME], max_evaluations=50)
    assert kept.log["ended"] == "interrupted"
    assert kept.values[NAME] > 0


def test_written_set_loads_and_keeps_its_comments(found, tmp_path):
    path = tmp_path / "Ji2024.toml"
    # The porosity is no fitted value of the set: only what belongs to it is written.
    kept = replace(found, values={NAME: found.values[NAME]})
    write_refit(kept, "Ji2024", path)
    text = path.read_text(encoding="utf-8")
    assert "# Separator: Na3PS4" in text
    entry = tomllib.loads(text)["parameters"][NAME]
    assert entry["kind"] == "fitted"
    assert entry["std_error"] > 0
    assert Cell.load(path).values[NAME] == pytest.approx(found.values[NAME], rel=1e-5)


def test_tied_parameters_move_together(table):
    vary = Variable(
        "R3 rate constant [s-1]",
        1e-6,
        1e-2,
        log=True,
        ties={"R4 rate constant [s-1]": 0.5},
    )
    residuals = trials.Residuals(trials.Trials(Cell.load("Ji2024"), table), [vary], 1)
    values = residuals.values([0.5])
    assert values["R4 rate constant [s-1]"] == pytest.approx(
        0.5 * values["R3 rate constant [s-1]"]
    )


def test_a_tied_value_is_written_as_derived(found, tmp_path):
    leader, tied = "R5 activation energy [J.mol-1]", "R1 activation energy [J.mol-1]"
    vary = Variable(leader, 2e4, 8e4, ties={tied: 1.0})
    moved = replace(
        found,
        vary=(vary,),
        values={leader: 5e4, tied: 5e4},
        std_errors={leader: 2e3},
        pins={leader: IDS},
        log={**found.log, "bounds": {leader: [2e4, 8e4]}},
    )
    write_refit(moved, "Ji2024", tmp_path / "Ji2024.toml")
    written = tomllib.loads((tmp_path / "Ji2024.toml").read_text(encoding="utf-8"))
    kinds = [written["parameters"][name]["kind"] for name in (leader, tied)]
    assert kinds == ["fitted", "derived"]
    assert written["parameters"][tied]["formula"] == leader


def test_unknown_parameter_is_refused_with_the_nearest(table):
    with pytest.raises(ParameterError, match="Inactive host fraction"):
        refit(Cell.load("Ji2024"), table, vary=["Inactive host fractoin"])


def test_a_rival_switches_one_explanation_off_and_another_on(table):
    cell, tried = module._with_rival(
        Cell.load("Ji2024"), load_observables("Ji2024"), "swelling"
    )
    assert cell.values["Na2S isolation probability"] == 0.0
    assert cell.values["Transport loss by swelling"] > 0
    assert "Transport loss by swelling" in tried.vary
    assert "Na2S reconnection rate [s-1]" not in tried.vary
    with pytest.raises(ParameterError, match="Did you mean 'swelling'"):
        refit(Cell.load("Ji2024"), table, rival="sweling", max_evaluations=1)


def test_what_says_nothing_in_a_run_does_not_repeat_it(monkeypatch):
    """Activation energies at the temperature of reference, 60 degC, and nothing else."""
    cell, full = Cell.load("Ji2024"), load_observables("Ji2024")
    rows = tuple(o for o in full.observables if o.id in ("ji_dis1_60", "ji_dis1_90"))
    table = replace(full, observables=rows)
    names = ["R5 activation energy [J.mol-1]", "R5 rate constant [s-1]"]
    chosen = module._chosen(table, names)
    objective = trials.Residuals(trials.Trials(cell, table), chosen, 20)
    ran, whole = [], trials.run_all

    def counted(cell, runs, **options):
        ran.append([r.name for r in runs])
        return whole(cell, runs, **options)

    monkeypatch.setattr(trials, "run_all", counted)
    x = objective.start()
    first = objective(x)
    count = len(ran)
    assert np.array_equal(objective(x), first)
    assert len(ran) == count
    objective(x + [-0.01, 0.0])
    assert ran[count:] == [["cycle_90"]]
    count = len(ran)
    objective(x + [0.0, 0.01])
    assert ran[count:] == [["cycle_60"], ["cycle_90"]]


def test_the_largest_residual_of_a_line_through_a_parabola_is_an_eighth():
    """Chebyshev: x - 1/8 is the line nearest to x^2 between 0 and 1; least squares 1/6."""
    x = np.linspace(0, 1, 41)
    matrix = np.column_stack([x, -np.ones_like(x)])
    found = descend_largest(
        lambda u: matrix @ u - x**2, lambda u, r: matrix, np.array([0.5, 0.9])
    )
    assert np.abs(matrix @ found - x**2).max() == pytest.approx(1 / 8, abs=0.003)


def test_refit_lowers_the_objective_that_is_asked_for(table):
    """Discharge and charge pull one parameter two ways: the largest ends in the middle."""
    rows = [
        replace(o, published=value, tolerance=10.0)
        for o, value in zip(table.observables, (1640, 1600), strict=True)
    ]
    mine = replace(table, observables=tuple(rows))
    found = refit(
        Cell.load("Ji2024"),
        mine,
        vary=[NAME],
        objective="largest",
        max_evaluations=12,
        errors=False,
    )
    up, down = found.log["residuals"].values()
    assert up == pytest.approx(-down, abs=0.1)
    assert found.log["largest"] == pytest.approx(abs(up), abs=0.1)


def test_an_unknown_objective_is_named(table):
    with pytest.raises(ParameterError, match="no objective 'largets'.*largest"):
        refit(Cell.load("Ji2024"), table, objective="largets")
