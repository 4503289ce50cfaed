"""How service levels are shown."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, Field

from domain.networks import Network
from storage.service_level import Lateness


class Grouping(StrEnum):
    """What lateness is told apart by."""

    NETWORK = "network"


class LatenessShown(BaseModel):
    """How late deliveries were: their requests' leaving, minus the publish time asked for."""

    count: Annotated[int, Field(description="Deliveries that were published.")]
    p50_ms: Annotated[float | None, Field(description="Half were no later; null without any.")]
    p99_ms: Annotated[float | None, Field(description="99 of 100 were no later.")]
    max_ms: Annotated[float | None, Field(description="The latest one.")]


class NetworkLateness(LatenessShown):
    """The same, of one network."""

    network: Network


class LatenessReport(LatenessShown):
    """The service level of a workspace over a time."""

    since: Annotated[datetime, Field(serialization_alias="from")]
    until: Annotated[datetime, Field(serialization_alias="to")]
    networks: Annotated[list[NetworkLateness] | None, Field(description="With `group_by=network`.")]

    @classmethod
    def of(
        cls, measured: list[Lateness], *, since: datetime, until: datetime, grouped: bool
    ) -> Self:
        """As it is shown."""
        together = next((_shown(one) for one in measured if one.network is None), _NOBODY)
        networks = [
            NetworkLateness(network=one.network, **_shown(one).model_dump())
            for one in measured
            if one.network is not None
        ]
        return cls(
            since=since,
            until=until,
            networks=networks if grouped else None,
            **together.model_dump(),
        )


_NOBODY = LatenessShown(count=0, p50_ms=None, p99_ms=None, max_ms=None)


def _shown(measured: Lateness) -> LatenessShown:
    return LatenessShown(
        count=measured.count,
        p50_ms=_milliseconds(measured.p50),
        p99_ms=_milliseconds(measured.p99),
        max_ms=_milliseconds(measured.longest),
    )


def _milliseconds(took: timedelta) -> float:
    return round(took / timedelta(milliseconds=1), 3)
