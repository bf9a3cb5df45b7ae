"""What a published observable asks of a run: one number, read from its time series."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from sscell.analysis.capacity import (
    HalfCycle,
    differential_capacity,
    dqdv_peaks,
    half_cycles,
)
from sscell.dataset import metadata
from sscell.errors import ParameterError, did_you_mean
from sscell.units import FARADAY

__all__ = ["Reading", "measure"]


class Reading:
    """A run as its observables are read from it; what they share is computed once.

    Parameters
    ----------
    data : xarray.Dataset
        Time series [s, A, V] of a run.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0, 3600], "Current [A]": [1.0, 1.0],
    ...                     "Voltage [V]": [2.0, 1.0]}, {"capacity_basis_mass_g": 2.0})
    >>> Reading(data).capacity({"direction": "discharge"})
    500.0
    """

    def __init__(self, data: xr.Dataset):
        self.data = data
        self.mass = metadata(data, "capacity_basis_mass_g", "capacities per gram")
        self._halves = half_cycles(data)
        self._peaks: dict[int, list[dict[str, Any]]] = {}
        self._titrations: dict[str, Mapping[str, Any]] = {}
        self._sweeps: Any = None

    def half(self, where: Mapping[str, Any]) -> HalfCycle | None:
        """Half cycle of a direction and cycle; the last where no cycle is named."""
        found = [
            half
            for half in self._halves
            if half.direction == where["direction"]
            and half.cycle == where.get("cycle", half.cycle)
        ]
        return found[-1] if found else None

    def capacity(self, where: Mapping[str, Any]) -> float | None:
        """Capacity of a half cycle [mA.h.g-1]."""
        half = self.half(where)
        return None if half is None else half.capacity * 1e3 / self.mass

    def capacity_ratio(self, where: Mapping[str, Any]) -> float | None:
        """Capacity of a cycle over that of the cycle ``to`` [-]."""
        later, first = (self.capacity(w) for w in (where, {**where, "cycle": where["to"]}))
        return later / first if later and first else None

    def efficiency(self, where: Mapping[str, Any]) -> float | None:
        """Second half cycle of a cycle over its first [%]."""
        halves = [half for half in self._halves if half.cycle == where["cycle"]]
        if len(halves) < 2 or not halves[0].capacity:
            return None
        return 100 * halves[1].capacity / halves[0].capacity

    def peaks(self, where: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Peaks of a half cycle that are at least ``clear`` times the highest."""
        half = self.half(where)
        if half is None or not half.capacity:
            return []
        if half.step not in self._peaks:
            self._peaks[half.step] = dqdv_peaks(half, self.mass)
        peaks = self._peaks[half.step]
        top = max((p["height_mAh_g_V"] for p in peaks), default=0.0)
        return [p for p in peaks if p["height_mAh_g_V"] >= where.get("clear", 0) * top]

    def height(self, where: Mapping[str, Any]) -> float:
        """Height of the ``rank``-th highest peak over that of the highest, else zero [-]."""
        heights = sorted((p["height_mAh_g_V"] for p in self.peaks(where)), reverse=True)
        return (
            heights[where["rank"] - 1] / heights[0]
            if len(heights) >= where["rank"]
            else 0.0
        )

    def peak(self, where: Mapping[str, Any]) -> float | None:
        """The ``index``-th of the ``out_of`` highest peaks, in order of passing [V]."""
        peaks = self.peaks(where)
        highest = sorted(peaks, key=lambda p: -p["height_mAh_g_V"])[: where["out_of"]]
        if len(highest) < where["out_of"]:
            return None
        ordered = [p for p in peaks if p in highest]
        return ordered[where["index"] - 1]["voltage_V"] + self.offset(where)

    def offset(self, where: Mapping[str, Any]) -> float:
        """What to add for a voltage against the working metal [V]."""
        if where.get("against", "anode") != "working metal":
            return 0.0
        return metadata(self.data, "working_metal_offset_V", "voltages against the metal")

    def lowest(self, where: Mapping[str, Any]) -> float | None:
        """Lowest dQ/dV between two voltages [mA.h.g-1.V-1], or as a ``share`` of the top."""
        half = self.half(where)
        if half is None:
            return None
        voltage, dqdv = differential_capacity(half)
        low, high = sorted(where["between"])
        if voltage[0] > low or voltage[-1] < high:
            return 0.0
        floor = dqdv[(voltage >= low) & (voltage <= high)].min()
        return float(floor / dqdv.max() if where.get("share") else floor * 1e3 / self.mass)

    def fraction(
        self, where: Mapping[str, Any], pick: Callable[[Any], float]
    ) -> float | None:
        """Fraction of some phases over a half cycle, largest or last [-].

        Parameters
        ----------
        where : mapping
            Half cycle and phases.
        pick : callable
            What of the series counts.
        """
        half = self.half(where)
        if half is None:
            return None
        total = sum(self.data[f"{p} fraction"].values[half.rows] for p in where["phases"])
        return float(pick(total))

    def rested(self, where: Mapping[str, Any]) -> float:
        """Fraction of some phases when the run ends [-]."""
        return sum(float(self.data[f"{p} fraction"][-1]) for p in where["phases"])

    def titration(self, where: Mapping[str, Any]) -> Mapping[str, Any]:
        """Analysis of a titration in one direction."""
        from sscell.analysis import gitt

        way = where["direction"]
        if way not in self._titrations:
            self._titrations[way] = gitt(self.data, direction=way).directions[way]
        return self._titrations[way]

    def plateau(self, where: Mapping[str, Any]) -> float | None:
        """The ``index``-th OCV plateau in order of passing [V]."""
        plateaus = self.titration(where)["ocv_plateaus_V"]
        if len(plateaus) < where["index"]:
            return None
        return plateaus[where["index"] - 1] + self.offset(where)

    def overpotential(self, where: Mapping[str, Any]) -> float | None:
        """Quantile of the overpotentials of all pulses, such as 0.5 for the median [V]."""
        values = [p["overpotential_V"] for p in self.titration(where)["pulses"]]
        known = [v for v in values if v is not None]
        return float(np.quantile(known, where["quantile"])) if known else None

    def mean_voltage(self, where: Mapping[str, Any]) -> float | None:
        """Energy over charge of a half cycle, against the working metal where asked [V]."""
        half = self.half(where)
        if half is None or not half.capacity:
            return None
        return half.energy() / half.capacity + self.offset(where)

    def energy(self, where: Mapping[str, Any]) -> float | None:
        """Energy of a half cycle against the working metal [W.h.kg-1]."""
        half, voltage = self.half(where), self._against_metal(where)
        if half is None or voltage is None:
            return None
        layer = metadata(self.data, "energy_basis_mass_g", "energies per mass")
        return voltage * half.capacity * 1e3 / layer

    def power(self, where: Mapping[str, Any]) -> float | None:
        """Energy of a half cycle over its time [W.kg-1]."""
        energy, half = self.energy(where), self.half(where)
        if energy is None or half is None:
            return None
        return energy / (np.ptp(half.time) / 3600)

    def _against_metal(self, where: Mapping[str, Any]) -> float | None:
        return self.mean_voltage({**where, "against": "working metal"})

    def voltammogram(self, where: Mapping[str, Any]) -> float | None:
        """Highest peak of the first sweep of a direction [V]."""
        peaks = [
            p
            for p in self._voltammetry().peaks
            if p["direction"] == where["direction"] and p["sweep"] == 1
        ]
        if not peaks:
            return None
        highest = max(peaks, key=lambda p: abs(p["current_A"]))
        return highest["voltage_V"] + self.offset(where)

    def b_value(self, where: Mapping[str, Any]) -> float | None:
        """Exponent of the peak currents over the scan rates of the run [-]."""
        for found in self._voltammetry().b_values:
            if found.direction == where["direction"]:
                return found.b
        return None

    def _voltammetry(self) -> Any:
        from sscell.analysis import cv

        if self._sweeps is None:
            self._sweeps = cv(self.data)
        return self._sweeps

    def resistance(self, where: Mapping[str, Any]) -> float | None:
        """Of the ``spectrum``-th spectrum: ``"series"`` or ``"interfacial"`` [Ohm].

        In series: the real part at the highest frequency. Interfacial: what the real part
        gains from there to the begin of the tail, the last minimum of -Im Z.
        """
        from sscell.analysis.spectra import one_spectrum, tail_begin

        if where["part"] not in ("series", "interfacial"):
            raise ParameterError(
                f"Part '{where['part']}' of a spectrum is not one; allowed: series, interfacial."
            )
        f, z = one_spectrum(self.data.isel(state=where["spectrum"] - 1))
        order = np.argsort(f)
        series, begin = float(z.real[order[-1]]), tail_begin(f, z)
        if where["part"] == "series":
            return series
        return float(np.interp(begin, f[order], z.real[order])) - series

    def diffusion(self, where: Mapping[str, Any]) -> float | None:
        """Mean or ``quantile`` of the apparent diffusion coefficient [cm2.s-1].

        By Chang's eq. 16, D = 4/(pi tau) (n V/S)^2 (dE_s/dE_t)^2, with S the electrode
        area: the volume of active material over it is the length.
        """
        from sscell.analysis import gitt

        v = metadata(self.data, "parameters", "apparent diffusion")
        volume = (
            v["Positive electrode mass [kg]"]
            * v["Positive electrode active material mass fraction"]
            / v["Positive electrode active material density [kg.m-3]"]
        )
        length = volume / v["Electrode area [m2]"] * 100
        way = where["direction"]
        found = gitt(self.data, diffusion_length=length, method="chang", direction=way)
        values = [p["diffusion_coefficient_cm2_s"] for p in found.directions[way]["pulses"]]
        known = [d for d in values if d]
        if not known:
            return None
        if "quantile" in where:
            return float(np.quantile(known, where["quantile"]))
        return float(np.mean(known))

    def equilibrium(self, where: Mapping[str, Any]) -> float:
        """Potential between two phases from their formation energies [V]."""
        values = metadata(self.data, "parameters", "equilibrium potentials")
        first, second = (
            values.get(f"{phase} formation energy [J.mol-1]", 0.0)
            for phase in where["phases"]
        )
        return (first - second) / (where["electrons"] * FARADAY)


