"""Where figures are kept: JSON to compare with, plots for the documentation."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "bench" / "results"
PLOTS = ROOT / "docs"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a benchmark comes to."""

    name: str
    line: str
    """The last line of its output, which says it all."""
    is_good: bool
    """Whether everything was published as promised."""
    told: Mapping[str, Any]
    """The figures behind the line, for its JSON."""
    draw: Callable[[], None]
    """Draws its plot."""


def keep(name: str, result: Mapping[str, Any]) -> Path:
    """Write `bench/results/{name}.json`."""
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{name}.json"
    file.write_text(json.dumps(result, indent=1) + "\n")
    return file


def kept(name: str) -> Mapping[str, Any]:
    """What `keep` wrote; nothing when no run is kept."""
    file = RESULTS / f"{name}.json"
    result: Mapping[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    return result


@contextmanager
def bench_folder() -> Iterator[Path]:
    """A folder that is gone afterwards; PostgreSQL's user may pass through it."""
    # What belongs to PostgreSQL's user cannot always be removed by us.
    with TemporaryDirectory(prefix="punctual-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder
