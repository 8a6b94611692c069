"""Who has what and why, with what was granted and never used: for the people who look over access."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.utils import timezone

from tenants.accounts.access.actors import Actor
from tenants.accounts.access.bindings import visible_bindings
from tenants.accounts.access.granting import check_may_grant, given_by
from tenants.accounts.access.holdings import Scope
from tenants.accounts.access.roles import Role, ScopeType
from tenants.accounts.access.scopes import scope_names
from tenants.accounts.models import PermissionUse, RoleBinding
from tenants.foundation.errors import Forbidden

UNUSED_AFTER: Final = timedelta(days=90)


@dataclass(frozen=True, kw_only=True)
class BindingRow:
    """One binding as a person reads it."""

    binding: RoleBinding
    holder: str
    holder_kind: str
    role: str
    where: str
    unused: int
    of_codes: int
    may_revoke: bool


def binding_rows(*, actor: Actor, may_change: bool, limit: int = 500) -> list[BindingRow]:
    """The newest bindings first; three queries and one for each kind of part. Raises: Forbidden."""
    bindings = list(visible_bindings(actor=actor).order_by("-created_at", "-pk")[:limit])
    names = scope_names()
    since = timezone.now() - UNUSED_AFTER
    used: dict[object, set[str]] = {}
    for user_id, code in PermissionUse.objects.filter(last_on__gte=since.date()).values_list(
        "user_id", "permission"
    ):
        used.setdefault(user_id, set()).add(code)
    return [_row(each, names, used, actor, may_change) for each in bindings]


def _row(
    binding: RoleBinding,
    names: dict[Scope, str],
    used: dict[object, set[str]],
    actor: Actor,
    may_change: bool,
) -> BindingRow:
    holder = binding.user or binding.group or binding.department or binding.token
    kind = next(name for name in ("user", "group", "department", "token") if getattr(binding, f"{name}_id"))
    scope = Scope(ScopeType(binding.scope_type), binding.scope_id) if binding.scope_id else None
    given = given_by(binding)
    codes = {code for code in given.anywhere() if not code.startswith("platform.")}
    is_old = binding.user_id is not None and binding.created_at < timezone.now() - UNUSED_AFTER
    return BindingRow(
        binding=binding,
        holder=str(holder),
        holder_kind=kind,
        role=str(Role(binding.role).label) if binding.role else str(binding.custom_role),
        where=names.get(scope, "—") if scope else "",
        unused=len(codes - used.get(binding.user_id, set())) if is_old else 0,
        of_codes=len(codes),
        may_revoke=may_change and _may_give(actor, binding),
    )


def _may_give(actor: Actor, binding: RoleBinding) -> bool:
    try:
        check_may_grant(actor, given_by(binding))
    except Forbidden:
        return False
    return True
