"""A person's own cell from its parts: materials, masses and a diameter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sscell.cells.materials import Material, load_material
from sscell.cells.part_anodes import metal_electrode, particle_electrode
from sscell.cells.part_layers import PORES, POROSITY, separator_layers
from sscell.cells.provenance import (
    WEIGHED,
    Entries,
    area_of,
    assumed,
    derived,
    from_card,
    percent,
    positive,
    split,
    stated,
)
from sscell.errors import ParameterError
from sscell.physics.cathodes.network import Network
from sscell.units import FARADAY, GAS_CONSTANT, parse_pressure, parse_quantity

__all__ = ["Parts", "tables_of"]

_NEARLY = 0.8  # filling of an anode of particles that its cell's window is told at
_TENTH = 0.1  # wt%: how far the parts of a cathode may be from 100


@dataclass(frozen=True)
class Parts:
    """What a person weighed, measured and chose.

    Parameters
    ----------
    name : str
        Of the new cell.
    cathode, catholyte : str
        Material and weight per cent of the composite, such as ``"NMC811:70"``.
    carbon : str, optional
        Weight per cent of carbon black, or of another conductor: ``"VGCF:3"``.
    separator : sequence of str
        Material with mass or thickness, from the anode on: ``"Li6PS5Cl:100mg"``.
    anode : str
        ``"Li"``, ``"Li-In:60mg"``, ``"In:100um+Li:20um"`` or ``"graphite:20mg"``.
    cathode_mass, active_mass : str, optional
        One of the two: the composite as weighed, or its active part.
    diameter, area : str, optional
        One of the two.
    cathode_thickness, separator_thickness : str, optional
        As measured; else from masses.
    li_per_in : float, optional
        Of the alloy.
    one_c : str, optional
        Current at 1C, such as ``"200mA/g"``.
    d50 : str, optional
        Median diameter of the active particles.
    sigma_ion, sigma_electron : str, optional
        Measured effective conductivities of the composite.
    coating : str, optional
        ``"LiNbO3:10nm"``.
    pressure, pressing_pressure : str, optional
        In operation; the other is kept as a record.
    electrolyte_redox : bool, optional
        Whether a sulfide in a sulfur composite takes part itself.

    Examples
    --------
    >>> Parts("mine", "NMC811:70", "Li6PS5Cl:27", carbon="3", cathode_mass="12mg",
    ...       separator=("Li6PS5Cl:100mg",), anode="Li-In:60mg", diameter="10mm").li_per_in
    """

    name: str
    cathode: str
    catholyte: str
    separator: Sequence[str]
    anode: str
    carbon: str = "0"
    cathode_mass: str | None = None
    active_mass: str | None = None
    diameter: str | None = None
    area: str | None = None
    cathode_thickness: str | None = None
    separator_thickness: str | None = None
    li_per_in: float | None = None
    one_c: str | None = None
    d50: str | None = None
    sigma_ion: str | None = None
    sigma_electron: str | None = None
    coating: str | None = None
    pressure: str | None = None
    pressing_pressure: str | None = None
    electrolyte_redox: bool = True


def tables_of(parts: Parts) -> dict[str, Any]:
    """Tables of a parameter set for a cell made of parts.

    Parameters
    ----------
    parts : Parts
        What was weighed and measured.

    Returns
    -------
    dict
        As a TOML file holds them; every value with kind and source.

    Raises
    ------
    ParameterError
        If a material is unknown, fractions do not add up, or a measure is missing.

    Examples
    --------
    >>> tables = tables_of(Parts("mine", "NMC811:70", "Li6PS5Cl:27", ("Li6PS5Cl:100mg",),
    ...     "Li-In:60mg", carbon="3", cathode_mass="12mg", diameter="10mm"))
    >>> tables["physics"]["cathode"]
    'insertion'
    """
    return _Assembly(parts).tables()


class _Assembly:
    """Parts on their way into tables."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.active, self.weights = self._composition()
        self.columns = self.active.potential()
        self.area, self.area_entry = area_of(parts.diameter, parts.area)
        self.mass = self._mass()
        self.metal = "Li" if self._host.guest == "lithium" else "Na"
        self.values: Entries = {}

    # What was given ------------------------------------------------------------------

    def _composition(self) -> tuple[Material, dict[str, tuple[Material | None, float]]]:
        parts = self.parts
        name, amount = split(parts.cathode, "--cathode")
        active = load_material(name, "active")
        weights: dict[str, tuple[Material | None, float]] = {
            "active material": (active, percent(amount, "--cathode"))
        }
        name, amount = split(parts.catholyte, "--catholyte")
        weights["electrolyte"] = (
            load_material(name, "electrolyte"),
            percent(amount, "--catholyte"),
        )
        carbon = parts.carbon if ":" in parts.carbon else f"carbon-black:{parts.carbon}"
        name, amount = split(carbon, "--carbon")
        share = percent(amount, "--carbon")
        weights["carbon"] = (load_material(name, "conductor"), share)
        total = sum(share for _, share in weights.values())
        if abs(total - 100) > _TENTH:
            told = " + ".join(f"{share:g}" for _, share in weights.values())
            raise ParameterError(
                f"The parts of the cathode add up to {told} = {total:g} wt%, not to 100."
            )
        return active, {k: (m, share / total) for k, (m, share) in weights.items()}

    @property
    def _host(self) -> Any:
        host = self.active.card.host
        if host is None:
            raise ParameterError(f"The material '{self.active.name}' has no host.")
        return host

    def _mass(self) -> dict[str, Any]:
        parts = self.parts
        if (parts.cathode_mass is None) == (parts.active_mass is None):
            raise ParameterError("Give --cathode-mass or --active-mass, one of the two.")
        if parts.cathode_mass is not None:
            return stated(positive(parts.cathode_mass, "kg", "cathode mass"))
        active = positive(str(parts.active_mass), "kg", "active mass")
        share = self.weights["active material"][1]
        formula = f"{parts.active_mass} of active material / {share:.6g}"
        return derived(active / share, formula, WEIGHED)

    # Tables --------------------------------------------------------------------------

    def tables(self) -> dict[str, Any]:
        """All tables of the set."""
        self._general()
        self._cathode()
        physics: dict[str, Any] = {
            "anode": "plateau",
            "separator": self._separator(),
            "cathode": "conversion" if self._converts else "insertion",
        }
        tables: dict[str, Any] = {}
        physics["anode"], anode = self._anode()
        if anode:
            tables["anode"] = anode
        self._window(self._anode_potential(anode))
        if self._redox():
            physics["electrolyte_redox"] = True
        if self._loses:
            physics["side_reaction"] = True
        if self.parts.pressure is not None:
            physics["contact"] = True
            self.values["Applied stack pressure [Pa]"] = stated(
                parse_pressure(self.parts.pressure)
            )
        return {
            "schema": 1,
            "name": self.parts.name,
            "title": self._title(),
            "notes": self._notes(),
            "physics": physics,
            "network": self._network(),
            **tables,
            "bases": {
                "capacity": {"name": self.active.name, "mass": "active material"},
                "energy": {"name": "total cathode layer", "mass": "cathode"},
                "voltage_reference": self._reference(),
                "working_metal": self.metal,
            },
            "rates": {
                "one_C": self._one_c(),
                "slow": "C/20",
                "first_step": "charge" if self._host.as_made == "filled" else "discharge",
            },
            "protocols": {
                "formation": {
                    "cycles": 1,
                    "rate": "C/20",
                    "source": "assumed: one slow cycle",
                }
            },
            "parameters": self.values,
        }

    def _title(self) -> str:
        layers = " | ".join(split(s, "--separator")[0] for s in self.parts.separator)
        catholyte = split(self.parts.catholyte, "--catholyte")[0]
        anode = split(self.parts.anode, "--anode")[0]
        return f"{anode} | {layers} | {self.active.name} with {catholyte}"

    def _notes(self) -> str:
        pressed = self.parts.pressing_pressure
        if pressed is None:
            return ""
        return f"Pressed at {parse_pressure(pressed) / 1e6:g} MPa."

    def _reference(self) -> str:
        name = split(self.parts.anode, "--anode")[0]
        return f"{name}/{self.metal}+"

    def _one_c(self) -> dict[str, Any]:
        name = "Nominal capacity [mA.h.g-1]"
        if self.parts.one_c is not None:
            value = parse_quantity(self.parts.one_c, "A/kg", "--one-c")
            return {"value": value, "unit": "mA/g", "kind": "stated", "source": WEIGHED}
        card = self.active[name]
        return {
            "value": card.value,
            "unit": "mA/g",
            "kind": card.kind,
            "source": f"{self.active.name}: {card.source}",
        }

    def _general(self) -> None:
        v = self.values
        v["Ambient temperature [K]"] = assumed(
            298.15, 273.15, 333.15, "room temperature where no other is asked for"
        )
        v["Reference temperature [K]"] = assumed(
            298.15, 293.15, 303.15, "where the cards give their values"
        )
        v["Electrode area [m2]"] = self.area_entry
        v["Positive electrode mass [kg]"] = self.mass
        for part, (material, share) in self.weights.items():
            v[f"Positive electrode {part} mass fraction"] = stated(share)
            if material is not None:
                v[f"Positive electrode {part} density [kg.m-3]"] = from_card(
                    material, "Density [kg.m-3]"
                )
        v["Positive electrode porosity"] = self._porosity()

    def _porosity(self) -> dict[str, Any]:
        given = self.parts.cathode_thickness
        if given is None:
            return assumed(POROSITY, *PORES, "pressed composite; give --cathode-thickness")
        thickness = positive(given, "m", "cathode thickness")
        solid = self._solid_volume()
        pores = 1 - solid / (thickness * self.area)
        if not 0 <= pores < 0.9:
            raise ParameterError(
                f"A cathode of {given} does not hold its {solid * 1e9:.3g} mm3 of solids: "
                f"without pores it is {solid / self.area * 1e6:.3g} um thick."
            )
        return derived(pores, f"1 - volume of the solids / (area x {given})", WEIGHED)

    def _solid_volume(self) -> float:
        """Solids of the cathode layer [m3]."""
        return sum(
            self.mass["value"] * share / material.number("Density [kg.m-3]")
            for material, share in self.weights.values()
            if material is not None
        )

    def _volume_fraction(self, part: str) -> float:
        material, share = self.weights[part]
        pores = self.values["Positive electrode porosity"]["value"]
        if material is None:
            return 0.0
        volume = self.mass["value"] * share / material.number("Density [kg.m-3]")
        return volume / self._solid_volume() * (1 - pores)

    def _cathode(self) -> None:
        v, active = self.values, self.active
        electrode, particle = "Positive electrode", "Positive particle"
        v[f"{electrode} active material molar mass [kg.mol-1]"] = from_card(
            active, "Molar mass [kg.mol-1]"
        )
        v[f"{particle} radius [m]"] = self._radius()
        if not self._converts:
            for kind in ("[m2.s-1]", "activation energy [J.mol-1]"):
                v[f"{particle} diffusivity {kind}"] = from_card(
                    active, f"Diffusivity {kind}"
                )
        for kind in ("[A.m-2]", "activation energy [J.mol-1]"):
            v[f"{electrode} exchange-current density {kind}"] = from_card(
                active, f"Exchange-current density {kind}"
            )
        if "Guest molar volume [m3.mol-1]" in active.values:
            v["Guest molar volume [m3.mol-1]"] = from_card(
                active, "Guest molar volume [m3.mol-1]"
            )
        self._conduction()
        self._film()
        self._start()
        self._loss()

    def _radius(self) -> dict[str, Any]:
        given = self.parts.d50
        if given is None:
            return from_card(self.active, "Particle radius [m]")
        return derived(positive(given, "m", "d50") / 2, f"{given} / 2", WEIGHED)

    def _conduction(self) -> None:
        v, electrode = self.values, "Positive electrode"
        electrolyte = self.weights["electrolyte"][0]
        assert electrolyte is not None
        power = {"electrolyte": (2.0, 1.5, 3.0), "electrode": (2.0, 1.5, 3.0)}
        for phase, (value, low, high) in power.items():
            v[f"{electrode} Bruggeman coefficient ({phase})"] = assumed(
                value, low, high, "pressed composite", matters=phase == "electrolyte"
            )
        ion = f"{electrode} electrolyte conductivity"
        v[f"{ion} [S.m-1]"] = from_card(electrolyte, "Conductivity [S.m-1]")
        v[f"{ion} temperature [K]"] = from_card(electrolyte, "Conductivity temperature [K]")
        v[f"{ion} activation energy [J.mol-1]"] = from_card(
            electrolyte, "Conductivity activation energy [J.mol-1]"
        )
        carbon, share = self.weights["carbon"]
        assert carbon is not None
        v[f"{electrode} conductivity [S.m-1]"] = from_card(carbon, "Conductivity [S.m-1]")
        own = f"{electrode} active material conductivity [S.m-1]"
        if "Conductivity [S.m-1]" in self.active.values:
            v[own] = from_card(self.active, "Conductivity [S.m-1]")
        self._measured(ion, own, share)

    def _measured(self, ion: str, own: str, carbon: float) -> None:
        """Conductivities of the phases that give the measured ones of the composite."""
        v, electrode = self.values, "Positive electrode"
        if self.parts.sigma_ion is not None:
            value = positive(self.parts.sigma_ion, "S/m", "--sigma-ion")
            share = self._volume_fraction("electrolyte")
            power = v[f"{electrode} Bruggeman coefficient (electrolyte)"]["value"]
            formula = f"{self.parts.sigma_ion} / {share:.4g}^{power:g}"
            v[f"{ion} [S.m-1]"] = derived(value / share**power, formula, WEIGHED)
        if self.parts.sigma_electron is not None:
            value = positive(self.parts.sigma_electron, "S/m", "--sigma-electron")
            part, name = "active material", own
            if carbon > 0:
                part, name = "carbon", f"{electrode} conductivity [S.m-1]"
                v.pop(own, None)
            share = self._volume_fraction(part)
            power = v[f"{electrode} Bruggeman coefficient (electrode)"]["value"]
            formula = f"{self.parts.sigma_electron} / {share:.4g}^{power:g}"
            v[name] = derived(value / share**power, formula, WEIGHED)

    def _film(self) -> None:
        if self.parts.coating is None:
            return
        name, measure = split(self.parts.coating, "--coating")
        coating = load_material(name, "coating")
        thickness = positive(str(measure), "m", "thickness of the coating")
        sigma = coating.number("Conductivity [S.m-1]")
        self.values["Positive electrode interphase resistance [Ohm.m2]"] = derived(
            thickness / sigma,
            f"{measure} / {sigma:g} S/m",
            f"{coating.name}: {coating['Conductivity [S.m-1]'].source}",
        )

    def _start(self) -> None:
        if self._converts:
            return
        filled = self._host.as_made == "filled"
        where = f"{self.active.name} as made is {self._host.as_made}"
        columns = self.columns
        if columns is not None:
            x = columns["filling"][-1 if filled else 0]
            if "charge" in columns:
                self.values["Positive particle hysteresis rate constant"] = assumed(
                    200.0,
                    20.0,
                    500.0,
                    "a branch is reached within a hundredth of the filling",
                )
                self.values["Initial positive particle hysteresis state"] = assumed(
                    -1.0 if filled else 1.0, -1.0, 1.0, where
                )
            self.values["Initial positive electrode filling"] = assumed(
                x, min(columns["filling"]), max(columns["filling"]), where
            )
        else:
            edge = "Lower" if filled else "Upper"
            card = self.active[f"{edge} voltage cut-off [V]"]
            self.values["Initial positive electrode potential [V]"] = assumed(
                card.value, *(card.range or (card.value, card.value)), where
            )

    @property
    def _converts(self) -> bool:
        """Whether the active material is a network of phases."""
        ocv = self.active.card.ocv
        return ocv is not None and ocv.network is not None

    def _redox(self) -> bool:
        """Whether the catholyte reacts itself: a sulfide beside sulfur, unless told not to."""
        electrolyte = self.weights["electrolyte"][0]
        if electrolyte is None or not (self._converts and self.parts.electrolyte_redox):
            return False
        names = [n for n in electrolyte.values if n.startswith("Electrolyte oxidation ")]
        for name in names:
            self.values[name] = from_card(electrolyte, name)
        return bool(names)

    @property
    def _loses(self) -> bool:
        """Whether the card says what charges pass and discharges do not return."""
        return "Loss current [A.kg-1]" in self.active.values

    def _loss(self) -> None:
        if not self._loses:
            return
        density = self.active.number("Density [kg.m-3]")
        radius = self.values["Positive particle radius [m]"]["value"]
        # Current per mass over particle surface per mass, 3/(density x radius).
        per_surface = density * radius / 3
        card = self.active["Loss current [A.kg-1]"]
        width = self.active.number("Loss width [V]")
        if "Loss growth" in self.active.values:
            self.values["Side reaction growth"] = from_card(self.active, "Loss growth")
        thermal = GAS_CONSTANT * 298.15 / FARADAY
        source = f"{self.active.name}: {card.source}"
        self.values["Side reaction exchange-current density [A.m-2]"] = derived(
            card.value * per_surface,
            f"{card.value:.4g} A/kg x density x radius / 3",
            source,
        )
        self.values["Side reaction potential [V]"] = from_card(
            self.active, "Loss potential [V]"
        )
        self.values["Side reaction transfer coefficient"] = derived(
            thermal / width, f"RT/F over {width:.4g} V", source
        )

    def _network(self) -> dict[str, Any]:
        host, ocv = self._host, self.active.card.ocv
        table: dict[str, Any] = {"host": host.host, "guest": host.guest}
        if ocv is not None and ocv.network is not None:
            table |= ocv.network
            for quantity in Network.from_table(table).quantities():
                if quantity.name in self.active.values:
                    self.values[quantity.name] = from_card(self.active, quantity.name)
            return table
        table["guest_per_host"] = host.guest_per_host
        columns = self.columns
        if columns is not None:
            return {**table, "ocv": "table", "table": columns}
        if ocv is not None and ocv.sites:
            for name in ocv.sites:
                for kind in ("potential [V]", "fraction", "width coefficient"):
                    if f"{name} {kind}" in self.active.values:
                        self.values[f"{name} {kind}"] = from_card(
                            self.active, f"{name} {kind}"
                        )
            return {**table, "sites": list(ocv.sites)}
        raise ParameterError(f"The material '{self.active.name}' has no potential.")

    # Layers of the stack -----------------------------------------------------------

    def _anode(self) -> tuple[str, dict[str, Any]]:
        text, empty = self.parts.anode, self._host.as_made == "filled"
        name, measure = split(text, "--anode")
        material = None if "+" in text else load_material(name, "anode")
        if material is None or material.kind != "active":
            self.values |= metal_electrode(text, self.area, self.parts.li_per_in)
            return "plateau", {}
        if material.card.host is not None and material.card.host.guest != self._host.guest:
            raise ParameterError(
                f"{material.name} takes {material.card.host.guest}, {self.active.name} "
                f"{self._host.guest}."
            )
        first = load_material(split(self.parts.separator[0], "--separator")[0])
        table, values = particle_electrode(material, measure, self.area, first, empty)
        self.values |= values
        return "insertion", table

    def _separator(self) -> list[str]:
        given, told = self.parts.separator, self.parts.separator_thickness
        names, values = separator_layers(given, self.area, told)
        self.values |= values
        return names

    def _anode_potential(self, anode: dict[str, Any]) -> float:
        """Potential against the metal: of the plateau, or of particles that are nearly full."""
        if not anode:
            return float(self.values["Negative electrode OCP [V]"]["value"])
        columns = anode["table"]
        branch = columns.get("potential", columns.get("discharge"))
        return round(float(np.interp(_NEARLY, columns["filling"], branch)), 2)

    def _window(self, shift: float) -> None:
        """Cut-offs against this anode, from the card's against the metal."""
        why = f"less {shift:g} V of the anode" if shift else "against the anode"
        for edge in ("Lower", "Upper"):
            name = f"{edge} voltage cut-off [V]"
            card = self.active[name]
            low, high = card.range or (card.value, card.value)
            self.values[name] = assumed(
                card.value - shift,
                low - shift,
                high - shift,
                f"{self.active.name}: {card.source}, {why}",
            )
