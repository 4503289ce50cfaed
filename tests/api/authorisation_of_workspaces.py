"""The authorisation matrix: what workspaces have, for their members and keys."""

from typing import Final

from api.auth.scopes import Scope
from tests.api.authorisation_entries import Table, elsewhere, in_workspace, of_workspace

_TART: Final = {"text": "Onion tart.", "targets": ["{account_id}"]}
_LOOKING: Final = (Scope.POSTS_READ, Scope.ACCOUNTS_READ, Scope.MEDIA_READ, Scope.MEMBERS_READ)
_HOLD: Final = {"held": True, "reason": "Holidays."}
_UPLOAD: Final = {"file_name": "rye.png", "content_type": "image/png", "size": 100}

OF_WORKSPACES: Final[Table] = {
    # Posts
    "GET /v1/posts": in_workspace(Scope.POSTS_READ),
    "POST /v1/posts": elsewhere(422, in_workspace(Scope.POSTS_WRITE, json=_TART)),
    "POST /v1/posts/validate": elsewhere(422, in_workspace(Scope.POSTS_READ, json=_TART)),
    "GET /v1/posts/{post_id}": of_workspace(Scope.POSTS_READ),
    "GET /v1/posts/{post_id}/timeline": of_workspace(Scope.POSTS_READ),
    "PATCH /v1/posts/{post_id}": of_workspace(
        Scope.POSTS_WRITE, json={"text": "Leek tart."}, headers={"If-Match": '"1"'}
    ),
    "POST /v1/posts/{post_id}/publish-now": of_workspace(Scope.POSTS_WRITE),
    "POST /v1/posts/{post_id}/cancel": of_workspace(Scope.POSTS_WRITE),
    "POST /v1/posts/bulk": elsewhere(422, in_workspace(Scope.POSTS_WRITE, json={"posts": [_TART]})),
    "POST /v1/posts/import": elsewhere(
        422,
        in_workspace(Scope.POSTS_WRITE, body="accounts,text\r\n{account_id},Onion tart\r\n"),
    ),
    "GET /v1/batches": in_workspace(Scope.POSTS_READ),
    "GET /v1/batches/{batch_id}": of_workspace(Scope.POSTS_READ),
    "POST /v1/batches/{batch_id}/cancel": of_workspace(Scope.POSTS_WRITE),
    "GET /v1/stats/lateness": in_workspace(Scope.POSTS_READ),
    # Deliveries
    "GET /v1/deliveries/{delivery_id}": of_workspace(Scope.POSTS_READ),
    "POST /v1/deliveries/{delivery_id}/decide": of_workspace(
        Scope.POSTS_WRITE, json={"decision": "skip"}, answers=409
    ),
    "POST /v1/deliveries/{delivery_id}/cancel": of_workspace(Scope.POSTS_WRITE),
    "POST /v1/deliveries/{delivery_id}/retry": of_workspace(
        Scope.POSTS_WRITE, where={"delivery_id": "failed_delivery_id"}
    ),
    "POST /v1/deliveries/{delivery_id}/resolve": of_workspace(
        Scope.POSTS_WRITE,
        where={"delivery_id": "unconfirmed_delivery_id"},
        json={"outcome": "send_again"},
    ),
    # Media
    "POST /v1/media": in_workspace(Scope.MEDIA_WRITE, form=True),
    "GET /v1/media": in_workspace(Scope.MEDIA_READ),
    "GET /v1/media/{media_id}": of_workspace(Scope.MEDIA_READ),
    "PATCH /v1/media/{media_id}": of_workspace(Scope.MEDIA_WRITE, json={"alt_text": "Rye."}),
    "DELETE /v1/media/{media_id}": of_workspace(Scope.MEDIA_WRITE),
    "POST /v1/media/uploads": in_workspace(Scope.MEDIA_WRITE, json=_UPLOAD),
    "POST /v1/media/uploads/{upload_id}/complete": of_workspace(Scope.MEDIA_WRITE),
    # Accounts
    "POST /v1/accounts": in_workspace(
        Scope.ACCOUNTS_WRITE,
        json={"network": "feed", "credentials": {"handle": "another_bakery"}},
    ),
    "GET /v1/accounts": in_workspace(Scope.ACCOUNTS_READ),
    "GET /v1/accounts/{account_id}": of_workspace(Scope.ACCOUNTS_READ),
    "GET /v1/accounts/{account_id}/capacity": of_workspace(Scope.ACCOUNTS_READ),
    "POST /v1/accounts/{account_id}/check": of_workspace(Scope.ACCOUNTS_WRITE),
    "DELETE /v1/accounts/{account_id}": of_workspace(
        Scope.ACCOUNTS_WRITE, where={"account_id": "spare_account_id"}
    ),
    # Switches
    "GET /v1/switches": in_workspace(Scope.ACCOUNTS_READ),
    "PUT /v1/switches/workspace": in_workspace(Scope.ACCOUNTS_WRITE, json=_HOLD),
    "PUT /v1/switches/accounts/{account_id}": of_workspace(Scope.ACCOUNTS_WRITE, json=_HOLD),
    # The workspace itself
    "GET /v1/workspace": in_workspace(None),
    "PATCH /v1/workspace": in_workspace(Scope.KEYS_WRITE, json={"name": "Corner bakery & café"}),
    "POST /v1/api-keys": in_workspace(
        Scope.KEYS_WRITE, json={"name": "New", "scopes": ["keys:write"]}
    ),
    "GET /v1/api-keys": in_workspace(Scope.KEYS_READ),
    "DELETE /v1/api-keys/{key_id}": of_workspace(Scope.KEYS_WRITE),
    "GET /v1/members": in_workspace(Scope.MEMBERS_READ),
    "POST /v1/members": in_workspace(
        Scope.MEMBERS_WRITE,
        gives=_LOOKING,
        json={"handle": "{newcomer_handle}", "role": "viewer"},
    ),
    "PATCH /v1/members/{user_id}": of_workspace(
        Scope.MEMBERS_WRITE,
        gives=_LOOKING,
        where={"user_id": "lodger_id"},
        json={"role": "viewer"},
    ),
    "DELETE /v1/members/{user_id}": of_workspace(
        Scope.MEMBERS_WRITE, gives=_LOOKING, where={"user_id": "lodger_id"}
    ),
    "POST /v1/invitations": in_workspace(
        Scope.MEMBERS_WRITE,
        gives=_LOOKING,
        json={"email": "newcomer@example.org", "role": "viewer"},
    ),
}
