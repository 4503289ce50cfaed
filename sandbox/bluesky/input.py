"""What calls carry, and the shape in which they are refused."""

import json
from collections.abc import Mapping
from typing import Any

from sandbox.bluesky.lexicon import Check, Invalid
from sandbox.network import Refusal
from sandbox.parameters import Parameters


def xrpc_error(
    status: int, name: str, message: str, headers: Mapping[str, str] | None = None
) -> Refusal:
    return Refusal(status, {"error": name, "message": message}, headers)


def check_input(check: Check, parameters: Parameters) -> None:
    """Refuse a body that is no JSON, or none that the lexicon of its call allows."""
    values = _read(parameters.body) if parameters.is_malformed else parameters.values
    try:
        check(values, "$")
    except Invalid as error:
        raise xrpc_error(400, "InvalidRequest", str(error)) from error


def _read(body: bytes) -> list[Any]:
    """The array that came instead of an object. Anything else is no JSON to the server."""
    position = 0
    try:
        value = json.loads(body)
    except json.JSONDecodeError as error:
        position = error.pos
    except UnicodeDecodeError as error:
        position = error.start
    else:
        if isinstance(value, list):
            return value
    sign = body.decode("utf-8", "replace")[position : position + 1]
    what = f"Unexpected token {sign!r} in JSON at position {position}"
    raise xrpc_error(400, "SyntaxError", what if sign else "Unexpected end of JSON input")
