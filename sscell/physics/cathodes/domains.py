"""Two domains grown together in one oxide: one always active, one that is activated.

The lithium-rich layered oxides are such: beside the layered domain there is Li2MnO3, whose
lithium only comes out where oxygen leaves or takes part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sscell.errors import ParameterError, did_you_mean
from sscell.physics.cathodes.host import Host
from sscell.physics.cathodes.sites import Sites
from sscell.physics.quantity import Quantity

__all__ = ["FRONTS", "Domain", "Domains"]

FRONTS = ("Fast", "Slow")  # of the activated domain, each with a barrier of its own

_KEYS = ("host", "guest", "lasting", "activated")
_DOMAIN = ("name", "guest_per_host", "sites")
_EA = (0.0, 3e5)


@dataclass(frozen=True)
class Domain:
    """One of the domains: its name and its sites.

    Parameters
    ----------
    name : str
        Such as ``"NCM domain"``; its parameters begin with it.
    sites : Sites
        Where its guest sits.

    Examples
    --------
    >>> Domain("NCM domain", Sites("oxide", "lithium", 0.4, ("Step",))).sites.capacity
    0.4
    """

    name: str
    sites: Sites

    @property
    def diffusivity(self) -> str:
        """Stem of the names of its diffusivity."""
        return f"{self.name} diffusivity"

    def quantities(self) -> tuple[Quantity, ...]:
        """What a parameter set says about this domain."""
        d = self.diffusivity
        return (
            Quantity(f"{d} [m2.s-1]", "of the guest in the empty domain", 1e-26, 1e-8),
            Quantity(f"{d} activation energy [J.mol-1]", "Arrhenius", *_EA),
            Quantity(f"{d} decay coefficient", "b in exp(-b x)", 0, 40, 0.0),
            Quantity(
                f"{d} contact exponent", "c of contact^c: 0, it does not count", 0, 5, 0.0
            ),
            Quantity(
                f"{self.name} guest molar volume [m3.mol-1]",
                "swelling per mole of guest",
                -1e-3,
                1e-3,
                0.0,
            ),
            *self.sites.step_quantities(),
        )


@dataclass(frozen=True)
class Domains(Host):
    """A cathode of a lasting and an activated domain.

    Parameters
    ----------
    host, guest : str
        What is conserved, such as ``"oxide"`` and ``"lithium"``.
    lasting, activated : Domain
        Active from the start, and only as far as it is activated.

    Examples
    --------
    >>> step = {"guest_per_host": 0.5}
    >>> table = {"host": "oxide", "guest": "lithium",
    ...          "lasting": {"name": "A", "sites": ["A step"], **step},
    ...          "activated": {"name": "B", "sites": ["B step"], **step}}
    >>> Domains.from_table(table).capacity
    1.0
    """

    host: str
    guest: str
    lasting: Domain
    activated: Domain

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Domains:
        """Read both domains from the ``network`` table of a parameter set.

        Parameters
        ----------
        table : mapping
            Keys ``host``, ``guest``; ``lasting`` and ``activated``, each with ``name``,
            ``guest_per_host`` [-] and ``sites``.

        Returns
        -------
        Domains

        Raises
        ------
        ParameterError
            If a key is missing or unknown, or two sites share a name.
        """
        _check_keys(table, _KEYS, "The domains have")
        host, guest = str(table["host"]), str(table["guest"])
        found = []
        for which in ("lasting", "activated"):
            entry = table[which]
            if not isinstance(entry, Mapping):
                raise ParameterError(f"'{which}' must be a table, not {entry!r}.")
            _check_keys(entry, _DOMAIN, f"The {which} domain has")
            inner = {k: entry[k] for k in _DOMAIN[1:]} | {"host": host, "guest": guest}
            found.append(Domain(str(entry["name"]), Sites.from_table(inner)))
        names = [n for domain in found for n in (domain.name, *domain.sites.names)]
        if len(set(names)) != len(names):
            raise ParameterError(f"Two domains or sites share a name: {', '.join(names)}.")
        return cls(host, guest, *found)

    def check(self, values: Mapping[str, float]) -> None:
        """Check that the kinds of site of each domain add up to all of it.

        Parameters
        ----------
        values : mapping of str to float
            Parameter values by name.

        Raises
        ------
        ParameterError
            If the fractions [-] do not sum to one.
        """
        for domain in (self.lasting, self.activated):
            domain.sites.check(values)

    @property
    def shares(self) -> tuple[tuple[str, ...], ...]:
        """Kinds of site of each domain, which add up to all of it."""
        return (*self.lasting.sites.shares, *self.activated.sites.shares)

    @property
    def capacity(self) -> float:
        """Electrons per mole of host between empty and full, both domains [-]."""
        return self.lasting.sites.capacity + self.activated.sites.capacity

    @property
    def phases(self) -> tuple[str, ...]:
        """No phases: the guest is dissolved in both domains."""
        return ()

    @property
    def outputs(self) -> tuple[str, ...]:
        """Model variables that belong in every result."""
        return (
            f"{self.lasting.name} stoichiometry",
            f"{self.activated.name} stoichiometry",
            "Activated fraction",
            "Spinel-like fraction",
            "Oxygen escaped [mol.mol-1]",
            "Oxygen reacted [mol.mol-1]",
            "Oxygen interphase resistance [Ohm.m2]",
        )

    @property
    def films(self) -> tuple[str, ...]:
        """Interphases that the host itself grows."""
        return ("Oxygen interphase resistance [Ohm.m2]",)

    @property
    def irreversible(self) -> dict[str, str]:
        """Reactions that change the volume for good, and their reduction currents."""
        return {"Oxygen loss": "Oxygen loss current [A]"}

    @property
    def grading(self) -> float:
        """Exponent of the radial mesh, r = (i/n)^grading [-]: fine at the surface."""
        return 0.6

    @property
    def budget(self) -> tuple[str, ...]:
        """Model variables that split the particle's potential into its losses."""
        return ("Particle transport contribution [V]",)

    def quantities(self) -> tuple[Quantity, ...]:
        """Everything a parameter set may say about domains, activation and oxygen."""
        return (
            *self.lasting.quantities(),
            *self.activated.quantities(),
            Quantity(
                "Initial positive electrode potential [V]",
                "at rest as assembled, against the working metal",
                -1,
                6,
            ),
            Quantity("Inactive host fraction", "never reached by ions", 0, 0.95, 0.0),
            *_activation(),
            *_oxygen(),
        )


