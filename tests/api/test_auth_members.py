"""Workspaces of users: members, roles, invitations, and what each role may do."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from pydantic import TypeAdapter

from domain.roles import WorkspaceRole
from runtime.signing_in import INVITATIONS_PER_HOUR
from tests.api.conftest import NewPerson, Person
from tests.conftest import Tenant
from tests.mail_server import MailServer

SOMEWHERE = UUID("01990000-0000-7000-8000-000000000000")


async def make_workspace(client: httpx.AsyncClient, owner: Person) -> UUID:
    answer = await client.post(
        "/v1/workspaces", json={"name": "Corner bakery"}, headers=owner.headers
    )
    assert answer.status_code == 201, answer.text
    assert answer.json()["role"] == "owner"
    return TypeAdapter(UUID).validate_python(answer.json()["workspace_id"])


@pytest.fixture
async def bakery(client: httpx.AsyncClient, user: Person) -> UUID:
    """A workspace that `user` owns."""
    return await make_workspace(client, user)


async def add(
    client: httpx.AsyncClient, headers: dict[str, str], handle: str, role: str
) -> httpx.Response:
    return await client.post("/v1/members", json={"handle": handle, "role": role}, headers=headers)


async def test_who_makes_a_workspace_owns_it(
    client: httpx.AsyncClient, user: Person, other_user: Person, bakery: UUID
) -> None:
    mine = await client.get("/v1/workspaces", headers=user.headers)
    assert mine.json()["items"] == [
        {"workspace_id": str(bakery), "name": "Corner bakery", "role": "owner"}
    ]
    assert (await client.get("/v1/workspaces", headers=other_user.headers)).json()["items"] == []
    shown = await client.get("/v1/workspace", headers=user.within(bakery))
    assert shown.json()["id"] == str(bakery)


async def test_a_workspace_of_others_is_not_there(
    client: httpx.AsyncClient, other_user: Person, bakery: UUID, workspace: Tenant
) -> None:
    answers = [
        await client.get("/v1/workspace", headers=other_user.within(each))
        for each in (bakery, workspace.id, uuid4())
    ]
    assert [answer.status_code for answer in answers] == [404] * 3
    assert all("among yours" in answer.json()["detail"] for answer in answers)


async def test_a_user_has_to_name_the_workspace(
    client: httpx.AsyncClient, user: Person, bakery: UUID
) -> None:
    answer = await client.get("/v1/posts", headers=user.headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "X-Workspace"
    nonsense = await client.get("/v1/posts", headers={**user.headers, "X-Workspace": "nonsense"})
    assert nonsense.status_code == 422


async def test_an_api_key_stays_in_its_workspace(
    client: httpx.AsyncClient, workspace: Tenant, other_workspace: Tenant
) -> None:
    own = {**workspace.headers, "X-Workspace": str(workspace.id)}
    assert (await client.get("/v1/workspace", headers=own)).status_code == 200
    others = {**workspace.headers, "X-Workspace": str(other_workspace.id)}
    assert (await client.get("/v1/workspace", headers=others)).status_code == 404


ASKED = {
    "posts:read": ("GET", "/v1/posts"),
    "posts:write": ("POST", f"/v1/posts/{SOMEWHERE}/cancel"),
    "accounts:read": ("GET", "/v1/accounts"),
    "accounts:write": ("POST", f"/v1/accounts/{SOMEWHERE}/check"),
    "media:read": ("GET", "/v1/media"),
    "media:write": ("DELETE", f"/v1/media/{SOMEWHERE}"),
    "keys:read": ("GET", "/v1/api-keys"),
    "keys:write": ("DELETE", f"/v1/api-keys/{SOMEWHERE}"),
    "members:read": ("GET", "/v1/members"),
    "members:write": ("DELETE", f"/v1/members/{SOMEWHERE}"),
}
LOOKING = {"posts:read", "accounts:read", "media:read", "members:read"}
MAY = {
    "owner": set(ASKED),
    "admin": set(ASKED),
    "editor": LOOKING | {"posts:write", "media:write"},
    "viewer": LOOKING,
}


@pytest.mark.parametrize("role", list(WorkspaceRole))
async def test_a_role_says_what_a_member_may(
    client: httpx.AsyncClient, user: Person, other_user: Person, bakery: UUID, role: str
) -> None:
    added = await add(client, user.within(bakery), other_user.handle, role)
    assert added.status_code == 201, added.text
    allowed = set()
    for scope, (method, path) in ASKED.items():
        answer = await client.request(method, path, headers=other_user.within(bakery))
        if answer.status_code == 403:
            assert answer.json()["type"] == "/problems/missing-scope"
            assert scope in answer.json()["detail"]
        else:
            assert answer.status_code in {200, 404}, answer.text
            allowed.add(scope)
    assert allowed == MAY[role]


async def test_a_member_posts_in_the_workspace(
    client: httpx.AsyncClient, user: Person, bakery: UUID
) -> None:
    within = user.within(bakery)
    connected = await client.post(
        "/v1/accounts",
        json={"network": "feed", "credentials": {"handle": "bakery"}},
        headers=within,
    )
    assert connected.status_code == 201, connected.text
    post = await client.post(
        "/v1/posts",
        json={
            "targets": [connected.json()["id"]],
            "text": "Fresh bread",
            "publish_at": (datetime.now(UTC) + timedelta(days=1)).isoformat(),
        },
        headers=within,
    )
    assert post.status_code == 201, post.text


async def test_members_are_listed_changed_and_removed(
    client: httpx.AsyncClient, user: Person, other_user: Person, bakery: UUID
) -> None:
    within = user.within(bakery)
    await add(client, within, other_user.handle.upper(), "viewer")
    listed = (await client.get("/v1/members", headers=within)).json()["items"]
    assert [(each["handle"], each["role"]) for each in listed] == [
        ("grace", "viewer"),
        ("ada", "owner"),
    ]
    path = f"/v1/members/{other_user.user_id}"
    changed = await client.patch(path, json={"role": "editor"}, headers=within)
    assert changed.json()["role"] == "editor"
    again = await add(client, within, other_user.handle, "viewer")
    assert again.status_code == 409
    assert (await client.delete(path, headers=within)).status_code == 204
    assert (await client.delete(path, headers=within)).status_code == 404
    gone = await client.get("/v1/workspace", headers=other_user.within(bakery))
    assert gone.status_code == 404


async def test_the_last_owner_stays(
    client: httpx.AsyncClient, user: Person, other_user: Person, bakery: UUID
) -> None:
    within, me = user.within(bakery), f"/v1/members/{user.user_id}"
    leave = f"/v1/workspaces/{bakery}/membership"
    for refused in (
        await client.delete(me, headers=within),
        await client.patch(me, json={"role": "admin"}, headers=within),
        await client.delete(leave, headers=user.headers),
    ):
        assert refused.status_code == 409, refused.text
        assert refused.json()["type"] == "/problems/last-owner"
    await add(client, within, other_user.handle, "owner")
    assert (await client.delete(leave, headers=user.headers)).status_code == 204
    assert (await client.get("/v1/workspace", headers=within)).status_code == 404
    assert (await client.delete(leave, headers=user.headers)).status_code == 404


async def test_an_admin_does_not_deal_with_owners(
    client: httpx.AsyncClient,
    user: Person,
    other_user: Person,
    new_user: NewPerson,
    bakery: UUID,
) -> None:
    await add(client, user.within(bakery), other_user.handle, "admin")
    await new_user("linus")
    within, owner = other_user.within(bakery), f"/v1/members/{user.user_id}"
    myself = f"/v1/members/{other_user.user_id}"
    for refused in (
        await add(client, within, "linus", "owner"),
        await client.patch(myself, json={"role": "owner"}, headers=within),
        await client.patch(owner, json={"role": "viewer"}, headers=within),
        await client.delete(owner, headers=within),
    ):
        assert refused.status_code == 403, refused.text
        assert refused.json()["type"] == "/problems/owners-only"
    assert (await add(client, within, "linus", "admin")).status_code == 201


async def test_a_key_makes_nobody_more_than_it_is(
    client: httpx.AsyncClient, workspace: Tenant, user: Person
) -> None:
    made = await client.post(
        "/v1/api-keys",
        json={"name": "Members", "scopes": ["members:write", "members:read"]},
        headers=workspace.headers,
    )
    headers = {"Authorization": f"Bearer {made.json()['api_key']}"}
    for role in WorkspaceRole:
        assert (await add(client, headers, user.handle, role)).status_code == 403
    assert (await add(client, workspace.headers, user.handle, "owner")).status_code == 201


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"handle": "nobody_here", "role": "viewer"}, "handle"),
        ({"handle": "x", "role": "viewer"}, "handle"),
        ({"handle": "grace", "role": "king"}, "role"),
        ({"handle": "grace"}, "role"),
        ({"role": "viewer"}, "handle"),
    ],
)
async def test_who_cannot_be_added_is_told_by_field(
    client: httpx.AsyncClient, user: Person, bakery: UUID, body: dict[str, Any], field: str
) -> None:
    answer = await client.post("/v1/members", json=body, headers=user.within(bakery))
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == field


async def test_an_invitation_goes_by_mail_and_is_accepted_once(
    mailing_client: httpx.AsyncClient,
    mail_server: MailServer,
    user: Person,
    other_user: Person,
    bakery: UUID,
    new_user: NewPerson,
) -> None:
    invited = await mailing_client.post(
        "/v1/invitations",
        json={"email": "Grace@Work.example", "role": "editor"},
        headers=user.within(bakery),
    )
    assert invited.status_code == 201, invited.text
    letter = await mail_server.letter_to("grace@work.example")
    assert "Corner bakery" in letter.subject
    token = letter.text.partition("/accept-invitation#")[2].split()[0]
    assert token not in invited.text

    async def accept(person: Person, sent: str) -> httpx.Response:
        return await mailing_client.post(
            "/v1/invitations/accept", json={"token": sent}, headers=person.headers
        )

    accepted = await accept(other_user, token)
    assert accepted.json() == {
        "workspace_id": str(bakery),
        "name": "Corner bakery",
        "role": "editor",
    }
    for refused in (
        await accept(await new_user("linus"), token),
        await accept(other_user, "made up"),
        await accept(other_user, token[:-4] + "AAA="),
    ):
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["field"] == "token"


async def test_nobody_sends_advertisements_by_invitation(
    mailing_client: httpx.AsyncClient, user: Person, other_user: Person, bakery: UUID
) -> None:
    async def invite(headers: dict[str, str], number: int) -> int:
        body = {"email": f"reader{number}@example.org", "role": "viewer"}
        return (
            await mailing_client.post("/v1/invitations", json=body, headers=headers)
        ).status_code

    within = user.within(bakery)
    statuses = [await invite(within, number) for number in range(INVITATIONS_PER_HOUR + 2)]
    assert statuses == [201] * INVITATIONS_PER_HOUR + [429] * 2
    await add(mailing_client, within, other_user.handle, "admin")
    assert await invite(other_user.within(bakery), 0) == 201


async def test_without_mail_nobody_is_invited_by_it(
    client: httpx.AsyncClient, user: Person, bakery: UUID
) -> None:
    answer = await client.post(
        "/v1/invitations",
        json={"email": "grace@example.org", "role": "viewer"},
        headers=user.within(bakery),
    )
    assert answer.status_code == 503
    assert answer.json()["type"] == "/problems/mail-off"
