"""Every environment variable this product reads, typed, read once; a wrong value stops the start with a sentence."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit, urlunsplit

from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent


class InvalidEnvironment(SystemExit):
    """Raised at start-up; its text names each variable, what is wrong and what to set."""


class Cell(BaseModel):
    """One PostgreSQL database that holds tenants' schemas."""

    alias: str = Field(pattern=r"^cell_[a-z0-9_]{1,24}$")
    url: str
    # Only for processes that may change schemas: preparation and the platform's workers.
    owner_url: str = ""
    # A superuser of the cell's database, for "prepare" only: it takes away what every role may do by default.
    admin_url: str | None = None
    # A standby of the cell's server, for reports.
    replica_url: str | None = None
    region: str = Field(default="local", pattern=r"^[a-z0-9-]{1,32}$")
    is_open: bool = True
    most_tenants: int = Field(default=1000, ge=1)


class Environment(BaseSettings):
    """The settings of one process; see README, “Configuration”, for the list a person reads."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True)

    database_url: str | None = None
    database_owner_url: str | None = None
    template_database_url: str | None = None
    database_admin_url: str | None = None
    cells: Annotated[list[Cell] | None, NoDecode] = None
    default_region: str = "local"
    migration_canaries: Annotated[list[str], NoDecode] = []
    redis_url: str | None = None
    db_pool_max: int = Field(default=0, ge=0, le=64)
    # Schemas kept ready in each open cell for companies to come.
    spare_schemas: int = Field(default=4, ge=0, le=500)

    secret_key: SecretStr | None = None
    key_encryption_key: SecretStr | None = None
    key_encryption_key_file: Path | None = None
    token_pepper: SecretStr | None = None
    token_environment: str = Field(default="live", pattern=r"^[a-z]{2,8}$")

    base_domain: str = "localhost"
    trusted_proxies: int = Field(default=0, ge=0, le=10)
    public_scheme: Literal["http", "https"] = "http"
    public_port: int | None = 8000
    var_dir: Path = ROOT / "var"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_json: bool = True
    prometheus_multiproc_dir: Path | None = None
    worker_metrics_listen: str = Field(default="", pattern=r"^$|^[^:\s]+:\d{1,5}$")
    embedded_services: bool = True

    # Where files are kept that people give to a company; shared by web processes and workers.
    files_dir: Path | None = None
    # Where companies' exports lie until they are downloaded, sealed; shared by web processes and workers.
    exports_dir: Path | None = None
    export_keep_days: int = Field(default=7, ge=1, le=90)
    # How long a company that is to be deleted may still be kept.
    deletion_grace_days: int = Field(default=30, ge=1, le=365)

    # Where encrypted base backups and write-ahead log are kept; without it there are no backups.
    backup_dir: Path | None = None
    # A role with REPLICATION (or a superuser) on the control plane's server.
    backup_url: str | None = None
    # Where the servers' archive_command leaves finished segments: one folder per server.
    backup_wal_dir: Path | None = None
    # Where servers are restored to for a while; it needs room for the largest one.
    backup_scratch_dir: Path | None = None
    backup_keep_days: int = Field(default=7, ge=1, le=3650)
    # For how long the schema that a restore has replaced is kept.
    restore_keep_days: int = Field(default=14, ge=1, le=365)

    notion_base_url: str = "https://api.notion.com"
    # A public integration registered at Notion; without both, workspaces are connected by token only.
    notion_oauth_client_id: str = ""
    notion_oauth_client_secret: SecretStr | None = None
    # Where Notion sends people back to, if not the platform's own host: scheme and host of an address that reaches it.
    oauth_callback_base: str = Field(default="", pattern=r"^$|^https?://[^/\s]+$")
    outbound_allowed_private_hosts: Annotated[list[str], NoDecode] = []
    # A run that would change or archive more than so many linked records of a database, or so large a part of them,
    # asks first; 0 never asks.
    sync_brake_rows: int = Field(default=50, ge=0)
    sync_brake_percent: int = Field(default=20, ge=1, le=100)
    sync_poll_seconds: int = Field(default=90, ge=1, le=86_400)

    # Where companies point domains of their own to (CNAME); without it, to their own host below BASE_DOMAIN.
    custom_domain_target: str = Field(default="", pattern=r"^$|^[a-z0-9.-]{1,253}$")
    # Two name servers that know nothing of each other, `192.0.2.1` or `192.0.2.1:5353`: a domain counts as proved when
    # both say so. Without it, those of this machine.
    dns_resolvers: Annotated[list[str], NoDecode] = []
    # What the proxy that gets certificates on demand shows when it asks for which domain it may.
    certificate_ask_secret: SecretStr | None = None

    # "open": strangers may make companies of their own on the platform's host.
    sign_ups: Literal["open", "closed"] = "closed"
    email_url: str = "console:"
    email_from: str = "Notion Task Sync <no-reply@localhost>"
    dispatch_inflight_per_tenant: int = Field(default=4, ge=1, le=1000)
    # Per cell, handed out and running: about four times the worker slots keeps them busy and the broker's queue short.
    dispatch_inflight_total: int = Field(default=32, ge=1, le=100_000)

    @field_validator("cells", mode="before")
    @classmethod
    def _cells_from_json(cls, value: Any) -> Any:
        if isinstance(value, str):
            try:
                return json.loads(value)
            except json.JSONDecodeError as error:
                raise ValueError(f"must be a JSON list of cells ({error.msg})") from error
        return value

    @field_validator("outbound_allowed_private_hosts", "migration_canaries", "dns_resolvers", mode="before")
    @classmethod
    def _list_from_commas(cls, value: Any) -> Any:
        if isinstance(value, str):
            return [part.strip() for part in value.split(",") if part.strip()]
        return value

    @field_validator(
        "database_url", "database_owner_url", "template_database_url", "database_admin_url", "backup_url"
    )
    @classmethod
    def _is_postgres_url(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).scheme not in ("postgres", "postgresql"):
            raise ValueError("must look like postgresql://user:password@host:5432/database")
        return value

    @field_validator("email_url")
    @classmethod
    def _is_mail_url(cls, value: str) -> str:
        if urlsplit(value).scheme not in ("console", "smtp", "smtp+tls", "smtps"):
            raise ValueError("must be console: or look like smtp+tls://user:password@host:587")
        return value

    @field_validator("redis_url")
    @classmethod
    def _is_redis_url(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).scheme not in ("redis", "rediss", "unix"):
            raise ValueError("must look like redis://host:6379/0")
        return value


def beside(url: str, suffix: str) -> str:
    """The URL of another database on the same server, its name extended by ``suffix``."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}{suffix}"))


