"""What a published observable asks of a run: one number, read from its time series."""

from __future__ import annotations

import re
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
from sscell.analysis.pairs import coulombic_efficiencies
from sscell.analysis.potential_steps import cottrell
from sscell.analysis.pressure import PRESSURE, pressure_between
from sscell.analysis.rates import rate
from sscell.analysis.transport import guest_concentration, pellet_conductivity
from sscell.dataset import metadata
from sscell.errors import DataError, ParameterError, did_you_mean
from sscell.papers import shapes
from sscell.papers.probes import (
    cv_exponent,
    cv_exponent_error,
    cv_peak,
    spectrum_resistance,
    titration_diffusivity,
)
from sscell.units import FARADAY

__all__ = ["MEASURES", "Reading", "measure", "measure_error"]


class Reading:
    """A run as its observables are read from it; what they share is computed once.

    Parameters
    ----------
    data : xarray.Dataset
        Time series [s, A, V] of a run.
    others : mapping of str to Reading, optional
        Of the other runs by name, for rows that compare two.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0, 3600], "Current [A]": [1.0, 1.0],
    ...                     "Voltage [V]": [2.0, 1.0]}, {"capacity_basis_mass_g": 2.0})
    >>> Reading(data).capacity({"direction": "discharge"})
    500.0
    """

    def __init__(self, data: xr.Dataset, others: Mapping[str, Reading] | None = None):
        self.data = data
        self.others: Mapping[str, Reading] = {} if others is None else others
        self._halves = half_cycles(data) if "Voltage [V]" in data else []
        self._peaks: dict[int, list[dict[str, Any]]] = {}
        self._titrations: dict[str, Mapping[str, Any]] = {}

    @property
    def mass(self) -> float:
        """Mass of the capacity basis [g]."""
        return metadata(self.data, "capacity_basis_mass_g", "capacities per gram")

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
        first = metadata(self.data, "first_step")
        share = coulombic_efficiencies(self._halves, first).get(where["cycle"])
        return None if share is None else 100 * share

    def reached(self, where: Mapping[str, Any]) -> float:
        """Cycle at which a share of the highest capacity of all is reached [-].

        Between two cycles by interpolation: the first to have it is the next whole one.

        Parameters
        ----------
        where : mapping
            ``direction`` and ``share`` [-].
        """
        halves = [h for h in self._halves if h.direction == where["direction"]]
        enough = where["share"] * max(h.capacity for h in halves)
        number = next(n for n, h in enumerate(halves) if h.capacity >= enough)
        if number == 0:
            return float(halves[0].cycle)
        below, above = halves[number - 1], halves[number]
        passed = (enough - below.capacity) / (above.capacity - below.capacity)
        return below.cycle + passed * (above.cycle - below.cycle)

    def mean_shift(self, where: Mapping[str, Any]) -> float | None:
        """Mean voltage of a cycle less that of the cycle ``to`` [V]."""
        later, first = (self.half(w) for w in (where, {**where, "cycle": where["to"]}))
        if later is None or first is None:
            return None
        return later.energy() / later.capacity - first.energy() / first.capacity

    def share(self, where: Mapping[str, Any]) -> float:
        """Last value of a series over the sum of all ``among`` which it is counted [-]."""
        last = {name: float(self.data[name].values[-1]) for name in where["among"]}
        return last[where["series"]] / sum(last.values())

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

    def slow_share(self, where: Mapping[str, Any]) -> float | None:
        """Quantile over all pulses of what an overpotential holds beyond its drop at once [-].

        What titrations call concentration polarisation: all that needs time to relax.

        Parameters
        ----------
        where : mapping
            Direction, and ``quantile`` such as 0.5 for the median.
        """
        pulses = self.titration(where)["pulses"]
        known = [
            1 - p["ohmic_V"] / p["overpotential_V"]
            for p in pulses
            if p["ohmic_V"] is not None and p["overpotential_V"]
        ]
        return float(np.quantile(known, where["quantile"])) if known else None

    def mean_voltage(self, where: Mapping[str, Any]) -> float | None:
        """Energy over charge of a half cycle [V]."""
        half = self.half(where)
        if half is None or not half.capacity:
            return None
        return half.energy() / half.capacity + self.offset(where)

    def energy(self, where: Mapping[str, Any]) -> float | None:
        """Energy of a half cycle against the working metal [W.h.kg-1]."""
        half = self.half(where)
        mass = metadata(self.data, "energy_basis_mass_g", "energies per kilogram")
        offset = metadata(self.data, "working_metal_offset_V", "energies")
        return None if half is None else half.energy(offset) * 1e3 / mass

    def power(self, where: Mapping[str, Any]) -> float | None:
        """Mean power of a half cycle against the working metal [W.kg-1]."""
        half, energy = self.half(where), self.energy(where)
        return energy * 3600 / (half.time[-1] - half.time[0]) if half and energy else None

    def energy_at_power(self, where: Mapping[str, Any]) -> float | None:
        """Energy at a ``power`` [W.kg-1], between the currents of a rate test [W.h.kg-1]."""
        found = rate(self.data)
        pairs = zip(found["powers_W_kg"], found["energies_Wh_kg"], strict=True)
        moved = [pair for pair in pairs if all(pair)]
        known = np.log(np.array(sorted(moved))).reshape(-1, 2).T
        asked = np.log(where["power"])
        if not moved or not known[0, 0] <= asked <= known[0, -1]:
            return None
        return float(np.exp(np.interp(asked, known[0], known[1])))

    def beyond(self, where: Mapping[str, Any]) -> float | None:
        """Capacity of a discharge below a voltage ``below`` [mA.h.g-1]."""
        half = self.half(where)
        if half is None:
            return None
        past = np.flatnonzero(half.voltage + self.offset(where) < where["below"])
        passed = half.capacity - half.charge[past[0]] if past.size else 0.0
        return float(passed * 1e3 / self.mass)

    def uptake(self, where: Mapping[str, Any]) -> float | None:
        """Charge that a ``series`` of lithium per host exchanges in a half cycle.

        Parameters
        ----------
        where : mapping
            Half cycle and series; ``within`` the first so many mA.h.g-1 if given.

        Returns
        -------
        float or None
            [mA.h.g-1].
        """
        half = self.half(where)
        if half is None:
            return None
        held = self.data[where["series"]].values[half.rows]
        end = where.get("within", np.inf) * self.mass / 1e3
        last = np.interp(min(end, half.capacity), half.charge, held)
        full = metadata(self.data, "theoretical_capacity_Ah", "charge of one host")
        return float(abs(last - held[0]) * full * 1e3 / self.mass)

    def ohmic(self, where: Mapping[str, Any]) -> float | None:
        """Largest Ohmic resistance in a half cycle [Ohm.cm2]: layers, contact, cathode."""
        half = self.half(where)
        if half is None:
            return None
        names = ("Separator", "Contact", "Cathode ion", "Cathode electron")
        parts = [self.data[f"{n} contribution [V]"].values[half.rows] for n in names]
        lost = np.sum(parts, axis=0)
        area = metadata(self.data, "area_cm2", "resistances of an area")
        moving = np.abs(half.current) > 0.5 * np.abs(half.current).max()
        return float(np.max(-lost[moving] / half.current[moving]) * area)

    def apparent(self, where: Mapping[str, Any]) -> float | None:
        """Ionic conductivity after the last rest and potential step, by Cottrell [S.cm-1].

        Parameters
        ----------
        where : mapping
            ``window`` of times after the step [s], as for `sscell.analysis.cottrell`.
        """
        steps = self.data["Step"].values
        data = self.data.isel(time=steps >= steps.max() - 1)
        found = cottrell(
            data,
            concentration_mol_cm3=guest_concentration(data),
            window=where.get("window"),
        )
        return found.apparent_ionic_conductivity_S_cm

    def pressure_change(self, where: Mapping[str, Any]) -> float | None:
        """Change of the stack pressure over a half cycle or ``between`` voltages [MPa]."""
        half = self.half(where)
        if half is None:
            return None
        low, high = where.get("between", (-np.inf, np.inf))
        offset = self.offset(where)
        return pressure_between(self.data, half, low - offset, high - offset)

    def pressure_swing(self, where: Mapping[str, Any]) -> float | None:
        """Highest less lowest stack pressure over a half cycle [MPa]."""
        half = self.half(where)
        return (
            None if half is None else float(np.ptp(self.data[PRESSURE].values[half.rows]))
        )

    def equilibrium(self, where: Mapping[str, Any]) -> float:
        """Potential between two phases from their formation energies [V]."""
        values = metadata(self.data, "parameters", "equilibrium potentials")
        first, second = (
            values.get(f"{phase} formation energy [J.mol-1]", 0.0)
            for phase in where["phases"]
        )
        return (first - second) / (where["electrons"] * FARADAY)

    def loss_share(self, where: Mapping[str, Any]) -> float | None:
        """Share of some losses, by charge, in all that a half cycle loses [-].

        Parameters
        ----------
        where : mapping
            Half cycle, and ``among``: names of the losses that count.
        """
        half = self.half(where)
        if half is None or not half.capacity:
            return None
        lost = {}
        for name in metadata(self.data, "budget", "losses"):
            values = self.data[name].values[half.rows]
            lost[name.removesuffix(" contribution [V]")] = abs(
                np.trapezoid(values, half.charge)
            )
        del lost["Open-circuit"]
        every = sum(lost.values())
        return float(sum(lost[n] for n in where["among"]) / every) if every else None

    def hull_depth(self, where: Mapping[str, Any]) -> float:
        """How far a phase lies below the line between two others [meV a atom].

        Parameters
        ----------
        where : mapping
            ``phases``: the phase, then its neighbours; their names say their composition.
        """
        values = metadata(self.data, "parameters", "formation energies")
        shares = [_guests(phase) for phase in where["phases"]]
        energies = [
            values.get(f"{phase} formation energy [J.mol-1]", 0.0)
            for phase in where["phases"]
        ]
        part = (shares[0] - shares[1]) / (shares[2] - shares[1])
        line = energies[1] + part * (energies[2] - energies[1])
        return (line - energies[0]) / (1 + shares[0]) / FARADAY * 1e3

    def parameter_ratio(self, where: Mapping[str, Any]) -> float:
        """A parameter over that of the published ``cell`` [-].

        Parameters
        ----------
        where : mapping
            ``name`` of the parameter, and ``cell``.
        """
        from sscell.cells.cell import Cell

        values = metadata(self.data, "parameters", "ratios of parameters")
        return values[where["name"]] / Cell.load(where["cell"]).values[where["name"]]


