"""Reads a multipart upload, without keeping more than a megabyte of it in memory."""

import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO, Final

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile

from api.media.schemas import UploadFields
from api.problems import FieldProblem, InvalidRequest, Problem, TooLarge
from api.request_validation import malformed_body
from storage.media_store import MediaStoreFull

_FILE_NAME_LENGTH: Final = 255
_TEXT_LENGTH: Final = 64 * 1024
"""Bytes of a form field; the fields' own limits are in characters."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """What came in; nothing of it was looked at yet."""

    file: BinaryIO
    file_name: str
    size: int
    """Bytes."""
    alt_text: str


@asynccontextmanager
async def uploaded(request: Request, *, max_bytes: int) -> AsyncIterator[Upload]:
    """The upload in this request, gone again at the end. Raises Problem."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise Problem(
            "Send the file as multipart/form-data, in a part named `file`.",
            status=415,
            slug="not-multipart",
            title="This kind of body is not taken here",
        )
    form = await _form(request)
    try:
        yield _upload(form, max_bytes)
    finally:
        await form.close()


async def _form(request: Request) -> FormData:
    try:
        return await request.form(max_files=1, max_fields=8, max_part_size=_TEXT_LENGTH)
    except LookupError as error:
        raise malformed_body("The body is in a character set that is not known.") from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise MediaStoreFull("no room for an upload's temporary file") from error
        raise


def _upload(form: FormData, max_bytes: int) -> Upload:
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise _unusable("missing", "No file was sent.", "Send it in a part named `file`.")
    size = file.size or 0
    if size == 0:
        raise _unusable("empty", "The file is empty.", "Send a picture.")
    if size > max_bytes:
        raise TooLarge(max_bytes, field="file")
    return Upload(
        file=file.file,
        file_name=_file_name(file.filename or ""),
        size=size,
        alt_text=_fields(form).alt_text,
    )


def _fields(form: FormData) -> UploadFields:
    given = {name: value for name, value in form.multi_items() if name != "file"}
    try:
        return UploadFields.model_validate(given)
    except ValidationError as error:
        found = [{**one, "loc": ("body", *one["loc"])} for one in error.errors()]
        raise RequestValidationError(found) from error


def _file_name(told: str) -> str:
    """As people know it: without folders and without characters that nobody sees."""
    name = PurePosixPath(told.replace("\\", "/")).name
    return "".join(character for character in name if character.isprintable())[:_FILE_NAME_LENGTH]


def _unusable(rule: str, message: str, fix: str) -> InvalidRequest:
    return InvalidRequest(FieldProblem(field="file", rule=rule, message=message, fix=fix))
