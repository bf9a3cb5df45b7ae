"""Anodes: the menu of them, and what a set may say about metal that strips and plates."""

from __future__ import annotations

from sscell.physics.menu import Menu
from sscell.physics.quantity import Quantity

__all__ = ["ANODES", "ANODE_GIVES", "blocking", "plateau", "voids"]

# An anode is built as ``Anode(double_layer)`` and has a static ``quantities()``; one with a
# table of its own names what reads it as ``host_type``, is built as ``Anode(double_layer,
# host)`` and leaves ``quantities()``, ``capacity(values)`` and ``outputs`` to that.
ANODES = Menu(
    "anode model",
    "sscell_anodes",
    {
        "plateau": "sscell.physics.anode:PlateauAnode",
        "insertion": "sscell.physics.insertion_anode:InsertionAnode",
    },
    hosts={"insertion": "sscell.physics.quantities.insertion_anode:AnodeHost"},
    said={"plateau": "sscell.physics.quantities.anodes:plateau"},
)
# Variables that an anode must give; losses are positive on discharge.
ANODE_GIVES = (
    "Negative electrode inventory",
    "Negative electrode open-circuit potential [V]",
    "Negative electrode reaction overpotential [V]",
    "Negative electrode interphase overpotential [V]",
    "Negative electrode thickness change [m]",
)

_I0 = "Negative electrode exchange-current density"
_VOID = "Negative electrode void"
_SUPPLY = f"{_VOID} supply"


def plateau() -> tuple[Quantity, ...]:
    """What a parameter set says about the anode."""
    return (
        Quantity("Negative electrode OCP [V]", "against the working metal", -0.5, 4.0),
        Quantity(
            "Negative electrode OCP entropic change [V.K-1]", "dU/dT", -0.01, 0.01, 0.0
        ),
        Quantity("Negative electrode mass [kg]", "zero: not known", 0, 1, 0.0),
        Quantity(
            "Negative electrode specific capacity [A.h.kg-1]",
            "per mass of all of it; zero: not known",
            0,
            1e4,
            0.0,
        ),
        Quantity("Negative electrode density [kg.m-3]", "zero: not known", 0, 3e4, 0.0),
        Quantity("Initial negative electrode filling", "of its capacity", 0.01, 1, 1.0),
        Quantity(
            "Negative electrode molar volume [m3.mol-1]",
            "lost per mole of guest taken out",
            0,
            1e-3,
            0.0,
        ),
        Quantity(
            f"{_I0} [A.m-2]",
            "per electrode area, at the reference temperature",
            1e-6,
            1e6,
        ),
        Quantity(f"{_I0} activation energy [J.mol-1]", "Arrhenius", 0, 3e5),
        Quantity(
            "Negative electrode interphase resistance [Ohm.m2]",
            "per electrode area",
            0,
            1e2,
            0.0,
        ),
        Quantity(
            "Negative electrode double-layer capacity [F.m-2]",
            "per electrode area",
            1e-6,
            1e4,
            0.1,
        ),
    )


def blocking() -> tuple[Quantity, ...]:
    """What a parameter set says about both electrodes."""
    return (
        Quantity(
            "Negative electrode double-layer capacity [F.m-2]",
            "per electrode area",
            1e-6,
            1e4,
            0.1,
        ),
    )


def voids() -> tuple[Quantity, ...]:
    """What a set says about voids and contact at the metal: neutral where it is silent."""
    return (
        Quantity(
            "Applied stack pressure [Pa]", "by the jig on the assembled stack", 0, 1e9
        ),
        Quantity(f"{_VOID} height [m]", "their volume per covered area", 1e-9, 1e-3, 1e-6),
        Quantity(
            f"{_VOID} coverage at half supply",
            "where half of it reaches them",
            1e-4,
            10,
            0.02,
        ),
        Quantity(
            f"{_SUPPLY} without pressure [A.m-2]", "by diffusion of vacancies", 0, 1e6, 0.0
        ),
        Quantity(
            f"{_SUPPLY} by creep [A.m-2]",
            "at its reference pressure; 1e6: endless",
            0,
            1e6,
            1e6,
        ),
        Quantity(f"{_SUPPLY} reference pressure [Pa]", "of the creep", 1e3, 1e9, 1e7),
        Quantity(f"{_SUPPLY} pressure exponent", "of the creep", 0, 10, 1.0),
        Quantity(f"{_SUPPLY} activation energy [J.mol-1]", "Arrhenius", 0, 2e5, 0.0),
        Quantity(
            f"{_VOID} refilling by plating", "share of the plated metal at most", 0, 1, 1.0
        ),
        Quantity(
            "Negative electrode contact pressure [Pa]",
            "from where all touches",
            1e3,
            1e10,
            2.5e7,
        ),
        Quantity(
            "Negative electrode contact exponent",
            "0: all touches at any pressure",
            0,
            2,
            0.0,
        ),
    )
