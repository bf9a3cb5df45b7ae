"""Where the bytes of a file come from: a path, or what somebody sends."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from sscell.errors import DataError, ParameterError

__all__ = ["HEAD_BYTES", "Source", "decode"]

HEAD_BYTES = 262_144
# Words of a Chinese export, by which GBK is told from latin-1.
_CHINESE = ("电", "时间", "循环", "工步", "容量", "频率", "阻抗", "序号")


@dataclass
class Source:
    """A file, on disk or in memory.

    Parameters
    ----------
    name : str
        Of the file; its ending tells formats apart.
    path : pathlib.Path, optional
        Where it is on disk.
    content : bytes, optional
        What is in it, if it is not on disk.
    max_rows : int, optional
        More rows than this are refused.
    """

    name: str
    path: Path | None = None
    content: bytes | None = field(default=None, repr=False)
    max_rows: int | None = None

    @classmethod
    def of(
        cls,
        file: str | Path | bytes,
        name: str | None = None,
        max_bytes: int | None = None,
        max_rows: int | None = None,
    ) -> Source:
        """Take a path or bytes.

        Parameters
        ----------
        file : str, pathlib.Path or bytes
            The file.
        name : str, optional
            What it is called; needed for bytes of a binary format.
        max_bytes, max_rows : int, optional
            Limits.

        Returns
        -------
        Source

        Raises
        ------
        ParameterError
            If there is no such file.
        DataError
            If it is empty or larger than allowed.
        """
        if isinstance(file, bytes | bytearray | memoryview):
            content = bytes(file)
            source = cls(name or "data.csv", None, content, max_rows)
            size = len(content)
        else:
            path = Path(file)
            if not path.is_file():
                raise ParameterError(f"There is no file '{path}'.")
            source, size = cls(name or path.name, path, None, max_rows), path.stat().st_size
        if size == 0:
            raise DataError(f"The file '{source.name}' is empty.")
        if max_bytes is not None and size > max_bytes:
            raise DataError(
                f"The file '{source.name}' has {size / 1e6:.4g} MB; "
                f"allowed are {max_bytes / 1e6:.4g} MB."
            )
        return source

    @property
    def suffix(self) -> str:
        """Ending of the name, in lower case."""
        return Path(self.name).suffix.lower()

    def read_bytes(self) -> bytes:
        """All of it."""
        return self.path.read_bytes() if self.path is not None else self.content or b""

    @cached_property
    def start(self) -> bytes:
        """First 256 kB."""
        if self.path is None:
            return (self.content or b"")[:HEAD_BYTES]
        with self.path.open("rb") as stream:
            return stream.read(HEAD_BYTES)

    @cached_property
    def head(self) -> str | None:
        """Its first part as text; None if it is not text."""
        raw = self.start
        if raw[:2] not in (b"\xff\xfe", b"\xfe\xff"):
            if sum(byte < 9 or 13 < byte < 32 for byte in raw[:4096]) > 2:
                return None
            if raw[:4] in (b"PK\x03\x04", b"PAR1"):
                return None
        # The block may end inside a character.
        return decode(raw, partial=len(raw) == HEAD_BYTES)

    def text(self) -> str:
        """All of it as text, with plain line ends."""
        text = decode(self.read_bytes())
        # Some exports end their lines with two carriage returns.
        return text.replace("\r\r\n", "\n").replace("\r\n", "\n").replace("\r", "\n")

    @contextlib.contextmanager
    def on_disk(self) -> Iterator[Path]:
        """A path for libraries that need one; bytes go to a temporary file."""
        if self.path is not None:
            yield self.path
            return
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, Path(self.name).name or "data")
            path.write_bytes(self.content or b"")
            yield path


def decode(raw: bytes, partial: bool = False) -> str:
    """Text of a file in whatever encoding it has.

    Parameters
    ----------
    raw : bytes
        The file.
    partial : bool, optional
        Whether it ends in the middle.

    Returns
    -------
    str

    Examples
    --------
    >>> decode("电流(mA)".encode("gbk")), decode("T/°C".encode("latin-1"))
    ('电流(mA)', 'T/°C')
    """
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", errors="replace").lstrip("\ufeff")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if partial and error.start >= len(raw) - 4:
            return raw[: error.start].decode("utf-8-sig")
    sample = raw[:HEAD_BYTES].decode("gb18030", errors="replace")
    if any(word in sample for word in _CHINESE):
        return raw.decode("gb18030", errors="replace")
    # One broken byte in a long file is no other encoding.
    broken = raw[:HEAD_BYTES].decode("utf-8-sig", errors="replace")
    if broken.count("\ufffd") == 1 and any(ord(c) > 127 and c != "\ufffd" for c in broken):
        return raw.decode("utf-8-sig", errors="replace")
    return raw.decode("cp1252", errors="replace")
