"""Names of rooms: who hears what."""

from uuid import UUID


def user_room(user_id: UUID) -> str:
    """Every socket of one person."""
    return f"user:{user_id}"


def session_room(session_id: UUID) -> str:
    """Every socket of one sign-in."""
    return f"session:{session_id}"


def conversation_room(conversation_id: UUID) -> str:
    """The sockets of a conversation's members."""
    return f"conversation:{conversation_id}"


def presence_room(user_id: UUID) -> str:
    """Sockets that want to know whether that person is there."""
    return f"presence:{user_id}"
