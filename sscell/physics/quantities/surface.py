"""What a set may say about the surface of the cathode's particles."""

from __future__ import annotations

from collections.abc import Mapping

from sscell.errors import ParameterError
from sscell.physics.quantity import Quantity

__all__ = ["check_redox", "interface", "redox", "side_reaction", "sizes"]

_I0 = "Positive electrode exchange-current density"
_SIDE = "Side reaction"
_FRACTION = "Positive electrode electrolyte mass fraction"
_CAPACITY = "Electrolyte oxidation capacity [A.h.kg-1]"
_NEVER = -10.0  # V: an onset below all potentials, where the factor is one


def interface() -> tuple[Quantity, ...]:
    """What a parameter set says about the surface of the active material."""
    return (
        Quantity("Positive particle radius [m]", "of the active material", 1e-9, 1e-3),
        Quantity(f"{_I0} [A.m-2]", "per particle surface", 1e-8, 1e6),
        Quantity(f"{_I0} activation energy [J.mol-1]", "Arrhenius", 0, 3e5),
        Quantity(
            "Positive electrode interphase resistance [Ohm.m2]",
            "per particle surface",
            0,
            1e3,
            0.0,
        ),
        Quantity(
            "Positive electrode interphase activation energy [J.mol-1]",
            "Arrhenius, of all interphase on the active material",
            0,
            3e5,
            0.0,
        ),
        Quantity(
            "Positive electrode double-layer capacity [F.m-2]",
            "per particle surface",
            1e-6,
            1e4,
            0.1,
        ),
        Quantity(
            "Positive electrode surface storage capacity [F.m-2]",
            "capacitive storage per particle surface, beside the double layer",
            0,
            1e6,
            0.0,
        ),
    )


def redox() -> tuple[Quantity, ...]:
    """What a parameter set says about the oxidation of the catholyte."""
    name = "Electrolyte oxidation"
    return (
        Quantity(f"{name} potential [V]", "against the working metal", 0, 6),
        Quantity(
            f"{name} onset potential [V]",
            "where it stops; far below all potentials: nowhere",
            _NEVER,
            6,
            _NEVER,
        ),
        Quantity(
            _CAPACITY,
            "per mass of electrolyte in the cathode",
            0,
            1e3,
        ),
        Quantity(
            f"{name} current density [A.m-2]",
            "per particle surface, at that potential",
            1e-12,
            1e3,
        ),
        Quantity(f"{name} transfer coefficient", "Tafel", 0.05, 1),
        Quantity(f"{name} activation energy [J.mol-1]", "Arrhenius", 0, 3e5),
        Quantity(
            f"{name} interphase resistance [Ohm.m2]",
            "per particle surface, once all of it is oxidised",
            0,
            1e3,
            0.0,
        ),
    )


def check_redox(values: Mapping[str, float]) -> None:
    """Check that there is something to oxidise.

    Parameters
    ----------
    values : mapping of str to float
        Parameter values by name.

    Raises
    ------
    ParameterError
        If the cathode has no electrolyte, or the electrolyte no capacity.
    """
    for name in (_FRACTION, _CAPACITY):
        if not values[name] > 0:
            raise ParameterError(
                f"'{name}' must be above 0 where the electrolyte reacts, not "
                f"{values[name]:g}."
            )


def side_reaction() -> tuple[Quantity, ...]:
    """What a parameter set says about the side reaction: neutral by default."""
    return (
        Quantity(
            f"{_SIDE} exchange-current density [A.m-2]",
            "per particle surface, at its potential",
            0,
            1e3,
            0.0,
        ),
        Quantity(f"{_SIDE} potential [V]", "against the working metal", 0, 6, 4.0),
        Quantity(f"{_SIDE} transfer coefficient", "Tafel", 0.01, 1, 0.5),
        Quantity(f"{_SIDE} activation energy [J.mol-1]", "Arrhenius", 0, 3e5, 0.0),
        Quantity(
            f"{_SIDE} growth",
            "relative change per charge of 1C in an hour that is gone",
            -1e3,
            1e3,
            0.0,
        ),
    )


def sizes() -> tuple[Quantity, ...]:
    """What a parameter set says about the sizes of its particles."""
    text = "standard deviation of ln(radius) by volume; the radius is then the median"
    return (Quantity("Positive particle radius spread", text, 0, 1.5, 0.0),)
