"""What a cell costs before anything runs: its file, its checks, other values."""

from __future__ import annotations

import tomllib
from typing import Any

from sscell.bench.cases import Case
from sscell.bench.clock import alternate, ratio
from sscell.bench.suites import Plan, Sheet
from sscell.cells.cell import Cell
from sscell.cells.library import find

__all__ = ["sets"]

_TIMES = 20  # copies that are timed together


def sets(case: Case, plan: Plan) -> Sheet:
    """Load a cell again, and copy it with another value, against parsing its file once.

    Parameters
    ----------
    case : Case
        Cell and resolution.
    plan : Plan
        How much is measured.

    Returns
    -------
    Sheet
    """
    sheet = Sheet()
    name, cell = case.cell.name, case.cell
    text = find(name)[0].read_text(encoding="utf-8")
    celsius = cell.values["Ambient temperature [K]"]

    def replaced() -> Any:
        for number in range(_TIMES):
            cell.replace({"Ambient temperature [K]": celsius + 0.01 * number})

    times = alternate(
        {
            "parse the file": lambda: tomllib.loads(text),
            "load": lambda: Cell.load(name),
            f"replace, {_TIMES} times": replaced,
        },
        plan.rounds,
    )
    for label, timing in times.items():
        sheet.add(label, timing)
    parsed = times["parse the file"]
    sheet.ratios["load_over_parsing"] = ratio(times["load"], parsed)
    sheet.ratios["replacing_over_parsing"] = ratio(
        times[f"replace, {_TIMES} times"], parsed
    )
    return sheet
