"""Text tables: find the delimiter, the decimal sign and the row that names the columns."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sscell.errors import DataError
from sscell.readers.columns import match_columns, split_unit

__all__ = ["Table", "decode_head", "read_text_table"]

HEAD_BYTES = 262_144
_NUMBER = re.compile(r"[+-]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eEdD][+-]?\d+)?|nan|[+-]?inf", re.I)
_CLOCK = re.compile(r"(?:\d+[dD ]\s*)?\d{1,4}:\d{2}:\d{2}(?:[.,]\d+)?")
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.*")
_DELIMITERS = ("\t", ";", ",", r"\s+")


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
    """

    frame: Any
    format: str
    positive_current: str | None = None
    warnings: list[str] = field(default_factory=list)
    attributes: dict[str, Any] = field(default_factory=dict)


def decode_head(path: Path) -> str | None:
    """First part of a file as text, or None if it is not text.

    Parameters
    ----------
    path : pathlib.Path
        An existing file.

    Returns
    -------
    str or None
        Up to 256 kB; None if it holds NUL or other control bytes.
    """
    with path.open("rb") as stream:
        raw = stream.read(HEAD_BYTES)
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", errors="ignore")
    control = sum(byte < 9 or 13 < byte < 32 for byte in raw[:4096])
    if control > 2:
        return None
    return raw.decode(_encoding(raw), errors="replace").lstrip("\ufeff")


def _encoding(raw: bytes) -> str:
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    try:
        # The block may end inside a character.
        raw[: max(len(raw) - 4, 0) or len(raw)].decode("utf-8")
    except UnicodeDecodeError as error:
        return "utf-8" if error.start >= len(raw) - 8 else "latin-1"
    return "utf-8"


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


def _is_value(text: str) -> bool:
    return any(p.fullmatch(text) for p in (_NUMBER, _CLOCK, _DATE))


def _looks_like_data(cells: list[str]) -> bool:
    values = [c for c in cells if c]
    numbers = sum(_is_value(c) for c in values)
    return numbers >= 2 and numbers >= 0.5 * len(values)


def _runs(lines: list[str], delimiter: str) -> tuple[int, int]:
    """Longest run of data lines of equal width: its start and its length."""
    best, start, width = (0, 0), None, 0
    for number, line in enumerate([*lines, ""]):
        cells = _fields(line, delimiter)
        good = _looks_like_data(cells)
        if good and start is not None and abs(len(cells) - width) <= 2:
            continue
        if start is not None and number - start > best[1]:
            best = (start, number - start)
        start, width = (number, len(cells)) if good else (None, 0)
    return best


def _layout(lines: list[str]) -> tuple[str, int, int]:
    candidates = []
    for rank, delimiter in enumerate(_DELIMITERS):
        start, length = _runs(lines, delimiter)
        if length:
            width = len(_fields(lines[start], delimiter))
            # Commas that are decimal signs split numbers into more columns than the
            # header has: the header decides.
            above = _fields(lines[start - 1], delimiter) if start else []
            fits = bool(above) and abs(len(above) - width) <= 1
            candidates.append((fits, length, -rank, delimiter, start))
    if not candidates:
        raise DataError("it holds no table of numbers with at least two columns")
    _, length, _, delimiter, start = max(candidates)
    return delimiter, start, length


