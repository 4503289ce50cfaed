"""JSON as it crosses sockets and the links between processes."""

from typing import Any, Final
from uuid import UUID

import orjson


class _Json:
    """The two functions of the `json` module that Socket.IO calls, by a faster library.

    UUIDs and datetimes become strings. Raises ValueError for what is not JSON.
    """

    @staticmethod
    def dumps(value: Any, **_: Any) -> str:
        """The value as text; the options of the slower library are what this one does anyway."""
        return orjson.dumps(value, default=_plain, option=orjson.OPT_UTC_Z).decode()

    @staticmethod
    def loads(text: str | bytes) -> Any:
        """The value of the text."""
        return orjson.loads(text)


def _plain(value: Any) -> str:
    """The database driver's UUIDs are a class of their own."""
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


WIRE: Final = _Json()
