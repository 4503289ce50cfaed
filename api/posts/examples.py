"""What requests about posts look like, for the API's documentation."""

from typing import Final

from fastapi.openapi.models import Example

_ACCOUNT: Final = "0198c5e0-f3a8-7c2b-8d6a-1f0e5b7c9d11"

POST_EXAMPLES: Final[dict[str, Example]] = {
    "scheduled": {
        "summary": "At a moment",
        "value": {
            "text": "The bakery opens at seven.",
            "targets": [_ACCOUNT],
            "publish_at": "2027-03-01T09:00:00+01:00",
        },
    },
    "wall time": {
        "summary": "When the clock in Berlin shows nine",
        "value": {
            "text": "The bakery opens at seven.",
            "targets": [_ACCOUNT],
            "publish_at": {"wall_time": "2027-03-01T09:00", "time_zone": "Europe/Berlin"},
        },
    },
    "variants": {
        "summary": "Shorter on X, with a first comment on Facebook",
        "value": {
            "text": "The bakery opens at seven, and the first ten guests get a free roll.",
            "targets": [_ACCOUNT],
            "variants": {
                "x": {"text": "Open at seven. Ten free rolls."},
                "facebook": {"first_comment": "Directions: https://example.com/bakery"},
            },
            "publish_at": "2027-03-01T09:00:00+01:00",
        },
    },
    "thread": {
        "summary": "A thread, now",
        "value": {
            "text": "How we bake our bread:",
            "thread": [{"text": "First, flour."}, {"text": "Then, patience."}],
            "targets": [_ACCOUNT],
            "publish_at": "now",
        },
    },
}

CHANGE_EXAMPLES: Final[dict[str, Example]] = {
    "reschedule": {
        "summary": "Another time",
        "value": {"publish_at": "2027-03-02T09:00:00+01:00"},
    },
    "edit": {"summary": "Another text", "value": {"text": "The bakery opens at eight."}},
}
