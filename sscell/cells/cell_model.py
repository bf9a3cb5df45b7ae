"""What every model of a cell shares: its control by current, voltage or power, its solver."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import casadi
import pybamm

from sscell.cells.cell import Cell
from sscell.cells.outline import ATOL, RTOL
from sscell.errors import ParameterError, did_you_mean
from sscell.units import GAS_CONSTANT, ZERO_CELSIUS

__all__ = ["CellModel", "solver"]

# Contributions by the components that PyBaMM draws; what is left lies in the particles.
_COMPONENTS = {
    "Battery open-circuit voltage [V]": ("Open-circuit contribution [V]",),
    "X-averaged battery reaction overpotential [V]": (
        "Charge-transfer contribution [V]",
        "Interphase contribution [V]",
        "Anode contribution [V]",
        "Positive electrode contribution [V]",
    ),
    "X-averaged battery electrolyte ohmic losses [V]": (
        "Separator contribution [V]",
        "Cathode ion contribution [V]",
    ),
    "X-averaged battery solid phase ohmic losses [V]": (
        "Cathode electron contribution [V]",
    ),
    "X-averaged battery concentration overpotential [V]": (),
    "Battery contact contribution [V]": ("Contact contribution [V]",),
}


class _Options(dict[str, str]):
    """Options that PyBaMM's plots look up; its lithium-ion states get a sentence.

    ``initial_soc=`` balances two electrodes of one open-circuit curve each, and begins by
    asking for the kind of these curves.
    """

    def get(self, key: str, default: Any = None) -> Any:
        """Value of an option."""
        if key == "open-circuit potential":
            raise ParameterError(
                "PyBaMM's initial_soc balances two open-circuit curves, which this cell does "
                "not have. Start with sscell.simulate(cell, protocol, state='50%'), or hand a "
                "solution to model.set_initial_conditions_from(solution)."
            )
        return super().get(key, default)


class CellModel(pybamm.BaseModel):
    """A PyBaMM model of a cell, with all that PyBaMM demands of one.

    Parameters
    ----------
    cell : Cell
        Its parts are the submodels.
    name : str
        Name of the model.
    """

    def __init__(self, cell: Cell, name: str):
        super().__init__(name)
        self.cell = cell
        # What `pybamm.Experiment` and `pybamm.EISSimulation` ask of a model.
        self.summary_variables: list[str] = []
        self.param = SimpleNamespace(
            Q=pybamm.Parameter("Nominal cell capacity [A.h]"),
            A_cc=pybamm.Parameter("Electrode area [m2]"),
        )
        self.options = _Options({"particle phases": "1", "working electrode": "both"})

    @property
    def budget(self) -> tuple[str, ...]:
        """Names of the contributions that sum to the voltage."""
        raise NotImplementedError

    @staticmethod
    def _driving(controlled: str) -> dict[str, Any]:
        """Time, current, charge and temperature."""
        current = pybamm.Parameter("Current function [A]")
        if controlled in ("voltage", "power"):
            current = pybamm.Variable("Current variable [A]")
        temperature = pybamm.Parameter("Ambient temperature [K]")
        hotter = 1 / pybamm.Parameter("Reference temperature [K]") - 1 / temperature
        return {
            "Time [s]": pybamm.t,
            "Time [h]": pybamm.t / 3600,
            "Current [A]": current,
            "Current variable [A]": current,
            "Current density [A.m-2]": current / pybamm.Parameter("Electrode area [m2]"),
            "Discharge capacity [A.h]": pybamm.Variable("Discharge capacity [A.h]"),
            "Ambient temperature [C]": temperature - ZERO_CELSIUS,
            "Arrhenius factor [mol.J-1]": hotter / GAS_CONSTANT,
        }

    def _count_charge(self) -> Any:
        """Integrate the current; give the charge [A.h]."""
        charge = self.variables["Discharge capacity [A.h]"]
        self.rhs[charge] = self.variables["Current [A]"] / 3600
        self.initial_conditions[charge] = pybamm.Scalar(0)
        return charge

    def _end(self, voltage: Any) -> None:
        """Name the voltage and end at the cut-offs."""
        names = ("Voltage [V]", "Battery voltage [V]", "Terminal voltage [V]")
        self.variables |= dict.fromkeys(names, voltage)
        self.variables |= self._components()
        parts = sum(self.variables[name] for name in self.budget)
        self.variables["Voltage budget residual [V]"] = parts - voltage
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

    def _components(self) -> dict[str, Any]:
        """The budget by the names of `pybamm.plot_voltage_components`."""
        named = {name for names in _COMPONENTS.values() for name in names}
        rest = tuple(name for name in self.budget if name not in named)
        groups = {**_COMPONENTS, "Battery particle concentration overpotential [V]": rest}
        zero: Any = pybamm.Scalar(0)
        return {
            group: sum((self.variables[n] for n in names if n in self.budget), zero)
            for group, names in groups.items()
        }

    def _control(self, controlled: str) -> None:
        if controlled == "voltage":
            self._control_voltage()
        elif controlled == "power":
            self._control_power()

    def _control_voltage(self) -> None:
        """Let the current follow from a voltage that moves linearly in a step's own time."""
        current = self.variables["Current variable [A]"]
        slope = pybamm.InputParameter("Voltage slope [V.s-1]")
        target = pybamm.InputParameter("Voltage start [V]") + slope * pybamm.t
        self.algebraic[current] = self.variables["Voltage [V]"] - target
        self.initial_conditions[current] = pybamm.Scalar(0)

    def _control_power(self) -> None:
        """Let the current follow from a power that moves linearly in a step's own time."""
        current = self.variables["Current variable [A]"]
        slope = pybamm.InputParameter("Power slope [W.s-1]")
        target = pybamm.InputParameter("Power start [W]") + slope * pybamm.t
        self.algebraic[current] = self.variables["Voltage [V]"] * current - target
        self.initial_conditions[current] = pybamm.Scalar(0)

    def _check_parameters(self) -> None:
        """Refuse a parameter that no quantity of the cell names."""
        known = self.cell.parameter_dict()
        for symbol in self.parameters:
            if isinstance(symbol, pybamm.Parameter) and symbol.name not in known:
                hint = did_you_mean(symbol.name, known)
                raise ParameterError(
                    f"The parts of {self.cell.name} use the parameter '{symbol.name}', which is "
                    f"not among its quantities. {hint}"
                )

    @property
    def param(self) -> Any:
        """Symbols that PyBaMM's experiments look up."""
        return self._param

    @param.setter
    def param(self, values: Any) -> None:
        self._param = values

    def build_casadi_jacobian(self, expression: casadi.MX, y: casadi.MX) -> casadi.MX:
        """Jacobian that PyBaMM's solvers use, as scalar operations where that is faster.

        Parameters
        ----------
        expression : casadi.MX, shape (m, 1)
            Right-hand side, algebraic equations or both.
        y : casadi.MX, shape (states, 1)
            State.

        Returns
        -------
        casadi.MX, shape (m, states)
            The same numbers as PyBaMM's; CasADi's matrix form of it takes 2 to 8 times as
            long to evaluate.
        """
        jacobian = super().build_casadi_jacobian(expression, y)
        free = casadi.symvar(jacobian)
        if expression.shape[0] != self.len_rhs_and_alg or not free:
            return jacobian
        function = casadi.Function("jacobian", free, [jacobian])
        try:
            return function.expand()(*free)
        except RuntimeError:  # such as an interpolated current, which has no scalar form
            return jacobian

    @property
    def default_parameter_values(self) -> pybamm.ParameterValues:
        """Values of the cell's set."""
        return pybamm.ParameterValues(self.cell.parameter_dict())

    @property
    def default_solver(self) -> pybamm.IDAKLUSolver:
        """IDAKLU with set tolerances."""
        return solver()


def solver(rtol: float = RTOL, atol: float = ATOL, **options: Any) -> pybamm.IDAKLUSolver:
    """IDAKLU: implicit, variable order, with true events.

    Parameters
    ----------
    rtol, atol : float, optional
        Relative and absolute tolerance of a step [-].
    **options
        Of `pybamm.IDAKLUSolver`.

    Returns
    -------
    pybamm.IDAKLUSolver
    """
    return pybamm.IDAKLUSolver(
        rtol=rtol, atol=atol, options={"silence_sundials_errors": True, **options}
    )
