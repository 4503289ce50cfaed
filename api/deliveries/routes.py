"""`/v1/deliveries`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from api.auth.dependencies import require
from api.auth.scopes import Scope
from api.auth.service import Caller
from api.deliveries.schemas import Decision, DeliveryShown, Resolution
from api.deliveries.service import DeliveryService
from api.problem_answers import refuses
from api.resources import WithResources

router = APIRouter(prefix="/v1/deliveries", tags=["deliveries"])


async def _service(resources: WithResources) -> DeliveryService:
    return DeliveryService(resources.database)


Service = Annotated[DeliveryService, Depends(_service)]
Reader = Annotated[Caller, Depends(require(Scope.POSTS_READ))]
Writer = Annotated[Caller, Depends(require(Scope.POSTS_WRITE))]


@router.get("/{delivery_id}", summary="Show a delivery")
async def show_delivery(service: Service, known: Reader, delivery_id: UUID) -> DeliveryShown:
    """Needs `posts:read`."""
    return DeliveryShown.of(await service.read(known, delivery_id))


@router.post(
    "/{delivery_id}/cancel", responses=refuses(409), summary="Cancel one delivery of a post"
)
async def cancel_delivery(service: Service, known: Writer, delivery_id: UUID) -> DeliveryShown:
    """Answered with 200, it is never published; too late is 409. Needs `posts:write`."""
    return DeliveryShown.of(await service.cancel(known, delivery_id))


@router.post("/{delivery_id}/retry", responses=refuses(409), summary="Try a failed delivery again")
async def retry_delivery(service: Service, known: Writer, delivery_id: UUID) -> DeliveryShown:
    """A new delivery takes its place and goes out now. Needs `posts:write`."""
    return DeliveryShown.of(await service.retry(known, delivery_id))


@router.post(
    "/{delivery_id}/decide", responses=refuses(409), summary="Publish a late delivery, or skip it"
)
async def decide_delivery(
    service: Service, known: Writer, delivery_id: UUID, wanted: Decision
) -> DeliveryShown:
    """For one that waits with the reason `late`, because its post asks. Needs `posts:write`.

    `publish` sends it now, unless something else holds it; `skip` cancels it. Anything else is 409.
    """
    return DeliveryShown.of(await service.decide(known, delivery_id, wanted.decision))


@router.post(
    "/{delivery_id}/resolve", responses=refuses(409), summary="Settle an unconfirmed delivery"
)
async def resolve_delivery(
    service: Service, known: Writer, delivery_id: UUID, resolution: Resolution
) -> DeliveryShown:
    """Say what you found on the network: it is public there, or send it again.

    Needs `posts:write`.
    """
    return DeliveryShown.of(await service.resolve(known, delivery_id, resolution))
