"""What owners are told about their company's deletion, each in their language, and the link that calls it off."""

import json
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import structlog
from django.core import signing
from django.utils import timezone

from tenants.accounts.selectors import owners
from tenants.dispatch import enqueue
from tenants.foundation.errors import NotFound
from tenants.foundation.letters import Enclosure, send_letter
from tenants.foundation.signing import SignedDocument
from tenants.lifecycle.letters import DELETION_ASKED, DELETION_DONE, DELETION_KEPT
from tenants.models import DeletionRequest, Tenant
from tenants.permissions import PLATFORM_SLUG
from tenants.tenancy import atomic, tenant_scope
from tenants.tenancy.addresses import address_of

log = structlog.get_logger(__name__)
POST_LETTER: Final = "platform.tell_owners"
_SALT: Final = "tenants.deletion"


class Letter(StrEnum):
    """The letters there are."""

    ASKED = "asked"
    KEPT = "kept"
    DONE = "done"


KINDS: Final = {Letter.ASKED: DELETION_ASKED, Letter.KEPT: DELETION_KEPT, Letter.DONE: DELETION_DONE}
type Facts = dict[str, str | date | datetime | int | None]


@dataclass(frozen=True, slots=True)
class Addressee:
    """An owner to whom a letter goes, and the language it is in."""

    email: str
    language: str


def post(request: DeletionRequest, letter: Letter) -> None:
    """Have the owners told, by a job of the platform; where there is no platform to do it, at once."""
    platform = Tenant.objects.filter(slug=PLATFORM_SLUG, state=Tenant.State.ACTIVE).first()
    if platform is None:
        tell_owners(request.pk, letter)
        return
    with tenant_scope(platform.ref), atomic():
        enqueue(POST_LETTER, object_id=request.pk, payload={"letter": letter.value})


def tell_owners(request_id: UUID, letter: Letter) -> int:
    """Write to every owner of the company; how many it were. Does nothing when the letter came too late.

    Raises: ExternalServiceError when the mail server does not take them.
    """
    request = DeletionRequest.objects.filter(pk=request_id).first()
    tenant = Tenant.objects.filter(pk=request.tenant_id).first() if request else None
    if request is None or tenant is None or request.begun_at is not None:
        return 0
    if letter is Letter.ASKED and (request.owners_told_at or request.cancelled_at):
        return 0
    facts: Facts = {
        "company": tenant.name, "address": address_of(tenant.slug), "by": request.asked_by,
        "day": timezone.localtime(request.delete_after).date(), "moment": request.delete_after,
        "link": cancel_link(tenant, request),
    }  # fmt: skip
    addressees = owners_of(tenant)
    for each in addressees:
        send(each, letter, facts)
    if letter is Letter.ASKED:
        DeletionRequest.objects.filter(pk=request_id).update(owners_told_at=timezone.now())
    log.info("deletion.owners_told", tenant=tenant.slug, letter=letter.value, owners=len(addressees))
    return len(addressees)


def owners_of(tenant: Tenant) -> list[Addressee]:
    """The company's owners; its doors may be closed."""
    with tenant_scope(tenant.ref), atomic():
        return [
            Addressee(binding.user.email, binding.user.language or tenant.language)
            for binding in owners().select_related("user").order_by("pk")
            if binding.user is not None
        ]


def send(to: Addressee, letter: Letter, facts: Facts, *, enclosed: SignedDocument | None = None) -> None:
    """Send one letter. Raises: ExternalServiceError."""
    enclosures = []
    if enclosed is not None:
        text = json.dumps(enclosed.as_json(), indent=2, ensure_ascii=False)
        enclosures.append(Enclosure("deletion-certificate.json", text, "application/json"))
    send_letter(KINDS[letter].code, to=to.email, facts=facts, language=to.language, enclosures=enclosures)


def cancel_link(tenant: Tenant, request: DeletionRequest) -> str:
    """Where whoever has the letter calls the deletion off; worth nothing for another company or another time."""
    return f"{address_of(tenant.slug)}/company/deletion/{cancel_token(request)}/"


def cancel_token(request: DeletionRequest) -> str:
    """The part of the link that proves that it came with the letter."""
    return signing.dumps([str(request.tenant_id), str(request.pk)], salt=_SALT)


def request_of_token(token: str, *, tenant_id: UUID) -> DeletionRequest:
    """The open request a link belongs to. Raises: NotFound for another company's, a spent or an invented one."""
    try:
        tenant, request_id = signing.loads(token, salt=_SALT)
        if tenant != str(tenant_id):
            raise NotFound
        found = DeletionRequest.objects.filter(
            pk=request_id, tenant_id=tenant_id, cancelled_at=None, done_at=None
        )
        request = found.first()
    except (signing.BadSignature, ValueError) as error:
        raise NotFound from error
    if request is None:
        raise NotFound
    return request
