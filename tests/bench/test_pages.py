"""Tables that commands write into pages: each in its own place, and nothing else is touched."""

from pathlib import Path

import pytest

from bench import pages

PAGE = """Before.

<!-- first -->
old
<!-- end -->

Between.

<!-- second -->
<!-- end -->
"""


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One with two places."""
    monkeypatch.setattr(pages, "PLOTS", tmp_path)
    file = tmp_path / "page.md"
    file.write_text(PAGE)
    return file


def test_each_table_goes_to_its_place_however_often(page: Path) -> None:
    told = pages.table(("a", "b"), [("1", "2")])
    for _ in range(2):
        pages.fill("page", {"second": told, "first": "new"})
    assert page.read_text() == PAGE.replace("old", "new").replace(
        "<!-- second -->\n", "<!-- second -->\n| a | b |\n| --- | --- |\n| 1 | 2 |\n"
    )


def test_a_table_without_a_place_is_an_error_and_changes_nothing(page: Path) -> None:
    with pytest.raises(LookupError, match="no place for third"):
        pages.fill("page", {"first": "new", "third": "table"})
    assert page.read_text() == PAGE
