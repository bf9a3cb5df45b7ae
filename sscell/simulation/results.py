"""The dataset of a simulation: series, spectra and what a reader should know."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.metadata import version
from typing import Any

import numpy as np
import xarray as xr

from sscell.cells.cell import Cell
from sscell.dataset import set_metadata, spectrum, time_series
from sscell.simulation.distance import Use, far

__all__ = [
    "BALANCES",
    "Spectrum",
    "add_spectra",
    "anode_remarks",
    "labelled",
    "pressure_remarks",
    "remarks",
]

_FULL = 1.02  # of a plateau's inventory: more is beyond it
BALANCES = ("Host balance residual", "Guest balance residual")


@dataclass(frozen=True)
class Spectrum:
    """One impedance spectrum of a run.

    Parameters
    ----------
    label : str
        Names the half cycle and the share of the theoretical capacity that has passed.
    frequencies : sequence of float
        [Hz].
    impedance : numpy.ndarray of complex, shape (n,)
        Of the whole cell [Ohm].
    celsius : float
        Temperature [degC].
    passed : float or None
        The share itself [-]; None outside of a half cycle.
    """

    label: str
    frequencies: Sequence[float]
    impedance: np.ndarray
    celsius: float
    passed: float | None


def labelled(
    cell: Cell,
    columns: Mapping[str, Any],
    budget: Sequence[str],
    protocol: Mapping[str, Any],
    steps: Sequence[Mapping[str, Any]],
    balances: Mapping[str, float] | None = None,
) -> xr.Dataset:
    """Time series of a simulation with the metadata that analysis and reports need.

    Parameters
    ----------
    cell : Cell
        What was simulated.
    columns : mapping of str to numpy.ndarray, shape (n,)
        Series by PyBaMM's names.
    budget : sequence of str
        Those that sum to the voltage [V].
    protocol : mapping
        Its description.
    steps : sequence of mapping
        What was done, one by one.
    balances : mapping, optional
        Largest residuals by name, where the columns do not have them [-].

    Returns
    -------
    xarray.Dataset
    """
    data = time_series(columns)
    host, guest = cell.host.host, cell.host.guest
    worst = balances or {
        n: float(np.max(np.abs(columns[n]), initial=0.0)) for n in BALANCES
    }
    data.attrs.update(_about(cell))
    set_metadata(
        data,
        phases=[p for p in cell.host.phases if f"{p} fraction" in columns],
        budget=list(budget) if columns.keys() >= set(budget) else [],
        protocol=dict(protocol),
        steps=list(steps),
        stop_reasons=[step["stop_reason"] for step in steps],
        balances={
            host: worst["Host balance residual"],
            guest: worst["Guest balance residual"],
        },
    )
    return data


# To write these down takes a tenth of the half cycle of a small cell.
@lru_cache(maxsize=32)
def _about(cell: Cell) -> dict[str, Any]:
    """What a cell says of itself, as metadata."""
    bases, about = cell.data["bases"], xr.Dataset()
    set_metadata(
        about,
        cell=cell.name,
        **cell.about(),
        area_cm2=cell.area * 1e4,
        voltage_reference=bases["voltage_reference"],
        working_metal=bases["working_metal"],
        theoretical_capacity_Ah=cell.theoretical_capacity,
        first_step=cell.first_step,
        reaction_labels=dict(cell.host.labels),
        parameters=cell.values,
        versions=_versions(),
    )
    return about.attrs


@cache
def _versions() -> dict[str, str]:
    packages = {name: version(name) for name in ("sscell", "pybamm")}
    return packages | {"python": platform.python_version()}


def add_spectra(data: xr.Dataset, spectra: Sequence[Spectrum]) -> xr.Dataset:
    """Put impedance spectra on ``state`` and ``frequency`` beside the time series.

    Parameters
    ----------
    data : xarray.Dataset
        Time series.
    spectra : sequence of Spectrum
        Over the same frequencies.

    Returns
    -------
    xarray.Dataset
        With the time series and the metadata of `data`; ``passed_share`` [-] and
        ``temperature`` [degC] are coordinates on ``state``.
    """
    table = np.array([one.impedance for one in spectra])
    columns = {
        "Frequency [Hz]": np.asarray(spectra[0].frequencies, dtype=float),
        "Z real [Ohm]": np.real(table),
        "Z imaginary [Ohm]": np.imag(table),
    }
    passed = [np.nan if one.passed is None else one.passed for one in spectra]
    both = spectrum(
        columns,
        states=[one.label for one in spectra],
        passed_share=passed,
        temperature=[one.celsius for one in spectra],
    ).merge(data)
    both.attrs = data.attrs
    return both


def remarks(
    cell: Cell,
    celsius: Sequence[float],
    uses: Sequence[Use],
    applied: float | None = None,
    formed_at: float | None = None,
) -> list[str]:
    """What a reader of the result should know: extrapolation and weak assumptions.

    Parameters
    ----------
    cell : Cell
        What was simulated.
    celsius : sequence of float
        Temperatures [degC].
    uses : sequence of Use
        Currents, and how the cell is when they flow.
    applied : float, optional
        Stack pressure that was asked for [Pa].
    formed_at : float, optional
        Temperature of the formation [degC], where the run began with one.

    Returns
    -------
    list of str
        Sentences.
    """
    where = tuple(dict.fromkeys(celsius)), tuple(dict.fromkeys(uses))
    return list(_remarks(cell, *where, applied, formed_at))


# A cell that runs often, such as in a fit, is asked each time.
@lru_cache(maxsize=64)
def _remarks(
    cell: Cell,
    celsius: tuple[float, ...],
    uses: tuple[Use, ...],
    applied: float | None,
    formed_at: float | None,
) -> tuple[str, ...]:
    found: list[str] = []
    validity = cell.data.get("validity", {})
    low, high = validity.get("temperature_C", (-np.inf, np.inf))
    found += [
        f"{value:g} degC is outside the published {low:g} to {high:g} degC."
        for value in _extremes((round(c, 6) for c in celsius), low, high)
    ]
    if "rate" in validity:
        a, b = validity["rate"]
        slow, fast = 0.99 * cell.current(a), 1.01 * cell.current(b)
        currents = {cell.current(rate): rate for rate in (str(u.rate) for u in uses)}
        found += [
            f"{currents[value]} is outside the published {a} to {b}."
            for value in _extremes(currents, slow, fast)
        ]
    if not found:
        found += far(cell, celsius, uses, formed_at)
    found += pressure_remarks(cell, applied)
    values = cell.parameters.parameters.values()
    assumed = [p for p in values if p.matters and p.kind == "assumed"]
    found += [f"Assumed, and it matters: {p.name} = {p.value:g}." for p in assumed]
    return tuple(found)


def _extremes(values: Iterable[float], low: float, high: float) -> list[float]:
    """The lowest and the highest of values that lie outside of a range."""
    known = list(values)
    below, above = [v for v in known if v < low], [v for v in known if v > high]
    return [*([min(below)] if below else []), *([max(above)] if above else [])]


def anode_remarks(cell: Cell, columns: Mapping[str, Any]) -> list[str]:
    """Say whether an alloy took up more than its plateau holds.

    Parameters
    ----------
    cell : Cell
        What was simulated.
    columns : mapping of str to numpy.ndarray
        Series by PyBaMM's names.

    Returns
    -------
    list of str
        Sentences.
    """
    name = "Negative electrode inventory"
    alloy = cell.composition.anode_host is None and not cell.is_metal_anode
    if name not in columns or not alloy or cell.first_step != "charge":
        return []
    most = float(np.max(columns[name], initial=0.0))
    if most < _FULL:
        return []
    return [
        f"The anode was filled to {most:.2f} of what its plateau holds: beyond 1 its potential "
        "would fall, and the model keeps it."
    ]


def pressure_remarks(cell: Cell, applied: float | None) -> list[str]:
    """Say whether a pressure lies beyond the published ones, or means nothing to a set.

    Parameters
    ----------
    cell : Cell
        Under its pressure.
    applied : float or None
        Stack pressure that was asked for [Pa].

    Returns
    -------
    list of str
        Sentences.

    Examples
    --------
    >>> pressure_remarks(Cell.load("Ji2024"), 5e7)
    ['Ji2024 has no data on pressure; 50 MPa changes nothing here.']
    """
    known = cell.data.get("validity", {}).get("pressure_MPa")
    if known is None:
        if applied is None:
            return []
        what = "has an assumed effect" if cell.feels_pressure else "changes nothing"
        return [f"{cell.name} has no data on pressure; {applied / 1e6:g} MPa {what} here."]
    if not cell.has_contact:
        return []
    value = cell.values["Applied stack pressure [Pa]"] / 1e6
    low, high = known
    if low <= value <= high:
        return []
    return [f"{value:g} MPa is outside the published {low:g} to {high:g} MPa."]
