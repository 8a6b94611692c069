"""What an operator who visits may do: named one by one, so that a permission nobody thought of is not among them."""

from typing import Final

from tenants.accounts.access.actors import UserActor
from tenants.accounts.access.holdings import Holding
from tenants.accounts.models import SupportVisit, User

_LOOKING: Final = frozenset(
    {"accounts.view_users", "accounts.view_access", "integrations.view", "tasks.view"}
)
# No secret, no export, nothing about roles, sign-ins, tokens or single sign-on, and nothing the company decides for
# itself: approvals, shares, and who else comes in.
CODES: Final = {
    SupportVisit.Role.READ_ONLY: _LOOKING,
    SupportVisit.Role.ADMIN: _LOOKING
    | {
        "accounts.manage_departments", "integrations.map", "integrations.sync", "tasks.archive", "tasks.comment",
        "tasks.complete", "tasks.create", "tasks.edit", "tasks.import", "tasks.manage_projects",
    },
}  # fmt: skip
# Never, whatever the role: an operator's own sign-in and everything that could outlive the visit.
SHUT: Final = (
    "/account/",
    "/settings/my-sign-in/",
    "/settings/preferences/",
    "/settings/api-tokens/",
    "/settings/service-accounts/",
    "/settings/sign-ins/",
    "/settings/sign-in/",
    "/settings/sign-in-rules/",
    "/settings/support-access/",
    "/settings/company/",
    "/sso/",
    "/scim/",
    "/api/v1/me/",
    "/api/v1/exports/",
)
OPEN: Final = frozenset({"/account/sign-out/", "/api/v1/me/"})


def support_actor(user: User, visit: SupportVisit) -> UserActor:
    """The operator at work: no role of the company's, no share, only what their grant names."""
    codes = CODES.get(SupportVisit.Role(visit.role), frozenset())
    return UserActor(user=user, more=Holding.of(codes))


def is_shut(path: str, *, is_reading: bool) -> bool:
    """Whether an address is closed to operators."""
    if path in OPEN and (is_reading or path == "/account/sign-out/"):
        return False
    return path.startswith(SHUT)
