"""Charge that has passed: one for all analyses."""

from __future__ import annotations

import numpy as np
import xarray as xr

from sscell.dataset import require
from sscell.segments import passed_by_current

__all__ = ["charge_integral", "charge_passed"]

_DISCHARGED, _CHARGED = "Discharge capacity [A.h]", "Charge capacity [A.h]"


def charge_integral(
    time: np.ndarray,
    current: np.ndarray,
    begin: float | None = None,
    lead: float | None = None,
) -> np.ndarray:
    """Charge by the trapezoidal rule.

    Parameters
    ----------
    time, current : numpy.ndarray, shape (n,)
        Samples [s], [A].
    begin : float, optional
        When the current began, before the first sample [s]; default: at it.
    lead : float, optional
        Mean current from then to the first sample [A]; default: that of the first sample.

    Returns
    -------
    numpy.ndarray, shape (n,)
        Passed until each sample [A.h], with the sign of the current.

    Examples
    --------
    >>> t, i = np.array([10.0, 20.0, 30.0]), np.array([3.6, 3.6, 3.6])
    >>> (1000 * charge_integral(t, i, begin=0.0)).tolist()
    [10.0, 20.0, 30.0]
    """
    first = 0.0
    if begin is not None:
        first = (time[0] - begin) * (current[0] if lead is None else lead)
    between = np.diff(time) * (current[1:] + current[:-1]) / 2
    return (first + np.concatenate([[0.0], np.cumsum(between)])) / 3600


def charge_passed(data: xr.Dataset) -> np.ndarray:
    """Net charge that has passed at each row of a time series.

    The model's own state of charge where it is a simulation, the counters of the instrument
    where the file has them, else the integral of the current.

    Parameters
    ----------
    data : xarray.Dataset
        With time and current.

    Returns
    -------
    numpy.ndarray, shape (n,)
        [A.h], growing on discharge; only differences have a meaning.

    Raises
    ------
    DataError
        If time or current is missing.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0, 3600], "Current [A]": [1.0, 1.0]})
    >>> charge_passed(data).tolist()
    [0.0, 1.0]
    """
    require(data, "Time [s]", "Current [A]")
    if _DISCHARGED in data and "steps" in data.attrs:
        return data[_DISCHARGED].values.astype(float)
    if _DISCHARGED in data and _CHARGED in data:
        counted = _counted(data[_DISCHARGED].values) - _counted(data[_CHARGED].values)
        if np.all(np.isfinite(counted)):
            return counted
    return np.cumsum(passed_by_current(data)) / 3600


def _counted(counter: np.ndarray) -> np.ndarray:
    """What a counter has counted in all: set back, it begins again at zero."""
    values = counter.astype(float)
    steps = np.diff(values)
    # What it shows after it was set back has passed since; a last digit is no setting back.
    back = steps < -0.5 * np.abs(values[:-1])
    steps = np.where(back, values[1:], steps)
    return np.concatenate([[0.0], np.cumsum(steps)])
