"""The pages of the workbench, a module each, and what stands around them."""

from __future__ import annotations

import importlib
from typing import Any

from sscell.app.bench import Bench
from sscell.app.session import Session

__all__ = ["PAGES", "register"]

# Address and title; each is a module here with a function `content(bench, session)`.
PAGES = {
    "cell": "Cell",
    "run": "Run",
    "data": "Data",
    "compare": "Compare",
    "fit": "Fit",
    "plan": "Plan",
    "download": "Download",
}


def register(bench: Bench) -> None:
    """Make the pages known to NiceGUI.

    Parameters
    ----------
    bench : Bench
        What they show.
    """
    from nicegui import ui
    from starlette.responses import RedirectResponse

    @ui.page("/")
    def start() -> Any:
        return RedirectResponse(f"/s/{bench.new_session().key}/cell")

    @ui.page("/s/{key}/{name}")
    def page(key: str, name: str) -> Any:
        session = bench.session(key) if Session.is_key(key) else None
        if session is None or name not in PAGES:
            return RedirectResponse("/" if session is None else f"/s/{key}/cell")
        from sscell.app.pages.frame import framed

        with framed(session, name):
            importlib.import_module(f"sscell.app.pages.{name}").content(bench, session)
        return None
