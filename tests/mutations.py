"""Files that somebody or something has damaged, made from sound ones by a seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
KINDS = (
    "flip",
    "cut",
    "comma",
    "crlf",
    "swap",
    "drop",
    "repeat",
    "blank",
    "insert",
    "words",
)


def sources() -> list[Path]:
    """Sound files of every format, under 60 kB."""
    found = [*(HERE / "data_files").glob("*"), *(HERE / "cases" / "data").glob("*/*")]
    return sorted(
        p for p in found if p.is_file() and p.suffix != ".pyc" and p.name != "expected.txt"
        and p.stat().st_size < 60_000
    )  # fmt: skip


def mutated(path: Path, seed: int) -> tuple[str, bytes, str]:
    """Name, content and kind of mutation number `seed` of a file."""
    rng = np.random.default_rng(seed)
    kind = KINDS[seed % len(KINDS)]
    raw = path.read_bytes()
    lines = raw.split(b"\n")
    row = int(rng.integers(0, len(lines)))
    if kind == "flip":
        data = np.frombuffer(raw, dtype=np.uint8).copy()
        at = rng.integers(0, len(data), size=int(rng.integers(1, 12)))
        data[at] ^= (1 << rng.integers(0, 8, size=len(at))).astype(np.uint8)
        raw = data.tobytes()
    elif kind == "cut":
        raw = raw[: int(rng.integers(1, len(raw)))]
    elif kind == "comma":
        raw = raw.replace(b".", b",")
        if rng.random() < 0.5:
            raw = raw.replace(b",", b";") if rng.random() < 0.3 else raw
    elif kind == "crlf":
        raw = raw.replace(b"\n", [b"\r\n", b"\r", b"\r\r\n", b"\n\n"][int(rng.integers(4))])
    elif kind == "swap":
        mark = max((b"\t", b",", b";"), key=raw.count)
        cells = [line.split(mark) for line in lines]
        a, b = rng.integers(0, max(len(c) for c in cells), size=2)
        for c in cells[1 if rng.random() < 0.5 else 0 :]:
            if max(a, b) < len(c):
                c[a], c[b] = c[b], c[a]
        raw = b"\n".join(mark.join(c) for c in cells)
    elif kind == "drop":
        raw = b"\n".join(lines[:row] + lines[row + int(rng.integers(1, 20)) :])
    elif kind == "repeat":
        raw = b"\n".join(lines[:row] + lines[max(row - 5, 0) :])
    elif kind == "blank":
        mark = max((b"\t", b",", b";"), key=raw.count)
        for k in rng.integers(0, len(lines), size=int(rng.integers(1, 9))):
            cells = lines[k].split(mark)
            cells[int(rng.integers(0, len(cells)))] = b""
            lines[k] = mark.join(cells)
        raw = b"\n".join(lines)
    elif kind == "insert":
        words = [
            b"# comment",
            b"\x00\x01",
            b"Pause, by user",
            b'"',
            b"1e999,nan,inf",
            b"\xff\xfe",
        ]
        lines.insert(row, words[int(rng.integers(len(words)))])
        raw = b"\n".join(lines)
    else:
        mark = [b"ERROR", b"--", b"1.2.3", b"9" * 400, b"1e400", b"-", b"#DIV/0!"]
        for k in rng.integers(0, len(lines), size=int(rng.integers(1, 6))):
            cells = lines[k].replace(b"\t", b",").split(b",")
            cells[int(rng.integers(0, len(cells)))] = mark[int(rng.integers(len(mark)))]
            lines[k] = b",".join(cells)
        raw = b"\n".join(lines)
    return path.name, raw, kind
