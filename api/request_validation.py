"""Pydantic's findings as problems that name the field and the fix."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from fastapi.exceptions import RequestValidationError

from api.problems import FieldProblem, InvalidRequest, Problem

_MALFORMED: Final = "json_invalid"


def as_problem(error: RequestValidationError) -> Problem:
    """What FastAPI refused, told so that the caller can mend it."""
    found = error.errors()
    if found and found[0]["type"] == _MALFORMED:
        return malformed_body(f"The body is not JSON: {found[0]['ctx']['error']}.")
    return InvalidRequest(*(_field_problem(one, error.body) for one in found))


def malformed_body(detail: str) -> Problem:
    """A body that cannot even be read."""
    return Problem(detail, status=400, slug="malformed-body", title="The body cannot be read")


def _field_problem(found: Mapping[str, Any], body: object) -> FieldProblem:
    context: Mapping[str, Any] = found.get("ctx") or {}
    cause = context.get("error")
    rule = getattr(cause, "rule", None) or found["type"]
    fix = getattr(cause, "fix", None) or _fix(found["type"], context)
    message = str(cause) if isinstance(cause, ValueError) else found["msg"]
    location = tuple(found["loc"])
    if location[-1] == "[key]":  # Pydantic's own mark for a name that is wrong itself
        location = location[:-1]
    if found["type"].startswith("union_tag"):
        location += (context["discriminator"].strip("'"),)
    return FieldProblem(
        field=_path(location, body),
        rule=rule,
        message=message,
        fix=fix,
        limit=_first_of(context, "le", "lt", "ge", "gt", "max_length", "min_length"),
        actual=_first_of(context, "actual_length"),
    )


def _path(location: Sequence[int | str], body: object) -> str:
    """`("body", "targets", 0, "account_id")` as `targets[0].account_id`."""
    source, *steps = location
    if source == "body":
        steps = _without_tags(steps, body)
    path = ""
    for step in steps:
        path += f"[{step}]" if isinstance(step, int) else f".{step}"
    return path.lstrip(".") or str(source)


def _without_tags(steps: Sequence[int | str], body: object) -> list[int | str]:
    """Without the names of union members, which Pydantic adds and no caller wrote."""
    kept: list[int | str] = []
    here: Any = body
    for position, step in enumerate(steps):
        is_last = position == len(steps) - 1
        try:
            here = here[step]
        except (TypeError, LookupError):
            if not is_last:
                continue
        kept.append(step)
    return kept


def _first_of(context: Mapping[str, Any], *names: str) -> int | float | str | None:
    values = (context[name] for name in names if name in context)
    return next((value for value in values if isinstance(value, int | float | str)), None)


def _fix(rule: str, context: Mapping[str, Any]) -> str:
    advice = _FIXES.get(rule)
    if advice is not None:
        return advice(context)
    return "See /docs for what is expected here."


_FIXES: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "missing": lambda _: "Add it.",
    "extra_forbidden": lambda _: "Remove it, or correct its name.",
    "string_type": lambda _: "Send a string.",
    "string_unicode": lambda _: "Send valid Unicode text.",
    "string_too_long": lambda c: f"Shorten it to {c['max_length']} characters.",
    "string_too_short": lambda c: f"Write at least {c['min_length']} characters.",
    "too_long": lambda c: f"Send at most {c['max_length']}.",
    "too_short": lambda c: f"Send at least {c['min_length']}.",
    "less_than_equal": lambda c: f"Use at most {c['le']}.",
    "greater_than_equal": lambda c: f"Use at least {c['ge']}.",
    "enum": lambda c: f"Use one of {c['expected']}.",
    "literal_error": lambda c: f"Use one of {c['expected']}.",
    "union_tag_invalid": lambda c: f"Use one of {c['expected_tags']}.",
    "union_tag_not_found": lambda c: f"Add {c['discriminator']}.",
    "int_type": lambda _: "Send a whole number.",
    "int_parsing": lambda _: "Send a whole number.",
    "bool_type": lambda _: "Send true or false.",
    "bool_parsing": lambda _: "Send true or false.",
    "uuid_parsing": lambda _: "Send an id as this API gave it: a UUID.",
    "uuid_type": lambda _: "Send an id as this API gave it: a UUID.",
    "list_type": lambda _: "Send a list.",
    "dict_type": lambda _: "Send an object.",
    "model_type": lambda _: "Send an object.",
    "model_attributes_type": lambda _: "Send a JSON object, with Content-Type: application/json.",
    "url_parsing": lambda _: "Send a whole address, such as https://example.com/page.",
    "url_scheme": lambda _: "Start the address with https://.",
}
