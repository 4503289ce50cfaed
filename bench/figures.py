"""The plots of docs/: one look for all of them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot
from matplotlib.axes import Axes

from bench.results import PLOTS

COLOURS = ("#0b7285", "#e8590c", "#f08c00", "#868e96", "#5f3dc4", "#2b8a3e")
EARLIEST = 0.01
"""Seconds; the left end of a logarithmic axis."""

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "punctual"


@contextmanager
def figure(name: str, *, title: str, x: str, y: str) -> Iterator[Axes]:
    """Draw into the axes; `docs/{name}.svg` is written at the end."""
    drawn, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    axes.set_prop_cycle(color=COLOURS)
    axes.set_title(title, loc="left")
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(visible=True, alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    try:
        yield axes
        if axes.get_legend_handles_labels()[0]:
            axes.legend(frameon=False)
        PLOTS.mkdir(exist_ok=True)
        drawn.savefig(path_of(name), metadata={"Date": None})
    finally:
        pyplot.close(drawn)


def path_of(name: str) -> Path:
    """Where that plot is."""
    return PLOTS / f"{name}.svg"


def lateness_curves(name: str, *, title: str, seconds: Mapping[str, Sequence[float]]) -> None:
    """The share of deliveries that arrived within so many seconds, a curve for each label."""
    with figure(name, title=title, x="seconds after the publish time", y="arrived, %") as axes:
        axes.set_xscale("log")
        for label, values in seconds.items():
            ordered = sorted(max(EARLIEST, value) for value in values)
            shares = [100 * (number + 1) / len(ordered) for number in range(len(ordered))]
            axes.step(ordered, shares, where="post", label=label)
        axes.set_ylim(0, 101)
