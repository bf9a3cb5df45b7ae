"""What a fit says of its model: capacity, distance, discrepancy, and a word for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import sscell
from sscell.dataset import time_series
from sscell.fitting import fit
from sscell.fitting.courses import course
from sscell.fitting.discrepancy import correlated, expected
from sscell.fitting.forward import Traced
from sscell.fitting.problem import Problem
from sscell.fitting.scores import score
from sscell.optimisers.bounds import Variable
from sscell.simulation.engine import Resolution

COARSE = Resolution(10, rtol=1e-5, atol=1e-7)
AREA, MASS = "Electrode area [m2]", "Positive electrode mass [kg]"
OFFSET = "Contact resistance [Ohm]"


@pytest.fixture(scope="module")
def cell():
    return sscell.load("Liang2023")


@pytest.fixture(scope="module")
def cycled(cell):
    return sscell.simulate(cell, sscell.cycle("50mA/g"), resolution=COARSE)


def noisy(data, sigma, seed=0):
    noise = np.random.default_rng(seed).normal(size=data.sizes["time"])
    return data.assign({"Voltage [V]": data["Voltage [V]"] + sigma * noise})


def sampled(data, count=150):
    """As a cycler records: evenly in time, half cycle by half cycle."""
    t, i, v, c = _columns(data)
    parts = []
    for sign in (1, -1):
        rows = np.flatnonzero(np.sign(i) == sign)
        at = np.linspace(t[rows[0]], t[rows[-1]], count)
        parts.append((at, *(np.interp(at, t[rows], x[rows]) for x in (i, v, c))))
    names = ("Time [s]", "Current [A]", "Voltage [V]", "Cycle")
    return time_series(
        dict(zip(names, map(np.concatenate, zip(*parts, strict=True)), strict=True))
    )


def _found(cell, data, **options):
    area = cell.values[AREA]
    start = cell.replace({AREA: 1.2 * area})
    return fit(start, data, {AREA: (area / 2, 2 * area)}, resolution=COARSE, **options)


def _columns(data):
    names = ("Time [s]", "Current [A]", "Voltage [V]", "Cycle")
    return [data[n].values for n in names if n in data]


# Capacity ------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.97, 1.03], ids=["early", "late"])
def test_late_costs_as_much_as_early(cell, cycled, share, costs={}):  # noqa: B006
    """A mass that is off moves the end of each half cycle; both signs cost alike."""
    points = course(cycled, cell.window, noise=2e-3, points=100)
    wrong = cell.replace({MASS: share * cell.values[MASS]})
    problem = Problem(wrong, (points,), (), COARSE)
    residuals = problem.residuals(np.empty(0))
    capacities = residuals[points.measured.size :]
    assert capacities.size == 2
    assert np.all(np.sign(capacities) == np.sign(share - 1))
    assert np.abs(capacities).min() > 10
    costs[share] = float(residuals @ residuals)
    if len(costs) == 2:
        assert 0.4 < costs[0.97] / costs[1.03] < 2.5
    low, high = points.window
    assert low - 0.31 < problem.traces[0].values.min()  # nothing is extrapolated
    assert problem.traces[0].values.max() < high + 0.31


def test_slopes_of_capacities_agree_with_differences(cell, cycled):
    points = course(cycled, cell.window, noise=2e-3, points=40)
    mass = cell.values[MASS]
    variables = (Variable(MASS, mass / 2, 2 * mass, log=True),)
    problem = Problem(cell, (points,), variables, replace(COARSE, rtol=1e-8, atol=1e-10))
    u = np.array([0.52])
    _, slopes = problem(u)
    above, below = (problem.residuals(u + d) for d in (1e-4, -1e-4))
    rows = slice(points.measured.size, points.count)
    numeric = (above - below)[rows] / 2e-4
    assert slopes[rows, 0] == pytest.approx(numeric, rel=2e-3)


def test_a_charge_cut_at_70_percent_with_three_samples_to_the_cut_off_is_not_silent(
    cell, cycled
):
    """The file lies about its end; the fit says by how much, and it costs."""
    t, i, v, c = _columns(cycled)
    up = np.flatnonzero(i < 0)
    kept = up[: int(0.7 * up.size)]
    stop = kept[-1] + 1
    end = cell.window[1]
    climb = v[kept[-1]] + (end - v[kept[-1]]) * np.array([0.4, 0.8, 1.0])
    step = t[kept[-1]] - t[kept[-2]]
    table = {
        "Time [s]": np.append(t[:stop], t[kept[-1]] + step * np.array([0.01, 0.02, 0.03])),
        "Current [A]": np.append(i[:stop], np.repeat(i[kept[-1]], 3)),
        "Voltage [V]": np.append(v[:stop], climb),
        "Cycle": np.append(c[:stop], np.repeat(c[kept[-1]], 3)),
    }
    found = _found(cell, noisy(time_series(table), 1e-3))
    assert found.verdict.word == "is off by"
    assert any("% of the capacity" in remark for remark in found.remarks)
    (entry,) = found.datasets
    cut = entry["half_cycles"][1]
    assert cut["model_mAh"] > 1.15 * cut["measured_mAh"]
    assert entry["distance"] > 10
    assert found.misfit > 3
    whole = entry["own_cycle"][1]
    assert whole["model_mAh"] > 1.2 * whole["measured_mAh"]


# Words ---------------------------------------------------------------------------------


def test_a_model_that_made_the_data_describes_them(cell, cycled):
    found = _found(cell, noisy(cycled, 2e-3))
    assert found.verdict.word == "describes"
    assert found.verdict.sentence.startswith("The model describes these data")
    told = found.as_dict()
    (entry,) = told["datasets"]
    assert entry["rms_mV"] == pytest.approx(2.0, rel=0.25)
    assert entry["distance"] < 1.5
    assert told["rms_all_mV"]["data 1"] > 0
    for rows in (entry["half_cycles"], entry["own_cycle"]):
        assert [(r["cycle"], r["direction"]) for r in rows] == [
            (1, "discharge"),
            (1, "charge"),
        ]
        for row in rows:
            assert row["model_mAh"] == pytest.approx(row["measured_mAh"], rel=5e-3)
    low, high = found.interval(AREA, 0.99)
    assert low < cell.values[AREA] < high
    assert "measured mAh" in str(found)


def test_eight_millivolts_over_a_quiet_cycler_are_no_failure(cell, cycled):
    """A smooth error fifty times the noise: it describes, and the errors hold it."""
    t, i, v, c = _columns(cycled)
    passed = np.cumsum(np.abs(i) * np.gradient(t))
    off = 6e-3 * np.sin(12 * passed / passed[-1])
    table = {"Time [s]": t, "Current [A]": i, "Voltage [V]": v + off, "Cycle": c}
    found = _found(cell, noisy(time_series(table), 1.5e-4))
    assert found.misfit > 5
    assert found.verdict.word == "describes"
    assert found.error.size > 0
    low, high = found.interval(AREA, 0.9)
    assert low < cell.values[AREA] < high
    assert found.as_dict()["discrepancy"]["voltage_mV"] == pytest.approx(5, rel=0.5)


def test_another_curve_is_off_by_an_amount(cell, cycled):
    t, i, v, c = _columns(cycled)
    high = v + 0.15 * (v > np.median(v))
    table = {"Time [s]": t, "Current [A]": i, "Voltage [V]": high, "Cycle": c}
    found = _found(cell, noisy(time_series(table), 2e-3))
    assert found.verdict.word == "is off by"
    assert found.verdict.sentence in found.remarks


def test_data_drowned_in_noise_cannot_tell(cell, cycled):
    found = _found(cell, noisy(sampled(cycled), 0.03))
    assert found.verdict.word == "cannot tell"
    assert "noise" in found.verdict.sentence


def test_one_rate_in_one_direction_is_said(cell, cycled):
    found = _found(cell, noisy(cycled, 2e-3), half="discharge")
    assert any("one rate in one direction" in r for r in found.remarks)
    assert [h["direction"] for h in found.datasets[0]["half_cycles"]] == ["discharge"]


# Errors that go on ---------------------------------------------------------------------


def test_intervals_hold_where_errors_go_on_and_do_not_where_they_are_ignored():
    """A line through data with a correlated error: 90 % intervals over 20 draws."""
    t = np.linspace(0, 3600, 240)
    data = time_series(
        {"Time [s]": t, "Current [A]": np.full(240, 1e-3), "Voltage [V]": 3 - t / 7200}
    )
    points = replace(
        course(data, (2.0, 4.0), noise=1e-3, points=100), discrepancy=(5e-3, 0.0)
    )
    problem = Problem(sscell.load("Liang2023"), (points,), ())
    count = points.measured.size
    x = np.linspace(0, 1, count)
    jacobian = np.zeros((points.count, 2))
    jacobian[:count] = np.column_stack([np.ones(count), x]) * 20
    kernel = np.exp(-np.abs(x[:, None] - x[None, :]) / 0.15)
    draw = np.linalg.cholesky(kernel + 1e-9 * np.eye(count))
    generator = np.random.default_rng(5)
    held = ignored = 0
    for _ in range(20):
        error = np.zeros(points.count)
        error[:count] = draw @ generator.normal(size=count) + 0.2 * generator.normal(
            size=count
        )
        best = np.linalg.lstsq(jacobian, error, rcond=None)[0]
        left = error - jacobian @ best
        spread = np.linalg.inv(correlated(problem, left, jacobian).information)
        plain = np.linalg.inv(jacobian.T @ jacobian)
        held += np.abs(best[1]) < 1.645 * np.sqrt(spread[1, 1])
        ignored += np.abs(best[1]) < 1.645 * np.sqrt(plain[1, 1])
    assert held >= 16
    assert ignored < 14


def test_what_reaches_the_noise_needs_no_discrepancy(cell, cycled):
    points = course(noisy(cycled, 2e-3), cell.window, noise=2e-3, points=60)
    problem = Problem(cell, (points,), (), COARSE)
    assert expected(problem, np.empty(0)) is None


def test_a_score_counts_only_what_both_have():
    t = np.linspace(0, 3600, 361)
    v = 3.4 - 0.1 * t / 3600 - np.clip(t - 3492, 0, None) / 108 * 0.8
    data = time_series(
        {"Time [s]": t, "Current [A]": np.full(t.size, 1e-3), "Voltage [V]": v}
    )
    points = course(data, (2.5, 4.0), noise=1e-3)
    times = points.segments[0].times
    early = times > 3400
    values = np.where(early, 2.5, points.measured)
    path = (np.append(times[~early], 3400.0), np.append(values[~early], 2.5))
    traced = Traced(
        values,
        np.zeros((values.size, 0)),
        early,
        np.array([3.4]),
        np.zeros((1, 0)),
        (path,),
    )
    found = score(points, traced)
    assert found["rms_mV"] == pytest.approx(0.0, abs=1e-9)
    (row,) = found["half_cycles"]
    assert row["measured_mAh"] == pytest.approx(1.0)
    assert row["model_mAh"] == pytest.approx(3.4 / 3.6)
    assert found["distance"] > 10
