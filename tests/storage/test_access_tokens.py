"""Access tokens: what they say, and which are believed."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from domain.ids import new_id
from domain.roles import UserRole
from storage.users.access_tokens import AccessTokenExpired, AccessTokens, InvalidAccessToken

KEY, OLD_KEY, OTHERS_KEY = "a" * 32, "b" * 32, "c" * 32
USER, SESSION = new_id(), new_id()


def issued(tokens: AccessTokens) -> str:
    return tokens.issue(user_id=USER, session_id=SESSION, role=UserRole.USER)


def made(keys: list[str], minutes: float = 10) -> AccessTokens:
    return AccessTokens(keys, lifetime=timedelta(minutes=minutes))


def test_it_says_whose_session_it_is() -> None:
    claims = made([KEY]).read(issued(made([KEY])))
    assert (claims.user_id, claims.session_id) == (USER, SESSION)
    assert timedelta(minutes=9) < claims.expires_at - datetime.now(UTC) <= timedelta(minutes=10)


def test_its_claims_are_the_documented_ones() -> None:
    claims = jwt.decode(issued(made([KEY])), options={"verify_signature": False})
    assert set(claims) == {"sub", "sid", "role", "iat", "exp"}
    assert claims["role"] == "user"


def test_a_new_key_in_front_signs_and_the_old_one_verifies_still() -> None:
    before = issued(made([OLD_KEY]))
    both = made([KEY, OLD_KEY])
    assert both.read(before).user_id == USER
    with pytest.raises(InvalidAccessToken):
        made([OLD_KEY]).read(issued(both))


def test_it_ends() -> None:
    with pytest.raises(AccessTokenExpired):
        made([KEY]).read(issued(made([KEY], minutes=-1)))


def test_what_was_read_is_remembered_until_it_ends() -> None:
    now = [datetime.now(UTC)]
    tokens = AccessTokens([KEY], lifetime=timedelta(minutes=10), clock=lambda: now[0])
    token = issued(tokens)
    assert tokens.remembered(token) is None
    claims = tokens.read(token)
    assert tokens.remembered(token) is claims
    assert tokens.read(token) is claims
    now[0] = claims.expires_at - timedelta(microseconds=1)
    assert tokens.read(token) is claims
    now[0] = claims.expires_at
    assert tokens.remembered(token) is None
    with pytest.raises(AccessTokenExpired):
        tokens.read(token)


def test_what_is_not_believed_is_not_remembered() -> None:
    tokens = made([KEY])
    good = issued(tokens)
    tokens.read(good)
    for token in (good[:-2] + "xx", f"{good} ", issued(made([OTHERS_KEY])), "\ud800"):
        for _ in range(2):
            with pytest.raises(InvalidAccessToken):
                tokens.read(token)
        assert tokens.remembered(token) is None


def test_no_more_than_a_number_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.users.access_tokens.REMEMBERED", 2)
    tokens = made([KEY])
    some = [
        tokens.issue(user_id=new_id(), session_id=SESSION, role=UserRole.USER) for _ in range(3)
    ]
    for token in some:
        tokens.read(token)
    assert [tokens.remembered(token) is not None for token in some] == [False, True, True]


def _unsigned() -> str:
    def part(content: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()

    kid = jwt.get_unverified_header(issued(made([KEY])))["kid"]
    claims = {"sub": str(USER), "sid": str(SESSION), "iat": 1, "exp": 9_999_999_999}
    return f"{part({'alg': 'none', 'kid': kid})}.{part(claims)}."


def _signed_by(key: str, **claims: object) -> str:
    kid = jwt.get_unverified_header(issued(made([KEY])))["kid"]
    return jwt.encode(claims, key, "HS256", headers={"kid": kid})


@pytest.mark.parametrize(
    "token",
    [
        "",
        "nonsense",
        "a.b.c",
        "ä.ö.ü",
        _unsigned(),
        issued(made([OTHERS_KEY])),
        _signed_by(OTHERS_KEY, sub=str(USER), sid=str(SESSION), iat=1, exp=9_999_999_999),
        _signed_by(KEY, sub=str(USER), iat=1, exp=9_999_999_999),
        _signed_by(KEY, sub="nobody", sid=str(SESSION), iat=1, exp=9_999_999_999),
        _signed_by(KEY, sub=str(USER), sid=str(SESSION), iat=1),
        issued(made([KEY]))[:-2] + "xx",
    ],
)
def test_nothing_else_is_believed(token: str) -> None:
    with pytest.raises(InvalidAccessToken):
        made([KEY]).read(token)
