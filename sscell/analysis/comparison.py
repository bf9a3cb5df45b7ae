r"""How far a model is from what was measured, curve by curve.

**Voltage.** At equal charge, over the part that both have: nothing is extrapolated. The
root mean square is that of the *flat part*, where one per cent of the capacity moves the
voltage of either by less than two per cent of its range; on a cliff it would only say how far the
capacity is off, which is a number of its own.

**Distance.** From each point of one curve to the nearest of the other, with the voltage in
units of its error (that of the data, at least 1 mV) and the charge in units of a thousandth
of the measured capacity; root mean square over both ways:

.. math:: d^2 = \min \left(\frac{\Delta Q}{10^{-3} Q}\right)^2 +
          \left(\frac{\Delta V}{\sigma_V}\right)^2
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from sscell.analysis.capacity import HalfCycle, half_cycles
from sscell.analysis.sweeping import sweeps
from sscell.dataset import metadata
from sscell.errors import DataError, ParameterError
from sscell.segments import cycle_numbers

__all__ = [
    "CHARGE",
    "FLAT",
    "REACH",
    "VOLTAGE",
    "Comparison",
    "Overlay",
    "compare",
    "distances",
    "flat",
    "half_cycle_table",
    "misfits",
]

CHARGE = 1e-3  # of the measured capacity: error of a good cycler's charge
VOLTAGE = 1e-3  # V: accuracy of a good cycler
FLAT = 2.0  # ranges of the voltage per capacity
REACH = 0.005  # of the capacity to either side, over which a slope is taken
_POINTS = 400


@dataclass(frozen=True, eq=False)
class Overlay:
    """One measured curve and the model's beside it.

    Parameters
    ----------
    label : str
        Such as ``"cycle 2 discharge"``.
    axes : tuple of str
        What is drawn, with units.
    measured, model : tuple of numpy.ndarray
        Both coordinates of each curve.
    cycle : int
        Of the measured curve.
    direction : str
        ``"discharge"``, ``"charge"`` or empty.
    """

    label: str
    axes: tuple[str, str]
    measured: tuple[np.ndarray, np.ndarray]
    model: tuple[np.ndarray, np.ndarray]
    cycle: int = 1
    direction: str = ""

    @property
    def row(self) -> dict[str, Any]:
        """Capacities of a half cycle [mA.h]."""
        return {
            "cycle": self.cycle,
            "direction": self.direction,
            "measured_mAh": float(self.measured[0][-1]),
            "model_mAh": float(self.model[0][-1]),
        }


@dataclass(frozen=True, eq=False)
class Comparison:
    """What a file says of a run.

    Parameters
    ----------
    file : str
        Its name.
    numbers : dict
        ``rms_mV``, ``distance`` and what else there is.
    half_cycles : list of dict
        ``cycle``, ``direction``, ``measured_mAh``, ``model_mAh`` and more.
    overlays : tuple of Overlay
        Curves to draw.
    remarks : tuple of str
        What was not compared.
    """

    file: str
    numbers: dict[str, Any]
    half_cycles: list[dict[str, Any]]
    overlays: tuple[Overlay, ...]
    remarks: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {"file": self.file, **self.numbers, "half_cycles": self.half_cycles}

    def __str__(self) -> str:
        units = {"rms_mV": "mV rms on the flat part", "rms_uA": "uA rms"}
        units |= {"rms_percent": "% rms of the modulus", "distance": "errors away"}
        parts = [
            f"{self.numbers[key]:.3g} {words}"
            for key, words in units.items()
            if self.numbers.get(key) is not None
        ]
        lines = [f"{self.file}: {', '.join(parts) or 'nothing in common'}"]
        return "\n".join([*lines, *half_cycle_table(self.half_cycles)])


def half_cycle_table(rows: Sequence[dict[str, Any]]) -> list[str]:
    r"""Lines of a table: half cycle, measured mAh, model mAh.

    Parameters
    ----------
    rows : sequence of dict
        ``cycle``, ``direction``, ``measured_mAh`` and ``model_mAh``.

    Returns
    -------
    list of str

    Examples
    --------
    >>> row = {"cycle": 1, "direction": "charge", "measured_mAh": 2.0, "model_mAh": 1.9}
    >>> print(*half_cycle_table([row]), sep="\n")
      half cycle          measured mAh    model mAh
        1 charge                     2          1.9   -5.0 %
    """
    if not rows:
        return []
    lines = [f"  {'half cycle':<18}{'measured mAh':>14}{'model mAh':>13}"]
    for row in rows:
        real, model = row["measured_mAh"], row["model_mAh"]
        name = f"{row['cycle']:>5} {row['direction']}"
        off = ""
        if model is not None and real:
            off = f"   {100 * (model / real - 1):+.1f} %"
        shown = "-" if model is None else f"{model:.5g}"
        volts = row.get("rms_mV")
        tail = "" if volts is None else f"   {volts:.3g} mV"
        lines.append(f"{name:<20}{real:>14.5g}{shown:>13}{off}{tail}")
    return lines


def flat(charge: np.ndarray, voltage: np.ndarray) -> np.ndarray:
    """Where one per cent of the capacity moves the voltage by under two of its range.

    Parameters
    ----------
    charge : numpy.ndarray, shape (n,)
        Passed since the start of a half cycle, increasing [any].
    voltage : numpy.ndarray, shape (n,)
        [V].

    Returns
    -------
    numpy.ndarray of bool, shape (n,)
        Everywhere, if that is nowhere.

    Examples
    --------
    >>> q = np.linspace(0, 1, 101)
    >>> flat(q, np.where(q < 0.9, 2 - 0.1 * q, 1.91 - 10 * (q - 0.9)))[[50, 95]].tolist()
    [True, False]
    """
    whole, span = float(np.ptp(charge)), float(np.ptp(voltage))
    if whole <= 0 or span <= 0 or charge.size < 4:
        return np.ones(charge.size, dtype=bool)
    left = np.maximum(charge - REACH * whole, charge[0])
    right = np.minimum(charge + REACH * whole, charge[-1])
    rise = np.abs(np.interp(right, charge, voltage) - np.interp(left, charge, voltage))
    found = rise < FLAT * span * (right - left) / whole
    return found if found.any() else np.ones(charge.size, dtype=bool)


def misfits(
    measured: tuple[np.ndarray, np.ndarray],
    model: tuple[np.ndarray, np.ndarray],
    noise: float = VOLTAGE,
    window: tuple[float, float] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Errors of the voltage on the flat part, and distances of two half cycles.

    Parameters
    ----------
    measured, model : tuple of numpy.ndarray
        Charge since the start [mA.h], not falling, and voltage [V].
    noise : float, optional
        Standard deviation of the measured voltage [V].
    window : tuple of float, optional
        Measured voltages that count [V].

    Returns
    -------
    tuple of numpy.ndarray
        Model less data at equal charge [V], and distances of both curves from each other
        [-].

    Examples
    --------
    >>> q = np.linspace(0, 1, 50)
    >>> off, away = misfits((q, 2 - q), (q, 2.002 - q))
    >>> round(float(off.mean()), 4), bool(away.max() < 2.1)
    (0.002, True)
    """
    (q, v), (p, u) = measured, model
    whole = float(q[-1])
    if q.size < 2 or p.size < 2 or whole <= 0:
        return np.empty(0), np.empty(0)
    at = np.linspace(max(q[0], p[0]), min(q[-1], p[-1]), _POINTS)
    here = np.interp(at, q, v)
    level = np.ones(at.size, dtype=bool)
    for x, y in (measured, model):
        own = np.linspace(x[0], x[-1], _POINTS)
        level &= np.interp(at, own, flat(own, np.interp(own, x, y)).astype(float)) > 0.99
    if window is not None:
        level &= (here >= window[0]) & (here <= window[1])
    off = (np.interp(at, p, u) - here)[level]
    scale = np.array([CHARGE * whole, max(noise, VOLTAGE)])
    one, other = (_even(np.column_stack(curve) / scale) for curve in (measured, model))
    if window is not None:
        inside = (one[:, 1] * scale[1] >= window[0]) & (one[:, 1] * scale[1] <= window[1])
        return off, distances(one[inside], other)
    return off, np.concatenate([distances(one, other), distances(other, one)])


