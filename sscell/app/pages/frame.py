"""What stands around every page, and the pieces that pages share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nicegui import background_tasks, ui

from sscell.app.jobs import Job
from sscell.app.session import Session
from sscell.errors import DataError, ParameterError

__all__ = [
    "Figure",
    "JobView",
    "Scripts",
    "complain",
    "framed",
    "later",
    "number_text",
    "table",
]

_RESIZED = """
if (!window.tellsItsSize) {
  window.tellsItsSize = true;
  window.addEventListener("resize", () => emitEvent("window_resized"));
}
"""
_LOOK = Path(__file__).parents[1] / "workbench.css"


@contextmanager
def framed(session: Session, name: str) -> Iterator[None]:
    """The head of a page, and room for its content.

    Parameters
    ----------
    session : Session
        Whose.
    name : str
        Of the page.

    Yields
    ------
    None
    """
    from sscell.app.pages import PAGES

    ui.add_css(_LOOK)
    ui.page_title(f"{PAGES[name]} - sscell")
    ui.colors(primary="#0072B2")
    ui.button.default_props("no-caps")
    with ui.element("header").classes("bar"):
        ui.label("sscell").classes("name")
        with ui.element("nav").props('aria-label="Pages"'):
            for key, title in PAGES.items():
                link = ui.link(title, f"/s/{session.key}/{key}")
                if key == name:
                    link.props("aria-current=page")
        ui.label().classes("cell").bind_text_from(
            session, "cell", lambda cell: f"Cell: {cell}"
        )
    with ui.element("main"):
        yield


def later(work: Callable[[], Awaitable[Any]]) -> None:
    """Do something of the page that takes a while, as soon as the page is shown.

    Parameters
    ----------
    work : callable
        Gives an awaitable; what it refuses is said on the page.
    """
    slot = ui.context.slot

    async def run() -> None:
        with slot:
            try:
                await work()
            except (DataError, ParameterError) as error:
                complain(error)

    background_tasks.create(run())


def complain(error: object) -> None:
    """Say what was refused."""
    text = " ".join(str(error).split())
    ui.notify(text, type="negative", position="top", multi_line=True, timeout=8000,
              close_button="Close")  # fmt: skip


def number_text(value: Any, figures: int = 4) -> str:
    """A number for a table.

    Parameters
    ----------
    value : object
        A number, None or text.
    figures : int, optional
        How many are shown.

    Returns
    -------
    str
    """
    if value is None:
        return "–"
    return f"{value:.{figures}g}" if isinstance(value, float | int) else str(value)


def table(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A plain table; numbers stand right.

    Parameters
    ----------
    heads : sequence of str
        Of the columns.
    rows : sequence of sequence
        Numbers, text or None.
    """
    with ui.element("div").classes("wide"), ui.element("table").classes("plain"):
        with ui.element("thead"), ui.element("tr"):
            for head in heads:
                with ui.element("th").props("scope=col"):
                    ui.label(head)
        with ui.element("tbody"):
            for row in rows:
                with ui.element("tr"):
                    for value in row:
                        number = isinstance(value, float | int) or value is None
                        with ui.element("td").classes("n" if number else ""):
                            ui.label(number_text(value))


class Scripts:
    """The command and the Python lines that do what the page does."""

    def __init__(self) -> None:
        with ui.element("section").classes("scripts"):
            ui.html("<h2>The same without this page</h2>", sanitize=False)
            self._command = ui.code("", language="bash").classes("w-full")
            self._python = ui.code("", language="python").classes("w-full")

    def show(self, command: str, python: str) -> None:
        """Show other ones.

        Parameters
        ----------
        command : str
            As it is typed.
        python : str
            Lines.
        """
        self._command.set_content(command)
        self._python.set_content(python)


class Figure:
    """A figure that may be empty.

    Parameters
    ----------
    small : bool, optional
        Whether several stand beside each other.
    follows : bool, optional
        Whether it watches the room that it has. One in a panel that goes away must not: it
        would be asked for its new size when it is no longer there; it hears of the window.
    """

    def __init__(self, small: bool = False, follows: bool = True) -> None:
        self._room = ui.element("div").classes("w-full")
        self._follows = follows
        if not follows:
            ui.run_javascript(_RESIZED)
            ui.on("window_resized", self._fit_window, throttle=0.3)
        self._look = "figure" + (" small" if small else "")
        self._plot: ui.plotly | None = None

    def _fit_window(self) -> None:
        if self._plot is not None:
            self._plot.run_plot_method("relayout", {"autosize": True})

    def show(self, figure: Mapping[str, Any] | None) -> None:
        """Show another one, or none."""
        if not figure:
            # A hidden one would complain when the window changes its size.
            self._room.clear()
            self._plot = None
            return
        told = dict(figure)
        if not self._follows:
            told["config"] = {**told.get("config", {}), "responsive": False}
        if self._plot is None:
            with self._room:
                self._plot = ui.plotly(told).classes(self._look)
        else:
            self._plot.update_figure(told)


class JobView:
    """How far a run or a fit is, with a button that ends it.

    Parameters
    ----------
    find : callable
        Gives the job, or None.
    cancel : callable
        Ends a job.
    on_change : callable
        Called with the job a few times a second while it runs.
    on_end : callable
        Called with the job once it has ended.
    word : str, optional
        On the button.
    """

    def __init__(
        self,
        find: Callable[[], Job | None],
        cancel: Callable[[Job], None],
        on_change: Callable[[Job], Any],
        on_end: Callable[[Job], Any],
        word: str = "Cancel",
    ):
        self._find, self._cancel = find, cancel
        self._on_change, self._on_end = on_change, on_end
        self._seen: tuple[int, int, str] = (0, -1, "")
        with ui.element("div").classes("stack").props('role="status"') as self._box:
            self._title = ui.label().classes("note")
            self._bar = ui.linear_progress(0.0, show_value=False, size="8px")
            self._bar.props('aria-label="Progress" instant-feedback')
            with ui.element("div").classes("sc-row"):
                self._button = ui.button(word, on_click=self._end).props("outline")
                self._text = ui.label()
        self._box.visible = False
        self._note = ui.label()
        # Not at once: what is told stands further down the page.
        ui.timer(0.2, self._look)

    def _end(self) -> None:
        job = self._find()
        if job is not None:
            self._cancel(job)

    def _look(self) -> None:
        job = self._find()
        if job is None:
            self._box.visible = False
            return
        now = (job.number, job.events, job.state)
        busy = not job.is_over
        self._box.visible = busy
        if busy:
            words = "ending it, what was found is kept" if job.stopping else job.text
            self._title.set_text(f"{job.title}: {job.state}, {job.seconds:.0f} s")
            self._bar.set_value(round(job.share, 3))
            self._text.set_text(words)
        if now == self._seen:
            return
        before, self._seen = self._seen, now
        self._note.set_text(job.note)
        refused = job.state in ("refused", "failed", "lost")
        self._note.classes(replace="refusal" if refused else "note")
        if busy:
            self._on_change(job)
        elif before[:1] != now[:1] or before[2] != job.state:
            self._on_end(job)
