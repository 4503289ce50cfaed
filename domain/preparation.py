"""Whether a delivery has something to do ahead of its publish time."""

from domain.content import Content
from domain.networks import Network


def may_need_preparation(network: Network, content: Content) -> bool:
    """Whether media has to be transferred, or mentions looked up, before the moment.

    A plan for waking early, made where no adapter is at hand; the adapter has the last word.
    """
    match network:
        case Network.INSTAGRAM:
            return True
        case Network.BLUESKY:
            return bool(content.attachments()) or any("@" in part.text for part in content.parts())
        case _:
            return bool(content.attachments())
