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

from sscell.analysis.capacity import differential_capacity, half_cycles
from sscell.analysis.summary import summary
from sscell.cell import Cell
from sscell.dataset import metadata
from sscell.engine import Resolution
from sscell.errors import ParameterError, SimulationError, did_you_mean
from sscell.observables import Observable, ObservableTable, Run, load_observables
from sscell.simulation import simulate
from sscell.units import FARADAY

__all__ = ["Validation", "measure", "run_all", "validate"]

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
    places = int(np.clip(1 - np.floor(np.log10(max(tolerance, 1e-6))), 0, 4))
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
    rows = [_row(o, table.runs[o.run], runs[o.run], loaded) for o in chosen]
    done = {name: run for name, run in runs.items() if isinstance(run, xr.Dataset)}
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
    observable: Observable, run: Run, data: xr.Dataset | SimulationError, cell: Cell
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
    if "index" in where:
        words.append(f"number {where['index']}")
    if "between" in where:
        words.append("{:g} to {:g} V".format(*where["between"]))
    return " ".join(words)


def measure(data: xr.Dataset, where: Mapping[str, Any]) -> float | None:
    """Read one number from a run.

    Parameters
    ----------
    data : xarray.Dataset
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
    try:
        value = _MEASURES[where["of"]](data, where)
    except KeyError as error:
        raise ParameterError(f"Measure '{where['of']}' needs {error}.") from error
    return None if value is None or not np.isfinite(value) else float(value)


def _half(data: xr.Dataset, where: Mapping[str, Any]) -> dict[str, Any] | None:
    """Summary of one half cycle; the last of its kind where no cycle is named."""
    found = [
        step
        for step in summary(data)["steps"]
        if step["direction"] == where["direction"]
        and step["cycle"] == where.get("cycle", step["cycle"])
    ]
    return found[-1] if found else None


def _capacity(data: xr.Dataset, where: Mapping[str, Any]) -> float | None:
    half = _half(data, where)
    return None if half is None else half["capacity_mAh_g"]


def _capacity_ratio(data: xr.Dataset, where: Mapping[str, Any]) -> float | None:
    later = _capacity(data, where)
    first = _capacity(data, {**where, "cycle": where["to"]})
    return later / first if later and first else None


def _efficiency(data: xr.Dataset, where: Mapping[str, Any]) -> float | None:
    values = summary(data)["coulombic_efficiency"]
    value = values[where["cycle"] - 1] if len(values) >= where["cycle"] else None
    return None if value is None else 100 * value


def _peaks(data: xr.Dataset, where: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Peaks of a half cycle that are at least ``clear`` times the highest."""
    half = _half(data, where)
    peaks = half["dqdv_peaks"] if half else []
    top = max((p["height_mAh_g_V"] for p in peaks), default=0.0)
    return [p for p in peaks if p["height_mAh_g_V"] >= where.get("clear", 0) * top]


def _peak(data: xr.Dataset, where: Mapping[str, Any]) -> float | None:
    """Voltage of the ``index``-th of the ``out_of`` highest peaks, in order of passing."""
    peaks = _peaks(data, where)
    highest = sorted(peaks, key=lambda p: -p["height_mAh_g_V"])[: where["out_of"]]
    if len(highest) < where["out_of"]:
        return None
    ordered = [p for p in peaks if p in highest]
    return ordered[where["index"] - 1]["voltage_V"] + _offset(data, where)


def _offset(data: xr.Dataset, where: Mapping[str, Any]) -> float:
    against = where.get("against", "anode")
    return metadata(data, "working_metal_offset_V") if against == "working metal" else 0.0


def _peak_count(data: xr.Dataset, where: Mapping[str, Any]) -> float:
    return len(_peaks(data, where))


def _differential_floor(data: xr.Dataset, where: Mapping[str, Any]) -> float | None:
    """Lowest dQ/dV between two voltages [mA.h.g-1.V-1]."""
    for half in half_cycles(data):
        if (half.direction, half.cycle) == (where["direction"], where["cycle"]):
            voltage, dqdv = differential_capacity(half)
            low, high = sorted(where["between"])
            inside = (voltage >= low) & (voltage <= high)
            mass = metadata(data, "capacity_basis_mass_g", "dQ/dV per gram")
            return dqdv[inside].min() * 1e3 / mass if inside.any() else 0.0
    return None


def _fractions(data: xr.Dataset, where: Mapping[str, Any], key: str) -> float | None:
    half = _half(data, where)
    return None if half is None else sum(half[key][p] for p in where["phases"])


def _rested_fraction(data: xr.Dataset, where: Mapping[str, Any]) -> float:
    return sum(float(data[f"{p} fraction"][-1]) for p in where["phases"])


def _titration(data: xr.Dataset, where: Mapping[str, Any]) -> Mapping[str, Any]:
    from sscell.analysis import gitt

    found = gitt(data)
    return found.get(where["direction"], found)


def _plateaus(data: xr.Dataset, where: Mapping[str, Any]) -> list[float]:
    return list(_titration(data, where)["ocv_plateaus_V"])


def _plateau(data: xr.Dataset, where: Mapping[str, Any]) -> float | None:
    plateaus = _plateaus(data, where)
    if len(plateaus) < where["index"]:
        return None
    return plateaus[where["index"] - 1] + _offset(data, where)


def _overpotential(data: xr.Dataset, where: Mapping[str, Any]) -> float | None:
    """Quantile of the overpotentials of all pulses, such as 0.5 for the median."""
    values = [p["overpotential_V"] for p in _titration(data, where)["pulses"]]
    return float(np.quantile(values, where["quantile"])) if values else None


def _equilibrium(data: xr.Dataset, where: Mapping[str, Any]) -> float:
    """Potential between two phases from their formation energies, at the reference."""
    values = metadata(data, "parameters")
    first, second = (
        values.get(f"{phase} formation energy [J.mol-1]", 0.0) for phase in where["phases"]
    )
    return (first - second) / (where["electrons"] * FARADAY)


_MEASURES: dict[str, Callable[[xr.Dataset, Mapping[str, Any]], float | None]] = {
    "capacity": _capacity,
    "capacity ratio": _capacity_ratio,
    "efficiency": _efficiency,
    "peak": _peak,
    "peak count": _peak_count,
    "lowest dQ/dV": _differential_floor,
    "largest fraction": lambda d, w: _fractions(d, w, "max_phase_fraction"),
    "final fraction": lambda d, w: _fractions(d, w, "final_phase_fraction"),
    "rested fraction": _rested_fraction,
    "OCV plateau": _plateau,
    "OCV plateau count": lambda d, w: len(_plateaus(d, w)),
    "overpotential": _overpotential,
    "equilibrium potential": _equilibrium,
}
