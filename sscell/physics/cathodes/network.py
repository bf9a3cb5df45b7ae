"""Reaction networks of conversion cathodes as data: species, stoichiometry, quantities.

A network holds no numbers but the stoichiometry. One formation energy per species gives
the equilibrium potential of every reaction, so that affinities close around any loop.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import Field

from sscell.errors import ParameterError, did_you_mean
from sscell.physics.cathodes.host import Host
from sscell.physics.quantity import Quantity
from sscell.tables import Table, read_table
from sscell.units import FARADAY, GAS_CONSTANT

__all__ = ["Network", "Reaction", "Species"]

_EA = (0.0, 3e5)
_FAST = 0.1  # a phase is not consumed within less than ten seconds


class _SpeciesRow(Table):
    guest_per_host: float = Field(ge=0)
    isolates: bool = False
    host_per_unit: float | None = Field(default=None, gt=0)


class _ReactionRow(Table):
    name: str
    reactant: str
    product: str


class _NetworkTable(Table):
    host: str
    guest: str
    species: dict[str, _SpeciesRow]
    reactions: list[_ReactionRow]


@dataclass(frozen=True)
class Species:
    """A solid phase of the active material.

    Parameters
    ----------
    name : str
        Formula, such as ``"Na2S4"``.
    guest_per_host : float
        Moles of guest (Na, Li) per mole of host atoms (S, Mo) in the phase [-].
    isolates : bool, optional
        Whether part of it loses contact as it forms.
    host_per_unit : float, optional
        Host atoms in a formula unit, such as 4 of Na2S4, where the units of all phases mix
        ideally [-]; default: a solid of its own, of unit activity.
    """

    name: str
    guest_per_host: float
    isolates: bool = False
    host_per_unit: float | None = None


@dataclass(frozen=True)
class Reaction:
    """Reduction of one phase to another; it runs both ways.

    Parameters
    ----------
    name : str
        Such as ``"R1"``.
    reactant, product : str
        Species; the product holds more guest per host.
    """

    name: str
    reactant: str
    product: str


@dataclass(frozen=True)
class Network(Host):
    """Species and reactions of a conversion cathode.

    Parameters
    ----------
    host, guest : str
        Names of the conserved elements, such as ``"sulfur"`` and ``"sodium"``.
    species : tuple of Species
        From the emptiest to the fullest phase.
    reactions : tuple of Reaction
        Each between two of the species.

    Examples
    --------
    >>> table = {"host": "sulfur", "guest": "lithium",
    ...          "species": {"S": {"guest_per_host": 0}, "Li2S": {"guest_per_host": 2}},
    ...          "reactions": [{"name": "R1", "reactant": "S", "product": "Li2S"}]}
    >>> Network.from_table(table).electrons("R1")
    2.0
    """

    host: str
    guest: str
    species: tuple[Species, ...]
    reactions: tuple[Reaction, ...]

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Network:
        """Read a network from the ``network`` table of a parameter set.

        Parameters
        ----------
        table : mapping
            Keys ``host``, ``guest``, ``species``, ``reactions``.

        Returns
        -------
        Network

        Raises
        ------
        ParameterError
            If a key is missing, a reaction names an unknown species or takes up no guest.
        """
        read = read_table(_NetworkTable, table, "The network")
        species = tuple(
            Species(name, row.guest_per_host, row.isolates, row.host_per_unit)
            for name, row in read.species.items()
        )
        reactions = tuple(Reaction(r.name, r.reactant, r.product) for r in read.reactions)
        network = cls(read.host, read.guest, species, reactions)
        network._check()
        return network

    def _check(self) -> None:
        names = [s.name for s in self.species]
        labels = [r.name for r in self.reactions]
        for label in sorted({n for n in labels if labels.count(n) > 1}):
            raise ParameterError(f"Two reactions are named '{label}'.")
        for reaction in self.reactions:
            for name in (reaction.reactant, reaction.product):
                if name not in names:
                    hint = did_you_mean(name, names, "species")
                    raise ParameterError(
                        f"Reaction '{reaction.name}' names an unknown species '{name}'. {hint}"
                    )
            if self.electrons(reaction.name) <= 0:
                raise ParameterError(
                    f"Reaction '{reaction.name}' must take up {self.guest}: "
                    f"'{reaction.product}' holds no more of it than '{reaction.reactant}'."
                )
        alone = [s.name for s in self.species if s.host_per_unit is None]
        if self.mixes and alone:
            raise ParameterError(
                f"Either all phases mix or none: host_per_unit is missing for {alone}."
            )
        untouched = set(names) - {
            n for r in self.reactions for n in (r.reactant, r.product)
        }
        if untouched:
            raise ParameterError(f"No reaction makes or consumes {sorted(untouched)}.")

    def check(self, values: Mapping[str, float]) -> None:
        """Check what no single value can say: the phases at the start add up to all.

        Parameters
        ----------
        values : mapping of str to float
            Parameter values by name.

        Raises
        ------
        ParameterError
            If the initial fractions [-] do not sum to one.
        """
        total = sum(values[f"Initial {s.name} fraction"] for s in self.species)
        if abs(total - 1) > 1e-6:
            raise ParameterError(
                f"The initial fractions of {', '.join(self.phases)} add up to {total:g}, "
                "not to 1."
            )

    @property
    def mixes(self) -> bool:
        """Whether formula units of the phases mix."""
        return any(s.host_per_unit is not None for s in self.species)

    def content(self, species: str) -> float:
        """Moles of guest per mole of host in a species [-]."""
        return next(s.guest_per_host for s in self.species if s.name == species)

    def reaction(self, name: str) -> Reaction:
        """Reaction of that name."""
        return next(r for r in self.reactions if r.name == name)

    def electrons(self, name: str) -> float:
        """Electrons (and guest ions) per mole of host that a reaction takes up [-]."""
        reaction = self.reaction(name)
        return self.content(reaction.product) - self.content(reaction.reactant)

    @property
    def capacity(self) -> float:
        """Electrons per mole of host between the emptiest and the fullest phase [-]."""
        contents = [s.guest_per_host for s in self.species]
        return max(contents) - min(contents)

    def equilibrium_potential(
        self,
        name: str,
        values: Mapping[str, float],
        temperature: float,
        fractions: Mapping[str, float] | None = None,
    ) -> float:
        """Potential at which a reaction is at rest, against the working metal.

        Parameters
        ----------
        name : str
            Reaction.
        values : mapping of str to float
            Parameter values by name.
        temperature : float
            Temperature [K].
        fractions : mapping of str to float, optional
            Connected fraction of the host in each phase [-], where formula units mix;
            default: both phases pure.

        Returns
        -------
        float
            E = -(mu_product - mu_reactant)/(z F) [V], mu = G_ref - S (T - T_ref) +
            (R T/n) ln(X + floor) per mole of host.
        """
        reaction = self.reaction(name)
        mu = [
            self._chemical_potential(s, values, temperature, fractions)
            for s in (reaction.reactant, reaction.product)
        ]
        return (mu[0] - mu[1]) / (self.electrons(name) * FARADAY)

    def _chemical_potential(
        self,
        species: str,
        values: Mapping[str, float],
        temperature: float,
        fractions: Mapping[str, float] | None,
    ) -> float:
        change = temperature - values["Reference temperature [K]"]
        energy = (
            values[f"{species} formation energy [J.mol-1]"]
            - values[f"{species} formation entropy [J.mol-1.K-1]"] * change
        )
        if fractions is None or not self.mixes:
            return energy
        atoms = {s.name: s.host_per_unit or 1.0 for s in self.species}
        units = {p: fractions[p] / n for p, n in atoms.items()}
        share = units[species] / sum(units.values()) + values["Mixing floor"]
        return energy + GAS_CONSTANT * temperature / atoms[species] * float(np.log(share))

    @property
    def phases(self) -> tuple[str, ...]:
        """Names of the phases, from the emptiest to the fullest."""
        return tuple(s.name for s in self.species)

    @property
    def shares(self) -> tuple[tuple[str, ...], ...]:
        """Phases as assembled, which add up to all of the host."""
        return (tuple(f"Initial {name} fraction" for name in self.phases),)

    @property
    def labels(self) -> dict[str, str]:
        """What each reaction does, for figures."""
        return {r.name: f"{r.name}: {r.reactant} to {r.product}" for r in self.reactions}

    @property
    def outputs(self) -> tuple[str, ...]:
        """Model variables that belong in every result."""
        isolated = [f"Isolated {s.name} fraction" for s in self.species if s.isolates]
        return (*(f"{name} fraction" for name in self.phases), *isolated)

    @property
    def grading(self) -> float:
        """Exponent of the radial mesh, r = (i/n)^grading [-].

        A reaction front passes one shell after another, each with a ripple of the voltage
        by its share of the volume: 3/(2n) at the surface instead of 3/n of equal steps.
        """
        return 0.5

    @property
    def budget(self) -> tuple[str, ...]:
        """Model variables that split the particle's potential into its losses."""
        reactions = [f"{r.name} contribution [V]" for r in self.reactions]
        return (*reactions, "Particle transport contribution [V]")

    def loops(self) -> list[dict[str, float]]:
        """Independent closed loops: weights of reactions that cancel in every species.

        Returns
        -------
        list of dict of str to float
            The sum of weight times z F U over a loop is zero for any energies.
        """
        from scipy.linalg import null_space

        names = [s.name for s in self.species]
        matrix = np.zeros((len(names), len(self.reactions)))
        for column, reaction in enumerate(self.reactions):
            matrix[names.index(reaction.reactant), column] -= 1
            matrix[names.index(reaction.product), column] += 1
        return [
            {r.name: float(w) for r, w in zip(self.reactions, basis, strict=True)}
            for basis in null_space(matrix).T
        ]

    def quantities(self) -> tuple[Quantity, ...]:
        """Everything a parameter set may say about this network."""
        rows = [
            Quantity(
                "Mobile guest capacity [V-1]", "guest per host that is in transit", 1e-4, 1
            ),
            Quantity("Dead zone smoothing [V]", "rounds its corners", 1e-5, 0.01),
            Quantity("Mixing floor", "of mole fractions in logarithms", 1e-8, 0.1, 1e-3),
            Quantity(
                "Minimum ionic conductivity [S.m-1]", "of the active material", 1e-20, 1e-3
            ),
            Quantity("Inactive host fraction", "never reached by ions", 0, 0.95, 0.0),
            Quantity("Transport gain", "of the guest's paths by cycling", 0, 1e3, 0.0),
            Quantity("Transport gain cycles", "full cycles to 63 % of it", 1e-2, 1e4, 1.0),
            Quantity("Transport loss by swelling", "exponent at full", 0, 20, 0.0),
            Quantity("Transport fade", "per full cycle, exponential", 0, 1, 0.0),
        ]
        for species in self.species:
            rows += _species_quantities(species)
        for reaction in self.reactions:
            rows += _reaction_quantities(reaction)
        return tuple(rows)


