"""Every setting of the system, by environment variable, in one typed place.

Only composition roots read them; everything else gets what it needs through a constructor.
"""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    Field,
    HttpUrl,
    PostgresDsn,
    RedisDsn,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from domain.circuits import CircuitPlan
from domain.networks import Network
from domain.quotas import QUOTAS, Amount, Quota, parse_amounts, quotas_of
from domain.retry import LookupPlan, RetryPlan
from domain.switches import HoldRules
from mail.smtp import SmtpSecurity
from storage.users.access_tokens import SHORTEST_KEY
from storage.vault import InvalidVaultKey, TokenVault


class StorageProvider(StrEnum):
    """Where uploaded media is kept."""

    LOCAL = "local"
    S3 = "s3"


class LogLevel(StrEnum):
    """How much is logged."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class LogFormat(StrEnum):
    """What a log line looks like."""

    JSON = "json"
    CONSOLE = "console"


class MailProvider(StrEnum):
    """Who carries mails."""

    OFF = "off"
    SMTP = "smtp"


class InvalidSettings(Exception):
    """The environment does not describe a system that can start."""


class NetworkLimits(BaseSettings):
    """How fast one network's queue is worked, over all workers and in one of them."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    rate_per_second: Annotated[float, Field(gt=0)] = 5000.0
    """Requests that publish, each second, over all workers: dispatched, and let go, no faster."""
    concurrency: Annotated[int, Field(gt=0)] = 20_000
    """Deliveries that one worker holds at once, waiting for their second included."""
    drain_per_second: Annotated[float, Field(gt=0, le=1000)] = 50.0
    """Deliveries that were held and are let go each second, over all workers."""
    quotas: Annotated[tuple[Amount, ...] | None, NoDecode] = None
    """What an account may send, as `100/15m,2400/24h`; `off` for no quotas, the network's own when
    it is not set."""

    @field_validator("quotas", mode="before")
    @classmethod
    def _read_quotas(cls, value: object) -> object:
        return parse_amounts(value) if isinstance(value, str) else value


