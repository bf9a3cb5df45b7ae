"""The contract of a cathode: what its table answers, what its particle takes and gives.

A mechanism is two classes. A *host* holds what a set's table `[network]` says, and answers
what the rest of the program asks: it is an immutable value of names and numbers, not of
parameters. A *particle* is the PyBaMM submodel that runs it, one at every place of the
cathode; its class attribute ``host_type`` names the host, and it is built as
``Particle(host, distributed)``, where `distributed` says whether there is one particle for
each point of the domain ``"positive electrode"`` (places over the thickness, or classes of
size) or one for all. `CATHODES` is the menu of particles, with their
hosts, which are read without PyBaMM; another package adds its own by an entry point of the
group ``sscell_cathodes``.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Protocol, Self, TypeVar

from sscell.errors import DataError, ParameterError, SimulationError, did_you_mean
from sscell.physics.menu import Menu
from sscell.physics.quantity import Quantity

__all__ = [
    "CATHODES",
    "GIVES",
    "TAKES",
    "Host",
    "ask",
    "gives",
    "missing",
    "read_host",
    "takes",
]

CATHODES = Menu(
    "cathode model",
    "sscell_cathodes",
    {
        "conversion": "sscell.physics.cathodes.conversion:ConversionParticle",
        "insertion": "sscell.physics.cathodes.insertion:InsertionParticle",
        "activation": "sscell.physics.cathodes.activation:ActivatedParticle",
        "mixed": "sscell.physics.cathodes.mixed_hosts:MixedHostsParticle",
    },
    hosts={
        "conversion": "sscell.physics.cathodes.network:Network",
        "insertion": "sscell.physics.cathodes.tabulated:InsertionHost",
        "activation": "sscell.physics.cathodes.domains:Domains",
        "mixed": "sscell.physics.cathodes.mixed:MixedHosts",
    },
)

# Variables that a particle may use, beside its own and the parameters. Those per place have
# the domain "positive electrode" where particles differ.
TAKES = (
    # Per place: positive on discharge; all of it, whatever part of the surface touches.
    "Positive particle reduction current density [A.m-2]",
    "Contacted surface fraction",
    # Per place, and its square within the particle.
    "Positive particle radius [m]",
    "Positive particle squared radius [m2]",
    "Relative particle surface",
    # Of the whole cathode, constant.
    "Positive particle surface area [m2]",
    "Positive electrode host concentration [mol.m-3]",
    "Positive electrode host amount [mol]",
    "Positive electrode thickness [m]",
    # Wear: host in use per host at the start, its loss, and what lost host keeps.
    "Active host remaining",
    "Total host loss rate [s-1]",
    "Guest trapped",
    # Of the whole cell.
    "Arrhenius factor [mol.J-1]",
    "Full cycles rate [s-1]",
    "Full charges rate [s-1]",
    "Current [A]",
    "Current density [A.m-2]",
    "Discharge capacity [A.h]",
)

# Variables that a particle must give, whatever the options of the cell.
GIVES = (
    # Per place: the potential of the surface, against the working metal.
    "Positive particle surface potential [V]",
    # Of the cell as assembled, at rest: one number, where double layers start.
    "Positive particle initial potential [V]",
    # The particle's potential if its mean state were at rest; with `Host.budget` it adds up
    # to the mean surface potential.
    "Particle open-circuit contribution [V]",
    # Balances: 1 while none is lost; moles of guest per mole of host in all.
    "Host in phases",
    "Guest taken up",
    # Moles of guest in the host still active, per host that was active at the start.
    "Guest in active host",
    # Against the cell as assembled, per mole of host.
    "Active material volume change [m3.mol-1]",
)


class Host(Protocol):
    r"""What a cathode's table `[network]` describes, and all that is asked of it.

    Inherit from it: the answers below ``labels`` then have neutral defaults. A frozen
    dataclass of names, numbers and tuples is hashable and equal to what the same table
    gives again, as it must be: built models are kept by it. ``host`` and ``guest`` are
    fields, everything else is a property or a method.

    Attributes
    ----------
    host, guest : str
        Names of the conserved elements, such as ``"vanadium"`` and ``"lithium"``.

    Examples
    --------
    >>> import sscell
    >>> host = sscell.load("Liang2023").host
    >>> host.host, host.capacity, host.films
    ('vanadium', 1.0, ())
    """

    host: str
    guest: str

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Self:
        """Read the host from the ``network`` table of a parameter set.

        Parameters
        ----------
        table : mapping
            As the TOML file has it; empty where there is none.

        Returns
        -------
        Host

        Raises
        ------
        ParameterError
            If a key is missing or unknown, or a value not usable.
        """
        ...

    def quantities(self) -> tuple[Quantity, ...]:
        """Every parameter of this host, with bounds; with a default it may be left out."""
        ...

    def check(self, values: Mapping[str, float]) -> None:
        """Check what no single value can say.

        Parameters
        ----------
        values : mapping of str to float
            All parameter values of the set by name.

        Raises
        ------
        ParameterError
            If they contradict each other.
        """
        ...

    @property
    def capacity(self) -> float:
        """Electrons per mole of host between the emptiest and the fullest state [-]."""
        ...

    @property
    def phases(self) -> tuple[str, ...]:
        """Phases whose fractions a result shows; none where the guest is dissolved.

        For each the particle gives ``{phase} fraction``, of all host, and ``{phase}
        fraction profile``, of the active host; it may take ``Trapped {phase} fraction``.
        """
        ...

    @property
    def outputs(self) -> tuple[str, ...]:
        """Variables of the particle that belong in every result."""
        ...

    @property
    def budget(self) -> tuple[str, ...]:
        """Variables that lead from the open-circuit contribution to the surface potential."""
        ...

    @property
    def grading(self) -> float:
        """Exponent of the radial mesh, r = (i/n)^grading [-]: below 1, fine at the surface."""
        ...

    @property
    def labels(self) -> Mapping[str, str]:
        """What each reaction does, for figures, by its name."""
        return {}

    @property
    def films(self) -> tuple[str, ...]:
        """Interphases that the particle itself grows: variables [Ohm.m2 of its surface]."""
        return ()

    @property
    def irreversible(self) -> Mapping[str, str]:
        """Reactions that change the volume for good: name to reduction current [A]."""
        return {}

    @property
    def shares(self) -> tuple[tuple[str, ...], ...]:
        """Groups of parameters that add up to one; a fit moves each on its simplex."""
        return ()

    @property
    def content_tolerance(self) -> float:
        """Times a run's absolute tolerance that its contents and fractions may be off [-].

        They are of order one. One where the potential goes with the logarithm of the last
        of them. May be left out.
        """
        return 10.0

    def derived(self, values: Mapping[str, float]) -> Mapping[str, float]:
        """Parameters that follow from others, such as from a composition.

        Parameters
        ----------
        values : mapping of str to float
            Parameter values by name.

        Returns
        -------
        mapping of str to float
            Values by name, in the unit of the name.
        """
        return {}


_DEMANDED = (
    "quantities",
    "check",
    "host",
    "guest",
    "capacity",
    "phases",
    "outputs",
    "budget",
    "grading",
)
_WITH_DEFAULT = ("labels", "films", "irreversible", "shares", "derived")
_Answer = TypeVar("_Answer")


def gives(host: Host) -> tuple[str, ...]:
    """Names of all variables that the particle of a host must give.

    Parameters
    ----------
    host : Host
        With its phases, outputs, budget, films and irreversible reactions.

    Returns
    -------
    tuple of str
    """
    phases = [f"{p} {of}" for p in host.phases for of in ("fraction", "fraction profile")]
    own = (*host.outputs, *host.budget, *host.films, *host.irreversible.values())
    return tuple(dict.fromkeys((*GIVES, *phases, *own)))


def takes(host: Host) -> tuple[str, ...]:
    """Names of all variables that the particle of a host may use.

    Parameters
    ----------
    host : Host
        With its phases.

    Returns
    -------
    tuple of str
    """
    return (*TAKES, *(f"Trapped {phase} fraction" for phase in host.phases))


def missing(host: Host, variables: Iterable[str]) -> list[str]:
    """Names that a particle should have given and did not.

    Parameters
    ----------
    host : Host
        Of the particle.
    variables : iterable of str
        Of the built model.

    Returns
    -------
    list of str
    """
    known = set(variables)
    return [name for name in gives(host) if name not in known]


def ask(name: str, what: str, answer: Callable[[], _Answer]) -> _Answer:
    """Answer of a cathode; what goes wrong in its code says whose it is.

    Parameters
    ----------
    name : str
        The cathode's line in the menu.
    what : str
        What it was asked to do, such as ``"read its table"``.
    answer : callable
        Asks it.

    Returns
    -------
    object

    Raises
    ------
    ParameterError
        If it raises anything but an error of this package.

    Examples
    --------
    >>> ask("nernst", "read it", lambda: {}["potential"])
    Traceback (most recent call last):
    ...
    sscell.errors.ParameterError: The cathode 'nernst' could not read it: KeyError 'potential'.
    """
    try:
        return answer()
    except (ParameterError, DataError, SimulationError):
        raise
    except Exception as error:
        raise ParameterError(
            f"The cathode '{name}' could not {what}: {type(error).__name__} {error}."
        ) from error


def read_host(name: str, host_type: type[Host], table: Mapping[str, Any]) -> Host:
    """Host of a set's table, with every answer that is asked of it checked.

    Parameters
    ----------
    name : str
        The cathode's line in the menu.
    host_type : type
        Class that reads the table.
    table : mapping
        The set's `[network]`.

    Returns
    -------
    Host

    Raises
    ------
    ParameterError
        If the table does not hold, or an answer is missing or not usable.
    """
    host = ask(name, "read its table", lambda: host_type.from_table(table))
    if host is None:
        raise ParameterError(f"The host of the cathode '{name}' has no 'from_table'.")
    try:
        hash(host)
    except TypeError as error:
        raise ParameterError(
            f"The host of the cathode '{name}' must be hashable, such as a frozen dataclass "
            f"of tuples: {error}."
        ) from error
    _check_answers(name, host)
    return host


@lru_cache(maxsize=256)
def _check_answers(name: str, host: Host) -> None:
    """Check once for each host what it answers."""
    who = f"The host of the cathode '{name}'"
    _check_complete(who, host)

    def answer(of: str) -> Any:
        return ask(name, f"say '{of}'", lambda: getattr(host, of))

    for of in ("host", "guest"):
        if not isinstance(answer(of), str) or not answer(of):
            raise ParameterError(f"{who} says '{of}' is {answer(of)!r}, which is no name.")
    for of in ("capacity", "grading"):
        value = answer(of)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not 0 < value < math.inf:
            raise ParameterError(
                f"{who} says '{of}' is {value!r}; allowed: a number above 0."
            )
    for of in ("phases", "outputs", "budget", "films"):
        if not _names(answer(of)):
            raise ParameterError(f"{who} says '{of}' is {answer(of)!r}, no tuple of names.")
    for of in ("labels", "irreversible"):
        told = answer(of)
        if not isinstance(told, Mapping) or not _names((*told, *told.values())):
            raise ParameterError(f"{who} says '{of}' is {told!r}, no names by name.")
    known = _check_quantities(who, ask(name, "say its quantities", host.quantities))
    for group in answer("shares"):
        strange = [n for n in group if n not in known]
        if not _names(group) or strange:
            hint = did_you_mean(strange[0], known) if strange else ""
            raise ParameterError(f"{who} shares {group!r}, no tuple of quantities. {hint}")


def _check_complete(who: str, host: Host) -> None:
    known = set(dir(host))
    lacks = [
        name
        for name in _DEMANDED
        if name not in known or getattr(type(host), name, None) is vars(Host).get(name, who)
    ]
    if lacks:
        raise ParameterError(f"{who} does not say {', '.join(map(repr, lacks))}.")
    silent = [name for name in _WITH_DEFAULT if name not in known]
    if silent:
        raise ParameterError(
            f"{who} does not say {', '.join(map(repr, silent))}; a class that inherits from "
            "'sscell.physics.cathodes.host.Host' has neutral defaults."
        )


def _check_quantities(who: str, rows: Any) -> set[str]:
    listed = isinstance(rows, list | tuple) and all(isinstance(q, Quantity) for q in rows)
    if not listed:
        raise ParameterError(f"{who} says its quantities are {rows!r}, no tuple of them.")
    for name, count in Counter(q.name for q in rows).items():
        if count > 1:
            raise ParameterError(f"{who} names the quantity '{name}' {count} times.")
    for q in rows:
        if not q.lower <= q.upper:
            raise ParameterError(
                f"{who} allows '{q.name}' from {q.lower:g} to {q.upper:g}."
            )
        if q.default is not None and not q.lower <= q.default <= q.upper:
            raise ParameterError(
                f"{who} has the default {q.default:g} for '{q.name}'; allowed: {q.lower:g} to "
                f"{q.upper:g}."
            )
    return {q.name for q in rows}


def _names(told: Any) -> bool:
    return isinstance(told, tuple) and all(isinstance(name, str) and name for name in told)
