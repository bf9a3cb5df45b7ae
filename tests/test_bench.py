"""The benchmark itself: what it compares and what it says when it cannot."""

from __future__ import annotations

import json

import pytest

import sscell
from sscell.bench import report
from sscell.bench.cases import Case, Leg, error_of, simulated, trace_of
from sscell.bench.clock import Ratio, Timing, alternate, ratio
from sscell.bench.report import compared, measure, to_markdown
from sscell.bench.suites import Plan, Sheet
from sscell.cli import main
from sscell.errors import ParameterError
from sscell.simulation.engine import Resolution

REQUIRED = {
    "simulate_over_bare_solve",
    "gitt_speedup_over_pybamm_experiment",
    "gitt_over_generated_c",
    "sweep_speedup_over_rebuild",
    "sweep_parallel_efficiency",
    "fit_speedup_over_pybop",
    "cli_over_import_pybamm",
}


@pytest.fixture(scope="module")
def case():
    return Case(sscell.load("Liang2023"), Resolution(shells=8))


def test_every_way_is_timed_once_in_every_round_in_turning_order():
    ran = []
    ways = {name: (lambda n=name: ran.append(n) or n) for name in "abc"}
    found = alternate(ways, 3)
    assert ran[:3] == ["a", "b", "c"]  # untimed
    assert ran[3:] == ["a", "b", "c", "b", "c", "a", "c", "a", "b"]
    assert {n: (len(t.seconds), t.result) for n, t in found.items()} == {
        n: (3, n) for n in "abc"
    }


def test_ratio_is_of_neighbours_in_time():
    """The machine slows down tenfold in the last round: the ratio does not see it."""
    slow, fast = Timing((2.0, 2.2, 20.0), None), Timing((1.0, 1.0, 10.0), None)
    assert ratio(slow, fast).value == 2.0
    assert ratio(fast, slow).inverse().value == pytest.approx(2.0)


def test_error_sees_a_pulse_that_was_stepped_over(case):
    legs = case.pulses(3)
    trace = trace_of(simulated(case, legs))
    right = error_of(case, legs, trace)
    blind = trace_of(simulated(case, (Leg(0.0, 3600.0),) * 6))
    stretched = [
        (t[-1] * b / b[-1], v) for (t, _), (b, v) in zip(trace, blind, strict=True)
    ]
    assert right < 1e-4
    assert error_of(case, legs, stretched) > 100 * right


def test_run_has_every_ratio_or_the_reason_why_not(monkeypatch):
    def known(case, plan):
        sheet = Sheet(ratios={"simulate_over_bare_solve": Ratio(1.1, 1.0, 1.2)})
        sheet.add("simulate", Timing((1.0,), None), 1e-6)
        return sheet

    def broken(case, plan):
        raise ZeroDivisionError("of the suite")

    monkeypatch.setattr(
        report, "SUITES", {"one": (known, "every cell"), "two": (broken, "the first cell")}
    )
    found = measure(["Liang2023", "Ji2024"], Plan(quick=True))
    assert set(found["ratios"]) >= REQUIRED
    assert found["ratios"]["simulate_over_bare_solve"] == 1.1
    missing = {name for name, value in found["ratios"].items() if value is None}
    assert set(found["reasons"]) == missing
    assert "of the suite" in found["cells"]["Liang2023"]["two"]["notes"]["failed"]
    assert "two" not in found["cells"]["Ji2024"]
    assert "| one | simulate | 1000 ms |" in to_markdown(found)
    json.dumps(found)


def test_worst_cell_counts_whichever_way_is_better():
    small, large = Ratio(1, 1, 1), Ratio(2, 2, 2)
    assert report._worse("simulate_over_bare_solve", large, small)
    assert report._worse("sweep_speedup_over_rebuild", small, large)
    assert not report._worse("sweep_parallel_efficiency", large, small)


def test_comparison_calls_slower_only_what_is_beyond_both_spreads():
    def run(value, low, high, name="simulate_over_bare_solve"):
        return {"ratios": {name: value}, "spreads": {name: [low, high]}}

    before = run(1.0, 0.9, 1.1)
    assert compared(run(1.5, 1.4, 1.6), before)[0]["slower"]
    assert not compared(run(1.15, 1.05, 1.3), before)[0]["slower"]
    assert not compared(run(0.5, 0.4, 0.6), before)[0]["slower"]
    name = "gitt_speedup_over_pybamm_experiment"
    assert compared(run(1.5, 1.4, 1.6, name), run(3, 2.9, 3.1, name))[0]["slower"]


def test_unknown_suite_is_refused():
    with pytest.raises(ParameterError, match="half cycle"):
        measure(["Liang2023"], Plan(), ["half cicle"])
    with pytest.raises(ParameterError, match="cycling"):
        measure(["Liang2023"], Plan(), skip=["cicling"])


def test_suites_that_run(monkeypatch):
    def ran(*plan, **chosen):
        found = measure(["Liang2023", "Ji2024"], Plan(*plan), **chosen)["cells"]
        return {cell: set(sheets) for cell, sheets in found.items()}

    none = {name: (lambda case, plan: Sheet(), w) for name, (_, w) in report.SUITES.items()}
    monkeypatch.setattr(report, "SUITES", none)
    long = {"ten starts", "thousand points", "many cells"}
    assert ran()["Liang2023"] == set(none)
    assert ran()["Ji2024"] == set(none) - long - {"command line", "pybop"}
    assert ran(True)["Liang2023"] == set(none) - long
    assert ran(True)["Ji2024"] == {"half cycle", "titration"}
    assert ran(True, only=["ten starts"])["Liang2023"] == {"ten starts"}
    assert ran(skip=["cycling"])["Liang2023"] == set(none) - {"cycling"}


def test_command_prints_ratios_and_compares_with_a_baseline(tmp_path, capsys):
    command = ["bench", "Liang2023", "--quick", "--only", "currents"]
    file = tmp_path / "run.json"
    with pytest.raises(SystemExit) as ended:
        main([*command, "-o", str(file), "--markdown", str(tmp_path / "run.md")])
    assert ended.value.code == 0
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main([*command, "--baseline", str(file), "--json"])
    found = json.loads(capsys.readouterr().out)
    assert set(found["ratios"]) >= REQUIRED
    assert found["ratios"]["forty_currents_over_one"] > 0
    assert found["compared"][0]["ratio"] == "forty_currents_over_one"
    with pytest.raises(SystemExit) as ended:
        main([*command, "--baseline", str(tmp_path / "run.md")])
    assert ended.value.code == 2
