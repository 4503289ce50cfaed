"""Getting a photo or video from the address that a post names, as Facebook and Instagram do."""

from datetime import timedelta

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import PyreqwestError, RequestTimeoutError


class FetchFailed(Exception):
    """The address gave no file."""


class FetchTimedOut(FetchFailed):
    """The address did not answer in time."""


class MediaFetcher:
    """One HTTP client, built with the first fetch."""

    def __init__(self, timeout_seconds: float) -> None:
        self._timeout = timedelta(seconds=timeout_seconds)
        self._client: Client | None = None

    async def fetch(self, url: str) -> bytes:
        if not url.startswith(("http://", "https://")):
            raise FetchFailed(f"not an HTTP address: {url}")
        if self._client is None:
            self._client = ClientBuilder().timeout(self._timeout).error_for_status(True).build()
        try:
            response = await self._client.get(url).build().send()
            return bytes(await response.bytes())
        except RequestTimeoutError as error:
            raise FetchTimedOut(str(error)) from error
        except PyreqwestError as error:
            raise FetchFailed(str(error)) from error

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None
