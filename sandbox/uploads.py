"""What accounts have handed in and not published yet: media, photos, Instagram containers."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sandbox.clock import rfc3339
from sandbox.journal import Event, Journal
from sandbox.ledger import PublicMedia

State = Literal["receiving", "processing", "ready", "failed", "used"]


@dataclass(slots=True, kw_only=True)
class Upload:
    """One uploaded thing.

    `polls` looks at it answer "processing" (None: every look), then it `fails` or is ready.
    """

    network: str
    account_id: str
    id: str
    state: State
    created_at: datetime
    sha256: str = ""
    content_type: str = ""
    size: int = 0
    alt_text: str | None = None
    polls: int | None = 0
    looks: int = 0
    fails: bool = False
    details: dict[str, Any] = field(default_factory=dict)

    def as_media(self) -> PublicMedia:
        return PublicMedia(
            id=self.id, sha256=self.sha256, content_type=self.content_type, alt_text=self.alt_text
        )


class Uploads:
    """Finds uploads by network and id; each change to one is written down."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._by_id: dict[tuple[str, str], Upload] = {}
        journal.on("upload", self._apply)

    def clear(self) -> None:
        self._by_id.clear()

    def save(self, upload: Upload) -> None:
        event = {name: getattr(upload, name) for name in Upload.__slots__}
        self._journal.record("upload", {**event, "created_at": rfc3339(upload.created_at)})

    def get(self, network: str, upload_id: str) -> Upload | None:
        return self._by_id.get((network, upload_id))

    def poll(self, upload: Upload) -> Upload:
        """One look at the state: each look brings something that is processing one step further."""
        if upload.state == "processing":
            upload.looks += 1
            if upload.polls is not None and upload.looks > upload.polls:
                upload.state = "failed" if upload.fails else "ready"
            self.save(upload)
        return upload

    def _apply(self, event: Event) -> None:
        created_at = datetime.fromisoformat(event["created_at"])
        upload = Upload(**{**event, "created_at": created_at})
        self._by_id[upload.network, upload.id] = upload
