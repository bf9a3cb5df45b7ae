"""Shared runs and small cells: each run is computed once per session."""

from __future__ import annotations

import copy
import os
import tempfile
import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

os.environ.setdefault("PYBAMM_DISABLE_TELEMETRY", "true")
os.environ.setdefault("SSCELL_CACHE", str(Path(tempfile.gettempdir()) / "sscell-tests"))
os.environ.setdefault("SSCELL_COMPILE", "off")
os.environ.setdefault("SSCELL_WORKERS", "1")  # tests run beside each other themselves

import numpy as np
import pybamm
import pytest
import xarray as xr

import sscell
from sscell.cells.cell import Cell
from sscell.cells.cell_model import solver
from sscell.cells.library import find
from sscell.cells.model import SolidStateCell
from sscell.cells.parameters import ParameterSet
from sscell.simulation.engine import Resolution

SULFUR_G = 0.7e-3  # g, 35 % of 2 mg


class Probe:
    """A discretised model whose variables can be evaluated at any state and input.

    Each shell is one sample: with n shells, local quantities are evaluated for n states.
    """

    def __init__(self, cell: Cell, shells: int):
        model = SolidStateCell(cell, shells=shells)
        names = dict.fromkeys(cell.parameter_dict(), "[input]")
        simulation = pybamm.Simulation(
            model, parameter_values=pybamm.ParameterValues(names)
        )
        simulation.build()
        self.shells = shells
        self.values = cell.parameter_dict()
        self.model = simulation.built_model
        self.slices = {v.name: s[0] for v, s in self.model.y_slices.items()}

    def state(self, states: Mapping[str, Any]) -> np.ndarray:
        """State vector, shape (states, 1), zero where nothing is given."""
        y = np.zeros((self.model.len_rhs_and_alg, 1))
        for name, values in states.items():
            y[self.slices[name], 0] = values
        return y

    def evaluate(self, name: str, states: Mapping[str, Any], **changes: Any) -> np.ndarray:
        """Variable of the model, flat; `changes` carries inputs under ``inputs``."""
        inputs = self.values | dict(changes.get("inputs", {}))
        variable = self.model.get_processed_variable(name)
        return np.ravel(variable.evaluate(0.0, self.state(states), inputs=inputs))


@pytest.fixture(scope="session")
def table() -> Callable[[], dict[str, Any]]:
    """Fresh copy of the tables of Ji2024."""
    original = tomllib.loads(find("Ji2024")[0].read_text(encoding="utf-8"))
    return lambda: copy.deepcopy(original)


def assumed(value: float) -> dict[str, Any]:
    return {"value": value, "kind": "assumed", "source": "test", "range": [value, value]}


