"""Every stored history still replays, so that every sleeping post goes on under new code."""

import asyncio
import base64
import getpass
import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from contracts.failures import FailureType
from domain.deliveries import DeliveryStatus
from domain.networks import Network
from runtime.temporal import workflow_runner
from tests.workflows.histories import FOLDER, branch, command_sequence, stored, trimmed
from tests.workflows.impatient_publish_post import ImpatientPublishPost
from tests.workflows.record_histories import keep
from tests.workflows.scenarios import SCENARIOS
from tests.workflows.scheduled_posts import Posts
from workflows.publish_post import PublishPost
from workflows.sweep_posts import SweepPosts

HISTORIES = sorted(FOLDER.glob("*.json"))

FORBIDDEN = ("http", "://", "bearer", "token", "secret", "password", "/home/", ".py")
"""Addresses, credentials and paths; in lower case."""

KNOWN = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"  # an id
    r"|\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)"  # a moment
    r"|PT?[\dDTHMS.]+"  # a duration
    r"|settled|superseded|held"
    r"|\w+: (not now|no such delivery)"  # why it was given up, from the scripted failures
    r"|\d+|publish_at_once"  # of a local activity the SDK writes down its number and name
    "|" + "|".join([*Network, *DeliveryStatus, *FailureType])
)
"""All that the arguments and results of workflows and activities may consist of."""


class BrokenReplay(AssertionError):
    """Running posts would not go on."""


async def replay(path: Path, workflow_class: type[PublishPost] = PublishPost) -> None:
    """Raises BrokenReplay, which says what to do."""
    replayer = Replayer(
        workflows=[workflow_class, SweepPosts],
        data_converter=pydantic_data_converter,
        workflow_runner=workflow_runner(),
        debug_mode=True,  # a busy machine is no deadlock
    )
    history = await asyncio.to_thread(path.read_text)
    result = await replayer.replay_workflow(
        WorkflowHistory.from_json(f"replay-{path.stem}", history), raise_on_replay_failure=False
    )
    if result.replay_failure is not None:
        raise BrokenReplay(
            f"{path.name} no longer replays: posts of the branch '{branch(path)}' that run under "
            "the code before this change would be stuck.\n"
            f"What changed: {str(result.replay_failure)[:600]}\n"
            'To fix it: keep the old commands, and make the new ones under `if workflow.patched("'
            'what-changed-in-kebab-case"):`. Then run `make record-histories`, which adds a file '
            "for the new way beside the old one, and commit it. Do not edit or delete the old one."
        )


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_stored_history_replays(path: Path) -> None:
    await replay(path)


async def test_a_changed_workflow_is_caught_and_told_how_to_go_on() -> None:
    with pytest.raises(BrokenReplay) as caught:
        await replay(FOLDER / "rescheduled.json", ImpatientPublishPost)
    told = str(caught.value)
    assert "rescheduled.json" in told
    assert "workflow.patched" in told
    assert "make record-histories" in told


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_branch_has_a_history(name: str) -> None:
    assert stored(name), f"no history of {name}: run `make record-histories` and commit it"


def test_every_history_is_of_a_known_branch() -> None:
    assert {branch(path) for path in HISTORIES} <= set(SCENARIOS)


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
def test_no_history_holds_text_or_secrets(path: Path) -> None:
    history = json.loads(path.read_text())
    said = [*_plain_strings(history), *(text for text, _ in _payload_strings(history))]
    for text in said:
        assert not [word for word in FORBIDDEN if word in text.lower()], text
        assert socket.gethostname() not in text
        assert getpass.getuser() not in text.split()


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
def test_arguments_and_results_hold_only_ids_times_and_states(path: Path) -> None:
    history = json.loads(path.read_text())
    arguments = {text for text, summary in _payload_strings(history) if not summary}
    assert [text for text in arguments if not KNOWN.fullmatch(text)] == []


LOCAL_ACTIVITY = "markerRecorded core_local_activity"


def story(history: dict[str, Any]) -> list[str]:
    """The commands in their order; of local activities that end in any order, without it."""
    commands = command_sequence(history)
    return sorted(commands) if commands.count(LOCAL_ACTIVITY) > 1 else commands


@pytest.mark.parametrize("name", SCENARIOS)
async def test_the_newest_history_is_what_the_code_does_now(name: str, posts: Posts) -> None:
    fresh = trimmed(await (await SCENARIOS[name](posts)).history())
    newest = stored(name)[-1]
    assert story(fresh) == story(json.loads(newest.read_text())), (
        f"the workflow asks for something else than in {newest.name}: "
        "run `make record-histories` and commit the new file beside it"
    )


def test_recording_an_unchanged_branch_writes_nothing() -> None:
    newest = stored("published")[-1]
    before = newest.stat().st_mtime_ns
    assert keep("published", json.loads(newest.read_text())) is None
    assert newest.stat().st_mtime_ns == before


def test_recording_a_changed_branch_adds_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.workflows.histories.FOLDER", tmp_path)
    old: dict[str, Any] = {"events": [{"timerStartedEventAttributes": {}}]}
    new: dict[str, Any] = {"events": [*old["events"], {"timerCanceledEventAttributes": {}}]}

    def names() -> list[str]:
        return [path.name for path in stored("published")]

    keep("published", old)
    assert names() == ["published.json"]
    keep("published", new)
    assert names() == ["published.json", "published.2.json"]
    keep("published", old)
    assert names() == ["published.json", "published.2.json", "published.3.json"]
    keep("published", new, replace=True)
    assert names() == ["published.json", "published.2.json", "published.3.json"]
    assert json.loads((tmp_path / "published.json").read_text()) == old


def _plain_strings(node: Any) -> Iterator[str]:
    match node:
        case dict():
            for value in node.values():
                yield from _plain_strings(value)
        case list():
            for one in node:
                yield from _plain_strings(one)
        case str():
            yield node


def _payload_strings(node: Any, *, told: bool = False) -> Iterator[tuple[str, bool]]:
    """Each string in each payload; whether it is a summary or attribute made for operators."""
    match node:
        case {"data": str(data)}:
            for text in _plain_and_keys(json.loads(base64.b64decode(data))):
                yield text, told
        case dict():
            for key, value in node.items():
                made_for_operators = key in {"userMetadata", "searchAttributes"}
                yield from _payload_strings(value, told=told or made_for_operators)
        case list():
            for one in node:
                yield from _payload_strings(one, told=told)


def _plain_and_keys(node: Any) -> Iterator[str]:
    """The strings of a payload; the keys of results are ids, those of arguments are field names."""
    match node:
        case {"statuses": dict(statuses)}:
            yield from statuses
            yield from statuses.values()
        case _:
            yield from _plain_strings(node)
