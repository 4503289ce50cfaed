"""What publishes in this process: the activities, and everything that they use."""

from dataclasses import dataclass

from activities.accounts import Accounts
from activities.departures import Departures
from activities.observing import UNOBSERVED, Observer
from activities.pieces import Pieces
from activities.publishing import NetworkPublishing
from activities.refusals import Refusals
from activities.sending import Sender
from activities.settling import Settler
from activities.waiting import system_clock
from domain.networks import Network
from runtime.resources import Resources, StoredMedia
from storage.account_access import AccountStore
from storage.gate import Gate
from storage.pace import Pace
from storage.publishing import PublishingStore


@dataclass(frozen=True, kw_only=True)
class Publisher:
    """The publish activities, and what else has to know of them."""

    store: PublishingStore
    departures: Departures
    publishing: NetworkPublishing


def build_publisher(resources: Resources, told: Observer = UNOBSERVED) -> Publisher:
    """Built once for each worker process; `told` hears how publishing goes."""
    settings = resources.settings
    store = PublishingStore(
        resources.database,
        admission=Gate(settings.quotas, settings.hold_rules, system_clock),
        pace=Pace({one: settings.limits_of(one).rate_per_second for one in Network}),
    )
    departures = Departures(
        store,
        resources.adapters,
        system_clock,
        claimed_per_second=settings.claimed_per_second,
    )
    accounts = Accounts(AccountStore(resources.database), resources.vault)
    pieces = Pieces(StoredMedia(resources.media_store, resources.media_links))
    refusals = Refusals(
        store=store, accounts=accounts, retries=settings.retry_plan, clock=system_clock, told=told
    )
    publishing = NetworkPublishing(
        adapters=resources.adapters,
        store=store,
        accounts=accounts,
        pieces=pieces,
        refusals=refusals,
        settler=Settler(
            adapters=resources.adapters,
            store=store,
            accounts=accounts,
            pieces=pieces,
            refusals=refusals,
            lookups=settings.lookup_plan,
            clock=system_clock,
        ),
        sender=Sender(
            adapters=resources.adapters,
            store=store,
            departures=departures,
            pieces=pieces,
            refusals=refusals,
            lookups=settings.lookup_plan,
            clock=system_clock,
            told=told,
        ),
        clock=system_clock,
        told=told,
    )
    return Publisher(store=store, departures=departures, publishing=publishing)
