"""Insertion cathodes whose potential is a measured table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sscell.errors import ParameterError, did_you_mean
from sscell.physics.cathodes.host import Host
from sscell.physics.cathodes.sites import Sites, diffusion_quantities
from sscell.physics.curves import Potential
from sscell.physics.quantity import Quantity, positive_number

__all__ = ["HYSTERESIS", "InsertionHost", "Tabulated"]

_KEYS = ("host", "guest", "guest_per_host", "ocv", "table")
HYSTERESIS = "Positive particle hysteresis rate constant"


@dataclass(frozen=True)
class Tabulated(Host):
    r"""Host with a tabulated open-circuit potential, perhaps a branch for each direction.

    .. math:: U(x, h, T) = U_{table}(x, h) + \Delta U + \frac{dU}{dT}(T - T_{ref}), \quad
        \dot h = -\gamma \left(|\dot x| h + \dot x\right)

    Parameters
    ----------
    host, guest : str
        Names of the conserved elements.
    guest_per_host : float
        Moles of guest per mole of host at a filling of one [-].
    potential : Potential
        Against the working metal.

    Notes
    -----
    The state of the hysteresis is that of one state of A. Wycisk et al., J. Energy Storage
    52, 105016 (2022), without its decay at rest: a branch is kept while nothing flows.

    Examples
    --------
    >>> table = {"host": "nickel", "guest": "lithium", "guest_per_host": 1.0, "ocv": "table",
    ...          "table": {"filling": [0.1, 0.5, 0.9], "potential": [4.2, 3.8, 3.4]}}
    >>> Tabulated.from_table(table).capacity
    1.0
    """

    host: str
    guest: str
    guest_per_host: float
    potential: Potential

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Tabulated:
        """Read a host from the ``network`` table of a parameter set.

        Parameters
        ----------
        table : mapping
            Keys ``host``, ``guest``, ``guest_per_host`` [-], ``ocv = "table"`` and
            ``table``, columns as for `sscell.physics.curves.Potential.from_table`.

        Returns
        -------
        Tabulated

        Raises
        ------
        ParameterError
            If a key is missing or unknown, or the table is none.
        """
        for key in table:
            if key not in _KEYS:
                hint = did_you_mean(key, _KEYS)
                raise ParameterError(f"The host has an unknown key '{key}'. {hint}")
        for key in _KEYS:
            if key not in table:
                raise ParameterError(f"The host has no '{key}'.")
        amount = positive_number("guest_per_host", table["guest_per_host"])
        if not isinstance(table["table"], Mapping):
            raise ParameterError("The OCV 'table' must have columns of numbers.")
        potential = Potential.from_table(table["table"])
        return cls(str(table["host"]), str(table["guest"]), amount, potential)

    def check(self, values: Mapping[str, float]) -> None:
        """Check that the window lies on the table.

        Parameters
        ----------
        values : mapping of str to float
            Parameter values by name.

        Raises
        ------
        ParameterError
            If a cut-off [V] lies beyond it.
        """
        metal = values.get("Negative electrode OCP [V]")
        if metal is None:  # a host against a host: no single window
            return
        top = max(curve.potential[0] for curve in self._curves)
        bottom = min(curve.potential[-1] for curve in self._curves)
        shift = values["Positive electrode OCP offset [V]"] - metal
        low, high = values["Lower voltage cut-off [V]"], values["Upper voltage cut-off [V]"]
        if low > top + shift or high < bottom + shift:
            raise ParameterError(
                f"The window {low:g} to {high:g} V lies outside the OCV table, "
                f"{bottom + shift:.4g} to {top + shift:.4g} V against this anode."
            )

    @property
    def _curves(self) -> tuple[Any, Any]:
        return self.potential.discharge, self.potential.charge

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
        own = (
            "Average positive particle stoichiometry",
            "X-averaged positive particle surface stoichiometry",
        )
        beside = ("X-averaged positive particle hysteresis state",)
        return own + (beside if self.potential.has_hysteresis else ())

    @property
    def grading(self) -> float:
        """Exponent of the radial mesh, r = (i/n)^grading [-]: equal steps, no sharp front."""
        return 1.0

    @property
    def budget(self) -> tuple[str, ...]:
        """Model variables that split the particle's potential into its losses."""
        return ("Particle transport contribution [V]",)

    def quantities(self) -> tuple[Quantity, ...]:
        """Everything a parameter set may say about this host and how the guest moves."""
        rows = [
            Quantity("Initial positive electrode filling", "as assembled", 0, 1),
            Quantity(
                "Positive electrode OCP offset [V]", "added to the table", -0.5, 0.5, 0.0
            ),
            Quantity(
                "Positive electrode OCP entropic change [V.K-1]", "dU/dT", -0.01, 0.01, 0.0
            ),
        ]
        if self.potential.has_hysteresis:
            rows += [
                Quantity(
                    HYSTERESIS, "per filling: how soon a branch is reached", 1, 1e3, 20.0
                ),
                Quantity(
                    "Initial positive particle hysteresis state",
                    "-1: the discharge branch, 1: the charge branch",
                    -1,
                    1,
                    0.0,
                ),
            ]
        return (*diffusion_quantities(), *rows)

    def surface_potential(
        self,
        filling: Any,
        hysteresis: Any,
        temperature: Any,
        value: Callable[[str], Any],
        maximum: Callable[[Any, Any], Any] = np.maximum,
    ) -> Any:
        """Potential in equilibrium with a filling, against the working metal [V].

        Parameters
        ----------
        filling : float, array or symbol
            Share of all sites [-].
        hysteresis : float, array or symbol
            -1 after a discharge, 1 after a charge.
        temperature : float or symbol
            [K].
        value : callable
            Parameter of a name: a number or a symbol.
        maximum : callable, optional
            Of two arguments of that kind.

        Returns
        -------
        float, array or symbol
        """
        heated = temperature - value("Reference temperature [K]")
        return (
            self.potential(filling, hysteresis, maximum)
            + value("Positive electrode OCP offset [V]")
            + value("Positive electrode OCP entropic change [V.K-1]") * heated
        )

    def equilibrium_potential(
        self, filling: float, values: Mapping[str, float], temperature: float
    ) -> float:
        """Potential at a filling between the branches, against the working metal.

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
        """
        if not 0 < filling < 1:
            raise ParameterError(f"A filling lies between 0 and 1, not at {filling:g}.")
        return float(self.surface_potential(filling, 0.0, temperature, values.__getitem__))


class InsertionHost(Host):
    """What reads the table of an insertion cathode: sites, or a measured curve."""

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Any:
        """Read a host: with ``ocv = "table"`` a measured curve, else sites.

        Parameters
        ----------
        table : mapping
            The ``network`` table of a parameter set.

        Returns
        -------
        Sites or Tabulated

        Raises
        ------
        ParameterError
            If the table is neither.

        Examples
        --------
        >>> InsertionHost.from_table({"host": "vanadium", "guest": "lithium",
        ...     "guest_per_host": 1.0, "sites": ["Step"]}).names
        ('Step',)
        """
        law = table.get("ocv", "sites")
        if law == "table":
            return Tabulated.from_table(table)
        if law != "sites":
            hint = did_you_mean(str(law), ("sites", "table"))
            raise ParameterError(
                f"There is no OCV law '{law}'; allowed: sites, table. {hint}"
            )
        return Sites.from_table({k: v for k, v in table.items() if k != "ocv"})
