"""The authorisation matrix: what people have for themselves, show to all, and say to each other."""

from typing import Any, Final

from api.auth.scopes import Scope
from tests.api.authorisation_entries import (
    Actor,
    Entry,
    Table,
    greeted,
    of_workspace,
    owned,
    public,
    signed_in,
)

_UPLOAD: Final = {"file_name": "rye.png", "content_type": "image/png", "size": 100}
_OVEN: Final = {
    "title": "Bread oven",
    "price": {"amount": "249.90", "currency": "EUR"},
    "condition": "good",
    "category": "home",
    "place": {"name": "Leipzig"},
}
_GRACE: Final = {"user_id": "stranger"}
_HER_POST: Final = {"feed_post_id": "others_feed_post_id"}
_HERS: Final = {"listing_id": "others_listing_id"}
_MESSAGE: Final = "/v1/chat/conversations/{conversation_id}/messages/{message_id}"


def _in_conversation(**wanted: Any) -> Entry:
    """For who is in the conversation."""
    entry = owned(**wanted)
    return Entry(wanted=entry.wanted, refused=entry.refused, let_in=(Actor.OWNER, Actor.FELLOW))


def _of_group_owner(**wanted: Any) -> Entry:
    """For its owner; the others in it are told that it is not theirs to do."""
    return owned(**wanted).but({Actor.FELLOW: 403})


ON_THE_FEED: Final[Table] = {
    "GET /v1/feed/home": signed_in(),
    "GET /v1/feed/bookmarks": signed_in(),
    "GET /v1/feed/blocks": signed_in(),
    "GET /v1/feed/mutes": signed_in(),
    "GET /v1/feed/trending/posts": greeted(),
    "GET /v1/feed/trending/hashtags": public(),
    "GET /v1/feed/hashtags/{hashtag}/posts": greeted(),
    "GET /v1/feed/posts/{feed_post_id}": greeted(),
    "GET /v1/feed/posts/{feed_post_id}/comments": greeted(),
    "GET /v1/feed/posts/{feed_post_id}/likes": greeted(),
    "GET /v1/feed/posts/{feed_post_id}/reposts": greeted(),
    "GET /v1/feed/comments/{comment_id}/replies": greeted(),
    "GET /v1/feed/profiles/{handle}": greeted(),
    "GET /v1/feed/users/{user_id}/posts": greeted(where={"user_id": "profile_id"}),
    "GET /v1/feed/users/{user_id}/followers": greeted(where={"user_id": "profile_id"}),
    "GET /v1/feed/users/{user_id}/following": greeted(where={"user_id": "profile_id"}),
    "GET /v1/feed/accounts/{account_id}/posts": greeted(),
    "POST /v1/feed/posts": signed_in(json={"text": "More rolls."}),
    "POST /v1/feed/posts/{feed_post_id}/comments": signed_in(json={"text": "And jam."}),
    "PUT /v1/feed/posts/{feed_post_id}/like": signed_in(),
    "DELETE /v1/feed/posts/{feed_post_id}/like": signed_in(),
    "PUT /v1/feed/posts/{feed_post_id}/repost": signed_in(where=_HER_POST),
    "DELETE /v1/feed/posts/{feed_post_id}/repost": signed_in(where=_HER_POST),
    "PUT /v1/feed/posts/{feed_post_id}/bookmark": signed_in(),
    "DELETE /v1/feed/posts/{feed_post_id}/bookmark": signed_in(),
    "PUT /v1/feed/users/{user_id}/follow": signed_in(where=_GRACE),
    "DELETE /v1/feed/users/{user_id}/follow": signed_in(where=_GRACE),
    "PUT /v1/feed/users/{user_id}/mute": signed_in(where=_GRACE),
    "DELETE /v1/feed/users/{user_id}/mute": signed_in(where=_GRACE),
    "PUT /v1/feed/users/{user_id}/block": signed_in(where=_GRACE),
    "DELETE /v1/feed/users/{user_id}/block": signed_in(where=_GRACE),
    "DELETE /v1/feed/comments/{comment_id}": owned().but({Actor.STRANGER: 403}),  # read by all
    "DELETE /v1/feed/posts/{feed_post_id}": of_workspace(
        Scope.POSTS_WRITE, where={"feed_post_id": "page_feed_post_id"}
    ).but({Actor.STRANGER: 404}),
}

