"""What a workspace published on the feed, it takes away again: posts first, then their pictures."""

from uuid import UUID

import httpx
import pytest

from api.auth.scopes import ALL_SCOPES, Scope
from domain.networks import Network
from domain.roles import WorkspaceRole
from networks.protocol import MediaFile
from runtime.resources import Resources
from storage import members
from storage.database import Database
from tests.api.conftest import NewPerson, Person
from tests.api.feed_actors import FeedWorker, Reader, told
from tests.api.test_feed import publish, unread
from tests.api.test_posts_actors import Author, accepted
from tests.conftest import Tenant


@pytest.fixture
def author(client: httpx.AsyncClient, database: Database, workspace: Tenant) -> Author:
    """Writes for the workspace."""
    return Author(client, database, workspace)


@pytest.fixture
async def account(author: Author) -> str:
    """The id of the workspace's page on the feed."""
    return await author.connect(Network.FEED, "bakery")


@pytest.fixture
async def post(database: Database, account: str) -> str:
    """The id of what was scheduled for the page, and is out."""
    return (await publish(database, account, "Rolls at seven. #bread")).remote_id


@pytest.fixture
async def reader(client: httpx.AsyncClient, new_user: NewPerson) -> Reader:
    """Who follows pages."""
    return Reader(client, await new_user("bob"))


async def take_down(
    client: httpx.AsyncClient, post_id: str, headers: dict[str, str]
) -> httpx.Response:
    """Take a post out of the feed."""
    return await client.delete(f"/v1/feed/posts/{post_id}", headers=headers)


async def join(database: Database, workspace: Tenant, person: Person, role: WorkspaceRole) -> None:
    """Make somebody a member."""
    async with database.transaction() as session:
        await members.add(session, workspace.id, person.user_id, role)


async def test_a_workspace_takes_down_what_it_scheduled_and_then_deletes_the_picture(
    author: Author, account: str, workspace: Tenant, client: httpx.AsyncClient, database: Database
) -> None:
    bread = await author.upload()
    file = MediaFile(
        media_id=UUID(bread),
        content_type="image/jpeg",
        size=1,
        width=640,
        height=640,
        alt_text="A loaf",
        public_url="",
        read=unread,
    )
    published = (await publish(database, account, "Bread.", (file,))).remote_id
    refused = await client.delete(f"/v1/media/{bread}", headers=workspace.headers)
    assert told(refused, 409)["type"] == "/problems/media-in-use"
    told(await take_down(client, published, workspace.headers), 204)
    told(await client.get(f"/v1/feed/posts/{published}"), 404)
    told(await client.delete(f"/v1/media/{bread}", headers=workspace.headers), 204)
    told(await take_down(client, published, workspace.headers), 404)


async def test_it_is_gone_from_every_list(
    post: str,
    account: str,
    reader: Reader,
    workspace: Tenant,
    client: httpx.AsyncClient,
    resources: Resources,
) -> None:
    page = (await reader.get(f"posts/{post}"))["author"]["id"]
    await reader.put(f"users/{page}/follow", f"posts/{post}/like", f"posts/{post}/repost")
    await FeedWorker(resources.database, resources.live).work()
    lists = (
        f"users/{page}/posts",
        f"users/{reader.id}/posts",
        f"accounts/{account}/posts",
        "hashtags/bread/posts",
        "home",
    )
    for path in lists:
        assert await reader.texts(path) == ["Rolls at seven. #bread"], path
    told(await take_down(client, post, workspace.headers), 204)
    await reader.put(f"users/{page}/mute")  # whoever acts reads anew
    await reader.drop(f"users/{page}/mute")
    for path in lists:
        assert await reader.texts(path) == [], path
    told(await reader.ask("PUT", f"posts/{post}/like"), 404)


@pytest.mark.parametrize(
    "role", [WorkspaceRole.OWNER, WorkspaceRole.ADMIN, WorkspaceRole.EDITOR, WorkspaceRole.VIEWER]
)
async def test_members_who_may_write_posts_take_them_down(
    post: str,
    user: Person,
    workspace: Tenant,
    client: httpx.AsyncClient,
    database: Database,
    role: WorkspaceRole,
) -> None:
    await join(database, workspace, user, role)
    may = role is not WorkspaceRole.VIEWER
    told(await take_down(client, post, user.within(workspace.id)), 204 if may else 403)
    told(await client.get(f"/v1/feed/posts/{post}"), 404 if may else 200)


async def test_an_editor_sees_at_once_that_it_is_gone(
    post: str, user: Person, workspace: Tenant, client: httpx.AsyncClient, resources: Resources
) -> None:
    await join(resources.database, workspace, user, WorkspaceRole.EDITOR)
    ada = Reader(client, user)
    await ada.put(f"users/{(await ada.get(f'posts/{post}'))['author']['id']}/follow")
    assert await ada.texts("home") == ["Rolls at seven. #bread"]
    told(await take_down(client, post, user.within(workspace.id)), 204)
    assert await ada.texts("home") == []


async def test_a_key_needs_the_permission_to_write_posts(
    author: Author, post: str, client: httpx.AsyncClient
) -> None:
    for scopes, status in ((ALL_SCOPES - {Scope.POSTS_WRITE}, 403), ({Scope.POSTS_WRITE}, 204)):
        body = {"name": "Robot", "scopes": sorted(scopes)}
        key = accepted(await author.ask("POST", "/v1/api-keys", json=body))["api_key"]
        told(await take_down(client, post, {"Authorization": f"Bearer {key}"}), status)


async def test_nobody_elses_post_is_taken_down(
    post: str,
    user: Person,
    workspace: Tenant,
    other_workspace: Tenant,
    client: httpx.AsyncClient,
    database: Database,
) -> None:
    await join(database, workspace, user, WorkspaceRole.OWNER)
    for headers in (other_workspace.headers, user.headers):  # a user who names no workspace
        told(await take_down(client, post, headers), 404)
    told(await take_down(client, post, user.within(other_workspace.id)), 404)
    told(await take_down(client, post, {}), 401)
    told(await client.get(f"/v1/feed/posts/{post}"))


async def test_what_members_write_themselves_is_theirs_alone(
    user: Person,
    other_user: Person,
    workspace: Tenant,
    client: httpx.AsyncClient,
    database: Database,
) -> None:
    await join(database, workspace, user, WorkspaceRole.VIEWER)
    await join(database, workspace, other_user, WorkspaceRole.OWNER)
    own = await Reader(client, user).publish("My own bread.")
    for headers in (workspace.headers, other_user.within(workspace.id)):
        told(await take_down(client, own, headers), 404)
    told(await take_down(client, own, user.within(workspace.id)), 204)
