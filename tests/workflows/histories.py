"""The stored histories: one file for each branch, and for each way that it once went."""

import json
import re
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHistory

FOLDER = Path(__file__).with_name("histories")

_NOT_REPLAYED = {
    "historySizeBytes",
    "meteringMetadata",
    "requestId",
    "stackTrace",
    "taskId",
    "workerVersion",
}
"""What replay does not read: it would make each recording another one, or name the machine."""

_COMMANDS = {
    "activityTaskScheduledEventAttributes": ("activityType", "taskQueue"),
    "activityTaskCancelRequestedEventAttributes": (),
    "markerRecordedEventAttributes": ("markerName",),
    "timerStartedEventAttributes": (),
    "timerCanceledEventAttributes": (),
    "upsertWorkflowSearchAttributesEventAttributes": ("searchAttributes",),
    "workflowExecutionCompletedEventAttributes": (),
    "workflowExecutionFailedEventAttributes": (),
    "workflowExecutionUpdateAcceptedEventAttributes": ("acceptedRequest",),
    "workflowExecutionUpdateCompletedEventAttributes": (),
}
"""The events that the workflow's own commands leave, and what tells two of them apart."""


def command_sequence(history: dict[str, Any]) -> list[str]:
    """What the workflow asked for, in order; the same for two runs of the same code."""
    return [
        " ".join([kind.removesuffix("EventAttributes"), *_names(event[kind], telling)])
        for event in history["events"]
        for kind, telling in _COMMANDS.items()
        if kind in event
    ]


def trimmed(history: WorkflowHistory) -> dict[str, Any]:
    """As JSON, with only what replay reads."""
    kept: dict[str, Any] = _trim(json.loads(history.to_json()))
    return kept


def stored(name: str) -> list[Path]:
    """The recordings of a branch, oldest first."""
    found = [path for path in FOLDER.glob(f"{name}*.json") if branch(path) == name]
    return sorted(found, key=_number)


def branch(path: Path) -> str:
    """The scenario that a file records."""
    return path.name.split(".", maxsplit=1)[0]


def next_path(name: str) -> Path:
    """Where the next recording of a branch goes."""
    recordings = stored(name)
    if not recordings:
        return FOLDER / f"{name}.json"
    return FOLDER / f"{name}.{_number(recordings[-1]) + 1}.json"


def _number(path: Path) -> int:
    numbered = re.fullmatch(r"\w+\.(\d+)\.json", path.name)
    return int(numbered[1]) if numbered else 1


def _names(attributes: dict[str, Any], telling: tuple[str, ...]) -> list[str]:
    named = []
    for key in telling:
        value = attributes[key]
        match key:
            case "searchAttributes":
                named.extend(sorted(value["indexedFields"]))
            case "acceptedRequest":
                named.append(value["input"]["name"])
            case "markerName":
                named.append(value)
            case _:
                named.append(value["name"])
    return named


def _trim(node: Any) -> Any:
    match node:
        case dict():
            return {key: _trim(value) for key, value in node.items() if key not in _NOT_REPLAYED}
        case list():
            return [_trim(one) for one in node]
        case _:
            return node
