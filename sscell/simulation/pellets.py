"""Virtual pellets of an integrated cathode: what the paper's two experiments would read.

A pellet of the cathode as milled between two electrodes: steel lets electrons pass (DC
polarisation), a solid electrolyte lets ions pass (AC impedance). Its conductivities are
those of the cell's own closure; its lithium sits in the MoS2, which sets how long it takes
until the carriers that are blocked stand still.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from sscell.cells.cell import Cell
from sscell.dataset import spectrum, time_series
from sscell.errors import ParameterError
from sscell.simulation.engine import Resolution, engine
from sscell.units import FARADAY, GAS_CONSTANT, parse_quantity

__all__ = ["Pellet", "blocked_impedance", "dc_polarisation", "pellet_of"]

_MEAN = "X-averaged positive electrode effective {} conductivity [S.m-1]"
_POINTS = 60
_OWN = 1e3  # F.m-3: of surfaces, tiny; finds the potential where MoS2 is empty or full


@dataclass(frozen=True)
class Pellet:
    """A uniform mixed conductor at rest.

    Parameters
    ----------
    ionic, electronic : float
        Conductivity of the pellet [S.m-1].
    storage : float
        Lithium of the MoS2, all of it, as charge per volume [C.m-3].
    filling : float
        Of the MoS2 [-].
    width : float
        Slope of its potential over ln y/(1-y) [V].
    thickness : float
        [m].
    area : float
        [m2].

    Examples
    --------
    >>> Pellet(1e-2, 1e-1, 1e9, 0.5, 0.1, 5e-4, 1e-4).capacitance
    2500001000.0
    """

    ionic: float
    electronic: float
    storage: float
    filling: float
    width: float
    thickness: float
    area: float

    @property
    def capacitance(self) -> float:
        """Chemical capacitance [F.m-3]: charge stored per volume and potential."""
        return self.storage * self.filling * (1 - self.filling) / self.width + _OWN

    @property
    def attributes(self) -> dict[str, float]:
        """Sizes that `sscell.analysis.transport.pellet_conductivity` reads [cm, cm2]."""
        sizes = {"pellet_thickness_cm": self.thickness * 100}
        return sizes | {"area_cm2": self.area * 1e4}


def pellet_of(cell: Cell, thickness: str | float = "0.5 mm") -> Pellet:
    """Pellet of a cell's cathode as milled, on its area and as porous as it.

    Parameters
    ----------
    cell : Cell
        With an integrated cathode.
    thickness : str or float, optional
        [m]; the paper does not give it.

    Returns
    -------
    Pellet

    Raises
    ------
    ParameterError
        If the cathode is a composite, or the thickness is not positive.

    Examples
    --------
    >>> pellet_of(Cell.load("Pan2023")).electronic > 1e-2
    True
    """
    if cell.conduction != "mixed":
        raise ParameterError(
            f"{cell.name} has a composite cathode: it conducts by its electrolyte and carbon."
        )
    length = parse_quantity(thickness, "m", "thickness")
    if not length > 0:
        raise ParameterError(f"The thickness must be positive, not {thickness}.")
    resolution = Resolution(shells=3)
    built = engine(cell, resolution)
    inputs = built.inputs(cell)
    start, state = built.state(None, inputs)
    found = built.evaluate(np.array([start]), state, inputs)
    v = cell.values
    solid = v["Positive electrode active material density [kg.m-3]"]
    solid *= (1 - v["Positive electrode porosity"]) * FARADAY
    y, electrons = v["MoS2 mole fraction"], v["MoS2 lithium limit"]
    sulfur = 2 * (1 - v["LiI mole fraction"]) * (1 - y)
    share = electrons * y / (sulfur + electrons * y)
    molar = v["Positive electrode active material molar mass [kg.mol-1]"]
    kelvin = v["Ambient temperature [K]"]
    return Pellet(
        *(float(found[_MEAN.format(kind)][0]) for kind in ("ionic", "electronic")),
        storage=solid / molar * share,
        filling=v["Initial MoS2 lithium fraction"],
        width=v["MoS2 width coefficient"] * GAS_CONSTANT * kelvin / FARADAY,
        thickness=length,
        area=cell.area,
    )


def dc_polarisation(
    pellet: Pellet, voltage: str | float = "1 V", duration: str | float = "30 min"
) -> xr.Dataset:
    r"""Current through a pellet between electrodes that pass electrons only.

    .. math:: \frac{\partial n}{\partial t} = -\frac{1}{F}\frac{\partial i_e}{\partial z},
        \quad i_e = \sigma_i \frac{i + \sigma_e\, \partial\Delta\phi/\partial z}
        {\sigma_i + \sigma_e}, \quad i_e(0) = i_e(L) = 0

    Parameters
    ----------
    pellet : Pellet
        Its conductivities are taken as constant.
    voltage : str or float, optional
        [V].
    duration : str or float, optional
        [s].

    Returns
    -------
    xarray.Dataset
        Time, voltage and current; conductivity by `pellet_conductivity`.

    Raises
    ------
    ParameterError
        If the voltage is zero or the duration not positive.

    Examples
    --------
    >>> from sscell.analysis.transport import pellet_conductivity
    >>> made = Pellet(1e-2, 1e-1, 1e9, 0.5, 0.1, 5e-4, 1e-4)
    >>> run = dc_polarisation(made, 0.01, "100 h")
    >>> round(pellet_conductivity(run), 6)  # S cm-1: the electrons alone
    0.001
    """
    from scipy.integrate import solve_ivp

    applied = parse_quantity(voltage, "V", "voltage")
    seconds = parse_quantity(duration, "s", "duration")
    if not seconds > 0 or applied == 0:
        raise ParameterError(f"There is nothing to see with {voltage} over {duration}.")
    p, h = pellet, pellet.thickness / _POINTS
    both = p.ionic + p.electronic

    def current(delta: np.ndarray) -> Any:
        ends = 1.5 * (delta[-1] - delta[0]) - 0.5 * (delta[-2] - delta[1])
        return (applied * both + p.ionic * ends) / p.thickness

    def change(_: float, delta: np.ndarray) -> np.ndarray:
        slope = np.diff(delta) / h
        ionic = np.zeros(delta.size + 1)
        ionic[1:-1] = p.ionic * (current(delta) + p.electronic * slope) / both
        filling = 1 / (1 + (1 - p.filling) / p.filling * np.exp(delta / p.width))
        stored = p.storage * filling * (1 - filling) / p.width + _OWN
        return np.diff(ionic) / h / stored

    # The ends relax first, within the time of one cell of the mesh.
    times = np.concatenate([[0], np.geomspace(1e-4, 1, 200)]) * seconds
    found = solve_ivp(
        change, (0, seconds), np.zeros(_POINTS), "BDF", times, rtol=1e-6, atol=1e-8
    )
    columns = {
        "Time [s]": found.t,
        "Voltage [V]": np.full(found.t.size, applied),
        "Current [A]": np.array([current(d) for d in found.y.T]) * p.area,
    }
    return time_series(columns, p.attributes)


def blocked_impedance(pellet: Pellet, frequencies: np.ndarray | None = None) -> xr.Dataset:
    r"""Impedance of a pellet between electrodes that pass ions only, theirs subtracted.

    .. math:: Z = \frac{L}{\sigma_i + \sigma_e}\left(1 + \frac{\sigma_e}{\sigma_i}
        \frac{\tanh \nu/2}{\nu/2}\right), \quad
        \nu = L \sqrt{j\omega C \left(\frac{1}{\sigma_i} + \frac{1}{\sigma_e}\right)}

    Parameters
    ----------
    pellet : Pellet
        With its chemical capacitance C.
    frequencies : numpy.ndarray, optional
        [Hz]; default: 1 MHz to 0.1 Hz, ten per decade.

    Returns
    -------
    xarray.Dataset
        A spectrum; conductivity by `pellet_conductivity`.

    Notes
    -----
    Source: Jamnik and Maier, J. Electrochem. Soc. 146 (1999) 4183.

    Examples
    --------
    >>> from sscell.analysis.transport import pellet_conductivity
    >>> made = Pellet(1e-2, 1e-1, 1e9, 0.5, 0.1, 5e-4, 1e-4)
    >>> round(pellet_conductivity(blocked_impedance(made, np.array([1e-9]))), 6)  # ions alone
    0.0001
    """
    f = np.geomspace(1e6, 0.1, 71) if frequencies is None else np.asarray(frequencies)
    p = pellet
    resisted = 1 / p.ionic + 1 / p.electronic
    nu = p.thickness * np.sqrt(2j * np.pi * f * p.capacitance * resisted)
    # Far from rest the tangent is one to every digit, and its exponentials overflow.
    half = np.where(nu.real > 600, 600, nu / 2)
    ratio = p.electronic / p.ionic
    z = p.thickness / (p.ionic + p.electronic) * (1 + ratio * np.tanh(half) / (nu / 2))
    z = z / p.area
    columns = {"Frequency [Hz]": f, "Z real [Ohm]": z.real, "Z imaginary [Ohm]": z.imag}
    return spectrum(columns, p.attributes)
