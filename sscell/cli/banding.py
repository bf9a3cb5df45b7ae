"""Bands in what commands print: fields beside the numbers that they belong to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr

    from sscell.analysis.titration import Titration
    from sscell.protocols import Protocol
    from sscell.simulation.bands import Bands

__all__ = [
    "curve",
    "rate_bands",
    "run_banded",
    "spectra_bands",
    "step_bands",
    "titration_bands",
]


def run_banded(
    cell: str, protocol: Protocol, arguments: Mapping[str, Any], output: Path | None
) -> Bands:
    """Run with bands and a progress bar, and save the data.

    Parameters
    ----------
    cell : str
        As typed.
    protocol : Protocol
        What to run.
    arguments : mapping
        As for `sscell.simulate`.
    output : pathlib.Path or None
        Where to save the data.
    """
    from sscell.cli.output import run_with_progress
    from sscell.simulation.bands import banded

    kept: list[Bands] = []

    def run(tell: Any) -> xr.Dataset:
        kept.append(banded(cell, protocol, on_progress=tell, **arguments))
        return kept[0].data

    run_with_progress(run, output)
    return kept[0]


def step_bands(bands: Bands, steps: list[dict[str, Any]]) -> dict[str, Any]:
    """Give each half cycle of a summary its bands.

    Parameters
    ----------
    bands : Bands
        Of the run.
    steps : list of dict
        Of its summary; ``capacity_band_mAh_g`` and ``mean_voltage_band_V`` are added.

    Returns
    -------
    dict
        ``curve`` and ``bands``, for the JSON.
    """
    names = {
        "capacity_mAh_g": "capacity_band_mAh_g",
        "mean_voltage_V": "mean_voltage_band_V",
    }
    for name, added in names.items():
        found = bands.of(lambda run, name=name: _halves(run, name))
        for k, step in enumerate(steps):
            step[added] = found.get(k)
    return {"curve": curve(bands.data), "bands": bands.about()}


def _halves(run: xr.Dataset, name: str) -> dict[int, float | None]:
    from sscell.analysis.rates import half_cycle_table

    return {k: row[name] for k, row in enumerate(half_cycle_table(run))}


def curve(data: xr.Dataset) -> dict[str, list[float]]:
    """Voltage [V] over time [s] with its band, and the current [A] of a sweep.

    Parameters
    ----------
    data : xarray.Dataset
        Of a run with bands.
    """
    found = {"time_s": data["Time [s]"].values.tolist()}
    for quantity, unit in (("Voltage", "V"), ("Current", "A")):
        if f"{quantity} lower [{unit}]" in data:
            key = quantity.lower()
            found[f"{key}_{unit}"] = data[f"{quantity} [{unit}]"].values.tolist()
            for end, name in (("low", "lower"), ("high", "upper")):
                found[f"{key}_{end}_{unit}"] = data[
                    f"{quantity} {name} [{unit}]"
                ].values.tolist()
    return found


def titration_bands(
    bands: Bands, result: Titration, analyse: Callable[[xr.Dataset], Titration]
) -> None:
    """Give each pulse of a titration the band of its OCV, ``ocv_band_V``.

    Parameters
    ----------
    bands : Bands
        Of the run.
    result : Titration
        Of `sscell.analysis.gitt`.
    analyse : callable
        The titration of a run.
    """
    from sscell.errors import DataError

    def read(run: xr.Dataset) -> dict[Any, float | None]:
        try:
            found = analyse(run)
        except DataError:  # such as one that ended before its first pulse
            return {}
        return {
            (way, k): pulse["ocv_V"]
            for way, part in found.directions.items()
            for k, pulse in enumerate(part["pulses"])
        }

    found = bands.of(read)
    for way, part in result.directions.items():
        for k, pulse in enumerate(part["pulses"]):
            pulse["ocv_band_V"] = found.get((way, k))


def rate_bands(bands: Bands, result: Mapping[str, Any]) -> dict[str, Any]:
    """Bands of the capacity at each current of a rate test.

    Parameters
    ----------
    bands : Bands
        Of the run.
    result : mapping
        Of `sscell.analysis.rate`.

    Returns
    -------
    dict
        ``capacity_bands_mAh_g`` in the order of the currents.
    """
    from sscell.analysis.rates import rate

    def read(run: xr.Dataset) -> dict[int, float | None]:
        return dict(enumerate(rate(run)["capacities_mAh_g"]))

    found = bands.of(read)
    return {
        "capacity_bands_mAh_g": [found.get(k) for k in range(len(result["currents_A"]))]
    }


def spectra_bands(bands: Bands, result: Mapping[str, Any]) -> None:
    """Give each spectrum ``real_band_ohm_cm2`` and ``imaginary_band_ohm_cm2``.

    Parameters
    ----------
    bands : Bands
        Of the run.
    result : mapping
        Of `sscell.analysis.eis`; each is a list of lows and one of highs over the frequency.
    """
    import numpy as np

    from sscell.analysis.spectra import one_spectrum
    from sscell.dataset import metadata

    def read(run: xr.Dataset, part: Callable[[Any], Any]) -> dict[Any, float]:
        states = run.sizes.get("state", 1)
        area, found = metadata(run, "area_cm2", "bands of spectra"), {}
        for k in range(states):
            _, z = one_spectrum(run.isel(state=k) if "state" in run.dims else run)
            found |= {(k, n): float(part(v)) * area for n, v in enumerate(z)}
        return found

    for part, name in ((np.real, "real"), (np.imag, "imaginary")):
        found = bands.of(lambda run, part=part: read(run, part))
        for k, spectrum in enumerate(result["spectra"]):
            pairs = [found.get((k, n)) for n in range(len(spectrum["frequency_Hz"]))]
            ends = [[None if p is None else p[end] for p in pairs] for end in (0, 1)]
            spectrum[f"{name}_band_ohm_cm2"] = ends
