"""What the people's process is told, as the JSON file that it is started with."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """One that somebody is in."""

    id: str
    members: tuple[str, ...]
    """User ids, their own included."""


@dataclass(frozen=True, kw_only=True)
class Resident:
    """A registered user."""

    user_id: str
    email: str
    workspace_id: str
    """Where they schedule posts, as an editor."""
    account_id: str
    """The workspace's page on the feed."""
    conversations: tuple[Conversation, ...]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One round. All times in seconds."""

    api: str
    """Without a slash at its end."""
    password: str
    """Everybody's."""
    residents: tuple[Resident, ...]
    arrive_per_second: float
    """How many sign in each second at the beginning."""
    pace: float
    """From the beginning of one act of a person to that of the next."""
    settle: float
    """From everybody's arrival until it is measured."""
    seconds: float
    """How long it is measured."""
    pids: Mapping[str, int]
    """Processes whose processor time is taken, by name."""

    def write(self, file: Path) -> None:
        """To be read with `read_plan`; the folder is made when it is not there."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(asdict(self)))


def read_plan(file: Path) -> Plan:
    """The plan in that file."""
    told = json.loads(file.read_text())
    residents = [
        Resident(
            **{
                **one,
                "conversations": tuple(
                    Conversation(id=talk["id"], members=tuple(talk["members"]))
                    for talk in one["conversations"]
                ),
            }
        )
        for one in told["residents"]
    ]
    return Plan(**{**told, "residents": tuple(residents)})
