"""Writing the Battery Data Format, in which a positive current charges."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from sscell.dataset import metadata, require
from sscell.errors import DataError, ParameterError

__all__ = ["is_bdf_name", "write_bdf"]


def is_bdf_name(path: str | Path) -> bool:
    """Whether a file of this name is to be BDF.

    Parameters
    ----------
    path : str or pathlib.Path
        Any.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_bdf_name("run.bdf.csv"), is_bdf_name("run.csv")
    (True, False)
    """
    return Path(path).name.lower().endswith((".bdf.csv", ".bdf.parquet"))


def write_bdf(data: xr.Dataset, path: str | Path) -> Path:
    """Write a time series as BDF, CSV or Parquet.

    Parameters
    ----------
    data : xarray.Dataset
        A time series with time, voltage and current.
    path : str or pathlib.Path
        Ends in ``.csv`` or ``.parquet``, by custom ``.bdf.csv`` or ``.bdf.parquet``.

    Returns
    -------
    pathlib.Path
        Where it was written.

    Raises
    ------
    DataError
        If the data are a spectrum, for which BDF has no table.
    ParameterError
        If the ending is another, or Parquet lacks pyarrow.

    Notes
    -----
    Columns have BDF's preferred labels and fixed units. Charging and discharging
    capacity are counted from the start of the file and never fall; net capacity is their
    difference. Steps are counted through the whole file; a number of the program that
    repeats is the step's ID beside it. Variables that BDF does not define are not
    written.

    Source: https://battery-data-alliance.github.io/battery-data-format

    Examples
    --------
    >>> import tempfile
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0.0, 1.0], "Voltage [V]": [2.0, 1.9],
    ...                     "Current [A]": [1e-3, 1e-3]})
    >>> path = write_bdf(data, tempfile.mkdtemp() + "/a.bdf.csv")
    >>> path.read_text().splitlines()[1]
    '0.0,2.0,-0.001'
    """
    import pandas as pd

    path = Path(path)
    if "time" not in data.dims:
        raise DataError(
            "BDF has no table for impedance; write .nc or the package's own .csv."
        )
    require(data, "Time [s]", "Voltage [V]", "Current [A]")
    columns = {
        "Test Time / s": data["Time [s]"].values,
        "Voltage / V": data["Voltage [V]"].values,
        # Adding zero turns the -0.0 of a rest into 0.0.
        "Current / A": -data["Current [A]"].values + 0.0,
        **_counts(data),
        **_capacities(data),
    }
    if "Temperature [degC]" in data:
        columns["Ambient Temperature / degC"] = data["Temperature [degC]"].values
    if "Stack pressure [MPa]" in data:
        columns["Surface Pressure / Pa"] = data["Stack pressure [MPa]"].values * 1e6
    applied = metadata(data, "pressure_MPa")
    if applied is not None:
        columns["Applied Pressure / Pa"] = np.full(data.sizes["time"], applied * 1e6)
    frame = pd.DataFrame(columns)
    if path.suffix.lower() == ".parquet":
        try:
            frame.to_parquet(path, index=False)
        except ImportError as error:
            raise ParameterError(
                "Parquet needs pyarrow: pip install 'sscell[files]'."
            ) from error
    elif path.suffix.lower() == ".csv":
        frame.to_csv(path, index=False)
    else:
        raise ParameterError(f"Cannot write '{path.name}': BDF ends in .csv or .parquet.")
    return path


def _counts(data: xr.Dataset) -> dict[str, np.ndarray]:
    """Cycles as counted, steps counted through, and their IDs where those repeat."""
    counts: dict[str, np.ndarray] = {}
    cycle = data["Cycle"].values if "Cycle" in data else None
    if cycle is not None and np.all(np.diff(cycle) >= 0):
        counts["Cycle Count / 1"] = cycle
    if "Step" in data:
        step = data["Step"].values
        change = np.diff(step) != 0
        if cycle is not None:
            change |= np.diff(cycle) != 0
        count = step[0] + np.append(0, np.cumsum(change))
        counts["Step Count / 1"] = count
        if not np.array_equal(count, step):
            counts["Step ID / 1"] = step
    return counts


def _capacities(data: xr.Dataset) -> dict[str, np.ndarray]:
    """Charging, discharging and net capacity [A.h] since the start."""
    names = ("Charge capacity [A.h]", "Discharge capacity [A.h]")
    found = [data[n].values.astype(float) if n in data else None for n in names]
    into, out = found
    if out is not None and into is None and "steps" in data.attrs:
        # A simulation counts what is discharged less what is charged.
        change = np.diff(out, prepend=out[0])
        into, out = np.cumsum(np.maximum(-change, 0)), np.cumsum(np.maximum(change, 0))
    elif into is not None or out is not None:
        into, out = (None if c is None else _counted_through(c) for c in (into, out))
    columns = {}
    if into is not None:
        columns["Charging Capacity / Ah"] = into
    if out is not None:
        columns["Discharging Capacity / Ah"] = out
    if into is not None and out is not None:
        columns["Net Capacity / Ah"] = into - out
    return columns


def _counted_through(capacity: np.ndarray) -> np.ndarray:
    """A capacity that starts again with a step or cycle, counted on; exact if it never falls."""
    change = np.diff(capacity)
    if np.all(change >= 0):
        return capacity
    # After a fall the column holds what passed since.
    falls = np.append(0.0, np.where(change < 0, capacity[:-1] - capacity[1:], 0.0))
    after = np.append(0.0, np.where(change < 0, capacity[1:], 0.0))
    small = after < 0.5 * np.append(0.0, capacity[:-1])
    return capacity + np.cumsum(falls) + np.cumsum(np.where(small, after, 0.0))