@lru_cache(maxsize=1)
def load_environment() -> Environment:
    """Read the environment once.

    Raises: InvalidEnvironment with one line per wrong variable.
    """
    try:
        return Environment()
    except ValidationError as error:
        raise InvalidEnvironment(explain(error)) from None


def explain(error: ValidationError) -> str:
    """One sentence per wrong variable, without its value (it may be a secret)."""
    lines = ["The configuration cannot be used:"]
    for problem in error.errors(include_input=False, include_url=False):
        name = "_".join(str(part) for part in problem["loc"][:1]).upper() or "ENVIRONMENT"
        where = "".join(f"[{part}]" for part in problem["loc"][1:])
        lines.append(f"- {name}{where}: {problem['msg'].removeprefix('Value error, ')}")
    return "\n".join(lines)


def require_for_production(environment: Environment) -> None:
    """Refuse to start a production process that lacks a setting with no safe default.

    Raises: InvalidEnvironment naming each missing variable and what it is for.
    """
    needed = {
        "DATABASE_URL": (environment.database_url, "the login role on the control database"),
        "REDIS_URL": (environment.redis_url, "the Valkey server for messages, limits and caches"),
        "SECRET_KEY": (environment.secret_key, "a random string of at least 50 characters"),
        "TOKEN_PEPPER": (environment.token_pepper, "a random string that keys the hashes of API tokens"),
        "KEY_ENCRYPTION_KEY or KEY_ENCRYPTION_KEY_FILE": (
            environment.key_encryption_key or environment.key_encryption_key_file,
            "32 random bytes, base64, that wrap every company's data key",
        ),
    }
    missing = [f"- {name}: set it to {meaning}" for name, (value, meaning) in needed.items() if not value]
    if missing:
        raise InvalidEnvironment("\n".join(["The configuration is incomplete:", *missing]))
