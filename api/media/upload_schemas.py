"""What is said about files that go straight to the media store."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.media.schemas import AltText
from api.texts import Name
from storage.media_store import UploadLink
from storage.media_uploads import Announced, MediaUpload


class UploadType(StrEnum):
    """Types of pictures that are taken."""

    GIF = "image/gif"
    JPEG = "image/jpeg"
    PNG = "image/png"
    WEBP = "image/webp"


class NewUpload(BaseModel):
    """A picture that is about to be sent."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"file_name": "rolls.jpg", "content_type": "image/jpeg", "size": 482133}]
        },
    )

    file_name: Name
    content_type: Annotated[
        UploadType, Field(description="What is in the file: it is looked at when it is there.")
    ]
    size: Annotated[int, Field(ge=1, lt=2**63, description="Bytes, exactly.")]
    sha256: Annotated[
        str | None,
        Field(
            pattern=r"^[0-9a-f]{64}$",
            description="Of the bytes, in hexadecimal; sent, it has to fit what arrives.",
        ),
    ] = None
    alt_text: AltText = ""

    def announced(self) -> Announced:
        """As it is kept."""
        return Announced(
            file_name=self.file_name,
            content_type=self.content_type.value,
            size=self.size,
            sha256=bytes.fromhex(self.sha256) if self.sha256 else None,
            alt_text=self.alt_text,
        )


class UploadShown(BaseModel):
    """Where to send the picture. When it was sent, say that it is complete."""

    id: UUID
    method: Annotated[str, Field(examples=["PUT"])]
    url: Annotated[str, Field(description="The permission is in it: no token goes with it.")]
    headers: Annotated[
        dict[str, str],
        Field(
            description="What to send along, exactly. Browsers set Content-Length by themselves.",
            examples=[{"Content-Type": "image/jpeg", "Content-Length": "482133"}],
        ),
    ]
    expires_at: Annotated[datetime, Field(description="Until then it may be sent and completed.")]

    @classmethod
    def of(cls, upload: MediaUpload, link: UploadLink) -> Self:
        """As it is shown."""
        return cls(
            id=upload.id,
            method="PUT",
            url=link.url,
            headers=link.headers,
            expires_at=upload.expires_at,
        )
