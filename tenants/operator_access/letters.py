"""What the company is told when an operator asks, and the operator when the company has decided."""

from typing import Any, Final
from uuid import UUID

import structlog
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from tenants.accounts.access.holders import people_holding
from tenants.dispatch import enqueue
from tenants.foundation.letters import LetterKind, Variable, register_letter, write_letter
from tenants.foundation.platform import PLATFORM_SLUG
from tenants.models import OperatorGrant, Tenant
from tenants.permissions import DECIDE_SUPPORT
from tenants.tenancy import atomic, current_tenant, tenant_scope
from tenants.tenancy.addresses import canonical_address

log = structlog.get_logger(__name__)

TELL_COMPANY: Final = "operator_access.tell_company"
TELL_OPERATOR: Final = "operator_access.tell_operator"
_LINK: Final = Variable(
    name="link",
    meaning=_("Where it is decided"),
    sample="https://acme.example/settings/support-access/",
    is_required=True,
    is_link=True,
)
ASKED: Final = LetterKind(
    code="support_asked",
    guards=True,
    title=_("An operator asks to come in"),
    description=_(
        "Sent to owners and to the role Security when somebody who runs the platform asks for entry."
    ),
    subject=_("{{ operator }} asks to come into {{ company }}"),
    body=_(
        "{{ operator }}, who runs the platform, asks to come into {{ company }} for {{ minutes }} minutes: "
        "{{ role }}.\n\n"
        "The reason: {{ reason }}\n\n{{ ticket }}\n\n"
        "Nobody comes in unless you agree. You can give less, and send them away at any moment.\n\n{{ link }}"
    ),
    button=_("Decide"),
    variables=(
        Variable(name="operator", meaning=_("Who asks"), sample="Olga Operator-Example", is_required=True),
        Variable(name="company", meaning=_("The company's name"), sample="Acme"),
        Variable(name="minutes", meaning=_("For how long"), sample="60", is_required=True),
        Variable(
            name="role", meaning=_("To do what"), sample=_("to look, changing nothing"), is_required=True
        ),
        Variable(name="reason", meaning=_("Why"), sample="A sync run has stopped.", is_required=True),
        Variable(name="ticket", meaning=_("The ticket it is about"), sample="SUP-1234"),
        _LINK,
    ),
)
DECIDED: Final = LetterKind(
    code="support_decided",
    title=_("A company has decided"),
    description=_("Sent to an operator who asked to come in."),
    subject=_("{{ company }}: {{ outcome }}"),
    body=_("You asked to come into {{ company }}: {{ outcome }}.\n\n{{ link }}"),
    button=_("See the request"),
    audience="platform",
    variables=(
        Variable(name="company", meaning=_("The company's name"), sample="Acme", is_required=True),
        Variable(name="outcome", meaning=_("What they decided"), sample=_("approved"), is_required=True),
        _LINK,
    ),
)
ROLES: Final = {
    OperatorGrant.Role.READ_ONLY: _("to look, changing nothing"),
    OperatorGrant.Role.ADMIN: _("to look and to change, without roles, sign-ins, secrets and exports"),
}


def register() -> None:
    """Make the letters known."""
    register_letter(ASKED, DECIDED)


def tell_company(grant: OperatorGrant) -> None:
    """Have those who decide told, after the open transaction's commit; the company's scope is open."""
    enqueue(TELL_COMPANY, object_id=grant.pk)


def tell_operator(grant: OperatorGrant) -> None:
    """Have the operator told what was decided."""
    platform = Tenant.objects.filter(slug=PLATFORM_SLUG).first()
    if platform is not None:
        with tenant_scope(platform.ref), atomic():
            enqueue(TELL_OPERATOR, object_id=grant.pk)


def post_to_company(grant_id: UUID) -> int:
    """Write to everybody who decides; how many. Does nothing when it is decided. Raises: ExternalServiceError."""
    grant = OperatorGrant.objects.filter(pk=grant_id, tenant_id=current_tenant().id).first()
    if grant is None or grant.state != OperatorGrant.State.ASKED:
        return 0
    tenant = current_tenant()
    with atomic():
        facts: dict[str, Any] = {
            "operator": grant.operator_name,
            "company": tenant.name,
            "minutes": grant.wanted_minutes,
            "role": str(ROLES[OperatorGrant.Role(grant.wanted_role)]),
            "reason": grant.reason,
            "ticket": grant.ticket,
            "link": canonical_address(reverse("support_access:grant", args=[grant.pk])),
        }
        letters = [
            write_letter(ASKED.code, to=each.email, facts=facts, language=each.language or tenant.language)
            for each in people_holding(DECIDE_SUPPORT)
        ]
    for letter in letters:
        letter.send()
    log.info("operator_grant.company_told", grant_id=grant_id, readers=len(letters))
    return len(letters)


def post_to_operator(grant_id: UUID) -> int:
    """Write to the operator; the platform's scope is open. Raises: ExternalServiceError."""
    grant = OperatorGrant.objects.select_related("tenant").filter(pk=grant_id).first()
    if grant is None:
        return 0
    with atomic():
        facts: dict[str, Any] = {
            "company": grant.tenant.name,
            "outcome": OperatorGrant.State(grant.state).label,
            "link": canonical_address(reverse("platform:access")),
        }
        letter = write_letter(DECIDED.code, to=grant.operator_email, facts=facts)
    letter.send()
    return 1
