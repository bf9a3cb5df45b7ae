"""Symmetric cells: two like electrodes of metal, alloy or a blocking one, and a separator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from sscell.errors import ParameterError, did_you_mean
from sscell.physics.cathodes.host import Host
from sscell.physics.quantities import anodes, transport
from sscell.physics.quantity import Quantity

__all__ = ["LikeElectrodes", "SymmetricComposition"]

_VOID_SERIES = tuple(
    f"{side} electrode {what}"
    for side in ("Negative", "Positive")
    for what in ("contact fraction", "critical stripping current [A.m-2]")
)

_ELECTRODES = {"plateau": anodes.plateau, "blocking": anodes.blocking}


@dataclass(frozen=True)
class LikeElectrodes(Host):
    """What is asked of a cathode's host, where there is no composite: nothing in particular.

    Parameters
    ----------
    guest : str
        What the electrodes exchange.
    host : str, optional
        What it moves through.
    voids : bool, optional
        Whether stripping opens voids.

    Examples
    --------
    >>> LikeElectrodes("sodium").phases
    ()
    """

    guest: str
    host: str = "electrolyte"
    voids: bool = False

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Self:
        """Read the guest."""
        return cls(str(table["guest"]))

    def quantities(self) -> tuple[Quantity, ...]:
        """None."""
        return ()

    def check(self, values: Mapping[str, float]) -> None:
        """Find nothing to check."""

    @property
    def capacity(self) -> float:
        """One electron per guest [-]."""
        return 1.0

    @property
    def phases(self) -> tuple[str, ...]:
        """None."""
        return ()

    @property
    def outputs(self) -> tuple[str, ...]:
        """State of both electrodes."""
        return ("Positive electrode inventory", *(_VOID_SERIES if self.voids else ()))

    @property
    def budget(self) -> tuple[str, ...]:
        """Nothing beside the electrodes' own."""
        return ()

    @property
    def grading(self) -> float:
        """An even mesh [-]."""
        return 1.0


@dataclass(frozen=True, eq=False)
class SymmetricComposition:
    """Physics of a symmetric cell: what is built, and what may be said about it.

    Parameters
    ----------
    physics : mapping
        The set's table `[physics]`, with ``symmetric = true``.
    guest : str, optional
        What the electrodes exchange.

    Raises
    ------
    ParameterError
        When asked for physics that a symmetric cell does not have.

    Examples
    --------
    >>> SymmetricComposition({"symmetric": True, "anode": "blocking"}).layers
    ('Separator',)
    """

    physics: Mapping[str, Any]
    guest: str = "lithium"

    # What full cells may have and these do not.
    anode_host = None
    has_redox = has_side_reaction = has_degradation = has_contact = False
    conduction = "composite"
    size_classes = 0

    @cached_property
    def host(self) -> LikeElectrodes:
        """Neutral answers to what is asked of a cathode."""
        return LikeElectrodes(self.guest, voids=self.voids)

    @property
    def electrode(self) -> str:
        """``"plateau"`` for a metal or an alloy, ``"blocking"`` for one that takes no ions."""
        return str(self.physics.get("anode"))

    @property
    def voids(self) -> bool:
        """Whether stripping opens voids at the electrodes."""
        return bool(self.physics.get("voids"))

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the separator layers."""
        return tuple(self.physics.get("separator", ["Separator"]))

    def check(self, values: Mapping[str, float]) -> None:
        """Refuse physics of a composite cathode.

        Parameters
        ----------
        values : mapping of str to float
            All parameter values by name.

        Raises
        ------
        ParameterError
            If the table asks for any.
        """
        allowed = {"symmetric", "anode", "separator", "conduction", "voids"}
        neutral = {"", "composite", False, None}
        strange = [
            k for k, v in self.physics.items() if k not in allowed and v not in neutral
        ]
        if strange:
            raise ParameterError(
                f"A symmetric cell has no '{strange[0]}': it has two electrodes of one kind "
                "and a separator."
            )
        if self.voids and self.electrode != "plateau":
            raise ParameterError("Only a metal that is stripped has voids.")
        if self.voids and not values["Negative electrode molar volume [m3.mol-1]"]:
            raise ParameterError(
                "Voids need the 'Negative electrode molar volume [m3.mol-1]' of what is "
                "stripped."
            )

    def derived(self, values: Mapping[str, float]) -> dict[str, float]:
        """Values that follow from others: none.

        Parameters
        ----------
        values : mapping of str to float
            By name, in the units of the names.

        Returns
        -------
        dict of str to float
            Empty.
        """
        return {}

    def submodels(
        self, distributed: bool = False, double_layer: bool = False
    ) -> dict[str, Any]:
        """New submodels of both electrodes and the separator.

        Parameters
        ----------
        distributed : bool, optional
            Without a meaning here.
        double_layer : bool, optional
            Whether double layers and grain boundaries are charged.

        Returns
        -------
        dict of str to pybamm.BaseSubModel
        """
        from sscell.physics.assembly import assemble_symmetric  # brings PyBaMM

        return assemble_symmetric(self, double_layer)

    @property
    def sources(self) -> tuple[str, str]:
        """No code of another package."""
        return "", ""

    @property
    def structure(self) -> tuple[Any, ...]:
        """What a built model depends on."""
        return ("symmetric", self.electrode, self.layers, self.voids)

    @cached_property
    def quantities(self) -> tuple[Quantity, ...]:
        """Everything that a set may say about electrodes and separator."""
        if self.electrode not in _ELECTRODES:
            hint = did_you_mean(self.electrode, _ELECTRODES)
            raise ParameterError(
                f"There is no electrode of a symmetric cell '{self.electrode}'. {hint}"
            )
        return (
            *_ELECTRODES[self.electrode](),
            *transport.separator(self.layers),
            *(anodes.voids() if self.voids else ()),
        )

    def contact_quantities(self) -> tuple[Quantity, ...]:
        """None: the electrodes touch everywhere."""
        return ()
