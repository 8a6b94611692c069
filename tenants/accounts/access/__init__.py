"""Who may do what: roles, the catalogue of permissions, and the check every service makes."""

from tenants.accounts.access.actors import SYSTEM, Actor, SystemActor, UserActor, actor_of
from tenants.accounts.access.catalogue import (
    Permission,
    Sensitivity,
    Separation,
    UnknownPermission,
    all_permissions,
    codes_of,
    permission,
    register_permissions,
    register_separations,
)
from tenants.accounts.access.checks import (
    can,
    can_somewhere,
    register_object_rule,
    register_step_up,
    require,
    require_somewhere,
    visible_to,
)
from tenants.accounts.access.holdings import Holding, Scope
from tenants.accounts.access.objects import Guarded, register_guarded
from tenants.accounts.access.roles import Role, RoleSource, ScopeType

__all__ = [
    "SYSTEM",
    "Actor",
    "Guarded",
    "Holding",
    "Permission",
    "Role",
    "RoleSource",
    "Scope",
    "ScopeType",
    "Sensitivity",
    "Separation",
    "SystemActor",
    "UnknownPermission",
    "UserActor",
    "actor_of",
    "all_permissions",
    "can",
    "can_somewhere",
    "codes_of",
    "permission",
    "register_guarded",
    "register_object_rule",
    "register_permissions",
    "register_separations",
    "register_step_up",
    "require",
    "require_somewhere",
    "visible_to",
]
