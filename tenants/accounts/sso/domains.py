"""E-mail domains: claimed, proved by a TXT record, looked up again, and who is sent where from the sign-in page."""

import hashlib
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db.models import QuerySet
from django.utils import timezone

from tenants.accounts.access import Actor, require
from tenants.accounts.keyed_hashes import keyed_hash, random_secret
from tenants.accounts.models import EmailDomain, IdentityProvider
from tenants.accounts.sso import sso_log
from tenants.foundation.dns import LookupFailed, TxtResolver, txt_records
from tenants.foundation.errors import Conflict, InvalidInput, NotFound
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

PERMISSION: Final = "accounts.manage_sso"
LABEL: Final = "_nts-email"
_LOST_AFTER: Final = timedelta(days=7)
_MOST: Final = 100
# Everybody can have an address there: no company's own.
_EVERYBODYS: Final = frozenset(
    {
        "163.com",
        "aol.com",
        "gmail.com",
        "gmx.com",
        "gmx.de",
        "gmx.net",
        "googlemail.com",
        "hotmail.com",
        "icloud.com",
        "live.com",
        "mail.ru",
        "me.com",
        "msn.com",
        "outlook.com",
        "proton.me",
        "protonmail.com",
        "qq.com",
        "t-online.de",
        "web.de",
        "yahoo.com",
        "yandex.ru",
        "zoho.com",
    }
)


def visible_domains(*, actor: Actor) -> QuerySet[EmailDomain]:
    """The company's domains. Raises: Forbidden."""
    require(actor, PERMISSION)
    return EmailDomain.objects.select_related("captured_by").order_by("domain")


@atomic
def add_domain(*, domain: str, actor: Actor) -> EmailDomain:
    """Claim a domain; it counts for nothing until its record was seen.

    Raises: Forbidden, InvalidInput (none, or everybody's), Conflict (here already).
    """
    require(actor, PERMISSION)
    name = normal_domain(domain)
    if EmailDomain.objects.filter(domain=name).exists():
        raise Conflict("This domain is on the list already.", code="conflict.domain_known")
    if EmailDomain.objects.count() >= _MOST:
        raise Conflict(f"At most {_MOST} domains.", code="conflict.many_domains")
    row = EmailDomain.objects.create(domain=name, nonce=random_secret())
    sso_log.note(
        event="domain.added", outcome=sso_log.Outcome.CHANGED, detail=name, user=getattr(actor, "user", None)
    )
    return row


def normal_domain(text: str) -> str:
    """Return a domain in lower-case ASCII. Raises: InvalidInput."""
    name = text.strip().lower().removeprefix("@").rstrip(".")
    try:
        name = name.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise _invalid("This is not a domain name.") from error
    labels = name.split(".")
    is_plain = all(label and label.replace("-", "a").isalnum() and len(label) <= 63 for label in labels)
    if len(labels) < 2 or len(name) > 253 or not is_plain or labels[-1].isdigit():
        raise _invalid("Enter a domain such as example.com.")
    if name in _EVERYBODYS:
        raise _invalid("Everybody can have an address of this domain: it is no company's own.")
    return name


def challenge(row: EmailDomain) -> tuple[str, str]:
    """The name and the value of the TXT record that proves the domain: of this company and of nobody else."""
    digest = keyed_hash("email-domain", f"{row.domain}\0{row.nonce}")
    return f"{LABEL}.{row.domain}", f"nts-domain={hashlib.sha256(digest).hexdigest()[:40]}"


def check_domain(*, domain_id: UUID, actor: Actor, resolver: TxtResolver = txt_records) -> EmailDomain:
    """Look the record up and note what was found; call it outside any transaction.

    A verified domain whose record is gone stays verified for seven days. Raises: Forbidden, NotFound.
    """
    require(actor, PERMISSION)
    with atomic():
        row = EmailDomain.objects.filter(pk=domain_id).first()
    if row is None:
        raise NotFound("This domain is not on the list.")
    name, value = challenge(row)
    problem = ""
    try:
        found = resolver(name)
    except LookupFailed as failure:
        found, problem = [], str(failure)
    if not problem and value not in found:
        problem = (
            f"There is no TXT record {name} with the value shown."
            if not found
            else (f"{name} has another value. Several records may stand side by side.")
        )
    return _note_check(domain_id, problem)


@atomic
def _note_check(domain_id: UUID, problem: str) -> EmailDomain:
    row = EmailDomain.objects.select_for_update().filter(pk=domain_id).first()
    if row is None:
        raise NotFound("This domain is not on the list.")
    now, before = timezone.now(), row.state
    row.checked_at, row.problem = now, problem[:300]
    if not problem:
        row.state, row.verified_at, row.missing_since = (
            EmailDomain.State.VERIFIED,
            row.verified_at or now,
            None,
        )
    elif row.state == EmailDomain.State.VERIFIED:
        row.missing_since = row.missing_since or now
        if now - row.missing_since >= _LOST_AFTER:
            row.state, row.verified_at = EmailDomain.State.LOST, None
    row.save()
    if row.state != before:
        sso_log.note(
            event=f"domain.{row.state}",
            outcome=sso_log.Outcome.CHANGED,
            detail=row.domain,
            is_told=row.state == EmailDomain.State.LOST,
        )
    return row


@atomic
def capture(*, domain: EmailDomain, provider: IdentityProvider | None, actor: Actor) -> EmailDomain:
    """Send people with an address there to a provider from the sign-in page. Raises: Forbidden, Conflict."""
    require(actor, PERMISSION)
    if provider is not None and domain.state != EmailDomain.State.VERIFIED:
        raise Conflict("Verify the domain first.", code="conflict.domain_unverified")
    domain.captured_by = provider
    domain.save(update_fields=["captured_by"])
    return domain


@atomic
def remove_domain(*, domain: EmailDomain, actor: Actor) -> None:
    """Give a domain up: addresses there name no account of a provider any more. Raises: Forbidden."""
    require(actor, PERMISSION)
    sso_log.note(
        event="domain.removed",
        outcome=sso_log.Outcome.CHANGED,
        detail=domain.domain,
        user=getattr(actor, "user", None),
    )
    domain.delete()


def provider_for_address(email: str) -> IdentityProvider | None:
    """The provider that captures an address's domain, if it is in use."""
    name = email.rpartition("@")[2].strip().lower()
    row = (
        EmailDomain.objects.select_related("captured_by")
        .filter(domain=name, state=EmailDomain.State.VERIFIED, captured_by__isnull=False)
        .first()
    )
    provider = row.captured_by if row else None
    return provider if provider is not None and provider.is_offered else None


def _invalid(text: str) -> InvalidInput:
    return InvalidInput(text, fields={"domain": [text]})
