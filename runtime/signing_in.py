"""What signing in needs: tokens, passwords, limits, and who carries the mails about it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cache.failure_limiter import FailureLimiter
from cache.key_value_store import KeyValueStore
from cache.rate_limiter import RateLimiter
from cache.rates import Rate
from mail.sender import MailSender
from mail.smtp import SmtpSender
from runtime.settings import InvalidSettings, MailProvider, Settings
from storage.database import Database
from storage.users.access_tokens import AccessTokens
from storage.users.known_sessions import KnownSessions
from storage.users.mailed_tokens import MailedTokens
from storage.users.passwords import Passwords
from storage.users.refresh_tokens import RefreshTokens

RESET_MAILS_PER_HOUR: Final = 5
"""That one reader gets, whoever asks for them."""
INVITATIONS_PER_HOUR: Final = 30
"""That one user or API key sends: a workspace's name must not carry advertisements."""


@dataclass(frozen=True, kw_only=True)
class SignInLimits:
    """How often somebody may try to get in; None for as often as they like."""

    tries: RateLimiter | None
    """Sign-ins, registrations and password resets, by address."""
    failures: FailureLimiter | None
    """Wrong passwords, by account."""
    refreshes: RateLimiter | None
    """By user."""
    reset_mails: RateLimiter
    """By the address that they go to."""
    invitations: RateLimiter
    """By who sends them."""


@dataclass(frozen=True, kw_only=True)
class SigningIn:
    """Makes and checks what users prove themselves with."""

    access_tokens: AccessTokens
    refresh_tokens: RefreshTokens
    mailed_tokens: MailedTokens
    known_sessions: KnownSessions
    passwords: Passwords
    limits: SignInLimits
    session_lifetime: timedelta
    """Since the last refresh."""
    refresh_grace: timedelta


@asynccontextmanager
async def open_signing_in(
    settings: Settings, database: Database, store: KeyValueStore
) -> AsyncIterator[SigningIn]:
    """Build it; nothing connects before it is used."""
    keys = [key.get_secret_value() for key in settings.auth_signing_keys]
    async with AsyncExitStack() as stack:
        known_sessions = KnownSessions(database, database_url=str(settings.database_url))
        stack.push_async_callback(known_sessions.close)
        passwords = Passwords(
            memory_kib=settings.password_hash_memory_kib,
            passes=settings.password_hash_passes,
            at_once=settings.password_hashes_at_once,
        )
        stack.callback(passwords.close)
        yield SigningIn(
            access_tokens=AccessTokens(
                keys, lifetime=timedelta(minutes=settings.access_token_minutes)
            ),
            refresh_tokens=RefreshTokens(keys),
            mailed_tokens=MailedTokens(keys),
            known_sessions=known_sessions,
            passwords=passwords,
            limits=_limits(store, settings),
            session_lifetime=timedelta(days=settings.session_days),
            refresh_grace=timedelta(seconds=settings.refresh_grace_seconds),
        )


def mail_sender(settings: Settings) -> MailSender | None:
    """Who carries mails; None when MAIL_PROVIDER is off. Raises InvalidSettings."""
    if settings.mail_provider is MailProvider.OFF:
        return None
    if not (settings.smtp_host and settings.mail_from):
        raise InvalidSettings("MAIL_PROVIDER=smtp needs MAIL_FROM and SMTP_HOST")
    password = settings.smtp_password
    return SmtpSender(
        host=settings.smtp_host,
        port=settings.smtp_port,
        sender=settings.mail_from,
        security=settings.smtp_security,
        username=settings.smtp_username,
        password=password.get_secret_value() if password else None,
    )


def _limits(store: KeyValueStore, settings: Settings) -> SignInLimits:
    minute, hour = timedelta(minutes=1), timedelta(hours=1)

    def limiter(name: str, limit: int, window: timedelta) -> RateLimiter | None:
        return (
            RateLimiter(store, name=name, rate=Rate(limit=limit, window=window)) if limit else None
        )

    wrong_passwords = limiter("wrong-password", settings.login_failures_per_hour, hour)
    return SignInLimits(
        tries=limiter("sign-in", settings.login_tries_per_minute, minute),
        failures=FailureLimiter(wrong_passwords) if wrong_passwords else None,
        refreshes=limiter("refresh", settings.refreshes_per_minute, minute),
        reset_mails=RateLimiter(
            store, name="reset-mail", rate=Rate(limit=RESET_MAILS_PER_HOUR, window=hour)
        ),
        invitations=RateLimiter(
            store, name="invitation", rate=Rate(limit=INVITATIONS_PER_HOUR, window=hour)
        ),
    )
