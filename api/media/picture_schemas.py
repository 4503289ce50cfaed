"""How pictures are linked where others see them."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, Field

from domain.pictures import PictureSizeName
from storage.media_links import MediaLinks

PictureWidth = Annotated[
    int | None,
    Field(
        description="Pixels, upright and in full; every size has the same shape. Null for a"
        " picture that is gone.",
        examples=[1600],
    ),
]
PictureHeight = Annotated[int | None, Field(description="See `width`.", examples=[1200])]


class PictureUrls(BaseModel):
    """A picture in the sizes that others see: upright, WebP, without what the camera knew.

    The links work for a week at least, without a token, and stay the same for as long: cache them.
    Within the first moments after an upload they answer 503 with Retry-After.
    """

    small: Annotated[str, Field(description="320 pixels at most.")]
    medium: Annotated[str, Field(description="800 pixels at most.")]
    large: Annotated[str, Field(description="1600 pixels at most.")]

    @classmethod
    def of(cls, media_id: UUID, links: MediaLinks) -> Self:
        """Made without looking anything up: every picture has the same sizes."""
        return cls(**links.picture_urls(media_id, PictureSizeName))


def avatar_url(media_id: UUID | None, links: MediaLinks) -> str | None:
    """A small picture of somebody, if they have one."""
    if media_id is None:
        return None
    return links.picture_urls(media_id, [PictureSizeName.SMALL])[PictureSizeName.SMALL]
