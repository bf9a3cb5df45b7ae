"""Readers: a file of a cycler or potentiostat becomes the same dataset as a simulation."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path

import xarray as xr

from sscell.dataset import load_dataset, set_metadata
from sscell.errors import DataError, ParameterError
from sscell.readers.bdf import write_bdf
from sscell.readers.columns import parse_mapping
from sscell.readers.formats import FORMATS, Format, find_format
from sscell.readers.normalise import KINDS, recognised, to_dataset
from sscell.readers.selection import Choice, select
from sscell.readers.signs import parse_current_sign
from sscell.readers.source import Source
from sscell.readers.text import Table
from sscell.units import parse_quantity

__all__ = ["FORMATS", "Choice", "read", "select", "write_bdf"]


def read(
    path: str | Path | bytes,
    *,
    mass: str | float | None = None,
    area: str | float | None = None,
    columns: Mapping[str, str] | str | None = None,
    current_sign: str | int | None = None,
    temperature: str | float | None = None,
    format: str | None = None,
    kind: str | None = None,
    scan_rate: str | float | None = None,
    name: str | None = None,
    max_bytes: int | None = None,
    max_rows: int | None = None,
) -> xr.Dataset:
    r"""Read a measured file into the dataset of this package.

    Parameters
    ----------
    path : str, pathlib.Path or bytes
        CSV or text with any sensible headers and units, spreadsheets, BDF, Neware
        .nda/.ndax, BioLogic .mpr/.mpt, exports of Arbin, BaSyTec, Digatron, Land, Maccor,
        Neware, Novonix and PEC, impedance files (Gamry, Autolab, ZPlot, VersaStudio,
        Zahner, CH Instruments, Parstat, PowerSuite), or a file of this package; or what
        is in such a file.
    mass : str or float, optional
        Of the capacity basis; a bare number is in g.
    area : str or float, optional
        Of the electrode; a bare number is in cm2.
    columns : mapping or str, optional
        Which header is which quantity where it is not recognised, such as
        ``{"voltage": "U2", "current": "I:uA"}``. Keys: time, voltage, current,
        temperature, cycle, step, mode, charge_capacity, discharge_capacity, frequency,
        real, imaginary. ``-HEADER`` takes minus the column.
    current_sign : str or int, optional
        What a positive current does in the file: ``"charge"`` or ``"discharge"``.
        Default: as the format says, else as step names or the voltage show.
    temperature : str or float, optional
        Where the file has none; a bare number is in degC.
    format : str, optional
        Name of a format, where recognition fails; see `FORMATS`.
    kind : str, optional
        ``"series"`` or ``"spectra"`` of a file that holds both; default: spectra.
    scan_rate : str or float, optional
        Of a voltammogram without a time; a bare number is in V/s.
    name : str, optional
        Of the file that the bytes are from; its ending tells binary formats apart.
    max_bytes, max_rows : int, optional
        Larger files are refused.

    Returns
    -------
    xarray.Dataset
        On ``time`` (positive current discharges) or on ``frequency``. Rows dropped, things
        assumed and what contradicts the file's other columns are in the ``warnings``
        metadata and issued as Python warnings; ``recognised`` says in one line what the
        file was taken for; columns that were not read are in ``unread_columns``.

    Raises
    ------
    ParameterError
        If the file does not exist, or an option is not usable.
    DataError
        If the file cannot be read; the message says why and what to do.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "cell.csv")
    >>> _ = path.write_text("Time/h,Ewe/V,I/mA\n0,2.0,-1\n1,1.9,-1\n2,1.8,-1\n")
    >>> data = read(path, mass="2 mg", current_sign="charge")
    >>> data["Current [A]"].values[0], data["Time [s]"].values[1]
    (np.float64(0.001), np.float64(3600.0))
    """
    mapping = parse_mapping(columns)
    if kind is not None and kind not in KINDS:
        raise ParameterError(f"Kind '{kind}' must be 'series' or 'spectra'.")
    options = {
        "mass": _positive(mass, "g", "Mass"),
        "area": _positive(area, "cm**2", "Area"),
        "current_sign": parse_current_sign(current_sign),
        "temperature": _celsius(temperature),
    }
    rate = _positive(scan_rate, "V/s", "Scan rate")
    source = Source.of(path, name, max_bytes, max_rows)
    if format is None and not mapping and _is_own(source):
        data = _own(source, options, kind)
        _refuse_other(data, kind, source.name)
        return data
    try:
        table = _load(find_format(source, format), source)
        data = to_dataset(table, mapping, scan_rate=rate, kind=kind, **options)
    except DataError as error:
        text = str(error)
        where = "" if source.name in text else f"{source.name}: "
        raise DataError(where + text) from error
    set_metadata(data, source_file=source.name)
    _refuse_other(data, kind, source.name)
    return data


def _refuse_other(data: xr.Dataset, kind: str | None, name: str) -> None:
    """Refuse a file that does not hold the kind that is asked for."""
    spectral = "frequency" in data.dims
    if kind == "series" and "time" not in data.dims:
        raise DataError(
            f"'{name}' holds an impedance spectrum and no time series: analyse it with "
            "--kind eis (of a cell) or conductivity (of a pellet)."
        )
    if kind == "spectra" and not spectral:
        raise DataError(
            f"'{name}' holds a time series and no impedance: analyse it with --kind gitt, "
            "dqdv, cv, rate, step, cycles, polarisation or ccd."
        )


def _load(chosen: Format, source: Source) -> Table:
    """Call a library's reader; whatever it raises becomes a sentence."""
    try:
        table = chosen.load(source)
    except (DataError, ParameterError, MemoryError, KeyboardInterrupt):
        raise
    # A library in Rust panics outside of Exception.
    except BaseException as error:
        if isinstance(error, SystemExit | GeneratorExit):
            raise
        reason = str(error).split("\n")[0] or type(error).__name__
        raise DataError(
            f"'{source.name}' is not a readable file of format {chosen.meaning}: {reason}."
        ) from error
    rows = len(table.frame)
    if source.max_rows is not None and rows > source.max_rows:
        raise DataError(
            f"The file '{source.name}' has {rows} rows; allowed are {source.max_rows}."
        )
    return table


