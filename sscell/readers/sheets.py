"""Tables in spreadsheets: the sheet that holds the measurement, and those that go on from it."""

from __future__ import annotations

import datetime
import io
import zipfile
from typing import Any

from sscell.errors import DataError
from sscell.readers.cells import as_numbers
from sscell.readers.layout import Header, find_header, sift
from sscell.readers.source import Source
from sscell.readers.text import Table, unique_names

__all__ = ["read_sheets", "refuse_bomb"]

_UNPACKED = 1.5e9  # bytes in a packed file
_HEAD = 400  # rows of a sheet in which its header is looked for


def refuse_bomb(source: Source) -> None:
    """Refuse a packed file that unpacks to more than memory should hold.

    Parameters
    ----------
    source : Source
        Any file.

    Raises
    ------
    DataError
        If it is packed and too large, or damaged.
    """
    if source.start[:4] != b"PK\x03\x04":
        return
    try:
        with zipfile.ZipFile(io.BytesIO(source.read_bytes())) as packed:
            size = sum(one.file_size for one in packed.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise DataError(f"'{source.name}' is damaged: {error}.") from error
    if size > _UNPACKED:
        raise DataError(
            f"'{source.name}' unpacks to {size / 1e9:.3g} GB; allowed are "
            f"{_UNPACKED / 1e9:g} GB."
        )


def read_sheets(source: Source, library: Any) -> Table:
    """Read the measurement of a workbook.

    Parameters
    ----------
    source : Source
        An .xlsx, .xls or .xlsb file.
    library : module
        ``python_calamine``.

    Returns
    -------
    Table
        Of the sheet whose header names most of what is needed, and of all others with the
        same header, one below the other.

    Raises
    ------
    DataError
        If no sheet holds a table of measurements.
    """
    import pandas as pd

    refuse_bomb(source)
    book = library.CalamineWorkbook.from_filelike(io.BytesIO(source.read_bytes()))
    found: list[tuple[tuple[int, ...], int, Header, list[list[Any]]]] = []
    for number, name in enumerate(book.sheet_names):
        rows = book.get_sheet_by_name(name).to_python(skip_empty_area=True)
        if source.max_rows is not None and len(rows) > source.max_rows:
            raise DataError(
                f"The sheet '{name}' of '{source.name}' has {len(rows)} rows; allowed are "
                f"{source.max_rows}."
            )
        header = find_header([[_text(c) for c in row] for row in rows[:_HEAD]])
        if header is not None:
            found.append((header.score, -number, header, rows))
    if not found:
        sheets = ", ".join(f"'{n}'" for n in book.sheet_names)
        raise DataError(
            f"No sheet of '{source.name}' holds a table with time, voltage and current or an "
            f"impedance; it has {sheets}."
        )
    best = max(found, key=lambda one: one[:2])
    same = [one for one in found if one[2].names == best[2].names]
    frames = [_frame(header, rows) for _, _, header, rows in same]
    table = Table(pd.concat(frames, ignore_index=True), "spreadsheet")
    if len(same) > 1:
        table.warnings.append(f"{len(same)} sheets hold the table; they were joined.")
    return _sifted(table, best[2])


def _frame(header: Header, rows: list[list[Any]]) -> Any:
    import pandas as pd

    names = list(header.names)
    while names and not names[-1]:
        names.pop()
    body = [row[: len(names)] for row in rows[header.start :]]
    frame = pd.DataFrame(body, columns=unique_names(names, len(names)))
    columns = {name: _column(frame[name]) for name in frame.columns}
    return pd.DataFrame(columns).dropna(how="all").reset_index(drop=True)


def _column(cells: Any) -> Any:
    """Cells of one column: numbers, times, dates, or text."""
    import pandas as pd

    filled = cells[cells.map(lambda c: c is not None and c != "")]
    kinds = set(filled.map(type))
    if kinds <= {float, int, bool}:
        return as_numbers(cells.where(cells != "", None))
    if kinds <= {datetime.datetime, datetime.date}:
        return pd.to_datetime(cells.where(cells != "", None), errors="coerce")
    if kinds <= {datetime.timedelta}:
        return pd.to_timedelta(cells.where(cells != "", None), errors="coerce")
    return cells.map(_text).replace("", None)


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:.15g}"
    if isinstance(cell, datetime.timedelta):
        seconds = cell.total_seconds()
        return (
            f"{int(seconds // 3600)}:{int(seconds % 3600 // 60):02d}:{seconds % 60:06.3f}"
        )
    return str(cell).strip()


def _sifted(table: Table, header: Header) -> Table:
    frame = table.frame
    sifted = sift(
        frame,
        header.names,
        lambda row: ["" if c is None or c != c else _text(c) for c in frame.iloc[row]],
        lambda row: False,
    )
    table.warnings += sifted.notes
    if not sifted.keep.all():
        table.take(sifted.keep)

        for name in table.frame.columns:
            column = table.frame[name]
            if column.dtype.kind not in "iufmM":
                values = as_numbers(column)
                if (values.notna() | column.isna()).all():
                    table.frame[name] = values
    return table
