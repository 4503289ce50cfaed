"""Conventions of every table: names of constraints, and what Python types become."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    DateTime,
    Enum,
    LargeBinary,
    MetaData,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase

from domain.deliveries import DeliveryStatus, PostStatus
from domain.lateness import LONGEST, SHORTEST, LatePolicy
from domain.networks import Network
from domain.policies import AmbiguityPolicy


def _enum(values: type[StrEnum]) -> Enum:
    """Text in the database, the domain's enumeration in Python."""
    return Enum(
        values,
        native_enum=False,
        create_constraint=False,
        length=32,
        values_callable=lambda members: [member.value for member in members],
    )


LATE_AFTER = (
    f"late_after_seconds BETWEEN {SHORTEST.total_seconds():.0f} AND {LONGEST.total_seconds():.0f}"
)
"""When a post can be called late."""


class Table(DeclarativeBase):
    """Shared conventions: names of constraints, and what Python types become."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        UUID: Uuid,
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[str]: ARRAY(Text),
        str: Text,
        bytes: LargeBinary,
        Network: _enum(Network),
        DeliveryStatus: _enum(DeliveryStatus),
        PostStatus: _enum(PostStatus),
        AmbiguityPolicy: _enum(AmbiguityPolicy),
        LatePolicy: _enum(LatePolicy),
    }


def one_of(column: str, values: type[StrEnum]) -> str:
    listed = ", ".join(f"'{value}'" for value in values)
    return f"{column} IN ({listed})"
