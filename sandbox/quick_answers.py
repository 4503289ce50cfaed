"""The short way through the server for calls that wait for nothing: a burst of posts.

Two thirds of what such a call costs lie between the parser and its handler: a task, the layers
of the application, the matching of every route. Here the parsed request goes straight to its
endpoint, and its answer, after the latency, straight to the connection. Whatever is not plain, a
fault that is ordered or a file that is sent, takes the long way; both end in the same handlers.
"""

from collections.abc import Iterable
from re import Pattern
from typing import cast

from starlette.responses import Response
from starlette.types import Scope
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from sandbox.connections import ResettableProtocol
from sandbox.exchange import Endpoint
from sandbox.network import Network


class QuickRoutes:
    """Every network's endpoints, in the order in which the application would try them."""

    def __init__(self, networks: Iterable[Network]) -> None:
        self._routes: dict[str, list[tuple[str, Pattern[str], Endpoint]]] = {}
        for network in networks:
            for route in network.routes():
                if isinstance(route.app, Endpoint):
                    for method in route.methods or ():
                        found = self._routes.setdefault(method, [])
                        found.append((f"/{network.name}", route.path_regex, route.app))

    def find(self, scope: Scope) -> Endpoint | None:
        """The endpoint of a call, its `path_params` then in the scope; None for the long way."""
        path = scope["path"]
        for prefix, pattern, endpoint in self._routes.get(scope["method"], ()):
            if path.startswith(prefix) and (match := pattern.match(path[len(prefix) :])):
                if not endpoint.is_quick:
                    return None
                scope["path_params"] = match.groupdict()
                return endpoint
        return None


class QuickProtocol(ResettableProtocol):
    """uvicorn's HTTP protocol with the short way; `app.state.quick_routes` says for what."""

    _coming: tuple[RequestResponseCycle, Endpoint] | None = None
    """A request whose body is still to come."""
    _whole: tuple[RequestResponseCycle, Endpoint] | None = None
    """One that has arrived to its end; those behind it on the connection wait."""

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._whole is not None:
            whole, self._whole = self._whole, None
            self._answer(*whole)

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        if self._coming is not None:
            self.flow.resume_reading()  # paused for an application that has yet to read

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if self._coming is not None:
            self._whole, self._coming = self._coming, None

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        routes: QuickRoutes = self.config.app.state.quick_routes  # type: ignore[union-attr]
        # A request that is whole already had to wait for the one before it.
        if cycle.more_body and not cycle.waiting_for_100_continue:
            endpoint = routes.find(cast("Scope", cycle.scope))
            if endpoint is not None:
                self._coming = cycle, endpoint
                return
        super()._start_asgi_task(cycle, app)

    def _answer(self, cycle: RequestResponseCycle, endpoint: Endpoint) -> None:
        answer = endpoint.answer_quickly(cast("Scope", cycle.scope), bytes(cycle.body))
        if answer is None:
            super()._start_asgi_task(cycle, self.app)
        elif answer.after_seconds:
            self.loop.call_later(answer.after_seconds, self._write, cycle, answer.response)
        else:
            self._write(cycle, answer.response)

    def _write(self, cycle: RequestResponseCycle, response: Response) -> None:
        if cycle.disconnected:
            return
        head = [STATUS_LINE[response.status_code]]
        for name, value in (*cycle.default_headers, *response.raw_headers):
            head += (name, b": ", value, b"\r\n")
        if not cycle.keep_alive:
            head.append(b"connection: close\r\n")
        head += (b"\r\n", bytes(response.body))
        self.transport.write(b"".join(head))
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            self.transport.close()
        cycle.on_response()
