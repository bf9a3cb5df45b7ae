"""The command that serves the workbench."""

from __future__ import annotations

from typing import Annotated

import typer

from sscell.errors import ParameterError

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to the application."""
    app.command("app")(app_command)


def app_command(
    port: Annotated[
        int | None, typer.Option(help="Where to listen; default: a free port.")
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open it in a browser.")
    ] = True,
    host: Annotated[
        str,
        typer.Option(
            help="Address to listen on; beyond this machine, the page asks for the token in "
            "the address that is printed."
        ),
    ] = "127.0.0.1",
    workers: Annotated[int, typer.Option(help="Processes for runs and fits.")] = 1,
) -> None:
    """Open the workbench in a browser: cells, runs, data and fits without typing commands."""
    if workers < 1:
        raise ParameterError(f"--workers must be at least 1, not {workers}.")
    from sscell.app.server import serve

    serve(host, port, browser, workers)
