"""What we rely on in PyBaMM, and what PyBaMM's users may rely on in us."""

from __future__ import annotations

import importlib.metadata
import inspect
import math
import sys
from pathlib import Path

import numpy as np
import pybamm
import pytest

import sscell
from sscell.cells.cell_model import ATOL, RTOL, CellModel
from sscell.cells.library import available
from sscell.cells.model import SolidStateCell
from sscell.simulation import engine
from sscell.simulation.engine import Resolution

FAMILIES = sorted({path.stem for path in available().values()})
PHYSICS = Path(sscell.__file__).parent / "physics"


def _entry_points(group):
    found = importlib.metadata.entry_points(group=group)
    return {e.name: e for e in found if e.value.startswith("sscell.")}


def test_entry_points_are_the_families_of_parameter_sets():
    assert sorted(_entry_points("pybamm_parameter_sets")) == FAMILIES


@pytest.mark.parametrize("family", FAMILIES)
def test_family_loads_through_pybamm(family):
    values = pybamm.ParameterValues(family)
    own = sscell.load(family).values
    assert {name: values[name] for name in own} == own


@pytest.mark.parametrize("family", FAMILIES)
def test_model_loads_and_discharges_through_pybamm(family):
    """Five minutes of the first step at the slow rate in plain PyBaMM pass I t."""
    model = pybamm.Model("SolidStateCell", family)
    assert isinstance(model, SolidStateCell)
    values = pybamm.ParameterValues(family)
    cell = sscell.load(family)
    sign = 1 if cell.first_step == "discharge" else -1
    values["Current function [A]"] = sign * cell.current(cell.slow_rate)
    solution = pybamm.Simulation(model, parameter_values=values).solve([0, 300])
    passed = solution["Discharge capacity [A.h]"].entries[-1]
    assert passed == pytest.approx(values["Current function [A]"] / 12)


@pytest.mark.parametrize("celsius", [25, 90])
def test_experiment_gives_the_capacities_of_simulate(ji_steps, celsius):
    cycle = pybamm.Experiment(
        [("Discharge at C/20 until 0.7 V", "Charge at C/20 until 2.8 V")]
    )
    run = sscell.simulate("Ji2024", cycle, temperature=celsius)
    for through_pybamm, own in zip(
        sscell.summary(run)["steps"], ji_steps(celsius), strict=True
    ):
        assert through_pybamm["direction"] == own["direction"]
        assert through_pybamm["capacity_mAh_g"] == pytest.approx(
            own["capacity_mAh_g"], rel=1e-3
        )


def test_experiment_and_impedance_find_what_they_ask_for():
    model = SolidStateCell("Ji2024")
    assert isinstance(model.param.Q, pybamm.Symbol)
    assert isinstance(model.param.A_cc, pybamm.Symbol)
    assert model.summary_variables == []
    for name in (
        "Voltage [V]",
        "Battery voltage [V]",
        "Current [A]",
        "Current variable [A]",
    ):
        assert name in model.variables


def _submodel_classes():
    found = []
    for path in sorted(PHYSICS.rglob("[!_]*.py")):
        parts = path.relative_to(PHYSICS).with_suffix("").parts
        module = importlib.import_module(".".join(("sscell", "physics", *parts)))
        found += [
            c
            for _, c in inspect.getmembers(module, inspect.isclass)
            if issubclass(c, pybamm.BaseSubModel) and c.__module__ == module.__name__
        ]
    return found


def test_every_submodel_is_one_level_deep_and_final():
    """Direct subclasses of BaseSubModel, none of which has a subclass of ours."""
    classes = _submodel_classes()
    assert len(classes) >= 5
    for c in classes:
        assert c.__bases__ == (pybamm.BaseSubModel,)
        assert not [s for s in c.__subclasses__() if s.__module__.startswith("sscell")]


def test_model_is_composed_of_those_submodels(ji):
    known = set(_submodel_classes())
    model = SolidStateCell(ji)
    assert model.submodels
    assert {type(s) for s in model.submodels.values()} <= known
    assert SolidStateCell.__bases__ == (CellModel,)
    assert CellModel.__bases__ == (pybamm.BaseModel,)


def test_solver_is_idaklu_with_tolerances_of_our_own():
    chosen = SolidStateCell("Ji2024").default_solver
    assert isinstance(chosen, pybamm.IDAKLUSolver)
    assert (chosen.rtol, chosen.atol) == (RTOL, ATOL)


