"""What the HTTP client says of a failed request: that it never left, or that nobody knows."""

import asyncio
import socket
from collections.abc import Iterator
from datetime import timedelta

import pytest

from networks.http_client import HttpClient, NoAnswer, NotConnected
from tests.networks.scripted_network import Reply, ScriptedNetwork

SHORT = timedelta(milliseconds=200)


@pytest.fixture
def silent_url() -> Iterator[str]:
    """A server that takes connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield f"127.0.0.1:{listening.getsockname()[1]}"


async def test_a_refused_connection_is_not_connected(
    http_client: HttpClient, closed_url: str
) -> None:
    with pytest.raises(NotConnected):
        await http_client.request("POST", f"{closed_url}/feed?secret=1", form={"message": "Hi"})


async def test_a_failed_tls_handshake_is_not_connected(silent_url: str) -> None:
    client = HttpClient(connect_timeout=SHORT)
    with pytest.raises(NotConnected):
        await client.request("POST", f"https://{silent_url}/feed", form={"message": "Hi"})
    await client.close()


@pytest.mark.parametrize("warm", [False, True], ids=["new connection", "pooled connection"])
async def test_a_late_answer_is_no_answer(
    http_client: HttpClient, scripted_network: ScriptedNetwork, warm: bool
) -> None:
    scripted_network.tell("GET", "/warm", Reply())
    scripted_network.tell("POST", "/feed", Reply(delay=1))
    if warm:
        await http_client.request("GET", f"{scripted_network.base_url}/warm")
    with pytest.raises(NoAnswer):
        await http_client.request(
            "POST", f"{scripted_network.base_url}/feed", form={"message": "Hi"}, timeout=SHORT
        )
    assert len(scripted_network.asked_for("POST", "/feed")) == 1


async def test_a_cut_answer_is_no_answer(
    http_client: HttpClient, scripted_network: ScriptedNetwork
) -> None:
    scripted_network.tell("POST", "/feed", Reply(json={"id": "1"}, cut=True))
    with pytest.raises(NoAnswer):
        await http_client.request("POST", f"{scripted_network.base_url}/feed")


async def test_a_reset_after_sending_is_no_answer(http_client: HttpClient) -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.transport.abort()

    server = await asyncio.start_server(reset, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(NoAnswer):
        await http_client.request("POST", f"http://127.0.0.1:{port}/feed", content=b"text")
    server.close()
    await server.wait_closed()


async def test_an_error_does_not_tell_the_address(http_client: HttpClient, closed_url: str) -> None:
    with pytest.raises(NotConnected) as caught:
        await http_client.request("GET", f"{closed_url}/?access_token=secret")
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
