"""How people of the feed are shown."""

from typing import Annotated, Self

from pydantic import Field

from api.feed.schemas import PersonShown
from storage.feed.people import Profile
from storage.media_links import MediaLinks


class ProfileShown(PersonShown):
    """Somebody's profile, as the reader sees it."""

    follower_count: int
    following_count: int
    following: Annotated[bool, Field(description="Whether you follow; false unless you sign in.")]
    follows_you: bool
    muted: bool

    @classmethod
    def of_profile(cls, profile: Profile, links: MediaLinks) -> Self:
        """As it is shown."""
        return cls(
            **dict(PersonShown.of(profile.person, links)),
            follower_count=profile.follower_count,
            following_count=profile.following_count,
            following=profile.following,
            follows_you=profile.follows_viewer,
            muted=profile.muted,
        )
