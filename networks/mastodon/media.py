"""Bringing media to a Mastodon server ahead of the status that shows it."""

import asyncio
from datetime import timedelta

from domain.networks import Network
from networks.errors import Answer, ContentRefused, MediaNotReady, PreparationLost
from networks.exchange import Dialect
from networks.http_client import FilePart, HttpClient
from networks.protocol import MediaFile


class MastodonMedia:
    """Uploads files and waits until the server has processed them."""

    def __init__(
        self,
        http: HttpClient,
        mastodon: Dialect,
        *,
        upload_timeout: timedelta,
        poll_interval: timedelta,
        processing_limit: timedelta,
    ) -> None:
        """`processing_limit` is how long one upload may be processed before MediaNotReady."""
        self._http = http
        self._mastodon = mastodon
        self._upload_timeout = upload_timeout
        self._poll_interval = poll_interval
        self._looks = max(1, round(processing_limit / poll_interval))

    async def upload(self, instance: str, token: str, media: MediaFile) -> str:
        """The id of that file with its alt text, processed and ready to be posted."""
        file = FilePart(
            field="file",
            file_name=f"{media.media_id}.{media.content_type.rpartition('/')[2]}",
            content_type=media.content_type,
            content=await media.read(),
        )
        media_id, is_ready = await self._mastodon.look(
            "upload",
            self._http.request(
                "POST",
                f"{instance}/api/v2/media",
                bearer=token,
                form={"description": media.alt_text} if media.alt_text else None,
                files=[file],
                timeout=self._upload_timeout,
            ),
            lambda response: (str(response.object["id"]), response.status == 200),
            withheld=(media.alt_text, token),
        )
        if not is_ready:
            await self._wait_until_processed(instance, token, media_id)
        return media_id

    async def _wait_until_processed(self, instance: str, token: str, media_id: str) -> None:
        for _ in range(self._looks):
            await asyncio.sleep(self._poll_interval.total_seconds())
            if await self._is_processed(instance, token, media_id):
                return
        detail = "The Mastodon server still processes the media."
        raise MediaNotReady(Network.MASTODON, detail, answer=Answer(operation="upload_status"))

    async def _is_processed(self, instance: str, token: str, media_id: str) -> bool:
        request = self._http.request("GET", f"{instance}/api/v1/media/{media_id}", bearer=token)
        try:
            # 206 means that it goes on.
            return await self._mastodon.look(
                "upload_status", request, lambda response: response.status == 200, withheld=(token,)
            )
        except ContentRefused as error:
            if error.answer.status != 404:
                raise
            detail = "The Mastodon server lost the uploaded media."
            raise PreparationLost(Network.MASTODON, detail, answer=error.answer) from error
