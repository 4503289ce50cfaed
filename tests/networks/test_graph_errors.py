"""Every error of the Graph API that the contracts name, and what publishing makes of it."""

import json
from datetime import timedelta
from typing import Any

import pytest

from domain.networks import Network
from networks.errors import (
    AccountBlocked,
    AccountDisconnected,
    ContentRefused,
    CredentialsExpired,
    DuplicateRefused,
    MediaNotReady,
    NetworkError,
    OutcomeUnknown,
    PreparationLost,
    RateLimited,
    TryLater,
)
from networks.http_client import HttpClient
from networks.meta.graph import Graph, Made
from networks.meta.graph_errors import TABLE
from tests.networks.scripted_network import Reply, ScriptedNetwork

TOKEN = "EAAGsecrettoken"
TEXT = "We open at nine, and the first hundred guests get a coffee"

ANY_CODE = 100
"""Sent with the subcodes that the contracts name without a code."""

FACEBOOK: list[tuple[int, int | None, type[NetworkError]]] = [
    (1, None, TryLater),
    (2, None, TryLater),
    (4, None, RateLimited),
    (17, None, RateLimited),
    (341, None, RateLimited),
    (32, None, RateLimited),
    (613, None, RateLimited),
    (80001, None, RateLimited),
    (80002, None, RateLimited),
    (80004, None, RateLimited),
    (190, None, CredentialsExpired),
    (102, None, CredentialsExpired),
    (190, 458, AccountDisconnected),
    (190, 459, AccountDisconnected),
    (190, 460, AccountDisconnected),
    (190, 463, CredentialsExpired),
    (190, 464, AccountDisconnected),
    (190, 467, AccountDisconnected),
    (10, None, AccountDisconnected),
    (3, None, AccountDisconnected),
    (200, None, AccountDisconnected),
    (299, None, AccountDisconnected),
    (100, None, ContentRefused),
    (100, 33, ContentRefused),
    (368, None, AccountBlocked),
    (506, None, DuplicateRefused),
    (506, 1455006, DuplicateRefused),
    (1609005, None, ContentRefused),
    (ANY_CODE, 1609005, ContentRefused),
    (ANY_CODE, 1366051, DuplicateRefused),
    (ANY_CODE, 1366046, ContentRefused),
    (ANY_CODE, 1346003, ContentRefused),
    (ANY_CODE, 1404102, ContentRefused),
    (ANY_CODE, 1404006, AccountBlocked),
    (ANY_CODE, 1404078, AccountBlocked),
    (ANY_CODE, 4854002, AccountBlocked),
    (ANY_CODE, 1390008, AccountBlocked),
    (368, 1390008, AccountBlocked),
    (ANY_CODE, 1363047, TryLater),
    (ANY_CODE, 1609010, TryLater),
    (424242, None, ContentRefused),
]

INSTAGRAM: list[tuple[int, int | None, type[NetworkError]]] = [
    (-1, None, TryLater),
    (-2, None, TryLater),
    (-2, 2207003, TryLater),
    (-2, 2207020, PreparationLost),
    (-1, 2207001, TryLater),
    (-1, 2207032, TryLater),
    (-1, 2207053, TryLater),
    (36000, 2207004, ContentRefused),
    (36001, None, ContentRefused),
    (ANY_CODE, 2207005, ContentRefused),
    (36003, 2207009, ContentRefused),
    (352, 2207026, ContentRefused),
    (9007, 2207027, MediaNotReady),
    (9004, 2207052, TryLater),
    (ANY_CODE, 2207077, TryLater),
    (ANY_CODE, 2207082, TryLater),
    (24, 2207006, PreparationLost),
    (ANY_CODE, 2207008, PreparationLost),
    (24, 2207008, PreparationLost),
    (9, 2207042, RateLimited),
    (25, 2207050, AccountBlocked),
    (4, 2207051, AccountBlocked),
    (ANY_CODE, 2207010, ContentRefused),
    (ANY_CODE, 2207028, ContentRefused),
    (ANY_CODE, 2207023, ContentRefused),
    (ANY_CODE, 2207057, ContentRefused),
    (ANY_CODE, 2207035, ContentRefused),
    (ANY_CODE, 2207036, ContentRefused),
    (ANY_CODE, 2207037, ContentRefused),
    (ANY_CODE, 2207040, ContentRefused),
    (ANY_CODE, 2207081, ContentRefused),
    (20, 1772107, TryLater),
    (190, None, CredentialsExpired),
    (10, None, AccountDisconnected),
    (200, None, AccountDisconnected),
    (4, None, RateLimited),
    (17, None, RateLimited),
    (80002, None, RateLimited),
]

