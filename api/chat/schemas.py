"""Messages, over HTTP and over sockets alike."""

from datetime import datetime
from typing import Annotated, Final, Self
from uuid import UUID

import regex
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from api.media.picture_schemas import PictureHeight, PictureUrls, PictureWidth
from api.texts import PlainText
from domain.conversations import MEDIA_AT_MOST, TEXT_AT_MOST
from storage.chat.messages import Message
from storage.media import Shape
from storage.media_links import MediaLinks

_PICTURES: Final = regex.compile(r"\p{Extended_Pictographic}|\p{Regional_Indicator}|\u20E3")
_ONE_CHARACTER: Final = regex.compile(r"\X")


class NotAnEmoji(ValueError):
    """Something else, or more than one."""

    rule = "not_an_emoji"
    fix = "Send one emoji."


def _require_emoji(text: str) -> str:
    if not (_ONE_CHARACTER.fullmatch(text) and _PICTURES.search(text)):
        raise NotAnEmoji("This is not one emoji.")
    return text


Emoji = Annotated[
    str, Field(min_length=1, max_length=35, examples=["👍"]), AfterValidator(_require_emoji)
]
"""One emoji, whatever it is made of."""

MessageText = Annotated[PlainText, Field(max_length=TEXT_AT_MOST)]

Seq = Annotated[int, Field(ge=0, lt=2**63, examples=[41])]


class Asked(BaseModel):
    """What is sent; nothing that is not known here."""

    model_config = ConfigDict(extra="forbid")


class NewMessageBody(Asked):
    """A message on its way; it has a text, or media, or both."""

    client_id: Annotated[
        str,
        Field(
            min_length=1,
            max_length=64,
            pattern=r"^[A-Za-z0-9_.-]+$",
            description="Your own name for the message, such as a UUID. Sent again under the same"
            " name, the message that was sent first is answered, and nothing is sent twice.",
        ),
    ]
    text: MessageText = ""
    media_ids: Annotated[
        list[UUID], Field(max_length=MEDIA_AT_MOST, description="Media items of your own.")
    ] = []
    reply_to: Annotated[UUID | None, Field(description="A message of this conversation.")] = None

    @model_validator(mode="after")
    def _require_content(self) -> Self:
        if not self.text.strip() and not self.media_ids:
            raise ValueError("A message needs a text or media.")
        return self


class MessageChange(Asked):
    """Another text."""

    text: Annotated[MessageText, Field(min_length=1)]


class Marks(Asked):
    """How far the caller has received and read; what is left out stays. Marks never go back."""

    delivered_seq: Seq | None = None
    read_seq: Seq | None = None


class ReactionShown(BaseModel):
    """One emoji, and who put it there."""

    emoji: str
    user_ids: list[UUID]


class ChatMedia(BaseModel):
    """A picture in a message."""

    media_id: UUID
    width: PictureWidth
    height: PictureHeight
    urls: PictureUrls

    @classmethod
    def of(cls, media_id: UUID, shape: Shape | None, links: MediaLinks) -> Self:
        """As it is shown."""
        return cls(
            media_id=media_id,
            width=shape and shape.width,
            height=shape and shape.height,
            urls=PictureUrls.of(media_id, links),
        )


class MessageShown(BaseModel):
    """One message, as it is now. Of a deleted one only its place is left."""

    id: UUID
    conversation_id: UUID
    seq: Annotated[Seq, Field(description="Its place in the conversation, the same for everyone.")]
    sender_id: UUID
    client_id: str
    text: str
    media: list[ChatMedia]
    reply_to: UUID | None
    reactions: list[ReactionShown]
    changed_seq: Annotated[
        Seq, Field(description="Event that changed it last: of two versions the higher is newer.")
    ]
    sent_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None

    @classmethod
    def of(cls, message: Message, links: MediaLinks) -> Self:
        """As it is shown."""
        return cls(
            id=message.id,
            conversation_id=message.conversation_id,
            seq=message.seq,
            sender_id=message.sender_id,
            client_id=message.client_id,
            text=message.text,
            media=[
                ChatMedia.of(media_id, message.shapes.get(media_id), links)
                for media_id in message.media_ids
            ],
            reply_to=message.reply_to,
            reactions=[
                ReactionShown(emoji=emoji, user_ids=list(who)) for emoji, who in message.reactions
            ],
            changed_seq=message.changed_seq,
            sent_at=message.sent_at,
            edited_at=message.edited_at,
            deleted_at=message.deleted_at,
        )
