"""Finds the connector folders, checks their manifests and opens what they offer."""

import atexit
import importlib
import threading
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, cast

from django.conf import settings
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from integrations.capabilities import (
    BodyLanguage,
    BodySink,
    CallObserver,
    TaskSink,
    TaskSource,
)
from integrations.capabilities.event_feed import EventFeed
from integrations.capabilities.oauth import OAuthProvider
from integrations.capabilities.workspace_builder import WorkspaceBuilder
from tenants.foundation.crypto import Secret
from tenants.foundation.errors import NotFound
from tenants.foundation.http import OutboundClient, Timeouts

_FOLDER = Path(__file__).parent / "connectors"


class InvalidManifest(Exception):
    """A connector's manifest breaks the schema; the text names the file and each mistake."""


class Capability(StrEnum):
    """What a connector may say it can do."""

    TASK_SOURCE = "task_source"
    EVENT_FEED = "event_feed"
    WORKSPACE_BUILDER = "workspace_builder"
    TASK_SINK = "task_sink"
    BODY_SINK = "body_sink"


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class AuthSection(_Section):
    """How a tenant proves itself to the service."""

    kind: Literal["bearer_token"]
    scopes: list[str] = Field(min_length=1)
    token_prefixes: list[str] = []


class HttpSection(_Section):
    """Where the service lives; `base_url_setting` names the Django setting that may replace the address."""

    base_url: str = Field(pattern=r"^https://[^/]+$")
    base_url_setting: str = Field(pattern=r"^[A-Z][A-Z_]+$")
    hosts: list[str] = Field(min_length=1)
    connect_timeout_seconds: float = Field(gt=0, le=30)
    read_timeout_seconds: float = Field(gt=0, le=120)
    total_timeout_seconds: float = Field(gt=0, le=300)
    max_response_bytes: int = Field(gt=0)

    @model_validator(mode="after")
    def _base_is_a_known_host(self) -> "HttpSection":
        if self.base_url.removeprefix("https://") not in self.hosts:
            raise ValueError("the host of base_url is missing from hosts")
        return self


class OAuthSection(_Section):
    """The public integration people grant access to; the Django settings that name it may be empty."""

    client_id_setting: str = Field(pattern=r"^[A-Z][A-Z_]+$")
    client_secret_setting: str = Field(pattern=r"^[A-Z][A-Z_]+$")
    total_timeout_seconds: float = Field(gt=0, le=30)


class LimitsSection(_Section):
    """The service's budget for one connection."""

    window_seconds: int = Field(gt=0)
    requests_per_window: int = Field(gt=0)
    requests_per_window_by_plan: dict[str, int] = {}
    page_size: int = Field(gt=0)


class SecretsSection(_Section):
    """Fields that are sealed before they are stored."""

    fields: list[str] = Field(min_length=1)


class Manifest(_Section):
    """`manifest.toml` of a connector."""

    key: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    name: str = Field(min_length=1)
    capabilities: list[Annotated[Capability, Field(strict=False)]] = Field(min_length=1)
    auth: AuthSection
    http: HttpSection
    oauth: OAuthSection | None = None
    limits: LimitsSection
    secrets: SecretsSection


def read_manifest(path: Path) -> Manifest:
    """Read and check one manifest. Raises: InvalidManifest."""
    try:
        manifest = Manifest.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (ValidationError, tomllib.TOMLDecodeError) as error:
        raise InvalidManifest(f"{path.parent.name}/{path.name}: {error}") from error
    if manifest.key != path.parent.name:
        raise InvalidManifest(f"{path.parent.name}/{path.name}: the key has to be the name of the folder.")
    return manifest


@lru_cache(maxsize=1)
def connectors() -> Mapping[str, Manifest]:
    """Every connector by key. Raises: InvalidManifest."""
    manifests = (read_manifest(path) for path in sorted(_FOLDER.glob("*/manifest.toml")))
    return {manifest.key: manifest for manifest in manifests}


def connector(key: str) -> Manifest:
    """One connector's manifest. Raises: NotFound."""
    try:
        return connectors()[key]
    except KeyError:
        raise NotFound(f"There is no connector called {key[:40]!r}.") from None


def open_task_source(key: str, *, token: Secret, observer: CallObserver | None = None) -> TaskSource:
    """Open a connector's task source for one token. Raises: NotFound when it offers none."""
    manifest = connector(key)
    if Capability.TASK_SOURCE not in manifest.capabilities:
        raise NotFound(f"{manifest.name} offers no tasks.")
    module = importlib.import_module(f"integrations.connectors.{key}.source")
    base_url = getattr(settings, manifest.http.base_url_setting, None) or manifest.http.base_url
    return cast(TaskSource, module.task_source(http=_http(key, base_url), token=token, observer=observer))


