"""Commands that study a cell: validate, refit, sweep."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sscell.cli.common import (
    JsonFlag,
    Patience,
    ReportFile,
    Shells,
    check_output,
    typed_command,
)
from sscell.cli.output import print_json, print_table, progress
from sscell.errors import ParameterError

if TYPE_CHECKING:
    from sscell.papers.validation import Validation

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to the application."""
    app.command("validate")(validate_command)
    app.command("refit")(refit_command)


def validate_command(
    cell: Annotated[str, typer.Argument(help="A published cell, a TOML file or all.")],
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Only this observable; repeatable.")
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option(help="Write the table as Markdown to this file.")
    ] = None,
    figures: Annotated[
        Path | None, typer.Option(help="Write the paper's figures to this folder.")
    ] = None,
    bands: Annotated[
        bool,
        typer.Option(
            "--bands", help="90 % bands by drawn cells, and both ends of what is assumed."
        ),
    ] = False,
    leave_out: Annotated[
        bool,
        typer.Option("--leave-out", help="Show the fits without one condition instead."),
    ] = False,
    rerun: Annotated[
        bool,
        typer.Option(
            "--rerun", help="With --leave-out: fit again; stopped, it goes on where it was."
        ),
    ] = False,
    without: Annotated[
        list[str] | None,
        typer.Option(help="With --rerun: this condition alone, such as '60 degC'."),
    ] = None,
    max_evaluations: Annotated[int, typer.Option(help="With --rerun: of each fit.")] = 120,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="With --rerun: default CELL.uncertainty.json, here."
        ),
    ] = None,
    report: ReportFile = None,
    shells: Shells = 50,
    patience: Patience = None,
    as_json: JsonFlag = False,
) -> None:
    """Compare a cell with everything its paper published that the model can produce."""
    from sscell.papers.validation import validate
    from sscell.simulation.engine import Resolution

    if rerun and not leave_out:
        raise ParameterError("--rerun goes with --leave-out.")
    if not rerun and (without or output is not None):
        raise ParameterError("--without and --output go with --rerun.")
    if leave_out and report is not None:
        raise ParameterError("--report is of the rows: leave out --leave-out.")
    check_output(report, (".html",))
    if leave_out:
        _leave_out(cell, rerun, without, max_evaluations, output, as_json)
        return
    if markdown is not None and not markdown.parent.is_dir():
        raise ParameterError(f"The folder '{markdown.parent}' does not exist.")
    results = []
    for name in _cells(cell):
        with progress(time.monotonic()) as tell:
            found = validate(
                name,
                ids=only,
                on_progress=tell,
                resolution=Resolution(shells),
                bands=bands,
            )
            results.append(found)
    if markdown is not None:
        text = "\n".join(f"## {r.cell}\n\n{r.to_markdown()}" for r in results)
        markdown.write_text(text, encoding="utf-8")
    if figures is not None:
        from sscell.plots.validation import write_figures

        for result in results:
            write_figures(result, figures)
    if report is not None:
        from sscell.reports import write_validation_report

        write_validation_report(results, report, typed_command())
    if as_json:
        print_json(_payload(results))
        return
    for result in results:
        _print(result)


def _leave_out(
    name: str,
    rerun: bool,
    only: list[str] | None,
    max_evaluations: int,
    output: Path | None,
    as_json: bool,
) -> None:
    """Show the fits without one condition, stored or made now."""
    from sscell.cells.cell import Cell
    from sscell.cells.uncertainty import knowledge_of

    cell = Cell.load(name)
    known = knowledge_of(cell.parameters)
    if rerun:
        from sscell.papers.leaving_out import leave_out
        from sscell.papers.observables import load_observables
        from sscell.papers.refit import write_knowledge

        target = output or Path(f"{cell.name}.uncertainty.json")
        check_output(target, (".json",))
        with progress(time.monotonic()) as tell:
            known = leave_out(
                cell,
                load_observables(name),
                only=only,
                max_evaluations=max_evaluations,
                store=target.with_suffix(".trials"),
                on_progress=tell,
            )
        write_knowledge(known, target)
    if known is None or not known.left_out:
        raise ParameterError(
            f"{cell.name} stores no fit without a condition: --rerun makes them."
        )
    rows = [row.model_dump() for row in known.left_out]
    if as_json:
        print_json(
            {
                "cell": cell.name,
                "effective_parameters": known.effective_parameters,
                "fitted_rows": known.rows,
                "leave_one_out": rows,
            }
        )
        return
    print(f"{cell.name}, fitted without one condition at a time")
    for row in rows:
        row["met"] = row["error"] is not None and abs(row["error"]) <= row["tolerance"]
    told = ("condition", "id", "word", "published", "model", "error", "fitted_error")
    told += ("null_error", "tolerance", "met")
    print_table([{key: row[key] for key in told} for row in rows])


