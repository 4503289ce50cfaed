"""How often a subject may do something, in all processes together."""

from cache.key_value_store import KeyValueStore
from cache.rates import Admission, Rate


class RateLimiter:
    """The generic cell rate algorithm: a whole window's limit at once, then a steady pace.

    It keeps one number for each subject, however high the limit; decides exactly and in one step;
    has no window's edge at which everybody comes back at once; names the very moment at which
    there is room again; and does not count what it refuses, so that an impatient caller is served
    at the steady pace and not locked out. A sliding log would need an entry for each request, and
    a sliding counter only estimates. After a rest, the first window may thus see up to twice
    the limit: what was saved up, and what comes in meanwhile.
    """

    def __init__(self, store: KeyValueStore, *, name: str, rate: Rate) -> None:
        """`name` is what is limited; limiters of the same name and store share their counts."""
        self._store = store
        self._name = name
        self.rate = rate

    async def admit(self, subject: str) -> Admission:
        """Count one more of the subject if there is room. Raises StoreUnavailable."""
        return await self._store.admit(f"rate:{self._name}:{subject}", self.rate)