def open_task_sink(key: str, *, token: Secret, observer: CallObserver | None = None) -> TaskSink:
    """Open a connector's task sink for one token. Raises: NotFound when it writes none."""
    manifest = connector(key)
    if Capability.TASK_SINK not in manifest.capabilities:
        raise NotFound(f"{manifest.name} takes no tasks.")
    module = importlib.import_module(f"integrations.connectors.{key}.sink")
    base_url = getattr(settings, manifest.http.base_url_setting, None) or manifest.http.base_url
    return cast(TaskSink, module.task_sink(http=_http(key, base_url), token=token, observer=observer))


def open_body_sink(key: str, *, token: Secret, observer: CallObserver | None = None) -> BodySink:
    """Open what writes the texts of a connector's records. Raises: NotFound when it writes none."""
    manifest = connector(key)
    if Capability.BODY_SINK not in manifest.capabilities:
        raise NotFound(f"{manifest.name} takes no texts.")
    module = importlib.import_module(f"integrations.connectors.{key}.body")
    base_url = getattr(settings, manifest.http.base_url_setting, None) or manifest.http.base_url
    return cast(BodySink, module.body_sink(http=_http(key, base_url), token=token, observer=observer))


def body_language(key: str) -> BodyLanguage:
    """What the texts of a connector's records can say. Raises: NotFound when it writes none."""
    manifest = connector(key)
    if Capability.BODY_SINK not in manifest.capabilities:
        raise NotFound(f"{manifest.name} takes no texts.")
    module = importlib.import_module(f"integrations.connectors.{key}.body")
    return cast(BodyLanguage, module.body_language())


def open_workspace_builder(
    key: str, *, token: Secret, observer: CallObserver | None = None
) -> WorkspaceBuilder:
    """Open what makes tables in a workspace, for one token. Raises: NotFound when the connector makes none."""
    manifest = connector(key)
    if Capability.WORKSPACE_BUILDER not in manifest.capabilities:
        raise NotFound(f"Nothing can be built in {manifest.name}.")
    module = importlib.import_module(f"integrations.connectors.{key}.builder")
    base_url = getattr(settings, manifest.http.base_url_setting, None) or manifest.http.base_url
    builder = module.workspace_builder(http=_http(key, base_url), token=token, observer=observer)
    return cast(WorkspaceBuilder, builder)


def event_feed(key: str) -> EventFeed:
    """What understands a connector's posts to us. Raises: NotFound when it sends none."""
    manifest = connector(key)
    if Capability.EVENT_FEED not in manifest.capabilities:
        raise NotFound(f"{manifest.name} sends no events.")
    return cast(EventFeed, importlib.import_module(f"integrations.connectors.{key}.hooks"))


def offers_oauth(key: str) -> bool:
    """Whether whoever runs this product has registered a public integration at the service."""
    oauth = connector(key).oauth
    names = (oauth.client_id_setting, oauth.client_secret_setting) if oauth else ()
    return bool(names) and all(getattr(settings, name, "") for name in names)


def open_oauth(key: str) -> OAuthProvider:
    """Open a service's token endpoint. Raises: NotFound when no public integration is registered there."""
    manifest = connector(key)
    if manifest.oauth is None or not offers_oauth(key):
        raise NotFound(f"Access to {manifest.name} cannot be granted here: connect it with a token.")
    module = importlib.import_module(f"integrations.connectors.{key}.oauth")
    base_url = getattr(settings, manifest.http.base_url_setting, None) or manifest.http.base_url
    # Others wait while a token is refreshed: this call has to end sooner than one that reads.
    http = _http(key, base_url, manifest.oauth.total_timeout_seconds)
    client_id = str(getattr(settings, manifest.oauth.client_id_setting))
    client_secret = Secret(str(getattr(settings, manifest.oauth.client_secret_setting)))
    provider = module.provider(http=http, base_url=base_url, client_id=client_id, client_secret=client_secret)
    return cast(OAuthProvider, provider)


_clients: dict[tuple[str, str, float | None], OutboundClient] = {}
_clients_lock = threading.Lock()


def _http(key: str, base_url: str, total_seconds: float | None = None) -> OutboundClient:
    """One pool of connections for each service, patience and process, whatever the token."""
    with _clients_lock:
        if (key, base_url, total_seconds) not in _clients:
            _clients[key, base_url, total_seconds] = _new_client(key, base_url, total_seconds)
        return _clients[key, base_url, total_seconds]


@atexit.register
def close_connections() -> None:
    """Close the pooled connections to all services; new ones are made when they are needed."""
    with _clients_lock:
        while _clients:
            _clients.popitem()[1].close()


def _new_client(key: str, base_url: str, total_seconds: float | None) -> OutboundClient:
    http = connector(key).http
    total = total_seconds or http.total_timeout_seconds
    return OutboundClient(
        service=key,
        base_url=base_url,
        timeouts=Timeouts(
            connect_seconds=http.connect_timeout_seconds,
            read_seconds=min(total, http.read_timeout_seconds),
            total_seconds=total,
        ),
        max_response_bytes=http.max_response_bytes,
    )