def _even(points: np.ndarray) -> np.ndarray:
    """Points of a curve equally far apart along it."""
    way = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    at = np.linspace(0.0, way[-1], _POINTS)
    return np.column_stack([np.interp(at, way, column) for column in points.T])


def distances(points: np.ndarray, curve: np.ndarray) -> np.ndarray:
    """Distances of points from a curve of straight pieces.

    Parameters
    ----------
    points : numpy.ndarray, shape (n, 2)
        In units of their errors [-].
    curve : numpy.ndarray, shape (m, 2)
        Its corners, in the same units [-].

    Returns
    -------
    numpy.ndarray, shape (n,)

    Examples
    --------
    >>> distances(np.array([[0.5, 2.0]]), np.array([[0.0, 0.0], [1.0, 0.0]])).tolist()
    [2.0]
    """
    begins, along = curve[:-1], np.diff(curve, axis=0)
    squares = np.maximum(np.sum(along**2, axis=1), 1e-300)
    since = points[:, None, :] - begins[None, :, :]
    share = np.clip(np.sum(since * along, axis=2) / squares, 0.0, 1.0)
    off = since - share[:, :, None] * along
    return np.sqrt(np.sum(off**2, axis=2).min(axis=1))


def compare(
    model: xr.Dataset,
    measured: xr.Dataset,
    *,
    file: str = "data",
    chosen: np.ndarray | None = None,
    window: tuple[float, float] | None = None,
    controlled: str = "current",
) -> Comparison:
    """Hold a run against a measured file.

    Parameters
    ----------
    model : xarray.Dataset
        A simulated run: time series [s, A, V] or spectra [Hz, Ohm].
    measured : xarray.Dataset
        Of the same kind.
    file : str, optional
        Its name.
    chosen : numpy.ndarray of bool, optional
        Rows of a time series that count: half cycles without any are left out.
    window : tuple of float, optional
        Measured voltages between which the voltage counts [V].
    controlled : str, optional
        ``"voltage"`` for sweeps and holds, of which the currents are compared.

    Returns
    -------
    Comparison
        Half cycles are paired by their cycle where the run has all that were chosen, else
        in order; preparatory ones are left out. Where the file says its mass, the model's
        charge is scaled to it.

    Raises
    ------
    ParameterError
        If one is a spectrum and the other is not.
    DataError
        If they have no half cycle in common.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0, 3600], "Current [A]": [1.0, 1.0],
    ...                     "Voltage [V]": [2.0, 1.0]})
    >>> compare(data, data).as_dict()["rms_mV"]
    0.0
    """
    spectral = ["frequency" in one.dims for one in (model, measured)]
    if spectral[0] != spectral[1]:
        kinds = [("spectra" if s else "a time series") for s in spectral]
        raise ParameterError(
            f"The run gives {kinds[0]}, '{file}' holds {kinds[1]}: they cannot be compared."
        )
    if spectral[0]:
        return _spectra(model, measured, file)
    if controlled == "voltage":
        return _currents(model, measured, file, chosen)
    return _half_cycles(model, measured, file, chosen, window)


