"""Switches through the API: a workspace holds its own, and sees what holds it, not others'."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import pytest
from fastapi import FastAPI

from api.problems import InvalidRequest
from api.switches.schemas import SwitchWanted
from api.switches.service import OperatorSwitches
from domain.networks import Network
from domain.switches import Reach
from runtime.resources import Resources
from runtime.settings import Settings
from storage.database import Database
from storage.moderation.audit import Actor
from storage.posts import TargetAccount
from tests.api.admins import audited
from tests.api.test_api_commands import environment, run
from tests.api.test_posts_actors import Author, accepted
from tests.conftest import NewTenant, Tenant
from tests.storage.held_posts import RULES, Publishing

HOLD = {"held": True, "reason": "The account was hacked."}
LIFT = {"held": False}
ADA = Actor(user_id=None, name="operator Ada")


@pytest.fixture
def author(client: httpx.AsyncClient, database: Database, workspace: Tenant) -> Author:
    """Somebody of the workspace."""
    return Author(client, database, workspace)


@pytest.fixture
async def account(author: Author) -> str:
    """The id of its account on X."""
    return await author.connect(Network.X)


@pytest.fixture
def operator(database: Database) -> OperatorSwitches:
    """Whoever runs the installation."""
    return OperatorSwitches(database, RULES)


async def put(author: Author, what: str, body: dict[str, Any]) -> httpx.Response:
    return await author.ask("PUT", f"/v1/switches/{what}", json=body)


async def board(author: Author) -> dict[str, Any]:
    shown: dict[str, Any] = accepted(await author.ask("GET", "/v1/switches"))
    return shown


async def test_at_first_nothing_is_held(author: Author) -> None:
    assert await board(author) == {"switches": [], "circuits": [], "held": []}


@pytest.mark.parametrize("reach", ["workspace", "account"])
async def test_a_workspace_holds_its_own_and_lifts_it_again(
    author: Author, account: str, workspace: Tenant, reach: str
) -> None:
    what = "workspace" if reach == "workspace" else f"accounts/{account}"
    answer = accepted(await put(author, what, HOLD))
    (switch,) = answer["switches"]
    assert answer["held"] is True
    assert switch["reach"] == reach
    assert switch["reason"] == HOLD["reason"]
    assert switch["held_by"].startswith("API key ")
    assert switch["liftable"] is True
    assert switch["workspace_id"] == (str(workspace.id) if reach == "workspace" else None)
    assert switch["account_id"] == (account if reach == "account" else None)
    assert (await board(author))["switches"] == [switch]
    assert accepted(await put(author, what, LIFT)) == {"held": False, "switches": []}
    assert accepted(await put(author, what, LIFT)) == {"held": False, "switches": []}
    assert (await board(author))["switches"] == []


async def test_holding_again_changes_why_and_until_when_and_not_since_when(
    author: Author, account: str
) -> None:
    what = f"accounts/{account}"
    (first,) = accepted(await put(author, what, HOLD))["switches"]
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    again = {"held": True, "reason": "Still.", "until": until.isoformat()}
    (second,) = accepted(await put(author, what, again))["switches"]
    assert second["reason"] == "Still."
    assert datetime.fromisoformat(second["until"]) == until
    assert second["held_since"] == first["held_since"]


@pytest.mark.parametrize(
    ("body", "field", "rule"),
    [
        ({"held": True}, "reason", "missing"),
        ({"held": True, "reason": " "}, "reason", "string_too_short"),
        ({**HOLD, "until": "tomorrow"}, "until", "not_a_time"),
        ({**HOLD, "until": "2027-03-01T09:00:00"}, "until", "missing_offset"),
        ({**HOLD, "until": "2020-03-01T09:00:00Z"}, "until", "in_the_past"),
        ({"reason": "No."}, "held", "missing"),
        ({**HOLD, "network": "x"}, "network", "extra_forbidden"),
    ],
)
async def test_what_is_wrong_is_told(
    author: Author, body: dict[str, Any], field: str, rule: str
) -> None:
    answer = await put(author, "workspace", body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    (problem,) = answer.json()["errors"]
    assert (problem["field"], problem["rule"]) == (field, rule)
    assert (await board(author))["switches"] == []


async def test_accounts_of_others_do_not_exist(
    author: Author, client: httpx.AsyncClient, database: Database, other_workspace: Tenant
) -> None:
    rival = Author(client, database, other_workspace)
    theirs = await rival.connect(Network.X)
    for account_id in (theirs, str(uuid4())):
        for body in (HOLD, LIFT):
            answer = await put(author, f"accounts/{account_id}", body)
            assert answer.status_code == 404
            assert answer.headers["content-type"] == "application/problem+json"
    assert (await board(rival))["switches"] == []


async def test_what_others_hold_is_not_shown(
    author: Author, client: httpx.AsyncClient, database: Database, other_workspace: Tenant
) -> None:
    rival = Author(client, database, other_workspace)
    theirs = await rival.connect(Network.X)
    accepted(await put(rival, "workspace", HOLD))
    accepted(await put(rival, f"accounts/{theirs}", HOLD))
    target = TargetAccount(account_id=UUID(theirs), network=Network.X)
    await Publishing(database).report(target, failures=5)
    shown = await board(author)
    assert shown["switches"] == []
    assert [one["account_id"] for one in shown["circuits"]] == [None]
    assert len((await board(rival))["switches"]) == 2


async def test_what_an_operator_holds_is_shown_and_cannot_be_lifted(
    author: Author, account: str, workspace: Tenant, operator: OperatorSwitches
) -> None:
    hold = SwitchWanted(held=True, reason="Incident at X")
    await operator.set(ADA, Reach.NETWORK, "x", hold)
    await operator.set(ADA, Reach.ACCOUNT, account, hold)
    answer = accepted(await put(author, f"accounts/{account}", LIFT))
    assert answer["held"] is True
    assert [(one["reach"], one["liftable"]) for one in answer["switches"]] == [
        ("network", False),
        ("account", False),
    ]
    assert {one["held_by"] for one in answer["switches"]} == {"operator Ada"}
    await operator.set(ADA, Reach.ACCOUNT, account, SwitchWanted(held=False))
    assert [one["reach"] for one in (await board(author))["switches"]] == ["network"]


async def test_what_the_settings_hold_is_shown_and_cannot_be_lifted(
    author: Author, account: str, app: FastAPI, settings: Settings, resources: Resources
) -> None:
    held = settings.model_copy(update={"held_networks": (Network.X,)})
    app.state.resources = replace(resources, settings=held)
    answer = accepted(await put(author, f"accounts/{account}", LIFT))
    assert answer["held"] is True
    (switch,) = answer["switches"]
    assert (switch["network"], switch["held_by"]) == ("x", "settings")
    assert switch["liftable"] is False
    assert (await board(author))["switches"] == [switch]


async def test_circuits_and_what_waits_are_shown(
    author: Author, account: str, workspace: Tenant, database: Database
) -> None:
    publishing = Publishing(database)
    await publishing.fail_network(workspace.id)
    target = TargetAccount(account_id=UUID(account), network=Network.X)
    await publishing.ask(await publishing.write(workspace.id, target, number=4))
    shown = await board(author)
    (network,) = [one for one in shown["circuits"] if one["account_id"] is None]
    assert (network["network"], network["state"]) == ("x", "open")
    assert (network["failures"], network["sends"]) == (10, 10)
    assert datetime.fromisoformat(network["next_probe_at"]) > datetime.now(UTC)
    assert shown["held"] == [{"network": "x", "deliveries": 4}]


async def test_who_may_not_change_accounts_may_not_hold_them(author: Author, account: str) -> None:
    made = await author.ask(
        "POST", "/v1/api-keys", json={"name": "Reader", "scopes": ["accounts:read"]}
    )
    reader = {"Authorization": f"Bearer {accepted(made)['api_key']}"}
    for what in ("workspace", f"accounts/{account}"):
        answer = await author.client.put(f"/v1/switches/{what}", json=HOLD, headers=reader)
        assert answer.status_code == 403
    shown = await author.client.get("/v1/switches", headers=reader)
    assert shown.status_code == 200


@pytest.mark.parametrize(
    ("reach", "subject"),
    [
        (Reach.NETWORK, "myspace"),
        (Reach.WORKSPACE, "00000000-0000-7000-8000-000000000000"),
        (Reach.ACCOUNT, "bakery"),
        (Reach.EVERYTHING, "x"),
        (Reach.NETWORK, ""),
    ],
)
async def test_an_operator_holds_only_what_exists(
    operator: OperatorSwitches, database: Database, reach: Reach, subject: str
) -> None:
    with pytest.raises(InvalidRequest):
        await operator.set(ADA, reach, subject, SwitchWanted(held=True, reason="No."))
    assert await audited(database) == []


async def test_an_operator_sees_everything(
    author: Author, new_tenant: NewTenant, operator: OperatorSwitches
) -> None:
    await asyncio.gather(*(put(author, "workspace", HOLD) for _ in range(4)))
    shown = await operator.read()
    assert [one.reach for one in shown.switches] == [Reach.WORKSPACE]
    assert not shown.switches[0].liftable


@pytest.mark.end_to_end
async def test_an_operator_switches_by_a_command(
    author: Author, settings: Settings, database: Database
) -> None:
    env = environment(settings)
    hold = ("hold", "network", "x", "--reason", "Incident at X", "--by", "Ada")
    code, output, errors = await run("api.switches", *hold, env=env)
    assert code == 0, errors
    assert orjson.loads(output)["switches"][0]["held_by"] == "operator Ada"
    assert [one["network"] for one in (await board(author))["switches"]] == ["x"]
    code, output, errors = await run("api.switches", "lift", "network", "x", env=env)
    assert (code, orjson.loads(output)["switches"]) == (0, []), errors
    code, _, errors = await run(
        "api.switches", "hold", "network", "myspace", "--reason", "No.", env=env
    )
    assert code == 2
    assert "facebook" in errors
    lifted, held = await audited(database)
    for entry in (lifted, held):
        assert entry.actor == Actor(user_id=None, name=entry.actor.name), "no user did it"
        assert (entry.act, entry.subject_type, entry.subject_id) == ("set_switch", "network", "x")
    assert (held.actor.name, held.reason) == ("operator Ada", "Incident at X")
    assert (held.after, lifted.after) == (
        {"held": True, "until": None},
        {"held": False, "until": None},
    )
    assert lifted.actor.name.startswith("operator ")
