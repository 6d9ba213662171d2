"""A small web application: pages from a cache, and a limit of requests for each user.

Rule 1: the application is the same for all sides; a side supplies ``get``, ``set`` and ``count``.
Rule 2: it is called as a web server would call it, in the same process (ASGI), by tasks. No web server takes part.
Rule 3: one request of ``MISSES`` asks for a page that is not in the cache, at any speed.
Rule 4: every answer is checked. An exception, and any answer other than the page, is a failed request.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, Protocol

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from benchmarks._question import Place

PAGES = 100  # that are asked for again and again
MISSES = 20
USERS = 50
PAGE = b"<p>" + b"0123456789abcdef" * 128 + b"</p>"
TTL = 10  # seconds
WINDOW = 60  # seconds
LIMIT = 10_000_000  # never reached


class Store(Protocol):
    """What the application asks of a client. ``get`` and ``set`` are the library's own methods if possible."""

    get: Callable[[str], Awaitable[bytes | None]]
    set: Callable[..., Awaitable[Any]]  # (key, value, ex=seconds)

    async def open(self, place: Place, tasks: int) -> None: ...

    async def count(self, key: str, seconds: int) -> int: ...

    async def close(self) -> None: ...


class Dictionaries:
    """A store without a server: what the application costs by itself. Nothing expires."""

    async def open(self, place: Place, tasks: int) -> None:
        self._pages: dict[str, bytes] = {}
        self._counts: dict[str, int] = {}

    async def get(self, key: str) -> bytes | None:
        return self._pages.get(key)

    async def set(self, key: str, value: bytes, ex: int) -> None:
        self._pages[key] = value

    async def count(self, key: str, seconds: int) -> int:
        self._counts[key] = found = self._counts.get(key, 0) + 1
        return found

    async def close(self) -> None:
        self._pages.clear()


def make_application(store: Store) -> Starlette:
    """Return the application over an open store."""

    async def page(request: Request) -> Response:
        if await store.count(f"bench:limit:{request.headers['x-user']}", WINDOW) > LIMIT:
            return PlainTextResponse("too many requests", status_code=429)
        key = f"bench:page:{request.path_params['name']}"
        body = await store.get(key)
        if body is None:
            body = PAGE
            await store.set(key, body, ex=TTL)
        return Response(body, media_type="text/html")

    return Starlette(routes=[Route("/pages/{name}", page)])


class Visitors:
    """Send requests to an application, each for another page and user than the last."""

    def __init__(self, application: Starlette) -> None:
        self._application = application
        self._numbers = count()

    async def ask(self) -> None:
        """Send one request. Raises what the application raises, and AssertionError if the answer is not the page."""
        number = next(self._numbers)
        name = f"new-{number}" if number % MISSES == 0 else f"old-{number % PAGES}"
        status, body = 0, b""

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            nonlocal status, body
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                body += message["body"]

        await self._application(_scope(f"/pages/{name}", number % USERS), receive, send)
        if (status, body) != (200, PAGE):
            raise AssertionError(f"the answer is {status} {body!r:.80}, not the page")


def _scope(path: str, user: int) -> dict[str, Any]:
    """Return a request as a web server describes it."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"localhost"), (b"accept", b"*/*"), (b"x-user", b"%d" % user)],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
    }
