"""Trying a sign-in out: by who is signed in here, or with a link a program asked for. Nobody is signed in by it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.urls import reverse
from django.utils import timezone

from tenants.accounts.access import UserActor, can, require
from tenants.accounts.keyed_hashes import keyed_hash, random_secret
from tenants.accounts.models import IdentityProvider, PendingSignIn, User
from tenants.accounts.selectors import actor_for
from tenants.accounts.sso import pending, posture, sso_log
from tenants.accounts.sso.reasons import Reason, SsoRefused
from tenants.foundation.errors import Conflict
from tenants.tenancy import atomic
from tenants.tenancy.addresses import canonical_address

PERMISSION: Final = "accounts.manage_sso"
_LINK: Final = "sso-trial-link"
_MOST_LINKS: Final = 20


@dataclass(frozen=True, slots=True)
class TrialLink:
    """Where any browser can try the provider out until ``expires_at``; it opens nothing but the test."""

    address: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Tested:
    """A test that got through, with its grade."""

    provider: IdentityProvider
    grade: str


@atomic
def issue_trial_link(*, provider: IdentityProvider, actor: UserActor) -> TrialLink:
    """Make a link with which a sign-in is tried without being signed in here; it ends with the test that gets through.

    Raises: Forbidden, Conflict (a draft; too many links are open).
    """
    require(actor, PERMISSION)
    if provider.state == IdentityProvider.State.DRAFT:
        raise Conflict("Begin the test mode first.", code="conflict.draft")
    if PendingSignIn.objects.filter(is_by_link=True, expires_at__gt=timezone.now()).count() >= _MOST_LINKS:
        raise Conflict("Too many tests are open. Wait ten minutes.", code="conflict.many_tests")
    secret = random_secret()
    # The row is found by another kind of hash than a sign-in's state: the link is no answer, and no answer a link.
    row = PendingSignIn.objects.create(
        provider=provider,
        state_hash=keyed_hash(_LINK, secret),
        browser_hash=b"",
        is_test=True,
        is_by_link=True,
        started_by=actor.user,
        revision=provider.revision,
        expires_at=timezone.now() + pending.LIVES,
    )
    sso_log.note(
        event="test_link", outcome=sso_log.Outcome.CHANGED, provider=provider, user=actor.user, is_test=True
    )
    path = reverse("sso:trial", args=[provider.pk, secret])
    return TrialLink(canonical_address(path), row.expires_at)


@atomic
def open_trial_link(*, provider_id: UUID, secret: str) -> User:
    """Return on whose behalf the link tests. Raises: SsoRefused (unknown, over, or its maker may no longer)."""
    row = (
        PendingSignIn.objects.select_related("provider", "started_by")
        .filter(state_hash=keyed_hash(_LINK, secret), provider_id=provider_id, expires_at__gt=timezone.now())
        .first()
        if secret.isascii() and len(secret) <= 100
        else None
    )
    maker = row.started_by if row else None
    if row is None or maker is None or not can(actor_for(maker), PERMISSION):
        raise SsoRefused(Reason.UNKNOWN_STATE)
    if row.revision != row.provider.revision:
        raise SsoRefused(Reason.CHANGED)
    return maker


def finish_test(row: PendingSignIn, tester: User | None) -> Tested:
    """Grade a test instead of signing anybody in.

    ``tester`` is who is signed in on this browser; a test by link needs nobody. Raises: SsoRefused (another person
    than the one who began it).
    """
    if not row.is_by_link and (tester is None or row.started_by_id != tester.pk):
        raise SsoRefused(Reason.OTHER_BROWSER)
    provider, claims = row.provider, pending.claims_in(row)
    letter, findings = posture.grade(provider, claims)
    provider.test_grade, provider.test_findings = letter, findings
    provider.tested_at, provider.tested_by = timezone.now(), row.started_by
    provider.tested_revision = row.revision
    provider.save(
        update_fields=[
            "test_grade", "test_findings", "tested_at", "tested_by", "tested_revision", "updated_at",
        ]
    )  # fmt: skip
    if row.is_by_link:
        PendingSignIn.objects.filter(provider=provider, is_by_link=True, started_by=row.started_by).delete()
    else:
        row.delete()
    return Tested(provider, letter)
