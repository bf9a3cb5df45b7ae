"""Writing the Battery Data Format, in which a positive current charges."""

from __future__ import annotations

from pathlib import Path

import xarray as xr

from sscell.dataset import require
from sscell.errors import DataError, ParameterError

__all__ = ["write_bdf"]

_LABELS = {
    "Time [s]": "Test Time / s",
    "Voltage [V]": "Voltage / V",
    "Current [A]": "Current / A",
    "Temperature [degC]": "Ambient Temperature / degC",
    "Cycle": "Cycle Count / 1",
    "Step": "Step Index / 1",
    "Charge capacity [A.h]": "Charging Capacity / Ah",
    "Discharge capacity [A.h]": "Discharging Capacity / Ah",
}


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
    Columns have BDF's preferred labels and fixed units. Variables that BDF does not
    define are not written.

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
    # Adding zero turns the -0.0 of a rest into 0.0.
    columns = {
        label: -data[name].values + 0.0 if name == "Current [A]" else data[name].values
        for name, label in _LABELS.items()
        if name in data
    }
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
