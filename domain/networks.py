"""The places that posts go to."""

from enum import StrEnum


class Network(StrEnum):
    """A place that posts go to. `feed` is the built-in one."""

    FACEBOOK = "facebook"
    INSTAGRAM = "instagram"
    X = "x"
    BLUESKY = "bluesky"
    MASTODON = "mastodon"
    FEED = "feed"


class Guarantee(StrEnum):
    """What a network lets us prove after a request was sent and no answer came."""

    IDEMPOTENT_SEND = "idempotent_send"
    """The same key sent again publishes nothing new: send again."""

    TWO_STEP_COMMIT = "two_step_commit"
    """A container tells whether it was published: read it."""

    SEARCHABLE = "searchable"
    """The public posts can be listed: look for ours before anything else."""

    NOTHING = "nothing"
    """No proof either way: a person decides."""
