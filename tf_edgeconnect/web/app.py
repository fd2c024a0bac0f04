"""The HTTP rules of `edit` and `serve`: limits, headers, errors.

An error is JSON, `{"error": a sentence}`. The traceback of an internal error goes to
the terminal. Requests are not logged.
"""

import asyncio
import ipaddress
import socket
import traceback
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tf_edgeconnect.errors import InputError, ServingError

MAX_BYTES = 64 * 2**20  # of a request's body
BODY_SECONDS = 300.0  # to receive a body: 64 MB at 2 Mbit/s
HEADERS = {
    "Cache-Control": "no-store",
    "Connection": "close",  # `serve.py` limits the time of a connection, not a request
    # A page loads nothing from other hosts and sends nothing to them.
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Application:
    """An ASGI application that applies the rules to Starlette routes.

    Endpoints are plain functions, which run in threads; `request.state.body` is the
    body. They report errors by `InputError` or `HTTPException`.

    Args:
        routes: of Starlette.
        host: the server listens on it; requests may call the server by it.
        files: answers for all other paths.
    """

    def __init__(
        self, routes: Sequence[BaseRoute], host: str, files: ASGIApp | None = None
    ) -> None:
        self._router, self._host = Router(routes, default=files), host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, as ASGI defines it."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        headers = Headers(scope=scope)
        try:
            _refuse_other_sites(scope["method"], headers, self._host)
            body = await _read(headers, receive)
            if body is not None:
                scope["state"] = {"body": body}
                scope["app"] = self  # else the router answers 404 itself
                await self._router(scope, receive, send_with_headers)
        except Exception as error:
            await _error(error)(scope, receive, send_with_headers)


def _error(error: Exception) -> JSONResponse:
    headers = None
    if isinstance(error, HTTPException):
        status, message, headers = error.status_code, error.detail, error.headers
    elif isinstance(error, InputError):
        status, message = 400, error.message
    elif isinstance(error, ServingError):
        status, message = 502, f"the model's server answered {error}"
    else:
        traceback.print_exception(error)
        status, message = 500, "internal error; see the server's terminal"
    return JSONResponse({"error": message}, status, headers)


async def _read(headers: Headers, receive: Receive) -> bytes | None:
    """Reads a body; None if the client disconnects."""
    announced = headers.get("content-length", "")
    size = int(announced) if announced.isdecimal() else 0
    body = bytearray()
    more = True
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while more and max(size, len(body)) <= MAX_BYTES:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                body += message.get("body", b"")
                more = message.get("more_body", False)
    except TimeoutError:
        raise HTTPException(
            408, f"the request was not complete after {BODY_SECONDS:g} seconds"
        ) from None
    if max(size, len(body)) > MAX_BYTES:
        raise HTTPException(413, f"a request may have up to {MAX_BYTES // 2**20} MB")
    return bytes(body)


def _refuse_other_sites(method: str, headers: Headers, own: str) -> None:
    # Another site's page may send forms here, or point its own host name here.
    host = headers.get("host", "")
    if not _is_local_name(host, own):
        raise HTTPException(
            421,
            f"this server is not called {host!r}: use localhost or an IP address, or "
            "start it with --host NAME",
        )
    origin = headers.get("origin")
    site = headers.get("sec-fetch-site", "none")
    foreign = origin not in (None, f"http://{host}", f"https://{host}")
    changes = method not in ("GET", "HEAD")
    if foreign or (changes and site not in ("none", "same-origin")):
        raise HTTPException(403, "requests from other sites are refused")


def _is_local_name(host: str, own: str) -> bool:
    machine = socket.gethostname().lower()
    try:
        name = urlsplit(f"//{host}").hostname or ""
        if name not in ("localhost", own.lower(), machine, f"{machine}.local"):
            ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
