"""Writing posts, now and for later, and what people do with others' posts."""

from datetime import UTC, datetime, timedelta
from typing import Final

from locust import task

from bench.social.answers import require
from bench.social.person import Person, one_of

AHEAD: Final = timedelta(seconds=10)
"""How long before its publish time a post is scheduled: it goes out while the round goes on."""


class PostActs(Person):
    """Looks after each write whether it shows."""

    abstract = True

    @task(3)
    def publish(self) -> None:
        """A post that has to be in one's own home feed at once."""
        text = f"Rye is out of the oven. #bread {self.new_name()}"
        with self.timed("posts", "publish"):
            post = self.ask("POST", "/v1/feed/posts", {"text": text}, status=201)
            require(post["text"] == text, "another text")
        with self.timed("feed", "home, own post"):
            entries = self.ask("GET", "/v1/feed/home")["items"]
            shown = {entry["post"]["id"] for entry in entries}
            require(post["id"] in shown, "one's own post is not there")

    @task(2)
    def schedule(self) -> None:
        """A post of the workspace's page; whether it goes out is asked of the database later."""
        with self.timed("posts", "schedule"):
            wanted = {
                "text": f"We open at seven. {self.new_name()}",
                "targets": [self.resident.account_id],
                "publish_at": (datetime.now(UTC) + AHEAD).isoformat(),
            }
            workspace = {"X-Workspace": self.resident.workspace_id}
            post = self.ask("POST", "/v1/posts", wanted, status=201, headers=workspace)
            require(post["status"] == "scheduled", f"it is {post['status']}")

    @task(8)
    def like(self) -> None:
        """Then look at the post."""
        post_id = one_of(self.posts)
        with self.timed("posts", "like"):
            self.ask("PUT", f"/v1/feed/posts/{post_id}/like", status=204)
        with self.timed("posts", "show"):
            post = self.ask("GET", f"/v1/feed/posts/{post_id}")
            require(post["marks"]["liked"] and post["like_count"], "one's own like is not there")

    @task(3)
    def comment(self) -> None:
        """Then read the comments."""
        path = f"/v1/feed/posts/{one_of(self.posts)}/comments"
        with self.timed("posts", "comment"):
            comment = self.ask("POST", path, {"text": "Which flour is it?"}, status=201)
        with self.timed("posts", "comments"):
            shown = {one["id"] for one in self.ask("GET", path)["items"]}
            require(comment["id"] in shown, "one's own comment is not there")

    @task(2)
    def bookmark(self) -> None:
        """Then read the bookmarks."""
        post_id = one_of(self.posts)
        with self.timed("posts", "bookmark"):
            self.ask("PUT", f"/v1/feed/posts/{post_id}/bookmark", status=204)
        with self.timed("posts", "bookmarks"):
            kept = {post["id"] for post in self.ask("GET", "/v1/feed/bookmarks")["items"]}
            require(post_id in kept, "one's own bookmark is not there")

    @task(4)
    def look_closer(self) -> None:
        """One post of the home feed."""
        post_id = one_of(self.posts)
        with self.timed("posts", "show"):
            require(self.ask("GET", f"/v1/feed/posts/{post_id}")["id"] == post_id, "another post")
