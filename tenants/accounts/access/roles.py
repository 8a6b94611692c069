"""The five roles every company has, from the one that may do everything to the one that only looks on."""

from enum import StrEnum

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Role(TextChoices):
    """A role; the higher one holds all the permissions of the lower."""

    OWNER = "owner", _("Owner")
    ADMIN = "admin", _("Admin")
    MANAGER = "manager", _("Manager")
    MEMBER = "member", _("Member")
    GUEST = "guest", _("Guest")

    @property
    def rank(self) -> int:
        """Return the height of the role: 0 for a guest, 4 for an owner."""
        return _RANKS[self]

    def includes(self, other: "Role") -> bool:
        """Say whether this role holds at least what the other holds."""
        return self.rank >= other.rank


_RANKS = {Role.GUEST: 0, Role.MEMBER: 1, Role.MANAGER: 2, Role.ADMIN: 3, Role.OWNER: 4}

DESCRIPTIONS = {
    Role.OWNER: _("Everything, including who else is an owner."),
    Role.ADMIN: _("People, connections, keys and settings."),
    Role.MANAGER: _("All tasks and projects, sync runs and reports."),
    Role.MEMBER: _("Tasks and projects of the company."),
    Role.GUEST: _("Looks at what is shared, changes nothing."),
}


class RoleSource(StrEnum):
    """How a role came to a user."""

    MANUAL = "manual"
    INVITATION = "invitation"
    ONBOARDING = "onboarding"


def highest(roles: "frozenset[Role]") -> Role | None:
    """Return the highest of some roles, None when there is none."""
    return max(roles, key=lambda role: role.rank, default=None)
