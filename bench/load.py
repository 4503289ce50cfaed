"""What is scheduled: users, each with a few posts to every one of their accounts."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from uuid import uuid4

NETWORKS = ("facebook", "x")
TEXT = "Fresh bread from five o'clock, as every day. Rye, wheat and spelt."


def lead_of(deliveries: int) -> timedelta:
    """How long before its second a crowd has to be created, to be armed by then."""
    return timedelta(seconds=30 + deliveries / 60)


@dataclass(frozen=True, kw_only=True)
class User:
    """One person with an account on each network."""

    handle: str
    workspace: str
    """The name of the workspace that the accounts belong to."""


@dataclass(frozen=True, kw_only=True)
class LoadPost:
    """One post to every network of its user; `mark` stands in its text and nowhere else."""

    user: User
    networks: tuple[str, ...]
    mark: str

    @property
    def text(self) -> str:
        """What the networks are sent."""
        return f"{TEXT} [{self.mark}]"


@dataclass(frozen=True, kw_only=True)
class Load:
    """So many deliveries. By default 3,000 are 500 users with 3 posts each to 2 networks."""

    deliveries: int
    run: str
    """What no other load is called."""
    networks: tuple[str, ...] = NETWORKS
    posts_of_a_user: int = 3
    users_of_a_workspace: int = 10

    @classmethod
    def of(
        cls,
        deliveries: int,
        *,
        networks: tuple[str, ...] = NETWORKS,
        posts_of_a_user: int = 3,
        users_of_a_workspace: int = 10,
    ) -> "Load":
        """A load that nobody has used before. Raises ValueError for half a post."""
        if deliveries < len(networks) or deliveries % len(networks):
            raise ValueError(f"the deliveries are a multiple of {len(networks)}: one a network")
        return cls(
            deliveries=deliveries,
            run=uuid4().hex[:6],
            networks=networks,
            posts_of_a_user=posts_of_a_user,
            users_of_a_workspace=users_of_a_workspace,
        )

    @property
    def users(self) -> list[User]:
        """As many as it takes."""
        return [self._user(n) for n in range(ceil(self._posts / self.posts_of_a_user))]

    @property
    def workspaces(self) -> list[str]:
        """Their names."""
        return sorted({user.workspace for user in self.users})

    def posts(self) -> Iterator[LoadPost]:
        """One of each user, then the next of each: no order that would serve anybody."""
        users = self.users
        for number in range(self._posts):
            user = users[number % len(users)]
            yield LoadPost(user=user, networks=self.networks, mark=f"{self.run}-{number}")

    @property
    def expected(self) -> frozenset[tuple[str, str]]:
        """Each delivery by network and mark."""
        return frozenset((network, post.mark) for post in self.posts() for network in self.networks)

    @property
    def _posts(self) -> int:
        return self.deliveries // len(self.networks)

    def _user(self, number: int) -> User:
        workspace = f"{self.run}-{number // self.users_of_a_workspace}"
        return User(handle=f"user{self.run}{number}", workspace=workspace)


def mark_in(text: str) -> str:
    """What stands in the last brackets."""
    return text.rpartition("[")[2].partition("]")[0]
