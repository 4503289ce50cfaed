"""Passwords: changed by who knows them, chosen anew by who reads the mail."""

import asyncio
import base64
from datetime import timedelta
from hashlib import sha256

import httpx
import pytest
from sqlalchemy import select, update

from storage.database import Database
from storage.tables import JobRow, PasswordResetRow
from storage.users import users
from tests.api.conftest import PASSWORD, Person
from tests.mail_server import MailServer
from tests.patience import PATIENCE

NEW = "four unrelated words here"


async def login(client: httpx.AsyncClient, email: str, password: str) -> httpx.Response:
    return await client.post("/v1/auth/login", json={"email": email, "password": password})


async def change(
    client: httpx.AsyncClient, user: Person, current: str = PASSWORD, new: str = NEW
) -> httpx.Response:
    return await client.put(
        "/v1/auth/password",
        json={"current_password": current, "new_password": new},
        headers=user.headers,
    )


async def ask_for_mail(client: httpx.AsyncClient, email: str) -> httpx.Response:
    return await client.post("/v1/auth/password/reset-mails", json={"email": email})


async def reset(client: httpx.AsyncClient, token: str, new: str = NEW) -> httpx.Response:
    return await client.post("/v1/auth/password/reset", json={"token": token, "new_password": new})


async def mailed_token(server: MailServer, email: str, *, count: int = 1) -> str:
    letter = await server.letter_to(email, count=count)
    return letter.text.partition("/reset-password#")[2].split()[0]


async def all_jobs_done(database: Database) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            async with database.transaction() as session:
                if not (await session.scalars(select(JobRow.id))).all():
                    return
            await asyncio.sleep(0.01)


async def test_a_new_password_signs_everybody_else_out(
    client: httpx.AsyncClient, user: Person
) -> None:
    other = (await login(client, user.email, PASSWORD)).json()
    assert (await change(client, user)).status_code == 204
    assert (await client.get("/v1/users/me", headers=user.headers)).status_code == 200
    headers = {"Authorization": f"Bearer {other['access_token']}"}
    assert (await client.get("/v1/users/me", headers=headers)).status_code == 401
    refreshed = await client.post(
        "/v1/auth/refresh", json={"refresh_token": other["refresh_token"]}
    )
    assert refreshed.status_code == 401
    assert (await login(client, user.email, PASSWORD)).status_code == 401
    assert (await login(client, user.email, NEW)).status_code == 200


async def test_it_takes_the_old_one(client: httpx.AsyncClient, user: Person) -> None:
    answer = await change(client, user, current="not the password")
    assert answer.status_code == 401
    assert answer.json()["type"] == "/problems/wrong-password"
    assert (await login(client, user.email, PASSWORD)).status_code == 200


@pytest.mark.parametrize("new", ["Tiny1!", "x1Y2" * 51, "password1234", "ada@example.org!"])
async def test_a_new_password_has_to_be_good(
    client: httpx.AsyncClient, user: Person, new: str
) -> None:
    answer = await change(client, user, new=new)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == "new_password"
    assert new not in answer.text


async def test_of_two_changes_at_once_one_counts(client: httpx.AsyncClient, user: Person) -> None:
    answers = await asyncio.gather(
        *(change(client, user, new=f"{NEW} {number}") for number in range(4))
    )
    statuses = [answer.status_code for answer in answers]
    assert sorted(statuses) == [204, 401, 401, 401]
    chosen = f"{NEW} {statuses.index(204)}"
    assert (await login(client, user.email, chosen)).status_code == 200


