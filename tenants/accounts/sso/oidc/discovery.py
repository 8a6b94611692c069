"""A provider's configuration and keys: fetched through the guarded client, kept for an hour per company."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import structlog
from django.core.cache import cache

from tenants.accounts.sso.reasons import Reason, SsoRefused
from tenants.foundation.errors import ExternalServiceError
from tenants.foundation.http import OutboundClient, OutboundResponse, Timeouts

log = structlog.get_logger(__name__)

_KEPT_SECONDS: Final = 3600
_MOST_BYTES: Final = 1024 * 1024
_MOST_KEYS: Final = 50
# Whoever writes an unknown key into a token has us look the keys up again: so often at most.
_ANEW_SECONDS: Final = 20
# Slower than this is trouble, which is remembered so long; a turn ends by itself if its process dies.
_SLOW_SECONDS: Final = 3.0
_TROUBLE_SECONDS: Final = 60
_LONGEST_TURN_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where a provider does what, as it says itself."""

    issuer: str
    authorisation: str
    token: str
    jwks: str
    userinfo: str
    names_itself: bool
    end_session: str = ""


@contextmanager
def client(address: str) -> Iterator[OutboundClient]:
    """A client for calls to a provider: https only, no private addresses, five seconds, one megabyte.

    Strangers can have a provider asked. One that was slow or away a moment ago is asked by one request at a time until
    it answers in time again: else one company's provider would keep what serves all of them waiting.
    Raises: SsoRefused (it is being asked).
    """
    host = urlsplit(address).netloc
    trouble, turn = f"sso-trouble:{host}", f"sso-turn:{host}"
    is_troubled = cache.get(trouble) is not None
    if is_troubled and not cache.add(turn, True, timeout=_LONGEST_TURN_SECONDS):
        raise SsoRefused(Reason.DISCOVERY, f"{host[:200]} was slow or away a moment ago and is being asked.")
    limits = Timeouts(connect_seconds=5, read_seconds=5, total_seconds=8)
    began, has_answered = time.monotonic(), False
    try:
        with OutboundClient(
            service="The provider", timeouts=limits, max_response_bytes=_MOST_BYTES
        ) as outbound:
            yield outbound
        has_answered = time.monotonic() - began < _SLOW_SECONDS
    finally:
        if not has_answered:
            cache.set(trouble, True, timeout=_TROUBLE_SECONDS)
        elif is_troubled:
            cache.delete(trouble)
        if is_troubled:
            cache.delete(turn)


def discover(issuer: str) -> Endpoints:
    """Return the endpoints of an issuer. Raises: SsoRefused (unreachable, incomplete, another issuer)."""
    key = f"sso-discovery:{issuer}"
    document = cache.get(key)
    if document is None:
        document = _document(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        endpoints = _endpoints(document, issuer)
        cache.set(key, document, timeout=_KEPT_SECONDS)
        return endpoints
    return _endpoints(document, issuer)


def signing_keys(endpoints: Endpoints, *, anew: bool = False) -> list[dict[str, Any]]:
    """Return the provider's public keys. ``anew`` asks again, now and then: it may have changed them.

    Raises: SsoRefused.
    """
    key = f"sso-jwks:{endpoints.jwks}"
    is_due = anew and cache.add(f"{key}:anew", True, timeout=_ANEW_SECONDS)
    kept = None if is_due else cache.get(key)
    if kept is None:
        document = _document(endpoints.jwks)
        keys = document.get("keys")
        if not isinstance(keys, list):
            raise SsoRefused(Reason.DISCOVERY, "The provider's key set cannot be read.")
        kept = [each for each in keys[:_MOST_KEYS] if isinstance(each, dict)]
        cache.set(key, kept, timeout=_KEPT_SECONDS)
    found: list[dict[str, Any]] = kept
    return found


def _document(url: str) -> dict[str, Any]:
    try:
        with client(url) as outbound:
            answer: OutboundResponse = outbound.request("GET", url, headers={"accept": "application/json"})
        document = answer.json() if answer.is_success else None
    except ExternalServiceError as error:
        raise SsoRefused(Reason.DISCOVERY, f"{url[:200]}: {error.message}") from error
    if not isinstance(document, dict):
        raise SsoRefused(
            Reason.DISCOVERY, f"{url[:200]} answered with status {answer.status}, not with JSON."
        )
    return document


def _endpoints(document: dict[str, Any], issuer: str) -> Endpoints:
    if document.get("issuer") != issuer:
        said = str(document.get("issuer"))[:200]
        raise SsoRefused(
            Reason.DISCOVERY, f"The configuration is of the issuer {said}, the set-up names {issuer}."
        )
    addresses = {}
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        address = str(document.get(name) or "")
        if urlsplit(address).scheme not in {"https", "http"} or not urlsplit(address).hostname:
            raise SsoRefused(Reason.DISCOVERY, f"The configuration has no usable {name}.")
        if urlsplit(issuer).scheme == "https" and urlsplit(address).scheme != "https":
            raise SsoRefused(Reason.DISCOVERY, f"The {name} is not an https address.")
        addresses[name] = address
    return Endpoints(
        issuer=issuer,
        authorisation=addresses["authorization_endpoint"],
        token=addresses["token_endpoint"],
        jwks=addresses["jwks_uri"],
        userinfo=str(document.get("userinfo_endpoint") or ""),
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
        end_session=_where_sessions_end(document, issuer),
    )


def _where_sessions_end(document: dict[str, Any], issuer: str) -> str:
    """The provider's own sign-out, if it has one that can be trusted as far as its issuer."""
    address = str(document.get("end_session_endpoint") or "")
    parts = urlsplit(address)
    is_fine = parts.scheme == "https" or (parts.scheme == "http" == urlsplit(issuer).scheme)
    return address if is_fine and parts.hostname and parts.username is None else ""
