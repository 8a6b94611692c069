"""The roles every company has, where a role can hold, and how it can have come to somebody."""

from enum import StrEnum
from typing import Final

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Role(TextChoices):
    """A built-in role. Five stand on a ladder, each holding what the lower ones hold; two stand beside it."""

    OWNER = "owner", _("Owner")
    ADMIN = "admin", _("Admin")
    SECURITY = "security", _("Security")
    AUDITOR = "auditor", _("Auditor")
    MANAGER = "manager", _("Manager")
    MEMBER = "member", _("Member")
    GUEST = "guest", _("Guest")

    @property
    def rank(self) -> int:
        """Return the height on the ladder: 0 for a guest, 4 for an owner; those beside it stand at 0."""
        return _RANKS.get(self, 0)

    def includes(self, other: "Role") -> bool:
        """Say whether this role holds at least what the other holds, by its place on the ladder."""
        if self is other or self is Role.OWNER:
            return True
        return self in _RANKS and other in _RANKS and self.rank >= other.rank

    def and_higher(self) -> "frozenset[Role]":
        """Return this role and those above it on the ladder."""
        return frozenset(role for role in Role if role in _RANKS and role.includes(self))


_RANKS: Final = {Role.GUEST: 0, Role.MEMBER: 1, Role.MANAGER: 2, Role.ADMIN: 3, Role.OWNER: 4}

DESCRIPTIONS = {
    Role.OWNER: _("Everything, including who else is an owner."),
    Role.ADMIN: _("People, connections, keys and settings."),
    Role.SECURITY: _("Sign-in, keys, sessions and who has what; no tasks."),
    Role.AUDITOR: _("Sees everything the company has, changes nothing."),
    Role.MANAGER: _("All tasks and projects, sync runs and reports."),
    Role.MEMBER: _("Tasks and projects of the company."),
    Role.GUEST: _("Looks at what is shared, changes nothing."),
}


# What programs can be: one that owns a company could not be taken to task.
BELOW_OWNER = [(value, label) for value, label in Role.choices if value != Role.OWNER]


class ScopeType(TextChoices):
    """Where a role holds."""

    COMPANY = "company", _("The whole company")
    DEPARTMENT = "department", _("One department")
    PROJECT = "project", _("One project")


class RoleSource(StrEnum):
    """How a role came to its holder."""

    MANUAL = "manual"
    INVITATION = "invitation"
    ONBOARDING = "onboarding"
    SSO = "sso"
    SCIM = "scim"
    JIT = "jit"


def highest(roles: "frozenset[Role]") -> Role | None:
    """Return the role to name a person by: the highest on the ladder, before one beside it that allows less."""
    return max(roles, key=lambda role: _RANKS.get(role, 1.5), default=None)