def _half_cycles(
    model: xr.Dataset,
    measured: xr.Dataset,
    file: str,
    chosen: np.ndarray | None,
    window: tuple[float, float] | None,
) -> Comparison:
    pairs, left = _paired(model, measured, chosen)
    if not pairs:
        raise DataError(f"'{file}' and the run have no half cycle of one direction.")
    scale = _scale(model, measured)
    overlays, rows, off, away = [], [], [], []
    for own, half, cycle in pairs:
        overlay = Overlay(
            f"cycle {cycle} {half.direction}",
            ("Capacity [mAh]", "Voltage [V]"),
            _under_current(half, 1e3),
            _under_current(own, 1e3 * scale),
            cycle,
            half.direction,
        )
        volts, distances = misfits(overlay.measured, overlay.model, window=window)
        overlays.append(overlay)
        rows.append(overlay.row | {"rms_mV": _rms(volts, 1e3)})
        off.append(volts)
        away.append(distances)
    numbers = {
        "rms_mV": _rms(np.concatenate(off), 1e3),
        "distance": _rms(np.concatenate(away)),
    }
    remarks = []
    if left:
        remarks.append(
            f"{left} half cycles of '{file}' have none in the run to be compared with."
        )
    return Comparison(file, numbers, rows, tuple(overlays), tuple(remarks))


def _rms(values: np.ndarray, scale: float = 1.0) -> float | None:
    return scale * float(np.sqrt(np.mean(values**2))) if values.size else None


def _paired(
    model: xr.Dataset, measured: xr.Dataset, chosen: np.ndarray | None
) -> tuple[list[tuple[HalfCycle, HalfCycle, int]], int]:
    """Half cycles of the run and the file with the file's cycle, and how many have no mate."""
    known = {s["step"]: s for s in metadata(model, "steps") or []}
    own = [h for h in half_cycles(model) if not known.get(h.step, {}).get("preparatory")]
    halves = half_cycles(measured)
    starts = [(1 if h.direction == "discharge" else -1, int(h.rows[0])) for h in halves]
    numbers = cycle_numbers(measured, starts) if halves else np.empty(0, dtype=int)
    wanted = [
        (h, int(numbers[h.rows[-1]]))
        for h in halves
        if h.capacity > 0 and (chosen is None or chosen[h.rows].any())
    ]
    by_number = chosen is not None and {n for _, n in wanted} <= {h.cycle for h in own}
    found, used = [], []
    for half, number in wanted:
        mates = [
            k
            for k, h in enumerate(own)
            if k not in used
            and h.direction == half.direction
            and (not by_number or h.cycle == number)
        ]
        if mates:
            used.append(mates[0])
            found.append((own[mates[0]], half, number))
    return found, len(wanted) - len(found)


def _scale(model: xr.Dataset, measured: xr.Dataset) -> float:
    """From the model's charge to that of the measured mass [-]."""
    masses = [metadata(d, "capacity_basis_mass_g") for d in (measured, model)]
    return float(masses[0] / masses[1]) if all(masses) else 1.0


