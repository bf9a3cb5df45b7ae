"""A cell whose cathode is a linear diffusion medium, and everything else as good as ideal.

Two species and one reaction that never runs: the guest only moves, with the potential
linear in its content. All laws of diffusion then have closed forms.
"""

from __future__ import annotations

import copy
import tomllib
from typing import Any

import numpy as np

from sscell.cells.cell import Cell
from sscell.cells.library import find
from sscell.cells.parameters import ParameterSet
from sscell.units import FARADAY, GAS_CONSTANT

KELVIN = 333.15
POTENTIAL = 2.0  # V, at rest
_DROPPED = ("R1 ", "R2 ", "R3 ", "R4 ", "R5 ", "S ", "Na2S", "Initial", "Electrolyte ox")
_VALUES = {
    "Ambient temperature [K]": KELVIN,
    "Reference temperature [K]": KELVIN,
    "Lower voltage cut-off [V]": 0.5,
    "Upper voltage cut-off [V]": 3.5,
    "full formation energy [J.mol-1]": -POTENTIAL * FARADAY,
    "Initial empty fraction": 1.0,
    "Inactive host fraction": 0.0,
    "Mobile guest capacity [V-1]": 1.0,
    "Minimum ionic conductivity [S.m-1]": 1e-20,
    "R1 rate constant [s-1]": 0.0,
    "R1 activation energy [J.mol-1]": 0.0,
    "R1 transfer coefficient": 0.5,
    "R1 presence scale": 0.01,
    "R1 reduction ceiling [s-1]": 1.0,
    "R1 reduction ceiling activation energy [J.mol-1]": 0.0,
    "R1 oxidation ceiling [s-1]": 1.0,
    "R1 oxidation ceiling activation energy [J.mol-1]": 0.0,
    "empty ionic conductivity [S.m-1]": 1e-3,
    "empty ionic conductivity activation energy [J.mol-1]": 0.0,
    "full ionic conductivity [S.m-1]": 1e-3,
    "full ionic conductivity activation energy [J.mol-1]": 0.0,
    "Negative electrode OCP [V]": 0.0,
    "Negative electrode mass [kg]": 0.0,
    "Negative electrode exchange-current density [A.m-2]": 1e6,
    "Negative electrode double-layer capacity [F.m-2]": 1e-6,
    "Separator thickness [m]": 1e-7,
    "Separator conductivity [S.m-1]": 1e3,
    "Positive electrode exchange-current density [A.m-2]": 1e6,
    "Positive electrode double-layer capacity [F.m-2]": 1e-6,
    "Positive electrode electrolyte conductivity [S.m-1]": 1e3,
    "Positive electrode electrolyte conductivity activation energy [J.mol-1]": 0.0,
    "Positive electrode conductivity [S.m-1]": 1e8,
}


def medium(**changes: float) -> Cell:
    """The cell, with other values by parameter name."""
    tables: dict[str, Any] = copy.deepcopy(
        tomllib.loads(find("Ji2024")[0].read_text(encoding="utf-8"))
    )
    tables["name"] = "linear medium"
    tables["physics"]["electrolyte_redox"] = False
    tables["network"] = {
        "host": "host",
        "guest": "guest",
        "species": {"empty": {"guest_per_host": 0}, "full": {"guest_per_host": 1}},
        "reactions": [{"name": "R1", "reactant": "empty", "product": "full"}],
    }
    kept = {
        name: entry
        for name, entry in tables["parameters"].items()
        if not name.startswith(_DROPPED)
    }
    for name, value in (_VALUES | changes).items():
        bounds = {"source": "test", "range": [value, value]}
        kept[name] = {"value": value, "kind": "assumed", **bounds}
    tables["parameters"] = kept
    return Cell(ParameterSet.from_table(tables))


def concentration(cell: Cell) -> float:
    """Host in the active material [mol.m-3]."""
    v = cell.values
    density = v["Positive electrode active material density [kg.m-3]"]
    return density / v["Positive electrode active material molar mass [kg.mol-1]"]


def diffusivity(cell: Cell) -> float:
    """D = sigma/(F c C_m) [m2.s-1]."""
    v = cell.values
    storage = FARADAY * concentration(cell) * v["Mobile guest capacity [V-1]"]
    return v["empty ionic conductivity [S.m-1]"] / storage


def surface(cell: Cell) -> float:
    """Particle surface [m2]: 3 m/(rho R)."""
    v = cell.values
    volume = cell.active_mass / v["Positive electrode active material density [kg.m-3]"]
    return 3 * volume / v["Positive particle radius [m]"]


def thermal_voltage(cell: Cell) -> float:
    """R T/F [V]."""
    return GAS_CONSTANT * cell.values["Ambient temperature [K]"] / FARADAY


def conductivities(cell: Cell) -> tuple[float, float]:
    """Effective ionic and electronic conductivity of the layer, sigma eps^b [S.m-1]."""
    v = cell.values
    volumes = {
        part: v[f"Positive electrode {part} mass fraction"]
        / v[f"Positive electrode {part} density [kg.m-3]"]
        for part in ("active material", "electrolyte", "carbon")
    }
    layer = sum(volumes.values()) / (1 - v["Positive electrode porosity"])
    energy = v["Positive electrode electrolyte conductivity activation energy [J.mol-1]"]
    given = v["Positive electrode electrolyte conductivity temperature [K]"]
    colder = 1 / v["Ambient temperature [K]"] - 1 / given
    ion = v["Positive electrode electrolyte conductivity [S.m-1]"]
    ion *= np.exp(-energy / GAS_CONSTANT * colder)
    exponent = "Positive electrode Bruggeman coefficient"
    return (
        ion * (volumes["electrolyte"] / layer) ** v[f"{exponent} (electrolyte)"],
        v["Positive electrode conductivity [S.m-1]"]
        * (volumes["carbon"] / layer) ** v[f"{exponent} (electrode)"],
    )


def porous_electrode(cell: Cell, interface: Any) -> Any:
    r"""Resistance or impedance of a layer on its area [Ohm.m2].

    .. math:: Z = \frac{L}{\sigma_i + \sigma_e}\left(1 + \frac{2 + (\sigma_i/\sigma_e
        + \sigma_e/\sigma_i)\cosh\nu}{\nu\sinh\nu}\right), \quad
        \nu = L\sqrt{\frac{a}{z}\left(\frac{1}{\sigma_i} + \frac{1}{\sigma_e}\right)}

    with `interface` z per particle surface [Ohm.m2].
    Source: Newman and Tobias, J. Electrochem. Soc. 109 (1962) 1183.
    """
    ion, electron = conductivities(cell)
    length = cell.cathode_thickness
    per_volume = surface(cell) / (cell.area * length)
    nu = length * np.sqrt(per_volume / interface * (1 / ion + 1 / electron))
    ratio = ion / electron + electron / ion
    bracket = 1 + (2 + ratio * np.cosh(nu)) / (nu * np.sinh(nu))
    return length / (ion + electron) * bracket
