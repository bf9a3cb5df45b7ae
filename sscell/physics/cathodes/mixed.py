"""Integrated cathodes as data: an active material that conducts its own ions and electrons.

The composite (1-y)[(1-x)Li2S-xLiI]-yMoS2 holds two hosts for lithium, sulfur and
molybdenum disulfide, and salt that conducts. Everything follows from x and y.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sscell.errors import ParameterError, did_you_mean
from sscell.physics.cathodes.host import Host
from sscell.physics.quantity import Quantity

__all__ = ["MixedHosts"]

_KEYS = ("host", "guest")
# Standard atomic weights. Source: IUPAC (2021).
_MOLAR_MASS = {"Li2S": 0.04594, "LiI": 0.133844, "MoS2": 0.16007}  # kg/mol
_X, _Y, _E = "LiI mole fraction", "MoS2 mole fraction", "MoS2 lithium limit"
_CRITICAL, _REFERENCE = "LixMoS2 percolation limit", "Reference MoS2 volume fraction"
_NET = "LixMoS2 percolation coefficient (electrons)"
_EA = (0.0, 3e5)
_GIVEN = 0.9  # of the lithium that the mill reaches: what is left is still a sulfide


@dataclass(frozen=True)
class MixedHosts(Host):
    r"""Sulfur and molybdenum disulfide at one local potential, with lithium iodide.

    One mole of host is what takes up one electron in all, so that

    .. math:: M = \frac{\sum_k n_k M_k}{2(1-x)(1-y) + n_e y}, \quad
        q_S = \frac{2(1-x)(1-y)}{2(1-x)(1-y) + n_e y}, \quad q_{Mo} = 1 - q_S

    Parameters
    ----------
    host, guest : str
        Names of the conserved elements: ``"sulfur"`` and ``"lithium"``.

    Examples
    --------
    >>> MixedHosts.from_table({"host": "sulfur", "guest": "lithium"}).capacity
    1.0
    """

    host: str
    guest: str

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> MixedHosts:
        """Read from the ``network`` table of a parameter set.

        Parameters
        ----------
        table : mapping
            Keys ``host`` and ``guest``.

        Returns
        -------
        MixedHosts

        Raises
        ------
        ParameterError
            If a key is missing or unknown.
        """
        for key in table:
            if key not in _KEYS:
                hint = did_you_mean(key, _KEYS)
                raise ParameterError(f"The hosts have an unknown key '{key}'. {hint}")
        for key in _KEYS:
            if key not in table:
                raise ParameterError(f"The hosts have no '{key}'.")
        return cls(str(table["host"]), str(table["guest"]))

    def check(self, values: Mapping[str, float]) -> None:
        """Check what no single value can say: shares of the sulfur, lithium in the hosts.

        Parameters
        ----------
        values : mapping of str to float
            Parameter values by name.

        Raises
        ------
        ParameterError
            If the shares [-] exceed all, the milled cathode holds more lithium in MoS2
            than the Li2S reached by the mill can give, or the diffusivity refers to a share
            of MoS2 that does not percolate.
        """
        names = ("Reached sulfur fraction", "Opened sulfur fraction")
        total = sum(values[name] for name in names)
        if total > 1 + 1e-9:
            raise ParameterError(
                f"The shares of {' and '.join(names)} add up to {total:g}."
            )
        milled = values["Initial active sulfur fraction"]
        reached = values[names[0]]
        if milled >= reached:
            raise ParameterError(
                f"'Initial active sulfur fraction' is {milled:g}, not below the share "
                f"reached at first, {reached:g}."
            )
        taken = values["Initial MoS2 lithium fraction"] * values[_E] * values[_Y]
        sites = 2 * (1 - values[_X]) * (1 - values[_Y])
        given = taken / (sites * (reached - milled))
        if given > _GIVEN:
            raise ParameterError(
                f"The MoS2 as milled holds {100 * given:.0f} % of the lithium of the Li2S that "
                f"the mill reached; allowed: {100 * _GIVEN:.0f} %."
            )
        critical, reference = values[_CRITICAL], values[_REFERENCE]
        if reference <= critical:
            raise ParameterError(
                f"'{_REFERENCE}' is {reference:g}, not above '{_CRITICAL}', {critical:g}: "
                "the diffusivity would hold where no MoS2 percolates."
            )

    def derived(self, values: Mapping[str, float]) -> dict[str, float]:
        """Parameters that follow from the composition.

        Parameters
        ----------
        values : mapping of str to float
            With the mole fractions and molar volumes by name.

        Returns
        -------
        dict of str to float
            Molar mass of the active material [kg.mol-1] and its density [kg.m-3].

        Examples
        --------
        >>> from sscell.cells.cell import Cell
        >>> cell = Cell.load("Pan2023").replace({"MoS2 mole fraction": 0.0})
        >>> molar = "Positive electrode active material molar mass [kg.mol-1]"
        >>> round(cell.values[molar] * 1e3, 2)
        39.7
        """
        x, y = values[_X], values[_Y]
        moles = {"Li2S": (1 - y) * (1 - x), "LiI": (1 - y) * x, "MoS2": y}
        mass = sum(n * _MOLAR_MASS[k] for k, n in moles.items())
        volume = sum(n * values[f"{k} molar volume [m3.mol-1]"] for k, n in moles.items())
        electrons = 2 * moles["Li2S"] + values[_E] * y
        name = "Positive electrode active material"
        return {
            f"{name} molar mass [kg.mol-1]": mass / electrons,
            f"{name} density [kg.m-3]": mass / volume,
        }

    @property
    def capacity(self) -> float:
        """Electrons per mole of host [-]: one, by the definition of the host."""
        return 1.0

    @property
    def phases(self) -> tuple[str, ...]:
        """Where the sulfur is, from the emptiest to the fullest."""
        return ("S", "Li2S")

    @property
    def outputs(self) -> tuple[str, ...]:
        """Model variables that belong in every result."""
        return (
            *(f"{name} fraction" for name in self.phases),
            "Sulfur lithium",
            "MoS2 lithium",
            "Activated sulfur fraction",
            "LiI domain fraction",
            "X-averaged positive electrode effective ionic conductivity [S.m-1]",
            "X-averaged positive electrode effective electronic conductivity [S.m-1]",
        )

    @property
    def grading(self) -> float:
        """Exponent of the radial mesh, r = (i/n)^grading [-]: fine at the surface."""
        return 0.5

    @property
    def content_tolerance(self) -> float:
        """One: both hosts fill up and empty with the logarithm of what is left [-]."""
        return 1.0

    @property
    def budget(self) -> tuple[str, ...]:
        """Model variables that split the particle's potential into its losses."""
        return ("Activation contribution [V]", "Particle transport contribution [V]")

    def quantities(self) -> tuple[Quantity, ...]:
        """Everything a parameter set may say about composition, hosts and activation."""
        d, k = "Positive particle diffusivity", "Activation rate constant"
        rows = [
            Quantity(_X, "x in (1-y)[(1-x)Li2S-xLiI]-yMoS2", 0, 0.5),
            Quantity(_Y, "y in (1-y)[(1-x)Li2S-xLiI]-yMoS2", 0, 0.5),
            Quantity(_E, "lithium per molybdenum within the window", 0.1, 4),
            Quantity("Initial MoS2 lithium fraction", "of its limit, milled", 1e-3, 0.999),
            Quantity(f"{d} [m2.s-1]", "LiI at its limit, reference MoS2", 1e-24, 1e-8),
            Quantity(_REFERENCE, "of the solid, that the diffusivity holds for", 1e-3, 0.9),
            Quantity("Li2S-LiI diffusivity ratio", "LiI at its limit over none", 1, 1e6),
            Quantity(_CRITICAL, "volume fraction of the solid", 0, 0.5),
            Quantity(_NET, "of its electronic paths and of lithium in grains", 0.5, 8),
            Quantity(f"{d} activation energy [J.mol-1]", "Arrhenius", *_EA),
            Quantity("Reaction ceiling [s-1]", "fastest rate of a host", 1e-8, 1e3),
            Quantity("Initial active sulfur fraction", "of all sulfur", 1e-3, 1),
            Quantity("Reached sulfur fraction", "of all sulfur", 1e-3, 1),
            Quantity("Opened sulfur fraction", "of all sulfur", 0, 1, 0.0),
            Quantity("Sulfur opening cycles", "full cycles to 63 %", 1e-2, 1e4, 1.0),
            Quantity(f"{k} [s-1]", "of Li2S that never reacted", 1e-20, 1e2),
            Quantity(f"{k} activation energy [J.mol-1]", "Arrhenius", *_EA),
            Quantity("Activation transfer coefficient", "Tafel", 0.05, 1),
            Quantity("LiI solubility limit", "of Li2S and LiI, by moles", 1e-3, 0.5),
            Quantity("LiI precipitation rate [s-1]", "above the limit", 0, 1e2),
            Quantity("LiI dissolution rate [s-1]", "below the limit", 0, 1e2),
            Quantity("Mobile guest capacity [V-1]", "per host, in transit", 1e-5, 1),
        ]
        for name in ("Li2S", "LiI", "MoS2"):
            rows.append(Quantity(f"{name} molar volume [m3.mol-1]", "solid", 1e-6, 1e-3))
        text = "swelling of the sulfur per mole of lithium"
        rows.append(Quantity("Guest molar volume [m3.mol-1]", text, -1e-3, 1e-3, 0.0))
        for name in ("Sulfur", "MoS2"):
            rows += [
                Quantity(f"{name} potential [V]", "half full, against the metal", -1, 6),
                Quantity(f"{name} entropic change [V.K-1]", "dU/dT", -0.01, 0.01, 0.0),
                Quantity(
                    f"{name} width coefficient", "below 1: plateau, above: slope", 0.05, 50
                ),
                Quantity(f"{name} rate constant [s-1]", "of its host", 1e-12, 1e3),
                Quantity(f"{name} activation energy [J.mol-1]", "of the rate", *_EA),
            ]
        return tuple(rows)
