"""A person's own cell from its parts: materials, masses and a diameter."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sscell.cells.entries import Parameter
from sscell.cells.materials import Material, load_material
from sscell.errors import ParameterError
from sscell.physics.cathodes.network import Network
from sscell.units import FARADAY, GAS_CONSTANT, parse_pressure, parse_quantity

__all__ = ["Parts", "tables_of"]

POROSITY, _PORES = 0.15, (0.05, 0.25)  # of pressed layers, where nobody measured it
_LI_PER_IN, _ALLOYS = 0.5, (0.3, 0.8)
_WEIGHED = "given by the user"
_TENTH = 0.1  # wt%: how far the parts of a cathode may be from 100
_INDIUM, _LITHIUM = 0.114818, 0.00694  # kg/mol
_DENSITY = {"In": 7310.0, "Li": 534.0}  # kg/m3, CRC Handbook of Chemistry and Physics
_EXCESS = 10.0  # a bare metal holds so many times the cathode's capacity


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


def stated(value: float, source: str = _WEIGHED) -> dict[str, Any]:
    """Entry of a value that the user measured."""
    return {"value": float(f"{value:.9g}"), "kind": "stated", "source": source}


def derived(value: float, formula: str, source: str) -> dict[str, Any]:
    """Entry of a value that follows from others."""
    return {
        "value": float(f"{value:.9g}"),
        "kind": "derived",
        "source": source,
        "formula": formula,
    }


def assumed(
    value: float, low: float, high: float, source: str, matters: bool = False
) -> dict[str, Any]:
    """Entry of a value that nobody measured in this cell."""
    entry = {
        "value": float(f"{value:.9g}"),
        "kind": "assumed",
        "source": source,
        "range": [float(f"{low:.9g}"), float(f"{high:.9g}")],
    }
    return entry | ({"matters": True} if matters else {})


def from_card(material: Material, name: str, factor: float = 1.0) -> dict[str, Any]:
    """Entry of a card's value, with its provenance."""
    value: Parameter = material[name]
    entry = {k: v for k, v in value.as_dict().items() if k not in ("name", "unit")}
    entry["source"] = f"{material.name}: {value.source}"
    if factor != 1.0:
        entry["value"] = float(f"{value.value * factor:.9g}")
        if value.range is not None:
            entry["range"] = sorted(x * factor for x in value.range)
        if value.std_error is not None:
            entry["std_error"] = value.std_error * abs(factor)
    return entry


def split(text: str, what: str) -> tuple[str, str | None]:
    """Material and measure of ``NAME:measure``."""
    name, colon, measure = text.strip().partition(":")
    if not name or (colon and not measure):
        raise ParameterError(f"{what} is written NAME:amount, not '{text}'.")
    return name.strip(), measure.strip() or None


