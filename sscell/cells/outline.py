"""What is known of a cell's model before it is built: meshes, tolerances, parts of its voltage."""

from __future__ import annotations

from sscell.cells.cell import Cell
from sscell.errors import ParameterError

__all__ = [
    "ATOL",
    "OUTSIDE",
    "RTOL",
    "SHELLS",
    "SYMMETRIC_BUDGET",
    "budget_of",
    "check_mesh",
]

SHELLS = 50
RTOL, ATOL = 3e-6, 3e-8

# Contributions to the voltage between the local potential and the terminals.
OUTSIDE = (
    "Cathode ion contribution [V]",
    "Cathode electron contribution [V]",
    "Separator contribution [V]",
    "Anode contribution [V]",
    "Contact contribution [V]",
)
_BUDGET = (
    "Open-circuit contribution [V]",
    *OUTSIDE,
    "Charge-transfer contribution [V]",
    "Interphase contribution [V]",
)
SYMMETRIC_BUDGET = (
    "Open-circuit contribution [V]",
    "Positive electrode contribution [V]",
    "Separator contribution [V]",
    "Anode contribution [V]",
    "Contact contribution [V]",
)


def check_mesh(cell: Cell, thickness_points: int) -> None:
    """Refuse a cell resolved over both sizes and thickness.

    Parameters
    ----------
    cell : Cell
        Perhaps with size classes.
    thickness_points : int
        Finite volumes over the thickness [-].

    Raises
    ------
    ParameterError
        If it has both.
    """
    if thickness_points and cell.is_symmetric:
        raise ParameterError(
            f"{cell.name} is symmetric: it has no cathode whose thickness could be resolved."
        )
    if thickness_points and cell.size_classes:
        raise ParameterError(
            f"{cell.name} resolves its particle sizes, which share one potential: "
            f"thickness points must be 0, not {thickness_points}."
        )


def budget_of(cell: Cell) -> tuple[str, ...]:
    """Names of the contributions that sum to the voltage of a cell.

    Parameters
    ----------
    cell : Cell
        With its cathode.

    Returns
    -------
    tuple of str
    """
    return SYMMETRIC_BUDGET if cell.is_symmetric else (*_BUDGET, *cell.host.budget)
