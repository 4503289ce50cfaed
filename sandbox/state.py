"""Everything that the networks of one sandbox share."""

from collections import Counter

from sandbox.accounts import Accounts
from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.fetching import MediaFetcher
from sandbox.identifiers import Identifiers
from sandbox.journal import Journal
from sandbox.ledger import Ledger
from sandbox.limits import Windows
from sandbox.mails import Mails
from sandbox.media_store import MediaStore
from sandbox.settings import Settings
from sandbox.uploads import Uploads


class State:
    """What is known, and the journal that brings it back after a restart."""

    def __init__(self, settings: Settings) -> None:
        data = settings.data
        self.settings = settings
        self.journal = Journal(None if data is None else data / "journal.jsonl")
        self.clock = Clock(self.journal)
        self.accounts = Accounts(self.journal, self.clock)
        self.ledger = Ledger(self.journal)
        self.uploads = Uploads(self.journal)
        self.media = MediaStore(None if data is None else data / "media")
        self.mails = Mails(self.journal, self.clock)
        self.faults = Faults()
        self.windows = Windows()
        self.identifiers = Identifiers()
        self.fetcher = MediaFetcher(settings.fetch_timeout_seconds)
        self.requests: Counter[tuple[str, str, str]] = Counter()

    def clear(self) -> None:
        self.journal.clear()
        self.clock.clear()
        self.accounts.clear()
        self.ledger.clear()
        self.uploads.clear()
        self.media.clear()
        self.mails.clear()
        self.faults.clear()
        self.windows.clear()
        self.requests.clear()
