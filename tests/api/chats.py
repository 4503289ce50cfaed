"""People talking over HTTP, for tests of conversations."""

from typing import Any
from uuid import UUID, uuid4

import httpx

from tests.api.conftest import Person


class Chat:
    """Conversations as clients have them; answers are bodies of what went well."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        """`client` speaks to the API under test."""
        self.client = client

    async def direct(self, one: Person, other: Person) -> str:
        """The id of the conversation of the two."""
        body = {"user_id": str(other.user_id)}
        answer = await self.client.post(
            "/v1/chat/conversations/direct", headers=one.headers, json=body
        )
        assert answer.status_code in {200, 201}, answer.text
        return str(answer.json()["id"])

    async def group(self, owner: Person, *others: Person, title: str = "Bakers") -> str:
        """The id of a new group."""
        body = {"title": title, "user_ids": [str(one.user_id) for one in others]}
        answer = await self.client.post(
            "/v1/chat/conversations/groups", headers=owner.headers, json=body
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def try_to_send(
        self, sender: Person, conversation: str, text: str = "", **more: Any
    ) -> httpx.Response:
        """Send, whatever is answered."""
        body = {"client_id": uuid4().hex, "text": text, **more}
        return await self.client.post(
            f"/v1/chat/conversations/{conversation}/messages", headers=sender.headers, json=body
        )

    async def send(
        self, sender: Person, conversation: str, text: str = "", **more: Any
    ) -> dict[str, Any]:
        """The message that was sent."""
        answer = await self.try_to_send(sender, conversation, text, **more)
        assert answer.status_code == 201, answer.text
        sent: dict[str, Any] = answer.json()
        return sent

    async def ask(self, method: str, path: str, who: Person, **options: Any) -> httpx.Response:
        """Any other request, under /v1/chat."""
        return await self.client.request(method, f"/v1/chat{path}", headers=who.headers, **options)

    async def read(self, path: str, who: Person, **query: Any) -> Any:
        """What is there."""
        answer = await self.ask("GET", path, who, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def events(
        self, who: Person, conversation: str, after: int = 0, limit: int = 100
    ) -> dict[str, Any]:
        """What happened after an event."""
        found: dict[str, Any] = await self.read(
            f"/conversations/{conversation}/events", who, after=after, limit=limit
        )
        return found


def ids(*people: Person) -> list[UUID]:
    """Whose ids these are."""
    return [person.user_id for person in people]
