"""The file formats: how each is recognised and which kept library reads it.

A new format is one function that returns a `Table` and one line in `FORMATS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sscell.errors import DataError, ParameterError, did_you_mean
from sscell.readers.text import Table, decode_head, read_text_table

__all__ = ["FORMATS", "Format", "find_format"]


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
        From a path to a `Table`.
    """

    name: str
    meaning: str
    suffixes: tuple[str, ...]
    signs: tuple[str, ...]
    load: Callable[[Path], Table]

    def fits(self, path: Path, head: str | None) -> bool:
        """Whether a file looks like this format.

        Parameters
        ----------
        path : pathlib.Path
            Its name counts.
        head : str or None
            Its first lines; None for a binary file.

        Returns
        -------
        bool
        """
        if self.suffixes and not path.name.lower().endswith(self.suffixes):
            return False
        if not self.signs:
            return True
        return head is not None and any(
            s.lower() in head[:4000].lower() for s in self.signs
        )


def _need(module: str, extra: str, path: Path, remark: str = "") -> Any:
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise DataError(
            f"Reading '{path.name}' needs the package {module.split('.')[0]}: "
            f"pip install 'sscell[{extra}]'.{remark}"
        ) from error


def _neware(path: Path) -> Table:
    library = _need("NewareNDA", "cyclers", path)
    frame = library.read(str(path))
    # In this library's frame the time counts within a step; the stamps have whole seconds.
    table = Table(frame, "Neware " + path.suffix.lower())
    unitless = {"Voltage": "Voltage [V]", "Time": "Step time [s]", "Timestamp": "Timestamp"}
    table.frame = frame.rename(columns=unitless)
    return table


def _biologic(path: Path) -> Table:
    import pandas as pd

    remark = (
        " That extra installs galvani, which is under the GPL and no part of sscell; "
        "an .mpt text export from EC-Lab is read without it."
    )
    library = _need("galvani.BioLogic", "biologic", path, remark)
    array = library.MPRfile(str(path)).data
    frame = pd.DataFrame({name: array[name] for name in array.dtype.names})
    return Table(frame, "BioLogic .mpr", positive_current="charge")


def _impedance_instrument(instrument: str) -> Callable[[Path], Table]:
    def load(path: Path) -> Table:
        import pandas as pd

        library = _need("impedance.preprocessing", "eis", path)
        frequency, z = library.readFile(str(path), instrument=instrument)
        columns = {
            "Frequency [Hz]": frequency,
            "Z real [Ohm]": z.real,
            "Z imag [Ohm]": z.imag,
        }
        return Table(pd.DataFrame(columns), instrument)

    return load


def _bdf_parquet(path: Path) -> Table:
    import pandas as pd

    _need("pyarrow", "files", path)
    table = Table(pd.read_parquet(path), "Parquet")
    names = {str(c).lower() for c in table.frame.columns}
    if names & {"current_ampere", "current / a"}:
        table = Table(table.frame, "BDF", positive_current="charge")
    return table


def _bdf_csv(path: Path) -> Table:
    table = read_text_table(path)
    table.format, table.positive_current = "BDF", "charge"
    return table


def _landt(path: Path) -> Table:
    table = read_text_table(path)
    table.format = "Landt"
    return table


def _biologic_text(path: Path) -> Table:
    table = read_text_table(path)
    table.format, table.positive_current = "BioLogic .mpt", "charge"
    return table


FORMATS: tuple[Format, ...] = (
    Format("neware", "Neware .nda and .ndax", (".nda", ".ndax"), (), _neware),
    Format("biologic-mpr", "BioLogic .mpr", (".mpr",), (), _biologic),
    Format("parquet", "BDF or another Parquet table", (".parquet",), (), _bdf_parquet),
    Format(
        "bdf",
        "Battery Data Format",
        (),
        ("current_ampere", "current / a"),
        _bdf_csv,
    ),
    Format(
        "biologic-mpt", "BioLogic .mpt text", (), ("EC-Lab ASCII FILE",), _biologic_text
    ),
    Format(
        "gamry",
        "Gamry .DTA impedance",
        (".dta",),
        ("EXPLAIN",),
        _impedance_instrument("gamry"),
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
    Format(
        "chinstruments",
        "CH Instruments impedance",
        (),
        ("A.C. Impedance",),
        _impedance_instrument("chinstruments"),
    ),
    Format("landt", "Landt .csv", (), ("checkpoint:",), _landt),
    Format("table", "any text table with headers", (), (), read_text_table),
)


def find_format(path: Path, name: str | None) -> Format:
    """Choose the format of a file by name, ending or content.

    Parameters
    ----------
    path : pathlib.Path
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
    >>> find_format(Path("cell.nda"), "neware").meaning
    'Neware .nda and .ndax'
    """
    if name is not None:
        named = {f.name: f for f in FORMATS}
        if name not in named:
            raise ParameterError(
                f"There is no file format '{name}'. "
                + (did_you_mean(name, named) or f"Known: {', '.join(named)}.")
            )
        return named[name]
    head = decode_head(path)
    for candidate in FORMATS:
        if candidate.fits(path, head) and (head is not None or candidate.suffixes):
            return candidate
    raise DataError(
        f"'{path.name}' is a binary file of no known format. Binary formats that are read: "
        ".nda, .ndax, .mpr, .parquet and .nc."
    )
