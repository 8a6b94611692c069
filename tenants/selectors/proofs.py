"""What proves to an auditor that the platform is sound: evidence of its checks, and certificates of deletions."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet

from tenants.accounts.access import Actor
from tenants.foundation.errors import NotFound
from tenants.foundation.signing import GREATEST_NUMBER, SignedDocument
from tenants.models import DeletionCertificate, Evidence
from tenants.permissions import SEE_COMPANIES, require_operator
from tenants.secrets.signing import sign_document

DOCUMENT_KIND, FORMAT_VERSION = "notion-task-sync.evidence", 1
# Ids grow with time, so a list by id is a list by time, and every page of it is found by the primary key.
BY_TIME: Final = {"started": "id"}
CERTIFICATES_BY_TIME: Final = {"issued": "id"}


def visible_evidence(
    *, actor: Actor | None, kind: str = "", is_passed: bool | None = None
) -> QuerySet[Evidence]:
    """Runs of checks, of one kind or outcome if named. Raises: NotFound off the platform's host, Forbidden."""
    require_operator(actor, SEE_COMPANIES)
    found = Evidence.objects.all()
    if kind:
        found = found.filter(kind=kind)
    if is_passed is False:
        found = found.ended()
    return found if is_passed is None else found.filter(is_passed=is_passed)


def signed_evidence(*, actor: Actor | None, evidence_id: UUID) -> SignedDocument:
    """One run of a check with its whole report, signed now; fractions are written as text.

    Raises: NotFound, Forbidden.
    """
    row = visible_evidence(actor=actor).filter(pk=evidence_id).first()
    if row is None:
        raise NotFound("There is no such evidence.", code="evidence.unknown")
    return sign_document(
        {
            "kind": DOCUMENT_KIND,
            "format": FORMAT_VERSION,
            "evidence_id": str(row.pk),
            "check": row.kind,
            "is_passed": row.is_passed,
            "summary": row.summary,
            "started_at": row.started_at.isoformat(),
            "finished_at": row.finished_at.isoformat(),
            "report": _without_fractions(row.report),
        }
    )


def _without_fractions(value: Any) -> Any:
    """A JSON value as it can be signed: numbers that not every reader reads alike become text."""
    if isinstance(value, Mapping):
        return {name: _without_fractions(part) for name, part in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_without_fractions(part) for part in value]
    if isinstance(value, float) or (isinstance(value, int) and abs(value) > GREATEST_NUMBER):
        return str(value)
    return value


def visible_certificates(*, actor: Actor | None) -> QuerySet[DeletionCertificate]:
    """The certificates of deleted companies. Raises: NotFound off the platform's host, Forbidden."""
    require_operator(actor, SEE_COMPANIES)
    return DeletionCertificate.objects.all()


def certificate_for(*, actor: Actor | None, tenant_id: UUID) -> SignedDocument:
    """The certificate of a deleted company, by the id it had. Raises: NotFound, Forbidden."""
    row = visible_certificates(actor=actor).filter(tenant_id=tenant_id).first()
    if row is None:
        raise NotFound("There is no certificate of such a company.", code="certificates.unknown")
    return SignedDocument(row.document, row.signature, str(row.signed_with_id))
