"""Serve the workbench on this machine."""

from __future__ import annotations

import contextlib
import ipaddress
import secrets
import socket
import threading
import webbrowser
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from sscell.app.security import MOST_BYTES, Guard, local_hosts
from sscell.errors import ParameterError

if TYPE_CHECKING:
    from sscell.app.bench import Bench

__all__ = ["address", "application", "serve"]

_LOCAL = "127.0.0.1"


def serve(
    host: str = _LOCAL, port: int | None = None, browser: bool = True, workers: int = 1
) -> None:
    """Serve until interrupted.

    Parameters
    ----------
    host : str, optional
        Where to listen. Beyond this machine, the address carries a token.
    port : int, optional
        Default: a free one.
    browser : bool, optional
        Whether to open one.
    workers : int, optional
        Processes for runs and fits.

    Raises
    ------
    ParameterError
        If the extra ``app`` is not installed, or nothing can listen there.
    """
    try:
        import nicegui  # noqa: F401
        import uvicorn
    except ImportError:
        raise ParameterError(
            "The workbench needs NiceGUI: pip install 'sscell[app]'."
        ) from None
    from sscell.app.bench import Bench

    listening = _bound(host, port)
    own = listening.getsockname()[1]
    token = None if _is_loopback(host) else secrets.token_urlsafe(16)
    url = address(host, own, token)
    bench = Bench(workers)
    hosts = local_hosts(own) if token is None else None

    def ready() -> None:
        print(f"sscell workbench: {url}\nCtrl-C ends it.", flush=True)
        if browser:
            threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()

    app = application(bench, ready)
    guarded = Guard(app, hosts, token, MOST_BYTES)
    # The browser's socket holds a page open: it does not keep the server from ending.
    config = uvicorn.Config(
        guarded, log_level="warning", timeout_graceful_shutdown=1, server_header=False
    )
    try:
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listening])
    finally:
        bench.close()


def application(bench: Bench, ready: Any = None) -> Any:
    """All pages as one ASGI application.

    Parameters
    ----------
    bench : Bench
        What they show.
    ready : callable, optional
        Called when requests are answered.

    Returns
    -------
    fastapi.FastAPI
    """
    from fastapi import FastAPI
    from nicegui import ui

    from sscell.app.pages import register

    @contextlib.asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        if ready is not None:
            ready()
        yield

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    register(bench)
    ui.run_with(
        app,
        title="sscell",
        favicon="🔋",
        language="en-US",
        show_welcome_message=False,
        reconnect_timeout=30.0,
        message_history_length=30,
    )
    return app


def address(host: str, port: int, token: str | None = None) -> str:
    """Where the workbench is.

    Parameters
    ----------
    host : str
        On which it listens.
    port : int
        And its port.
    token : str, optional
        That has to be in the address.

    Returns
    -------
    str

    Examples
    --------
    >>> address("127.0.0.1", 8080)
    'http://127.0.0.1:8080/'
    >>> address("::", 8080, "abc")
    'http://[::1]:8080/?token=abc'
    """
    named = {"0.0.0.0": _LOCAL, "::": "::1"}.get(host, host)
    named = f"[{named}]" if ":" in named else named
    return f"http://{named}:{port}/" + (f"?token={token}" if token else "")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _bound(host: str, port: int | None) -> socket.socket:
    if port is not None and not 0 < port < 65536:
        raise ParameterError(f"--port must be 1 to 65535, not {port}.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port or 0))
        listening.listen(128)
    except OSError as error:
        listening.close()
        where = f"{host}:{port}" if port else host
        reason = error.strerror or str(error)
        raise ParameterError(f"The workbench cannot listen on {where}: {reason}.") from None
    return listening
