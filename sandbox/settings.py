"""What a run of the sandbox can be told from outside."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One run's choices; the defaults are what the networks do.

    `data` holds the journal and the media; None keeps everything in memory.
    `public_url` stands at the front of permalinks; None takes the address each request came to.
    `smtp_port` is where the mail server listens, on 127.0.0.1; None for none.
    `container_polls` is how often an Instagram container answers IN_PROGRESS before FINISHED.
    `video_polls` is the same for videos on every network.
    """

    data: Path | None = None
    public_url: str | None = None
    smtp_port: int | None = None
    latency_seconds: float = 0.0
    container_polls: int = 1
    video_polls: int = 1
    rate_limits: bool = True
    x_duplicate_window_seconds: float = 86_400.0
    fetch_timeout_seconds: float = 10.0
