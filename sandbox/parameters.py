"""What a request carries, whichever way it was sent: query, form, multipart or JSON."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from starlette.datastructures import UploadFile
from starlette.requests import Request

_MEGABYTE = 1024 * 1024
_MULTIPART = "multipart/form-data"
_WITHOUT_BODY = frozenset({"GET", "DELETE"})


@dataclass(frozen=True, slots=True)
class File:
    """One file of a multipart body."""

    content: bytes
    content_type: str
    name: str


@dataclass(slots=True)
class Parameters:
    """Values by name, in a list where a name repeats or ends in `[]`; `body` is the raw body."""

    values: dict[str, Any] = field(default_factory=dict)
    files: dict[str, File] = field(default_factory=dict)
    body: bytes = b""
    is_malformed: bool = False

    def text(self, name: str) -> str | None:
        value = self.values.get(name)
        return value if isinstance(value, str) else None if value is None else str(value)

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.values.get(name)
        return default if value is None else str(value).lower() in {"true", "1", "on"}

    def add(self, name: str, value: Any) -> None:
        if name.endswith("[]"):
            self.values.setdefault(name.removesuffix("[]"), []).append(value)
        elif name in self.values:
            earlier = self.values[name]
            self.values[name] = [*(earlier if isinstance(earlier, list) else [earlier]), value]
        else:
            self.values[name] = value


async def read_parameters(request: Request) -> Parameters:
    """Read query and body into one set; what the body says comes on top of the query."""
    if request.method in _WITHOUT_BODY:
        return _read_query(request)
    content_type = request.headers.get("content-type", "")
    if not content_type.startswith(_MULTIPART):
        return _read_plain(request, content_type, await request.body())
    parameters = _read_query(request)
    await _read_multipart(request, parameters)
    return parameters


def parameters_of(request: Request, body: bytes) -> Parameters | None:
    """The same of a body that is here already; None when it may hold files."""
    if request.method in _WITHOUT_BODY:
        return _read_query(request)
    content_type = request.headers.get("content-type", "")
    if content_type.startswith(_MULTIPART):
        return None
    return _read_plain(request, content_type, body)


def _read_query(request: Request) -> Parameters:
    parameters = Parameters()
    if query := request.scope["query_string"]:
        for name, value in parse_qsl(query.decode(), keep_blank_values=True):
            parameters.add(name, value)
    return parameters


def _read_plain(request: Request, content_type: str, body: bytes) -> Parameters:
    parameters = _read_query(request)
    parameters.body = body
    if content_type.startswith("application/json"):
        _read_json(parameters)
    elif content_type.startswith("application/x-www-form-urlencoded"):
        text = body.decode("utf-8", "replace")
        for name, value in parse_qsl(text, keep_blank_values=True):
            parameters.add(name, value)
    return parameters


def _read_json(parameters: Parameters) -> None:
    if not parameters.body:
        return
    try:
        value = json.loads(parameters.body)
    except ValueError:
        parameters.is_malformed = True
        return
    if isinstance(value, Mapping):
        parameters.values.update(value)
    else:
        parameters.is_malformed = True


async def _read_multipart(request: Request, parameters: Parameters) -> None:
    async with request.form(max_part_size=32 * _MEGABYTE) as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                content = await value.read()
                content_type = value.content_type or "application/octet-stream"
                parameters.files[name] = File(content, content_type, value.filename or "")
            else:
                parameters.add(name, value)
