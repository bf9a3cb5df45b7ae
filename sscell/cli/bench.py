"""Command that measures the package: bench."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from sscell.cli.common import JsonFlag, PlotFile, check_output
from sscell.cli.output import print_json, progress
from sscell.errors import ParameterError

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command of this module to the application."""
    app.command("bench")(bench_command)


def bench_command(
    cell: Annotated[
        str, typer.Argument(help="A published cell, a TOML file or all.")
    ] = "all",
    quick: Annotated[
        bool,
        typer.Option(
            "--quick", help="Fewer rounds and shorter runs; two minutes or three."
        ),
    ] = False,
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Only this suite; repeatable.")
    ] = None,
    skip: Annotated[
        list[str] | None, typer.Option("--skip", help="Not this suite; repeatable.")
    ] = None,
    pybop: Annotated[
        str | None, typer.Option(help="Python of an environment that has PyBOP.")
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option(help="Compare with this earlier run, .json.")
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option(help="Write the tables as Markdown to this file.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the run, .json.")
    ] = None,
    plot: PlotFile = None,
    as_json: JsonFlag = False,
) -> None:
    """Measure speed as ratios of things timed alternately in one run."""
    from sscell.bench.report import Plan, compared, measure, to_markdown
    from sscell.cells.library import available
    from sscell.plots.style import FIGURE_SUFFIXES

    check_output(output, (".json",))
    check_output(markdown, (".md",))
    check_output(plot, FIGURE_SUFFIXES)
    before = None if baseline is None else _read(baseline)
    families = list(dict.fromkeys(path.stem for path in available().values()))
    names = families if cell == "all" else [cell]
    with progress(time.monotonic(), timed=False) as tell:
        found = measure(names, Plan(quick, pybop), only or (), tell, skip or ())
    found = {"cell": cell, "temperature_C": None, "warnings": [], **found}
    if before is not None:
        found["compared"] = compared(found, before)
    if output is not None:
        output.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if markdown is not None:
        markdown.write_text(to_markdown(found), encoding="utf-8")
    if plot is not None:
        from sscell.plots.bench import plot_bench
        from sscell.plots.style import save_figure

        save_figure(plot_bench(found), plot)
    if as_json:
        print_json(found)
    else:
        _print(found)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if not {"ratios", "spreads"} <= set(found):
            raise ValueError("it has no ratios")
    except (OSError, ValueError, TypeError) as error:
        raise ParameterError(f"The baseline '{path}' cannot be used: {error}.") from error
    return dict(found)


def _print(found: dict[str, Any]) -> None:
    for name, value in found["ratios"].items():
        if value is None:
            print(f"{name:<45} not measured: {found['reasons'][name]}")
            continue
        low, high = found["spreads"][name]
        print(f"{name:<45} {value:8.3g}  ({low:.3g} to {high:.3g})  {found['worst'][name]}")
    for name, sheets in found["cells"].items():
        for suite, sheet in sheets.items():
            if "failed" in sheet.get("notes", {}):
                print(f"{name}, {suite}: failed, {sheet['notes']['failed']}")
    for row in found.get("compared", []):
        word = "slower than the baseline" if row["slower"] else "as the baseline"
        print(f"{row['ratio']:<45} {row['now']:8.3g}  was {row['then']:.3g}  {word}")
