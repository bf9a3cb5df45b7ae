"""Sites of insertion cathodes as data: where the guest sits, and at which potential.

The filling of independent kinds of site, each in equilibrium with the same potential,
gives multi-step and sloping potentials that are monotonic and consistent by construction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sscell.errors import ParameterError, did_you_mean
from sscell.physics.cathodes.host import Host
from sscell.physics.quantity import Quantity, positive_number
from sscell.units import FARADAY, GAS_CONSTANT

__all__ = ["Sites", "diffusion_quantities"]

_KEYS = ("host", "guest", "guest_per_host", "sites")
_TRANSFORMED = "transformed"
_EA = (0.0, 3e5)


def diffusion_quantities() -> tuple[Quantity, ...]:
    """What a parameter set says about a guest that moves through a lasting host.

    Returns
    -------
    tuple of Quantity
    """
    d = "Positive particle diffusivity"
    return (
        Quantity(f"{d} [m2.s-1]", "of the guest in the empty host", 1e-24, 1e-8),
        Quantity(f"{d} activation energy [J.mol-1]", "Arrhenius", *_EA),
        Quantity(
            f"{d} decay coefficient", "b in exp(-b x): filled sites block", 0, 20, 0.0
        ),
        Quantity(
            f"{d} contact exponent", "c of contact^c: 0, it does not count", 0, 5, 0.0
        ),
        Quantity(
            f"{d} additive coefficient", "by what is added to the material", 1e-3, 1e3, 1.0
        ),
        Quantity("Inactive host fraction", "never reached by ions", 0, 0.95, 0.0),
        Quantity(
            "Guest molar volume [m3.mol-1]", "swelling per mole of guest", -1e-3, 1e-3, 0.0
        ),
    )


def _grain_quantities(step: str) -> tuple[Quantity, ...]:
    """What a parameter set says about grains that transform as they fill."""
    name = f"{step} transformation"
    return (
        Quantity(f"{name} rate [s-1]", "of the slowest grains", 1e-12, 1e3),
        Quantity(f"{name} rate activation energy [J.mol-1]", "Arrhenius", *_EA),
        Quantity(f"{name} spread", "mean of ln(rate) over that of the slowest", 0, 3, 0.0),
    )


def _transformed(told: Any, names: Sequence[str]) -> tuple[str, ...]:
    """Which of the sites transform."""
    if not isinstance(told, list | tuple) or len(set(told)) != len(told):
        raise ParameterError(
            f"'{_TRANSFORMED}' must be a list of different sites, not {told!r}."
        )
    for step in told:
        if step not in names:
            hint = did_you_mean(str(step), names)
            raise ParameterError(f"The sites have no '{step}' to transform. {hint}")
    if len(told) == len(names):
        raise ParameterError(f"One kind of site at least must not be '{_TRANSFORMED}'.")
    return tuple(told)


@dataclass(frozen=True)
class Sites(Host):
    r"""Kinds of site of an insertion cathode.

    .. math:: x(U) = \sum_j \frac{X_j}{1 + \exp\frac{F(U - U_j(T))}{w_j R T}}, \quad
        U_j = U_{j,ref} + S_j (T - T_{ref}), \quad \sum_j X_j = 1

    Parameters
    ----------
    host, guest : str
        Names of the conserved elements, such as ``"vanadium"`` and ``"lithium"``.
    guest_per_host : float
        Moles of guest per mole of host when every site is full [-].
    names : tuple of str
        One per kind of site, from the highest potential on.
    transformed : tuple of str, optional
        Those that fill as grains change their structure, by
        `sscell.physics.cathodes.grains.Grains`; in all others the guest is dissolved.

    Notes
    -----
    The filling is that of the multi-species, multi-reaction model. Source:
    Verbrugge et al., J. Electrochem. Soc. 164, E3243 (2017).

    Examples
    --------
    >>> table = {"host": "vanadium", "guest": "lithium", "guest_per_host": 1.0,
    ...          "sites": ["Upper step", "Lower step"]}
    >>> Sites.from_table(table).capacity
    1.0
    """

    host: str
    guest: str
    guest_per_host: float
    names: tuple[str, ...]
    transformed: tuple[str, ...] = ()

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Sites:
        """Read sites from the ``network`` table of a parameter set.

        Parameters
        ----------
        table : mapping
            Keys ``host``, ``guest``, ``guest_per_host`` [-], ``sites``, and ``transformed``
            where some of the sites fill as grains transform.

        Returns
        -------
        Sites

        Raises
        ------
        ParameterError
            If a key is missing or unknown, two sites share a name or none is given, or
            what transforms is none of them or all.
        """
        for key in table:
            if key not in (*_KEYS, _TRANSFORMED):
                hint = did_you_mean(key, (*_KEYS, _TRANSFORMED))
                raise ParameterError(f"The sites have an unknown key '{key}'. {hint}")
        for key in _KEYS:
            if key not in table:
                raise ParameterError(f"The sites have no '{key}'.")
        names = table["sites"]
        amount = positive_number("guest_per_host", table["guest_per_host"])
        listed = isinstance(names, list | tuple) and all(isinstance(n, str) for n in names)
        if not listed or not names or len(set(names)) != len(names):
            raise ParameterError(
                f"'sites' must be a list of different names, not {names!r}."
            )
        steps = _transformed(table.get(_TRANSFORMED, ()), names)
        return cls(str(table["host"]), str(table["guest"]), amount, tuple(names), steps)

    def check(self, values: Mapping[str, float]) -> None:
        """Check what no single value can say: the kinds of site add up to all.

        Parameters
        ----------
        values : mapping of str to float
            Parameter values by name.

        Raises
        ------
        ParameterError
            If the fractions [-] do not sum to one.
        """
        total = sum(values[f"{name} fraction"] for name in self.names)
        if abs(total - 1) > 1e-6:
            raise ParameterError(
                f"The fractions of {', '.join(self.names)} add up to {total:g}, not to 1."
            )

    @property
    def dissolved(self) -> tuple[str, ...]:
        """Kinds of site in which the guest is dissolved and moves."""
        return tuple(n for n in self.names if n not in self.transformed)

    @property
    def shares(self) -> tuple[tuple[str, ...], ...]:
        """Kinds of site, which add up to all of them."""
        return (tuple(f"{name} fraction" for name in self.names),)

    @property
    def capacity(self) -> float:
        """Electrons per mole of host between empty and full [-]."""
        return self.guest_per_host

    @property
    def phases(self) -> tuple[str, ...]:
        """No phases: the guest is dissolved in one host."""
        return ()

    @property
    def outputs(self) -> tuple[str, ...]:
        """Model variables that belong in every result."""
        return (
            "Average positive particle stoichiometry",
            "X-averaged positive particle surface stoichiometry",
            *(f"{step} filling" for step in self.transformed),
        )

    @property
    def grading(self) -> float:
        """Exponent of the radial mesh, r = (i/n)^grading [-]: equal steps, no sharp front."""
        return 1.0

    @property
    def budget(self) -> tuple[str, ...]:
        """Model variables that split the particle's potential into its losses."""
        return ("Particle transport contribution [V]",)

    def quantities(self) -> tuple[Quantity, ...]:
        """Everything a parameter set may say about these sites and how the guest moves."""
        start = Quantity(
            "Initial positive electrode potential [V]",
            "at rest as assembled, against the working metal",
            -1,
            6,
        )
        grains = [q for step in self.transformed for q in _grain_quantities(step)]
        return (*diffusion_quantities(), start, *self.step_quantities(), *grains)

    def step_quantities(self) -> tuple[Quantity, ...]:
        """What a parameter set says about each kind of site."""
        rows: list[Quantity] = []
        for name in self.names:
            rows += [
                Quantity(f"{name} potential [V]", "half full, against the metal", -1, 6),
                Quantity(f"{name} entropic change [V.K-1]", "dU/dT", -0.01, 0.01, 0.0),
                Quantity(f"{name} fraction", "of all sites", 0, 1),
                Quantity(
                    f"{name} width coefficient",
                    "1: ideal solution, below: guests attract, above: sloping",
                    0.05,
                    50,
                    1.0,
                ),
            ]
        return tuple(rows)

    def split(
        self,
        potential: Any,
        temperature: Any,
        value: Callable[[str], Any],
        exp: Callable[[Any], Any] = np.exp,
    ) -> tuple[Any, Any]:
        """Filled and empty share of all sites, each without cancellation.

        Parameters
        ----------
        potential : float, array or symbol
            Against the working metal [V].
        temperature : float or symbol
            [K].
        value : callable
            Parameter of a name: a number or a symbol.
        exp : callable, optional
            Exponential for the kind of argument.

        Returns
        -------
        tuple
            Filled and empty share [-].

        Examples
        --------
        >>> sites = Sites("vanadium", "lithium", 1.0, ("Step",))
        >>> values = {"Step potential [V]": 3.0, "Step entropic change [V.K-1]": 0.0,
        ...           "Step fraction": 1.0, "Step width coefficient": 1.0,
        ...           "Reference temperature [K]": 298.15}
        >>> [float(share) for share in sites.split(3.0, 298.15, values.get)]
        [0.5, 0.5]
        """
        return self.split_of(self.names, potential, temperature, value, exp)

    def split_of(
        self,
        names: Sequence[str],
        potential: Any,
        temperature: Any,
        value: Callable[[str], Any],
        exp: Callable[[Any], Any] = np.exp,
    ) -> tuple[Any, Any]:
        """Filled and empty sites of some kinds, as shares of all sites.

        Parameters
        ----------
        names : sequence of str
            Kinds of site.
        potential, temperature, value, exp
            As for `split` [V, K].

        Returns
        -------
        tuple
            Filled and empty share [-].

        Examples
        --------
        >>> sites = Sites("vanadium", "lithium", 1.0, ("Upper", "Lower"))
        >>> values = {"Upper potential [V]": 3.0, "Upper entropic change [V.K-1]": 0.0,
        ...           "Upper fraction": 0.4, "Upper width coefficient": 1.0,
        ...           "Reference temperature [K]": 298.15}
        >>> [float(s) for s in sites.split_of(["Upper"], 3.0, 298.15, values.get)]
        [0.2, 0.2]
        """
        filled: Any = 0
        empty: Any = 0
        heated = temperature - value("Reference temperature [K]")
        for name in names:
            step = value(f"{name} potential [V]")
            step = step + value(f"{name} entropic change [V.K-1]") * heated
            width = (
                value(f"{name} width coefficient") * GAS_CONSTANT * temperature / FARADAY
            )
            above = (potential - step) / width
            filled = filled + value(f"{name} fraction") / (1 + exp(above))
            empty = empty + value(f"{name} fraction") / (1 + exp(-above))
        return filled, empty

    def equilibrium_potential(
        self, filling: float, values: Mapping[str, float], temperature: float
    ) -> float:
        """Potential at which the sites are filled to a share, against the working metal.

        Parameters
        ----------
        filling : float
            Share of all sites [-], above 0 and below 1.
        values : mapping of str to float
            Parameter values by name.
        temperature : float
            [K].

        Returns
        -------
        float
            [V].

        Raises
        ------
        ParameterError
            If the share is not between 0 and 1.

        Examples
        --------
        >>> from sscell.cells.cell import Cell
        >>> cell = Cell.load("Liang2023")
        >>> u = [cell.host.equilibrium_potential(x, cell.values, 298.15) for x in (0.1, 0.9)]
        >>> u[0] > u[1]
        True
        """
        from scipy.optimize import brentq

        if not 0 < filling < 1:
            raise ParameterError(f"A filling lies between 0 and 1, not at {filling:g}.")

        def excess(potential: float) -> float:
            filled, empty = self.split(potential, temperature, values.__getitem__)
            return float(np.log(filled / empty) - np.log(filling / (1 - filling)))

        steps = [values[f"{name} potential [V]"] for name in self.names]
        low, high = min(steps), max(steps)
        while excess(low) < 0:
            low -= 0.5
        while excess(high) > 0:
            high += 0.5
        found: Any = brentq(excess, low, high, xtol=1e-12)
        return float(found)