CASES = [(Network.FACEBOOK, *row) for row in FACEBOOK] + [
    (Network.INSTAGRAM, *row) for row in INSTAGRAM
]

UNCLEAR_AT_COMMIT = {-1, -2, 20}
"""Codes with TryLater on free calls and OutcomeUnknown on the committing one."""


def error_body(code: int, subcode: int | None = None, **more: Any) -> dict[str, Any]:
    """An error as the Graph API writes it, its message telling more than we may repeat."""
    error = {
        "message": f"Malformed access token {TOKEN}, message was {TEXT}",
        "type": "OAuthException",
        "code": code,
        "fbtrace_id": "A6LJylpZRKw2xKLFsAP-cJh",
    }
    return {"error": error | ({"error_subcode": subcode} if subcode else {}) | more}


@pytest.fixture
def graph(http_client: HttpClient, scripted_network: ScriptedNetwork) -> Graph:
    return Graph(http_client, network=Network.FACEBOOK, base_url=scripted_network.base_url)


async def create(graph: Graph) -> str:
    """A call that may be repeated freely."""
    return await graph.create("upload", "me", "things", token=TOKEN, form={"caption": TEXT})


async def commit(graph: Graph) -> Made:
    """A call that makes something public."""
    return await graph.commit(
        graph.compose("publish", "me", "things", token=TOKEN, form={"message": TEXT})
    )


def test_every_row_of_the_table_is_tested() -> None:
    tested = {(code, subcode) for _, code, subcode, _ in CASES}
    without_code = {subcode for code, subcode in tested if code == ANY_CODE}
    assert {row for row in TABLE if row[0] is not None} <= tested
    assert {subcode for code, subcode in TABLE if code is None} <= without_code


@pytest.mark.parametrize(("network", "code", "subcode", "expected"), CASES)
async def test_an_error_has_its_class(
    http_client: HttpClient,
    scripted_network: ScriptedNetwork,
    network: Network,
    code: int,
    subcode: int | None,
    expected: type[NetworkError],
) -> None:
    graph = Graph(http_client, network=network, base_url=scripted_network.base_url)
    scripted_network.tell("POST", "/me/things", Reply(status=400, json=error_body(code, subcode)))
    with pytest.raises(NetworkError) as free:
        await create(graph)
    with pytest.raises(NetworkError) as committing:
        await commit(graph)

    assert type(free.value) is expected
    at_commit = OutcomeUnknown if code in UNCLEAR_AT_COMMIT and expected is TryLater else expected
    assert type(committing.value) is at_commit
    for error in (free.value, committing.value):
        assert error.answer.status == 400
        assert error.answer.code == (f"{code}/{subcode}" if subcode else str(code))
        assert error.answer.request_id == "A6LJylpZRKw2xKLFsAP-cJh"
        assert "{" not in error.detail
        assert TOKEN not in f"{error} {error.answer}"
        assert TEXT not in f"{error} {error.answer}"


