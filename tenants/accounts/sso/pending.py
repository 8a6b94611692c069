"""Sign-ins that are under way: one secret in the address, another in the browser, both only as hashes here."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.utils import timezone

from tenants.accounts.keyed_hashes import keyed_hash, matches, random_secret
from tenants.accounts.models import IdentityProvider, PendingSignIn, UsedAssertion, User
from tenants.accounts.sso.claims import Claims
from tenants.accounts.sso.reasons import Reason, SsoRefused
from tenants.tenancy import atomic

LIVES: Final = timedelta(minutes=10)
_CLAIMS_LIVE: Final = timedelta(minutes=2)
_STATE: Final = "sso-state"
_BROWSER: Final = "sso-browser"
_LONGEST_STATE: Final = 100


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in under way and the state that goes along to the provider and back."""

    row: PendingSignIn
    state: str


@atomic
def begin(
    *,
    provider: IdentityProvider,
    browser: str,
    next_path: str = "",
    tester: User | None = None,
    is_by_link: bool = False,
    claims: Claims | None = None,
) -> Begun:
    """Remember that somebody is on their way. ``claims`` are given when they come without having been sent.

    ``is_by_link`` says that the ``tester`` is not on this browser but had a link made for it.
    """
    state = random_secret()
    row = PendingSignIn.objects.create(
        provider=provider,
        state_hash=keyed_hash(_STATE, state),
        browser_hash=keyed_hash(_BROWSER, browser),
        next_path=next_path[:500],
        is_test=tester is not None,
        is_by_link=is_by_link,
        started_by=tester,
        revision=provider.revision,
        is_unsolicited=claims is not None,
        claims=claims.as_json() if claims else None,
        expires_at=timezone.now() + (_CLAIMS_LIVE if claims else LIVES),
    )
    return Begun(row, state)


def on_its_way(*, provider_id: UUID, state: str) -> PendingSignIn:
    """Return the locked sign-in a state belongs to, still without an answer. Raises: SsoRefused."""
    row = _locked(state)
    if row is None or row.provider_id != provider_id or row.claims is not None:
        raise SsoRefused(Reason.UNKNOWN_STATE)
    if row.revision != row.provider.revision:
        raise SsoRefused(Reason.CHANGED)
    return row


def answered(*, state: str) -> PendingSignIn:
    """Return the locked sign-in whose answer was believed. Raises: SsoRefused."""
    row = _locked(state)
    if row is None or row.claims is None:
        raise SsoRefused(Reason.UNKNOWN_STATE)
    return row


def check_browser(row: PendingSignIn, browser: str) -> None:
    """Let only the browser on in which it began. Raises: SsoRefused."""
    if not browser or not matches(row.browser_hash, _BROWSER, browser):
        raise SsoRefused(Reason.OTHER_BROWSER)


def keep_answer(row: PendingSignIn, claims: Claims) -> str:
    """Keep what was believed under a new state, for two minutes; the old one is worth nothing from now on."""
    state = random_secret()
    row.claims, row.state_hash = claims.as_json(), keyed_hash(_STATE, state)
    row.request_id = ""
    row.expires_at = timezone.now() + _CLAIMS_LIVE
    row.save(update_fields=["claims", "state_hash", "request_id", "expires_at"])
    return state


def claims_in(row: PendingSignIn) -> Claims:
    """The claims that are kept."""
    kept: dict[str, Any] = row.claims or {}
    return Claims(**kept)


def use_assertion(provider: IdentityProvider, assertion_id: str, good_until: Any) -> None:
    """Take note that an assertion was used. Two processes that do it at once: one gets through.

    Raises: SsoRefused when it was used before.
    """
    row = UsedAssertion(
        provider=provider,
        assertion_hash=keyed_hash("sso-assertion", f"{provider.pk}\0{assertion_id}").hex(),
        expires_at=good_until,
    )
    # INSERT … ON CONFLICT DO NOTHING waits for one that is under way; whose row is there afterwards was the first.
    UsedAssertion.objects.bulk_create([row], ignore_conflicts=True)
    if not UsedAssertion.objects.filter(pk=row.pk).exists():
        raise SsoRefused(Reason.REPLAY, subject=assertion_id[:100])


def forget_old() -> int:
    """Delete what has run out; return how many rows it were."""
    now = timezone.now()
    with atomic():
        pending, _ = PendingSignIn.objects.filter(expires_at__lte=now).delete()
        # A day longer than needed: clocks may differ.
        used, _ = UsedAssertion.objects.filter(expires_at__lte=now - timedelta(days=1)).delete()
    return pending + used


def _locked(state: str) -> PendingSignIn | None:
    if not state or len(state) > _LONGEST_STATE or not state.isascii():
        return None
    return (
        PendingSignIn.objects.select_for_update(of=("self",))
        .select_related("provider", "started_by")
        .filter(state_hash=keyed_hash(_STATE, state), expires_at__gt=timezone.now())
        .first()
    )
