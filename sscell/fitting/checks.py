"""Whether data can be of a cell at all: sign, units, window, amount of charge."""

from __future__ import annotations

import numpy as np

from sscell.cells.cell import Cell
from sscell.errors import DataError
from sscell.fitting.courses import Course
from sscell.fitting.spectra import Spectrum, spectrum_of
from sscell.simulation.engine import Resolution
from sscell.units import ZERO_CELSIUS

__all__ = ["check_course", "check_spectrum", "remarks_of", "remarks_of_spectrum"]

_BESIDE = 0.35  # V beyond the cell's window
_MOST = 0.25  # of the points may lie there
_FAR = 100.0  # of the modulus of an impedance
_STEP = 0.01  # V: a step of a set voltage
_SHORTEST = 0.02  # of the capacity: less is hardly a test of this cell


def check_course(cell: Cell, course: Course) -> None:
    """Refuse data that cannot be of this cell, in one sentence.

    Parameters
    ----------
    cell : Cell
        What is fitted.
    course : Course
        The data [s, A, V].

    Raises
    ------
    DataError
        If the unit, the sign or the cell does not fit.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> from sscell.fitting.courses import course
    >>> t = np.linspace(0.0, 7.2e4, 50)
    >>> data = time_series({"Time [s]": t, "Current [A]": np.full(50, 5e-5),
    ...                     "Voltage [V]": 3 - 2 * t / 7.2e4})
    >>> cell = Cell.load("Ji2024")
    >>> check_course(cell, course(data, cell.window))
    """
    _check_voltage(cell, course)
    if cell.is_symmetric:
        _check_passive(cell, course)
        return
    _check_charge(cell, course)
    _check_sign(course)


def _check_passive(cell: Cell, course: Course) -> None:
    """Two like electrodes take power: a positive current has a negative voltage."""
    pairs = [
        (segment.current * segment.duration, float(np.mean(segment.measured)))
        for segment in course.segments
        if segment.line is None and segment.sign and segment.times.size
    ]
    if pairs and sum(charge * voltage for charge, voltage in pairs) > 0:
        raise DataError(
            f"{course.label}: current and voltage have one sign, as if {cell.name} gave power; "
            "a positive current strips the electrode that the voltage is measured against: say "
            "--current-sign charge."
        )


def _check_voltage(cell: Cell, course: Course) -> None:
    low, high = cell.window
    voltage = course.measured[~course.held]
    if not voltage.size:
        voltage = np.array([s.line[0] for s in course.segments if s.line])
    middle = float(np.median(np.abs(voltage)))
    if middle > 50 * max(abs(high), abs(low)):
        raise DataError(
            f"{course.label}: the voltages are about {middle:.4g} V; {cell.name} works from "
            f"{low:g} to {high:g} V. They look like mV: give the column its unit."
        )
    outside = (voltage < low - _BESIDE) | (voltage > high + _BESIDE)
    if np.mean(outside) > _MOST:
        raise DataError(
            f"{course.label}: {np.mean(outside):.0%} of the voltages "
            f"({course.window[0]:.3g} to {course.window[1]:.3g} V) lie outside the window "
            f"of {cell.name}, {low:g} to {high:g} V: another cell, or another reference "
            f"(this one is {cell.data['bases']['voltage_reference']})."
        )


def _half_cycles(course: Course) -> list[float]:
    """Charge passed between reversals of the current [A.h]."""
    found, sign, passed = [], 0, 0.0
    for segment in course.segments:
        if segment.sign and segment.sign != sign:
            found.append(passed)
            sign, passed = segment.sign, 0.0
        passed += abs(segment.current) * segment.duration / 3600
    return [*found, passed][1:]


def _check_charge(cell: Cell, course: Course) -> None:
    largest = max(_half_cycles(course), default=0.0)
    ratio = largest / cell.theoretical_capacity
    holds = f"{cell.name} holds {cell.theoretical_capacity * 1e3:.3g} mA.h"
    passes = f"{course.label} passes {largest * 1e3:.3g} mA.h in one direction"
    mass = "give the mass of the measured cell ('Positive electrode mass [kg]')"
    if 1 / 3 < ratio / 1e3 < 3 or 1 / 3 < ratio / 1e6 < 3:
        raise DataError(
            f"{passes}, but {holds}: the current looks like "
            f"{'mA' if ratio < 1e4 else 'uA'} taken for A; give the column its unit."
        )
    if ratio > 1.6:
        raise DataError(
            f"{passes}, but {holds}: the unit of the current is wrong, or {mass}."
        )
    if ratio < _SHORTEST:
        raise DataError(
            f"{passes}, but {holds}: too little for a test of this cell. Check the unit of "
            f"the current or of the time, or {mass}."
        )


