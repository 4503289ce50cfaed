"""What requests for many posts look like, for the API's documentation."""

from typing import Final

from fastapi.openapi.models import Example

_ACCOUNT: Final = "0198c5e0-f3a8-7c2b-8d6a-1f0e5b7c9d11"

BULK_EXAMPLES: Final[dict[str, Example]] = {
    "all or nothing": {
        "summary": "Two posts, or none",
        "value": {
            "posts": [
                {
                    "text": "The bakery opens at seven.",
                    "targets": [_ACCOUNT],
                    "publish_at": "2027-03-01T07:00:00+01:00",
                },
                {
                    "text": "The first loaves are out.",
                    "targets": [_ACCOUNT],
                    "publish_at": "2027-03-01T07:30:00+01:00",
                },
            ]
        },
    },
    "dry run": {
        "summary": "What would become of each row",
        "value": {
            "mode": "per_row",
            "dry_run": True,
            "posts": [{"text": "Ten free rolls.", "targets": [_ACCOUNT], "publish_at": "now"}],
        },
    },
}

CSV_EXAMPLE: Final = (
    "publish_at,time_zone,accounts,text\n"
    "2027-03-01 09:00,Europe/Berlin,x:bakery;facebook:bakery,The bakery opens at seven.\n"
)
