"""Derivatives along the steps of a solution."""

from dataclasses import fields

import numpy as np
import pytest

import sscell
from sscell.cells.cell import Cell
from sscell.fitting import tracks
from sscell.fitting.courses import course
from sscell.fitting.forward import Forward
from sscell.fitting.tracks import Track
from sscell.simulation.engine import Engine, Resolution
from sscell.solver.variations import _differences, _Known
from sscell.solver.watch import SolverFailure

COARSE = Resolution(10)
NAMES = ["Anode-side layer conductivity [S.m-1]", "Positive particle diffusivity [m2.s-1]"]


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_a_formula_differentiates_polynomials_of_its_order_exactly(order):
    t = np.cumsum(np.geomspace(0.1, 3.0, 9))
    weights = _differences(t, order)
    for power in range(order + 1):
        values = np.stack([t[order - k : t.size - k] ** power for k in range(order + 1)], 1)
        slopes = power * t[order:] ** max(power - 1, 0)
        np.testing.assert_allclose(np.sum(weights * values, axis=1), slopes, atol=1e-9)


def test_derivatives_by_what_moves_several_inputs_are_their_sum():
    cell = sscell.load("Liang2023")
    run = sscell.simulate(cell, sscell.cycle("C/5"), resolution=COARSE)
    points = course(run, cell.window, points=40)
    forward = Forward(cell, NAMES, COARSE)
    alone = forward.trace(cell, points)
    scales = np.array([cell.values[name] for name in forward.names])
    together = forward.along(scales[:, None]).trace(cell, points)
    np.testing.assert_allclose(
        together.slopes[:, 0], alone.slopes @ scales, atol=1e-6 * np.abs(scales).max()
    )
    assert np.abs(together.slopes).max() > 1e-3
    np.testing.assert_allclose(
        together.charge_slopes[:, 0], alone.charge_slopes @ scales, rtol=1e-6, atol=1e-9
    )


def test_a_parameter_that_moves_nothing_has_no_slopes():
    cell = sscell.load("Liang2023")
    run = sscell.simulate(cell, sscell.discharge("C/5"), resolution=COARSE)
    points = course(run, cell.window, points=20)
    name = "Positive electrode exchange-current density activation energy [J.mol-1]"
    assert not np.any(Forward(cell, [name], COARSE).trace(cell, points).slopes)


def test_a_step_that_fails_is_solved_again_by_itself_at_tighter_tolerances(monkeypatch):
    cell, tried = Cell.load("Liang2023"), []
    track = Track(cell, Resolution(shells=5), "current")
    inputs = track.engine.inputs(cell, 1e-5)
    step = Engine.step

    def fragile(built, *arguments):
        tried.append(built.resolution.rtol / track.engine.resolution.rtol)
        if len(tried) % 3:
            raise SolverFailure("too many convergence failures")
        return step(built, *arguments)

    given = None, 600.0, inputs, np.array([300.0]), np.zeros((len(inputs), 0))
    expected = track.advance(*given)
    monkeypatch.setattr(Engine, "step", fragile)
    found = track.advance(*given)
    assert np.allclose(tried, [1, 0.1, 0.01])
    assert track.failures == ["too many convergence failures"]  # a fit counts them
    assert found.values[-1] == pytest.approx(expected.values[-1], abs=1e-4)
    tried.clear()  # that it fails three times is an error
    monkeypatch.setattr(tracks, "TIGHTER", (0.1,))
    with pytest.raises(SolverFailure, match="too many"):
        track.advance(*given)


def test_all_steps_or_every_second_give_the_same_table():
    """What was evaluated at every second time is put between what is new."""
    rng = np.random.default_rng(0)
    whole = _Known(*(rng.normal(size=(7, 3)) for _ in range(6)))
    own = np.array([1, 0, 1, 0, 1, 0, 1], dtype=bool)
    parts = [
        _Known(*(getattr(whole, f.name)[m] for f in fields(whole))) for m in (own, ~own)
    ]
    both = parts[0].between(parts[1], own)
    assert all(
        np.array_equal(getattr(both, f.name), getattr(whole, f.name)) for f in fields(whole)
    )
