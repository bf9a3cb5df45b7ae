"""Data: drop files, see what they were recognised as, choose what counts."""

from __future__ import annotations

from functools import partial
from typing import Any

from nicegui import ui

from sscell.app.bench import Bench
from sscell.app.pages.frame import Figure, Scripts, complain, later, table
from sscell.app.security import MOST_BYTES
from sscell.app.session import DataFile, Session
from sscell.errors import DataError

__all__ = ["content"]

_ENDINGS = "text, spreadsheets, Neware, BioLogic, BDF and exports of the common instruments"
# Name, label, hint; all as `sscell.read` and `sscell.select` take them.
_READING = (
    ("mass", "Mass of the capacity basis", "such as 2mg"),
    ("columns", "Which column is what", "voltage=U2,current=I:uA"),
)
_CHOOSING = (
    ("cycles", "Cycles", "such as 4-7 or 1,3-5; empty: all"),
    ("window", "Voltages", "such as 3.3V,4.3V; empty: all"),
    ("drop", "Left out", "cycles, or points of a spectrum"),
)
_USES = {"fit": "fit it", "hold out": "hold it out: only predicted", "show": "only show it"}


def content(bench: Bench, session: Session) -> None:
    """Fill the page.

    Parameters
    ----------
    bench : Bench
        Reads files.
    session : Session
        Whose page it is.
    """
    _Page(bench, session)


class _Page:
    def __init__(self, bench: Bench, session: Session):
        self._bench, self._session = bench, session
        self._chosen: str | None = next(iter(session.data), None)
        ui.html("<h1>Data</h1>", sanitize=False)
        ui.label(
            f"Drop measured files: {_ENDINGS}. Each says what it was recognised as, and is "
            "compared with its own capacities and step names."
        ).classes("lead")
        with ui.element("div").classes("split"):
            with ui.element("div").classes("stack"):
                upload = ui.upload(
                    label=f"Drop files here, up to {MOST_BYTES / 1e6:g} MB each",
                    multiple=True,
                    auto_upload=True,
                    max_file_size=MOST_BYTES - 10_000,
                    on_upload=self._take,
                    on_rejected=lambda: complain(
                        f"A file is larger than {MOST_BYTES / 1e6:g} MB: leave out rows or "
                        "columns that are not needed, or analyse it by the command line."
                    ),
                )
                upload.props("flat bordered").classes("w-full")
                self._files = ui.element("div").classes("stack")
                self._form = ui.element("div").classes("stack")
            with ui.element("div").classes("stack"):
                self._recognised = ui.element("div").classes("stack")
                self._figure = Figure()
                self._table = ui.element("div").classes("stack")
        self._scripts = Scripts()
        self._list()
        self._open()

    async def _take(self, event: Any) -> None:
        entry = self._session.add_data(event.file.name, await event.file.read())
        self._chosen = entry.measured.file
        self._list()
        self._open()

    def _list(self) -> None:
        self._files.clear()
        with self._files:
            for name in self._session.data:
                with ui.element("div").classes("sc-row"):
                    button = ui.button(name, on_click=partial(self._choose, name))
                    button.props("flat no-caps align=left" if name != self._chosen
                                 else "unelevated no-caps align=left")  # fmt: skip
                    drop = ui.button(icon="close", on_click=partial(self._forget, name))
                    drop.props(f'flat round dense aria-label="Take {name} out"')

    def _choose(self, name: str) -> None:
        self._chosen = name
        self._list()
        self._open()

    def _forget(self, name: str) -> None:
        self._session.remove_data(name)
        if self._chosen == name:
            self._chosen = next(iter(self._session.data), None)
        self._list()
        self._open()

    @property
    def _entry(self) -> DataFile | None:
        return self._session.data.get(self._chosen or "")

    def _open(self) -> None:
        """Show the file that is chosen, with the form of what is taken of it."""
        self._form.clear()
        entry = self._entry
        if entry is None:
            self._figure.show(None)
            self._recognised.clear()
            self._table.clear()
            self._scripts.show("sscell analyse FILE --kind cycles", "sscell.read('FILE')")
            return
        with self._form:
            self._fields(entry)
        self._read(entry)

    def _fields(self, entry: DataFile) -> None:
        for name, label, hint in (*_READING, *_CHOOSING):
            box = ui.input(
                label,
                value=getattr(entry.measured, name),
                placeholder=hint,
                on_change=lambda e, n=name: self._change(entry, n, e.value),
            )
            box.props("outlined dense stack-label debounce=500").classes("w-full")
        for name, label, values in (
            ("half", "Half cycles", {"": "both", "discharge": "discharge", "charge": "charge"}),
            ("current_sign", "A positive current",
             {"": "as the file tells", "charge": "charges", "discharge": "discharges"}),
        ):  # fmt: skip
            ui.select(
                values,
                value=getattr(entry.measured, name),
                label=label,
                on_change=lambda e, n=name: self._change(entry, n, e.value),
            ).props("outlined dense").classes("w-full")
        ui.input(
            "Temperature [°C]",
            value=entry.temperature,
            placeholder="empty: the file's own",
            on_change=lambda e: setattr(entry, "temperature", (e.value or "").strip()),
        ).props("outlined dense stack-label").classes("w-full")
        ui.select(
            _USES,
            value=entry.use,
            label="In a fit",
            on_change=lambda e: setattr(entry, "use", e.value),
        ).props("outlined dense").classes("w-full")

    def _change(self, entry: DataFile, name: str, value: str | None) -> None:
        self._session.choose(entry.measured.file, **{name: (value or "").strip()})
        self._read(entry)

    def _read(self, entry: DataFile) -> None:
        asked = entry.measured

        async def read() -> None:
            self._recognised.clear()
            with self._recognised:
                ui.label(f"{asked.file} is being read ...").classes("note")
            path = str(self._session.own_file(asked.file))
            try:
                facts = await self._bench.ask("data.facts", path=path, measured=asked)
            except DataError as error:
                facts = {"refused": str(error)}
            if entry.measured == asked and self._chosen == asked.file:
                entry.facts = {
                    k: v for k, v in facts.items() if k not in ("figure", "halves")
                }
                self._show(facts)

        later(read)
        kind = "eis" if entry.facts.get("kind") == "impedance" else "cycles"
        self._scripts.show(asked.command(kind), "import sscell\n\n" + asked.python())

    def _show(self, facts: dict[str, Any]) -> None:
        self._recognised.clear()
        self._table.clear()
        with self._recognised:
            if "refused" in facts:
                ui.label(facts["refused"]).classes("refusal")
                self._figure.show(None)
                return
            ui.label(f"Recognised: {facts['recognised']}")
            for sentence in facts["warnings"]:
                ui.label(sentence).classes("warning")
        self._figure.show(facts["figure"])
        rows = [
            (h["cycle"], h["direction"], h["capacity"], h["mean"]) for h in facts["halves"]
        ]
        if rows:
            unit = "mAh/g" if facts.get("specific") else "mAh/g: say the mass"
            with self._table:
                table(
                    ("Cycle", "Half cycle", f"Capacity [{unit}]", "Mean voltage [V]"), rows
                )
