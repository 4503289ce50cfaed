"""Which problems an operation answers with, for the description of the API.

What follows from an operation's form is added to each here: who has to send a token may be told
401. Routes name what is theirs alone: `responses=refuses(409)`. Any other problem, such as a fault
of ours, is the `default`.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from api.problems import MEDIA_TYPE, ProblemSchema

_SCHEMAS: Final = "#/components/schemas/"

_MEANINGS: Final[Mapping[int, str]] = {
    400: "The body cannot be read.",
    401: "No key or token that counts was sent.",
    403: "Whoever sent it may not do this.",
    404: "It is not there, or not where the caller may look.",
    409: "Not possible as things are now.",
    412: "Somebody changed it meanwhile: read it again.",
    413: "Larger than is taken.",
    415: "This kind of body is not taken here.",
    422: "Something in it cannot be used: `errors` names each field and the fix.",
    428: "The header If-Match is missing.",
    429: "Too many requests: `Retry-After` tells when to come back.",
    502: "The network did not do what was asked.",
    503: "What is needed for it is away: `Retry-After` tells when to come back.",
    507: "There is no room left for media.",
}


def _problem(meaning: str) -> dict[str, Any]:
    return {
        "description": meaning,
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"{_SCHEMAS}Problem"}}},
    }


ANY_PROBLEM: Final[Mapping[int | str, dict[str, Any]]] = {
    "default": _problem("What was wrong, where, and what to do.")
}
"""What every operation may answer."""


def refuses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route says of its own refusals."""
    return {status: _problem(_MEANINGS[status]) for status in statuses}


def describe_problems(described: dict[str, Any]) -> None:
    """Add the form of problems to the description, and to each operation what its form implies."""
    problem = ProblemSchema.model_json_schema(ref_template=_SCHEMAS + "{model}")
    described["components"]["schemas"] |= {**problem.pop("$defs", {}), "Problem": problem}
    for path, item in described["paths"].items():
        for operation in item.values():
            answers: dict[str, Any] = operation["responses"]
            for status in _implied(path, operation):
                answers.setdefault(str(status), _problem(_MEANINGS[status]))
            operation["responses"] = dict(sorted(answers.items()))


def _implied(path: str, operation: Mapping[str, Any]) -> Iterator[int]:
    parameters = operation.get("parameters", [])
    acts_in_workspace = any(one["name"] == "X-Workspace" for one in parameters)
    if any(operation.get("security", [])):
        yield from (401, 403, 429)
    if "{" in path or acts_in_workspace:
        yield 404
    if "requestBody" in operation:
        yield from (400, 413)
    if "requestBody" in operation or parameters:
        yield 422