def test_nothing_numeric_rebuilds_the_model(ji, monkeypatch):
    """One structure, one engine: temperature, rate, window and parameters are inputs."""
    monkeypatch.setattr(engine, "_ENGINES", {})
    for celsius, rate, changes in (
        (25, "C/20", {}),
        (61, "C/19", {"R3 rate constant [s-1]": 1e-4}),
        (90, "50uA", {"Separator thickness [m]": "1 mm", "Upper voltage cut-off [V]": 2.7}),
        (60, "25mA/g", {"Positive particle radius [m]": "600 nm"}),
    ):
        protocol = sscell.discharge(rate, until=1.9)
        sscell.simulate(ji, protocol, temperature=celsius, changes=changes)
    assert len(engine._ENGINES) == 1
    sscell.simulate(
        ji, sscell.discharge("C/20", until=1.9), resolution=Resolution(shells=20)
    )
    assert len(engine._ENGINES) == 2


# Those that cannot: they describe the cell but are in no equation of this model.
_DESCRIPTIVE = {
    "Positive electrode electrolyte mass fraction",
    "Positive electrode carbon mass fraction",
    "Positive electrode electrolyte density [kg.m-3]",
    "Positive electrode carbon density [kg.m-3]",
    "Positive electrode porosity",
    "Negative electrode mass [kg]",
    "Negative electrode specific capacity [A.h.kg-1]",
    "Negative electrode density [kg.m-3]",
    "Separator density [kg.m-3]",
}


def _other(quantity, value):
    """Another value of a quantity, well inside its bounds and a tenth away."""
    step = 0.1 * abs(value) if value else 0.05
    if value == 0 and math.isfinite(quantity.upper):
        step = min(0.05, 0.05 * (quantity.upper - quantity.lower))
    if "[J.mol-1.K-1]" in quantity.name:
        step = 5.0
    if value == 0 and quantity.name.endswith("[V]"):
        step = 0.05
    raised = value + step
    # A lower mass fraction keeps the sum of all below one.
    down = raised > quantity.upper or "mass fraction" in quantity.name
    return value - step if down else raised


def test_every_input_changes_the_result(ji):
    """Each parameter of the set, a tenth away, moves the voltage of a cycle, its phases,
    its swelling or its times: none is read and then forgotten. Capacities [F] are felt
    where double layers are charged, an activation energy where its resistance is not zero.
    """
    resistances = ("Separator grain-boundary", "Positive electrode interphase")
    ji = ji.replace({f"{name} resistance [Ohm.m2]": 1e-3 for name in resistances})
    protocol = sscell.cycle("C/20")
    names = ["Time [s]", "Voltage [V]", "Positive electrode thickness change [m]"]
    names += ["Negative electrode thickness change [m]"]
    names += [f"{p} fraction" for p in ji.host.phases]

    def result(cell, resolution):
        run = sscell.simulate(cell, protocol, temperature=50, resolution=resolution)
        step = run["Step"].values
        ends = [np.flatnonzero(step == n)[-1] for n in (1, 2)]
        halfway = np.interp(5e4, run["Time [s]"], run["Voltage [V]"])
        return np.array([run[n].values[e] for n in names for e in ends] + [halfway])

    bases, unfelt = {}, []
    for quantity in ji.quantities:
        name = quantity.name
        if name in _DESCRIPTIVE or name.startswith("Initial") or "Ambient" in name:
            continue  # the run sets the temperature itself
        if name.endswith("onset potential [V]"):
            continue  # neutral here: far below where the electrolyte reacts
        resolution = Resolution(shells=6, double_layer=quantity.unit == "F.m-2")
        if resolution not in bases:
            bases[resolution] = result(ji, resolution)
        base = bases[resolution]
        moved = result(ji.replace({name: _other(quantity, ji.values[name])}), resolution)
        if np.max(np.abs(moved - base) / (np.abs(base) + 1e-9)) < 1e-9:
            unfelt.append(name)
    assert unfelt == []


def test_pybamm_is_the_one_the_facts_were_found_with():
    """At least 26.10: the older ones lack what the model asks for."""
    major, minor = (int(x) for x in pybamm.__version__.split(".")[:2])
    assert (major, minor) >= (26, 10)
    assert "pybamm" in sys.modules
