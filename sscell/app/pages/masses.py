"""The form that makes a cell of one's own from one that is there: other masses and sizes."""

from __future__ import annotations

from collections.abc import Callable

from nicegui import ui

from sscell.app.bench import Bench
from sscell.app.pages.frame import later
from sscell.app.recipes import shell
from sscell.app.session import Session, safe_name

__all__ = ["MassesForm"]

# Name as in `sscell.cells.builder.Build`, label, hint.
_FIELDS = (
    ("cathode_mass", "Mass of the cathode composite", "as weighed, such as 2mg"),
    ("diameter", "Diameter", "such as 12.7mm"),
    ("anode_mass", "Mass of the anode", "such as 15mg"),
    ("separator_mass", "Mass of the separator", "such as 100mg"),
    ("pressure", "Stack pressure", "such as 50MPa: adds a contact model"),
)


class MassesForm:
    """Masses and sizes that differ from those of the cell of the session.

    Parameters
    ----------
    bench : Bench
        Answers questions.
    session : Session
        Whose.
    take : callable
        Called with the name of the file of a cell that was made.
    """

    def __init__(self, bench: Bench, session: Session, take: Callable[[str], None]):
        self._bench, self._session, self._take = bench, session, take
        self._said: dict[str, str] = session.forms.setdefault("masses", {"name": "mine"})
        with ui.element("div").classes("stack"):
            ui.label(
                "The same materials with what you weighed and measured. What was stated of or "
                "fitted to the paper's own cell is then only assumed, with a range."
            ).classes("note")
            for name, label, hint in (("name", "Name of the cell", ""), *_FIELDS):
                ui.input(
                    label,
                    value=self._said.get(name, ""),
                    placeholder=hint,
                    on_change=lambda e, n=name: self._said.update(
                        {n: (e.value or "").strip()}
                    ),
                ).props("outlined dense stack-label").classes("w-full")
            with ui.element("div").classes("sc-row"):
                ui.button("Make this cell", on_click=self._make)

    def _make(self) -> None:
        session = self._session
        stem = safe_name(self._said.get("name") or "mine", "mine").removesuffix(".toml")
        file = session.new_name(f"{stem}.toml")
        given = {n: self._said[n] for n, *_ in _FIELDS if self._said.get(n)}
        base = session.cell
        words = ["sscell", "new", file, "--from", base]
        for name, text in given.items():
            words += [f"--{name.replace('_', '-')}", text]

        async def make() -> None:
            await self._bench.ask(
                "cells.weighed",
                base=session.path(base),
                name=stem,
                given=given,
                file=str(session.folder / file),
            )
            session.parts[file] = {"command": shell(words)}
            self._take(file)
            ui.notify(f"{file} is now the cell of this session.", type="positive")

        later(make)