def _under_current(half: HalfCycle, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Charge [mA.h] and voltage [V] of the rows in which current flows."""
    size = np.abs(half.current)
    flows = size > 0.02 * float(np.median(size[size > 0])) if size.any() else size >= 0
    return np.maximum.accumulate(half.charge[flows]) * scale, half.voltage[flows]


def _currents(
    model: xr.Dataset, measured: xr.Dataset, file: str, chosen: np.ndarray | None
) -> Comparison:
    """Currents under a set voltage: of sweeps over the voltage, of holds over time."""
    data = measured if chosen is None else measured.isel(time=np.flatnonzero(chosen))
    try:
        pairs = _by_sweep(model, data)
    except DataError:
        pairs = [_by_time(model, data)]
    if not pairs:
        raise DataError(f"'{file}' and the run have no sweep of one direction.")
    off = []
    for overlay in pairs:
        (x, y), (p, u) = overlay.measured, overlay.model
        order, back = np.argsort(p), (x >= p.min()) & (x <= p.max())
        off.append(np.interp(x[back], p[order], u[order]) - y[back])
    numbers = {"rms_mV": None, "distance": None, "rms_uA": _rms(np.concatenate(off))}
    return Comparison(file, numbers, [], tuple(pairs))


def _by_sweep(model: xr.Dataset, measured: xr.Dataset) -> list[Overlay]:
    own = {(s.direction, s.number): s for s in sweeps(model)}
    found = []
    for sweep in sweeps(measured):
        mate = own.get((sweep.direction, sweep.number))
        if mate is not None:
            found.append(
                Overlay(
                    f"sweep {sweep.number} {sweep.direction}",
                    ("Voltage [V]", "Current [uA]"),
                    (sweep.voltage, 1e6 * sweep.current),
                    (mate.voltage, 1e6 * mate.current),
                    sweep.number,
                    sweep.direction,
                )
            )
    return found


def _by_time(model: xr.Dataset, measured: xr.Dataset) -> Overlay:
    """Currents since the last step of the voltage."""
    curves = []
    for data in (measured, model):
        time, current = (data[n].values.astype(float) for n in ("Time [s]", "Current [A]"))
        if "Step" in data:
            rows = data["Step"].values == data["Step"].values[-1]
        else:  # from the largest jump of the current on
            rows = np.arange(time.size) >= 1 + int(np.argmax(np.abs(np.diff(current))))
        curves.append((time[rows] - time[rows][0], 1e6 * current[rows]))
    return Overlay("step", ("Time [s]", "Current [uA]"), curves[0], curves[1])


def _spectra(model: xr.Dataset, measured: xr.Dataset, file: str) -> Comparison:
    """Impedances, spectrum by spectrum in order, at the measured frequencies."""
    rows = []
    for data in (measured, model):
        table = data["Z real [Ohm]"].values + 1j * data["Z imaginary [Ohm]"].values
        frequencies = np.atleast_2d(data["Frequency [Hz]"].values)
        table = np.atleast_2d(table)
        frequencies = np.broadcast_to(frequencies, table.shape)
        rows.append(
            [
                (f[np.isfinite(z)], z[np.isfinite(z)])
                for f, z in zip(frequencies, table, strict=True)
            ]
        )
    overlays, shares = [], []
    for number, ((f, z), (g, y)) in enumerate(zip(*rows, strict=False), start=1):
        inside = (f >= g.min() * (1 - 1e-6)) & (f <= g.max() * (1 + 1e-6))
        order = np.argsort(g)
        at, logs = np.log(f[inside]), np.log(g[order])
        there = np.interp(at, logs, y[order].real) + 1j * np.interp(at, logs, y[order].imag)
        part = (there - z[inside]) / np.abs(z[inside])
        shares.append(np.concatenate([part.real, part.imag]))
        overlays.append(
            Overlay(
                f"spectrum {number}",
                ("Z real [Ohm]", "-Z imaginary [Ohm]"),
                (z.real, -z.imag),
                (y.real, -y.imag),
                number,
            )
        )
    numbers = {
        "rms_mV": None,
        "distance": None,
        "rms_percent": _rms(np.concatenate(shares), 100.0),
    }
    counts = [len(r) for r in rows]
    remarks = []
    if counts[0] != counts[1]:
        remarks.append(
            f"'{file}' has {counts[0]} spectra, the run {counts[1]}: the first "
            f"{min(counts)} were compared, in order."
        )
    if not math.isfinite(numbers["rms_percent"] or 0.0):
        raise DataError(f"'{file}' and the run have no frequency in common.")
    return Comparison(file, numbers, [], tuple(overlays), tuple(remarks))
