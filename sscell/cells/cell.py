"""A cell: a parameter set with the physics that it names."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from sscell.cells.entries import Kind
from sscell.cells.library import families, read_toml
from sscell.cells.parameters import GENERAL, Parameter, ParameterSet
from sscell.errors import ParameterError, did_you_mean
from sscell.physics.cathodes.host import Host
from sscell.physics.composition import Composition
from sscell.physics.options import Physics
from sscell.physics.quantity import Quantity
from sscell.tables import read_table
from sscell.units import (
    FARADAY,
    ZERO_CELSIUS,
    Rate,
    parse_parameter,
    parse_quantity,
    parse_rate,
)

__all__ = ["Cell", "load"]

# What a cell computes from its physics alone, and hands on to copies with other values.
_OF_PHYSICS = ("composition", "quantities", "_known")


_SCARCE = 1.1  # N/P below which the anode may end a half cycle


@dataclass(frozen=True, eq=False)
class Cell:
    """A parameter set, complete and checked, and the physics composed from it.

    Parameters
    ----------
    parameters : ParameterSet
        Completed with neutral defaults; every value within its bounds.

    Raises
    ------
    ParameterError
        If the set names unknown physics, or a value is missing, unknown or out of bounds.

    Examples
    --------
    >>> Cell.load("Ji2024").one_c_current > 0
    True
    """

    parameters: ParameterSet

    is_symmetric = False

    def __new__(cls, parameters: ParameterSet | None = None) -> Cell:
        """Make a symmetric cell where the set says so; copies name no set."""
        if parameters is not None and parameters.data["physics"].get("symmetric"):
            from sscell.cells.symmetric import SymmetricCell

            return object.__new__(SymmetricCell)
        return object.__new__(cls)

    def __post_init__(self) -> None:
        self._settle(self.parameters.complete(self.quantities))

    def _settle(self, parameters: ParameterSet) -> None:
        """Take a complete set with values within bounds, and check how they go together."""
        object.__setattr__(self, "parameters", self._derive(parameters))
        low, high = self.window
        if low >= high:
            raise ParameterError(
                f"'Lower voltage cut-off [V]' is {low:g}, not below the upper one, {high:g}."
            )
        self._check_fractions()
        self.composition.check(self.values)

    def _with(self, parameters: ParameterSet) -> Cell:
        """Copy with another set of the same names and physics, checked value by value."""
        other = object.__new__(type(self))
        own = self.__dict__
        other.__dict__.update({k: own[k] for k in _OF_PHYSICS if k in own})
        other._settle(parameters)
        return other

    def _derive(self, complete: ParameterSet) -> ParameterSet:
        """Set with what its host derives from others, such as from a composition."""
        derived = self.composition.derived(complete.values)
        if not derived:
            return complete
        entries = dict(complete.parameters)
        for name, value in derived.items():
            entries[name] = replace(entries[name], value=value)
        return replace(complete, parameters=entries)

    @classmethod
    def load(cls, name: str | Path) -> Cell:
        """Read a cell by name or from a TOML file.

        Parameters
        ----------
        name : str or pathlib.Path
            ``"Ji2024"`` or ``"mycell.toml"``.

        Returns
        -------
        Cell

        Raises
        ------
        ParameterError
            If there is no such cell, or its values do not hold.
        """
        return cls(ParameterSet.load(name))

    @property
    def name(self) -> str:
        """Name of the set, with its variant."""
        return self.parameters.name

    @property
    def data(self) -> Mapping[str, Any]:
        """Tables of the set other than the parameters."""
        return self.parameters.data

    @property
    def values(self) -> dict[str, float]:
        """Numbers by name, in the units of the names."""
        return self.parameters.values

    @cached_property
    def composition(self) -> Composition:
        """The physics that the set names."""
        return Composition(
            self.data["physics"], self.data.get("network", {}), self.data.get("anode", {})
        )

    @property
    def host(self) -> Host:
        """What the cathode's table describes, such as a reaction network."""
        return self.composition.host

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the separator layers, from the anode on."""
        return self.composition.layers

    @property
    def has_redox(self) -> bool:
        """Whether the catholyte reacts beside the active material."""
        return self.composition.has_redox

    @property
    def has_side_reaction(self) -> bool:
        """Whether charge goes elsewhere at the cathode, without an end."""
        return self.composition.has_side_reaction

    @property
    def has_degradation(self) -> bool:
        """Whether host, interphase and contact wear out."""
        return self.composition.has_degradation

    @property
    def conduction(self) -> str:
        """How the cathode conducts: ``"composite"``, or ``"mixed"`` by its own material."""
        return self.composition.conduction

    @property
    def has_contact(self) -> bool:
        """Whether the stack pressure and the strain decide how much of the cathode touches."""
        return self.composition.has_contact

    @property
    def size_classes(self) -> int:
        """Classes of particles of equal volume and different size; 0: all alike."""
        return self.composition.size_classes

    @property
    def structure(self) -> tuple[Any, ...]:
        """What a built model depends on: everything else is an input of it."""
        return self.composition.structure

    def submodels(
        self, distributed: bool = False, double_layer: bool = False
    ) -> dict[str, Any]:
        """New submodels of this cell's parts, by PyBaMM's names for them.

        Parameters
        ----------
        distributed : bool, optional
            Whether the cathode is resolved over its thickness.
        double_layer : bool, optional
            Whether double layers and grain boundaries are charged.

        Returns
        -------
        dict of str to pybamm.BaseSubModel
        """
        return self.composition.submodels(distributed, double_layer)

    @cached_property
    def quantities(self) -> tuple[Quantity, ...]:
        """Everything that a set may say about this physics."""
        return (*GENERAL, *self.composition.quantities)

    @cached_property
    def _known(self) -> dict[str, Quantity]:
        return {q.name: q for q in self.quantities}

    def quantity(self, name: str) -> Quantity:
        """Quantity of that exact name.

        Parameters
        ----------
        name : str
            With its unit, as in the set.

        Returns
        -------
        Quantity

        Raises
        ------
        ParameterError
            If this cell has none; names the nearest.
        """
        if name not in self._known:
            hint = did_you_mean(name, self._known)
            raise ParameterError(f"{self.name} has no parameter '{name}'. {hint}")
        return self._known[name]

    def replace(
        self,
        changes: Mapping[str, float | str],
        source: str = "set by the user",
        kind: Kind = "assumed",
    ) -> Cell:
        """Copy of the cell with other values.

        Parameters
        ----------
        changes : mapping of str to float or str
            Parameter names to numbers in the unit of the name, or text with a unit.
        source : str, optional
            Why they differ; goes into the set.
        kind : str, optional
            ``"assumed"``, or ``"stated"`` for what was weighed or measured.

        Returns
        -------
        Cell

        Raises
        ------
        ParameterError
            If a name is unknown or a value out of bounds.

        Examples
        --------
        >>> thin = Cell.load("Ji2024").replace({"Separator thickness [m]": "0.2 mm"})
        >>> round(thin.values["Separator thickness [m]"], 6)
        0.0002
        """
        numbers = {}
        for name, value in changes.items():
            quantity = self.quantity(name)
            numbers[name] = quantity.check(parse_parameter(value, name))
        for name, value in self.composition.derived(self.values | numbers).items():
            if not math.isclose(numbers.get(name, value), value, rel_tol=1e-3):
                raise ParameterError(
                    f"'{name}' of {self.name} follows from the composition: {value:g}, not "
                    f"{numbers[name]:g}."
                )
        return self._with(self.parameters.with_values(numbers, source, kind))

    def with_physics(self, changes: Mapping[str, Any]) -> Cell:
        """Copy of the cell with other physics; new quantities take their neutral defaults.

        Parameters
        ----------
        changes : mapping of str to object
            Entries of `[physics]`, such as ``{"particle_sizes": 5}``.

        Returns
        -------
        Cell

        Raises
        ------
        ParameterError
            If there is no such physics, or it needs values that the set does not have.

        Examples
        --------
        >>> Cell.load("Ji2024").with_physics({"particle_sizes": 5}).size_classes
        5
        """
        physics = {**self.data["physics"], **changes}
        read_table(Physics, physics, self.name)
        data = {**self.data, "physics": physics}
        return Cell(replace(self.parameters, data=data))

    @property
    def feels_pressure(self) -> bool:
        """Whether the stack pressure changes anything."""
        return self.has_contact

    def under(self, pressure: float, told: Iterable[str] = ()) -> Cell:
        """Copy under another stack pressure.

        Parameters
        ----------
        pressure : float
            By the jig on the assembled stack [Pa].
        told : iterable of str, optional
            Names of quantities that are to be set afterwards.

        Returns
        -------
        Cell
            A set without contact stays as it is, unless something is told of it: then it
            has a contact, neutral but for that.
        """
        name = "Applied stack pressure [Pa]"
        if self.has_contact:
            return self.replace({name: pressure})
        known = {q.name for q in self.composition.contact_quantities()}
        if not known & set(told):
            return self
        value = Parameter(
            name, pressure, "assumed", "asked for", range=(pressure, pressure)
        )
        physics = {**self.data["physics"], "contact": True}
        return Cell(
            replace(
                self.parameters,
                data={**self.data, "physics": physics},
                parameters={**self.parameters.parameters, name: value},
            )
        )

    # Masses, areas, capacities -------------------------------------------------------

    @property
    def window(self) -> tuple[float, float]:
        """Lower and upper cut-off [V], against the cell's own anode."""
        v = self.values
        return v["Lower voltage cut-off [V]"], v["Upper voltage cut-off [V]"]

    @property
    def area(self) -> float:
        """Electrode area [m2]."""
        return self.values["Electrode area [m2]"]

    @property
    def active_mass(self) -> float:
        """Mass of active material [kg]."""
        fraction = self.values["Positive electrode active material mass fraction"]
        return self.values["Positive electrode mass [kg]"] * fraction

    def basis(self, which: str) -> tuple[str, float]:
        """Name and mass of what capacities or energies are divided by.

        Parameters
        ----------
        which : str
            ``"capacity"`` or ``"energy"``.

        Returns
        -------
        tuple of str and float
            Mass [kg].
        """
        entry = self.data["bases"][which]
        masses = {
            "active material": self.active_mass,
            "cathode": self.values["Positive electrode mass [kg]"],
        }
        return entry["name"], masses[entry["mass"]]

    def about(self) -> dict[str, Any]:
        """What a result says of the cell: its bases and sizes.

        Returns
        -------
        dict
        """
        capacity, energy = self.basis("capacity"), self.basis("energy")
        return {
            "capacity_basis": capacity[0],
            "capacity_basis_mass_g": capacity[1] * 1e3,
            "energy_basis": energy[0],
            "energy_basis_mass_g": energy[1] * 1e3,
            "cathode_volume_cm3": self.cathode_thickness * self.area * 1e6,
            "working_metal_offset_V": self.values.get("Negative electrode OCP [V]", 0.0),
        }

    @cached_property
    def one_c_current(self) -> float | None:
        """Current at 1C [A], or None where the set declares none."""
        one_c = self.data["rates"].get("one_C")
        if one_c is None:
            return None
        specific = parse_quantity(f"{one_c['value']} {one_c['unit']}", "A/kg", "one_C")
        return specific * self.basis("capacity")[1]

    def kelvin(self, temperature: str | float) -> float:
        """Temperature that this cell accepts, on the absolute scale.

        Parameters
        ----------
        temperature : str or float
            [degC], or text with a unit.

        Returns
        -------
        float
            [K].

        Raises
        ------
        ParameterError
            If it is no temperature, or out of range.

        Examples
        --------
        >>> Cell.load("Ji2024").kelvin(60)
        333.15
        """
        quantity = self.quantity("Ambient temperature [K]")
        kelvin = parse_quantity(temperature, "degC", "Temperature") + ZERO_CELSIUS
        if not quantity.lower <= kelvin <= quantity.upper:
            raise ParameterError(
                f"Temperature {kelvin - ZERO_CELSIUS:g} degC is out of range; allowed: "
                f"{quantity.lower - ZERO_CELSIUS:g} to {quantity.upper - ZERO_CELSIUS:g} degC."
            )
        return kelvin

    def current(self, rate: str | float | Rate) -> float:
        """Magnitude of a current in this cell.

        Parameters
        ----------
        rate : str, float or Rate
            ``"C/20"``, ``"25mA/g"``, ``"0.2mA/cm2"``, ``"50uA"``.

        Returns
        -------
        float
            Current [A], positive.

        Raises
        ------
        ParameterError
            If it is no current, or a C-rate of a cell that declares no 1C.

        Examples
        --------
        >>> cell = Cell.load("Ji2024")
        >>> round(cell.current("C/20") / cell.one_c_current, 6)
        0.05
        """
        rate = parse_rate(rate)
        if rate.kind != "C":
            per = {"A/kg": self.basis("capacity")[1], "A/m2": self.area, "A": 1.0}
            return rate.value * per[rate.kind]
        one_c = self.one_c_current
        if one_c is None:
            raise ParameterError(
                f"{self.name} declares no 1C, so '{rate}' has no meaning; "
                "give a current such as '25mA/g'."
            )
        return rate.value * one_c

    @property
    def slow_rate(self) -> str:
        """The set's own slow rate."""
        return str(self.data["rates"]["slow"])

    @property
    def first_step(self) -> str:
        """What a pristine cell does first: ``"discharge"`` or ``"charge"``."""
        return str(self.data["rates"]["first_step"])

    @property
    def theoretical_capacity(self) -> float:
        """Capacity of all active material between its emptiest and fullest state [A.h]."""
        molar = self.values["Positive electrode active material molar mass [kg.mol-1]"]
        return self.active_mass / molar * self.host.capacity * FARADAY / 3600

    @property
    def anode_excess(self) -> float | None:
        """Capacity of the anode over that of the cathode [-], or None where unknown."""
        v, host = self.values, self.composition.anode_host
        if host is not None:
            return host.capacity(v) / self.theoretical_capacity
        anode = v.get("Negative electrode mass [kg]", 0.0)
        anode *= v.get("Negative electrode specific capacity [A.h.kg-1]", 0.0)
        return anode / self.theoretical_capacity if anode else None

    @property
    def anode_capacity(self) -> float:
        """Capacity of the anode [A.h]; as good as endless where unknown."""
        excess = self.anode_excess
        return (excess or 1e6) * self.theoretical_capacity

    @property
    def nominal_capacity(self) -> float:
        """What 1C passes in an hour, or the theoretical capacity without a 1C [A.h]."""
        return self.one_c_current or self.theoretical_capacity

    @property
    def is_metal_anode(self) -> bool:
        """Whether the anode is the working metal itself, which plates on itself."""
        host = self.composition.anode_host
        return host is None and self.values.get("Negative electrode OCP [V]") == 0

    @property
    def n_p(self) -> float | None:
        """Anode over cathode in the first half cycle [-], or None where unknown or endless.

        Room left in the anode for cells that charge first, guest held by it for those that
        discharge first, over the cathode's nominal capacity. A metal has room without end.
        """
        excess = self.anode_excess
        if excess is None or (self.is_metal_anode and self.first_step == "charge"):
            return None
        filling = self.values["Initial negative electrode filling"]
        share = 1 - filling if self.first_step == "charge" else filling
        return excess * share * self.theoretical_capacity / self.nominal_capacity

    def sizes(self) -> dict[str, float | None]:
        """Sizes of the cell by the names that the command line gives them.

        Returns
        -------
        dict of str to float or None
            Area [cm2], thicknesses [um], loading [mg.cm-2], capacity [mA.h.cm-2], current
            at 1C [mA] and N/P [-].
        """
        cm2 = self.area * 1e4
        layers = sum(self.values[f"{layer} thickness [m]"] for layer in self.layers)
        one_c = self.one_c_current
        return {
            "area_cm2": cm2,
            "cathode_thickness_um": self.cathode_thickness * 1e6,
            "separator_thickness_um": layers * 1e6,
            "active_mg_cm2": self.active_mass * 1e6 / cm2,
            "areal_capacity_mAh_cm2": self.nominal_capacity * 1e3 / cm2,
            "one_c_mA": None if one_c is None else one_c * 1e3,
            "n_p": self.n_p,
        }

    def remarks(self) -> list[str]:
        """What is odd about a cell that holds: said, not refused."""
        n_p = self.n_p
        if n_p is None or n_p >= _SCARCE:
            return []
        what = "takes up" if self.first_step == "charge" else "holds"
        return [
            f"The anode {what} {n_p:.2f} times the cathode's capacity (N/P below {_SCARCE}): "
            "it may end a half cycle."
        ]

    @property
    def cathode_thickness(self) -> float:
        """Thickness of the cathode layer from masses, densities and porosity [m]."""
        v, solid = self.values, 0.0
        for part in ("active material", "electrolyte", "carbon"):
            fraction = v[f"Positive electrode {part} mass fraction"]
            solid += fraction / v[f"Positive electrode {part} density [kg.m-3]"]
        volume = v["Positive electrode mass [kg]"] * solid
        return volume / (1 - v["Positive electrode porosity"]) / self.area

    def _check_fractions(self) -> None:
        parts = ("active material", "electrolyte", "carbon")
        total = sum(self.values[f"Positive electrode {p} mass fraction"] for p in parts)
        if total > 1 + 1e-6:
            raise ParameterError(
                f"{self.name}: the cathode's mass fractions add up to {total:g}, above 1."
            )

    def _repr_html_(self) -> str:
        """Table of the parameters with unit, kind and source, for a notebook."""
        sizes = "; ".join(f"{name} {value:.4g}" for name, value in self.describe().items())
        return self.parameters._repr_html_() + f"<p>{sizes}</p>"

    def describe(self) -> dict[str, float]:
        """Sizes that a person checks first, in laboratory units.

        Returns
        -------
        dict of str to float
            Area, loadings, thicknesses, areal capacity, current at 1C.
        """
        cm2 = self.area * 1e4
        sizes = {
            "Area [cm2]": cm2,
            "Cathode loading [mg.cm-2]": self.values["Positive electrode mass [kg]"]
            * 1e6
            / cm2,
            "Active material loading [mg.cm-2]": self.active_mass * 1e6 / cm2,
            "Cathode thickness [um]": self.cathode_thickness * 1e6,
            "Areal capacity [mA.h.cm-2]": self.theoretical_capacity * 1e3 / cm2,
        }
        for layer in self.layers:
            sizes[f"{layer} thickness [um]"] = self.values[f"{layer} thickness [m]"] * 1e6
        if self.one_c_current is not None:
            sizes["Current at 1C [mA]"] = self.one_c_current * 1e3
        if self.anode_excess is not None:
            sizes["Anode over cathode capacity"] = self.anode_excess
        return sizes

    def parameter_dict(self) -> dict[str, float]:
        """Values for ``pybamm.ParameterValues``, with what PyBaMM itself asks for.

        Returns
        -------
        dict of str to float
        """
        return dict(self._parameter_dict)

    def parameter_values(self) -> Any:
        """Values as PyBaMM takes them, of this very cell: a variant, a changed or a fitted one.

        Returns
        -------
        pybamm.ParameterValues

        Examples
        --------
        >>> values = Cell.load("Chang2024-LPS15").parameter_values()
        >>> values["Electrode area [m2]"] > 0
        True
        """
        import pybamm

        return pybamm.ParameterValues(self.parameter_dict())

    @cached_property
    def _parameter_dict(self) -> dict[str, float]:
        nominal = self.one_c_current or self.theoretical_capacity
        values = self.values
        return {
            # PyBaMM's impedance packs inputs in the order of their mapping: it must be the
            # same for all cells of a structure, however their files are sorted.
            **{quantity.name: values[quantity.name] for quantity in self.quantities},
            "Nominal cell capacity [A.h]": nominal,
            "Current function [A]": nominal,
            "Negative electrode capacity [A.h]": self.anode_capacity,
            "Number of electrodes connected in parallel to make a cell": 1.0,
            "Number of cells connected in series to make a battery": 1.0,
        }


def load(name: str | Path) -> Cell:
    """Read a published cell by name, or a person's own from a TOML file.

    Parameters
    ----------
    name : str or pathlib.Path
        ``"Ji2024"`` or ``"mycell.toml"``.

    Returns
    -------
    Cell

    Raises
    ------
    ParameterError
        If there is no such cell, or its values do not hold.

    Examples
    --------
    >>> load("Ji2024").basis("capacity")[0]
    'sulfur'
    """
    return Cell.load(name)


def __getattr__(name: str) -> Callable[[], dict[str, float]]:
    """Entry points of PyBaMM: every family of parameter sets is a function here."""
    files = families()
    if name not in files:
        raise AttributeError(f"module 'sscell.cells.cell' has no attribute '{name}'")

    def values() -> dict[str, float]:
        return Cell.load(name).parameter_dict()

    title = read_toml(files[name]).get("title", "")
    values.__name__ = name
    values.__doc__ = f"{title}\n\nParameter values for ``pybamm.ParameterValues``."
    return values