class Settings(BaseSettings):
    """The environment's word on everything; a wrong value is a clear error at start."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_ignore_empty=True)

    log_level: LogLevel = LogLevel.INFO
    log_format: LogFormat = LogFormat.JSON
    """`console` is for people at a terminal."""
    request_logging_enabled: bool = True
    metrics_enabled: bool = False
    """GET /metrics on the API and on workers' health port, for Prometheus; it asks for no key."""
    metrics_by_workspace: bool = True
    """Lateness by workspace too: a dozen series for each; switch it off with many tenants."""

    database_url: PostgresDsn
    """postgresql://user:password@host:port/name"""
    database_pool_size: Annotated[int, Field(gt=0)] = 10
    workflow_cache_size: Annotated[int, Field(gt=0)] = 5000
    """Workflows that a worker keeps in memory between their tasks; the others replay."""

    temporal_address: str = "127.0.0.1:7233"
    temporal_namespace: str = "default"
    temporal_api_key: SecretStr | None = None
    temporal_tls: bool = False

    credentials_keys: Annotated[tuple[SecretStr, ...], NoDecode]
    """Comma-separated Fernet keys: the first encrypts, all decrypt. To rotate, put one in front."""

    auth_signing_keys: Annotated[tuple[SecretStr, ...], NoDecode]
    """Comma-separated secrets of 32 characters or more, for what users sign in with: the first
    signs, all verify. To rotate, put one in front."""
    access_token_minutes: Annotated[int, Field(gt=0, le=60)] = 10
    session_days: Annotated[int, Field(gt=0, le=400)] = 30
    """How long somebody stays signed in who does not come back; each refresh begins it anew."""
    refresh_grace_seconds: Annotated[float, Field(ge=0, le=60)] = 10.0
    """How long a refresh token that was just used is answered with the same successor again."""
    login_failures_per_hour: Annotated[int, Field(ge=0, le=100_000)] = 20
    """Wrong passwords for one account, from wherever; 0 for as many as one likes."""
    login_tries_per_minute: Annotated[int, Field(ge=0, le=1_000_000)] = 60
    """Sign-ins, registrations and password resets from one address; 0 for as many as it likes."""
    refreshes_per_minute: Annotated[int, Field(ge=0, le=1_000_000)] = 60
    """Of one user's sessions together; 0 for as many as they like."""
    password_hash_memory_kib: Annotated[int, Field(ge=8)] = 19_456
    """What argon2id takes for a hash; this and two passes are OWASP's first recommendation."""
    password_hash_passes: Annotated[int, Field(ge=1)] = 2
    password_hashes_at_once: Annotated[int, Field(gt=0, le=64)] = 2
    """In one process; what comes on top waits in line."""

    mail_provider: MailProvider = MailProvider.OFF
    """Without one nobody can be invited by address, or choose a new password by mail."""
    mail_from: str | None = None
    """Punctual <no-reply@example.org>"""
    mail_links_base_url: HttpUrl | None = None
    """Where links in mails lead, when that is not PUBLIC_BASE_URL: an app in front of the API."""
    smtp_host: str | None = None
    smtp_port: Annotated[int, Field(gt=0, lt=65536)] = 587
    smtp_security: SmtpSecurity = SmtpSecurity.STARTTLS
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None

    api_host: str = "127.0.0.1"
    api_port: Annotated[int, Field(gt=0, lt=65536)] = 8080
    trusted_proxies: str = "127.0.0.1"
    """Comma-separated addresses or networks whose X-Forwarded-For is believed; * for all."""
    public_base_url: HttpUrl = HttpUrl("http://127.0.0.1:8080")
    """Where clients and networks reach the API; media links are made from it."""
    media_url_key: SecretStr
    """Signs the links under which networks fetch media."""
    api_rate_per_minute: Annotated[int, Field(ge=0, le=1_000_000)] = 6000
    """Requests of one API key; 0 for as many as it likes."""
    api_failed_auth_per_minute: Annotated[int, Field(ge=0, le=1_000_000)] = 60
    """Requests from one address that carry no valid API key; 0 for as many as it likes."""

    redis_enabled: bool = False
    """Without it each process caches and counts by itself."""
    redis_url: RedisDsn | None = None
    """redis://:password@host:port/number, or rediss:// with TLS"""
    redis_key_prefix: Annotated[str, Field(max_length=100)] = "punctual:"
    """Begins every key, so that several installations can share one server."""
    redis_socket_adapter_enabled: bool = False
    """Sockets of several API processes hear each other through Redis; else through PostgreSQL."""

    socket_allowed_origins: Annotated[tuple[str, ...], NoDecode] = ()
    """Comma-separated origins whose pages may open sockets; none for the API's own, * for all."""
    socket_max_bytes: Annotated[int, Field(ge=1024, le=1024 * 1024)] = 64 * 1024
    """The largest packet that a socket may send."""
    socket_events_per_second: Annotated[float, Field(gt=0)] = 20.0
    """What one socket may send in the long run; who goes on over it is disconnected."""
    socket_events_burst: Annotated[int, Field(gt=0)] = 60
    """What one socket may send at once."""
    socket_heal_seconds: Annotated[float, Field(gt=0)] = 15.0
    """Between two looks into the database for what sockets should have been told."""

    queue_enabled: bool = False
    """Jobs run as Temporal activities in workers; else in the API processes."""
    queue_name: Annotated[str, Field(min_length=1, max_length=100)] = "jobs"
    """Their task queue."""
    queue_default_attempts: Annotated[int, Field(gt=0, le=100)] = 8
    """How often a job is tried before a person has to decide."""
    queue_default_backoff_ms: Annotated[int, Field(gt=0, le=3_600_000)] = 1000
    """Before the first retry of a job; each wait is twice the one before, an hour at most."""
    queue_worker_concurrency: Annotated[int, Field(gt=0, le=1000)] = 10
    """Jobs that one process does at once; of those that are cheaper together, groups."""
    queue_lease_seconds: Annotated[float, Field(ge=1)] = 30.0
    """How long a process keeps others from a job; one that is killed, as long. No job may take
    longer."""

    feed_cache_enabled: bool = True
    feed_cache_user_ttl_seconds: Annotated[float, Field(gt=0, le=3600)] = 15.0
    """How long others' likes and deletions may be missing from a cached home feed; what its reader
    does, and what is published, shows at once."""
    feed_cache_trending_ttl_seconds: Annotated[float, Field(gt=0, le=3600)] = 30.0
    feed_fan_out_limit: Annotated[int, Field(ge=0)] = 5_000
    """Followers up to which a post is written to each of them; more look it up when they read."""

    storage_provider: StorageProvider = StorageProvider.LOCAL
    storage_base_path: Path = Path(".punctual/media")
    storage_public_base_url: HttpUrl | None = None
    """Where networks fetch media, when that is not PUBLIC_BASE_URL: a CDN in front of the API."""
    s3_bucket: str | None = None
    s3_region: str = "auto"
    s3_endpoint: HttpUrl | None = None
    s3_public_endpoint: HttpUrl | None = None
    """Where clients reach the S3 server to upload to it, when that is not S3_ENDPOINT."""
    s3_access_key_id: SecretStr | None = None
    s3_secret_access_key: SecretStr | None = None
    s3_force_path_style: bool = False
    media_max_bytes: Annotated[int, Field(gt=0)] = 20 * 1024 * 1024
    media_max_pixels: Annotated[int, Field(gt=0)] = 50_000_000

    facebook_base_url: HttpUrl = HttpUrl("https://graph.facebook.com/v25.0")
    instagram_base_url: HttpUrl = HttpUrl("https://graph.facebook.com/v25.0")
    x_base_url: HttpUrl = HttpUrl("https://api.x.com/2")
    bluesky_base_url: HttpUrl = HttpUrl("https://bsky.social")
    """For accounts that name no server of their own."""
    x_permalink_template: str = "https://x.com/{handle}/status/{id}"
    bluesky_permalink_template: str = "https://bsky.app/profile/{handle}/post/{rkey}"
    allow_private_addresses: bool = False
    """Lets accounts live on servers in private networks. For tests and the embedded stack."""
    network_timeout_seconds: Annotated[float, Field(gt=0)] = 30.0

    arm_lead_seconds: Annotated[float, Field(ge=0)] = 5.0
    """How long before its publish time a delivery is handed to a worker."""
    armed_per_second: Annotated[float, Field(gt=0)] = 60.0
    """Deliveries that this system hands to workers in a second: a crowd is armed that much earlier.
    """
    claimed_per_second: Annotated[float, Field(gt=0)] = 1000.0
    """Deliveries that one worker claims in a second while all others claim too: its part of a crowd
    is claimed that much ahead. The more workers share a database, the less."""
    prepare_lead_seconds: Annotated[float, Field(ge=0)] = 60.0
    """How long before its publish time a delivery's media is transferred."""
    retry_delays_seconds: Annotated[tuple[float, ...], NoDecode] = (30.0, 60.0, 120.0)
    """Comma-separated waits before each retry of a send that certainly did not happen."""
    lookup_delays_seconds: Annotated[tuple[float, ...], NoDecode] = (5.0, 30.0, 120.0)
    """Comma-separated waits before each look for a send whose fate is unknown."""
    heartbeat_timeout_seconds: Annotated[float, Field(gt=0)] = 15.0
    """How long after its second a dead worker's delivery is noticed at the latest."""
    graceful_shutdown_seconds: Annotated[float, Field(gt=0)] = 30.0
    relay_sweep_seconds: Annotated[float, Field(gt=0)] = 5.0
    """Between two looks into the outbox when nobody woke the relay."""
    relay_lease_seconds: Annotated[float, Field(gt=0)] = 15.0
    """How long a relay keeps others from what it carries out; one that is killed, as long."""
    sweep_seconds: Annotated[float, Field(ge=10)] = 60.0
    """Between two comparisons of what is due with what runs."""

    held_networks: Annotated[tuple[Network, ...], NoDecode] = ()
    """Comma-separated networks to which nothing is sent; no switch lifts that."""
    circuit_window_seconds: Annotated[float, Field(gt=0)] = 60.0
    """How long a failed send counts against its network, or its account."""
    circuit_failure_share: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Of the sends in the window, the share of failures from which on sending stops."""
    circuit_min_failures: Annotated[int, Field(gt=0)] = 10
    """Fewer failures in the window never stop a network."""
    circuit_account_min_failures: Annotated[int, Field(gt=0)] = 5
    """Fewer never stop an account; nor does one account count for more against its network."""
    circuit_open_seconds: Annotated[float, Field(gt=0)] = 30.0
    """How long sending stops the first time; twice as long each time that it fails again."""
    circuit_longest_open_seconds: Annotated[float, Field(gt=0)] = 600.0
    circuit_probes: Annotated[int, Field(gt=0, le=1000)] = 3
    """Sends that find out whether it works again; as many have to succeed."""

    worker_health_port: int | None = None
    """Where a worker answers /healthz and /readyz; none by default."""

    network_limits: Mapping[Network, NetworkLimits] = Field(default_factory=dict, init=False)

    @field_validator("auth_signing_keys", mode="after")
    @classmethod
    def _require_long_keys(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if not keys or any(len(key.get_secret_value()) < SHORTEST_KEY for key in keys):
            raise ValueError(f"each key needs {SHORTEST_KEY} characters: openssl rand -hex 32")
        return keys

    @field_validator("credentials_keys", "auth_signing_keys", mode="before")
    @classmethod
    def _split_keys(cls, value: object) -> object:
        return _split(value)

    @field_validator("credentials_keys", mode="after")
    @classmethod
    def _require_usable_keys(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        try:
            TokenVault([key.get_secret_value() for key in keys])
        except InvalidVaultKey as error:
            raise ValueError(str(error)) from None
        return keys

    @field_validator("retry_delays_seconds", "lookup_delays_seconds", mode="before")
    @classmethod
    def _split_delays(cls, value: object) -> object:
        return _split(value)

    @field_validator("held_networks", mode="before")
    @classmethod
    def _split_networks(cls, value: object) -> object:
        return _split(value)

    @field_validator("socket_allowed_origins", mode="before")
    @classmethod
    def _split_origins(cls, value: object) -> object:
        return _split(value)

    @model_validator(mode="after")
    def _require_redis_for_sockets(self) -> Self:
        if self.redis_socket_adapter_enabled and not self.redis_enabled:
            raise ValueError("REDIS_SOCKET_ADAPTER_ENABLED=true needs REDIS_ENABLED=true")
        return self

    @model_validator(mode="after")
    def _require_s3_when_chosen(self) -> Self:
        if self.storage_provider is StorageProvider.S3:
            needed = {
                "S3_BUCKET": self.s3_bucket,
                "S3_ACCESS_KEY_ID": self.s3_access_key_id,
                "S3_SECRET_ACCESS_KEY": self.s3_secret_access_key,
            }
            if missing := [name for name, value in needed.items() if not value]:
                raise ValueError(f"STORAGE_PROVIDER=s3 needs {', '.join(missing)}")
        return self

    @model_validator(mode="after")
    def _require_redis_when_enabled(self) -> Self:
        if self.redis_enabled and self.redis_url is None:
            raise ValueError("REDIS_ENABLED=true needs REDIS_URL")
        return self

    @model_validator(mode="after")
    def _require_smtp_when_chosen(self) -> Self:
        if self.mail_provider is MailProvider.SMTP:
            needed = {"MAIL_FROM": self.mail_from, "SMTP_HOST": self.smtp_host}
            if missing := [name for name, value in needed.items() if not value]:
                raise ValueError(f"MAIL_PROVIDER=smtp needs {', '.join(missing)}")
        return self

    @property
    def retry_plan(self) -> RetryPlan:
        """When a send that did not happen is repeated."""
        return RetryPlan(delays=tuple(timedelta(seconds=s) for s in self.retry_delays_seconds))

    @property
    def hold_rules(self) -> HoldRules:
        """Which networks are held, and when circuits open."""
        return HoldRules(
            held_networks=frozenset(self.held_networks),
            circuits=CircuitPlan(
                window=timedelta(seconds=self.circuit_window_seconds),
                min_failures=self.circuit_min_failures,
                account_min_failures=self.circuit_account_min_failures,
                failure_share=self.circuit_failure_share,
                open_for=timedelta(seconds=self.circuit_open_seconds),
                longest_open=timedelta(seconds=self.circuit_longest_open_seconds),
                probes=self.circuit_probes,
                probe_patience=timedelta(seconds=self.network_timeout_seconds),
            ),
        )

    @property
    def lookup_plan(self) -> LookupPlan:
        """When a send of unknown fate is looked for."""
        return LookupPlan(delays=tuple(timedelta(seconds=s) for s in self.lookup_delays_seconds))

    @property
    def quotas(self) -> Mapping[Network, tuple[Quota, ...]]:
        """What an account may send, by network; the built-in one is in it when it is limited."""
        own = {network: limits.quotas for network, limits in self.network_limits.items()}
        found = {
            network: QUOTAS.get(network, ()) if amounts is None else quotas_of(network, amounts)
            for network, amounts in own.items()
        }
        return {network: quotas for network, quotas in found.items() if quotas or network in QUOTAS}

    def limits_of(self, network: Network) -> NetworkLimits:
        """That network's `{NETWORK}_RATE_PER_SECOND` and `{NETWORK}_CONCURRENCY`."""
        return self.network_limits[network]


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(item.strip() for item in value.split(",") if item.strip())
    return value


def load_settings() -> Settings:
    """Read the environment.

    Raises InvalidSettings with one line for each wrong or missing variable.
    """
    try:
        settings = Settings()
    except ValidationError as error:
        raise InvalidSettings(_readable(error)) from error
    limits = {network: _network_limits(network) for network in Network}
    return settings.model_copy(update={"network_limits": limits})


def _network_limits(network: Network) -> NetworkLimits:
    prefix = f"{network.upper()}_"
    try:
        return NetworkLimits(_env_prefix=prefix)
    except ValidationError as error:
        raise InvalidSettings(_readable(error, prefix)) from error


def _readable(error: ValidationError, prefix: str = "") -> str:
    lines = []
    for problem in error.errors(include_input=False, include_url=False):
        name = prefix + "_".join(str(step) for step in problem["loc"][:1]).upper() or "settings"
        reason = "is not set" if problem["type"] == "missing" else problem["msg"]
        lines.append(f"{name}: {reason}")
    return "The settings are not usable:\n  " + "\n  ".join(lines)
