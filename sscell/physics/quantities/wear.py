"""What a set may say about wear, pressure and contact."""

from __future__ import annotations

from collections.abc import Sequence

from sscell.physics.quantity import Quantity

__all__ = ["PARTED", "contact", "degradation"]

PARTED = {
    "Series resistance": "per electrode area, of all contact",
    "Boundary resistance": "per electrode area, over the contact that is left",
}
_GROWTH = "Positive electrode interphase growth"
_RATE = "Re-contact rate"


def degradation() -> tuple[Quantity, ...]:
    """What a parameter set says about degradation: neutral where it says nothing."""
    energy = "activation energy [J.mol-1]"
    return (
        Quantity("Active host fade per cycle", "per full cycle", 0, 1, 0.0),
        Quantity("Minimum active host fraction", "that no cycling wears", 0, 1, 0.0),
        Quantity("Trappable host fraction", "does not come back once used", 0, 0.95, 0.0),
        Quantity("Host trapping coefficient", "per full charge", 0, 200, 20.0),
        Quantity("Active host loss rate [s-1]", "with time", 0, 1e-3, 0.0),
        Quantity(f"Active host loss rate {energy}", "Arrhenius", 0, 3e5, 0.0),
        Quantity(
            f"{_GROWTH} per cycle [Ohm.m2]",
            "per full cycle and particle surface",
            0,
            1e3,
            0.0,
        ),
        *(
            Quantity(f"{name} of lost contact [Ohm.m2]", text, 0, 10, 0.0)
            for name, text in PARTED.items()
        ),
        Quantity(
            f"{_GROWTH} rate constant [Ohm2.m4.s-1]",
            "K of R2 = K t, per particle surface",
            0,
            1e3,
            0.0,
        ),
        Quantity(f"{_GROWTH} {energy}", "Arrhenius, with time", 0, 3e5, 0.0),
        Quantity("Contact fade per cycle", "per full cycle", 0, 1, 0.0),
        Quantity("Contact fade order", "1: exponential; above: slows", 1, 5, 1.0),
        Quantity("Minimum contacted surface fraction", "that no cycling parts", 0, 1, 0.0),
    )


def contact(sources: Sequence[str] = ()) -> tuple[Quantity, ...]:
    """What a parameter set says about pressure and contact: neutral where it is silent."""
    per_electron = "per mole of electrons given up; negative: what forms is smaller"
    return (
        *(
            Quantity(f"{s} volume change [m3.mol-1]", per_electron, -1e-3, 1e-3, 0.0)
            for s in sources
        ),
        Quantity(
            "Applied stack pressure [Pa]", "by the jig on the assembled stack", 0, 1e9
        ),
        Quantity("Jig stiffness [Pa.m-1]", "0: fixed pressure", 0, 1e20, 0.0),
        Quantity("Stack modulus [Pa]", "of the pressed layers", 1e6, 1e12, 2e10),
        Quantity("Fabrication pressure [Pa]", "highest ever", 1e4, 1e10, 3e8),
        Quantity("Contact yield pressure [Pa]", "of the fabrication", 1, 1e10, 1.0),
        Quantity("Contact unloading exponent", "after fabrication", 0, 1, 0.0),
        Quantity("Thickness change at loading [m]", "where the jig was set", -1, 1, 0.0),
        Quantity("Initial contact fraction", "pressed without end", 1e-3, 1, 1.0),
        Quantity("Maximum contact fraction", "that pressing reaches", 1e-3, 1, 1.0),
        Quantity("Minimum contact fraction", "that no strain parts", 0, 1, 0.0),
        Quantity(f"{_RATE} [s-1]", "at the reference pressure", 0, 1, 0.0),
        Quantity(f"{_RATE} activation energy [J.mol-1]", "Arrhenius", 0, 3e5, 0.0),
        Quantity("Re-contact pressure exponent", "0: none counts", 0, 5, 0.0),
        Quantity("Re-contact reference pressure [Pa]", "of the rate", 1e3, 1e9, 5e7),
        Quantity("Contact loss by strain", "per irreversible strain", 0, 1e5, 0.0),
        Quantity("Contact loss by cycling", "per full cycle", 0, 1e3, 0.0),
        Quantity("Contact conduction exponent", "of the ions in the composite", 0, 5, 1.0),
    )
