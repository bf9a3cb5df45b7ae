"""Measured impedance spectra as data of a fit.

Real and imaginary parts count in shares of the modulus, so that a small bulk arc weighs as
much as a large one at low frequencies. Inductive points are left out: the model has no wires.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from sscell.cells.cell import Cell
from sscell.dataset import metadata, require
from sscell.errors import DataError
from sscell.protocols import impedance
from sscell.simulation.distance import without_limits
from sscell.simulation.engine import Resolution
from sscell.simulation.simulation import simulate

__all__ = ["Spectrum", "spectra", "spectrum_of"]

_FLOOR = 3e-3  # of the modulus: few instruments with a cell do better
_FEWEST = 8


@dataclass(frozen=True, eq=False)
class Spectrum:
    """One impedance spectrum.

    Parameters
    ----------
    label : str
        Which data.
    frequencies : numpy.ndarray, shape (n,)
        [Hz].
    impedance : numpy.ndarray of complex, shape (n,)
        Measured, of the whole cell [Ohm].
    celsius : float or None
        Temperature of the cell [degC]; None: the set's own.
    noise : float
        Standard deviation of each part, per modulus [-].
    weight : float
        Factor on its residuals [-].
    state : str
        Of the cell, as for `sscell.simulate`.
    dropped : int
        Inductive points that were left out.
    pressure : float or None
        On the stack [Pa]; None: the set's own.
    discrepancy : float
        What the model is expected to be off by, per modulus [-].
    """

    label: str
    frequencies: np.ndarray
    impedance: np.ndarray
    celsius: float | None
    noise: float
    weight: float = 1.0
    state: str = "pristine"
    dropped: int = 0
    pressure: float | None = None
    discrepancy: float = 0.0

    @property
    def count(self) -> int:
        """Number of residuals."""
        return 2 * self.frequencies.size

    @property
    def errors(self) -> np.ndarray:
        """Standard deviations of both parts by the noise, per modulus [-]."""
        return np.full(2 * self.frequencies.size, self.noise)

    @property
    def measured(self) -> np.ndarray:
        """Real, then imaginary parts, per modulus [-]."""
        return self.shares(self.impedance)

    @property
    def deviations(self) -> np.ndarray:
        """What counts as one deviation of both parts, per modulus [-]."""
        return np.hypot(self.errors, self.discrepancy)

    @property
    def scale(self) -> float:
        """What makes the residuals readable: from shares to percent [-]."""
        return 1e2

    @property
    def fingerprint(self) -> bytes:
        """Changes with anything that a fit depends on."""
        said = (self.label, self.celsius, self.noise, self.weight, self.state)
        said += () if self.pressure is None else (self.pressure,)
        return repr(said).encode() + self.frequencies.tobytes() + self.impedance.tobytes()

    def shares(self, impedance: np.ndarray) -> np.ndarray:
        """Parts of any impedance, per modulus of the measured one [-].

        Parameters
        ----------
        impedance : numpy.ndarray of complex, shape (n,)
            [Ohm].
        """
        share = impedance / np.abs(self.impedance)
        return np.concatenate([share.real, share.imag])


def spectra(
    data: xr.Dataset,
    *,
    label: str = "data",
    celsius: float | None = None,
    points: int = 200,
    noise: float | None = None,
    weight: float = 1.0,
    state: str = "pristine",
) -> list[Spectrum]:
    """Spectra of a dataset.

    Parameters
    ----------
    data : xarray.Dataset
        ``"Frequency [Hz]"`` and both parts of Z [Ohm] on ``frequency``.
    label : str, optional
        Name in messages.
    celsius : float, optional
        Temperature [degC]; default: the data's own, if they say it.
    points : int, optional
        Frequencies at most.
    noise : float, optional
        Per modulus [-]; default: estimated from neighbouring frequencies.
    weight : float, optional
        Factor on the residuals [-].
    state : str, optional
        Of the cell.

    Returns
    -------
    list of Spectrum

    Raises
    ------
    DataError
        If there is no usable spectrum.
    """
    try:
        require(data, "Frequency [Hz]", "Z real [Ohm]", "Z imaginary [Ohm]")
    except DataError as error:
        raise DataError(f"{label} cannot be fitted: {error}") from None
    if celsius is None:
        own = metadata(data, "temperature_C")
        celsius = None if own is None else float(own)
    table = data["Z real [Ohm]"].values + 1j * data["Z imaginary [Ohm]"].values
    rows = np.atleast_2d(table)
    found = []
    for number, row in enumerate(rows):
        name = label if len(rows) == 1 else f"{label} {number + 1}"
        one = _one(name, data["Frequency [Hz]"].values, row, points)
        sigma = _noise(one) if noise is None else float(noise)
        own = celsius
        if own is None and "temperature" in data.coords:  # of each spectrum of a run
            own = float(np.atleast_1d(data["temperature"].values)[number])
        found.append(replace(one, celsius=own, noise=sigma, weight=weight, state=state))
    return found


def _one(label: str, frequencies: np.ndarray, row: np.ndarray, points: int) -> Spectrum:
    good = np.isfinite(frequencies) & np.isfinite(row) & (frequencies > 0)
    capacitive = good & (np.imag(row) <= 0) & (np.real(row) > 0)
    count = int(capacitive.sum())
    if count < _FEWEST:
        raise DataError(
            f"{label} has only {count} frequencies with a capacitive impedance; at least "
            f"{_FEWEST} are needed."
        )
    order = np.flatnonzero(capacitive)[np.argsort(-frequencies[capacitive])]
    order = order[np.unique(np.linspace(0, count - 1, min(points, count)).astype(int))]
    dropped = int(good.sum()) - count
    return Spectrum(label, frequencies[order], row[order], None, _FLOOR, dropped=dropped)


def _noise(spectrum: Spectrum) -> float:
    """From second differences along the frequencies, which take out the smooth arcs."""
    second = np.concatenate(
        [
            np.diff(part, 2) / np.sqrt(6)
            for part in np.split(spectrum.measured, 2)
            if part.size > 4
        ]
    )
    return max(_FLOOR, 1.4826 * float(np.median(np.abs(second))))


def spectrum_of(cell: Cell, spectrum: Spectrum, resolution: Resolution) -> np.ndarray:
    """Model at the frequencies and in the state of a measured spectrum.

    Parameters
    ----------
    cell : Cell
        Its values.
    spectrum : Spectrum
        From `spectra`.
    resolution : Resolution
        Meshes and tolerances.

    Returns
    -------
    numpy.ndarray, shape (2 n,)
        Real, then imaginary parts, per modulus of the measured impedance [-].

    Raises
    ------
    SimulationError
        If the state cannot be reached.
    """
    run = simulate(
        without_limits(cell),  # data say more than the set knows there
        impedance(spectrum.frequencies.tolist()),
        temperature=spectrum.celsius,
        state=spectrum.state,
        pressure=None if spectrum.pressure is None else spectrum.pressure / 1e6,
        resolution=replace(resolution, double_layer=True),
    )
    z = run["Z real [Ohm]"].values[0] + 1j * run["Z imaginary [Ohm]"].values[0]
    return spectrum.shares(z)
