"""Anodes of particles: what holds the guest, and what a set may say about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sscell.errors import ParameterError, did_you_mean
from sscell.physics.curves import Potential
from sscell.physics.quantity import Quantity, positive_number
from sscell.units import FARADAY

__all__ = ["AnodeHost"]

_I0 = "Negative electrode exchange-current density"
_D = "Negative particle diffusivity"
_ION = "Negative electrode effective ionic conductivity"
_KEYS = ("guest_per_host", "table")


@dataclass(frozen=True)
class AnodeHost:
    """What holds the guest in an anode of particles.

    Parameters
    ----------
    guest_per_host : float
        Moles of guest per mole of host at a filling of one [-].
    potential : Potential
        Against the working metal.

    Examples
    --------
    >>> table = {"guest_per_host": 1 / 6, "table": {
    ...     "filling": [0.0, 0.5, 1.0], "potential": [0.8, 0.12, 0.05]}}
    >>> round(float(AnodeHost.from_table(table).potential(0.5)), 6)
    0.12
    """

    guest_per_host: float
    potential: Potential

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> AnodeHost:
        """Read the table ``[anode]`` of a parameter set.

        Parameters
        ----------
        table : mapping
            ``guest_per_host`` [-] and ``table``, columns as for
            `sscell.physics.curves.Potential.from_table`.

        Returns
        -------
        AnodeHost

        Raises
        ------
        ParameterError
            If a key is missing or unknown, or the table is none.
        """
        for key in table:
            if key not in _KEYS:
                raise ParameterError(
                    f"The anode has an unknown key '{key}'. {did_you_mean(key, _KEYS)}"
                )
        for key in _KEYS:
            if key not in table:
                raise ParameterError(f"The anode has no '{key}'.")
        amount = positive_number("guest_per_host", table["guest_per_host"])
        if not isinstance(table["table"], Mapping):
            raise ParameterError("The anode's 'table' must have columns of numbers.")
        return cls(amount, Potential.from_table(table["table"]))

    def quantities(self) -> tuple[Quantity, ...]:
        """What a parameter set says about the anode."""
        surface, layer = "per particle surface", "of the anode layer"
        hysteresis = (
            Quantity(
                "Negative particle hysteresis rate constant",
                "per filling: how soon a branch is reached",
                1,
                1e3,
                20.0,
            ),
            Quantity(
                "Initial negative particle hysteresis state",
                "-1: while the guest goes in, 1: while it goes out",
                -1,
                1,
                0.0,
            ),
        )
        return (
            Quantity("Negative electrode mass [kg]", layer, 1e-9, 1),
            Quantity(
                "Negative electrode active material mass fraction", layer, 1e-3, 1, 1.0
            ),
            Quantity("Negative electrode active material density [kg.m-3]", "", 100, 2e4),
            Quantity(
                "Negative electrode active material molar mass [kg.mol-1]",
                "per mole of host atoms",
                1e-3,
                2.0,
            ),
            Quantity("Negative electrode thickness [m]", layer, 1e-7, 1e-2),
            Quantity("Initial negative electrode filling", "as assembled", 0, 1),
            Quantity("Negative electrode OCP offset [V]", "to the table", -0.5, 0.5, 0.0),
            Quantity(
                "Negative electrode OCP entropic change [V.K-1]", "dU/dT", -0.01, 0.01, 0.0
            ),
            Quantity("Negative particle radius [m]", "of the active material", 1e-9, 1e-3),
            Quantity(f"{_D} [m2.s-1]", "of the guest", 1e-24, 1e-8),
            Quantity(f"{_D} activation energy [J.mol-1]", "Arrhenius", 0, 3e5),
            Quantity(f"{_I0} [A.m-2]", surface, 1e-8, 1e6),
            Quantity(f"{_I0} activation energy [J.mol-1]", "Arrhenius", 0, 3e5),
            Quantity(
                "Negative electrode interphase resistance [Ohm.m2]", surface, 0, 1e3, 0.0
            ),
            Quantity(
                "Negative electrode double-layer capacity [F.m-2]", surface, 1e-6, 1e4, 0.1
            ),
            Quantity(f"{_ION} [S.m-1]", layer, 1e-8, 1e4),
            Quantity(f"{_ION} activation energy [J.mol-1]", "Arrhenius", 0, 2e5),
            Quantity(
                "Negative electrode molar volume [m3.mol-1]",
                "lost per mole of guest taken out",
                0,
                1e-3,
                0.0,
            ),
            *(hysteresis if self.potential.has_hysteresis else ()),
        )

    def capacity(self, values: Mapping[str, float]) -> float:
        """Charge between an empty and a full anode [A.h].

        Parameters
        ----------
        values : mapping of str to float
            Parameter values by name.

        Returns
        -------
        float
        """
        moles = (
            values["Negative electrode mass [kg]"]
            * values["Negative electrode active material mass fraction"]
            / values["Negative electrode active material molar mass [kg.mol-1]"]
        )
        return moles * self.guest_per_host * FARADAY / 3600

    @property
    def outputs(self) -> tuple[str, ...]:
        """Model variables that belong in every result."""
        own = (
            "Negative electrode potential [V]",
            "Negative electrode plating potential [V]",
            "Negative electrode transport overpotential [V]",
            "Negative electrode guest balance residual",
        )
        state = (
            ("Negative particle hysteresis state",) if self.potential.has_hysteresis else ()
        )
        return own + state