def _cells(cell: str) -> list[str]:
    if cell != "all":
        return [cell]
    from sscell.cells.library import available
    from sscell.papers.observables import load_observables

    found = []
    for name in available():
        try:
            load_observables(name)
        except ParameterError:
            continue
        found.append(name)
    return found


def _payload(results: list[Validation]) -> dict[str, object]:
    parts = []
    for result in results:
        counts = {
            word: dict(zip(("met", "null_met", "rows"), numbers, strict=True))
            for word, numbers in result.counts().items()
        }
        parts.append(
            {
                "cell": result.cell,
                "temperature_C": None,
                **result.bases,
                "warnings": [],
                "rows": result.rows,
                "counts": counts,
                "score": result.score(),
                "left_out": result.left_out,
                "notes": result.notes,
                **({"varied": result.varied} if result.varied else {}),
            }
        )
    if len(parts) == 1:
        return parts[0]
    rows = [{"cell": result.cell, **row} for result in results for row in result.rows]
    return {"cell": "all", "rows": rows, "cells": parts}


def _print(result: Validation) -> None:
    import sys

    from rich.console import Console
    from rich.table import Table

    from sscell.papers.validation import format_row

    table = Table(box=None, pad_edge=False, header_style="bold")
    names = ["Observable", "Conditions", "Published", "Model", "Null", "Error", "Word", ""]
    for name in (*names, *(("90 % band", "Assumed", "Depends on") if result.drawn else ())):
        table.add_column(name, overflow="fold")
    for row in result.rows:
        missed = "" if row["met"] else "missed"
        table.add_row(*format_row(row), row["word"], missed, *result.format_band(row))
    console = Console(width=None if sys.stdout.isatty() else 160, markup=False)
    console.print(f"{result.cell} against its paper")
    console.print(table)
    for line in result.format_score():
        console.print(line)
    for word, (met, null, total) in result.counts().items():
        console.print(
            f"{word}: {met} of {total} within tolerance; null model {null} of {total}"
        )
    console.print(f"{len(result.left_out)} observables are left out; --json says why.")
    for line in result.format_varied():
        console.print(line)
    for note in result.notes:
        console.print(f"note: {note}")


def refit_command(
    cell: Annotated[str, typer.Argument(help="A published cell or a TOML file.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="New parameter set, .toml.")
    ],
    vary: Annotated[
        list[str] | None, typer.Option(help="Only this parameter; repeatable.")
    ] = None,
    rival: Annotated[
        str | None, typer.Option(help="Try this explanation of the table instead.")
    ] = None,
    objective: Annotated[
        str, typer.Option(help="squares, or largest: of the residuals in tolerances.")
    ] = "squares",
    max_evaluations: Annotated[int, typer.Option(help="In all starts together.")] = 400,
    starts: Annotated[int, typer.Option(help="Starting points.")] = 1,
    seed: Annotated[int, typer.Option(help="Of the starting points.")] = 0,
    store: Annotated[
        Path | None,
        typer.Option(help="Keep finished runs in this file; started again, go on there."),
    ] = None,
    shells: Shells = 25,
    patience: Patience = None,
    as_json: JsonFlag = False,
) -> None:
    """Fit a parameter set to its published observables; writes a set and a log."""
    import json

    from sscell.cells.cell import Cell
    from sscell.papers.observables import load_observables
    from sscell.papers.refit import refit, write_knowledge, write_refit

    if output.suffix != ".toml" or not output.parent.is_dir():
        raise ParameterError(f"'{output}' must be a .toml file in a folder that exists.")
    loaded, table = Cell.load(cell), load_observables(cell)
    with progress(time.monotonic()) as tell:
        found = refit(
            loaded,
            table,
            vary=vary,
            rival=rival,
            objective=objective,
            max_evaluations=max_evaluations,
            starts=starts,
            seed=seed,
            shells=shells,
            store=store,
            on_progress=tell,
        )
    write_refit(found, cell, output)
    if found.knowledge is not None:
        write_knowledge(found.knowledge, output.with_suffix(".uncertainty.json"))
    log = output.with_suffix(".json")
    log.write_text(json.dumps(found.log, indent=2) + "\n", encoding="utf-8")
    if as_json:
        print_json({"cell": loaded.name, "file": str(output), **found.log})
        return
    effective = found.log["effective_parameters"]
    pinned = "" if effective is None else f", {effective:.1f} effective parameters"
    print(f"cost {found.log['cost']:.2f}{pinned}, {found.log['ended']}; {output}, {log}")
    for name, value in found.values.items():
        error = found.std_errors.get(name)
        print(f"  {name:<60} {value:.4g}" + (f" +/- {error:.2g}" if error else ""))
