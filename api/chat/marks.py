"""How far members have received and read."""

from uuid import UUID

from api.chat.access import holder, member
from api.chat.schemas import Marks
from api.chat.telling import Telling
from domain.conversations import RECEIPTS_TOLD_UP_TO
from storage.chat import receipts
from storage.chat.conversations import Membership
from storage.chat.events import ChatEvent
from storage.database import Database


class MarkService:
    """Moves one's own marks, in one transaction each; told after it."""

    def __init__(self, database: Database, telling: Telling) -> None:
        """`telling` reaches sockets."""
        self._database = database
        self._telling = telling

    async def move(self, user_id: UUID, conversation_id: UUID, marks: Marks) -> Marks:
        """Say how far one has received and read; never back, and never beyond what is there.

        What was read was also received. In small conversations it is an event, and told to
        everybody; in larger ones it is kept, and told to one's other devices.
        Raises NoSuchConversation.
        """
        event: ChatEvent | None = None
        async with self._database.transaction() as session:
            mine = await member(session, user_id, conversation_id)
            told = mine.member_count <= RECEIPTS_TOLD_UP_TO
            last = await receipts.markable(session, conversation_id)
            delivered, read = _moved(mine, marks, last)
            if (delivered, read) == (mine.delivered_seq, mine.read_seq):
                return Marks(delivered_seq=delivered, read_seq=read)
            if told:
                mine = await holder(session, user_id, conversation_id)
                delivered, read = _moved(mine, marks, last)
            if not told:
                await receipts.keep(session, mine, delivered_seq=delivered, read_seq=read)
            elif (delivered, read) != (mine.delivered_seq, mine.read_seq):
                event = await receipts.tell(session, mine, delivered_seq=delivered, read_seq=read)
        if event is not None:
            await self._telling.event(event)
        await self._telling.read([user_id], conversation_id, delivered_seq=delivered, read_seq=read)
        return Marks(delivered_seq=delivered, read_seq=read)


def _moved(mine: Membership, marks: Marks, last: int) -> tuple[int, int]:
    """(delivered, read) as the marks would have them."""
    read = max(mine.read_seq, min(marks.read_seq or 0, last))
    delivered = max(mine.delivered_seq, min(marks.delivered_seq or 0, last), read)
    return delivered, read