@pytest.fixture(scope="session")
def plain_tables(table: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    """Tables of Ji2024 whose catholyte does not react: all current goes into sulfur."""

    def build() -> dict[str, Any]:
        tables = table()
        tables["name"] = "plain"
        tables["physics"].pop("electrolyte_redox")
        old = tables["parameters"]
        tables["parameters"] = {
            n: e for n, e in old.items() if not n.startswith("Electrolyte oxidation")
        }
        return tables

    return build


@pytest.fixture(scope="session")
def one_step(plain_tables: Callable[[], dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Tables of a cell whose cathode has two phases and one fast reaction."""

    def build(
        host: str,
        guest: str,
        empty: str,
        full: str,
        guest_per_host: float,
        molar_mass: float,
        potential: float,
        **changes: float,
    ) -> dict[str, Any]:
        tables = plain_tables()
        tables["name"] = "one step"
        tables["network"] = {
            "host": host,
            "guest": guest,
            "species": {
                empty: {"guest_per_host": 0},
                full: {"guest_per_host": guest_per_host},
            },
            "reactions": [{"name": "R1", "reactant": empty, "product": full}],
        }
        own = ("R2 ", "R3 ", "R4 ", "R5 ", "S ", "Na2S", "Initial")
        old = tables["parameters"]
        kept = {n: e for n, e in old.items() if not n.startswith(own)}
        numbers = {
            f"{full} formation energy [J.mol-1]": -potential * guest_per_host * 96485.33212,
            f"Initial {empty} fraction": 1.0,
            "Inactive host fraction": 0.0,
            "Mobile guest capacity [V-1]": 1e-3,
            "Positive electrode active material molar mass [kg.mol-1]": molar_mass,
            "R1 rate constant [s-1]": 1e-3,
            "R1 activation energy [J.mol-1]": 0.0,
            "R1 transfer coefficient": 0.5,
            "R1 dead zone [V]": 0.005,
            "R1 presence scale": 1e-3,
            "Dead zone smoothing [V]": 1e-4,
            "R1 reduction ceiling [s-1]": 1e-2,
            "R1 oxidation ceiling [s-1]": 1e-2,
        }
        for phase in (empty, full):
            numbers[f"{phase} ionic conductivity [S.m-1]"] = 1e-4
            numbers[f"{phase} ionic conductivity activation energy [J.mol-1]"] = 0.0
        kept |= {name: assumed(value) for name, value in (numbers | changes).items()}
        tables["parameters"] = kept
        return tables

    return build


@pytest.fixture(scope="session")
def make_cell() -> Callable[[Mapping[str, Any]], Cell]:
    """Cell from the tables of a TOML file."""
    return lambda tables: Cell(ParameterSet.from_table(tables))


@pytest.fixture(scope="session")
def ji() -> Cell:
    """The published Na-S cell."""
    return sscell.load("Ji2024")


@pytest.fixture(scope="session")
def plain(
    make_cell: Callable[..., Cell], plain_tables: Callable[[], dict[str, Any]]
) -> Cell:
    """The Na-S cell with a catholyte that does not react: its model is explicit."""
    return make_cell(plain_tables())


@pytest.fixture(scope="session")
def ji_run() -> Callable[..., xr.Dataset]:
    """Cycle of the Na-S cell, each combination computed once."""

    @cache
    def run(
        temperature: float, rate: str = "C/20", cycles: int = 1, **options: Any
    ) -> xr.Dataset:
        return sscell.simulate(
            "Ji2024",
            sscell.cycle(rate, cycles=cycles),
            temperature=temperature,
            resolution=Resolution(**options),
        )

    return run


@pytest.fixture(scope="session")
def ji_steps(ji_run: Callable[..., xr.Dataset]) -> Callable[..., list[dict[str, Any]]]:
    """Steps of the summary of such a cycle."""

    @cache
    def steps(*args: Any, **options: Any) -> list[dict[str, Any]]:
        return list(sscell.summary(ji_run(*args, **options))["steps"])

    return steps


@pytest.fixture(scope="session")
def probe(ji: Cell) -> Probe:
    """The Na-S model with 40 shells, to be evaluated anywhere."""
    return Probe(ji, 40)


@pytest.fixture(scope="session")
def make_probe() -> Callable[[Cell, int], Probe]:
    """Model of any cell, to be evaluated anywhere."""
    return Probe


@pytest.fixture(scope="session")
def profiles(ji: Cell) -> Callable[..., list[pybamm.Solution]]:
    """Solutions of PyBaMM itself, step by step, with the profiles in the particle."""

    @cache
    def solve(temperature: float, rate: str = "C/20") -> list[pybamm.Solution]:
        cell = ji.replace({"Ambient temperature [K]": temperature + 273.15})
        steps = [
            f"Discharge at {rate} until 0.7 V",
            "Rest for 12 hours",
            f"Charge at {rate} until 2.8 V",
            "Rest for 48 hours",
        ]
        simulation = pybamm.Simulation(
            SolidStateCell(cell),
            experiment=pybamm.Experiment(steps),
            parameter_values=pybamm.ParameterValues(cell.parameter_dict()),
            # The division of the current is solved to a tolerance: tests look behind it.
            solver=solver(rtol=1e-7, atol=1e-10),
        )
        return [part.steps[0] for part in simulation.solve().cycles]

    return solve
