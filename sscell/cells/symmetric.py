"""Symmetric cells: two like electrodes, for the separator and its interfaces."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from sscell.cells.cell import Cell
from sscell.errors import ParameterError
from sscell.physics.quantity import Quantity
from sscell.physics.symmetric import SymmetricComposition
from sscell.units import Rate, parse_rate

__all__ = ["SymmetricCell"]

BASIS = "electrode area"
_ENDLESS = 1e5  # A.h/m2 of an electrode whose amount is not known
_GUESTS = {"Na": "sodium"}
_GENERAL = (
    Quantity("Ambient temperature [K]", "cell temperature, uniform", 173.15, 473.15),
    Quantity("Reference temperature [K]", "where rates are given", 173.15, 473.15),
    Quantity("Electrode area [m2]", "area of one electrode", 1e-6, 1.0),
    Quantity("Lower voltage cut-off [V]", "where the instrument stops", -100, 0, -5.0),
    Quantity("Upper voltage cut-off [V]", "where the instrument stops", 0, 100, 5.0),
    Quantity("Contact resistance [Ohm]", "leads and collectors", 0, 1e6, default=0.0),
)


class SymmetricCell(Cell):
    """Two like electrodes of metal, alloy or a blocking one, and a separator.

    `Cell` makes one where the set says ``symmetric = true``. Both electrodes have the values
    of the negative one, under the names that a full cell's anode has.

    Parameters
    ----------
    parameters : ParameterSet
        Completed with neutral defaults; every value within its bounds.
    """

    is_symmetric = True

    @cached_property
    def composition(self) -> Any:
        """The physics that the set names."""
        metal = self.data["bases"].get("working_metal", "")
        return SymmetricComposition(self.data["physics"], _GUESTS.get(metal, "lithium"))

    @property
    def electrode(self) -> str:
        """``"plateau"`` or ``"blocking"``."""
        return self.composition.electrode

    @cached_property
    def quantities(self) -> tuple[Quantity, ...]:
        """Everything that a set may say about this physics."""
        return (*_GENERAL, *self.composition.quantities)

    def _check_fractions(self) -> None:
        """There is no composite."""

    def basis(self, which: str) -> tuple[str, float]:
        """Charges are given per electrode area: there is no mass.

        Parameters
        ----------
        which : str
            ``"capacity"`` or ``"energy"``.

        Returns
        -------
        tuple of str and float
            The mass [kg] is no number.
        """
        return BASIS, float("nan")

    def about(self) -> dict[str, Any]:
        """What a result says of the cell: no masses, and no composite.

        Returns
        -------
        dict
        """
        return {
            "capacity_basis": BASIS,
            "energy_basis": BASIS,
            "symmetric": self.electrode,
        }

    def current(self, rate: str | float | Rate) -> float:
        """Magnitude of a current in this cell.

        Parameters
        ----------
        rate : str, float or Rate
            ``"0.1mA/cm2"`` or ``"50uA"``.

        Returns
        -------
        float
            Current [A], positive.

        Raises
        ------
        ParameterError
            If it is no current, a C-rate, or per mass.
        """
        rate = parse_rate(rate)
        if rate.kind == "A/m2":
            return rate.value * self.area
        if rate.kind == "A":
            return rate.value
        what = "C-rate" if rate.kind == "C" else "capacity basis with a mass"
        raise ParameterError(
            f"{self.name} is symmetric and has no {what}: give a current such as '0.1mA/cm2', "
            f"not '{rate}'."
        )

    @property
    def active_mass(self) -> float:
        """There is none [kg]."""
        return 0.0

    @property
    def theoretical_capacity(self) -> float:
        """What one electrode holds [A.h]; as good as endless where its amount is not known."""
        v = self.values
        held = v.get("Negative electrode mass [kg]", 0.0)
        held *= v.get("Negative electrode specific capacity [A.h.kg-1]", 0.0)
        return held or _ENDLESS * self.area

    @property
    def anode_excess(self) -> float | None:
        """Both electrodes hold the same: no excess [-]."""
        return None

    @property
    def anode_capacity(self) -> float:
        """Capacity of one electrode [A.h]."""
        return self.theoretical_capacity

    @property
    def cathode_thickness(self) -> float:
        """There is no cathode layer [m]."""
        return 0.0

    def sizes(self) -> dict[str, float | None]:
        """Sizes of the cell by the names that the command line gives them.

        Returns
        -------
        dict of str to float or None
            Area [cm2] and separator [um]; what a symmetric cell has not is None.
        """
        layers = sum(self.values[f"{layer} thickness [m]"] for layer in self.layers)
        none = dict.fromkeys(
            ("cathode_thickness_um", "active_mg_cm2", "areal_capacity_mAh_cm2")
        )
        return {
            "area_cm2": self.area * 1e4,
            **none,
            "separator_thickness_um": layers * 1e6,
            "one_c_mA": None,
            "n_p": None,
        }

    def describe(self) -> dict[str, float]:
        """Sizes and the parts of the area resistance at the set's temperature.

        Returns
        -------
        dict of str to float
        """
        sizes = {"Area [cm2]": self.area * 1e4}
        for layer in self.layers:
            sizes[f"{layer} thickness [um]"] = self.values[f"{layer} thickness [m]"] * 1e6
        return sizes

    def remarks(self) -> list[str]:
        """Nothing is odd by itself."""
        return []

    @property
    def feels_pressure(self) -> bool:
        """Whether stripping opens voids that pressure closes."""
        return self.composition.voids

    def under(self, pressure: float, told: Any = ()) -> Cell:
        """The cell under another stack pressure; without a law of voids it is the same.

        Parameters
        ----------
        pressure : float
            By the jig [Pa].
        told : iterable of str, optional
            Without a meaning here.

        Returns
        -------
        Cell
        """
        if not self.composition.voids:
            return self
        return self.replace({"Applied stack pressure [Pa]": pressure}, "given with the run")
