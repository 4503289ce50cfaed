"""Looking what is new."""

from locust import task

from bench.social.answers import require
from bench.social.person import Person


class NotificationActs(Person):
    """Reads them, and says so."""

    abstract = True

    @task(8)
    def list_notifications(self) -> None:
        """The first page."""
        with self.timed("notifications", "list"):
            told = self.ask("GET", "/v1/notifications")["items"]
            places = [one["position"] for one in told]
            require(places == sorted(set(places), reverse=True), "not latest first")

    @task(6)
    def count_notifications(self) -> None:
        """The number beside the bell."""
        with self.timed("notifications", "unread"):
            require(self.ask("GET", "/v1/notifications/unread")["unread"] >= 0, "no number")

    @task(2)
    def read_notifications(self) -> None:
        """All of them."""
        with self.timed("notifications", "read"):
            require(self.ask("POST", "/v1/notifications/read", {})["unread"] >= 0, "no number")
