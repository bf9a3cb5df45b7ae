"""Variables of the model that belong in a result."""

from __future__ import annotations

from collections.abc import Sequence

from sscell.cells.cell import Cell

__all__ = ["series"]


SERIES = (
    "Current [A]",
    "Voltage [V]",
    "Discharge capacity [A.h]",
    "Positive electrode potential [V]",
    "Positive electrode reaction overpotential [V]",
    "Negative electrode reaction overpotential [V]",
    "Separator ohmic losses [V]",
    "Contact overpotential [V]",
    "Positive electrode thickness change [m]",
    "Negative electrode thickness change [m]",
    "Negative electrode inventory",
    "Host balance residual",
    "Guest balance residual",
)


_REDOX_SERIES = ("Electrolyte redox current [A]", "Mean reactive electrolyte fraction")


_SIDE_SERIES = ("Side reaction current [A]", "Side reaction charge [A.h]")


_DEGRADATION_SERIES = (
    "Active host remaining",
    "Interphase grown [Ohm.m2]",
    "Series resistance grown [Ohm.m2]",
    "Boundary resistance grown [Ohm.m2]",
    "Contacted surface fraction",
    "Full cycles",
)


_CONTACT_SERIES = (
    "Stack pressure [MPa]",
    "Contact fraction",
    "Free stack thickness change [m]",
    "Irreversible thickness change [um]",
)


def series(cell: Cell, budget: Sequence[str]) -> tuple[str, ...]:
    """Names of the model's variables that belong in a result of this cell.

    Parameters
    ----------
    cell : Cell
        Whose result it is.
    budget : sequence of str
        Contributions to the voltage [V].

    Returns
    -------
    tuple of str
    """
    beside = _REDOX_SERIES if cell.has_redox else ()
    aside = _SIDE_SERIES if cell.has_side_reaction else ()
    worn = _DEGRADATION_SERIES if cell.has_degradation else ()
    pressed = _CONTACT_SERIES if cell.has_contact else ()
    anode = cell.composition.anode_host
    held = () if anode is None else anode.outputs
    return (*SERIES, *budget, *cell.host.outputs, *beside, *aside, *held, *worn, *pressed)
