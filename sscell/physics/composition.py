"""Submodels that a set's table `[physics]` asks for, composed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sscell.errors import ParameterError, did_you_mean
from sscell.physics import conduction, mixed_conduction, sizes
from sscell.physics.anode import PlateauAnode
from sscell.physics.cathodes.activation import ActivatedParticle
from sscell.physics.cathodes.conversion import ConversionParticle
from sscell.physics.cathodes.domains import Domains
from sscell.physics.cathodes.insertion import InsertionParticle
from sscell.physics.cathodes.mixed import MixedHosts
from sscell.physics.cathodes.mixed_hosts import MixedHostsParticle
from sscell.physics.cathodes.network import Network
from sscell.physics.cathodes.tabulated import InsertionHost
from sscell.physics.contact import Contact, NoContact
from sscell.physics.degradation import Degradation, NoDegradation
from sscell.physics.electrolyte_redox import ElectrolyteRedox
from sscell.physics.interface import Interface
from sscell.physics.quantity import Quantity
from sscell.physics.separator import SeparatorLayers
from sscell.physics.side_reaction import CURRENT, SideReaction

__all__ = ["Composition"]

_ANODES: dict[str, Any] = {"plateau": PlateauAnode}
# A cathode's menu line: what reads its table, and the submodel that runs it.
_CATHODES: dict[str, tuple[Any, Any]] = {
    "conversion": (Network, ConversionParticle),
    "insertion": (InsertionHost, InsertionParticle),
    "activation": (Domains, ActivatedParticle),
    "mixed": (MixedHosts, MixedHostsParticle),
}
# How the cathode conducts: the closure, and what a set says about it.
_CONDUCTIONS: dict[str, tuple[Any, Any]] = {
    "composite": (conduction.composite_conductivities, conduction.quantities),
    "mixed": (mixed_conduction.mixed_conductivities, mixed_conduction.quantities),
}
_REDOX_CURRENT = "Electrolyte redox current [A]"


@dataclass(frozen=True, eq=False)
class Composition:
    """Physics that a set names: what is built, and what may be said about it.

    Parameters
    ----------
    physics : mapping
        The set's table `[physics]`.
    network : mapping, optional
        The cathode's own table.

    Raises
    ------
    ParameterError
        When asked for physics that is not on the menu.

    Examples
    --------
    >>> Composition({"anode": "plateau", "separator": ["Near", "Far"]}).layers
    ('Near', 'Far')
    """

    physics: Mapping[str, Any]
    network: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def host(self) -> Any:
        """What the cathode's table describes, such as a reaction network."""
        reader, _ = _choose(_CATHODES, self.physics.get("cathode"), "cathode model")
        return reader.from_table(self.network)

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the separator layers, from the anode on."""
        return tuple(self.physics.get("separator", ["Separator"]))

    @property
    def has_redox(self) -> bool:
        """Whether the catholyte reacts beside the active material."""
        return bool(self.physics.get("electrolyte_redox", False))

    @property
    def has_side_reaction(self) -> bool:
        """Whether charge goes elsewhere at the cathode, without an end."""
        return bool(self.physics.get("side_reaction", False))

    @property
    def has_degradation(self) -> bool:
        """Whether host, interphase and contact wear out."""
        return bool(self.physics.get("degradation", False))

    @property
    def conduction(self) -> str:
        """How the cathode conducts: ``"composite"``, or ``"mixed"`` by its own material."""
        return str(self.physics.get("conduction", "composite"))

    @property
    def has_contact(self) -> bool:
        """Whether the stack pressure and the strain decide how much of the cathode touches."""
        return bool(self.physics.get("contact", False))

    @property
    def size_classes(self) -> int:
        """Classes of particles of equal volume and different size; 0: all alike."""
        return int(self.physics.get("particle_sizes", 0))

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
        _, particle = _choose(_CATHODES, self.physics.get("cathode"), "cathode model")
        anode = _choose(_ANODES, self.physics.get("anode"), "anode model")
        closure, _ = _choose(_CONDUCTIONS, self.conduction, "conduction")
        wear = Degradation if self.has_degradation else NoDegradation
        sized = self.size_classes > 0
        several = distributed or sized
        reacts = self.has_redox or self.has_side_reaction
        implicit = several or double_layer or reacts
        films = getattr(self.host, "films", ())
        beside = (CURRENT,) if self.has_side_reaction else ()
        parts = {
            "negative electrode": anode(double_layer),
            "separator": SeparatorLayers(self.layers, double_layer),
            "positive electrode": conduction.DistributedCathode(closure)
            if distributed
            else conduction.LumpedCathode(implicit, closure),
            "positive interface": Interface(
                implicit, double_layer, self.has_redox, several, sized, films, beside
            ),
            "positive particle": particle(self.host, several),
            "positive degradation": wear(self.host.phases),
            "positive contact": Contact(self.layers, self.irreversible)
            if self.has_contact
            else NoContact(),
        }
        if self.has_redox:
            parts["electrolyte redox"] = ElectrolyteRedox(several)
        if self.has_side_reaction:
            parts["side reaction"] = SideReaction(several)
        return parts

    @property
    def irreversible(self) -> dict[str, str]:
        """Reactions that change the volume for good, and their reduction currents."""
        beside = {"Electrolyte oxidation": _REDOX_CURRENT} if self.has_redox else {}
        return beside | getattr(self.host, "irreversible", {})

    @property
    def structure(self) -> tuple[Any, ...]:
        """What a built model depends on: everything else is an input of it."""
        return (
            self.physics.get("anode"),
            self.layers,
            self.physics.get("cathode"),
            self.host,
            self.conduction,
            self.has_redox,
            self.has_side_reaction,
            self.has_degradation,
            self.has_contact,
            self.size_classes,
        )

    @cached_property
    def quantities(self) -> tuple[Quantity, ...]:
        """Everything that a set may say about this physics, beside what all cells have."""
        anode = _choose(_ANODES, self.physics.get("anode"), "anode model")
        _, conducting = _choose(_CONDUCTIONS, self.conduction, "conduction")
        return (
            *anode.quantities(),
            *SeparatorLayers.quantities(self.layers),
            *Interface.quantities(),
            *conducting(),
            *(ElectrolyteRedox.quantities() if self.has_redox else ()),
            *(SideReaction.quantities() if self.has_side_reaction else ()),
            *(Degradation.quantities() if self.has_degradation else ()),
            *(self.contact_quantities() if self.has_contact else ()),
            *(sizes.quantities() if self.size_classes else ()),
            *self.host.quantities(),
        )

    def contact_quantities(self) -> tuple[Quantity, ...]:
        """What a set may say of contact under pressure, whether it has any or not."""
        return tuple(Contact.quantities([*self.irreversible]))


def _choose(menu: Mapping[str, Any], key: Any, what: str) -> Any:
    if key not in menu:
        raise ParameterError(f"There is no {what} '{key}'. {did_you_mean(str(key), menu)}")
    return menu[key]
