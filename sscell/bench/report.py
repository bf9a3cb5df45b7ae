"""A run of the suites: what was found, on which machine, and against an earlier run."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from sscell.bench import fits, processes, suites
from sscell.bench.cases import Case
from sscell.bench.clock import Ratio
from sscell.bench.sets import sets
from sscell.bench.suites import Plan, Sheet
from sscell.cells.cell import Cell
from sscell.errors import ParameterError, did_you_mean
from sscell.plots.bench import HEADLINES, headlines
from sscell.simulation.engine import Resolution
from sscell.simulation.progress import Progress

__all__ = ["SUITES", "compared", "measure", "to_markdown"]

_EACH, _ONE_IF_QUICK, _ONE = "every cell", "the first cell if quick", "the first cell"
_FULL = "the first cell, unless quick"
# Name of a suite, and the cells that it runs on.
SUITES: dict[str, tuple[Callable[[Case, Plan], Sheet], str]] = {
    "half cycle": (suites.half_cycle, _EACH),
    "titration": (suites.titration, _EACH),
    "currents": (suites.currents, _ONE_IF_QUICK),
    "build": (suites.build, _ONE_IF_QUICK),
    "impedance": (suites.impedance, _ONE_IF_QUICK),
    "sensitivities": (fits.sensitivities, _ONE_IF_QUICK),
    "fit": (fits.fit, _ONE_IF_QUICK),
    "sweep": (processes.sweeping, _ONE_IF_QUICK),
    "cycling": (processes.cycling, _ONE_IF_QUICK),
    "thousand points": (processes.thousand, _FULL),
    "many cells": (processes.many_cells, _FULL),
    "ten starts": (fits.ten_starts, _FULL),
    "size": (suites.size, _ONE_IF_QUICK),
    "command line": (processes.command_line, _ONE),
    "sets": (sets, _ONE_IF_QUICK),
    "pybop": (fits.against_pybop, _ONE),
}
# Of these a larger value is better; of all others a smaller one.
_LARGER = ("speedup", "efficiency", "same_optimum")
_ALWAYS = (
    "simulate_over_bare_solve",
    "gitt_speedup_over_pybamm_experiment",
    "gitt_over_generated_c",
    "sweep_speedup_over_rebuild",
    "sweep_parallel_efficiency",
    "fit_speedup_over_pybop",
    "cli_over_import_pybamm",
)
_PACKAGES = ("sscell", "pybamm", "pybammsolvers", "casadi", "numpy", "scipy", "distributed")


def measure(
    cells: Sequence[str],
    plan: Plan,
    only: Sequence[str] = (),
    on_progress: Progress | None = None,
    skip: Sequence[str] = (),
) -> dict[str, Any]:
    """Run suites on cells.

    Parameters
    ----------
    cells : sequence of str
        Names; suites that need one cell take the first.
    plan : Plan
        How much.
    only : sequence of str, optional
        Names of suites; default: all.
    on_progress : callable, optional
        Called with the share done [-] and a text.
    skip : sequence of str, optional
        Names of suites that are left out.

    Returns
    -------
    dict
        ``ratios``, the worst of all cells; ``spreads``, their quartiles; ``reasons`` of
        those that are None; ``cells`` with every row; ``machine``, ``versions``, ``date``.

    Raises
    ------
    ParameterError
        If there is no such cell or suite.
    """
    for name in (*only, *skip):
        if name not in SUITES:
            raise ParameterError(
                f"There is no suite '{name}'. {did_you_mean(name, SUITES, 'suites')}"
            )
    cases = [Case(Cell.load(name), Resolution()) for name in cells]
    todo = [
        (suite, case)
        for suite, (_, where) in SUITES.items()
        if _asked(suite, plan, only, skip)
        for case in (cases if where == _EACH or _all(where, plan) else cases[:1])
    ]
    found: dict[str, dict[str, Sheet]] = {case.cell.name: {} for case in cases}
    # Else an engine would go over to compiled functions in the middle of a comparison.
    os.environ["SSCELL_COMPILE"] = "off"
    for number, (suite, case) in enumerate(todo):
        if on_progress:
            on_progress(number / len(todo), f"{case.cell.name}: {suite}")
        found[case.cell.name][suite] = _tried(suite, case, plan)
    return _collected(found, plan)


def _asked(suite: str, plan: Plan, only: Sequence[str], skip: Sequence[str]) -> bool:
    if suite in skip:
        return False
    return suite in only if only else not (plan.quick and SUITES[suite][1] == _FULL)


def _all(where: str, plan: Plan) -> bool:
    return where == _ONE_IF_QUICK and not plan.quick


def _tried(suite: str, case: Case, plan: Plan) -> Sheet:
    """A suite that fails says so: the others go on."""
    begun = time.perf_counter()
    try:
        sheet = SUITES[suite][0](case, plan)
    except Exception as error:  # whatever one suite meets must not lose the others
        sheet = Sheet()
        sheet.notes["failed"] = f"{type(error).__name__}: {error}".splitlines()[0]
    sheet.notes["seconds of the suite"] = time.perf_counter() - begun
    return sheet


def _collected(found: Mapping[str, Mapping[str, Sheet]], plan: Plan) -> dict[str, Any]:
    ratios: dict[str, Ratio | None] = dict.fromkeys(_ALWAYS)
    where: dict[str, str] = {}
    reasons: dict[str, str] = dict.fromkeys(_ALWAYS, "its suite was not run")
    for cell, sheets in found.items():
        for sheet in sheets.values():
            reasons |= sheet.reasons
            if "failed" in sheet.notes:
                continue
            for name, value in sheet.ratios.items():
                if value is not None and _worse(name, value, ratios.get(name)):
                    ratios[name], where[name] = value, cell
    return {
        "ratios": {n: r.value if r else None for n, r in ratios.items()},
        "spreads": {n: [r.low, r.high] for n, r in ratios.items() if r},
        "worst": where,
        "reasons": {n: reasons[n] for n, r in ratios.items() if r is None},
        "quick": plan.quick,
        "cells": {
            c: {s: _plain(sheet) for s, sheet in x.items()} for c, x in found.items()
        },
        "machine": _machine(),
        "versions": {p: v for p in _PACKAGES if (v := _version(p))},
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
    }


def _worse(name: str, value: Ratio, before: Ratio | None) -> bool:
    if before is None:
        return True
    better_large = any(word in name for word in _LARGER)
    return value.value < before.value if better_large else value.value > before.value


def _plain(sheet: Sheet) -> dict[str, Any]:
    ratios = {n: asdict(r) if r else None for n, r in sheet.ratios.items()}
    parts = {"rows": sheet.rows, "ratios": ratios}
    return parts | {k: v for k in ("reasons", "notes") if (v := getattr(sheet, k))}


def _machine() -> dict[str, Any]:
    model = platform.processor()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            named = [x.partition(":")[2] for x in lines if x.startswith("model name")]
        model = named[0].strip() if named else model
    except OSError:
        pass
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "load at the end": load,
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def compared(found: Mapping[str, Any], baseline: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Ratios of a run beside those of an earlier one.

    Parameters
    ----------
    found, baseline : mapping
        From `measure`.

    Returns
    -------
    list of dict
        ``ratio``, ``now``, ``then``, ``worse_by`` [-]: how many times worse it became, and
        ``slower``: whether that is beyond a tenth and beyond the quartiles of both runs.
    """
    rows = []
    for name, now in found["ratios"].items():
        then = baseline.get("ratios", {}).get(name)
        if now is None or then is None:
            continue
        large = any(word in name for word in _LARGER)
        worse = then / now if large else now / then
        a, b = found["spreads"][name], baseline["spreads"][name]
        apart = a[1] < b[0] if large else a[0] > b[1]
        slower = bool(worse > 1.1 and apart)
        rows.append(
            {"ratio": name, "now": now, "then": then, "worse_by": worse, "slower": slower}
        )
    return rows