_MEASURES: dict[str, Callable[[Reading, Mapping[str, Any]], float | None]] = {
    "capacity": Reading.capacity,
    "capacity ratio": Reading.capacity_ratio,
    "efficiency": Reading.efficiency,
    "peak": Reading.peak,
    "peak height": Reading.height,
    "peak count": lambda reading, where: len(reading.peaks(where)),
    "lowest dQ/dV": Reading.lowest,
    "largest fraction": lambda reading, where: reading.fraction(where, np.max),
    "final fraction": lambda reading, where: reading.fraction(where, lambda y: y[-1]),
    "rested fraction": Reading.rested,
    "OCV plateau": Reading.plateau,
    "OCV plateau count": lambda r, where: len(r.titration(where)["ocv_plateaus_V"]),
    "overpotential": Reading.overpotential,
    "equilibrium potential": Reading.equilibrium,
    "mean voltage": Reading.mean_voltage,
    "energy": Reading.energy,
    "power": Reading.power,
    "CV peak": Reading.voltammogram,
    "b-value": Reading.b_value,
    "resistance": Reading.resistance,
    "diffusion coefficient": Reading.diffusion,
}


def measure(data: xr.Dataset | Reading, where: Mapping[str, Any]) -> float | None:
    """Read one number from a run.

    Parameters
    ----------
    data : xarray.Dataset or Reading
        Time series [s, A, V] of a run.
    where : mapping
        ``of`` and where to look: ``cycle``, ``direction``, ``index``, ``phases`` ...

    Returns
    -------
    float or None
        None where the run shows no such feature, such as a third peak.

    Raises
    ------
    ParameterError
        If there is no such measure, or it lacks where to look.

    Examples
    --------
    >>> import sscell
    >>> run = sscell.simulate("Ji2024", sscell.discharge("C/20"), temperature=90)
    >>> where = {"of": "final fraction", "phases": ["Na2S"], "direction": "discharge"}
    >>> measure(run, where) > 0.9
    True
    """
    if where.get("of") not in _MEASURES:
        hint = did_you_mean(str(where.get("of")), _MEASURES, "measures")
        raise ParameterError(f"There is no measure '{where.get('of')}'. {hint}")
    reading = data if isinstance(data, Reading) else Reading(data)
    try:
        value = _MEASURES[where["of"]](reading, where)
    except KeyError as error:
        raise ParameterError(f"Measure '{where['of']}' needs {error}.") from error
    return None if value is None or not np.isfinite(value) else float(value)
