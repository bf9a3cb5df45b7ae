"""What the server refuses before any page hears of it."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

__all__ = ["COOKIE", "MOST_BYTES", "Guard", "local_hosts"]

COOKIE = "sscell_token"
MOST_BYTES = 64_000_000  # of one upload
# The browser itself asks nobody else either.
_HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; "
        b"frame-ancestors 'none'; form-action 'self'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


def local_hosts(port: int) -> frozenset[str]:
    """What a browser on this machine may call the server.

    Parameters
    ----------
    port : int
        On which it listens.

    Returns
    -------
    frozenset of str

    Examples
    --------
    >>> "localhost:8080" in local_hosts(8080)
    True
    """
    return frozenset(f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]"))


class _TooLarge(Exception):
    """More came in than is allowed."""


class Guard:
    """Refuses foreign pages, foreign names, strangers and bodies beyond a limit.

    A page of another site may send requests to this machine: its ``Origin`` tells. A name of
    another site may be made to lead here: its ``Host`` tells.

    Parameters
    ----------
    app : callable
        ASGI application behind it.
    hosts : collection of str, optional
        Allowed values of ``Host``, such as ``"127.0.0.1:8080"``; None: any, where the token
        keeps strangers out.
    token : str, optional
        Has to be in the first address, ``?token=...``; a cookie carries it from there.
    most_bytes : int, optional
        Of the body of a request.
    """

    def __init__(
        self,
        app: Any,
        hosts: Iterable[str] | None = None,
        token: str | None = None,
        most_bytes: int = MOST_BYTES,
    ):
        self.app, self._token, self._most = app, token, most_bytes
        self._hosts = None if hosts is None else frozenset(hosts)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        heads = {
            k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]
        }
        if refusal := self._foreign(heads):
            await _refuse(scope, send, 403, refusal)
            return
        if self._token is not None and not self._is_known(heads):
            await self._ask_token(scope, send)
            return
        length = heads.get("content-length", "0")
        if not length.isdigit() or int(length) > self._most:
            await _refuse(scope, send, 413, self._large)
            return
        await self._pass(scope, receive, send)

    @property
    def _large(self) -> str:
        return f"Larger than the {self._most / 1e6:g} MB that are allowed."

    def _foreign(self, heads: dict[str, str]) -> str:
        host = heads.get("host", "").lower()
        if self._hosts is not None and host not in self._hosts:
            return "This workbench answers to this machine only."
        origin = heads.get("origin")
        if origin is not None and urlsplit(origin.lower()).netloc != host:
            return "Requests of another site are refused."
        return ""

    def _is_known(self, heads: dict[str, str]) -> bool:
        cookie = SimpleCookie(heads.get("cookie", "")).get(COOKIE)
        return cookie is not None and self._fits(cookie.value)

    def _fits(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), (self._token or "").encode())

    async def _ask_token(self, scope: Any, send: Any) -> None:
        query = parse_qsl(scope.get("query_string", b"").decode("latin-1"))
        given = dict(query).get("token", "")
        if scope["type"] != "http" or not self._fits(given):
            await _refuse(
                scope, send, 403, "The address lacks the token of this workbench."
            )
            return
        rest = urlencode([pair for pair in query if pair[0] != "token"])
        path = "/" + scope["path"].lstrip("/")
        cookie = f"{COOKIE}={self._token}; Path=/; HttpOnly; SameSite=Strict"
        to = path + (f"?{rest}" if rest else "")
        heads = [
            (b"location", to.encode("latin-1", "replace")),
            (b"set-cookie", cookie.encode()),
        ]
        await send({"type": "http.response.start", "status": 303, "headers": heads})
        await send({"type": "http.response.body", "body": b""})

    async def _pass(self, scope: Any, receive: Any, send: Any) -> None:
        """Count what comes in, whatever its head says."""
        taken, begun = 0, False

        async def counted() -> Any:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if scope["type"] == "http" and taken > self._most:
                raise _TooLarge
            return message

        async def headed(message: Any) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                message = {**message, "headers": [*message.get("headers", []), *_HEADERS]}
            await send(message)

        try:
            await self.app(scope, counted, headed)
        except _TooLarge:
            if not begun:
                await _refuse(scope, send, 413, self._large)


async def _refuse(scope: Any, send: Any, status: int, sentence: str) -> None:
    if scope["type"] == "websocket":  # the server makes a 403 of it
        await send({"type": "websocket.close", "code": 1008, "reason": sentence})
        return
    heads = [(b"content-type", b"text/plain; charset=utf-8"), *_HEADERS[1:]]
    await send({"type": "http.response.start", "status": status, "headers": heads})
    await send({"type": "http.response.body", "body": sentence.encode()})