def _guests(phase: str) -> float:
    """Guests per host of a phase such as Na2S4."""
    found = re.fullmatch(r"(?:[A-Z][a-z]?)(\d*)(?:[A-Z][a-z]?)(\d*)", phase)
    if found is None:
        raise ParameterError(f"The composition of '{phase}' cannot be read from its name.")
    return float(found[1] or 1) / float(found[2] or 1)


MEASURES: dict[str, Callable[[Reading, Mapping[str, Any]], float | None]] = {
    "capacity": Reading.capacity,
    "capacity ratio": Reading.capacity_ratio,
    "efficiency": Reading.efficiency,
    "cycle that reaches": Reading.reached,
    "mean voltage change": Reading.mean_shift,
    "share": Reading.share,
    "energy": Reading.energy,
    "power": Reading.power,
    "energy at power": Reading.energy_at_power,
    "capacity below": Reading.beyond,
    "uptake": Reading.uptake,
    "Ohmic resistance": Reading.ohmic,
    "apparent conductivity": Reading.apparent,
    "pellet conductivity": lambda reading, where: pellet_conductivity(reading.data),
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
    "slow share of the overpotential": Reading.slow_share,
    "equilibrium potential": Reading.equilibrium,
    "loss share": Reading.loss_share,
    "hull depth": Reading.hull_depth,
    "parameter ratio": Reading.parameter_ratio,
    "pressure change": Reading.pressure_change,
    "pressure swing": Reading.pressure_swing,
    "mean voltage": Reading.mean_voltage,
    "peak width": shapes.width,
    "plateau slope": shapes.slope,
    "rise against the current": shapes.rise,
    "initial drop": shapes.drop,
    "constant-current share": shapes.constant_share,
    "mean voltage gap": shapes.mean_gap,
    "hysteresis at half charge": shapes.hysteresis,
    "CV peak": lambda r, where: cv_peak(r.data, where["direction"]),
    "b-value": lambda r, where: cv_exponent(r.data, where["direction"]),
    "resistance": lambda r, where: spectrum_resistance(
        r.data, where["spectrum"], where["part"]
    ),
    "diffusion coefficient": lambda r, where: titration_diffusivity(
        r.data, where["direction"], where.get("quantile"), where.get("within")
    ),
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
    if where.get("of") not in MEASURES:
        hint = did_you_mean(str(where.get("of")), MEASURES, "measures")
        raise ParameterError(f"There is no measure '{where.get('of')}'. {hint}")
    reading = data if isinstance(data, Reading) else Reading(data)
    try:
        value = MEASURES[where["of"]](reading, where)
    except KeyError as error:
        raise ParameterError(f"Measure '{where['of']}' needs {error}.") from error
    except DataError:  # such as a titration that ended before its first pulse
        return None
    return None if value is None or not np.isfinite(value) else float(value)


def measure_error(data: xr.Dataset | Reading, where: Mapping[str, Any]) -> float | None:
    """One standard error of a measured number, where the measure itself is a fit.

    Parameters
    ----------
    data : xarray.Dataset or Reading
        Time series [s, A, V] of a run.
    where : mapping
        As for `measure`.

    Returns
    -------
    float or None
        In the unit of the measure; None for all but the exponents of voltammograms.
    """
    if where.get("of") != "b-value":
        return None
    run = data.data if isinstance(data, Reading) else data
    return cv_exponent_error(run, where["direction"])