@pytest.mark.parametrize(
    ("status", "free", "committing"),
    [
        (500, TryLater, OutcomeUnknown),
        (502, TryLater, OutcomeUnknown),
        (503, TryLater, OutcomeUnknown),
        (408, TryLater, OutcomeUnknown),
        (302, TryLater, OutcomeUnknown),
        (400, TryLater, TryLater),
        (404, TryLater, TryLater),
        (401, CredentialsExpired, CredentialsExpired),
        (429, RateLimited, RateLimited),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html>Sorry</html>", b'{"error": "no"}', b"[]"])
async def test_an_answer_without_a_graph_error_is_told_by_its_status(
    graph: Graph,
    scripted_network: ScriptedNetwork,
    status: int,
    body: bytes,
    free: type[NetworkError],
    committing: type[NetworkError],
) -> None:
    scripted_network.tell("POST", "/me/things", Reply(status=status, body=body))
    with pytest.raises(free) as caught:
        await create(graph)
    assert type(caught.value) is free
    with pytest.raises(committing) as caught:
        await commit(graph)
    assert type(caught.value) is committing


@pytest.mark.parametrize("code", [1, 2, 100, 368, 190])
async def test_a_5xx_on_the_committing_call_is_unknown_whatever_its_code(
    graph: Graph, scripted_network: ScriptedNetwork, code: int
) -> None:
    scripted_network.tell("POST", "/me/things", Reply(status=500, json=error_body(code)))
    with pytest.raises(OutcomeUnknown):
        await commit(graph)
    with pytest.raises(TryLater):
        await create(graph)


@pytest.mark.parametrize(
    "body",
    [b"", b'{"id": "17', b"null", b"{}", b'{"id": null}', b'{"id": ""}', b'{"success":true}'],
)
async def test_a_success_without_an_id_is_unknown_on_the_committing_call(
    graph: Graph, scripted_network: ScriptedNetwork, body: bytes
) -> None:
    scripted_network.tell("POST", "/me/things", Reply(body=body))
    with pytest.raises(OutcomeUnknown):
        await commit(graph)
    with pytest.raises(TryLater):
        await create(graph)


async def test_a_cut_answer_is_unknown_on_the_committing_call(
    graph: Graph, scripted_network: ScriptedNetwork
) -> None:
    scripted_network.tell("POST", "/me/things", Reply(json={"id": "1"}, cut=True))
    with pytest.raises(OutcomeUnknown):
        await commit(graph)
    with pytest.raises(TryLater):
        await create(graph)


async def test_a_refused_connection_sent_nothing(http_client: HttpClient, closed_url: str) -> None:
    graph = Graph(http_client, network=Network.INSTAGRAM, base_url=closed_url)
    for call in (create, commit):
        with pytest.raises(TryLater):
            await call(graph)


async def test_the_token_travels_in_the_header_alone(
    graph: Graph, scripted_network: ScriptedNetwork
) -> None:
    scripted_network.tell("POST", "/me/things", Reply(json={"id": "17"}))
    assert (await commit(graph)).id == "17"
    (asked,) = scripted_network.asked
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"
    assert asked.query == {}
    assert asked.form == {"message": TEXT}


@pytest.mark.parametrize(
    ("usage", "wait"),
    [
        (None, timedelta(hours=1)),
        ("not JSON", timedelta(hours=1)),
        ("[]", timedelta(hours=1)),
        ("{}", timedelta(hours=1)),
        (json.dumps({"1": [{"estimated_time_to_regain_access": 0}]}), timedelta(hours=1)),
        (json.dumps({"1": [{"estimated_time_to_regain_access": 19}]}), timedelta(minutes=19)),
        (
            json.dumps(
                {
                    "1": [{"type": "pages", "estimated_time_to_regain_access": 3}],
                    "2": [{"type": "instagram"}, {"estimated_time_to_regain_access": 240}],
                }
            ),
            timedelta(minutes=240),
        ),
    ],
)
@pytest.mark.parametrize(("status", "code"), [(400, 80001), (400, 4), (403, 32), (429, 17)])
async def test_a_limit_waits_as_long_as_the_usage_header_says(
    graph: Graph,
    scripted_network: ScriptedNetwork,
    usage: str | None,
    wait: timedelta,
    status: int,
    code: int,
) -> None:
    headers = {"X-Business-Use-Case-Usage": usage} if usage else {}
    body = error_body(code, is_transient=True)
    scripted_network.tell("POST", "/me/things", Reply(status=status, json=body, headers=headers))
    with pytest.raises(RateLimited) as caught:
        await commit(graph)
    assert caught.value.retry_after == wait


@pytest.mark.parametrize(
    ("code", "subcode", "expected"),
    [
        (100, None, TryLater),
        (424242, None, TryLater),
        (36000, 2207004, ContentRefused),
        (190, None, CredentialsExpired),
        (368, None, AccountBlocked),
    ],
)
async def test_transient_softens_only_refusals_without_a_name(
    graph: Graph,
    scripted_network: ScriptedNetwork,
    code: int,
    subcode: int | None,
    expected: type[NetworkError],
) -> None:
    body = error_body(code, subcode, is_transient=True)
    scripted_network.tell("POST", "/me/things", Reply(status=400, json=body))
    with pytest.raises(NetworkError) as caught:
        await create(graph)
    assert type(caught.value) is expected


async def test_the_networks_own_words_are_kept_where_they_help(
    graph: Graph, scripted_network: ScriptedNetwork
) -> None:
    body = error_body(100, error_user_msg="The page has no such country.")
    scripted_network.tell("POST", "/me/things", Reply(status=400, json=body))
    with pytest.raises(ContentRefused, match="no such country"):
        await commit(graph)


@pytest.mark.parametrize("private", [TOKEN, TEXT, TEXT[:45]])
async def test_words_that_repeat_what_is_private_are_not_kept(
    graph: Graph, scripted_network: ScriptedNetwork, private: str
) -> None:
    body = error_body(100, error_user_msg=f"This is bad: {private}…")
    scripted_network.tell("POST", "/me/things", Reply(status=400, json=body))
    with pytest.raises(ContentRefused) as caught:
        await commit(graph)
    assert private not in str(caught.value)
