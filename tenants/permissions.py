"""What can be allowed to the operators of the platform; they are users of the reserved tenant ``platform``."""

from tenants.accounts.access import Actor, Permission, Role, Sensitivity, register_permissions, require
from tenants.foundation.errors import NotFound
from tenants.foundation.platform import PLATFORM_SLUG as PLATFORM_SLUG
from tenants.tenancy import current_tenant_or_none

SEE_COMPANIES, ONBOARD_COMPANIES = "platform.see_companies", "platform.onboard_companies"
MANAGE_COMPANIES, MANAGE_WORK = "platform.manage_companies", "platform.manage_work"
# Over one's own company as a whole: its owners'.
EXPORT_COMPANY, DELETE_COMPANY = "company.export", "company.delete"
# The names it is reached under.
VIEW_DOMAINS, MANAGE_DOMAINS = "company.view_domains", "company.manage_domains"
# Operators who want to come in: asked for by them, decided by the company.
ENTER_COMPANIES = "platform.enter_companies"
VIEW_SUPPORT, DECIDE_SUPPORT = "company.view_support_access", "company.decide_support_access"
_SECURITY = frozenset({Role.SECURITY})
_LOOKING = frozenset({Role.SECURITY, Role.AUDITOR})


def register() -> None:
    """Put the operators' permissions, and those over a company as a whole, into the catalogue."""
    register_permissions(
        Permission(code=EXPORT_COMPANY, label="Export everything the company has", held_from=Role.OWNER),
        Permission(code=DELETE_COMPANY, label="Delete the company", held_from=Role.OWNER),
        Permission(
            code=VIEW_DOMAINS,
            label="See under which names the company is reached",
            held_from=Role.ADMIN,
            also_held_by=_LOOKING,
        ),
        Permission(
            code=MANAGE_DOMAINS,
            label="Claim domains of the company's own, and give them up",
            held_from=Role.ADMIN,
            also_held_by=_SECURITY,
            sensitivity=Sensitivity.SENSITIVE,
        ),
        Permission(
            code=VIEW_SUPPORT,
            label="See which operators of the platform asked to come in, and what they did",
            held_from=Role.ADMIN,
            also_held_by=_LOOKING,
        ),
        Permission(
            code=DECIDE_SUPPORT,
            label="Let operators of the platform in, refuse them and send them away",
            held_from=Role.OWNER,
            also_held_by=_SECURITY,
            sensitivity=Sensitivity.SENSITIVE,
        ),
        Permission(
            code=ENTER_COMPANIES,
            label="Ask companies to be let in, and enter those that agree",
            held_from=Role.ADMIN,
            sensitivity=Sensitivity.SENSITIVE,
        ),
        Permission(code=SEE_COMPANIES, label="See the platform's companies", held_from=Role.MEMBER),
        Permission(code=ONBOARD_COMPANIES, label="Take companies in", held_from=Role.ADMIN),
        Permission(
            code=MANAGE_COMPANIES,
            label="Suspend, resume, move, export, restore and delete companies",
            held_from=Role.ADMIN,
        ),
        Permission(code=MANAGE_WORK, label="Run given-up jobs again or remove them", held_from=Role.ADMIN),
    )


def require_operator(actor: Actor | None, code: str) -> None:
    """Let an operator pass; anywhere but on the platform's own host these things do not exist.

    Raises: NotFound off the platform, Forbidden without the permission.
    """
    tenant = current_tenant_or_none()
    if tenant is None or tenant.slug != PLATFORM_SLUG:
        raise NotFound
    require(actor, code)
