"""Signing up: the address is proved first, then a company is made, and its owner gets a first API token."""

from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from tenants.accounts.access import permission
from tenants.accounts.networks import prefix_of
from tenants.accounts.selectors import actor_for, owners
from tenants.accounts.services import normal_email
from tenants.accounts.tokens.services import IssuedToken, create_api_token
from tenants.dispatch import enqueue
from tenants.foundation.crypto import Secret
from tenants.foundation.errors import Conflict, InvalidInput, LimitReached, NotFound
from tenants.foundation.ids import uuid7
from tenants.foundation.platform import PLATFORM_SLUG
from tenants.lifecycle.onboarding import NewCompany, write_down_onboarding
from tenants.lifecycle.operations import ask_for_run
from tenants.lifecycle.signups import proofs
from tenants.models import Operation, Signup, Tenant
from tenants.tenancy import atomic, current_tenant, tenant_scope
from tenants.tenancy.addresses import address_of

log = structlog.get_logger(__name__)
SEND_CODE: Final = "platform.send_signup_code"
CODE_LIVES: Final = timedelta(minutes=10)
SIGNUP_LIVES: Final = timedelta(hours=24)
KEPT: Final = timedelta(days=7)
MOST_TRIES: Final = 5
# Letters to one address, and sign-ups from one network, in an hour. A network is an office, a class room or a corner of
# a provider: a /24 holds many people, and who asks for another code is counted again.
MOST_LETTERS: Final = 3
MOST_FROM_ONE_SOURCE: Final = 60
_HOUR: Final = timedelta(hours=1)
_FORGOTTEN_AT_ONCE: Final = 500


def require_open() -> None:
    """Raises: NotFound off the platform's host, and where no operator has opened the door (``SIGN_UPS``)."""
    if not settings.SIGN_UPS_ARE_OPEN or current_tenant().slug != PLATFORM_SLUG:
        raise NotFound


def source_of(address: str | None) -> str:
    """The network an address belongs to: what one person can change easily does not count."""
    return prefix_of((address or "").strip())


def begin_signup(*, email: str, source: str, language: str = "en") -> Signup:
    """Send a code to an address, by a job of the platform (whose scope must be open).

    The answer is the same whether the address is known, new or was asked for too often.
    Raises: InvalidInput (not an address), LimitReached (too many from this network), NotFound (door closed).
    """
    require_open()
    address = normal_email(email)
    now = timezone.now()
    email_hash, source_hash = proofs.digest("email", address), proofs.digest("source", source)
    lately = Signup.objects.filter(created_at__gt=now - _HOUR)
    if lately.filter(source_hash=source_hash).count() >= MOST_FROM_ONE_SOURCE:
        log.warning("signup.too_many")
        raise LimitReached("Too many sign-ups from here. Try again in an hour.", retry_after_seconds=3600)
    pk = uuid7()
    signup = Signup.objects.create(
        pk=pk,
        email_hash=email_hash,
        sealed_email=proofs.seal_address(pk, address),
        source_hash=source_hash,
        language=language,
        is_silent=lately.filter(email_hash=email_hash).count() >= MOST_LETTERS,
        code_expires_at=now + CODE_LIVES,
        expires_at=now + SIGNUP_LIVES,
    )
    with atomic():
        enqueue(SEND_CODE, object_id=signup.pk, priority=100)
    log.info("signup.begun", signup=str(signup.pk), is_silent=signup.is_silent)
    return signup


def verify_signup(*, signup_id: UUID, code: str) -> Secret:
    """Prove the address by the code of the letter; returns the token that carries the rest. A code works once.

    Raises: InvalidInput, the same for a wrong code, an unknown sign-up, too many tries and one that is over.
    """
    require_open()
    token, kept = proofs.new_token(signup_id)
    with transaction.atomic(using="default"):
        # Tries are counted before the code is looked at, under a lock: guessing side by side gains nothing.
        row = Signup.objects.select_for_update().filter(pk=signup_id).first()
        fits = proofs.is_code(signup_id, code)
        is_open = (
            row is not None
            and not row.is_silent
            and row.verified_at is None
            and row.tries < MOST_TRIES
            and row.code_expires_at > timezone.now()
        )
        if row is not None and row.tries < MOST_TRIES:
            row.tries += 1
            if is_open and fits:
                row.verified_at, row.token_hash = timezone.now(), kept
            row.save(update_fields=["tries", "verified_at", "token_hash"])
    if not (is_open and fits):
        log.info("signup.code_refused", signup=str(signup_id), tries=row.tries if row else 0)
        msg = "This code does not fit, or its time is over. Ask for a new one."
        raise InvalidInput(msg, code="signup.code_refused", fields={"code": [msg]})
    log.info("signup.verified", signup=str(signup_id))
    return token