ON_THE_MARKET: Final[Table] = {
    "POST /v1/marketplace/listings": signed_in(json=_OVEN),
    "GET /v1/marketplace/listings": signed_in(),
    "GET /v1/users/me/listings": signed_in(),
    "GET /v1/users/me/favourites": signed_in(),
    "GET /v1/users/me/favourites/count": signed_in(),
    "GET /v1/marketplace/listings/{listing_id}": owned(where={"listing_id": "draft_id"}),
    "PATCH /v1/marketplace/listings/{listing_id}": owned(json={"title": "Good oven"}),
    "PUT /v1/marketplace/listings/{listing_id}/images": owned(
        json={"media_ids": ["{shown_media_id}"]}
    ),
    "PUT /v1/marketplace/listings/{listing_id}/status": owned(
        where={"listing_id": "draft_id"}, json={"status": "active"}
    ),
    "DELETE /v1/marketplace/listings/{listing_id}": owned(where={"listing_id": "draft_id"}),
    "PUT /v1/marketplace/listings/{listing_id}/favourite": signed_in(where=_HERS),
    "DELETE /v1/marketplace/listings/{listing_id}/favourite": signed_in(where=_HERS),
    "POST /v1/marketplace/listings/{listing_id}/contact": signed_in(where=_HERS, json={}),
    "GET /v1/marketplace/conversations/{conversation_id}/listings": _in_conversation(
        where={"conversation_id": "direct_id"}
    ),
}

IN_CHAT: Final[Table] = {
    "GET /v1/chat/conversations": signed_in(),
    "GET /v1/chat/changes": signed_in(),
    "GET /v1/chat/unread": signed_in(),
    "GET /v1/chat/search": signed_in(query={"q": "tart"}),
    "GET /v1/chat/presence": signed_in(query={"user_ids": "{fellow}"}),
    "POST /v1/chat/catch-up": signed_in(
        json={"positions": [{"conversation_id": "{conversation_id}", "after": 0}]}
    ),
    "POST /v1/chat/conversations/direct": signed_in(json={"user_id": "{fellow}"}),
    "POST /v1/chat/conversations/groups": signed_in(
        json={"title": "Bakers", "user_ids": ["{fellow}"]}
    ),
    "GET /v1/chat/conversations/{conversation_id}": _in_conversation(),
    "GET /v1/chat/conversations/{conversation_id}/members": _in_conversation(),
    "GET /v1/chat/conversations/{conversation_id}/messages": _in_conversation(),
    "GET /v1/chat/conversations/{conversation_id}/events": _in_conversation(),
    "POST /v1/chat/conversations/{conversation_id}/messages": _in_conversation(
        json={"client_id": "another", "text": "Add thyme."}
    ),
    "PUT /v1/chat/conversations/{conversation_id}/marks": _in_conversation(json={"read_seq": 1}),
    f"PUT {_MESSAGE}/reactions/{{emoji}}": _in_conversation(),
    f"DELETE {_MESSAGE}/reactions/{{emoji}}": _in_conversation(),
    f"PATCH {_MESSAGE}": _of_group_owner(json={"text": "The secret"}),
    f"DELETE {_MESSAGE}": _of_group_owner(),
    "PATCH /v1/chat/conversations/{conversation_id}": _of_group_owner(json={"title": "Millers"}),
    "POST /v1/chat/conversations/{conversation_id}/members": _of_group_owner(
        json={"user_ids": ["{lodger_id}"]}
    ),
    "DELETE /v1/chat/conversations/{conversation_id}/members/{user_id}": _of_group_owner(
        where={"user_id": "lodger_id"}
    ),
}

OF_ONESELF: Final[Table] = {
    "GET /v1/users/me": signed_in(),
    "PATCH /v1/users/me": signed_in(json={"display_name": "Ada L."}),
    "POST /v1/users/me/media": signed_in(form=True),
    "GET /v1/users/me/media": signed_in(),
    "DELETE /v1/users/me/media/{media_id}": owned(where={"media_id": "own_media_id"}),
    "POST /v1/users/me/media/uploads": signed_in(json=_UPLOAD),
    "POST /v1/users/me/media/uploads/{upload_id}/complete": owned(
        where={"upload_id": "own_upload_id"}
    ),
    "GET /v1/notifications": signed_in(),
    "GET /v1/notifications/unread": signed_in(),
    "GET /v1/notifications/preferences": signed_in(),
    "PUT /v1/notifications/preferences/{kind}": signed_in(json={"in_app": True}),
    "POST /v1/notifications/{notification_id}/read": owned(),
    "POST /v1/notifications/read": signed_in(json={}),
    "POST /v1/reports": signed_in(
        json={"subject_type": "user", "subject_id": "{stranger}", "reason": "spam"}
    ),
    "GET /v1/reports": signed_in(),
    "GET /v1/decisions": signed_in(),
    "POST /v1/workspaces": signed_in(json={"name": "Second bakery"}),
    "GET /v1/workspaces": signed_in(),
    "POST /v1/invitations/accept": signed_in(json={"token": "{invitation_token}"}),
    "DELETE /v1/workspaces/{workspace_id}/membership": owned(where={"workspace_id": "guild_id"}),
}
