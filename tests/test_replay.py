"""At true parameters a fit repeats the model's own data, whatever moved their current."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import xarray as xr

import sscell
from sscell.cells.cell import Cell
from sscell.cells.library import available
from sscell.dataset import time_series
from sscell.errors import DataError
from sscell.fitting import fit
from sscell.fitting.courses import course
from sscell.fitting.forward import Forward
from sscell.fitting.prepare import prepare
from sscell.protocols import cv, gitt, hold, potential_step, rate_test, rest, then
from sscell.simulation.engine import Resolution

COARSE = Resolution(25)
NOISE = 1e-3
CONTACT = "Contact resistance [Ohm]"
BOUNDS = {CONTACT: (1.0, 1000.0)}
FAMILIES = [n for n in available() if "-" not in n]
KINDS = ("half", "cycle", "cccv", "gitt", "rate", "cv", "fast cv", "step", "hold", "parts")


def recorded(run: xr.Dataset, seed: int, every: float | None = None) -> xr.Dataset:
    """As an instrument has it: noise, and a sample an interval of each step and at its end."""
    names = ("Time [s]", "Current [A]", "Voltage [V]")
    parts = []
    for number in np.unique(run["Step"].values):
        own = run["Step"].values == number
        table = np.array([run[n].values[own] for n in names])
        if every:
            t = table[0]
            single = np.concatenate([[True], np.diff(t) > 0])
            marks = np.append(np.arange(t[0] + every, t[-1], every), t[-1])
            table = np.array([np.interp(marks, t[single], x[single]) for x in table])
        parts.append(table)
    t, i, v = np.concatenate(parts, axis=1)
    v = v + NOISE * np.random.default_rng(seed).normal(size=v.size)
    return time_series(dict(zip(names, (t, i, v), strict=True)))


@cache
def simulated(name: str, kind: str) -> tuple[Cell, float, xr.Dataset]:
    cell = Cell.load(name)
    celsius = cell.values["Ambient temperature [K]"] - 273.15
    low, high = cell.window
    slow = cell.current(cell.slow_rate)
    once, fast = f"{slow:.6g} A", f"{4 * slow:.6g} A"
    first = sscell.discharge if cell.first_step == "discharge" else sscell.charge
    if kind == "step":
        resting = sscell.simulate(cell, rest("1 h"), resolution=COARSE)
        now = float(resting["Voltage [V]"][-1])
        end = low if cell.first_step == "discharge" else high
        kinds = {kind: potential_step(f"{now + 0.6 * (end - now)} V", "1 h")}
    else:
        kinds = {
            "half": first(once),
            "cycle": sscell.cycle(once, rest="1 h"),
            "cccv": sscell.cycle(fast, hold_until=f"{0.2 * slow:.6g} A"),
            "gitt": gitt(fast, "30 min", "1 h"),
            "rate": rate_test([once, fast]),
            "cv": cv("0.1 mV/s"),
            "fast cv": cv(["0.5 mV/s", "1 mV/s"]),
            "hold": then(
                first(fast, duration="2 h"),
                hold(f"{0.5 * (low + high)} V", duration="3 h"),
                rest("1 h"),
            ),
            "parts": then(
                first(once, duration="3 h"), rest("2 h"), first(fast, duration="1 h")
            ),
        }
    run = sscell.simulate(cell, kinds[kind], temperature=celsius, resolution=COARSE)
    return cell, celsius, run


def off(name: str, kind: str, every: float | None, seed: int = 1) -> float:
    """Misfit of a replay at true parameters, in standard deviations."""
    cell, celsius, run = simulated(name, kind)
    data = recorded(run, seed, every)
    problem, _ = prepare(cell, data, {CONTACT: (0, 1e4)}, temperature=celsius)
    return float(np.sqrt(np.mean(problem.residuals(problem.start()) ** 2)))


def _population() -> list[tuple[str, str, float | None]]:
    return list(itertools.product(FAMILIES, KINDS, (None, 60.0)))


SAMPLE = [
    ("Liang2023", "cccv", 60.0),
    ("Liang2023", "fast cv", None),
    ("Pan2023", "step", 60.0),
    ("Pan2023", "gitt", 60.0),
    ("Chang2024", "hold", 60.0),
    ("Liang2023", "cv", 60.0),
    ("Pan2023", "cccv", None),
    ("Chang2024", "rate", 60.0),
]


@pytest.mark.parametrize(("name", "kind", "every"), SAMPLE)
def test_a_replay_of_the_models_own_data_is_off_by_under_twice_the_noise(name, kind, every):
    assert off(name, kind, every) < 2


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_replays_of_every_family_and_protocol(name):
    worst = {
        (kind, every): off(name, kind, every)
        for one, kind, every in _population()
        if one == name
    }
    assert {k: x for k, x in worst.items() if not x < 2} == {}


# What was set ------------------------------------------------------------------------


def test_a_hold_and_a_sweep_are_repeated_by_their_voltage():
    cell, _, run = simulated("Pan2023", "cccv")
    points = course(recorded(run, 1, 60.0), cell.window)
    held = [s for s in points.segments if s.line is not None]
    assert [s.line for s in held] == [(cell.window[1], 0.0)]
    before = points.segments[points.segments.index(held[0]) - 1]
    assert before.limit == cell.window[1]  # the model, too, begins to hold when it is there
    cell, _, run = simulated("Liang2023", "cv")
    lines = [s.line for s in course(recorded(run, 1), cell.window).segments]
    assert [slope for _, slope in lines] == pytest.approx([-1e-4, 1e-4], rel=1e-3)
    assert lines[1][0] == pytest.approx(cell.window[0], abs=NOISE)


def test_a_current_that_moves_with_its_voltage_is_repeated_from_sample_to_sample():
    t = np.arange(0.0, 1200.0, 10.0)
    current = 2e-4 + 1e-4 * np.random.default_rng(0).uniform(-1, 1, t.size)
    voltage = 3.1 - 300 * current - 1e-5 * t
    data = time_series({"Time [s]": t, "Current [A]": current, "Voltage [V]": voltage})
    found = course(data, (2.0, 4.0)).segments
    assert not any(s.line for s in found)
    passed = sum(s.current * s.duration for s in found)
    assert passed == pytest.approx(np.trapezoid(current, t), rel=1e-3)
    starts = [s.current - 0.5 * s.ramp * s.duration for s in found]
    wrong = np.abs(starts - np.interp([s.start for s in found], t, current))
    assert np.mean(wrong > 1e-9) < 0.05  # where a level is kept by chance, it is one step


def test_a_moving_current_replays_as_the_run_of_its_samples():
    """Ramps of a cell without history against the sum of short steps of constant current."""
    cell = Cell.load("Pan2023")
    level = cell.current(cell.slow_rate)
    t = np.arange(0.0, 3601.0, 60.0)
    current = -level * (2 + np.random.default_rng(3).uniform(-1, 1, t.size))
    voltage = 2.2 - 300 * current
    data = time_series({"Time [s]": t, "Current [A]": current, "Voltage [V]": voltage})
    points = course(data, cell.window, noise=NOISE)
    assert not any(s.line for s in points.segments)
    assert sum(s.ramp != 0 for s in points.segments) > 40
    wide = replace(points, window=(-5.0, 10.0))
    forward = Forward(cell, [], Resolution(25, rtol=1e-7, atol=1e-9))
    smooth = forward.trace(cell, wide).values
    smooth = smooth[[t == s.duration for s in points.segments for t in s.times]]
    errors = []
    for parts in (8, 16):
        steps = tuple(_stairs(points.segments, parts))
        stepped = forward.trace(cell, replace(wide, segments=steps)).values
        errors.append(float(np.abs(smooth - stepped).max()))
    # The stairs come nearer with each halving, to nothing else than the ramps.
    assert errors[0] < 0.02
    assert errors[1] < 0.6 * errors[0]


def _stairs(segments, parts):
    """Each ramp as short steps of its mean currents; compared at its end alone."""
    for s in segments:
        for k in range(parts):
            part = s.duration / parts
            middle = (k + 0.5) * part - 0.5 * s.duration
            own = (s.times == s.duration) & (k == parts - 1)
            yield replace(
                s,
                current=s.current + s.ramp * middle,
                duration=part,
                times=np.full(own.sum(), part),
                measured=s.measured[own],
                start=s.start + k * part,
                ramp=0.0,
            )


@pytest.mark.parametrize("kind", ["cccv", "step"])
def test_slopes_of_currents_under_a_voltage_agree_with_differences(kind):
    cell, celsius, run = simulated("Pan2023", kind)
    cell = cell.replace({CONTACT: 50.0})
    problem, _ = prepare(cell, recorded(run, 1), BOUNDS, temperature=celsius)
    tight = replace(problem, resolution=Resolution(25, rtol=1e-8, atol=1e-10), _found={})
    u, step = problem.start(), 2e-4
    _, slopes = problem(u)
    numeric = (tight.residuals(u + step) - tight.residuals(u - step)) / (2 * step)
    held = problem.courses[0].held
    assert held.any()
    capacities = np.arange(held.size, numeric.size)
    for rows in (np.flatnonzero(held), np.flatnonzero(~held), capacities):
        if not rows.size:
            continue
        scale = np.sqrt(np.mean(numeric[rows] ** 2))
        assert (
            np.sqrt(np.mean((slopes[rows, 0] - numeric[rows]) ** 2)) < 0.02 * scale + 1e-9
        )


# Fits that were wrong -----------------------------------------------------------------


def fitted(cell: Cell, truth: float, protocol, celsius: float, every: float, **options):
    state = options.get("states", "pristine")
    run = sscell.simulate(
        cell.replace({CONTACT: truth}),
        protocol,
        temperature=celsius,
        state=state,
        resolution=COARSE,
    )
    start = cell.replace({CONTACT: 0.8 * truth})
    return fit(start, recorded(run, 5, every), BOUNDS, temperature=celsius, **options)


def holds(found, truth: float) -> bool:
    off = abs(found.values[CONTACT] - truth) / found.std_errors[CONTACT]
    return off < 3 and found.misfit < 1.3 and found.std_errors[CONTACT] < 0.05 * truth


def test_a_resistance_from_a_charge_with_a_hold():
    cell = Cell.load("Pan2023")
    slow = cell.current(cell.slow_rate)
    protocol = sscell.cycle(f"{slow} A", hold_until=f"{slow / 10:.6g} A")
    celsius = cell.values["Ambient temperature [K]"] - 273.15
    assert holds(fitted(cell, 100.0, protocol, celsius, 60.0), 100.0)


def test_a_resistance_from_a_potential_step():
    """The noise of a constant voltage says nothing about the sign of the current."""
    protocol = potential_step("2.8 V", "1 h")
    found = fitted(Cell.load("Liang2023"), 150.0, protocol, 25.0, 5.0)
    assert holds(found, 150.0)
    assert set(found.as_dict()["rms_uA"]) == {"data 1"}


def test_a_resistance_from_a_formed_cell_whose_set_says_its_formation_by_temperature():
    cell = Cell.load("Song2024")
    found = fitted(cell, 100.0, sscell.cycle(), 30.0, 60.0, states="formed")
    assert holds(found, 100.0)


@pytest.mark.parametrize("state", ["50%", "3.2V"])
def test_a_fit_begins_in_any_state_of_a_run(state):
    cell = Cell.load("Liang2023")
    protocol = sscell.discharge("C/10", duration="2 h")
    found = fitted(cell, 150.0, protocol, 25.0, 60.0, states=state)
    assert holds(found, 150.0)


def test_a_current_of_the_wrong_sign_is_refused_in_a_potential_step_too():
    cell, celsius, run = simulated("Liang2023", "step")
    data = recorded(run, 1, 5.0)
    data["Current [A]"] = -data["Current [A]"]
    with pytest.raises(DataError, match="wrong way round"):
        prepare(cell, data, BOUNDS, temperature=celsius)


# Bounds, failures ---------------------------------------------------------------------


def test_a_bound_is_near_in_errors_not_in_the_range():
    cell, celsius, run = simulated("Pan2023", "half")
    data = recorded(run, 2, 60.0)
    wide = fit(
        cell.replace({CONTACT: 40.0}), data, {CONTACT: (0, 1e6)}, temperature=celsius
    )
    # The set has none: that is the smallest allowed, which no wider bound can change.
    truth = cell.values[CONTACT]
    assert abs(wide.values[CONTACT] - truth) < 4 * wide.std_errors[CONTACT]
    other = cell.replace({CONTACT: 50.0})
    run = sscell.simulate(other, sscell.charge(), temperature=celsius, resolution=COARSE)
    far = fit(other, recorded(run, 2, 60.0), {CONTACT: (0, 1e6)}, temperature=celsius)
    assert far.as_dict()["parameters"][0]["at_bound"] is None
    assert not any("bound" in r for r in far.remarks)
    tight = fit(other, recorded(run, 2, 60.0), {CONTACT: (60, 1e3)}, temperature=celsius)
    assert tight.as_dict()["parameters"][0]["at_bound"] == "lower"
    assert any("lower bound" in r for r in tight.remarks)


@pytest.mark.parametrize("wrong", [math.nan, 1e5])
def test_an_impossible_voltage_is_a_failed_trial_that_is_tried_again(wrong, monkeypatch):
    from sscell.fitting.tracks import Track

    cell, celsius, run = simulated("Pan2023", "half")
    problem, _ = prepare(cell, recorded(run, 1, 60.0), BOUNDS, temperature=celsius)
    whole = Track.advance

    def spoilt(self, state, duration, inputs, times, directions):
        path = whole(self, state, duration, inputs, times, directions)
        if not directions.size or self.engine.resolution.rtol < problem.resolution.rtol:
            return path
        return replace(path, values=np.full_like(path.values, wrong))

    u = problem.start()
    residuals, slopes = problem(u)
    monkeypatch.setattr(Track, "advance", spoilt)
    again = replace(problem, _found={}, failures=0, retries=0)
    other, others = again(u)
    np.testing.assert_allclose(other, residuals, atol=0.2)
    np.testing.assert_allclose(others, slopes, rtol=0.05, atol=0.05 * np.abs(slopes).max())
    assert (again.failures, again.retries) == (1, 1)


def test_derivatives_come_without_sensitivities_where_those_fail_throughout(monkeypatch):
    from sscell.fitting.tracks import Track

    cell, celsius, run = simulated("Pan2023", "half")
    problem, _ = prepare(cell, recorded(run, 1, 60.0), BOUNDS, temperature=celsius)
    u = problem.start()
    _, slopes = problem(u)
    whole = Track.advance

    def spoilt(self, state, duration, inputs, times, directions):
        path = whole(self, state, duration, inputs, times, directions)
        if not directions.size:
            return path
        return replace(path, values=np.full_like(path.values, 1e5))

    monkeypatch.setattr(Track, "advance", spoilt)
    again = replace(problem, _found={}, failures=0, retries=0)
    _, others = again(u)
    np.testing.assert_allclose(others, slopes, rtol=0.05, atol=0.05 * np.abs(slopes).max())
    assert again.failures == 1


# Figures ------------------------------------------------------------------------------


def test_a_dollar_in_a_name_begins_no_formula_in_a_figure():
    from sscell.plots.fits import plot_correlation
    from sscell.plots.style import svg_of

    assert "<svg" in svg_of(plot_correlation(["a$_$", "b"], np.eye(2)))
