"""Submodels that a set's table `[physics]` asks for, composed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sscell.errors import ParameterError, did_you_mean
from sscell.physics import additives
from sscell.physics.cathodes.host import CATHODES, Host, ask, missing, read_host, takes
from sscell.physics.quantities import surface, transport, wear
from sscell.physics.quantities.anodes import ANODE_GIVES, ANODES
from sscell.physics.quantities.insertion_anode import AnodeHost
from sscell.physics.quantity import Quantity

__all__ = ["Composition"]

# How the cathode conducts, and what a set says about it.
_CONDUCTIONS: dict[str, Callable[[], tuple[Quantity, ...]]] = {
    "composite": transport.composite,
    "mixed": transport.mixed,
}
_ANODE_OCP = "Negative electrode OCP [V]"
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
    anode : mapping, optional
        The anode's own table, where its model reads one.

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
    anode: Mapping[str, Any] = field(default_factory=dict)

    @property
    def cathode(self) -> str:
        """The cathode's line in the menu."""
        return str(self.physics.get("cathode"))

    @cached_property
    def anode_host(self) -> AnodeHost | None:
        """What the anode's table describes, where its model reads one."""
        kind = ANODES.host(self.physics.get("anode"))
        if kind is not None:
            return kind.from_table(self.anode)
        if self.anode:
            raise ParameterError(
                f"The anode '{self.physics.get('anode')}' reads no table [anode]."
            )
        return None

    @cached_property
    def host(self) -> Host:
        """What the cathode's table describes, such as a reaction network."""
        kind = CATHODES.host(self.cathode)
        if kind is None:
            raise ParameterError(f"The cathode '{self.cathode}' has no 'host_type'.")
        return read_host(self.cathode, kind, self.network)

    def check(self, values: Mapping[str, float]) -> None:
        """Check what no single value can say: of the catholyte, and by the host.

        Parameters
        ----------
        values : mapping of str to float
            All parameter values by name.

        Raises
        ------
        ParameterError
            If they contradict each other.
        """
        if self.has_redox:
            surface.check_redox(values)
        ask(self.cathode, "check its values", lambda: self.host.check(values))
        if self.conduction == "composite":
            transport.check_paths(values)

    def derived(self, values: Mapping[str, float]) -> dict[str, float]:
        """Values that host and additives derive from others, such as from a composition.

        Parameters
        ----------
        values : mapping of str to float
            All parameter values by name.

        Returns
        -------
        dict of str to float
            By name, in the unit of the name.

        Raises
        ------
        ParameterError
            If one is no finite number, or of no parameter of this cell.
        """
        found = ask(
            self.cathode, "derive its values", lambda: dict(self.host.derived(values))
        )
        found |= additives.derived(self.additives, values)
        for name, value in found.items():
            number = isinstance(value, int | float) and math.isfinite(value)
            if not number or name not in values:
                raise ParameterError(
                    f"The cathode '{self.cathode}' derives {value!r} for '{name}': no finite "
                    "number of a parameter of this cell."
                )
        return found

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

    @property
    def additives(self) -> tuple[str, ...]:
        """Names of what is added to the active material, whose content decides values."""
        return tuple(self.physics.get("additives", ()))

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
        from sscell.physics.assembly import assemble  # brings PyBaMM

        return assemble(self, distributed, double_layer)

    @property
    def irreversible(self) -> dict[str, str]:
        """Reactions that change the volume for good, and their reduction currents."""
        beside = {"Electrolyte oxidation": _REDOX_CURRENT} if self.has_redox else {}
        return beside | dict(self.host.irreversible)

    def unkept(self, variables: Mapping[str, Any]) -> str:
        """Say which part does not give what it must.

        Parameters
        ----------
        variables : mapping of str to symbol
            Of the model.

        Returns
        -------
        str
            One sentence; nothing if all is there.
        """
        lacks = [name for name in ANODE_GIVES if name not in variables]
        if lacks:
            who = f"The anode '{self.physics.get('anode')}'"
        else:
            lacks = missing(self.host, variables)
            who = f"The particle of the cathode '{self.cathode}'"
        return f"{who} does not give {', '.join(map(repr, lacks))}." if lacks else ""

    def why_not(self, particle: Any, variables: Mapping[str, Any]) -> str:
        """Say why a model could not be built, as far as its cathode or anode is at fault.

        Parameters
        ----------
        particle : pybamm.BaseSubModel
            Of the model.
        variables : mapping of str to symbol
            What the parts gave until then.

        Returns
        -------
        str
            One sentence; nothing if neither is.
        """
        try:
            own = particle.get_coupled_variables(dict(variables))
        except KeyError as error:
            name = str(error.args[0])
            if name in ANODE_GIVES:
                return self.unkept(variables)
            hint = did_you_mean(name, {*takes(self.host), *variables})
            return (
                f"The particle of the cathode '{self.cathode}' uses '{name}', which there is "
                f"not. {hint}"
            )
        return self.unkept({**variables, **own})

    @cached_property
    def sources(self) -> tuple[str, str]:
        """Digests of the code of anode and cathode, where another package gives them."""
        return ANODES.source(self.physics.get("anode")), CATHODES.source(self.cathode)

    @property
    def structure(self) -> tuple[Any, ...]:
        """What a built model depends on: everything else is an input of it."""
        return (
            self.physics.get("anode"),
            self.anode_host,
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
        conducting = _choose(_CONDUCTIONS, self.conduction, "conduction")
        additives.check(self.additives, self.has_degradation)
        host = self.anode_host
        anode = (
            ANODES.quantities(self.physics.get("anode"))
            if host is None
            else host.quantities()
        )
        if host is None and _ANODE_OCP not in (q.name for q in anode):
            raise ParameterError(
                f"The anode '{self.physics.get('anode')}' has no quantity '{_ANODE_OCP}'."
            )
        return (
            *anode,
            *transport.separator(self.layers),
            *surface.interface(),
            *conducting(),
            *(surface.redox() if self.has_redox else ()),
            *(surface.side_reaction() if self.has_side_reaction else ()),
            *(wear.degradation() if self.has_degradation else ()),
            *(self.contact_quantities() if self.has_contact else ()),
            *(surface.sizes() if self.size_classes else ()),
            *(additives.quantities(self.additives) if self.additives else ()),
            *self.host.quantities(),
        )

    def contact_quantities(self) -> tuple[Quantity, ...]:
        """What a set may say of contact under pressure, whether it has any or not."""
        return wear.contact([*self.irreversible])


def _choose(menu: Mapping[str, Any], key: Any, what: str) -> Any:
    if key not in menu:
        raise ParameterError(f"There is no {what} '{key}'. {did_you_mean(str(key), menu)}")
    return menu[key]