def signup_of_token(text: str) -> Signup | None:
    """The proved sign-up a token speaks for; None for one that is malformed, unknown or over."""
    parts = proofs.split_token(text)
    if parts is None or not settings.SIGN_UPS_ARE_OPEN or current_tenant().slug != PLATFORM_SLUG:
        return None
    row = Signup.objects.filter(pk=parts[0], expires_at__gt=timezone.now()).first()
    fits = proofs.is_token(parts[0], parts[1], row.token_hash if row else None)
    return row if row is not None and row.token_hash and fits else None


def make_company(
    *, signup: Signup, slug: str, name: str, owner_name: str, owner_password: str, region: str = "",
    language: str = "en", time_zone: str = "UTC",
) -> Operation:  # fmt: skip
    """Have the workers make the company of a proved sign-up; it is its first owner's, with a password.

    One company each: asked again it returns the operation that is under way or done, and starts another one only when
    the first was undone. Raises: InvalidInput (address, name, password, region), Conflict (the address is taken, or
    this sign-up has another company).
    """
    with transaction.atomic(using="default"):
        row = Signup.objects.select_for_update().get(pk=signup.pk)
        before = Operation.objects.filter(pk=row.operation_id).first() if row.operation_id else None
        if before is not None and before.state not in (Operation.State.UNDONE, Operation.State.FAILED):
            if before.tenant_slug != slug:
                raise Conflict("A company was made with this sign-up already.", code="signup.is_used")
            return before
        operation = write_down_onboarding(
            NewCompany(
                slug=slug, name=name, owner_email=proofs.open_address(row.pk, row.sealed_email),
                owner_name=owner_name, owner_password=owner_password, region=region, language=language,
                time_zone=time_zone,
            ),
            asked_by=f"sign-up {row.pk}",
        )  # fmt: skip
        row.operation_id = operation.pk
        row.save(update_fields=["operation_id"])
    ask_for_run(operation)
    log.info("signup.company_asked_for", signup=str(row.pk), operation=str(operation.pk), tenant=slug)
    return operation


def operation_of(signup: Signup) -> Operation:
    """How far the company of a sign-up is. Raises: NotFound before it was asked for."""
    found = Operation.objects.filter(pk=signup.operation_id).first() if signup.operation_id else None
    if found is None:
        raise NotFound("No company has been asked for yet.")
    return found


def issue_first_token(signup: Signup) -> tuple[Tenant, IssuedToken]:
    """An API token of the new company's owner, for a day and everything an owner may do; once for each sign-up.

    Raises: NotFound, Conflict (the company is not ready, or the token was handed out).
    """
    operation = operation_of(signup)
    if operation.state != Operation.State.SUCCEEDED:
        raise Conflict("The company is not ready yet.", code="signup.not_ready")
    assert operation.tenant_id is not None
    tenant = Tenant.objects.get(pk=operation.tenant_id)
    # Taken first: a token that was made and not handed out ends by itself, one handed out twice would not be seen.
    if not Signup.objects.filter(pk=signup.pk, token_issued_at=None).update(token_issued_at=timezone.now()):
        raise Conflict("The token was handed out already.", code="signup.token_issued")
    with tenant_scope(tenant.ref), atomic():
        owner = owners().select_related("user").order_by("pk").first()
        if owner is None or owner.user is None:
            raise Conflict("This company has no owner.", code="signup.not_ready")
        actor = actor_for(owner.user)
        scopes = sorted(code for code in actor.codes if permission(code))
        issued = create_api_token(actor=actor, name="First steps", scopes=scopes, days=1)
    log.info("signup.token_issued", signup=str(signup.pk), tenant=tenant.slug)
    return tenant, issued


def address_of_company(operation: Operation) -> str:
    """Where the console and the API of the new company answer; empty until it is open."""
    return address_of(operation.tenant_slug) if operation.state == Operation.State.SUCCEEDED else ""


def forget_old_signups() -> int:
    """Remove sign-ups older than a week, up to 500 a call; how many they were."""
    old = Signup.objects.filter(created_at__lt=timezone.now() - KEPT).values("pk")[:_FORGOTTEN_AT_ONCE]
    return Signup.objects.filter(pk__in=old).delete()[0]
