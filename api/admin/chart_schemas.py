"""How numbers are shown."""

from datetime import datetime, timedelta
from typing import Annotated, Self

from pydantic import BaseModel, Field

from domain.deliveries import DeliveryStatus, PostStatus
from domain.networks import Network
from storage.charts import COUNTED, EndedDeliveries, NetworkLateness, New, Total


class TotalShown(BaseModel):
    """How many there are."""

    name: Annotated[str, Field(examples=["users"])]
    number: int
    exact: Annotated[bool, Field(description=f"False above {COUNTED}: an estimate.")]


class Totals(BaseModel):
    """How many there are of everything."""

    items: list[TotalShown]

    @classmethod
    def of(cls, totals: list[Total]) -> Self:
        """As they are shown."""
        return cls(items=[TotalShown.model_validate(one, from_attributes=True) for one in totals])


class EndedShown(BaseModel):
    """How many deliveries to a network ended in one way."""

    begins: datetime
    network: Network
    status: DeliveryStatus
    number: int


class EndedSeries(BaseModel):
    """Deliveries by when they were due."""

    items: list[EndedShown]

    @classmethod
    def of(cls, found: list[EndedDeliveries]) -> Self:
        """As they are shown."""
        return cls(items=[EndedShown.model_validate(one, from_attributes=True) for one in found])


class NetworkLatenessShown(BaseModel):
    """How late a network's deliveries left after their publish times."""

    network: Network
    number: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float


class LatenessByNetwork(BaseModel):
    """Every network that anything was published to."""

    items: list[NetworkLatenessShown]

    @classmethod
    def of(cls, found: list[NetworkLateness]) -> Self:
        """As they are shown."""
        return cls(
            items=[
                NetworkLatenessShown(
                    network=one.network,
                    number=one.number,
                    p50_ms=_milliseconds(one.p50),
                    p95_ms=_milliseconds(one.p95),
                    p99_ms=_milliseconds(one.p99),
                    max_ms=_milliseconds(one.longest),
                )
                for one in found
            ]
        )


class NewShown(BaseModel):
    """How many of a kind were made within a step."""

    begins: datetime
    kind: Annotated[str, Field(description="users, posts, feed_posts, messages or listings")]
    status: Annotated[PostStatus | None, Field(description="Of posts: what they are now.")]
    number: int


class NewSeries(BaseModel):
    """What was made, by when."""

    items: list[NewShown]

    @classmethod
    def of(cls, found: list[New]) -> Self:
        """As it is shown."""
        return cls(items=[NewShown.model_validate(one, from_attributes=True) for one in found])


def _milliseconds(took: timedelta) -> float:
    return round(took / timedelta(milliseconds=1), 3)
