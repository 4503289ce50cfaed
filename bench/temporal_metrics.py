"""What Temporal counts of itself: requests to its store, and actions as its cloud bills them."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from bench.contenders.punctual_client import PunctualFailed
from networks.http_client import HttpClient, NoAnswer, NotConnected

LISTENS = "0A"
"""The state of such a socket in /proc/net/tcp."""


class NoMetrics(PunctualFailed):
    """Temporal does not show what it counts."""


async def metrics_address(pid: int, http: HttpClient) -> str:
    """Where that server answers Prometheus: the development server takes any free port for it.

    Raises NoMetrics.
    """
    for port in _listening(pid):
        address = f"http://127.0.0.1:{port}/metrics"
        with suppress(NotConnected, NoAnswer):
            answer = await http.request("GET", address)
            if answer.status == 200 and b"persistence_requests" in answer.body:
                return address
    raise NoMetrics(f"no port of process {pid} has Temporal's metrics")


async def counters(
    address: str, http: HttpClient, name: str, *, by: str, namespace: str
) -> Counter[str]:
    """That counter for one namespace, by the value of a label, over all its others."""
    answer = await http.request("GET", address)
    found: Counter[str] = Counter()
    for family in text_string_to_metric_families(answer.body.decode()):
        for sample in family.samples if family.name == name else ():
            if sample.labels.get("namespace") == namespace:
                found[sample.labels[by]] += round(sample.value)
    return found


def _listening(pid: int) -> Iterator[int]:
    """The TCP ports that the process listens on."""
    sockets = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            sockets.add(str(descriptor.readlink()))
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTENS and f"socket:[{fields[9]}]" in sockets:
                yield int(fields[1].rpartition(":")[2], 16)
