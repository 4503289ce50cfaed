"""`/v1/notifications`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path

from api.auth.dependencies import WithUser
from api.notifications.schemas import (
    NotificationShown,
    Preference,
    PreferenceChange,
    Preferences,
    ReadUpTo,
    Unread,
)
from api.notifications.service import NotificationService
from api.pagination import Page, WantedPage, page_of
from api.resources import WithResources
from domain.notifications import NotificationKind

router = APIRouter(prefix="/v1/notifications", tags=["notifications"])


async def _service(resources: WithResources) -> NotificationService:
    return NotificationService(resources.database, resources.live)


Service = Annotated[NotificationService, Depends(_service)]


@router.get("", summary="List notifications")
async def list_notifications(
    service: Service, known: WithUser, wanted: WantedPage
) -> Page[NotificationShown]:
    """Those with the latest news first; what gets more news while you page moves to the top.

    Sockets hear of each as `notification`, with the same fields and `unread`.
    """
    found = await service.list_page(known, wanted)
    return page_of(found, wanted, show=NotificationShown.of, id_of=lambda one: one.position)


@router.get("/unread", summary="Count unread notifications")
async def count_unread_notifications(service: Service, known: WithUser) -> Unread:
    """Cheap enough to be asked at every start of an app."""
    return Unread(unread=await service.unread(known))


@router.post("/read", summary="Mark notifications as read")
async def read_notifications(service: Service, known: WithUser, seen: ReadUpTo) -> Unread:
    """All of them, or those from a position down; answers how many are left.

    Sockets hear of it as `notification.read`.
    """
    return Unread(unread=await service.read_all(known, up_to=seen.up_to))


@router.get("/preferences", summary="Show notification preferences")
async def show_notification_preferences(service: Service, known: WithUser) -> Preferences:
    """Every kind; you are told of all that you did not decline."""
    wanted = await service.preferences(known)
    return Preferences(items=[Preference(kind=kind, in_app=on) for kind, on in wanted.items()])


@router.put("/preferences/{kind}", summary="Change a notification preference")
async def change_notification_preference(
    service: Service,
    known: WithUser,
    kind: Annotated[NotificationKind, Path(description="What you want to hear of, or not.")],
    change: PreferenceChange,
) -> Preference:
    """From now on; what you were told stays."""
    await service.prefer(known, kind, in_app=change.in_app)
    return Preference(kind=kind, in_app=change.in_app)


@router.post("/{notification_id}/read", summary="Mark a notification as read")
async def read_notification(service: Service, known: WithUser, notification_id: UUID) -> Unread:
    """Repeating this is fine; further news of the same starts a new one."""
    return Unread(unread=await service.read(known, notification_id))
