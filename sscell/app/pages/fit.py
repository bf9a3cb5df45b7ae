"""Fit: parameters from measured curves, by hand and by least squares."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from sscell.app.bench import Bench
from sscell.app.jobs import Job
from sscell.app.pages.frame import Figure, JobView, Scripts, complain, later, table
from sscell.app.pages.vary import VaryTable
from sscell.app.recipes import Fit
from sscell.app.session import FitState, Session
from sscell.errors import DataError

__all__ = ["content"]


def content(bench: Bench, session: Session) -> None:
    """Fill the page.

    Parameters
    ----------
    bench : Bench
        Where fits are computed.
    session : Session
        Whose page it is.
    """
    _Page(bench, session)


class _Page:
    def __init__(self, bench: Bench, session: Session):
        self._bench, self._session = bench, session
        self._asked = 0
        ui.html("<h1>Fit</h1>", sanitize=False)
        ui.label(
            "Tick the parameters that may vary, say between which bounds, move them by hand, "
            "then fit. The data are those of the page Data; what is held out there is only "
            "predicted."
        ).classes("lead")
        self._data = ui.label().classes("note")
        with ui.element("div").classes("split wide-left"):
            with ui.element("div").classes("stack"):
                self._vary = VaryTable(bench, session, self._follow, sliders=True)
                with ui.element("div").classes("sc-row"):
                    ui.button("Fit", on_click=self._start)
                    self._misfit = ui.label().classes("note")
                self._history = ui.element("div").classes("stack")
            with ui.element("div").classes("stack"):
                JobView(
                    lambda: session.jobs.get("fit"),
                    bench.runs.cancel,
                    self._show_live,
                    self._show_end,
                    word="Stop",
                )
                self._figures = ui.element("div").classes("stack")
                self._shown: list[Figure] = []
                self._numbers = ui.element("div").classes("stack")
        self._scripts = Scripts()
        self._say_data()
        self._show_scripts()
        self._show_state()
        later(self._load)

    # What is asked ---------------------------------------------------------------------

    def _fit(self) -> Fit:
        session = self._session
        fitted, held = session.files("fit"), session.files("hold out")
        celsius = {
            e.measured.file: e.temperature for e in (*fitted, *held) if e.temperature
        }
        return Fit(
            session.cell,
            tuple(e.measured for e in fitted),
            self._vary.bounds,
            tuple(e.measured for e in held),
            celsius,
        )

    def _paths(self) -> dict[str, str]:
        return {name: str(self._session.own_file(name)) for name in self._session.data}

    def _say_data(self) -> None:
        fitted = [e.measured.file for e in self._session.files("fit")]
        held = [e.measured.file for e in self._session.files("hold out")]
        words = f"Fitted: {', '.join(fitted) or 'no file yet, see the page Data'}."
        self._data.set_text(words + (f" Held out: {', '.join(held)}." if held else ""))

    def _show_scripts(self) -> None:
        asked = self._fit()
        self._scripts.show(asked.command(), asked.python())

    async def _load(self) -> None:
        await self._vary.load()
        if not self._session.states:
            self._show_history()

    # By hand ---------------------------------------------------------------------------

    def _follow(self) -> None:
        """The curve follows what is set by hand."""
        self._show_scripts()
        asked = self._fit()
        job = self._session.jobs.get("fit")
        if not asked.data or not asked.vary or (job is not None and not job.is_over):
            return
        self._asked += 1
        number, values = self._asked, self._vary.values

        async def look() -> None:
            import asyncio

            await asyncio.sleep(0.25)
            if number != self._asked:
                return
            self._misfit.set_text("the curve follows ...")
            try:
                told = await self._bench.ask(
                    "fits.preview",
                    asked=asked,
                    cell=self._session.path(asked.cell),
                    paths=self._paths(),
                    values=values,
                )
            except DataError as error:
                self._misfit.set_text(str(error))
                return
            if number == self._asked:
                self._misfit.set_text(f"misfit {told['misfit']:.3g} times the noise")
                self._draw(told["figures"])

        later(look)

    # Fit -------------------------------------------------------------------------------

    def _start(self) -> None:
        asked, session = self._fit(), self._session
        if not asked.data:
            complain("Drop a file on the page Data first.")
            return
        if not asked.vary:
            complain("Tick at least one parameter.")
            return
        job = session.jobs.get("fit")
        if job is not None and not job.is_over:
            complain("A fit is running: stop it first.")
            return
        self._asked += 1  # no preview comes after it
        if not session.states:
            session.states.append(FitState("start", session.cell))
        number = 1 + sum(bool(s.result) for s in session.states)
        stem = session.new_name(f"fit_{number}.toml").removesuffix(".toml")
        arguments = {
            "asked": asked,
            "cell": session.path(asked.cell),
            "paths": self._paths(),
            "stem": str(session.folder / stem),
        }

        def keep(job: Job) -> None:
            if isinstance(job.result, dict):
                session.keep_state(_state(stem, job.result, asked))

        self._bench.start(
            session,
            "fit",
            Job("fits.fit", arguments, f"Fit of {asked.cell}", on_end=keep),
        )

    def _show_live(self, job: Job) -> None:
        figures = job.told.get("figures")
        if figures:
            self._draw(figures)

    def _show_end(self, job: Job) -> None:
        if isinstance(job.result, dict):
            self._misfit.set_text("")
            self._show_state()
            self._vary.take(self._session)
            self._show_scripts()

    # History ---------------------------------------------------------------------------

    def _show_state(self) -> None:
        states = self._session.states
        self._show_history()
        self._numbers.clear()
        if not states or not states[-1].result:
            self._draw(states[-1].figures if states else [])
            return
        state = states[-1]
        self._draw(state.figures)
        with self._numbers:
            _show_numbers(state)

    def _show_history(self) -> None:
        self._history.clear()
        states = self._session.states
        if not states:
            return
        with self._history:
            ui.html("<h2>History</h2>", sanitize=False)
            rows = [(s.title, s.cell, s.misfit) for s in states]
            table(("State", "Cell", "Misfit"), rows)
            if len(states) > 1:
                ui.button("Back one state", on_click=self._back).props("outline")

    def _back(self) -> None:
        self._session.go_back()
        self._show_state()
        self._vary.take(self._session)
        self._show_scripts()

    def _draw(self, figures: list[dict[str, Any]]) -> None:
        if len(self._shown) != len(figures):
            self._figures.clear()
            with self._figures:
                self._shown = [Figure(small=len(figures) > 1) for _ in figures]
        for room, figure in zip(self._shown, figures, strict=True):
            room.show(figure)


def _state(stem: str, result: dict[str, Any], asked: Fit) -> FitState:
    return FitState(
        stem.replace("_", " "),
        f"{stem}.toml",
        result["result"],
        result["figures"],
        f"{stem}.html",
        asked.command(stem),
        asked.python(stem),
        {k: result[k] for k in ("intervals", "correlation")},
    )


def _show_numbers(state: FitState) -> None:
    result = state.result
    rows = [
        (
            p["name"],
            p["value"],
            f"± {p['std_error']:.2g}",
            "{:.4g} to {:.4g}".format(*p["interval_95"]),
            p["started_from"],
            "pinned" if p["pinned"] else "not pinned by the data",
        )
        for p in result["parameters"]
    ]
    ui.html("<h2>What was found</h2>", sanitize=False)
    ui.label(
        f"{result['ended'].capitalize()} after {result['solves']} solves of the model."
    )
    table(("Parameter", "Value", "Std. error", "95 % interval", "Before", ""), rows)
    for sentence in (*result["identifiability"], *result["warnings"]):
        ui.label(sentence).classes("warning" if sentence in result["warnings"] else "")
    if result["held_out"]:
        ui.html("<h2>Not fitted, only predicted</h2>", sanitize=False)
        held = [(h["name"], *_rms(h)) for h in result["held_out"]]
        table(("File", "Root mean square", ""), held)
    pictures = [state.pictures.get(k) for k in ("intervals", "correlation")]
    if any(pictures):
        ui.html("<h2>How sure</h2>", sanitize=False)
        for picture in pictures:
            if picture:
                Figure(small=True).show(picture)


def _rms(entry: dict[str, Any]) -> tuple[float, str]:
    for key, value in entry.items():
        if key.startswith("rms_"):
            unit = key.removeprefix("rms_")
            return value, {"percent": "%", "uA": "µA"}.get(unit, unit)
    return float("nan"), ""
