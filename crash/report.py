"""How a proof tells what it found."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from crash.customer import Customer
from crash.points import Point
from crash.scenarios import Fault
from crash.trials import Trial
from crash.verdicts import Outcome

_SHORT = {
    Outcome.PUBLISHED_ONCE: "p",
    Outcome.UNCONFIRMED: "u",
    Outcome.FAILED: "f",
    Outcome.DUPLICATES: "DUP",
    Outcome.LOST: "LOST",
    Outcome.CANCELLED: "c",
}


async def tell_post(
    customer: Customer, post_id: str, delivery: Mapping[str, Any], marks: Iterable[str]
) -> None:
    """Print everything that happened to a delivery, and what is public of it."""
    print(f"  {delivery}")
    for event in await customer.timeline(post_id):
        if event["delivery_id"] in {None, delivery["id"]}:
            print(f"  {event['at']}  {event['event']:<16} {event['details'] or ''}")
    for mark in marks:
        for entry in await customer.entries(delivery["network"], mark):
            print(f"  public: {entry}")


async def tell_bad(customer: Customer, done: Iterable[Trial]) -> None:
    """Print each bad case with everything that happened to it."""
    for trial in done:
        for network, verdict in trial.verdicts.items():
            if verdict.is_bad:
                print(f"\nBAD {verdict.outcome}: {network}, {trial.scenario.name}: {verdict.why}")
                await _tell_delivery(customer, trial, network)


async def _tell_delivery(customer: Customer, trial: Trial, network: str) -> None:
    if not trial.post_id:
        print(f"  no post: {trial.problem}")
        return
    shown = await customer.show(trial.post_id)
    delivery = next(one for one in shown["deliveries"] if one["network"] == network)
    marks = [f"{trial.mark}.{part}" for part in range(trial.scenario.parts)]
    await tell_post(customer, trial.post_id, delivery, marks)


def show_deaths(deaths: Sequence[str]) -> None:
    """Print which parts ended though nobody killed them."""
    for death in deaths:
        print(f"\nA part ended by itself: {death}")


def show_table(done: Sequence[Trial]) -> None:
    """Print how the cases ended, by point and fault."""
    faults = [fault for fault in Fault if any(t.scenario.fault is fault for t in done)]
    cells: dict[tuple[Point, Fault], Counter[Outcome]] = {}
    for trial in done:
        cell = cells.setdefault((trial.scenario.point, trial.scenario.fault), Counter())
        cell.update(verdict.outcome for verdict in trial.verdicts.values())
    widths = [max(len(fault), 9) + 2 for fault in faults]
    heads = "".join(f"{fault:>{width}}" for fault, width in zip(faults, widths, strict=True))
    print(f"\n{'point':<20}{heads}")
    for point in Point:
        row = [cells.get((point, fault), Counter()) for fault in faults]
        if any(row):
            shown = (f"{_shown(one):>{width}}" for one, width in zip(row, widths, strict=True))
            print(f"{point:<20}{''.join(shown)}")
    print("p published once, u unconfirmed, f failed, c cancelled as asked")
    cancelled = sum(cell[Outcome.CANCELLED] for cell in cells.values())
    if cancelled:
        print(f"cancelled as asked, and never public: {cancelled}")
    print()


def _shown(cell: Counter[Outcome]) -> str:
    return " ".join(f"{cell[one]}{_SHORT[one]}" for one in Outcome if cell[one]) or "-"
