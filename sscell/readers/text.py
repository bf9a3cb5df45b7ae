"""Text tables: find the delimiter, the decimal sign and the row that names the columns."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sscell.errors import DataError
from sscell.readers.cells import as_numbers
from sscell.readers.columns import match_columns
from sscell.readers.layout import Header, find_header, is_data, sift
from sscell.readers.source import HEAD_BYTES, Source

__all__ = ["Table", "read_text_table", "unique_names"]

_HEAD_LINES = 4000
_DELIMITERS = ("\t", ";", ",", "|", r"\s+")


@dataclass
class Table:
    """Columns of a file as they stand in it, before any conversion.

    Parameters
    ----------
    frame : pandas.DataFrame
        Headers are those of the file.
    format : str
        Name of the format.
    positive_current : str, optional
        ``"charge"`` or ``"discharge"``: what a positive current does, where the format
        says so.
    warnings : list of str
        What was dropped or assumed.
    attributes : dict
        Metadata that the file carries.
    lines : sequence of str, optional
        Row by row as it stands in the file, to quote from.
    """

    frame: Any
    format: str
    positive_current: str | None = None
    warnings: list[str] = field(default_factory=list)
    attributes: dict[str, Any] = field(default_factory=dict)
    lines: Sequence[str] | None = field(default=None, repr=False)

    def quote(self, row: int) -> str:
        """A row as it stands in the file, or as it was read."""
        if self.lines is not None and row < len(self.lines):
            return self.lines[row].strip()[:80]
        return ", ".join(str(v) for v in self.frame.iloc[row])[:80]

    def take(self, keep: np.ndarray) -> None:
        """Keep some of the rows."""
        self.frame = self.frame[keep].reset_index(drop=True)
        if self.lines is not None:
            self.lines = [self.lines[int(k)] for k in np.flatnonzero(keep)]


def _fields(line: str, delimiter: str) -> list[str]:
    if delimiter == r"\s+":
        return line.split()
    if '"' in line:
        row = next(csv.reader([line.rstrip("\r\n")], delimiter=delimiter), [])
        cells = [c.strip() for c in row]
    else:
        cells = [c.strip() for c in line.rstrip("\r\n").split(delimiter)]
    while cells and cells[-1] == "":
        cells.pop()
    return cells


def _runs(rows: Sequence[Sequence[str]]) -> tuple[int, int]:
    """Longest run of data lines of about equal width: its start and its length."""
    best, start, width = (0, 0), None, 0
    for number, cells in enumerate([*rows, []]):
        good = is_data(cells)
        if good and start is not None and abs(len(cells) - width) <= 2:
            continue
        if start is not None and number - start > best[1]:
            best = (start, number - start)
        start, width = (number, len(cells)) if good else (None, 0)
    return best


def _layout(lines: Sequence[str]) -> tuple[str, Header]:
    """Delimiter and header: by what the header names, else by the longest table."""
    grids = {d: [_fields(line, d) for line in lines] for d in _DELIMITERS}
    found = []
    for rank, (delimiter, grid) in enumerate(grids.items()):
        header = find_header(grid)
        if header is not None:
            # Names with blanks in them are no columns of a table of blanks.
            widths = [len(r) for r in grid[header.start : header.start + 20] if is_data(r)]
            fits = max(widths, default=0) <= len(header.names) + 1
            found.append(((fits, *header.score, -rank), delimiter, header))
    if found:
        _, delimiter, header = max(found, key=lambda one: one[0])
        return delimiter, header
    candidates = []
    for rank, (delimiter, grid) in enumerate(grids.items()):
        start, length = _runs(grid)
        if length:
            # Commas that are decimal signs split numbers into more columns than the
            # header has: the header decides.
            above = grid[start - 1] if start else []
            fits = bool(above) and abs(len(above) - len(grid[start])) <= 1
            candidates.append(((fits, length, -rank), delimiter, start))
    if not candidates:
        raise DataError("it holds no table of numbers with at least two columns")
    _, delimiter, start = max(candidates, key=lambda one: one[0])
    names = _headers(lines, grids[delimiter], start)
    return delimiter, Header(start - 1, tuple(names or ()), start, ())


def _headers(
    lines: Sequence[str], grid: Sequence[Sequence[str]], start: int
) -> Sequence[str] | None:
    """Names above a table that names nothing that is known."""
    width = len(grid[start])
    above = [g for g in grid[max(start - 2, 0) : start] if g]
    if above and not is_data(above[-1]) and abs(len(above[-1]) - width) <= 1:
        return [c.lstrip("#").strip() for c in above[-1]]
    for line in reversed(lines[max(start - 2, 0) : start]):
        text = line.lstrip("#").strip()
        for delimiter in ("\t", ";", ",", r"\s{2,}"):
            cells = [c.strip().strip('"') for c in re.split(delimiter, text) if c.strip()]
            if len(cells) == width and not is_data(cells):
                return cells
    return None


def _decimal(rows: Sequence[Sequence[str]]) -> str:
    cells = [c.strip('"') for row in rows for c in row]
    commas = sum(bool(re.fullmatch(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?", c)) for c in cells)
    points = sum(bool(re.fullmatch(r"[+-]?\d*\.\d+(?:[eE][+-]?\d+)?", c)) for c in cells)
    return "," if commas > points else "."


def unique_names(names: Sequence[str], width: int) -> list[str]:
    """Names of so many columns, none twice and none empty.

    Parameters
    ----------
    names : sequence of str
        As in the file.
    width : int
        Columns in all.

    Returns
    -------
    list of str

    Examples
    --------
    >>> unique_names(["a", "a"], 3)
    ['a', 'a (2)', 'column 3']
    """
    padded = [*names, *[""] * (width - len(names))]
    seen: dict[str, int] = {}
    result = []
    for number, name in enumerate(padded):
        name = name.strip().strip('"').strip() or f"column {number + 1}"
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return result


def read_text_table(source: Source) -> Table:
    r"""Read a text table with whatever preamble, delimiter and decimal sign it has.

    Parameters
    ----------
    source : Source
        A text file.

    Returns
    -------
    Table
        With format ``"table"``; headers are ``column 1 ...`` where the file has none, and
        ``attributes["headerless"]`` is then true.

    Raises
    ------
    DataError
        If there is no table of numbers in it.

    Examples
    --------
    >>> table = read_text_table(Source("a.csv", content=b"t/s;U/V\n0;3,5\n1;3,4\n"))
    >>> float(table.frame["U/V"].iloc[1])
    3.4
    """
    # A typographic minus is one too.
    text = source.text().replace("\u2212", "-")
    whole = text.endswith("\n")
    lines = text.split("\n")
    del text
    head = _first(lines)
    try:
        delimiter, header = _layout(head)
    except DataError as error:
        raise DataError(f"Cannot read '{source.name}': {error}.") from None
    rows = [r for r in (_fields(t, delimiter) for t in head[header.start :]) if is_data(r)]
    width = max((len(r) for r in rows[:500]), default=2)
    _refuse_mismatch(source.name, header, head, rows, delimiter)
    table = Table(None, "table")
    table.attributes["headerless"] = not header.names
    before = {n for n in range(header.start, len(lines)) if not lines[n].strip()}
    kept = [n for n in range(header.start, len(lines)) if n not in before]
    body = [lines[n] for n in kept]
    if source.max_rows is not None and len(body) > source.max_rows:
        raise DataError(
            f"The file '{source.name}' has {len(body)} rows; allowed are {source.max_rows}."
        )
    del lines
    _drop_cut(body, delimiter, whole, table)
    names = unique_names(header.names, max(width, len(header.names)))
    frame = _parse(body, delimiter, names, _decimal(rows[:200]))
    sifted = sift(
        frame,
        _fields(head[header.row], delimiter) if header.names else [],
        lambda row: _fields(body[row], delimiter),
        lambda row: kept[row] - 1 in before,
    )
    table.frame, table.lines = frame, body
    table.warnings += sifted.notes
    keep = sifted.keep & ~_other_levels(frame, header.names)
    if not keep.all():
        table.take(keep)
        table.frame = _as_numbers(table.frame)
    return table


def _first(lines: Sequence[str]) -> list[str]:
    """First lines of a file, 256 kB at most."""
    size, head = 0, []
    for line in lines[:_HEAD_LINES]:
        size += len(line)
        if size > HEAD_BYTES and head:
            break
        head.append(line[:HEAD_BYTES])
    return head


def _drop_cut(body: list[str], delimiter: str, whole: bool, table: Table) -> None:
    """Drop a last line that was cut off while it was written."""
    while body and not body[-1].strip():
        body.pop()
    if whole or len(body) < 3:
        return
    last = _fields(body[-1], delimiter)
    others = [_fields(line, delimiter) for line in body[-50:-1]]
    lengths = [len(cells[-1]) for cells in others if cells]
    short = len(last) < min(len(cells) for cells in others)
    if len(last) < 2 or short or (lengths and len(last[-1]) < min(lengths)):
        body.pop()
        table.warnings.append("1 row dropped: the last line is cut off.")


def _refuse_mismatch(
    name: str,
    header: Header,
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    delimiter: str,
) -> None:
    """Refuse rows that hold more numbers than there are names for them."""
    names: Sequence[str] = header.names
    if not names and header.start:
        # A line that names quantities is a header, even if commas split the rows below.
        above = _fields(head[header.start - 1], delimiter)
        names = above if len(match_columns(above)) >= 2 else ()
    wider = sum(len(r) > len(names) for r in rows)
    if names and wider > 0.5 * len(rows):
        width = max(len(r) for r in rows)
        shown = ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")
        raise DataError(
            f"Cannot read '{name}': its rows hold {width} numbers but it names only "
            f"{len(names)} columns ({shown}). If its decimal sign is a comma, the columns "
            "must be separated by semicolons, tabs or quotes."
        )


def _parse(body: list[str], delimiter: str, names: list[str], decimal: str) -> Any:
    """Cells of the lines, one row for each of them."""
    import pandas as pd

    quoted = delimiter != r"\s+" and any('"' in line for line in body)
    options: dict[str, Any] = {
        "sep": delimiter,
        "index_col": False,
        "header": None,
        "skipinitialspace": True,
        "decimal": decimal,
        "na_values": ["--", "---"],
        "low_memory": False,
        "skip_blank_lines": False,
        "on_bad_lines": "skip",
    }
    width = len(names) + 1
    if delimiter != r"\s+":
        width = max(width, 1 + max((line.count(delimiter) for line in body), default=0))
    width = min(width, 2000)
    columns = [*names, *(f"__more {k}" for k in range(width - len(names)))]
    frame = None
    try:
        stream = io.BytesIO("\n".join(body).encode("utf-8", errors="replace"))
        frame = pd.read_csv(stream, names=columns, quoting=0 if quoted else 3, **options)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError):
        frame = None
    if frame is None or len(frame) != len(body):
        cells = [(_fields(line, delimiter) + [""] * width)[:width] for line in body]
        text = pd.DataFrame(cells, columns=columns).replace("", None)
        if decimal == ",":
            text = text.apply(
                lambda c: c.str.replace(r"^([+-]?\d*),(\d+)", r"\1.\2", regex=True)
            )
        frame = _as_numbers(text)
    more = [c for c in frame.columns if c.startswith("__more ")]
    # A row with a number too many says nothing sure.
    wrong = np.zeros(len(frame), dtype=bool)
    for name in more:
        wrong |= np.asarray(frame[name].notna() & (frame[name].astype(str) != ""), bool)
    frame = frame.drop(columns=more)
    if wrong.any() and wrong.mean() <= 0.5:
        frame = frame.astype(object)
        frame.loc[wrong, :] = None
        frame = _as_numbers(frame)
    return frame


def _as_numbers(frame: Any) -> Any:
    """Columns whose cells all are numbers, as numbers."""
    import pandas as pd

    result = {}
    for name in frame.columns:
        column = frame[name]
        if column.dtype.kind not in "iufbmM":
            with_numbers = as_numbers(column)
            if (with_numbers.notna() | column.isna()).all():
                column = with_numbers
        result[name] = column
    return pd.DataFrame(result)


def _other_levels(frame: Any, names: Sequence[str]) -> np.ndarray:
    """Rows of cycles and steps in an export that nests its records below them.

    Their first cells are filled, where those of a record are empty and unnamed.
    """
    unnamed = 0
    while unnamed < len(names) and not names[unnamed].strip():
        unnamed += 1
    filled = np.zeros(len(frame), dtype=bool)
    for column in frame.columns[:unnamed]:
        filled |= np.asarray(frame[column].notna(), bool)
    # A column that is filled throughout is an index without a name.
    return filled if filled.mean() < 0.7 else np.zeros(len(frame), dtype=bool)
