"""Symmetric cells: closed forms of their parts, and what they refuse."""

from __future__ import annotations

import numpy as np
import pybamm
import pytest

import sscell
from sscell.cells.cell import Cell
from sscell.cells.model import SolidStateCell, model_of
from sscell.cells.parameters import ParameterSet
from sscell.cells.symmetric_parts import SymmetricParts, symmetric_tables
from sscell.cells.writing import write_set
from sscell.dataset import metadata
from sscell.errors import ParameterError
from sscell.units import FARADAY, GAS_CONSTANT

AREA = np.pi / 4 * 0.01**2


def _cell(electrode, electrolyte="Li6PS5Cl", **changes):
    parts = SymmetricParts("sym", electrode, (f"{electrolyte}:600um",), diameter="10mm")
    return Cell(ParameterSet.from_table(symmetric_tables(parts))).replace(changes)


def _spectrum(cell, frequencies, temperature=25.0):
    run = sscell.simulate(
        cell, sscell.protocols.impedance(frequencies), temperature=temperature
    )
    z = run["Z real [Ohm]"].values[0] + 1j * run["Z imaginary [Ohm]"].values[0]
    return z * AREA


@pytest.mark.parametrize(
    ("electrode", "electrolyte"),
    [("Li", "Li6PS5Cl"), ("Na", "Na3PS4"), ("Li-In:60mg", "Li3InCl6")],
)
@pytest.mark.parametrize("celsius", [0.0, 25.0, 60.0])
def test_spectrum_is_that_of_resistance_and_two_like_arcs(electrode, electrolyte, celsius):
    r"""Z = L/sigma + R_gb/(1 + i w R_gb C_gb) + 2 [R_film + R_ct/(1 + i w R_ct C)]."""
    cell = _cell(
        electrode,
        electrolyte,
        **{
            "Negative electrode interphase resistance [Ohm.m2]": 1e-3,
            "Separator grain-boundary resistance [Ohm.m2]": 4e-3,
            "Separator grain-boundary capacity [F.m-2]": 1e-2,
        },
    )
    v, f = cell.values, np.logspace(5, -2, 8)
    kelvin = celsius + 273.15
    hotter = (1 / 298.15 - 1 / kelvin) / GAS_CONSTANT
    i0 = "Negative electrode exchange-current density"
    now = v[f"{i0} [A.m-2]"] * np.exp(v[f"{i0} activation energy [J.mol-1]"] * hotter)
    sigma = v["Separator conductivity [S.m-1]"] * np.exp(
        v["Separator conductivity activation energy [J.mol-1]"]
        * (1 / v["Separator conductivity temperature [K]"] - 1 / kelvin)
        / GAS_CONSTANT
    )
    w, transfer = 2j * np.pi * f, GAS_CONSTANT * kelvin / FARADAY / now
    arc = transfer / (
        1 + w * transfer * v["Negative electrode double-layer capacity [F.m-2]"]
    )
    grains = 4e-3 / (1 + w * 4e-3 * 1e-2)
    expected = 600e-6 / sigma + grains + 2 * (1e-3 + arc)
    np.testing.assert_allclose(_spectrum(cell, f, celsius), expected, rtol=2e-4)


def test_blocking_electrodes_are_a_resistance_and_two_capacities():
    cell, f = _cell("steel"), np.logspace(6, -1, 8)
    conducts = cell.values["Separator conductivity [S.m-1]"]
    expected = 600e-6 / conducts + 2 / (2j * np.pi * f * 0.1)
    np.testing.assert_allclose(_spectrum(cell, f), expected, rtol=1e-6)


def test_small_currents_see_the_sum_of_all_resistances_and_plate_the_positive():
    cell = _cell("Li:50um")
    model = model_of(cell)
    values = cell.parameter_values()
    values["Current function [A]"] = 0.01 * AREA  # 1 uA/cm2
    solution = pybamm.Simulation(model, parameter_values=values).solve([0, 3600])
    transfer = GAS_CONSTANT * 298.15 / FARADAY / 10.0
    total = 600e-6 / cell.values["Separator conductivity [S.m-1]"] + 2 * transfer
    np.testing.assert_allclose(solution["Voltage [V]"].entries, -0.01 * total, rtol=1e-3)
    taken = solution["Positive electrode inventory"].entries
    assert taken[-1] > taken[0]
    parts = sum(solution[name].entries for name in model.budget)
    np.testing.assert_allclose(parts, solution["Voltage [V]"].entries, atol=1e-12)


def test_a_written_symmetric_cell_is_read_again(tmp_path):
    cell = _cell("Li-In")
    other = Cell.load(write_set(cell.parameters, tmp_path / "sym.toml"))
    assert other.is_symmetric and other.values == cell.values
    assert other.replace({"Separator thickness [m]": 1e-3}).is_symmetric


def test_rates_that_mean_nothing_are_refused():
    cell = _cell("Li")
    for rate in ("C/20", "25mA/g"):
        with pytest.raises(ParameterError, match="symmetric"):
            cell.current(rate)
    assert cell.current("0.1mA/cm2") == pytest.approx(AREA)


@pytest.mark.parametrize(
    ("electrode", "words"),
    [
        ("Lii", "Li"),
        ("steel:5mg", "no ions"),
        ("Li6PS5Cl", "no anode"),
        ("NMC811", "no anode"),
    ],
)
def test_electrodes_that_are_none_are_a_sentence(electrode, words):
    with pytest.raises(ParameterError, match=words):
        _cell(electrode)


def test_a_composite_model_of_a_symmetric_cell_is_refused():
    with pytest.raises(ParameterError, match="symmetric"):
        SolidStateCell(_cell("Li"))
    with pytest.raises(ParameterError, match="has no 'contact'"):
        _cell("Li").with_physics({"contact": True})


def test_a_result_says_that_there_is_no_mass():
    run = sscell.simulate(_cell("Li"), sscell.protocols.impedance([1e3, 1.0]))
    assert metadata(run, "capacity_basis") == "electrode area"
    assert metadata(run, "capacity_basis_mass_g") is None
