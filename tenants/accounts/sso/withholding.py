"""Which of the roles a person's groups give they may have: none that lets duties meet which stay apart."""

from collections.abc import Collection
from dataclasses import dataclass

from tenants.accounts.access import Role, RoleSource, ScopeType
from tenants.accounts.access.catalogue import all_separations, broken_separations, codes_of
from tenants.accounts.access.gathering import bindings_of
from tenants.accounts.access.granting import duties_of
from tenants.accounts.models import User


@dataclass(frozen=True, slots=True)
class Withheld:
    """A role that groups would give and a person does not get; `against` is the duty of theirs it may not meet."""

    role: Role
    against: str
    why: str

    def __str__(self) -> str:
        return f"{self.role.value}: stays apart from {self.against}. {self.why}"


def withheld_of(user: User, wanted: Collection[Role]) -> tuple[Withheld, ...]:
    """Return which of these roles of their groups a person may not have, by whatever way the other duty comes.

    What they have stays, as where a directory puts them into a group; of several that come at once, the one that
    allows least is given first. One query, and none where no role has a duty that stays apart from another.
    """
    apart = {duty for each in all_separations() for duty in (each.first, each.second)}
    if not apart & {role.value for role in wanted}:
        return ()
    bindings = list(bindings_of(user).select_related("custom_role"))
    by_groups = [
        each
        for each in bindings
        if each.user_id == user.pk
        and each.source == RoleSource.SSO
        and each.scope_type == ScopeType.COMPANY
        and each.custom_role_id is None
    ]
    held = {each.role for each in by_groups}
    duties = duties_of(each for each in bindings if each not in by_groups)
    found = []
    for role in sorted(wanted, key=lambda each: (each.value not in held, len(codes_of(each)), each.value)):
        # Duties that meet already are not this role's doing.
        before = set(broken_separations(duties))
        broken = next(
            (each for each in broken_separations(duties | {role.value}) if each not in before), None
        )
        if broken is None:
            duties.add(role.value)
        else:
            against = broken.second if broken.first == role.value else broken.first
            found.append(Withheld(role, against, broken.why))
    return tuple(sorted(found, key=lambda each: each.role.value))
