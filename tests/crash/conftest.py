"""For the proofs in small: systems that run beside those of other tests."""

import pytest

from stack.ports import Ports
from tests.free_port import free_ports


@pytest.fixture(autouse=True)
def own_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process of the same run starts systems at the same time."""
    monkeypatch.setattr(Ports, "free", free_ports)
