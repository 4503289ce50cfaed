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

from domain.networks import Network
from domain.retry import LookupPlan, RetryPlan
from storage.vault import InvalidVaultKey, TokenVault


class Mode(StrEnum):
    """Where the process runs. No secret has a default in either."""

    EMBEDDED = "embedded"
    PRODUCTION = "production"


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


class InvalidSettings(Exception):
    """The environment does not describe a system that can start."""


class NetworkLimits(BaseSettings):
    """How fast one network's queue is worked, over all workers and in one of them."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    rate_per_second: Annotated[float, Field(gt=0)] = 5000.0
    """Requests that publish, each second, over all workers: dispatched, and let go, no faster."""
    concurrency: Annotated[int, Field(gt=0)] = 20_000
    """Deliveries that one worker holds at once, waiting for their second included."""


class Settings(BaseSettings):
    """The environment's word on everything; a wrong value is a clear error at start."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_ignore_empty=True)

    mode: Annotated[Mode, Field(validation_alias="PUNCTUAL_MODE")] = Mode.PRODUCTION
    log_level: LogLevel = LogLevel.INFO
    log_format: LogFormat = LogFormat.JSON
    """`console` is for people at a terminal."""
    request_logging_enabled: bool = True

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

    storage_provider: StorageProvider = StorageProvider.LOCAL
    storage_base_path: Path = Path(".punctual/media")
    storage_public_base_url: HttpUrl | None = None
    """Where networks fetch media, when that is not PUBLIC_BASE_URL: a CDN in front of the API."""
    s3_bucket: str | None = None
    s3_region: str = "auto"
    s3_endpoint: HttpUrl | None = None
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
    armed_per_second: Annotated[float, Field(gt=0)] = 100.0
    """Deliveries that this system hands to workers in a second: a crowd is armed that much earlier.
    """
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

    worker_health_port: int | None = None
    """Where a worker answers /healthz and /readyz; none by default."""

    network_limits: Mapping[Network, NetworkLimits] = Field(default_factory=dict, init=False)

    @field_validator("credentials_keys", mode="before")
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

    @property
    def database_dsn(self) -> str:
        """The database's address as SQLAlchemy's asyncpg dialect wants it."""
        return str(self.database_url).replace("postgresql://", "postgresql+asyncpg://", 1)

    @property
    def retry_plan(self) -> RetryPlan:
        """When a send that did not happen is repeated."""
        return RetryPlan(delays=tuple(timedelta(seconds=s) for s in self.retry_delays_seconds))

    @property
    def lookup_plan(self) -> LookupPlan:
        """When a send of unknown fate is looked for."""
        return LookupPlan(delays=tuple(timedelta(seconds=s) for s in self.lookup_delays_seconds))

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
        limits = {network: NetworkLimits(_env_prefix=f"{network.upper()}_") for network in Network}
        settings = Settings()
    except ValidationError as error:
        raise InvalidSettings(_readable(error)) from error
    return settings.model_copy(update={"network_limits": limits})


def _readable(error: ValidationError) -> str:
    lines = []
    for problem in error.errors(include_input=False, include_url=False):
        name = "_".join(str(step) for step in problem["loc"][:1]).upper() or "settings"
        reason = "is not set" if problem["type"] == "missing" else problem["msg"]
        lines.append(f"{name}: {reason}")
    return "The settings are not usable:\n  " + "\n  ".join(lines)
