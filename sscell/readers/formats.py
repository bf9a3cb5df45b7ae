"""The file formats: how each is recognised and which kept library reads it.

A new format is one function that returns a `Table` and one line in `FORMATS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sscell.errors import DataError, ParameterError, did_you_mean
from sscell.readers.sheets import read_sheets, refuse_bomb
from sscell.readers.source import Source
from sscell.readers.text import Table, read_text_table

__all__ = ["BDF_REQUIRED", "FORMATS", "Format", "find_format"]

# A table is BDF where all three are there, in either spelling.
BDF_REQUIRED = (
    {"test time / s", "voltage / v", "current / a"},
    {"test_time_second", "voltage_volt", "current_ampere"},
)


@dataclass(frozen=True)
class Format:
    """One file format.

    Parameters
    ----------
    name : str
        As the user names it.
    meaning : str
        Instrument or standard.
    suffixes : tuple of str
        Lower-case endings; empty where only the content tells.
    signs : tuple of str
        Text in the first lines that tells the format; empty where the ending suffices.
    load : callable
        From a `Source` to a `Table`.
    magic : bytes, optional
        First bytes that tell a binary format whatever it is called.
    """

    name: str
    meaning: str
    suffixes: tuple[str, ...]
    signs: tuple[str, ...]
    load: Callable[[Source], Table]
    magic: bytes = b""

    def fits(self, source: Source) -> bool:
        """Whether a file looks like this format.

        Parameters
        ----------
        source : Source
            The file; its name counts.

        Returns
        -------
        bool
        """
        if self.magic and source.start.startswith(self.magic):
            return True
        if self.suffixes and not source.name.lower().endswith(self.suffixes):
            return False
        if not self.signs:
            return True
        head = source.head
        return head is not None and any(
            s.lower() in head[:4000].lower() for s in self.signs
        )


def _need(module: str, extra: str, source: Source, remark: str = "") -> Any:
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise DataError(
            f"Reading '{source.name}' needs the package {module.split('.')[0]}: "
            f"pip install 'sscell[{extra}]'.{remark}"
        ) from error


def _neware(source: Source) -> Table:
    library = _need("NewareNDA", "cyclers", source)
    refuse_bomb(source)
    with source.on_disk() as path:
        frame = library.read(str(path))
    # In this library's frame the time counts within a step; the stamps have whole seconds.
    table = Table(frame, "Neware " + source.suffix)
    unitless = {"Voltage": "Voltage [V]", "Time": "Step time [s]", "Timestamp": "Timestamp"}
    table.frame = frame.rename(columns=unitless)
    return table


def _biologic(source: Source) -> Table:
    import pandas as pd

    remark = (
        " That extra installs galvani, which is under the GPL and no part of sscell; "
        "an .mpt text export from EC-Lab is read without it."
    )
    library = _need("galvani.BioLogic", "biologic", source, remark)
    with source.on_disk() as path:
        array = library.MPRfile(str(path)).data
    frame = pd.DataFrame({name: array[name] for name in array.dtype.names})
    table = Table(frame, "BioLogic .mpr", positive_current="charge")
    # A technique without current stores nothing that a current would need.
    table.attributes["open_circuit"] = not any(
        word in name.lower()
        for name in frame
        for word in ("dq", "control", "half cycle", "q-qo")
    )
    return table


def _impedance_instrument(instrument: str) -> Callable[[Source], Table]:
    def load(source: Source) -> Table:
        import pandas as pd

        library = _need("impedance.preprocessing", "eis", source)
        with source.on_disk() as path:
            frequency, z = library.readFile(str(path), instrument=instrument)
        columns = {
            "Frequency [Hz]": frequency,
            "Z real [Ohm]": z.real,
            "Z imag [Ohm]": z.imag,
        }
        return Table(pd.DataFrame(columns), instrument)

    return load


def _parquet(source: Source) -> Table:
    import pandas as pd

    _need("pyarrow", "files", source)
    with source.on_disk() as path:
        table = Table(pd.read_parquet(path), "Parquet")
    return _named(table)


def _spreadsheet(source: Source) -> Table:
    import python_calamine

    return _named(read_sheets(source, python_calamine))


def _text(source: Source) -> Table:
    table = _named(read_text_table(source))
    head = source.head or ""
    if "EC-Lab ASCII FILE" in head[:400] or "BT-Lab ASCII FILE" in head[:400]:
        table.format, table.positive_current = "BioLogic .mpt", "charge"
        table.attributes["open_circuit"] = "open circuit voltage" in head[:4000].lower()
    elif "checkpoint:" in head[:4000].lower():
        table.format = "Landt"
    return table


def _named(table: Table) -> Table:
    """Name the format of a table by its headers; BDF also says the sign."""
    headers = {str(h).strip().lower() for h in table.frame.columns}
    if any(required <= headers for required in BDF_REQUIRED):
        table.format, table.positive_current = "BDF", "charge"
        return table
    joined = " ".join(sorted(headers))
    for name, signs in _VENDORS.items():
        if any(all(word in joined for word in words) for words in signs):
            table.format = f"{name} export"
            break
    return table


# Words that stand together in the headers of a vendor's exports.
_VENDORS = {
    "Neware": (
        ("dchg. cap",),
        ("capacitance_dchg",),
        ("工步类型", "循环号"),
        ("datapoint", "step type"),
    ),
    "Land": (("cycle-index", "step-index"), ("循环序号", "工步序号")),
    "Arbin": (("data_point", "step_index"), ("data point", "step index")),
    "Maccor": (("amps", "volts", "state"), ("md", "dpt time"), ("cyc#", "rec#")),
    "BaSyTec": (("~time", "u[v]"), ("t-step",)),
    "Digatron": (("program duration",), ("prog time", "status"), ("ahaccu",)),
    "Novonix": (("run time (h)", "potential (v)"),),
    "PEC": (("total time (seconds)",), ("step time (seconds)",)),
    "Gamry": (("vf", "ierange"), ("zreal", "zimag", "zphz")),
    "Zahner": (("frequency/hz", "impedance/ohm"),),
}  # fmt: skip


FORMATS: tuple[Format, ...] = (
    Format("neware", "Neware .nda and .ndax", (".nda", ".ndax"), (), _neware, b"NEWARE"),
    Format("biologic-mpr", "BioLogic .mpr", (".mpr",), (), _biologic, b"BIO-LOGIC MODULAR"),
    Format("parquet", "BDF or another Parquet table", (".parquet",), (), _parquet, b"PAR1"),
    Format(
        "spreadsheet",
        "spreadsheet .xlsx, .xls or .xlsb",
        (".xlsx", ".xlsm", ".xls", ".xlsb"),
        (),
        _spreadsheet,
        b"PK\x03\x04",
    ),
    Format(
        "autolab", "Autolab", (), ('"Z60W Data File',), _impedance_instrument("autolab")
    ),
    Format(
        "zplot",
        "ZPlot .z",
        (),
        ("ZPLOT2 ASCII", "ZPlotW Data"),
        _impedance_instrument("zplot"),
    ),
    Format(
        "versastudio",
        "VersaStudio .par",
        (),
        ("Name=VersaStudio",),
        _impedance_instrument("versastudio"),
    ),
    Format("table", "any text table with headers", (), (), _text),
)
# Text formats that the table reader tells apart by itself; the names stay.
_TEXT_NAMES = ("bdf", "biologic-mpt", "landt", "gamry", "chinstruments")


def find_format(source: Source, name: str | None) -> Format:
    """Choose the format of a file by name, ending or content.

    Parameters
    ----------
    source : Source
        An existing file.
    name : str, optional
        What the user says; it wins.

    Returns
    -------
    Format
        The first that fits.

    Raises
    ------
    ParameterError
        If there is no format of that name.
    DataError
        If the file is binary and of none of the binary formats.

    Examples
    --------
    >>> find_format(Source("cell.nda", content=b"x"), "neware").meaning
    'Neware .nda and .ndax'
    """
    if name is not None:
        named = {f.name: f for f in FORMATS} | dict.fromkeys(_TEXT_NAMES, FORMATS[-1])
        if name not in named:
            raise ParameterError(
                f"There is no file format '{name}'. "
                + (did_you_mean(name, named) or f"Known: {', '.join(named)}.")
            )
        return named[name]
    for candidate in FORMATS:
        binary = bool(candidate.magic)
        if candidate.fits(source) and (source.head is not None or binary):
            return candidate
    raise DataError(
        f"'{source.name}' is a binary file of no known format. Binary formats that are read: "
        ".nda, .ndax, .mpr, .xlsx, .xls, .parquet and .nc."
    )