class _Assembly:
    """Parts on their way into tables."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.active, self.weights = self._composition()
        self.columns = self.active.potential()
        self.area, self.area_entry = self._area()
        self.mass = self._mass()
        self.metal = "Li" if self._host.guest == "lithium" else "Na"
        self.values: dict[str, dict[str, Any]] = {}

    # What was given ------------------------------------------------------------------

    def _composition(self) -> tuple[Material, dict[str, tuple[Material | None, float]]]:
        parts = self.parts
        name, amount = split(parts.cathode, "--cathode")
        active = load_material(name, "active")
        weights: dict[str, tuple[Material | None, float]] = {
            "active material": (active, _percent(amount, "--cathode"))
        }
        name, amount = split(parts.catholyte, "--catholyte")
        weights["electrolyte"] = (
            load_material(name, "electrolyte"),
            _percent(amount, "--catholyte"),
        )
        carbon = parts.carbon if ":" in parts.carbon else f"carbon-black:{parts.carbon}"
        name, amount = split(carbon, "--carbon")
        share = _percent(amount, "--carbon")
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

    def _area(self) -> tuple[float, dict[str, Any]]:
        parts = self.parts
        if (parts.diameter is None) == (parts.area is None):
            raise ParameterError("Give --diameter or --area, one of the two.")
        if parts.diameter is not None:
            d = _positive(parts.diameter, "m", "diameter")
            area = math.pi / 4 * d**2
            return area, derived(area, f"pi ({parts.diameter} / 2)^2", _WEIGHED)
        area = _positive(str(parts.area), "m**2", "area")
        return area, stated(area)

    def _mass(self) -> dict[str, Any]:
        parts = self.parts
        if (parts.cathode_mass is None) == (parts.active_mass is None):
            raise ParameterError("Give --cathode-mass or --active-mass, one of the two.")
        if parts.cathode_mass is not None:
            return stated(_positive(parts.cathode_mass, "kg", "cathode mass"))
        active = _positive(str(parts.active_mass), "kg", "active mass")
        share = self.weights["active material"][1]
        formula = f"{parts.active_mass} of active material / {share:.6g}"
        return derived(active / share, formula, _WEIGHED)

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
        self._window(physics["anode"])
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
            return {"value": value, "unit": "mA/g", "kind": "stated", "source": _WEIGHED}
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
            return assumed(POROSITY, *_PORES, "pressed composite; give --cathode-thickness")
        thickness = _positive(given, "m", "cathode thickness")
        solid = self._solid_volume()
        pores = 1 - solid / (thickness * self.area)
        if not 0 <= pores < 0.9:
            raise ParameterError(
                f"A cathode of {given} does not hold its {solid * 1e9:.3g} mm3 of solids: "
                f"without pores it is {solid / self.area * 1e6:.3g} um thick."
            )
        return derived(pores, f"1 - volume of the solids / (area x {given})", _WEIGHED)

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
        return derived(_positive(given, "m", "d50") / 2, f"{given} / 2", _WEIGHED)

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
            value = _positive(self.parts.sigma_ion, "S/m", "--sigma-ion")
            share = self._volume_fraction("electrolyte")
            power = v[f"{electrode} Bruggeman coefficient (electrolyte)"]["value"]
            formula = f"{self.parts.sigma_ion} / {share:.4g}^{power:g}"
            v[f"{ion} [S.m-1]"] = derived(value / share**power, formula, _WEIGHED)
        if self.parts.sigma_electron is not None:
            value = _positive(self.parts.sigma_electron, "S/m", "--sigma-electron")
            part, name = "active material", own
            if carbon > 0:
                part, name = "carbon", f"{electrode} conductivity [S.m-1]"
                v.pop(own, None)
            share = self._volume_fraction(part)
            power = v[f"{electrode} Bruggeman coefficient (electrode)"]["value"]
            formula = f"{self.parts.sigma_electron} / {share:.4g}^{power:g}"
            v[name] = derived(value / share**power, formula, _WEIGHED)

    def _film(self) -> None:
        if self.parts.coating is None:
            return
        name, measure = split(self.parts.coating, "--coating")
        coating = load_material(name, "coating")
        thickness = _positive(str(measure), "m", "thickness of the coating")
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

    def _separator(self) -> list[str]:
        if not self.parts.separator:
            raise ParameterError("Give at least one --separator, such as Li6PS5Cl:100mg.")
        given = [split(text, "--separator") for text in self.parts.separator]
        names = ["Separator"] if len(given) == 1 else [f"{name} layer" for name, _ in given]
        names = [
            name if names.count(name) == 1 else f"{name} {k}"
            for k, name in enumerate(names, start=1)
        ]
        for layer, (name, measure) in zip(names, given, strict=True):
            material = load_material(name, "electrolyte")
            self.values[f"{layer} thickness [m]"] = self._thickness(
                material, measure, layer == names[0]
            )
            for kind in ("[S.m-1]", "temperature [K]", "activation energy [J.mol-1]"):
                self.values[f"{layer} conductivity {kind}"] = from_card(
                    material, f"Conductivity {kind}"
                )
        return names

    def _thickness(
        self, material: Material, measure: str | None, first: bool
    ) -> dict[str, Any]:
        given = self.parts.separator_thickness if first else None
        if given is not None:
            return stated(_positive(given, "m", "separator thickness"))
        if measure is None:
            raise ParameterError(
                f"The separator {material.name} needs a mass or a thickness, such as "
                f"{material.name}:100mg or {material.name}:600um."
            )
        if _is_length(measure):
            return stated(_positive(measure, "m", "separator thickness"))
        mass = _positive(measure, "kg", "separator mass")
        density = material.number("Density [kg.m-3]")
        dense = mass / density / self.area
        low, high = (dense / (1 - pores) for pores in _PORES)
        return assumed(
            dense / (1 - POROSITY),
            low,
            high,
            f"{measure} of {material.name} ({density:g} kg/m3) with a porosity of "
            f"{POROSITY:g} ({_PORES[0]:g} to {_PORES[1]:g}); give --separator-thickness",
        )

    # Anode ---------------------------------------------------------------------------

    def _anode(self) -> tuple[str, dict[str, Any]]:
        text = self.parts.anode
        if "+" in text:
            return self._foils(text)
        name, measure = split(text, "--anode")
        material = load_material(name, "anode")
        if material.kind == "active":
            return self._particles(material, measure)
        self._plateau(material)
        if measure is None:
            if material.name not in ("Li", "Na"):
                raise ParameterError(
                    f"How much {material.name} the anode holds is needed, such as "
                    f"{material.name}:60mg."
                )
            return "plateau", {}
        if material.name == "Li-In":
            self._alloy(_positive(measure, "kg", "anode mass"), measure)
            return "plateau", {}
        mass = self._metal_mass(material, measure)
        self.values["Negative electrode mass [kg]"] = mass
        self.values["Negative electrode specific capacity [A.h.kg-1]"] = from_card(
            material, "Specific capacity [A.h.kg-1]"
        )
        return "plateau", {}

    def _metal_mass(self, material: Material, measure: str) -> dict[str, Any]:
        if not _is_length(measure):
            return stated(_positive(measure, "kg", "anode mass"))
        thickness = _positive(measure, "m", "thickness of the anode")
        density = material.number("Density [kg.m-3]")
        return derived(
            thickness * self.area * density,
            f"{measure} x area x {density:g} kg/m3",
            _WEIGHED,
        )

    def _plateau(self, material: Material) -> None:
        electrode = "Negative electrode"
        self.values[f"{electrode} OCP [V]"] = from_card(material, "OCP [V]")
        for kind in ("[A.m-2]", "activation energy [J.mol-1]"):
            self.values[f"{electrode} exchange-current density {kind}"] = from_card(
                material, f"Exchange-current density {kind}"
            )
        if "Molar volume [m3.mol-1]" in material.values:
            self.values[f"{electrode} molar volume [m3.mol-1]"] = from_card(
                material, "Molar volume [m3.mol-1]"
            )

    def _alloy(self, mass: float, measure: str) -> None:
        """Li-In between In and LiIn: the alloy as weighed."""
        ratio = self.parts.li_per_in
        share = ratio if ratio is not None else _LI_PER_IN
        if not 0 < share <= 1:
            raise ParameterError(
                f"--li-per-in {share:g} is off the plateau; allowed: above 0 to 1."
            )
        indium = mass / (1 + share * _LITHIUM / _INDIUM)
        self._inventory(
            indium, share, f"indium of {measure} of alloy with Li:In = {share:g}", ratio
        )

    def _inventory(
        self, indium: float, share: float, formula: str, known: float | None
    ) -> None:
        electrode = "Negative electrode"
        self.values[f"{electrode} mass [kg]"] = derived(indium, formula, _WEIGHED)
        self.values[f"{electrode} specific capacity [A.h.kg-1]"] = derived(
            FARADAY / 3600 / _INDIUM,
            "F/(3600 s/h x 114.818 g/mol)",
            "indium up to Li:In = 1",
        )
        filling = "Initial negative electrode filling"
        if known is None:
            self.values[filling] = assumed(
                share, *_ALLOYS, "Li:In of the alloy; give --li-per-in", matters=True
            )
        else:
            self.values[filling] = stated(share)

    def _foils(self, text: str) -> tuple[str, dict[str, Any]]:
        given = dict(split(part, "--anode") for part in text.split("+"))
        if set(given) != {"In", "Li"} or None in given.values():
            raise ParameterError(
                f"Foils are written In:100um+Li:20um (or masses), not '{text}'."
            )
        moles = {}
        for metal, molar in (("In", _INDIUM), ("Li", _LITHIUM)):
            measure = str(given[metal])
            if _is_length(measure):
                mass = (
                    _positive(measure, "m", f"{metal} foil") * self.area * _DENSITY[metal]
                )
            else:
                mass = _positive(measure, "kg", f"{metal} foil")
            moles[metal] = mass / molar
        share = moles["Li"] / moles["In"]
        if share > 1:
            raise ParameterError(
                f"The foils give Li:In = {share:.3g}; beyond 1 the alloy leaves its plateau."
            )
        self._plateau(load_material("Li-In"))
        self._inventory(
            moles["In"] * _INDIUM, share, f"foils {text} on the area of the cell", share
        )
        return "plateau", {}

    def _particles(
        self, material: Material, measure: str | None
    ) -> tuple[str, dict[str, Any]]:
        """Anode of particles, with its own potential."""
        if measure is None:
            raise ParameterError(
                f"How much {material.name} the anode holds is needed, such as "
                f"{material.name}:20mg."
            )
        host, columns = material.card.host, material.potential()
        if host is None or columns is None:
            raise ParameterError(
                f"The material '{material.name}' has no table as an anode."
            )
        if host.guest != self._host.guest:
            raise ParameterError(
                f"{material.name} takes {host.guest}, {self.active.name} {self._host.guest}."
            )
        v, electrode, particle = self.values, "Negative electrode", "Negative particle"
        mass = _positive(measure, "kg", "anode mass")
        v[f"{electrode} mass [kg]"] = stated(mass)
        density = from_card(material, "Density [kg.m-3]")
        v[f"{electrode} active material density [kg.m-3]"] = density
        v[f"{electrode} active material molar mass [kg.mol-1]"] = from_card(
            material, "Molar mass [kg.mol-1]"
        )
        dense = mass / density["value"] / self.area
        # The active mass is weighed; a solid electrolyte of about its volume goes with it.
        v[f"{electrode} thickness [m]"] = assumed(
            2 * dense, dense, 3 * dense, f"{measure} with as much electrolyte by volume"
        )
        v[f"{particle} radius [m]"] = from_card(material, "Particle radius [m]")
        for kind in ("[m2.s-1]", "activation energy [J.mol-1]"):
            v[f"{particle} diffusivity {kind}"] = from_card(material, f"Diffusivity {kind}")
        for kind in ("[A.m-2]", "activation energy [J.mol-1]"):
            v[f"{electrode} exchange-current density {kind}"] = from_card(
                material, f"Exchange-current density {kind}"
            )
        first = load_material(split(self.parts.separator[0], "--separator")[0])
        sigma = first.number("Conductivity [S.m-1]")
        v[f"{electrode} effective ionic conductivity [S.m-1]"] = assumed(
            sigma / 4, sigma / 10, sigma / 2, f"half of the layer is {first.name}"
        )
        v[f"{electrode} effective ionic conductivity activation energy [J.mol-1]"] = (
            from_card(first, "Conductivity activation energy [J.mol-1]")
        )
        x = columns["filling"]
        empty = self._host.as_made == "filled"
        v["Initial negative electrode filling"] = assumed(
            x[0] if empty else x[-1],
            x[0],
            x[-1],
            "as made" if empty else "lithiated before",
        )
        return "insertion", {"guest_per_host": host.guest_per_host, "table": columns}

    def _window(self, anode: str) -> None:
        """Cut-offs against this anode, from the card's against the metal."""
        for edge in ("Lower", "Upper"):
            name = f"{edge} voltage cut-off [V]"
            card = self.active[name]
            low, high = card.range or (card.value, card.value)
            if anode == "plateau":
                shift = self.values["Negative electrode OCP [V]"]["value"]
                why = f"less {shift:g} V of the anode" if shift else "against the anode"
            else:
                shift = 0.1 if edge == "Upper" else 0.0
                why = "of a full cell, the anode near its own plateau"
            self.values[name] = assumed(
                card.value - shift,
                low - shift,
                high - shift,
                f"{self.active.name}: {card.source}, {why}",
            )


def _percent(amount: str | None, flag: str) -> float:
    text = (amount or "").removesuffix("%").strip()
    try:
        value = float(text)
    except ValueError:
        raise ParameterError(
            f"{flag} takes weight per cent, such as NAME:70, not '{amount}'."
        ) from None
    if not 0 <= value <= 100:
        raise ParameterError(f"{flag} takes 0 to 100 wt%, not {value:g}.")
    return value


def _positive(text: str, unit: str, what: str) -> float:
    value = parse_quantity(text, unit, what)
    if value <= 0:
        raise ParameterError(f"The {what} must be positive, not {text}.")
    return value


def _is_length(measure: str) -> bool:
    return bool(re.search(r"[\d.\s](?:nm|um|µm|μm|mm|cm|m)$", measure.strip()))
