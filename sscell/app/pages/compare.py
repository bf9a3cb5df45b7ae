"""Compare: runs and measured files over each other."""

from __future__ import annotations

from nicegui import ui

from sscell.app.bench import Bench
from sscell.app.pages.frame import Figure, Scripts, later
from sscell.app.session import Session
from sscell.errors import DataError

__all__ = ["content"]

_VIEWS = {
    "Voltage": "voltage over capacity",
    "Time": "voltage over time",
    "dQ/dV": "differential capacity",
    "Impedance": "impedance",
    "Titration": "titration",
    "Losses": "losses of the voltage",
    "Phases": "phases",
}


def content(bench: Bench, session: Session) -> None:
    """Fill the page.

    Parameters
    ----------
    bench : Bench
        Draws figures.
    session : Session
        Whose page it is.
    """
    _Page(bench, session)


class _Page:
    def __init__(self, bench: Bench, session: Session):
        self._bench, self._session = bench, session
        form = session.forms.setdefault("compare", {})
        titles = [entry.title for entry in session.runs]
        # What is gone is not chosen any more.
        runs = [t for t in form.get("runs", titles[-1:]) if t in titles]
        files = [n for n in form.get("files", list(session.data)[-1:]) if n in session.data]
        form |= {"runs": runs, "files": files, "view": form.get("view", "Voltage")}
        self._form = form
        ui.html("<h1>Compare</h1>", sanitize=False)
        ui.label(
            "Runs and measured files over each other, half cycle by half cycle, by the same "
            "code: what holds for one holds for the other."
        ).classes("lead")
        with ui.element("div").classes("split"):
            with ui.element("div").classes("stack"):
                self._pick("Runs", titles, "runs")
                self._pick("Files", list(session.data), "files")
                ui.select(
                    _VIEWS, value=form["view"], label="Figure",
                    on_change=lambda e: self._change("view", e.value),
                ).props("outlined dense").classes("w-full")  # fmt: skip
            with ui.element("div").classes("stack"):
                self._said = ui.label()
                self._figure = Figure()
        self._scripts = Scripts()
        self._draw()

    def _pick(self, label: str, names: list[str], key: str) -> None:
        box = ui.select(
            names,
            value=self._form[key],
            label=label,
            multiple=True,
            on_change=lambda e: self._change(key, e.value),
        )
        box.props("outlined dense use-chips").classes("w-full")

    def _change(self, key: str, value: object) -> None:
        self._form[key] = value
        self._draw()

    def _draw(self) -> None:
        session, form = self._session, self._form
        entries = {e.title: e for e in session.runs if e.title in form["runs"]}
        measured = {n: session.data[n].measured for n in form["files"]}
        runs = {t: str(session.own_file(e.file)) for t, e in entries.items()}
        files = {n: (str(session.own_file(n)), m) for n, m in measured.items()}
        commands = [entry.run.command() for entry in entries.values()]
        if commands and measured:
            commands[0] += f" --compare {next(iter(measured))} --plot compare.png"
        if not commands:
            commands = [one.command() for one in measured.values()]
        lines = [entry.run.python() for entry in entries.values()] or ["import sscell"]
        lines += [one.python() for one in measured.values()]
        self._scripts.show("\n".join(commands), "\n".join(lines))

        async def draw() -> None:
            if not runs and not files:
                self._figure.show(None)
                self._said.set_text("Choose runs (page Run) or files (page Data).")
                return
            try:
                figure = await self._bench.ask(
                    "compare.overlay", runs=runs, files=files, view=form["view"]
                )
            except DataError as error:
                self._figure.show(None)
                self._said.set_text(str(error))
                return
            self._said.set_text("")
            self._figure.show(figure)

        later(draw)
