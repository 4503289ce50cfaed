"""The ground truth: everything that is public, in the order in which it became public."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

from sandbox.clock import rfc3339
from sandbox.journal import Event, Journal

Kind = Literal["post", "comment", "reply"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicMedia:
    """One image or video as shown with a post."""

    id: str
    sha256: str
    content_type: str
    alt_text: str | None


@dataclass(slots=True, kw_only=True)
class PublicEntry:
    """One post, comment or reply.

    `anchor` is its name within the account's page, `extra` what its network keeps with the text.
    `received_at` is when the request arrived, `public_at` when the entry could first be seen.
    """

    sequence: int
    network: str
    account_id: str
    handle: str
    id: str
    kind: Kind
    text: str
    parent_id: str | None
    media: tuple[PublicMedia, ...]
    extra: dict[str, Any]
    anchor: str
    received_at: datetime
    public_at: datetime
    deleted_at: datetime | None = None
    comments: list["PublicEntry"] = field(default_factory=list, repr=False)


class Ledger:
    """Takes note of what becomes public and finds it again."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._watchers: dict[str, Callable[[PublicEntry], None]] = {}
        self._forgetters: list[Callable[[], None]] = []
        self.clear()
        journal.on("publish", self._apply_publish)
        journal.on("change", self._apply_change)
        journal.on("delete", self._apply_delete)

    def clear(self) -> None:
        self.entries: list[PublicEntry] = []
        self._by_id: dict[tuple[str, str], PublicEntry] = {}
        self._by_account: dict[tuple[str, str], list[PublicEntry]] = {}
        for forget in self._forgetters:
            forget()

    def watch(
        self,
        network: str,
        remember: Callable[[PublicEntry], None],
        forget: Callable[[], None],
    ) -> None:
        """Call `remember` with each entry of a network, replayed ones too; `forget` clears."""
        self._watchers[network] = remember
        self._forgetters.append(forget)

    def publish(
        self,
        *,
        network: str,
        account_id: str,
        handle: str,
        entry_id: str,
        kind: Kind,
        text: str,
        received_at: datetime,
        public_at: datetime,
        parent_id: str | None = None,
        media: tuple[PublicMedia, ...] = (),
        extra: dict[str, Any] | None = None,
        anchor: str | None = None,
    ) -> PublicEntry:
        event = {
            "sequence": len(self.entries) + 1,
            "network": network,
            "account_id": account_id,
            "handle": handle,
            "id": entry_id,
            "kind": kind,
            "text": text,
            "parent_id": parent_id,
            "media": [asdict(item) for item in media],
            "extra": extra or {},
            "anchor": anchor or entry_id,
            "received_at": rfc3339(received_at),
            "public_at": rfc3339(public_at),
        }
        self._journal.record("publish", event)
        return self.entries[-1]

    def change(self, entry: PublicEntry, *, text: str, extra: dict[str, Any]) -> None:
        self._journal.record(
            "change", {"network": entry.network, "id": entry.id, "text": text, "extra": extra}
        )

    def delete(self, entry: PublicEntry, at: datetime) -> None:
        self._journal.record(
            "delete", {"network": entry.network, "id": entry.id, "at": rfc3339(at)}
        )

    def get(self, network: str, entry_id: str) -> PublicEntry | None:
        entry = self._by_id.get((network, entry_id))
        return None if entry is None or entry.deleted_at else entry

    def newest_first(self, network: str, account_id: str) -> Iterator[PublicEntry]:
        for entry in reversed(self._by_account.get((network, account_id), [])):
            if entry.deleted_at is None:
                yield entry

    def _apply_publish(self, event: Event) -> None:
        entry = PublicEntry(
            **{
                **event,
                "media": tuple(PublicMedia(**item) for item in event["media"]),
                "received_at": datetime.fromisoformat(event["received_at"]),
                "public_at": datetime.fromisoformat(event["public_at"]),
            }
        )
        self.entries.append(entry)
        self._by_id[entry.network, entry.id] = entry
        self._by_account.setdefault((entry.network, entry.account_id), []).append(entry)
        parent = self._by_id.get((entry.network, entry.parent_id or ""))
        if parent is not None:
            parent.comments.append(entry)
        if watcher := self._watchers.get(entry.network):
            watcher(entry)

    def _apply_change(self, event: Event) -> None:
        entry = self._by_id[event["network"], event["id"]]
        entry.text, entry.extra = event["text"], event["extra"]

    def _apply_delete(self, event: Event) -> None:
        entry = self._by_id[event["network"], event["id"]]
        entry.deleted_at = datetime.fromisoformat(event["at"])
