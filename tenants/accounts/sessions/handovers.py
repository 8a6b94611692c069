"""From the host where somebody has proved who they are to another one of the company: once, soon, in the same browser.

The browser begins on the host it wants to get in at, which gives it a cookie and a state. On the other host, whose
cookies are nothing here, it is found out who they are; that host writes it down beside the state and sends the browser
back with a code. The code counts on the first host alone, with the first host's cookie, once.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from tenants.accounts.keyed_hashes import keyed_hash, matches, random_secret
from tenants.accounts.models import SignInHandover
from tenants.foundation.errors import NotFound
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

Purpose = SignInHandover.Purpose
# From the click to being back: there may be a sign-in at a provider in between.
_LIVES: Final = timedelta(minutes=10)
# From one host to the other: a redirect, or one more click.
CODE_LIVES: Final = timedelta(minutes=2)
_STATE, _BROWSER, _CODE = "handover-state", "handover-browser", "handover-code"
_LONGEST: Final = 100


class HandoverRefused(NotFound):
    """The same answer whatever was wrong; the reason is in the log."""

    default_code = "not_found.handover"
    default_message = "This way in does not work any more. Please begin again."


@dataclass(frozen=True, slots=True)
class Begun:
    """What the browser takes along: the state in addresses, the browser's secret in a cookie of the first host."""

    state: str
    browser: str


@dataclass(frozen=True, slots=True)
class Arrived:
    """What the other host said, and where the person wanted to be."""

    payload: dict[str, Any]
    subject_id: UUID | None
    next_path: str


def cookie_name() -> str:
    """The prefix makes the browser refuse a cookie that another host of the same domain has planted."""
    return "__Host-handover" if settings.SESSION_COOKIE_SECURE else "handover"


@atomic
def begin(*, purpose: str, host: str, next_path: str = "", subject_id: UUID | None = None) -> Begun:
    """Let a browser set out from ``host``."""
    begun = Begun(random_secret(), random_secret())
    SignInHandover.objects.create(
        purpose=purpose,
        host=host,
        state_hash=keyed_hash(_STATE, begun.state),
        browser_hash=keyed_hash(_BROWSER, begun.browser),
        next_path=next_path[:500],
        subject_id=subject_id,
        expires_at=timezone.now() + _LIVES,
    )
    return begun


@atomic
def vouch(
    *, state: str, purpose: str, payload: dict[str, Any], subject_id: UUID | None = None
) -> tuple[str, str]:
    """Say who it is whose browser set out, on the host that knows; return the host it set out from and the code.

    Saying it again makes the code before worthless. Raises: HandoverRefused.
    """
    row = _locked(state, purpose)
    if row.subject_id != subject_id:
        raise _refused("other_subject")
    code = random_secret()
    row.code_hash, row.payload = keyed_hash(_CODE, code), payload
    row.expires_at = timezone.now() + CODE_LIVES
    row.save(update_fields=["code_hash", "payload", "expires_at"])
    return row.host, code


def redeem(
    *, state: str, code: str, browser: str, host: str, purpose: str, subject_id: UUID | None = None
) -> Arrived:
    """Take the code back on the host that began. Whatever comes of it, the code is spent. Raises: HandoverRefused."""
    with atomic():
        row = _locked(state, purpose)
        # Not a savepoint that is rolled back with the refusal: one try is all there is.
        row.delete()
    if row.host != host or row.subject_id != subject_id:
        raise _refused("other_host")
    if not browser or not matches(row.browser_hash, _BROWSER, browser):
        raise _refused("other_browser")
    if row.code_hash is None or not code or not matches(row.code_hash, _CODE, code[:_LONGEST]):
        raise _refused("wrong_code")
    return Arrived(row.payload, row.subject_id, row.next_path)


@atomic
def is_under_way(*, state: str, purpose: str) -> SignInHandover:
    """The handover a state belongs to, to be looked at. Raises: HandoverRefused."""
    return _locked(state, purpose)


@atomic
def forget_old_handovers() -> int:
    """Delete what has run out; return how many it were."""
    return SignInHandover.objects.filter(expires_at__lte=timezone.now()).delete()[0]


def give_cookie(response: HttpResponse, begun: Begun) -> None:
    """Keep the browser's secret on the host that began."""
    response.set_cookie(
        cookie_name(), begun.browser, max_age=int(_LIVES.total_seconds()), httponly=True, samesite="Lax", path="/",
        secure=bool(settings.SESSION_COOKIE_SECURE),
    )  # fmt: skip


def cookie_of(request: HttpRequest) -> str:
    """The browser's secret, "" for a browser that did not begin here."""
    return request.COOKIES.get(cookie_name(), "")[:_LONGEST]


def _locked(state: str, purpose: str) -> SignInHandover:
    if not state or len(state) > _LONGEST or not state.isascii():
        raise _refused("no_state")
    row = (
        SignInHandover.objects.select_for_update()
        .filter(state_hash=keyed_hash(_STATE, state), purpose=purpose, expires_at__gt=timezone.now())
        .first()
    )
    if row is None:
        raise _refused("unknown_state")
    return row


def _refused(reason: str) -> HandoverRefused:
    log.info("handover.refused", reason=reason)
    return HandoverRefused()
