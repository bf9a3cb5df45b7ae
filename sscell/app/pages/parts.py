"""The form that builds a cell from materials, masses and a diameter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nicegui import ui

from sscell.app.bench import Bench
from sscell.app.pages.frame import complain, later
from sscell.app.recipes import shell
from sscell.app.session import Session, safe_name
from sscell.errors import DataError

__all__ = ["PartsForm"]

# Name, label, start, hint.
_TEXTS = (
    ("name", "Name of the cell", "mycell", ""),
    ("cathode_mass", "Mass of the cathode composite", "12mg", "as weighed"),
    ("diameter", "Diameter", "10mm", ""),
    ("pressure", "Stack pressure in operation", "", "such as 50MPa; empty: none"),
    ("one_c", "Current at 1C", "", "such as 200mA/g; empty: the card's"),
    ("d50", "Median particle diameter", "", "such as 5um; empty: the card's"),
    ("cathode_thickness", "Cathode thickness", "", "as measured, such as 55um"),
    ("separator_thickness", "Separator thickness", "", "as measured"),
)
# Role, label, kind of material, start, amount, label of the amount.
_MATERIALS = (
    ("cathode", "Active material", "active", "NMC811", "70", "wt%"),
    ("catholyte", "Electrolyte in the cathode", "electrolyte", "Li6PS5Cl", "27", "wt%"),
    ("carbon", "Conductor", "conductor", "carbon-black", "3", "wt%"),
    ("separator", "Separator", "electrolyte", "Li6PS5Cl", "100mg", "mass or thickness"),
    ("anode", "Anode", "anode", "Li-In", "60mg", "mass; empty: an excess"),
)
_FLAGS = {
    "cathode_mass": "--cathode-mass",
    "diameter": "--diameter",
    "pressure": "--pressure",
    "one_c": "--one-c",
    "d50": "--d50",
    "cathode_thickness": "--cathode-thickness",
    "separator_thickness": "--separator-thickness",
}


class PartsForm:
    """Materials with amounts, and sizes that follow as they are typed.

    Parameters
    ----------
    bench : Bench
        Answers questions.
    session : Session
        Whose.
    take : callable
        Called with the name of the file of a cell that was built.
    """

    def __init__(self, bench: Bench, session: Session, take: Callable[[str], None]):
        self._bench, self._session, self._take = bench, session, take
        self._said: dict[str, str] = session.forms.setdefault("parts", {})
        self._selects: dict[str, tuple[ui.select, str]] = {}
        self._asked = 0
        with ui.element("div").classes("stack"):
            for role, label, kind, start, amount, unit in _MATERIALS:
                self._material(role, label, kind, start, amount, unit)
            with ui.element("div").classes("pair"):
                for name, label, start, hint in _TEXTS:
                    self._text(name, label, start, hint)
            self._sizes = ui.element("div").classes("stack")
            with ui.element("div").classes("sc-row"):
                ui.button("Build this cell", on_click=self._build)
        self._open_circuit()

    def _material(
        self, role: str, label: str, kind: str, start: str, amount: str, unit: str
    ) -> None:
        said = self._said
        said.setdefault(role, start)
        said.setdefault(f"{role}_amount", amount)
        with ui.element("div").classes("pair"):
            box = ui.select(
                [said[role]],
                value=said[role],
                label=label,
                with_input=True,
                on_change=lambda e: self._change(role, e.value),
            ).props("outlined dense")
            ui.input(
                f"{label}: {unit}",
                value=said[f"{role}_amount"],
                on_change=lambda e: self._change(f"{role}_amount", e.value),
            ).props("outlined dense")
        self._selects[role] = (box, kind)

    def _text(self, name: str, label: str, start: str, hint: str) -> None:
        self._said.setdefault(name, start)
        box = ui.input(
            label,
            value=self._said[name],
            placeholder=hint,
            on_change=lambda e: self._change(name, e.value),
        )
        box.props("outlined dense stack-label")

    def fill(self, materials: Mapping[str, Sequence[str]]) -> None:
        """Offer the materials of the package and of the session.

        Parameters
        ----------
        materials : mapping of str to sequence of str
            Names by kind.
        """
        for role, (box, kind) in self._selects.items():
            own = self._session.cards if kind == "active" else []
            box.set_options([*own, *materials[kind]], value=self._said[role])
        self._change("name", self._said["name"])

    def _change(self, name: str, value: Any) -> None:
        self._said[name] = (value or "").strip()
        self._asked += 1
        asked = self._asked

        async def follow() -> None:
            import asyncio

            await asyncio.sleep(0.3)  # until the typing stops
            if asked == self._asked:
                await self._follow()

        later(follow)

    async def _follow(self) -> None:
        from sscell.app.pages.cell import show_sizes

        told: dict[str, Any] = {}
        try:
            told = await self._bench.ask("cells.sized", parts=self._parts())
        except DataError as error:
            told["refused"] = str(error)
        self._sizes.clear()
        with self._sizes:
            if "refused" in told:
                ui.label(told["refused"]).classes("refusal")
                return
            show_sizes(told["sizes"])
            for remark in told["remarks"]:
                ui.label(remark).classes("warning")

    def _parts(self, path: bool = True) -> dict[str, Any]:
        """Arguments of `Parts`; files of the session by their paths, or by their names."""
        said = self._said

        def both(role: str) -> str:
            name = self._session.path(said[role]) if path else said[role]
            amount = said[f"{role}_amount"]
            return f"{name}:{amount}" if amount else name

        parts: dict[str, Any] = {role: both(role) for role, *_ in _MATERIALS}
        parts["separator"] = (parts["separator"],)
        parts |= {name: said[name] or None for name in _FLAGS}
        parts["name"] = self._stem
        return parts

    @property
    def _stem(self) -> str:
        return safe_name(self._said["name"] or "mycell", "mycell").removesuffix(".toml")

    def _command(self, file: str) -> str:
        words = ["sscell", "new", file]
        for name, value in self._parts(path=False).items():
            if name == "name" or not value:
                continue
            flag = _FLAGS.get(name, f"--{name}")
            words += [flag, value[0] if isinstance(value, tuple) else value]
        return shell(words)

    def _build(self) -> None:
        async def build() -> None:
            file = self._session.new_name(f"{self._stem}.toml")
            path = str(self._session.folder / file)
            await self._bench.ask("cells.made", parts=self._parts(), file=path)
            card = self._session.parts.get(self._said["cathode"])
            commands = [card["command"]] if card else []
            command = "\n".join([*commands, self._command(file)])
            self._session.parts[file] = {"command": command}
            self._take(file)
            ui.notify(f"{file} is now the cell of this session.", type="positive")

        later(build)

    # Open-circuit voltage ----------------------------------------------------------------

    def _open_circuit(self) -> None:
        with ui.expansion("Open-circuit voltage from a slow measurement").classes("w-full"):
            ui.label(
                "Makes a material of a slow cycle or a titration that was dropped on the page "
                "Data; it then stands among the active materials above."
            ).classes("note")
            files = list(self._session.data)
            self._source = ui.select(files, label="File", value=files[0] if files else None)
            self._source.props("outlined dense").classes("w-full")
            with ui.element("div").classes("pair"):
                self._mass = ui.input("Mass of the active material", placeholder="2mg")
                self._against = ui.input("Measured against", value="Li-In")
                self._like = ui.input("Other values as of", value="NMC811")
                self._card = ui.input("Name of the material", value="my_active")
                for box in (self._mass, self._against, self._like, self._card):
                    box.props("outlined dense stack-label")
            self._told = ui.label().style("white-space: pre-wrap")
            ui.button("Make the material", on_click=self._make_card).props("outline")

    def _make_card(self) -> None:
        session = self._session
        if not self._source.value or not self._mass.value:
            complain("Choose a file and say the mass of its active material.")
            return
        stem = safe_name(self._card.value or "my_active").removesuffix(".toml")
        file = session.new_name(f"{stem}.toml")
        words = ["ocv", self._source.value, "--mass", self._mass.value, "-o", file]
        if self._against.value:
            words += ["--against", self._against.value]
        if self._like.value:
            words += ["--like", self._like.value]
        sign = session.data[self._source.value].measured.current_sign
        if sign:
            words += ["--current-sign", sign]

        async def make() -> None:
            told = await self._bench.ask(
                "cells.card", words=words, folder=str(session.folder)
            )
            session.cards.append(file)
            session.parts[file] = {"command": shell(["sscell", *words])}
            self._told.set_text(told["text"] + "\n\n" + session.parts[file]["command"])
            box, _ = self._selects["cathode"]
            box.set_options([file, *box.options], value=file)

        later(make)
