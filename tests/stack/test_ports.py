"""Which ports are used, and what is said about those that cannot be."""

import socket

import pytest

from stack.errors import InvalidPorts, PortsInUse
from stack.ports import HOST, Ports


def test_each_port_has_its_variable() -> None:
    environment = {"PUNCTUAL_API_PORT": "9000", "PUNCTUAL_TEMPORAL_UI_PORT": "9001"}
    ports = Ports.from_environment(environment)
    assert (ports.api, ports.temporal_ui, ports.temporal) == (9000, 9001, 7233)


@pytest.mark.parametrize("text", ["http", "0", "65536", "-1", "8080.0", "²"])
def test_what_is_no_port_is_named(text: str) -> None:
    with pytest.raises(InvalidPorts, match=r"PUNCTUAL_API_PORT=.* is not a port: set it to"):
        Ports.from_environment({"PUNCTUAL_API_PORT": text})


def test_two_parts_cannot_share_a_port() -> None:
    expected = "PUNCTUAL_API_PORT and PUNCTUAL_SANDBOX_PORT are both 8090"
    with pytest.raises(InvalidPorts, match=expected):
        Ports.from_environment({"PUNCTUAL_API_PORT": "8090"})


def test_a_port_in_use_is_named_with_its_variable() -> None:
    ports = Ports.free()
    ports.require_free(["api", "sandbox"])
    with socket.socket() as other:
        other.bind((HOST, ports.api))
        other.listen()
        expected = rf"cannot listen on port {ports.api} \(PUNCTUAL_API_PORT: in use\): stop what"
        with pytest.raises(PortsInUse, match=expected):
            ports.require_free(["api", "sandbox"])
        ports.require_free(["sandbox"])
