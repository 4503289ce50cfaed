"""Accounts on the networks and the tokens that open them."""

import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from sandbox.clock import Clock, rfc3339
from sandbox.journal import Event, Journal

Use = Literal["access", "refresh"]
Ended = Literal["expired", "revoked", "replaced"]


@dataclass(slots=True, kw_only=True)
class Account:
    """One profile or page on one network.

    `access_token_lifetime_seconds` None takes what the network usually gives.
    `unlimited` lifts the network's rate limits and quotas, for benchmarks.
    """

    network: str
    id: str
    handle: str
    name: str
    created_at: str
    access_token_lifetime_seconds: float | None = None
    unlimited: bool = False
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Token:
    """One access or refresh token; `family` ties together all that came from one login."""

    value: str
    network: str
    account_id: str
    use: Use
    family: str
    issued_at: datetime
    expires_at: datetime | None
    ended: Ended | None = None
    ended_at: datetime | None = None
    successor: str | None = None

    def is_valid(self, now: datetime) -> bool:
        return self.ended is None and (self.expires_at is None or now < self.expires_at)

    def is_expired(self, now: datetime) -> bool:
        return self.ended == "expired" or (self.expires_at is not None and now >= self.expires_at)


class Accounts:
    """Creates accounts, issues tokens and ends them."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self.clear()
        journal.on("account", self._apply_account)
        journal.on("token", self._apply_token)

    def clear(self) -> None:
        self._accounts: dict[tuple[str, str], Account] = {}
        self._by_handle: dict[tuple[str, str], Account] = {}
        self._tokens: dict[tuple[str, str], Token] = {}
        self._by_account: dict[tuple[str, str], list[Token]] = {}

    def __iter__(self) -> Iterator[Account]:
        return iter(self._accounts.values())

    def find(self, network: str, handle_or_id: str) -> Account | None:
        key = (network, handle_or_id)
        return self._accounts.get(key) or self._by_handle.get((network, handle_or_id.lower()))

    def save(self, account: Account) -> Account:
        self._journal.record("account", asdict(account))
        return self._accounts[account.network, account.id]

    def token(self, network: str, value: str) -> Token | None:
        return self._tokens.get((network, value))

    def owner(self, token: Token) -> Account:
        return self._accounts[token.network, token.account_id]

    def tokens(self, account: Account) -> list[Token]:
        return self._by_account.get((account.network, account.id), [])

    def current(self, account: Account, use: Use) -> Token | None:
        """The newest token that still opens the account."""
        now = self._clock.now()
        valid = (token for token in reversed(self.tokens(account)) if token.is_valid(now))
        return next((token for token in valid if token.use == use), None)

    def issue(
        self,
        account: Account,
        use: Use,
        *,
        lifetime_seconds: float | None,
        value: str,
        family: str | None = None,
    ) -> Token:
        now = self._clock.now()
        lifetime = None if lifetime_seconds is None else timedelta(seconds=lifetime_seconds)
        token = Token(
            value=value,
            network=account.network,
            account_id=account.id,
            use=use,
            family=family or secrets.token_hex(8),
            issued_at=now,
            expires_at=None if lifetime is None else now + lifetime,
        )
        self._write(token)
        return self._tokens[account.network, value]

    def end(self, token: Token, ended: Ended, successor: str | None = None) -> None:
        token.ended, token.ended_at, token.successor = ended, self._clock.now(), successor
        self._write(token)

    def end_all(self, account: Account, ended: Ended, use: Use | None = None) -> None:
        for token in self.tokens(account):
            if token.ended is None and use in {None, token.use}:
                self.end(token, ended)

    def end_family(self, account: Account, family: str) -> None:
        for token in self.tokens(account):
            if token.family == family and token.ended != "revoked":
                self.end(token, "revoked")

    def _write(self, token: Token) -> None:
        event = {name: getattr(token, name) for name in Token.__slots__}
        for name in ("issued_at", "expires_at", "ended_at"):
            event[name] = None if event[name] is None else rfc3339(event[name])
        self._journal.record("token", event)

    def _apply_account(self, event: Event) -> None:
        account = Account(**event)
        self._accounts[account.network, account.id] = account
        self._by_handle[account.network, account.handle.lower()] = account

    def _apply_token(self, event: Event) -> None:
        times = {
            name: None if event[name] is None else datetime.fromisoformat(event[name])
            for name in ("issued_at", "expires_at", "ended_at")
        }
        token = Token(**{**event, **times})
        key = (token.network, token.value)
        listed = self._by_account.setdefault((token.network, token.account_id), [])
        if key in self._tokens:
            listed[listed.index(self._tokens[key])] = token
        else:
            listed.append(token)
        self._tokens[key] = token
