"""Guessing is slowed down, never locked out: every miss makes the next try wait longer, up to half a minute.

Misses are counted in the company's part of the cache: for an account as browsers it does not know try it, for it in
each browser somebody has signed in with before, and for the network they come from. So whoever hammers at a door makes
strangers wait there, but not the person on their own browser, nor anybody who comes by passkey or single sign-on.
What is not known here is counted like what is.
"""

import hashlib
import time
from dataclasses import dataclass
from typing import Final

import structlog
from django.core import signing
from django.core.cache import cache
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from tenants.accounts.keyed_hashes import random_public_id
from tenants.accounts.networks import client_address, prefix_of
from tenants.foundation.errors import LimitReached
from tenants.tenancy import current_tenant

log = structlog.get_logger(__name__)

COOKIE: Final = "known_browser"
_COOKIE_SECONDS: Final = 180 * 24 * 3600
_MEMORY_SECONDS: Final = 15 * 60
# Tries that cost nothing: typing errors, and for a network all the people behind it.
FREE_FOR_ACCOUNT: Final = 4
FREE_FOR_NETWORK: Final = 40
LONGEST_SECONDS: Final = 30
_ACCOUNTS_IN_COOKIE: Final = 5


class TooFast(LimitReached):
    """The next try has to wait; `retry_after_seconds` says how long."""

    default_code = "limit_reached.sign_in"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A try that has begun: it counts as a miss until `succeeded` takes it back."""

    keys: tuple[str, ...]

    def succeeded(self) -> None:
        """Forget the account's misses, and that this try was one of the network's."""
        *account, network = self.keys
        cache.delete_many(account)
        _less(network)


def begin_attempt(request: HttpRequest, purpose: str, account: str | None) -> Attempt:
    """Count a try at an account (an address as typed, or an id) before it is looked at.

    None stands for what names no account before it is looked at: a passkey. Then the network alone is counted, so
    that whoever hammers at the door from one makes nobody wait who comes from another. Tries at the same moment see
    each other, and one that comes too early is neither looked at nor counted.
    Raises: TooFast.
    """
    limits = {f"delay:{purpose}:from:{prefix_of(client_address(request))}": FREE_FOR_NETWORK}
    if account is not None:
        browser = known_browser(request, account) or "stranger"
        limits = {f"delay:{purpose}:{_name_of(account)}:{browser}": FREE_FOR_ACCOUNT} | limits
    keys = tuple(limits)
    now = time.time()
    waits = [_wait(key, free, now) for key, free in limits.items()]
    if max(waits) > 0:
        seconds = max(1, round(max(waits) + 0.5))
        log.info(
            "sign_in.slowed_down",
            purpose=purpose,
            seconds=seconds,
            by_network=waits[-1] > max(waits[:-1], default=0.0),
        )
        msg = f"Too many tries. Please wait {seconds} seconds."
        raise TooFast(msg, retry_after_seconds=seconds)
    for key in keys:
        _more(key, now)
    return Attempt(keys)


def remember_browser(request: HttpRequest, response: HttpResponseBase, account: str) -> None:
    """Give a browser somebody has signed in with a mark: its tries are counted apart from strangers'."""
    known = _marks(request)
    name = _name_of(account)
    marks = {name: known.get(name) or random_public_id()}
    marks |= {key: value for key, value in known.items() if key != name}
    kept = dict(list(marks.items())[:_ACCOUNTS_IN_COOKIE])
    response.set_cookie(
        _cookie_name(request),
        signing.dumps(kept, salt=_salt()),
        max_age=_COOKIE_SECONDS,
        httponly=True,
        secure=request.is_secure(),
        samesite="Lax",
        path="/",
    )


def known_browser(request: HttpRequest, account: str) -> str:
    """Return the mark of a browser that account has been signed in with, "" for any other."""
    return _marks(request).get(_name_of(account), "")


def _marks(request: HttpRequest) -> dict[str, str]:
    try:
        value = signing.loads(
            request.COOKIES.get(_cookie_name(request), ""), salt=_salt(), max_age=_COOKIE_SECONDS
        )
    except signing.BadSignature:
        return {}
    return value if isinstance(value, dict) else {}


def _cookie_name(request: HttpRequest) -> str:
    return f"__Host-{COOKIE}" if request.is_secure() else COOKIE


def _salt() -> str:
    return f"tenants.accounts.delays:{current_tenant().id}"


def _name_of(account: str) -> str:
    return hashlib.sha256(account.strip().lower().encode()).hexdigest()[:32]


def _wait(key: str, free: int, now: float) -> float:
    misses, last = cache.get(key, 0), cache.get(f"{key}:at", 0.0)
    if misses < free:
        return 0.0
    pause = min(2.0 ** min(misses - free, 10), LONGEST_SECONDS)
    # A clock that was set back makes nobody wait longer than that.
    return float(min(pause, last + pause - now))


def _more(key: str, now: float) -> None:
    cache.add(key, 0, _MEMORY_SECONDS)
    try:
        cache.incr(key)
    except ValueError:  # it ran out in between
        cache.set(key, 1, _MEMORY_SECONDS)
    cache.touch(key, _MEMORY_SECONDS)
    cache.set(f"{key}:at", now, _MEMORY_SECONDS)


def _less(key: str) -> None:
    try:
        if cache.decr(key) <= 0:
            cache.delete(key)
    except ValueError:
        return
