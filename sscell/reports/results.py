"""Pages of a run, of an analysis of measured files, of a validation and of a design."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from sscell.cells.cell import Cell
from sscell.dataset import metadata
from sscell.papers.validation import Validation, format_row
from sscell.plots.validation import figures_of
from sscell.reports.origins import (
    NOT_GIVEN,
    cell_section,
    checklist,
    made_by,
    methods,
    pressure_text,
)
from sscell.reports.page import (
    Part,
    Section,
    code,
    download,
    items,
    page_path,
    picture,
    render,
    table,
    text,
)
from sscell.reports.values import told, value_parts
from sscell.tables import csv_text

__all__ = [
    "write_analysis_report",
    "write_design_report",
    "write_run_report",
    "write_validation_report",
]

_POINTS = 2000  # rows of a series that a page carries; a longer one is thinned


def write_run_report(
    data: xr.Dataset,
    path: str | Path,
    payload: Mapping[str, Any],
    figures: Mapping[str, Any],
    cell: str | Cell | None = None,
    command: str = "",
    protocol: str = "",
) -> Path:
    """Write a self-contained page of a run.

    Parameters
    ----------
    data : xarray.Dataset
        From `sscell.simulate`.
    path : str or pathlib.Path
        A ``.html`` file in a folder that exists.
    payload : mapping
        What the command's JSON holds, such as `sscell.summary` of the data.
    figures : mapping of str to matplotlib.figure.Figure
        By their captions; they are closed.
    cell : str or Cell, optional
        Its name, or the file that it was read from; default: the name in the data.
    command : str, optional
        What made it.
    protocol : str, optional
        Which protocol ran, in words.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    ParameterError
        If the path is not usable.
    """
    path = page_path(path)
    made = _as_run(cell or str(metadata(data, "cell")), data)
    celsius, megapascal = payload.get("temperature_C"), payload.get("pressure_MPa")
    conditions = {
        "Temperature": NOT_GIVEN if celsius is None else f"{celsius:.4g} degC",
        "Stack pressure": pressure_text(megapascal and 1e6 * megapascal),
        "Protocol": _protocol(data, protocol),
        "State at the start": str(metadata(data, "state") or "as the run before it ended"),
    }
    how = (
        f"Protocol: {conditions['Protocol']}, at {conditions['Temperature']}, stack pressure "
        f"{conditions['Stack pressure']}, from the state {conditions['State at the start']}."
    )
    known = ("cell", "temperature_C", "pressure_MPa", "warnings", "curve", "balances")
    numbers = {k: v for k, v in payload.items() if k not in known}
    balances = ", ".join(
        f"{k} to {v:.1e}" for k, v in (payload.get("balances") or {}).items()
    )
    sections = [
        Section("Figures", [picture(f, _file(c), c) for c, f in figures.items()]),
        Section("Numbers", [*value_parts(_flat(numbers)), download(_series(data))]),
        Section("What to keep in mind", [items(payload.get("warnings") or [])]),
        Section("Methods", [methods(made, how), checklist(made, conditions)]),
        cell_section(made, command),
    ]
    lead = f"{made.data.get('title', made.name)}: {conditions['Protocol']}"
    summary = f"Balances close: {balances}." if balances else ""
    return _write(path, f"Run of {made.name}", lead, summary, sections)


def write_analysis_report(
    sets: Sequence[xr.Dataset],
    path: str | Path,
    kind: str,
    payload: Mapping[str, Any],
    figure: Any = None,
    command: str = "",
) -> Path:
    """Write a self-contained page of what was found in measured files.

    Parameters
    ----------
    sets : sequence of xarray.Dataset
        From `sscell.read`.
    path : str or pathlib.Path
        A ``.html`` file in a folder that exists.
    kind : str
        Of the analysis, such as ``"gitt"``.
    payload : mapping
        What the command's JSON holds.
    figure : matplotlib.figure.Figure, optional
        Is closed.
    command : str, optional
        What made it.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    ParameterError
        If the path is not usable.
    """
    path = page_path(path)
    read = str(payload.get("recognised") or "")
    numbers = {k: v for k, v in payload.items() if k not in (*_READ, "warnings")}
    files: dict[str, str] = {}
    for number, data in enumerate(sets, start=1):
        own = _series(data)
        files |= {f"{number}_{n}" if len(sets) > 1 else n: t for n, t in own.items()}
    basis = payload.get("capacity_basis") or "a mass that is not given"
    how = (
        f"Measured data were read and analysed ({kind}) with sscell. Recognised: {read}. "
        f"Capacities are per gram of {basis}."
    )
    sections = [
        Section("Figure", [picture(figure, kind)] if figure is not None else []),
        Section("Numbers", [*value_parts(numbers), download(files)]),
        Section("What to keep in mind", [items(payload.get("warnings") or [])]),
        Section("Methods", [text(how, soft=False), _measured(sets, payload)]),
        Section("Made by", [code(command)] if command else []),
    ]
    return _write(path, f"Analysis: {kind}", read, "", sections)


def write_validation_report(
    results: Sequence[Validation], path: str | Path, command: str = ""
) -> Path:
    """Write a self-contained page of how cells stand beside their papers.

    Parameters
    ----------
    results : sequence of Validation
        From `sscell.validate`.
    path : str or pathlib.Path
        A ``.html`` file in a folder that exists.
    command : str, optional
        What made it.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    ParameterError
        If the path is not usable.
    """
    path = page_path(path)
    sections = []
    for result in results:
        cell = Cell.load(result.cell)
        name = f"{result.cell}: " if len(results) > 1 else ""
        heads = ("Observable", "Conditions", "Published", "Model", "Null", "Error", "Word")
        banded = ("90 % band", "Assumed", "Depends on") if result.drawn else ()
        rows = [
            (*format_row(row), row["word"], *result.format_band(row)) for row in result.rows
        ]
        against = [
            f"{row['id']}: {row['note'] or row['quantity']}"
            for row in result.rows
            if row["word"] == "contradicts"
        ]
        missing = [f"{key}: {why}" for key, why in result.left_out.items()]
        how = "Every row is what the paper published and what the model gives there."
        sections += [
            Section(
                f"{name}Rows",
                [
                    items(result.format_score()),
                    table(
                        (*heads, *banded),
                        rows,
                        (2, 3, 4, 5),
                        [not row["met"] for row in result.rows],
                    ),
                    download({f"{result.cell}_rows.csv": csv_text(result.rows)}),
                ],
            ),
            Section(f"{name}What contradicts the paper", [items(against)]),
            Section(f"{name}What the model cannot give", [items(missing)]),
            Section(f"{name}Conflicts in the data", [items(result.notes)]),
            Section(
                f"{name}Figures",
                [
                    picture(drawn, f"{result.cell}_{key}", key.replace("_", " "), "48rem")
                    for key, drawn in figures_of(result).items()
                ],
            ),
            Section(
                f"{name}Methods", [methods(cell, how), checklist(cell, _of_rows(result))]
            ),
            cell_section(cell, ""),
        ]
    lead = "; ".join(f"{r.cell}: {r.format_score()[0]}" for r in results)
    title = f"Validation of {', '.join(r.cell for r in results)}"
    return _write(path, title, lead, "", [_command(command), *sections])


def write_design_report(
    cell: Cell, path: str | Path, payload: Mapping[str, Any], figure: Any, command: str = ""
) -> Path:
    """Write a self-contained page of a stack over its thicknesses.

    Parameters
    ----------
    cell : Cell
        The cell whose layers are stacked.
    path : str or pathlib.Path
        A ``.html`` file in a folder that exists.
    payload : mapping
        From `sscell.design`, with what every JSON says.
    figure : matplotlib.figure.Figure
        Is closed.
    command : str, optional
        What made it.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    ParameterError
        If the path is not usable.
    """
    path = page_path(path)
    conditions = {
        "Temperature": f"{payload['temperature_C']:.4g} degC",
        "Stack pressure": pressure_text(cell.values.get("Applied stack pressure [Pa]")),
        "Basis of the energy": "mass and volume of the whole stack, casing included",
        "Thicknesses": "each row of the table has its own",
    }
    how = (
        f"Discharges at {conditions['Temperature']} of cells of each thickness; the energy is "
        "theirs over mass and volume of the stack."
    )
    best = [
        f"{row['rate']}: {row['energy_Wh_kg']:.4g} Wh/kg, {row['energy_Wh_L']:.4g} Wh/L at "
        f"{row['thickness_um']:.4g} um, limited by {row['limited_by']}"
        for row in payload["best"]
    ]
    known = ("cell", "temperature_C", "warnings", "assumed", "best")
    numbers = {k: v for k, v in payload.items() if k not in known}
    sections = [
        Section("Best points", [items(best), picture(figure, "design")]),
        Section(
            "Numbers",
            [*value_parts(numbers), download({"design.csv": csv_text(payload["rows"])})],
        ),
        Section("What to keep in mind", [items(payload["warnings"])]),
        Section("Methods", [methods(cell, how), checklist(cell, conditions)]),
        cell_section(cell, command),
    ]
    lead = "; ".join(best) or "No point of the design could be computed."
    return _write(path, f"Design of {cell.name}", lead, "", sections)


_READ = ("cell", "recognised")


def _write(
    path: Path, title: str, lead: str, summary: str, sections: Sequence[Section]
) -> Path:
    page = render(
        sections=[s for s in sections if any(_says(p) for p in s.parts)],
        title=title,
        lead=lead,
        mood="",
        summary=summary,
        made_by=made_by(),
    )
    path.write_text(page, encoding="utf-8")
    return path


def _says(part: Part) -> bool:
    return part["kind"] != "list" or bool(part["items"])


def _command(command: str) -> Section:
    return Section("Command", [code(command)] if command else [])


def _as_run(cell: str | Cell, data: xr.Dataset) -> Cell:
    """The cell with the values that the run had."""
    loaded = cell if isinstance(cell, Cell) else Cell.load(cell)
    ran = metadata(data, "parameters") or {}
    other = {
        name: value
        for name, value in ran.items()
        if name in loaded.values and not np.isclose(loaded.values[name], value, atol=0)
    }
    return loaded.replace(other) if other else loaded


def _protocol(data: xr.Dataset, source: str = "") -> str:
    said = dict(metadata(data, "protocol") or {})
    name = str(said.pop("name", "of its own"))
    more = ", ".join(f"{k.replace('_', ' ')} {told(v)}" for k, v in said.items() if told(v))
    words = f"{name} ({more})" if more else name
    return (
        f"{words}; {source.rpartition(', from the state')[0] or source}"
        if source
        else words
    )


def _flat(payload: Mapping[str, Any]) -> dict[str, Any]:
    """With the losses of each half cycle as a table of their own."""
    found = dict(payload)
    steps = [s for s in found.get("steps", []) if s.get("voltage_budget_V")]
    if steps:
        found["mean_of_each_part_V"] = [
            {"cycle": s.get("cycle"), "direction": s["direction"], **s["voltage_budget_V"]}
            for s in steps
        ]
    return found


def _file(caption: str) -> str:
    return "_".join(caption.lower().split()[:4]).strip(".,:")


def _series(data: xr.Dataset) -> dict[str, str]:
    """Series and spectra as CSV by the name of a file."""
    found = {}
    for dim, name in (("time", "series.csv"), ("frequency", "spectra.csv")):
        columns = [n for n in data.data_vars if dim in data[n].dims]
        if not columns:
            continue
        frame = data[columns].to_dataframe().reset_index()
        if len(frame) > _POINTS:
            at = np.unique(np.linspace(0, len(frame) - 1, _POINTS).round().astype(int))
            frame = frame.iloc[at]
        found[name] = frame.to_csv(index=False, float_format="%.7g")
    return found


def _measured(sets: Sequence[xr.Dataset], payload: Mapping[str, Any]) -> Part:
    """The checklist of measured data: what the files or the person said."""

    def said(key: str, unit: str) -> str:
        values = list(dict.fromkeys(metadata(one, key) for one in sets))
        known = [f"{v:.4g} {unit}" for v in values if v is not None]
        return ", ".join(known) or NOT_GIVEN

    mass, area = (metadata(sets[0], k) for k in ("capacity_basis_mass_g", "area_cm2"))
    loading = f"{1e3 * mass / area:.4g} mg/cm2" if mass and area else NOT_GIVEN
    celsius = payload.get("temperature_C")
    rows = [
        ("Temperature", NOT_GIVEN if celsius is None else f"{celsius:.4g} degC", "-T"),
        ("Stack pressure", said("pressure_MPa", "MPa"), "--pressure"),
        ("Mass that capacities refer to", said("capacity_basis_mass_g", "g"), "--mass"),
        ("Electrode area", said("area_cm2", "cm2"), "--area"),
        ("Loading", loading, "--mass over --area"),
        ("N/P", NOT_GIVEN, "no file says it"),
        ("Basis of capacities", payload.get("capacity_basis") or NOT_GIVEN, "--mass"),
        (
            "Reference of the voltage",
            payload.get("voltage_reference") or NOT_GIVEN,
            "no file says it",
        ),
    ]
    return table(
        ("To be reported", "Here", "Where it comes from"),
        rows,
        loose=[here == NOT_GIVEN for _, here, _ in rows],
    )


def _of_rows(result: Validation) -> dict[str, str]:
    pressures = {metadata(run, "pressure_MPa") for run in result.runs.values()}
    celsius = {
        round(float(run["Temperature [degC]"].values[0]), 1)
        for run in result.runs.values()
        if "Temperature [degC]" in run and run["Temperature [degC]"].size
    }
    return {
        "Temperature": ", ".join(f"{c:g}" for c in sorted(celsius)) + " degC"
        if celsius
        else NOT_GIVEN,
        "Stack pressure": ", ".join(f"{p:g} MPa" for p in sorted(pressures - {None}))
        or NOT_GIVEN,
        "Protocol": "those of the rows",
    }
