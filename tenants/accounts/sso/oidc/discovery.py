"""A provider's configuration and keys: fetched through the guarded client, kept for an hour per company."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic, sleep
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
# Turns at one in trouble: for what strangers cause, and for sign-ins under way, a few of which may wait a little.
_TURNS: Final = 1
_AWAITED_TURNS: Final = 2
_SEATS: Final = 2
_TRIES: Final = 8
_PAUSE_SECONDS: Final = 0.25


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
def client(address: str, *, is_awaited: bool = False) -> Iterator[OutboundClient]:
    """A client for calls to a provider: https only, no private addresses, five seconds, one megabyte.

    Strangers can have a provider asked. One that was slow or away a moment ago is asked by a few requests at a time
    until it answers in time again: else one company's provider would keep what serves all of them waiting.
    `is_awaited` is for a sign-in that came back to the browser it began in. Call that outside any transaction: it may
    wait for two seconds.
    Raises: SsoRefused (it is being asked).
    """
    host = urlsplit(address).netloc
    turn = _turn_at(host, is_awaited=is_awaited)
    limits = Timeouts(connect_seconds=5, read_seconds=5, total_seconds=8)
    began, has_answered = monotonic(), False
    try:
        with OutboundClient(
            service="The provider", timeouts=limits, max_response_bytes=_MOST_BYTES
        ) as outbound:
            yield outbound
        has_answered = monotonic() - began < _SLOW_SECONDS
    finally:
        if not has_answered:
            cache.set(_trouble(host), True, timeout=_TROUBLE_SECONDS)
        elif turn:
            cache.delete(_trouble(host))
        if turn:
            cache.delete(turn)


def discover(issuer: str, *, is_awaited: bool = False) -> Endpoints:
    """Return the endpoints of an issuer; `is_awaited` as in `client`.

    Raises: SsoRefused (unreachable, incomplete, another issuer).
    """
    key = f"sso-discovery:{issuer}"
    document = cache.get(key)
    if document is None:
        document = _document(f"{issuer.rstrip('/')}/.well-known/openid-configuration", is_awaited=is_awaited)
        endpoints = _endpoints(document, issuer)
        cache.set(key, document, timeout=_KEPT_SECONDS)
        return endpoints
    return _endpoints(document, issuer)


def signing_keys(
    endpoints: Endpoints, *, anew: bool = False, is_awaited: bool = False
) -> list[dict[str, Any]]:
    """Return the provider's public keys. ``anew`` asks again, now and then: it may have changed them.

    `is_awaited` as in `client`. Raises: SsoRefused.
    """
    key = f"sso-jwks:{endpoints.jwks}"
    is_due = anew and cache.add(f"{key}:anew", True, timeout=_ANEW_SECONDS)
    kept = None if is_due else cache.get(key)
    if kept is None:
        document = _document(endpoints.jwks, is_awaited=is_awaited)
        keys = document.get("keys")
        if not isinstance(keys, list):
            raise SsoRefused(Reason.DISCOVERY, "The provider's key set cannot be read.")
        kept = [each for each in keys[:_MOST_KEYS] if isinstance(each, dict)]
        cache.set(key, kept, timeout=_KEPT_SECONDS)
    found: list[dict[str, Any]] = kept
    return found


def _trouble(host: str) -> str:
    return f"sso-trouble:{host}"


def _turn_at(host: str, *, is_awaited: bool) -> str:
    """Take a turn and return its name; empty where a provider is in no trouble. Raises: SsoRefused.

    A sign-in under way has turns of its own, which nobody takes away who only posts here. But it proves a browser, not
    a person: anybody may begin one. So these turns, and the seats for waiting, are few as well.
    """
    if cache.get(_trouble(host)) is None:
        return ""
    kind, number = ("awaited", _AWAITED_TURNS) if is_awaited else ("turn", _TURNS)
    turns = [f"sso-{kind}:{host}:{place}" for place in range(number)]
    turn: str | None = _first_free(turns)
    if turn is None and is_awaited:
        turn = _waited_for(host, turns)
    if turn is None:
        raise SsoRefused(Reason.DISCOVERY, f"{host[:200]} was slow or away a moment ago and is being asked.")
    return turn


def _waited_for(host: str, turns: list[str]) -> str | None:
    """A turn that was given back meanwhile; empty where the trouble is over; None where neither came in time."""
    seat = _first_free([f"sso-seat:{host}:{place}" for place in range(_SEATS)])
    if seat is None:
        return None
    try:
        for _ in range(_TRIES):
            sleep(_PAUSE_SECONDS)
            if cache.get(_trouble(host)) is None:
                return ""
            if (turn := _first_free(turns)) is not None:
                return turn
        return None
    finally:
        cache.delete(seat)


def _first_free(names: list[str]) -> str | None:
    return next((name for name in names if cache.add(name, True, timeout=_LONGEST_TURN_SECONDS)), None)


def _document(url: str, *, is_awaited: bool) -> dict[str, Any]:
    try:
        with client(url, is_awaited=is_awaited) as outbound:
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
