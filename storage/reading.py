"""Statements that read, straight through the driver: what every request asks has to be cheap.

SQLAlchemy makes a statement and its rows for several times of what the database needs to answer.
So a statement that never changes is put into the driver's words once.
"""

from typing import Any

import asyncpg
from sqlalchemy import Select
from sqlalchemy.dialects.postgresql import asyncpg as dialect


class FixedRead:
    """A query that is asked again and again with other values."""

    def __init__(self, query: Select[*tuple[Any, ...]]) -> None:
        """Its values are its named parameters."""
        made = query.compile(dialect=dialect.dialect())  # type: ignore[no-untyped-call]
        self.statement = str(made)
        """As PostgreSQL reads it, with $1, $2 … for the parameters."""
        self._values = {
            name: value for name, value in made.params.items() if not made.binds[name].required
        }
        self._order = tuple(made.positiontup or ())

    def arguments(self, **values: object) -> list[Any]:
        """The values in the statement's order. Raises LookupError for one that is lacking."""
        known = {**self._values, **values}
        return [known[name] for name in self._order]


class Reader:
    """A connection on which each statement is a transaction of its own."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        """The connection is somebody else's to close."""
        self._connection = connection

    async def rows(self, query: FixedRead, **values: object) -> list[asyncpg.Record]:
        """What is committed at this moment."""
        found: list[asyncpg.Record] = await self._connection.fetch(
            query.statement, *query.arguments(**values)
        )
        return found
