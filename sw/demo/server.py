"""What the demo's server takes: whole requests, in time, of its own page."""

import re

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["OwnPage", "server"]

PATIENCE = 10.0        # Seconds for a request to be there, head and body.
MAX_CONNECTIONS = 64
# By these names the page is asked for here, or through a tunnel, at whatever port.
HOSTS = re.compile(r"(127\.0\.0\.1|localhost)(:[0-9]{1,5})?", re.IGNORECASE)


class OwnPage:
    """Takes nothing that another site had a browser send.

    A site whose name was made to mean this computer gives its own name as the host; one that sends
    across sites gives its own as the origin.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self.app
        if scope["type"] == "http" and (said := refusal(Headers(scope=scope))):
            app = JSONResponse({"error": said}, 403)
        await app(scope, receive, send)


def refusal(headers: Headers) -> str:
    """Say what is wrong with a request's host and origin.

    >>> refusal(Headers({"host": "localhost:8000", "origin": "http://localhost:8000"}))
    ''
    >>> refusal(Headers({"host": "evil.example:8000"}))
    'The host must be 127.0.0.1 or localhost'
    """
    hosts, origins = headers.getlist("host"), headers.getlist("origin")
    if len(hosts) != 1 or not HOSTS.fullmatch(hosts[0]):
        return "The host must be 127.0.0.1 or localhost"
    if any(origin.lower() != f"http://{hosts[0].lower()}" for origin in origins):
        return "Only the page of this address may ask"
    return ""


class Impatient(H11Protocol):
    """One request a connection; it is cut off unless that is whole within :data:`PATIENCE`."""

    def connection_made(self, transport) -> None:  # type: ignore[no-untyped-def]
        super().connection_made(transport)
        self._deadline = self.loop.call_later(PATIENCE, self._late)

    def connection_lost(self, exc: Exception | None) -> None:
        self._deadline.cancel()
        super().connection_lost(exc)

    def _late(self) -> None:
        if self.cycle is None or self.cycle.more_body:
            self.transport.abort()


def server(app: ASGIApp) -> Server:
    """Make the server of an app."""
    return Server(Config(app, log_level="error", http=Impatient, ws="none", lifespan="off",
                         limit_concurrency=MAX_CONNECTIONS, headers=[("connection", "close")]))
