"""Where a request comes from, as far as a session remembers it."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from api.rate_limit import admit, network_of
from api.resources import WithResources


@dataclass(frozen=True, kw_only=True, slots=True)
class Client:
    """A device somewhere."""

    device: str
    address: str


async def _client(request: Request) -> Client:
    return Client(
        device=request.headers.get("User-Agent", "").strip() or "unknown",
        address=request.client.host if request.client else "unknown",
    )


WithClient = Annotated[Client, Depends(_client)]
"""Declares the device in a route."""


async def counted_try(request: Request, resources: WithResources) -> None:
    """A dependency: counts a try to get in against the client's address.

    Raises TooManyRequests.
    """
    await admit(
        resources.signing_in.limits.tries, network_of(request), what="tries from one address"
    )
