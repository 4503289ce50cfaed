"""The task queues, by name."""

from domain.networks import Network

ORCHESTRATION = "orchestration"
"""Workflows and their bookkeeping."""


def publish_queue(network: Network) -> str:
    """The queue on which that network's deliveries are prepared and published."""
    return f"publish-{network}"
