"""A CSV file as it comes: its bytes, its characters, its records with their lines."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from fastapi import Request
from starlette.datastructures import UploadFile

from api.batches.schemas import MAX_ROWS
from api.problems import FieldProblem, InvalidRequest, Problem, TooLarge

_PROBLEMS_TOLD: Final = 20
"""Of the line of names."""


class Delimiter(StrEnum):
    """What separates columns."""

    COMMA = "comma"
    SEMICOLON = "semicolon"
    TAB = "tab"


_CHARACTERS: Final = {Delimiter.COMMA: ",", Delimiter.SEMICOLON: ";", Delimiter.TAB: "\t"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One row of the file."""

    line: int
    """On which it begins, from 1; a quoted field may go on over many."""
    values: Mapping[str, str]
    """By column; those that were left empty are missing."""
    surplus: bool
    """It has more values than there are columns."""


async def read_file(request: Request, *, max_bytes: int) -> bytes:
    """The file in this request: the whole body, or the part `file` of a form. Raises Problem."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "text/csv":
        return await request.body()
    if kind != "multipart/form-data":
        raise Problem(
            "Send the file as text/csv, or as multipart/form-data in a part named `file`.",
            status=415,
            slug="not-csv",
            title="This kind of body is not taken here",
        )
    async with request.form(max_files=1, max_fields=1, max_part_size=max_bytes) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise _unusable("file", "missing", "No file was sent.", "Send it in a part `file`.")
        if (file.size or 0) > max_bytes:
            raise TooLarge(max_bytes, field="file")
        return await file.read()


def records_of(
    content: bytes, delimiter: Delimiter | None, *, known: Sequence[str], needed: Sequence[str]
) -> list[Record]:
    """The file's records. `known` are the columns that it may have, `needed` those it must.

    Raises InvalidRequest for a file that cannot be read as a whole.
    """
    text = _decoded(content)
    separator = _CHARACTERS[delimiter] if delimiter else _separator_of(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    names: list[str] | None = None
    records: list[Record] = []
    before = 0
    try:
        for values in reader:
            begins, before = before + 1, reader.line_num
            if not any(value.strip() for value in values):
                continue
            if names is None:
                names = _names(values, known, needed)
                continue
            if len(records) == MAX_ROWS:
                raise _too_many(begins)
            records.append(_record(names, values, begins))
    except csv.Error as error:
        raise _unusable(
            f"line {before + 1}",
            "not_csv",
            f"From here on the file is not CSV: {error}.",
            'Put texts with quotes, separators or line breaks in quotes, and double quotes as "".',
        ) from error
    if not records:
        raise _unusable("file", "no_rows", "The file has no rows.", "Add one below the names.")
    return records


def _decoded(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _unusable(
            f"line {line}",
            "not_utf8",
            f"The byte at position {error.start} of the file is not UTF-8.",
            "Save the file as CSV UTF-8.",
        ) from error
    if not text.strip():
        raise _unusable("file", "empty", "The file is empty.", "Send column names and rows.")
    return text


def _separator_of(text: str) -> str:
    """What stands most often in the line of names, as Excel may have written it."""
    names = text.lstrip().splitlines()[0]
    return max(_CHARACTERS.values(), key=names.count)


def _names(values: Sequence[str], known: Sequence[str], needed: Sequence[str]) -> list[str]:
    names = [value.strip().lower() for value in values]
    problems = [
        _problem(
            f"column {number}",
            "unknown_column",
            f"There is no column {name[:64]!r}.",
            f"Use {', '.join(known)}.",
        )
        for number, name in enumerate(names, start=1)
        if name not in known
    ]
    problems += [
        _problem(name, "named_twice", f"The column {name} is there twice.", "Keep one.")
        for name in known
        if names.count(name) > 1
    ]
    problems += [
        _problem(name, "missing", f"The column {name} is missing.", "Add it to the first line.")
        for name in needed
        if name not in names
    ]
    if problems:
        raise InvalidRequest(*problems[:_PROBLEMS_TOLD])
    return names


def _record(names: Sequence[str], values: Sequence[str], line: int) -> Record:
    written = dict(zip(names, values, strict=False))
    return Record(
        line=line,
        values={name: value for name, value in written.items() if value.strip()},
        surplus=any(value.strip() for value in values[len(names) :]),
    )


def _too_many(line: int) -> InvalidRequest:
    return InvalidRequest(
        FieldProblem(
            field=f"line {line}",
            rule="too_long",
            message=f"The file has more than {MAX_ROWS:,} rows.",
            fix="Split it.",
            limit=MAX_ROWS,
        )
    )


def _problem(field: str, rule: str, message: str, fix: str) -> FieldProblem:
    return FieldProblem(field=field[:64], rule=rule, message=message, fix=fix)


def _unusable(field: str, rule: str, message: str, fix: str) -> InvalidRequest:
    return InvalidRequest(_problem(field, rule, message, fix))
