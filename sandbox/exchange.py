"""One call to one network, from its arrival to its answer, with the fault that meets it."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from sandbox.connections import reset_connection
from sandbox.faults import AFTER_COMMIT_KINDS, MEDIA_KINDS, Fault
from sandbox.network import Call, Handler, Network, Operations, Refusal
from sandbox.parameters import Parameters, parameters_of, read_parameters

COMMITTING = frozenset({"publish", "comment"})


class Dropped(Response):
    """No answer at all: the connection is reset."""

    async def __call__(self, scope: Scope, receive: Receive, _send: Send) -> None:
        await reset_connection(scope, receive)


@dataclass(frozen=True, slots=True)
class QuickAnswer:
    """What a call is answered, and how much later."""

    response: Response
    after_seconds: float


class Endpoint:
    """One endpoint of one network as a bare ASGI application.

    `is_quick` says that its handler waits for nothing unless it is sent a file.
    """

    def __init__(
        self, network: Network, handler: Handler, operations: Operations, *, is_quick: bool
    ) -> None:
        self.is_quick = is_quick
        self._network = network
        self._state = network.state
        self._handler = handler
        self._operations = operations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = await self._exchange(request)
        await response(scope, receive, send)

    def answer_quickly(self, scope: Scope, body: bytes) -> QuickAnswer | None:
        """Carry out a whole request at once; None, and nothing done, when it takes the long way."""
        received_at = self._state.clock.now()
        request = Request(scope)
        parameters = None if self._state.faults.open() else parameters_of(request, body)
        if parameters is None:
            return None
        call = self._call(request, parameters, received_at)
        response = _run_through(self._perform(call))
        self._count(call, str(response.status_code))
        return QuickAnswer(response, self._latency(call))

    async def _exchange(self, request: Request) -> Response:
        received_at = self._state.clock.now()
        call = self._call(request, await read_parameters(request), received_at)
        response = await self._answer(call)
        self._count(call, "dropped" if isinstance(response, Dropped) else str(response.status_code))
        return response

    def _call(self, request: Request, parameters: Parameters, received_at: datetime) -> Call:
        operations = self._operations(request, parameters)
        account = self._network.owner(request, parameters)
        names = frozenset({account.id, account.handle}) if account else frozenset()
        return Call(
            request=request,
            parameters=parameters,
            operations=operations,
            received_at=received_at,
            public_url=self._state.settings.public_url,
            account=account,
            fault=self._state.faults.take(self._network.name, names, operations),
        )

    def _count(self, call: Call, status: str) -> None:
        self._state.requests[self._network.name, call.operations[0], status] += 1

    def _latency(self, call: Call) -> float:
        is_committing = not COMMITTING.isdisjoint(call.operations)
        return self._state.settings.latency_seconds if is_committing else 0

    async def _answer(self, call: Call) -> Response:
        fault = call.fault
        if fault is None:
            return await self._perform_slowly(call)
        if early := await self._before(call, fault):
            return early
        response = await self._perform_slowly(call)
        if response.status_code >= 400 and fault.kind in AFTER_COMMIT_KINDS | MEDIA_KINDS:
            self._state.faults.give_back(fault)
            return response
        return await self._after(fault, response)

    async def _perform_slowly(self, call: Call) -> Response:
        response = await self._perform(call)
        if latency := self._latency(call):
            await asyncio.sleep(latency)
        return response

    async def _perform(self, call: Call) -> Response:
        try:
            response = await self._handler(call)
        except Refusal as refusal:
            response = refusal.response()
        if more := self._network.headers(call):
            named = {name for name, _ in response.raw_headers}
            added = ((name.lower().encode(), value.encode()) for name, value in more.items())
            response.raw_headers.extend(pair for pair in added if pair[0] not in named)
        return response

    async def _before(self, call: Call, fault: Fault) -> Response | None:
        network = self._network
        match fault.kind:
            case "answer":
                return _ordered_answer(fault)
            case "rate_limited":
                return network.rate_limited(call, fault.retry_after_seconds).response()
            case "quota_exhausted":
                return network.quota_exhausted(call).response()
            case "drop_before_commit":
                return Dropped()
            case "latency":
                await asyncio.sleep(fault.seconds)
            case "token_expired" if call.account:
                network.expire(call.account)
            case "token_revoked" if call.account:
                network.revoke(call.account)
        return None

    async def _after(self, fault: Fault, response: Response) -> Response:
        match fault.kind:
            case "drop_after_commit":
                return Dropped()
            case "error_after_commit":
                return self._network.server_error().response()
            case "late_answer":
                await asyncio.sleep(fault.seconds)
            case "malformed_json":
                half = bytes(response.body)[: max(1, len(response.body) // 2)]
                return Response(half, response.status_code, media_type="application/json")
        return response


def _run_through(work: Coroutine[None, None, Response]) -> Response:
    """The result of a coroutine that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as finished:
        answer: Response = finished.value
        return answer
    work.close()
    raise RuntimeError("a quick endpoint's handler waited for something")


def _ordered_answer(fault: Fault) -> Response:
    headers = dict(fault.headers)
    if isinstance(fault.body, str):
        return Response(fault.body, fault.status, headers)
    if fault.body is None:
        return Response(b"", fault.status, headers)
    return JSONResponse(fault.body, fault.status, headers)


def endpoint(
    network: Network,
    method: str,
    path: str,
    handler: Handler,
    operation: str | Operations,
    *,
    is_quick: bool = False,
) -> Route:
    """A route whose calls count, and can be met by faults, as `operation`."""
    operations = _always(operation) if isinstance(operation, str) else operation
    served = Endpoint(network, handler, operations, is_quick=is_quick)
    return Route(path, served, methods=[method])


def _always(operation: str) -> Operations:
    names = (operation,)

    def operations(*_: object) -> tuple[str, ...]:
        return names

    return operations
