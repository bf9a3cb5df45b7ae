"""The curves belong to the equations, not to the mesh or the integrator."""

from __future__ import annotations

import numpy as np
import pybamm
import pytest
from scipy.signal import find_peaks

import sscell
from sscell.cells.model import SolidStateCell
from sscell.units import FARADAY

CELSIUS = (25, 60, 90)


def _peaks(step):
    return np.array([p["voltage_V"] for p in step["dqdv_peaks"]])


@pytest.mark.parametrize("celsius", CELSIUS)
def test_doubling_the_shells_changes_no_capacity_by_one_percent(ji_steps, celsius):
    for coarse, fine in zip(ji_steps(celsius), ji_steps(celsius, shells=100), strict=True):
        assert fine["capacity_mAh_g"] == pytest.approx(coarse["capacity_mAh_g"], rel=0.01)


@pytest.mark.parametrize("celsius", CELSIUS)
def test_doubling_the_shells_moves_no_peak_by_ten_millivolts(ji_steps, celsius):
    for coarse, fine in zip(ji_steps(celsius), ji_steps(celsius, shells=100), strict=True):
        assert _peaks(fine) == pytest.approx(_peaks(coarse), abs=0.010)


def _bends(run, step):
    """Local extrema of V(q) that stand out by more than 2 mV."""
    voltage = run["Voltage [V]"].values[run["Step"].values == step]
    return sum(find_peaks(sign * voltage, prominence=2e-3)[0].size for sign in (1, -1))


@pytest.mark.parametrize("celsius", CELSIUS)
def test_no_ripple_of_the_shells(ji_run, celsius):
    """A ripple would have one bend per shell: their number neither grows with the shells
    nor is it more than the dips at the start of a plateau, one per reaction at most.
    """
    for step in (1, 2):
        coarse = _bends(ji_run(celsius), step)
        assert _bends(ji_run(celsius, shells=100), step) == coarse
        assert coarse <= 4


@pytest.mark.parametrize("celsius", CELSIUS)
def test_ten_times_tighter_tolerance_changes_results_by_less_than_a_permille(
    ji_steps, celsius
):
    tight = ji_steps(celsius, rtol=1e-6, atol=1e-8)
    for loose, fine in zip(ji_steps(celsius), tight, strict=True):
        assert loose["capacity_mAh_g"] == pytest.approx(fine["capacity_mAh_g"], rel=1e-3)
        assert loose["mean_voltage_V"] == pytest.approx(fine["mean_voltage_V"], rel=1e-3)
        assert _peaks(loose) == pytest.approx(_peaks(fine), abs=1e-3)


def test_error_falls_with_the_tolerance(ji_run):
    """Capacity at 60 degC against rtol 1e-9: each factor 100 gains at least a factor 3."""

    def capacity(rtol):
        run = ji_run(60, rtol=rtol, atol=rtol / 100)
        return sscell.summary(run)["steps"][1]["capacity_mAh_g"]

    reference = capacity(1e-9)
    errors = [abs(capacity(rtol) - reference) / reference for rtol in (1e-3, 1e-5, 1e-7)]
    assert errors[1] < errors[0] / 3
    assert errors[2] < max(errors[1] / 3, 1e-8)
    assert errors[1] < 1e-4


def _inert(one_step, make_cell):
    """A cathode in which nothing reacts: sodium only moves in it."""
    return make_cell(
        one_step(
            *("sulfur", "lithium", "S", "Li2S", 2.0, 0.03206, 2.15),
            **{
                "R1 rate constant [s-1]": 0.0,
                "S ionic conductivity [S.m-1]": 1e-6,
                "Minimum ionic conductivity [S.m-1]": 1e-18,
                "Mobile guest capacity [V-1]": 0.05,
                "Transport gain": 0.0,
                "Transport fade": 0.0,
            },
        )
    )


def test_diffusion_converges_to_its_closed_solution_with_second_order(one_step, make_cell):
    """Sphere of unit radius, constant inflow N per host, no reaction: once the profile has
    its final shape, phi(surface) = phi_0 - 3 N t/Cm - N/(5 M), with
    M = sigma/(R^2 F c) and 3 N = I/(F n).
    """
    cell = _inert(one_step, make_cell)
    v = cell.values
    moles = cell.active_mass / v["Positive electrode active material molar mass [kg.mol-1]"]
    density = v["Positive electrode active material density [kg.m-3]"]
    c = density / v["Positive electrode active material molar mass [kg.mol-1]"]
    mobility = 1e-6 / (v["Positive particle radius [m]"] ** 2 * FARADAY * c)
    current, seconds = 20e-6, 1500.0
    inflow = current / FARADAY / moles / 3
    assert seconds > 3 * v["Mobile guest capacity [V-1]"] / mobility / 20.2
    exact = 2.15 - 3 * inflow * seconds / 0.05 - inflow / (5 * mobility)

    def error(shells):
        simulation = pybamm.Simulation(
            SolidStateCell(cell, shells=shells),
            parameter_values=pybamm.ParameterValues(
                cell.parameter_dict() | {"Current function [A]": current}
            ),
            solver=pybamm.IDAKLUSolver(rtol=1e-9, atol=1e-11),
        )
        solution = simulation.solve([0, seconds])
        return solution["Positive particle surface potential [V]"].entries[-1] - exact

    errors = np.abs([error(n) for n in (5, 10, 20, 40)])
    orders = np.log2(errors[:-1] / errors[1:])
    assert np.all(orders > 1.8)
    assert errors[-1] < 2 / 40**2 * inflow / (5 * mobility)
