"""Derivatives along the steps of a solution."""

import numpy as np
import pytest

import sscell
from sscell.fitting.courses import course
from sscell.fitting.forward import Forward
from sscell.simulation.engine import Resolution
from sscell.solver.variations import _differences

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
