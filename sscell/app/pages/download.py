"""Download: everything of this session, to keep and to pass on."""

from __future__ import annotations

import json

from nicegui import ui

from sscell.app.bench import Bench
from sscell.app.pages.frame import Scripts, complain, later
from sscell.app.recipes import notebook
from sscell.app.session import Session
from sscell.errors import DataError

__all__ = ["content"]


def content(bench: Bench, session: Session) -> None:
    """Fill the page.

    Parameters
    ----------
    bench : Bench
        Converts data.
    session : Session
        Whose page it is.
    """
    ui.html("<h1>Download</h1>", sanitize=False)
    ui.label(
        "Nothing leaves this machine by itself, and nothing is kept when the workbench is "
        "closed: take with you what you need. A project opens again on the page Cell."
    ).classes("lead")
    with ui.element("div").classes("stack"):
        with ui.element("div").classes("sc-row"):
            _button("Project, all of it (.zip)", session.project, "project.zip")
            _button("Notebook (.ipynb)", lambda: _notebook(session), "sscell.ipynb")
        _cells(session)
        _runs(bench, session)
        _reports(session)
    scripts = Scripts()
    scripts.show("\n".join(_commands(session)), "\n\n".join(_lines(session)))


def _button(text: str, content: object, name: str) -> None:
    def send() -> None:
        try:
            body = content() if callable(content) else content
        except (OSError, DataError) as error:
            complain(error)
            return
        ui.download.content(body, name)  # pyright: ignore[reportArgumentType]

    ui.button(text, on_click=send).props("outline no-caps")


def _cells(session: Session) -> None:
    if not session.own_cells:
        return
    ui.html("<h2>Cells</h2>", sanitize=False)
    with ui.element("div").classes("sc-row"):
        for name in session.own_cells:
            _button(name, session.own_file(name).read_bytes, name)


def _runs(bench: Bench, session: Session) -> None:
    if not session.runs:
        return
    ui.html("<h2>Runs</h2>", sanitize=False)
    for entry in session.runs:
        with ui.element("div").classes("sc-row"):
            ui.label(entry.title)
            path = session.own_file(entry.file)
            _button(".nc", path.read_bytes, entry.file)
            stem = entry.file.removesuffix(".nc")
            _converted(bench, session, entry.file, f"{stem}.csv")
            if "Impedance" not in entry.views:
                _converted(bench, session, entry.file, f"{stem}.bdf.csv")


def _converted(bench: Bench, session: Session, file: str, wanted: str) -> None:
    def send() -> None:
        async def convert() -> None:
            body = await bench.ask(
                "data.converted", file=str(session.own_file(file)), wanted=wanted
            )
            ui.download.content(body, wanted)

        later(convert)

    ui.button("." + wanted.partition(".")[2], on_click=send).props("outline no-caps")


def _reports(session: Session) -> None:
    reports = [state for state in session.states if state.report]
    if not reports:
        return
    ui.html("<h2>Fits</h2>", sanitize=False)
    for state in reports:
        with ui.element("div").classes("sc-row"):
            ui.label(state.title)
            _button(state.report, session.own_file(state.report).read_bytes, state.report)
            _button(state.cell, session.own_file(state.cell).read_bytes, state.cell)


def _commands(session: Session) -> list[str]:
    built = [parts["command"] for parts in session.parts.values()]
    runs = [entry.run.command() for entry in session.runs]
    fits = [state.command for state in session.states if state.command]
    return [*built, *runs, *fits] or [f"sscell show {session.cell}"]


def _lines(session: Session) -> list[str]:
    runs = [entry.run.python() for entry in session.runs]
    fits = [state.python for state in session.states if state.python]
    own = f"import sscell\n\ncell = sscell.load({session.cell!r})\nprint(cell.describe())"
    return [*runs, *fits] or [own]


def _notebook(session: Session) -> bytes:
    return json.dumps(notebook(_lines(session)), indent=1).encode()
