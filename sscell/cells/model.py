"""SolidStateCell: assembles a cell's physics parts into a PyBaMM model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pybamm

from sscell.cells.cell import Cell
from sscell.cells.cell_model import CellModel
from sscell.cells.outline import OUTSIDE, SHELLS, budget_of, check_mesh
from sscell.cells.symmetric_model import SymmetricModel
from sscell.errors import ParameterError
from sscell.physics.electrolyte_redox import ElectrolyteRedox
from sscell.physics.insertion_anode import PARTICLE
from sscell.physics.side_reaction import CHARGE
from sscell.physics.sizes import particle_sizes
from sscell.units import FARADAY

__all__ = ["SolidStateCell", "model_of"]


_PARTICLE, _ELECTRODE, _ANODE = "positive particle", "positive electrode", PARTICLE
_ANODE_SHELLS = 25  # one particle without sharp fronts


class SolidStateCell(CellModel):
    r"""All-solid-state cell: anode, separator layers and a composite cathode.

    .. math:: V = \phi_s - U_{an} - \eta_{an} - i (R_{contact} A + \sum_k L_k/\sigma_k)

    Every contribution in `budget` is a variable; they sum to the voltage at every time.

    Parameters
    ----------
    cell : str, pathlib.Path or Cell, optional
        A published cell, a TOML file or a loaded cell.
    shells : int, optional
        Finite volumes over the particle radius.
    thickness_points : int, optional
        Finite volumes over the cathode's thickness, each with a particle; 0: one particle
        for all, with the analytic Ohmic drop of an even reaction.
    double_layer : bool, optional
        Whether double layers and grain boundaries are charged, as impedance needs;
        particle sizes always charge them.
    controlled : str, optional
        ``"current"``, or ``"voltage"`` or ``"power"``: then the current is an unknown.
    name : str, optional
        Name of the model.

    Raises
    ------
    ParameterError
        If there is no such cell, or it is to be resolved over both sizes and thickness.

    Examples
    --------
    >>> SolidStateCell("Ji2024").default_parameter_values["Upper voltage cut-off [V]"]
    2.8
    """

    def __init__(
        self,
        cell: str | Path | Cell = "Ji2024",
        shells: int = SHELLS,
        thickness_points: int = 0,
        double_layer: bool = False,
        controlled: str = "current",
        name: str = "Solid-state cell",
    ):
        super().__init__(cell if isinstance(cell, Cell) else Cell.load(cell), name)
        if self.cell.is_symmetric:
            raise ParameterError(
                f"{self.cell.name} is symmetric: it has no composite cathode."
            )
        self.shells, self.thickness_points = shells, thickness_points
        check_mesh(self.cell, thickness_points)
        double_layer = double_layer or self.cell.size_classes > 0
        self._double_layer = double_layer
        self.variables.update(self._general_variables(controlled))
        self.submodels = self.cell.submodels(thickness_points > 0, double_layer)
        self._build_parts()
        self._set_charge_and_voltage()
        self._control(controlled)
        self._check_parameters()

    def _build_parts(self) -> None:
        """Build the submodels; a part that does not keep its contract is named."""
        composition = self.cell.composition
        try:
            self.build_model()
        except (pybamm.ModelError, KeyError) as error:
            particle = self.submodels["positive particle"]
            reason = composition.why_not(particle, self._variables)
            raise ParameterError(
                reason or f"The parts of {self.cell.name} do not fit together: {error}."
            ) from error
        if reason := composition.unkept(self._variables):
            raise ParameterError(reason)

    @property
    def budget(self) -> tuple[str, ...]:
        """Names of the contributions that sum to the voltage."""
        return budget_of(self.cell)

    def _general_variables(self, controlled: str) -> dict[str, Any]:
        driving = self._driving(controlled)
        current = driving["Current [A]"]
        amounts = self._amounts()
        full = amounts["Positive electrode host amount [mol]"] * self.cell.host.capacity
        return {
            **driving,
            "Full cycles rate [s-1]": abs(current) / (2 * FARADAY * full),
            "Full charges rate [s-1]": (abs(current) - current) / (2 * FARADAY * full),
            **amounts,
        }

    def _amounts(self) -> dict[str, Any]:
        """Volumes, surfaces and moles that follow from the masses."""
        mass = pybamm.Parameter("Positive electrode mass [kg]")
        volumes = {
            part: mass
            * pybamm.Parameter(f"Positive electrode {part} mass fraction")
            / pybamm.Parameter(f"Positive electrode {part} density [kg.m-3]")
            for part in ("active material", "electrolyte", "carbon")
        }
        layer = sum(volumes.values()) / (
            1 - pybamm.Parameter("Positive electrode porosity")
        )
        density = pybamm.Parameter("Positive electrode active material density [kg.m-3]")
        molar = pybamm.Parameter("Positive electrode active material molar mass [kg.mol-1]")
        sizes = particle_sizes(self.cell.size_classes)
        active = volumes["active material"]
        return sizes | {
            "Positive electrode host amount [mol]": active * density / molar,
            "Positive electrode host concentration [mol.m-3]": density / molar,
            "Positive particle surface area [m2]": active
            * sizes["Positive particle surface per volume [m-1]"],
            "Positive electrode thickness [m]": layer
            / pybamm.Parameter("Electrode area [m2]"),
            **{
                f"Positive electrode {part} volume fraction": volume / layer
                for part, volume in volumes.items()
            },
        }

    def _set_charge_and_voltage(self) -> None:
        variables = self.variables
        charge = self._count_charge()
        variables.update(self._contributions())
        collector = (
            pybamm.x_average(variables["Positive electrode local potential difference [V]"])
            + variables["Cathode ion contribution [V]"]
            + variables["Cathode electron contribution [V]"]
        )
        voltage = (
            collector
            + sum(variables[name] for name in OUTSIDE[2:])
            - variables["Negative electrode open-circuit potential [V]"]
        )
        variables["Positive electrode potential [V]"] = collector
        variables.update(self._residuals(charge))
        self._end(voltage)

    def _contributions(self) -> dict[str, Any]:
        """Signed parts of the voltage outside the particle."""
        v = self.variables
        local = v["Positive electrode local potential difference [V]"]
        driven = v["Positive electrode driven potential difference [V]"]
        contact = v["Current [A]"] * pybamm.Parameter("Contact resistance [Ohm]")
        contact += v["Current density [A.m-2]"] * v["Series resistance grown [Ohm.m2]"]
        return {
            "Open-circuit contribution [V]": v["Particle open-circuit contribution [V]"]
            - v["Negative electrode open-circuit potential [V]"],
            "Separator contribution [V]": -v["Separator ohmic losses [V]"]
            - v["Separator grain-boundary overpotential [V]"],
            "Anode contribution [V]": -v["Negative electrode reaction overpotential [V]"]
            - v["Negative electrode interphase overpotential [V]"]
            - v.get("Negative electrode transport overpotential [V]", pybamm.Scalar(0)),
            # The local potential is solved for where the current divides: what the solver
            # leaves of the kinetics belongs to the charge transfer.
            "Charge-transfer contribution [V]": -v[
                "Positive electrode reaction overpotential [V]"
            ]
            + pybamm.x_average(local - driven),
            "Interphase contribution [V]": -v[
                "Positive electrode interphase overpotential [V]"
            ],
            "Contact overpotential [V]": contact,
            "Contact contribution [V]": -contact,
        }

    def _residuals(self, charge: Any) -> dict[str, Any]:
        """Relative errors of the balances, per the cathode's full capacity."""
        variables, host = self.variables, self.cell.host
        amount = variables["Positive electrode host amount [mol]"]
        passed = (charge - self._beside()) * 3600 / FARADAY
        taken = variables["Guest taken up"] * amount
        return {
            "Host balance residual": variables["Host in phases"] - 1,
            "Guest balance residual": (taken - passed) / (amount * host.capacity),
        }

    def _beside(self) -> Any:
        """Charge that went elsewhere than into the particles [A.h]."""
        beside: Any = pybamm.Scalar(0)
        if self._double_layer:
            beside += self.variables["Positive electrode double-layer charge [A.h]"]
        if self.cell.has_redox:
            gone = 1 - self.variables["Mean reactive electrolyte fraction"]
            beside -= gone * ElectrolyteRedox.charge()
        if self.cell.has_side_reaction:
            beside -= self.variables[CHARGE]
        return beside

    @property
    def _has_anode_particle(self) -> bool:
        return self.cell.composition.anode_host is not None

    @property
    def _points(self) -> int:
        """Particles at different places, or of different sizes; 0: one for all."""
        return self.thickness_points or self.cell.size_classes

    @property
    def default_geometry(self) -> pybamm.Geometry:
        """Particle and cathode of unit size: their sizes are parameters, not meshes."""
        r = pybamm.SpatialVariable("r_p", [_PARTICLE], coord_sys="spherical polar")
        domains = {_PARTICLE: {r: {"min": 0, "max": 1}}}
        if self._has_anode_particle:
            n = pybamm.SpatialVariable("r_n", [_ANODE], coord_sys="spherical polar")
            domains[_ANODE] = {n: {"min": 0, "max": 1}}
        if self._points:
            z = pybamm.SpatialVariable("x_p", [_ELECTRODE], coord_sys="cartesian")
            domains[_ELECTRODE] = {z: {"min": 0, "max": 1}}
        return pybamm.Geometry(domains)

    @property
    def default_var_pts(self) -> dict[str, int]:
        """Number of finite volumes by coordinate."""
        points = {"x_p": self._points} if self._points else {}
        anode = {"r_n": min(self.shells, _ANODE_SHELLS)} if self._has_anode_particle else {}
        return {"r_p": self.shells, **points, **anode}

    @property
    def default_submesh_types(self) -> dict[str, Any]:
        """Equal steps over the thickness; over the radius as the host asks."""
        edges = np.linspace(0, 1, self.shells + 1) ** self.cell.host.grading
        graded = pybamm.MeshGenerator(pybamm.UserSupplied1DSubMesh, {"edges": edges})
        even = pybamm.Uniform1DSubMesh
        return {_PARTICLE: graded, _ELECTRODE: even, _ANODE: even}

    @property
    def default_spatial_methods(self) -> dict[str, Any]:
        """Finite volumes; the particle's surface value is that of its last shell."""
        shell = {"order": {"gradient": "linear", "value": "constant"}, "use bcs": False}
        layer = {"order": {"gradient": "linear", "value": "linear"}, "use bcs": True}
        return {
            _PARTICLE: pybamm.FiniteVolume({"extrapolation": shell}),
            _ANODE: pybamm.FiniteVolume({"extrapolation": shell}),
            _ELECTRODE: pybamm.FiniteVolume({"extrapolation": layer}),
        }

    @property
    def default_quick_plot_variables(self) -> Any:
        """What ``pybamm.Simulation.plot`` shows."""
        return ["Voltage [V]", "Current [A]", *self.cell.host.outputs]


def model_of(
    cell: Cell,
    shells: int = SHELLS,
    thickness_points: int = 0,
    double_layer: bool = False,
    controlled: str = "current",
) -> CellModel:
    """Model of a cell: with a composite cathode, or symmetric.

    Parameters
    ----------
    cell : Cell
        Of any kind.
    shells, thickness_points : int, optional
        Finite volumes over the particle radius and the cathode's thickness; a symmetric cell
        has neither.
    double_layer : bool, optional
        Whether double layers and grain boundaries are charged.
    controlled : str, optional
        ``"current"``, ``"voltage"`` or ``"power"``.

    Returns
    -------
    CellModel

    Examples
    --------
    >>> model_of(Cell.load("Ji2024"), shells=10).name
    'Solid-state cell'
    """
    if cell.is_symmetric:
        return SymmetricModel(cell, double_layer, controlled)
    return SolidStateCell(cell, shells, thickness_points, double_layer, controlled)
