"""Score of every published set, kept beside the pages: `python docs/scores.py [CELL ...]`.

A validation takes from seconds to minutes, too long for each build of the pages. What it gave
is kept in `docs/scores/<cell>.json` with a digest of the values and observables it was made
with; a page whose set has other values now says so.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from sscell.cells.cell import Cell
from sscell.papers.observables import has_observables, load_observables

FOLDER = Path(__file__).parent / "scores"


def digest(cell: Cell) -> str:
    """What a score depends on: values, tables and observables of a set."""
    table = load_observables(cell.parameters)
    told = {
        "values": {k: f"{v:.9g}" for k, v in cell.values.items()},
        "data": cell.data,
        "rows": [repr(o) for o in table.observables],
        "runs": {k: repr(v) for k, v in table.runs.items()},
    }
    text = json.dumps(told, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def kept(name: str) -> dict[str, Any] | None:
    """What is kept for a cell."""
    path = FOLDER / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def score(name: str) -> dict[str, Any]:
    """Validate a cell and say what it earned."""
    from sscell.papers.validation import format_row, validate

    cell = Cell.load(name)
    found = validate(cell)
    return {
        "cell": name,
        "digest": digest(cell),
        "score": found.score(),
        "lines": found.format_score(),
        "evidence": found.evidence,
        "rows": [
            {
                "id": row["id"],
                "texts": format_row(row),
                "word": row["word"],
                "met": bool(row["met"]),
                "null_met": bool(row["null_met"]),
                "source": row["source"],
                "note": row["note"],
            }
            for row in found.rows
        ],
        "left_out": dict(found.left_out),
        "notes": list(found.notes),
    }


def main(names: list[str]) -> None:
    """Bring up to date what is not, or what is named."""
    from sscell.cells.library import available

    FOLDER.mkdir(exist_ok=True)
    for name in names or available():
        if not has_observables(name):
            continue
        old = kept(name)
        if not names and old and old["digest"] == digest(Cell.load(name)):
            continue
        told = json.dumps(score(name), indent=1, default=float)
        (FOLDER / f"{name}.json").write_text(told + "\n", encoding="utf-8")
        print(name, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
