"""SolidStateCell: assembles a cell's physics parts into a PyBaMM model.

The only module that knows what PyBaMM demands of a model.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pybamm

from sscell.cell import Cell
from sscell.submodels.conduction import UniformReaction
from sscell.units import FARADAY, GAS_CONSTANT

__all__ = ["ATOL", "RTOL", "SolidStateCell", "solver"]

RTOL, ATOL = 1e-5, 1e-7
SHELLS = 50

_PARTICLE = "positive particle"


class SolidStateCell(pybamm.BaseModel):
    r"""All-solid-state cell: anode, separator layers and a composite cathode.

    .. math:: V = \phi_s - U_{an} - \eta_{an} - i (R_{contact} A + \sum_k L_k/\sigma_k)

    Parameters
    ----------
    cell : str, pathlib.Path or Cell, optional
        A published cell, a TOML file or a loaded cell.
    shells : int, optional
        Finite volumes over the particle radius.
    name : str, optional
        Name of the model.

    Raises
    ------
    ParameterError
        If there is no such cell.

    Examples
    --------
    >>> SolidStateCell("Ji2024").default_parameter_values["Upper voltage cut-off [V]"]
    2.8
    """

    def __init__(
        self,
        cell: str | Path | Cell = "Ji2024",
        shells: int = SHELLS,
        name: str = "Solid-state cell",
    ):
        super().__init__(name)
        self.cell = cell if isinstance(cell, Cell) else Cell.load(cell)
        self.shells = shells
        # What `pybamm.Experiment` and `pybamm.EISSimulation` ask of a model.
        self.summary_variables: list[str] = []
        self.param = SimpleNamespace(
            Q=pybamm.Parameter("Nominal cell capacity [A.h]"),
            A_cc=pybamm.Parameter("Electrode area [m2]"),
        )
        self.variables.update(self._general_variables())
        self.submodels = {
            **self.cell.submodels(),
            "positive current distribution": UniformReaction(),
        }
        self.build_model()
        self._set_charge_and_voltage()

    @property
    def param(self) -> Any:
        """Symbols that PyBaMM's experiments look up."""
        return self._param

    @param.setter
    def param(self, values: Any) -> None:
        self._param = values

    @staticmethod
    def _general_variables() -> dict[str, Any]:
        current = pybamm.Parameter("Current function [A]")
        temperature = pybamm.Parameter("Ambient temperature [K]")
        mass = pybamm.Parameter("Positive electrode mass [kg]") * pybamm.Parameter(
            "Positive electrode active material mass fraction"
        )
        density = pybamm.Parameter("Positive electrode active material density [kg.m-3]")
        molar = pybamm.Parameter("Positive electrode active material molar mass [kg.mol-1]")
        radius = pybamm.Parameter("Positive particle radius [m]")
        hotter = 1 / pybamm.Parameter("Reference temperature [K]") - 1 / temperature
        return {
            "Time [s]": pybamm.t,
            "Time [h]": pybamm.t / 3600,
            "Current [A]": current,
            "Current variable [A]": current,
            "Current density [A.m-2]": current / pybamm.Parameter("Electrode area [m2]"),
            "Ambient temperature [C]": temperature - 273.15,
            "Arrhenius factor [mol.J-1]": hotter / GAS_CONSTANT,
            "Positive electrode host amount [mol]": mass / molar,
            "Positive electrode host concentration [mol.m-3]": density / molar,
            "Positive particle surface area [m2]": 3 * mass / density / radius,
        }

    def _set_charge_and_voltage(self) -> None:
        variables = self.variables
        current = variables["Current [A]"]
        charge = pybamm.Variable("Discharge capacity [A.h]")
        self.rhs[charge] = current / 3600
        self.initial_conditions[charge] = pybamm.Scalar(0)
        contact = current * pybamm.Parameter("Contact resistance [Ohm]")
        voltage = (
            variables["Positive electrode potential [V]"]
            - variables["Negative electrode open-circuit potential [V]"]
            - variables["Negative electrode reaction overpotential [V]"]
            - variables["Separator ohmic losses [V]"]
            - contact
        )
        variables.update(
            {
                "Discharge capacity [A.h]": charge,
                "Contact overpotential [V]": contact,
                "Voltage [V]": voltage,
                "Battery voltage [V]": voltage,
            }
        )
        variables.update(self._residuals(charge))
        self.events += [
            pybamm.Event(
                "Minimum voltage [V]",
                voltage - pybamm.Parameter("Lower voltage cut-off [V]"),
            ),
            pybamm.Event(
                "Maximum voltage [V]",
                pybamm.Parameter("Upper voltage cut-off [V]") - voltage,
            ),
        ]

    def _residuals(self, charge: Any) -> dict[str, Any]:
        """Relative errors of the balances, per the cathode's full capacity."""
        variables, host = self.variables, self.cell.host
        active = 1 - pybamm.Parameter("Inactive host fraction")
        passed = charge * 3600 / FARADAY
        taken = (
            variables["Guest taken up"]
            * active
            * variables["Positive electrode host amount [mol]"]
        )
        full = variables["Positive electrode host amount [mol]"] * host.capacity
        return {
            "Host balance residual": variables["Host in phases"] - 1,
            "Guest balance residual": (taken - passed) / full,
        }

    @property
    def default_parameter_values(self) -> pybamm.ParameterValues:
        """Values of the cell's set."""
        return pybamm.ParameterValues(self.cell.parameter_dict())

    @property
    def default_geometry(self) -> pybamm.Geometry:
        """Particle of unit radius: its size is a parameter, not a mesh."""
        r = pybamm.SpatialVariable("r_p", [_PARTICLE], coord_sys="spherical polar")
        return pybamm.Geometry({_PARTICLE: {r: {"min": 0, "max": 1}}})

    @property
    def default_var_pts(self) -> dict[str, int]:
        """Number of finite volumes by coordinate."""
        return {"r_p": self.shells}

    @property
    def default_submesh_types(self) -> dict[str, Any]:
        """Equal shells."""
        return {_PARTICLE: pybamm.Uniform1DSubMesh}

    @property
    def default_spatial_methods(self) -> dict[str, Any]:
        """Finite volumes; the value at the surface is that of the last shell."""
        order = {"gradient": "linear", "value": "constant"}
        options = {"extrapolation": {"order": order, "use bcs": False}}
        return {_PARTICLE: pybamm.FiniteVolume(options)}

    @property
    def default_solver(self) -> pybamm.BaseSolver:
        """IDAKLU with set tolerances."""
        return solver()

    @property
    def default_quick_plot_variables(self) -> list[str]:
        """What ``pybamm.Simulation.plot`` shows."""
        fractions = [f"{s.name} fraction" for s in self.cell.host.species]
        return ["Voltage [V]", "Current [A]", *fractions]


def solver(rtol: float = RTOL, atol: float = ATOL) -> pybamm.BaseSolver:
    """IDAKLU: implicit, variable order, with true events.

    Parameters
    ----------
    rtol, atol : float, optional
        Relative and absolute tolerance of a step [-].

    Returns
    -------
    pybamm.IDAKLUSolver
    """
    return pybamm.IDAKLUSolver(
        rtol=rtol, atol=atol, options={"silence_sundials_errors": True}
    )
