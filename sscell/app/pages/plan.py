"""Plan: which test would tell most, and maps of a design."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from sscell.app.bench import Bench
from sscell.app.jobs import Job
from sscell.app.pages.frame import Figure, JobView, Scripts, complain, later, table
from sscell.app.pages.vary import VaryTable
from sscell.app.recipes import AXES, DESIGN, Design, Sweep, shell
from sscell.app.session import Session
from sscell.errors import ParameterError

__all__ = ["content"]


def content(bench: Bench, session: Session) -> None:
    """Fill the page.

    Parameters
    ----------
    bench : Bench
        Where tests are simulated.
    session : Session
        Whose page it is.
    """
    ui.html("<h1>Plan</h1>", sanitize=False)
    ui.label(
        "What to measure next: tests ranked by what they would tell of the parameters that are "
        "ticked, per hour of the cycler. And maps: one protocol over temperature, pressure, "
        "rate or any parameter, and the energy of a stack over the thickness of its layers."
    ).classes("lead")
    with ui.tabs().props("align=left no-caps dense") as tabs:
        first = ui.tab("What to measure next")
        second = ui.tab("Map")
        third = ui.tab("Energy of a stack")
    form = session.forms.setdefault("plan", {"tab": "What to measure next"})
    tabs.on_value_change(lambda e: form.update(tab=e.value))
    with ui.tab_panels(tabs, value=form["tab"], animated=False).classes("w-full"):
        with ui.tab_panel(first).classes("p-0"):
            _Tests(bench, session)
        with ui.tab_panel(second).classes("p-0"):
            _Map(bench, session)
        with ui.tab_panel(third).classes("p-0"):
            _Energies(bench, session)


class _Tests:
    """Tests by bits per hour."""

    def __init__(self, bench: Bench, session: Session):
        self._bench, self._session = bench, session
        self._form = session.forms.setdefault("tests", {"noise": "2mV"})
        with ui.element("div").classes("split wide-left"):
            with ui.element("div").classes("stack"):
                self._vary = VaryTable(bench, session, self._show_scripts, sliders=False)
                noise = ui.input("Noise of the voltage", value=self._form["noise"],
                                 on_change=self._set_noise)  # fmt: skip
                noise.props("outlined dense")
                ui.button("Rank the tests", on_click=self._start)
            with ui.element("div").classes("stack"):
                JobView(
                    lambda: session.jobs.get("tests"),
                    bench.runs.cancel,
                    lambda job: None,
                    self._show,
                )
                self._figure = Figure(follows=False)
                self._table = ui.element("div").classes("stack")
        self._scripts = Scripts()
        self._show_scripts()
        later(self._load)

    async def _load(self) -> None:
        await self._vary.load()
        self._show_scripts()

    def _set_noise(self, event: Any) -> None:
        self._form["noise"] = event.value or "2mV"
        self._show_scripts()

    def _show_scripts(self) -> None:
        cell, bounds = self._session.cell, self._vary.bounds
        words = ["sscell", "plan", cell]
        for name, (low, high) in bounds.items():
            words += ["--vary", f"{name}={low:g}:{high:g}"]
        command = shell([*words, "--noise", self._form["noise"]])
        pairs = [
            f"    {name!r}: ({low:g}, {high:g})," for name, (low, high) in bounds.items()
        ]
        lines = [
            "import sscell",
            "from sscell.fitting import plan",
            "from sscell.units import parse_quantity",
            "",
            *("vary = {", *pairs, "}"),
            f"noise = parse_quantity({self._form['noise']!r}, 'V', 'noise')",
            f"for test in plan({cell!r}, vary, noise=noise):",
            "    print(test.test.name, test.bits_per_hour)",
        ]
        self._scripts.show(command, "\n".join(lines))

    def _start(self) -> None:
        if not self._vary.bounds:
            complain("Tick at least one parameter.")
            return
        arguments = {
            "cell": self._session.path(self._session.cell),
            "vary": self._vary.bounds,
            "noise": self._form["noise"],
        }
        self._bench.start(self._session, "tests", Job("fits.plan", arguments, "Plan"))

    def _show(self, job: Job) -> None:
        self._table.clear()
        if not isinstance(job.result, dict):
            self._figure.show(None)
            return
        self._figure.show(job.result["figure"])
        rows = [
            (t["test"], t["hours"], t["bits"], t["bits_per_hour"]) for t in job.result["tests"]
            if not t["failed"]
        ]  # fmt: skip
        with self._table:
            table(("Test", "Hours", "Bits", "Bits per hour"), rows)
            for test in job.result["tests"]:
                if test["failed"]:
                    ui.label(f"{test['test']}: {test['failed']}").classes("note")


class _Figures:
    """Figures of several quantities, of which one is chosen."""

    def __init__(self) -> None:
        self._figures: dict[str, Any] = {}
        self._choice = ui.select([], label="Quantity", on_change=self._draw)
        self._choice.props("outlined dense").classes("w-full")
        self._choice.visible = False
        self._figure = Figure(follows=False)

    def show(self, figures: dict[str, Any]) -> None:
        """Show the first of other figures; none where there are none."""
        self._figures = figures
        self._choice.visible = bool(figures)
        if not figures:
            self._figure.show(None)
            return
        names = list(figures)
        self._choice.set_options(names)
        self._figure.show(figures[names[0]])
        self._choice.set_value(names[0])

    def _draw(self, event: Any) -> None:
        if event.value in self._figures:
            self._figure.show(self._figures[event.value])


class _Map:
    """One protocol over a grid."""

    def __init__(self, bench: Bench, session: Session):
        self._bench, self._session = bench, session
        self._form = session.forms.setdefault(
            "map",
            {"x": "rate", "x_values": AXES["rate"].default, "y": "temperature",
             "y_values": AXES["temperature"].default, "mode": "discharge"},
        )  # fmt: skip
        self._axes: list[ui.select] = []
        with ui.element("div").classes("split"):
            with ui.element("div").classes("stack"):
                self._axis("x", "Across")
                self._axis("y", "Upwards")
                modes = ["discharge", "charge", "cycle"]
                ui.select(
                    modes,
                    value=self._form["mode"],
                    label="Protocol",
                    on_change=lambda e: self._change("mode", e.value),
                ).props("outlined dense").classes("w-full")
                ui.button("Draw the map", on_click=self._start)
            with ui.element("div").classes("stack"):
                JobView(
                    lambda: session.jobs.get("map"),
                    bench.runs.cancel,
                    lambda job: None,
                    self._show,
                )
                self._figures = _Figures()
                self._notes = ui.element("div").classes("stack")
        self._scripts = Scripts()
        self._show_scripts()
        later(self._load)

    def _axis(self, key: str, label: str) -> None:
        names = {name: field.label for name, field in AXES.items()}
        own = self._form[key]
        box = ui.select(
            names | {own: names.get(own, own)},
            value=own,
            label=label,
            with_input=True,
            on_change=lambda e: self._change(key, e.value),
        )
        box.props("outlined dense").classes("w-full")
        self._axes.append(box)
        values = ui.input(
            f"{label}: values",
            value=self._form[f"{key}_values"],
            on_change=lambda e: self._change(f"{key}_values", e.value),
        )
        values.props("outlined dense").classes("w-full")

    async def _load(self) -> None:
        session = self._session
        about = await self._bench.ask("cells.shown", cell=session.path(session.cell))
        names = {name: field.label for name, field in AXES.items()}
        names |= {p["name"]: p["name"] for p in about["parameters"]}
        for key, box in zip(("x", "y"), self._axes, strict=True):
            value = self._form[key] if self._form[key] in names else "rate"
            box.set_options(names, value=value)

    def _change(self, key: str, value: object) -> None:
        if value is not None:
            self._form[key] = value
            self._show_scripts()

    def _asked(self) -> Sweep:
        form = self._form
        axes = {form[k]: str(form[f"{k}_values"]).strip() for k in ("x", "y")}
        return Sweep(self._session.cell, axes, form["mode"])

    def _show_scripts(self) -> None:
        asked = self._asked()
        try:
            self._scripts.show(asked.command(), asked.python())
        except ParameterError as error:
            self._scripts.show(str(error), "")

    def _start(self) -> None:
        asked, session = self._asked(), self._session
        try:
            asked.values()
        except ParameterError as error:
            complain(error)
            return
        arguments = {
            "asked": asked,
            "cell": session.path(asked.cell),
            "store": str(session.folder / "map_points.jsonl"),
        }
        self._bench.start(
            session, "map", Job("maps.sweep", arguments, f"Map of {asked.cell}")
        )

    def _show(self, job: Job) -> None:
        self._notes.clear()
        if not isinstance(job.result, dict):
            self._figures.show({})
            return
        self._figures.show(job.result["figures"])
        with self._notes:
            for reason in job.result["failures"][:5]:
                ui.label(f"A point failed: {reason}").classes("warning")


class _Energies:
    """Wh/kg and Wh/L over the thickness of the layers."""

    def __init__(self, bench: Bench, session: Session):
        self._bench, self._session = bench, session
        start = {field.name: field.default for field in DESIGN}
        self._form = session.forms.setdefault("design", start)
        with ui.element("div").classes("split"):
            with ui.element("div").classes("stack"):
                for field in DESIGN:
                    box = ui.input(
                        field.label,
                        value=self._form[field.name],
                        placeholder=field.hint,
                        on_change=lambda e, n=field.name: self._change(n, e.value),
                    )
                    box.props("outlined dense stack-label").classes("w-full")
                ui.button("Compute the energies", on_click=self._start)
            with ui.element("div").classes("stack"):
                JobView(
                    lambda: session.jobs.get("design"),
                    bench.runs.cancel,
                    lambda job: None,
                    self._show,
                )
                self._figures = _Figures()
                self._table = ui.element("div").classes("stack")
        self._scripts = Scripts()
        self._show_scripts()

    def _change(self, name: str, value: str | None) -> None:
        self._form[name] = value or ""
        self._show_scripts()

    def _show_scripts(self) -> None:
        asked = Design(self._session.cell, self._form)
        self._scripts.show(asked.command(), asked.python())

    def _start(self) -> None:
        session = self._session
        asked = Design(session.cell, dict(self._form))
        arguments = {"asked": asked, "cell": session.path(asked.cell)}
        job = Job("maps.design", arguments, f"Energies of {asked.cell}")
        self._bench.start(session, "design", job)

    def _show(self, job: Job) -> None:
        self._table.clear()
        if not isinstance(job.result, dict):
            self._figures.show({})
            return
        self._figures.show(job.result["figures"])
        rows = [
            (r["rate"], r["thickness_um"], r["separator_thickness_um"], r["energy_Wh_kg"],
             r["energy_Wh_L"], r["limited_by"])
            for r in job.result["best"]
        ]  # fmt: skip
        heads = (
            "Rate",
            "Best cathode [µm]",
            "Separator [µm]",
            "Wh/kg",
            "Wh/L",
            "Limited by",
        )
        with self._table:
            table(heads, rows)
            for sentence in job.result["assumed"]:
                ui.label(f"Stack: {sentence}.").classes("note")
            failures = sorted({r["failure"] for r in job.result["rows"]} - {""})
            for reason in failures[:3]:
                ui.label(f"A point failed: {reason}").classes("warning")