def _positive(value: str | float | None, unit: str, name: str) -> float | None:
    if value is None:
        return None
    number = parse_quantity(value, unit, name)
    if number <= 0:
        raise ParameterError(f"{name} '{value}' must be positive.")
    return number


def _celsius(value: str | float | None) -> float | None:
    if value is None:
        return None
    text = str(value).strip()
    if text.upper().endswith("K") and text[:-1].strip():
        number = parse_quantity(text[:-1].strip(), "", "Temperature") - 273.15
    else:
        for ending in ("degC", "°C", "C"):
            text = text.removesuffix(ending)
        number = parse_quantity(text.strip(), "", "Temperature")
    if not -100 <= number <= 1500:
        raise ParameterError(f"Temperature '{value}' is outside -100 to 1500 degC.")
    return number


def _is_own(source: Source) -> bool:
    if source.suffix == ".nc":
        return True
    if source.suffix == ".csv":
        lines = (source.head or "").splitlines()
        rows = [r for r in lines if not r.startswith("# ")]
        # Without our metadata on top it is anybody's table, and is checked as such.
        names = (
            {c.strip() for c in rows[0].split(",")} if 0 < len(rows) < len(lines) else set()
        )
    elif source.suffix == ".parquet":
        try:
            import pyarrow.parquet

            with source.on_disk() as path:
                names = set(pyarrow.parquet.read_schema(path).names)
        except Exception:
            return False
    else:
        return False
    series = {"Time [s]", "Voltage [V]", "Current [A]"}
    return (
        series <= names or {"Frequency [Hz]", "Z real [Ohm]", "Z imaginary [Ohm]"} <= names
    )


def _own(source: Source, options: Mapping[str, object], kind: str | None) -> xr.Dataset:
    try:
        with source.on_disk() as path:
            data = load_dataset(path)
    except (DataError, ParameterError):
        raise
    except Exception as error:
        raise DataError(
            f"'{source.name}' is not a dataset of this package: {error}."
        ) from error
    size = max(data.sizes.values(), default=0)
    if source.max_rows is not None and size > source.max_rows:
        raise DataError(
            f"The file '{source.name}' has {size} rows; allowed are {source.max_rows}."
        )
    if kind is not None and {"time", "frequency"} <= set(data.dims):
        data = data.drop_dims("frequency" if kind == "series" else "time")
    sign = options["current_sign"]
    if sign == "charge" and "Current [A]" in data:
        data["Current [A]"] = -data["Current [A]"]
    given = {
        "capacity_basis_mass_g": options["mass"],
        "area_cm2": options["area"],
        "temperature_C": options["temperature"],
    }
    set_metadata(data, **{k: v for k, v in given.items() if v is not None})
    set_metadata(data, recognised=recognised(data, "sscell dataset"))
    if "time" in data.dims and bool(data["Time [s]"].isnull().any()):
        warnings.warn("Time has gaps.", stacklevel=3)
    return data
