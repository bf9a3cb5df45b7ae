"""Judge a cell by what its paper published: model, null model, error and a word for each.

Every row says whether the value was *fitted* (used in the fit), *predicted* (parameters
frozen) or only *illustrated*. The null model uses all active material, without losses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from sscell.analysis.capacity import (
    HalfCycle,
    differential_capacity,
    dqdv_peaks,
    half_cycles,
)
from sscell.cell import Cell
from sscell.dataset import metadata
from sscell.engine import Resolution
from sscell.errors import ParameterError, SimulationError, did_you_mean
from sscell.observables import Observable, ObservableTable, Run, load_observables
from sscell.simulation import simulate
from sscell.units import FARADAY

__all__ = ["Reading", "Validation", "format_row", "measure", "run_all", "validate"]

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Validation:
    """What a validation found.

    Parameters
    ----------
    cell : str
        Name of the cell.
    rows : list of dict
        ``id``, ``conditions``, ``quantity``, ``published``, ``unit``, ``model``,
        ``null_model``, ``error`` (model minus published; outside a bound or range, by how
        much), ``tolerance``, ``met``, ``null_met``, ``word``, ``source``, ``note``.
    left_out : mapping of str to str
        Observables that the model cannot produce, with the reason.
    notes : tuple of str
        Conflicts in the data.
    bases : mapping of str to str
        ``capacity_basis``, ``energy_basis``, ``voltage_reference``.
    runs : mapping of str to xarray.Dataset
        The simulations behind the rows.
    """

    cell: str
    rows: list[dict[str, Any]]
    left_out: Mapping[str, str]
    notes: tuple[str, ...]
    bases: Mapping[str, str] = field(default_factory=dict)
    runs: Mapping[str, xr.Dataset] = field(repr=False, default_factory=dict)

    def counts(self) -> dict[str, tuple[int, int, int]]:
        """Rows met by the model, met by the null model, and rows in all, by word."""
        found = {}
        for word in dict.fromkeys(row["word"] for row in self.rows):
            rows = [row for row in self.rows if row["word"] == word]
            met, null = (sum(bool(r[k]) for r in rows) for k in ("met", "null_met"))
            found[word] = (met, null, len(rows))
        return found

    def to_markdown(self) -> str:
        """Table for a README, with what is left out and why beneath it."""
        head = ("observable", "conditions", "published", "model", "null", "error", "word")
        lines = [
            "| " + " | ".join(head) + " |",
            "|" + "---|" * len(head),
        ]
        for row in self.rows:
            cells = (*format_row(row), row["word"])
            mark = "" if row["met"] else " **missed**"
            lines.append("| " + " | ".join(cells) + mark + " |")
        lines.append("")
        for word, (met, null, total) in self.counts().items():
            lines.append(f"- {word}: {met} of {total} within tolerance (null model {null})")
        reasons: dict[str, list[str]] = {}
        for name, reason in self.left_out.items():
            reasons.setdefault(reason, []).append(f"`{name}`")
        lines += [f"- left out: {', '.join(n)}: {why}" for why, n in reasons.items()]
        lines += [f"- {note}" for note in self.notes]
        return "\n".join(lines) + "\n"


def format_row(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Texts of one row: id, conditions, published, model, null model, error.

    Parameters
    ----------
    row : mapping
        Of `Validation.rows`.

    Returns
    -------
    tuple of str
    """
    published = row["published"]
    sign = {"at least": ">= ", "at most": "<= "}.get(row["sense"], "")
    text = (
        " to ".join(f"{v:g}" for v in published)
        if isinstance(published, list | tuple)
        else f"{sign}{published:g}"
    )
    unit = "" if row["unit"] == "1" else f" {row['unit']}"
    numbers = [row["model"], row["null_model"], row["error"]]
    digits = [_digits(v, row["tolerance"]) for v in numbers]
    what = f"{row['id']}: {row['quantity']}"
    return (what, row["conditions"], text + unit, *digits)


def _digits(value: float | None, tolerance: float) -> str:
    if value is None:
        return "-"
    places = int(np.clip(1 - np.floor(np.log10(tolerance or 10.0)), 0, 4))
    return f"{value:.{places}f}"


def validate(
    cell: str | Path | Cell,
    table: ObservableTable | None = None,
    *,
    ids: Iterable[str] | None = None,
    on_progress: Progress | None = None,
    resolution: Resolution | None = None,
) -> Validation:
    """Compare a cell with every published observable that the model can produce.

    Parameters
    ----------
    cell : str, pathlib.Path or Cell
        A published cell, a TOML file or a loaded cell.
    table : ObservableTable, optional
        Default: the one that belongs to the cell.
    ids : iterable of str, optional
        Only these observables.
    on_progress : callable, optional
        Called with the share done [-] and a text.
    resolution : Resolution, optional
        Meshes and tolerances [-], as for `sscell.simulate`.

    Returns
    -------
    Validation

    Raises
    ------
    ParameterError
        If the cell has no observables or none of that name.

    Examples
    --------
    >>> result = validate("Ji2024", ids=["ji_dis1_90"])
    >>> row = result.rows[0]
    >>> row["published"], row["met"], row["null_model"] > row["model"]
    (1607, True, True)
    """
    if table is None:
        name = cell.parameters.path or cell.name if isinstance(cell, Cell) else cell
        table = load_observables(name)
    loaded = cell if isinstance(cell, Cell) else Cell.load(cell)
    chosen = _chosen(table.observables, ids)
    needed = dict.fromkeys(o.run for o in chosen)
    runs = run_all(loaded, [table.runs[n] for n in needed], on_progress, resolution)
    done = {name: run for name, run in runs.items() if isinstance(run, xr.Dataset)}
    readings = {**runs, **{name: Reading(run) for name, run in done.items()}}
    rows = [_row(o, table.runs[o.run], readings[o.run], loaded) for o in chosen]
    bases = {
        "capacity_basis": loaded.basis("capacity")[0],
        "energy_basis": loaded.basis("energy")[0],
        "voltage_reference": loaded.data["bases"]["voltage_reference"],
    }
    return Validation(loaded.name, rows, table.left_out, table.notes, bases, done)


