"""Why a picture cannot be kept, and why it cannot be sent past the API."""

from api.problems import Conflict, FieldProblem, InvalidRequest, Problem
from images.inspection import TooManyPixels


def not_as_announced(field: str, message: str, fix: str) -> InvalidRequest:
    """What arrived is something else; `message` says in what, `fix` what to do."""
    return InvalidRequest(
        FieldProblem(field=field, rule="not_as_announced", message=message, fix=fix)
    )


def another_size(announced: int) -> InvalidRequest:
    """More or fewer bytes than `announced`."""
    return InvalidRequest(
        FieldProblem(
            field="size",
            rule="not_as_announced",
            message=f"{announced:,} bytes were announced, and others arrived.",
            fix="Announce the size that it has, and send it whole.",
            limit=announced,
        )
    )


def nothing_arrived() -> Conflict:
    """Completed too early."""
    return Conflict(
        "Nothing has arrived yet. Send the picture first, to the link that you got.",
        slug="upload-not-arrived",
        title="Nothing has arrived",
    )


def too_many_open(limit: int) -> Conflict:
    """So many are under way already."""
    return Conflict(
        f"{limit} uploads are under way. Complete some, or wait until they are past their time.",
        slug="too-many-uploads",
        title="Too many uploads",
    )


def not_through_this_link(reason: str) -> Problem:
    """A link that was made up, changed, used, or is past its time; `reason` says which."""
    return Problem(
        f"{reason} Announce the picture again.",
        status=403,
        slug="invalid-upload-link",
        title="This link does not work",
    )


def not_an_image() -> Problem:
    """Its bytes say so."""
    message = "The file is no picture that can be published, whatever its name says."
    fix = "Send a JPEG, PNG, GIF or WebP."
    return Problem(
        f"{message} {fix}",
        status=415,
        slug="not-an-image",
        title="Not a picture",
        errors=[FieldProblem(field="file", rule="not_an_image", message=message, fix=fix)],
    )


def broken() -> InvalidRequest:
    """It is cut off, or worse."""
    return InvalidRequest(
        FieldProblem(
            field="file",
            rule="broken_image",
            message="The picture cannot be read to its end: it is damaged or cut off.",
            fix="Upload it again from the original.",
        )
    )


def too_many_pixels(found: TooManyPixels, limit: int) -> InvalidRequest:
    """More than is decoded here."""
    return InvalidRequest(
        FieldProblem(
            field="file",
            rule="too_many_pixels",
            message=f"The picture has {found.width} x {found.height} pixels, more than {limit:,}.",
            fix="Make it smaller.",
            limit=limit,
            actual=found.width * found.height,
        )
    )
