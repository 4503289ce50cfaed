"""What is said about media."""

from datetime import datetime
from typing import Annotated, Any, Final, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.texts import PlainText
from storage.media import Media

AltText = Annotated[
    PlainText,
    Field(
        max_length=5000,
        description="What the picture shows, for those who do not see it.",
        examples=["A tray of cinnamon rolls, fresh from the oven"],
    ),
]


class UploadFields(BaseModel):
    """What may come with a file."""

    model_config = ConfigDict(extra="forbid")

    alt_text: AltText = ""


class MediaChange(BaseModel):
    """Another alt text; posts that were written with the old one keep it."""

    model_config = ConfigDict(extra="forbid")

    alt_text: AltText


class MediaShown(BaseModel):
    """An uploaded picture."""

    id: UUID
    file_name: Annotated[
        str, Field(description="As it was uploaded; it decides nothing.", examples=["rolls.jpg"])
    ]
    content_type: Annotated[str, Field(description="Found in the bytes.", examples=["image/jpeg"])]
    size: Annotated[int, Field(description="Bytes.", examples=[482133])]
    width: Annotated[int, Field(description="Pixels, as the picture is seen.", examples=[1600])]
    height: Annotated[int, Field(description="Pixels, as the picture is seen.", examples=[1200])]
    alt_text: str
    sha256: Annotated[str, Field(description="Of the bytes, in hexadecimal.")]
    url: Annotated[str, Field(description="Shows the picture for an hour, without an API key.")]
    created_at: datetime

    @classmethod
    def of(cls, media: Media, url: str) -> Self:
        """As it is shown."""
        return cls(
            id=media.id,
            file_name=media.file_name,
            content_type=media.content_type,
            size=media.size,
            width=media.width,
            height=media.height,
            alt_text=media.alt_text,
            sha256=media.sha256.hex(),
            url=url,
            created_at=media.created_at,
        )


UPLOAD_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": "JPEG, PNG, GIF or WebP, whatever its name says.",
                        },
                        "alt_text": {
                            "type": "string",
                            "maxLength": 5000,
                            "example": "A tray of cinnamon rolls, fresh from the oven",
                        },
                    },
                }
            }
        },
    }
}
"""The upload's documentation: the body is read by hand, so FastAPI does not know it."""