def _activation() -> tuple[Quantity, ...]:
    ea = "activation energy [J.mol-1]"
    velocity = "of the fast front, inwards, in full contact, over exp(alpha F eta/RT) - 1"
    return (
        Quantity("Activation front velocity [m.s-1]", velocity, 0, 1e-3),
        *(Quantity(f"{front} front {ea}", "Arrhenius", *_EA) for front in FRONTS),
        Quantity("Fast activated share", "of the activated domain", 0, 1, 1.0),
        Quantity("Activation transfer coefficient", "alpha", 0.05, 1, 0.5),
        Quantity("Activation potential [V]", "against the working metal", 0, 6),
        Quantity("Activation potential width [V]", "of the smooth threshold", 1e-3, 0.5),
        Quantity("Initially activated depth", "of the radius", 1e-3, 0.999, 0.01),
        Quantity(
            "Activation oxygen fraction",
            "of the activated guest sites: closed for good as oxygen leaves",
            0,
            0.95,
        ),
        Quantity("Spinel formation rate [s-1]", "of the emptied domain", 0, 1e-3, 0.0),
        Quantity(f"Spinel formation rate {ea}", "Arrhenius", *_EA, 0.0),
        Quantity("Spinel potential change [V]", "once all is spinel-like", -3, 0, 0.0),
        Quantity("Spinel site loss", "of the domain's sites, once all is", 0, 0.95, 0.0),
        Quantity("Spinel oxygen loss [mol.mol-1]", "per host, once all is", 0, 1, 0.0),
    )


def _oxygen() -> tuple[Quantity, ...]:
    rows = []
    for fate in ("escape", "reaction"):
        name = f"Oxygen {fate} rate"
        rows.append(Quantity(f"{name} [s-1]", "of oxygen at the surface", 1e-12, 1e6, 1.0))
        energy = f"{name} activation energy [J.mol-1]"
        rows.append(Quantity(energy, "Arrhenius", *_EA, 0.0))
    return (
        *rows,
        Quantity(
            "Oxygen site loss",
            "of the activated domain's sites, per oxygen per host that reacted",
            0,
            10,
            0.0,
        ),
        Quantity(
            "Oxygen interphase resistivity [Ohm.m4.mol-1]",
            "film per oxygen that reacted on a particle surface",
            0,
            1e6,
            0.0,
        ),
    )


def _check_keys(table: Mapping[str, Any], keys: tuple[str, ...], who: str) -> None:
    for key in table:
        if key not in keys:
            raise ParameterError(f"{who} an unknown key '{key}'. {did_you_mean(key, keys)}")
    for key in keys:
        if key not in table:
            raise ParameterError(f"{who} no '{key}'.")