def _decimal(lines: list[str], delimiter: str) -> str:
    cells = [c for line in lines for c in _fields(line, delimiter)]
    commas = sum(bool(re.fullmatch(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?", c)) for c in cells)
    points = sum(bool(re.fullmatch(r"[+-]?\d*\.\d+(?:[eE][+-]?\d+)?", c)) for c in cells)
    return "," if commas > points else "."


def _headers(lines: list[str], start: int, delimiter: str) -> list[str] | None:
    width = len(_fields(lines[start], delimiter))
    above = [
        _fields(line.lstrip("#"), delimiter) for line in lines[max(start - 2, 0) : start]
    ]
    above = [a for a in above if a]
    if not above or _looks_like_data(above[-1]) or abs(len(above[-1]) - width) > 1:
        return _loose_header(lines, start, width)
    last = above[-1]
    if len(above) == 2 and abs(len(above[0]) - width) <= 1:
        known = sum(split_unit(f"x [{c}]")[1] != c or len(c) <= 4 for c in last)
        named = sum(split_unit(c)[1] is None for c in above[0])
        letters = sum(len(c) for c in above[0]) > sum(len(c) for c in last)
        if known == len(last) and named == len(above[0]) and letters:
            pairs = zip(above[0], [*last, *[""] * width], strict=False)
            return [f"{name} [{unit}]" if unit else name for name, unit in pairs]
    return last


def _loose_header(lines: list[str], start: int, width: int) -> list[str] | None:
    """Header in another layout than the data: blanks between, or another delimiter."""
    for line in reversed(lines[max(start - 2, 0) : start]):
        text = line.lstrip("#").strip()
        for delimiter in ("\t", ";", ",", r"\s{2,}"):
            cells = [c.strip().strip('"') for c in re.split(delimiter, text) if c.strip()]
            if len(cells) == width and not _looks_like_data(cells):
                return cells
    return None


def _unique(headers: list[str], width: int) -> list[str]:
    headers = [h or f"column {k + 1}" for k, h in enumerate(headers)]
    headers += [f"column {k + 1}" for k in range(len(headers), width)]
    seen: dict[str, int] = {}
    result = []
    for header in headers:
        seen[header] = seen.get(header, 0) + 1
        result.append(header if seen[header] == 1 else f"{header} ({seen[header]})")
    return result


def read_text_table(path: Path) -> Table:
    r"""Read a text table with whatever preamble, delimiter and decimal sign it has.

    Parameters
    ----------
    path : pathlib.Path
        A text file.

    Returns
    -------
    Table
        With format ``"table"``; headers are None-like ``column 1 ...`` where the file has
        none, and ``attributes["headerless"]`` is then true.

    Raises
    ------
    DataError
        If there is no table of numbers in it.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "a.csv")
    >>> _ = path.write_text("t/s;U/V\n0;3,5\n1;3,4\n")
    >>> float(read_text_table(path).frame["U/V"].iloc[1])
    3.4
    """
    head = decode_head(path) or ""
    lines = head.splitlines()
    if len(head) >= HEAD_BYTES - 8:
        lines = lines[:-1]
    try:
        delimiter, start, length = _layout(lines)
    except DataError as error:
        raise DataError(f"Cannot read '{path.name}': {error}.") from None
    headers = _headers(lines, start, delimiter)
    width = max(len(_fields(row, delimiter)) for row in lines[start : start + length])
    _refuse_mismatch(path, headers, lines[max(start - 1, 0)], width, delimiter)
    named = _unique(headers or [], max(width, len(headers or [])))
    table = Table(None, "table")
    table.attributes["headerless"] = headers is None
    table.frame = _body(
        path, start, delimiter, named, _decimal(lines[start:], delimiter), table
    )
    return table


def _refuse_mismatch(
    path: Path, headers: list[str] | None, above: str, width: int, delimiter: str
) -> None:
    """Refuse rows that hold more numbers than there are names for them."""
    names = headers or _fields(above, delimiter)
    # A line that names quantities is a header, even if commas split the numbers below it.
    split = headers is None and len(match_columns(names)) >= 2
    if (split or headers) and width > len(names):
        shown = ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")
        raise DataError(
            f"Cannot read '{path.name}': its rows hold {width} numbers but it names only "
            f"{len(names)} columns ({shown}). If its decimal sign is a comma, the columns "
            "must be separated by semicolons, tabs or quotes."
        )


def _body(
    path: Path, start: int, delimiter: str, names: list[str], decimal: str, table: Table
) -> Any:
    import pandas as pd

    with path.open("rb") as stream:
        encoding = _encoding(stream.read(HEAD_BYTES))
    text = path.read_text(encoding=encoding, errors="replace").lstrip("\ufeff")
    # Some exports end their lines with two carriage returns.
    body = text.replace("\r\r\n", "\n").splitlines()[start:]
    cut = bool(body) and len(_fields(body[-1], delimiter)) < 2
    if cut:
        body.pop()
        table.warnings.append("1 row dropped: the last line is cut off.")
    rows = sum(bool(line.strip()) for line in body)
    frame = pd.read_csv(
        io.StringIO("\n".join(body)),
        sep=delimiter,
        names=[*names, "__end__"],
        index_col=False,
        skipinitialspace=True,
        decimal=decimal,
        low_memory=False,
        on_bad_lines="skip",
        quoting=3 if delimiter == r"\s+" else 0,
    )
    if len(frame) < rows:
        table.warnings.append(
            f"{rows - len(frame)} rows dropped: they have too many fields."
        )
    return frame.drop(columns="__end__")
