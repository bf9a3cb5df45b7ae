"""Run: a protocol on a cell, with its live curve."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from sscell.app.bench import Bench
from sscell.app.jobs import Job
from sscell.app.pages.frame import Figure, JobView, Scripts, complain, later, table
from sscell.app.recipes import CONDITIONS, KINDS, FormField, Run
from sscell.app.session import RunEntry, Session
from sscell.errors import DataError, ParameterError

__all__ = ["content"]

_LIVE = 1500  # points of a curve that is still growing


def content(bench: Bench, session: Session) -> None:
    """Fill the page.

    Parameters
    ----------
    bench : Bench
        Where runs are computed.
    session : Session
        Whose page it is.
    """
    _Page(bench, session)


class _Page:
    def __init__(self, bench: Bench, session: Session):
        self._bench, self._session = bench, session
        self._form = session.forms.setdefault(
            "run", {"kind": "cycle", "options": {}, "conditions": {}}
        )
        ui.html("<h1>Run</h1>", sanitize=False)
        ui.label(
            "What the laboratory does, on the cell of this session: cycles, titrations, "
            "rate tests, voltammetry, impedance."
        ).classes("lead")
        with ui.element("div").classes("split"):
            with ui.element("div").classes("stack"):
                self._build_form()
            with ui.element("div").classes("stack"):
                self._build_results()
        self._scripts = Scripts()
        self._show_scripts()
        later(self._load_cells)

    # Form ----------------------------------------------------------------------------

    def _build_form(self) -> None:
        cell = self._session.cell
        self._cell = ui.select([cell], value=cell, label="Cell", with_input=True,
                               on_change=self._choose_cell)  # fmt: skip
        self._cell.classes("w-full").props("outlined dense")
        kinds = {key: kind.title for key, kind in KINDS.items()}
        kind = ui.select(
            kinds, value=self._form["kind"], label="Protocol", on_change=self._choose_kind
        )
        kind.classes("w-full").props("outlined dense")
        self._fields = ui.element("div").classes("stack")
        self._build_fields()
        for field in CONDITIONS:
            self._input(field, self._form["conditions"])
        with ui.element("div").classes("sc-row"):
            ui.button("Start", on_click=self._start)
            self._queue = ui.label().classes("note")
        ui.timer(0.5, self._show_queue)

    async def _load_cells(self) -> None:
        listed = await self._bench.listed()
        names = [*self._session.own_cells, *listed["cells"]]
        self._cell.set_options(names, value=self._session.cell)

    def _choose_cell(self, event: Any) -> None:
        if event.value:
            self._session.cell = event.value
            self._show_scripts()

    def _choose_kind(self, event: Any) -> None:
        self._form["kind"] = event.value
        self._build_fields()
        self._show_scripts()

    def _build_fields(self) -> None:
        kind = self._form["kind"]
        values = self._form["options"].setdefault(kind, {})
        self._fields.clear()
        with self._fields:
            for field in KINDS[kind].fields:
                values.setdefault(field.name, field.default)
                self._input(field, values)

    def _input(self, field: FormField, values: dict[str, str]) -> None:
        def change(event: Any) -> None:
            values[field.name] = event.value or ""
            self._show_scripts()

        value = values.get(field.name, field.default)
        if field.choices:
            options = {c: c or "as it is" for c in field.choices}
            box = ui.select(options, value=value, label=field.label, on_change=change)
        else:
            box = ui.input(
                field.label, value=value, placeholder=field.hint, on_change=change
            )
        box.classes("w-full").props("outlined dense stack-label")

    def _asked(self) -> Run:
        kind = self._form["kind"]
        return Run(
            self._session.cell,
            kind,
            dict(self._form["options"].get(kind, {})),
            dict(self._form["conditions"]),
        )

    def _show_scripts(self) -> None:
        if not hasattr(self, "_scripts"):
            return
        run = self._asked()
        try:
            self._scripts.show(run.command(), run.python())
        except ParameterError as error:
            self._scripts.show(str(error), "")

    # Work ----------------------------------------------------------------------------

    def _start(self) -> None:
        run = self._asked()
        try:
            run.protocol_arguments()
        except ParameterError as error:
            complain(error)
            return
        session = self._session
        name = session.new_name(f"run_{len(session.runs) + 1}.nc")
        arguments = {
            "run": run,
            "cell": session.path(run.cell),
            "file": str(session.folder / name),
        }

        def keep(job: Job) -> None:
            if isinstance(job.result, dict):
                session.keep_run(run, job.result)

        self._bench.start(
            session, "run", Job("runs.simulate", arguments, run.title, on_end=keep)
        )

    def _show_queue(self) -> None:
        job = self._session.jobs.get("run")
        place = 0 if job is None else self._bench.runs.place(job)
        self._queue.set_text(f"{place} in the queue" if place else "")

    # Results -------------------------------------------------------------------------

    def _build_results(self) -> None:
        self._view = ""
        JobView(
            lambda: self._session.jobs.get("run"),
            self._bench.runs.cancel,
            self._show_live,
            lambda job: self._list_runs(),
        )
        self._live = Figure()
        self._choice = ui.select({}, label="Run", on_change=self._choose_run)
        self._choice.classes("w-full").props("outlined dense")
        self._choice.visible = False
        self._views = ui.toggle([], on_change=self._choose_view).props("no-caps dense")
        self._figure = Figure()
        self._numbers = ui.element("div").classes("stack")
        self._list_runs()

    def _show_live(self, job: Job) -> None:
        columns = job.curve.columns
        if "Voltage [V]" not in columns:
            return
        time, voltage = columns["Time [s]"], columns["Voltage [V]"]
        every = max(1, len(time) // _LIVE)
        self._live.show(
            {
                "data": [
                    {
                        "type": "scatter",
                        "mode": "lines",
                        "x": [t / 3600 for t in time[::every]],
                        "y": voltage[::every],
                        "line": {"color": "#0072B2", "width": 2},
                    }
                ],
                "layout": {
                    "xaxis": {"title": {"text": "Time [h]"}, "automargin": True},
                    "yaxis": {"title": {"text": "Voltage [V]"}, "automargin": True},
                    "margin": {"l": 60, "r": 15, "t": 10, "b": 45},
                    "uirevision": job.number,
                },
                "config": {"displaylogo": False, "responsive": True},
            }
        )

    def _list_runs(self) -> None:
        self._live.show(None)
        runs = self._session.runs
        self._choice.visible = bool(runs)
        if runs:
            titles = {k: entry.title for k, entry in reversed(list(enumerate(runs)))}
            self._choice.set_options(titles)
            newest = len(runs) - 1
            if self._choice.value == newest:
                self._show_run(newest)
            self._choice.set_value(newest)

    def _choose_run(self, event: Any) -> None:
        if event.value is not None:
            self._show_run(event.value)

    def _show_run(self, number: int) -> None:
        entry = self._session.runs[number]
        self._views.set_options(entry.views)
        view = self._view if self._view in entry.views else entry.views[0]
        self._numbers.clear()
        with self._numbers:
            _show_numbers(entry)
        if self._views.value == view:
            self._draw(view)
        self._views.set_value(view)

    def _choose_view(self, event: Any) -> None:
        if event.value:
            self._view = event.value
            self._draw(event.value)

    def _draw(self, view: str) -> None:
        number = self._choice.value
        if number is None:
            return
        entry = self._session.runs[number]

        async def draw() -> None:
            try:
                figure = await self._bench.ask(
                    "runs.figures", file=str(self._session.own_file(entry.file)), view=view
                )
            except DataError as error:
                self._figure.show(None)
                complain(error)
                return
            self._figure.show(figure)

        later(draw)


def _show_numbers(entry: RunEntry) -> None:
    summary = entry.summary
    if entry.note:
        ui.label(entry.note).classes("warning")
    basis = summary.get("capacity_basis")
    heads = (
        "Cycle",
        "Half cycle",
        f"Capacity [mAh/g{f' {basis}' if basis else ''}]",
        "Energy [Wh/kg]",
        "Mean voltage [V]",
        "Ended by",
    )
    rows = [
        (
            step["cycle"],
            step["direction"] + (" (preparatory)" if step["preparatory"] else ""),
            step["capacity_mAh_g"],
            step["energy_Wh_kg"],
            step["mean_voltage_V"],
            step["stop_reason"] or "",
        )
        for step in summary["steps"][:60]
    ]
    if rows:
        table(heads, rows)
    for warning in summary.get("warnings", []):
        ui.label(warning).classes("warning")
