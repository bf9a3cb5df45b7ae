"""Cell: choose a published one, look into it, or build one from its parts."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from sscell.app.bench import Bench
from sscell.app.pages.frame import Scripts, complain, later, number_text, table
from sscell.app.pages.masses import MassesForm
from sscell.app.pages.parts import PartsForm
from sscell.app.recipes import shell
from sscell.app.security import MOST_BYTES
from sscell.app.session import Session, safe_name
from sscell.errors import DataError

__all__ = ["content"]

_SIZES = {
    "area_cm2": "Area [cm²]",
    "cathode_thickness_um": "Cathode thickness [µm]",
    "separator_thickness_um": "Separator thickness [µm]",
    "active_mg_cm2": "Active material [mg/cm²]",
    "areal_capacity_mAh_cm2": "Areal capacity [mAh/cm²]",
    "one_c_mA": "Current at 1C [mA]",
    "n_p": "N/P",
}


def content(bench: Bench, session: Session) -> None:
    """Fill the page.

    Parameters
    ----------
    bench : Bench
        Answers questions about cells.
    session : Session
        Whose page it is.
    """
    _Page(bench, session)


class _Page:
    def __init__(self, bench: Bench, session: Session):
        self._bench, self._session = bench, session
        ui.html("<h1>Cell</h1>", sanitize=False)
        ui.label(
            "A published cell, or your own from its parts. Every value says whether it was "
            "stated, derived, taken from the literature, fitted or assumed, and where from."
        ).classes("lead")
        with ui.element("div").classes("split"):
            with ui.element("div").classes("stack"):
                self._build_choice()
            with ui.element("div").classes("stack"):
                with ui.tabs().props("align=left no-caps dense") as tabs:
                    shown = ui.tab("This cell")
                    own = ui.tab("Build your own")
                    other = ui.tab("Other masses")
                with ui.tab_panels(tabs, value=shown, animated=False).classes("w-full"):
                    with ui.tab_panel(shown).classes("p-0"):
                        self._about = ui.element("div").classes("stack")
                    with ui.tab_panel(own).classes("p-0"):
                        self._parts = PartsForm(bench, session, self._take)
                    with ui.tab_panel(other).classes("p-0"):
                        MassesForm(bench, session, self._take)
        self._scripts = Scripts()
        self._show_scripts()
        later(self._load)

    def _build_choice(self) -> None:
        cell = self._session.cell
        self._choice = ui.select([cell], value=cell, label="Cell", with_input=True,
                                 on_change=self._choose)  # fmt: skip
        self._choice.classes("w-full").props("outlined dense")
        self._title = ui.label().classes("note")
        self._sizes = ui.element("div").classes("stack")
        upload = ui.upload(
            label="Open a cell (.toml) or a project (.zip)",
            auto_upload=True,
            max_file_size=MOST_BYTES - 10_000,
            on_upload=self._open,
        )
        upload.props('accept=".toml,.zip" flat bordered').classes("w-full")

    async def _load(self) -> None:
        listed = await self._bench.listed()
        self._choice.set_options(
            [*self._session.own_cells, *listed["cells"]], value=self._session.cell
        )
        self._parts.fill(listed["materials"])
        await self._show()

    def _choose(self, event: Any) -> None:
        if event.value and event.value != self._session.cell:
            self._session.cell = event.value
            self._show_scripts()
            later(self._show)

    def _take(self, name: str) -> None:
        """A cell was built: it is the one that is shown."""
        self._session.add_cell(name)
        self._choice.set_options([name, *self._choice.options], value=name)
        self._show_scripts()
        later(self._show)

    async def _open(self, event: Any) -> None:
        name, content = event.file.name, await event.file.read()
        session = self._session
        try:
            if name.lower().endswith(".zip"):
                session.restore(content)
                ui.navigate.reload()
                return
            own = session.new_name(safe_name(name, "cell.toml"))
            if not own.endswith(".toml"):
                raise DataError(f"'{name}' is no TOML file of a cell.")
            (session.folder / own).write_bytes(content)
            await self._bench.ask("cells.shown", cell=str(session.folder / own))
        except DataError as error:
            complain(error)
            return
        self._take(own)

    def _show_scripts(self) -> None:
        cell = self._session.cell
        built = self._session.parts.get(cell)
        command = shell(["sscell", "show", cell])
        if built:
            command = built["command"] + "\n" + command
        self._scripts.show(
            command,
            f"import sscell\n\ncell = sscell.load({cell!r})\nprint(cell.describe())",
        )

    async def _show(self) -> None:
        about = await self._bench.ask(
            "cells.shown", cell=self._session.path(self._session.cell)
        )
        self._title.set_text(about["title"])
        self._sizes.clear()
        with self._sizes:
            show_sizes(about["sizes"])
        self._about.clear()
        with self._about:
            _explain(about)


def show_sizes(sizes: dict[str, Any]) -> None:
    """The sizes of a cell as a table.

    Parameters
    ----------
    sizes : dict
        As of `sscell.cells.cell.Cell.sizes`.
    """
    rows = [(_SIZES.get(k, k), v) for k, v in sizes.items() if v is not None]
    table(("", ""), rows)


def _explain(about: dict[str, Any]) -> None:
    for remark in about["remarks"]:
        ui.label(remark).classes("warning")
    if about["assumed"]:
        ui.label(
            "Assumed, and it matters most: "
            + "; ".join(name.partition(" [")[0] for name in about["assumed"])
        ).classes("warning")
    low, high = about["window"]
    ui.label(
        f"Between {low:g} and {high:g} V vs {about['reference']}, {about['first_step']} first, "
        f"slow rate {about['slow_rate']}, {about['temperature_C']:g} °C. Capacities are per "
        f"gram of {about['basis']}."
    )
    citation = about["citation"]
    if citation.get("doi"):
        said = f"{citation.get('title', '')} ({citation.get('year', '')})"
        ui.label(f"{said}, doi:{citation['doi']}").classes("note")
    rows = [
        {
            "name": p["name"],
            "value": number_text(p["value"], 5),
            "kind": p["kind"],
            "spread": _spread(p),
            "source": p["source"] + (f"; {p['formula']}" if p.get("formula") else ""),
        }
        for p in about["parameters"]
    ]
    columns = [
        {"name": key, "label": label, "field": key, "align": align, "sortable": key != "spread",
         "style": "white-space: normal"}
        for key, label, align in (
            ("name", "Parameter", "left"),
            ("value", "Value", "right"),
            ("kind", "Kind", "left"),
            ("spread", "± or range", "left"),
            ("source", "Source", "left"),
        )
    ]  # fmt: skip
    seek = ui.input("Find a parameter, kind or source").props("dense outlined clearable")
    seek.classes("w-full")
    grid = ui.table(rows=rows, columns=columns, row_key="name", pagination=12)
    grid.props("flat dense wrap-cells").classes("w-full")
    grid.bind_filter_from(seek, "value")


def _spread(parameter: dict[str, Any]) -> str:
    if parameter.get("std_error") is not None:
        return f"± {parameter['std_error']:.2g}"
    if parameter.get("range"):
        return " to ".join(f"{v:.3g}" for v in parameter["range"])
    return ""
