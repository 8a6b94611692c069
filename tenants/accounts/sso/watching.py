"""What providers say of themselves now: their metadata read every day. Nothing of it counts before a person says so."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import structlog
from django.utils import timezone

from tenants.accounts.access import Actor, require
from tenants.accounts.models import IdentityProvider, ProposedChange, SsoLogEntry
from tenants.accounts.sso import sso_log
from tenants.accounts.sso.changing import METADATA, ProviderChange, change_provider, locked
from tenants.accounts.sso.saml.certificates import CertificateFacts, facts_of
from tenants.accounts.sso.saml.metadata import fetch_metadata, read_metadata
from tenants.accounts.sso.saml.own_keys import current_certificate
from tenants.foundation.errors import Conflict, DomainError, NotFound
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)
PERMISSION: Final = "accounts.manage_sso"
# Days before a certificate runs out on which everybody who looks after single sign-on gets a letter.
WARN_DAYS: Final = (1, 7, 30)
_EXPIRY: Final = "certificate.expires"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing a provider says otherwise than its set-up; a certificate is named by its fingerprint."""

    name: str
    ours: str
    theirs: str


def read_again(*, provider_id: UUID, actor: Actor) -> IdentityProvider:
    """Read a provider's metadata at its address and keep what differs; call it outside any transaction.

    Raises: Forbidden, NotFound (no provider, or no address to read), Conflict (it cannot be read).
    """
    require(actor, PERMISSION)
    with atomic():
        provider = IdentityProvider.objects.filter(pk=provider_id).exclude(metadata_url="").first()
    if provider is None:
        raise NotFound("This provider has no address of its metadata.", code="not_found.metadata_address")
    found, problem = _fetched(provider.metadata_url)
    kept = _keep(provider, found, problem)
    if problem:
        raise Conflict(problem, code="conflict.metadata_unreadable")
    return kept


def read_all_again() -> int:
    """Read the metadata of every provider that has an address of it; return how many differ now."""
    with atomic():
        providers = list(
            IdentityProvider.objects.exclude(metadata_url="").exclude(state=IdentityProvider.State.DRAFT)
        )
    return sum(
        _keep(provider, *_fetched(provider.metadata_url)).metadata_found is not None for provider in providers
    )


@atomic
def confirm_metadata(
    *, provider: IdentityProvider, actor: Actor, reason: str = ""
) -> IdentityProvider | ProposedChange:
    """Let what was found count. Of a provider in use a second person may have to agree: then that change is returned.

    Raises: Forbidden, Conflict (nothing was found; enforced and more than its certificates differs).
    """
    require(actor, PERMISSION)
    found = locked(provider).metadata_found
    if not found:
        raise Conflict("There is nothing to confirm.", code="conflict.nothing_found")
    return change_provider(
        provider=provider, change=ProviderChange(values=dict(found)), actor=actor, reason=reason
    )


def differences(provider: IdentityProvider) -> list[Difference]:
    """What the provider's metadata said otherwise when it was last read."""
    found = provider.metadata_found or {}
    return [
        Difference(name, _shown(name, getattr(provider, name)), _shown(name, found[name]))
        for name in METADATA
        if name in found and found[name] != getattr(provider, name)
    ]


@atomic
def warn_of_certificates() -> int:
    """Say 30, 7 and 1 day before a certificate runs out, ours too, that it does; return how many it were."""
    ours = current_certificate()
    ending: list[tuple[IdentityProvider | None, CertificateFacts]] = [
        (provider, facts_of(pem))
        for provider in IdentityProvider.objects.exclude(certificates=[])
        for pem in provider.certificates
    ]
    ending += [(None, facts_of(ours))] if ours else []
    return sum(_warned(provider, facts) for provider, facts in ending)


def _warned(provider: IdentityProvider | None, facts: CertificateFacts) -> bool:
    days = (facts.not_after - timezone.now()).days
    due = next((each for each in WARN_DAYS if days < each), None)
    mark = f"{facts.fingerprint} {due}"
    if due is None or SsoLogEntry.objects.filter(provider=provider, event=_EXPIRY, subject=mark).exists():
        return False
    day = f"{facts.not_after:%Y-%m-%d}"
    sso_log.note(
        event=_EXPIRY,
        outcome=sso_log.Outcome.CHANGED,
        provider=provider,
        subject=mark,
        detail=(
            f"A certificate of this provider runs out on {day}. Pin the next one beside it."
            if provider
            else f"Our own certificate runs out on {day}. Make the next key and let the providers know it."
        ),
        is_told=True,
    )
    return True


def _fetched(url: str) -> tuple[dict[str, Any] | None, str]:
    """What the address says, or in a sentence why that is not known."""
    try:
        read = read_metadata(fetch_metadata(url))
    except DomainError as error:
        return None, error.message[:300]
    return {name: getattr(read, name) for name in METADATA}, ""


@atomic
def _keep(provider: IdentityProvider, found: dict[str, Any] | None, problem: str) -> IdentityProvider:
    row = locked(provider)
    row.metadata_checked_at, row.metadata_problem = timezone.now(), problem
    if found is not None:
        is_same = found == {name: getattr(row, name) for name in METADATA}
        is_news = not is_same and found != row.metadata_found
        row.metadata_found = None if is_same else found
        row.metadata_found_at = None if is_same else timezone.now() if is_news else row.metadata_found_at
        if is_news:
            told = "; ".join(f"{each.name}: {each.ours} → {each.theirs}" for each in differences(row))
            sso_log.note(
                event="metadata.changed",
                outcome=sso_log.Outcome.CHANGED,
                provider=row,
                detail=f"Not in force before somebody confirms it. {told}",
                is_told=True,
            )
    row.save(
        update_fields=[
            "metadata_checked_at", "metadata_problem", "metadata_found", "metadata_found_at", "updated_at",
        ]
    )  # fmt: skip
    return row


def _shown(name: str, value: Any) -> str:
    if name == "certificates":
        return ", ".join(facts_of(pem).fingerprint[:23] for pem in value) or "—"
    return str(value) or "—"
