"""Choosing a part of measured data: cycles, halves, windows of voltage or frequency."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from sscell.dataset import metadata, set_metadata
from sscell.errors import ParameterError
from sscell.segments import cycle_numbers, half_runs
from sscell.units import parse_quantity

__all__ = ["Choice", "select"]

_HALVES = ("discharge", "charge")


@dataclass(frozen=True)
class Choice:
    """What part of measured data is meant.

    Parameters
    ----------
    cycles : str, int or iterable of int, optional
        ``"4-7"``, ``"1,3-5"`` or numbers, as the file counts them, else from 1.
    half : str, optional
        ``"discharge"`` or ``"charge"``.
    window : str or pair of float, optional
        Voltages between which rows are kept: ``"3.3V,4.3V"``; bare numbers are in V.
    frequencies : str or pair of float, optional
        ``"1MHz,0.1Hz"``, in either order; bare numbers are in Hz.
    drop : str, int or iterable of int, optional
        Cycles of a series, or points of a spectrum counted from 1 in the file's order.

    Raises
    ------
    ParameterError
        If one of them is not of that form.

    Examples
    --------
    >>> Choice(cycles="4-6", half="charge").cycles
    (4, 5, 6)
    """

    cycles: Any = None
    half: str | None = None
    window: Any = None
    frequencies: Any = None
    drop: Any = None

    def __post_init__(self) -> None:
        whole = {"cycles": "Cycles", "drop": "Drop"}
        for name, spoken in whole.items():
            object.__setattr__(self, name, _numbers(getattr(self, name), spoken))
        object.__setattr__(self, "window", _pair(self.window, "V", "Window", "3.3V,4.3V"))
        pair = _pair(self.frequencies, "Hz", "Frequencies", "1MHz,0.1Hz")
        if pair is not None and pair[0] <= 0:
            raise ParameterError("Frequencies must be positive.")
        object.__setattr__(self, "frequencies", pair)
        if self.half is not None and self.half not in _HALVES:
            raise ParameterError(f"Half '{self.half}' must be 'discharge' or 'charge'.")

    @property
    def empty(self) -> bool:
        """Whether it chooses everything."""
        given = (self.cycles, self.half, self.window, self.frequencies, self.drop)
        return all(part is None for part in given)

    def apply(self, data: xr.Dataset) -> xr.Dataset:
        """Part of a dataset that is meant.

        Parameters
        ----------
        data : xarray.Dataset
            A time series or spectra.

        Returns
        -------
        xarray.Dataset
            Another dataset; what was chosen is in its ``choice`` metadata.

        Raises
        ------
        ParameterError
            If nothing is left, or a choice does not go with the data.
        """
        if self.empty:
            return data
        spectral = "frequency" in data.dims
        self.check_kind(spectral)
        kept = _spectral(data, self) if spectral else _serial(data, self)
        chosen = {
            "cycles": None if self.cycles is None else list(self.cycles),
            "half": self.half,
            "window_V": None if self.window is None else list(self.window),
            "frequencies_Hz": None if self.frequencies is None else list(self.frequencies),
            "drop": None if self.drop is None else list(self.drop),
        }
        set_metadata(kept, choice={k: v for k, v in chosen.items() if v is not None})
        return kept

    def check_kind(self, spectral: bool) -> None:
        """Refuse a choice that does not go with data of a kind.

        Parameters
        ----------
        spectral : bool
            Whether the data are spectra.

        Raises
        ------
        ParameterError
            Such as for cycles of a spectrum.
        """
        wrong: dict[str, Any] = {"frequencies": self.frequencies}
        if spectral:
            wrong = {"cycles": self.cycles, "half": self.half, "window": self.window}
        given = [name for name, part in wrong.items() if part is not None]
        if given:
            what = "a spectrum" if spectral else "a time series"
            raise ParameterError(
                f"The data are {what}, in which there is no choice of {' or '.join(given)}."
            )

    def rows(self, data: xr.Dataset) -> np.ndarray:
        """Which rows of a time series are meant.

        Parameters
        ----------
        data : xarray.Dataset
            A time series.

        Returns
        -------
        numpy.ndarray of bool, shape (n,)

        Raises
        ------
        ParameterError
            If fewer than two are left, or there is no such cycle.
        """
        keep = np.ones(data.sizes["time"], dtype=bool)
        halves = half_runs(data)
        if self.cycles is not None or self.drop is not None:
            starts = [(direction, int(rows[0])) for direction, rows in halves]
            number = cycle_numbers(data, starts)
            for name, wanted in (("cycles", self.cycles), ("drop", self.drop)):
                if wanted is None:
                    continue
                there = np.unique(number)
                absent = sorted(set(wanted) - set(there.tolist()))
                if absent:
                    raise ParameterError(
                        f"There is no cycle {absent[0]} in the data, which hold cycles "
                        f"{there[0]} to {there[-1]}."
                    )
                inside = np.isin(number, wanted)
                keep &= inside if name == "cycles" else ~inside
        if self.half is not None:
            sign = 1 if self.half == "discharge" else -1
            if all(direction != sign for direction, _ in halves):
                raise ParameterError(f"There is no {self.half} in the data.")
            inside = np.zeros(keep.size, dtype=bool)
            for direction, rows in halves:
                if direction == sign:
                    inside[rows] = True
            keep &= inside
        if self.window is not None:
            voltage = data["Voltage [V]"].values
            keep &= (voltage >= self.window[0]) & (voltage <= self.window[1])
        if keep.sum() < 2:
            raise ParameterError("The choice leaves fewer than two rows of the data.")
        return keep

    def of_kind(self, spectral: bool) -> Choice:
        """What of it goes with spectra, or with a time series.

        Parameters
        ----------
        spectral : bool
            Whether the data are spectra.

        Returns
        -------
        Choice
        """
        if spectral:
            return Choice(frequencies=self.frequencies, drop=self.drop)
        return Choice(self.cycles, self.half, self.window, drop=self.drop)


def select(
    data: xr.Dataset,
    cycles: str | int | Iterable[int] | None = None,
    half: str | None = None,
    window: str | tuple[float, float] | None = None,
    frequencies: str | tuple[float, float] | None = None,
    drop: str | int | Iterable[int] | None = None,
) -> xr.Dataset:
    """Keep a part of measured data.

    Parameters
    ----------
    data : xarray.Dataset
        A time series or spectra, from `read`.
    cycles : str, int or iterable of int, optional
        ``"4-7"``, ``"1,3-5"`` or numbers, inclusive; as the file counts them, else from 1.
    half : str, optional
        ``"discharge"`` or ``"charge"``, with the rests inside.
    window : str or tuple of float, optional
        Voltages [V], such as ``"3.3V,4.3V"``.
    frequencies : str or tuple of float, optional
        [Hz], such as ``"1MHz,0.1Hz"``.
    drop : str, int or iterable of int, optional
        Cycles of a series, or points of a spectrum from 1 in the file's order, to leave
        out.

    Returns
    -------
    xarray.Dataset
        Nothing is integrated over what was left out between its rows.

    Raises
    ------
    ParameterError
        If nothing is left, or a choice does not go with the data.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0, 1, 2, 3], "Current [A]": [1, 1, -1, -1],
    ...                     "Voltage [V]": [2, 1, 2, 3], "Cycle": [1, 1, 1, 1]})
    >>> select(data, half="charge")["Time [s]"].values.tolist()
    [2, 3]
    """
    return Choice(cycles, half, window, frequencies, drop).apply(data)


def _numbers(given: Any, name: str) -> tuple[int, ...] | None:
    if given is None:
        return None
    if isinstance(given, str):
        found: list[int] = []
        for part in given.replace(" ", "").split(","):
            match = re.fullmatch(r"(\d+)(?:(?:-|:|\.\.)(\d+))?", part)
            if not match:
                raise ParameterError(
                    f"{name} '{given}' must be numbers and ranges such as '4-7' or '1,3-5'."
                )
            first, last = int(match[1]), int(match[2] or match[1])
            if last < first or last - first > 1_000_000:
                raise ParameterError(f"{name} '{given}': {first}-{last} is no range.")
            found += range(first, last + 1)
        return tuple(dict.fromkeys(found))
    values: list[Any] = [given] if np.isscalar(given) else list(given)
    if not values or any(int(v) != v or v < 0 for v in values):
        raise ParameterError(f"{name} must be whole numbers, not {given!r}.")
    return tuple(int(v) for v in values)


def _pair(given: Any, unit: str, name: str, example: str) -> tuple[float, float] | None:
    if given is None:
        return None
    parts = given.split(",") if isinstance(given, str) else list(given)
    if len(parts) != 2:
        raise ParameterError(f"{name} '{given}' must be two values such as '{example}'.")
    one, other = (parse_quantity(p, unit, name) for p in parts)
    if one == other:
        raise ParameterError(f"{name} '{given}' must be two different values.")
    return min(one, other), max(one, other)


def _serial(data: xr.Dataset, choice: Choice) -> xr.Dataset:
    keep = choice.rows(data)
    time = data["Time [s]"].values
    rows = np.flatnonzero(keep)
    holes = np.flatnonzero(np.diff(rows) > 1)
    cut = [[float(time[rows[k]]), float(time[rows[k + 1]])] for k in holes]
    kept = data.isel(time=rows)
    before = metadata(data, "gaps_s") or []
    set_metadata(kept, gaps_s=[*before, *cut] or None)
    return kept


def _spectral(data: xr.Dataset, choice: Choice) -> xr.Dataset:
    frequency = data["Frequency [Hz]"].values
    keep = np.ones(len(frequency), dtype=bool)
    if choice.frequencies is not None:
        low, high = choice.frequencies
        keep &= (frequency >= low * (1 - 1e-6)) & (frequency <= high * (1 + 1e-6))
    if choice.drop is not None:
        points = np.array(choice.drop)
        wrong = points[(points < 1) | (points > len(frequency))]
        if wrong.size:
            raise ParameterError(
                f"There is no point {wrong[0]} in a spectrum of {len(frequency)} points."
            )
        keep[points - 1] = False
    if keep.sum() < 3:
        raise ParameterError("The choice leaves fewer than three points of the spectrum.")
    return data.isel(frequency=np.flatnonzero(keep))