async def test_a_mailed_link_chooses_a_new_password_once(
    mailing_client: httpx.AsyncClient,
    mail_server: MailServer,
    user: Person,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = await ask_for_mail(mailing_client, user.email.upper())
    assert asked.status_code == 202
    token = await mailed_token(mail_server, user.email)
    assert (await reset(mailing_client, token)).status_code == 204
    assert (await mailing_client.get("/v1/users/me", headers=user.headers)).status_code == 401
    assert (await login(mailing_client, user.email, NEW)).status_code == 200
    again = await reset(mailing_client, token, "another good password")
    assert again.status_code == 422
    assert again.json()["errors"][0]["field"] == "token"
    told = await mail_server.letter_to(user.email, count=2)
    assert told.subject == "Your password was changed"
    shown = capsys.readouterr()
    for secret in (token, NEW):
        assert secret not in caplog.text + shown.out + shown.err


async def test_nobody_is_told_who_has_an_address(
    mailing_client: httpx.AsyncClient, mail_server: MailServer, user: Person, database: Database
) -> None:
    known = await ask_for_mail(mailing_client, user.email)
    unknown = await ask_for_mail(mailing_client, "nobody@example.org")
    assert (known.status_code, known.json()) == (unknown.status_code, unknown.json())
    await mail_server.letter_to(user.email)
    await all_jobs_done(database)
    assert [mail.recipients for mail in mail_server.mails.received] == [[user.email]]


async def test_a_suspended_user_gets_no_link(
    mailing_client: httpx.AsyncClient, mail_server: MailServer, user: Person, database: Database
) -> None:
    async with database.transaction() as session:
        await users.suspend(session, user.user_id, reason="spam")
    await ask_for_mail(mailing_client, user.email)
    await all_jobs_done(database)
    assert mail_server.mails.received == []


async def test_a_link_is_too_old_after_an_hour(
    mailing_client: httpx.AsyncClient, mail_server: MailServer, user: Person, database: Database
) -> None:
    await ask_for_mail(mailing_client, user.email)
    token = await mailed_token(mail_server, user.email)
    async with database.transaction() as session:
        await session.execute(
            update(PasswordResetRow).values(
                expires_at=PasswordResetRow.expires_at - timedelta(hours=1)
            )
        )
    assert (await reset(mailing_client, token)).status_code == 422
    assert (await login(mailing_client, user.email, PASSWORD)).status_code == 200


async def test_a_changed_password_makes_older_links_worthless(
    mailing_client: httpx.AsyncClient, mail_server: MailServer, user: Person
) -> None:
    await ask_for_mail(mailing_client, user.email)
    token = await mailed_token(mail_server, user.email)
    assert (await change(mailing_client, user)).status_code == 204
    assert (await reset(mailing_client, token, "another good password")).status_code == 422


async def test_a_link_is_used_by_one_of_two(
    mailing_client: httpx.AsyncClient, mail_server: MailServer, user: Person
) -> None:
    await ask_for_mail(mailing_client, user.email)
    token = await mailed_token(mail_server, user.email)
    answers = await asyncio.gather(*(reset(mailing_client, token) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [204, 422, 422, 422]


@pytest.mark.parametrize("token", ["x", "AAAA", "é", "A" * 64, "=" * 200])
async def test_a_token_that_nobody_mailed_is_refused(client: httpx.AsyncClient, token: str) -> None:
    answer = await reset(client, token)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == "token"


async def test_one_address_gets_few_mails(mailing_client: httpx.AsyncClient, user: Person) -> None:
    for email in (user.email, "nobody@example.org"):
        answers = [await ask_for_mail(mailing_client, email) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [202] * 5 + [429]


@pytest.mark.parametrize("path", ["/reset-password", "/accept-invitation"])
async def test_a_link_leads_to_a_page_that_runs_its_own_script_alone(
    client: httpx.AsyncClient, path: str
) -> None:
    page = await client.get(path)
    assert page.status_code == 200
    script = page.text.partition("<script>")[2].partition("</script>")[0]
    allowed = base64.b64encode(sha256(script.encode()).digest()).decode()
    policy = page.headers["content-security-policy"]
    assert f"script-src 'sha256-{allowed}'" in policy
    assert "default-src 'none'" in policy
    assert "http" not in page.text


async def test_without_mail_it_is_said(client: httpx.AsyncClient, user: Person) -> None:
    answer = await ask_for_mail(client, user.email)
    assert answer.status_code == 503
    assert answer.json()["type"] == "/problems/mail-off"
