"""Model of a symmetric cell: two like electrodes and the separator between them."""

from __future__ import annotations

from typing import Any

import pybamm

from sscell.cells.cell_model import CellModel
from sscell.cells.outline import SYMMETRIC_BUDGET
from sscell.errors import ParameterError

__all__ = ["SymmetricModel"]

_SEPARATOR, _CONTACT = "Separator contribution [V]", "Contact contribution [V]"
_KINETIC = "Positive electrode contribution [V]"
_ANODE, _REST = "Anode contribution [V]", "Open-circuit contribution [V]"


class SymmetricModel(CellModel):
    r"""Two like electrodes: one is plated while the other is stripped.

    .. math:: V = U_+ - U_- - \eta_+ - \eta_- - i \left(2 R_{film} + R_{gb}
        + \sum_k L_k/\sigma_k\right) - I R_{contact}

    A positive current strips the negative electrode and plates the positive one, so that the
    voltage is negative then.

    Parameters
    ----------
    cell : Cell
        A symmetric one.
    double_layer : bool, optional
        Whether double layers and grain boundaries are charged, as impedance needs.
    controlled : str, optional
        ``"current"``, or ``"voltage"`` or ``"power"``: then the current is an unknown.

    Raises
    ------
    ParameterError
        If the cell is not symmetric.
    """

    def __init__(
        self, cell: Any, double_layer: bool = False, controlled: str = "current"
    ) -> None:
        super().__init__(cell, "Symmetric cell")
        if not cell.is_symmetric:
            raise ParameterError(f"{cell.name} is not symmetric.")
        self.variables.update(self._driving(controlled))
        self.variables["Boundary resistance grown [Ohm.m2]"] = pybamm.Scalar(0)
        self.submodels = cell.submodels(False, double_layer)
        self.build_model()
        self._count_charge()
        self.variables.update(self._contributions())
        self._end(sum(self.variables[name] for name in self.budget))
        self._control(controlled)
        self._check_parameters()

    @property
    def budget(self) -> tuple[str, ...]:
        """Names of the contributions that sum to the voltage."""
        return SYMMETRIC_BUDGET

    def _contributions(self) -> dict[str, Any]:
        """Signed parts of the voltage, and what full cells name otherwise."""
        v, electrode = self.variables, "{} electrode {}"
        potential, eta, film = (
            {side: v[electrode.format(side, what)] for side in ("Positive", "Negative")}
            for what in (
                "open-circuit potential [V]",
                "reaction overpotential [V]",
                "interphase overpotential [V]",
            )
        )
        contact = v["Current [A]"] * pybamm.Parameter("Contact resistance [Ohm]")
        none = pybamm.Scalar(0)
        return {
            _REST: potential["Positive"] - potential["Negative"],
            _KINETIC: -eta["Positive"] - film["Positive"],
            _SEPARATOR: -v["Separator ohmic losses [V]"]
            - v["Separator grain-boundary overpotential [V]"],
            _ANODE: -eta["Negative"] - film["Negative"],
            _CONTACT: -contact,
            "Contact overpotential [V]": contact,
            "Positive electrode potential [V]": potential["Positive"]
            - eta["Positive"]
            - film["Positive"],
            # What one electrode loses the other takes up.
            "Host balance residual": none,
            "Guest balance residual": v["Positive electrode inventory"]
            + v["Negative electrode inventory"]
            - 2 * pybamm.Parameter("Initial negative electrode filling")
            if self.cell.data["physics"]["anode"] == "plateau"
            else none,
        }

    @property
    def default_geometry(self) -> pybamm.Geometry:
        """Nothing is resolved in space."""
        return pybamm.Geometry({})

    @property
    def default_var_pts(self) -> dict[str, int]:
        """None."""
        return {}

    @property
    def default_submesh_types(self) -> dict[str, Any]:
        """None."""
        return {}

    @property
    def default_spatial_methods(self) -> dict[str, Any]:
        """None."""
        return {}

    @property
    def default_quick_plot_variables(self) -> Any:
        """What ``pybamm.Simulation.plot`` shows."""
        return ["Voltage [V]", "Current [A]"]
