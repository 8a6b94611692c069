"""What can be allowed to the operators of the platform; they are users of the reserved tenant ``platform``."""

from tenants.accounts.access import Actor, Permission, Role, register_permissions, require
from tenants.foundation.errors import NotFound
from tenants.foundation.platform import PLATFORM_SLUG as PLATFORM_SLUG
from tenants.tenancy import current_tenant_or_none

SEE_COMPANIES, ONBOARD_COMPANIES = "platform.see_companies", "platform.onboard_companies"
MANAGE_COMPANIES, MANAGE_WORK = "platform.manage_companies", "platform.manage_work"
# Over one's own company as a whole: its owners'.
EXPORT_COMPANY, DELETE_COMPANY = "company.export", "company.delete"


def register() -> None:
    """Put the operators' permissions, and those over a company as a whole, into the catalogue."""
    register_permissions(
        Permission(code=EXPORT_COMPANY, label="Export everything the company has", held_from=Role.OWNER),
        Permission(code=DELETE_COMPANY, label="Delete the company", held_from=Role.OWNER),
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
