"""How many requests a key may send, and how often an address may present wrong ones."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from http import HTTPStatus
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from typing import Final
from uuid import UUID

from fastapi import Request

from api.auth.problems import Unauthorized
from api.problems import Problem
from cache.failure_limiter import FailureLimiter
from cache.rate_limiter import RateLimiter
from cache.rates import Admission, RateExceeded

Header = tuple[bytes, bytes]
"""As ASGI has them: lower-case bytes."""

_STATE: Final = "rate_limit"
_IPV6_NETWORK: Final = 64
"""Bits that one subscriber has in common; the other half of an address is theirs to choose."""


class TooManyRequests(Problem):
    """Sooner than the limit allows."""

    def __init__(self, detail: str, *, retry_after: timedelta) -> None:
        """`detail` says what the limit is."""
        seconds = max(1, ceil(retry_after.total_seconds()))
        super().__init__(
            f"{detail} Repeat the request in {seconds} s.",
            status=HTTPStatus.TOO_MANY_REQUESTS,
            slug="rate-limited",
            title="Too many requests",
            headers={"Retry-After": str(seconds)},
        )


async def count_request(request: Request, actor_id: UUID, limiter: RateLimiter | None) -> None:
    """Count the request against an API key or a user. Raises TooManyRequests."""
    if limiter is None:
        return
    admission = await limiter.admit(str(actor_id))
    setattr(request.state, _STATE, admission)
    if not admission.admitted:
        raise TooManyRequests(
            f"One API key or user may send {limiter.rate.limit:,} requests a minute.",
            retry_after=admission.retry_after,
        )


async def admit(limiter: RateLimiter | None, subject: str, *, what: str) -> None:
    """Count one of what is limited. Raises TooManyRequests; `what` is told: `… are taken`."""
    if limiter is None:
        return
    admission = await limiter.admit(subject)
    if not admission.admitted:
        rate = limiter.rate
        raise TooManyRequests(
            f"{rate.limit:,} {what} in {rate.window.total_seconds() / 60:g} min are taken.",
            retry_after=admission.retry_after,
        )


@asynccontextmanager
async def limited_failures(
    request: Request, token: str, limiter: FailureLimiter | None
) -> AsyncIterator[None]:
    """Count each Unauthorized of the block against the client's address.

    Raises TooManyRequests: before the block, or in place of one failure too many.
    """
    if limiter is None:
        yield
        return
    try:
        async with limiter.attempt(network_of(request), token, failure=Unauthorized):
            yield
    except RateExceeded as error:
        raise TooManyRequests(
            "Too many requests from this address came without a valid API key or token: "
            f"{error.rate.limit:,} a minute are answered.",
            retry_after=error.retry_after,
        ) from error


def network_of(request: Request) -> str:
    """Who answers for the address that the server saw; headers can be made up."""
    host = request.client.host if request.client else ""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return host
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ip_network((int(address), _IPV6_NETWORK), strict=False))


def admission_headers(state: Mapping[str, object]) -> list[Header]:
    """What every answer to a counted request tells of the limit; `state` is the request's."""
    admission = state.get(_STATE)
    if not isinstance(admission, Admission):
        return []
    return [
        (b"ratelimit-limit", b"%d" % admission.rate.limit),
        (b"ratelimit-remaining", b"%d" % admission.remaining),
        (b"ratelimit-reset", b"%d" % ceil(admission.reset_after.total_seconds())),
    ]
