"""The one result format: an xarray Dataset from the simulator or from a cycler file.

Time series live on the dimension ``time``, spectra on ``frequency`` (and ``state``).
Names are PyBaMM's, with the unit in brackets. What is unknown is absent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from sscell.errors import DataError, ParameterError, did_you_mean
from sscell.units import unit_of

__all__ = [
    "SPECTRUM",
    "TIME_SERIES",
    "check",
    "load_dataset",
    "metadata",
    "require",
    "save_dataset",
    "set_metadata",
    "spectrum",
    "temperatures",
    "time_series",
]

TIME_SERIES = (
    "Time [s]",
    "Current [A]",
    "Voltage [V]",
    "Temperature [degC]",
    "Cycle",
    "Step",
)
SPECTRUM = ("Frequency [Hz]", "Z real [Ohm]", "Z imaginary [Ohm]")
SUFFIXES = (".nc", ".csv", ".parquet")
_ABOUT = {"temperature": "degC", "passed_share": ""}  # of each spectrum of a run
KINDS = ("series", "spectra")
_DIMS = {"series": "time", "spectra": "frequency"}
_ENGINE = "h5netcdf"
_FINAL = (
    "final_state"  # a variable of its own in netCDF, whose attributes are limited to 64 kB
)


def time_series(
    columns: Mapping[str, Any], attributes: Mapping[str, Any] | None = None
) -> xr.Dataset:
    """Dataset on ``time`` from columns of equal length.

    Parameters
    ----------
    columns : mapping of str to array_like, shape (n,)
        PyBaMM names to values; ``"Time [s]"`` is required.
    attributes : mapping, optional
        Metadata; mappings and sequences are kept as JSON text.

    Returns
    -------
    xarray.Dataset
        Checked, with a ``units`` attribute on each variable.

    Raises
    ------
    DataError
        If a column has another length or time is missing or runs backwards.

    Examples
    --------
    >>> data = time_series({"Time [s]": [0, 1], "Voltage [V]": [2.0, 1.9]})
    >>> data["Voltage [V]"].attrs["units"]
    'V'
    """
    return check(_assemble(columns, "time", attributes))


def spectrum(
    columns: Mapping[str, Any],
    attributes: Mapping[str, Any] | None = None,
    states: Sequence[str] | None = None,
    **about: Sequence[float],
) -> xr.Dataset:
    """Dataset of impedance on ``frequency``, or on ``state`` and ``frequency``.

    Parameters
    ----------
    columns : mapping of str to array_like
        ``"Frequency [Hz]"`` of shape (n,), ``"Z real [Ohm]"`` and ``"Z imaginary [Ohm]"``
        of shape (n,) or (states, n). The imaginary part is Im Z: negative where the
        cell is capacitive.
    attributes : mapping, optional
        Metadata.
    states : sequence of str, optional
        A label for each row.
    **about : sequence of float
        What else is known of each row: ``temperature`` [degC], ``passed_share`` [-].

    Returns
    -------
    xarray.Dataset
        Checked.

    Raises
    ------
    DataError
        If a column is missing or has another length.

    Examples
    --------
    >>> z = spectrum({"Frequency [Hz]": [1.0], "Z real [Ohm]": [5.0], "Z imaginary [Ohm]": [0.0]})
    >>> z.sizes["frequency"]
    1
    """
    data = xr.Dataset()
    for name, values in columns.items():
        array = np.asarray(values)
        dims = ("state", "frequency") if array.ndim == 2 else ("frequency",)
        try:
            data[name] = (dims, array, {"units": unit_of(name)})
        except ValueError as error:
            raise DataError(f"Column '{name}' has another length: {error}") from error
    if states is not None:
        data = data.assign_coords(state=list(states))
        for name, values in about.items():
            unit = {"units": _ABOUT.get(name, "")}
            data = data.assign_coords({name: ("state", np.asarray(values, float), unit)})
    set_metadata(data, **dict(attributes or {}))
    return check(data)


def _assemble(
    columns: Mapping[str, Any], dim: str, attributes: Mapping[str, Any] | None
) -> xr.Dataset:
    arrays = {name: np.asarray(values) for name, values in columns.items()}
    lengths = {name: len(a) for name, a in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(f"Columns differ in length: {lengths}.")
    # On this path xarray does not look for dask, which takes a fifth of a second to import.
    variables = {
        n: xr.Variable((dim,), a, {"units": unit_of(n)}, fastpath=a.dtype.kind in "fib")
        for n, a in arrays.items()
    }
    data = _of_equal_length(variables)
    set_metadata(data, **dict(attributes or {}))
    return data


def _of_equal_length(variables: dict[Any, xr.Variable]) -> xr.Dataset:
    """Dataset of variables that are known to fit.

    xarray's public constructor compares them with each other, which takes a tenth of the half
    cycle of a small cell; its own functions go another way. Where that is not there, the
    constructor gives the same.
    """
    direct = getattr(xr.Dataset, "_construct_direct", None)
    indexed = any(name in v.dims for name, v in variables.items())
    if direct is not None and not indexed and all(v.ndim == 1 for v in variables.values()):
        with suppress(AttributeError, TypeError, ValueError):
            return direct(variables, set(), attrs={})
    return xr.Dataset(variables)


def set_metadata(data: xr.Dataset, **attributes: Any) -> None:
    """Write metadata into the attributes; nested values become JSON text.

    Parameters
    ----------
    data : xarray.Dataset
        Changed in place.
    **attributes
        None removes an attribute: what is unknown is absent.

    Examples
    --------
    >>> data = time_series({"Time [s]": [0.0]})
    >>> set_metadata(data, stop_reasons=["lower voltage cut-off"])
    >>> metadata(data, "stop_reasons")
    ['lower voltage cut-off']
    """
    for key, value in attributes.items():
        if value is None:
            data.attrs.pop(key, None)
        elif isinstance(value, bool | Mapping | list | tuple):
            data.attrs[key] = "json:" + json.dumps(value)
        else:
            data.attrs[key] = value


def metadata(data: xr.Dataset, key: str, needed_for: str = "") -> Any:
    """Read an attribute that `set_metadata` wrote.

    Parameters
    ----------
    data : xarray.Dataset
        Any dataset of this package.
    key : str
        Name of the attribute.
    needed_for : str, optional
        If given, a missing attribute is an error that says what needed it.

    Returns
    -------
    object
        The decoded value, or None if absent.

    Raises
    ------
    DataError
        If it is absent and `needed_for` is given.

    Examples
    --------
    >>> metadata(time_series({"Time [s]": [0.0]}, {"cell": "Ji2024"}), "cell")
    'Ji2024'
    """
    value = data.attrs.get(key)
    if value is None and needed_for:
        raise DataError(f"The dataset does not say its {key}; {needed_for} needs it.")
    if isinstance(value, str) and value.startswith("json:"):
        return json.loads(value[5:])
    return value.item() if isinstance(value, np.generic) else value


def temperatures(data: xr.Dataset) -> list[float]:
    """Temperatures of a dataset in order: of its series, of its spectra, or the one it states.

    Parameters
    ----------
    data : xarray.Dataset
        Any dataset of this package.

    Returns
    -------
    list of float
        [degC]; empty where none is known.

    Examples
    --------
    >>> temperatures(time_series({"Time [s]": [0.0]}, {"temperature_C": 60.0}))
    [60.0]
    """
    for name in ("Temperature [degC]", "temperature"):
        if name in data.variables:
            return np.atleast_1d(data[name].values).astype(float).tolist()
    stated = metadata(data, "temperature_C")
    return [] if stated is None else [float(stated)]


def require(data: xr.Dataset, *names: str) -> None:
    """Raise unless all the variables are there.

    Parameters
    ----------
    data : xarray.Dataset
        Any dataset.
    *names : str
        Variables that the caller needs.

    Raises
    ------
    DataError
        Names the missing ones and those that are there.

    Examples
    --------
    >>> require(time_series({"Time [s]": [0.0]}), "Time [s]")
    """
    missing = [n for n in names if n not in data]
    if missing:
        raise DataError(
            f"The dataset has no {' and no '.join(repr(m) for m in missing)}; "
            f"it has {', '.join(sorted(map(str, data.variables)))}."
        )


def check(data: xr.Dataset) -> xr.Dataset:
    """Check names, dimensions and order of a dataset.

    Parameters
    ----------
    data : xarray.Dataset
        On ``time`` or on ``frequency``.

    Returns
    -------
    xarray.Dataset
        The same object.

    Raises
    ------
    DataError
        If it is neither a time series nor a spectrum, or time runs backwards.

    Examples
    --------
    >>> check(time_series({"Time [s]": [0.0, 1.0]})).sizes["time"]
    2
    """
    if "frequency" in data.dims:
        require(data, *SPECTRUM)
        return data
    if "time" not in data.dims:
        raise DataError("A dataset needs the dimension 'time' or 'frequency'.")
    require(data, "Time [s]")
    time = data.variables["Time [s]"].values
    if np.any(np.diff(time) < 0):
        row = int(np.argmax(np.diff(time) < 0)) + 1
        raise DataError(
            f"Time runs backwards at row {row}: {time[row - 1]:g} s, then {time[row]:g} s."
        )
    return data


def _suffix(path: Path) -> str:
    if path.suffix.lower() not in SUFFIXES:
        raise ParameterError(
            f"Cannot tell the format of '{path.name}'. "
            + did_you_mean(path.suffix, SUFFIXES, "endings")
        )
    return path.suffix.lower()


def save_dataset(data: xr.Dataset, path: str | Path) -> Path:
    """Write a dataset as netCDF (.nc), CSV (.csv) or Parquet (.parquet).

    Parameters
    ----------
    data : xarray.Dataset
        A time series or spectrum. Of an impedance run, which has both, a table holds the
        spectra and netCDF all, in the groups ``series`` and ``spectra``.
    path : str or pathlib.Path
        In a folder that exists. CSV carries the metadata as ``#`` lines on top.

    Returns
    -------
    pathlib.Path
        Where it was written.

    Raises
    ------
    ParameterError
        If the folder is missing, the ending unknown or that of BDF, or Parquet lacks
        pyarrow.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> path = save_dataset(time_series({"Time [s]": [0.0]}, {"cell": "x"}), folder + "/a.csv")
    >>> load_dataset(path).attrs["cell"]
    'x'
    """
    path = Path(path)
    suffix = _suffix(path)
    if path.name.lower().endswith((".bdf.csv", ".bdf.parquet")):
        raise ParameterError(
            f"'{path.name}' is the name of a file in the Battery Data Format, which "
            "sscell.write_bdf writes; give this one another name."
        )
    if not path.parent.is_dir():
        raise ParameterError(f"The folder '{path.parent}' does not exist.")
    if suffix == ".nc":
        _write_netcdf(data, path)
        return path
    if {"frequency", "time"} <= set(data.dims):
        # A table holds one kind: the spectra; the run that led to them is in netCDF.
        data = data.drop_dims("time")
    # State by state: the reader cuts the rows into states again.
    order = ["state", "frequency"] if "state" in data.dims else None
    frame = data.to_dataframe(dim_order=order)
    if order is None:
        frame = frame.reset_index(drop=True)
    frame.attrs = {str(k): v for k, v in data.attrs.items() if k != _FINAL}
    if suffix == ".parquet":
        _need_pyarrow()
        frame.to_parquet(path)
        return path
    with path.open("w", encoding="utf-8", newline="") as stream:
        for key, value in frame.attrs.items():
            stream.write(f"# {key}: {json.dumps(value, default=_plain)}\n")
        frame.to_csv(stream, index="state" in data.dims)
    return path


def _write_netcdf(data: xr.Dataset, path: Path) -> None:
    data = data.copy()
    final = data.attrs.pop(_FINAL, None)
    root = {} if final is None else {_FINAL: ((), final)}
    if not {"frequency", "time"} <= set(data.dims):
        data.assign(root).to_netcdf(path, engine=_ENGINE)
        return
    # Each kind in a group of its own, as other programs look for one table.
    groups = {
        "/": xr.Dataset(root, attrs=data.attrs),
        "/series": data.drop_dims([d for d in data.dims if d != "time"]),
        "/spectra": data.drop_dims("time"),
    }
    for name in KINDS:
        groups[f"/{name}"].attrs = {}
    xr.DataTree.from_dict(groups).to_netcdf(path, engine=_ENGINE)


def _read_netcdf(path: Path, kind: str | None) -> xr.Dataset:
    with path.open("rb") as stream:
        classic = stream.read(3) == b"CDF"  # as earlier versions wrote them
    if classic:
        with xr.open_dataset(path, engine="scipy") as opened:
            return _part(opened.load(), kind)
    with xr.open_datatree(path, engine=_ENGINE) as tree:
        root = tree.to_dataset().load()
        parts = [tree[name].to_dataset().load() for name in KINDS if name in tree.children]
    data = xr.merge([root, *parts], combine_attrs="override") if parts else root
    if _FINAL in data.variables:
        data.attrs[_FINAL] = str(data[_FINAL].item())
        data = data.drop_vars(_FINAL)
    return _part(data, kind)


def _part(data: xr.Dataset, kind: str | None) -> xr.Dataset:
    """The series or the spectra of what may hold both."""
    if kind == "series" and "frequency" in data.dims and "time" in data.dims:
        return data.drop_dims([d for d in data.dims if d != "time"])
    if kind == "spectra" and "frequency" in data.dims and "time" in data.dims:
        return data.drop_dims("time")
    return data


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else str(value)


def _need_pyarrow() -> None:
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise ParameterError(
            "Parquet needs pyarrow: pip install 'sscell[files]', or save as .nc or .csv."
        ) from error


def load_dataset(path: str | Path, kind: str | None = None) -> xr.Dataset:
    """Read what `save_dataset` wrote.

    Parameters
    ----------
    path : str or pathlib.Path
        A .nc, .csv or .parquet file of this package.
    kind : str, optional
        ``"series"`` or ``"spectra"`` of a file that holds both; default: both.

    Returns
    -------
    xarray.Dataset
        With its metadata.

    Raises
    ------
    ParameterError
        If the file is missing, its ending unknown, or there is no such kind.
    DataError
        If its content is not a dataset of this package, or not of that kind.

    Examples
    --------
    >>> load_dataset("absent.nc")
    Traceback (most recent call last):
    ...
    sscell.errors.ParameterError: There is no file 'absent.nc'.
    """
    if kind is not None and kind not in KINDS:
        raise ParameterError(f"Kind '{kind}' must be 'series' or 'spectra'.")
    path = Path(path)
    if not path.is_file():
        raise ParameterError(f"There is no file '{path}'.")
    suffix = _suffix(path)
    if suffix == ".parquet":
        _need_pyarrow()
    try:
        data = check(_read(path, suffix, kind))
    except DataError:
        raise
    # The readers beneath raise KeyError, TypeError, ValueError and errors of their own.
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(
            f"'{path.name}' is not a dataset of this package: {reason}"
        ) from error
    if kind is not None and _DIMS[kind] not in data.dims:
        other = next(k for k in KINDS if k != kind)
        raise DataError(f"'{path.name}' holds {other} and no {kind}.")
    return data


def _read(path: Path, suffix: str, kind: str | None) -> xr.Dataset:
    if suffix == ".nc":
        return _read_netcdf(path, kind)
    import pandas as pd

    if suffix == ".parquet":
        frame = pd.read_parquet(path)
        attributes = {str(key): value for key, value in frame.attrs.items()}
        frame = frame.reset_index() if frame.index.names != [None] else frame
    else:
        attributes, above = _csv_attributes(path)
        frame = pd.read_csv(path, skiprows=above)
    return _from_frame(frame, attributes)


def _from_frame(frame: Any, attributes: dict[str, Any]) -> xr.Dataset:
    if "state" in frame:
        states = list(dict.fromkeys(frame["state"].astype(str)))
        rows = len(states)
        columns: dict[str, Any] = {}
        for name in frame.columns.drop(["state", "frequency"], errors="ignore"):
            columns[name] = frame[name].to_numpy().reshape(rows, -1)
        columns["Frequency [Hz]"] = columns["Frequency [Hz]"][0]
        about = {name: columns.pop(name)[:, 0] for name in _ABOUT if name in columns}
        return spectrum(columns, attributes, states, **about)
    columns = {str(name): frame[name].to_numpy() for name in frame.columns}
    if "Frequency [Hz]" in columns:
        return spectrum(columns, attributes)
    return time_series(columns, attributes)


def _csv_attributes(path: Path) -> tuple[dict[str, Any], int]:
    """Metadata on top of a table, and how many lines they take."""
    attributes: dict[str, Any] = {}
    lines = 0
    with path.open(encoding="utf-8") as stream:
        for line in stream:
            if not line.startswith("# "):
                break
            key, _, value = line[2:].partition(": ")
            attributes[key] = json.loads(value)
            lines += 1
    return attributes, lines