def to_markdown(found: Mapping[str, Any]) -> str:
    """Tables of a run.

    Parameters
    ----------
    found : mapping
        From `measure`.

    Returns
    -------
    str
    """
    lines = [*_summary(found), ""]
    lines += ["| ratio | worst of all cells | quartiles | where |", "|---|---|---|---|"]
    for name, value in found["ratios"].items():
        if value is None:
            lines.append(f"| `{name}` | not measured: {found['reasons'][name]} | | |")
            continue
        low, high = found["spreads"][name]
        where = found["worst"][name]
        lines.append(f"| `{name}` | {value:.3g} | {low:.3g} to {high:.3g} | {where} |")
    for cell, sheets in found["cells"].items():
        lines += ["", f"### {cell}", "", "| suite | what | time | quartiles | beside it |"]
        lines.append("|---|---|---|---|---|")
        for suite, sheet in sheets.items():
            lines += [_line(suite, label, row) for label, row in sheet["rows"].items()]
    return "\n".join(lines) + "\n"


def _summary(found: Mapping[str, Any]) -> list[str]:
    """Table of the ratios that count: a line for each cell, and the goals."""
    titles = [words.replace("\n", " ") for _, _, words, _, _ in HEADLINES]
    lines = [f"| | {' | '.join(titles)} |", "|---" * (len(titles) + 1) + "|"]
    for cell, values in headlines(found).items():
        told = ["" if v is None else f"{v:.3g}" for v in values]
        lines.append(f"| {cell} | {' | '.join(told)} |")
    goals = [f"at {'least' if more else 'most'} {goal:g}" for *_, goal, more in HEADLINES]
    return [*lines, f"| *goal* | {' | '.join(goals)} |"]


def _line(suite: str, label: str, row: Mapping[str, Any]) -> str:
    known = ("seconds", "quartiles_s", "error_uV", "within_gate")
    beside = [f"{row['error_uV']:.2g} µV"] if "error_uV" in row else []
    if row.get("within_gate") is False:
        beside.append("beyond the gate")
    beside += [
        f"{k.replace('_', ' ')} {v:.3g}" if isinstance(v, float) else f"{k} {v}"
        for k, v in row.items()
        if k not in known
    ]
    low, high = row.get("quartiles_s", (row["seconds"],) * 2)
    spread = f"{low * 1e3:.4g} to {high * 1e3:.4g} ms"
    return f"| {suite} | {label} | {row['seconds'] * 1e3:.4g} ms | {spread} | {'; '.join(beside)} |"
