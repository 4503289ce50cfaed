"""What a Bluesky post refers to, brought to the server or looked up there ahead of it."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from networks.errors import ContentRefused
from networks.exchange import Dialect
from networks.http_client import HttpClient, Response
from networks.protocol import MediaFile


class BlueskyPreparation:
    """Uploads images and looks up mentioned handles."""

    def __init__(self, http: HttpClient, bluesky: Dialect, *, upload_timeout: timedelta) -> None:
        """Calls over that client."""
        self._http = http
        self._bluesky = bluesky
        self._upload_timeout = upload_timeout

    async def upload(self, service: str, token: str, media: MediaFile) -> Mapping[str, Any]:
        """The server's reference to the image; it drops images that no post refers to soon."""
        request = self._http.request(
            "POST",
            f"{service}/xrpc/com.atproto.repo.uploadBlob",
            bearer=token,
            headers={"content-type": media.content_type},
            content=await media.read(),
            timeout=self._upload_timeout,
        )
        return await self._bluesky.look("upload", request, _blob, withheld=(token,))

    async def dids(self, service: str, token: str, handles: Iterable[str]) -> dict[str, str]:
        """By handle, the accounts behind those that exist."""
        found = {handle: await self._did(service, token, handle) for handle in handles}
        return {handle: did for handle, did in found.items() if did is not None}

    async def _did(self, service: str, token: str, handle: str) -> str | None:
        request = self._http.request(
            "GET",
            f"{service}/xrpc/com.atproto.identity.resolveHandle",
            query={"handle": handle},
            bearer=token,
        )
        try:
            return await self._bluesky.look("resolve_handle", request, _did, withheld=(token,))
        except ContentRefused:
            return None


def _did(response: Response) -> str:
    return str(response.object["did"])


def _blob(response: Response) -> Mapping[str, Any]:
    blob = response.object["blob"]
    if not isinstance(blob, dict) or "ref" not in blob:
        raise ValueError("no reference to the blob")
    return blob
