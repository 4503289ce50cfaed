"""Every link of the pages that people read leads somewhere."""

import re
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import pytest

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted(ROOT.glob("docs/*.md"))]

_CODE: Final = re.compile(r"^```.*?^```|`[^`\n]+`", re.MULTILINE | re.DOTALL)
_LINK: Final = re.compile(r"\[[^\]]*\]\(([^)\s]+)[^)]*\)")
_HEADING: Final = re.compile(r"^#+\s+(.+?)\s*$", re.MULTILINE)


def links_of(text: str) -> list[str]:
    """Where its links lead; what stands in code is none."""
    return _LINK.findall(_CODE.sub("", text))


def anchors_of(text: str) -> set[str]:
    """What its headings are called in addresses, as GitHub makes them."""
    headings = _HEADING.findall(re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings}


def dead_links(page: Path) -> list[str]:
    """Those to files or headings that are not there; nothing outside is asked."""
    dead = []
    for link in links_of(page.read_text()):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path) if path else page
        if not target.exists() or (anchor and anchor not in anchors_of(target.read_text())):
            dead.append(link)
    return dead


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_link_is_dead(page: Path) -> None:
    assert dead_links(page) == []


def test_every_page_of_the_docs_is_found_from_the_readme() -> None:
    linked = {
        unquote(link).partition("#")[0] for link in links_of((ROOT / "README.md").read_text())
    }
    assert {str(page.relative_to(ROOT)) for page in ROOT.glob("docs/*.md")} - linked == set()


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# One page\n\n## It's a `part`, of it\n")
    page = tmp_path / "page.md"
    page.write_text(
        "[a](other.md) [b](other.md#its-a-part-of-it) [c](#mine) [d](https://example.org)\n"
        "[e](gone.md) [f](other.md#gone) [g](#gone) ![h](gone.svg) `[i](gone.md)`\n"
        "```\n[j](gone.md)\n# no heading\n```\n# Mine\n"
    )
    assert dead_links(page) == ["gone.md", "other.md#gone", "#gone", "gone.svg"]