def _chosen(
    observables: Sequence[Observable], ids: Iterable[str] | None
) -> tuple[Observable, ...]:
    if ids is None:
        return tuple(observables)
    wanted, known = set(ids), {o.id for o in observables}
    for name in sorted(wanted - known):
        raise ParameterError(
            f"There is no observable '{name}'. {did_you_mean(name, known, 'observables')}"
        )
    return tuple(o for o in observables if o.id in wanted)


def run_all(
    cell: Cell,
    runs: Sequence[Run],
    on_progress: Progress | None = None,
    resolution: Resolution | None = None,
) -> dict[str, xr.Dataset | SimulationError]:
    """Run each simulation once; one that fails is kept as its error.

    Parameters
    ----------
    cell : Cell
        What to simulate.
    runs : sequence of Run
        Temperatures [degC] and protocols.
    on_progress : callable, optional
        Called with the share done [-] and a text.
    resolution : Resolution, optional
        Meshes and tolerances [-].

    Returns
    -------
    dict of str to xarray.Dataset or SimulationError
        By name of the run.
    """
    results: dict[str, xr.Dataset | SimulationError] = {}
    for number, run in enumerate(runs):

        def tell(share: float, text: str, number: int = number, run: Run = run) -> None:
            if on_progress:
                on_progress((number + share) / len(runs), f"{run.name}: {text}")

        try:
            results[run.name] = simulate(
                cell,
                run.protocol(),
                temperature=run.temperature,
                state=run.state,
                on_progress=tell,
                resolution=resolution,
            )
        except SimulationError as error:
            results[run.name] = error
    return results


def _row(
    observable: Observable, run: Run, data: Reading | SimulationError, cell: Cell
) -> dict[str, Any]:
    model, failure = None, ""
    if isinstance(data, SimulationError):
        failure = str(data)
    else:
        model = measure(data, observable.measure)
        failure = "" if model is not None else "the model shows no such feature"
    null = _null_model(observable, cell)
    error, null_error = (
        None if value is None else observable.error(value) for value in (model, null)
    )
    published = observable.published
    return {
        "id": observable.id,
        "quantity": _describe(observable.measure),
        "conditions": run.conditions,
        "temperature_C": run.temperature,
        "run": observable.run,
        "published": list(published) if isinstance(published, tuple) else published,
        "unit": observable.unit,
        "sense": observable.sense,
        "model": model,
        "null_model": null,
        "error": error,
        "tolerance": observable.tolerance,
        "met": error is not None and abs(error) <= observable.tolerance * (1 + 1e-9),
        "null_met": null_error is not None and abs(null_error) <= observable.tolerance,
        "word": observable.word,
        "source": observable.source,
        "note": " ".join(filter(None, (observable.note, failure))),
    }


def _null_model(observable: Observable, cell: Cell) -> float | None:
    """Full utilisation of the active material, whatever the rate and temperature."""
    if observable.null_model is not None:
        return observable.null_model
    of = observable.measure["of"]
    if of == "capacity":
        return cell.theoretical_capacity / cell.basis("capacity")[1]
    return {"efficiency": 100.0, "capacity ratio": 1.0}.get(of)


def _describe(where: Mapping[str, Any]) -> str:
    words = [str(where["of"])]
    if "phases" in where:
        words.append(" + ".join(where["phases"]))
    if "direction" in where:
        words.append(where["direction"])
    if "cycle" in where:
        words.append(f"cycle {where['cycle']}")
    for key in ("index", "rank"):
        if key in where:
            words.append(f"number {where[key]}")
    if "between" in where:
        words.append("{:g} to {:g} V".format(*where["between"]))
    return " ".join(words)


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
        """Lowest dQ/dV between two voltages [mA.h.g-1.V-1]."""
        half = self.half(where)
        if half is None:
            return None
        voltage, dqdv = differential_capacity(half)
        low, high = sorted(where["between"])
        if voltage[0] > low or voltage[-1] < high:
            return 0.0
        inside = (voltage >= low) & (voltage <= high)
        return float(dqdv[inside].min() * 1e3 / self.mass)

    def fraction(
        self, where: Mapping[str, Any], pick: Callable[[Any], float]
    ) -> float | None:
        """Fraction of some phases over a half cycle, largest or last [-]."""
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
