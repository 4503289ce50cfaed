"""Why a media item cannot be deleted yet."""

from api.problems import Conflict
from storage.media_uses import MediaUses


def still_needed(posts: int) -> Conflict:
    """Posts that are not out yet need it."""
    return _in_use(
        f"{posts} {'post that is' if posts == 1 else 'posts that are'} not out yet"
        f" {'uses' if posts == 1 else 'use'} this media item. Take it out of them first."
    )


def still_shown(uses: MediaUses) -> Conflict:
    """Others see it."""
    counted = (
        (uses.feed_posts, "feed post"),
        (uses.messages, "message"),
        (uses.listings, "listing"),
    )
    told = [f"{count} {name}{'' if count == 1 else 's'}" for count, name in counted if count]
    return _in_use(f"This media item is shown by {' and '.join(told)}. Take it out of them first.")


def _in_use(detail: str) -> Conflict:
    return Conflict(detail, slug="media-in-use", title="The media item is in use")
