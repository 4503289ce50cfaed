"""What each network wants to be told so that posts can go out there."""

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from api.texts import Name
from domain.networks import Network


def _sendable(secret: SecretStr) -> SecretStr:
    """Without the spaces and line breaks that copying adds; what is left fits into a header."""
    text = secret.get_secret_value().strip()
    if not text:
        raise ValueError("is empty")
    if not text.isascii() or not text.isprintable():
        raise ValueError("has characters that no token has; copy it again")
    return SecretStr(text)


Secret = Annotated[SecretStr, Field(max_length=4096), AfterValidator(_sendable)]
RemoteId = Annotated[str, Field(pattern=r"^[0-9]{1,32}$", description="Digits only.")]
Address = Annotated[Name, Field(max_length=100, description="A server, by name or address.")]


class CredentialFields(BaseModel):
    """What the fields of all networks have in common.

    Others are passed over, so that a network's own token answer can be sent as it came.
    """

    model_config = ConfigDict(extra="ignore")

    def supplied(self) -> dict[str, str]:
        """As the network's adapter takes them: only what was filled in."""
        return {name: _plain(value) for name, value in self if value is not None}


class FacebookCredentials(CredentialFields):
    """A page and a page access token with `pages_manage_posts`."""

    page_id: Annotated[RemoteId, Field(examples=["104512345678901"])]
    access_token: Annotated[Secret, Field(examples=["EAAGexampleToken"])]


class InstagramCredentials(CredentialFields):
    """A professional account and a token with `instagram_business_content_publish`."""

    ig_user_id: Annotated[RemoteId, Field(examples=["17841400000000001"])]
    access_token: Annotated[Secret, Field(examples=["IGAAexampleToken"])]


class XCredentials(CredentialFields):
    """A user's OAuth 2 token with `tweet.write`; renewed by itself given the next two."""

    access_token: Annotated[Secret, Field(examples=["VGhpcyBpcyBub3QgYSB0b2tlbg"])]
    refresh_token: Secret | None = None
    client_id: Secret | None = None
    client_secret: Annotated[Secret | None, Field(description="Only for confidential clients.")] = (
        None
    )
    expires_at: Annotated[
        Name | None, Field(description="When the access token ends: ISO 8601, UTC.")
    ] = None
    expires_in: Annotated[
        int | None, Field(ge=0, le=10**9, description="Seconds that the access token still lives.")
    ] = None


class BlueskyCredentials(CredentialFields):
    """A handle and an app password made in Bluesky's settings."""

    identifier: Annotated[Name, Field(examples=["bakery.bsky.social"])]
    app_password: Annotated[Secret, Field(examples=["abcd-efgh-ijkl-mnop"])]
    service_url: Annotated[
        Address | None, Field(description="The account's server, unless it is bsky.social.")
    ] = None


class MastodonCredentials(CredentialFields):
    """A server and an access token with `read:accounts write:statuses write:media`."""

    instance_url: Annotated[Address, Field(examples=["https://mastodon.social"])]
    access_token: Annotated[Secret, Field(examples=["ZA-Yj3aBD8U8Cm7lKUp…"])]


class FeedCredentials(CredentialFields):
    """A name on the built-in feed; nothing secret."""

    handle: Annotated[Name, Field(examples=["bakery"])]
    display_name: Annotated[Name | None, Field(examples=["Corner bakery"])] = None


class _Wanted(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FacebookAccount(_Wanted):
    """A Facebook page."""

    network: Literal[Network.FACEBOOK]
    credentials: FacebookCredentials


class InstagramAccount(_Wanted):
    """An Instagram professional account."""

    network: Literal[Network.INSTAGRAM]
    credentials: InstagramCredentials


class XAccount(_Wanted):
    """An account on X."""

    network: Literal[Network.X]
    credentials: XCredentials


class BlueskyAccount(_Wanted):
    """An account on Bluesky or on a server of its own."""

    network: Literal[Network.BLUESKY]
    credentials: BlueskyCredentials


class MastodonAccount(_Wanted):
    """An account on a Mastodon server."""

    network: Literal[Network.MASTODON]
    credentials: MastodonCredentials


class FeedAccount(_Wanted):
    """A profile on the built-in feed."""

    network: Literal[Network.FEED]
    credentials: FeedCredentials


AccountWanted = Annotated[
    FacebookAccount | InstagramAccount | XAccount | BlueskyAccount | MastodonAccount | FeedAccount,
    Field(discriminator="network"),
]
"""A connection to make; `network` decides which credentials belong to it."""

CREDENTIAL_NAMES: Final = frozenset(
    name
    for fields in (
        FacebookCredentials,
        InstagramCredentials,
        XCredentials,
        BlueskyCredentials,
        MastodonCredentials,
        FeedCredentials,
    )
    for name in fields.model_fields
)
"""Every credential of every network, as callers name them."""

CONNECT_EXAMPLES: Final[dict[str, Any]] = {
    "facebook": {
        "summary": "A Facebook page",
        "value": {
            "network": "facebook",
            "credentials": {
                "page_id": "104512345678901",
                "access_token": "EAAGexampleToken",
            },
        },
    },
    "instagram": {
        "summary": "An Instagram professional account",
        "value": {
            "network": "instagram",
            "credentials": {
                "ig_user_id": "17841400000000001",
                "access_token": "IGAAexampleToken",
            },
        },
    },
    "x": {
        "summary": "An account on X, renewed by itself",
        "value": {
            "network": "x",
            "credentials": {
                "access_token": "VGhpcyBpcyBub3QgYSB0b2tlbg",
                "refresh_token": "bm9yIGlzIHRoaXM",
                "client_id": "ck1hZ2lj",
                "expires_in": 7200,
            },
        },
    },
    "bluesky": {
        "summary": "An account on Bluesky",
        "value": {
            "network": "bluesky",
            "credentials": {
                "identifier": "bakery.bsky.social",
                "app_password": "abcd-efgh-ijkl-mnop",
            },
        },
    },
    "mastodon": {
        "summary": "An account on a Mastodon server",
        "value": {
            "network": "mastodon",
            "credentials": {
                "instance_url": "https://mastodon.social",
                "access_token": "ZA-Yj3aBD8U8Cm7lKUp",
            },
        },
    },
    "feed": {
        "summary": "A profile on the built-in feed",
        "value": {
            "network": "feed",
            "credentials": {"handle": "bakery", "display_name": "Corner bakery"},
        },
    },
}


def _plain(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
