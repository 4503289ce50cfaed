"""Tables that a command writes into a page of docs/, between `<!-- name -->` and `<!-- end -->`."""

from collections.abc import Iterable, Mapping, Sequence

from bench.results import PLOTS

Row = Sequence[str]

END = "<!-- end -->"


def table(head: Row, rows: Iterable[Row]) -> str:
    """As Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def fill(page: str, tables: Mapping[str, str]) -> None:
    """Put each in the place of the one of its name. Raises LookupError where there is none."""
    file = PLOTS / f"{page}.md"
    text = file.read_text()
    for name, written in tables.items():
        before, begin, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(END)
        if not (begin and end):
            raise LookupError(f"{file.name} has no place for {name}")
        text = f"{before}{begin}{written}\n{end}{after}"
    file.write_text(text)
