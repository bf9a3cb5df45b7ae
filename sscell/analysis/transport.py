"""Transport numbers: Arrhenius, Cottrell with Nernst-Einstein, conductivity of a pellet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from sscell.dataset import metadata
from sscell.errors import DataError, ParameterError
from sscell.units import FARADAY, GAS_CONSTANT, ZERO_CELSIUS

__all__ = [
    "Arrhenius",
    "arrhenius",
    "conductivity",
    "guest_concentration",
    "nernst_einstein",
    "pellet_conductivity",
]

ELECTRON_VOLT = FARADAY  # J mol-1 per eV


@dataclass(frozen=True)
class Arrhenius:
    """Activation energy from values at several temperatures.

    Parameters
    ----------
    activation_energy_eV, activation_energy_error_eV : float
        And one standard error.
    activation_energy_kJ_mol : float
        The same per mole.
    log_prefactor, log_prefactor_error : float
        Natural logarithm of the prefactor, in the unit of the values (times K if
        `with_temperature`).
    r_squared : float
        Of the straight line.
    with_temperature : bool
        Whether ``value * T`` was fitted.
    points : int
        Number of temperatures.
    warnings : list of str
        What to doubt.
    """

    activation_energy_eV: float
    activation_energy_error_eV: float
    activation_energy_kJ_mol: float
    log_prefactor: float
    log_prefactor_error: float
    r_squared: float
    with_temperature: bool
    points: int
    warnings: list[str] = field(default_factory=list)

    def value(self, temperature_C: float) -> float:
        """Value of the line at a temperature [degC], in the unit of the values."""
        kelvin = temperature_C + ZERO_CELSIUS
        exponent = -self.activation_energy_eV * ELECTRON_VOLT / (GAS_CONSTANT * kelvin)
        result = np.exp(self.log_prefactor + exponent)
        return float(result / kelvin if self.with_temperature else result)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def arrhenius(
    temperatures_C: Sequence[float],
    values: Sequence[float],
    *,
    errors: Sequence[float] | None = None,
    with_temperature: bool = True,
) -> Arrhenius:
    """Activation energy of a conductivity or a rate.

    Parameters
    ----------
    temperatures_C : sequence of float
        [degC], at least three different ones.
    values : sequence of float
        Positive: conductivities, 1/R, diffusion coefficients, rates.
    errors : sequence of float, optional
        One standard error of each value; they weight the line.
    with_temperature : bool, optional
        Fit ``ln(value T)`` (ionic conductivity) or ``ln(value)`` (a rate, D).

    Returns
    -------
    Arrhenius
        With errors from the scatter about the line.

    Raises
    ------
    DataError
        If there are fewer than three points, or a value is not positive.

    Notes
    -----
    ``sigma T = A exp(-Ea / (k T))``.

    Examples
    --------
    >>> T = np.array([20.0, 40.0, 60.0, 80.0])
    >>> sigma = np.exp(-0.4 * 96485.33 / (8.314463 * (T + 273.15))) / (T + 273.15)
    >>> round(arrhenius(T, sigma).activation_energy_eV, 4)
    0.4
    """
    t = np.asarray(temperatures_C, dtype=float) + ZERO_CELSIUS
    y = np.asarray(values, dtype=float)
    if t.shape != y.shape or len(np.unique(t)) < 3:
        raise DataError(
            "An Arrhenius line needs values at three or more temperatures; given are "
            f"{len(y)} values at {len(np.unique(t))} temperatures."
        )
    if not (np.all(y > 0) and np.all(t > 0)):
        raise DataError(
            "An Arrhenius line needs positive values and temperatures above 0 K."
        )
    logs = np.log(y * t if with_temperature else y)
    weights = np.ones_like(y) if errors is None else y / np.asarray(errors, dtype=float)
    slope, offset, covariance, r_squared = fitted_line(1 / t, logs, weights)
    energy = -slope * GAS_CONSTANT / ELECTRON_VOLT
    error = np.sqrt(covariance[0, 0]) * GAS_CONSTANT / ELECTRON_VOLT
    notes = []
    if r_squared < 0.95:
        notes.append(f"The Arrhenius plot is no straight line (R2 = {r_squared:.3f}).")
    return Arrhenius(
        float(energy),
        float(error),
        float(energy * ELECTRON_VOLT / 1e3),
        float(offset),
        float(np.sqrt(covariance[1, 1])),
        r_squared,
        with_temperature,
        len(y),
        notes,
    )


def fitted_line(
    x: np.ndarray, y: np.ndarray, weights: np.ndarray
) -> tuple[float, float, np.ndarray, float]:
    """Weighted straight line: slope, offset, covariance (from the scatter), R2."""
    centre = np.average(x, weights=weights**2)
    design = np.column_stack([x - centre, np.ones_like(x)]) * weights[:, None]
    (slope, middle), *_ = np.linalg.lstsq(design, y * weights, rcond=None)
    residuals = (y - middle - slope * (x - centre)) * weights
    variance = np.sum(residuals**2) / max(len(x) - 2, 1)
    local = np.linalg.inv(design.T @ design) * variance
    shift = np.array([[1.0, 0.0], [-centre, 1.0]])
    covariance = shift @ local @ shift.T
    mean = np.average(y, weights=weights**2)
    total = np.sum((y - mean) ** 2 * weights**2)
    r_squared = float(1 - np.sum(residuals**2) / total) if total > 0 else 1.0
    return float(slope), float(middle - slope * centre), covariance, r_squared


def conductivity(resistance: float, thickness_cm: float, area_cm2: float) -> float:
    """Conductivity of a pellet [S cm-1] from its resistance.

    Parameters
    ----------
    resistance : float
        [Ohm], positive.
    thickness_cm : float
        [cm], positive.
    area_cm2 : float
        [cm2], positive.

    Returns
    -------
    float
        ``thickness / (resistance * area)``.

    Raises
    ------
    ParameterError
        If one of them is not positive.

    Examples
    --------
    >>> conductivity(100.0, 0.1, 1.0)
    0.001
    """
    if not min(resistance, thickness_cm, area_cm2) > 0:
        raise ParameterError("Resistance, thickness and area must be positive.")
    return thickness_cm / (resistance * area_cm2)


def pellet_conductivity(data: xr.Dataset) -> float:
    """Conductivity of a pellet from its last current or its lowest frequency.

    Parameters
    ----------
    data : xarray.Dataset
        A DC polarisation (R from the last voltage and current) or a spectrum (R from the
        real part at the lowest frequency), with the sizes of the pellet.

    Returns
    -------
    float
        ``thickness / (R * area)`` [S.cm-1].

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> made = {"pellet_thickness_cm": 0.1, "area_cm2": 1.0}
    >>> columns = {"Time [s]": [0.0], "Voltage [V]": [1.0], "Current [A]": [0.01]}
    >>> round(pellet_conductivity(time_series(columns, made)), 6)
    0.001
    """
    what = "the conductivity of a pellet"
    sizes = (metadata(data, key, what) for key in ("pellet_thickness_cm", "area_cm2"))
    if "Current [A]" in data:
        resistance = float(data["Voltage [V]"][-1] / data["Current [A]"][-1])
    else:
        lowest = int(np.argmin(data["Frequency [Hz]"].values))
        resistance = float(np.ravel(data["Z real [Ohm]"].values)[lowest])
    return conductivity(resistance, *sizes)


def nernst_einstein(
    diffusion_coefficient_cm2_s: float,
    concentration_mol_cm3: float,
    temperature_C: float = 25.0,
    charge_number: int = 1,
) -> float:
    """Ionic conductivity [S cm-1] from a diffusion coefficient.

    Parameters
    ----------
    diffusion_coefficient_cm2_s : float
        [cm2 s-1].
    concentration_mol_cm3 : float
        Of the mobile ion [mol cm-3].
    temperature_C : float, optional
        [degC].
    charge_number : int, optional
        Of the ion.

    Returns
    -------
    float
        ``C z2 F2 D / (R T)``.

    Examples
    --------
    >>> round(nernst_einstein(1e-8, 0.02, 25.0), 6)
    0.000751
    """
    kelvin = temperature_C + ZERO_CELSIUS
    squared = (charge_number * FARADAY) ** 2
    return (
        concentration_mol_cm3
        * squared
        * diffusion_coefficient_cm2_s
        / (GAS_CONSTANT * kelvin)
    )


def guest_concentration(data: xr.Dataset) -> float:
    """Guest that the active material takes up in all, per volume of the cathode layer.

    Parameters
    ----------
    data : xarray.Dataset
        Of a simulation.

    Returns
    -------
    float
        [mol.cm-3].

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> about = {"theoretical_capacity_Ah": 0.00268, "cathode_volume_cm3": 0.01}
    >>> round(guest_concentration(time_series({"Time [s]": [0.0]}, about)), 4)
    0.01
    """
    charge = metadata(data, "theoretical_capacity_Ah", "the concentration") * 3600
    return charge / FARADAY / metadata(data, "cathode_volume_cm3", "the concentration")
