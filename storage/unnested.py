"""Many rows as one parameter: a statement of one shape, whatever their number."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, TableValuedAlias, any_, column, func, literal
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.types import TypeEngine


def unnested(name: str, **columns: tuple[TypeEngine[Any], Sequence[Any]]) -> TableValuedAlias:
    """A table of that name, from arrays of one length: column=(type, values)."""
    kinds = {key: _shared(repr(kind), kind) for key, (kind, _) in columns.items()}
    arrays = (literal(list(values), kinds[key]) for key, (_, values) in columns.items())
    named = (column(key, kinds[key].item_type) for key in columns)
    return func.unnest(*arrays).table_valued(*named, name=name).render_derived()


def is_among(column: InstrumentedAttribute[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """Whether it is one of these: IN of one shape, so that it is compiled and prepared once."""
    return column == any_(literal(list(values), _shared(repr(column.type), column.type)))


_KNOWN: dict[str, ARRAY[Any]] = {}


def _shared(key: str, kind: TypeEngine[Any]) -> ARRAY[Any]:
    """One object for each type: SQLAlchemy looks statements up by their types, made anew slowly."""
    if key not in _KNOWN:
        _KNOWN[key] = ARRAY(kind)
    return _KNOWN[key]
