"""The question every service asks first: may this actor do that? Denied unless a role says otherwise."""

from collections.abc import Callable
from typing import Any

import structlog

from tenants.accounts.access.actors import Actor, SystemActor
from tenants.accounts.access.catalogue import permission
from tenants.foundation import metrics
from tenants.foundation.errors import Forbidden

log = structlog.get_logger(__name__)

type ObjectRule = Callable[[Actor, Any], bool]

_object_rules: dict[str, list[ObjectRule]] = {}


def register_object_rule(code: str, rule: ObjectRule) -> None:
    """Narrow a permission for single objects: every rule has to agree. Called from an app's `ready()`."""
    rules = _object_rules.setdefault(code, [])
    if rule not in rules:
        rules.append(rule)


def can(actor: Actor | None, code: str, on: Any = None) -> bool:
    """Say whether an actor holds a permission, for one object if given. Sends no query.

    Raises: UnknownPermission when no package registered the code.
    """
    permission(code)
    if actor is None or not actor.holds(code):
        return False
    if on is None or isinstance(actor, SystemActor):
        return True
    return all(rule(actor, on) for rule in _object_rules.get(code, ()))


def require(actor: Actor | None, code: str, on: Any = None) -> None:
    """Let an actor pass who holds a permission.

    Raises: Forbidden naming the permission; UnknownPermission when no package registered the code.
    """
    if can(actor, code, on):
        return
    metrics.AUTHORISATION_DENIALS.labels(code=code).inc()
    log.info(
        "access.denied",
        permission=code,
        actor=str(getattr(actor, "user_id", None) or ""),
        role=str(getattr(actor, "role", None) or ""),
        object=str(getattr(on, "pk", "") or ""),
    )
    msg = f"Your role does not allow this: {permission(code).label}."
    raise Forbidden(msg, params={"permission": code})
