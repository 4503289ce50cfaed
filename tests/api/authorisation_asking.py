"""Sends what entries of the authorisation matrix say, and notes what was wrong with the answers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import httpx

from tests.api.authorisation_entries import Actor, Entry
from tests.api.authorisation_things import Things


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What is sent, whoever sends it."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str | bytes]
    json: Any
    content: str | bytes | None
    files: Mapping[str, Any] | None

    def but(self, **different: Any) -> "Request":
        """The same, with something different."""
        return replace(self, **different)

    async def send(self, client: httpx.AsyncClient, carried: Mapping[str, str]) -> httpx.Response:
        """The answer to whom these headers are of."""
        headers: dict[str, str | bytes] = {**carried, **self.headers}
        content = self.content
        if self.json is not None:
            headers["content-type"] = "application/json"
            content = json.dumps(self.json)
        return await client.request(
            self.method,
            self.path,
            params=dict(self.query),
            headers=[(name.encode(), _as_bytes(value)) for name, value in headers.items()],
            content=content,
            files=self.files,
        )


def _as_bytes(said: str | bytes) -> bytes:
    return said if isinstance(said, bytes) else said.encode()


def request_of(operation: str, entry: Entry, things: Things) -> Request:
    """The request of that entry, about what there is."""
    names, wanted = things.names, entry.wanted
    method, path = operation.split(" ")
    in_path = names | {name: names[told] for name, told in wanted.where.items()}
    headers, content = dict(wanted.headers), wanted.body and wanted.body.format_map(names)
    if wanted.picture or content:
        headers["content-type"] = "image/png" if wanted.picture else "text/csv"
    return Request(
        method=method,
        path=path.format_map(in_path),
        query=_filled(wanted.query, names),
        headers=headers,
        json=_filled(wanted.json, names),
        content=things.picture if wanted.picture else content,
        files={"file": ("bread.png", things.picture, "image/png")} if wanted.form else None,
    )


class Asking:
    """Sends the requests of entries, and says what was wrong with the answers."""

    def __init__(self, things: Things) -> None:
        """`things` is what they are about."""
        self._things = things
        self._secrets = things.secrets
        self.wrong: list[str] = []

    async def refuse(self, operation: str, entry: Entry, actor: Actor, status: int) -> None:
        """They are turned away with that status, and told nothing."""
        answer, asked = await self.ask(operation, entry, actor)
        told = answer.headers.get("content-type")
        self._note(operation, actor, answer.status_code == status, answer, f"not {status}")
        if answer.status_code == status:
            good = told == "application/problem+json" and answer.json()["status"] == status
            self._note(operation, actor, good, answer, f"told as {told}")
        self._note_secrets(operation, actor, answer, asked)

    async def show_nothing(self, operation: str, entry: Entry, actor: Actor) -> None:
        """They are answered, and read nothing of the owner's."""
        answer, asked = await self.ask(operation, entry, actor)
        let_in = answer.status_code not in {401, 403}
        self._note(operation, actor, let_in, answer, "though they may ask")
        self._note_secrets(operation, actor, answer, asked)

    async def let_in(self, operation: str, entry: Entry, actor: Actor, *, first: bool) -> None:
        """They are not turned away; the first comes to what the request is for."""
        answer, _ = await self.ask(operation, entry, actor)
        status, expected = answer.status_code, entry.wanted.answers
        self._note(operation, actor, status not in {401, 403}, answer, "though they may")
        if first:
            done = answer.is_success if expected is None else status == expected
            self._note(operation, actor, done, answer, f"not {expected or 'a success'}")

    async def ask(self, operation: str, entry: Entry, actor: Actor) -> tuple[httpx.Response, str]:
        """The answer, and all that the request said."""
        request = request_of(operation, entry, self._things)
        carried = await self._things.cast.headers(actor, entry)
        answer = await request.send(self._things.cast.client, carried)
        return answer, f"{request} {carried}"

    def _note(
        self, operation: str, actor: Actor, good: bool, answer: httpx.Response, why: str
    ) -> None:
        if not good:
            told = f"{answer.status_code}, {why}: {answer.text[:300]}"
            self.wrong.append(f"{operation} by {actor}: {told}")

    def _note_secrets(
        self, operation: str, actor: Actor, answer: httpx.Response, asked: str
    ) -> None:
        for secret in self._secrets:
            if secret in answer.text and secret not in asked:
                self.wrong.append(f"{operation} by {actor}: the answer names {secret}")


def _filled(said: Any, names: dict[str, str]) -> Any:
    """The same, with objects in place of their names."""
    match said:
        case str():
            return said.format_map(names)
        case dict():
            return {name: _filled(value, names) for name, value in said.items()}
        case list():
            return [_filled(value, names) for value in said]
    return said
