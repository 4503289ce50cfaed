"""Many rows as one parameter: a statement of one shape, whatever their number."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import TableValuedAlias, column, func, literal
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeEngine


def unnested(name: str, **columns: tuple[TypeEngine[Any], Sequence[Any]]) -> TableValuedAlias:
    """A table of that name, from arrays of one length: column=(type, values)."""
    arrays = (literal(list(values), ARRAY(kind)) for kind, values in columns.values())
    named = (column(key, kind) for key, (kind, _) in columns.items())
    return func.unnest(*arrays).table_valued(*named, name=name).render_derived()
