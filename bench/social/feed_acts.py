"""Scrolling."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from locust import task

from bench.social.answers import require
from bench.social.person import Person, now_and_then, one_of

SCROLLED_ON: Final = 1 / 3
"""Of all looks at the home feed, how many go on to the next page."""

Entries = Sequence[Mapping[str, Any]]


class FeedActs(Person):
    """Reads the home feed most of the time."""

    abstract = True

    @task(30)
    def read_home(self) -> None:
        """The first page, and sometimes the next."""
        with self.timed("feed", "home"):
            page = self.ask("GET", "/v1/feed/home")
            entries: Entries = page["items"]
            require(entries, "an empty home feed")
            require(_each_once(entries), "a post is there twice")
            self.posts = _posts_of(entries)
        if page["next_cursor"] and now_and_then(SCROLLED_ON):
            with self.timed("feed", "home, next page"):
                further = self.ask("GET", f"/v1/feed/home?cursor={page['next_cursor']}")["items"]
                require(_each_once([*entries, *further]), "a post is on both pages")

    @task(6)
    def read_what_is_trending(self) -> None:
        """Posts."""
        with self.timed("feed", "trending posts"):
            posts = self.ask("GET", "/v1/feed/trending/posts")["items"]
            require(len({post["id"] for post in posts}) == len(posts), "a post is there twice")

    @task(2)
    def read_trending_hashtags(self) -> None:
        """Hashtags."""
        with self.timed("feed", "trending hashtags"):
            self.ask("GET", "/v1/feed/trending/hashtags")["items"]

    @task(2)
    def follow_a_hashtag(self) -> None:
        """What others wrote about the same."""
        with self.timed("feed", "hashtag"):
            posts = self.ask("GET", "/v1/feed/hashtags/bread/posts")["items"]
            require(all("#bread" in post["text"] for post in posts), "a post without the hashtag")

    @task(5)
    def look_at_somebody(self) -> None:
        """What one person published."""
        author = one_of(self.town.people)
        with self.timed("feed", "profile"):
            entries: Entries = self.ask("GET", f"/v1/feed/users/{author}/posts")["items"]
            require(entries, "an empty profile")
            require(
                all(entry["post"]["author"]["id"] == author for entry in entries),
                "somebody else's post",
            )


def _posts_of(entries: Entries) -> list[str]:
    return [entry["post"]["id"] for entry in entries]


def _each_once(entries: Entries) -> bool:
    posts = _posts_of(entries)
    return len(set(posts)) == len(posts)