def _check_sign(course: Course) -> None:
    """On discharge the voltage falls; between reversals that must hold on balance."""
    agree = against = 0.0
    resting = None  # voltage of a rest just before
    for segment in course.segments:
        change = 0.0
        if segment.line is None and segment.sign and segment.times.size > 1:
            change = float(segment.measured[-1] - segment.measured[0])
        elif segment.line is not None and resting is not None:
            # From rest, the current flows the way the voltage is led.
            voltage, slope = segment.line
            change = voltage + slope * segment.duration - resting
            change = 0.0 if abs(change) < _STEP else change
        resting = None
        if not segment.sign and segment.times.size:
            resting = float(segment.measured[-1])
        change *= -segment.sign
        agree += max(change, 0.0)
        against += max(-change, 0.0)
    noise = 6 * course.noise
    if against > agree and against > noise:
        raise DataError(
            f"{course.label}: the voltage rises while the current discharges, so the sign of "
            "the current is the wrong way round. Here a positive current discharges; read "
            "the file with the current's sign given (positive is charge, or discharge)."
        )


def remarks_of(
    cell: Cell, course: Course, cutoffs: tuple[float, float] | None = None
) -> list[str]:
    """What a reader of the fit should know of a dataset.

    Parameters
    ----------
    cell : Cell
        What is fitted.
    course : Course
        The data [s, A, V].
    cutoffs : tuple of float, optional
        Where the test turned round [V]; default: the cell's window.

    Returns
    -------
    list of str
        Sentences.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> from sscell.fitting.courses import course
    >>> data = time_series({"Time [s]": [0, 1e4, 2e4, 3e4], "Current [A]": [1e-4] * 4,
    ...                     "Voltage [V]": [2.0, 1.9, 1.8, 1.6]})
    >>> remarks_of(Cell.load("Ji2024"), course(data, (0.7, 2.8), label="a.csv"))[0]
    "a.csv does not say its temperature; the set's own, 25 degC, is used."
    """
    found = _conditions(cell, course)
    ended = any(s.limit is not None or s.line is not None for s in course.segments)
    if not ended:
        low, high = cutoffs or cell.window
        found.append(
            f"No step of {course.label} ends at a cut-off ({low:g} or {high:g} V); each lasts "
            "as long as in the data."
        )
    return found


def check_spectrum(cell: Cell, spectrum: Spectrum, resolution: Resolution) -> None:
    """Refuse a spectrum that cannot be of this cell, in one sentence.

    Parameters
    ----------
    cell : Cell
        What is fitted.
    spectrum : Spectrum
        The data [Hz, Ohm].
    resolution : Resolution
        Meshes and tolerances.

    Raises
    ------
    DataError
        If its modulus is a hundred times off.
    """
    parts = np.split(spectrum_of(cell, spectrum, resolution), 2)
    ratio = float(np.median(np.hypot(*parts)))
    if not 1 / _FAR < ratio < _FAR:
        data = float(np.median(np.abs(spectrum.impedance)))
        raise DataError(
            f"{spectrum.label}: the impedance is about {data:.3g} Ohm, that of {cell.name} "
            f"{data * ratio:.3g}: another unit (kOhm, Ohm cm2) or another cell."
        )


def remarks_of_spectrum(cell: Cell, spectrum: Spectrum) -> list[str]:
    """What a reader of the fit should know of a spectrum.

    Parameters
    ----------
    cell : Cell
        What is fitted.
    spectrum : Spectrum
        The data [Hz, Ohm].

    Returns
    -------
    list of str
        Sentences.
    """
    found = _conditions(cell, spectrum)
    if spectrum.dropped:
        found.append(
            f"{spectrum.dropped} inductive points of {spectrum.label} were left out: the "
            "model has no wires."
        )
    return found


def _conditions(cell: Cell, data: Course | Spectrum) -> list[str]:
    """What the data do not say of their temperature and pressure, and the set of pressure."""
    found = []
    if data.celsius is None:
        own = f"{cell.values['Ambient temperature [K]'] - ZERO_CELSIUS:g} degC"
        found.append(
            f"{data.label} does not say its temperature; the set's own, {own}, is used."
        )
    if data.pressure is not None and not cell.has_contact:
        found.append(
            f"{cell.name} has no data on pressure; {data.pressure / 1e6:g} MPa of "
            f"{data.label} changes nothing."
        )
    if data.pressure is None and cell.has_contact:
        own = f"{cell.values['Applied stack pressure [Pa]'] / 1e6:g} MPa"
        found.append(
            f"{data.label} does not say its pressure; the set's own, {own}, is used."
        )
    return found
