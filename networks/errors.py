"""What can go wrong at a network, classed by what the caller should do.

NetworkError
├── NotSent                 nothing became public, for certain
│   ├── TryLater            a passing fault: repeat after a while
│   ├── RateLimited         wait as long as the network says; costs no attempt
│   ├── MediaNotReady       the network still processes the media: wait, same preparation
│   ├── PreparationLost     the prepared media or container is gone: prepare again
│   ├── CredentialsExpired  refresh once, then repeat
│   ├── AccountDisconnected only the user can repair it: connect the account again
│   ├── AccountRemoved      the user took it away here: give up
│   ├── AccountBlocked      the network stopped the account: a person looks into it
│   ├── ContentRefused      never repeat: the user has to change the post
│   └── DuplicateRefused    the network says it has this already: look for it
└── OutcomeUnknown          the committing request left without a usable answer: look first
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from domain.networks import Network

DETAIL_LIMIT = 500
"""Characters kept of a network's own words; Temporal bounds what a failure may carry."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What of a network's answer is kept as evidence: never a token, never the post's text."""

    operation: str
    status: int | None = None
    """HTTP status; None when no answer came."""
    code: str | None = None
    """The network's own error code, `code/subcode` where it has both."""
    request_id: str | None = None
    """The network's trace id, for its support."""
    fields: Mapping[str, str] = field(default_factory=dict)


class NetworkError(Exception):
    """A request to a network did not do what was asked; the class says what to do now."""

    def __init__(self, network: Network, detail: str, *, answer: Answer) -> None:
        """Keep what was said: `detail` is fit for a user to read."""
        self.network = network
        self.detail = detail[:DETAIL_LIMIT]
        self.answer = answer
        super().__init__(f"{network} {answer.operation}: {self.detail}")


class NotSent(NetworkError):
    """Nothing became public, for certain."""


class TryLater(NotSent):
    """A passing fault on the network's side or on the way, before anything was committed."""


class RateLimited(NotSent):
    """The network refuses for now."""

    def __init__(
        self, network: Network, detail: str, *, answer: Answer, retry_after: timedelta
    ) -> None:
        """`retry_after` is what the network named, or its documented window."""
        self.retry_after = retry_after
        super().__init__(network, detail, answer=answer)


class MediaNotReady(NotSent):
    """The network still processes the media."""


class PreparationLost(NotSent):
    """What was prepared is gone at the network (expired container, dropped blob)."""


class CredentialsExpired(NotSent):
    """The access token is past its time; a refresh may help."""


class AccountDisconnected(NotSent):
    """The user took the permission away, or it ran out: connect the account again."""


class AccountRemoved(NotSent):
    """The user disconnected the account here, with posts still waiting for it."""


class AccountBlocked(NotSent):
    """The network restricted the account."""


class ContentRefused(NotSent):
    """The network will not take this content."""


class DuplicateRefused(NotSent):
    """The network says that it has this content already."""


class OutcomeUnknown(NetworkError):
    """The committing request left, and no answer tells what became of it."""
