"""One person's Socket.IO connection, by the library's own client."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import socketio
from socketio.exceptions import SocketIOError

from bench.social.answers import WrongAnswer, require

ANSWER_SECONDS: Final = 60

Hear = Callable[[str, str], None]
"""Gets the client's name and the text of a message."""


class LiveSocket:
    """Connects once: whoever is disconnected stays so, and that is an error."""

    def __init__(self, *, hear: Hear, lost: Callable[[str], None]) -> None:
        """`hear` is told of each message, `lost` of an end that we did not want."""
        self._hear = hear
        self._lost = lost
        self._is_ours_to_end = False
        self._client = socketio.Client(
            reconnection=False, handle_sigint=False, request_timeout=ANSWER_SECONDS
        )
        self._client.on("chat.event", self._happened)
        self._client.on("disconnect", self._disconnected)

    def open(self, api: str, token: str) -> None:
        """Connect. Raises WrongAnswer."""
        try:
            self._client.connect(
                api,
                auth={"token": token},
                transports=["websocket"],
                wait_timeout=ANSWER_SECONDS,
            )
        except SocketIOError as error:
            raise WrongAnswer(f"no connection: {error}") from error

    def ask(self, event: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the event is acknowledged with. Raises WrongAnswer."""
        try:
            answer = self._client.call(event, dict(payload), timeout=ANSWER_SECONDS)
        except SocketIOError as error:
            raise WrongAnswer(f"{type(error).__name__} {error}") from error
        require(isinstance(answer, dict) and answer.get("ok") is True, f"refused: {answer}")
        acknowledged: Mapping[str, Any] = answer
        return acknowledged

    def close(self) -> None:
        """For good."""
        self._is_ours_to_end = True
        if self._client.connected:
            self._client.disconnect()

    def _happened(self, event: Mapping[str, Any]) -> None:
        if event["kind"] == "message_sent":
            self._hear(event["message"]["client_id"], event["message"]["text"])

    def _disconnected(self, reason: str) -> None:
        if not self._is_ours_to_end:
            self._lost(reason)
