"""What publishing leaves behind: what grew in PostgreSQL and in Temporal, for one post."""

import sqlite3
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from temporalio.client import Client

from bench.contenders.punctual_system import PunctualSystem
from bench.table_sizes import commit_ms, pack, table_sizes, written_bytes
from bench.temporal_metrics import counters, metrics_address
from networks.http_client import HttpClient
from stack.services import NAMESPACE

LOOKED_AT = 50
"""Workflows that are asked what they cost."""


class Growth:
    """What grew in PostgreSQL and Temporal since `begin`."""

    def __init__(self, system: PunctualSystem, http: HttpClient) -> None:
        """Nothing is counted before `begin`."""
        self._system = system
        self._http = http
        self._store = system.stack.home.temporal / "temporal.db"
        self._database = system.stack.addresses.database

    async def begin(self) -> None:
        """Remember how it is now."""
        self._metrics = await metrics_address(self._system.stack.pid("temporal"), self._http)
        self._requests = await self._counted("persistence_requests", by="operation")
        self._actions = await self._counted("action", by="action_type")
        self._stored = self._store_bytes()
        self._sizes = await table_sizes(self._database)
        self._written = await written_bytes(self._database)

    async def of_postgres(self, posts: int) -> dict[str, Any]:
        """Of one post: bytes by table; the log; and how long a commit takes."""
        written = await written_bytes(self._database) - self._written
        left = await self._grown()
        await pack(self._database)
        packed = await self._grown()
        return {
            "left_bytes": _bytes_of(left, posts),
            "packed_bytes": _bytes_of(packed, posts),
            "log_bytes": round(written / posts),
            "packed_bytes_by_table": {
                name: {kind: round(size / posts) for kind, size in sizes.items()}
                for name, sizes in packed.items()
            },
            "commit_ms": round(await commit_ms(self._database), 2),
        }

    async def of_temporal(self, posts: int) -> dict[str, Any]:
        """Of one post: requests to its store, billable actions, bytes and events."""
        requests = await self._counted("persistence_requests", by="operation") - self._requests
        actions = await self._counted("action", by="action_type") - self._actions
        return {
            "store_requests": {name: round(n / posts, 3) for name, n in requests.most_common()},
            "actions": {name: round(n / posts, 3) for name, n in actions.most_common()},
            "store_bytes": round((self._store_bytes() - self._stored) / posts),
            **await self._of_workflows(),
        }

    async def _of_workflows(self) -> dict[str, float]:
        """The mean of some."""
        client = await Client.connect(self._system.stack.addresses.temporal, namespace=NAMESPACE)
        looked = [
            (await client.get_workflow_handle(one.id).describe()).raw_description
            async for one in client.list_workflows("WorkflowType = 'PublishPost'", limit=LOOKED_AT)
        ]
        infos = [one.workflow_execution_info for one in looked]
        return {
            "events": sum(one.history_length for one in infos) / len(infos),
            "history_bytes": round(sum(one.history_size_bytes for one in infos) / len(infos)),
            "state_transitions": sum(one.state_transition_count for one in infos) / len(infos),
        }

    async def _grown(self) -> dict[str, dict[str, int]]:
        """The tables that did, largest first."""
        grown = {
            name: size - self._sizes[name]
            for name, size in (await table_sizes(self._database)).items()
        }
        return {
            name: {"rows": size.rows, "indexes": size.indexes}
            for name, size in sorted(grown.items(), key=lambda one: -one[1].whole)
            if size.whole > 0
        }

    async def _counted(self, name: str, *, by: str) -> Counter[str]:
        return await counters(self._metrics, self._http, name, by=by, namespace=NAMESPACE)

    def _store_bytes(self) -> int:
        """Of its pages in use: the file and its log are larger, by chance."""
        with closing(sqlite3.connect(f"file:{self._store}?mode=ro", uri=True)) as store:
            size, pages, free = (
                store.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("page_size", "page_count", "freelist_count")
            )
        return int(size * (pages - free))


def _bytes_of(grown: Mapping[str, Mapping[str, int]], posts: int) -> int:
    return round(sum(sum(sizes.values()) for sizes in grown.values()) / posts)
