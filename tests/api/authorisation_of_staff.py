"""The authorisation matrix: what staff may do, what links are good for, and signing in."""

from typing import Any, Final

from domain.roles import UserRole
from tests.api.authorisation_entries import Actor, Entry, Table, owned, public, signed_in, staffed
from tests.api.conftest import PASSWORD

_NEW_PASSWORD: Final = "four unrelated words here"
_WHY: Final = {"reason": "Sells what does not exist."}
_SOME: Final = {"ids": [1], **_WHY}


def _moderator(**wanted: Any) -> Entry:
    return staffed(UserRole.MODERATOR, **wanted)


def _admin(**wanted: Any) -> Entry:
    return staffed(UserRole.ADMIN, **wanted)


OF_STAFF: Final[Table] = {
    "GET /v1/admin/users": _moderator(),
    "GET /v1/admin/users/search": _moderator(query={"q": "ada"}),
    "GET /v1/admin/users/{user_id}": _moderator(where={"user_id": "profile_id"}),
    "POST /v1/admin/users/{user_id}/suspend": _moderator(where={"user_id": "lodger_id"}, json=_WHY),
    "POST /v1/admin/users/{user_id}/restore": _moderator(where={"user_id": "lodger_id"}, json=_WHY),
    "PUT /v1/admin/users/{user_id}/role": _admin(
        where={"user_id": "lodger_id"}, json={"role": "moderator", **_WHY}
    ),
    "GET /v1/admin/cases": _moderator(),
    "GET /v1/admin/cases/{case_id}": _moderator(),
    "GET /v1/admin/cases/{case_id}/reports": _moderator(),
    "POST /v1/admin/cases/{case_id}/take": _moderator(),
    "POST /v1/admin/cases/{case_id}/give-back": _moderator(),
    "POST /v1/admin/cases/{case_id}/resolve": _moderator(json={"decision": "remove", **_WHY}),
    "GET /v1/admin/listings": _moderator(),
    "POST /v1/admin/listings/{listing_id}/remove": _moderator(json=_WHY),
    "POST /v1/admin/listings/{listing_id}/restore": _moderator(json=_WHY),
    "GET /v1/admin/switches": _admin(),
    "PUT /v1/admin/switches": _admin(
        json={"reach": "network", "subject": "x", "held": True, **_WHY}
    ),
    "GET /v1/admin/outbox": _admin(),
    "GET /v1/admin/outbox/counts": _admin(),
    "POST /v1/admin/outbox/retry": _admin(json=_SOME),
    "POST /v1/admin/outbox/drop": _admin(json=_SOME),
    "GET /v1/admin/jobs": _admin(),
    "GET /v1/admin/jobs/counts": _admin(),
    "POST /v1/admin/jobs/retry": _admin(json=_SOME),
    "POST /v1/admin/jobs/drop": _admin(json=_SOME),
    "GET /v1/admin/audit": _admin(),
    "GET /v1/admin/counts": _moderator(),
    "GET /v1/admin/charts/deliveries": _moderator(),
    "GET /v1/admin/charts/lateness": _moderator(),
    "GET /v1/admin/charts/new": _moderator(),
}

WITH_A_LINK: Final[Table] = {
    "GET /media/{media_id}": public(
        query={"expires": "{media_expires}", "signature": "{media_signature}"}
    ),
    "GET /pictures/{media_id}": public(
        where={"media_id": "shown_media_id"},
        query={
            "size": "small",
            "expires": "{picture_expires}",
            "signature": "{picture_signature}",
        },
    ),
    "PUT /media-uploads": public(
        query={
            "upload_id": "{awaited_upload_id}",
            "expires": "{awaited_expires}",
            "signature": "{awaited_signature}",
        },
        picture=True,
    ),
}

SIGNING_IN: Final[Table] = {
    "GET /healthz": public(),
    "GET /readyz": public(),
    "POST /v1/auth/register": public(
        json={"handle": "new_one", "email": "new_one@example.org", "password": PASSWORD}
    ),
    "POST /v1/auth/login": public(json={"email": "{email}", "password": PASSWORD}).but(
        {Actor.SUSPENDED: 403}
    ),
    "POST /v1/auth/refresh": public(json={"refresh_token": "{refresh_token}"}).but(
        {Actor.SUSPENDED: 403}
    ),
    "GET /v1/auth/sessions": signed_in(),
    "DELETE /v1/auth/sessions/{session_id}": owned(),
    "DELETE /v1/auth/sessions": signed_in(),
    "PUT /v1/auth/password": signed_in(
        json={"current_password": PASSWORD, "new_password": _NEW_PASSWORD}
    ),
    "POST /v1/auth/logout": signed_in(),
    "POST /v1/auth/password/reset-mails": public(json={"email": "{email}"}),
    "POST /v1/auth/password/reset": public(
        json={"token": "{reset_token}", "new_password": _NEW_PASSWORD + " again"}
    ),
}
"""These end sessions, so they are done after everything else."""
