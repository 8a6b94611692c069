"""The question every service asks first: may this actor do that? Denied unless a role or a share says otherwise."""

from collections.abc import Callable, Sequence
from typing import Any

import structlog
from django.db.models import Q, QuerySet

from tenants.accounts.access.actors import Actor, SystemActor, UserActor
from tenants.accounts.access.catalogue import Permission, Sensitivity, permission
from tenants.accounts.access.denying import Reason, note_denial, note_use, refusal
from tenants.accounts.access.objects import all_guarded, guarded_model, scopes_of
from tenants.foundation import metrics

log = structlog.get_logger(__name__)

type ObjectRule = Callable[[Actor, Any], bool]
type StepUp = Callable[[UserActor, Permission], None]

_object_rules: dict[str, list[ObjectRule]] = {}
_step_ups: list[StepUp] = []


def register_object_rule(code: str, rule: ObjectRule) -> None:
    """Narrow a permission for single objects: every rule has to agree. Called from an app's `ready()`."""
    rules = _object_rules.setdefault(code, [])
    if rule not in rules:
        rules.append(rule)


def register_step_up(check: StepUp) -> None:
    """Have sensitive permissions want more than a role: `check(actor, permission)` raises when it is missing.

    It is asked by `require`, after the role was found to allow it. Called from an app's `ready()`.
    """
    if check not in _step_ups:
        _step_ups.append(check)


def can(actor: Actor | None, code: str, on: Any = None) -> bool:
    """Say whether an actor holds a permission: in the whole company, or for one object if given.

    Sends no query, but one when single objects were shared with the actor and nothing else allows this one.
    Raises: UnknownPermission when no package registered the code.
    """
    return _reason_against(actor, code, on) is None


def can_somewhere(actor: Actor | None, code: str) -> bool:
    """Say whether it makes sense to let an actor in: they hold the permission for something. Sends no query.

    For doors and navigation; what is behind the door asks `can` for the object, or narrows with `visible_to`.
    """
    found = permission(code)
    if actor is None or isinstance(actor, SystemActor):
        return actor is not None
    if not actor.user.is_active:
        return False
    if code in actor.holding.anywhere():
        return True
    return found.is_scoped and actor.shares and actor.may_use_token_for(code) and _is_shareable(code)


def require(actor: Actor | None, code: str, on: Any = None) -> None:
    """Let an actor pass who holds a permission, with a fresh proof of who they are where it is sensitive.

    Raises: Forbidden naming the permission, why it was refused and which roles hold it; UnknownPermission when no
    package registered the code; what a step-up raises.
    """
    reason = _reason_against(actor, code, on)
    if reason is not None:
        _refuse(actor, code, reason, on)
    _passed(actor, code)


def require_somewhere(actor: Actor | None, code: str) -> None:
    """Let an actor through a door who holds the permission for something. Raises: Forbidden, UnknownPermission."""
    if not can_somewhere(actor, code):
        _refuse(actor, code, _reason_against(actor, code, None) or Reason.NO_ROLE, None)
    if isinstance(actor, UserActor):
        note_use(actor, code)


def require_any(actor: Actor | None, codes: Sequence[str]) -> None:
    """Let an actor through a door who holds one of several permissions in the whole company, whatever is behind it.

    No proof is asked: it is asked where something is done. Raises: Forbidden, which names the first.
    """
    held = next((code for code in codes if can(actor, code)), None)
    if held is None:
        _refuse(actor, codes[0], _reason_against(actor, codes[0], None) or Reason.NO_ROLE, None)
    elif isinstance(actor, UserActor):
        note_use(actor, held)


def visible_to[Rows: QuerySet[Any]](rows: Rows, actor: Actor, code: str) -> Rows:
    """Narrow rows to those the actor holds a permission for, inside the query that reads them.

    All for whoever holds it in the whole company; else those in their parts of it and those shared with them.
    """
    if actor.holds(code):
        return rows
    guarded = guarded_model(rows.model)
    if guarded is None or isinstance(actor, SystemActor) or not can_somewhere(actor, code):
        return rows.none()
    condition = Q(pk__in=[])
    held = actor.holding.scopes(code)
    for scope_type, column in guarded.scope_columns:
        if ids := [scope.id for scope in held if scope.type is scope_type]:
            condition |= Q(**{f"{column}__in": ids})
    if _asks_shares(actor, code) and guarded.shares is not None:
        condition |= guarded.shares.condition(actor.user_id, code)
    return rows.filter(condition)


def _reason_against(actor: Actor | None, code: str, on: Any) -> Reason | None:
    permission(code)
    if actor is None:
        return Reason.NOBODY
    if isinstance(actor, SystemActor):
        return None
    if not actor.user.is_active:
        return Reason.DEACTIVATED
    if not actor.holds(code):
        if not actor.may_use_token_for(code):
            return Reason.TOKEN
        held = actor.holding.scopes(code)
        if on is None:
            return Reason.SCOPE if held else Reason.NO_ROLE
        if not (held & scopes_of(on)) and not _is_shared(actor, code, on):
            return Reason.SCOPE if held else Reason.NO_ROLE
    if on is not None and not all(rule(actor, on) for rule in _object_rules.get(code, ())):
        return Reason.OBJECT
    return None


def _is_shareable(code: str) -> bool:
    return any(each.shares is not None and code in each.shares.codes() for each in all_guarded())


def _asks_shares(actor: UserActor, code: str) -> bool:
    return actor.shares and actor.token_holding is None and actor.may_use_token_for(code)


def _is_shared(actor: UserActor, code: str, on: Any) -> bool:
    guarded = guarded_model(type(on))
    if guarded is None or guarded.shares is None or not _asks_shares(actor, code):
        return False
    if code not in guarded.shares.codes() or on._state.adding:
        return False
    return guarded.model._default_manager.filter(
        guarded.shares.condition(actor.user_id, code), pk=on.pk
    ).exists()


def _refuse(actor: Actor | None, code: str, reason: Reason, on: Any) -> None:
    metrics.AUTHORISATION_DENIALS.labels(code=code).inc()
    log.info(
        "access.denied",
        permission=code,
        reason=reason.value,
        actor=str(getattr(actor, "user_id", None) or ""),
        role=str(getattr(actor, "role", None) or ""),
        object=str(getattr(on, "pk", "") or ""),
    )
    note_denial(actor if isinstance(actor, UserActor) else None, code, reason, on)
    raise refusal(permission(code), reason, on)


def _passed(actor: Actor | None, code: str) -> None:
    if not isinstance(actor, UserActor):
        return
    found = permission(code)
    if found.sensitivity is not Sensitivity.NORMAL:
        for check in _step_ups:
            check(actor, found)
    note_use(actor, code)
