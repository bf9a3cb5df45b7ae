"""Submodels of a cell, put together as its composition names them: this brings PyBaMM."""

from __future__ import annotations

from typing import Any

from sscell.physics.anode import PlateauAnode
from sscell.physics.blocking import BlockingElectrode
from sscell.physics.cathodes.host import CATHODES
from sscell.physics.composition import Composition
from sscell.physics.conduction import (
    DistributedCathode,
    LumpedCathode,
    composite_conductivities,
)
from sscell.physics.contact import Contact, NoContact
from sscell.physics.degradation import Degradation, NoDegradation
from sscell.physics.electrolyte_redox import ElectrolyteRedox
from sscell.physics.interface import Interface
from sscell.physics.mixed_conduction import mixed_conductivities
from sscell.physics.quantities.anodes import ANODES
from sscell.physics.separator import SeparatorLayers
from sscell.physics.side_reaction import CURRENT, SideReaction
from sscell.physics.symmetric import SymmetricComposition
from sscell.physics.voids import Voids

__all__ = ["assemble", "assemble_symmetric"]

_CLOSURES = {"composite": composite_conductivities, "mixed": mixed_conductivities}
_ELECTRODES: dict[str, Any] = {"plateau": PlateauAnode, "blocking": BlockingElectrode}


def assemble(parts: Composition, distributed: bool, double_layer: bool) -> dict[str, Any]:
    """New submodels of a cell with a composite cathode, by PyBaMM's names for them.

    Parameters
    ----------
    parts : Composition
        What the cell consists of.
    distributed : bool
        Whether the cathode is resolved over its thickness.
    double_layer : bool
        Whether double layers and grain boundaries are charged.

    Returns
    -------
    dict of str to pybamm.BaseSubModel
    """
    closure = _CLOSURES[parts.conduction]
    wear = Degradation if parts.has_degradation else NoDegradation
    sized = parts.size_classes > 0
    several = distributed or sized
    reacts = parts.has_redox or parts.has_side_reaction
    implicit = several or double_layer or reacts
    beside = (CURRENT,) if parts.has_side_reaction else ()
    anode = ANODES.choose(parts.physics.get("anode"))
    particle = CATHODES.choose(parts.cathode)
    submodels = {
        "negative electrode": anode(double_layer)
        if parts.anode_host is None
        else anode(double_layer, parts.anode_host),
        "separator": SeparatorLayers(parts.layers, double_layer),
        "positive electrode": DistributedCathode(closure)
        if distributed
        else LumpedCathode(implicit, closure),
        "positive interface": Interface(
            implicit,
            double_layer,
            parts.has_redox,
            several,
            sized,
            parts.host.films,
            beside,
        ),
        "positive particle": particle(parts.host, several),
        "positive degradation": wear(parts.host.phases),
        "positive contact": Contact(parts.layers, parts.irreversible)
        if parts.has_contact
        else NoContact(),
    }
    if parts.has_redox:
        submodels["electrolyte redox"] = ElectrolyteRedox(several)
    if parts.has_side_reaction:
        submodels["side reaction"] = SideReaction(several)
    return submodels


def assemble_symmetric(parts: SymmetricComposition, double_layer: bool) -> dict[str, Any]:
    """New submodels of two like electrodes and the separator between them.

    Parameters
    ----------
    parts : SymmetricComposition
        What the cell consists of.
    double_layer : bool
        Whether double layers and grain boundaries are charged.

    Returns
    -------
    dict of str to pybamm.BaseSubModel
    """
    electrode = _ELECTRODES[parts.electrode]
    sides = ("negative", "positive")
    return {
        **({f"{s} voids": Voids(s) for s in sides} if parts.voids else {}),
        "negative electrode": electrode(double_layer),
        "separator": SeparatorLayers(parts.layers, double_layer),
        "positive electrode": electrode(double_layer, "positive"),
    }