def _species_quantities(species: Species) -> list[Quantity]:
    name, full = species.name, species.guest_per_host > 0
    rows = [
        Quantity(
            f"{name} formation energy [J.mol-1]",
            "from the working metal and the empty phase, per mole of host",
            -1e7,
            1e7,
            None if full else 0.0,
        ),
        Quantity(
            f"{name} formation entropy [J.mol-1.K-1]", "per mole of host", -1e3, 1e3, 0.0
        ),
        Quantity(f"{name} ionic conductivity [S.m-1]", "of the guest", 0, 10),
        Quantity(
            f"{name} ionic conductivity activation energy [J.mol-1]", "Arrhenius", *_EA
        ),
        Quantity(
            f"{name} film resistance [Ohm.m2]", "where it covers the surface", 0, 1e4, 0.0
        ),
        Quantity(f"Initial {name} fraction", "of the host, as assembled", 0, 1, 0.0),
        Quantity(f"{name} molar volume [m3.mol-1]", "per mole of host", 0, 1e-2, 0.0),
    ]
    if species.isolates:
        rows += [
            Quantity(
                f"{name} isolation probability", "loses contact as it forms", 0, 1, 0.0
            ),
            Quantity(f"{name} isolation limit", "largest isolated fraction", 1e-3, 1, 1.0),
            Quantity(f"{name} reconnection rate [s-1]", "regains contact", 0, 1e3, 0.0),
            Quantity(
                f"{name} reconnection activation energy [J.mol-1]", "Arrhenius", *_EA, 0.0
            ),
        ]
    return rows


def _reaction_quantities(reaction: Reaction) -> list[Quantity]:
    name = reaction.name
    rows = [
        Quantity(f"{name} rate constant [s-1]", "at the reference temperature", 0, 1e3),
        Quantity(f"{name} activation energy [J.mol-1]", "of the rate constant", *_EA),
        Quantity(f"{name} transfer coefficient", "share of the reduction", 0.01, 0.99, 0.5),
        Quantity(f"{name} dead zone [V]", "half width in which it rests", 0, 1, 0.0),
        Quantity(f"{name} extra reduction barrier [V]", "widens the dead zone", 0, 2, 0.0),
        Quantity(f"{name} presence scale", "fraction at which a phase counts", 1e-4, 1),
    ]
    for way in ("reduction", "oxidation"):
        rows += [
            Quantity(
                f"{name} {way} ceiling [s-1]",
                "fastest rate at any voltage",
                1e-12,
                1e3,
                _FAST,
            ),
            Quantity(
                f"{name} {way} ceiling activation energy [J.mol-1]", "Arrhenius", *_EA, 0.0
            ),
        ]
    return rows
